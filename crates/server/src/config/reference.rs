//! The reference of every key, for `docs/configuration.md`.

use toml::Value;

use super::Config;
use super::draft::below;
use super::environment::PREFIX;
use super::section::{Key, Kind, Section};
use super::xml_names::{pascal, path_of};

/// Writes the reference in Markdown, from the documentation of the fields.
pub fn reference() -> String {
    let mut text = String::new();
    let defaults = Value::try_from(Config::default()).unwrap_or_else(|_| Value::Table(toml::Table::new()));
    let top: Vec<&Key> = Config::SECTION
        .keys
        .iter()
        .filter(|key| key.kind.section().is_none())
        .collect();
    text.push_str("### At the top\n\n");
    rows(&mut text, &top, "", "", &defaults);
    for key in Config::SECTION.keys {
        if let Some(section) = key.kind.section() {
            write_section(&mut text, key.kind, section, key.name, &defaults);
        }
    }
    text
}

fn write_section(text: &mut String, kind: Kind, section: &'static Section, name: &str, defaults: &Value) {
    let (title, own) = if matches!(kind, Kind::Sections(_)) {
        (format!("[[{name}]]"), default_of(name))
    } else {
        (format!("[{name}]"), defaults.get(name).cloned())
    };
    text.push_str(&format!("\n### `{title}`\n\n{}\n\n", sentences(section.about)));
    let keys: Vec<&Key> = section
        .keys
        .iter()
        .filter(|key| key.kind.section().is_none())
        .collect();
    let none = Value::Table(toml::Table::new());
    rows(text, &keys, name, &path_of(name), own.as_ref().unwrap_or(&none));
    for key in section.keys {
        if let Some(inner) = key.kind.section() {
            let none = Value::Table(toml::Table::new());
            write_section(
                text,
                key.kind,
                inner,
                &below(name, key.name),
                own.as_ref().unwrap_or(&none),
            );
        }
    }
}

/// What the keys of a section of a list are while nobody sets them.
fn default_of(name: &str) -> Option<Value> {
    match name {
        "relay" => Value::try_from(super::Relay::default()).ok(),
        _ => None,
    }
}

fn rows(text: &mut String, keys: &[&Key], section: &str, xml: &str, defaults: &Value) {
    text.push_str("| key | meaning | default | XML | variable |\n| --- | --- | --- | --- | --- |\n");
    for key in keys {
        let default = defaults
            .get(key.name)
            .filter(|value| !key.marks.is_secret && value.as_str() != Some(""))
            .map_or_else(String::new, |value| {
                format!("`{}`", value.to_string().replace('|', "\\|"))
            });
        let mark = if key.marks.is_live { "" } else { " ¹" };
        let element = [xml, &pascal(key.name)]
            .iter()
            .filter(|part| !part.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join("/");
        text.push_str(&format!(
            "| `{}`{mark} | {}{} | {default} | `{element}` | `{}` |\n",
            key.name,
            sentences(key.about),
            holds(key.kind),
            variable(section, key.name),
        ));
    }
}

/// Which values a key takes where its meaning does not say.
fn holds(kind: Kind) -> String {
    match kind {
        Kind::Choice(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            format!(" One of {}.", words.join(", "))
        }
        Kind::Duration => " A length of time: `90s`, `5m`, `1h 30m`.".to_owned(),
        Kind::List(Kind::Duration) => " A list of lengths of time.".to_owned(),
        Kind::List(_) => " A list.".to_owned(),
        Kind::Switch => " `true` or `false`.".to_owned(),
        Kind::Number
        | Kind::Text
        | Kind::Path
        | Kind::Address
        | Kind::Network
        | Kind::Section(_)
        | Kind::Sections(_) => String::new(),
    }
}

fn variable(section: &str, key: &str) -> String {
    let list = ["relay", "submission.trusted"].contains(&section);
    let parts = section.split('.').filter(|part| !part.is_empty());
    let mut name = parts.map(|part| format!("{part}__")).collect::<String>();
    if list {
        name.push_str("0__");
    }
    format!("{PREFIX}{}", format!("{name}{key}").to_ascii_uppercase())
}

fn sentences(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}
