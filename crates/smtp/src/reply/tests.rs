use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn any_bytes_are_a_reply_a_start_or_a_refusal(bytes in proptest::collection::vec(
        prop_oneof![Just(b'2'), Just(b'5'), Just(b'0'), Just(b'-'), Just(b' '), Just(b'.'), Just(b'\r'), Just(b'\n'), any::<u8>()],
        0..64,
    )) {
        if let Ok(Some((reply, used))) = Reply::parse(&bytes) {
            prop_assert!(used <= bytes.len() && (200..600).contains(&reply.code));
            // A reply never changes when more follows, and is not there before its last byte.
            let more = [&bytes[..used], b"250 more\r\n"].concat();
            prop_assert_eq!(Reply::parse(&more), Ok(Some((reply, used))));
            prop_assert_eq!(Reply::parse(&bytes[..used - 1]), Ok(None));
        }
    }
}

fn parsed(bytes: &[u8]) -> Reply {
    let (reply, used) = Reply::parse(bytes).unwrap().unwrap();
    assert_eq!(used, bytes.len());
    reply
}

#[test]
fn single_line_gives_code_enhanced_code_and_words() {
    let reply = parsed(b"550 5.1.1 no such user\r\n");
    let wanted = Reply::enhanced(550, EnhancedCode::new(5, 1, 1), "no such user");
    assert_eq!(reply, wanted);
    assert_eq!(reply.severity(), Severity::Permanent);
}

#[test]
fn multi_line_reply_keeps_its_lines_and_drops_repeated_enhanced_codes() {
    let reply = parsed(b"450-4.2.1 busy\r\n450-4.2.1 very busy\r\n450 4.2.1 come back\r\n");
    assert_eq!(reply.enhanced, Some(EnhancedCode::new(4, 2, 1)));
    assert_eq!(reply.text, "busy\nvery busy\ncome back");
}

#[test]
fn enhanced_code_of_another_class_stays_in_the_words() {
    let reply = parsed(b"250 5.1.1 odd\r\n");
    assert_eq!(reply, Reply::basic(250, "5.1.1 odd"));
}

#[test]
fn bare_code_and_bare_line_feed_are_read() {
    assert_eq!(parsed(b"250\r\n"), Reply::basic(250, ""));
    assert_eq!(parsed(b"250 ok\n"), Reply::basic(250, "ok"));
}

#[test]
fn unfinished_reply_asks_for_more() {
    for part in [&b""[..], b"25", b"250-a\r\n", b"250-a\r\n250 b\r"] {
        assert_eq!(Reply::parse(part), Ok(None), "{part:?}");
    }
}

#[test]
fn reply_ends_where_its_last_line_ends() {
    let (reply, used) = Reply::parse(b"250 a\r\n550 b\r\n").unwrap().unwrap();
    assert_eq!((reply.code, used), (250, 7));
}

#[test]
fn what_is_not_a_reply_is_refused_before_its_line_ends() {
    for bad in [
        &b"HTTP/1.1 400"[..],
        b"999 x\r\n",
        b"25\r\n",
        b"250_x\r\n",
        b"\r\n",
    ] {
        let error = Reply::parse(bad).unwrap_err();
        assert!(matches!(error, ReplyError::NotAReply { .. }), "{bad:?}: {error}");
    }
}

#[test]
fn codes_of_one_class_are_one_reply() {
    for (wire, code) in [
        ("250-a\r\n251 b\r\n", 251),
        ("251-a\r\n250 b\r\n", 250),
        ("450-a\r\n421-b\r\n451 c\r\n", 421),
        ("550-a\r\n554 b\r\n", 554),
        ("550-a\r\n450 b\r\n", 450),
        ("450-a\r\n554 b\r\n", 450),
    ] {
        assert_eq!(parsed(wire.as_bytes()).code, code, "{wire:?}");
    }
    // The enhanced code goes with the class that decides.
    let reply = parsed(b"550-5.7.1 no\r\n450 4.2.1 busy\r\n");
    let wanted = Reply::enhanced(450, EnhancedCode::new(4, 2, 1), "no\nbusy");
    assert_eq!(reply, wanted);
    assert_eq!(parsed(b"550-5.7.1 no\r\n450 busy\r\n").enhanced, None);
}

#[test]
fn reply_that_accepts_and_refuses_is_none() {
    for (first, then) in [(250, 550), (450, 250), (354, 250), (250, 354), (554, 354)] {
        let wire = format!("{first}-a\r\n{then} b\r\n");
        let error = Reply::parse(wire.as_bytes()).unwrap_err();
        assert_eq!(error, ReplyError::CodeChanged { first, then });
    }
}

#[test]
fn long_lines_are_cut_and_more_lines_than_are_kept_are_read() {
    let word = "\u{e9}".repeat(REPLY_LINE_BYTES_MAX);
    let reply = parsed(format!("250 x{word}\r\n").as_bytes());
    assert_eq!(reply.text.len(), REPLY_LINE_BYTES_MAX - 1);
    assert!(reply.text.ends_with('\u{e9}'));
    let many = [b"250-x\r\n".repeat(1_000).as_slice(), b"251 y\r\n"].concat();
    let reply = parsed(&many);
    assert_eq!((reply.code, reply.lines().count()), (251, REPLY_LINES_MAX));
}

#[test]
fn endless_lines_and_endless_replies_are_refused() {
    let line = [b"250 ".as_slice(), &[b'x'; REPLY_BYTES_MAX]].concat();
    assert_eq!(Reply::parse(&line), Err(ReplyError::TooLong));
    let many = b"250-x\r\n".repeat(REPLY_BYTES_MAX / 7 + 1);
    assert_eq!(Reply::parse(&many), Err(ReplyError::TooLong));
    let wide = [b"250-".as_slice(), &[b'x'; 1_000], b"\r\n"].concat().repeat(66);
    assert_eq!(Reply::parse(&wide), Err(ReplyError::TooLong));
}

#[test]
fn carriage_returns_before_the_line_feed_are_part_of_the_line_end() {
    assert_eq!(parsed(b"250 ok\r\r\n"), Reply::basic(250, "ok"));
    assert_eq!(parsed(b"250\r\r\n"), Reply::basic(250, ""));
}

#[test]
fn control_characters_never_reach_the_words() {
    assert_eq!(parsed(b"550 a\x1b[31mb\xff\r\n").text, "a [31mb\u{fffd}");
}

#[test]
fn written_reply_reads_back_the_same() {
    let reply = Reply::enhanced(452, EnhancedCode::new(4, 5, 3), "too many\nreally \u{e9}\nlast");
    let mut wire = Vec::new();
    reply.write_to(&mut wire);
    assert_eq!(
        wire,
        "452-4.5.3 too many\r\n452-4.5.3 really é\r\n452 4.5.3 last\r\n".as_bytes()
    );
    assert_eq!(parsed(&wire), reply);
}
