//! Names of a scope, from the rows of people and offices; addresses from one's own mail, along the index by sender.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use postroom_domain::{Arm, Mailbox, OfficeId, Scope, Typed, UserId, legible};
use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::arms::{Selection, Span};
use super::find::{Quest, find};
use super::merge::Direction;
use super::open::SqliteStore;
use super::probe::Budget;
use super::rows::name;
use super::words::Words;
use crate::StoreError;
use crate::contract::{Filter, Names, NamesInScope, SearchQuery};

/// The newest of one's own messages that are looked at whatever was typed.
const NEWEST: usize = 300;
/// Messages that a search finds besides.
const FOUND: usize = 200;
/// Recipients of one message that are looked at.
const RECIPIENTS: i64 = 100;
/// The search may take so many times as long as a page, as the list's does.
const SEARCH: u32 = 3;

#[async_trait]
impl Names for SqliteStore {
    async fn names_in(&self, scope: &Scope, typed: &Typed, limit: u32) -> Result<NamesInScope, StoreError> {
        let (scope, typed) = (scope.clone(), typed.clone());
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read(move |conn| names_in(conn, &scope, &typed, limit)).await
    }

    async fn written_to(
        &self,
        sender: UserId,
        typed: &Typed,
        limit: u32,
    ) -> Result<Vec<Mailbox>, StoreError> {
        let typed = typed.clone();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let time = self.read_time;
        self.read(move |conn| written_to(conn, sender, &typed, limit, time))
            .await
    }
}

/// A scope's arms as sets.
#[derive(Default)]
struct Held {
    everything: bool,
    senders: HashSet<i64>,
    /// Offices whose people's mail is seen.
    mail: HashSet<i64>,
    /// Offices that some mail or notifications are seen of.
    offices: HashSet<i64>,
}

impl Held {
    fn of(scope: &Scope) -> Self {
        let mut held = Self {
            everything: scope.is_everything(),
            ..Self::default()
        };
        for arm in scope.arms() {
            match arm {
                Arm::OfficeMail(office) => {
                    held.mail.insert(office.0);
                    held.offices.insert(office.0);
                }
                Arm::OfficeNotifications(office) => {
                    held.offices.insert(office.0);
                }
                Arm::Sender(user) => {
                    held.senders.insert(user.0);
                }
            }
        }
        held
    }
}

fn names_in(conn: &Connection, scope: &Scope, typed: &Typed, limit: usize) -> rusqlite::Result<NamesInScope> {
    let mut held = Held::of(scope);
    let mut found = NamesInScope::default();
    let mut people = conn.prepare_cached("SELECT id, office, name, email FROM user ORDER BY name, id")?;
    let mut rows = people.query([])?;
    while let Some(row) = rows.next()? {
        let (id, office): (i64, i64) = (row.get(0)?, row.get(1)?);
        let alone = held.senders.contains(&id);
        if alone {
            held.offices.insert(office);
        }
        if !held.everything && !alone && !held.mail.contains(&office) {
            continue;
        }
        let (name, email): (String, String) = (name(row, 2)?, row.get(3)?);
        if found.senders.len() < limit && typed.begins_in(&[&name, &email]) {
            found.senders.push((UserId(id), name));
        }
    }
    let mut offices =
        conn.prepare_cached("SELECT id, name FROM office WHERE removed = 0 ORDER BY name, id")?;
    let mut rows = offices.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let name = name(row, 1)?;
        let seen = held.everything || held.offices.contains(&id);
        if found.offices.len() < limit && seen && typed.begins_in(&[&name]) {
            found.offices.push((OfficeId(id), name));
        }
    }
    Ok(found)
}

fn written_to(
    conn: &Connection,
    sender: UserId,
    typed: &Typed,
    limit: usize,
    time: Duration,
) -> rusqlite::Result<Vec<Mailbox>> {
    let selection = Selection::of(conn, &Scope::own(sender), &Filter::default())?;
    let mut quest = Quest {
        selection: &selection,
        words: None,
        direction: Direction::Down,
        span: Span::ALL,
        want: NEWEST,
    };
    let mut gathering = Gathering::start(conn, typed, limit)?;
    let mut budget = Budget::start(time);
    let newest = find(conn, &quest, &mut budget)?.ords;
    gathering.read(&newest, &budget)?;
    // What was typed last is looked for in older mail too: the start of a word, as in the list's search.
    let query = typed.last().and_then(SearchQuery::parse);
    let older = newest.last().filter(|_| newest.len() == NEWEST);
    if let (Some(query), Some(&oldest)) = (query, older)
        && !gathering.is_full()
    {
        let words = Words::of(&query);
        quest.words = Some(&words);
        quest.span = Span { low: 0, high: oldest };
        quest.want = FOUND;
        let mut budget = Budget::start(time * SEARCH);
        let found = find(conn, &quest, &mut budget)?.ords;
        gathering.read(&found, &budget)?;
    }
    Ok(gathering.found)
}

/// Addresses as they are found, each once.
struct Gathering<'c> {
    fields: CachedStatement<'c>,
    recipients: CachedStatement<'c>,
    typed: &'c Typed,
    limit: usize,
    seen: HashSet<String>,
    found: Vec<Mailbox>,
}

impl<'c> Gathering<'c> {
    fn start(conn: &'c Connection, typed: &'c Typed, limit: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            fields: conn
                .prepare_cached("SELECT header_to, header_cc, header_bcc FROM message WHERE ord = ?1")?,
            recipients: conn
                .prepare_cached("SELECT address FROM recipient WHERE ord = ?1 ORDER BY n LIMIT ?2")?,
            typed,
            limit,
            seen: HashSet::new(),
            found: Vec::new(),
        })
    }

    fn is_full(&self) -> bool {
        self.found.len() >= self.limit
    }

    /// Reads messages until there are enough addresses or the time is up.
    fn read(&mut self, ords: &[i64], budget: &Budget) -> rusqlite::Result<()> {
        for ord in ords {
            if self.is_full() || budget.is_over() {
                return Ok(());
            }
            self.take(*ord)?;
        }
        Ok(())
    }

    fn take(&mut self, ord: i64) -> rusqlite::Result<()> {
        let addresses: Vec<String> = self
            .recipients
            .query_map((ord, RECIPIENTS), |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let new: Vec<String> = addresses
            .into_iter()
            .filter(|address| !self.seen.contains(&address.to_lowercase()))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let named = self.named(ord)?;
        for address in new {
            let lower = address.to_lowercase();
            let mailbox = named
                .iter()
                .find(|one| one.address().to_string().to_lowercase() == lower)
                .cloned()
                .or_else(|| {
                    address
                        .parse()
                        .ok()
                        .map(|address: postroom_domain::Address| address.into())
                });
            // The latest form of the name decides, whether it answers or not.
            self.seen.insert(lower);
            let Some(mailbox) = mailbox else { continue };
            if !self.is_full()
                && self
                    .typed
                    .begins_in(&[mailbox.name().unwrap_or_default(), &address])
            {
                self.found.push(mailbox);
            }
        }
        Ok(())
    }

    /// The mailboxes of a message's header fields; a field that was cut short or is none of ours names nobody.
    fn named(&mut self, ord: i64) -> rusqlite::Result<Vec<Mailbox>> {
        let fields = self.fields.query_row([ord], |row| {
            Ok([row.get::<_, String>(0)?, row.get(1)?, row.get(2)?])
        });
        Ok(fields
            .optional()?
            .into_iter()
            .flatten()
            .filter(|field| field.contains('<'))
            .flat_map(|field| Mailbox::parse_field(&field).unwrap_or_default())
            // Names are cleaned, addresses are not: the cleaned one is somebody else's.
            .filter_map(|mailbox| {
                let name = legible::shown(mailbox.name().unwrap_or_default());
                Mailbox::new(&name, mailbox.address().clone()).ok()
            })
            .collect())
    }
}
