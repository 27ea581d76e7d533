//! `/messages`: the list, one message, its content, and acting on them.

pub(super) mod access;
pub(super) mod actions;
pub(super) mod content;
mod cursor;
mod deadline;
pub(super) mod detail;
pub(super) mod edit;
pub(super) mod export;
pub(super) mod filter;
pub(super) mod list;
mod mime;
mod pages;
pub(super) mod render;
mod sanitise;
mod sorted;
mod structure;
pub(super) mod submit;
pub(super) mod sweep;
mod table;
