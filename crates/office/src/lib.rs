//! Postroom: what people meet: people, rights, settings, alerts.

mod access;
mod accounts;
pub mod alerts;
mod authenticator;
mod bulk;
mod cache;
mod directory;
mod notices;
mod notifier;
mod password;
mod principal;
pub mod relays;
mod secret;
mod sending;
mod suggestions;
mod throttle;
mod vault;

pub use access::{Access, Belongs};
pub use accounts::{Accounts, INVITATION_LASTS, RESET_LASTS, SETUP_LASTS};
pub use authenticator::{Authenticator, SESSION_LASTS, SignInError};
pub use bulk::{JobParts, Jobs};
pub use directory::Directory;
pub use notices::{NoticeError, NoticeSettings, Notices, POSTROOM, TemplateError};
pub use notifier::{Link, Notice, NoticeEvent, Notifier, NotifyError, Unheard};
pub use password::{MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS, PasswordError, Passwords};
pub use principal::{Key, Person, Principal, Who};
pub use secret::{KEY_PREFIX, Secret, hash_of};
pub use sending::Senders;
pub use suggestions::{Source, Suggestion, suggestions};
pub use throttle::{Throttle, TooMany};
pub use vault::{Field, KEY_FILE, Slot, Vault, VaultError};
