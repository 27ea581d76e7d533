//! What can be wrong with a configuration, in words that say what to change.

use std::fmt;
use std::path::PathBuf;

use super::draft::Origin;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub origin: Origin,
    /// What is wrong and what is allowed.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.what)
    }
}

/// Why the server doesn't start with this configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file's name does not say what is in it.
    #[error("{}: the ending of a configuration file is .toml or .xml", path.display())]
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// The file is larger than any configuration.
    #[error("{}: is larger than {most} bytes; is it a configuration?", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The largest that is read.
        most: u64,
    },
    /// Keys or values are wrong; never empty.
    #[error("{}", lines(.0))]
    Wrong(Vec<Problem>),
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
