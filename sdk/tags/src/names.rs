//! The names that are tags: the engine's own, their other spellings, and those a pattern adds. Knows no position.

pub const THOUGHT: &str = "THOUGHT";
pub const ACTION: &str = "ACTION";
pub const OBSERVATION: &str = "OBSERVATION";
pub const FINAL_ANSWER: &str = "FINAL_ANSWER";

/// Longer names are not tags; it bounds what the parser holds back.
pub(crate) const NAME_BYTES_MAX: usize = 64;

/// Which tag; an index into [`Tags`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TagId(usize);

/// What a tag does to the text inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// ACTION, OBSERVATION: nothing inside is a tag.
    Raw,
    /// FINAL_ANSWER.
    Answer,
    /// THOUGHT and a pattern's own: nests.
    Block,
}

/// The names that count as tags. Cheap to clone into as many parsers as needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags {
    /// In capitals. The first four are the engine's.
    names: Vec<String>,
}

/// Other spellings, which vendors' models are trained on.
const SPELLINGS: [(&str, TagId); 2] = [("THINK", TagId(0)), ("THINKING", TagId(0))];

// === impl Tags ===

impl Tags {
    /// The engine's tags and those named; a name that is not `[A-Za-z][A-Za-z0-9_]{0,63}` is left out.
    pub fn new<I>(own: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut tags = Self { names: [THOUGHT, ACTION, OBSERVATION, FINAL_ANSWER].map(str::to_owned).into() };
        for name in own {
            let name = name.as_ref().to_ascii_uppercase();
            if is_name(&name) && tags.find(&name).is_none() {
                tags.names.push(name);
            }
        }
        tags
    }

    /// In capitals, the engine's first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    pub(crate) fn name(&self, id: TagId) -> &str {
        self.names.get(id.0).map_or("", String::as_str)
    }

    pub(crate) fn role(&self, id: TagId) -> Role {
        match self.name(id) {
            ACTION | OBSERVATION => Role::Raw,
            FINAL_ANSWER => Role::Answer,
            _ => Role::Block,
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<TagId> {
        let own = self.names.iter().position(|known| known.eq_ignore_ascii_case(name)).map(TagId);
        own.or_else(|| SPELLINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, id)| *id))
    }

    /// Whether some name begins like this; the empty text begins every name.
    pub(crate) fn begins(&self, start: &str) -> bool {
        let spellings = SPELLINGS.iter().map(|(known, _)| *known);
        self.names().chain(spellings).any(|known| {
            known.as_bytes().get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
        })
    }
}

impl Default for Tags {
    fn default() -> Self {
        Self::new([""; 0])
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
