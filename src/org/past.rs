//! Which entries stand before which: one bit each, and only for the stretch where branches run
//! beside each other.
//!
//! Invariant: a past holds every place below its base. In a history without branches it is the base
//! alone, so that long histories stay cheap.

const BITS: usize = u64::BITS as usize;

/// The places from which one entry can be reached.
pub struct Past {
    /// In words of 64 places: everything below is in.
    base: usize,
    words: Vec<u64>,
}

impl Past {
    pub fn contains(&self, place: usize) -> bool {
        let Some(word) = (place / BITS).checked_sub(self.base) else { return true };
        self.words.get(word).is_some_and(|bits| bits >> (place % BITS) & 1 == 1)
    }

    /// The first place below `end` that is not in.
    pub fn first_missing(&self, end: usize) -> Option<usize> {
        let gap = self.words.iter().position(|word| *word != u64::MAX).unwrap_or(self.words.len());
        let ones = self.words.get(gap).map_or(0, |word| word.trailing_ones() as usize);
        let first = (self.base + gap) * BITS + ones;
        (first < end).then_some(first)
    }

    fn insert(&mut self, place: usize) {
        let Some(word) = (place / BITS).checked_sub(self.base) else { return };
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if let Some(bits) = self.words.get_mut(word) {
            *bits |= 1 << (place % BITS);
        }
    }

    /// What is in either. The lower base gives way: whatever it lacks, the other has.
    fn join(&mut self, other: &Self) {
        let base = self.base.max(other.base);
        self.rise_to(base);
        let theirs = other.words.iter().skip(base - other.base);
        if self.words.len() + base < other.words.len() + other.base {
            self.words.resize(other.words.len() + other.base - base, 0);
        }
        self.words.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine |= theirs);
    }

    fn rise_to(&mut self, base: usize) {
        let dropped = (base - self.base).min(self.words.len());
        self.words.drain(..dropped);
        self.base = base;
    }

    /// Full words at the front are said by the base.
    fn trim(&mut self) {
        let full = self.words.iter().take_while(|word| **word == u64::MAX).count();
        self.rise_to(self.base + full);
    }
}

/// The past of every entry, from the parents of each, in order.
pub fn pasts(parents: &[Vec<usize>]) -> Vec<Past> {
    let mut pasts: Vec<Past> = Vec::with_capacity(parents.len());
    for known in parents {
        let mut past = Past { base: 0, words: vec![] };
        for &parent in known {
            if let Some(before) = pasts.get(parent) {
                past.join(before);
            }
        }
        known.iter().for_each(|&parent| past.insert(parent));
        past.trim();
        pasts.push(past);
    }
    pasts
}

/// Which entries something was written beside.
pub fn branched(pasts: &[Past]) -> Vec<bool> {
    let mut branched = vec![false; pasts.len()];
    for (place, past) in pasts.iter().enumerate() {
        let Some(first) = past.first_missing(place) else { continue };
        for (other, beside) in branched.iter_mut().enumerate().take(place + 1).skip(first) {
            *beside |= !past.contains(other);
        }
    }
    branched
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_past_is_what_the_parents_lead_to() {
        let parents: Vec<Vec<usize>> = (0..400usize)
            .map(|n| match n {
                0 => vec![],
                n if n % 97 == 0 => vec![n - 1, n / 2],
                n if n % 7 == 3 => vec![n - 3],
                n => vec![n - 1],
            })
            .collect();
        let pasts = pasts(&parents);
        let mut naive: Vec<std::collections::BTreeSet<usize>> = vec![];
        for (place, known) in parents.iter().enumerate() {
            let mut past = std::collections::BTreeSet::new();
            for &parent in known {
                past.extend(naive[parent].iter().copied());
                past.insert(parent);
            }
            for other in 0..place {
                assert_eq!(pasts[place].contains(other), past.contains(&other), "{place} {other}");
            }
            let missing = (0..place).find(|other| !past.contains(other));
            assert_eq!(pasts[place].first_missing(place), missing, "{place}");
            naive.push(past);
        }
    }
}
