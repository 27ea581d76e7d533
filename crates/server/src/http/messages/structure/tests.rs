use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::mime;
use super::content_types::boundary;
use super::*;

/// The stack of a thread that parses messages.
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// A multipart within another, many times.
fn nested(n: usize) -> String {
    let mut message = String::new();
    for n in 0..n {
        message += &format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n");
    }
    message + "\r\nThe words\r\n"
}

#[test]
fn parts_that_name_boundaries_that_never_come_are_not_read() {
    let part = "--x\r\nContent-Type: multipart/mixed; boundary=never\r\n\r\n";
    let bomb = format!(
        "Content-Type: multipart/mixed; boundary=x\r\n\r\n{}",
        part.repeat(16_000)
    );
    assert!(!is_readable(bomb.as_bytes()));
    for parameter in [
        "boundary=\"ne ver\"",
        "boundary=ne ver",
        "boundary*0=x",
        "BOUNDARY (comment) = x",
        "boundary\"=\"=?utf-8?q?x?=\"",
        "boundary=x\\x",
    ] {
        let other = bomb.replace("boundary=never", parameter);
        assert!(!is_readable(other.as_bytes()), "{parameter}");
    }
}

#[test]
fn very_many_parts_are_not_read() {
    let parts = |n| {
        let message = format!(
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n{}",
            "--x\r\n\r\n".repeat(n)
        );
        is_readable(message.as_bytes())
    };
    assert!(parts(PARTS_MAX));
    assert!(!parts(PARTS_MAX + 1));
}

#[test]
fn endless_boundary_is_not_looked_for_everywhere() {
    let long = format!(
        "Content-Type: multipart/mixed; boundary={}x\r\n\r\n{}",
        "-".repeat(50_000),
        "-".repeat(1_000_000)
    );
    assert!(!is_readable(long.as_bytes()));
}

#[test]
fn delimiter_in_the_header_is_none() {
    let distance = |message: &[u8]| {
        let at = memmem::find(message, b"boundary").unwrap();
        distance_to_delimiter(b"y", &message[at..])
    };
    let before = distance(b"Content-Type: multipart/mixed; boundary=y; name=\"--y\"\r\n\r\n12345");
    let after = distance(b"Content-Type: multipart/mixed; boundary=y; name=\"--y\"\r\n\r\n--y\r\n12345");
    assert_eq!((before, after), (31, 26));
}

#[test]
fn encoded_words_that_never_end_are_not_read() {
    for (name, words) in [
        ("one line", "=?aa?q?x".repeat(9_000)),
        ("folded", "=?aa?q?aa\r\n ".repeat(9_000)),
        ("base64", "=?aa?b?aaaa ".repeat(9_000)),
    ] {
        let message = format!("Subject: {words}\r\n\r\nbody");
        assert!(!is_readable(message.as_bytes()), "{name}");
    }
    let words = "=?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n ".repeat(9_000);
    assert!(is_readable(format!("Subject: {words}x\r\n\r\nbody").as_bytes()));
    let lines = "What is a=?aa?q?b\r\n".repeat(9_000);
    assert!(is_readable(format!("Subject: s\r\n\r\n{lines}").as_bytes()));
}

#[test]
fn parameters_in_very_many_pieces_are_not_read() {
    for pattern in [
        "a{}*1=x;",
        "a*{}=xxxxxx;",
        "a{} * 1 = x;",
        "a{}*=utf-8'en'x;",
        "a{}*0*=x;",
    ] {
        let parameters: String = (0..20_000)
            .map(|n| pattern.replace("{}", &n.to_string()))
            .collect();
        let message = format!("Content-Type: text/plain; {parameters}\r\n\r\nbody");
        assert!(!is_readable(message.as_bytes()), "{pattern}");
    }
    let names = "--x\r\nContent-Disposition: attachment; filename*0*=utf-8''a; filename*1*=b\r\n\r\nfile\r\n"
        .repeat(10_000);
    assert!(is_readable(
        format!("Content-Type: multipart/mixed; boundary=x\r\n\r\n{names}").as_bytes()
    ));
    let stars = format!("{}\r\n* 1. one\r\n** 2 two\r\n", "*".repeat(72)).repeat(2_000);
    assert!(is_readable(format!("Subject: s\r\n\r\n{stars}").as_bytes()));
}

#[test]
fn ordinary_messages_are_read() {
    assert!(is_readable(b""));
    assert!(is_readable(
        b"Subject: boundary\r\n\r\nThe boundary= of the boundary (x) is a boundary"
    ));
    let prose = format!(
        "Subject: s\r\n\r\n{}",
        "a boundary is a boundary = boundary\r\n".repeat(30)
    );
    assert!(is_readable(prose.as_bytes()));
    // As many as a digest of a thousand messages has, however large they are.
    let large = nested(1_000).replace("--b7\r\n", &format!("--b7\r\n\r\n{}\r\n", "x".repeat(8_000_000)));
    assert!(is_readable(large.as_bytes()));
}

#[test]
fn parameter_is_found_as_it_is_written() {
    let plain = |text: &'static [u8]| Some(Boundary::Plain(text));
    assert_eq!(boundary(b"boundary=abc; x"), plain(b"abc"));
    assert_eq!(boundary(b"Boundary = \"a=_b:c\"\r\n"), plain(b"a=_b:c"));
    assert_eq!(boundary(b"boundary=abc \r\n"), plain(b"abc"));
    assert_eq!(boundary(b"boundary=\"a c\"\r\n"), plain(b"a c"));
    assert_eq!(boundary(b"boundary=a c\r\n"), Some(Boundary::Other(3)));
    assert_eq!(boundary(b"boundary*0=a"), Some(Boundary::Other(3)));
    assert_eq!(boundary(b"boundary of"), None);
    assert_eq!(boundary(b"bound"), None);
}

#[test]
fn boundary_in_prose_is_none() {
    let multipart = |text: &str| {
        format!(
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n{text}\r\n\
             --x\r\nContent-Type: application/pdf\r\n\r\n{}\r\n--x--\r\n",
            "x".repeat(8_000_000)
        )
    };
    let plan = multipart(&"the boundary (marked red), boundary=red\r\n".repeat(20));
    assert!(is_readable(plan.as_bytes()));
    let fields = multipart(&"Content-Type: multipart/mixed; boundary=red\r\n".repeat(20));
    assert!(!is_readable(fields.as_bytes()));
}

#[test]
fn field_is_found_however_the_parser_would_find_it() {
    for field in [
        "Content-Type: message/rfc822",
        "content-TYPE\t: MESSAGE / Global",
        " Content-Type: message/rfc822",
        "::Con tent-Type: message/rfc822",
        "a line\r\n Content-Type: message/rfc822",
        "Content-Type: (a; b) message/rfc822",
        "Content-Type:\r\n message/rfc822; x=y",
        "--xContent-Type: message/rfc822",
    ] {
        let types = ContentTypes::of(field.as_bytes(), &mut Budget::of(b""));
        assert_eq!(types.unwrap().messages.len(), 1, "{field}");
    }
    for field in [
        "Content-Type: application/pdf; name=\"Global message.pdf\"",
        "Subject: message/rfc822",
    ] {
        let types = ContentTypes::of(field.as_bytes(), &mut Budget::of(b""));
        assert!(types.unwrap().messages.is_empty(), "{field}");
    }
}

#[test]
fn lines_that_begin_no_part_do_not_count() {
    let comments = "-- a comment: of a dump\r\n".repeat(PARTS_MAX + 1);
    assert!(is_readable(format!("Subject: s\r\n\r\n{comments}").as_bytes()));
    let multipart = |boundary: &str, text: &str| {
        let message = format!(
            "Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n--x\r\n\r\n{text}\r\n--x--\r\n"
        );
        is_readable(message.as_bytes())
    };
    assert!(multipart("x", &comments));
    assert!(multipart("x", &"-----\r\n".repeat(PARTS_MAX + 1)));
    // It may be any of them.
    assert!(!multipart("x\\", &comments));
}

/// Whether a message is read, on a thread like those that read messages; it has to be dropped there as well.
fn is_read(message: String) -> bool {
    let reader = thread::Builder::new().stack_size(STACK_BYTES);
    let reader = reader.spawn(move || mime::parse(message.as_bytes()).is_ok());
    reader.unwrap().join().unwrap()
}

#[test]
fn messages_in_messages_do_not_overflow_the_stack() {
    for level in [
        "Content-Type: message/rfc822\r\n\r\n",
        "content-type : MESSAGE/global\r\n\r\n",
        " Content-Type: message/rfc822\r\n \r\n",
        "Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\n",
    ] {
        let nested = |levels| format!("{}Subject: s\r\n\r\nThe words\r\n", level.repeat(levels));
        assert!(!is_read(nested(100_000)), "{level}");
        assert!(is_read(nested(NESTED_MAX)), "{level}");
    }
}

#[test]
fn headers_of_parts_are_bounded() {
    for line in [
        "a:\r\n",
        "To: a,\r\n a,\r\n",
        "Keywords: a,a,a\r\n",
        "Content-Type: text/plain;a=b;a=b\r\n",
    ] {
        let lines = |bytes: usize| line.repeat(bytes / line.len());
        let part = |lines: &str| {
            format!("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n{lines}\r\nbody\r\n--x--\r\n")
        };
        let message = |lines: &str| format!("Content-Type: message/rfc822\r\n\r\n{lines}\r\nbody\r\n");
        let digest = |lines: &str| {
            format!(
                "Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\n{lines}\r\nbody\r\n--x--\r\n"
            )
        };
        for wrapped in [
            part(&lines(900_000)),
            message(&lines(900_000)),
            digest(&lines(900_000)),
        ] {
            assert!(is_readable(wrapped.as_bytes()), "{line}");
        }
        for wrapped in [
            part(&lines(1_200_000)),
            message(&lines(1_200_000)),
            digest(&lines(1_200_000)),
        ] {
            assert!(!is_readable(wrapped.as_bytes()), "{line}");
        }
    }
    let short = "--x\r\na:\r\na:\r\na:\r\na:\r\n\r\n".repeat(90_000);
    assert!(!is_readable(
        format!("Content-Type: multipart/mixed; boundary=x\r\n\r\n{short}").as_bytes()
    ));
}

#[test]
fn parts_of_a_digest_are_messages_where_they_do_not_say_what_they_are() {
    let quoted = "Content-Transfer-Encoding: quoted-printable\r\n";
    let digest =
        |part: &str| format!("Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n{part}\r\n--x--\r\n");
    let bomb = "--y\r\nContent-Type=3A multipart/mixed; boundary=3Dnever\r\n\r\n".repeat(16_000);
    let bomb = format!("Content-Type=3A multipart/mixed; boundary=3Dy\r\n\r\n{bomb}");
    for (name, header) in [
        ("none", quoted.to_owned()),
        ("empty", format!("Content-Type:\r\n{quoted}")),
        (
            "two",
            format!("Content-Type: text/plain\r\n{quoted}Content - Type:\r\n"),
        ),
        (
            "blank line",
            format!("{quoted}line\r\n \r\nContent-Type: text/plain\r\n"),
        ),
    ] {
        let message = digest(&format!("{header}\r\n{bomb}"));
        assert!(!is_readable(message.as_bytes()), "{name}");
    }
    // Messages with a text in quoted-printable, as lists send them.
    let message = "From: a@example.com\r\nContent-Type: multipart/alternative; boundary=z\r\n\r\n";
    let text = format!(
        "--z\r\nContent-Type: text/plain\r\n{quoted}\r\n{}\r\n",
        "word=20\r\n".repeat(1_000)
    );
    let part = format!("--x\r\n\r\n{message}{text}{text}--z--\r\n");
    assert!(is_readable(
        digest(&format!("\r\n{}", part.repeat(200))).as_bytes()
    ));
}

/// A message as a part that is encoded.
fn attached(encoding: &str, body: &str) -> String {
    format!(
        "Content-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\nContent-Type: message/rfc822\r\n\
         Content-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n--outer--\r\n"
    )
}

fn in_base64(message: &str) -> String {
    let encoded = STANDARD.encode(message);
    let lines: Vec<&[u8]> = encoded.as_bytes().chunks(76).collect();
    String::from_utf8(lines.join(b"\r\n".as_slice())).unwrap()
}

#[test]
fn encoded_messages_are_counted_as_others_are() {
    let part = "--x\r\nContent-Type: multipart/mixed; boundary=never\r\n\r\n";
    let bomb = format!(
        "Content-Type: multipart/mixed; boundary=x\r\n\r\n{}",
        part.repeat(16_000)
    );
    let quoted = bomb.replace('=', "=3D");
    for encoding in ["base64", "BASE64", "=?us-ascii?q?base=36=34?="] {
        assert!(
            !is_readable(attached(encoding, &in_base64(&bomb)).as_bytes()),
            "{encoding}"
        );
    }
    assert!(!is_readable(attached("quoted-printable", &quoted).as_bytes()));
    let twice = attached("base64", &in_base64(&bomb));
    assert!(!is_readable(attached("base64", &in_base64(&twice)).as_bytes()));
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(NESTED_MAX);
    assert!(!is_readable(attached("base64", &in_base64(&nested)).as_bytes()));
}

#[test]
fn encoded_message_behind_a_line_of_white_space_is_counted() {
    let part = "--y=0D=0AContent-Type=3A multipart/mixed; boundary=3Dnever=0D=0A=0D=0A=\r\n".repeat(8_000);
    let bomb = format!("Content-Type=3A multipart/mixed; boundary=3Dy=0D=0A=0D=0A=\r\n{part}");
    let message = attached("quoted-printable\r\nno field\r\n ", &bomb).replace("\r\n \r\n\r\n", "\r\n \r\n");
    assert!(message.contains("no field\r\n \r\nContent-Type=3A"));
    assert!(!is_readable(message.as_bytes()));
}

#[test]
fn encoded_messages_are_read() {
    let inner = format!(
        "From: a@example.com\r\nSubject: s\r\nContent-Type: multipart/mixed; boundary=\"in ner\"\r\n\r\n\
         --in ner\r\n\r\nThe words\r\n--in ner\r\nContent-Type: application/pdf\r\n\r\n{}\r\n--in ner--\r\n",
        "x".repeat(4_000_000)
    );
    assert!(is_read(attached("base64", &in_base64(&inner))));
    let quoted = inner.replace('=', "=3D");
    assert!(is_read(attached("quoted-printable", &quoted)));
    let deep = format!(
        "{}Subject: s\r\n\r\nThe words\r\n",
        "Content-Type: message/rfc822\r\n\r\n".repeat(NESTED_MAX - 1)
    );
    assert!(is_read(attached("base64", &in_base64(&deep))));
}
