//! Health, metrics, and the page.

use axum::http::{Method, StatusCode};
use postroom_server::supervision::Part;
use postroom_store::Rights;

use crate::house::House;

#[tokio::test]
async fn server_says_that_it_lives_and_is_ready() {
    let house = House::open().await;
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(
            house.ask(Method::GET, path).send().await.status,
            StatusCode::OK,
            "{path}"
        );
    }
}

#[tokio::test]
async fn metrics_count_and_tell_nobodys_address() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    house.letter(&case, "client@example.com", "secret subject").await;
    let metrics = house.ask(Method::GET, "/metrics").send().await.text;
    for line in [
        "postroom_accepted_total 1",
        "postroom_messages{state=\"queued\"} 1",
        "postroom_queue_depth{phase=\"ready\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert!(!metrics.contains("example.com") && !metrics.contains("secret"));
}

#[tokio::test]
async fn metrics_without_a_token_are_for_programs_on_this_machine() {
    let house = House::open().await;
    let ask = house
        .ask(Method::GET, "/metrics")
        .header("x-forwarded-for", "203.0.113.5");
    let answer = ask.send().await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::FORBIDDEN, "metrics_are_local".to_owned())
    );
    assert!(!answer.text.contains("postroom_"), "{}", answer.text);
}

#[tokio::test]
async fn metrics_without_a_token_are_not_for_a_proxy_that_adds_no_header() {
    let house =
        House::with(|config| config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let answer = house.ask(Method::GET, "/metrics").send().await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::FORBIDDEN, "metrics_are_local".to_owned())
    );
}

#[tokio::test]
async fn page_may_load_nothing_but_its_own() {
    let house = House::open().await;
    let page = house.ask(Method::GET, "/").send().await;
    assert_eq!(page.status, StatusCode::OK);
    let policy = page.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types svelte-trusted-html ProseMirrorClipboard",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(!policy.contains("unsafe"));
}

#[tokio::test]
async fn server_whose_part_has_ended_says_which_and_does_not_claim_to_live() {
    let house = House::open().await;
    house
        .supervisor
        .essential(Part::SmtpListener, async { panic!("out of order") });
    house.supervisor.failed().await;
    let live = house.ask(Method::GET, "/health/live").send().await;
    assert_eq!(live.status, StatusCode::SERVICE_UNAVAILABLE);
    let problem = live.json();
    assert_eq!(problem["code"], "part_ended");
    assert_eq!(
        problem["detail"],
        "smtp listener ended unexpectedly: it panicked: out of order"
    );
}
