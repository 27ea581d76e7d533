//! Postroom: for tests only: scripted relay and builders.
