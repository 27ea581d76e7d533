//! Pauses of offices and senders, and what they have the writer sweep.

use std::collections::{HashSet, VecDeque};

use async_trait::async_trait;
use postroom_domain::{Category, MessageId, OfficeId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::group::{Group, Owner};
use super::inbox::Lane;
use super::rows::name;
use super::{SqliteStore, audit};
use crate::StoreError;
use crate::contract::{Actor, AuditAction, AuditEntry, AuditNote, Pause, PauseOf, Pauses};

/// The writer's memory of pauses.
#[derive(Debug, Clone, Default)]
pub(crate) struct PausesKept {
    offices: HashSet<i64>,
    senders: HashSet<i64>,
    /// What is still to be moved.
    pub(crate) sweeps: VecDeque<Sweep>,
}

/// Mail that a pause or its end moves, in steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sweep {
    /// What was ready is kept back. Until that is done, lanes of these senders are not served.
    Park { of: PauseOf, senders: HashSet<i64> },
    /// What was kept back is let go, from behind this place (seq, ord) on.
    LetGo { of: PauseOf, after: (i64, MessageId) },
}

impl Sweep {
    const fn of(&self) -> PauseOf {
        match self {
            Self::Park { of, .. } | Self::LetGo { of, .. } => *of,
        }
    }

    /// Lets everything of `of` go.
    pub(crate) const fn let_go(of: PauseOf) -> Self {
        Self::LetGo {
            of,
            after: (i64::MIN, MessageId::MIN),
        }
    }
}

impl PausesKept {
    /// Reads it from the file: every pause is swept anew, and so is what no pause covers any more.
    pub(crate) fn load(conn: &Connection) -> Result<Self, StoreError> {
        let mut kept = Self::default();
        for pause in all(conn)? {
            kept.start(conn, pause.of)?;
        }
        let mut left = conn.prepare("SELECT DISTINCT office, sender FROM work WHERE hold = 4")?;
        let mut rows = left.query([])?;
        while let Some(row) = rows.next()? {
            let (office, sender) = (row.get(0)?, row.get(1)?);
            if !kept.offices.contains(&office) && !kept.senders.contains(&sender) {
                kept.sweeps
                    .push_back(Sweep::let_go(PauseOf::Sender(UserId(sender))));
            }
        }
        Ok(kept)
    }

    /// Whether a pause keeps this message back.
    pub(crate) fn cover(&self, owner: &Owner) -> bool {
        if self.offices.is_empty() && self.senders.is_empty() {
            return false;
        }
        owner.category() == Category::User
            && (self.offices.contains(&owner.office.0) || self.senders.contains(&owner.sender.0))
    }

    /// Whether nobody's lane is shut.
    pub(crate) fn all_open(&self) -> bool {
        !self
            .sweeps
            .iter()
            .any(|sweep| matches!(sweep, Sweep::Park { .. }))
    }

    /// Whether lanes of a sender are not served now.
    pub(crate) fn is_shut(&self, sender: i64) -> bool {
        self.sweeps
            .iter()
            .any(|sweep| matches!(sweep, Sweep::Park { senders, .. } if senders.contains(&sender)))
    }

    fn start(&mut self, conn: &Connection, of: PauseOf) -> Result<(), StoreError> {
        let senders = match of {
            PauseOf::Office(office) => {
                self.offices.insert(office.0);
                conn.prepare_cached("SELECT id FROM user WHERE office = ?1")?
                    .query_map([office.0], |row| row.get(0))?
                    .collect::<Result<_, _>>()?
            }
            PauseOf::Sender(sender) => {
                self.senders.insert(sender.0);
                HashSet::from([sender.0])
            }
        };
        self.sweeps.retain(|sweep| sweep.of() != of);
        self.sweeps.push_back(Sweep::Park { of, senders });
        Ok(())
    }

    fn end(&mut self, of: PauseOf) {
        match of {
            PauseOf::Office(office) => self.offices.remove(&office.0),
            PauseOf::Sender(sender) => self.senders.remove(&sender.0),
        };
        self.sweeps.retain(|sweep| sweep.of() != of);
        self.sweeps.push_back(Sweep::let_go(of));
    }
}

#[async_trait]
impl Pauses for SqliteStore {
    async fn pause(
        &self,
        whom: PauseOf,
        reason: String,
        now: Timestamp,
        note: &AuditNote,
    ) -> Result<Pause, StoreError> {
        let note = note.clone();
        self.writer
            .run(Lane::Hot, 0, move |group| pause(group, whom, &reason, now, &note))
            .await
    }

    async fn resume(
        &self,
        whom: PauseOf,
        now: Timestamp,
        note: &AuditNote,
    ) -> Result<Option<Pause>, StoreError> {
        let note = note.clone();
        self.writer
            .run(Lane::Hot, 0, move |group| resume(group, whom, now, &note))
            .await
    }

    async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        self.readers.run(all).await
    }
}

fn pause(
    group: &mut Group<'_>,
    of: PauseOf,
    reason: &str,
    now: Timestamp,
    note: &AuditNote,
) -> Result<Pause, StoreError> {
    let (kind, id) = key(of);
    group
        .conn
        .prepare_cached(
            "INSERT INTO pause (kind, id, reason, since, by) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET reason = excluded.reason",
        )?
        .execute(params![kind, id, reason, now.as_micros(), note.actor.to_string()])?;
    let entry = entry(group.conn, AuditAction::Pause, of, now, note)?.with("words", reason);
    audit::append(group.conn, &entry)?;
    let conn = group.conn;
    group.pauses_mut().start(conn, of)?;
    group.settles(now);
    find(group.conn, of)?.ok_or_else(|| StoreError::Corrupt("a pause that was just written".to_owned()))
}

fn resume(
    group: &mut Group<'_>,
    of: PauseOf,
    now: Timestamp,
    note: &AuditNote,
) -> Result<Option<Pause>, StoreError> {
    let Some(pause) = find(group.conn, of)? else {
        return Ok(None);
    };
    let (kind, id) = key(of);
    group
        .conn
        .prepare_cached("DELETE FROM pause WHERE kind = ?1 AND id = ?2")?
        .execute(params![kind, id])?;
    let entry = entry(group.conn, AuditAction::Resume, of, now, note)?;
    audit::append(group.conn, &entry)?;
    group.pauses_mut().end(of);
    group.settles(now);
    Ok(Some(pause))
}

fn entry(
    conn: &Connection,
    action: AuditAction,
    of: PauseOf,
    now: Timestamp,
    note: &AuditNote,
) -> Result<AuditEntry, StoreError> {
    let (subject, office) = match of {
        PauseOf::Office(office) => (format!("office {office}"), Some(office)),
        PauseOf::Sender(user) => {
            let office: Option<i64> = conn
                .prepare_cached("SELECT office FROM user WHERE id = ?1")?
                .query_row([user.0], |row| row.get(0))
                .optional()?;
            (format!("user {user}"), office.map(OfficeId))
        }
    };
    let entry = AuditEntry::new(now, note, action, subject);
    Ok(match office {
        Some(office) => entry.of_office(office),
        None => entry,
    })
}

const SELECT: &str = "SELECT kind, id, reason, since, by FROM pause";

fn all(conn: &Connection) -> Result<Vec<Pause>, StoreError> {
    Ok(conn
        .prepare_cached(&format!("{SELECT} ORDER BY kind, id"))?
        .query_map([], read)?
        .collect::<Result<_, _>>()?)
}

fn find(conn: &Connection, of: PauseOf) -> Result<Option<Pause>, StoreError> {
    let (kind, id) = key(of);
    Ok(conn
        .prepare_cached(&format!("{SELECT} WHERE kind = ?1 AND id = ?2"))?
        .query_row(params![kind, id], read)
        .optional()?)
}

const fn key(of: PauseOf) -> (i64, i64) {
    match of {
        PauseOf::Office(office) => (0, office.0),
        PauseOf::Sender(user) => (1, user.0),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Pause> {
    let id = row.get(1)?;
    let of = match row.get::<_, i64>(0)? {
        0 => PauseOf::Office(OfficeId(id)),
        _ => PauseOf::Sender(UserId(id)),
    };
    Ok(Pause {
        of,
        reason: name(row, 2)?,
        since: Timestamp::from_micros(row.get(3)?),
        by: row.get::<_, String>(4)?.parse().unwrap_or(Actor::System),
    })
}
