//! Acting on all that match a filter.

use axum::http::{Method, StatusCode};
use postroom_domain::Clock as _;
use postroom_store::{Account, Actor, Branches, By, JobId, Rights, UserChange};
use serde_json::{Value, json};

use crate::house::{Answer, Ask, House, Person, by};

async fn act(house: &House, who: &Person, body: Value) -> Answer {
    let ask = house.ask(Method::POST, "/api/v1/messages/actions").key(&who.key);
    ask.json(&body).send().await
}

async fn job(house: &House, who: &Person, id: &Value) -> Value {
    let ask = house.ask(Method::GET, &format!("/api/v1/jobs/{id}"));
    ask.key(&who.key).send().await.json()
}

fn super_user() -> Rights {
    Rights {
        super_user: true,
        ..Rights::default()
    }
}

#[tokio::test]
async fn dry_run_is_what_is_done_also_with_a_search() {
    let house = House::open().await;
    let _work = house.work();
    let case = house.person("case", house.root, super_user()).await;
    for n in 0..12 {
        let subject = if n % 3 == 0 { "Minutes" } else { "Policy renewal" };
        house.letter(&case, "a@example.com", subject).await;
    }
    let ended = house.deliver(5, 2).await;
    let request =
        json!({"action": "requeue", "filter": {"q": "policy ren"}, "except": [ended[1].to_string()]});
    let mut dry = request.clone();
    dry["dry_run"] = json!(true);
    let foreseen = act(&house, &case, dry).await.json();
    house
        .letter(&case, "a@example.com", "Policy renewal, too late")
        .await;
    let mut real = request;
    real["as_of"] = foreseen["as_of"].clone();
    let done = act(&house, &case, real).await.json();
    for count in ["done", "skipped", "refused"] {
        assert_eq!(done[count], foreseen[count], "{count}: {done}");
    }
    assert_eq!(
        done["done"].as_u64().unwrap() + done["skipped"].as_u64().unwrap(),
        7
    );
    assert!(
        done["skipped"].as_u64() > Some(0),
        "a Sent message is not put back"
    );
    assert_eq!(
        done["items"].as_array().map(|items| items.len() as u64),
        done["skipped"].as_u64()
    );
}

#[tokio::test]
async fn request_that_names_ids_and_a_filter_or_neither_is_refused() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    for (body, field) in [
        (json!({"action": "delete"}), "ids"),
        (json!({"action": "delete", "ids": []}), "ids"),
        (json!({"action": "delete", "ids": ["x"], "filter": {}}), "filter"),
        (json!({"action": "delete", "ids": ["x"], "as_of": "y"}), "as_of"),
        (json!({"action": "delete", "filter": {}, "as_of": "y"}), "as_of"),
        (
            json!({"action": "delete", "filter": {"limit": 5}}),
            "filter.limit",
        ),
        (
            json!({"action": "delete", "filter": {}, "past_limits": true}),
            "past_limits",
        ),
    ] {
        let answer = act(&house, &case, body.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(answer.problem()["field"], field, "{body}");
    }
    let answer = act(
        &house,
        &case,
        json!({"action": "delete", "filter": {"colour": "red"}}),
    )
    .await;
    assert_eq!(answer.code(), "unknown_field");
}

/// Starts a delete of 20,000 letters and takes something from whoever started it while it is under way; answers the
/// job once it has ended, and how many letters were there at the taking and at the end.
async fn taken(change: UserChange) -> (Value, u64, u64) {
    let house = House::open().await;
    let boss = house.person("boss", house.root, super_user()).await;
    let case = house.person("case", house.root, Rights::default()).await;
    house.letters(&case, 20_000).await;
    let answer = act(&house, &boss, json!({"action": "delete", "filter": {}})).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let id = JobId(answer.json()["id"].as_i64().unwrap());
    let mut progress = house.node.jobs.watch();
    let _work = house.work();
    while house.node.store.job(id).await.unwrap().unwrap().done == 0 {
        progress.changed().await.unwrap();
    }
    let by = By::of(Actor::Operator, house.clock.now());
    let store = &house.node.store;
    store.change_user(boss.user, 1, change, &by).await.unwrap();
    let left = house.kept().await;
    house.node.jobs.ended(id).await.unwrap().unwrap();
    let operator = house.person("operator", house.root, administrator()).await;
    let ended = job(&house, &operator, &json!(id.0)).await;
    (ended, left, house.kept().await)
}

fn administrator() -> Rights {
    Rights {
        administrator: true,
        ..Rights::default()
    }
}

#[tokio::test]
async fn job_of_a_person_who_is_disabled_stops_and_touches_nothing_more() {
    let disabled = UserChange {
        account: Some(Account::Disabled),
        ..UserChange::default()
    };
    let (job, left, kept) = taken(disabled).await;
    assert!(0 < left && left < 20_000, "it was under way: {left}");
    assert_eq!(kept, left, "nothing was touched after the change");
    assert_eq!(job["state"], "stopped", "{job}");
    assert_eq!(job["reason"], "whoever started it may not sign in any more");
    assert_eq!(job["done"].as_u64(), Some(20_000 - left));
}

#[tokio::test]
async fn job_of_a_person_whose_rights_are_taken_ends_and_says_what_is_out_of_sight() {
    let taken_away = UserChange {
        rights: Some((Rights::default(), Branches::All)),
        ..UserChange::default()
    };
    let (job, left, kept) = taken(taken_away).await;
    assert!(0 < left && left < 20_000, "it was under way: {left}");
    assert_eq!(kept, left, "nothing was touched after the change");
    assert_eq!(job["state"], "done", "{job}");
    let reason = job["reason"].as_str().unwrap();
    assert!(
        reason.starts_with(&format!("{left} of them")) && reason.contains("may not see them"),
        "{reason}"
    );
}

#[tokio::test]
async fn job_over_many_rows_is_cancelled_half_way_and_what_was_done_stays_done() {
    let house = House::open().await;
    let case = house.person("case", house.root, super_user()).await;
    house.letters(&case, 20_000).await;
    let answer = act(&house, &case, json!({"action": "delete", "filter": {}})).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let begun = answer.json();
    assert_eq!(
        (&begun["total"], &begun["state"]),
        (&json!(20_000), &json!("running"))
    );
    let mut progress = house.node.jobs.watch();
    let _work = house.work();
    while job(&house, &case, &begun["id"]).await["visited"] == 0 {
        progress.changed().await.unwrap();
    }
    let path = format!("/api/v1/jobs/{}/cancel", begun["id"]);
    let cancelled = house.ask(Method::POST, &path).key(&case.key).send().await.json();
    assert_eq!(cancelled["state"], "cancelled");
    let (visited, done) = (
        cancelled["visited"].as_u64().unwrap(),
        cancelled["done"].as_u64().unwrap(),
    );
    assert!(0 < visited && visited < 20_000 && visited == done, "{cancelled}");
    assert_eq!(house.kept().await, 20_000 - done);
    let again = house.ask(Method::POST, &path).key(&case.key).send().await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (StatusCode::CONFLICT, "job_has_ended")
    );
}

#[tokio::test]
async fn job_that_a_stop_left_is_gone_on_with_and_visits_each_row_once() {
    let house = House::open().await;
    let case = house.person("case", house.root, super_user()).await;
    let ids = house.letters(&case, 600).await;
    house.deliver(256, 256).await;
    let request = json!({"action": "resend", "filter": {"type": "failed"}, "background": true});
    let begun = act(&house, &case, request).await.json();
    let mut progress = house.node.jobs.watch();
    for _ in 0..4 {
        // Each round does a few steps and is stopped wherever it is then.
        let work = house.work();
        progress.changed().await.unwrap();
        drop(work);
    }
    let _work = house.work();
    let id = postroom_store::JobId(begun["id"].as_i64().unwrap());
    house.node.jobs.ended(id).await.unwrap();
    let ended = job(&house, &case, &begun["id"]).await;
    assert_eq!(
        (&ended["state"], &ended["done"], &ended["visited"]),
        (&json!("done"), &json!(256), &json!(256))
    );
    assert_eq!(house.kept().await, 600 + 256);
    for id in &ids[..256] {
        let all = postroom_domain::Scope::everything();
        let detail = house.node.store.detail(&all, *id).await.unwrap().unwrap();
        assert_eq!(detail.resent_as.len(), 1);
    }
}

#[tokio::test]
async fn job_of_somebody_who_may_not_sign_in_any_more_stops() {
    let house = House::open().await;
    let case = house.person("case", house.root, super_user()).await;
    let root = house
        .person(
            "root",
            house.root,
            Rights {
                administrator: true,
                ..super_user()
            },
        )
        .await;
    house.letters(&case, 10).await;
    let request = json!({"action": "delete", "filter": {}, "background": true});
    let begun = act(&house, &case, request).await.json();
    let other = house.ask(Method::GET, &format!("/api/v1/jobs/{}", begun["id"]));
    let stranger = house.person("stranger", house.root, super_user()).await;
    assert_eq!(
        other.key(&stranger.key).send().await.status,
        StatusCode::NOT_FOUND
    );
    for key in house.node.store.keys().await.unwrap() {
        if key.user == Some(case.user) {
            house.node.store.end_key(key.id, &by()).await.unwrap();
        }
    }
    let _work = house.work();
    let id = postroom_store::JobId(begun["id"].as_i64().unwrap());
    house.node.jobs.ended(id).await.unwrap();
    let ended = job(&house, &root, &begun["id"]).await;
    assert_eq!(
        (&ended["state"], &ended["visited"]),
        (&json!("stopped"), &json!(0))
    );
    assert_eq!(house.kept().await, 10);
}

#[tokio::test]
async fn persons_key_sees_that_persons_jobs_and_the_other_way_round() {
    let house = House::open().await;
    let case = house.person("case", house.root, super_user()).await;
    let lee = house.person("lee", house.root, super_user()).await;
    let office_key = house.key(house.root, None, &["manage"]).await;
    house.letter(&case, "a@example.com", "s").await;
    let request = json!({"action": "hold", "filter": {}, "background": true});
    let by_key = act(&house, &case, request.clone()).await.json();
    let ask = house.ask(Method::POST, "/api/v1/messages/actions").by_hand(&case);
    let by_hand = ask.json(&request).send().await.json();
    let mut both = [by_key["id"].as_i64().unwrap(), by_hand["id"].as_i64().unwrap()];
    both.sort_unstable();
    let listed = async |ask: Ask| {
        let jobs = ask.send().await.json()["jobs"].clone();
        let mut ids: Vec<i64> = jobs
            .as_array()
            .unwrap()
            .iter()
            .map(|job| job["id"].as_i64().unwrap())
            .collect();
        ids.sort_unstable();
        ids
    };
    let list = || house.ask(Method::GET, "/api/v1/jobs");
    assert_eq!(listed(list().key(&case.key)).await, both);
    assert_eq!(listed(list().by_hand(&case)).await, both);
    assert_eq!(listed(list().by_hand(&lee)).await, Vec::<i64>::new());
    assert_eq!(listed(list().key(&office_key)).await, Vec::<i64>::new());
    // What one sees, one cancels.
    for (id, other) in [(&by_key["id"], true), (&by_hand["id"], false)] {
        let path = format!("/api/v1/jobs/{id}");
        let strange = house.ask(Method::GET, &path).by_hand(&lee).send().await;
        assert_eq!(strange.status, StatusCode::NOT_FOUND);
        let ask = house.ask(Method::POST, &format!("{path}/cancel"));
        let ask = if other {
            ask.by_hand(&case)
        } else {
            ask.key(&case.key)
        };
        let cancelled = ask.send().await;
        assert_eq!(cancelled.status, StatusCode::OK, "{}", cancelled.text);
    }
}

#[tokio::test]
async fn what_a_job_is_refused_names_the_rule() {
    let house = House::open().await;
    let _work = house.work();
    let north = house.office(house.root, "North").await;
    let case = house.person("case", north, Rights::default()).await;
    let rights = Rights {
        enterprise_view: true,
        ..Rights::default()
    };
    let viewer = house.person("viewer", house.root, rights).await;
    house.letter(&case, "a@example.com", "s").await;
    for (action, rule) in [("hold", "hold_message"), ("delete", "act_on_message")] {
        let report = act(&house, &viewer, json!({"action": action, "filter": {}}))
            .await
            .json();
        assert_eq!(
            (&report["refused"], &report["items"][0]["rule"]),
            (&json!(1), &json!(rule))
        );
        let path = format!("/api/v1/jobs/{}/items", report["job"]);
        let kept = house.ask(Method::GET, &path).key(&viewer.key).send().await.json();
        assert_eq!(kept["items"][0]["rule"], rule, "{kept}");
    }
}
