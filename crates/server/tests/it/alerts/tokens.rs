//! Access tokens (XOAUTH2): from the Office Settings over the token endpoint to the relay, and who is told where there is
//! none.

use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use postroom_domain::ConnectionLimits;
use postroom_server::connections::ConnectionLimiter;
use postroom_server::http::accept::{self, Clients, Deadlines};
use postroom_smtp::sink::{Offers, SinkAuth, SinkConfig, SinkHandle};
use postroom_testkit::relay;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Place;

const FAILED: &str = "Postroom failed to connect to the SMTP server";

/// A token endpoint that keeps the forms that it was sent.
struct Endpoint {
    url: String,
    forms: Arc<Mutex<Vec<String>>>,
}

impl Endpoint {
    /// Starts one that answers the n-th request, counted from one, like this.
    async fn answering(answer: fn(usize) -> (StatusCode, Value)) -> Self {
        let forms: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&forms);
        let asked = move |form: String| {
            let mut forms = kept.lock().unwrap();
            forms.push(form);
            let (status, body) = answer(forms.len());
            ready((status, axum::Json(body)))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let router = Router::new().route("/token", post(asked));
        let serving = accept::Serving {
            router,
            tls: None,
            connections: ConnectionLimiter::new(ConnectionLimits::of(16)),
            deadlines: Deadlines::with_idle(Duration::from_secs(60)),
            clients: Clients::Operator,
            stopping: CancellationToken::new(),
        };
        tokio::spawn(accept::serve(listener, serving));
        Self { url, forms }
    }

    fn forms(&self) -> Vec<String> {
        self.forms.lock().unwrap().clone()
    }
}

/// Gives tokens t1, t2 and so on, with another refresh token for each next time.
fn numbered(n: usize) -> (StatusCode, Value) {
    let given =
        json!({ "access_token": format!("t{n}"), "expires_in": 3600, "refresh_token": format!("r{n}") });
    (StatusCode::OK, given)
}

/// A relay that takes mail after XOAUTH2 with this token alone.
async fn demanding(token: &str) -> SinkHandle {
    relay::start_with(SinkConfig {
        auth: Some(SinkAuth {
            user: "north".to_owned(),
            password: token.to_owned(),
        }),
        offers: Offers {
            auth: "XOAUTH2",
            ..Offers::default()
        },
        ..SinkConfig::default()
    })
    .await
}

/// Settings under which each message signs in anew.
fn settings(sink: &SinkHandle, endpoint: &Endpoint, grant: &str) -> Value {
    json!({
        "host": "127.0.0.1", "port": sink.addr().port(), "tls": "none", "messages_per_connection": 1,
        "auth": "xoauth2", "user": "north",
        "token": {
            "url": endpoint.url, "client_id": "postroom", "scope": "smtp.send", "grant": grant,
            "client_secret": "hunter2", "refresh_token": "r0",
        },
    })
}

/// The tokens that a relay was offered, in their order.
fn offered(sink: &SinkHandle) -> Vec<String> {
    let token = |line: &str| {
        let response = BASE64.decode(line.trim().strip_prefix("AUTH XOAUTH2 ")?).unwrap();
        let response = String::from_utf8(response).unwrap();
        let token = response.strip_prefix("user=north\x01auth=Bearer ");
        Some(token.unwrap().trim_end_matches('\x01').to_owned())
    };
    sink.commands()
        .iter()
        .filter_map(|(_, line)| token(line))
        .collect()
}

#[tokio::test]
async fn mail_leaves_with_the_token_that_client_credentials_get_and_the_token_is_kept() {
    let (servers, own) = (relay::start().await, demanding("t1").await);
    let endpoint = Endpoint::answering(numbered).await;
    let place = Place::open(&servers, |_| {}).await;
    place
        .give_relay(settings(&own, &endpoint, "client_credentials"))
        .await;
    for to in ["a@example.com", "b@example.com"] {
        let id = place.letter(&place.case, to).await;
        place.until_state(&place.case, &id, "sent", 1).await;
    }
    assert_eq!((own.count(), servers.count()), (2, 0));
    assert_eq!(offered(&own), ["t1", "t1"]);
    assert_eq!(
        endpoint.forms(),
        ["grant_type=client_credentials&client_id=postroom&client_secret=hunter2&scope=smtp.send"]
    );
}

#[tokio::test]
async fn refused_token_is_replaced_by_the_refresh_token_within_the_attempt_and_nobody_is_told() {
    let (servers, own) = (relay::start().await, demanding("t2").await);
    let endpoint = Endpoint::answering(numbered).await;
    let place = Place::open(&servers, |_| {}).await;
    place.give_relay(settings(&own, &endpoint, "refresh_token")).await;
    for to in ["a@example.com", "b@example.com"] {
        let id = place.letter(&place.case, to).await;
        place.until_state(&place.case, &id, "sent", 1).await;
    }
    assert_eq!(offered(&own), ["t1", "t2", "t2"]);
    let form = |token: &str| {
        format!(
            "grant_type=refresh_token&refresh_token={token}&client_id=postroom&client_secret=hunter2&scope=smtp.send"
        )
    };
    assert_eq!(
        endpoint.forms(),
        [form("r0"), form("r1")],
        "the refresh token of the last answer counts"
    );
    place.until_all_is_told().await;
    for nobody in [&place.case, &place.head, &place.chief] {
        place.until_told(nobody, &[]).await;
    }
}

#[tokio::test]
async fn refusal_of_the_token_endpoint_defers_the_message_and_is_told_with_its_cause() {
    let (servers, own) = (relay::start().await, demanding("t2").await);
    let endpoint = Endpoint::answering(|n| match n {
        1 => {
            let refusal = json!({ "error": "invalid_client", "error_description": "the secret has expired" });
            (StatusCode::UNAUTHORIZED, refusal)
        }
        n => numbered(n),
    })
    .await;
    let place = Place::open(&servers, |_| {}).await;
    place
        .give_relay(settings(&own, &endpoint, "client_credentials"))
        .await;
    let id = place.letter(&place.case, "a@example.com").await;
    place.until_state(&place.case, &id, "deferred", 1).await;
    let cause = "no access token: the token endpoint answered 401 Unauthorized: invalid_client the secret has expired";
    let path = format!("/api/v1/messages/{id}");
    let (_, message) = place.ask(&place.case, Method::GET, &path, None).await;
    assert!(message["error"].as_str().unwrap().contains(cause), "{message}");
    let (_, why) = place
        .ask(&place.case, Method::GET, &format!("{path}/explain"), None)
        .await;
    assert!(
        why["evidence"][0].as_str().unwrap().contains(cause) && why["next_at"].is_string(),
        "{why}"
    );

    place.until_told(&place.case, &[(FAILED, 1)]).await;
    place.until_told(&place.head, &[(FAILED, 1)]).await;
    let theirs = &place.alerts(&place.head).await[0];
    let text = theirs["text"].as_str().unwrap();
    assert!(
        text.contains("there is no access token to sign in with") && text.contains(cause),
        "{text}"
    );
    let advice = theirs["advice"].as_str().unwrap();
    assert!(
        advice.contains("the token endpoint") && advice.contains("the Office Settings of North"),
        "{advice}"
    );
    assert!(!theirs.to_string().contains("hunter2"), "{theirs}");
    assert_eq!((offered(&own).len(), own.count()), (0, 0));

    // The endpoint gives one again: the message leaves with its next attempt.
    place.pass(Duration::from_mins(70));
    place.until_state(&place.case, &id, "sent", 2).await;
    assert_eq!(offered(&own), ["t2"]);
    place.until_all_is_told().await;
    place.until_told(&place.head, &[(FAILED, 1)]).await;
    place.until_told(&place.chief, &[]).await;
}
