use super::{head, read};
use magic_types::chat::{Part, Role};

fn spliced(body: &str, model: &str, defaults: &[(&str, &str)]) -> String {
    let head = head(body.as_bytes()).expect("a good head");
    let out = head.splice(body.as_bytes(), &format!("\"{model}\""), defaults.iter().copied());
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
