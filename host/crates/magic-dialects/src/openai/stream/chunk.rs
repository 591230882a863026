//! The JSON of a chunk or a whole reply, in every spelling that vendors use. Borrows what it can; what it does not know
//! it skips.
use crate::usage::OpenAi;
use magic_types::stream::ChatEvent;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub(super) object: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    pub(super) usage: Option<OpenAi>,
    #[serde(default)]
    pub(super) x_groq: Option<Groq>,
    #[serde(default)]
    pub(super) error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct Groq {
    #[serde(default)]
    pub(super) usage: Option<OpenAi>,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(default)]
    pub(super) index: Option<u32>,
    // A whole reply says `message` where a stream says `delta`; the fields are the same.
    #[serde(borrow, default, alias = "message")]
    pub(super) delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) error: Option<IgnoredAny>,
}

/// Reasoning has three spellings: `reasoning_content` (DeepSeek, llama.cpp), `reasoning` (vLLM, OpenRouter, Groq, Ollama)
/// and Mistral's `thinking` chunks within the content.
#[derive(Default, Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow, default)]
    pub(super) content: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) reasoning_content: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) reasoning: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) reasoning_details: Option<Vec<Detail<'a>>>,
    #[serde(borrow, default)]
    pub(super) refusal: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) tool_calls: Option<Vec<CallDelta<'a>>>,
    #[serde(borrow, default)]
    pub(super) extra_content: Option<Extra<'a>>,
}

/// OpenRouter's: <https://openrouter.ai/docs/use-cases/reasoning-tokens>.
#[derive(Deserialize)]
pub(super) struct Detail<'a> {
    #[serde(borrow, default)]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) summary: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) data: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) signature: Option<Cow<'a, str>>,
    /// Whose the seal is.
    #[serde(borrow, default)]
    pub(super) format: Option<Cow<'a, str>>,
}

/// Google's: <https://ai.google.dev/gemini-api/docs/openai#thought-signatures>.
#[derive(Deserialize)]
pub(super) struct Extra<'a> {
    #[serde(borrow, default)]
    pub(super) google: Option<Google<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Google<'a> {
    #[serde(default)]
    pub(super) thought: Option<bool>,
    #[serde(borrow, default)]
    pub(super) thought_signature: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct CallDelta<'a> {
    #[serde(default)]
    pub(super) index: Option<u32>,
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) function: Option<FunctionDelta<'a>>,
    #[serde(borrow, default)]
    pub(super) extra_content: Option<Extra<'a>>,
}

#[derive(Default, Deserialize)]
pub(super) struct FunctionDelta<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) arguments: Option<&'a RawValue>,
}

/// A string, or Mistral's list of `text` and `thinking` chunks; anything else says nothing.
pub(super) struct Text<'a>(Vec<Piece<'a>>, Cow<'a, str>);

#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    thinking: Option<Thinking<'a>>,
}

/// A list of texts, or one: no list of lists, so that a hostile reply cannot recurse.
struct Thinking<'a>(Vec<Cow<'a, str>>);

// === impl Text ===
impl Text<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.1.is_empty() && self.0.is_empty()
    }

    /// All of it as a thought.
    pub(super) fn reasoning(self) -> Option<ChatEvent> {
        let listed: String = self.0.into_iter().filter_map(|piece| piece.text).collect();
        let text = if listed.is_empty() { self.1.into_owned() } else { listed };
        (!text.is_empty()).then_some(ChatEvent::Reasoning(text))
    }

    pub(super) fn push(self, is_thought: bool, out: &mut Vec<ChatEvent>) {
        let say = |text: String| if is_thought { ChatEvent::Reasoning(text) } else { ChatEvent::Text(text) };
        if !self.1.is_empty() {
            out.push(say(self.1.into_owned()));
        }
        for piece in self.0 {
            let thoughts = piece.thinking.map(|thinking| thinking.0).unwrap_or_default();
            let thoughts = thoughts.into_iter().filter(|text| !text.is_empty());
            out.extend(thoughts.map(|text| ChatEvent::Reasoning(text.into_owned())));
            out.extend(piece.text.filter(|text| !text.is_empty()).map(|text| say(text.into_owned())));
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string or a list of chunks")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Vec::new(), Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Vec::new(), Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut pieces = Vec::new();
        while let Some(piece) = list.next_element()? {
            pieces.push(piece);
        }
        Ok(Text(pieces, Cow::Borrowed("")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(Vec::new(), Cow::Borrowed("")))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Text(Vec::new(), Cow::Borrowed("")))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Thinking<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ThinkingVisitor)
    }
}

struct ThinkingVisitor;

impl<'de> Visitor<'de> for ThinkingVisitor {
    type Value = Thinking<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string or a list of texts")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Thinking(vec![Cow::Borrowed(text)]))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Thinking(vec![Cow::Owned(text.to_owned())]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        #[derive(Deserialize)]
        struct Thought<'a> {
            #[serde(borrow, default)]
            text: Option<Cow<'a, str>>,
        }
        let mut texts = Vec::new();
        while let Some(thought) = list.next_element::<Thought<'de>>()? {
            texts.extend(thought.text);
        }
        Ok(Thinking(texts))
    }
}
