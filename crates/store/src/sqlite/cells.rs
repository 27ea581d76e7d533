//! The packed form of kept counts: one text for a day of an office, a sender or the server.
//!
//! `5:120 13:4` says how many messages there are of each kind and state: eight times the kind's number plus the
//! state's, and the count. With a row for each of them a jump over 200 offices read 90,000 rows; a row for each day is
//! a fifteenth of that, and a group that moves mail from one state to another writes one row in place of two.

/// More than the number of any state.
const STATES: i64 = 8;

/// A kind and a state, packed.
pub(crate) const fn cell(kind: i64, state: i64) -> i64 {
    kind * STATES + state
}

/// The kind and the state of a cell.
pub(crate) const fn kind_and_state(cell: i64) -> (i64, i64) {
    (cell / STATES, cell % STATES)
}

/// The cells of a packed text and their counts. What is no such text ends it; `postroom check` finds what is missing.
pub(crate) fn cells(text: &[u8]) -> impl Iterator<Item = (i64, i64)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let cell = number(&mut rest)?;
        Some((cell, number(&mut rest)?))
    })
}

/// Reads a number and the byte that ends it.
fn number(rest: &mut &[u8]) -> Option<i64> {
    let mut value: i64 = 0;
    let mut negative = false;
    let mut read = 0;
    for byte in rest.iter() {
        read += 1;
        match byte {
            b'0'..=b'9' => value = value.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?,
            b'-' if read == 1 => negative = true,
            _ => break,
        }
    }
    if read == 0 {
        return None;
    }
    *rest = rest.get(read..)?;
    Some(if negative { -value } else { value })
}

/// A packed text with some counts added; cells that come to nothing are left out.
pub(crate) fn with_added(text: &str, added: &[(i64, i64)]) -> String {
    use std::fmt::Write as _;

    let mut sums: Vec<(i64, i64)> = cells(text.as_bytes()).collect();
    for (cell, n) in added {
        match sums.binary_search_by_key(cell, |(cell, _)| *cell) {
            Ok(place) => {
                if let Some((_, sum)) = sums.get_mut(place) {
                    *sum += n;
                }
            }
            Err(place) => sums.insert(place, (*cell, *n)),
        }
    }
    let mut packed = String::with_capacity(text.len() + 8);
    for (cell, sum) in sums.into_iter().filter(|(_, sum)| *sum != 0) {
        let space = if packed.is_empty() { "" } else { " " };
        // Writing into a string does not fail.
        let _ = write!(packed, "{space}{cell}:{sum}");
    }
    packed
}

#[cfg(test)]
mod tests {
    use postroom_domain::{Kind, MessageState};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_kind_and_state_has_a_cell_of_its_own() {
        for kind in Kind::ALL {
            for state in MessageState::ALL {
                let cell = cell(kind.number(), state.number());
                assert_eq!(kind_and_state(cell), (kind.number(), state.number()));
            }
        }
    }

    #[test]
    fn counts_are_added_and_what_comes_to_nothing_is_left_out() {
        let packed = with_added("", &[(13, 4), (5, 120)]);
        assert_eq!(packed, "5:120 13:4");
        assert_eq!(with_added(&packed, &[(13, -4), (5, 1), (6, 2)]), "5:121 6:2");
        assert_eq!(with_added("5:1", &[(5, -1)]), "");
        assert_eq!(cells(b"5:-3 6:2").collect::<Vec<_>>(), [(5, -3), (6, 2)]);
    }

    proptest! {
        #[test]
        fn what_is_packed_is_read_again(mut counts in prop::collection::btree_map(0_i64..80, any::<i64>(), 0..20)) {
            counts.retain(|_, n| *n != 0 && *n != i64::MIN);
            let given: Vec<(i64, i64)> = counts.into_iter().collect();
            prop_assert_eq!(cells(with_added("", &given).as_bytes()).collect::<Vec<_>>(), given);
        }

        #[test]
        fn foreign_text_ends_the_reading(text in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = cells(&text).count();
        }
    }
}
