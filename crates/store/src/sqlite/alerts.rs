//! Alerts: raised once a cause and person, counted by facts, read and dismissed.

use async_trait::async_trait;
use postroom_domain::{MessageId, RouteId, Timestamp, UserId};
use rusqlite::{Connection, params};

use super::alert_rows::{ALERT, person_ids, read_alerts as rows};
use super::codes::to_json;
use super::group::Group;
use super::inbox::Lane;
use super::{SqliteStore, alert_rows, facts};
use crate::StoreError;
use crate::contract::{
    Alert, AlertId, AlertPage, AlertState, Alerts, Count, MailedAlerts, Mailing, Raise, RaiseBatch, Unread,
    WaitingSenders, WhichAlerts,
};

/// Rows of one operation.
const STEP: u32 = 256;
/// Alerts mailed at a time.
const MAILED: u32 = 64;
/// Alerts of one page.
const PAGE: u32 = 200;

#[async_trait]
impl Alerts for SqliteStore {
    async fn raise(&self, batch: RaiseBatch) -> Result<(), StoreError> {
        if batch.raises.len() > STEP as usize {
            return Err(StoreError::TooMuch("one batch raises at most 256 alerts"));
        }
        self.writer
            .run(Lane::Background, 0, move |group| raise(group, &batch))
            .await
    }

    async fn alerted(&self, key: &str, after: Option<UserId>) -> Result<Vec<UserId>, StoreError> {
        let key = key.to_owned();
        self.readers
            .run(move |conn| {
                let sql = "SELECT person FROM alert WHERE key = ?1 AND person > ?2 ORDER BY person LIMIT ?3";
                let after = after.map_or(i64::MIN, |after| after.0);
                person_ids(conn, sql, params![key, after, STEP])
            })
            .await
    }

    async fn waiting_senders(
        &self,
        route: RouteId,
        after: Option<MessageId>,
    ) -> Result<WaitingSenders, StoreError> {
        self.readers
            .run(move |conn| alert_rows::waiting_senders(conn, route, after))
            .await
    }

    async fn alerts(&self, person: UserId, page: AlertPage) -> Result<Vec<Alert>, StoreError> {
        self.readers.run(move |conn| list(conn, person, page)).await
    }

    async fn unread_alerts(&self, person: UserId) -> Result<Unread, StoreError> {
        self.readers.run(move |conn| unread(conn, person)).await
    }

    async fn mark_alert(&self, person: UserId, id: AlertId, to: AlertState) -> Result<bool, StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| mark(group, person, id, to))
            .await
    }

    async fn read_alerts(&self, person: UserId, upto: AlertId) -> Result<u32, StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| read_upto(group, person, upto))
            .await
    }

    async fn alerts_to_mail(&self) -> Result<Vec<Alert>, StoreError> {
        self.readers
            .run(|conn| {
                let sql = format!("{ALERT} WHERE mail = 1 ORDER BY id LIMIT ?1");
                rows(conn, &sql, params![MAILED])
            })
            .await
    }

    async fn alerts_mailed(&self, ids: &[AlertId]) -> Result<(), StoreError> {
        if ids.len() > STEP as usize {
            return Err(StoreError::TooMuch("one call marks at most 256 alerts as mailed"));
        }
        let ids = ids.to_vec();
        self.writer
            .run(Lane::Background, 0, move |group| {
                let mut update = group
                    .conn
                    .prepare_cached("UPDATE alert SET mail = 2 WHERE id = ?1")?;
                for id in &ids {
                    update.execute([id.0])?;
                }
                Ok(())
            })
            .await
    }

    async fn purge_alerts(&self, before: Timestamp) -> Result<u32, StoreError> {
        self.writer
            .run(Lane::Background, 0, move |group| {
                let gone = group
                    .conn
                    .prepare_cached(
                        "DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE last_at < ?1 LIMIT ?2)",
                    )?
                    .execute(params![before.as_micros(), group.step])?;
                Ok(u32::try_from(gone).unwrap_or(u32::MAX))
            })
            .await
    }

    async fn mailed_alerts(&self, person: UserId) -> Result<MailedAlerts, StoreError> {
        self.readers
            .run(move |conn| alert_rows::mailed(conn, person))
            .await
    }

    async fn all_mailed_alerts(&self) -> Result<Vec<(UserId, MailedAlerts)>, StoreError> {
        self.readers.run(alert_rows::all_mailed).await
    }

    async fn set_mailed_alerts(&self, person: UserId, mailed: MailedAlerts) -> Result<(), StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| {
                group
                    .conn
                    .prepare_cached(
                        "INSERT INTO alert_preference (person, mailed) VALUES (?1, ?2)
                         ON CONFLICT (person) DO UPDATE SET mailed = excluded.mailed",
                    )?
                    .execute(params![person.0, mailed.bits()])?;
                Ok(())
            })
            .await
    }
}

fn raise(group: &mut Group<'_>, batch: &RaiseBatch) -> Result<(), StoreError> {
    for one in &batch.raises {
        if raise_one(group.conn, one)? {
            group.alerted(one.person);
        }
    }
    if let Some((consumer, to)) = batch.passed {
        facts::advance(group.conn, consumer, to)?;
    }
    Ok(())
}

/// Answers whether it changed something.
fn raise_one(conn: &Connection, raise: &Raise) -> Result<bool, StoreError> {
    let (again, n, fact) = match raise.count {
        // What the row has counted already it does not count again.
        Count::More(n, fact) => (
            "DO UPDATE SET count = count + excluded.count, last_at = max(last_at, excluded.last_at), state = 0,
                title = excluded.title, text = excluded.text, advice = excluded.advice, link = excluded.link,
                last_fact = excluded.last_fact
             WHERE last_fact < excluded.last_fact",
            n,
            fact.0,
        ),
        Count::Once => ("DO NOTHING", 1, 0),
    };
    let sql = format!(
        "INSERT INTO alert (person, key, kind, title, text, advice, link, count, first_at, last_at, state, mail,
            last_fact)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, 0, ?10, ?11) ON CONFLICT (key, person) {again}"
    );
    let changed = conn.prepare_cached(&sql)?.execute(params![
        raise.person.0,
        raise.key,
        raise.kind.number(),
        raise.title,
        raise.text,
        raise.advice,
        to_json(&raise.link)?,
        n,
        raise.at.as_micros(),
        i64::from(raise.mail == Mailing::Yes),
        fact
    ])?;
    Ok(changed > 0)
}

fn list(conn: &Connection, person: UserId, page: AlertPage) -> Result<Vec<Alert>, StoreError> {
    let which = match page.which {
        WhichAlerts::Open => "state < 2",
        WhichAlerts::Unread => "state < 2 AND state = 0",
    };
    let (at, id) = page
        .after
        .map_or((i64::MAX, i64::MAX), |(at, id)| (at.as_micros(), id.0));
    let sql = format!(
        "{ALERT} WHERE person = ?1 AND {which} AND (last_at, id) < (?2, ?3) ORDER BY last_at DESC, id DESC LIMIT ?4"
    );
    rows(conn, &sql, params![person.0, at, id, page.limit.min(PAGE)])
}

fn unread(conn: &Connection, person: UserId) -> Result<Unread, StoreError> {
    let count: i64 = conn
        .prepare_cached("SELECT count(*) FROM alert WHERE person = ?1 AND state = 0")?
        .query_row([person.0], |row| row.get(0))?;
    let page = AlertPage {
        which: WhichAlerts::Unread,
        after: None,
        limit: 1,
    };
    Ok(Unread {
        count: u64::try_from(count).unwrap_or(0),
        newest: list(conn, person, page)?.into_iter().next(),
    })
}

fn mark(group: &mut Group<'_>, person: UserId, id: AlertId, to: AlertState) -> Result<bool, StoreError> {
    let theirs = group
        .conn
        .prepare_cached("SELECT 1 FROM alert WHERE id = ?1 AND person = ?2 AND state < 2")?
        .exists(params![id.0, person.0])?;
    if !theirs {
        return Ok(false);
    }
    let changed = group
        .conn
        .prepare_cached("UPDATE alert SET state = ?2 WHERE id = ?1 AND state <> ?2")?
        .execute(params![id.0, to.number()])?;
    if changed > 0 {
        group.alerted(person);
    }
    Ok(true)
}

fn read_upto(group: &mut Group<'_>, person: UserId, upto: AlertId) -> Result<u32, StoreError> {
    let changed = group
        .conn
        .prepare_cached(
            "UPDATE alert SET state = 1 WHERE id IN
                (SELECT id FROM alert WHERE person = ?1 AND state = 0 AND id <= ?2 LIMIT ?3)",
        )?
        .execute(params![person.0, upto.0, group.step])?;
    if changed > 0 {
        group.alerted(person);
    }
    Ok(u32::try_from(changed).unwrap_or(u32::MAX))
}
