//! The server from outside, laid out like its routes.

mod openapi;
