//! Writes log lines on a thread of their own, so that no part of the server waits for standard error or fails with it.
//!
//! A line that cannot be written (a full disk, a reader that has gone away) or that finds the queue full (a reader that
//! has stopped reading) is lost and counted. The count is logged once when writing works again.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait to be written.
const LINES_MAX: usize = 1_024;
/// Longest line; the rest of a longer one is cut off.
const LINE_BYTES_MAX: usize = 16 * 1024;
/// How often to look again while standard error takes nothing.
const AGAIN_AFTER: Duration = Duration::from_millis(10);

enum Entry {
    Line(Vec<u8>),
    /// Answered once everything before it has been written or lost.
    Flush(SyncSender<()>),
}

/// Queues log lines for the writing thread; never fails and never waits.
#[derive(Debug, Clone)]
pub(super) struct LogWriter {
    entries: SyncSender<Entry>,
    lost: Counter,
}

impl LogWriter {
    /// Starts the writing thread. `lost` counts the lines that could not be written.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(super) fn start(to: impl Write + Send + 'static, lost: Counter) -> io::Result<Self> {
        let (entries, waiting) = sync_channel(LINES_MAX);
        let output = Output {
            to,
            lost: lost.clone(),
            reported: lost.get(),
            is_torn: false,
        };
        std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || output.run(&waiting))?;
        Ok(Self { entries, lost })
    }

    /// Queues one line, with its line end.
    pub(super) fn put(&self, line: &[u8]) {
        let mut kept = line.get(..LINE_BYTES_MAX).unwrap_or(line).to_vec();
        if kept.len() < line.len() {
            kept.extend_from_slice("…\n".as_bytes());
        }
        if self.entries.try_send(Entry::Line(kept)).is_err() {
            self.lost.inc();
        }
    }

    /// Waits until the lines queued so far are written, at most for `timeout`.
    pub(super) fn flush(&self, timeout: Duration) {
        let began = Instant::now();
        let (done, written) = sync_channel(1);
        let mut entry = Entry::Flush(done);
        loop {
            match self.entries.try_send(entry) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) if began.elapsed() < timeout => {
                    entry = back;
                    std::thread::sleep(AGAIN_AFTER);
                }
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => return,
            }
        }
        // Whether it was in time changes nothing for a caller.
        let _ = written.recv_timeout(timeout.saturating_sub(began.elapsed()));
    }
}

impl Write for &LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

/// What the writing thread works with.
struct Output<W> {
    to: W,
    lost: Counter,
    /// The part of `lost` that the log has reported.
    reported: u64,
    /// Whether the last line was written in part, without its end.
    is_torn: bool,
}

impl<W: Write> Output<W> {
    fn run(mut self, waiting: &Receiver<Entry>) {
        while let Ok(entry) = waiting.recv() {
            match entry {
                Entry::Line(line) => self.line(&line),
                Entry::Flush(done) => {
                    let _ = done.try_send(());
                }
            }
        }
    }

    fn line(&mut self, line: &[u8]) {
        let written = if self.is_torn {
            self.write_all(b"\n").and_then(|()| self.write_all(line))
        } else {
            self.write_all(line)
        };
        if written.is_err() {
            self.lost.inc();
            return;
        }
        let lost = self.lost.get();
        if lost > self.reported {
            let lines = lost - self.reported;
            self.reported = lost;
            tracing::warn!(lines, "log lines could not be written and are lost");
        }
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.to.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    bytes = bytes.get(n..).unwrap_or_default();
                    self.is_torn = !bytes.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Another process has made it non-blocking; only this thread waits.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(AGAIN_AFTER),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Condvar, Mutex};

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    /// A disk: full or not, and what was written to it.
    #[derive(Debug, Default, Clone)]
    struct Disk {
        full: Arc<AtomicBool>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Disk {
        fn text(&self) -> String {
            String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Disk {
        /// Takes half a line while it is full, as a real one may.
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !self.full.load(Ordering::SeqCst) {
                self.written.lock().unwrap().extend_from_slice(bytes);
                return Ok(bytes.len());
            }
            let half = bytes.len() / 2;
            if half == 0 || self.text().ends_with("half ") {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.written.lock().unwrap().extend_from_slice(b"half ");
            Ok(half)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn line_that_finds_the_disk_full_is_counted_and_the_next_begins_a_new_line() {
        let (disk, lost) = (Disk::default(), Counter::default());
        let log = LogWriter::start(disk.clone(), lost.clone()).unwrap();
        log.put(b"one\n");
        log.flush(LONG);
        disk.full.store(true, Ordering::SeqCst);
        log.put(b"two\n");
        log.put(b"three\n");
        log.flush(LONG);
        assert_eq!(lost.get(), 2);
        disk.full.store(false, Ordering::SeqCst);
        log.put(b"four\n");
        log.flush(LONG);
        assert_eq!(disk.text(), "one\nhalf \nfour\n");
    }

    /// A reader that has stopped reading until it is told to go on.
    #[derive(Debug, Default, Clone)]
    struct Stalled(Arc<(Mutex<bool>, Condvar)>);

    impl Stalled {
        fn read_on(&self) {
            *self.0.0.lock().unwrap() = true;
            self.0.1.notify_all();
        }
    }

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let reading = self.0.0.lock().unwrap();
            drop(self.0.1.wait_while(reading, |reading| !*reading).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn reader_that_stops_reading_keeps_nobody_waiting() {
        let (reader, lost) = (Stalled::default(), Counter::default());
        let log = LogWriter::start(reader.clone(), lost.clone()).unwrap();
        for _ in 0..LINES_MAX * 2 {
            log.put(b"a line\n");
        }
        let lost_while_stalled = lost.get();
        assert!(
            (LINES_MAX as u64 - 1..=LINES_MAX as u64).contains(&lost_while_stalled),
            "{lost_while_stalled}"
        );
        log.flush(Duration::from_millis(1));
        reader.read_on();
        log.flush(LONG);
        log.put(b"a line\n");
        assert_eq!(lost.get(), lost_while_stalled);
    }

    #[test]
    fn long_line_is_cut() {
        let (disk, lost) = (Disk::default(), Counter::default());
        let log = LogWriter::start(disk.clone(), lost).unwrap();
        log.put(&vec![b'x'; LINE_BYTES_MAX * 2]);
        log.flush(LONG);
        assert_eq!(disk.text().len(), LINE_BYTES_MAX + "…\n".len());
        assert!(disk.text().ends_with("…\n"));
    }
}
