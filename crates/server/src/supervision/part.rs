//! The parts of a server, and what happens when one ends.

use std::fmt;

/// A part of the server that runs as long as it does.
///
/// | part | when it ends unexpectedly | because |
/// | --- | --- | --- |
/// | the store's threads | the server stops | what the writer holds in memory may differ from the file; opening the file again recovers |
/// | delivery | the server stops | leases are known in memory alone; the next start takes them over |
/// | the HTTP, SMTP and command listeners | the server stops | their sockets are closed with them |
/// | background maintenance, bulk jobs, alerts, history, memory | it is started again | all they know is in the store, and each step is one transaction |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The threads that write, read and checkpoint the database.
    Store,
    /// The scheduler, the recorder of outcomes and the record of relay health.
    Delivery,
    /// Accepts HTTP connections.
    HttpListener,
    /// Accepts SMTP connections at one address.
    SmtpListener,
    /// Accepts the operator's commands in the data folder.
    CommandListener,
    /// Indexes text and purges what has expired.
    Maintenance,
    /// Does actions on many messages.
    Jobs,
    /// Raises and mails alerts.
    Alerts,
    /// Records the server's own figures.
    History,
    /// Has the allocator give memory back.
    Memory,
}

impl Part {
    /// The name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Delivery => "delivery",
            Self::HttpListener => "http listener",
            Self::SmtpListener => "smtp listener",
            Self::CommandListener => "command listener",
            Self::Maintenance => "maintenance",
            Self::Jobs => "jobs",
            Self::Alerts => "alerts",
            Self::History => "history",
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
