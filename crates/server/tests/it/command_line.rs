//! The commands as a newcomer types them: beside a server, without one, and wrongly.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use assert_cmd::Command as Run;

use crate::server::{Ended, GOOD, Server, ended};

/// Runs the binary alone.
async fn alone(words: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = Run::new(env!("CARGO_BIN_EXE_postroom"));
    command.args(words).envs(variables.iter().copied());
    ended(command).await
}

#[tokio::test]
async fn queue_is_listed_shown_mended_and_emptied_beside_a_server() {
    let server = Server::with(|config, _| config.delivery.paused = true).await;
    server.with_case().await;
    let mut dialogue = server.signed_in().await;
    dialogue
        .send("case", &["client@example.com"], GOOD)
        .await
        .expect(250);
    let id = server.rows().await[0].id.to_string();

    let listed = server.command(&["queue", "list"], "", &[]).await;
    assert!(
        listed.out.starts_with(&id) && listed.out.contains("Your policy"),
        "{listed:?}"
    );
    let none = server
        .command(&["queue", "list", "--type", "sent"], "", &[])
        .await;
    assert_eq!((none.code, none.out.as_str()), (Some(0), ""));
    let shown = server.command(&["queue", "show", &id], "", &[]).await;
    assert!(shown.out.contains("client@example.com"), "{shown:?}");
    let flushed = server.command(&["queue", "flush"], "", &[]).await;
    assert_eq!(
        (flushed.code, flushed.out.as_str()),
        (Some(0), "0 deferred messages are due now\n")
    );
    for (action, code) in [("requeue", 0), ("delete", 0), ("delete", 2)] {
        let ended = server.command(&["queue", action, &id], "", &[]).await;
        assert_eq!(ended.code, Some(code), "{action}: {ended:?}");
        assert!(ended.out.starts_with(&id), "{ended:?}");
    }
    assert_eq!(server.kept().await, 0);
    let checked = server.command(&["check"], "", &[]).await;
    assert_eq!(
        (checked.code, checked.out.as_str()),
        (
            Some(0),
            "0 messages, 0 of them unfinished\nall counts are right\nthe database's pages and indexes are right\n"
        )
    );
}

#[tokio::test]
async fn mistyped_commands_and_missing_files_are_told_what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    let missing = missing.to_str().unwrap();
    let table: [(&[&str], i32, &str); 8] = [
        (&["srve"], 2, "'serve'"),
        (&["queue", "lst"], 2, "'list'"),
        (&["queue", "list", "--type", "snt"], 2, "'sent'"),
        (&["queue", "list", "--limit", "0"], 2, "1..=200"),
        (&["queue", "requeue"], 2, "<IDS>"),
        (&["sink", "--listen", "2526"], 2, "2526"),
        (&["serve", "--confg", missing], 2, "'--config'"),
        (
            &["serve", "--config", missing],
            1,
            "missing.toml: cannot be read: No such file",
        ),
    ];
    for (words, code, told) in table {
        let ended = alone(words, &[]).await;
        assert_eq!(ended.code, Some(code), "{words:?}: {ended:?}");
        assert!(ended.err.contains(told), "{told:?} is not in {ended:?}");
    }
}

#[tokio::test]
async fn port_that_is_taken_is_named_with_its_key() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let smtp = format!("[{address:?}]");
    let table = [
        (
            address.as_str(),
            "[\"127.0.0.1:0\"]",
            "cannot listen for HTTP on",
            "http.listen",
        ),
        (
            "127.0.0.1:0",
            smtp.as_str(),
            "cannot listen for SMTP on",
            "is another server using it",
        ),
    ];
    for (http, smtp, told, hint) in table {
        let variables = [
            ("POSTROOM_SERVER__DATA_DIR", data.to_str().unwrap()),
            ("POSTROOM_HTTP__LISTEN", http),
            ("POSTROOM_SUBMISSION__LISTEN", smtp),
        ];
        let ended = alone(&["serve"], &variables).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        for words in [told, address.as_str(), hint] {
            assert!(ended.err.contains(words), "{words:?} is not in {ended:?}");
        }
    }
}

#[tokio::test]
async fn sink_logs_message_id_sender_and_recipients_parted_by_tabs() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("sink.log");
    let mut sink = Command::new(env!("CARGO_BIN_EXE_postroom"))
        .args(["sink", "--listen", "127.0.0.1:0", "--log"])
        .arg(&log)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ready = BufReader::new(sink.stdout.take().unwrap()).lines().next();
    let ready = ready.unwrap().unwrap();
    let address = ready.strip_prefix("listening smtp=").unwrap().to_owned();
    let mut sendmail = Run::new(env!("CARGO_BIN_EXE_postroom"));
    sendmail
        .args([
            "sendmail",
            "-fa@example.test",
            "b@example.com",
            "fail@example.com",
            "c@example.com",
        ])
        .env("POSTROOM_SMTP", address)
        .write_stdin("Message-ID: <one@example.test>\nFrom: a@example.test\n\nx\n");
    let refused = ended(sendmail).await;
    let written = std::fs::read_to_string(&log).unwrap();
    sink.kill().unwrap();
    sink.wait().unwrap();
    assert_eq!(
        written,
        "<one@example.test>\ta@example.test\tb@example.com,c@example.com\n"
    );
    assert_eq!(refused.code, Some(69), "{refused:?}");
    assert!(
        refused
            .err
            .contains("for fail@example.com; the other recipients have it: 550"),
        "{refused:?}"
    );
}
