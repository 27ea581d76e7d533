//! Measures pages, jumps, counts and search over a filled file, for several sorts of people.
//!
//! `list_rates FILE [MESSAGES]` fills the file first where it is missing; prints processor time (p50, p95, the
//! slowest) and time on the clock (p50) of each.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement prints its figures"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use postroom_domain::{
    Arm, Category, Kind, MessageId, MessageState, OfficeId, Scope, ShownType, Timestamp, UserId,
};
use postroom_store::sqlite::fill::{FillPlan, fill};
use postroom_store::{
    Filter, List, More, PageRequest, Place, SearchQuery, SqliteOptions, SqliteStore, StoreError,
};

/// The end of the sample mail: 2026-11-23.
const UNTIL: Timestamp = Timestamp::from_micros(1_795_392_000_000_000);
const DAYS: u32 = 60;
const DAY: Duration = Duration::from_secs(86_400);
const ROUNDS: usize = 40;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StoreError> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "rates.db".to_owned());
    let messages = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let only = arguments.next();
    if !Path::new(&path).exists() {
        let started = Instant::now();
        fill(&path, &FillPlan::new(messages, DAYS, UNTIL), |n| {
            if n % 100_000 == 0 {
                eprintln!("{n} messages after {:?}", started.elapsed());
            }
        })?;
        eprintln!("filled in {:?}", started.elapsed());
    }
    let store = SqliteStore::open(&path, SqliteOptions::default())?;
    println!(
        "{:<12} {:<22} {:<8} {:>9} {:>9} {:>9} {:>9}  ms",
        "person", "filter", "what", "cpu p50", "cpu p95", "cpu max", "wall p50"
    );
    for (person, scope) in people() {
        for (name, filter) in filters().into_iter().chain(narrower()).chain(searches()) {
            let whole = format!("{person} {name}");
            if only.as_ref().is_none_or(|only| whole.contains(only.as_str())) {
                measure(&store, person, &scope, name, &filter).await?;
            }
        }
    }
    Ok(())
}

fn people() -> Vec<(&'static str, Scope)> {
    let senders = |scope: Scope, n: i64, step: i64| {
        (1..=n).fold(scope, |scope, i| scope.with(Arm::Sender(UserId(i * step))))
    };
    let offices = |n: i64| {
        (1..=n).fold(Scope::nothing(), |scope, i| {
            scope
                .with(Arm::OfficeMail(OfficeId(i * 2)))
                .with(Arm::OfficeNotifications(OfficeId(i * 2)))
        })
    };
    vec![
        ("own busy", Scope::own(UserId(1))),
        ("own quiet", Scope::own(UserId(9_997))),
        ("20 senders", senders(Scope::nothing(), 20, 37)),
        (
            "office",
            Scope::nothing()
                .with(Arm::OfficeMail(OfficeId(3)))
                .with(Arm::OfficeNotifications(OfficeId(3))),
        ),
        ("200 offices", offices(200)),
        ("everything", Scope::everything()),
    ]
}

fn filters() -> Vec<(&'static str, Filter)> {
    let plain = Filter::default();
    vec![
        ("none", plain.clone()),
        (
            "sent",
            Filter {
                shown: Some(ShownType::Sent),
                ..plain.clone()
            },
        ),
        (
            "failed",
            Filter {
                shown: Some(ShownType::Failed),
                ..plain.clone()
            },
        ),
        (
            "outbox",
            Filter {
                shown: Some(ShownType::Outbox),
                ..plain.clone()
            },
        ),
        (
            "notifications",
            Filter {
                category: Some(Category::Notification),
                ..plain.clone()
            },
        ),
    ]
}

fn narrower() -> Vec<(&'static str, Filter)> {
    let plain = Filter::default();
    vec![
        (
            "state deferred",
            Filter {
                state: Some(MessageState::Deferred),
                ..plain.clone()
            },
        ),
        (
            "state held",
            Filter {
                state: Some(MessageState::Held),
                ..plain.clone()
            },
        ),
        (
            "kind form_letter",
            Filter {
                kind: Some(Kind::FormLetter),
                ..plain.clone()
            },
        ),
        (
            "kind sign_in_failed",
            Filter {
                kind: Some(Kind::SignInFailed),
                ..plain.clone()
            },
        ),
        (
            "sender 1",
            Filter {
                sender: Some(UserId(1)),
                ..plain.clone()
            },
        ),
        (
            "office 4",
            Filter {
                office: Some(OfficeId(4)),
                ..plain.clone()
            },
        ),
        (
            "dates",
            Filter {
                from: Some(UNTIL.minus(DAY * 30 + DAY / 3)),
                until: Some(UNTIL.minus(DAY * 5 + DAY / 4)),
                ..plain.clone()
            },
        ),
    ]
}

fn searches() -> Vec<(&'static str, Filter)> {
    let search = |text: &str| Filter {
        search: SearchQuery::parse(text),
        ..Filter::default()
    };
    vec![
        ("search common", search("policy")),
        ("search two", search("invoice renewal")),
        ("search rare", search("bacorden")),
        ("search prefix", search("pol")),
        ("search letter", search("c")),
        ("search address", search("client4711")),
        ("search none", search("zzzqqq")),
        (
            "failed search",
            Filter {
                shown: Some(ShownType::Failed),
                ..search("policy")
            },
        ),
    ]
}

/// What an operation took: on the clock, and of the processor (what the operation costs when nothing else runs).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Took {
    cpu: Duration,
    wall: Duration,
}

/// Times of one operation over the rounds.
struct Timed {
    what: &'static str,
    times: Vec<Took>,
}

impl Timed {
    const fn new(what: &'static str) -> Self {
        Self {
            what,
            times: Vec::new(),
        }
    }

    async fn take<T>(
        &mut self,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let (cpu, wall) = (cpu(), Instant::now());
        let answer = operation.await?;
        self.times.push(Took {
            wall: wall.elapsed(),
            cpu: crate::cpu().saturating_sub(cpu),
        });
        Ok(answer)
    }

    fn show(mut self, person: &str, name: &str) {
        let last = self.times.len().saturating_sub(1);
        let ms = |times: &[Took], part: usize, of: fn(&Took) -> Duration| {
            let at = (times.len() * part / 100).min(last);
            times.get(at).map_or(0.0, |took| of(took).as_secs_f64() * 1e3)
        };
        self.times.sort_unstable_by_key(|took| took.wall);
        let wall = ms(&self.times, 50, |took| took.wall);
        self.times.sort_unstable();
        let cpu = |part| ms(&self.times, part, |took| took.cpu);
        let slow = if cpu(95) > 10.0 { " <<<" } else { "" };
        println!(
            "{person:<12} {name:<22} {:<8} {:>9.2} {:>9.2} {:>9.2} {wall:>9.2}{slow}",
            self.what,
            cpu(50),
            cpu(95),
            cpu(100)
        );
    }
}

/// Processor time of all threads so far (Linux).
fn cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let nanos = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

async fn measure(
    store: &SqliteStore,
    person: &str,
    scope: &Scope,
    name: &str,
    filter: &Filter,
) -> Result<(), StoreError> {
    let request = |place| PageRequest {
        scope: scope.clone(),
        filter: filter.clone(),
        place,
        limit: 50,
    };
    let [mut counts, mut first, mut after, mut before, mut at] =
        ["counts", "first", "after", "before", "at"].map(Timed::new);
    let mut unknown = 0;
    let mut rows = String::new();
    for round in 0..ROUNDS {
        let spread = u64::try_from(round * 7_919 % ROUNDS).unwrap_or(0);
        let middle = MessageId::first_at(UNTIL.minus(DAY * u32::try_from(spread).unwrap_or(0)));
        let counted = counts.take(store.counts(scope, filter)).await?;
        let at_least = if counted.exact { "" } else { "+" };
        rows = format!("{}{at_least}", counted.total);
        let position = counted.total * spread / u64::try_from(ROUNDS).unwrap_or(1);
        for (timed, place) in [
            (&mut first, Place::First),
            (&mut after, Place::After(middle)),
            (&mut before, Place::Before(middle)),
            (&mut at, Place::At(position)),
        ] {
            let page = timed.take(store.page(&request(place))).await?;
            unknown += u32::from(page.more == More::Unknown);
        }
    }
    println!("{person:<12} {name:<22} {rows} rows, {unknown} unknown");
    for timed in [counts, first, after, before, at] {
        timed.show(person, name);
    }
    Ok(())
}
