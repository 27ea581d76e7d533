//! Messages to send.

use postroom_smtp::client::{Content, Recipient, Transaction};

/// Makes a short message whose Message-ID is `<id@example.test>`, from `sender@example.test`.
#[must_use]
pub fn transaction(id: u64, recipients: &[&str]) -> Transaction {
    let recipients = recipients.iter().copied().map(Recipient::new).collect();
    Transaction::new(id, "sender@example.test", recipients, Content::new(text(id, 0)))
}

/// Makes the text of a message whose Message-ID is `<id@example.test>`, of `size_bytes` or the few more that its header
/// takes.
#[must_use]
pub fn text(id: u64, size_bytes: usize) -> String {
    const LINE: &str = "The quick brown fox jumps over the lazy dog, and the dog sleeps on, unmoved.\r\n";
    let mut text = format!(
        "Message-ID: <{id}@example.test>\r\nFrom: sender@example.test\r\nTo: b@example.test\r\n\
         Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nSubject: message {id}\r\n\r\n"
    );
    while text.len() + LINE.len() <= size_bytes {
        text.push_str(LINE);
    }
    text.push_str("Yours.\r\n");
    text
}
