//! What the keys are called in XML.
//!
//! An element is called like its key, in capitals instead of underscores: `user_daily_limit` is `<UserDailyLimit>`. The
//! keys of `[server]` stand directly below the root `<Server>`. Three sections have the names that offices know from
//! their former `config.xml`; their own names are understood too.

use super::Config;
use super::section::{Key, Section};

/// The root element.
pub(super) const ROOT: &str = "Server";

/// The section whose keys stand directly below the root.
const ROOT_SECTION: &str = "server";

/// Sections whose XML name is another: the key, and the elements from the outermost.
const OTHER_NAMES: [(&str, &[&str]); 3] = [
    ("queue", &["Services", "EmailQueue"]),
    ("limits", &["EmailLimits"]),
    ("relay", &["Smtp"]),
];

/// What an element below the root is.
pub(super) enum Found {
    /// A key of a section; the text names the section, empty for the top.
    Key(&'static str, &'static Key),
    /// An element that only groups others.
    Group(&'static [&'static str]),
}

/// `user_daily_limit` as `UserDailyLimit`.
pub(super) fn pascal(key: &str) -> String {
    key.split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        })
        .collect()
}

/// Finds the key of a section that an element names.
pub(super) fn key_of(section: &'static Section, element: &str) -> Option<&'static Key> {
    section.keys.iter().find(|key| pascal(key.name) == element)
}

/// The elements that may stand in a section.
pub(super) fn allowed(section: &'static Section) -> Vec<String> {
    section.keys.iter().map(|key| pascal(key.name)).collect()
}

fn root_section() -> Option<&'static Section> {
    Config::SECTION
        .key(ROOT_SECTION)
        .and_then(|key| key.kind.section())
}

/// Finds what an element below the root is.
pub(super) fn below_root(element: &str) -> Option<Found> {
    for (name, elements) in OTHER_NAMES {
        if elements.first() == Some(&element) {
            return match elements {
                [_] => Config::SECTION.key(name).map(|key| Found::Key("", key)),
                _ => Some(Found::Group(elements)),
            };
        }
    }
    if let Some(key) = root_section().and_then(|section| key_of(section, element)) {
        return Some(Found::Key(ROOT_SECTION, key));
    }
    let key = key_of(&Config::SECTION, element).filter(|key| key.name != ROOT_SECTION);
    key.map(|key| Found::Key("", key))
}

/// The key that the innermost element of a group names.
pub(super) fn in_group(group: &[&str], element: &str) -> Option<&'static Key> {
    let (name, _) = OTHER_NAMES
        .iter()
        .find(|(_, elements)| *elements == group && elements.last() == Some(&element))?;
    Config::SECTION.key(name)
}

/// The elements that may stand below the root.
pub(super) fn allowed_below_root() -> Vec<String> {
    let server = root_section().map(allowed).unwrap_or_default();
    let sections = Config::SECTION.keys.iter().filter(|key| key.name != ROOT_SECTION);
    server
        .into_iter()
        .chain(sections.map(|key| match other_name(key.name) {
            Some([first, ..]) => (*first).to_owned(),
            _ => pascal(key.name),
        }))
        .collect()
}

fn other_name(section: &str) -> Option<&'static [&'static str]> {
    OTHER_NAMES
        .iter()
        .find(|(name, _)| *name == section)
        .map(|(_, elements)| *elements)
}

/// The elements that lead to a section or to a key at the top, as the reference shows them: `Services/EmailQueue`.
pub(super) fn path_of(section: &str) -> String {
    if section == ROOT_SECTION {
        return String::new();
    }
    match other_name(section) {
        Some(elements) => elements.join("/"),
        None => section.split('.').map(pascal).collect::<Vec<_>>().join("/"),
    }
}
