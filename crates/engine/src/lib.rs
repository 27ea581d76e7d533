//! Postroom: what makes mail move.
