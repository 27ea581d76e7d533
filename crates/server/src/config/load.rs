//! Reads the file, lets the environment override it, and checks what belongs together.

use std::path::Path;

use serde::Deserialize;
use toml::{Table, Value};

use super::error::explain;
use super::{Config, ConfigError};

/// Start of every variable that overrides a key: `POSTROOM_HTTP__LISTEN` is `http.listen`.
const PREFIX: &str = "POSTROOM_";

/// Variables of the environment, in any order.
pub type Environment = Vec<(String, String)>;

/// Reads the configuration; without a file, the defaults and the environment.
///
/// # Errors
/// [`ConfigError`] with the file, line and key, and what is allowed there.
pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Config, ConfigError> {
    let text = match path {
        Some(path) => std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?,
        None => String::new(),
    };
    let path = path.unwrap_or(Path::new("(no file)"));
    let mut config = parse(path, &text)?;
    let mut overrides: Vec<_> = environment
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX) && name.contains("__"))
        .collect();
    overrides.sort();
    if !overrides.is_empty() {
        let mut table: Table = text.parse().unwrap_or_default();
        for (name, value) in overrides {
            config = override_with(&mut table, name, value)?;
        }
    }
    check(path, &config)?;
    Ok(config)
}

/// Reads the file's text alone.
fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let bad = |key: &str, error: &toml::de::Error| ConfigError::Bad {
        path: path.to_owned(),
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        what: explain(key, error.message()),
    };
    let reader = toml::Deserializer::parse(text).map_err(|error| bad("", &error))?;
    serde_path_to_error::deserialize(reader).map_err(|error| bad(&error.path().to_string(), error.inner()))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}

/// Puts one variable into the table and reads the whole again, so that whatever is wrong now is this variable's.
fn override_with(table: &mut Table, name: &str, text: &str) -> Result<Config, ConfigError> {
    let bad = |what: String| ConfigError::BadVariable {
        name: name.to_owned(),
        what,
    };
    let keys: Vec<String> = name
        .strip_prefix(PREFIX)
        .unwrap_or(name)
        .split("__")
        .map(str::to_ascii_lowercase)
        .collect();
    let mut first = None;
    // A text such as `true`, `25` or `["1m"]` is taken as TOML; if that does not fit the key, as a plain string.
    for value in [toml_value(text), Some(Value::String(text.to_owned()))]
        .into_iter()
        .flatten()
    {
        let mut trial = table.clone();
        if !put(&mut trial, &keys, value) {
            return Err(bad(format!("{} is not a section", keys.join("."))));
        }
        match serde_path_to_error::deserialize::<_, Config>(Value::Table(trial.clone())) {
            Ok(config) => {
                *table = trial;
                return Ok(config);
            }
            Err(error) => {
                first.get_or_insert(explain(&error.path().to_string(), error.inner().message()));
            }
        }
    }
    Err(bad(first.unwrap_or_default()))
}

fn toml_value(text: &str) -> Option<Value> {
    Value::deserialize(toml::de::ValueDeserializer::parse(text).ok()?).ok()
}

fn put(table: &mut Table, keys: &[String], value: Value) -> bool {
    match keys {
        [] => false,
        [key] => {
            table.insert(key.clone(), value);
            true
        }
        [key, rest @ ..] => {
            let inner = table
                .entry(key.clone())
                .or_insert_with(|| Value::Table(Table::new()));
            match inner {
                Value::Table(inner) => put(inner, rest, value),
                Value::Array(items) => put_in_list(items, rest, value),
                Value::String(_)
                | Value::Integer(_)
                | Value::Float(_)
                | Value::Boolean(_)
                | Value::Datetime(_) => false,
            }
        }
    }
}

/// `POSTROOM_RELAY__0__PASSWORD`: a list is reached into by position.
fn put_in_list(items: &mut [Value], keys: &[String], value: Value) -> bool {
    let Some((position, rest)) = keys.split_first() else {
        return false;
    };
    let item = position.parse().ok().and_then(|n: usize| items.get_mut(n));
    match item {
        Some(Value::Table(inner)) => put(inner, rest, value),
        _ => false,
    }
}

/// Checks values that are right each but may not fit together.
fn check(path: &Path, config: &Config) -> Result<(), ConfigError> {
    let wrong = |what: String| {
        Err(ConfigError::Contradiction {
            path: path.to_owned(),
            what,
        })
    };
    if config.server.node > 1023 {
        return wrong(format!("server.node is {}; it is 0 to 1023", config.server.node));
    }
    let submission = &config.submission;
    let certificate = !submission.tls_certificate.as_os_str().is_empty();
    if certificate == submission.tls_key.as_os_str().is_empty() {
        return wrong(
            "submission.tls_certificate and submission.tls_key belong together: set both or none".to_owned(),
        );
    }
    if !submission.listen_tls.is_empty() && !certificate {
        return wrong(
            "submission.listen_tls needs submission.tls_certificate and submission.tls_key".to_owned(),
        );
    }
    if submission.max_recipients == 0 || submission.max_message_size_bytes == 0 {
        return wrong(
            "submission.max_recipients and submission.max_message_size_bytes are at least 1".to_owned(),
        );
    }
    if !(1..=10).contains(&config.delivery.max_attempts) || config.delivery.retry_waits.is_empty() {
        return wrong(
            "delivery.max_attempts is 1 to 10, and delivery.retry_waits has at least one wait".to_owned(),
        );
    }
    let url = &config.http.public_url;
    if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
        return wrong(format!(
            "http.public_url is {url:?}; it begins with http:// or https://"
        ));
    }
    check_relays(config).or_else(wrong)
}

fn check_relays(config: &Config) -> Result<(), String> {
    for (n, relay) in config.relay.iter().enumerate() {
        if relay.host.is_empty() {
            return Err(format!("relay.{n} ({:?}) has no host", relay.name));
        }
        if relay.connections == 0 || relay.messages_per_connection == 0 {
            return Err(format!(
                "relay.{n} ({:?}): connections and messages_per_connection are at least 1",
                relay.name
            ));
        }
        if relay.username.is_empty() != relay.password.is_empty() {
            return Err(format!(
                "relay.{n} ({:?}): username and password belong together: set both or none",
                relay.name
            ));
        }
        if config.relay.iter().take(n).any(|other| other.name == relay.name) {
            return Err(format!("two relays have the name {:?}", relay.name));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
