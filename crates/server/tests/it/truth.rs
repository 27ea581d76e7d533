//! The truth table of SPEC §2 as data (`docs/access/truth.toml`), and the page that is made from it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use postroom_store::Rights;
use serde::Deserialize;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/access/truth.toml");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/who-sees-what.md");

/// Person × message × verb.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Truth {
    pub(crate) verbs: Vec<String>,
    pub(crate) level: Vec<Level>,
    pub(crate) message: Vec<Message>,
    status: Vec<StatusWord>,
    pub(crate) person: Vec<Person>,
    pub(crate) target: Vec<Target>,
    pub(crate) changer: Vec<Changer>,
}

/// Somebody of the North Office whose address is changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    pub(crate) id: String,
    title: String,
    pub(crate) rights: Vec<String>,
}

/// Somebody who changes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Changer {
    title: String,
    #[serde(default = "north")]
    pub(crate) office: String,
    pub(crate) rights: Vec<String>,
    may: BTreeMap<String, String>,
}

impl Changer {
    /// `yes`, the rule that refuses, or `-` for those who do not know of the person.
    pub(crate) fn answer(&self, target: &Target) -> &str {
        self.may.get(&target.id).map_or("-", String::as_str)
    }
}

/// Rights by their names.
pub(crate) fn rights(names: &[String]) -> Rights {
    let has = |right: &str| names.iter().any(|known| known == right);
    Rights {
        super_user: has("super_user"),
        enterprise_view: has("enterprise_view"),
        administrator: has("administrator"),
        customize_list_layout: has("customize_list_layout"),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Level {
    pub(crate) word: String,
    title: String,
    may: Vec<String>,
    refused: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    pub(crate) id: String,
    title: String,
    #[serde(default)]
    nobody_may: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Person {
    pub(crate) id: String,
    title: String,
    #[serde(default = "north")]
    pub(crate) office: String,
    #[serde(default)]
    pub(crate) rights: Vec<String>,
    pub(crate) branches: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) security: Security,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) key: Option<KeyOf>,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    #[serde(default = "seen")]
    pub(crate) status: String,
    may: BTreeMap<String, String>,
}

/// How much of the status somebody is shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusWord {
    word: String,
    title: String,
}

fn seen() -> String {
    "seen".to_owned()
}

fn north() -> String {
    "North Office".to_owned()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Security {
    #[default]
    On,
    Off,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proxy {
    #[serde(rename = "for")]
    pub(crate) principal: String,
    pub(crate) level: String,
    #[serde(default)]
    pub(crate) dates: Dates,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Dates {
    #[default]
    Always,
    Past,
    Future,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyOf {
    Person,
    Office,
}

/// What the table answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is done.
    Yes,
    /// 403, with the rule.
    Refused,
    /// 404, as for an unknown id.
    Hidden,
}

impl Truth {
    /// Reads the table.
    pub(crate) fn read() -> Self {
        toml::from_str(&std::fs::read_to_string(TABLE).unwrap()).unwrap()
    }

    /// What `person` gets who wants to do `verb` with `message`.
    pub(crate) fn answer(&self, person: &Person, message: &Message, verb: &str) -> Answer {
        let word = person.may.get(&message.id).map_or("-", String::as_str);
        let level = self.level.iter().find(|level| level.word == word).unwrap();
        let has = |verbs: &[String]| verbs.iter().any(|known| known == verb);
        if has(&level.refused) || (has(&level.may) && has(&message.nobody_may)) {
            Answer::Refused
        } else if has(&level.may) {
            Answer::Yes
        } else {
            Answer::Hidden
        }
    }

    fn page(&self) -> String {
        let mut page = String::from(
            "# Who sees what\n\n\
             <!-- Made from access/truth.toml by `UPDATE_DOCS=1 cargo test -p postroom truth`: edit that file. -->\n\n\
             The offices of this table: the System Office is the root; below it are the North Office and the South \
             Office;\nbelow the North Office are the branches Lakeside and Hillside; below Lakeside is the Pier Desk. The \
             people belong\nto the North Office unless it is said. The tests of Postroom walk every route of its API \
             against this table.\n\n## What the words mean\n\n| word | whoever has it | may | is refused, with the rule |\n\
             | --- | --- | --- | --- |\n",
        );
        for level in &self.level {
            let names = |verbs: &[String]| {
                if verbs.is_empty() {
                    "–".to_owned()
                } else {
                    verbs.join(", ")
                }
            };
            let (may, refused) = (names(&level.may), names(&level.refused));
            let word = if level.word == "-" { "–" } else { &level.word };
            writeln!(page, "| {word} | {} | {may} | {refused} |", level.title).unwrap();
        }
        page.push_str("\nWhat somebody does not know of is answered exactly like what does not exist.\n");
        for message in self
            .message
            .iter()
            .filter(|message| !message.nobody_may.is_empty())
        {
            let verbs = message.nobody_may.join(", ");
            writeln!(
                page,
                "Nobody may do this with {}, whatever the word: {verbs}.",
                message.title
            )
            .unwrap();
        }
        page.push_str("\n## The table\n\n| who |");
        for message in &self.message {
            write!(page, " {} |", message.title).unwrap();
        }
        page.push_str("\n| --- |");
        page.push_str(&" --- |".repeat(self.message.len()));
        page.push('\n');
        for person in &self.person {
            write!(page, "| {} |", person.title).unwrap();
            for message in &self.message {
                let word = person.may.get(&message.id).map_or("-", String::as_str);
                write!(page, " {} |", if word == "-" { "–" } else { word }).unwrap();
            }
            page.push('\n');
        }
        self.statuses(&mut page);
        self.changes(&mut page);
        page
    }

    fn statuses(&self, page: &mut String) {
        page.push_str(
            "\n## What GET /status shows to whom\n\nThis holds for the `status` of the event stream, too.\n\n\
             | who | what is shown |\n| --- | --- |\n",
        );
        for StatusWord { word, title } in &self.status {
            let who: Vec<&str> = self
                .person
                .iter()
                .filter(|person| person.status == *word)
                .map(|person| person.title.as_str())
                .collect();
            let who = if *word == seen() {
                "whoever sees mail, unless named below".to_owned()
            } else {
                who.join("; ")
            };
            writeln!(page, "| {who} | {title} |").unwrap();
        }
    }

    fn changes(&self, page: &mut String) {
        page.push_str(
            "\n## Who changes whose address, and gives which rights\n\nThis is about people of the North Office. Those who may \
             change an address may also repeat the invitation, and give those rights. A\ncell says yes, or the rule that \
             refuses. Logins are changed by administrators of the System Office.\n\n| who |",
        );
        for target in &self.target {
            write!(page, " {} |", target.title).unwrap();
        }
        page.push_str("\n| --- |");
        page.push_str(&" --- |".repeat(self.target.len()));
        page.push('\n');
        for changer in &self.changer {
            write!(page, "| {} |", changer.title).unwrap();
            for target in &self.target {
                let word = changer.answer(target);
                write!(page, " {} |", if word == "-" { "–" } else { word }).unwrap();
            }
            page.push('\n');
        }
    }
}

#[test]
fn page_of_the_table_is_made_from_it() {
    let made = Truth::read().page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &made).unwrap();
    }
    let kept = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        kept == made,
        "docs/who-sees-what.md differs: UPDATE_DOCS=1 cargo test -p postroom truth writes it anew"
    );
}

#[test]
fn every_word_of_the_table_has_a_meaning() {
    let truth = Truth::read();
    let known = |verbs: &[String]| verbs.iter().all(|verb| truth.verbs.contains(verb));
    assert!(
        truth
            .level
            .iter()
            .all(|level| known(&level.may) && known(&level.refused))
    );
    assert!(truth.message.iter().all(|message| known(&message.nobody_may)));
    for person in &truth.person {
        assert!(
            truth.status.iter().any(|known| known.word == person.status),
            "{}: {}",
            person.id,
            person.status
        );
        for (message, word) in &person.may {
            assert!(
                truth.message.iter().any(|known| known.id == *message),
                "{}: {message}",
                person.id
            );
            assert!(
                truth.level.iter().any(|level| level.word == *word),
                "{}: {word}",
                person.id
            );
        }
    }
    assert!(truth.person.len() >= 8 + 4);
}
