//! The integration tests, one binary: modules only.
mod admin;
mod chat;
mod failover;
mod limits;
mod models;
mod page;
mod real_model;
mod reasoning;
mod sdks;
mod sessions;
mod shutdown;
mod stage;
mod streaming;
