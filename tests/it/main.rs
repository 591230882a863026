//! The integration tests, one binary: modules only.
mod admin;
mod chat;
mod failover;
mod limits;
mod models;
mod shutdown;
mod stage;
mod streaming;
