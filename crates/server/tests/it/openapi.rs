//! The committed description is the one that the routes make.

#[test]
fn committed_description_is_the_routes_own() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    let made = postroom_server::http::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == made,
        "openapi.json is not what the routes say: UPDATE_OPENAPI=1 cargo test -p postroom openapi writes it anew"
    );
}
