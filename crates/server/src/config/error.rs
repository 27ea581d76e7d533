//! What can be wrong with a configuration, in words that say what to change.

use std::path::PathBuf;

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
    /// The file is not TOML, or a key or value in it is wrong.
    #[error("{}:{line}: {what}", path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// Counts from 1.
        line: usize,
        /// What is wrong and what is allowed.
        what: String,
    },
    /// A variable of the environment names no key, or its value is wrong.
    #[error("environment variable {name}: {what}")]
    BadVariable {
        /// The variable.
        name: String,
        /// What is wrong and what is allowed.
        what: String,
    },
    /// Values that are right each but not together.
    #[error("{}: {what}", path.display())]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
}

/// Puts the words of a reader that met a wrong key or value into a sentence for people; `path` is where it stood,
/// such as `http.listen`.
pub(super) fn explain(path: &str, message: &str) -> String {
    let message = message.trim();
    let section = path.rsplit_once('.').map_or("", |(section, _)| section);
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let (key, expected) = rest.split_once('`').unwrap_or((rest, ""));
        let allowed: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        return unknown("key", key, &within(section), &allowed);
    }
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        let (value, expected) = rest.split_once('`').unwrap_or((rest, ""));
        let allowed: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        return unknown("value", value, &format!(" for {path}"), &allowed);
    }
    if path.is_empty() || path == "." {
        message.replace('\n', " ")
    } else {
        format!("{path}: {}", message.replace('\n', " "))
    }
}

fn within(section: &str) -> String {
    match section {
        "" | "." => " at the top".to_owned(),
        section => format!(" in [{section}]"),
    }
}

fn unknown(what: &str, name: &str, place: &str, allowed: &[&str]) -> String {
    let near = allowed
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), *candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = near.map_or_else(String::new, |(_, candidate)| {
        format!("; did you mean \"{candidate}\"?")
    });
    let list = allowed.join(", ");
    format!("unknown {what} \"{name}\"{place}{hint} (allowed: {list})")
}
