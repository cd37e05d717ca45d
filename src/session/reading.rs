//! Values of any version, and notes: what is read now and then, from the vault file itself.
//!
//! Nothing of it is remembered: the hot path keeps current values only.

use crate::error::Result;
use crate::org::ids::{BoxId, Id, Recipient};
use crate::org::rings::RingName;
use crate::org::secrets::{Secret, Version};
use crate::org::state::Proposed;
use crate::secret::SecretBytes;

use super::open::{File, Session};
use super::scan::find_box;
use super::values::{self, Expected};

impl Session {
    /// The value of a version, the current one or an earlier one.
    pub fn open_version(&self, secret: &Secret, version: &Version) -> Result<SecretBytes> {
        let sealed = self.box_in_file(version.value)?;
        values::open(&sealed, &version.to, &self.rings, &Expected::of(secret, version))
    }

    /// The value of a version without effect, of a secret in this environment.
    pub fn open_proposed(&self, proposed: &Proposed, environment: &Id) -> Result<SecretBytes> {
        let sealed = self.box_in_file(proposed.value)?;
        let expected = Expected { secret: &proposed.secret, environment, number: proposed.number };
        values::open(&sealed, &proposed.to, &self.rings, &expected)
    }

    /// The note of a secret, if it has one.
    pub fn open_note(&mut self, secret: &Secret) -> Result<Option<SecretBytes>> {
        let Some(note) = secret.note else { return Ok(None) };
        let sealed = self.box_in_file(note)?;
        let generations = self.state()?.rings.of(&RingName::Members).rev();
        let to: Vec<Recipient> =
            generations.map(|generation| generation.recipient.clone()).collect();
        values::open_note(&sealed, &to, &self.rings, &secret.id).map(Some)
    }

    fn box_in_file(&self, id: BoxId) -> Result<Vec<u8>> {
        let file = File::open(&self.path(), &self.folder)?;
        let current = self.index.current.iter().find(|current| current.value == id);
        if let Some(sealed) = current.and_then(|current| self.placed(&file, current)) {
            return Ok(sealed);
        }
        let found = find_box(&file.all()?, id).map(|(_, sealed)| sealed);
        found.ok_or_else(|| self.absent(&file, id))
    }
}
