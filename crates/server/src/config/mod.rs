//! The configuration: one file, TOML or XML by its ending, with the same keys; `POSTROOM_…` variables override it.
//! Unknown and bad keys refuse the start with their name and line; every mistake of a file is told at once.
//!
//! `keys` declares every key. [`Loaded`] is what was read, with where each value comes from; [`Live`] is the one that
//! holds now, which a reload replaces.

mod check;
mod draft;
mod environment;
mod error;
mod keys;
mod live;
mod load;
mod merge;
mod near;
mod reference;
mod section;
mod show;
mod toml_file;
mod values;
mod xml_file;
mod xml_names;

pub use draft::Origin;
pub use environment::Environment;
pub use error::{ConfigError, Problem};
pub use keys::{
    Config, Delivery, Http, Limits, Log, LogFormat, Metrics, Notifications, Outbound, PermanentFailures,
    Queue, Relay, RelayTls, Server, Submission, Trusted,
};
pub use live::Live;
pub use load::{Loaded, load};
pub use merge::{Merged, merge};
pub use reference::reference;
pub use section::{Key, Kind, Marks, Section};
pub use show::{Shown, show};
pub use values::{HumanDuration, Network};
