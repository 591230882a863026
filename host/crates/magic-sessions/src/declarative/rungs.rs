//! The rungs of the enforcement ladder, counted: by which means each usable reply was read. Knows no reply itself.
use crate::prompt::Protocol;
use magic_types::directive::Emit;
use serde_json::{Map, Value, json};

/// How a reply was read, the surest means first. One that counts as `Forced` or `Repaired` counts as nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rung {
    /// The action was forced by GBNF.
    Grammar,
    /// The next step was stated as JSON, under a schema.
    Schema,
    /// A tool call in the vendor's own form.
    Native,
    Tag,
    /// A call in prose or in a fence.
    Extracted,
    /// No tag at all, and it made sense all the same.
    Untagged,
    /// Usable only after the model was shown its error.
    Repaired,
    /// The last answer, with tools off.
    Forced,
}

#[derive(Default)]
pub(super) struct Rungs([u32; Rung::ALL.len()]);

// === impl Rung ===

impl Rung {
    const ALL: [Self; 8] = [
        Self::Grammar,
        Self::Schema,
        Self::Native,
        Self::Tag,
        Self::Extracted,
        Self::Untagged,
        Self::Repaired,
        Self::Forced,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Grammar => "grammar",
            Self::Schema => "schema",
            Self::Native => "native",
            Self::Tag => "tag",
            Self::Extracted => "extracted",
            Self::Untagged => "untagged",
            Self::Repaired => "repaired",
            Self::Forced => "forced",
        }
    }
}

/// The words of a protocol and of a rung as they are counted, if both are known: any driver may say `ladder`, and only these
/// words are ours.
pub fn ladder_words(protocol: &str, rung: &str) -> Option<(&'static str, &'static str)> {
    let rung = Rung::ALL.map(Rung::as_str).into_iter().find(|known| *known == rung)?;
    Some((Protocol::from_word(protocol)?.as_str(), rung))
}

// === impl Rungs ===

impl Rungs {
    pub(super) fn count(&mut self, rung: Rung) {
        let counts = Rung::ALL.iter().zip(&mut self.0);
        counts.filter(|(known, _)| **known == rung).for_each(|(_, count)| *count = count.saturating_add(1));
    }

    /// The session's one event about it; none where no reply could be used.
    pub(super) fn told(&self, protocol: Protocol) -> Option<Emit> {
        let counts = Rung::ALL.iter().zip(&self.0).filter(|(_, count)| **count > 0);
        let counts: Map<String, Value> =
            counts.map(|(rung, count)| (rung.as_str().to_owned(), Value::from(*count))).collect();
        if counts.is_empty() {
            return None;
        }
        let payload = json!({ "protocol": protocol.as_str(), "rungs": counts }).to_string();
        Some(Emit::Progress { kind: "ladder".to_owned(), payload })
    }
}
