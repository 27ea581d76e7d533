//! Postroom: the e-mail queue for offices.

fn main() {}
