//! Kept counts equal a recount, whatever happens in whatever order.

use postroom_domain::{Kind, MessageId, Scope, UserId};
use postroom_store::{ConfiguredLimits, Leased, NewMessage, NodeLease, PauseOf, Release};

use super::Harness;
use crate::build::{
    SLOT, anyone, assert_consistent, at, deferred, failed, form_letter, given_back, join, lease, letter,
    operator, promote, put, record, sent,
};

/// Steps of a walk.
const STEPS: i64 = 400;

pub(crate) async fn counts_equal_a_recount_after_a_random_walk(h: &mut impl Harness) {
    for seed in 1..=3 {
        let limits = ConfiguredLimits {
            system: Some(9),
            user: Some(4),
            server_zone: "UTC".to_owned(),
            ..ConfiguredLimits::default()
        };
        h.store().configure_limits(limits).await.unwrap();
        let mut walk = Walk {
            node: join(h.store()).await,
            ids: Vec::new(),
            leased: Vec::new(),
            dice: Dice(seed),
        };
        for second in 0..STEPS {
            walk.step(h, second).await;
        }
        assert_consistent(h.store()).await;
        h.reopen().await;
    }
}

struct Walk {
    node: NodeLease,
    ids: Vec<MessageId>,
    leased: Vec<Leased>,
    dice: Dice,
}

impl Walk {
    async fn step(&mut self, h: &mut impl Harness, second: i64) {
        let now = at(second * 7_919);
        match self.dice.roll(16) {
            0..4 => {
                let messages = (0..=self.dice.roll(5)).map(|_| self.message(second)).collect();
                self.ids.extend(put(h.store(), messages, now).await);
            }
            4..7 => {
                let n = 1 + u32::try_from(self.dice.roll(8)).unwrap();
                self.leased.extend(lease(h.store(), self.node, n, now).await);
            }
            7..11 => self.finish(h, second).await,
            11 | 12 => drop(promote(h.store(), now, vec![]).await),
            13 => drop(
                h.store()
                    .requeue(&anyone(), &self.some_ids(), &operator(), now)
                    .await
                    .unwrap(),
            ),
            14 => drop(
                h.store()
                    .delete(&anyone(), &self.some_ids(), &operator(), at(1))
                    .await
                    .unwrap(),
            ),
            _ => self.rare(h, second).await,
        }
    }

    async fn rare(&mut self, h: &mut impl Harness, second: i64) {
        let now = at(second * 7_919);
        match self.dice.roll(8) {
            0 => drop(h.store().flush(&Scope::own(UserId(1)), None, now).await),
            1 => drop(h.store().index_text().await.unwrap()),
            2 => {
                h.kill().await;
                self.node = h.store().join(SLOT, now).await.unwrap();
                self.leased = h.store().adopt(self.node, 256, at(9)).await.unwrap();
            }
            3 => assert_consistent(h.store()).await,
            4 => drop(
                h.store()
                    .hold(&anyone(), &self.some_ids(), &operator(), now)
                    .await
                    .unwrap(),
            ),
            5 => drop(
                h.store()
                    .release(
                        &anyone(),
                        &self.some_ids(),
                        Release::WithinLimits,
                        &operator(),
                        now,
                    )
                    .await
                    .unwrap(),
            ),
            6 => {
                let whom = PauseOf::Sender(UserId(1 + i64::try_from(self.dice.roll(2)).unwrap()));
                if h.store().resume(whom, now, &operator()).await.unwrap().is_none() {
                    h.store()
                        .pause(whom, String::new(), now, &operator())
                        .await
                        .unwrap();
                }
            }
            _ => drop(h.store().settle(now).await.unwrap()),
        }
    }

    async fn finish(&mut self, h: &mut impl Harness, second: i64) {
        let (now, later) = (at(second * 7_919), at(second * 7_919 + 30_000));
        let mut outcomes = Vec::new();
        for lease in self.leased.drain(..) {
            outcomes.push(match self.dice.roll(4) {
                0 => sent(&lease, now),
                1 => failed(&lease, now),
                2 => given_back(&lease),
                _ => deferred(&lease, now, later),
            });
        }
        record(h.store(), self.node, outcomes, now).await;
    }

    fn message(&mut self, second: i64) -> NewMessage {
        let sender = 1 + i64::try_from(self.dice.roll(4)).unwrap();
        match self.dice.roll(4) {
            0 => form_letter(sender),
            1 => NewMessage {
                kind: Kind::Alert,
                ..letter(sender)
            },
            2 => NewMessage {
                send_at: Some(at(second * 7_919 + 20_000)),
                ..letter(sender)
            },
            _ => letter(sender),
        }
    }

    fn some_ids(&mut self) -> Vec<MessageId> {
        let n = self.dice.roll(4);
        let known = u64::try_from(self.ids.len()).unwrap();
        (0..n.min(known))
            .map(|_| self.ids[usize::try_from(self.dice.roll(known)).unwrap()])
            .collect()
    }
}

/// A small generator that gives the same walk for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}
