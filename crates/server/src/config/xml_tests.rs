//! The XML form: the same keys, and its own mistakes.

use super::*;
use crate::config::{Config, show};

fn read_xml(text: &str) -> Result<Loaded, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.xml");
    std::fs::write(&path, text).unwrap();
    let words = |error: ConfigError| {
        error
            .to_string()
            .replace(&format!("{}", folder.path().display()), "DIR")
    };
    load(Some(&path), &Environment::new()).map_err(words)
}

#[test]
fn xml_and_toml_say_the_same() {
    let xml = read_xml(
        "<?xml version=\"1.0\"?>\n<!-- the office's -->\n<Server>\n  <Brand>House &amp; Mail</Brand>\n  <Node>3</Node>\n  \
         <Services><EmailQueue><Enabled>false</Enabled></EmailQueue></Services>\n  \
         <EmailLimits><SystemDailyLimit>8</SystemDailyLimit><UserDailyLimit>5</UserDailyLimit></EmailLimits>\n  \
         <Submission><Listen>127.0.0.1:25</Listen><Listen>127.0.0.1:26</Listen>\
         <Trusted><Network>10.0.0.0/8</Network><Login>case</Login></Trusted></Submission>\n  \
         <Smtp><Name>a</Name><Host>one.example.com</Host></Smtp>\n  \
         <Smtp><Name>b</Name><Host>two.example.com</Host><Port> 587 </Port></Smtp>\n</Server>\n",
    )
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("same.toml");
    let text = "brand = \"House & Mail\"\n[server]\nnode = 3\n[queue]\nenabled = false\n[limits]\nsystem_daily_limit = 8\n\
        user_daily_limit = 5\n[submission]\nlisten = [\"127.0.0.1:25\", \"127.0.0.1:26\"]\n\
        [[submission.trusted]]\nnetwork = \"10.0.0.0/8\"\nlogin = \"case\"\n[[relay]]\nname = \"a\"\n\
        host = \"one.example.com\"\n[[relay]]\nname = \"b\"\nhost = \"two.example.com\"\nport = 587\n";
    std::fs::write(&path, text).unwrap();
    let toml = load(Some(&path), &Environment::new()).unwrap();
    assert_eq!(xml.config, toml.config);
    assert_eq!(xml.config.relay[1].port, 587);
    assert!(
        xml.pinned("limits.user_daily_limit")
            .unwrap()
            .contains("config.xml:7:")
    );
    assert_eq!(xml.pinned("limits.time_zone"), None);
}

#[test]
fn own_names_of_renamed_sections_are_understood_too() {
    let loaded = read_xml(
        "<Server><Queue><Enabled>false</Enabled></Queue><Limits><UserDailyLimit>7</UserDailyLimit></Limits></Server>",
    );
    let config = loaded.unwrap().config;
    assert!(!config.queue.enabled);
    assert_eq!(config.limits.user_daily_limit, 7);
}

#[test]
fn each_mistake_of_xml_is_named_with_its_place() {
    let table = [
        (
            "<Server><EmailLimits>\n<UserDailyLimt>1</UserDailyLimt></EmailLimits></Server>",
            "DIR/config.xml:2:1: unknown element \"UserDailyLimt\" in <EmailLimits>; did you mean \"UserDailyLimit\"? (allowed: SystemDailyLimit, UserDailyLimit, TimeZone)",
        ),
        (
            "<Server><EmailLimits>\n  <UserDailyLimit>many</UserDailyLimit></EmailLimits></Server>",
            "DIR/config.xml:2:3: limits.user_daily_limit: \"many\" is not a whole number",
        ),
        (
            "<!DOCTYPE Server [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\n<Server><Brand>&x;</Brand></Server>",
            "DIR/config.xml:1:1: a DTD (<!DOCTYPE …>) is not allowed in the configuration: take it out",
        ),
        (
            "<Server><Brand>&x;</Brand></Server>",
            "DIR/config.xml:1:16: the entity &x; is not allowed: write its text (only &lt; &gt; &amp; &quot; &apos; are known)",
        ),
        (
            "<Configuration/>",
            "DIR/config.xml:1:1: the root element is <Configuration>; it is <Server>",
        ),
        (
            "<Server><Brand lang=\"en\">A</Brand></Server>",
            "DIR/config.xml:1:9: <Brand> has the attribute \"lang\"; values are elements here, not attributes",
        ),
        (
            "<Server><Http>8080</Http></Server>",
            "DIR/config.xml:1:15: <Http> holds elements, not text",
        ),
        (
            "<Server><Brand><B>A</B></Brand></Server>",
            "DIR/config.xml:1:16: <Brand> holds a value, not the element <B>",
        ),
        (
            "<Server><Brand>A</Brand>\n<Brand>B</Brand></Server>",
            "DIR/config.xml:2:1: brand stands twice, first at DIR/config.xml:1:9",
        ),
    ];
    for (text, expected) in table {
        let said = read_xml(text).map(drop).unwrap_err();
        assert!(
            said.lines().any(|line| line == expected),
            "{text}\n{said}\n{expected}"
        );
    }
    assert!(
        read_xml("<Server><Brand>A</Server>")
            .unwrap_err()
            .starts_with("DIR/config.xml:1:")
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let said =
        read_xml("<Server>\n<Brnd>A</Brnd>\n<Node>5000</Node>\n<Http><Listen>x</Listen></Http>\n</Server>")
            .unwrap_err();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(
        lines[0].starts_with("DIR/config.xml:2:1: unknown element"),
        "{said}"
    );
    assert!(
        lines[1].starts_with("DIR/config.xml:4:7: http.listen: "),
        "{said}"
    );
}

#[test]
fn file_with_another_ending_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("postroom.yaml");
    std::fs::write(&path, "a: 1").unwrap();
    let error = load(Some(&path), &Environment::new()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("the ending of a configuration file is .toml or .xml")
    );
}

#[test]
fn secrets_are_not_shown() {
    let loaded = read_xml(
        "<Server><Smtp><Host>a</Host><Username>u</Username><Password>open sesame</Password></Smtp>\
         <Metrics><Token>abc</Token></Metrics></Server>",
    )
    .unwrap();
    let shown = show(&loaded);
    assert!(
        shown
            .iter()
            .all(|row| !row.value.contains("sesame") && !row.value.contains("abc"))
    );
    let password = shown.iter().find(|row| row.path == "relay[0].password").unwrap();
    assert_eq!(password.value, "(hidden)");
    assert!(!format!("{:?}", loaded.config).contains("sesame"));
    assert!(format!("{:?}", Config::default()).contains("brand"));
}
