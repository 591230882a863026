//! Which models the table knows, and at which address.
use super::{ANTHROPIC, DEEPSEEK, GOOGLE, GROQ, MISTRAL, OPENAI, PRICES_AS_OF, names, of};
use crate::Provider;

fn input_micros(provider: Provider, api_base: &str, model: &str) -> Option<u64> {
    of(provider, api_base, model).map(|price| price.input_micros)
}

#[test]
fn a_model_is_known_by_its_name_with_or_without_a_date() {
    let at_openai = |model| input_micros(Provider::OpenAi, "https://api.openai.com/v1", model);
    assert_eq!(at_openai("gpt-4o"), Some(2_500_000));
    assert_eq!(at_openai("gpt-4o-2024-08-06"), Some(2_500_000));
    assert_eq!(at_openai("gpt-4o-2024-05-13"), Some(5_000_000), "a date with a price of its own");
    assert_eq!(at_openai("gpt-4o-mini"), Some(150_000));
    assert_eq!(at_openai("gpt-4o-audio-preview"), None);
    assert_eq!(at_openai("gpt-9"), None);
    let at_anthropic = |model| input_micros(Provider::Anthropic, "https://api.anthropic.com/v1", model);
    assert_eq!(at_anthropic("claude-opus-4-20250514"), Some(15_000_000));
    assert_eq!(at_anthropic("claude-opus-4-5-20251101"), Some(5_000_000));
    assert_eq!(at_anthropic("claude-opus-4-99"), None, "another model, not a date");
}

#[test]
fn a_vendors_price_holds_at_its_own_address_only() {
    assert_eq!(input_micros(Provider::OpenAi, "http://127.0.0.1:9/v1", "gpt-4o"), None);
    assert_eq!(input_micros(Provider::Local, "http://127.0.0.1:9/v1", "gpt-4o"), None);
    assert_eq!(input_micros(Provider::Azure, "https://mine.openai.azure.com", "gpt-4.1"), Some(2_000_000));
    let compatible = "https://generativelanguage.googleapis.com/v1beta/openai";
    assert_eq!(input_micros(Provider::Google, compatible, "gemini-2.5-flash"), Some(300_000));
}

#[test]
fn no_row_hides_another() {
    for rows in [&OPENAI[..], &ANTHROPIC, &GOOGLE, &MISTRAL, &DEEPSEEK, &GROQ] {
        for (index, row) in rows.iter().enumerate() {
            assert!(rows.iter().skip(index + 1).all(|other| other.model != row.model), "{} stands twice", row.model);
            assert!(row.cached <= row.input && row.input > 0, "{}", row.model);
        }
    }
    assert!(names("a", "a") && names("a", "a-latest") && names("a", "a@20250514") && !names("a", "a-b"));
}

#[test]
fn the_document_tells_the_tables_date() {
    let document = include_str!("../../../../../docs/ROUTING.md");
    assert!(document.contains(&format!("as of **{PRICES_AS_OF}**")), "{PRICES_AS_OF}");
}
