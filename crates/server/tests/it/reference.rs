//! The configuration's page holds the reference that the fields' documentation makes.

const BEGIN: &str = "<!-- keys -->\n";
const END: &str = "<!-- /keys -->";

#[test]
fn reference_of_the_configuration_is_the_fields_own_documentation() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let made = format!(
        "{before}{BEGIN}{}{END}{after}",
        postroom_server::config::reference()
    );
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(path, &made).unwrap();
    } else {
        assert!(
            page == made,
            "docs/configuration.md is not what the keys say: UPDATE_REFERENCE=1 cargo test -p postroom reference writes it anew"
        );
    }
}
