//! What a reload comes to: which keys change while the server runs, and which wait for the next start.

use toml::{Table, Value};

use super::draft::below;
use super::section::{Key, Kind, Section};
use super::{Config, Loaded};

/// A configuration that holds from now on, and what became of the difference.
#[derive(Debug)]
pub struct Merged {
    /// What holds from now on.
    pub loaded: Loaded,
    /// Keys whose new value holds now.
    pub applied: Vec<String>,
    /// Keys whose new value waits for the next start.
    pub kept: Vec<String>,
}

/// Takes over from a new configuration what can change while the server runs.
pub fn merge(old: &Loaded, new: &Loaded) -> Merged {
    let mut merged = Merged {
        loaded: new.clone(),
        applied: Vec::new(),
        kept: Vec::new(),
    };
    let (Ok(Value::Table(before)), Ok(Value::Table(mut after))) =
        (Value::try_from(&old.config), Value::try_from(&new.config))
    else {
        return merged;
    };
    section(&mut merged, &Config::SECTION, "", &before, &mut after);
    // Both were configurations, key by key, so the mixture is one.
    if let Ok(config) = Value::Table(after).try_into() {
        merged.loaded.config = config;
    }
    for path in &merged.kept {
        merged.loaded.take_origin(old, path);
    }
    merged
}

fn section(merged: &mut Merged, about: &Section, at: &str, before: &Table, after: &mut Table) {
    for key in about.keys {
        let path = below(at, key.name);
        let (old, new) = (before.get(key.name), after.get_mut(key.name));
        match (key.kind, old, new) {
            (Kind::Section(inner), Some(Value::Table(old)), Some(Value::Table(new))) => {
                section(merged, inner, &path, old, new);
            }
            (_, old, new) if old == new.as_deref() => {}
            (_, old, new) if can_change(key, old, new.as_deref()) => merged.applied.push(path),
            (_, old, _) => {
                match old {
                    Some(old) => after.insert(key.name.to_owned(), old.clone()),
                    None => after.remove(key.name),
                };
                merged.kept.push(path);
            }
        }
    }
}

/// Whether a new value holds at once. A certificate can be renewed and a relay replaced, but listeners do not begin or
/// end to use TLS, and the server's relays do not move between the file and the System Office's settings.
fn can_change(key: &Key, old: Option<&Value>, new: Option<&Value>) -> bool {
    let is_empty = |value: Option<&Value>| match value {
        None => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    };
    let stays = ["tls_certificate", "tls_key", "relay"].contains(&key.name);
    key.marks.is_live && !(stays && is_empty(old) != is_empty(new))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(change: impl FnOnce(&mut Config)) -> Merged {
        let old = Loaded::from(Config::default());
        let mut config = Config::default();
        change(&mut config);
        merge(&old, &Loaded::from(config))
    }

    #[test]
    fn what_can_change_changes_and_what_cannot_is_named_and_stays() {
        let merged = merged(|config| {
            config.brand = "House Mail".to_owned();
            config.limits.user_daily_limit = 5;
            config.server.hostname = "other.example.com".to_owned();
        });
        assert_eq!(merged.applied, ["brand", "limits.user_daily_limit"]);
        assert_eq!(merged.kept, ["server.hostname"]);
        assert_eq!(merged.loaded.brand, "House Mail");
        assert_eq!(merged.loaded.limits.user_daily_limit, 5);
        assert_eq!(merged.loaded.server.hostname, "localhost");
    }

    #[test]
    fn listener_does_not_begin_to_use_tls() {
        let merged = merged(|config| {
            config.http.tls_certificate = "a.pem".into();
            config.http.tls_key = "b.pem".into();
        });
        assert_eq!(merged.kept, ["http.tls_certificate", "http.tls_key"]);
    }

    #[test]
    fn same_configuration_changes_nothing() {
        let merged = merged(|_| {});
        assert!(merged.applied.is_empty() && merged.kept.is_empty());
        assert_eq!(merged.loaded.config, Config::default());
    }
}
