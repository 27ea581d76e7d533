//! The binary at the command line.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use assert_cmd::Command as Run;

/// Runs the binary with a configuration in `folder` and answers its exit status and what it printed.
fn postroom(folder: &Path, words: &[&str], given: &str) -> (Option<i32>, String, String) {
    let config = folder.join("postroom.toml");
    if !config.exists() {
        let data = folder.join("data");
        let text = format!(
            "[server]\ndata_dir = {data:?}\n[http]\nlisten = \"127.0.0.1:0\"\n[submission]\nlisten = [\"127.0.0.1:0\"]\n"
        );
        std::fs::write(&config, text).unwrap();
    }
    let output = Run::new(env!("CARGO_BIN_EXE_postroom"))
        .args(words)
        .env("POSTROOM_CONFIG", &config)
        .write_stdin(given)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const CASE: [&str; 8] = [
    "user",
    "add",
    "--login",
    "case",
    "--email",
    "case@example.test",
    "--name",
    "Case Clerk",
];

#[test]
fn user_is_added_once_and_gets_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let words: Vec<&str> = CASE.into_iter().chain(["--password-stdin"]).collect();
    let (code, out, _) = postroom(folder.path(), &words, "correct horse battery\n");
    assert_eq!(
        (code, out.as_str()),
        (Some(0), "user 1 added: case in System Office\n")
    );
    let (code, _, err) = postroom(folder.path(), &words, "correct horse battery\n");
    assert_eq!(code, Some(1));
    assert!(err.contains("case") && err.contains("exists already"), "{err}");
    let (_, key, _) = postroom(folder.path(), &["key", "add", "--user", "case"], "");
    assert!(key.starts_with("pk_") && key.trim().len() == 46, "{key}");
    let (_, list, _) = postroom(folder.path(), &["user", "list"], "");
    assert!(list.contains("case@example.test"), "{list}");
    let (code, out, _) = postroom(folder.path(), &["check"], "");
    assert_eq!(
        (code, out.as_str()),
        (
            Some(0),
            "0 messages, 0 of them unfinished\nall counts are right\nthe database's pages and indexes are right\n"
        )
    );
}

#[test]
fn bad_values_of_commands_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let told = |words: &[&str], given: &str| {
        let (code, _, err) = postroom(folder.path(), words, given);
        assert_eq!(code, Some(1), "{err}");
        err
    };
    let with = |more: &[&'static str]| {
        CASE.iter()
            .copied()
            .chain(more.iter().copied())
            .collect::<Vec<_>>()
    };
    assert!(told(&with(&["--password-stdin"]), "short\n").contains("at least 10 characters"));
    assert!(told(&with(&["--password-stdin"]), "").contains("no password on standard input"));
    assert!(told(&with(&["--rights", "boss"]), "").contains("\"boss\" is not a right; they are super_user"));
    assert!(told(&with(&["--office", "Nowhere"]), "").contains("there is no office \"Nowhere\""));
    assert!(told(&["key", "add", "--user", "nobody"], "").contains("no user with the login \"nobody\""));
    assert!(told(&["queue", "show", "x"], "").contains("there is no such message"));
}

#[test]
fn key_has_a_last_day() {
    let folder = tempfile::tempdir().unwrap();
    postroom(folder.path(), &CASE, "");
    let add = |until: &str| {
        postroom(
            folder.path(),
            &["key", "add", "--user", "case", "--until", until],
            "",
        )
    };
    let (code, _, err) = add("2000-01-01");
    assert_eq!(code, Some(1));
    assert!(err.contains("ends_at: must be in the future"), "{err}");
    let (code, _, err) = add("someday");
    assert_eq!(code, Some(2), "{err}");
    let (code, _, err) = add("2099-12-31");
    assert_eq!(code, Some(0), "{err}");
    let (_, list, _) = postroom(folder.path(), &["key", "list"], "");
    assert!(
        list.contains("  no use recorded  expires 2100-01-01T00:00:00Z"),
        "{list}"
    );
}

#[test]
fn right_that_shows_more_says_how_many_keys_it_revoked() {
    let folder = tempfile::tempdir().unwrap();
    postroom(folder.path(), &CASE, "");
    for _ in 0..2 {
        postroom(folder.path(), &["key", "add", "--user", "case"], "");
    }
    let rights = |given: &str| {
        let (code, out, err) = postroom(folder.path(), &["user", "rights", "case", given], "");
        assert_eq!(code, Some(0), "{err}");
        out
    };
    assert_eq!(
        rights("customize_list_layout"),
        "case has customize_list_layout\n"
    );
    assert_eq!(rights("super_user"), "case has super_user; 2 API keys revoked\n");
    postroom(folder.path(), &["key", "add", "--user", "case"], "");
    assert_eq!(rights("super_user"), "case has super_user\n");
    let more = rights("super_user,administrator");
    assert!(more.ends_with("; 1 API key revoked\n"), "{more}");
}

#[test]
fn new_password_ends_keys_where_that_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    postroom(folder.path(), &CASE, "");
    for _ in 0..2 {
        postroom(folder.path(), &["key", "add", "--user", "case"], "");
    }
    let password = |words: &[&str]| {
        let words: Vec<&str> = ["user", "password", "case"]
            .iter()
            .chain(words)
            .copied()
            .collect();
        let (code, out, err) = postroom(folder.path(), &words, "another horse battery\n");
        assert_eq!(code, Some(0), "{err}");
        out
    };
    assert_eq!(
        password(&[]),
        "case has a new password; their sessions have ended\n"
    );
    let ended = "case has a new password; their sessions have ended; 2 API keys revoked\n";
    assert_eq!(password(&["--end-keys"]), ended);
    let (_, list, _) = postroom(folder.path(), &["key", "list"], "");
    assert_eq!(list, "");
}

#[test]
fn bad_configuration_refuses_the_start_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("postroom.toml"),
        "[http]\nlistn = \"127.0.0.1:0\"\n",
    )
    .unwrap();
    for words in [&["serve"][..], &["config", "check"]] {
        let (code, _, err) = postroom(folder.path(), words, "");
        assert_eq!(code, Some(1));
        assert!(
            err.contains("postroom.toml:2:1: unknown key \"listn\" in [http]; did you mean \"listen\"?"),
            "{err}"
        );
    }
}

#[test]
fn commands_work_beside_a_running_server_and_it_stops_when_told() {
    let folder = tempfile::tempdir().unwrap();
    postroom(folder.path(), &CASE, "");
    let mut server = Command::new(env!("CARGO_BIN_EXE_postroom"))
        .arg("serve")
        .env("POSTROOM_CONFIG", folder.path().join("postroom.toml"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let ready = lines.next().unwrap().unwrap();
    assert!(
        ready.starts_with("listening http=127.0.0.1:") && ready.contains(" smtp=127.0.0.1:"),
        "{ready}"
    );
    let (code, key, err) = postroom(folder.path(), &["key", "add", "--user", "case"], "");
    assert_eq!(code, Some(0), "{err}");
    assert!(key.starts_with("pk_"));
    let (code, _, err) = postroom(folder.path(), &["serve"], "");
    assert_eq!(code, Some(1));
    assert!(err.contains("is in use by another Postroom process"), "{err}");
    let stopped = Command::new("kill")
        .arg(server.id().to_string())
        .status()
        .unwrap();
    assert!(stopped.success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
    assert!(lines.next().is_none(), "exactly one line");
}
