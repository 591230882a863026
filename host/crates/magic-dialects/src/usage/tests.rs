use super::{Anthropic, OpenAi};
use magic_types::Usage;
use serde_json::{Value, json};

fn openai(told: &Value) -> Usage {
    serde_json::from_value::<OpenAi>(told.clone()).expect("lenient").into_usage()
}

#[test]
fn every_vendors_usage_is_counted_under_either_name() {
    assert_eq!(openai(&json!({ "prompt_tokens": 9, "prompt_cache_hit_tokens": 4 })).cached_input_tokens, 4);
    let openrouter = openai(&json!({ "prompt_tokens": 9.0, "completion_tokens": null,
        "prompt_tokens_details": { "cached_tokens": 2, "cache_write_tokens": 3 } }));
    assert_eq!((openrouter.input_tokens, openrouter.cached_input_tokens, openrouter.cache_write_tokens), (9, 2, 3));
    // Both sets of names at once are told by some.
    let both = openai(&json!({ "prompt_tokens": 9, "input_tokens": 9, "output_tokens": 1,
        "output_tokens_details": { "reasoning_tokens": 1 } }));
    assert_eq!((both.input_tokens, both.output_tokens, both.reasoning_tokens), (9, 1, 1));
}

#[test]
fn an_odd_count_is_none() {
    for odd in [json!({ "prompt_tokens": -1, "completion_tokens": "x", "prompt_tokens_details": 7 }), json!("x")] {
        assert_eq!(openai(&odd), Usage::default(), "{odd}");
    }
}

#[test]
fn what_anthropic_repeats_replaces_what_was_known() {
    let told = |json: Value| serde_json::from_value::<Anthropic>(json).expect("lenient");
    let start = told(json!({ "input_tokens": 4, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 200,
        "output_tokens": 1 }));
    let usage = start.over(Usage::default());
    assert_eq!((usage.input_tokens, usage.cached_input_tokens, usage.cache_write_tokens), (1204, 1000, 200));
    let usage = told(json!({ "output_tokens": 9, "output_tokens_details": { "thinking_tokens": 5 } })).over(usage);
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.reasoning_tokens), (1204, 9, 5));
    assert_eq!(told(json!({ "input_tokens": 5 })).over(usage).input_tokens, 1205);
}
