use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use tokio::time::Instant;

use super::*;

const WAIT: Duration = Duration::from_secs(60);

fn share(kib: u64) -> Share {
    Share::new(kib * 1_024)
}

#[test]
fn shares_add_up_to_the_budget() {
    let budget = ContentBudget::default();
    let sum: u64 = budget
        .shares()
        .iter()
        .map(|(_, share)| share.usage().capacity_bytes)
        .sum();
    assert_eq!(sum, CONTENT_BYTES_DEFAULT);
}

#[tokio::test(start_paused = true)]
async fn content_larger_than_its_share_goes_alone() {
    let share = share(10);
    let huge = share.reserve(1 << 40, WAIT).await.unwrap();
    assert_eq!(huge.bytes(), 10 * 1_024);
    assert!(share.try_reserve(1).is_none());
    drop(huge);
    assert!(share.try_reserve(1).is_some());
}

#[tokio::test(start_paused = true)]
async fn large_reservation_is_not_overtaken_for_ever() {
    let share = Arc::new(share(10));
    let first = share.reserve(6 * 1_024, WAIT).await.unwrap();
    let waiting = tokio::spawn({
        let share = Arc::clone(&share);
        async move { share.reserve(10 * 1_024, WAIT).await }
    });
    while !share.is_contended() {
        tokio::task::yield_now().await;
    }
    // Room for one more small one, but somebody is before it.
    assert!(share.try_reserve(1_024).is_none());
    drop(first);
    assert_eq!(waiting.await.unwrap().unwrap().bytes(), 10 * 1_024);
}

#[tokio::test(start_paused = true)]
async fn wait_for_room_has_an_end_and_leaves_no_trace() {
    let share = share(10);
    let all = share.reserve(10 * 1_024, WAIT).await.unwrap();
    let began = Instant::now();
    assert_eq!(share.reserve(1, WAIT).await.unwrap_err(), NoRoom);
    assert_eq!(began.elapsed(), WAIT);
    drop(all);
    let usage = share.usage();
    assert_eq!(
        (usage.used_bytes, usage.waiting, usage.waits, usage.refusals),
        (0, 0, 1, 1)
    );
}

#[test]
fn reservation_gives_back_what_it_does_not_need() {
    let share = share(10);
    let mut held = share.try_reserve(8 * 1_024).unwrap();
    held.shrink_to(100_000);
    assert_eq!(held.bytes(), 8 * 1_024);
    let part = held.split_off(1_500).unwrap();
    assert_eq!((part.bytes(), held.bytes()), (2 * 1_024, 6 * 1_024));
    held.shrink_to(0);
    assert_eq!(share.usage().used_bytes, 2 * 1_024);
    drop((part, held));
    assert_eq!(share.usage().used_bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn slow_sender_is_dropped_only_while_others_wait() {
    let share = Arc::new(share(10));
    let held = share.reserve(10 * 1_024, WAIT).await.unwrap();
    let began = Instant::now();
    let mut progress = SenderProgress::new(began);
    assert_eq!(
        progress.check(0, &share, began + SenderProgress::CHECK_EVERY),
        Ok(())
    );
    let waiting = tokio::spawn({
        let share = Arc::clone(&share);
        async move { share.reserve(1, WAIT).await.map(drop) }
    });
    while !share.is_contended() {
        tokio::task::yield_now().await;
    }
    let in_time = began + 2 * SenderProgress::CHECK_EVERY;
    assert_eq!(
        progress.check(1_000, &share, in_time - Duration::from_millis(1)),
        Ok(())
    );
    assert_eq!(progress.check(1 << 20, &share, in_time), Ok(()));
    assert_eq!(
        progress.check((1 << 20) + 600_000, &share, in_time + SenderProgress::CHECK_EVERY),
        Err(NoRoom)
    );
    drop(held);
    assert_eq!(waiting.await.unwrap(), Ok(()));
}

#[derive(Debug, Clone)]
enum Move {
    Reserve { kib: u64, wait_s: u64 },
    Shrink { kib: u64 },
    Release,
    Pass { s: u64 },
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (0_u64..40, 0_u64..90).prop_map(|(kib, wait_s)| Move::Reserve { kib, wait_s }),
        1 => (0_u64..20).prop_map(|kib| Move::Shrink { kib }),
        3 => Just(Move::Release),
        2 => (0_u64..40).prop_map(|s| Move::Pass { s }),
    ]
}

/// Runs moves against a share of 20 KiB; each reservation waits in a task of its own.
async fn play(moves: Vec<Move>) {
    let share = Arc::new(share(20));
    let held = Arc::new(std::sync::Mutex::new(VecDeque::<Reservation>::new()));
    let most = Arc::new(AtomicU64::new(0));
    let mut waiting = tokio::task::JoinSet::new();
    for step in moves {
        match step {
            Move::Reserve { kib, wait_s } => {
                let (share, held, most) = (Arc::clone(&share), Arc::clone(&held), Arc::clone(&most));
                waiting.spawn(async move {
                    let began = Instant::now();
                    let wait = Duration::from_secs(wait_s);
                    let got = share.reserve(kib * 1_024, wait).await;
                    assert!(
                        began.elapsed() <= wait + Duration::from_millis(1),
                        "waited too long"
                    );
                    if let Ok(got) = got {
                        let mut held = held.lock().unwrap();
                        held.push_back(got);
                        most.fetch_max(held.iter().map(Reservation::bytes).sum(), Ordering::Relaxed);
                    }
                });
            }
            Move::Shrink { kib } => {
                if let Some(first) = held.lock().unwrap().front_mut() {
                    first.shrink_to(kib * 1_024);
                }
            }
            Move::Release => drop(held.lock().unwrap().pop_front()),
            Move::Pass { s } => tokio::time::sleep(Duration::from_secs(s)).await,
        }
        tokio::task::yield_now().await;
    }
    // Nobody releases any more: whoever still waits ends all the same.
    while let Some(ended) = waiting.join_next().await {
        ended.unwrap();
    }
    assert!(most.load(Ordering::Relaxed) <= 20 * 1_024, "over the share");
    held.lock().unwrap().clear();
    assert_eq!((share.usage().used_bytes, share.usage().waiting), (0, 0));
    assert!(share.try_reserve(20 * 1_024).is_some(), "stuck");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn share_is_never_over_and_never_stuck(moves in proptest::collection::vec(any_move(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(play(moves));
    }
}
