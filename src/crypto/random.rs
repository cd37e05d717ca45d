//! Randomness from the system, for ids and keys. There is no other source and no seed.

/// `N` unpredictable bytes. A caller that makes a key of them wraps them in `Zeroizing`.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

#[allow(clippy::expect_used, reason = "a system without randomness cannot make keys: stop at once")]
fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system gives no randomness");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same() {
        let drawn: std::collections::HashSet<[u8; 16]> = (0..1000).map(|_| random()).collect();
        assert_eq!(drawn.len(), 1000);
    }
}
