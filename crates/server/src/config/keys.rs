//! Every key of the configuration. The documentation of each field is its line in `docs/configuration.md`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::section::{choice, section};
use super::values::{HumanDuration, Network};

section! {
    /// Everything that can be configured, with its defaults.
    pub struct Config {
        /// The name that people see, in titles and alerts.
        [live] brand: String = "Postroom".to_owned(),
        /// This node.
        [restart] server: Server = Server::default(),
        /// The API and the web page.
        [live] http: Http = Http::default(),
        /// Numbers for Prometheus.
        [live] metrics: Metrics = Metrics::default(),
        /// Mail coming in by SMTP.
        [live] submission: Submission = Submission::default(),
        /// Whether mail moves at all.
        [live] queue: Queue = Queue::default(),
        /// Daily limits.
        [live] limits: Limits = Limits::default(),
        /// Mail that Postroom itself sends.
        [live] notifications: Notifications = Notifications::default(),
        /// The schedule of attempts.
        [restart] delivery: Delivery = Delivery::default(),
        /// Which addresses people's settings may name.
        [restart] network: Outbound = Outbound::default(),
        /// The server's relays: the first, and a second that takes over while the first is down. While one is written
        /// here, the System Office's settings have none of their own.
        [live] relay: Vec<Relay> = Vec::new(),
        /// What is told about the server's work.
        [live] log: Log = Log::default(),
    }
}

section! {
    /// This node.
    pub struct Server {
        /// Where the database and the admin socket are.
        [restart] data_dir: PathBuf = PathBuf::from("./data"),
        /// The name said in EHLO, Received and Message-ID.
        [restart] hostname: String = "localhost".to_owned(),
        /// This node's place in the cluster, 0 to 1023.
        [restart] node: u16 = 0,
        /// How long a stop takes at most for what is under way: messages in flight, requests, SMTP sessions. The process
        /// ends within another second, whatever still runs then.
        [restart] stop_timeout: HumanDuration = HumanDuration::from_seconds(8),
        /// Memory for the content of messages on their way in and out, in MiB, at least 16: what is over it waits, and is
        /// refused for the moment (`server_busy`, 452 4.3.1) where it waits too long. The server uses about 100 MiB
        /// besides. A message that is larger than its share of this goes alone.
        [restart] content_memory_mib: u32 = 128,
    }
}

section! {
    /// The API and the web page.
    pub struct Http {
        /// Where the API and the web page are served.
        [restart] listen: SocketAddr = loopback(8080),
        /// The address in the browser, `https://mail.example.com`; empty: as the request says.
        [live] public_url: String = String::new(),
        /// Addresses of proxies, never networks of clients, whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
        [live] trusted_proxies: Vec<Network> = Vec::new(),
        /// PEM file of the certificate chain for HTTPS; empty: plain HTTP. Read anew at a reload.
        [live] tls_certificate: PathBuf = PathBuf::new(),
        /// PEM file of the private key for HTTPS. Read anew at a reload.
        [live] tls_key: PathBuf = PathBuf::new(),
        /// Most connections at a time, over all addresses; fewer where few files may be open. One client address has half
        /// of them at most, and a quarter for clients that have not signed in; when the limit is reached, these are closed
        /// first.
        [restart] max_connections: u16 = 4096,
        /// How long an idle connection is kept open. Must be longer than the idle timeout of a proxy in front; connections
        /// of `trusted_proxies` are kept for at least 620 seconds.
        [restart] idle_timeout: HumanDuration = HumanDuration::from_seconds(75),
    }
}

section! {
    /// Numbers for Prometheus at `/metrics`.
    pub struct Metrics {
        /// What a scraper sends as `Authorization: Bearer …`; empty: the numbers are for requests through 127.0.0.1 or ::1 alone.
        [live secret] token: String = String::new(),
    }
}

section! {
    /// Mail coming in by SMTP.
    pub struct Submission {
        /// Addresses that begin in plain text and offer STARTTLS where there is a certificate.
        [restart] listen: Vec<SocketAddr> = vec![loopback(2525)],
        /// Addresses that begin with TLS (RFC 8314).
        [restart] listen_tls: Vec<SocketAddr> = Vec::new(),
        /// PEM file of the certificate chain; empty: no TLS. Read anew at a reload.
        [live] tls_certificate: PathBuf = PathBuf::new(),
        /// PEM file of the private key. Read anew at a reload.
        [live] tls_key: PathBuf = PathBuf::new(),
        /// Largest message, in octets.
        [restart] max_message_size_bytes: u64 = 25 * 1024 * 1024,
        /// Most recipients of one message.
        [restart] max_recipients: u16 = 1000,
        /// Most connections at a time, over all addresses; fewer where few files may be open. One client address has half
        /// of them at most, and a quarter for clients that have not signed in; when the limit is reached, these are closed
        /// first.
        [restart] max_connections: u16 = 2000,
        /// How long a client that has signed in may send nothing.
        [restart] idle_timeout: HumanDuration = HumanDuration::from_minutes(5),
        /// How long a client may take until it has signed in. Some mail programs ask for the password meanwhile.
        [restart] sign_in_timeout: HumanDuration = HumanDuration::from_minutes(5),
        /// Clients of a network that submit as one user without AUTH.
        [restart] trusted: Vec<Trusted> = Vec::new(),
    }
}

section! {
    /// Clients of a network that submit as one user without AUTH.
    pub struct Trusted {
        /// Where they are.
        [restart] network: Network = Network::NOWHERE,
        /// Who they act as.
        [restart] login: String = String::new(),
    }
}

section! {
    /// Whether mail moves at all.
    pub struct Queue {
        /// Whether mail is taken in and sent at all. While it is `false` nobody can send, and what is queued waits.
        [live] enabled: bool = true,
    }
}

section! {
    /// Daily limits. Once a key is written here, it is fixed: the API and `postroom limits set` refuse to change it.
    pub struct Limits {
        /// Messages that all users together may send in a day; 0: no limit.
        [live] system_daily_limit: u64 = 0,
        /// Messages that each user may send in a day; 0: no limit.
        [live] user_daily_limit: u64 = 2000,
        /// Whose midnight begins a day, such as `Europe/Berlin`; empty: the server's own time zone.
        [live] time_zone: String = String::new(),
    }
}

section! {
    /// Mail that Postroom itself sends.
    pub struct Notifications {
        /// The address that notifications come from; empty: `postroom@` and `server.hostname`.
        [live] from: String = String::new(),
    }
}

section! {
    /// Which addresses the relays and token endpoints in offices' settings may be at. The relays of this file are the
    /// operator's own and always allowed.
    pub struct Outbound {
        /// Networks that are allowed besides public addresses: your own, where an office's relay is. A cloud metadata
        /// service is allowed by an entry for its one address alone.
        [restart] allow_relay_networks: Vec<Network> = Vec::new(),
        /// Networks that are refused whatever else says.
        [restart] deny_relay_networks: Vec<Network> = Vec::new(),
    }
}

section! {
    /// The schedule of attempts.
    pub struct Delivery {
        /// Attempts before a message ends Failed, 1 to 10.
        [restart] max_attempts: u16 = 10,
        /// The wait after each attempt; the last one repeats.
        [restart] retry_waits: Vec<HumanDuration> =
            [1, 5, 15, 30, 60, 120, 240, 360, 480].map(HumanDuration::from_minutes).to_vec(),
        /// What a permanent refusal (5xx) of a recipient or a message does: try again like any failure, or end at once.
        [restart] permanent_failures: PermanentFailures = PermanentFailures::Retry,
        /// How long mail waits for a relay that is Down before it ends Failed.
        [restart] max_wait: HumanDuration = HumanDuration::from_minutes(24 * 60),
        /// Takes mail in but sends nothing.
        [live] paused: bool = false,
    }
}

choice! {
    /// What a 5xx about a recipient or a message does.
    pub enum PermanentFailures {
        /// Tries again like any failure.
        Retry = "retry",
        /// Ends undelivered at once.
        Fail = "fail",
    }
}

section! {
    /// An SMTP server that mail leaves through. The first is the server's own.
    pub struct Relay {
        /// What people call it.
        [live] name: String = "default".to_owned(),
        /// Host name or address.
        [live] host: String = String::new(),
        /// TCP port.
        [live] port: u16 = 25,
        /// When TLS is used: never; with STARTTLS where it is offered; with STARTTLS or not at all; from the first byte. The
        /// certificate is verified in the last two.
        [live] tls: RelayTls = RelayTls::Opportunistic,
        /// For AUTH; empty: none.
        [live] username: String = String::new(),
        /// For AUTH.
        [live secret] password: String = String::new(),
        /// Most connections at a time.
        [live] connections: u16 = 20,
        /// Messages before a connection is renewed.
        [live] messages_per_connection: u32 = 100,
        /// PEM file of certificate authorities to trust instead of the system's.
        [live] ca_file: PathBuf = PathBuf::new(),
    }
}

choice! {
    /// When TLS is used with a relay (D5).
    pub enum RelayTls {
        /// Never.
        None = "none",
        /// STARTTLS where offered, any certificate.
        Opportunistic = "opportunistic",
        /// STARTTLS or nothing, certificate verified.
        Required = "required",
        /// TLS from the first byte, certificate verified.
        Implicit = "implicit",
    }
}

section! {
    /// What is told about the server's work, on standard error.
    pub struct Log {
        /// For people (`text`) or for programs (`json`).
        [restart] format: LogFormat = LogFormat::Text,
        /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,postroom_engine=debug`.
        [live] level: String = "info".to_owned(),
    }
}

choice! {
    /// How log lines look.
    pub enum LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
