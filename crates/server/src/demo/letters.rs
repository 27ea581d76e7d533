//! What the sample people write, and to whom.

use postroom_domain::{Kind, Mailbox};
use postroom_engine::intake::{Attachment, Draft};

use super::people::{SamplePerson, WRITERS};

/// Where a letter goes; the local part decides what the sample relay says (`postroom sink --help`).
const RECIPIENTS: [&str; 20] = [
    "mail@bakery.example.com",
    "office@harbour-clinic.example.com",
    "post@orchard.example.net",
    "info@lakeside-hotel.example.com",
    "accounts@millworks.example.net",
    "team@riverbank.example.org",
    "hello@cornershop.example.com",
    "grey@careful.example.net",
    "billing@northern-rail.example.com",
    "desk@school.example.org",
    "defer@busy.example.net",
    "orders@stationers.example.com",
    "reception@surgery.example.org",
    "fail@closed.example.com",
    "fleet@couriers.example.net",
    "contact@garden-centre.example.com",
    "full@attic.example.net",
    "secretary@choir.example.org",
    "stall@slow.example.net",
    "archive@library.example.org",
];

/// Subject and first sentence.
const LETTERS: [(&str, &str); 12] = [
    (
        "Your policy renewal",
        "Your policy is due for renewal next month; the new terms are below.",
    ),
    (
        "Claim received",
        "We have received your claim and will look at it within two working days.",
    ),
    (
        "Appointment on Thursday",
        "This is to confirm our meeting on Thursday at ten in our office.",
    ),
    (
        "Invoice for October",
        "Please find attached the invoice for October.",
    ),
    (
        "Change of address confirmed",
        "We have changed your address in our records as you asked.",
    ),
    (
        "Documents for signing",
        "Two documents wait for your signature; please return them by Friday.",
    ),
    (
        "Thank you for your visit",
        "Thank you for coming by; here is what we agreed on.",
    ),
    (
        "Rückfrage zu Ihrem Vertrag",
        "Wir haben eine kurze Rückfrage zu Ihrem Vertrag und rufen Sie morgen an.",
    ),
    (
        "Reminder: annual review",
        "Once a year we go through your cover together; which day suits you?",
    ),
    (
        "Quote as requested",
        "Here is the quote that you asked for; it holds for thirty days.",
    ),
    (
        "Payment received",
        "Thank you, your payment has reached us and your account is settled.",
    ),
    (
        "Welcome",
        "We are glad to have you with us; this letter says whom to ask about what.",
    ),
];

/// The letter number `n`, the same each time: who writes, to whom, about what.
pub(super) fn letter(n: usize) -> Option<(SamplePerson, Draft)> {
    // Steps that share no divisor with the tables' lengths, so that all combinations come.
    let person = *pick(&WRITERS, n * 5 + n / 7)?;
    let recipient = *pick(&RECIPIENTS, n * 7 + n / 11)?;
    let (subject, sentence) = *pick(&LETTERS, n * 5 + n / 3)?;
    let mut draft = Draft::new(Mailbox::new(person.name, person.email().parse().ok()?).ok()?);
    draft.to.push(recipient.parse().ok()?);
    if n % 9 == 4 {
        draft.cc.push(pick(&RECIPIENTS, n + 3)?.parse().ok()?);
    }
    if n % 13 == 6 {
        draft.bcc.push("records@office.example.com".parse().ok()?);
    }
    draft.subject = subject.to_owned();
    draft.text = Some(format!(
        "Good day,\n\n{sentence}\n\nIf anything is unclear, just answer this message.\n\nKind regards\n{}\n{}\n",
        person.name, person.office
    ));
    if !n.is_multiple_of(3) {
        draft.html = Some(html(subject, sentence, person));
    }
    if subject.starts_with("Invoice") {
        draft.attachments.push(Attachment {
            filename: format!("invoice-{:05}.csv", 10_000 + n),
            content_type: "text/csv".to_owned(),
            content: format!("position,amount\nConsultation,{}.00\n", 40 + n % 200).into_bytes(),
        });
    }
    draft.extras.kind = Some(if n % 5 == 1 {
        Kind::FormLetter
    } else {
        Kind::Direct
    });
    Some((person, draft))
}

fn html(subject: &str, sentence: &str, person: SamplePerson) -> String {
    format!(
        "<html><body style=\"font-family: sans-serif; color: #223\"><h2 style=\"color: #0a5c63\">{subject}</h2>\
         <p>Good day,</p><p>{sentence}</p><p>If anything is unclear, just answer this message.</p>\
         <p>Kind regards<br><b>{}</b><br>{}</p>\
         <img src=\"https://tracker.example.com/open.gif\" width=\"1\" height=\"1\" alt=\"\"></body></html>\n",
        person.name, person.office
    )
}

fn pick<T>(table: &[T], n: usize) -> Option<&T> {
    table.get(n % table.len().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_can_be_written() {
        assert!((0..2_000).all(|n| letter(n).is_some()));
    }

    #[test]
    fn every_misbehaviour_comes_up_soon() {
        let recipients: Vec<_> = (0..200)
            .filter_map(letter)
            .map(|(_, draft)| draft.to[0].address().local_part().to_owned())
            .collect();
        for name in ["fail", "full", "defer", "grey", "stall"] {
            assert!(recipients.iter().any(|r| r == name), "{name}");
        }
    }
}
