//! Measures pages, jumps, counts and search over a filled file, for several sorts of people.
//!
//! `list_rates FILE [MESSAGES]` fills the file first where it is missing; prints p50, p95 and the slowest of each.

use std::path::Path;
use std::time::{Duration, Instant};

use postroom_domain::{
    Arm, Category, Kind, MessageId, MessageState, OfficeId, Scope, ShownType, Timestamp, UserId,
};
use postroom_store::sqlite::fill::{FillPlan, fill};
use postroom_store::{Filter, List, PageRequest, Place, SearchQuery, SqliteOptions, SqliteStore, StoreError};

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
        "person", "filter", "what", "min", "p50", "p95", "max"
    );
    for (person, scope) in people() {
        for (name, filter) in filters() {
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
    let search = |text: &str| Filter {
        search: SearchQuery::parse(text),
        ..Filter::default()
    };
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
    let mut counts = Vec::new();
    let mut total = 0;
    let mut exact = true;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let counted = store.counts(scope, filter).await?;
        counts.push(started.elapsed());
        (total, exact) = (counted.total, counted.exact);
    }
    let spread = |round: usize| u64::try_from(round * 7_919 % ROUNDS).unwrap_or(0);
    let rounds = u64::try_from(ROUNDS).unwrap_or(1);
    let [mut first, mut after, mut at, mut up] = [const { Vec::new() }; 4];
    let mut unknown = 0;
    for round in 0..ROUNDS {
        let started = Instant::now();
        let page = store.page(&request(Place::First)).await?;
        first.push(started.elapsed());
        unknown += u32::from(page.more == postroom_store::More::Unknown);
        let back = DAY * u32::try_from(spread(round)).unwrap_or(0);
        let middle = MessageId::first_at(UNTIL.minus(back));
        let started = Instant::now();
        let page = store.page(&request(Place::After(middle))).await?;
        after.push(started.elapsed());
        unknown += u32::from(page.more == postroom_store::More::Unknown);
        let started = Instant::now();
        let _page = store.page(&request(Place::Before(middle))).await?;
        up.push(started.elapsed());
        let started = Instant::now();
        let page = store
            .page(&request(Place::At(total * spread(round) / rounds)))
            .await?;
        at.push(started.elapsed());
        unknown += u32::from(page.more == postroom_store::More::Unknown);
    }
    let at_least = if exact { "" } else { "+" };
    println!("{person:<12} {name:<22} {total}{at_least} rows, {unknown} unknown");
    for (what, times) in [
        ("counts", counts),
        ("first", first),
        ("after", after),
        ("before", up),
        ("at", at),
    ] {
        show(person, name, what, times);
    }
    Ok(())
}

fn show(person: &str, name: &str, what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let ms = |part: usize| {
        let index = (times.len() * part / 100).min(times.len().saturating_sub(1));
        times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let slow = if ms(95) > 10.0 { " <<<" } else { "" };
    println!(
        "{person:<12} {name:<22} {what:<8} {:>9.2} {:>9.2} {:>9.2} {:>9.2}{slow}",
        ms(0),
        ms(50),
        ms(95),
        ms(100)
    );
}
