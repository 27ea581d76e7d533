//! AUTH and TLS.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use postroom_domain::ManualClock;
use postroom_server::config::Config;
use postroom_store::{SqliteOptions, UserChange};
use rustls::pki_types::CertificateDer;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::dialogue::Dialogue;
use crate::house::{START, by};
use crate::server::{GOOD, PASSWORD, Server};

#[tokio::test]
async fn password_and_keys_sign_in_with_plain_and_login() {
    let server = Server::start().await;
    let personal = server.with_case().await;
    let office = server.key(None, &["send"]).await;
    let b64 = |text: &str| BASE64_STANDARD.encode(text);
    for (login, secret) in [
        ("case", PASSWORD),
        ("CASE", PASSWORD),
        ("case@example.test", PASSWORD),
        ("case", &personal),
        ("whatever", &office),
    ] {
        let mut plain = server.greeted().await;
        plain.sign_in(login, secret).await.expect(235);
        plain
            .send("case", &["client@example.com"], GOOD)
            .await
            .expect(250);
        let mut steps = server.greeted().await;
        steps.ask("AUTH LOGIN").await.expect(334);
        steps.ask(&b64(login)).await.expect(334);
        steps.ask(&b64(secret)).await.expect(235);
        steps
            .send("case", &["client@example.com"], GOOD)
            .await
            .expect(250);
    }
    assert_eq!(server.kept().await, 10);
}

#[tokio::test]
async fn nobody_sends_before_signing_in() {
    let server = Server::start().await;
    server.person("case").await;
    let mut dialogue = server.greeted().await;
    let reply = dialogue.ask("MAIL FROM:<case@example.test>").await;
    assert_eq!((reply.code, reply.enhanced()), (530, "5.7.0"));
    dialogue.ask("RCPT TO:<client@example.com>").await.expect(503);
    dialogue.ask("DATA").await.expect(503);
    assert_eq!(server.kept().await, 0);
    server.still_takes_mail().await;
}

#[tokio::test]
async fn wrong_sign_ins_get_the_same_words_for_known_and_unknown_names() {
    let server = Server::start().await;
    let key = server.with_case().await;
    server.person("lee").await;
    let forged = format!("{}x", &key[..key.len() - 1]);
    let mut words = Vec::new();
    for (login, secret) in [
        ("case", "wrong password"),
        ("nobody", "wrong password"),
        ("case", &forged),
        ("lee", &key),
    ] {
        let reply = server.greeted().await.sign_in(login, secret).await;
        assert_eq!((reply.code, reply.enhanced()), (535, "5.7.8"), "{login}");
        words.push(reply.text);
    }
    words.dedup();
    assert_eq!(words.len(), 1, "{words:?}");
}

#[tokio::test]
async fn wrong_passwords_over_http_count_for_smtp() {
    let server = Server::start().await;
    server.person("case").await;
    let body =
        |n: u32| serde_json::json!({"login": "case", "password": format!("wrong password {n}")}).to_string();
    for n in 0..10 {
        let (status, _) = server.post("/api/v1/session", None, body(n)).await;
        assert_eq!(status.as_u16(), 401);
    }
    let (status, problem) = server.post("/api/v1/session", None, body(10)).await;
    assert_eq!(
        (status.as_u16(), problem["code"].as_str()),
        (429, Some("too_many_attempts"))
    );
    let reply = server.greeted().await.sign_in("case", PASSWORD).await;
    assert_eq!((reply.code, reply.enhanced()), (454, "4.7.0"));
}

#[tokio::test]
async fn wrong_keys_over_smtp_count_for_http_and_not_as_passwords() {
    let clock = Arc::new(ManualClock::new(START));
    let server = Server::on(clock, SqliteOptions::default(), |_, _| {}).await;
    let key = server.with_case().await;
    for _ in 0..10 {
        let reply = server.greeted().await.sign_in("case", "pk_ended").await;
        reply.expect(535);
    }
    let body = serde_json::json!({"login": "case", "password": "pk_ended"});
    let (status, _) = server.post("/api/v1/session", None, body.to_string()).await;
    assert_eq!(status.as_u16(), 429);
    for secret in [PASSWORD, key.as_str()] {
        server.greeted().await.sign_in("case", secret).await.expect(235);
    }
}

#[tokio::test]
async fn client_that_succeeded_goes_on_while_others_guess_also_after_a_restart() {
    let behind_a_proxy = |config: &mut Config| {
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    };
    let clock = Arc::new(ManualClock::new(START));
    let options = SqliteOptions::default();
    let server = Server::on(Arc::clone(&clock) as _, options, |config, _| {
        behind_a_proxy(config)
    })
    .await;
    server.person("case").await;
    server.signed_in().await;
    let server = server.again(clock, behind_a_proxy).await;
    let guess = async |from: String, n: u32| {
        let given = serde_json::json!({"login": "case", "password": format!("wrong password {n}")});
        let request = Request::post("/api/v1/session")
            .header("host", "mail.example.test")
            .header("content-type", "application/json")
            .header("x-forwarded-for", from)
            .body(Body::from(given.to_string()));
        server.open(request.unwrap()).await.0.as_u16()
    };
    for n in 0..100 {
        assert_eq!(guess(format!("203.0.113.{}", n / 10), n).await, 401, "{n}");
    }
    assert_eq!(guess("203.0.113.99".to_owned(), 100).await, 429);
    server.signed_in().await;
    for n in 0..10 {
        let wrong = format!("wrong password {n}");
        server.greeted().await.sign_in("case", &wrong).await.expect(535);
    }
    let reply = server.greeted().await.sign_in("case", PASSWORD).await;
    assert_eq!((reply.code, reply.enhanced()), (454, "4.7.0"), "{reply:?}");
}

#[tokio::test]
async fn open_session_ends_with_the_password_the_account_or_the_key_that_it_began_with() {
    let server = Server::start().await;
    let key = server.with_case().await;
    let mut by_password = server.signed_in().await;
    let mut by_key = server.greeted().await;
    by_key.sign_in("case", &key).await.expect(235);
    for dialogue in [&mut by_password, &mut by_key] {
        dialogue
            .send("case", &["client@example.com"], GOOD)
            .await
            .expect(250);
    }
    let ended = async |dialogue: &mut Dialogue| {
        let reply = dialogue.ask("MAIL FROM:<case@example.test>").await;
        assert_eq!((reply.code, reply.enhanced()), (530, "5.7.0"), "{reply:?}");
        assert!(reply.text.contains("sign in again"), "{reply:?}");
    };

    let other = "another long password";
    let done = server.command(&["user", "password", "case"], other, &[]).await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    ended(&mut by_password).await;
    // A new password ends sessions, not keys.
    by_key
        .send("case", &["client@example.com"], GOOD)
        .await
        .expect(250);
    let mut anew = server.greeted().await;
    anew.sign_in("case", other).await.expect(235);
    anew.send("case", &["client@example.com"], GOOD).await.expect(250);

    // Taken back between the envelope and the letter.
    anew.ask("MAIL FROM:<case@example.test>").await.expect(250);
    anew.ask("RCPT TO:<client@example.com>").await.expect(250);
    let done = server.command(&["user", "disable", "case"], "", &[]).await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    anew.ask("DATA").await.expect(354);
    anew.write(format!("{GOOD}.\r\n").as_bytes()).await;
    anew.reply().await.expect(530);
    ended(&mut anew).await;
    ended(&mut by_key).await;
    assert_eq!(server.kept().await, 4);
}

#[tokio::test]
async fn open_session_ends_with_the_time_of_its_key() {
    let clock = Arc::new(ManualClock::new(START));
    let server = Server::on(Arc::clone(&clock) as _, SqliteOptions::default(), |_, _| {}).await;
    let case = server.person("case").await;
    let hour = Duration::from_secs(3_600);
    let key = server.key_until(case, START.plus(hour)).await;
    let mut dialogue = server.greeted().await;
    dialogue.sign_in("case", &key).await.expect(235);
    dialogue
        .send("case", &["client@example.com"], GOOD)
        .await
        .expect(250);
    clock.advance(hour);
    let reply = dialogue.ask("MAIL FROM:<case@example.test>").await;
    assert_eq!((reply.code, reply.enhanced()), (530, "5.7.0"), "{reply:?}");
    assert_eq!(server.kept().await, 1);
}

#[tokio::test]
async fn open_session_ends_with_the_login_and_the_address_of_its_person() {
    let server = Server::start().await;
    server.with_case().await;
    let node = server.running.node();
    let case = node.store.user_by_login("case").await.unwrap().unwrap();
    let mut dialogues = [server.signed_in().await, server.signed_in().await];
    for (login, email, n, code) in [
        ("case", "case@example.test", 0, 250),
        ("case", "moved@example.test", 0, 530),
        ("other", "case@example.test", 1, 530),
    ] {
        let dialogue = &mut dialogues[n];
        let change = UserChange {
            name: Some(format!("Case, {code}")),
            login: Some(login.to_owned()),
            email: Some(email.to_owned()),
            ..UserChange::default()
        };
        let version = node.store.user(case.id).await.unwrap().unwrap().version;
        node.store
            .change_user(case.id, version, change, &by())
            .await
            .unwrap();
        node.authenticator.forget_all();
        let reply = dialogue.ask("MAIL FROM:<case@example.test>").await;
        assert_eq!(reply.code, code, "{reply:?}");
        dialogue.ask("RSET").await.expect(250);
    }
}

#[tokio::test]
async fn open_session_of_an_assistant_sends_as_the_principal_while_the_proxy_lasts() {
    let server = Server::start().await;
    server.person("lee").await;
    server.person("case").await;
    let mut dialogue = server.greeted().await;
    dialogue.sign_in("lee", PASSWORD).await.expect(235);
    let from_case = "MAIL FROM:<case@example.test>";
    dialogue.ask(from_case).await.expect(550);
    let words = [
        "proxy",
        "add",
        "--assistant",
        "lee",
        "--principal",
        "case",
        "--level",
        "manage",
    ];
    let made = server.command(&words, "", &[]).await;
    assert_eq!(made.code, Some(0), "{}", made.err);
    dialogue
        .send("case", &["client@example.com"], GOOD)
        .await
        .expect(250);
    let ended = server.command(&["proxy", "remove", "1"], "", &[]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let reply = dialogue.ask(from_case).await;
    assert_eq!((reply.code, reply.enhanced()), (550, "5.7.1"));
}

#[tokio::test]
async fn many_sessions_that_sign_in_rightly_at_a_time_are_not_throttled() {
    let server = Server::start().await;
    let key = server.with_case().await;
    let (together, mut sessions) = (Arc::new(Barrier::new(50)), JoinSet::new());
    for n in 0..50 {
        let mut dialogue = server.greeted().await;
        let secret = if n % 2 == 0 {
            PASSWORD.to_owned()
        } else {
            key.clone()
        };
        let together = Arc::clone(&together);
        sessions.spawn(async move {
            together.wait().await;
            dialogue.sign_in("case", &secret).await.expect(235);
            dialogue
                .send("case", &["client@example.com"], GOOD)
                .await
                .expect(250);
        });
    }
    while let Some(ended) = sessions.join_next().await {
        ended.unwrap();
    }
    assert_eq!(server.kept().await, 50);
}

#[tokio::test]
async fn wrong_passwords_at_a_time_are_looked_at_ten_times() {
    let server = Server::start().await;
    server.person("case").await;
    let mut guesses = JoinSet::new();
    for n in 0..40 {
        let mut dialogue = server.greeted().await;
        let wrong = format!("wrong password {n}");
        guesses.spawn(async move { dialogue.sign_in("case", &wrong).await.code });
    }
    let codes = guesses.join_all().await;
    let looked_at = codes.iter().filter(|&&code| code == 535).count();
    assert_eq!(looked_at, 10, "{codes:?}");
    assert!(codes.iter().all(|code| [535, 454].contains(code)));
}

#[tokio::test]
async fn session_goes_on_encrypted_after_starttls_and_is_encrypted_from_the_start_on_the_other_port() {
    let (server, trusted) = with_certificate().await;
    let [plain, implicit] = server.running.smtp() else {
        panic!("two listeners");
    };
    let mut dialogue = Dialogue::connect(*plain).await;
    let offered = dialogue.ask("EHLO client.example.test").await;
    assert!(offered.text.contains("STARTTLS"), "{offered:?}");
    dialogue.ask("STARTTLS").await.expect(220);
    let mut encrypted = dialogue.upgrade(&trusted).await;
    encrypted.ask("MAIL FROM:<case@example.test>").await.expect(503);
    for mut dialogue in [encrypted, Dialogue::connect_tls(*implicit, &trusted).await] {
        let offered = dialogue.ask("EHLO client.example.test").await;
        assert!(offered.text.contains("AUTH PLAIN LOGIN"), "{offered:?}");
        assert!(!offered.text.contains("STARTTLS"), "{offered:?}");
        dialogue.sign_in("case", PASSWORD).await.expect(235);
        dialogue
            .send("case", &["client@example.com"], GOOD)
            .await
            .expect(250);
    }
    server.relay.wait_for(2).await;
    for received in server.relay.received() {
        let content = String::from_utf8_lossy(&received.content).into_owned();
        assert!(content.contains("with ESMTPSA"), "{content}");
    }
}

#[tokio::test]
async fn plain_text_behind_starttls_ends_the_session() {
    let (server, _) = with_certificate().await;
    let mut dialogue = server.greeted().await;
    dialogue
        .write(b"STARTTLS\r\nMAIL FROM:<case@example.test>\r\n")
        .await;
    let reply = dialogue.reply().await;
    assert_eq!((reply.code, reply.enhanced()), (554, "5.5.1"));
    assert_eq!(dialogue.next_reply().await, None);
    server.still_takes_mail().await;
}

/// A server with both kinds of listeners, case in it, and the certificate to trust.
async fn with_certificate() -> (Server, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["mail.example.test".to_owned()]).unwrap();
    let server = Server::with(|config, folder| {
        let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
        std::fs::write(&chain, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        config.submission.listen_tls = config.submission.listen.clone();
        config.submission.tls_certificate = chain;
        config.submission.tls_key = key;
    })
    .await;
    server.person("case").await;
    (server, made.cert.der().clone())
}
