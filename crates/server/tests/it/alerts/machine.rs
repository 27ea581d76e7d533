//! What the System Office's administrators are told of the machine and of what is stored on it (A6, A7).

use axum::http::Method;
use postroom_domain::alert::ServerTrouble;
use postroom_domain::{Clock as _, Damage, MessageId};
use postroom_server::reload::Source;
use postroom_store::{DamagedDetail, FactKind, NewFact};
use postroom_testkit::relay;
use serde_json::json;

use super::Place;

const CLOCK: &str = "The server’s clock was changed";
const LOST: &str = "The database lost recent work";
const NAMES: &str = "Two people have one sign-in name";
const REFUSED: &str = "SMTP servers at addresses that are not allowed";
const RESERVED: &str = "A person has a reserved address";
const OUTSIDE: &str = "People cannot send from their address";
const DAMAGED: &str = "Stored e-mail is damaged";

#[tokio::test]
async fn trouble_of_the_machine_is_told_to_the_system_office_alone_once_a_day() {
    let sink = relay::start().await;
    let place = Place::open(&sink, |_| {}).await;
    let store = &place.server.running.node().store;
    for trouble in [
        ServerTrouble::ClockSet { seconds: -86_400 },
        ServerTrouble::ClockSet { seconds: 86_400 },
        ServerTrouble::WorkLost,
        ServerTrouble::SignInNames { clashes: 1 },
        ServerTrouble::RelaysRefused { relays: 2 },
        ServerTrouble::ReservedAddresses { people: 2 },
        ServerTrouble::OutsideDomains { people: 3 },
    ] {
        store
            .note_server_trouble(trouble, place.clock.now())
            .await
            .unwrap();
    }
    let damaged = NewFact {
        kind: FactKind::MessageDamaged,
        message: Some(MessageId::MIN),
        office: place.north,
        person: Some(place.case.id),
        detail: Some(
            serde_json::to_string(&DamagedDetail {
                damage: Damage::Content.number(),
            })
            .unwrap(),
        ),
    };
    store.note_fact(damaged, place.clock.now()).await.unwrap();
    place.until_all_is_told().await;
    let mut titles = place.titles(&place.chief).await;
    titles.sort();
    let expected = [
        (RESERVED, 1),
        (OUTSIDE, 1),
        (REFUSED, 1),
        (DAMAGED, 1),
        (LOST, 1),
        (CLOCK, 2),
        (NAMES, 1),
    ];
    let expected = expected.map(|(title, n)| (title.to_owned(), n));
    assert_eq!(titles, expected);
    let alerts = place.alerts(&place.chief).await;
    let clock = alerts.iter().find(|alert| alert["title"] == CLOCK).unwrap();
    assert_eq!(clock["kind"], "server_trouble");
    assert_eq!(clock["link"], json!({ "to": "server_status" }));
    assert!(
        clock["text"].as_str().unwrap().contains("forward by 1 day"),
        "{clock}"
    );
    for nobody in [&place.head, &place.case, &place.lee, &place.idle] {
        place.until_told(nobody, &[]).await;
    }
}

#[tokio::test]
async fn person_whose_address_becomes_postrooms_own_sends_no_more_and_the_system_office_is_told() {
    let sink = relay::start().await;
    let place = Place::open(&sink, |_| {}).await;
    place.letter(&place.case, "client@example.com").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("postroom.toml");
    let text = format!(
        "[notifications]\nfrom = \"Case@example.test\"\n[[relay]]\nname = \"main\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n",
        sink.addr().port()
    );
    std::fs::write(&file, text).unwrap();
    let reloader = place.server.running.reloader(Source {
        path: Some(file),
        environment: Vec::new(),
    });
    reloader.reload().await.unwrap();
    let message = json!({
        "from": "case@example.test", "to": ["client@example.com"], "subject": "Your policy", "text": "Yours.",
    });
    let (status, refused) = place
        .ask(&place.case, Method::POST, "/api/v1/messages", Some(message))
        .await;
    assert_eq!(
        (status.as_u16(), refused["code"].as_str()),
        (403, Some("from_not_permitted")),
        "{refused}"
    );
    place.letter(&place.lee, "client@example.com").await;
    place.until_told(&place.chief, &[(RESERVED, 1)]).await;
    place.until_told(&place.head, &[]).await;
    let checked = place.server.command(&["check"], "", &[]).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(
        checked.out.contains("cannot send from case@example.test") && checked.out.contains("reserved"),
        "{checked:?}"
    );
}

#[tokio::test]
async fn domains_that_stop_people_are_counted_and_the_system_office_is_told() {
    let sink = relay::start().await;
    let place = Place::open(&sink, |_| {}).await;
    let stopped = "people cannot send from their address any more";
    let words = ["office", "domains", "North", "example.org"];
    let done = place.server.command(&words, "", &[]).await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out.contains(&format!("4 {stopped}")), "{}", done.out);
    place.until_told(&place.chief, &[(OUTSIDE, 1)]).await;
    place.until_told(&place.head, &[]).await;
    let words = ["office", "domains", "North", "example.org", "example.net"];
    let again = place.server.command(&words, "", &[]).await;
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert!(!again.out.contains(stopped), "nobody more: {}", again.out);
}
