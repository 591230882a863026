//! `/v1/responses` with state, over vendors that have none: stored, found again, gone on from; and reasoning aliases through
//! every conversational endpoint.
use crate::stage::{ANSWERS, CALLS_CALCULATOR, react};
use magic_tests::{Folder, GREETING, Gateway, Provider, Reply, data_frames, little_model, said};
use serde_json::{Value, json};

const VENDORS: [(&str, &str); 3] = [("openai", "little"), ("anthropic", "little"), ("google", "gemini-3-little")];

/// Alias `alias`, with the little model behind it in this vendor's dialect.
async fn over(vendor: &str, model: &str) -> (Provider, Gateway) {
    let provider = little_model().await;
    let yaml = format!(
        "model_list:\n  - model_name: main\n    provider: {vendor}\n    model_params: {{ model: {model}, api_base: \"{}\" }}\n\
         router_settings:\n  model_group_alias: {{ alias: [main] }}\n",
        provider.base()
    );
    let gateway = Gateway::start(Folder::new(&yaml).keys(vendor, &[&format!("sk-responses-{vendor}")])).await;
    (provider, gateway)
}

async fn create(gateway: &Gateway, body: &Value) -> Value {
    good(gateway.post("/v1/responses", body).await).await
}

async fn good(reply: Reply) -> Value {
    let status = reply.status;
    let body = reply.json().await;
    assert_eq!(status, 200, "{body}");
    body
}

fn id(response: &Value) -> &str {
    response["id"].as_str().unwrap()
}

/// Of all its messages.
fn text(response: &Value) -> String {
    let messages = response["output"].as_array().unwrap().iter().filter(|item| item["type"] == "message");
    let parts = messages.flat_map(|item| item["content"].as_array().unwrap());
    parts.filter_map(|part| part["text"].as_str()).collect()
}

/// The final object of a stream that came to its end.
fn of_stream(stream: &str) -> Value {
    let frames: Vec<Value> = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}")))
        .collect();
    let last = frames.last().unwrap();
    assert_eq!(last["type"], "response.completed", "{stream}");
    last["response"].clone()
}

#[tokio::test]
async fn a_conversation_goes_on_over_every_vendor_and_a_restart() {
    for (vendor, model) in VENDORS {
        let (provider, mut gateway) = over(vendor, model).await;
        let first = create(&gateway, &json!({ "model": "alias", "input": "I am Ada." })).await;
        assert_eq!((first["object"].as_str(), first["status"].as_str()), (Some("response"), Some("completed")));
        assert_eq!(text(&first), GREETING, "{vendor}");
        let body = json!({ "model": "alias", "input": "And then?", "previous_response_id": id(&first) });
        let second = create(&gateway, &body).await;
        assert_eq!(second["previous_response_id"], first["id"], "{vendor}");

        gateway.restart().await;
        let body = json!({ "model": "alias", "input": "What was said first?", "previous_response_id": id(&second) });
        let third = create(&gateway, &body).await;

        assert_eq!(text(&third), "You said: I am Ada.", "{vendor}");
        let call = provider.call(2).await;
        let sent = call.json();
        assert_eq!(sent.get("previous_response_id"), None, "{vendor} does not know our ids");
        let turns = ["/messages", "/contents", "/input"].iter().find_map(|at| sent.pointer(at)).unwrap();
        let turns: Vec<String> = turns.as_array().unwrap().iter().map(Value::to_string).collect();
        let greeting = Value::from(GREETING).to_string();
        let said =
            ["I am Ada.", greeting.trim_matches('"'), "And then?", greeting.trim_matches('"'), "What was said first?"];
        assert_eq!(turns.len(), said.len(), "{vendor}: {turns:?}");
        for (turn, said) in turns.iter().zip(said) {
            assert!(turn.contains(said), "{vendor}: {said} is not in {turn}");
        }
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn a_stored_response_can_be_read_listed_and_deleted() {
    for (vendor, model) in VENDORS {
        let (provider, mut gateway) = over(vendor, model).await;
        let input = json!([{ "role": "user", "content": "one" }, { "role": "user", "content": "two" }]);
        let made = create(&gateway, &json!({ "model": "alias", "input": input })).await;
        let path = format!("/v1/responses/{}", id(&made));
        for restarted in [false, true] {
            if restarted {
                gateway.restart().await;
            }
            assert_eq!(good(gateway.get(&path).await).await, made, "{vendor}");
            let items = good(gateway.get(&format!("{path}/input_items?order=asc")).await).await;
            assert_eq!((&items["object"], &items["has_more"]), (&json!("list"), &json!(false)), "{vendor}");
            let contents: Vec<String> =
                items["data"].as_array().unwrap().iter().map(|item| item["content"].to_string()).collect();
            assert_eq!(contents.len(), 2, "{vendor}: {items}");
            assert!(contents[0].contains("one") && contents[1].contains("two"), "{vendor}: {items}");
        }
        let page = good(gateway.get(&format!("{path}/input_items?order=asc&limit=1")).await).await;
        assert_eq!((&page["has_more"], page["data"].as_array().unwrap().len()), (&json!(true), 1), "{vendor}");
        let next = format!("{path}/input_items?order=asc&after={}", page["last_id"].as_str().unwrap());
        let next = good(gateway.get(&next).await).await;
        assert!(next["data"][0].to_string().contains("two"), "{vendor}: {next}");

        let gone = good(gateway.delete(&path).await).await;

        assert_eq!((&gone["id"], &gone["deleted"]), (&made["id"], &json!(true)));
        gateway.get(&path).await.error(404).await;
        gateway.get(&format!("{path}/input_items")).await.error(404).await;
        gateway.delete(&path).await.error(404).await;
        gateway.restart().await;
        gateway.get(&path).await.error(404).await;
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn store_false_keeps_nothing() {
    let (provider, gateway) = over("anthropic", "little").await;
    for stream in [false, true] {
        let body = json!({ "model": "alias", "input": "I am Ada.", "store": false, "stream": stream });
        let reply = gateway.post("/v1/responses", &body).await;
        let made = if stream { of_stream(&reply.text().await) } else { good(reply).await };
        let error = gateway.get(&format!("/v1/responses/{}", id(&made))).await.error(404).await;
        assert!(error["message"].as_str().unwrap().contains(id(&made)), "{error}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn an_unknown_response_is_a_404_in_openais_shape() {
    let (provider, gateway) = over("anthropic", "little").await;
    for reply in [
        gateway.get("/v1/responses/resp_nowhere").await,
        gateway.delete("/v1/responses/resp_nowhere").await,
        gateway.get("/v1/responses/resp_nowhere/input_items").await,
    ] {
        let error = reply.error(404).await;
        assert_eq!(error["type"], "invalid_request_error");
        assert!(error["message"].as_str().unwrap().contains("resp_nowhere"), "{error}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_conversation_that_nobody_knows_is_refused_and_not_begun_anew_in_silence() {
    for (vendor, model) in VENDORS {
        let (provider, gateway) = over(vendor, model).await;
        let body = json!({ "model": "alias", "input": "Go on.", "previous_response_id": "resp_nowhere" });
        let reply = gateway.post("/v1/responses", &body).await;
        let status = reply.status;
        let text = reply.text().await;
        assert!(status == 400 || status == 404, "{vendor}: {status} {text}");
        assert!(text.contains("resp_nowhere"), "{vendor}: {text}");
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn a_reasoning_alias_does_not_begin_an_unknown_conversation_anew_either() {
    let (provider, gateway) = react().await;
    let body = json!({ "model": "thinker", "input": "Go on.", "previous_response_id": "resp_nowhere" });
    let error = gateway.post("/v1/responses", &body).await.error(400).await;
    assert!(error["message"].as_str().unwrap().contains("resp_nowhere"), "{error}");
    assert_eq!(provider.calls().len(), 0);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_streamed_response_is_stored_too() {
    for (vendor, model) in VENDORS {
        let (provider, mut gateway) = over(vendor, model).await;
        let reply =
            gateway.post("/v1/responses", &json!({ "model": "alias", "input": "I am Ada.", "stream": true })).await;
        let made = of_stream(&reply.text().await);
        assert_eq!(text(&made), GREETING, "{vendor}");
        assert_eq!(good(gateway.get(&format!("/v1/responses/{}", id(&made))).await).await, made, "{vendor}");

        gateway.restart().await;
        let body = json!({ "model": "alias", "input": "What was said first?", "stream": true, "previous_response_id": id(&made) });
        let next = of_stream(&gateway.post("/v1/responses", &body).await.text().await);

        assert_eq!(text(&next), "You said: I am Ada.", "{vendor}");
        assert_eq!(next["previous_response_id"], made["id"], "{vendor}");
        gateway.finish(&[&provider]).await;
    }
}

/// Tool calls are part of what went before.
#[tokio::test]
async fn a_tools_result_finds_its_call_in_the_stored_response() {
    for (vendor, model) in VENDORS {
        let (provider, gateway) = over(vendor, model).await;
        let tools = json!([{ "type": "function", "name": "get_weather", "parameters": { "type": "object", "properties": {
            "city": { "type": "string" } } } }]);
        let body = json!({ "model": "alias", "input": "The weather in Z\u{fc}rich?", "tools": tools });
        let asks = create(&gateway, &body).await;
        let call = asks["output"].as_array().unwrap().iter().find(|item| item["type"] == "function_call").unwrap();
        let output = json!({ "type": "function_call_output", "call_id": call["call_id"], "output": "cold" });

        let body = json!({ "model": "alias", "input": [output], "tools": tools, "previous_response_id": id(&asks) });
        let answer = create(&gateway, &body).await;

        assert_eq!(text(&answer), "It is cold.", "{vendor}");
        gateway.finish(&[&provider]).await;
    }
}

const QUESTION: &str = "What is 17 * 23?";

fn shows_the_work(reasoning: &str) {
    for part in ["I must multiply 17 by 23.", "calculator", "391", "The tool says 391."] {
        assert!(reasoning.contains(part), "{part} is not in {reasoning}");
    }
}

/// Of the summaries of all its thinking.
fn reasoning(response: &Value) -> String {
    let items = response["output"].as_array().unwrap().iter().filter(|item| item["type"] == "reasoning");
    items.map(|item| item["summary"].to_string() + &item["content"].to_string()).collect()
}

#[tokio::test]
async fn a_reasoning_alias_thinks_in_responses_and_remembers_its_answer() {
    for stream in [false, true] {
        let (provider, mut gateway) = react().await;
        provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS)).once(said("<FINAL_ANSWER>Still 391."));
        let reply =
            gateway.post("/v1/responses", &json!({ "model": "thinker", "input": QUESTION, "stream": stream })).await;
        let made = if stream { of_stream(&reply.text().await) } else { good(reply).await };
        assert_eq!(text(&made), "17 * 23 = 391.");
        assert_eq!((&made["model"], &made["status"]), (&json!("thinker"), &json!("completed")));
        shows_the_work(&reasoning(&made));
        let usage = &made["usage"];
        assert_eq!(
            (&usage["input_tokens"], &usage["output_tokens"], &usage["total_tokens"]),
            (&json!(20), &json!(40), &json!(60))
        );

        gateway.restart().await;
        let body = json!({ "model": "thinker", "input": "Are you sure?", "previous_response_id": id(&made) });
        let next = create(&gateway, &body).await;

        assert_eq!(text(&next), "Still 391.");
        assert_eq!(next["previous_response_id"], made["id"]);
        let messages = provider.call(2).await.messages();
        let said: Vec<&str> = messages.iter().map(|(_, text)| text.as_str()).collect();
        let place =
            |part: &str| said.iter().position(|text| text.contains(part)).unwrap_or_else(|| panic!("{part}: {said:?}"));
        assert!(
            place(QUESTION) < place("17 * 23 = 391.") && place("17 * 23 = 391.") < place("Are you sure?"),
            "{said:?}"
        );
        gateway.finish(&[&provider]).await;
    }
}

fn question(stream: bool) -> Value {
    json!({ "model": "thinker", "max_tokens": 500, "stream": stream, "messages": [{ "role": "user", "content": QUESTION }] })
}

#[tokio::test]
async fn a_reasoning_alias_hands_the_clients_own_tool_back_as_a_function_call() {
    let (provider, gateway) = react().await;
    let action = json!({ "tool_name": "weather", "arguments": { "city": "Oslo" } });
    provider.once(said(&format!("<THOUGHT>The client knows.</THOUGHT><ACTION>{action}")));
    let tool = json!({ "type": "function", "name": "weather", "parameters": { "type": "object", "properties": { "city": { "type": "string" } } } });
    let reply = create(&gateway, &json!({ "model": "thinker", "input": "How is it in Oslo?", "tools": [tool] })).await;
    let items: Vec<(&Value, &Value)> =
        reply["output"].as_array().unwrap().iter().map(|item| (&item["type"], &item["name"])).collect();
    assert_eq!(items, [(&json!("reasoning"), &Value::Null), (&json!("function_call"), &json!("weather"))], "{reply}");
    let arguments: Value = serde_json::from_str(reply["output"][1]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments, json!({ "city": "Oslo" }));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_reasoning_alias_thinks_in_messages() {
    let (provider, gateway) = react().await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));

    let message = good(gateway.post("/v1/messages", &question(false)).await).await;

    assert_eq!(
        (&message["type"], &message["role"], &message["model"]),
        (&json!("message"), &json!("assistant"), &json!("thinker"))
    );
    let of = |kind: &str| -> String {
        let blocks = message["content"].as_array().unwrap().iter().filter(|block| block["type"] == kind);
        blocks.filter_map(|block| block[kind].as_str()).collect()
    };
    shows_the_work(&of("thinking"));
    assert_eq!((of("text").as_str(), &message["stop_reason"]), ("17 * 23 = 391.", &json!("end_turn")));
    assert_eq!((&message["usage"]["input_tokens"], &message["usage"]["output_tokens"]), (&json!(20), &json!(40)));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_reasoning_alias_thinks_in_streamed_messages() {
    let (provider, gateway) = react().await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));

    let stream = gateway.post("/v1/messages", &question(true)).await.text().await;

    let lines: String =
        stream.lines().filter(|line| line.starts_with("data: ")).fold(String::new(), |all, line| all + line + "\n\n");
    let events = data_frames(&lines);
    let deltas = |name: &str| -> String { events.iter().filter_map(|event| event["delta"][name].as_str()).collect() };
    shows_the_work(&deltas("thinking"));
    assert_eq!((deltas("text").as_str(), deltas("stop_reason").as_str()), ("17 * 23 = 391.", "end_turn"));
    let usage = &events.iter().find(|event| event["type"] == "message_delta").unwrap()["usage"];
    assert_eq!(usage["output_tokens"], 40, "{stream}");
    assert_eq!(events.last().unwrap()["type"], "message_stop");
    gateway.finish(&[&provider]).await;
}
