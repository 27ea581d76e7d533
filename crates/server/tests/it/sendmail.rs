//! `postroom sendmail` as scripts call it, and the exit codes of `sysexits.h`.

use crate::server::{PASSWORD, Server};

const LETTER: &str = "From: Case <case@example.test>\nTo: client@example.com\nBcc: secret@example.com\n\
    Subject: nightly\n\nabove\n.\nbelow\n";
const AS_CASE: [(&str, &str); 2] = [("POSTROOM_LOGIN", "case"), ("POSTROOM_PASSWORD", PASSWORD)];

#[tokio::test]
async fn message_goes_to_the_recipients_of_its_header_whole_and_without_bcc() {
    let server = Server::start().await;
    let key = server.with_case().await;
    let sent = server.command(&["sendmail", "-t", "-i"], LETTER, &AS_CASE).await;
    assert_eq!((sent.code, sent.err.as_str()), (Some(0), ""));
    let by_key = [("POSTROOM_API_KEY", key.as_str()), ("POSTROOM_LOGIN", "case")];
    let words = [
        "sendmail",
        "-oi",
        "-fcase@example.test",
        "--",
        "client@example.com",
    ];
    let sent = server.command(&words, LETTER, &by_key).await;
    assert_eq!((sent.code, sent.err.as_str()), (Some(0), ""));
    server.relay.wait_for(2).await;
    let received = server.relay.received();
    let by_header = received.iter().find(|m| m.recipients.len() == 2).unwrap();
    assert_eq!(by_header.recipients, ["client@example.com", "secret@example.com"]);
    for message in received {
        let content = String::from_utf8(message.content.to_vec()).unwrap();
        assert!(content.ends_with("\r\n\r\nabove\r\n.\r\nbelow\r\n"), "{content}");
        assert!(!content.contains("secret"), "{content}");
    }
}

/// Words behind `sendmail`, the letter, the environment, the exit code, and what is told.
type Case<'a> = (&'a [&'a str], &'a str, &'a [(&'a str, &'a str)], i32, &'a str);

#[tokio::test]
async fn each_failure_has_its_exit_code_and_words_and_keeps_nothing() {
    let server = Server::start().await;
    server.with_case().await;
    let other = LETTER.replace("case@", "boss@");
    let gone = [("POSTROOM_SMTP", "127.0.0.1:1")];
    let wrong = [
        ("POSTROOM_LOGIN", "case"),
        ("POSTROOM_PASSWORD", "wrong password"),
    ];
    let table: [Case<'_>; 9] = [
        (&[], LETTER, &AS_CASE, 64, "nobody to send to"),
        (&["-z", "a@example.com"], LETTER, &AS_CASE, 64, "-z"),
        (&["-bs"], LETTER, &AS_CASE, 64, "-bs"),
        (
            &["-t"],
            "From: case@example.test\n\nx",
            &AS_CASE,
            65,
            "name nobody",
        ),
        (
            &["a@example.com"],
            "Subject: x\n\nx",
            &AS_CASE,
            65,
            "no From field",
        ),
        (
            &["-t"],
            &other,
            &AS_CASE,
            69,
            "you may not send as boss@example.test",
        ),
        (&["-t"], LETTER, &wrong, 69, "the password is wrong"),
        (
            &["-t"],
            LETTER,
            &gone,
            75,
            "is it running? (POSTROOM_SMTP names it)",
        ),
        (&["-t"], LETTER, &[("POSTROOM_SMTP", "nowhere")], 78, "nowhere"),
    ];
    for (words, letter, variables, code, told) in table {
        let words: Vec<&str> = ["sendmail"].into_iter().chain(words.iter().copied()).collect();
        let ended = server.command(&words, letter, variables).await;
        assert_eq!(ended.code, Some(code), "{words:?}: {ended:?}");
        assert!(ended.err.contains(told), "{told:?} is not in {ended:?}");
        assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
    }
    assert_eq!(server.kept().await, 0);
}

#[tokio::test]
async fn disabled_queue_asks_scripts_to_try_again() {
    let server = Server::with(|config, _| config.queue.enabled = false).await;
    server.person("case").await;
    let ended = server.command(&["sendmail", "-t"], LETTER, &AS_CASE).await;
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert!(
        ended.err.contains("disabled in the server configuration"),
        "{ended:?}"
    );
}
