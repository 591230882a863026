//! `/v1/react/sessions`: events in order, readers that come and go, and sessions that end when they should.
use crate::stage::{ANSWERS, CALLS_CALCULATOR, react, react_with};
use magic_tests::{Event, Events, Gate, Gateway, Reply, Script, When, chunk, said, said_frames, wait_until_async};
use serde_json::{Value, json};

const PATH: &str = "/v1/react/sessions";

fn order(id: &str) -> Value {
    json!({ "model_alias": "thinker", "user_query": "What is 17 * 23?", "session_id": id })
}

async fn events(reply: Reply) -> Vec<Event> {
    Events::new(reply).await.rest().await
}

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

/// The joined text of all events of a name.
fn text(events: &[Event], name: &str) -> String {
    events.iter().filter(|event| event.name == name).map(|event| event.payload["text"].as_str().unwrap()).collect()
}

fn one<'a>(events: &'a [Event], name: &str) -> &'a Value {
    let found: Vec<&Event> = events.iter().filter(|event| event.name == name).collect();
    let [event] = found.as_slice() else { panic!("one {name}: {:?}", names(events)) };
    &event.payload
}

fn without_gaps(events: &[Event], from: u64) {
    let ids: Vec<u64> = events.iter().map(|event| event.id).collect();
    let expected: Vec<u64> = (from..).take(ids.len()).collect();
    assert_eq!(ids, expected);
}

async fn resume(gateway: &Gateway, id: &str, last: Option<&str>) -> Reply {
    let headers: Vec<(&str, &str)> = last.into_iter().map(|last| ("last-event-id", last)).collect();
    gateway.connect().await.request("GET", &format!("{PATH}/{id}/events"), &headers, b"").await
}

#[tokio::test]
async fn the_first_fault_events_have_ids_and_come_in_order_from_0_without_gaps() {
    let (provider, gateway) = react().await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));

    let events = events(gateway.post(PATH, &order("in-order")).await).await;

    without_gaps(&events, 0);
    let mut kinds = names(&events);
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "SessionCreated",
            "StepStarted",
            "AgentThoughtStream",
            "LlmCall",
            "AgentToolCallStart",
            "AgentToolCallEnd",
            "Observation",
            "StepStarted",
            "AgentThoughtStream",
            "FinalAnswerStream",
            "LlmCall",
            "Progress",
            "FinalAnswerStreamEnd",
        ]
    );
    let rungs = json!({ "kind": "ladder", "payload": { "protocol": "tags", "rungs": { "tag": 2 } } });
    assert_eq!(one(&events, "Progress"), &rungs);
    let created = one(&events, "SessionCreated");
    assert_eq!((&created["session_id"], &created["alias"]), (&json!("in-order"), &json!("thinker")));
    assert_eq!(created["pattern"], "standard_gemini_react");
    assert!(created["digest"].is_string(), "{created}");
    let steps: Vec<&Value> =
        events.iter().filter(|event| event.name == "StepStarted").map(|event| &event.payload["step"]).collect();
    assert_eq!(steps, [&json!(1), &json!(2)]);
    assert_eq!(text(&events, "AgentThoughtStream"), "I must multiply 17 by 23.\nThe tool says 391.");
    assert_eq!(text(&events, "FinalAnswerStream"), "17 * 23 = 391.");
    assert_eq!(text(&events, "Observation"), "391");
    let call = one(&events, "AgentToolCallStart");
    assert_eq!((&call["tool_name"], &call["arguments"]), (&json!("calculator"), &json!({ "expression": "17 * 23" })));
    let result = one(&events, "AgentToolCallEnd");
    assert_eq!((&result["ok"], &result["output"], &result["call_id"]), (&json!(true), &json!("391"), &call["call_id"]));
    let llm: Vec<&Event> = events.iter().filter(|event| event.name == "LlmCall").collect();
    for event in llm {
        let told = &event.payload;
        assert_eq!((&told["profile"], &told["attempts"], &told["key_id"]), (&json!("first"), &json!(1), &Value::Null));
        assert_eq!((&told["usage"]["total_tokens"], told["ms"].is_u64()), (&json!(30), true), "{told}");
    }
    let end = one(&events, "FinalAnswerStreamEnd");
    assert_eq!((&end["answer"], &end["finish_reason"]), (&json!("17 * 23 = 391."), &json!("stop")));
    assert_eq!((&end["usage"]["total_tokens"], &end["tool_calls"]), (&json!(60), &json!([])));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn the_first_fault_events_are_pieces_as_the_model_yields_them_and_not_characters() {
    let (provider, gateway) = react().await;
    let words = "one two three four five six seven eight nine ten eleven twelve";
    let script = format!("<THOUGHT>{words}</THOUGHT><FINAL_ANSWER>{words}");
    let pieces = said_frames(&script, (1, 1)).len();
    provider.once(said(&script));

    let events = events(gateway.post(PATH, &order("in-pieces")).await).await;

    let texts = events
        .iter()
        .filter(|event| ["AgentThoughtStream", "FinalAnswerStream"].contains(&event.name.as_str()))
        .count();
    assert!(texts <= pieces, "{texts} events for {pieces} pieces");
    assert_eq!(text(&events, "AgentThoughtStream"), words);
    assert_eq!(text(&events, "FinalAnswerStream"), words);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_reader_that_comes_back_misses_nothing_and_is_told_nothing_twice() {
    let (provider, gateway) = react().await;
    let gate = Gate::default();
    let rest = said_frames(" and further.</THOUGHT><FINAL_ANSWER>There.", (1, 1)).concat();
    provider.once(said(CALLS_CALCULATOR));
    provider.once(Script::stream().piece(chunk("<THOUGHT>So far")).gate(&gate).piece(rest).end());
    let mut reader = Events::new(gateway.post(PATH, &order("comes-back")).await).await;
    let mut seen = reader.until("Observation").await;
    let last = seen.last().unwrap().id.to_string();
    drop(reader);

    // While the session goes on: from the next event, live.
    let mut reader = Events::new(resume(&gateway, "comes-back", Some(&last)).await).await;
    seen.extend(reader.until("AgentThoughtStream").await);
    gate.open();
    seen.extend(reader.rest().await);

    without_gaps(&seen, 0);
    assert_eq!(text(&seen, "FinalAnswerStream"), "There.");
    // After its end: the same again, from the start or from anywhere.
    assert_eq!(events(resume(&gateway, "comes-back", None).await).await, seen);
    for at in 0..seen.len() - 1 {
        let rest = events(resume(&gateway, "comes-back", Some(&at.to_string())).await).await;
        assert_eq!(rest, seen[at + 1..], "after event {at}");
    }
    // Behind the last event a browser's EventSource is told to stop asking.
    for over in [seen.len() - 1, 100_000] {
        assert_eq!(resume(&gateway, "comes-back", Some(&over.to_string())).await.status, 204);
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn two_readers_of_one_session_read_the_same() {
    let (provider, gateway) = react().await;
    let gate = Gate::default();
    provider.once(said(ANSWERS).after(&gate));
    let mut one = Events::new(gateway.post(PATH, &order("two-readers")).await).await;
    let first = one.next().await.unwrap();
    let two = Events::new(resume(&gateway, "two-readers", None).await).await;
    gate.open();

    let (mut one, two) = tokio::join!(one.rest(), two.rest());

    one.insert(0, first);
    assert_eq!(one, two);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn the_first_fault_a_client_that_leaves_does_not_stop_a_session() {
    let (provider, gateway) = react().await;
    let gate = Gate::default();
    provider.once(said(CALLS_CALCULATOR).after(&gate)).once(said(ANSWERS));
    let mut reader = Events::new(gateway.post(PATH, &order("left-alone")).await).await;
    reader.until("StepStarted").await;
    provider.call(0).await;

    drop(reader);
    gate.open();

    let events = events(resume(&gateway, "left-alone", None).await).await;
    assert_eq!(text(&events, "FinalAnswerStream"), "17 * 23 = 391.");
    let shown = gateway.get(&format!("{PATH}/left-alone")).await.json().await;
    assert_eq!(shown["events"], events.len());
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn delete_cancels_a_session_and_its_call_to_the_vendor() {
    let (provider, gateway) = react().await;
    provider.once(Script::stream().piece(chunk("<THOUGHT>On and on")).hang());
    let mut reader = Events::new(gateway.post(PATH, &order("cancelled")).await).await;
    reader.until("AgentThoughtStream").await;

    assert_eq!(gateway.delete(&format!("{PATH}/cancelled")).await.status, 200);

    assert_eq!(names(&reader.rest().await), ["SessionCancelled"]);
    provider.call(0).await.was_left().await;
    let again = gateway.delete(&format!("{PATH}/cancelled")).await;
    assert_eq!(again.status, 200, "cancelling twice changes nothing");
    assert_eq!(again.json().await["status"], "cancelled");
    gateway.delete(&format!("{PATH}/never-was")).await.error(404).await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn with_stream_false_the_reply_is_the_end_of_the_session() {
    let (provider, gateway) = react().await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));
    let mut order = order("at-once");
    order["stream"] = json!(false);

    let reply = gateway.post(PATH, &order).await.json().await;

    assert_eq!((&reply["answer"], &reply["session_id"]), (&json!("17 * 23 = 391."), &json!("at-once")));
    assert_eq!((&reply["steps"], &reply["usage"]["total_tokens"]), (&json!(2), &json!(60)));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_whole_conversation_may_be_given_in_place_of_a_query() {
    let (provider, gateway) = react().await;
    provider.once(said(ANSWERS));
    let order = json!({ "model_alias": "thinker", "stream": false, "client_system_instruction": "Be brief, {please}.",
        "client_manifests": ["No puns."], "temperature": 0.5, "messages": [
            { "role": "user", "content": "I have 17 boxes." }, { "role": "assistant", "content": "Noted." },
            { "role": "user", "content": "Of 23 each?" }] });

    let reply = gateway.post(PATH, &order).await;

    assert_eq!(reply.status, 200);
    let call = provider.call(0).await;
    let messages = call.messages();
    assert_eq!(messages.len(), 4);
    assert!(messages[0].1.contains("Be brief, {please}.") && messages[0].1.contains("No puns."), "{}", messages[0].1);
    assert_eq!((messages[1].1.as_str(), messages[3].1.as_str()), ("I have 17 boxes.", "Of 23 each?"));
    assert_eq!(call.json()["temperature"], 0.5);
    drop(reply);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn an_order_that_cannot_be_carried_out_is_refused_and_says_why() {
    let (provider, gateway) = react().await;
    let ok = order("refused");
    let with = |changes: Value| {
        let mut order = ok.clone();
        for (key, value) in changes.as_object().unwrap() {
            order[key] = value.clone();
        }
        order
    };
    let bad = [
        (with(json!({ "model_alias": "nobody" })), 404, "nobody"),
        (with(json!({ "model_alias": "plain" })), 400, "reasoning_mode"),
        (with(json!({ "reasoning_mode": "no_such_pattern" })), 404, "no_such_pattern"),
        (with(json!({ "user_query": "  " })), 400, "user_query"),
        (with(json!({ "messages": [{ "role": "user", "content": "x" }] })), 400, "user_query"),
        (with(json!({ "session_id": "../etc" })), 400, "session_id"),
        (with(json!({ "session_id": "" })), 400, "session_id"),
        (with(json!({ "user_qery": "x" })), 400, "user_qery"),
        (json!({ "user_query": "x" }), 400, "model_alias"),
        (json!([]), 400, ""),
    ];
    for (order, status, named) in bad {
        let error = gateway.post(PATH, &order).await.error(status).await;
        assert!(error["message"].as_str().unwrap().contains(named), "{order}: {error}");
    }
    assert!(provider.calls().is_empty());
    assert_eq!(gateway.get(PATH).await.json().await["data"], json!([]), "nothing was begun");
    gateway.get(&format!("{PATH}/never-was")).await.error(404).await;
    resume(&gateway, "never-was", None).await.error(404).await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_session_id_is_taken_once_and_a_bad_last_event_id_is_refused() {
    let (provider, gateway) = react().await;
    provider.always(said(ANSWERS));
    events(gateway.post(PATH, &order("mine")).await).await;

    let error = gateway.post(PATH, &order("mine")).await.error(400).await;

    assert!(error["message"].as_str().unwrap().contains("mine"), "{error}");
    for bad in ["x", "-1", "1.5", ""] {
        resume(&gateway, "mine", Some(bad)).await.error(400).await;
    }
    assert_eq!(provider.calls().len(), 1);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_pattern_may_be_named_for_an_alias_that_has_none() {
    let (provider, gateway) = react().await;
    provider.once(said("<FINAL_ANSWER>Thought about."));
    let mut order = order("named-pattern");
    order["model_alias"] = json!("plain");
    order["reasoning_mode"] = json!("standard_gemini_react");

    let events = events(gateway.post(PATH, &order).await).await;

    assert_eq!(text(&events, "FinalAnswerStream"), "Thought about.");
    assert_eq!(provider.calls_of("plain"), 1);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn sessions_are_listed_with_what_became_of_them() {
    let (provider, gateway) = react().await;
    provider.on(When::says("please-break"), Script::error(500, "oops"));
    provider.on(When::says("please-hang"), Script::silence());
    provider.always(said(ANSWERS));
    events(gateway.post(PATH, &order("good")).await).await;
    let mut failing = order("failed");
    failing["user_query"] = json!("please-break");
    let failed = events(gateway.post(PATH, &failing).await).await;
    let mut running = order("running");
    running["user_query"] = json!("please-hang");
    let mut reader = Events::new(gateway.post(PATH, &running).await).await;
    reader.until("StepStarted").await;

    let list = gateway.get(PATH).await.json().await;

    let why = one(&failed, "SessionFailed");
    assert!(why["code"].is_string() && why["message"].as_str().unwrap().contains("oops"), "{why}");
    let status = |id: &str| {
        let rows = list["data"].as_array().unwrap();
        rows.iter().find(|row| row["session_id"] == id).unwrap_or_else(|| panic!("no {id} in {list}"))["status"].clone()
    };
    assert_eq!(
        (status("good"), status("failed"), status("running")),
        (json!("answered"), json!("failed"), json!("running"))
    );
    gateway.delete(&format!("{PATH}/running")).await;
    drop(reader);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_fallback_is_told_in_the_event_of_its_call() {
    let (provider, gateway) = react().await;
    provider.on(When::under("first"), Script::error(503, "busy"));
    provider.on(When::under("second"), said(ANSWERS));
    let mut order = order("falls-back");
    order["model_alias"] = json!("chain");

    let events = events(gateway.post(PATH, &order).await).await;

    let told = one(&events, "LlmCall");
    assert_eq!((&told["profile"], &told["attempts"]), (&json!("second"), &json!(2)));
    assert_eq!(text(&events, "FinalAnswerStream"), "17 * 23 = 391.");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_session_that_hits_its_wall_time_ends() {
    let (provider, gateway) = react_with(", session_seconds_max: 1", "").await;
    provider.always(Script::stream().piece(chunk("<THOUGHT>For ever")).hang());

    let events = events(gateway.post(PATH, &order("for-ever")).await).await;

    let why = one(&events, "SessionFailed");
    assert_eq!(why["code"], "limit_reached", "{why}");
    provider.call(0).await.was_left().await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn sessions_over_the_bound_are_503_and_the_queued_ones_run_when_a_place_is_free() {
    let (provider, gateway) =
        react_with("", "server_settings: { sessions_parallel_max: 1, sessions_queued_max: 1 }\n").await;
    let gate = Gate::default();
    provider.once(said(ANSWERS).after(&gate));
    provider.always(said(ANSWERS));
    let running = Events::new(gateway.post(PATH, &order("first")).await).await;
    provider.call(0).await;
    let queued = Events::new(gateway.post(PATH, &order("second")).await).await;

    let refused = gateway.post(PATH, &order("third")).await;

    assert!(refused.header("retry-after").is_some());
    refused.error(503).await;
    assert_eq!(provider.calls().len(), 1, "the queued one waits");
    gate.open();
    let (running, queued) = tokio::join!(running.rest(), queued.rest());
    for events in [running, queued] {
        assert_eq!(text(&events, "FinalAnswerStream"), "17 * 23 = 391.");
    }
    resume(&gateway, "third", None).await.error(404).await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn an_id_that_waits_already_is_refused_and_the_one_that_waits_runs() {
    let (provider, gateway) =
        react_with("", "server_settings: { sessions_parallel_max: 1, sessions_queued_max: 4 }\n").await;
    let gate = Gate::default();
    provider.once(said(ANSWERS).after(&gate));
    provider.always(said(ANSWERS));
    let running = Events::new(gateway.post(PATH, &order("first")).await).await;
    provider.call(0).await;
    let queued = Events::new(gateway.post(PATH, &order("twin")).await).await;

    let twin = gateway.post(PATH, &order("twin")).await.error(400).await;

    assert!(twin["message"].as_str().unwrap().contains("exists already"), "{twin}");
    gate.open();
    let (running, queued) = tokio::join!(running.rest(), queued.rest());
    for events in [running, queued] {
        assert_eq!(text(&events, "FinalAnswerStream"), "17 * 23 = 391.");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_stopping_gateway_hands_its_sessions_on_to_the_next_and_readers_come_back() {
    let (provider, mut gateway) = react_with("", "server_settings: { drain_seconds: 2 }\n").await;
    provider.once(Script::silence());
    let mut reader = Events::new(gateway.post(PATH, &order("handed-on")).await).await;
    let seen = reader.until("StepStarted").await;
    provider.call(0).await;

    let ((), rest) = tokio::join!(gateway.restart(), reader.rest());
    assert_eq!(names(&rest), [""; 0], "no end is made up");
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));

    let last = seen.last().unwrap().id.to_string();
    let rest = events(resume(&gateway, "handed-on", Some(&last)).await).await;
    without_gaps(&rest, seen.len() as u64);
    assert_eq!(one(&rest, "FinalAnswerStreamEnd")["answer"], "17 * 23 = 391.");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn several_sessions_at_once_do_not_mix() {
    let (provider, gateway) = react().await;
    for number in 0..8 {
        provider.on(When::says(&format!("question {number}.")), said(&format!("<FINAL_ANSWER>answer {number}.")));
    }
    let ask = |number: usize| {
        let mut order = order(&format!("mix-{number}"));
        order["user_query"] = json!(format!("question {number}."));
        let gateway = &gateway;
        async move { events(gateway.post(PATH, &order).await).await }
    };

    let all = tokio::join!(ask(0), ask(1), ask(2), ask(3), ask(4), ask(5), ask(6), ask(7));

    let all = [all.0, all.1, all.2, all.3, all.4, all.5, all.6, all.7];
    for (number, events) in all.iter().enumerate() {
        assert_eq!(text(events, "FinalAnswerStream"), format!("answer {number}."));
        without_gaps(events, 0);
    }
    wait_until_async("all are over", || async { gateway.inner().alive().1.instances == 0 }).await;
    gateway.finish(&[&provider]).await;
}
