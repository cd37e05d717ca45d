//! The values of an environment, opened for use: the hot path.
//!
//! Values that were opened before stand together in one file of this machine's memory, so a warm start
//! opens that and not a box a value; others are opened from the vault and remembered.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::org::ids::{BoxId, Id};
use crate::secret::SecretBytes;

use super::memory::{Current, KeptBytes, Opened};
use super::open::{File, Session};
use super::scan::{box_at, find_box};
use super::values::{self, Expected};

impl Session {
    /// The id of an environment by its name.
    pub fn environment(&self, name: &str) -> Result<Id> {
        let known = &self.index.environments;
        let found = known.iter().find(|(_, known)| known == name);
        found.map(|(id, _)| id.clone()).ok_or_else(|| {
            let mut names: Vec<&str> = known.iter().map(|(_, name)| name.as_str()).collect();
            names.sort_unstable();
            Error::not_found(format!("no environment named {name} in {}", self.index.org))
                .hint(format!("there are {}", names.join(", ")))
        })
    }

    /// Opens these current values, in their order. One that cannot be opened fails the whole.
    pub fn open_current(&mut self, wanted: &[usize]) -> Result<Vec<SecretBytes>> {
        let mut shelf = Shelf::default();
        let values = wanted
            .iter()
            .filter_map(|at| self.index.current.get(*at))
            .map(|current| {
                self.open_one(&mut shelf, current).map_err(|error| naming(current, error))
            })
            .collect::<Result<Vec<_>>>()?;
        for (environment, opened) in
            shelf.opened.iter().filter(|(id, _)| shelf.learnt.contains(*id))
        {
            // A cache that cannot be written is no reason to fail.
            let _ = self.folder.remember_opened(&self.memory, environment, opened);
        }
        Ok(values)
    }

    fn open_one(&self, shelf: &mut Shelf, current: &Current) -> Result<SecretBytes> {
        let environment = &current.environment;
        if self.remembers && !shelf.opened.contains_key(environment) {
            shelf.opened.insert(environment.clone(), self.folder.opened(&self.memory, environment));
        }
        if let Some(value) =
            shelf.opened.get(environment).and_then(|opened| opened.0.get(&current.value))
        {
            return Ok(SecretBytes::copy_of(value.expose()));
        }
        let value = self.open_box(shelf, current)?;
        if let Some(opened) =
            shelf.opened.get_mut(environment).filter(|_| value.len() <= KEPT_BYTES)
        {
            opened.0.insert(current.value, KeptBytes::new(value.expose()));
            shelf.learnt.insert(environment.clone());
        }
        Ok(value)
    }

    /// From the vault file itself.
    fn open_box(&self, shelf: &mut Shelf, current: &Current) -> Result<SecretBytes> {
        if shelf.file.is_none() {
            shelf.file = Some(File::open(&self.path(), &self.folder)?);
        }
        let file = shelf.file.as_ref().ok_or_else(|| values::missing(current.value))?;
        let sealed = match self.placed(file, current) {
            Some(sealed) => sealed,
            None => find_box(&file.all()?, current.value)
                .map(|(_, sealed)| sealed)
                .ok_or_else(|| self.absent(file, current.value))?,
        };
        let expected = Expected {
            secret: &current.id,
            environment: &current.environment,
            number: current.number,
        };
        values::open(&sealed, &current.to, &self.rings, &expected)
    }

    /// The box from where it was; not there if the file was written anew since.
    pub(super) fn placed(&self, file: &File, current: &Current) -> Option<Vec<u8>> {
        let place = current.place?;
        box_at(&file.read(place.start, place.end).ok()?, place.id)
    }

    /// Damage, unless the file is another than the one that was checked.
    pub(super) fn absent(&self, file: &File, id: BoxId) -> Error {
        if self.index.seen.is_unchanged(&file.stamp) {
            return values::missing(id);
        }
        Error::conflict("the vault was written anew while it was read")
            .hint("run the command again")
    }
}

/// What was fetched on the way: the vault file, and opened values by environment.
#[derive(Default)]
struct Shelf {
    file: Option<File>,
    opened: BTreeMap<Id, Opened>,
    learnt: BTreeSet<Id>,
}

/// Larger values are opened anew each time: what a warm start reads must stay small.
const KEPT_BYTES: usize = 64 << 10;

fn naming(current: &Current, mut error: Error) -> Error {
    error.what = format!("cannot open {}: {}", current.name, error.what);
    error
}
