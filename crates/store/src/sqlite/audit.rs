//! The audit log: a chain of hashes, appended to in the transaction of what it tells of.

use async_trait::async_trait;
use postroom_domain::{OfficeId, Timestamp};
use rusqlite::{Connection, Row, params};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::SqliteStore;
use super::inbox::Lane;
use crate::StoreError;
use crate::contract::{Audit, AuditAction, AuditEntry, AuditHead, AuditRecord, AuditReport, AuditView};

/// Most entries of a page.
const PAGE_MAX: u32 = 200;
/// Problems that a report names.
const NAMED_MAX: usize = 20;
/// Names the way in which entries are hashed.
const DOMAIN: &[u8] = b"postroom audit 1";

/// Appends an entry to the chain, in the caller's transaction.
pub(crate) fn append(conn: &Connection, entry: &AuditEntry) -> Result<(), StoreError> {
    let head = head(conn)?;
    let kept = Kept {
        seq: head.0 + 1,
        at: entry.at.as_micros(),
        actor: entry.actor.to_string(),
        action: entry.action.name().to_owned(),
        subject: entry.subject.clone(),
        office: entry.office.map(|office| office.0),
        count: i64::try_from(entry.count).unwrap_or(i64::MAX),
        ids_digest: entry.ids_digest.map(|digest| digest.to_vec()),
        detail: (!entry.detail.is_null()).then(|| entry.detail.to_string()),
    };
    let hash = kept.hash(&head.1);
    conn.prepare_cached(
        "INSERT INTO audit (seq, at, actor, action, subject, office, count, ids_digest, detail, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        kept.seq,
        kept.at,
        kept.actor,
        kept.action,
        kept.subject,
        kept.office,
        kept.count,
        kept.ids_digest,
        kept.detail,
        hash
    ])?;
    conn.prepare_cached("UPDATE audit_head SET seq = ?1, hash = ?2 WHERE one = 1")?
        .execute(params![kept.seq, hash])?;
    Ok(())
}

/// An entry as its columns hold it: what is hashed.
struct Kept {
    seq: i64,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    office: Option<i64>,
    count: i64,
    ids_digest: Option<Vec<u8>>,
    detail: Option<String>,
}

impl Kept {
    /// The hash over the entry and the hash before: each column behind its length, so that nothing can move between
    /// columns; a missing one has the length 2^64 - 1.
    fn hash(&self, before: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(before);
        let mut field = |bytes: Option<&[u8]>| match bytes {
            Some(bytes) => {
                hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
                hash.update(bytes);
            }
            None => hash.update(u64::MAX.to_be_bytes()),
        };
        field(Some(&self.seq.to_be_bytes()));
        field(Some(&self.at.to_be_bytes()));
        field(Some(self.actor.as_bytes()));
        field(Some(self.action.as_bytes()));
        field(Some(self.subject.as_bytes()));
        field(
            self.office
                .map(i64::to_be_bytes)
                .as_ref()
                .map(<[u8; 8]>::as_slice),
        );
        field(Some(&self.count.to_be_bytes()));
        field(self.ids_digest.as_deref());
        field(self.detail.as_deref().map(str::as_bytes));
        hash.finalize().into()
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<(Self, Vec<u8>)> {
        let kept = Self {
            seq: row.get(0)?,
            at: row.get(1)?,
            actor: row.get(2)?,
            action: row.get(3)?,
            subject: row.get(4)?,
            office: row.get(5)?,
            count: row.get(6)?,
            ids_digest: row.get(7)?,
            detail: row.get(8)?,
        };
        Ok((kept, row.get(9)?))
    }

    fn into_record(self, hash: &[u8]) -> Result<AuditRecord, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("audit entry {}: {what}", self.seq));
        Ok(AuditRecord {
            seq: u64::try_from(self.seq).map_err(|_| corrupt("number"))?,
            hash: hash.try_into().map_err(|_| corrupt("hash"))?,
            entry: AuditEntry {
                at: Timestamp::from_micros(self.at),
                actor: self.actor.parse().map_err(|()| corrupt("actor"))?,
                action: AuditAction::from_name(&self.action).ok_or_else(|| corrupt("action"))?,
                office: self.office.map(OfficeId),
                count: u64::try_from(self.count).map_err(|_| corrupt("count"))?,
                ids_digest: match &self.ids_digest {
                    Some(digest) => Some(digest.as_slice().try_into().map_err(|_| corrupt("digest"))?),
                    None => None,
                },
                detail: match &self.detail {
                    Some(text) => serde_json::from_str(text).map_err(|_| corrupt("detail"))?,
                    None => Value::Null,
                },
                subject: self.subject,
            },
        })
    }
}

const COLUMNS: &str =
    "SELECT seq, at, actor, action, subject, office, count, ids_digest, detail, hash FROM audit";

fn head(conn: &Connection) -> rusqlite::Result<(i64, Vec<u8>)> {
    conn.prepare_cached("SELECT seq, hash FROM audit_head WHERE one = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn page(
    conn: &Connection,
    view: AuditView,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<AuditRecord>, StoreError> {
    let before = before.map_or(i64::MAX, |seq| i64::try_from(seq).unwrap_or(i64::MAX));
    let limit = limit.min(PAGE_MAX);
    let mut records = Vec::new();
    let (sql, office) = match view {
        AuditView::Everything => (
            format!("{COLUMNS} WHERE seq < ?1 AND ?3 = 0 ORDER BY seq DESC LIMIT ?2"),
            0,
        ),
        AuditView::Office(office) => (
            format!("{COLUMNS} WHERE seq < ?1 AND office = ?3 ORDER BY seq DESC LIMIT ?2"),
            office.0,
        ),
    };
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params![before, limit, office])?;
    while let Some(row) = rows.next()? {
        let (kept, hash) = Kept::read(row)?;
        records.push(kept.into_record(&hash)?);
    }
    Ok(records)
}

fn verify(conn: &Connection, remembered: Option<AuditHead>) -> Result<AuditReport, StoreError> {
    let snapshot = conn.unchecked_transaction()?;
    let mut problems = Vec::new();
    let mut last: (i64, Vec<u8>) = (0, vec![0; 32]);
    let mut entries = 0;
    let mut found = remembered.is_none_or(|head| head.seq == 0);
    {
        let mut statement = snapshot.prepare_cached(&format!("{COLUMNS} ORDER BY seq"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (kept, hash) = Kept::read(row)?;
            entries += 1;
            if kept.seq != last.0 + 1 {
                problems.push(missing(last.0 + 1, kept.seq - 1));
            } else if kept.hash(&last.1)[..] != hash {
                problems.push(format!(
                    "entry {} does not fit its hash: it, or its place in the chain, was changed",
                    kept.seq
                ));
            }
            found |= remembered
                .is_some_and(|head| i64::try_from(head.seq) == Ok(kept.seq) && head.hash[..] == hash);
            last = (kept.seq, hash);
            if problems.len() >= NAMED_MAX {
                problems.push("more is wrong behind it: the check ended here".to_owned());
                break;
            }
        }
    }
    let kept_head = head(&snapshot)?;
    snapshot.finish()?;
    if problems.len() < NAMED_MAX {
        if kept_head.0 > last.0 {
            problems.push(missing(last.0 + 1, kept_head.0));
        } else if kept_head != last {
            problems.push(format!(
                "the chain ends with entry {}, the kept head names another end (entry {})",
                last.0, kept_head.0
            ));
        }
        if let Some(head) = remembered.filter(|_| !found) {
            problems.push(format!(
                "entry {} is not the one that was remembered: the chain was written anew",
                head.seq
            ));
        }
    }
    Ok(AuditReport {
        entries,
        head: AuditHead {
            seq: u64::try_from(kept_head.0).unwrap_or(0),
            hash: kept_head.1.try_into().unwrap_or([0; 32]),
        },
        problems,
    })
}

fn missing(first: i64, last: i64) -> String {
    if first == last {
        format!("entry {first} is missing")
    } else {
        format!("entries {first} to {last} are missing")
    }
}

#[async_trait]
impl Audit for SqliteStore {
    async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| append(group.conn, &entry))
            .await
    }

    async fn audit_page(
        &self,
        view: AuditView,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        self.readers
            .run(move |conn| page(conn, view, before, limit))
            .await
    }

    async fn verify_audit(&self, remembered: Option<AuditHead>) -> Result<AuditReport, StoreError> {
        self.readers.run(move |conn| verify(conn, remembered)).await
    }
}
