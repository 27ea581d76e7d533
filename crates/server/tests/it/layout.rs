//! Layouts and sorted lists (SPEC Q2, Q5).

use axum::http::{Method, StatusCode};
use postroom_store::{Rights, SqliteOptions};
use serde_json::{Value, json};

use crate::house::{Answer, House, Person};

const CUSTOMIZER: Rights = Rights {
    super_user: false,
    enterprise_view: false,
    administrator: false,
    customize_list_layout: true,
};
const ADMINISTRATOR: Rights = Rights {
    administrator: true,
    customize_list_layout: false,
    ..CUSTOMIZER
};

fn layout(columns: &[(&str, u32)], sort: &str) -> Value {
    let columns: Vec<Value> = columns
        .iter()
        .map(|(column, width)| json!({"column": column, "width_px": width}))
        .collect();
    json!({"columns": columns, "sort": {"column": sort, "order": "ascending"}})
}

async fn get(house: &House, who: &Person, path: &str) -> Answer {
    house.ask(Method::GET, path).key(&who.key).send().await
}

async fn put(house: &House, who: &Person, path: &str, version: &str, body: &Value) -> Answer {
    let ask = house.ask(Method::PUT, path).key(&who.key);
    ask.header("if-match", version).json(body).send().await
}

#[tokio::test]
async fn own_layout_is_kept_then_the_offices_then_the_default() {
    let house = House::open().await;
    let case = house.person("case", house.root, CUSTOMIZER).await;
    let admin = house.person("admin", house.root, ADMINISTRATOR).await;
    let path = "/api/v1/layout";
    let offices = format!("/api/v1/offices/{}/layout", house.root);

    let first = get(&house, &case, path).await;
    assert_eq!(
        (first.json()["source"].as_str(), first.header("etag")),
        (Some("default"), "\"0\"")
    );
    let of_office = put(
        &house,
        &admin,
        &offices,
        "\"0\"",
        &layout(&[("date", 100)], "date"),
    )
    .await;
    assert_eq!(
        (of_office.status, of_office.header("etag")),
        (StatusCode::OK, "\"1\"")
    );
    let shown = get(&house, &case, path).await;
    assert_eq!(
        (shown.json()["source"].as_str(), shown.header("etag")),
        (Some("office"), "\"0\"")
    );
    assert_eq!(
        shown.json()["columns"],
        json!([{"column": "date", "width_px": 100}])
    );

    let own = put(
        &house,
        &case,
        path,
        "\"0\"",
        &layout(&[("subject", 300), ("size", 60)], "size"),
    )
    .await;
    assert_eq!(
        (own.status, own.header("etag")),
        (StatusCode::OK, "\"1\""),
        "{}",
        own.text
    );
    let shown = get(&house, &case, path).await.json();
    assert_eq!(shown["source"], "own");
    assert_eq!(shown["sort"], json!({"column": "size", "order": "ascending"}));

    let gone = house.ask(Method::DELETE, path).key(&case.key).send().await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&house, &case, path).await.json()["source"], "office");
}

#[tokio::test]
async fn layouts_of_others_and_without_the_right_are_refused_by_their_rule() {
    let house = House::open().await;
    let child = house.office(house.root, "North").await;
    let sibling = house.office(house.root, "South").await;
    let plain = house.person("plain", child, Rights::default()).await;
    let admin = house.person("admin", child, ADMINISTRATOR).await;
    let body = layout(&[("date", 100)], "date");
    let own = "/api/v1/layout";
    let offices = format!("/api/v1/offices/{child}/layout");
    let foreign = format!("/api/v1/offices/{sibling}/layout");

    let refused = put(&house, &plain, own, "\"0\"", &body).await;
    assert_eq!(
        (refused.status, refused.json()["rule"].as_str()),
        (StatusCode::FORBIDDEN, Some("customize_list_layout"))
    );
    let refused = put(&house, &plain, &offices, "\"0\"", &body).await;
    assert_eq!(
        (refused.status, refused.json()["rule"].as_str()),
        (StatusCode::FORBIDDEN, Some("administer_office"))
    );
    for path in [
        foreign.as_str(),
        "/api/v1/offices/999/layout",
        "/api/v1/offices/north/layout",
    ] {
        assert_eq!(
            get(&house, &admin, path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
        assert_eq!(
            put(&house, &admin, path, "\"0\"", &body).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    assert_eq!(
        put(&house, &admin, &offices, "\"0\"", &body).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn stale_and_bad_layouts_change_nothing() {
    let house = House::open().await;
    let case = house.person("case", house.root, CUSTOMIZER).await;
    let path = "/api/v1/layout";
    let body = layout(&[("date", 100)], "date");
    let without = house
        .ask(Method::PUT, path)
        .key(&case.key)
        .json(&body)
        .send()
        .await;
    assert_eq!(
        (without.status, without.code().as_str()),
        (StatusCode::PRECONDITION_REQUIRED, "precondition_required")
    );
    assert_eq!(
        put(&house, &case, path, "\"0\"", &body).await.status,
        StatusCode::OK
    );
    let stale = put(&house, &case, path, "\"0\"", &layout(&[("size", 100)], "date")).await;
    assert_eq!(
        (stale.status, stale.code().as_str()),
        (StatusCode::PRECONDITION_FAILED, "stale")
    );

    for (columns, sort, field) in [
        (&[("date", 100), ("colour", 80)][..], "date", "columns[1].column"),
        (&[("date", 100), ("date", 80)], "date", "columns[1].column"),
        (&[("date", 5)], "date", "columns[0].width_px"),
        (&[("date", 100)], "body", "sort.column"),
        (&[], "date", "columns"),
    ] {
        let bad = put(&house, &case, path, "\"1\"", &layout(columns, sort)).await;
        assert_eq!(
            (bad.status, bad.code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "bad_layout")
        );
        assert_eq!(bad.json()["field"], field, "{}", bad.text);
    }
    let kept = get(&house, &case, path).await;
    assert_eq!(
        kept.json()["columns"],
        json!([{"column": "date", "width_px": 100}])
    );
}

async fn subjects(house: &House, who: &Person, query: &str) -> (Vec<String>, Value) {
    let answer = get(house, who, &format!("/api/v1/messages?{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let page = answer.json();
    let rows = page["rows"].as_array().unwrap();
    let subjects = rows.iter().map(|row| row["subject"].as_str().unwrap().to_owned());
    (subjects.collect(), page)
}

#[tokio::test]
async fn list_is_sorted_page_by_page_in_both_directions() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    for subject in ["beta", "Alpha", "delta", "Gamma", "epsilon"] {
        house.letter(&case, "client@example.com", subject).await;
    }
    let (dates, _) = subjects(&house, &case, "sort=date&order=ascending").await;
    assert_eq!(dates, ["beta", "Alpha", "delta", "Gamma", "epsilon"]);
    let mut seen = Vec::new();
    let mut query = "sort=subject&order=ascending&limit=2".to_owned();
    loop {
        let (page, answer) = subjects(&house, &case, &query).await;
        seen.push(page);
        let Some(next) = answer["next"].as_str() else {
            break;
        };
        query = format!("sort=subject&order=ascending&limit=2&cursor={next}");
    }
    assert_eq!(
        seen,
        [vec!["Alpha", "beta"], vec!["delta", "epsilon"], vec!["Gamma"]]
    );
    let (_, last) = subjects(&house, &case, &query).await;
    let prev = last["prev"].as_str().unwrap();
    let (page, _) = subjects(
        &house,
        &case,
        &format!("sort=subject&order=ascending&limit=2&cursor={prev}"),
    )
    .await;
    assert_eq!(page, ["delta", "epsilon"]);
    let (down, answer) = subjects(&house, &case, "sort=subject&at=3").await;
    assert_eq!(
        (down, answer["at"].as_u64()),
        (vec!["beta".to_owned(), "Alpha".to_owned()], Some(3))
    );
}

#[tokio::test]
async fn sort_that_cannot_be_is_refused_by_name() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    for (query, field) in [
        ("sort=body", "sort"),
        ("sort=colour", "sort"),
        ("sort=size&cursor=c_a0000000000000", "cursor"),
        ("sort=size&at=10001", "at"),
    ] {
        let answer = get(&house, &case, &format!("/api/v1/messages?{query}")).await;
        assert_eq!(
            (answer.status, answer.json()["field"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some(field)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn list_of_more_than_can_be_sorted_asks_to_be_narrowed_first() {
    let options = SqliteOptions {
        sort_most: 3,
        ..SqliteOptions::default()
    };
    let house = House::on(options, |_| {}).await;
    let boss = Rights {
        super_user: true,
        ..Rights::default()
    };
    let boss = house.person("boss", house.root, boss).await;
    let case = house.person("case", house.root, Rights::default()).await;
    for subject in ["beta policy", "alpha policy", "delta policy"] {
        house.letter(&case, "client@example.com", subject).await;
    }
    house.letter(&boss, "client@example.com", "gamma policy").await;
    for query in [
        "sort=subject",
        "sort=size&order=ascending",
        "sort=subject&q=policy",
    ] {
        let refused = get(&house, &boss, &format!("/api/v1/messages?{query}")).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "narrow_first"),
            "{query}"
        );
        let problem = refused.json();
        assert_eq!(problem["field"], "sort", "{query}");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .starts_with("4 messages match"),
            "{problem}"
        );
    }
    let alphabet = ["alpha policy", "beta policy", "delta policy"];
    for narrowed in [
        format!("sender={}", case.user),
        format!("sender={}&q=pol", case.user),
    ] {
        let query = format!("sort=subject&order=ascending&{narrowed}");
        assert_eq!(subjects(&house, &boss, &query).await.0, alphabet, "{query}");
    }
    let dates = subjects(&house, &boss, "sort=date&order=ascending").await.0;
    assert_eq!(dates.len(), 4, "dates have an index");
    assert_eq!(
        subjects(&house, &case, "sort=subject&order=ascending").await.0,
        alphabet
    );
}

#[tokio::test]
async fn export_without_columns_has_those_of_the_layout() {
    let house = House::open().await;
    let case = house.person("case", house.root, CUSTOMIZER).await;
    let admin = house.person("admin", house.root, ADMINISTRATOR).await;
    let heading = async |who: &Person, query: &str| {
        let answer = get(&house, who, &format!("/api/v1/messages/export{query}")).await;
        answer.text.lines().next().unwrap().to_owned()
    };
    let offices = format!("/api/v1/offices/{}/layout", house.root);
    let body = layout(&[("date", 100), ("error_message", 200)], "date");
    let kept = put(&house, &admin, &offices, "\"0\"", &body).await;
    assert_eq!(kept.status, StatusCode::OK, "{}", kept.text);
    assert_eq!(heading(&case, "").await, "Date,Error Message");

    let body = layout(&[("subject", 300), ("send_attempts", 60)], "date");
    put(&house, &case, "/api/v1/layout", "\"0\"", &body).await;
    assert_eq!(heading(&case, "").await, "Subject,Send Attempts");
    assert_eq!(
        heading(&admin, "").await,
        "Date,Error Message",
        "each has their own"
    );
    assert_eq!(heading(&case, "?columns=id").await, "Id");
}
