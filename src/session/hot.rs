//! The values of an environment, opened for use: the hot path.
//!
//! A value whose place and file key are remembered costs one read and one decryption of its own box;
//! what is learnt on the way is remembered for the next start.

use std::collections::BTreeMap;

use crate::crypto::seal::FileKeyBytes;
use crate::error::{Error, Result};
use crate::org::ids::Id;
use crate::secret::SecretBytes;

use super::memory::{Current, KeptKey, Place};
use super::open::{File, Session};
use super::scan::{box_at, find_box};
use super::values::{self, Expected};

impl Session {
    /// The id of an environment by its name.
    pub fn environment(&self, name: &str) -> Result<Id> {
        let found = self.index.environments.iter().find(|(_, known)| known == name);
        found.map(|(id, _)| id.clone()).ok_or_else(|| {
            let names: Vec<&str> =
                self.index.environments.iter().map(|(_, name)| name.as_str()).collect();
            Error::not_found(format!("no environment named {name} in {}", self.index.org))
                .because(format!("there are {}", names.join(", ")))
        })
    }

    /// Opens these current values, in their order. One that cannot be opened fails the whole.
    pub fn open_current(&mut self, wanted: &[usize]) -> Result<Vec<SecretBytes>> {
        let path = self.path();
        let file = File::open(&path, &self.folder)?;
        let mut whole: Option<Vec<u8>> = None;
        let mut values = Vec::with_capacity(wanted.len());
        let mut learnt: BTreeMap<usize, (Option<Place>, Option<KeptKey>)> = BTreeMap::new();
        for &at in wanted {
            let Some(current) = self.index.current.get(at) else { continue };
            let (value, place, key) =
                self.open_one(&file, &mut whole, current).map_err(|mut error| {
                    error.what = format!("cannot open {}: {}", current.name, error.what);
                    error
                })?;
            if place.is_some() || key.is_some() {
                learnt.insert(at, (place, key));
            }
            values.push(value);
        }
        self.learn(learnt);
        Ok(values)
    }

    fn open_one(
        &self,
        file: &File,
        whole: &mut Option<Vec<u8>>,
        current: &Current,
    ) -> Result<(SecretBytes, Option<Place>, Option<KeptKey>)> {
        let expected = Expected {
            secret: &current.id,
            environment: &current.environment,
            number: current.number,
        };
        let (sealed, place) = match current.place {
            Some(place) => (box_at(&file.read(place.start, place.end)?, place.id), None),
            None => match find_box(all_of(file, whole)?, current.value) {
                Some((place, sealed)) => {
                    let place = Place {
                        id: current.value,
                        start: place.start as u64,
                        end: place.end as u64,
                    };
                    (Some(sealed), Some(place))
                }
                None => (None, None),
            },
        };
        let sealed = sealed.ok_or_else(|| values::missing(current.value))?;
        match current.file_key.as_ref().and_then(file_key) {
            Some(key) => Ok((values::open_known(&sealed, &key, &expected)?, place, None)),
            None => {
                let (value, key) = values::open(&sealed, &current.to, &self.rings, &expected)?;
                Ok((value, place, Some(KeptKey::new(key.expose()))))
            }
        }
    }

    /// Remembers places and file keys; a cache that cannot be written is no reason to fail.
    fn learn(&mut self, learnt: BTreeMap<usize, (Option<Place>, Option<KeptKey>)>) {
        if learnt.is_empty() || !self.remembers {
            return;
        }
        for (at, (place, key)) in learnt {
            if let Some(current) = self.index.current.get_mut(at) {
                current.place = place.or(current.place);
                current.file_key = key.or(current.file_key.take());
            }
        }
        let _ = self.folder.remember_index(&self.memory, &self.index);
    }
}

fn all_of<'a>(file: &File, whole: &'a mut Option<Vec<u8>>) -> Result<&'a [u8]> {
    if whole.is_none() {
        *whole = Some(file.all()?);
    }
    Ok(whole.as_deref().unwrap_or_default())
}

fn file_key(kept: &KeptKey) -> Option<FileKeyBytes> {
    Some(FileKeyBytes::from_bytes(kept.expose().try_into().ok()?))
}
