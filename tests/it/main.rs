//! The integration tests, one binary: modules only.
mod admin;
mod chat;
mod failover;
mod models;
mod stage;
mod streaming;
