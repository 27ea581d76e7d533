//! Leases without a task: it died with the message in hand, by a bug's panic that the connection makes, or the store's
//! answer to the lease was lost.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use postroom_domain::{Kind, MessageState};
use postroom_engine::EngineSettings;
use postroom_smtp::client::{Connection, Dial, DialFuture, Dialler, RelayConfig};
use postroom_smtp::sink::{Mode, SinkHandle};
use postroom_store::AttemptResult;
use postroom_store::sqlite::{SqliteOptions, WriteFault, WriteFaults, WriteOperation};
use postroom_testkit::relay::{self, described};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::house::{House, impatient, message};

/// Connects by TCP; the first write that has these words panics.
#[derive(Debug)]
struct Fragile {
    words: &'static str,
    spent: Arc<AtomicBool>,
}

impl Dial for Fragile {
    fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> DialFuture<'a, Vec<SocketAddr>> {
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }

    fn connect(&self, address: SocketAddr) -> DialFuture<'_, Connection> {
        Box::pin(async move {
            Ok(Box::new(FragileStream {
                stream: TcpStream::connect(address).await?,
                words: self.words,
                spent: Arc::clone(&self.spent),
            }) as Connection)
        })
    }
}

#[derive(Debug)]
struct FragileStream {
    stream: TcpStream,
    words: &'static str,
    spent: Arc<AtomicBool>,
}

impl AsyncRead for FragileStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for FragileStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if String::from_utf8_lossy(buf).contains(self.words) && !self.spent.swap(true, Ordering::SeqCst) {
            panic!("as the test says");
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write(
            cx,
            &parts
                .iter()
                .flat_map(|part| part.iter().copied())
                .collect::<Vec<_>>(),
        )
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// One connection at a time, which panics once at these words.
fn fragile(sink: &SinkHandle, words: &'static str) -> EngineSettings {
    let spent = Arc::default();
    let dial = Dialler::new(Arc::new(Fragile { words, spent }));
    let mut settings = House::settings(&RelayConfig {
        dial,
        ..impatient(sink)
    });
    for relay in &mut settings.relays {
        relay.connections = 1;
    }
    settings
}

#[tokio::test]
async fn message_whose_task_dies_before_its_content_leaves_is_returned_untried() {
    for words in ["EHLO", "MAIL FROM", "DATA"] {
        let (house, sink) = (House::new(), relay::start().await);
        let engine = house.engine(fragile(&sink, words)).await;
        let ids = house
            .submit(vec![message(1, Kind::Direct, "one", &["a@example.test"])])
            .await;
        let detail = house.until_state(ids[0], MessageState::Sent).await;
        assert_eq!(
            (detail.row.attempts, house.attempts(ids[0]).await.len()),
            (1, 1),
            "{words}"
        );
        assert_eq!((sink.count(), engine.lost_leases()), (1, 1));
        engine.stop().await;
    }
}

#[tokio::test]
async fn message_whose_task_dies_with_its_content_under_way_is_uncertain_and_the_one_behind_it_untried() {
    let (house, sink) = (House::new(), relay::start().await);
    let engine = house.engine(fragile(&sink, "Good day.")).await;
    let letters = (0..6).map(|n| message(1, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
    let ids = house.submit(letters.collect()).await;
    for &id in &ids[1..] {
        let detail = house.until_state(id, MessageState::Sent).await;
        assert_eq!(detail.row.attempts, 1);
    }
    let detail = house.until_state(ids[0], MessageState::Deferred).await;
    assert_eq!(detail.row.attempts, 1);
    assert_eq!(house.attempts(ids[0]).await[0].result, AttemptResult::Uncertain);
    assert!(engine.lost_leases() >= 1);
    house.pass(&engine, Duration::from_mins(2));
    house.until_state(ids[0], MessageState::Sent).await;
    assert_eq!(sink.count(), 6);
    engine.stop().await;
}

/// Loses the answers to the first operations of each of these names, after their commits.
#[derive(Debug)]
struct LosesAnswers(Mutex<BTreeMap<&'static str, u32>>);

impl WriteFaults for LosesAnswers {
    fn on_operation(&self, operation: WriteOperation) -> WriteFault {
        let mut left = self.0.lock().expect("no test panics with it");
        match left.get_mut(operation.name) {
            Some(count) if *count > 0 => {
                *count -= 1;
                WriteFault::LoseAnswer
            }
            _ => WriteFault::None,
        }
    }
}

#[tokio::test]
async fn mail_is_sent_whose_lease_was_committed_but_its_answer_lost() {
    let faults = BTreeMap::from([("lease", 3), ("leased_at", 2), ("record_outcomes", 2)]);
    let house = House::with_store(SqliteOptions {
        faults: Some(Arc::new(LosesAnswers(Mutex::new(faults)))),
        ..SqliteOptions::default()
    });
    let sink = relay::start().await;
    let mut settings = House::settings(&described(&sink));
    settings.pace.store_retry = Duration::from_millis(5);
    // No look comes to help: what is returned has to be noticed.
    settings.pace.look_every = Duration::from_hours(24);
    let engine = house.engine(settings).await;
    let letters = (0..6).map(|n| message(1, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
    for id in house.submit(letters.collect()).await {
        let detail = house.until_state(id, MessageState::Sent).await;
        assert_eq!(detail.row.attempts, 1);
    }
    assert_eq!(sink.count(), 6);
    engine.stop().await;
}

/// A runtime that is dropped drops every worker, and the successors that they start without running them.
#[test]
fn process_that_ends_while_jobs_wait_just_ends() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("starts");
    let house = House::new();
    runtime.block_on(async {
        let sink = relay::start().await;
        sink.set_mode(Mode::Tarpit(Duration::from_mins(1))).await;
        let mut settings = House::settings(&described(&sink));
        settings.relays[0].connections = 1;
        let _engine = house.engine(settings).await;
        let letters = (0..4).map(|n| message(n, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
        let ids = house.submit(letters.collect()).await;
        // The one connection has one of them, and another waits for it.
        house.until_state(ids[1], MessageState::Sending).await;
    });
    drop(runtime);
}
