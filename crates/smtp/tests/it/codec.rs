//! The codec's laws, over any bytes cut in any way.

use postroom_smtp::codec::{BareLineEnd, ChunkChecker, DataDecoder, DataProgress};
use proptest::prelude::*;

/// Bytes in which dots, CRs and LFs are common.
fn wire_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\r\n".to_vec()),
        3 => Just(b".".to_vec()),
        1 => Just(b"\r".to_vec()),
        1 => Just(b"\n".to_vec()),
        4 => proptest::collection::vec(any::<u8>().prop_filter("a line end", |b| !b"\r\n".contains(b)), 0..20),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A message in lines, each ended by CRLF.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let character = prop_oneof![
        1 => Just(b'.'),
        3 => any::<u8>().prop_filter("a line end", |b| !b"\r\n".contains(b)),
    ];
    proptest::collection::vec(proptest::collection::vec(character, 0..12), 0..30).prop_map(|lines| {
        lines
            .into_iter()
            .flat_map(|line| [line, b"\r\n".to_vec()].concat())
            .collect()
    })
}

/// Doubles dots by the letter of RFC 5321 §4.5.2, a line at a time.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

/// Decodes `wire` in pieces cut at `cuts`; answers the message and how many bytes it took.
fn decode(wire: &[u8], cuts: &[usize]) -> Result<(Vec<u8>, Option<usize>), BareLineEnd> {
    let mut decoder = DataDecoder::new(usize::MAX);
    let mut message = Vec::new();
    let mut at = 0;
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (wire.len() + 1)).collect();
    cuts.push(wire.len());
    cuts.sort_unstable();
    for cut in cuts {
        match decoder.decode(&wire[at..cut], &mut message)? {
            DataProgress::Complete { used } => return Ok((message, Some(at + used))),
            DataProgress::More => at = cut,
        }
    }
    Ok((message, None))
}

proptest! {
    #[test]
    fn stuffed_message_decodes_to_itself(message in message(), cuts in proptest::collection::vec(0usize..1_000, 0..9)) {
        let mut wire = stuffed(&message);
        let length = wire.len();
        wire.extend_from_slice(b"MAIL FROM:<>\r\n");
        prop_assert_eq!(decode(&wire, &cuts), Ok((message, Some(length))));
    }

    #[test]
    fn any_cuts_give_the_same_message(wire in wire_like(), cuts in proptest::collection::vec(0usize..1_000, 0..9)) {
        prop_assert_eq!(decode(&wire, &cuts), decode(&wire, &[]));
    }

    #[test]
    fn decoded_message_has_no_bare_line_end(wire in wire_like()) {
        if let Ok((message, Some(used))) = decode(&wire, &[]) {
            prop_assert!(wire[..used].ends_with(b".\r\n"));
            prop_assert!(used == 3 || wire[..used].ends_with(b"\r\n.\r\n"));
            let mut checker = ChunkChecker::default();
            prop_assert_eq!(checker.check(&message).and_then(|()| checker.finish()), Ok(()));
        }
    }

    #[test]
    fn chunk_check_does_not_depend_on_cuts(bytes in wire_like(), cut in 0usize..1_000) {
        let cut = cut % (bytes.len() + 1);
        let mut whole = ChunkChecker::default();
        let mut parts = ChunkChecker::default();
        let apart = parts.check(&bytes[..cut]).and_then(|()| parts.check(&bytes[cut..]));
        prop_assert_eq!(whole.check(&bytes), apart);
    }
}
