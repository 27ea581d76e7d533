//! Postroom: the store contract and its backends.
