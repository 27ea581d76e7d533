//! `postroom sendmail` speaks the sendmail command line (SPEC I4), for scripts and PHP: reads a message from standard
//! input and submits it by SMTP.

mod arguments;
mod exit;
mod letter;
mod submit;

use std::io::Read as _;

use arguments::Arguments;
use exit::Failure;

use super::out::note;
use crate::config::{Environment, load};

/// Where to submit when nothing says otherwise.
const DEFAULT_SERVER: &str = "127.0.0.1:2525";

/// Reads the message, submits it, and answers the exit code of `sysexits.h` that says how it went.
pub(crate) async fn run(words: Vec<String>) -> u8 {
    match try_run(words).await {
        Ok(()) => 0,
        Err(failure) => {
            note!("postroom sendmail: {failure}");
            failure.code()
        }
    }
}

async fn try_run(words: Vec<String>) -> Result<(), Failure> {
    let arguments = Arguments::parse(words)?;
    let mut octets = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut octets)
        .map_err(Failure::Read)?;
    let letter = letter::read(&octets, &arguments)?;
    submit::submit(letter, &server()?, credentials()).await
}

/// `POSTROOM_SMTP`, else the first `submission.listen` of the configuration that `POSTROOM_CONFIG` names.
fn server() -> Result<String, Failure> {
    if let Ok(server) = std::env::var("POSTROOM_SMTP") {
        return Ok(server);
    }
    let Some(path) = std::env::var_os("POSTROOM_CONFIG") else {
        return Ok(DEFAULT_SERVER.to_owned());
    };
    let environment: Environment = std::env::vars().collect();
    let config = load(Some(std::path::Path::new(&path)), &environment)
        .map_err(|error| Failure::Configuration(error.to_string()))?;
    let first = config.submission.listen.first().map(ToString::to_string);
    first.ok_or_else(|| {
        Failure::Configuration("submission.listen is empty: there is nowhere to submit to".to_owned())
    })
}

/// `POSTROOM_LOGIN` with `POSTROOM_PASSWORD`, or `POSTROOM_API_KEY`; none for a client that the server trusts.
fn credentials() -> Option<postroom_smtp::client::Credentials> {
    let password = std::env::var("POSTROOM_API_KEY")
        .or_else(|_| std::env::var("POSTROOM_PASSWORD"))
        .ok()?;
    let user = std::env::var("POSTROOM_LOGIN").unwrap_or_else(|_| "key".to_owned());
    Some(postroom_smtp::client::Credentials { user, password })
}
