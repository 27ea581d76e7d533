//! Cursors of the list: opaque to clients, the edge row's id inside.

use postroom_domain::MessageId;
use postroom_store::Place;

/// The page of older rows after `id`.
pub(super) fn after(id: MessageId) -> String {
    format!("c_a{id}")
}

/// The page of newer rows before `id`.
pub(super) fn before(id: MessageId) -> String {
    format!("c_b{id}")
}

/// Where a cursor points; `None` for one that was not made here.
pub(super) fn parse(text: &str) -> Option<Place> {
    let rest = text.strip_prefix("c_")?;
    if let Some(id) = rest.strip_prefix('a') {
        return id.parse().ok().map(Place::After);
    }
    rest.strip_prefix('b')?.parse().ok().map(Place::Before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_reads_back_and_others_are_refused() {
        let id = MessageId::from_ord(1_234_567_890);
        assert_eq!(parse(&after(id)), Some(Place::After(id)));
        assert_eq!(parse(&before(id)), Some(Place::Before(id)));
        for text in ["", "c_", "c_x", "c_a123", "0000000000000", "c_a0000000000000x"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
