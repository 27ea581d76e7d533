//! Facts: written with the change that they tell of, read behind cursors, purged when everybody has passed them.

use async_trait::async_trait;
use postroom_domain::alert::ServerTrouble;
use postroom_domain::{MessageId, OfficeId, Reply, RouteId, Timestamp, Trouble, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::codes::{from_json, to_json};
use super::group::{Group, Owner};
use super::inbox::Lane;
use super::relay_states;
use crate::StoreError;
use crate::contract::{
    Consumer, EdgeWritten, Fact, FactId, FactKind, Facts, FailedDetail, NewFact, RelayEdge, RelayKept,
    Submitter, TroubleDetail,
};

/// Facts of one reading and of one purge.
const STEP: u32 = 256;

/// Writes a fact inside the transaction of the change that it tells of.
pub(crate) fn write(conn: &Connection, now: Timestamp, fact: &NewFact) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO fact (at, kind, message, office, person, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        now.as_micros(),
        fact.kind.number(),
        fact.message.map(MessageId::ord),
        fact.office.0,
        fact.person.map(|person| person.0),
        fact.detail
    ])?;
    Ok(())
}

/// Writes that the server has to be looked after, as a fact of the System Office; none where it has no office yet.
pub(crate) fn server_trouble(
    conn: &Connection,
    trouble: ServerTrouble,
    now: Timestamp,
) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO fact (at, kind, office, detail)
         SELECT ?1, ?2, id, ?3 FROM office WHERE parent IS NULL AND removed = 0 ORDER BY id LIMIT 1",
    )?
    .execute(params![
        now.as_micros(),
        FactKind::ServerTrouble.number(),
        to_json(&trouble)?
    ])?;
    Ok(())
}

impl Group<'_> {
    /// Writes a fact, and tells its consumers after the commit.
    pub(crate) fn fact(&mut self, now: Timestamp, fact: &NewFact) -> Result<(), StoreError> {
        write(self.conn, now, fact)?;
        self.facts_written();
        Ok(())
    }
}

/// Writes that a message ended Failed.
pub(crate) fn message_failed(
    group: &mut Group<'_>,
    owner: &Owner,
    error: Option<&Reply>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let submitted_by: Option<String> = group
        .conn
        .prepare_cached("SELECT submitted_by FROM message WHERE ord = ?1")?
        .query_row([owner.id.ord()], |row| row.get(0))
        .optional()?
        .flatten();
    let submitted_by = match submitted_by {
        Some(text) => match from_json::<Submitter>("submitter", &text) {
            Ok(Submitter::User(user)) => Some(user.0),
            Ok(Submitter::Key(_) | Submitter::System) | Err(_) => None,
        },
        None => None,
    };
    let detail = FailedDetail {
        kind: owner.kind,
        submitted_by,
        error: error.map(ToString::to_string).unwrap_or_default(),
    };
    let fact = about(FactKind::MessageFailed, owner, to_json(&detail)?);
    group.fact(now, &fact)
}

/// Writes that an attempt failed for the settings' sake, unless the relay is known to be Down: then it is no news.
pub(crate) fn relay_trouble(
    group: &mut Group<'_>,
    owner: &Owner,
    route: RouteId,
    (trouble, relay, error): (Trouble, &str, &Reply),
    now: Timestamp,
) -> Result<(), StoreError> {
    let kept = group
        .conn
        .prepare_cached("SELECT epoch, down FROM relay_state WHERE route = ?1 AND name = ?2")?
        .query_row(params![route.0, relay], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?))
        })
        .optional()?;
    let (epoch, down) = kept.unwrap_or((0, false));
    if down {
        return Ok(());
    }
    let detail = TroubleDetail {
        trouble,
        kind: Some(owner.kind),
        route: route.0,
        relay: relay.to_owned(),
        epoch,
        error: error.to_string(),
    };
    let fact = about(FactKind::RelayTrouble, owner, to_json(&detail)?);
    group.fact(now, &fact)
}

fn about(kind: FactKind, owner: &Owner, detail: String) -> NewFact {
    NewFact {
        kind,
        message: Some(owner.id),
        office: owner.office,
        person: Some(owner.sender),
        detail: Some(detail),
    }
}

#[async_trait]
impl Facts for SqliteStore {
    async fn note_fact(&self, fact: NewFact, now: Timestamp) -> Result<(), StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| group.fact(now, &fact))
            .await
    }

    async fn note_server_trouble(&self, trouble: ServerTrouble, now: Timestamp) -> Result<(), StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| {
                server_trouble(group.conn, trouble, now)?;
                group.facts_written();
                Ok(())
            })
            .await
    }

    async fn facts(&self, consumer: Consumer, limit: u32) -> Result<Vec<Fact>, StoreError> {
        self.readers
            .run(move |conn| behind(conn, consumer, limit.min(STEP)))
            .await
    }

    async fn advance(&self, consumer: Consumer, to: FactId) -> Result<(), StoreError> {
        self.writer
            .run(Lane::Background, 0, move |group| {
                advance(group.conn, consumer, to)
            })
            .await
    }

    async fn purge_facts(&self) -> Result<u32, StoreError> {
        let waiting = self.readers.run(|conn| Ok(purgeable(conn)?)).await?;
        if !waiting {
            return Ok(0);
        }
        self.writer
            .run(Lane::Background, 0, |group| purge(group.conn, group.step))
            .await
    }

    async fn relay_edge(&self, edge: RelayEdge) -> Result<EdgeWritten, StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| relay_states::edge(group, &edge))
            .await
    }

    async fn relay_states(&self) -> Result<Vec<RelayKept>, StoreError> {
        self.readers.run(relay_states::all).await
    }
}

/// Moves a cursor on, inside the transaction of what its consumer did.
pub(crate) fn advance(conn: &Connection, consumer: Consumer, to: FactId) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE fact_cursor SET fact = max(fact, ?2) WHERE consumer = ?1")?
        .execute(params![consumer.number(), to.0])?;
    Ok(())
}

fn behind(conn: &Connection, consumer: Consumer, limit: u32) -> Result<Vec<Fact>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT id, at, kind, message, office, person, detail FROM fact
         WHERE id > (SELECT fact FROM fact_cursor WHERE consumer = ?1) ORDER BY id",
    )?;
    let mut rows = statement.query([consumer.number()])?;
    let (mut facts, mut damaged) = (Vec::new(), Vec::new());
    while facts.len() < usize::try_from(limit).unwrap_or(usize::MAX)
        && let Some(row) = rows.next()?
    {
        match read(row) {
            Ok(fact) => {
                facts.push(fact);
                // Passed together with this one, so that it is said once.
                for (id, error) in damaged.drain(..) {
                    tracing::error!(fact.id = id, %error, "a stored fact is damaged: it raises no alert");
                }
            }
            Err(error) if error.is_of_content() => damaged.push((row.get::<_, i64>(0)?, error)),
            Err(error) => return Err(error),
        }
    }
    Ok(facts)
}

fn read(row: &Row<'_>) -> Result<Fact, StoreError> {
    let kind: i64 = row.get(2)?;
    Ok(Fact {
        id: FactId(row.get(0)?),
        at: Timestamp::from_micros(row.get(1)?),
        kind: FactKind::from_number(kind)
            .ok_or_else(|| StoreError::Corrupt(format!("kind {kind} of a fact")))?,
        message: row.get::<_, Option<i64>>(3)?.map(MessageId::from_ord),
        office: OfficeId(row.get(4)?),
        person: row.get::<_, Option<i64>>(5)?.map(UserId),
        detail: row.get(6)?,
    })
}

fn purgeable(conn: &Connection) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT 1 FROM fact WHERE id <= (SELECT min(fact) FROM fact_cursor) LIMIT 1")?
        .exists([])
}

fn purge(conn: &Connection, step: u32) -> Result<u32, StoreError> {
    let gone = conn
        .prepare_cached(
            "DELETE FROM fact WHERE id IN
                (SELECT id FROM fact WHERE id <= (SELECT min(fact) FROM fact_cursor) ORDER BY id LIMIT ?1)",
        )?
        .execute([step])?;
    Ok(u32::try_from(gone).unwrap_or(u32::MAX))
}
