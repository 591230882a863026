//! What can be done with a session beside reading it: speak into it, approve its calls, fork it, replay it, compare it; and
//! the limits that end it.
use crate::stage::{ANSWERS, CALLS_CALCULATOR, react, react_folder, react_with};
use magic_tests::{Event, Events, Folder, Gate, Gateway, Provider, Script, ToolWat, When, said, said_frames};
use serde_json::{Value, json};

const PATH: &str = "/v1/react/sessions";

fn order(id: &str) -> Value {
    json!({ "model_alias": "thinker", "user_query": "What is 17 * 23?", "session_id": id })
}

async fn whole(gateway: &Gateway, body: &Value) -> Vec<Event> {
    Events::new(gateway.post(PATH, body).await).await.rest().await
}

fn end(events: &[Event]) -> &Value {
    &events.last().unwrap().payload
}

/// The payload of the one Progress of this kind.
fn progress<'a>(events: &'a [Event], kind: &str) -> &'a Value {
    let found = events.iter().find(|event| event.name == "Progress" && event.payload["kind"] == kind);
    &found.unwrap_or_else(|| panic!("no {kind} in {events:?}")).payload["payload"]
}

#[tokio::test]
async fn what_is_said_into_a_running_session_reaches_the_model_at_its_next_step() {
    let (provider, gateway) = react().await;
    let gate = Gate::default();
    let beginning = said_frames("<THOUGHT>Let me", (1, 1)).concat();
    let rest = said_frames(CALLS_CALCULATOR, (1, 1)).concat();
    provider.once(Script::stream().piece(&beginning).gate(&gate).piece(&rest).end()).once(said(ANSWERS));
    let mut reader = Events::new(gateway.post(PATH, &order("spoken-to")).await).await;
    reader.until("AgentThoughtStream").await;

    let reply = gateway.post(&format!("{PATH}/spoken-to/messages"), &json!({ "content": "Answer in French." })).await;
    assert_eq!(reply.status, 202);
    gate.open();
    let events = reader.rest().await;

    assert_eq!(events.last().unwrap().name, "FinalAnswerStreamEnd");
    let told = provider.calls()[1].messages();
    assert!(told.iter().any(|(role, text)| role == "user" && text.contains("Answer in French.")), "{told:?}");
    let late = gateway.post(&format!("{PATH}/spoken-to/messages"), &json!({ "content": "Too late." })).await;
    assert!(late.error(400).await["message"].as_str().unwrap().contains("has ended"));
    let nobody = gateway.post(&format!("{PATH}/nobody/messages"), &json!({ "content": "Hello?" })).await;
    nobody.error(404).await;
    let empty = gateway.post(&format!("{PATH}/spoken-to/messages"), &json!({ "content": " " })).await;
    empty.error(400).await;
    gateway.finish(&[&provider]).await;
}

/// `thinker` with the destructive tool `erase`, which posts to the vendor.
async fn with_eraser() -> (Provider, Gateway) {
    let provider = Provider::start().await;
    let folder = react_folder(&provider, ", approvals: destructive", "");
    let yaml = std::fs::read_to_string(folder.path("proxy_config.yaml")).unwrap();
    folder.write("proxy_config.yaml", yaml.replace("tools: [calculator]", "tools: [calculator, erase]"));
    let url = format!("{}/erase", provider.root());
    folder.write("tools/erase.wasm", ToolWat { hints: 0b010, ..ToolWat::posts("erase", &url) }.file());
    let host = provider.root();
    let host = host.trim_start_matches("http://");
    folder.write("tools/erase.policy.yaml", format!("http: {{ hosts: [\"{host}\"], allow_private: true }}\n"));
    (provider, Gateway::start(folder).await)
}

const ERASES: &str = "<THOUGHT>It must go.</THOUGHT><ACTION>{\"tool_name\": \"erase\", \"arguments\": {\"n\": 1}}";

#[tokio::test]
async fn a_destructive_call_waits_for_a_person_also_over_a_restart() {
    let (provider, mut gateway) = with_eraser().await;
    provider.on(When::says("{\"n\":1}").times(1), Script::json(200, &json!({ "gone": true })));
    provider.on(When::says("{\"n\": 1}").times(1), Script::json(200, &json!({ "gone": true })));
    provider.clear();
    provider.once(said(ERASES));
    let mut reader = Events::new(gateway.post(PATH, &order("guarded")).await).await;
    let seen = reader.until("Progress").await;
    let wanted = progress(&seen, "approval_wanted");
    assert_eq!((&wanted["tool_name"], &wanted["arguments"]), (&json!("erase"), &json!({ "n": 1 })));
    let call_id = wanted["call_id"].as_str().unwrap().to_owned();
    drop(reader);
    gateway.restart().await;
    assert_eq!(provider.calls().len(), 1, "nothing is called before the word");

    provider.once(Script::json(200, &json!({ "gone": true }))).once(said("<FINAL_ANSWER>It is gone."));
    let approve = json!({ "approve": true });
    magic_tests::wait_until_async("the session is at work again", || async {
        gateway.post(&format!("{PATH}/guarded/approvals/{call_id}"), &approve).await.status == 202
    })
    .await;
    let events = gateway.connect().await.request("GET", &format!("{PATH}/guarded/events"), &[], b"").await;
    let events = Events::new(events).await.rest().await;
    assert_eq!(end(&events)["answer"], "It is gone.");
    let done = events.iter().find(|event| event.name == "AgentToolCallEnd").unwrap();
    assert_eq!(done.payload["ok"], true, "{done:?}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_refused_call_is_never_made_and_the_model_reads_why() {
    let (provider, gateway) = with_eraser().await;
    provider.once(said(ERASES)).once(said("<FINAL_ANSWER>I left it alone."));
    let mut reader = Events::new(gateway.post(PATH, &order("refused")).await).await;
    let seen = reader.until("Progress").await;
    let call_id = progress(&seen, "approval_wanted")["call_id"].as_str().unwrap().to_owned();
    let word = json!({ "approve": false, "comment": "not on a Friday" });
    assert_eq!(gateway.post(&format!("{PATH}/refused/approvals/{call_id}"), &word).await.status, 202);
    let events = reader.rest().await;
    assert_eq!(end(&events)["answer"], "I left it alone.");
    let done = events.iter().find(|event| event.name == "AgentToolCallEnd").unwrap();
    assert_eq!(done.payload["ok"], false);
    assert!(done.payload["output"].as_str().unwrap().contains("not on a Friday"), "{done:?}");
    assert_eq!(provider.calls().len(), 2, "two asks and no call");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_fork_begins_as_its_origin_did_and_goes_on_by_itself() {
    let (provider, gateway) = react().await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));
    let origin = whole(&gateway, &order("origin")).await;

    // Step 2 is done anew, by another alias; step 1 is not asked again.
    provider.once(said("<THOUGHT>Otherwise said.</THOUGHT><FINAL_ANSWER>CCCXCI."));
    let fork = json!({ "from_step": 2, "model_alias": "chain", "session_id": "fork" });
    let reply = gateway.post(&format!("{PATH}/origin/fork"), &fork).await;
    let forked = Events::new(reply).await.rest().await;
    assert_eq!(end(&forked)["answer"], "CCCXCI.");
    assert_eq!(provider.calls().len(), 3);
    assert_eq!(forked[0].payload["alias"], "chain");
    let first_step = |events: &[Event]| -> Vec<(String, Value)> {
        let steps = events.iter().skip(1).take_while(|event| event.payload["step"] != 2);
        steps
            .filter(|event| event.name != "AgentThoughtStream")
            .map(|event| (event.name.clone(), event.payload.clone()))
            .collect()
    };
    assert_eq!(first_step(&forked), first_step(&origin));

    let diff = gateway.get(&format!("{PATH}/origin/diff/fork")).await.json().await;
    assert_eq!(diff["same"], false);
    let steps: Vec<&Value> = diff["steps"].as_array().unwrap().iter().map(|step| &step["step"]).collect();
    assert_eq!(steps, [&json!(2)], "{diff}");
    let same = gateway.get(&format!("{PATH}/origin/diff/origin")).await.json().await;
    assert_eq!(same, json!({ "same": true, "steps": [] }));

    let never = gateway.post(&format!("{PATH}/origin/fork"), &json!({ "from_step": 9 })).await;
    assert!(never.error(400).await["message"].as_str().unwrap().contains("never came to step 9"));
    gateway.post(&format!("{PATH}/origin/fork"), &json!({ "from_step": 0 })).await.error(400).await;
    gateway.post(&format!("{PATH}/nobody/fork"), &json!({ "from_step": 1 })).await.error(404).await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_replay_asks_no_model_and_agrees_with_the_log() {
    let (provider, gateway) = react().await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));
    whole(&gateway, &order("replayed")).await;
    let replay = gateway.post(&format!("{PATH}/replayed/replay"), &json!({})).await.json().await;
    assert_eq!((&replay["agrees"], &replay["directives_part_at"]), (&json!(true), &Value::Null), "{replay}");
    assert_eq!(provider.calls().len(), 2);
    gateway.post(&format!("{PATH}/nobody/replay"), &json!({})).await.error(404).await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn options_that_a_pattern_does_not_take_are_refused_by_name() {
    let (provider, gateway) = react().await;
    let mut order = order("optioned");
    order["options"] = json!({ "depth": 3 });
    let refused = gateway.post(PATH, &order).await.error(400).await;
    assert!(refused["message"].as_str().unwrap().contains("options"), "{refused}");
    order["options"] = json!([1]);
    gateway.post(PATH, &order).await.error(400).await;
    gateway.get(&format!("{PATH}/optioned")).await.error(404).await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn an_alias_has_options_of_its_own_and_wrong_ones_are_a_problem_at_load() {
    let provider = Provider::start().await;
    let folder = |options: &str| {
        let yaml = format!(
            "model_list:\n  - {{ model_name: main, provider: local, model_params: {{ model: m, api_base: \"{}\", \
             agent_settings: {{ reasoning_mode: self_consistency, options: {options} }} }} }}\n\
             router_settings: {{ model_group_alias: {{ thinker: [main] }} }}\n",
            provider.base()
        );
        Folder::new(&yaml).pattern("self_consistency")
    };
    provider.once(said("4")).once(said("4"));
    let gateway = Gateway::start(folder("{ n: 2 }")).await;
    let events = whole(&gateway, &order("two-samples")).await;
    assert_eq!(end(&events)["model_calls"], 2);
    gateway.finish(&[&provider]).await;
    let bad = folder("{ samples: 2 }");
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let Err(error) = magic_proxy::Gateway::start(bad.paths(), listen).await else { panic!("it started") };
    let told = format!("{error:?}");
    assert!(told.contains("model_list[0].model_params.agent_settings.options") && told.contains("samples"), "{told}");
}

#[tokio::test]
async fn each_limit_makes_the_session_come_to_its_end_and_is_named() {
    for (setting, word) in [
        (", max_steps: 1", "steps"),
        (", model_calls_max: 1", "model_calls"),
        (", tool_calls_max: 1", "tool_calls"),
        (", total_tokens_max: 20", "tokens"),
    ] {
        let (provider, gateway) = react_with(setting, "").await;
        provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));
        let events = whole(&gateway, &order("limited")).await;
        assert_eq!(progress(&events, "wrap_up")["limit"], word, "{setting}");
        assert_eq!(
            (&end(&events)["limit"], &end(&events)["finish_reason"]),
            (&json!(word), &json!("length")),
            "{setting}"
        );
        assert_eq!(end(&events)["answer"], "17 * 23 = 391.", "{setting}: with what there is");
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn a_session_that_may_cost_no_more_comes_to_its_end() {
    let provider = Provider::start().await;
    let folder = react_folder(&provider, ", cost_max: 0.00003", "");
    let yaml = std::fs::read_to_string(folder.path("proxy_config.yaml")).unwrap();
    folder.write(
        "proxy_config.yaml",
        yaml.replace("model: first-model", "model: first-model\n      price: { input: 1, output: 2 }"),
    );
    let gateway = Gateway::start(folder).await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));
    let events = whole(&gateway, &order("costly")).await;
    assert_eq!(progress(&events, "wrap_up")["limit"], "cost");
    assert_eq!(end(&events)["limit"], "cost");
    assert!(end(&events)["usage"]["cost_micros"].as_u64().unwrap() >= 30, "{:?}", end(&events));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_chat_reply_names_its_session_and_what_it_spent() {
    let (provider, gateway) = react().await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));
    let reply = gateway.chat(&crate::stage::ask("thinker", false)).await;
    let id = reply.header("x-magic-session").unwrap().to_owned();
    let body = reply.json().await;
    assert_eq!(body["usage"]["model_calls"], 2, "{body}");
    let sums = gateway.get("/admin/sessions").await.json().await;
    let counted = (&sums["ended"]["answered"], &sums["rungs"]);
    assert_eq!(counted, (&json!(1), &json!({ "tags": { "tag": 2 } })), "{sums}");
    let shown = gateway.get(&format!("{PATH}/{id}")).await.json().await;
    assert_eq!((&shown["status"], &shown["end"]["answer"]), (&json!("answered"), &json!("17 * 23 = 391.")));
    gateway.finish(&[&provider]).await;
}
