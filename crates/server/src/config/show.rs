//! `postroom config show`: what holds, and where each value comes from.

use toml::Value;

use super::draft::{Origin, below};
use super::section::{Kind, Section};
use super::{Config, Loaded};

/// What stands for a secret that is set.
const HIDDEN: &str = "(hidden)";

/// One key as it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its path, `relay[0].host`.
    pub path: String,
    /// Its value as TOML, a secret hidden.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Every key as it holds, in the order of the reference.
pub fn show(loaded: &Loaded) -> Vec<Shown> {
    let mut rows = Vec::new();
    if let Ok(Value::Table(table)) = Value::try_from(&loaded.config) {
        section(&mut rows, loaded, &Config::SECTION, "", &table);
    }
    rows
}

fn section(rows: &mut Vec<Shown>, loaded: &Loaded, about: &Section, at: &str, table: &toml::Table) {
    for key in about.keys {
        let path = below(at, key.name);
        match (key.kind, table.get(key.name)) {
            (Kind::Section(inner), Some(Value::Table(held))) => section(rows, loaded, inner, &path, held),
            (Kind::Sections(inner), Some(Value::Array(items))) if !items.is_empty() => {
                for (n, item) in items.iter().enumerate() {
                    if let Value::Table(held) = item {
                        section(rows, loaded, inner, &format!("{path}[{n}]"), held);
                    }
                }
            }
            (_, value) => rows.push(Shown {
                value: words(value, key.marks.is_secret),
                origin: loaded.origin(&path),
                path,
            }),
        }
    }
}

fn words(value: Option<&Value>, is_secret: bool) -> String {
    match value {
        None => "(not set)".to_owned(),
        Some(Value::String(text)) if is_secret && !text.is_empty() => HIDDEN.to_owned(),
        Some(value) => value.to_string(),
    }
}
