//! Who I am: the identity that unlocks, and the member key it opens.
//!
//! The member key comes from the system's keyring while unlocked, else from the member box that this
//! machine remembers, else from any member box that an identity opens, newest first.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::Settings;
use crate::context::{Context, Prompter};
pub use crate::crypto::identity::IdentityRecipient;
use crate::crypto::identity::{Asker, Identities, IdentityError};
use crate::crypto::member::MemberKey;
use crate::error::{Error, Explain, Kind, Result};
use crate::format::limits::KEYS_BYTES;
use crate::secret::SecretBytes;

/// An identity file is some keys and comments.
const IDENTITY_BYTES: u64 = 1 << 20;

/// Where the identity comes from.
pub enum Source {
    File(PathBuf),
    /// Named by `-i` or SECRETS_IDENTITY_FILE.
    Named(PathBuf),
    /// `SECRETS_IDENTITY` holds the key itself.
    Variable(SecretBytes),
}

impl Source {
    pub fn find(settings: &Settings, ctx: &Context) -> Result<Self> {
        if let Some(path) = &settings.identity {
            return Ok(Self::Named(path.clone()));
        }
        if let Some(path) = ctx.var_os("SECRETS_IDENTITY_FILE") {
            return Ok(Self::Named(ctx.cwd.join(path)));
        }
        if let Some(key) = ctx.var("SECRETS_IDENTITY")? {
            return Ok(Self::Variable(SecretBytes::copy_of(key.as_bytes())));
        }
        match &settings.user.identity {
            Some(path) => Ok(Self::File(ctx.paths()?.config.join(path))),
            None => Ok(Self::File(default_path(ctx)?)),
        }
    }

    /// A machine account's token leaves nothing behind on the machine.
    pub fn remembers(&self) -> bool {
        !matches!(self, Self::Variable(_))
    }

    pub fn name(&self) -> String {
        match self {
            Self::File(path) | Self::Named(path) => path.display().to_string(),
            Self::Variable(_) => "SECRETS_IDENTITY".to_owned(),
        }
    }

    pub fn load(self, ctx: &Context) -> Result<Identities> {
        let name = self.name();
        let contents = match self {
            Self::File(path) | Self::Named(path) => read(&path)?,
            Self::Variable(key) => key,
        };
        Identities::parse(contents, &name, Person::of(ctx)).map_err(explain)
    }
}

/// Where `init` puts a new identity.
pub fn default_path(ctx: &Context) -> Result<PathBuf> {
    Ok(ctx.paths()?.config.join("identity.txt"))
}

fn read(path: &Path) -> Result<SecretBytes> {
    let what = || format!("cannot read the identity {}", path.display());
    let opened = match crate::storage::Opened::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::denied(format!("there is no identity at {}", path.display()))
                .hint("name yours with `-i FILE` or SECRETS_IDENTITY_FILE; `secrets identity new` makes one"));
        }
        opened => opened.explain(Kind::Denied, what)?,
    };
    if opened.stamp().size > IDENTITY_BYTES {
        return Err(Error::denied(what()).because("it is too large to be an identity"));
    }
    Ok(SecretBytes::new(opened.read_from(0).explain(Kind::Denied, what)?))
}

/// The member key in a member box, if these identities open it. None: it is somebody else's.
pub fn open_member_box(identities: &Identities, file: &[u8]) -> Result<Option<MemberKey>> {
    match identities.open(file, KEYS_BYTES) {
        Ok(opened) => Ok(MemberKey::decode(opened.plaintext.expose())),
        Err(IdentityError::NoMatch { .. } | IdentityError::Box(_)) => Ok(None),
        Err(_) if identities.was_left() => Err(Error::new(Kind::Interrupted, "interrupted")),
        Err(cause) => Err(explain(cause)),
    }
}

/// What to seal to so that these identities open it.
pub fn seal_targets(identities: &Identities) -> Result<Vec<IdentityRecipient>> {
    identities.seal_targets().map_err(|cause| match identities.was_left() {
        true => Error::new(Kind::Interrupted, "interrupted"),
        false => explain(cause),
    })
}

/// An identity that does not unlock, as an error.
pub fn explain(cause: IdentityError) -> Error {
    let hint = match &cause {
        IdentityError::NoPassphrase { .. } => Some("run `secrets unlock` in a terminal first"),
        IdentityError::MissingPlugin { .. } => Some("install the plugin and put it on PATH"),
        _ => None,
    };
    let error = Error::denied("cannot unlock your key").because(cause);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The person at the terminal, asked for passphrases and told what a plugin says.
#[derive(Clone)]
pub struct Person {
    person: Arc<dyn Prompter>,
    no_input: bool,
    has_left: Arc<AtomicBool>,
}

impl Person {
    pub fn of(ctx: &Context) -> Self {
        Self { person: Arc::clone(&ctx.person), no_input: ctx.no_input, has_left: Arc::default() }
    }

    /// Ctrl-C is told from having no answer.
    fn answer<T>(&self, answer: io::Result<T>) -> Option<T> {
        if answer.as_ref().is_err_and(|cause| cause.kind() == io::ErrorKind::Interrupted) {
            self.has_left.store(true, Ordering::Relaxed);
        }
        answer.ok()
    }

    /// Looked for only when there is something to ask: a warm start never has.
    fn can_ask(&self) -> bool {
        !self.no_input && self.person.is_there()
    }
}

impl Asker for Person {
    fn passphrase(&self, prompt: &str) -> Option<SecretBytes> {
        if !self.can_ask() {
            return None;
        }
        self.answer(self.person.hidden(&format!("{prompt}: ")))
    }

    fn has_left(&self) -> bool {
        self.has_left.load(Ordering::Relaxed)
    }

    fn message(&self, text: &str) {
        self.person.tell(text);
    }

    fn confirm(&self, question: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        if !self.can_ask() {
            return None;
        }
        let choices = no.map_or_else(|| yes.to_owned(), |no| format!("{yes}/{no}"));
        let answer = self.answer(self.person.line(&format!("{question} [{choices}] ")))?;
        Some(answer.is_empty() || answer.eq_ignore_ascii_case(yes))
    }
}
