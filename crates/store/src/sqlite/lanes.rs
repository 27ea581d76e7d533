//! Fair order: lanes, their virtual tags, and a route's virtual time (DESIGN invariant 7).
//!
//! The table holds lanes with something ready. A lane that runs empty leaves the table; what it has had beyond its
//! share is remembered in memory alone, so that sending one by one gains nothing over sending many at once.

use std::collections::HashMap;

use postroom_domain::{Kind, OfficeId, RouteId, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::kept::{Kept, LaneKey};
use super::pauses::PausesKept;
use crate::StoreError;

/// Kinds that a flow number has room for.
const KINDS: i64 = 16;
/// What a lane is taken to have whose count is damaged: it is served until it is found empty.
const READY_UNKNOWN: i64 = 1 << 32;

/// The flow of a message: (sender, kind) for user mail, (office, kind) for notifications, which are negative.
pub(crate) fn flow(sender: UserId, office: OfficeId, kind: Kind) -> i64 {
    match kind.category() {
        postroom_domain::Category::User => sender.0 * KINDS + kind.number(),
        postroom_domain::Category::Notification => !(office.0 * KINDS + kind.number()),
    }
}

/// SQL: whether a row `w` of `work` takes the server's route whatever its office's is ([`Kind::route`]), by its flow.
pub(crate) const BY_SERVERS_ROUTE: &str = "(w.flow < 0 AND (~w.flow) % 16 IN (3, 4, 5, 8))";

/// How many messages of a flow leave for each one of a form letter's (SPEC D6): what somebody waits for at the screen
/// first, then alerts and letters, then bulk.
pub(crate) const fn weight(kind: Kind) -> f64 {
    match kind {
        Kind::PasswordReset | Kind::AccountCreated | Kind::SignInFailed => 8.0,
        Kind::Alert | Kind::ActivityCreated | Kind::RecordShared | Kind::Direct | Kind::IntraOffice => 4.0,
        Kind::FormLetter => 1.0,
    }
}

/// The kind that a flow number names.
pub(crate) fn kind_of(flow: i64) -> Option<Kind> {
    Kind::from_number(if flow < 0 { !flow } else { flow } % KINDS)
}

/// What a lane that is empty now has had beyond its share; `None` for nothing.
pub(crate) type Debts = Vec<(LaneKey, Option<f64>)>;

/// The lanes that a group touches.
#[derive(Clone)]
pub(crate) struct Lanes<'w> {
    kept: &'w Kept,
    touched: HashMap<LaneKey, Lane>,
    times: HashMap<RouteId, f64>,
    marks: usize,
}

#[derive(Debug, Clone, Copy)]
struct Lane {
    vtag: f64,
    ready: i64,
    in_table: bool,
    dirty: bool,
}

/// A lane with something ready, as the table has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Contender {
    pub(crate) flow: i64,
    pub(crate) vtag: f64,
    pub(crate) ready: i64,
}

impl<'w> Lanes<'w> {
    pub(crate) fn new(kept: &'w Kept) -> Self {
        Self {
            kept,
            touched: HashMap::new(),
            times: HashMap::new(),
            marks: 0,
        }
    }

    /// Adds `n` ready messages to a lane, or takes `-n` away that leave it unserved.
    pub(crate) fn add(
        &mut self,
        conn: &Connection,
        route: RouteId,
        flow: i64,
        n: i64,
    ) -> Result<(), StoreError> {
        let time = self.time(route);
        self.marks += 1;
        let lane = self.lane(conn, route, flow)?;
        if lane.ready <= 0 && n > 0 {
            lane.vtag = lane.vtag.max(time);
        }
        lane.ready = (lane.ready + n).max(0);
        lane.dirty = true;
        Ok(())
    }

    /// The `n` lanes of a route that come first and are not shut by a pause: more are not needed to pick `n` messages.
    pub(crate) fn first(
        &mut self,
        conn: &Connection,
        route: RouteId,
        n: u32,
        pauses: &PausesKept,
    ) -> Result<Vec<Contender>, StoreError> {
        self.flush(conn)?;
        let mut statement = conn.prepare_cached(
            "SELECT flow, vtag, ready FROM lane WHERE route = ?1 ORDER BY vtag, flow LIMIT ?2",
        )?;
        // Shut lanes are walked over, which is rare and ends with the pause's sweep.
        let most = if pauses.all_open() { i64::from(n) } else { -1 };
        let rows = statement.query_map(params![route.0, most], |row| {
            Ok(Contender {
                flow: row.get(0)?,
                vtag: row.get(1).unwrap_or(0.0),
                ready: row.get(2).unwrap_or(READY_UNKNOWN),
            })
        })?;
        let open = rows.filter(|lane| {
            let shut = |lane: &Contender| lane.flow >= 0 && pauses.is_shut(lane.flow / KINDS);
            !lane.as_ref().is_ok_and(shut)
        });
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        Ok(open.take(n).collect::<Result<_, _>>()?)
    }

    /// Notes what picking has made of a lane.
    pub(crate) fn served(
        &mut self,
        conn: &Connection,
        route: RouteId,
        after: &Contender,
    ) -> Result<(), StoreError> {
        self.marks += 1;
        let lane = self.lane(conn, route, after.flow)?;
        lane.vtag = after.vtag;
        lane.ready = after.ready.max(0);
        lane.dirty = true;
        Ok(())
    }

    /// A route's virtual time.
    pub(crate) fn time(&self, route: RouteId) -> f64 {
        self.times
            .get(&route)
            .copied()
            .unwrap_or_else(|| self.kept.time(route))
    }

    /// Moves a route's virtual time on.
    pub(crate) fn set_time(&mut self, route: RouteId, time: f64) {
        self.times.insert(route, time);
    }

    /// Counts the changes so far.
    pub(crate) const fn marks(&self) -> usize {
        self.marks
    }

    /// Writes lanes that changed.
    pub(crate) fn flush(&mut self, conn: &Connection) -> Result<(), StoreError> {
        for ((route, flow), lane) in self.touched.iter_mut().filter(|(_, lane)| lane.dirty) {
            if lane.ready > 0 {
                conn.prepare_cached(
                    "INSERT INTO lane (route, flow, vtag, ready) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET vtag = excluded.vtag, ready = excluded.ready",
                )?
                .execute(params![route, flow, lane.vtag, lane.ready])?;
            } else if lane.in_table {
                conn.prepare_cached("DELETE FROM lane WHERE route = ?1 AND flow = ?2")?
                    .execute(params![route, flow])?;
            }
            lane.in_table = lane.ready > 0;
            lane.dirty = false;
        }
        Ok(())
    }

    /// What to remember after the commit: virtual times, and debts of lanes that are empty now (`None`: no debt).
    pub(crate) fn finish(self) -> (HashMap<RouteId, f64>, Debts) {
        let debts = self
            .touched
            .iter()
            .map(|(&key, lane)| {
                let time = self.time(RouteId(key.0));
                (key, (lane.ready == 0 && lane.vtag > time).then_some(lane.vtag))
            })
            .collect();
        (self.times, debts)
    }

    fn lane(&mut self, conn: &Connection, route: RouteId, flow: i64) -> Result<&mut Lane, StoreError> {
        let key = (route.0, flow);
        let lane = match self.touched.entry(key) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let row = conn
                    .prepare_cached("SELECT vtag, ready FROM lane WHERE route = ?1 AND flow = ?2")?
                    .query_row(params![route.0, flow], |row| {
                        Ok((row.get(0).unwrap_or(0.0), row.get(1).unwrap_or(READY_UNKNOWN)))
                    })
                    .optional()?;
                let debt = self.kept.debts.get(&key).copied().unwrap_or(0.0);
                entry.insert(Lane {
                    vtag: row.map_or(debt, |(vtag, _)| vtag),
                    ready: row.map_or(0, |(_, ready)| ready),
                    in_table: row.is_some(),
                    dirty: false,
                })
            }
        };
        Ok(lane)
    }
}

/// Picks `n` messages, one at a time from the lane with the smallest tag; answers the index of each pick's lane, in
/// order, and the tag of the last one (the new virtual time). `lanes` are left as they are after it.
///
/// The step is one message: a new lane starts at the virtual time, so its first message is at most one round away.
pub(crate) fn pick(lanes: &mut [Contender], n: u32) -> (Vec<usize>, Option<f64>) {
    let mut picks = Vec::new();
    let mut time = None;
    for _ in 0..n {
        let first = lanes
            .iter_mut()
            .enumerate()
            .filter(|(_, lane)| lane.ready > 0)
            .min_by(|(_, a), (_, b)| a.vtag.total_cmp(&b.vtag));
        let Some((index, lane)) = first else { break };
        time = Some(lane.vtag);
        lane.ready -= 1;
        lane.vtag += 1.0 / kind_of(lane.flow).map_or(1.0, weight);
        picks.push(index);
    }
    (picks, time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_of_the_servers_route_names_the_kinds_that_take_it() {
        let conn = Connection::open_in_memory().expect("memory");
        let sql = format!("SELECT {BY_SERVERS_ROUTE} FROM (SELECT ?1 AS flow) w");
        for kind in Kind::ALL {
            let flow = flow(UserId(7), OfficeId(3), kind);
            let by_servers: bool = conn.query_row(&sql, [flow], |row| row.get(0)).expect("a row");
            let route = kind.route(RouteId(3));
            assert_eq!(by_servers, route == RouteId::SERVER, "{kind}");
        }
    }
}
