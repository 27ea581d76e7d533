//! Every mistake gets its own sentence, with the file, the line and what is allowed.

use std::path::Path;

use super::*;

fn error_of(text: &str, environment: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("postroom.toml");
    std::fs::write(&path, text).unwrap();
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let error = load(Some(&path), &environment).expect_err(text);
    error
        .to_string()
        .replace(&format!("{}", folder.path().display()), "DIR")
}

#[test]
fn each_mistake_is_named_with_its_line() {
    let table = [
        (
            "[http]\nlisten = \"127.0.0.1:8080\"\n[server]\nhostnam = \"a\"\n",
            "DIR/postroom.toml:4:1: unknown key \"hostnam\" in [server]; did you mean \"hostname\"? (allowed: data_dir, hostname, node, stop_timeout, content_memory_mib)",
        ),
        (
            "[sever]\n",
            "DIR/postroom.toml:1:2: unknown key \"sever\" at the top; did you mean \"server\"? (allowed: brand, server, http, metrics, submission, queue, limits, notifications, delivery, network, relay, log)",
        ),
        (
            "[http]\nlisten = \"8080\"\n",
            "DIR/postroom.toml:2:1: http.listen: \"8080\" is not an address to listen on; write it like \"127.0.0.1:8080\" or \"[::1]:8080\"",
        ),
        (
            "[delivery]\nretry_waits = [\"1m\", \"soon\"]\n",
            "DIR/postroom.toml:2:22: delivery.retry_waits[1]: \"soon\" is not a length of time; write it like \"90s\", \"5m\" or \"1h 30m\"",
        ),
        (
            "[delivery]\nmax_attempts = \"ten\"\n",
            "DIR/postroom.toml:2:1: delivery.max_attempts: \"ten\" is not a whole number",
        ),
        (
            "[[relay]]\nhost = \"a\"\ntls = \"opportunist\"\n",
            "DIR/postroom.toml:3:1: relay[0].tls: unknown value \"opportunist\"; did you mean \"opportunistic\"? (allowed: none, opportunistic, required, implicit)",
        ),
        (
            "[[relay]]\nname = \"a\"\n",
            "DIR/postroom.toml:1:1: relay[0] (\"a\") has no host",
        ),
        (
            "[submission]\nlisten_tls = [\"127.0.0.1:4650\"]\n",
            "DIR/postroom.toml:2:1: submission.listen_tls needs submission.tls_certificate and submission.tls_key",
        ),
        (
            "[server]\nnode = 1024\n",
            "DIR/postroom.toml:2:1: server.node is 1024; it is 0 to 1023",
        ),
        (
            "[http]\npublic_url = \"https://user@mail.example.com\"\n",
            "DIR/postroom.toml:2:1: http.public_url is \"https://user@mail.example.com\"; it is an address such as \"https://mail.example.com\", without a user, and with a name outside ASCII in its xn-- form",
        ),
        (
            "brand = \"\u{200b}\"\n",
            "DIR/postroom.toml:1:1: brand is a name in one line; it is not empty",
        ),
        (
            "[[submission.trusted]]\nnetwork = \"office\"\nlogin = \"case\"\n",
            "DIR/postroom.toml:2:1: submission.trusted[0].network: \"office\" is not a network; write it like \"10.0.0.0/8\" or \"127.0.0.1\"",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(error_of(text, &[]), expected, "{text}");
    }
}

#[test]
fn text_that_is_no_toml_is_refused_with_its_line() {
    let error = error_of("[http]\nlisten = \n", &[]);
    assert!(error.starts_with("DIR/postroom.toml:2:"), "{error}");
}

#[test]
fn wrong_variable_is_named() {
    assert_eq!(
        error_of("", &[("POSTROOM_HTTP__LISTN", "127.0.0.1:1")]),
        "environment variable POSTROOM_HTTP__LISTN: unknown key \"listn\" in [http]; did you mean \"listen\"? (allowed: listen, public_url, trusted_proxies, tls_certificate, tls_key, max_connections, idle_timeout)"
    );
    assert_eq!(
        error_of("", &[("POSTROOM_DELIVERY__PAUSED", "perhaps")]),
        "environment variable POSTROOM_DELIVERY__PAUSED: delivery.paused: \"perhaps\" is not true or false"
    );
}

#[test]
fn variables_override_the_file() {
    let environment = vec![
        ("POSTROOM_HTTP__LISTEN".to_owned(), "127.0.0.1:9000".to_owned()),
        ("POSTROOM_DELIVERY__MAX_ATTEMPTS".to_owned(), "3".to_owned()),
        ("POSTROOM_SERVER__HOSTNAME".to_owned(), "12".to_owned()),
        ("HOME".to_owned(), "/".to_owned()),
    ];
    let config = load(None, &environment).unwrap();
    assert_eq!(config.http.listen.port(), 9000);
    assert_eq!(config.delivery.max_attempts, 3);
    assert_eq!(config.server.hostname, "12");
}

#[test]
fn relay_in_the_file_can_get_its_password_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("postroom.toml");
    std::fs::write(
        &path,
        "[[relay]]\nhost = \"a\"\nusername = \"u\"\npassword = \"x\"\n",
    )
    .unwrap();
    let environment = vec![("POSTROOM_RELAY__0__PASSWORD".to_owned(), "secret".to_owned())];
    let config = load(Some(Path::new(&path)), &environment).unwrap();
    assert_eq!(config.relay[0].password, "secret");
    assert!(!format!("{:?}", config.relay[0]).contains("secret"));
}
