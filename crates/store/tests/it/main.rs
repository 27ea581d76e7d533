//! The store's behaviours, the same for every backend.

#![expect(clippy::tests_outside_test_module, reason = "every file here is a test")]

mod build;
mod conformance;
mod sqlite;
