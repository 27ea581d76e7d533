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

/// A budget of 16 MiB: large content coming in has 4 MiB of them.
fn incoming() -> Incoming {
    ContentBudget::new(CONTENT_BYTES_MIN).incoming
}

const MIB: u64 = 1 << 20;

#[tokio::test(start_paused = true)]
async fn two_that_outgrow_what_they_declared_do_not_wait_for_each_other() {
    let (incoming, began) = (incoming(), Instant::now());
    let first = incoming.reserve(2 * MIB, WAIT).await.unwrap();
    let second = incoming.reserve(2 * MIB, WAIT).await.unwrap();
    let refused = incoming.grow(first, 4 * MIB, WAIT).await;
    assert_eq!(refused.map(|room| room.bytes()), Err(NoRoom));
    assert_eq!(began.elapsed(), Duration::ZERO, "it waited");
    // What the first one gave back is the second's.
    let second = incoming.grow(second, 4 * MIB, WAIT).await.unwrap();
    assert_eq!(second.bytes(), 4 * MIB);
    // It may be larger than the whole share: then it goes alone.
    let second = incoming.grow(second, 25 * MIB, WAIT).await.unwrap();
    assert_eq!(second.bytes(), 4 * MIB);
    drop(second);
    assert_eq!(incoming.share_for(25 * MIB).usage().used_bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn those_that_wait_for_more_room_leave_half_of_their_share_to_others() {
    let incoming = Arc::new(incoming());
    let sizes = [(SMALL_BYTES, MEDIUM_BYTES), (MEDIUM_BYTES, 25 * MIB)];
    for (small, more) in sizes {
        let all = incoming.share_for(more).try_reserve(u64::MAX).unwrap();
        let mut growing = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let incoming = Arc::clone(&incoming);
            growing.spawn(async move {
                let room = incoming.reserve(small, WAIT).await?;
                incoming.grow(room, more, WAIT).await.map(drop)
            });
        }
        let mut refused = 0;
        let share = incoming.share_for(small);
        while share.is_contended() || incoming.share_for(more).usage().waiting + refused < 100 {
            tokio::select! {
                biased;
                Some(ended) = growing.join_next() => {
                    assert_eq!(ended.unwrap(), Err(NoRoom));
                    refused += 1;
                }
                () = tokio::task::yield_now() => {}
            }
        }
        let usage = share.usage();
        assert_eq!(usage.used_bytes, usage.capacity_bytes / 2);
        let others = incoming.reserve(small, Duration::ZERO).await.unwrap();
        drop(all);
        while let Some(ended) = growing.join_next().await {
            assert_eq!(ended.unwrap(), Ok(()));
        }
        drop(others);
        assert_eq!(incoming.share_for(small).usage().used_bytes, 0);
        assert_eq!(incoming.share_for(more).usage().used_bytes, 0);
    }
}

#[derive(Debug, Clone)]
struct Sender {
    /// The size that it declares, or that is supposed, and what it grows to.
    sizes: Vec<u64>,
    /// How long it takes to send each.
    takes_s: u64,
    /// When it goes away, whatever it waits for.
    leaves_s: Option<u64>,
}

fn any_sender() -> impl Strategy<Value = Sender> {
    let kib = prop_oneof![1_u64..40, 30_u64..300, 200_u64..30_000];
    let sizes = proptest::collection::vec(kib.prop_map(|kib| kib * 1_024), 1..4);
    (sizes, 0_u64..3, proptest::option::of(0_u64..90)).prop_map(|(mut sizes, takes_s, leaves_s)| {
        sizes.sort_unstable();
        Sender {
            sizes,
            takes_s,
            leaves_s,
        }
    })
}

async fn send(incoming: Arc<Incoming>, sender: Sender) -> Result<(), NoRoom> {
    let sending = async {
        let mut held: Option<IncomingRoom> = None;
        for bytes in sender.sizes {
            let room = match held.take() {
                None => incoming.reserve(bytes, WAIT).await?,
                Some(room) => incoming.grow(room, bytes, WAIT).await?,
            };
            held = Some(room);
            tokio::time::sleep(Duration::from_secs(sender.takes_s)).await;
        }
        Ok(())
    };
    match sender.leaves_s {
        None => sending.await,
        Some(s) => tokio::time::timeout(Duration::from_secs(s), sending)
            .await
            .unwrap_or(Ok(())),
    }
}

/// Lets all send at once; none of them is slow, so nobody may wait as long as for a share that is stuck.
async fn all_send(senders: Vec<Sender>) {
    let incoming = Arc::new(incoming());
    let began = Instant::now();
    let steps: u64 = senders
        .iter()
        .map(|sender| sender.sizes.len() as u64 * sender.takes_s)
        .sum();
    let mut sending = tokio::task::JoinSet::new();
    for sender in senders {
        sending.spawn(send(Arc::clone(&incoming), sender));
    }
    while let Some(ended) = sending.join_next().await {
        // Whether there was room depends on the others; that nobody panicked does not.
        let (Ok(()) | Err(NoRoom)) = ended.unwrap();
    }
    assert!(
        began.elapsed() <= Duration::from_secs(steps),
        "waited for nothing: {:?} for {steps} s of sending",
        began.elapsed()
    );
    for (name, share) in incoming.shares() {
        assert_eq!(
            (share.usage().used_bytes, share.usage().waiting),
            (0, 0),
            "{name}"
        );
    }
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
    // Nobody releases any more: those that still wait end all the same.
    while let Some(ended) = waiting.join_next().await {
        ended.unwrap();
    }
    assert!(most.load(Ordering::Relaxed) <= 20 * 1_024, "over the share");
    held.lock().unwrap().clear();
    assert_eq!((share.usage().used_bytes, share.usage().waiting), (0, 0));
    assert!(share.try_reserve(20 * 1_024).is_some(), "stuck");
}

fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn senders_that_grow_never_wait_in_a_circle(senders in proptest::collection::vec(any_sender(), 1..60)) {
        paused().block_on(all_send(senders));
    }

    #[test]
    fn share_is_never_over_and_never_stuck(moves in proptest::collection::vec(any_move(), 1..40)) {
        paused().block_on(play(moves));
    }
}
