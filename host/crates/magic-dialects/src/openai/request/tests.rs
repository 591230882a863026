use super::{head, head_or, read};
use crate::quirks::of;
use magic_types::chat::{Part, Role};

fn spliced(body: &str, model: &str, defaults: &[(&str, &str)]) -> String {
    let head = head(body.as_bytes()).expect("a good head");
    let out = head.splice(body.as_bytes(), &format!("\"{model}\""), defaults.iter().copied(), of("openai")).body;
    String::from_utf8(out.to_vec()).expect("utf-8")
}

#[test]
fn only_the_model_changes_in_a_body_that_is_passed_through() {
    let body = "{\n  \"messages\" : [{\"role\":\"user\",\"content\":\"say \\\"model\\\": \\\"x\\\" – ü\"}],\t\"model\" : \"ali\\u0061s\", \"x\":1.0e5 }";
    assert_eq!(spliced(body, "vendor/m", &[]), body.replace("\"ali\\u0061s\"", "\"vendor/m\""));
    assert_eq!(head(body.as_bytes()).expect("good").model, "alias");
}

#[test]
fn a_profile_fills_in_what_the_client_left_out_and_nothing_else() {
    let defaults = [("temperature", "0.2"), ("max_tokens", "100")];
    assert_eq!(
        spliced("{\"model\":\"a\",\"temperature\":1}", "m", &defaults),
        "{\"max_tokens\":100,\"model\":\"m\",\"temperature\":1}"
    );
    assert_eq!(
        spliced("{\"model\":\"a\",\"max_completion_tokens\":5,\"temperature\":0}", "m", &defaults),
        "{\"model\":\"m\",\"max_completion_tokens\":5,\"temperature\":0}"
    );
}

#[test]
fn a_bad_body_names_what_is_wrong() {
    let text = |body: &str| head(body.as_bytes()).expect_err("bad").public;
    assert!(text("{\"model\":1}").contains("`model` must be a string"));
    assert!(text("{}").contains("you must provide a model"));
    assert!(text("[1]").contains("an object"));
    assert!(text("{\"model\":\"a\"").contains("line 1"));
    assert!(text("{\"model\":\"a\"} x").contains("trailing"));
    assert!(text("{\"model\":\"a\",\"model\":\"b\"}").contains("given twice"));
    assert!(text("{\"model\":\"a\",\"stream\":\"yes\"}").contains("boolean"));
}

#[test]
fn the_whole_history_is_read_for_a_reasoning_session() {
    let body = r#"{"model":"a","messages":[
        {"role":"developer","content":"be brief"},
        {"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:x"}}]},
        {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c1","content":"42"},
        {"role":"user","content":"and now?"}],
        "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"max_tokens":9}"#;
    let reading = read(body.as_bytes()).expect("good");
    let roles: Vec<Role> = reading.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::Tool, Role::User]);
    assert!(matches!(reading.messages[2].parts.as_slice(), [Part::ToolCall(call)] if call.name == "f"));
    assert!(matches!(reading.messages[3].parts.as_slice(), [Part::ToolResult(result)] if result.call_id == "c1"));
    assert_eq!(reading.tools.len(), 1);
    assert_eq!(reading.max_output_tokens, Some(9));
}

#[test]
fn what_a_reasoning_session_cannot_honour_is_refused_by_name() {
    let refused = |extra: &str| {
        let body = format!("{{\"model\":\"a\",\"messages\":[{{\"role\":\"user\",\"content\":\"q\"}}],{extra}}}");
        read(body.as_bytes()).expect_err("refused").public
    };
    assert!(refused("\"n\":2").starts_with("`n`"));
    assert!(refused("\"response_format\":{\"type\":\"json_object\"}").starts_with("`response_format`"));
    assert!(refused("\"stop\":[\"x\"]").starts_with("`stop`"));
    let text = read(br#"{"model":"a","messages":[{"role":"user","content":5}]}"#).expect_err("bad").public;
    assert!(text.starts_with("`messages[0].content`"), "{text}");
    let text = read(br#"{"model":"a","messages":[{"role":"system","content":"s"}]}"#).expect_err("bad").public;
    assert!(text.contains("no message of the user"), "{text}");
}

fn for_vendor(body: &str, provider: &str, defaults: &[(&str, &str)]) -> (String, Vec<String>) {
    let head = head(body.as_bytes()).expect("a good head");
    let written = head.splice(body.as_bytes(), "\"m\"", defaults.iter().copied(), of(provider));
    (String::from_utf8(written.body.to_vec()).expect("utf-8"), written.lost)
}

#[test]
fn what_a_vendor_refuses_is_cut_out_and_no_other_byte_changes() {
    let table = [
        // First, middle, last, all but the model, and renamed.
        ("{ \"user\":\"u\" , \"model\": \"a\",\n\"x\":1}", "{ \"model\": \"m\",\n\"x\":1}"),
        ("{\"model\":\"a\", \"user\":\"u\", \"x\" : 1e5 }", "{\"model\":\"m\", \"x\" : 1e5 }"),
        ("{\"model\":\"a\", \"x\":1, \"user\":\"u,}\" }", "{\"model\":\"m\", \"x\":1 }"),
        ("{\"user\":\"u\",\"model\":\"a\",\"user\":\"u\"}", "{\"model\":\"m\"}"),
        ("{\"model\":\"a\",\"seed\": 7}", "{\"model\":\"m\",\"random_seed\": 7}"),
        ("{\"max_completion_tokens\":9,\"model\":\"a\",\"max_tokens\":9}", "{\"model\":\"m\",\"max_tokens\":9}"),
    ];
    for (body, expected) in table {
        assert_eq!(for_vendor(body, "mistral", &[]).0, expected, "{body}");
    }
    let (body, lost) = for_vendor("{\"user\":\"u\",\"model\":\"a\",\"logprobs\":null}", "mistral", &[("seed", "1")]);
    assert_eq!((body.as_str(), lost), ("{\"random_seed\":1,\"model\":\"m\"}", vec!["user".to_owned()]));
}

#[test]
fn field_14_deepseek_gets_reasoning_back_on_turns_with_tool_calls_and_never_on_plain_turns() {
    let plain = r#"{"role":"assistant","reasoning_content":"p","content":"–ü"}"#;
    let calling = r#"{"role":"assistant", "content":null,"reasoning":"q","tool_calls":[{"id":"c"}]}"#;
    let body = format!("{{\"model\":\"a\",\"messages\":[{{\"role\":\"user\",\"content\":\"x\"}},{plain},{calling}]}}");
    let without = r#"{"role":"assistant","content":"–ü"}"#;
    let spelt = r#"{"role":"assistant", "content":null,"reasoning_content":"q","tool_calls":[{"id":"c"}]}"#;
    assert_eq!(
        for_vendor(&body, "deepseek", &[]).0,
        body.replace("\"a\"", "\"m\"").replace(plain, without).replace(calling, spelt)
    );
    let (vllm, _) = for_vendor(&body, "vllm", &[]);
    assert!(vllm.contains("\"reasoning\":\"p\"") && vllm.contains("\"reasoning\":\"q\""), "{vllm}");
    assert!(!for_vendor(&body, "openai", &[]).0.contains("reasoning"));
    assert_eq!(for_vendor(&body, "openrouter", &[]).0, body.replace("\"a\"", "\"m\""));
}

#[test]
fn messages_without_reasoning_pass_as_they_are() {
    let body = "{\"model\":\"a\",\"messages\":[ {\"role\" : \"user\",\"content\":\"my reasoning\"} ] }";
    assert_eq!(for_vendor(body, "deepseek", &[]).0, body.replace("\"a\"", "\"m\""));
    let (named, lost) = for_vendor("{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"name\":\"n\"}]}", "groq", &[]);
    assert_eq!(named, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"}]}");
    assert_eq!(lost, ["messages[0].name"]);
}

/// xorshift64.
fn random(state: &mut u64, below: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state % below as u64).expect("below a usize")
}

#[test]
fn any_body_that_has_a_head_stays_json_for_every_vendor_and_loses_only_what_is_named() {
    const FIELDS: [&str; 9] = [
        "\"user\":\"u,}\"",
        "\"seed\" : 1",
        "\"top_k\":2",
        "\"max_completion_tokens\":5 ",
        "\"stream_options\":{\"include_usage\":true}",
        "\"logit_bias\":{}",
        "\"x\\u0079\":[1,{\"a\":\"b\"}]",
        "\"n\":1",
        "\"messages\":[{\"role\":\"assistant\", \"reasoning\":\"ü\" ,\"name\":\"n\",\"tool_calls\":[]}, 7,{}]",
    ];
    const PROVIDERS: [&str; 7] = ["openai", "mistral", "deepseek", "groq", "openrouter", "vllm", ""];
    for seed in 1..=2000_u64 {
        let state = &mut seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut fields: Vec<&str> = FIELDS.into_iter().filter(|_| random(state, 2) == 0).collect();
        fields.insert(random(state, fields.len() + 1), "\"model\" :\"a\"");
        let glue = [",", " ,", ", ", "\n,\t"][random(state, 4)];
        let body = format!(" {{ {} }} ", fields.join(glue));
        for provider in PROVIDERS {
            let (out, lost) = for_vendor(&body, provider, &[("temperature", "0.5")]);
            let read = |text: &str| serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(text);
            let (before, after) = (read(&body).expect("JSON"), read(&out));
            let after = after.unwrap_or_else(|error| panic!("seed {seed}, {provider}: {error}: {out}"));
            let top_lost = lost.iter().filter(|name| !name.contains('[')).count();
            assert_eq!(after.len(), before.len() + 1 - top_lost, "seed {seed}, {provider}: {out}");
            assert_eq!(after.get("model").and_then(|model| model.as_str()), Some("m"));
        }
    }
}

#[test]
fn mangled_bodies_are_refused_or_read_and_never_panic() {
    let good = r#"{"model":"a","messages":[{"role":"user","content":[{"type":"text","text":"ü"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]},{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]}],"tools":[{"type":"function","function":{"name":"f"}}],"stop":["x"],"reasoning":{"effort":"low"}}"#;
    let mut refused = 0;
    for seed in 1..=3000_u64 {
        let state = &mut seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut bytes = good.as_bytes().to_vec();
        for _ in 0..=random(state, 3) {
            let at = random(state, bytes.len());
            match random(state, 3) {
                0 => bytes[at] = u8::try_from(random(state, 256)).expect("a byte"),
                1 => drop(bytes.drain(at..(at + random(state, 9)).min(bytes.len()))),
                _ => bytes.insert(at, b"{}[]\",:\n0"[random(state, 9)]),
            }
        }
        if let Ok(head) = head(&bytes) {
            head.splice(&bytes, "\"m\"", std::iter::empty(), of("deepseek"));
        }
        refused += usize::from(read(&bytes).is_err());
    }
    assert!((1..3000).contains(&refused), "{refused}");
}

#[test]
fn a_session_is_told_reasoning_and_files_and_refuses_what_only_a_vendor_knows() {
    let body = r#"{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AA","format":"wav"}}]},
        {"role":"assistant","reasoning_content":"hm","content":"x"}]}"#;
    let reading = read(body.as_bytes()).expect("good");
    assert!(
        matches!(&reading.messages[0].parts[0], Part::Media(media) if media.mime == "audio/wav" && media.url == "data:audio/wav;base64,AA")
    );
    assert!(matches!(&reading.messages[1].parts[0], Part::Reasoning(text) if text == "hm"));
    let foreign = r#"{"messages":[{"role":"user","content":[{"type":"video_url"}]}]}"#;
    assert!(read(foreign.as_bytes()).expect_err("refused").public.contains("`video_url`"));
}

#[test]
fn a_model_that_is_left_out_is_put_in() {
    let spliced = |body: &str| {
        let head = head_or(body.as_bytes(), "alias").expect("good");
        assert_eq!(head.model, "alias");
        head.splice(body.as_bytes(), "\"m\"", [("x", "1")].into_iter(), of("")).body
    };
    assert_eq!(spliced("{}"), "{\"x\":1,\"model\":\"m\"}");
    assert_eq!(spliced("{ \"input\":\"a\"}"), "{\"x\":1,\"model\":\"m\", \"input\":\"a\"}");
}

#[test]
fn a_developers_word_is_the_systems_where_nobody_knows_developers() {
    let body = br#"{"model":"a","messages":[{"role":"developer","content":"be brief"},{"role":"user","content":"developer"}]}"#;
    let head = head(body).unwrap();
    let sent = |provider| {
        let written = head.splice(body, "\"m\"", std::iter::empty(), crate::quirks::of(provider));
        String::from_utf8(written.body.to_vec()).unwrap()
    };
    assert_eq!(sent("openai"), String::from_utf8_lossy(body).replace("\"a\"", "\"m\""));
    assert_eq!(sent("deepseek"), sent("openai").replace("\"role\":\"developer\"", "\"role\":\"system\""));
}

#[test]
fn a_profiles_parameters_are_spelt_as_the_body_that_passes_spells_them() {
    use crate::chat::spelling;
    use crate::dialect::Dialect::{Chat, Completions, Messages, Responses};
    for (dialect, name, json, spelt) in [
        (Chat, "max_tokens", "5", Some("max_tokens")),
        (Messages, "max_completion_tokens", "5", Some("max_tokens")),
        (Responses, "max_tokens", "5", Some("max_output_tokens")),
        (Messages, "stop", "[\"x\"]", Some("stop_sequences")),
        (Messages, "stop", "\"x\"", None),
        (Messages, "reasoning_effort", "\"high\"", None),
        (Messages, "thinking", "{}", Some("thinking")),
        (Responses, "response_format", "{}", None),
        (Responses, "temperature", "1", Some("temperature")),
        (Completions, "response_format", "{}", None),
    ] {
        assert_eq!(spelling(dialect, name, json), spelt, "{dialect:?} {name}");
    }
}
