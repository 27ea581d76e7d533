//! What travels: the JSON of the API as types, from which its OpenAPI description is made.

pub mod actions;
pub mod alerts;
pub mod audit;
pub mod detail;
pub mod drafts;
pub mod edit;
pub mod failures;
pub mod history;
pub mod jobs;
pub mod layout;
pub mod limits;
pub mod list;
pub mod names;
pub mod people;
pub mod problem;
pub mod relay_test;
pub mod session;
pub mod settings;
pub mod status;
pub mod submit;
