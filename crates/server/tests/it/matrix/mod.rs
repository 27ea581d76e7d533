//! Every route × every person of the truth table × the offices around them (SPEC §2): who may, who is refused, and for
//! whom it does not exist.

mod lists;
mod messages;
mod others;
mod routes;
mod status;
mod world;
