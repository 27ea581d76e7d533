//! Reads that are given no time: they answer with less, and lose nothing.

use std::time::Duration;

use postroom_domain::{Kind, MessageId, MessageState, Scope};
use postroom_store::{Filter, List, More, PageRequest, Place, SearchQuery, SqliteOptions, SqliteStore};
use tempfile::TempDir;

use crate::conformance::world::World;

async fn hurried() -> (TempDir, SqliteStore, World) {
    let dir = TempDir::new().unwrap();
    let options = SqliteOptions {
        read_time: Duration::ZERO,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(dir.path().join("mail.db"), options).unwrap();
    let world = World::make(&store, 900, 11).await;
    (dir, store, world)
}

fn rare() -> Vec<Filter> {
    let plain = Filter::default();
    vec![
        Filter {
            kind: Some(Kind::RecordShared),
            ..plain.clone()
        },
        Filter {
            state: Some(MessageState::Failed),
            ..plain.clone()
        },
        Filter {
            state: Some(MessageState::Scheduled),
            ..plain.clone()
        },
        Filter {
            search: SearchQuery::parse("cafe secret"),
            ..plain
        },
    ]
}

#[tokio::test]
async fn unfinished_pages_go_on_until_every_row_was_shown() {
    let (_dir, store, world) = hurried().await;
    for filter in rare() {
        let expected = world.expect(&Scope::everything(), &filter);
        let mut seen: Vec<MessageId> = Vec::new();
        let mut place = Place::First;
        let mut unfinished = 0;
        loop {
            let request = PageRequest {
                scope: Scope::everything(),
                filter: filter.clone(),
                place,
                limit: 20,
            };
            let page = store.page(&request).await.unwrap();
            seen.extend(page.rows.iter().map(|row| row.id));
            unfinished += usize::from(page.more == More::Unknown);
            if page.more == More::No {
                break;
            }
            place = Place::After(page.resume.unwrap());
        }
        assert_eq!(seen, expected, "{filter:?}");
        let looked_for = filter.kind.is_some() || filter.search.is_some();
        assert!(!looked_for || unfinished > 0, "{filter:?} took its time");
    }
}

#[tokio::test]
async fn unfinished_count_says_at_least() {
    let (_dir, store, world) = hurried().await;
    let filter = Filter {
        search: SearchQuery::parse("cafe secret"),
        ..Filter::default()
    };
    let counts = store.counts(&Scope::everything(), &filter).await.unwrap();
    let model = world.expect(&Scope::everything(), &filter).len() as u64;
    assert!(!counts.exact && counts.total < model, "{counts:?} of {model}");
}

#[tokio::test]
async fn page_that_is_full_when_the_time_is_up_is_finished() {
    let (_dir, store, world) = hurried().await;
    let filter = Filter {
        search: SearchQuery::parse("example"),
        ..Filter::default()
    };
    let expected = world.expect(&Scope::everything(), &filter);
    // The clock is looked at with each 32nd row: the page's 31 and the one that tells that others follow.
    let request = PageRequest {
        scope: Scope::everything(),
        filter,
        place: Place::First,
        limit: 31,
    };
    let page = store.page(&request).await.unwrap();
    let found: Vec<_> = page.rows.iter().map(|row| row.id).collect();
    assert_eq!((found.as_slice(), page.more), (&expected[..31], More::Yes));
}
