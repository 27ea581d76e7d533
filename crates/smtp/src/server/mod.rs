//! The server's side of SMTP: a session generic over its stream, which asks a [`Handler`] about all that matters.
//!
//! The session knows the protocol and its dangers (smuggled messages, commands injected behind STARTTLS, passwords in
//! the clear, endless lines and silences) and nothing of users, queues or stores.

mod accepting;
mod admission;
mod command;
mod config;
mod content;
mod end;
mod envelope;
mod handler;
mod listener;
mod parameters;
mod path;
mod replies;
mod serve;
mod session;
mod sign_in;
mod transaction;
mod transport;

pub use accepting::{ACCEPT_PAUSE, AcceptFailures};
pub use admission::{Admission, AdmittedConnection, ConnectionRefusal};
pub use config::{AuthPolicy, BeforeSignIn, PlaintextAuth, SessionConfig, SessionLimits, TlsMode};
pub use end::{SessionEnd, SessionSummary};
pub use envelope::{Body, Envelope, MailFrom, Mailbox, Notify, RcptTo, Ret};
pub use handler::{Greeting, Handler, SessionFacts, TlsFacts};
pub use listener::{ListenerEvent, ListenerSettings, listen};
pub use serve::serve_connection;
pub use tokio_util::sync::CancellationToken;
