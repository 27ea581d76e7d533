//! AUTH PLAIN and LOGIN.

use std::sync::{Arc, Mutex};

use postroom_smtp::client::{
    AuthUse, Cause, Credentials, LocalFault, Missing, Phase, RelayConfig, TlsPolicy, TokenError, TokenFuture,
    TokenSource, Tokens,
};
use postroom_smtp::reply::Severity;
use postroom_smtp::sink::{Act, Mode, Offers, SinkAuth, SinkConfig, Stage};

use super::harness::*;

fn knowing(auth: &'static str) -> SinkConfig {
    let offers = Offers {
        auth,
        ..Offers::default()
    };
    let user = SinkAuth {
        user: "office".into(),
        password: "s3cret".into(),
    };
    SinkConfig {
        offers,
        auth: Some(user),
        ..proper()
    }
}

fn with_password(password: &str) -> RelayConfig {
    let credentials = Credentials {
        user: "office".into(),
        password: password.into(),
    };
    RelayConfig {
        credentials: Some(credentials),
        ..relay()
    }
}

#[tokio::test(start_paused = true)]
async fn plain_is_preferred_and_opens_the_way() {
    let (sink, mut session) = open_with(knowing("LOGIN PLAIN"), with_password("s3cret")).await;
    finished(deliver(&mut session, &message(1)).await);
    assert_eq!(sink.count(), 1);
    assert!(commands(&sink)[1].starts_with("AUTH PLAIN "));
}

#[tokio::test(start_paused = true)]
async fn login_is_spoken_where_plain_is_not_offered() {
    let (sink, mut session) = open_with(knowing("LOGIN"), with_password("s3cret")).await;
    finished(deliver(&mut session, &message(1)).await);
    assert_eq!(sink.count(), 1);
    assert_eq!(commands(&sink)[1], "AUTH LOGIN");
}

#[tokio::test(start_paused = true)]
async fn long_password_goes_on_a_line_of_its_own() {
    let password = "x".repeat(600);
    let mut sink = knowing("PLAIN");
    sink.auth = Some(SinkAuth {
        user: "office".into(),
        password: password.clone(),
    });
    let (sink, session) = open_with(sink, with_password(&password)).await;
    session.quit().await;
    assert_eq!(commands(&sink)[1], "AUTH PLAIN");
}

#[tokio::test(start_paused = true)]
async fn wrong_password_is_a_permanent_failure_of_auth() {
    for mechanism in ["PLAIN", "LOGIN"] {
        let error = try_open(knowing(mechanism), with_password("wrong"))
            .await
            .1
            .map(drop)
            .unwrap_err();
        assert_eq!(
            (error.phase, error.severity()),
            (Phase::Auth, Severity::Permanent)
        );
        assert_eq!(
            error.to_string(),
            "AUTH: the relay said: 535 5.7.8 Authentication failed"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn auth_refused_for_now_is_transient() {
    let mut sink = doing(Stage::Auth, Act::Reply(reply(454)));
    sink.auth = knowing("PLAIN").auth;
    let error = try_open(sink, with_password("s3cret"))
        .await
        .1
        .map(drop)
        .unwrap_err();
    assert_eq!(
        (error.phase, error.severity()),
        (Phase::Auth, Severity::Transient)
    );
}

#[tokio::test(start_paused = true)]
async fn relay_that_rejects_every_auth_says_so() {
    let sink = postroom_smtp::sink::Sink::detached(knowing("PLAIN")).unwrap();
    sink.set_mode(Mode::RejectAuth).await;
    let (ours, theirs) = tokio::io::duplex(4_096);
    let serving = sink.clone();
    tokio::spawn(async move { serving.serve(theirs).await });
    let connector = postroom_smtp::client::Connector::new(with_password("s3cret")).unwrap();
    let error = connector.open(ours).await.map(drop).unwrap_err();
    assert_eq!(error.reply().map(|reply| reply.code), Some(535));
}

#[tokio::test(start_paused = true)]
async fn missing_auth_and_missing_mechanism_are_named() {
    let missing = |sink| async {
        let error = try_open(sink, with_password("s3cret"))
            .await
            .1
            .map(drop)
            .unwrap_err();
        let Cause::Missing(missing) = error.cause else {
            panic!("{error}")
        };
        missing
    };
    assert_eq!(missing(proper()).await, Missing::Auth);
    assert_eq!(missing(knowing("CRAM-MD5")).await, Missing::Mechanism);
}

#[tokio::test(start_paused = true)]
async fn password_is_not_sent_in_clear_unless_the_policy_says_none() {
    let careful = RelayConfig {
        tls: TlsPolicy::Opportunistic,
        ..with_password("s3cret")
    };
    let (sink, opened) = try_open(knowing("PLAIN"), careful).await;
    let error = opened.map(drop).unwrap_err();
    assert!(
        matches!(error.cause, Cause::Missing(Missing::TlsForAuth)),
        "{error}"
    );
    assert!(!commands(&sink).iter().any(|line| line.starts_with("AUTH")));
}

/// Gives tokens in turn, and notes which were refused.
#[derive(Debug, Default)]
struct Turn {
    tokens: Vec<&'static str>,
    refused: Mutex<Vec<String>>,
}

impl TokenSource for Turn {
    fn token<'a>(&'a self, refused: Option<&'a str>) -> TokenFuture<'a> {
        Box::pin(async move {
            let mut all = self.refused.lock().unwrap();
            all.extend(refused.map(str::to_owned));
            let token = self.tokens.get(all.len());
            token
                .map(|t| (*t).to_owned())
                .ok_or_else(|| TokenError::Failed("no more of them".to_owned()))
        })
    }
}

fn with_tokens(tokens: &[&'static str]) -> (RelayConfig, Arc<Turn>) {
    let source = Arc::new(Turn {
        tokens: tokens.to_vec(),
        ..Turn::default()
    });
    let relay = RelayConfig {
        auth: AuthUse::Xoauth2,
        tokens: Tokens::from(Arc::clone(&source) as _),
        ..with_password("")
    };
    (relay, source)
}

#[tokio::test(start_paused = true)]
async fn access_token_opens_the_way() {
    let (relay, source) = with_tokens(&["s3cret"]);
    let (sink, mut session) = open_with(knowing("PLAIN XOAUTH2"), relay).await;
    finished(deliver(&mut session, &message(1)).await);
    assert_eq!(sink.count(), 1);
    assert!(commands(&sink)[1].starts_with("AUTH XOAUTH2 "));
    assert!(source.refused.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn refused_token_is_replaced_once() {
    let (relay, source) = with_tokens(&["old", "s3cret"]);
    let (_sink, session) = open_with(knowing("XOAUTH2"), relay).await;
    session.quit().await;
    assert_eq!(*source.refused.lock().unwrap(), ["old"]);
}

#[tokio::test(start_paused = true)]
async fn relay_that_refuses_every_token_is_quoted_with_its_reason() {
    let (relay, source) = with_tokens(&["old", "older", "oldest"]);
    let opened = try_open(knowing("XOAUTH2"), relay).await.1;
    let error = opened.map(drop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "AUTH: the relay said: 535 5.7.8 Authentication failed {\"status\":\"401\"}"
    );
    assert_eq!(*source.refused.lock().unwrap(), ["old"]);
}

#[tokio::test(start_paused = true)]
async fn long_token_goes_on_a_line_of_its_own() {
    let token: &'static str = Box::leak("t".repeat(2_000).into_boxed_str());
    let mut sink = knowing("XOAUTH2");
    sink.auth = Some(SinkAuth {
        user: "office".into(),
        password: token.to_owned(),
    });
    let (sink, session) = open_with(sink, with_tokens(&[token]).0).await;
    session.quit().await;
    assert_eq!(commands(&sink)[1], "AUTH XOAUTH2");
}

#[tokio::test(start_paused = true)]
async fn relay_without_xoauth2_gets_no_token_and_missing_tokens_are_named() {
    let opened = try_open(knowing("PLAIN"), with_tokens(&["s3cret"]).0).await.1;
    let error = opened.map(drop).unwrap_err();
    assert!(matches!(error.cause, Cause::Missing(Missing::Xoauth2)), "{error}");
    let opened = try_open(knowing("XOAUTH2"), with_tokens(&[]).0).await.1;
    let error = opened.map(drop).unwrap_err();
    assert_eq!(error.to_string(), "AUTH: no access token: no more of them");
}

/// Connections to its endpoint are not allowed; a token of before may be left.
#[derive(Debug)]
struct OutOfReach {
    cached: Option<&'static str>,
}

impl TokenSource for OutOfReach {
    fn token<'a>(&'a self, refused: Option<&'a str>) -> TokenFuture<'a> {
        Box::pin(async move {
            match self.cached {
                Some(token) if refused.is_none() => Ok(token.to_owned()),
                Some(_) | None => Err(TokenError::Forbidden {
                    address: [10, 1, 2, 3].into(),
                    why: "it is private".to_owned(),
                }),
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn token_endpoint_that_is_not_allowed_is_no_fault_of_the_relays() {
    // Without a token, and with one that the relay refuses because it was withdrawn.
    for cached in [None, Some("withdrawn")] {
        let relay = RelayConfig {
            tokens: Tokens::from(Arc::new(OutOfReach { cached })),
            ..with_tokens(&[]).0
        };
        let opened = try_open(knowing("XOAUTH2"), relay).await.1;
        let error = opened.map(drop).unwrap_err();
        assert_eq!(error.phase, Phase::Auth);
        assert_eq!(error.local_fault(), Some(LocalFault::Permission), "{error}");
        assert!(
            error
                .to_string()
                .contains("the token endpoint is there, and it is private")
        );
    }
}
