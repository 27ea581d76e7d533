//! Reads the file, lets the environment override it, and checks every value, and what belongs together.

use std::io::Read as _;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;

use toml::Value;

use super::draft::{Draft, Origin, Places, below, find};
use super::environment::{self, Environment};
use super::near::unknown;
use super::section::{Kind, Section};
use super::{Config, ConfigError, HumanDuration, Network, check, toml_file, xml_file};

/// The largest file that is read, in bytes.
const MOST_BYTES: u64 = 1024 * 1024;

/// A configuration that was read and is right, with where each value comes from.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    places: Places,
}

impl Loaded {
    /// Where a key's value comes from; `path` is as in the reference, `limits.user_daily_limit` or `relay[0].host`.
    pub fn origin(&self, path: &str) -> Origin {
        self.places.get(path).cloned().unwrap_or(Origin::Default)
    }

    /// Takes over where a key and what lies below it were set.
    pub(super) fn take_origin(&mut self, from: &Self, path: &str) {
        let lies_below = |place: &String| {
            place == path
                || place
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        self.places.retain(|place, _| !lies_below(place));
        let taken = from.places.iter().filter(|(place, _)| lies_below(place));
        self.places
            .extend(taken.map(|(place, origin)| (place.clone(), origin.clone())));
    }

    /// Where a key was set, in words for people, and `None` where it has its default: what is set in the configuration
    /// cannot be changed elsewhere.
    pub fn pinned(&self, path: &str) -> Option<String> {
        self.places.get(path).map(ToString::to_string)
    }
}

impl Deref for Loaded {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.config
    }
}

impl From<Config> for Loaded {
    /// A configuration that was made in the program: nothing counts as set.
    fn from(config: Config) -> Self {
        Self {
            config,
            places: Places::new(),
        }
    }
}

impl From<&Config> for Loaded {
    fn from(config: &Config) -> Self {
        config.clone().into()
    }
}

impl From<&Self> for Loaded {
    fn from(loaded: &Self) -> Self {
        loaded.clone()
    }
}

/// Reads the configuration; without a file, the defaults and the environment.
///
/// # Errors
/// [`ConfigError`] with every mistake: the file, line and key, and what is allowed there.
pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Loaded, ConfigError> {
    let mut draft = Draft::new(path.unwrap_or(Path::new("(no file)")).to_owned());
    if let Some(path) = path {
        let text = text_of(path)?;
        match path.extension().and_then(|ending| ending.to_str()) {
            Some(ending) if ending.eq_ignore_ascii_case("toml") => toml_file::read(&mut draft, &text),
            Some(ending) if ending.eq_ignore_ascii_case("xml") => xml_file::read(&mut draft, &text),
            _ => {
                return Err(ConfigError::Ending {
                    path: path.to_owned(),
                });
            }
        }
        if !draft.problems.is_empty() && draft.table.is_empty() {
            return Err(ConfigError::Wrong(draft.problems));
        }
    }
    environment::apply(&mut draft, environment);
    check_values(&mut draft);
    let config = typed(&mut draft);
    if draft.problems.is_empty() {
        check::together(&mut draft, &config);
    }
    if draft.problems.is_empty() {
        Ok(Loaded {
            config,
            places: draft.places,
        })
    } else {
        Err(ConfigError::Wrong(in_order(draft.problems)))
    }
}

fn text_of(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    file.take(MOST_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(ConfigError::TooLarge {
            path: path.to_owned(),
            most: MOST_BYTES,
        });
    }
    Ok(text)
}

/// The file's mistakes by line, then those of the environment.
fn in_order(mut problems: Vec<super::Problem>) -> Vec<super::Problem> {
    problems.sort_by_key(|problem| match &problem.origin {
        Origin::File { line, column, .. } => (0, *line, *column),
        Origin::Default | Origin::Whole(_) => (1, 0, 0),
        Origin::Variable(_) => (2, 0, 0),
    });
    problems
}

/// Where a key stands, in words: ` at the top`, ` in [http]`, ` in [[relay]]`.
pub(super) fn within(section: &str) -> String {
    match section.rsplit_once('[') {
        _ if section.is_empty() => " at the top".to_owned(),
        Some((list, _)) if section.ends_with(']') => format!(" in [[{list}]]"),
        _ => format!(" in [{section}]"),
    }
}

/// Compares every value with what its key holds; what is wrong is told and taken out.
fn check_values(draft: &mut Draft) {
    let table = draft.table.clone();
    check_section(draft, &Config::SECTION, "", &Value::Table(table));
}

fn check_section(draft: &mut Draft, section: &'static Section, at: &str, held: &Value) {
    let Value::Table(table) = held else {
        return;
    };
    for (name, value) in table {
        let path = below(at, name);
        let Some(key) = section.key(name) else {
            let allowed: Vec<&str> = section.keys.iter().map(|key| key.name).collect();
            draft.wrong(&path, unknown("key", name, &within(at), &allowed));
            draft.remove(&path);
            continue;
        };
        if let Err(what) = fits(key.kind, value) {
            // What somebody wrote for a secret is not repeated, even where it cannot be one.
            let what = if key.marks.is_secret {
                format!("this is not {}", key.kind.expected())
            } else {
                what
            };
            draft.wrong(&path, format!("{path}: {what}"));
            draft.remove(&path);
            continue;
        }
        match (key.kind, value) {
            (Kind::Section(inner), _) => check_section(draft, inner, &path, value),
            (Kind::Sections(inner), Value::Array(items)) => {
                for (n, item) in items.iter().enumerate() {
                    check_section(draft, inner, &format!("{path}[{n}]"), item);
                }
            }
            (Kind::List(kind), Value::Array(items)) => check_list(draft, *kind, &path, items),
            _ => {}
        }
    }
}

fn check_list(draft: &mut Draft, kind: Kind, path: &str, items: &[Value]) {
    let mut is_wrong = false;
    for (n, item) in items.iter().enumerate() {
        if let Err(what) = fits(kind, item) {
            let path = format!("{path}[{n}]");
            draft.wrong(&path, format!("{path}: {what}"));
            is_wrong = true;
        }
    }
    if is_wrong && let Some(value) = find(&mut draft.table, path) {
        *value = Value::Array(Vec::new());
    }
}

/// Whether a value is of a kind; numbers are compared with their key's range later.
fn fits(kind: Kind, value: &Value) -> Result<(), String> {
    let text = |parse: &dyn Fn(&str) -> Result<(), String>| {
        let text = value.as_str();
        text.map_or_else(|| Err(format!("{value} is not {}", kind.expected())), parse)
    };
    let is_right = match (kind, value) {
        (Kind::Switch, Value::Boolean(_))
        | (Kind::List(_), Value::Array(_))
        | (Kind::Section(_), Value::Table(_)) => true,
        (Kind::Number, Value::Integer(number)) => *number >= 0,
        (Kind::Sections(_), Value::Array(items)) => items.iter().all(Value::is_table),
        (Kind::Text | Kind::Path, _) => return text(&|_| Ok(())),
        (Kind::Duration, _) => return text(&|text| text.parse::<HumanDuration>().map(drop)),
        (Kind::Network, _) => return text(&|text| text.parse::<Network>().map(drop)),
        (Kind::Address, _) => {
            return text(&|text| {
                text.parse::<SocketAddr>().map(drop).map_err(|_| {
                    format!(
                        "{text:?} is not an address to listen on; write it like \"127.0.0.1:8080\" or \"[::1]:8080\""
                    )
                })
            });
        }
        (Kind::Choice(words), _) => {
            return text(&|text| {
                if words.contains(&text) {
                    Ok(())
                } else {
                    Err(unknown("value", text, "", words))
                }
            });
        }
        (Kind::Switch | Kind::Number | Kind::List(_) | Kind::Section(_) | Kind::Sections(_), _) => false,
    };
    if is_right {
        Ok(())
    } else {
        Err(format!("{} is not {}", short(value), kind.expected()))
    }
}

/// A value as a sentence may show it.
fn short(value: &Value) -> String {
    match value {
        Value::Table(_) => "a section".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
            value.to_string()
        }
    }
}

/// Reads the values as the types of their keys. What does not fit is told and taken out, until the rest can be read, so
/// that every mistake is told at once.
fn typed(draft: &mut Draft) -> Config {
    loop {
        let value = Value::Table(draft.table.clone());
        let error = match serde_path_to_error::deserialize::<_, Config>(value) {
            Ok(config) => return config,
            Err(error) => error,
        };
        let path = error.path().to_string();
        let what = error.inner().message().trim().replace('\n', " ");
        draft.wrong(&path, format!("{path}: {what}"));
        if !draft.remove(&path) {
            return Config::default();
        }
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "xml_tests.rs"]
mod xml_tests;
