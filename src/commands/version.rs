//! Versions as people type them: `4`, `4~9f3c` where two share a number, or a box's id; and the
//! change that is refused because somebody else's came first.

use crate::cli::Precondition;
use crate::error::{Error, Result};
use crate::org::ids::{BoxId, EntryId};
use crate::org::secrets::{Secret, Version};
use crate::org::state::{Proposed, State};

use super::secret::{Place, when};

/// A version that was typed.
enum Label<'t> {
    Number(u32),
    Marked(u32, &'t str),
    Box(BoxId),
}

impl<'t> Label<'t> {
    fn parse(typed: &'t str) -> Result<Self> {
        let number = |text: &str| text.parse().ok().filter(|_| !text.starts_with('+'));
        let marked = typed.split_once('~');
        let label = match marked {
            Some((text, mark)) => number(text).map(|number| Self::Marked(number, mark)),
            None => number(typed).map(Self::Number),
        };
        label.or_else(|| BoxId::parse(typed).map(Self::Box)).ok_or_else(|| {
            Error::usage(format!("{typed} is no version"))
                .because("a version is a number such as 4, or 4~9f3c where two have that number")
        })
    }

    fn fits(&self, number: u32, value: BoxId) -> bool {
        match self {
            Self::Number(wanted) => number == *wanted,
            Self::Marked(wanted, mark) => {
                number == *wanted && mark.eq_ignore_ascii_case(&value.short())
            }
            Self::Box(id) => value == *id,
        }
    }

    fn is_bare(&self) -> bool {
        matches!(self, Self::Number(_))
    }
}

/// A version in effect, or one without.
pub enum Found<'a> {
    Version(&'a Version),
    Proposed(&'a Proposed),
}

/// `5~9f3c`: a proposed version always shows its mark, so that none is taken by accident.
pub fn proposed_label(proposed: &Proposed) -> String {
    format!("{}~{}", proposed.number, proposed.value.short())
}

/// The version that was named. A number that two have names neither.
pub fn find_version<'a>(
    secret: &'a Secret,
    proposed: &[&'a Proposed],
    typed: &str,
) -> Result<Found<'a>> {
    let label = Label::parse(typed)?;
    let versions: Vec<&Version> = secret
        .versions
        .iter()
        .filter(|version| label.fits(version.number, version.value))
        .collect();
    match versions.as_slice() {
        [one] => return Ok(Found::Version(one)),
        [] => {}
        several => return Err(ambiguous(secret, typed, several)),
    }
    find_proposed(proposed, &label, typed)?
        .map(Found::Proposed)
        .ok_or_else(|| no_version(secret, typed))
}

/// A proposed version by its whole label; by a bare number it is only pointed at.
pub fn find_proposed_only<'a>(proposed: &[&'a Proposed], typed: &str) -> Result<&'a Proposed> {
    find_proposed(proposed, &Label::parse(typed)?, typed)?
        .ok_or_else(|| Error::not_found(format!("no version {typed} is proposed")))
}

fn find_proposed<'a>(
    proposed: &[&'a Proposed],
    label: &Label<'_>,
    typed: &str,
) -> Result<Option<&'a Proposed>> {
    let fits: Vec<&Proposed> =
        proposed.iter().filter(|one| label.fits(one.number, one.value)).copied().collect();
    match fits.as_slice() {
        [] => Ok(None),
        [one] if !label.is_bare() => Ok(Some(one)),
        some => {
            let labels: Vec<String> = some.iter().map(|one| proposed_label(one)).collect();
            Err(Error::conflict(format!("version {typed} is proposed, not in effect"))
                .hint(format!("name it in full: {}", labels.join(" or "))))
        }
    }
}

fn ambiguous(secret: &Secret, typed: &str, versions: &[&Version]) -> Error {
    let labels: Vec<String> = versions
        .iter()
        .map(|version| format!("{}~{}", version.number, version.value.short()))
        .collect();
    Error::conflict(format!(
        "{} versions of {} have the number {typed}",
        versions.len(),
        secret.name
    ))
    .because("they were written at the same time on copies of the vault")
    .hint(format!("say which: {}", labels.join(" or ")))
}

fn no_version(secret: &Secret, typed: &str) -> Error {
    let highest = secret.versions.iter().map(|version| version.number).max().unwrap_or(0);
    Error::not_found(format!("{} has no version {typed}", secret.name))
        .because(match highest {
            1 => "it has the version 1".to_owned(),
            highest => format!("it has the versions 1 to {highest}"),
        })
        .hint(format!("`secrets history {}` lists them", secret.name))
}

/// Refuses where somebody changed the secret since the user looked.
pub fn refuse_if_moved(
    state: &State,
    secret: &Secret,
    place: &Place,
    wanted: &Precondition,
) -> Result<()> {
    if let Some(typed) = &wanted.if_version {
        refuse_other_version(state, secret, place, typed)?;
    }
    let Some(typed) = &wanted.if_match else { return Ok(()) };
    let etag = EntryId::parse(typed).ok_or_else(|| {
        Error::usage("--if-match: that is no etag")
            .hint(format!("`secrets show {}` prints it", secret.name))
    })?;
    if etag == secret.etag {
        return Ok(());
    }
    let by = &secret.updated;
    let version = secret.current().map(|version| secret.label(version)).unwrap_or_default();
    Err(Error::conflict(format!("{} in {place} was changed: its etag is another", secret.name))
        .because(format!(
            "{} changed it on {}; the current version is {version}",
            state.name_of(&by.author),
            when(by.time)
        ))
        .hint(format!("look at it with `secrets show {}`, then decide", secret.name)))
}

fn refuse_other_version(state: &State, secret: &Secret, place: &Place, typed: &str) -> Result<()> {
    let label = Label::parse(typed)?;
    let Some(current) = secret.current() else { return Ok(()) };
    if label.fits(current.number, current.value) {
        let same: Vec<&Version> = secret.numbered(current.number).collect();
        if label.is_bare() && same.len() > 1 {
            return Err(ambiguous(secret, typed, &same));
        }
        return Ok(());
    }
    let now = secret.label(current);
    Err(Error::conflict(format!(
        "{} in {place} was changed: the current version is {now}, not {typed}",
        secret.name
    ))
    .because(format!(
        "{} wrote version {now} on {}",
        state.name_of(&current.by.author),
        when(current.by.time)
    ))
    .hint(format!("look at it with `secrets reveal {}`, then decide", secret.name)))
}

/// The versions without effect of a secret, oldest first.
pub fn proposed_of<'a>(state: &'a State, secret: &Secret) -> Vec<&'a Proposed> {
    state.proposed.iter().filter(|proposed| proposed.secret == secret.id).collect()
}
