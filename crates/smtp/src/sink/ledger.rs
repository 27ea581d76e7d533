//! What a sink has accepted.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use super::config::Keep;

/// A message that the sink accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// The connection it came over, counted from one.
    pub connection: u64,
    /// The reverse path, without brackets.
    pub mail_from: String,
    /// The parameters of MAIL, as sent.
    pub mail_parameters: String,
    /// The forward paths that were accepted, without brackets.
    pub recipients: Vec<String>,
    /// The parameters of each of their RCPT commands, as sent.
    pub recipient_parameters: Vec<String>,
    /// The value of its Message-ID field; empty where it has none.
    pub message_id: String,
    /// The content as it was before dots were doubled; empty unless [`Keep::Everything`].
    pub content: Bytes,
}

#[derive(Debug)]
pub(super) struct Ledger {
    keep: Keep,
    kept: Mutex<Vec<ReceivedMessage>>,
    commands: Mutex<Vec<(u64, String)>>,
    log: Option<Mutex<BufWriter<File>>>,
    count: watch::Sender<u64>,
}

impl Ledger {
    pub(super) fn open(keep: Keep, log: Option<&Path>) -> io::Result<Self> {
        let log = match log {
            Some(path) => {
                let file = File::options().create(true).append(true).open(path)?;
                Some(Mutex::new(BufWriter::new(file)))
            }
            None => None,
        };
        Ok(Self {
            keep,
            kept: Mutex::default(),
            commands: Mutex::default(),
            log,
            count: watch::Sender::new(0),
        })
    }

    pub(super) const fn keep(&self) -> Keep {
        self.keep
    }

    pub(super) fn needs_message_ids(&self) -> bool {
        self.log.is_some() || self.keep != Keep::Counts
    }

    /// Records a message; the log has it once [`Ledger::flush`] returns.
    pub(super) fn add(&self, message: ReceivedMessage) -> io::Result<()> {
        if let Some(log) = &self.log {
            let recipients = message.recipients.join(",");
            writeln!(
                lock(log),
                "{}\t{}\t{recipients}",
                message.message_id,
                message.mail_from
            )?;
        }
        if self.keep != Keep::Counts {
            lock(&self.kept).push(message);
        }
        self.count.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Hands the log's lines to the operating system, before their acceptance is.
    pub(super) fn flush(&self) -> io::Result<()> {
        self.log.as_ref().map_or(Ok(()), |log| lock(log).flush())
    }

    pub(super) fn command(&self, connection: u64, line: &str) {
        if self.keep == Keep::Everything {
            lock(&self.commands).push((connection, line.to_owned()));
        }
    }

    pub(super) fn kept(&self) -> Vec<ReceivedMessage> {
        lock(&self.kept).clone()
    }

    pub(super) fn commands(&self) -> Vec<(u64, String)> {
        lock(&self.commands).clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }
}

/// A panic elsewhere leaves whole records behind: each change is one push.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
