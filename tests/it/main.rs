//! The integration tests, one binary: modules only.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what they share: a surprise ends the test"
)]

mod access;
mod admin;
mod admin_config;
mod admin_login;
mod breakers;
mod budgets;
mod cache;
mod chaos;
mod chat;
mod dialects;
mod durable;
mod endpoints;
mod eval;
mod failover;
mod field;
mod guests;
mod hedging;
mod hostile;
mod import;
mod keys;
mod lanes;
mod limits;
mod listener;
mod metrics;
mod models;
mod owners;
mod pacing;
mod page;
mod patterns;
mod protocols;
mod python;
mod real_model;
mod reasoning;
mod reload;
mod responses;
mod routes;
mod sdks;
mod secrets;
mod session_api;
mod sessions;
mod shutdown;
mod stage;
mod strategies;
mod streaming;
mod telemetry;
mod translation;
mod wire;
