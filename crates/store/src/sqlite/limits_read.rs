//! The contract of limits, handed to the writer and the readers.

use async_trait::async_trait;
use postroom_domain::limits::Ahead;
use postroom_domain::{Day, HoldReason, Timestamp, UserId};
use rusqlite::{Connection, params};

use super::inbox::Lane;
use super::limits::SYSTEM;
use super::{SqliteStore, limit_settings};
use crate::StoreError;
use crate::contract::{
    AuditNote, ConfiguredLimits, Limits, LimitsNow, LimitsSet, SetLimits, Standing, Usage, UsageOf,
};

#[async_trait]
impl Limits for SqliteStore {
    async fn limits(&self, now: Timestamp) -> Result<LimitsNow, StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| Ok(limit_settings::now(group, now)))
            .await
    }

    async fn configure_limits(&self, configured: ConfiguredLimits) -> Result<(), StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| {
                limit_settings::configure(group, &configured)
            })
            .await
    }

    async fn set_limits(&self, change: SetLimits, note: &AuditNote) -> Result<LimitsSet, StoreError> {
        let note = note.clone();
        self.writer
            .run(Lane::Hot, 0, move |group| {
                group.settles(change.now);
                limit_settings::set(group, &change, &note)
            })
            .await
    }

    async fn usage(&self, of: UsageOf, from: Day, to: Day) -> Result<Vec<Usage>, StoreError> {
        self.readers.run(move |conn| usage(conn, &of, from, to)).await
    }

    async fn standing(&self, person: UserId, now: Timestamp) -> Result<Standing, StoreError> {
        let mut standing = self
            .writer
            .run(Lane::Hot, 0, move |group| {
                let today = group.limits.today(now);
                Ok(Standing {
                    day: today.day,
                    day_ends: today.ends,
                    system: group.limits.meter(today.day, SYSTEM),
                    user: group.limits.meter(today.day, person.0),
                    ahead: Ahead::default(),
                })
            })
            .await?;
        standing.ahead = self.readers.run(move |conn| ahead(conn, person)).await?;
        Ok(standing)
    }
}

fn usage(conn: &Connection, of: &UsageOf, from: Day, to: Day) -> Result<Vec<Usage>, StoreError> {
    let read = |row: &rusqlite::Row<'_>| {
        let who: i64 = row.get(1)?;
        Ok(Usage {
            day: Day(row.get(0)?),
            user: (who != SYSTEM).then_some(UserId(who)),
            used: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
        })
    };
    let mut one = conn.prepare_cached("SELECT day, who, n FROM used WHERE day = ?1 AND who = ?2")?;
    let mut all =
        conn.prepare_cached("SELECT day, who, n FROM used WHERE day = ?1 AND who > 0 ORDER BY who")?;
    let mut found = Vec::new();
    for day in from.0..=to.0 {
        let whose = match of {
            UsageOf::System => vec![SYSTEM],
            UsageOf::Users(users) => users.iter().map(|user| user.0).collect(),
            UsageOf::EveryUser => {
                for usage in all.query_map([day], read)? {
                    found.push(usage?);
                }
                continue;
            }
        };
        for who in whose {
            for usage in one.query_map(params![day, who], read)? {
                found.push(usage?);
            }
        }
    }
    found.retain(|usage| usage.used > 0);
    Ok(found)
}

fn ahead(conn: &Connection, person: UserId) -> Result<Ahead, StoreError> {
    let mut ahead = Ahead::default();
    let mut statement = conn
        .prepare_cached("SELECT person, hold, count(*) FROM work WHERE hold < 3 GROUP BY 1, 2 ORDER BY 1")?;
    let mut rows = statement.query([])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let (whose, hold, n): (Option<i64>, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let n = u64::try_from(n).unwrap_or(0);
        ahead.system_line |= hold == HoldReason::SystemLimit.number();
        if whose == Some(person.0) {
            ahead.own += n;
        } else if last == whose
            && let Some(others) = ahead.others.last_mut()
        {
            *others += n;
        } else {
            ahead.others.push(n);
            last = whose;
        }
    }
    Ok(ahead)
}
