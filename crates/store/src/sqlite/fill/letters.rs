//! Sample letters.

use postroom_domain::{Kind, MessageId, MessageState};

use super::FillPlan;
use super::people::{Crowd, Somebody, email};

/// Words that subjects use often.
const COMMON: [&str; 24] = [
    "your",
    "policy",
    "renewal",
    "invoice",
    "meeting",
    "report",
    "update",
    "review",
    "account",
    "reminder",
    "claim",
    "quote",
    "offer",
    "agenda",
    "summary",
    "contract",
    "payment",
    "schedule",
    "request",
    "welcome",
    "notice",
    "statement",
    "proposal",
    "change",
];
const SYLLABLES: [&str; 16] = [
    "ba", "cor", "den", "fi", "gal", "hu", "jo", "ket", "lin", "mor", "nes", "po", "ril", "sa", "tun", "ver",
];
/// Rare words of the vocabulary.
const RARE: usize = 4_096;
/// Different people outside who get mail.
const CLIENTS: i64 = 200_000;

/// A small random source: the same seed gives the same letters (SplitMix64).
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    /// Starts at a seed.
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n` - 1.
    pub(super) const fn below(&mut self, n: i64) -> i64 {
        if n <= 1 {
            return 0;
        }
        (self.next() >> 1).cast_signed() % n
    }

    /// A number from 0 to `n` - 1, small ones more often: half of the draws fall into the first eighth.
    pub(super) const fn skewed(&mut self, n: i64) -> i64 {
        let (a, b, c) = (self.below(n + 1), self.below(n + 1), self.below(n + 1));
        let n = if n > 0 { n } else { 1 };
        (a * b / n * c / n) % n
    }
}

/// A letter as it stands in the end.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) id: MessageId,
    pub(super) sender: Somebody,
    pub(super) kind: Kind,
    pub(super) state: MessageState,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) cc: String,
    pub(super) subject: String,
    pub(super) size: i64,
    pub(super) attempts: i64,
}

/// Makes letters.
#[derive(Debug)]
pub(super) struct Letters {
    rare: Vec<String>,
    job: Option<(Somebody, String, i64)>,
}

impl Letters {
    /// Makes up a vocabulary.
    pub(super) fn new(chance: &mut Chance) -> Self {
        let rare = (0..RARE)
            .map(|_| {
                (0..3 + chance.below(2))
                    .map(|_| pick(&SYLLABLES, chance))
                    .collect()
            })
            .collect();
        Self { rare, job: None }
    }

    /// The next letter.
    pub(super) fn next(
        &mut self,
        chance: &mut Chance,
        crowd: &Crowd,
        plan: &FillPlan,
        id: MessageId,
    ) -> Letter {
        let (sender, kind, subject) = self.begin(chance, crowd);
        let state = state(chance, plan);
        let inside = kind == Kind::IntraOffice || kind.category() == postroom_domain::Category::Notification;
        let to = if inside {
            crowd.address(chance)
        } else {
            client(chance)
        };
        let cc = if chance.below(10) == 0 {
            client(chance)
        } else {
            String::new()
        };
        Letter {
            id,
            sender,
            kind,
            state,
            from: email(sender.user, sender.office),
            to,
            cc,
            subject,
            size: 1_500 + chance.below(6_000),
            attempts: match state {
                MessageState::Sent => 1,
                MessageState::Failed => 10,
                MessageState::Deferred => 1 + chance.below(9),
                MessageState::Queued
                | MessageState::Scheduled
                | MessageState::Held
                | MessageState::Sending => 0,
            },
        }
    }

    /// Whose letter of what kind about what: form letters come in runs of one sender.
    fn begin(&mut self, chance: &mut Chance, crowd: &Crowd) -> (Somebody, Kind, String) {
        if chance.below(100) < 30 {
            if let Some((sender, subject, left)) = &mut self.job
                && *left > 0
            {
                *left -= 1;
                return (*sender, Kind::FormLetter, subject.clone());
            }
            let job = (crowd.somebody(chance), self.subject(chance), chance.below(2_000));
            self.job = Some(job.clone());
            return (job.0, Kind::FormLetter, job.1);
        }
        let kind = match chance.below(70) {
            0..45 => Kind::Direct,
            45..62 => Kind::IntraOffice,
            62 => Kind::PasswordReset,
            63 => Kind::SignInFailed,
            64 => Kind::AccountCreated,
            65 | 66 => Kind::RecordShared,
            67 | 68 => Kind::ActivityCreated,
            _ => Kind::Alert,
        };
        (crowd.somebody(chance), kind, self.subject(chance))
    }

    fn subject(&self, chance: &mut Chance) -> String {
        let mut words = vec![pick(&COMMON, chance).to_owned(), pick(&COMMON, chance).to_owned()];
        let rare = chance.skewed(i64::try_from(self.rare.len()).unwrap_or(1));
        words.extend(usize::try_from(rare).ok().and_then(|n| self.rare.get(n).cloned()));
        if chance.below(3) == 0 {
            words.push(format!("{}", 10_000 + chance.below(900_000)));
        }
        words.join(" ")
    }
}

fn state(chance: &mut Chance, plan: &FillPlan) -> MessageState {
    if chance.below(1_000) < i64::from(plan.outbox_per_mille) {
        return match chance.below(10) {
            0..6 => MessageState::Queued,
            6 => MessageState::Scheduled,
            7 => MessageState::Held,
            _ => MessageState::Deferred,
        };
    }
    if chance.below(50) == 0 {
        MessageState::Failed
    } else {
        MessageState::Sent
    }
}

fn client(chance: &mut Chance) -> String {
    let client = chance.skewed(CLIENTS);
    format!("client{client}@company{}.example", client % 997)
}

fn pick<'w>(words: &[&'w str], chance: &mut Chance) -> &'w str {
    let n = chance.below(i64::try_from(words.len()).unwrap_or(1));
    usize::try_from(n)
        .ok()
        .and_then(|n| words.get(n))
        .copied()
        .unwrap_or("word")
}
