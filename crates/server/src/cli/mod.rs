//! The command line.

mod audit;
mod bench_fill;
mod check;
mod config;
mod days;
mod demo;
mod job;
mod key;
mod limits;
mod office;
mod operator;
mod out;
mod pause;
mod people;
mod proxy;
mod queue;
mod relay;
mod sendmail;
mod setup;
mod sink;
mod sweep;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use rustix::fs::Mode;

use self::out::note;
use crate::config::{Environment, Loaded, load};
use crate::reload::Source;
use crate::supervision::EXIT_PART_ENDED;

/// The e-mail queue for offices.
#[derive(Debug, Parser)]
#[command(name = "postroom", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server: take mail in, deliver it, show the queue
    Serve(ConfigFile),
    /// Run a server with sample people and mail and a relay of its own, to try things out
    Demo(demo::DemoArgs),
    /// Submit a message from standard input, with the options of sendmail
    ///
    /// Understands -t, -i, -f ADDR and recipients; POSTROOM_SMTP names the server (127.0.0.1:2525), POSTROOM_LOGIN with
    /// POSTROOM_PASSWORD, or POSTROOM_API_KEY, signs in.
    Sendmail {
        /// What sendmail would be given
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "OPTIONS AND RECIPIENTS"
        )]
        words: Vec<String>,
    },
    /// Run an SMTP server that accepts everything, keeps nothing, and misbehaves by recipient
    Sink(sink::SinkArgs),
    /// List, show, explain, requeue, hold and delete messages
    Queue(queue::QueueCommand),
    /// List, test and set the relays that mail leaves through
    Relay(relay::RelayCommand),
    /// Make the first administrator, or show the secret that makes them on the web page
    Setup(setup::SetupCommand),
    /// Add, list, rename, move and remove offices
    Office(office::OfficeCommand),
    /// Add and list users, change their rights and passwords, disable them
    User(user::UserCommand),
    /// Let assistants see and manage others' mail
    Proxy(proxy::ProxyCommand),
    /// Make, list and revoke API keys
    Key(key::KeyCommand),
    /// Show and set daily limits, and what was sent
    Limits(limits::LimitsCommand),
    /// Pause sending for an office or a user, and resume it
    Pause(pause::PauseCommand),
    /// Look at actions on many messages, as they go on, and cancel them
    Job(job::JobCommand),
    /// List who did what, and check that the log is whole
    Audit(audit::AuditCommand),
    /// Verify stored counters and the database's pages; --deep verifies the content of every message
    ///
    /// Works while the server runs. Exit status: 0 all is right, 2 counters differ or committed work was lost,
    /// 3 something stored is damaged, 1 the check could not be done.
    Check(check::CheckArgs),
    /// Look at the configuration
    Config(config::ConfigCommand),
    /// Fill a new database with sample messages, for measurements
    #[command(hide = true)]
    BenchFill(bench_fill::FillArgs),
}

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigFile {
    /// The configuration file, .toml or .xml; without one, the defaults and POSTROOM_SECTION__KEY variables hold
    #[arg(long = "config", value_name = "FILE", env = "POSTROOM_CONFIG")]
    path: Option<PathBuf>,
}

impl ConfigFile {
    /// Reads the configuration.
    fn load(&self) -> anyhow::Result<Loaded> {
        Ok(load(self.path.as_deref(), &environment())?)
    }
}

/// The process's variables; names and values that are not text cannot be ours.
fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    // Whatever this process makes is for its owner alone: there is mail in it.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let cli = Cli::parse();
    let code = execute(cli.command).unwrap_or_else(|error| {
        note!("postroom: {}", chain(&error));
        ExitCode::FAILURE
    });
    crate::logging::flush();
    code
}

fn execute(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        match command {
            Command::Serve(file) => {
                let loaded = file.load()?;
                crate::logging::start(&loaded.log)?;
                let source = Source {
                    path: file.path,
                    environment: environment(),
                };
                // A task of its own, so that a panic in it ends the process like that of any other part.
                match tokio::spawn(async move { crate::serve::run(&loaded, source).await }).await {
                    Ok(ended) => ended,
                    Err(error) => {
                        tracing::error!(error = %error, "the server ended unexpectedly");
                        Ok(ExitCode::from(EXIT_PART_ENDED))
                    }
                }
            }
            Command::Demo(args) => {
                let quiet = crate::config::Log {
                    level: "warn".to_owned(),
                    ..crate::config::Log::default()
                };
                crate::logging::start(&quiet)?;
                demo::run(args).await?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Sendmail { words } => Ok(ExitCode::from(sendmail::run(words).await)),
            Command::Sink(args) => {
                sink::run(args).await?;
                Ok(ExitCode::SUCCESS)
            }
            Command::BenchFill(args) => bench_fill::run(&args),
            Command::Queue(command) => queue::run(command).await,
            Command::Relay(command) => relay::run(command).await,
            Command::Setup(command) => setup::run(command).await,
            Command::Office(command) => office::run(command).await,
            Command::Proxy(command) => proxy::run(command).await,
            Command::User(command) => user::run(command).await,
            Command::Key(command) => key::run(command).await,
            Command::Limits(command) => limits::run(command).await,
            Command::Pause(command) => pause::run(command).await,
            Command::Job(command) => job::run(command).await,
            Command::Audit(command) => audit::run(command).await,
            Command::Check(args) => check::run(&args).await,
            Command::Config(command) => config::run(&command).await,
        }
    });
    // Dropping it would wait for blocking work, which nobody can cancel.
    runtime.shutdown_background();
    ended
}

/// An error with what led to it, in one line, nothing said twice.
fn chain(error: &anyhow::Error) -> String {
    let mut words = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if words.is_empty() {
            words = cause;
        } else if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn misspelt_command_is_told_the_right_one() {
        let error = Cli::try_parse_from(["postroom", "srve"]).unwrap_err().to_string();
        assert!(error.contains("'serve'"), "{error}");
        let error = Cli::try_parse_from(["postroom", "queue", "lst"])
            .unwrap_err()
            .to_string();
        assert!(error.contains("'list'"), "{error}");
    }
}
