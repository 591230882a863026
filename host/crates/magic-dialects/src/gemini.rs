//! Google's `generateContent`, as its vendors speak it. Nobody speaks it to us.
//!
//! Reading order: `upstream` (a request's top level), `contents` (its turns), `config` (how the answer shall be made),
//! `wire` (the reply's JSON), `stream` (the reply's events), `count`.

mod config;
mod contents;
pub(crate) mod count;
pub(crate) mod model;
mod stream;
pub(crate) mod upstream;
pub(crate) mod wire;
