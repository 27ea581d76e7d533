//! `postroom relay`: the relays of the server and of offices.

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::Context as _;
use axum::http::Method;
use clap::{Args, Subcommand};

use super::ConfigFile;
use super::operator::{Operator, proposed};
use super::out::out;
use super::people::People;
use crate::http::wire::relay_test::{RelayTest, RelayTestAnswer};
use crate::http::wire::settings::{
    OfficeSettingsAnswer, OfficeSettingsEdit, RelayAnswer, RelayEdit, TokenEdit,
};
use crate::http::wire::status::{RelayLimits, RelayState, Status};

/// List, test and set the relays that mail leaves through
#[derive(Debug, Args)]
pub(super) struct RelayCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show every office's relays
    List(ConfigFile),
    /// Show each relay in use: its state, and what was learnt of its own limits
    ///
    /// Tab-separated: office ("server" for the server's relay), name, address, state, limits.
    Show(ConfigFile),
    /// Try a relay step by step; no mail is sent and nothing is set
    ///
    /// Without --host the office's first relay is tried as it is set. Ends with 1 where a step failed.
    Test {
        #[command(flatten)]
        office: OfOffice,
        #[command(flatten)]
        relay: RelayArgs,
    },
    /// Give an office a relay of its own, or take it away with --none; other settings stay
    Set {
        #[command(flatten)]
        office: OfOffice,
        /// Take the office's relays away: its mail leaves through the server's
        #[arg(long, conflicts_with = "host")]
        none: bool,
        /// Set the relay that takes over while the first one is down
        #[arg(long)]
        second: bool,
        #[command(flatten)]
        relay: RelayArgs,
    },
}

#[derive(Debug, Args)]
struct OfOffice {
    #[command(flatten)]
    config: ConfigFile,
    /// The office's name or number
    #[arg(long, value_name = "NAME")]
    office: String,
}

#[derive(Debug, Args)]
struct RelayArgs {
    /// Host name or address
    #[arg(long)]
    host: Option<String>,
    /// TCP port
    #[arg(long, default_value_t = 587)]
    port: u16,
    /// none, opportunistic, required or implicit
    #[arg(long, default_value = "required", value_name = "POLICY")]
    tls: String,
    /// Who signs in; without it there is no sign-in
    #[arg(long, default_value = "")]
    user: String,
    /// plain or login
    #[arg(long, default_value = "plain", value_name = "WAY")]
    auth: String,
    /// Read the password from standard input; without it a kept one is used
    #[arg(long)]
    password_stdin: bool,
    /// PEM file of the authority to trust
    #[arg(long, value_name = "FILE")]
    ca_file: Option<std::path::PathBuf>,
    /// A domain that the office sends from; may be given several times
    #[arg(long = "sender-domain", value_name = "DOMAIN")]
    sender_domains: Vec<String>,
    /// Most messages in any minute
    #[arg(long, value_name = "MESSAGES")]
    per_minute: Option<u32>,
    /// Most messages in any hour
    #[arg(long, value_name = "MESSAGES")]
    per_hour: Option<u32>,
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the settings, or the store.
pub(super) async fn run(command: RelayCommand) -> anyhow::Result<ExitCode> {
    match command.what {
        What::List(config) => list(&config).await,
        What::Show(config) => show(&config).await,
        What::Test { office, relay } => test(&office, relay).await,
        What::Set {
            office,
            none,
            second,
            relay,
        } => {
            let wanted = if none { None } else { Some(relay) };
            set(&office, wanted, usize::from(second)).await
        }
    }
}

async fn list(config: &ConfigFile) -> anyhow::Result<ExitCode> {
    let operator = Operator::connect(&config.load()?).await?;
    let people = People::read(&operator).await?;
    for office in &people.offices {
        let settings: OfficeSettingsAnswer = operator.get(&path(office.id)).await?;
        let relays: Vec<String> = settings.relays.iter().map(shown).collect();
        let words = match (settings.set_in_configuration, relays.is_empty()) {
            (true, _) => "the server's relay, set in the configuration file".to_owned(),
            (false, true) if office.parent.is_none() => "no relay: mail waits".to_owned(),
            (false, true) => "the server's relay".to_owned(),
            (false, false) => relays.join(", then "),
        };
        out!("{}\t{}\t{words}", office.id, people.path(office));
    }
    operator.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn show(config: &ConfigFile) -> anyhow::Result<ExitCode> {
    let operator = Operator::connect(&config.load()?).await?;
    let people = People::read(&operator).await?;
    let status: Status = operator.get("/api/v1/status").await?;
    operator.close().await;
    if status.relays.is_empty() {
        out!("no relay is in use: none is set, or the server is not running");
    }
    for relay in &status.relays {
        let office = relay
            .office
            .and_then(|id| people.offices.iter().find(|office| office.id == id));
        let office = office.map_or_else(|| "server".to_owned(), |office| people.path(office));
        let state = match relay.state {
            RelayState::Up => "up",
            RelayState::Down => "down",
            RelayState::Probing => "probing",
        };
        let host = relay.host.as_deref().unwrap_or_default();
        let limits = relay.limits.as_ref().map(limits_of).unwrap_or_default();
        out!("{office}\t{}\t{host}\t{state}\t{limits}", relay.name);
    }
    Ok(ExitCode::SUCCESS)
}

/// The learnt limits in words.
fn limits_of(limits: &RelayLimits) -> String {
    let known = [
        (limits.connections, "connections"),
        (limits.recipients, "recipients per transaction"),
        (limits.messages, "messages per session"),
        (limits.per_minute, "messages per minute"),
    ];
    let known = known
        .into_iter()
        .filter_map(|(n, what)| Some(format!("{} {what}", n?)));
    let paused = limits.paused_until.map(|until| format!("paused until {until}"));
    let words: Vec<_> = known.chain(paused).collect();
    if words.is_empty() {
        "no limits learnt".to_owned()
    } else {
        words.join(", ")
    }
}

fn shown(relay: &RelayAnswer) -> String {
    let tls = format!("{:?}", relay.tls).to_lowercase();
    let user = if relay.user.is_empty() {
        "no sign-in".to_owned()
    } else {
        format!("as {}", relay.user)
    };
    format!("{}:{} (tls {tls}, {user})", relay.host, relay.port)
}

async fn test(office: &OfOffice, relay: RelayArgs) -> anyhow::Result<ExitCode> {
    let operator = Operator::connect(&office.config.load()?).await?;
    let people = People::read(&operator).await?;
    let id = people.office(&office.office)?.id;
    let relay = if relay.host.is_some() {
        relay.edit()?
    } else {
        let settings: OfficeSettingsAnswer = operator.get(&path(id)).await?;
        let kept = settings.relays.into_iter().next();
        kept_as_edit(kept.context("the office has no relay of its own: name one with --host")?)
    };
    let wanted = RelayTest { place: 0, relay };
    let answer: RelayTestAnswer = operator.post(&format!("{}/test", path(id)), &wanted).await?;
    operator.close().await;
    for step in &answer.steps {
        out!(
            "{:<9} {:<7} {:>5} ms  {}",
            step.step,
            step.outcome,
            step.duration_ms,
            step.finding
        );
        if let Some(said) = &step.said {
            out!("          the server said: {said}");
        }
        if let Some(advice) = &step.advice {
            out!("          {advice}");
        }
    }
    if let Some(fingerprint) = &answer.fingerprint {
        out!("          the certificate's SHA-256: {fingerprint}");
    }
    if let Some(line) = &answer.suggestion {
        out!("{}", proposed(line));
    }
    Ok(if answer.good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn set(office: &OfOffice, wanted: Option<RelayArgs>, place: usize) -> anyhow::Result<ExitCode> {
    let wanted = wanted.map(RelayArgs::edit).transpose()?;
    let operator = Operator::connect(&office.config.load()?).await?;
    let people = People::read(&operator).await?;
    let id = people.office(&office.office)?.id;
    let settings: OfficeSettingsAnswer = operator.get(&path(id)).await?;
    let version = settings.version;
    let mut relays: Vec<RelayEdit> = settings.relays.into_iter().map(kept_as_edit).collect();
    match wanted {
        None => relays.clear(),
        Some(relay) => {
            anyhow::ensure!(place <= relays.len(), "set the first relay before the second");
            if let Some(old) = relays.get_mut(place) {
                *old = relay;
            } else {
                relays.push(relay);
            }
        }
    }
    let edit = OfficeSettingsEdit {
        time_zone: settings.time_zone,
        send_locally: settings.send_locally,
        relays,
        retention_days: settings.retention_days,
        content_days: settings.content_days,
    };
    let answer: OfficeSettingsAnswer = operator
        .change(Method::PUT, &path(id), Some(version), &edit)
        .await?;
    operator.close().await;
    let relays: Vec<String> = answer.relays.iter().map(shown).collect();
    out!(
        "{}",
        if relays.is_empty() {
            "the office's mail leaves through the server's relay".to_owned()
        } else {
            relays.join(", then ")
        }
    );
    Ok(ExitCode::SUCCESS)
}

fn path(office: i64) -> String {
    format!("/api/v1/offices/{office}/settings")
}

impl RelayArgs {
    fn edit(self) -> anyhow::Result<RelayEdit> {
        let host = self
            .host
            .context("name the relay with --host, or take it away with --none")?;
        let json = serde_json::json!({
            "host": host,
            "port": self.port,
            "tls": self.tls,
            "auth": if self.user.is_empty() { "none" } else { &self.auth },
            "user": self.user,
            "sender_domains": self.sender_domains,
            "per_minute": self.per_minute,
            "per_hour": self.per_hour,
        });
        let mut edit: RelayEdit = serde_json::from_value(json)
            .context("--tls is none, opportunistic, required or implicit; --auth is plain or login")?;
        if let Some(file) = &self.ca_file {
            let pem =
                std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            edit.certificate = Some(pem);
            edit.trust = postroom_store::SmtpTrust::Authority;
        }
        if self.password_stdin {
            let mut password = String::new();
            std::io::stdin().read_to_string(&mut password)?;
            edit.secret = Some(Some(password.trim_end_matches(['\r', '\n']).to_owned()));
        }
        Ok(edit)
    }
}

/// A relay as it is kept: its secrets stay.
fn kept_as_edit(relay: RelayAnswer) -> RelayEdit {
    RelayEdit {
        host: relay.host,
        port: relay.port,
        tls: relay.tls,
        auth: relay.auth,
        user: relay.user,
        secret: None,
        token: relay.token.map(|token| TokenEdit {
            url: token.url,
            client_id: token.client_id,
            scope: token.scope,
            grant: token.grant,
            client_secret: None,
            refresh_token: None,
        }),
        trust: relay.trust,
        certificate: relay.certificate,
        sender_domains: relay.sender_domains,
        connections: relay.connections,
        messages_per_connection: relay.messages_per_connection,
        per_minute: relay.per_minute,
        per_hour: relay.per_hour,
    }
}
