//! The `messages` of a body that is passed through, where the vendor has rules for reasoning that is sent back.
use super::object::{Entry, Fate, entries, rewrite};
use crate::lost::Lost;
use crate::quirks::{Quirks, ReasoningBack};
use memchr::memmem;
use serde_json::value::RawValue;
use std::borrow::Cow;

const REASONING: [&str; 2] = ["reasoning_content", "reasoning"];

/// The list as the vendor wants it; `None`: as it is. What is not a list of objects is left for the vendor to refuse.
pub(super) fn edited(list: &str, quirks: &Quirks, lost: &mut Lost) -> Option<Vec<u8>> {
    if !concerns(list, quirks) {
        return None;
    }
    let messages: Vec<&RawValue> = serde_json::from_str(list).ok()?;
    let mut out = Vec::with_capacity(list.len());
    out.push(b'[');
    for (at, message) in messages.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        match entries(message.get().as_bytes()) {
            Ok(fields) if concerns(message.get(), quirks) => {
                out.extend(self::message(at, message.get(), &fields, quirks, lost));
            }
            _ => out.extend_from_slice(message.get().as_bytes()),
        }
    }
    out.push(b']');
    Some(out)
}

fn concerns(text: &str, quirks: &Quirks) -> bool {
    let holds = |needle: &str| memmem::find(text.as_bytes(), needle.as_bytes()).is_some();
    let reasoning = quirks.reasoning != ReasoningBack::Details && holds("\"reasoning");
    let developer = !quirks.developer && holds("\"developer\"");
    reasoning || developer || quirks.strip_in_messages.iter().any(|field| holds(&format!("\"{field}\"")))
}

fn message(at: usize, text: &str, fields: &[Entry<'_>], quirks: &Quirks, lost: &mut Lost) -> Vec<u8> {
    let calls_tools = fields.iter().any(|field| field.key == "tool_calls" && !matches!(field.value, "null" | "[]"));
    let kept = match quirks.reasoning {
        ReasoningBack::Never | ReasoningBack::Details => None,
        ReasoningBack::WithToolCalls(name) => calls_tools.then_some(name),
        ReasoningBack::Always(name) => Some(name),
    };
    // The vendor gets one of them, if the client sends several spellings.
    let chosen = REASONING.iter().find(|name| fields.iter().any(|field| field.key == **name && field.value != "null"));
    rewrite(text.as_bytes(), fields, &[], |field| {
        let key = field.key.as_ref();
        if quirks.strip_in_messages.contains(&key) {
            lost.when(!matches!(field.value, "null" | "[]"), format!("messages[{at}].{key}"));
            return Fate::Strip;
        }
        if key == "role" && !quirks.developer && field.value == "\"developer\"" {
            return Fate::Replace(Cow::Borrowed(b"\"system\""));
        }
        match kept {
            _ if quirks.reasoning == ReasoningBack::Details => Fate::Keep,
            Some(name) if chosen.is_some_and(|chosen| *chosen == key) => {
                if name == key {
                    Fate::Keep
                } else {
                    Fate::Rename(name)
                }
            }
            _ if REASONING.contains(&key) || key == "reasoning_details" => Fate::Strip,
            _ => Fate::Keep,
        }
    })
}

/// For the caller's [`Fate::Replace`].
pub(super) fn replaced<'e>(list: &str, quirks: &Quirks, lost: &mut Lost) -> Fate<'e> {
    edited(list, quirks, lost).map_or(Fate::Keep, |list| Fate::Replace(Cow::Owned(list)))
}
