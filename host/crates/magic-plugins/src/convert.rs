//! Between the host's types and wit/'s, for drivers: what they are told, what they say, and how heavy that is.
//! Judges what a guest says where the types cannot; decides nothing else.

mod said;
mod told;
mod weigh;

pub(crate) use said::{Said, Wrong, directives};
pub(crate) use told::{context, events, is_for_guests, usage};

#[cfg(test)]
mod tests;
