//! What facts come to, without a store: whom to tell what, folded so that a person's many failures are one alert.

use std::collections::BTreeMap;

use postroom_domain::alert::{About, LimitOf, Occasion, Outage, Reader, ServerTrouble};
use postroom_domain::{Damage, RouteId, Timestamp, UserId};
use postroom_store::{
    Count, DailyLimit, DamagedDetail, Fact, FactId, FactKind, FailedDetail, LimitDetail, Mailing, Raise,
    RelayDetail, TroubleDetail, WaitingMail,
};

use super::snapshot::{ServerRelay, Snapshot};

/// A fact, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Tells these few people.
    Narrow(Occasion, About),
    /// A relay went Down: administrators, and senders as far as their mail waits.
    Down(Occasion, About, Outage, WaitingMail),
    /// A relay is Up: whoever was told that it is Down.
    Up(Occasion, Outage),
    /// Nobody.
    Nothing,
}

/// Understands a fact.
pub(super) fn meaning(fact: &Fact, snapshot: &Snapshot, server: ServerRelay) -> Meaning {
    let about = |kind, submitter: Option<i64>| About {
        office: fact.office,
        sender: fact.person,
        submitter: submitter.map(UserId),
        kind,
    };
    match fact.kind {
        FactKind::MessageFailed => {
            let Some(detail) = fact.detail::<FailedDetail>() else {
                return unreadable(fact);
            };
            let about = about(Some(detail.kind), detail.submitted_by);
            Meaning::Narrow(Occasion::Failed { error: detail.error }, about)
        }
        FactKind::RelayTrouble => {
            let Some(detail) = fact.detail::<TroubleDetail>() else {
                return unreadable(fact);
            };
            let route = RouteId(detail.route);
            let occasion = Occasion::Trouble {
                trouble: detail.trouble,
                route,
                relay: detail.relay,
                epoch: detail.epoch,
                home: snapshot.home(route, server),
                error: detail.error,
            };
            Meaning::Narrow(occasion, about(detail.kind, None))
        }
        FactKind::LimitReached => {
            let Some(detail) = fact.detail::<LimitDetail>() else {
                return unreadable(fact);
            };
            let of = match detail.limit {
                DailyLimit::System => LimitOf::System,
                DailyLimit::User => LimitOf::User(name(fact.person, snapshot)),
            };
            let (most, day) = (detail.most, detail.day);
            Meaning::Narrow(Occasion::Limit { of, most, day }, about(None, None))
        }
        FactKind::MessageDamaged => {
            let damage = fact
                .detail::<DamagedDetail>()
                .and_then(|detail| Damage::from_number(detail.damage));
            let (Some(damage), Some(message)) = (damage, fact.message) else {
                return unreadable(fact);
            };
            Meaning::Narrow(Occasion::Damaged { message, damage }, about(None, None))
        }
        FactKind::ServerTrouble => match fact.detail::<ServerTrouble>() {
            Some(trouble) => Meaning::Narrow(Occasion::Server(trouble), about(None, None)),
            None => unreadable(fact),
        },
        FactKind::RelayDown | FactKind::RelayUp => {
            let Some(detail) = fact.detail::<RelayDetail>() else {
                return unreadable(fact);
            };
            edge(fact.kind, detail, about(None, None), snapshot, server)
        }
    }
}

fn edge(
    kind: FactKind,
    detail: RelayDetail,
    about: About,
    snapshot: &Snapshot,
    server: ServerRelay,
) -> Meaning {
    let route = RouteId(detail.route);
    let home = snapshot.home(route, server);
    let outage = Outage {
        route,
        place: detail.place,
        relay: detail.relay,
        number: detail.outage,
    };
    if kind == FactKind::RelayUp {
        let occasion = Occasion::Up {
            outage: outage.clone(),
            home,
        };
        return Meaning::Up(occasion, outage);
    }
    let occasion = Occasion::Down {
        outage: outage.clone(),
        home,
        error: detail.error,
    };
    Meaning::Down(occasion, about, outage, detail.mail)
}

fn unreadable(fact: &Fact) -> Meaning {
    tracing::error!(
        fact.id = fact.id.0,
        "a fact's detail cannot be read; nobody is told of it"
    );
    Meaning::Nothing
}

fn name(person: Option<UserId>, snapshot: &Snapshot) -> String {
    let member = person.and_then(|person| snapshot.staff.member(person));
    member.map_or_else(|| "somebody".to_owned(), |member| member.name.clone())
}

/// Alerts to raise, each key and person once.
#[derive(Debug, Default)]
pub(super) struct Plan {
    raises: BTreeMap<(String, UserId), Raise>,
}

impl Plan {
    /// How many people are told.
    pub(super) fn len(&self) -> usize {
        self.raises.len()
    }

    /// Whether anybody is told of this cause.
    pub(super) fn has(&self, key: &str) -> bool {
        let first = self.raises.range((key.to_owned(), UserId(i64::MIN))..).next();
        first.is_some_and(|((found, _), _)| found == key)
    }

    /// Adds what a fact comes to.
    pub(super) fn add(&mut self, occasion: &Occasion, people: Vec<(UserId, Reader)>, moment: &Moment<'_>) {
        let key = occasion.key(moment.day);
        for (person, reader) in people {
            let raise = moment.raise(occasion, &key, person, reader);
            match self.raises.get_mut(&(key.clone(), person)) {
                Some(known) => {
                    let more = match (known.count, raise.count) {
                        (Count::More(n, _), Count::More(_, fact)) => Count::More(n + 1, fact),
                        (count, _) => count,
                    };
                    *known = Raise { count: more, ..raise };
                }
                None => {
                    self.raises.insert((key.clone(), person), raise);
                }
            }
        }
    }

    /// The alerts.
    pub(super) fn into_raises(self) -> Vec<Raise> {
        self.raises.into_values().collect()
    }
}

/// When it happened, and by what name the product goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) brand: &'a str,
    pub(super) day: &'a str,
    pub(super) at: Timestamp,
    /// The fact that counts; `None` where once told is enough.
    pub(super) fact: Option<FactId>,
}

impl Moment<'_> {
    /// The alert of one person.
    pub(super) fn raise(&self, occasion: &Occasion, key: &str, person: UserId, reader: Reader) -> Raise {
        let words = occasion.words(self.brand, reader);
        Raise {
            person,
            key: key.to_owned(),
            kind: occasion.kind(),
            title: words.title,
            text: words.text,
            advice: words.advice,
            link: words.link,
            at: self.at,
            count: self.fact.map_or(Count::Once, |fact| Count::More(1, fact)),
            mail: if self.snapshot.mailed(person).has(occasion.kind()) {
                Mailing::Yes
            } else {
                Mailing::No
            },
        }
    }
}
