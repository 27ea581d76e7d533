//! Measures how many messages a second the embedded store takes in, leases and finishes.
//!
//! `cargo run --release -p postroom-store --example queue_rates -- DIRECTORY [MESSAGES [CALLERS [PAGE_SIZE [CHECKPOINT_MIB]]]]`; the directory must lie
//! on the disk that people would use. Every figure is durable: commits are syncs.
#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use postroom_domain::{
    EnhancedCode, Kind, NodeSlot, OfficeId, RecipientState, Reply, RouteId, Timestamp, UserId,
};
use postroom_store::{
    AttemptRecord, AttemptResult, Content, Enqueue, LeaseRequest, Leased, NewMessage, NewRecipient, Next,
    NodeLease, Outcome, OutcomeBatch, Packed, Queue, RecipientOutcome, RecipientRole, Shown, SmtpParameters,
    SqliteOptions, SqliteStore, StoreError, Submitter, Upkeep, Want,
};

const SLOT: NodeSlot = NodeSlot(1);
const SENDERS: u64 = 1_000;
const OFFICES: u64 = 50;
/// Tasks that deliver at the same time.
const WORKERS: u64 = 4;

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let mut args = std::env::args().skip(1);
    let Some(directory) = args.next().map(PathBuf::from) else {
        println!("usage: queue_rates DIRECTORY [MESSAGES [CALLERS [PAGE_SIZE [CHECKPOINT_MIB]]]]");
        return Ok(());
    };
    let mut number = |default: u64| args.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (messages, callers, page) = (number(50_000), number(50), number(4_096));
    let checkpoint = number(64);
    let path = directory.join("queue_rates.db");
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
    }
    let mut options = SqliteOptions::default();
    options.page_size_bytes = u32::try_from(page).unwrap_or(options.page_size_bytes);
    options.checkpoint_mib = u32::try_from(checkpoint).unwrap_or(options.checkpoint_mib);
    let rates = Rates {
        store: Arc::new(SqliteStore::open(&path, options)?),
        began: Instant::now(),
    };
    let node = rates.store.join(SLOT, rates.now()).await?;
    rates.enqueue("enqueue, 1 caller", messages / 20, 1).await?;
    rates
        .enqueue(&format!("enqueue, {callers} callers"), messages, callers)
        .await?;
    rates.drain(node).await?;
    rates.cycle(node, messages, callers).await?;
    let report = rates.store.check().await?;
    println!("check: {} messages, {:?}", report.messages, report.differences);
    rates.store.close().await;
    Ok(())
}

#[derive(Clone)]
struct Rates {
    store: Arc<SqliteStore>,
    began: Instant,
}

impl Rates {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_790_000_000_000_000).plus(self.began.elapsed())
    }

    fn print(&self, what: &str, n: u64, began: Instant, before: (u64, u64)) {
        let took = began.elapsed();
        let (commits, operations) = self.store.writes();
        let (commits, operations) = (commits - before.0, operations - before.1);
        let per_second = n * 1_000_000 / u64::try_from(took.as_micros()).unwrap_or(1).max(1);
        println!(
            "{what:<28} {per_second:>7}/s  {n} in {took:.2?}, {commits} syncs, {operations} operations, RSS {} MiB, CPU {} ms, written {} MiB",
            rss_mib(),
            cpu_ms(),
            written_mib(),
        );
    }

    /// `callers` tasks take messages in, each waiting for its answer before the next.
    async fn enqueue(&self, what: &str, n: u64, callers: u64) -> Result<(), StoreError> {
        let (began, before) = (Instant::now(), self.store.writes());
        let next = Arc::new(AtomicU64::new(0));
        let mut tasks: Vec<tokio::task::JoinHandle<Result<(), StoreError>>> = Vec::new();
        for _ in 0..callers {
            let (rates, next) = (self.clone(), Arc::clone(&next));
            tasks.push(tokio::spawn(async move {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= n {
                        return Ok(());
                    }
                    rates.put(i).await?;
                }
            }));
        }
        for task in tasks {
            task.await
                .map_err(|error| StoreError::Unavailable(error.to_string()))??;
        }
        self.print(what, n, began, before);
        Ok(())
    }

    async fn put(&self, i: u64) -> Result<(), StoreError> {
        let op = Enqueue {
            messages: vec![message(i)],
            idempotency: None,
            slot: SLOT,
            now: self.now(),
            audit: None,
        };
        self.store.enqueue(op).await.map(|_| ())
    }

    /// Leases everything in batches of 64 and records it as sent.
    async fn drain(&self, node: NodeLease) -> Result<(), StoreError> {
        let (began, before) = (Instant::now(), self.store.writes());
        let mut leased = Vec::new();
        loop {
            let batch = self.lease(node, 64).await?;
            if batch.is_empty() {
                break;
            }
            leased.extend(batch);
        }
        self.print("lease, batches of 64", len(&leased), began, before);
        let (began, before) = (Instant::now(), self.store.writes());
        for batch in leased.chunks(64) {
            let ids: Vec<_> = batch.iter().map(|lease| lease.id).collect();
            self.store.load(&ids).await?;
        }
        self.print("load, batches of 64", len(&leased), began, before);
        let (began, before) = (Instant::now(), self.store.writes());
        for batch in leased.chunks(64) {
            self.finish(node, batch).await?;
        }
        self.print("outcomes, batches of 64", len(&leased), began, before);
        Ok(())
    }

    /// Takes in, leases, loads and finishes at the same time, the latter by several workers.
    async fn cycle(&self, node: NodeLease, n: u64, callers: u64) -> Result<(), StoreError> {
        let (began, before) = (Instant::now(), self.store.writes());
        let done = Arc::new(AtomicU64::new(0));
        let mut tasks: Vec<tokio::task::JoinHandle<Result<(), StoreError>>> = Vec::new();
        let rates = self.clone();
        tasks.push(tokio::spawn(async move {
            rates.enqueue("  of it the intake", n, callers).await
        }));
        for _ in 0..WORKERS {
            let (rates, done) = (self.clone(), Arc::clone(&done));
            tasks.push(tokio::spawn(async move { rates.work(node, n, &done).await }));
        }
        for task in tasks {
            task.await
                .map_err(|error| StoreError::Unavailable(error.to_string()))??;
        }
        self.print("full cycle", n, began, before);
        Ok(())
    }

    async fn work(&self, node: NodeLease, n: u64, done: &AtomicU64) -> Result<(), StoreError> {
        while done.load(Ordering::Relaxed) < n {
            let batch = self.lease(node, 32).await?;
            if batch.is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            let ids: Vec<_> = batch.iter().map(|lease| lease.id).collect();
            self.store.load(&ids).await?;
            self.finish(node, &batch).await?;
            done.fetch_add(len(&batch), Ordering::Relaxed);
        }
        Ok(())
    }

    async fn lease(&self, node: NodeLease, n: u32) -> Result<Vec<Leased>, StoreError> {
        let wants = vec![Want {
            route: RouteId::SERVER,
            n,
        }];
        let now = self.now();
        self.store.lease(LeaseRequest { node, wants, now }).await
    }

    async fn finish(&self, node: NodeLease, batch: &[Leased]) -> Result<(), StoreError> {
        let now = self.now();
        let outcomes = batch.iter().map(|lease| sent(lease, now)).collect();
        self.store
            .record_outcomes(OutcomeBatch { node, outcomes, now })
            .await
            .map(|_| ())
    }
}

fn sent(lease: &Leased, now: Timestamp) -> Outcome {
    let reply = Reply {
        code: 250,
        enhanced: Some(EnhancedCode(2, 0, 0)),
        text: "Ok: queued as 4F2A81C0".to_owned(),
    };
    Outcome {
        id: lease.id,
        generation: lease.generation,
        attempt: Some(AttemptRecord {
            started_at: now,
            duration: Duration::from_millis(2),
            relay: "smart host".to_owned(),
            tls: None,
            result: AttemptResult::Sent,
            reply: reply.clone(),
            trouble: None,
        }),
        recipients: vec![RecipientOutcome {
            index: 0,
            state: RecipientState::Sent,
            reply,
        }],
        next: Next::Sent,
    }
}

/// A letter of 4 KiB, kept as it is: what compression would save is not counted.
fn message(i: u64) -> NewMessage {
    let sender = i.wrapping_mul(2_654_435_761) % SENDERS;
    let header =
        format!("From: user{sender}@example.com\r\nTo: r{i}@example.test\r\nSubject: Letter {i}\r\n\r\n");
    let signed = |n: u64| i64::try_from(n).unwrap_or(0);
    NewMessage {
        sender: UserId(signed(sender + 1)),
        office: OfficeId(signed(sender % OFFICES + 1)),
        submitted_by: Submitter::User(UserId(signed(sender + 1))),
        kind: Kind::Direct,
        route: RouteId::SERVER,
        mail_from: format!("user{sender}@example.com"),
        recipients: vec![NewRecipient {
            address: format!("r{i}@example.test"),
            role: RecipientRole::To,
            notify: None,
            orcpt: None,
        }],
        parameters: SmtpParameters::default(),
        shown: Shown {
            from: format!("user{sender}@example.com"),
            to: format!("r{i}@example.test"),
            subject: format!("Letter {i} about the meeting"),
            preview: "Dear colleague, the minutes of the meeting are enclosed. ".repeat(3),
            mime_type: "text/plain".to_owned(),
            message_id: format!("<{i}.postroom@example.com>"),
            size_bytes: 4_096,
            ..Shown::default()
        },
        send_at: None,
        tags: Vec::new(),
        external_id: None,
        metadata: None,
        resent_from: None,
        content: Content {
            header: packed(header.into_bytes()),
            body: packed(vec![b'x'; 4_000]),
        },
    }
}

fn packed(bytes: Vec<u8>) -> Packed {
    Packed {
        len: u64::try_from(bytes.len()).unwrap_or(0),
        bytes,
        ..Packed::default()
    }
}

fn len<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(0)
}

fn rss_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1))
        .and_then(|kib| kib.parse::<u64>().ok())
        .unwrap_or(0)
        / 1_024
}

/// Processor time of the process so far, at 100 ticks a second.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or("").split_whitespace();
    fields
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum::<u64>()
        * 10
}

/// What the process has sent to the disk so far.
fn written_mib() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = io.lines().find(|line| line.starts_with("write_bytes:"));
    line.and_then(|line| line.split_whitespace().nth(1))
        .and_then(|bytes| bytes.parse::<u64>().ok())
        .unwrap_or(0)
        / 1_048_576
}
