//! What well-known models cost at their vendors' own addresses: pure data with a date. The file's `price` overrides it.
//! Vendors change prices without asking; whoever counts money by this table checks it first.
use crate::profile::Price;
use crate::provider::{Provider, host_of};

/// When the table was last looked over, against what other gateways keep; not against the vendors' own pages.
pub const PRICES_AS_OF: &str = "2026-07-24";

/// In thousandths of a US dollar, of a million tokens.
struct Row {
    /// The model's name; a date or `-latest` may follow it.
    model: &'static str,
    input: u32,
    output: u32,
    cached: u32,
}

const fn row(model: &'static str, input: u32, output: u32, cached: u32) -> Row {
    Row { model, input, output, cached }
}

/// Where a vendor has no price for cached input, it is that of input.
#[rustfmt::skip]
static OPENAI: [Row; 40] = [
    row("gpt-5.6", 5000, 30_000, 500),
    row("gpt-5.5", 5000, 30_000, 500),
    row("gpt-5.5-pro", 30_000, 180_000, 3000),
    row("gpt-5.4", 2500, 15_000, 250),
    row("gpt-5.4-mini", 750, 4500, 75),
    row("gpt-5.4-nano", 200, 1250, 20),
    row("gpt-5.4-pro", 30_000, 180_000, 3000),
    row("gpt-5.3-codex", 1750, 14_000, 175),
    row("gpt-5.2", 1750, 14_000, 175),
    row("gpt-5.2-codex", 1750, 14_000, 175),
    row("gpt-5.2-pro", 21_000, 168_000, 21_000),
    row("gpt-5.1", 1250, 10_000, 125),
    row("gpt-5.1-codex", 1250, 10_000, 125),
    row("gpt-5.1-codex-max", 1250, 10_000, 125),
    row("gpt-5.1-codex-mini", 250, 2000, 25),
    row("gpt-5", 1250, 10_000, 125),
    row("gpt-5-chat", 1250, 10_000, 125),
    row("gpt-5-codex", 1250, 10_000, 125),
    row("gpt-5-mini", 250, 2000, 25),
    row("gpt-5-nano", 50, 400, 5),
    row("gpt-5-pro", 15_000, 120_000, 15_000),
    row("gpt-4.1", 2000, 8000, 500),
    row("gpt-4.1-mini", 400, 1600, 100),
    row("gpt-4.1-nano", 100, 400, 25),
    row("gpt-4o", 2500, 10_000, 1250),
    row("gpt-4o-2024-05-13", 5000, 15_000, 5000),
    row("gpt-4o-mini", 150, 600, 75),
    row("gpt-4-turbo", 10_000, 30_000, 10_000),
    row("gpt-4", 30_000, 60_000, 30_000),
    row("gpt-3.5-turbo", 500, 1500, 500),
    row("gpt-3.5-turbo-1106", 1000, 2000, 1000),
    row("o1", 15_000, 60_000, 7500),
    row("o1-pro", 150_000, 600_000, 150_000),
    row("o3", 2000, 8000, 500),
    row("o3-mini", 1100, 4400, 550),
    row("o3-pro", 20_000, 80_000, 20_000),
    row("o4-mini", 1100, 4400, 275),
    row("text-embedding-3-small", 20, 0, 20),
    row("text-embedding-3-large", 130, 0, 130),
    row("text-embedding-ada-002", 100, 0, 100),
];

/// Without what writing to its cache costs more.
#[rustfmt::skip]
static ANTHROPIC: [Row; 16] = [
    row("claude-opus-5", 5000, 25_000, 500),
    row("claude-opus-4-8", 5000, 25_000, 500),
    row("claude-opus-4-7", 5000, 25_000, 500),
    row("claude-opus-4-6", 5000, 25_000, 500),
    row("claude-opus-4-5", 5000, 25_000, 500),
    row("claude-opus-4-1", 15_000, 75_000, 1500),
    row("claude-opus-4", 15_000, 75_000, 1500),
    row("claude-sonnet-5", 2000, 10_000, 200),
    row("claude-sonnet-4-6", 3000, 15_000, 300),
    row("claude-sonnet-4-5", 3000, 15_000, 300),
    row("claude-sonnet-4", 3000, 15_000, 300),
    row("claude-3-7-sonnet", 3000, 15_000, 300),
    row("claude-haiku-4-5", 1000, 5000, 100),
    row("claude-3-5-haiku", 800, 4000, 80),
    row("claude-3-haiku", 250, 1250, 30),
    row("claude-3-opus", 15_000, 75_000, 1500),
];

/// Of prompts up to 200 000 tokens; longer ones cost more.
#[rustfmt::skip]
static GOOGLE: [Row; 14] = [
    row("gemini-3.6-flash", 1500, 7500, 150),
    row("gemini-3.5-flash", 1500, 9000, 150),
    row("gemini-3.5-flash-lite", 300, 2500, 30),
    row("gemini-3.1-pro-preview", 2000, 12_000, 200),
    row("gemini-3.1-flash-lite", 250, 1500, 25),
    row("gemini-3-pro-preview", 2000, 12_000, 200),
    row("gemini-3-flash", 500, 3000, 50),
    row("gemini-3-flash-preview", 500, 3000, 50),
    row("gemini-2.5-pro", 1250, 10_000, 125),
    row("gemini-2.5-flash", 300, 2500, 30),
    row("gemini-2.5-flash-lite", 100, 400, 10),
    row("gemini-2.0-flash", 100, 400, 25),
    row("gemini-2.0-flash-lite", 75, 300, 75),
    row("gemini-embedding-001", 150, 0, 150),
];

/// By their dates: what `-latest` names changes, and its price with it.
#[rustfmt::skip]
static MISTRAL: [Row; 7] = [
    row("mistral-large-2512", 500, 1500, 500),
    row("mistral-large-2411", 2000, 6000, 2000),
    row("mistral-medium-2508", 400, 2000, 400),
    row("mistral-medium-2505", 400, 2000, 400),
    row("mistral-small-2506", 100, 300, 100),
    row("codestral-2508", 300, 900, 300),
    row("mistral-embed", 100, 0, 100),
];

/// By day.
#[rustfmt::skip]
static DEEPSEEK: [Row; 4] = [
    row("deepseek-chat", 280, 420, 28),
    row("deepseek-reasoner", 280, 420, 28),
    row("deepseek-v4-flash", 140, 280, 3),
    row("deepseek-v4-pro", 435, 870, 4),
];

/// What it serves of others' models.
#[rustfmt::skip]
static GROQ: [Row; 8] = [
    row("llama-3.3-70b-versatile", 590, 790, 590),
    row("llama-3.1-8b-instant", 50, 80, 50),
    row("meta-llama/llama-4-scout-17b-16e-instruct", 110, 340, 110),
    row("meta-llama/llama-4-maverick-17b-128e-instruct", 200, 600, 200),
    row("openai/gpt-oss-120b", 150, 600, 150),
    row("openai/gpt-oss-20b", 75, 300, 75),
    row("qwen/qwen3-32b", 290, 590, 290),
    row("moonshotai/kimi-k2-instruct", 1000, 3000, 1000),
];

/// The price of a vendor's model; `None`: the table does not know it, or it is served by somebody else.
pub(crate) fn of(provider: Provider, api_base: &str, model: &str) -> Option<Price> {
    let is_vendors_own = provider.default_api_base().is_none_or(|own| host_of(own) == host_of(api_base));
    let rows = rows_of(provider).iter().filter(|row| is_vendors_own && names(row.model, model));
    rows.max_by_key(|row| row.model.len()).map(Row::price)
}

fn rows_of(provider: Provider) -> &'static [Row] {
    match provider {
        // A deployment is mostly named after its model.
        Provider::OpenAi | Provider::Azure => &OPENAI,
        Provider::Anthropic => &ANTHROPIC,
        Provider::Google => &GOOGLE,
        Provider::Mistral => &MISTRAL,
        Provider::DeepSeek => &DEEPSEEK,
        Provider::Groq => &GROQ,
        Provider::OpenRouter
        | Provider::Together
        | Provider::Ollama
        | Provider::LlamaCpp
        | Provider::Vllm
        | Provider::Local => &[],
    }
}

/// `gpt-4o` names itself, `gpt-4o-latest` and `gpt-4o-2024-08-06`, but not `gpt-4o-mini`; nor does `claude-opus-4` name
/// `claude-opus-4-9`, which is another model: a date begins with three digits at least.
fn names(row: &str, model: &str) -> bool {
    let Some(rest) = model.strip_prefix(row) else { return false };
    let Some(rest) = rest.strip_prefix(['-', '@']) else { return rest.is_empty() };
    let is_date = rest.split('-').next().is_some_and(|first| first.len() >= 3)
        && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    is_date || rest == "latest"
}

// === impl Row ===
impl Row {
    fn price(&self) -> Price {
        let micros = |thousandths: u32| u64::from(thousandths) * 1000;
        Price {
            input_micros: micros(self.input),
            output_micros: micros(self.output),
            cached_input_micros: micros(self.cached),
        }
    }
}

#[cfg(test)]
mod tests;
