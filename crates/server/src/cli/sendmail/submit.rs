//! Hands the letter over.

use postroom_smtp::client::{
    AtDot, Connector, Content, Credentials, Outcome, Recipient, RelayAddress, RelayConfig, TlsPolicy,
    Transaction, Verdict,
};

use super::exit::Failure;
use super::letter::Letter;

/// Submits a letter. Where a recipient is refused the others have it, and the failure says so.
///
/// # Errors
/// [`Failure`] with the server's words.
pub(super) async fn submit(
    letter: Letter,
    server: &str,
    credentials: Option<Credentials>,
) -> Result<(), Failure> {
    let address: RelayAddress = server
        .parse()
        .map_err(|error| Failure::Configuration(format!("{error}")))?;
    let loopback = matches!(&address, RelayAddress::Socket(socket) if socket.ip().is_loopback());
    let relay = RelayConfig {
        // A password may go in clear between processes of one machine, nowhere else.
        tls: if loopback {
            TlsPolicy::None
        } else {
            TlsPolicy::Required
        },
        credentials,
        ..RelayConfig::new(address)
    };
    let lost = |source| Failure::Session {
        server: server.to_owned(),
        source,
    };
    let connector = Connector::new(relay).map_err(|error| Failure::Configuration(error.to_string()))?;
    let mut session = connector.connect().await.map_err(lost)?;
    let recipients: Vec<_> = letter.recipients.iter().map(Recipient::new).collect();
    let transaction = Transaction::new(1, letter.sender, recipients, Content::new(letter.octets));
    let outcome = session
        .deliver(&transaction, || AtDot::Write { next: None })
        .await
        .outcome;
    session.quit().await;
    match outcome {
        Outcome::Finished(answers) => {
            let refused = |place| matches!(answers.verdict(place), Verdict::Refused(..));
            let all = (0..letter.recipients.len()).all(refused);
            for (place, recipient) in letter.recipients.iter().enumerate() {
                if let Verdict::Refused(_, reply) = answers.verdict(place) {
                    let who = if all {
                        String::new()
                    } else {
                        format!(" for {recipient}; the other recipients have it")
                    };
                    return Err(Failure::Refused {
                        who,
                        reply: reply.clone(),
                    });
                }
            }
            Ok(())
        }
        Outcome::Uncertain(source) | Outcome::Failed(source) => Err(lost(source)),
        Outcome::Untried(reason) => Err(Failure::Configuration(reason.to_string())),
        Outcome::Unsendable(reason) => Err(Failure::Data(reason.to_string())),
    }
}
