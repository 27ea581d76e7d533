//! The DATA decoder against one that works a line at a time, and against itself with the stream cut elsewhere.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postroom_smtp::codec::{DataDecoder, DataProgress};

#[derive(Debug, PartialEq)]
enum Outcome {
    More,
    Complete { message: Vec<u8>, used: usize },
    Bare,
}

fuzz_target!(|input: (Vec<u8>, u8)| {
    let (wire, step) = input;
    let whole = decode(&wire, wire.len().max(1));
    assert_eq!(whole, line_by_line(&wire));
    assert_eq!(whole, decode(&wire, usize::from(step).max(1)));
});

fn decode(wire: &[u8], step: usize) -> Outcome {
    let mut decoder = DataDecoder::new(usize::MAX);
    let mut message = Vec::new();
    for (number, part) in wire.chunks(step).enumerate() {
        match decoder.decode(part, &mut message) {
            Ok(DataProgress::More) => {}
            Ok(DataProgress::Complete { used }) => {
                return Outcome::Complete {
                    message,
                    used: number * step + used,
                };
            }
            Err(_) => return Outcome::Bare,
        }
    }
    Outcome::More
}

fn line_by_line(wire: &[u8]) -> Outcome {
    let (mut at, mut message) = (0, Vec::new());
    loop {
        let rest = &wire[at..];
        let Some(end) = rest.iter().position(|byte| b"\r\n".contains(byte)) else {
            return Outcome::More;
        };
        match (rest[end], rest.get(end + 1)) {
            (b'\r', None) => return Outcome::More,
            (b'\r', Some(b'\n')) => at += end + 2,
            _ => return Outcome::Bare,
        }
        match &rest[..end] {
            b"." => return Outcome::Complete { message, used: at },
            line => message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line)),
        }
        message.extend_from_slice(b"\r\n");
    }
}
