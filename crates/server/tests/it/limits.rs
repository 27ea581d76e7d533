//! `/limits`, and what they do to mail that comes in.

use axum::http::{Method, StatusCode};
use postroom_store::Rights;
use serde_json::{Value, json};

use crate::house::{Answer, House, Person};

const ADMINISTRATOR: Rights = Rights {
    super_user: false,
    enterprise_view: false,
    administrator: true,
    customize_list_layout: false,
};

async fn put(house: &House, who: &Person, edit: Value) -> Answer {
    let version = house.ask(Method::GET, "/api/v1/limits").by_hand(who).send().await;
    let version = version.header("etag").to_owned();
    house
        .ask(Method::PUT, "/api/v1/limits")
        .by_hand(who)
        .header("if-match", &version)
        .json(&edit)
        .send()
        .await
}

async fn submit(house: &House, from: &Person) -> Answer {
    let message = json!({
        "from": format!("{}@example.test", from.login), "to": ["client@example.com"], "subject": "Your policy",
        "text": "Dear client"
    });
    let ask = house.ask(Method::POST, "/api/v1/messages").key(&from.key);
    ask.json(&message).send().await
}

#[tokio::test]
async fn message_over_the_limit_is_taken_in_and_held_with_reason_and_until() {
    let house = House::with(|config| config.limits.user_daily_limit = 1).await;
    let case = house.person("case", house.root, Rights::default()).await;
    assert_eq!(submit(&house, &case).await.json()["held"], Value::Null);
    let held = submit(&house, &case).await;
    assert_eq!(held.status, StatusCode::ACCEPTED);
    let held = held.json();
    assert_eq!(
        (&held["state"], &held["held"]["reason"]),
        (&json!("held"), &json!("user_limit"))
    );
    let limits = house
        .ask(Method::GET, "/api/v1/limits")
        .key(&case.key)
        .send()
        .await
        .json();
    assert_eq!(held["held"]["until"], limits["day_ends_at"]);
    assert_eq!(limits["set_in_configuration"], json!(["limits.user_daily_limit"]));
    assert_eq!(limits["message_bytes_max"], json!(25 * 1024 * 1024));
}

#[tokio::test]
async fn limits_are_set_by_administrators_of_the_system_office_alone() {
    let house = House::open().await;
    let north = house.office(house.root, "North").await;
    let boss = house.person("boss", house.root, ADMINISTRATOR).await;
    let local = house.person("local", north, ADMINISTRATOR).await;
    let edit = json!({"system_daily_limit": 10, "user_daily_limit": 5, "time_zone": "Europe/Berlin"});
    let refused = put(&house, &local, edit.clone()).await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::FORBIDDEN, "not_permitted".to_owned())
    );
    assert_eq!(refused.json()["rule"], "administer_system");
    let without = house
        .ask(Method::PUT, "/api/v1/limits")
        .by_hand(&boss)
        .json(&edit)
        .send()
        .await;
    assert_eq!(without.code(), "precondition_required");
    let stale = house
        .ask(Method::PUT, "/api/v1/limits")
        .by_hand(&boss)
        .header("if-match", "\"0\"");
    let stale = stale.json(&edit).send().await;
    assert_eq!(
        (stale.status, stale.code()),
        (StatusCode::PRECONDITION_FAILED, "stale".to_owned())
    );
    let set = put(&house, &boss, edit).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text);
    assert_eq!(set.json()["time_zone"], "Europe/Berlin");
    let audit = house
        .ask(Method::GET, "/api/v1/audit?limit=1")
        .by_hand(&boss)
        .send()
        .await
        .json();
    assert_eq!(audit["entries"][0]["action"], "limits.change");
}

#[tokio::test]
async fn bad_limits_are_refused_by_name_and_nothing_changes() {
    let house = House::open().await;
    let boss = house.person("boss", house.root, ADMINISTRATOR).await;
    for _ in 0..3 {
        submit(&house, &boss).await;
    }
    let cases = [
        (json!({"user_daily_limit": 2}), "limit_below_use", "3 messages"),
        (json!({"system_daily_limit": 2}), "limit_below_use", "3 messages"),
        (
            json!({"time_zone": "Europe/Nowhere"}),
            "bad_value",
            "Europe/Nowhere",
        ),
        (json!({"user_daily_limit": -1}), "bad_value", "user_daily_limit"),
        (json!({"daily": 1}), "unknown_field", "daily"),
    ];
    for (edit, code, words) in cases {
        let refused = put(&house, &boss, edit).await;
        let problem = refused.json();
        assert_eq!(refused.code(), code, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    }
    let limits = house
        .ask(Method::GET, "/api/v1/limits")
        .by_hand(&boss)
        .send()
        .await
        .json();
    assert_eq!(
        (&limits["user_daily_limit"], &limits["system_daily_limit"]),
        (&json!(2000), &json!(0))
    );
    assert_eq!(limits["version"], 1);
}

#[tokio::test]
async fn limit_of_the_configuration_file_is_not_changed_elsewhere() {
    let house = House::with(|config| config.limits.user_daily_limit = 7).await;
    let boss = house.person("boss", house.root, ADMINISTRATOR).await;
    let refused = put(&house, &boss, json!({"user_daily_limit": 8})).await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::CONFLICT, "set_in_configuration".to_owned())
    );
    assert!(
        refused.text.contains("limits.user_daily_limit"),
        "{}",
        refused.text
    );
    // The other key is free, and what is the same changes nothing.
    let set = put(
        &house,
        &boss,
        json!({"user_daily_limit": 7, "system_daily_limit": 9}),
    )
    .await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text);
}

#[tokio::test]
async fn use_is_told_to_oneself_and_to_administrators_of_their_offices() {
    let house = House::open().await;
    let north = house.office(house.root, "North").await;
    let boss = house.person("boss", house.root, ADMINISTRATOR).await;
    let local = house.person("local", north, ADMINISTRATOR).await;
    let case = house.person("case", house.root, Rights::default()).await;
    for who in [&boss, &local, &local, &case] {
        submit(&house, who).await;
    }
    let usage = async |who: &Person| {
        let ask = house
            .ask(Method::GET, "/api/v1/limits/usage?days=30")
            .by_hand(who);
        ask.send().await.json()
    };
    let own = usage(&case).await;
    assert_eq!(own["own"][0]["used"], 1);
    assert!(own.get("system").is_none() && own.get("users").is_none(), "{own}");
    let of_north = usage(&local).await;
    assert!(of_north.get("system").is_none(), "{of_north}");
    assert_eq!(of_north["users"].as_array().unwrap().len(), 1);
    assert_eq!(of_north["users"][0]["days"][0]["used"], 2);
    let all = usage(&boss).await;
    assert_eq!(all["system"][0]["used"], 4);
    assert_eq!(all["users"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn forecast_says_what_goes_today_and_when_the_rest_does() {
    let house = House::with(|config| config.limits.user_daily_limit = 100).await;
    let case = house.person("case", house.root, Rights::default()).await;
    for _ in 0..10 {
        submit(&house, &case).await;
    }
    let ask = house
        .ask(Method::GET, "/api/v1/limits/forecast?count=250")
        .key(&case.key);
    let told = ask.send().await.json();
    let counts: Vec<_> = told["later"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| &day["count"])
        .collect();
    assert_eq!(
        (&told["today"], counts),
        (&json!(90), vec![&json!(100), &json!(60)])
    );
    let office = house.key(house.root, None, &["send"]).await;
    let nobody = house
        .ask(Method::GET, "/api/v1/limits/forecast?count=5")
        .key(&office)
        .send()
        .await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
    let path = "/api/v1/limits/forecast?count=5&from=case@example.test";
    let sender = house.ask(Method::GET, path).key(&office).send().await.json();
    assert_eq!(sender["today"], 5);
}

#[tokio::test]
async fn sixty_four_clients_at_once_get_exactly_the_ten_that_are_left() {
    let house = House::with(|config| config.limits.system_daily_limit = 12).await;
    let case = house.person("case", house.root, Rights::default()).await;
    let other = house.person("other", house.root, Rights::default()).await;
    for _ in 0..2 {
        submit(&house, &case).await;
    }
    let clients = (0..64).map(|n| submit(&house, if n % 2 == 0 { &case } else { &other }));
    let answers = futures_util::future::join_all(clients).await;
    let went = answers
        .iter()
        .filter(|answer| answer.json()["held"].is_null())
        .count();
    assert_eq!(went, 10);
    assert!(answers.iter().all(|answer| answer.status == StatusCode::ACCEPTED));
}
