//! What the writer remembers between commits; all of it can be found again in the file.

use std::collections::HashMap;

use postroom_domain::{Epoch, MessageId, NodeSlot, OfficeId, RouteId};
use rusqlite::Connection;

use super::limits::LimitsKept;
use super::pauses::PausesKept;
use super::settings;
use crate::StoreError;

/// Debts of empty lanes that are remembered at most; older ones are let go, which costs a little fairness.
const DEBTS_MAX: usize = 16_384;

/// A lane's name: its route and flow.
pub(crate) type LaneKey = (i64, i64);

/// The writer's memory.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The last id given.
    pub(crate) last_id: MessageId,
    /// The epoch of each node.
    pub(crate) epochs: HashMap<NodeSlot, Epoch>,
    /// Each route's virtual time: the tag of the lane served last.
    pub(crate) times: HashMap<RouteId, f64>,
    /// The way out of offices that have settings; it holds over what whoever hands mail in has heard.
    pub(crate) routes: HashMap<OfficeId, RouteId>,
    /// Tags of lanes that are empty and not in the table but have had more than their share.
    pub(crate) debts: HashMap<LaneKey, f64>,
    /// What was taken of limits today, and what waits under them.
    pub(crate) limits: LimitsKept,
    /// Who is paused.
    pub(crate) pauses: PausesKept,
}

impl Kept {
    /// Reads it from the file.
    pub(crate) fn load(conn: &Connection) -> Result<Self, StoreError> {
        let last: i64 = conn.query_row(
            "SELECT max(ifnull((SELECT max(ord) FROM message), 0), (SELECT ord FROM text_cursor))",
            [],
            |row| row.get(0),
        )?;
        let mut kept = Self {
            last_id: MessageId::from_ord(last),
            epochs: HashMap::new(),
            times: HashMap::new(),
            routes: settings::routes(conn)?.into_iter().collect(),
            debts: HashMap::new(),
            limits: LimitsKept::load(conn)?,
            pauses: PausesKept::load(conn)?,
        };
        let mut nodes = conn.prepare("SELECT slot, epoch FROM node")?;
        let mut rows = nodes.query([])?;
        while let Some(row) = rows.next()? {
            kept.epochs.insert(NodeSlot(row.get(0)?), Epoch(row.get(1)?));
        }
        let mut lanes = conn.prepare("SELECT route, min(vtag) FROM lane GROUP BY route")?;
        let mut rows = lanes.query([])?;
        while let Some(row) = rows.next()? {
            kept.times.insert(RouteId(row.get(0)?), row.get(1)?);
        }
        Ok(kept)
    }

    /// A route's virtual time.
    pub(crate) fn time(&self, route: RouteId) -> f64 {
        self.times.get(&route).copied().unwrap_or(0.0)
    }

    /// Forgets debts that virtual time has overtaken, and all when they are too many.
    pub(crate) fn prune(&mut self) {
        if self.debts.len() <= DEBTS_MAX {
            return;
        }
        let times = &self.times;
        self.debts
            .retain(|(route, _), tag| *tag > times.get(&RouteId(*route)).copied().unwrap_or(0.0));
        if self.debts.len() > DEBTS_MAX {
            self.debts.clear();
        }
    }
}
