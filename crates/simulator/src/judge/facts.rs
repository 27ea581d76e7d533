//! What the store tells of: edges of health, and what people are to hear of.

use super::*;

impl Judge {
    /// Takes over the facts that are new, before whoever tells people of them is done with them.
    pub(crate) async fn facts(
        &mut self,
        store: &SqliteStore,
        clock: &SimClock,
        relays: &[Relay],
        right_since: Option<Duration>,
    ) -> Result<(), StoreError> {
        let facts = store.facts(Consumer::Alerts, 256).await?;
        for fact in facts {
            if self.facts_seen.is_some_and(|seen| fact.id <= seen) {
                continue;
            }
            self.facts_seen = Some(fact.id);
            self.causes.add(&fact);
            if matches!(fact.kind, FactKind::RelayDown | FactKind::RelayUp)
                && let Some(detail) = fact.detail::<RelayDetail>()
            {
                let now = clock.elapsed();
                let at = clock.true_time(fact.at).min(now);
                self.edge(fact.kind, &detail, (at, now), relays, right_since);
            }
        }
        Ok(())
    }

    fn edge(
        &mut self,
        kind: FactKind,
        detail: &RelayDetail,
        (at, now): (Duration, Duration),
        relays: &[Relay],
        right_since: Option<Duration>,
    ) {
        self.trace
            .note(at, format_args!("{kind:?} {} {}", detail.route, detail.place));
        let key = (detail.route, detail.place);
        if self.edges.insert(key, kind) == Some(kind) {
            let what = format!("{kind:?} of route {} place {} twice", key.0, key.1);
            self.broken(Rule::EdgesAlternate, now, what);
        }
        if kind == FactKind::RelayUp {
            return self.coverage.see("edges of health", "up");
        }
        self.coverage.see("edges of health", "down");
        let place = usize::try_from(detail.route - 1).unwrap_or(0) * 2 + usize::from(detail.place);
        let right = right_since.is_some_and(|since| since + RIGHTED < now);
        let was_bad = relays.get(place).is_none_or(|relay| {
            let state = relay.state();
            state.was_bad(at.saturating_sub(ECHO), now) || state.seemed_bad(at)
        });
        if right && !was_bad {
            let what = format!("relay {place} went Down ({}), and behaved", detail.error);
            self.broken(Rule::DownInTruth, at, what);
        }
    }
}
