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

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    let document = serde_json::to_value(postroom_server::http::openapi()).unwrap();
    let mut waiting = vec![&document];
    while let Some(value) = waiting.pop() {
        if let Some(path) = value.get("$ref").and_then(|path| path.as_str()) {
            let pointer = path.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{path} leads nowhere");
        }
        match value {
            serde_json::Value::Object(fields) => waiting.extend(fields.values()),
            serde_json::Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = serde_json::to_value(postroom_server::http::openapi()).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(name) = operation["operationId"].as_str() else {
                continue;
            };
            assert!(seen.insert(name.to_owned()), "{method} {path}: {name} is taken");
        }
    }
    assert!(seen.contains("get_messages_id"), "{seen:?}");
}
