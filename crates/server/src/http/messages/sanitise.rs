//! Sanitises the HTML of a message within bounds; what goes beyond them is not shown as HTML.
//!
//! Parsing HTML takes time by the depth of the page for each tag, and an unclosed `<font>` is built again in each later
//! paragraph, so that a page of 100 KiB can take minutes and gigabytes. Only the parser knows what it makes of a page:
//! each is parsed twice, first by a sink that builds nothing and counts what would be built. Both passes are fed in
//! small steps and end between two of them.
//!
//! | bound | against |
//! | --- | --- |
//! | [`HTML_BYTES_MAX`] | large pages |
//! | [`DEPTH_MAX`] | nested tags, unclosed formatting elements |
//! | [`NODES_MAX`] | many elements, also those that the parser repeats |
//! | [`ADDED_MARKUP_BYTES_MAX`] | long attributes of elements that the parser repeats |
//! | [`Deadline`] | whatever else takes long: many attributes in one tag, text between the rows of a table |

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink as _};
use html5ever::{Attribute, ExpandedName, LocalName, ParseOpts, QualName, local_name, ns, parse_fragment};

use super::deadline::{Deadline, Stopped};

/// Largest HTML that is shown, in bytes: pictures that it brings along (`data:`) are part of it.
const HTML_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Deepest nesting that is shown: browsers nest no deeper either.
const DEPTH_MAX: usize = 512;
/// Most elements and comments of a page.
const NODES_MAX: usize = 200_000;
/// So many bytes of tags the parser may repeat or add, besides those of a page that has no other bytes.
const ADDED_MARKUP_BYTES_MAX: usize = 2 * 1024 * 1024;
/// So much is parsed before the bounds are looked at again, in bytes.
const STEP_BYTES: usize = 512;

/// Why HTML is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unshown {
    /// It has more than [`HTML_BYTES_MAX`] bytes.
    TooLarge,
    /// It is nested deeper than [`DEPTH_MAX`].
    TooDeep,
    /// It has more than [`NODES_MAX`] elements, or [`ADDED_MARKUP_BYTES_MAX`] bytes of tags that are not in it.
    TooMany,
    /// It took too long.
    TooSlow,
    /// Nobody waits for it any more: the reader has left, or the server stops.
    Cancelled,
}

impl Unshown {
    /// What the page says in place of the HTML, in one sentence.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::TooLarge => "The HTML of this message is too large to show safely.",
            Self::TooDeep => "The HTML of this message is nested too deeply to show safely.",
            Self::TooMany => "The HTML of this message has too many elements to show safely.",
            Self::TooSlow => "The HTML of this message takes too long to prepare.",
            Self::Cancelled => "The HTML of this message was not prepared, because the server is stopping.",
        }
    }
}

impl From<Stopped> for Unshown {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::TimedOut => Self::TooSlow,
            Stopped::Cancelled => Self::Cancelled,
        }
    }
}

/// Sanitises a page as `cleaner` says.
///
/// # Errors
/// Where it is beyond a bound.
pub(super) fn sanitise(
    cleaner: &ammonia::Builder<'_>,
    html: &str,
    deadline: &Deadline,
) -> Result<String, Unshown> {
    if html.len() > HTML_BYTES_MAX {
        return Err(Unshown::TooLarge);
    }
    measure(html, deadline)?;
    let mut feed = Feed::new(html, Rc::new(Tally::of(html)), deadline);
    match cleaner.clean_from_reader(&mut feed) {
        Ok(page) => Ok(page.to_string()),
        Err(_) => Err(feed.ended.unwrap_or(Unshown::TooSlow)),
    }
}

/// Parses a page as the cleaner will, and builds nothing.
fn measure(html: &str, deadline: &Deadline) -> Result<(), Unshown> {
    let tally = Rc::new(Tally::of(html));
    // The fragment's context is ammonia's.
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let parser = parse_fragment(
        Counter::new(Rc::clone(&tally)),
        ParseOpts::default(),
        context,
        Vec::new(),
        false,
    );
    let mut feed = Feed::new(html, Rc::clone(&tally), deadline);
    match parser.from_utf8().read_from(&mut feed) {
        Ok(()) => tally.check(),
        Err(_) => Err(feed.ended.unwrap_or(Unshown::TooSlow)),
    }
}

/// Gives a parser a page step by step, as long as it is within the bounds.
struct Feed<'a> {
    rest: &'a [u8],
    tally: Rc<Tally>,
    deadline: &'a Deadline,
    /// Why it ended before the page did.
    ended: Option<Unshown>,
}

impl<'a> Feed<'a> {
    const fn new(html: &'a str, tally: Rc<Tally>, deadline: &'a Deadline) -> Self {
        Self {
            rest: html.as_bytes(),
            tally,
            deadline,
            ended: None,
        }
    }
}

impl Read for Feed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let within = self
            .tally
            .check()
            .and_then(|()| self.deadline.check().map_err(Unshown::from));
        if let Err(why) = within {
            self.ended = Some(why);
            return Err(io::Error::other(why.words()));
        }
        let mut step = self.rest.get(..STEP_BYTES).unwrap_or(self.rest);
        let read = step.read(into)?;
        self.rest = self.rest.get(read..).unwrap_or_default();
        Ok(read)
    }
}

/// What the parser has made so far.
#[derive(Debug)]
struct Tally {
    nodes: Cell<usize>,
    markup_bytes: Cell<usize>,
    markup_bytes_max: usize,
    depth: Cell<usize>,
}

impl Tally {
    const fn of(html: &str) -> Self {
        Self {
            nodes: Cell::new(0),
            markup_bytes: Cell::new(0),
            markup_bytes_max: html.len() + ADDED_MARKUP_BYTES_MAX,
            depth: Cell::new(0),
        }
    }

    fn check(&self) -> Result<(), Unshown> {
        if self.depth.get() > DEPTH_MAX {
            return Err(Unshown::TooDeep);
        }
        if self.nodes.get() > NODES_MAX || self.markup_bytes.get() > self.markup_bytes_max {
            return Err(Unshown::TooMany);
        }
        Ok(())
    }

    fn add_node(&self) {
        self.nodes.set(self.nodes.get().saturating_add(1));
    }

    fn add_markup(&self, bytes: usize) {
        self.markup_bytes
            .set(self.markup_bytes.get().saturating_add(bytes));
    }
}

/// A node as far as the parser asks for it; it does not know its children.
struct Node {
    name: QualName,
    /// How deep it lies; `None` while it has no parent.
    depth: Cell<Option<usize>>,
    /// What a `<template>` holds.
    contents: Option<Handle>,
    is_integration_point: bool,
}

type Handle = Rc<Node>;

impl Node {
    fn new(name: QualName, depth: Option<usize>) -> Self {
        Self {
            name,
            depth: Cell::new(depth),
            contents: None,
            is_integration_point: false,
        }
    }

    /// A document or a comment, whose name nobody asks for.
    fn nameless(depth: Option<usize>) -> Handle {
        Rc::new(Self::new(QualName::new(None, ns!(), LocalName::default()), depth))
    }

    fn depth(&self) -> usize {
        self.depth.get().unwrap_or(0)
    }
}

/// Takes what the parser makes and counts it.
struct Counter {
    tally: Rc<Tally>,
    document: Handle,
}

impl Counter {
    fn new(tally: Rc<Tally>) -> Self {
        Self {
            tally,
            document: Node::nameless(Some(0)),
        }
    }

    fn place(&self, child: &NodeOrText<Handle>, depth: usize) {
        if let NodeOrText::AppendNode(node) = child {
            node.depth.set(Some(depth));
            self.tally.depth.set(self.tally.depth.get().max(depth));
        }
    }
}

/// The bytes that attributes take in a tag.
fn bytes_of(attributes: &[Attribute]) -> usize {
    attributes
        .iter()
        .map(|attribute| attribute.name.local.len() + attribute.value.len() + r#" ="""#.len())
        .sum()
}

impl TreeSink for Counter {
    type Handle = Handle;
    type Output = ();
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) {}

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Rc::clone(&self.document)
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, flags: ElementFlags) -> Handle {
        self.tally.add_node();
        let tags = 2 * name.local.len() + "<></>".len();
        self.tally.add_markup(tags + bytes_of(&attributes));
        let mut node = Node::new(name, None);
        node.is_integration_point = flags.mathml_annotation_xml_integration_point;
        if flags.template {
            node.contents = Some(Node::nameless(None));
        }
        Rc::new(node)
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.tally.add_node();
        Node::nameless(None)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.tally.add_node();
        Node::nameless(None)
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.place(&child, parent.depth() + 1);
    }

    fn append_based_on_parent_node(&self, element: &Handle, previous: &Handle, child: NodeOrText<Handle>) {
        let depth = element.depth.get().unwrap_or_else(|| previous.depth() + 1);
        self.place(&child, depth);
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Handle) -> Handle {
        let Some(contents) = &target.contents else {
            return Rc::clone(target);
        };
        contents.depth.set(target.depth.get());
        Rc::clone(contents)
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        Rc::ptr_eq(one, other)
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        self.place(&child, sibling.depth());
    }

    fn add_attrs_if_missing(&self, _: &Handle, attributes: Vec<Attribute>) {
        self.tally.add_markup(bytes_of(&attributes));
    }

    fn remove_from_parent(&self, target: &Handle) {
        target.depth.set(None);
    }

    fn reparent_children(&self, _: &Handle, _: &Handle) {}

    fn is_mathml_annotation_xml_integration_point(&self, target: &Handle) -> bool {
        target.is_integration_point
    }
}

#[cfg(test)]
mod tests;
