//! Variables of the environment that override keys: `POSTROOM_HTTP__LISTEN` is `http.listen`.

use toml::{Table, Value};

use super::Config;
use super::draft::{Draft, Origin, below};
use super::error::Problem;
use super::near::unknown;
use super::section::{Kind, Section};

/// Start of every variable that overrides a key.
pub(super) const PREFIX: &str = "POSTROOM_";

/// Variables with that start that are no keys: what commands read, and what tests and scripts are told by.
const OTHERS: [&str; 10] = [
    "POSTROOM_API_KEY",
    "POSTROOM_BIN",
    "POSTROOM_CONFIG",
    "POSTROOM_LOGIN",
    "POSTROOM_PASSWORD",
    "POSTROOM_SCRATCH",
    "POSTROOM_SMTP",
    "POSTROOM_TEST_PANIC",
    "POSTROOM_UI_DIST",
    "POSTROOM_URL",
];

/// Variables of the environment, in any order.
pub type Environment = Vec<(String, String)>;

/// Puts the variables over what the file says; a name or value that is wrong goes to the problems.
pub(super) fn apply(draft: &mut Draft, environment: &Environment) {
    let mut overrides: Vec<_> = environment
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX) && !OTHERS.contains(&name.as_str()))
        .collect();
    overrides.sort();
    for (name, text) in overrides {
        let keys: Vec<String> = name
            .strip_prefix(PREFIX)
            .unwrap_or(name)
            .split("__")
            .map(str::to_ascii_lowercase)
            .collect();
        let mut table = std::mem::take(&mut draft.table);
        let put = put(&mut table, &Config::SECTION, "", &keys, text);
        draft.table = table;
        let origin = Origin::Variable(name.clone());
        match put {
            Ok(path) => {
                // The elements of a list that stood in the file are gone.
                draft
                    .places
                    .retain(|place, _| !place.starts_with(&format!("{path}[")));
                draft.places.insert(path, origin);
            }
            Err(what) => draft.problems.push(Problem { origin, what }),
        }
    }
}

/// Puts one value where its key belongs and says at which path.
fn put(
    table: &mut Table,
    section: &Section,
    at: &str,
    keys: &[String],
    text: &str,
) -> Result<String, String> {
    let Some((name, rest)) = keys.split_first() else {
        return Err("this names no key".to_owned());
    };
    let Some(key) = section.key(name) else {
        let allowed: Vec<&str> = section.keys.iter().map(|key| key.name).collect();
        return Err(unknown("key", name, &super::load::within(at), &allowed));
    };
    let path = below(at, name);
    match (key.kind, rest) {
        (Kind::Section(inner), [_, ..]) => {
            let held = table
                .entry(name.clone())
                .or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(held) = held else {
                return Err(format!("{path} is not a section in the file"));
            };
            put(held, inner, &path, rest, text)
        }
        (Kind::Sections(inner), [position, rest @ ..]) if !rest.is_empty() => {
            let held = table
                .entry(name.clone())
                .or_insert_with(|| Value::Array(Vec::new()));
            let Value::Array(items) = held else {
                return Err(format!("{path} is not a list in the file"));
            };
            let n = position.parse().unwrap_or(usize::MAX);
            if n == items.len() {
                items.push(Value::Table(Table::new()));
            }
            let Some(Value::Table(held)) = items.get_mut(n) else {
                return Err(format!(
                    "{path} has {} in the file; \"{position}\" is no position of one (they count from 0)",
                    items.len()
                ));
            };
            put(held, inner, &format!("{path}[{n}]"), rest, text)
        }
        (Kind::Section(_), []) => Err(format!(
            "{path} is a section: name one of its keys after two underscores"
        )),
        (Kind::Sections(_), _) => Err(format!(
            "{path} is a list of sections: name a position and a key, as in {PREFIX}{}__0__{}",
            path.to_ascii_uppercase(),
            "KEY"
        )),
        (_, [_, ..]) => Err(format!("{path} is not a section")),
        (kind, []) => {
            table.insert(name.clone(), coerce(kind, text));
            Ok(path)
        }
    }
}

/// Reads the text of a variable, or of an XML element, as a kind of value; what does not fit stays text and is refused
/// where values are checked.
pub(super) fn coerce(kind: Kind, text: &str) -> Value {
    match kind {
        Kind::Switch => match text {
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            _ => Value::String(text.to_owned()),
        },
        Kind::Number => text
            .parse()
            .map_or_else(|_| Value::String(text.to_owned()), Value::Integer),
        Kind::List(item) => list(*item, text),
        Kind::Text
        | Kind::Path
        | Kind::Duration
        | Kind::Address
        | Kind::Network
        | Kind::Choice(_)
        | Kind::Section(_)
        | Kind::Sections(_) => Value::String(text.to_owned()),
    }
}

/// `["1m", "5m"]` as in TOML, or `1m, 5m`.
fn list(item: Kind, text: &str) -> Value {
    let whole = format!("list = {text}");
    if text.trim_start().starts_with('[')
        && let Ok(mut table) = whole.parse::<Table>()
        && let Some(value) = table.remove("list")
    {
        return value;
    }
    let items = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    Value::Array(items.map(|part| coerce(item, part)).collect())
}
