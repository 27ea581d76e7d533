//! Postroom: types and rules, pure. No I/O, no async, no SQL.
