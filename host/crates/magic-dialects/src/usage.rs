//! Usage in each dialect's words, for decoders and the onlooker alike. Lenient: an odd count is no reason to lose an answer.
use magic_types::Usage;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// OpenAI's, of chat completions and of responses: the same numbers under two sets of names, and imitators' spellings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OpenAi(Usage);

/// Anthropic's: the prompt in three parts, of which a stream's later events repeat some.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Anthropic {
    fresh: Option<u64>,
    written: Option<u64>,
    cached: Option<u64>,
    output: Option<u64>,
    thoughts: Option<u64>,
}

/// An object that is read key by key. Whatever is no object is an empty one.
trait Table: Default {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

/// `…_details` of OpenAI's.
#[derive(Default)]
struct Details {
    cached: u64,
    written: u64,
    reasoning: u64,
}

/// `output_tokens_details` of Anthropic's.
#[derive(Default)]
struct Thoughts(Option<u64>);

/// A count in any spelling; `None` for what is none.
struct Count(Option<u64>);

// === impl OpenAi ===
impl Table for OpenAi {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let Self(usage) = self;
        match key {
            "prompt_tokens" | "input_tokens" => most(&mut usage.input_tokens, map),
            "completion_tokens" | "output_tokens" => most(&mut usage.output_tokens, map),
            // DeepSeek's: https://api-docs.deepseek.com/guides/kv_cache
            "prompt_cache_hit_tokens" => most(&mut usage.cached_input_tokens, map),
            "prompt_tokens_details"
            | "input_tokens_details"
            | "completion_tokens_details"
            | "output_tokens_details" => {
                let Of(Details { cached, written, reasoning }) = map.next_value()?;
                usage.cached_input_tokens = usage.cached_input_tokens.max(cached);
                usage.cache_write_tokens = usage.cache_write_tokens.max(written);
                usage.reasoning_tokens = usage.reasoning_tokens.max(reasoning);
                Ok(())
            }
            _ => ignore(map),
        }
    }
}

impl Table for Details {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "cached_tokens" => most(&mut self.cached, map),
            // OpenRouter's; a response of ours says it as well.
            "cache_write_tokens" => most(&mut self.written, map),
            "reasoning_tokens" => most(&mut self.reasoning, map),
            _ => ignore(map),
        }
    }
}

impl<'de> Deserialize<'de> for OpenAi {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Of::deserialize(deserializer).map(|Of(told)| told)
    }
}

impl OpenAi {
    pub(crate) fn into_usage(self) -> Usage {
        self.0
    }
}

// === impl Anthropic ===
impl Table for Anthropic {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "input_tokens" => count(&mut self.fresh, map),
            "cache_creation_input_tokens" => count(&mut self.written, map),
            "cache_read_input_tokens" => count(&mut self.cached, map),
            "output_tokens" => count(&mut self.output, map),
            "output_tokens_details" => {
                let Of(Thoughts(thoughts)) = map.next_value()?;
                self.thoughts = thoughts.or(self.thoughts);
                Ok(())
            }
            _ => ignore(map),
        }
    }
}

impl Table for Thoughts {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "thinking_tokens" => count(&mut self.0, map),
            _ => ignore(map),
        }
    }
}

impl<'de> Deserialize<'de> for Anthropic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Of::deserialize(deserializer).map(|Of(told)| told)
    }
}

impl Anthropic {
    /// What it says replaces what was known. Anthropic counts what its cache read and wrote apart; the whole prompt is
    /// the sum.
    pub(crate) fn over(self, known: Usage) -> Usage {
        let cached = self.cached.unwrap_or(known.cached_input_tokens);
        let written = self.written.unwrap_or(known.cache_write_tokens);
        let fresh =
            known.input_tokens.saturating_sub(known.cached_input_tokens).saturating_sub(known.cache_write_tokens);
        Usage {
            input_tokens: self.fresh.unwrap_or(fresh).saturating_add(cached).saturating_add(written),
            output_tokens: self.output.unwrap_or(known.output_tokens),
            cached_input_tokens: cached,
            cache_write_tokens: written,
            reasoning_tokens: self.thoughts.unwrap_or(known.reasoning_tokens),
            cost_micros: None,
        }
    }
}

fn count<'de, A: MapAccess<'de>>(known: &mut Option<u64>, map: &mut A) -> Result<(), A::Error> {
    let Count(told) = map.next_value()?;
    *known = told.or(*known);
    Ok(())
}

/// Where two names are given, the larger number holds.
fn most<'de, A: MapAccess<'de>>(known: &mut u64, map: &mut A) -> Result<(), A::Error> {
    let Count(told) = map.next_value()?;
    *known = told.unwrap_or(0).max(*known);
    Ok(())
}

fn ignore<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(|_| ())
}

/// Reads a [`Table`] of whatever stands there. By hand: a tree of values costs more than all else that is read of a reply.
struct Of<T>(T);

struct Lenient<T>(PhantomData<T>);

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de, T: Table> Deserialize<'de> for Of<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient(PhantomData)).map(Self)
    }
}

impl<'de, T: Table> Visitor<'de> for Lenient<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of counts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut table = T::default();
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            table.take(&key, &mut map)?;
        }
        Ok(table)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<T, E> {
        Ok(T::default())
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Number).map(Self)
    }
}

struct Number;

impl<'de> Visitor<'de> for Number {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<u64>, E> {
        Ok(Some(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<u64>, E> {
        Ok(Some(u64::try_from(number).unwrap_or(0)))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    fn visit_f64<E: Error>(self, number: f64) -> Result<Option<u64>, E> {
        Ok(Some(number as u64))
    }

    fn visit_unit<E: Error>(self) -> Result<Option<u64>, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Option<u64>, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Option<u64>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<u64>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<u64>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
