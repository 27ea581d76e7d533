//! Offices' relays: their settings, what the engine is told of them, and the test of a connection (O1, D1, D5, X3).

mod build;
mod diagnosis;
mod draft;
mod reach;
mod refresh;
mod report;
mod secrets;
mod service;
mod test;
#[cfg(test)]
mod tests;
mod token;

pub use diagnosis::Finding;
pub use draft::{BadSetting, RelayDraft, SecretDraft, SettingsDraft};
pub use reach::RefusedRelay;
pub use report::{Outcome, Step, StepName, TestReport};
pub use service::{Relays, RelaysParts, ServersRelay, SettingsError};
