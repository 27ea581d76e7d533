//! Sample mail written the fast way is as if it had come in.

use std::time::Duration;

use postroom_domain::Scope;
use postroom_store::sqlite::fill::{FillPlan, fill};
use postroom_store::{Filter, List, SearchQuery, SqliteOptions, SqliteStore, StoreError, Upkeep};
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
