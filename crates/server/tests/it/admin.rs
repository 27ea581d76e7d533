//! The operator's routes are behind the socket alone.

use axum::http::{Method, StatusCode};
use postroom_store::Rights;
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn admin_routes_are_not_on_the_public_listener() {
    let house = House::open().await;
    let rights = Rights {
        super_user: true,
        administrator: true,
        ..Rights::default()
    };
    let admin = house.person("admin", house.root, rights).await;
    for (method, path) in [
        (Method::GET, "/admin/v1/users"),
        (Method::POST, "/admin/v1/users"),
        (Method::POST, "/admin/v1/keys"),
        (Method::POST, "/admin/v1/flush"),
    ] {
        let answer = house
            .ask(method.clone(), path)
            .key(&admin.key)
            .json(&json!({}))
            .send()
            .await;
        assert!(!answer.text.contains("admin@example.test"), "{}", answer.text);
        if method == Method::POST {
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        }
    }
}
