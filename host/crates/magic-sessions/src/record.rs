//! The form in which a session lies on disk: JSON texts, versioned by [`FORMAT`]. Reads every version it ever wrote; what
//! a newer one wrote is told apart and left alone.
//!
//! | written by | read by format 1 |
//! |---|---|
//! | 1 | all of it |
//! | later | refused with [`Unreadable`]: no field may change its meaning within a format |
//!
//! A field that a text lacks has its type's zero, so that a format can grow fields without a new number.
mod chat;
mod directive;
mod event;
mod fields;
mod input;
mod spec;

pub(crate) use directive::name_directive;
pub use fields::Unreadable;

use crate::event::SessionEvent;
use crate::session::Input;
use crate::spec::Spec;
use fields::Fields;
use serde_json::Value;

/// The format that is written.
pub(crate) const FORMAT: u32 = 1;

/// An event as it is kept.
pub(crate) fn write_event(event: &SessionEvent) -> String {
    event::write(event).to_string()
}

pub(crate) fn read_event(format: u32, text: &str) -> Result<SessionEvent, Unreadable> {
    event::read(&parse(format, text)?)
}

/// An input with the name of what it led to.
pub(crate) fn write_input(input: &Input, decided: u64) -> String {
    let mut json = input::write(input);
    // As text: JSON numbers are exact to 53 bits only.
    json["decided"] = Value::from(format!("{decided:x}"));
    json.to_string()
}

pub(crate) fn read_input(format: u32, text: &str) -> Result<(Input, u64), Unreadable> {
    let value = parse(format, text)?;
    let decided = u64::from_str_radix(&Fields(&value).text("decided")?, 16);
    Ok((input::read(&value)?, decided.map_err(|error| Unreadable(format!("`decided`: {error}")))?))
}

pub(crate) fn write_spec(spec: &Spec) -> String {
    spec::write(spec).to_string()
}

pub(crate) fn read_spec(format: u32, text: &str) -> Result<Spec, Unreadable> {
    spec::read(&parse(format, text)?)
}

fn parse(format: u32, text: &str) -> Result<Value, Unreadable> {
    if format == 0 || format > FORMAT {
        return Err(Unreadable(format!("it has format {format}, and this version reads up to {FORMAT}")));
    }
    serde_json::from_str(text).map_err(|error| Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests;
