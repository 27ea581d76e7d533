//! Values that are right each but may not fit together.

use std::path::Path;

use postroom_domain::legible;
use postroom_engine::budget::CONTENT_BYTES_MIN;

use super::draft::Draft;
use super::{Config, HumanDuration, Relay};
use crate::origin::Origin;

/// Says what does not fit together, each at its key.
pub(super) fn together(draft: &mut Draft, config: &Config) {
    server(draft, config);
    let http = &config.http;
    pair(draft, "http", &http.tls_certificate, &http.tls_key);
    let url = &http.public_url;
    if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
        draft.wrong(
            "http.public_url",
            format!("http.public_url is {url:?}; it begins with http:// or https://"),
        );
    } else if !url.is_empty() && Origin::of_url(url).is_none() {
        // Pages of it would be taken for another site's.
        draft.wrong(
            "http.public_url",
            format!(
                "http.public_url is {url:?}; it is an address such as \"https://mail.example.com\", without a user, and with a \
                 name outside ASCII in its xn-- form"
            ),
        );
    }
    if http.max_connections == 0 {
        draft.wrong("http.max_connections", "http.max_connections is at least 1");
    }
    not_zero(draft, "http.idle_timeout", http.idle_timeout);
    submission(draft, config);
    limits(draft, config);
    delivery(draft, config);
    if config.relay.len() > 2 {
        draft.wrong(
            "relay[2]",
            "relay[2]: the first relay serves and a second takes over while it is down; a third has nothing to do",
        );
    }
    for (n, item) in config.relay.iter().enumerate() {
        relay(draft, &format!("relay[{n}]"), item);
        if config.relay.iter().take(n).any(|other| other.name == item.name) {
            let path = format!("relay[{n}].name");
            draft.wrong(&path, format!("two relays have the name {:?}", item.name));
        }
    }
    if let Err(error) = tracing_subscriber::EnvFilter::builder().parse(&config.log.level) {
        draft.wrong(
            "log.level",
            format!(
                "log.level is {:?}: {error}; use error, warn, info, debug or trace",
                config.log.level
            ),
        );
    }
}

fn server(draft: &mut Draft, config: &Config) {
    if config.server.node > 1023 {
        let what = format!("server.node is {}; it is 0 to 1023", config.server.node);
        draft.wrong("server.node", what);
    }
    let content_mib = config.server.content_memory_mib;
    if u64::from(content_mib) << 20 < CONTENT_BYTES_MIN {
        let least = CONTENT_BYTES_MIN >> 20;
        draft.wrong(
            "server.content_memory_mib",
            format!("server.content_memory_mib is {content_mib}; it is at least {least}"),
        );
    }
    // Other hidden characters are left out where it is shown: a name that was pasted with one keeps no server from starting.
    if legible::shown(&config.brand).trim().is_empty() || config.brand.chars().any(char::is_control) {
        draft.wrong("brand", "brand is a name in one line; it is not empty");
    }
}

/// A certificate and its key.
fn pair(draft: &mut Draft, section: &str, certificate: &Path, key: &Path) {
    if certificate.as_os_str().is_empty() != key.as_os_str().is_empty() {
        let given = if key.as_os_str().is_empty() {
            "tls_certificate"
        } else {
            "tls_key"
        };
        draft.wrong(
            &format!("{section}.{given}"),
            format!("{section}.tls_certificate and {section}.tls_key belong together: set both or none"),
        );
    }
}

fn submission(draft: &mut Draft, config: &Config) {
    let submission = &config.submission;
    pair(
        draft,
        "submission",
        &submission.tls_certificate,
        &submission.tls_key,
    );
    if !submission.listen_tls.is_empty() && submission.tls_certificate.as_os_str().is_empty() {
        draft.wrong(
            "submission.listen_tls",
            "submission.listen_tls needs submission.tls_certificate and submission.tls_key",
        );
    }
    for (key, is_zero) in [
        ("submission.max_recipients", submission.max_recipients == 0),
        ("submission.max_connections", submission.max_connections == 0),
        (
            "submission.max_message_size_bytes",
            submission.max_message_size_bytes == 0,
        ),
    ] {
        if is_zero {
            draft.wrong(key, format!("{key} is at least 1"));
        }
    }
    for (key, timeout) in [
        ("submission.idle_timeout", submission.idle_timeout),
        ("submission.sign_in_timeout", submission.sign_in_timeout),
    ] {
        not_zero(draft, key, timeout);
    }
    for (n, trusted) in submission.trusted.iter().enumerate() {
        let path = format!("submission.trusted[{n}]");
        if !draft.places.contains_key(&format!("{path}.network")) {
            draft.wrong(&path, format!("{path} has no network"));
        }
        if trusted.login.is_empty() {
            draft.wrong(&path, format!("{path} has no login"));
        }
    }
}

/// A time in which something has to happen.
fn not_zero(draft: &mut Draft, key: &str, timeout: HumanDuration) {
    if timeout.0.is_zero() {
        draft.wrong(key, format!("{key} must be greater than 0"));
    }
}

fn limits(draft: &mut Draft, config: &Config) {
    let zone = &config.limits.time_zone;
    if !zone.is_empty() && jiff::tz::TimeZone::get(zone).is_err() {
        draft.wrong(
            "limits.time_zone",
            format!("limits.time_zone is {zone:?}; it is the name of a time zone such as \"Europe/Berlin\" or \"UTC\""),
        );
    }
}

fn delivery(draft: &mut Draft, config: &Config) {
    let delivery = &config.delivery;
    if !(1..=10).contains(&delivery.max_attempts) {
        let what = format!(
            "delivery.max_attempts is {}; it is 1 to 10",
            delivery.max_attempts
        );
        draft.wrong("delivery.max_attempts", what);
    }
    if delivery.retry_waits.is_empty() {
        draft.wrong(
            "delivery.retry_waits",
            "delivery.retry_waits has at least one wait",
        );
    }
}

fn relay(draft: &mut Draft, path: &str, relay: &Relay) {
    if relay.host.is_empty() {
        draft.wrong(path, format!("{path} ({:?}) has no host", relay.name));
    }
    for (key, is_zero) in [
        ("port", relay.port == 0),
        ("connections", relay.connections == 0),
        ("messages_per_connection", relay.messages_per_connection == 0),
    ] {
        if is_zero {
            draft.wrong(&format!("{path}.{key}"), format!("{path}.{key} is at least 1"));
        }
    }
    if relay.username.is_empty() != relay.password.is_empty() {
        let given = if relay.password.is_empty() {
            "username"
        } else {
            "password"
        };
        draft.wrong(
            &format!("{path}.{given}"),
            format!("{path}: username and password belong together: set both or none"),
        );
    }
}
