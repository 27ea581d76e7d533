//! What is damaged is found, and never taken for right.

use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn content_that_was_changed_is_damaged_and_reported_once() {
    let t = Tampered::new();
    let ids = put(&t.store, vec![letter(1), letter(2)], at(1)).await;
    let t = t
        .sql(&format!(
            "UPDATE content SET body = x'00' WHERE ord = {}",
            ids[0].ord()
        ))
        .await;
    for _ in 0..3 {
        assert!(is_damaged(&t.content(ids[0]).await, ids[0]));
    }
    assert!(t.content(ids[1]).await.unwrap().is_some());
    assert_eq!(t.facts(FactKind::MessageDamaged).await, [Some(ids[0])]);
    let report = t.store.check().await.unwrap();
    assert_eq!(report.damaged, [(ids[0], Damage::Content)]);
    let deep = t.store.check_contents(MessageId::MIN, at(10)).await.unwrap();
    assert_eq!(
        (deep.verified, deep.damaged),
        (2, vec![(ids[0], Damage::Content)])
    );
    let detail = t
        .store
        .detail(&Scope::everything(), ids[0])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(detail.damage, Some(Damage::Content));
    t.close().await;
}

#[tokio::test]
async fn content_of_another_message_is_damage() {
    let t = Tampered::new();
    let mut other = letter(1);
    other.content.body.bytes = b"Dear Ida\r\n".to_vec();
    let ids = put(&t.store, vec![letter(1), other], at(1)).await;
    let swap = format!(
        "CREATE TEMP TABLE kept AS SELECT * FROM content;
         UPDATE content SET (body, body_sum) = (SELECT body, body_sum FROM kept WHERE kept.ord <> content.ord)
         WHERE ord IN ({}, {})",
        ids[0].ord(),
        ids[1].ord()
    );
    let t = t.sql(&swap).await;
    for id in ids {
        assert!(is_damaged(&t.content(id).await, id));
    }
    t.close().await;
}

#[tokio::test]
async fn damaged_message_is_named_at_load_and_fails_with_a_reason_of_its_own() {
    let t = Tampered::new();
    let (node, leases) = three_leased(&t).await;
    let ids: Vec<_> = leases.iter().map(|lease| lease.id).collect();
    let t = t
        .sql(&format!(
            "UPDATE content SET header = x'' WHERE ord = {}",
            ids[1].ord()
        ))
        .await;
    let loaded = t.store.load(&ids).await.unwrap();
    assert_eq!(loaded.damaged, [(ids[1], Damage::Content)]);
    assert_eq!(loaded.messages.len(), 2);
    let ended = Outcome {
        attempt: None,
        recipients: Vec::new(),
        next: Next::Damaged(Damage::Content),
        ..sent(&leases[1], at(3))
    };
    let recorded = record(&t.store, node, vec![ended, sent(&leases[0], at(3))], at(3)).await;
    assert_eq!(recorded, [Recorded::Damaged, Recorded::Done]);
    let shown = row(&t.store, ids[1]).await;
    assert_eq!((shown.state, shown.attempts), (MessageState::Failed, 0));
    assert_eq!(shown.error, Some(Damage::Content.reply()));
    let failures = t.store.failures(&Scope::everything(), 100).await.unwrap();
    assert_eq!(failures.groups[0].by.cause, FailureCause::Damaged);
    assert_eq!(t.facts(FactKind::MessageDamaged).await, [Some(ids[1])]);
    assert_eq!(t.facts(FactKind::MessageFailed).await, [Some(ids[1])]);
    assert_consistent(&t.store).await;
    t.close().await;
}

#[tokio::test]
async fn content_of_an_earlier_version_gets_checksums_in_the_background() {
    let t = Tampered::new();
    let old: Vec<_> = (0..300).map(|n| letter(n % 5 + 1)).collect();
    let ids = put(&t.store, old, at(1)).await;
    let t = t
        .sql(
            "UPDATE content SET header_sum = NULL, body_sum = NULL;
             UPDATE content_sum_fill SET last = (SELECT max(ord) FROM content)",
        )
        .await;
    let new = put(&t.store, vec![letter(1)], at(2)).await;
    assert_eq!(t.store.check().await.unwrap().without_checksum, 300);
    assert!(t.content(ids[7]).await.unwrap().is_some());
    assert!(t.store.fill_checksums(at(3)).await.unwrap());
    assert_eq!(t.store.check().await.unwrap().without_checksum, 44);
    // It goes on where it stood, also in another process.
    let t = t.sql("SELECT 1").await;
    while t.store.fill_checksums(at(4)).await.unwrap() {}
    assert_eq!(t.store.check().await.unwrap().without_checksum, 0);
    assert!(t.content(ids[299]).await.unwrap().is_some());
    let spoil = format!(
        "UPDATE content SET body = x'00' WHERE ord = {};
         UPDATE content SET header_sum = NULL, body_sum = NULL WHERE ord = {}",
        ids[299].ord(),
        new[0].ord()
    );
    let t = t.sql(&spoil).await;
    assert!(is_damaged(&t.content(ids[299]).await, ids[299]));
    // A checksum that is gone is no way around it.
    assert!(is_damaged(&t.content(new[0]).await, new[0]));
    assert_eq!(t.facts(FactKind::MessageDamaged).await.len(), 2);
    t.close().await;
}

#[tokio::test]
async fn check_of_a_table_names_pages_and_values_that_are_wrong() {
    let t = Tampered::new();
    put(&t.store, vec![letter(1), letter(2)], at(1)).await;
    let tables = t.store.check().await.unwrap().tables;
    assert!(tables.contains(&"recipient".to_owned()), "{tables:?}");
    for table in &tables {
        assert_eq!(t.store.check_table(table).await.unwrap(), Vec::<String>::new());
    }
    let t = t
        .mistyped("recipient", "UPDATE recipient SET address = x'ff'")
        .await;
    let problems = t.store.check_table("recipient").await.unwrap();
    assert!(problems[0].contains("address"), "{problems:?}");
    assert!(matches!(
        t.store.check_table("nothing\"; DROP").await,
        Err(StoreError::Missing(_))
    ));
    t.close().await;
}

/// Content of every size that matters: within a page, over a few, and over many.
async fn filled(path: &Path) -> Vec<(MessageId, Content)> {
    let store = open(path).unwrap();
    let mut messages = Vec::new();
    for n in 0..40_usize {
        let mut message = letter(i64::try_from(n % 7).unwrap() + 1);
        let size = [10, 900, 5_000, 30_000][n % 4];
        let text = format!("Line {n} of a letter that is long enough.\r\n").repeat(1_000);
        message.content.body.bytes = text.as_bytes()[..size].to_vec();
        message.content.body.len = size as u64;
        messages.push(message);
    }
    let contents: Vec<_> = messages.iter().map(|message| message.content.clone()).collect();
    let ids = put(&store, messages, at(1)).await;
    store.close().await;
    ids.into_iter().zip(contents).collect()
}

/// Flips bits of a copy, opens it and reads everything; answers how much was wrong and not said to be.
async fn wrong_after(original: &Path, kept: &[(MessageId, Content)], flips: &[(u32, u8)]) -> Vec<MessageId> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("postroom.db");
    let mut octets = std::fs::read(original).unwrap();
    for (place, bit) in flips {
        let place = usize::try_from(*place).unwrap() % octets.len();
        octets[place] ^= 1 << (bit % 8);
    }
    std::fs::write(&path, octets).unwrap();
    let Ok(store) = open(&path) else {
        return Vec::new();
    };
    let mut wrong = Vec::new();
    for (id, content) in kept {
        if let Ok(Some(read)) = store.content(&Scope::everything(), *id, at(9)).await
            && read != *content
        {
            wrong.push(*id);
        }
    }
    let ids: Vec<_> = kept.iter().map(|(id, _)| *id).collect();
    if let Ok(loaded) = store.load(&ids).await {
        for message in loaded.messages {
            let right = kept.iter().find(|(id, _)| *id == message.id);
            if right.is_none_or(|(_, content)| *content != message.content) {
                wrong.push(message.id);
            }
        }
    }
    // Whatever these come to, they come to an end and do not panic.
    let _ = store.check().await;
    let _ = store.check_contents(MessageId::MIN, at(10)).await;
    let _ = store.index_text().await;
    let request = PageRequest {
        scope: Scope::everything(),
        filter: Filter::default(),
        place: Place::First,
        limit: 200,
    };
    let _ = store.page(&request).await;
    if let Ok(node) = store.join(crate::build::SLOT, at(11)).await {
        let wants = vec![postroom_store::Want {
            route: RouteId::SERVER,
            n: 256,
        }];
        let request = postroom_store::LeaseRequest {
            node,
            wants,
            now: at(12),
        };
        let _ = store.lease(request).await;
    }
    store.close().await;
    wrong
}

#[test]
fn flipped_bits_never_come_out_as_content() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("postroom.db");
    let kept = runtime.block_on(filled(&path));
    let config = ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(flips in prop::collection::vec((any::<u32>(), 0_u8..8), 1..60))| {
        let wrong = runtime.block_on(wrong_after(&path, &kept, &flips));
        prop_assert_eq!(wrong, Vec::new());
    });
}
