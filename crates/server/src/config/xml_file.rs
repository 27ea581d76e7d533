//! Reads XML into a draft. DTDs and entities are refused: a configuration needs neither, and both can reach files.

use roxmltree::{Document, Node, ParsingOptions};
use toml::{Table, Value};

use super::draft::{Draft, below};
use super::environment::coerce;
use super::near::unknown;
use super::section::{Key, Kind, Section};
use super::xml_names::{self, Found, ROOT};

/// Most nodes that are read.
const MOST_NODES: u32 = 20_000;

/// Reads the file's text; what is wrong goes to the draft's problems.
pub(super) fn read(draft: &mut Draft, text: &str) {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    match Document::parse_with_options(text, options) {
        Ok(document) => {
            let mut reader = Reader { draft, text };
            let mut table = Table::new();
            reader.root(&mut table, document.root_element());
            draft.table = table;
        }
        Err(error) => refuse(draft, text, &error),
    }
}

fn refuse(draft: &mut Draft, text: &str, error: &roxmltree::Error) {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "three of a foreign library's many errors have words of our own"
    )]
    let (offset, what) = match error {
        roxmltree::Error::DtdDetected => (
            text.find("<!DOCTYPE").unwrap_or(0),
            "a DTD (<!DOCTYPE …>) is not allowed in the configuration: take it out".to_owned(),
        ),
        roxmltree::Error::UnknownEntityReference(name, at) => (
            offset_of(text, *at),
            format!(
                "the entity &{name}; is not allowed: write its text (only &lt; &gt; &amp; &quot; &apos; are known)"
            ),
        ),
        roxmltree::Error::NodesLimitReached => (
            0,
            format!("more than {MOST_NODES} elements; is it a configuration?"),
        ),
        other => {
            let words = other.to_string();
            // Its own position stands before the words already.
            let words = words.split(" at ").next().unwrap_or_default().to_owned();
            (offset_of(text, other.pos()), format!("this is not XML: {words}"))
        }
    };
    draft.wrong_at(text, offset, what);
}

fn offset_of(text: &str, at: roxmltree::TextPos) -> usize {
    let row = usize::try_from(at.row).unwrap_or(1).saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(row).map(str::len).sum();
    let line = text.get(before..).unwrap_or_default();
    let column = usize::try_from(at.col).unwrap_or(1).saturating_sub(1);
    before + line.chars().take(column).map(char::len_utf8).sum::<usize>()
}

struct Reader<'a> {
    draft: &'a mut Draft,
    text: &'a str,
}

impl Reader<'_> {
    fn wrong(&mut self, node: Node<'_, '_>, what: impl Into<String>) {
        self.draft.wrong_at(self.text, node.range().start, what);
    }

    fn unknown(&mut self, node: Node<'_, '_>, place: &str, allowed: &[String]) {
        let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
        let what = unknown(
            "element",
            node.tag_name().name(),
            &format!(" in <{place}>"),
            &allowed,
        );
        self.wrong(node, what);
    }

    /// The elements of an element that holds nothing else; text and attributes are refused.
    fn children<'n, 'i>(&mut self, node: Node<'n, 'i>) -> Vec<Node<'n, 'i>> {
        self.plain(node);
        for child in node.children().filter(Node::is_text) {
            let words = child.text().unwrap_or_default().trim();
            if !words.is_empty() {
                let what = format!("<{}> holds elements, not text", node.tag_name().name());
                self.wrong(child, what);
            }
        }
        node.children().filter(Node::is_element).collect()
    }

    /// Refuses attributes and name spaces.
    fn plain(&mut self, node: Node<'_, '_>) {
        let name = node.tag_name().name();
        for attribute in node.attributes() {
            let what = format!(
                "<{name}> has the attribute \"{}\"; values are elements here, not attributes",
                attribute.name()
            );
            self.wrong(node, what);
        }
        if node.tag_name().namespace().is_some() {
            self.wrong(node, format!("<{name}> is in a name space; there are none here"));
        }
    }

    fn root(&mut self, table: &mut Table, root: Node<'_, '_>) {
        if root.tag_name().name() != ROOT {
            let what = format!("the root element is <{}>; it is <{ROOT}>", root.tag_name().name());
            self.wrong(root, what);
            return;
        }
        for child in self.children(root) {
            match xml_names::below_root(child.tag_name().name()) {
                Some(Found::Key("", key)) => self.key(table, "", key, child),
                Some(Found::Key(section, key)) => {
                    if let Value::Table(inner) =
                        table.entry(section).or_insert_with(|| Value::Table(Table::new()))
                    {
                        self.key(inner, section, key, child);
                    }
                }
                Some(Found::Group(group)) => self.group(table, group, child),
                None => self.unknown(child, ROOT, &xml_names::allowed_below_root()),
            }
        }
    }

    fn group(&mut self, table: &mut Table, group: &[&str], node: Node<'_, '_>) {
        for child in self.children(node) {
            match xml_names::in_group(group, child.tag_name().name()) {
                Some(key) => self.key(table, "", key, child),
                None => {
                    let allowed: Vec<String> = group.iter().skip(1).map(|&name| name.to_owned()).collect();
                    self.unknown(child, node.tag_name().name(), &allowed);
                }
            }
        }
    }

    fn section(&mut self, section: &'static Section, at: &str, node: Node<'_, '_>) -> Table {
        let mut table = Table::new();
        for child in self.children(node) {
            match xml_names::key_of(section, child.tag_name().name()) {
                Some(key) => self.key(&mut table, at, key, child),
                None => self.unknown(child, node.tag_name().name(), &xml_names::allowed(section)),
            }
        }
        table
    }

    /// Reads one element as the value of a key, or as one more of a list's.
    fn key(&mut self, table: &mut Table, at: &str, key: &'static Key, node: Node<'_, '_>) {
        let path = below(at, key.name);
        let origin = self.draft.at(self.text, node.range().start);
        if matches!(key.kind, Kind::List(_) | Kind::Sections(_)) {
            self.item(table, &path, key, node);
            return;
        }
        if table.contains_key(key.name) {
            let first = self.draft.origin(&path);
            let what = format!("{path} stands twice, first at {first}");
            self.wrong(node, what);
            return;
        }
        self.draft.places.insert(path.clone(), origin);
        let item = match key.kind.section() {
            Some(inner) => Value::Table(self.section(inner, &path, node)),
            None => coerce(key.kind, &self.value(node)),
        };
        table.insert(key.name.to_owned(), item);
    }

    /// Reads one element as one more of a list's; an empty one of plain values is an empty list.
    fn item(&mut self, table: &mut Table, path: &str, key: &'static Key, node: Node<'_, '_>) {
        let origin = self.draft.at(self.text, node.range().start);
        let held = table.entry(key.name).or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(items) = held else { return };
        self.draft
            .places
            .entry(path.to_owned())
            .or_insert_with(|| origin.clone());
        let path = format!("{path}[{}]", items.len());
        self.draft.places.insert(path.clone(), origin);
        if let Some(inner) = key.kind.section() {
            items.push(Value::Table(self.section(inner, &path, node)));
        } else if let Kind::List(kind) = key.kind {
            let text = self.value(node);
            if !text.is_empty() {
                items.push(coerce(*kind, &text));
            }
        }
    }

    /// The text of an element that holds nothing else, without the white space around it.
    fn value(&mut self, node: Node<'_, '_>) -> String {
        self.plain(node);
        if let Some(child) = node.children().find(Node::is_element) {
            let (name, inner) = (node.tag_name().name(), child.tag_name().name());
            self.wrong(
                child,
                format!("<{name}> holds a value, not the element <{inner}>"),
            );
        }
        let parts: String = node
            .children()
            .filter(Node::is_text)
            .filter_map(|child| child.text())
            .collect();
        parts.trim().to_owned()
    }
}
