//! The integration tests, one binary: modules only.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what they share: a surprise ends the test"
)]

mod admin;
mod chaos;
mod chat;
mod failover;
mod guests;
mod hostile;
mod limits;
mod models;
mod page;
mod real_model;
mod reasoning;
mod reload;
mod sdks;
mod sessions;
mod shutdown;
mod stage;
mod streaming;
mod wire;
