//! Replies of a relay: what is read writes back to the same, and no beginning of a reply is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postroom_smtp::reply::Reply;

/// Writing gives every line the enhanced code, so lines near the limit may pass it.
const ROUND_TRIP_BYTES_MAX: usize = 1_000;

fuzz_target!(|bytes: &[u8]| {
    let Ok(Some((reply, used))) = Reply::parse(bytes) else {
        return;
    };
    assert!(used <= bytes.len());
    for end in 0..used.min(ROUND_TRIP_BYTES_MAX) {
        assert_eq!(Reply::parse(&bytes[..end]), Ok(None), "{end} of {used} bytes");
    }
    if used <= ROUND_TRIP_BYTES_MAX {
        let mut wire = Vec::new();
        reply.write_to(&mut wire);
        assert_eq!(Reply::parse(&wire), Ok(Some((reply, wire.len()))));
    }
});
