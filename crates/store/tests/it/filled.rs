//! Sample mail written the fast way is as if it had come in.

use std::collections::HashSet;
use std::time::Duration;

use postroom_domain::{Arm, MessageId, MessageState, OfficeId, Scope, ShownType, UserId};
use postroom_store::sqlite::fill::{FillPlan, fill};
use postroom_store::{
    Filter, List, More, PageRequest, Place, Row, SearchQuery, SqliteOptions, SqliteStore, StoreError, Upkeep,
};
use tempfile::TempDir;

use crate::build::at;

#[tokio::test]
async fn filled_file_passes_its_check_and_is_found_by_search() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mail.db");
    let plan = FillPlan {
        offices: 9,
        users_per_office: 4,
        ..FillPlan::new(5_000, 6, at(0))
    };
    let mut told = 0;
    fill(&path, &plan, |n| told = n).unwrap();
    assert_eq!(told, 5_000);
    let again = fill(&path, &plan, |_| {}).unwrap_err();
    assert!(matches!(again, StoreError::Exists { .. }), "{again:?}");

    let options = SqliteOptions {
        read_time: Duration::from_secs(60), // a busy machine's search would answer "at least"
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(&path, options).unwrap();
    let report = store.check().await.unwrap();
    assert_eq!((report.messages, report.differences), (5_000, Vec::new()));
    assert!(!store.index_text().await.unwrap());
    let all = Scope::everything();
    let counts = store.counts(&all, &Filter::default()).await.unwrap();
    assert_eq!(counts.total, 5_000);
    let filter = Filter {
        search: SearchQuery::parse("invoice"),
        ..Filter::default()
    };
    assert!(store.counts(&all, &filter).await.unwrap().total > 50);
    store.close().await;
}

#[tokio::test]
async fn many_offices_are_listed_as_the_whole_server_without_the_others() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mail.db");
    let plan = FillPlan {
        offices: 1_000,
        users_per_office: 1,
        ..FillPlan::new(4_000, 40, at(0))
    };
    fill(&path, &plan, |_| {}).unwrap();
    let store = SqliteStore::open(&path, SqliteOptions::default()).unwrap();
    let all = pages(&store, &Scope::everything(), None).await;
    assert_eq!(all.len(), 4_000);

    // Dense, at the edge, too sparse for the server's list, and with somebody of another office besides.
    for (many, step) in [(500, 2), (23, 5), (24, 1), (25, 40)] {
        let offices: HashSet<_> = (0..many).map(|n| OfficeId(2 + n * step)).collect();
        let other = UserId(1_000);
        let mut scope = Scope::own(other);
        for office in &offices {
            scope = scope
                .with(Arm::OfficeMail(*office))
                .with(Arm::OfficeNotifications(*office));
        }
        for shown in [
            None,
            Some(ShownType::Sent),
            Some(ShownType::Failed),
            Some(ShownType::Outbox),
        ] {
            let expected: Vec<_> = all
                .iter()
                .filter(|row| shown.is_none_or(|shown| row.state.shown() == shown))
                .filter(|row| scope.sees(row.sender.0, row.office.0, row.kind.category()))
                .map(|row| row.id)
                .collect();
            let found: Vec<_> = pages(&store, &scope, shown)
                .await
                .iter()
                .map(|row| row.id)
                .collect();
            assert_eq!(found, expected, "{many} offices, {shown:?}");
            jumps_land(&store, &request(&scope, shown, Place::First), &expected).await;
            let Some(last) = expected.last() else { continue };
            let above = store
                .page(&request(&scope, shown, Place::Before(*last)))
                .await
                .unwrap();
            let ids: Vec<_> = above.rows.iter().map(|row| row.id).collect();
            let from = expected.len().saturating_sub(101);
            assert_eq!(ids, expected[from..expected.len() - 1].to_vec());
        }
    }
    store.close().await;
}

#[tokio::test]
async fn jumps_land_on_their_row_within_dates_and_among_one_state() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mail.db");
    let plan = FillPlan {
        offices: 60,
        users_per_office: 1,
        ..FillPlan::new(3_000, 40, at(0))
    };
    fill(&path, &plan, |_| {}).unwrap();
    let store = SqliteStore::open(&path, SqliteOptions::default()).unwrap();
    let offices = (0..30).fold(Scope::own(UserId(1)), |scope, n| {
        scope.with(Arm::OfficeMail(OfficeId(2 + 2 * n)))
    });
    let hour = 3_600;
    // Whole weeks and days, days alone, cut days at both ends, one cut day, dates without an end.
    let dates = [
        (Some(-30 * 24 * hour), Some(-2 * 24 * hour)),
        (Some(-5 * 24 * hour), Some(-2 * 24 * hour)),
        (Some(-30 * 24 * hour + 5 * hour), Some(-3 * hour)),
        (Some(-9 * 24 * hour + hour), Some(-9 * 24 * hour + 12 * hour)),
        (None, Some(-11 * 24 * hour + 7)),
        (Some(-25 * 24 * hour - 7), None),
    ];
    for scope in [Scope::everything(), offices] {
        for (from, until) in dates {
            for state in [None, Some(MessageState::Sent), Some(MessageState::Deferred)] {
                let mut request = request(&scope, None, Place::First);
                request.filter.from = from.map(at);
                request.filter.until = until.map(at);
                request.filter.state = state;
                let expected: Vec<_> = follow(&store, &request).await.iter().map(|row| row.id).collect();
                jumps_land(&store, &request, &expected).await;
            }
        }
    }
    store.close().await;
}

/// Jumps to places all over a list and compares with what stands there.
async fn jumps_land(store: &SqliteStore, request: &PageRequest, expected: &[MessageId]) {
    let length = expected.len();
    for position in [
        0,
        1,
        length / 10,
        length / 3,
        length / 2,
        length * 4 / 5,
        length.saturating_sub(1),
        length,
    ] {
        let request = PageRequest {
            place: Place::At(position as u64),
            ..request.clone()
        };
        let landed = store.page(&request).await.unwrap();
        let ids: Vec<_> = landed.rows.iter().map(|row| row.id).collect();
        let there: Vec<_> = expected.iter().skip(position).take(100).copied().collect();
        assert_eq!(ids, there, "row {position} of {length}, {:?}", request.filter);
    }
}

/// Every row of a list, page by page.
async fn pages(store: &SqliteStore, scope: &Scope, shown: Option<ShownType>) -> Vec<Row> {
    follow(store, &request(scope, shown, Place::First)).await
}

/// Every row from a page on.
async fn follow(store: &SqliteStore, first: &PageRequest) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut request = first.clone();
    loop {
        let page = store.page(&request).await.unwrap();
        rows.extend(page.rows);
        match page.resume.filter(|_| page.more != More::No) {
            Some(id) => request.place = Place::After(id),
            None => return rows,
        }
    }
}

fn request(scope: &Scope, shown: Option<ShownType>, place: Place) -> PageRequest {
    PageRequest {
        scope: scope.clone(),
        filter: Filter {
            shown,
            ..Filter::default()
        },
        place,
        limit: 100,
    }
}
