use super::*;

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
    for way in [
        "boundary=\"ne ver\"",
        "boundary=ne ver",
        "boundary*0=x",
        "BOUNDARY (comment) = x",
        "boundary\"=\"=?utf-8?q?x?=\"",
        "boundary=x\\x",
    ] {
        let other = bomb.replace("boundary=never", way);
        assert!(!is_readable(other.as_bytes()), "{way}");
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
    assert!(parts(PARTS_MAX - 1));
    assert!(!parts(PARTS_MAX));
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
    let way = |message: &[u8]| {
        let at = memmem::find(message, b"boundary").unwrap();
        way_to(b"y", &message[at..])
    };
    let before = way(b"Content-Type: multipart/mixed; boundary=y; name=\"--y\"\r\n\r\n12345");
    let after = way(b"Content-Type: multipart/mixed; boundary=y; name=\"--y\"\r\n\r\n--y\r\n12345");
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
    let large = nested(1_000).replace("--b7\r\n", &format!("--b7\r\n{}\r\n", "x".repeat(8_000_000)));
    assert!(is_readable(large.as_bytes()));
}

#[test]
fn parameter_is_found_as_it_is_written() {
    let plain = |text: &'static [u8]| Some(Boundary::Plain(text));
    assert_eq!(boundary(b"boundary=abc; x"), plain(b"abc"));
    assert_eq!(boundary(b"Boundary = \"a=_b:c\"\r\n"), plain(b"a=_b:c"));
    assert_eq!(boundary(b"boundary=abc \r\n"), plain(b"abc"));
    assert_eq!(boundary(b"boundary=a c\r\n"), Some(Boundary::Other(3)));
    assert_eq!(boundary(b"boundary*0=a"), Some(Boundary::Other(3)));
    assert_eq!(boundary(b"boundary of"), None);
    assert_eq!(boundary(b"bound"), None);
}
