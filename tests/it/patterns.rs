//! The shipped patterns that drive themselves, each through the whole gateway with a vendor that plays its model.
use magic_tests::{Call, Event, Events, Folder, Gate, Gateway, Provider, Script, said, said_frames};
use serde_json::{Value, json};

const PATH: &str = "/v1/react/sessions";

/// Alias `think` reasons by this pattern; `expert` by `standard_gemini_react`; `plain` is a model.
async fn gateway(provider: &Provider, pattern: &str, tools: &[&str]) -> Gateway {
    let base = provider.base();
    let profile = |name: &str, agent: &str| {
        format!(
            "  - {{ model_name: {name}, provider: local, model_params: {{ model: {name}-model, api_base: \"{base}\", \
             price: {{ input: 1, output: 2 }}, agent_settings: {{ {agent} }} }} }}\n"
        )
    };
    let tools_listed = tools.join(", ");
    let yaml = format!(
        "model_list:\n{}{}{}router_settings:\n  model_group_alias:\n    think: [think]\n    expert: {{ chain: [expert], description: \
         calculates }}\n    plain: [plain]\n",
        profile("think", &format!("reasoning_mode: {pattern}, tools: [{tools_listed}], agents: [expert, plain]")),
        profile("expert", "reasoning_mode: standard_gemini_react, tool_protocol: tags, tools: [calculator]"),
        profile("plain", ""),
    );
    let folder = Folder::new(&yaml).pattern(pattern).pattern("standard_gemini_react").tool("calculator");
    let folder = tools.iter().filter(|tool| **tool != "calculator").fold(folder, |folder, tool| folder.tool(tool));
    Gateway::start(folder).await
}

/// A whole session, asked by `think`.
async fn session(gateway: &Gateway, question: &str, options: Value) -> Vec<Event> {
    let order = json!({ "model_alias": "think", "user_query": question, "session_id": "s", "options": options });
    Events::new(gateway.post(PATH, &order).await).await.rest().await
}

fn text(events: &[Event], name: &str) -> String {
    events.iter().filter(|event| event.name == name).map(|event| event.payload["text"].as_str().unwrap()).collect()
}

fn end(events: &[Event]) -> &Value {
    let last = events.last().unwrap();
    assert_eq!(last.name, "FinalAnswerStreamEnd", "{last:?}");
    &last.payload
}

/// Everything that the model of this call is told, and what it is told last.
fn told(call: &Call) -> (String, String) {
    let messages = call.messages();
    let all: Vec<&str> = messages.iter().map(|(_, text)| text.as_str()).collect();
    (all.join("\n"), all.last().map(|text| (*text).to_owned()).unwrap_or_default())
}

fn sonata(call: &Call) -> Script {
    let (_, last) = told(call);
    said(match last {
        last if last.contains("ACT ONE") => "What is really asked?",
        last if last.contains("ACT TWO") => "The weakest step is the second.",
        _ => "Both, and neither.",
    })
}

#[tokio::test]
async fn sonata_thinks_in_two_acts_and_answers_in_the_third() {
    let provider = Provider::start().await;
    provider.answers(sonata);
    let gateway = gateway(&provider, "sonata_react", &[]).await;
    let events = session(&gateway, "Is it art?", json!({})).await;
    assert_eq!(text(&events, "FinalAnswerStream"), "Both, and neither.");
    let thoughts = text(&events, "AgentThoughtStream");
    assert!(thoughts.contains("What is really asked?") && thoughts.contains("The weakest step"), "{thoughts}");
    assert_eq!((&end(&events)["model_calls"], &end(&events)["steps"]), (&json!(3), &json!(3)));
    assert_eq!(provider.calls().len(), 3);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_driver_session_goes_on_after_a_restart_where_it_was() {
    let provider = Provider::start().await;
    let gate = Gate::default();
    let held = said_frames("The weakest", (1, 1)).concat();
    let slow = Script::stream().piece(&held).gate(&gate).end();
    provider.on(magic_tests::When::says("ACT TWO").times(1), slow);
    provider.answers(sonata);
    let mut gateway = gateway(&provider, "sonata_react", &[]).await;
    let order = json!({ "model_alias": "think", "user_query": "Is it art?", "session_id": "s" });
    let mut reader = Events::new(gateway.post(PATH, &order).await).await;
    let mut seen = reader.until("StepStarted").await;
    seen.extend(reader.until("StepStarted").await);
    provider.call(1).await;
    drop(reader);
    gateway.restart().await;
    let reply = gateway.connect().await.request("GET", &format!("{PATH}/s/events"), &[], b"").await;
    let events = Events::new(reply).await.rest().await;
    assert_eq!(events[..seen.len()], seen);
    assert_eq!(text(&events, "FinalAnswerStream"), "Both, and neither.");
    let acts = provider.calls().iter().map(|call| told(call).1).filter(|last| last.contains("ACT ONE")).count();
    assert_eq!(acts, 1, "what was answered is not asked again");
    gateway.finish(&[&provider]).await;
}

/// A session of `sonata_react` in its second act, whose gateway has stopped; the vendor answers from now on.
async fn left_in_act_two(provider: &Provider) -> Gateway {
    provider.on(magic_tests::When::says("ACT TWO").times(1), Script::silence());
    provider.answers(sonata);
    let gateway = gateway(provider, "sonata_react", &[]).await;
    let order = json!({ "model_alias": "think", "user_query": "Is it art?", "session_id": "s" });
    let mut reader = Events::new(gateway.post(PATH, &order).await).await;
    reader.until("StepStarted").await;
    reader.until("StepStarted").await;
    provider.call(1).await;
    gateway
}

async fn all_events(gateway: &Gateway) -> Vec<Event> {
    let reply = gateway.connect().await.request("GET", &format!("{PATH}/s/events"), &[], b"").await;
    Events::new(reply).await.rest().await
}

/// The same component with other bytes: a custom section (WebAssembly core specification, 5.5.3) that nobody reads.
fn another_version(file: &[u8]) -> Vec<u8> {
    [file, &[0, 5, 4, b'n', b'o', b't', b'e']].concat()
}

#[tokio::test]
async fn a_session_moves_to_a_new_version_of_its_pattern_that_decides_alike() {
    let provider = Provider::start().await;
    let mut gateway = left_in_act_two(&provider).await;
    let path = gateway.folder().path("patterns/sonata_react.wasm");
    let newer = another_version(&std::fs::read(&path).unwrap());
    gateway.restart_after(|folder| folder.write("patterns/sonata_react.wasm", newer)).await;
    let events = all_events(&gateway).await;
    let moved = events.iter().find(|event| event.payload["kind"] == "migrated").expect("it is said");
    assert_ne!(moved.payload["payload"]["from"], moved.payload["payload"]["to"]);
    assert_eq!(end(&events)["answer"], "Both, and neither.");
    gateway.finish(&[&provider]).await;
}

/// The bytes with one text for another of the same length.
fn replaced(file: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = file.windows(from.len()).position(|window| window == from).expect("the text is in it");
    [&file[..at], to, &file[at + from.len()..]].concat()
}

#[tokio::test]
async fn a_session_ends_on_its_old_version_where_the_new_one_decides_otherwise() {
    let provider = Provider::start().await;
    let mut gateway = left_in_act_two(&provider).await;
    let path = gateway.folder().path("patterns/sonata_react.wasm");
    let newer = replaced(&std::fs::read(&path).unwrap(), b"ACT ONE", b"ACT NIL");
    gateway.restart_after(|folder| folder.write("patterns/sonata_react.wasm", newer)).await;
    let events = all_events(&gateway).await;
    assert_eq!(end(&events)["answer"], "Both, and neither.");
    assert_eq!(end(&events)["model_calls"], 3);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn self_consistency_takes_what_most_samples_say() {
    let provider = Provider::start().await;
    for sample in ["It is 5.", "4", "The answer is 4.", "7", "4.0"] {
        provider.once(said(sample));
    }
    let gateway = gateway(&provider, "self_consistency", &[]).await;
    let events = session(&gateway, "What is 2 + 2?", json!({ "n": 5 })).await;
    assert!(end(&events)["answer"].as_str().unwrap().contains('4'), "{:?}", end(&events));
    assert_eq!(end(&events)["model_calls"], 5);
    assert_eq!(end(&events)["steps"], 1, "one round, five samples");
    let temperatures: Vec<Value> = provider.calls().iter().map(|call| call.json()["temperature"].clone()).collect();
    assert!(temperatures.iter().all(|temperature| temperature.as_f64().unwrap() > 0.5), "{temperatures:?}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_program_is_run_by_the_interpreter_and_mended_by_its_own_error() {
    let provider = Provider::start().await;
    provider.once(said("```python\nprint(17 * twentythree)\n```")).once(said("```python\nprint(17 * 23)\n```"));
    let gateway = gateway(&provider, "program_react", &["python"]).await;
    let events = session(&gateway, "What is 17 * 23?", json!({})).await;
    assert_eq!(end(&events)["answer"], "391");
    let repair = told(&provider.calls()[1]).1;
    assert!(repair.contains("NameError") && repair.contains("twentythree"), "{repair}");
    let ok: Vec<&Value> =
        events.iter().filter(|event| event.name == "AgentToolCallEnd").map(|event| &event.payload["ok"]).collect();
    assert_eq!(ok, [&json!(false), &json!(true)]);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_plan_is_carried_out_side_by_side_with_the_tools() {
    let provider = Provider::start().await;
    provider.answers(|call| {
        let (all, last) = told(call);
        said(&if last.contains("Carry out this one step") {
            let step = last.split("<STEP>").nth(1).unwrap_or_default();
            let expression = if step.contains("first") { "2 + 3" } else { "10 * 7" };
            format!("<THOUGHT>I calculate.</THOUGHT><ACTION>{}", json!({ "tool_name": "calculator", "arguments": { "expression": expression } }))
        } else if last.contains("<OBSERVATION>") {
            let seen = last.split("<OBSERVATION>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default();
            format!("<FINAL_ANSWER>it is {seen}")
        } else if last.contains("Can the question be answered") {
            "[]".to_owned()
        } else if last.contains("This was found out") {
            assert!(last.contains("it is 5") && last.contains("it is 70"), "{last}");
            "5 and 70.".to_owned()
        } else {
            assert!(all.contains("calculator"), "the planner is told of the tools");
            "Two sums.\n[{\"id\": 1, \"step\": \"the first\", \"needs\": []}, {\"id\": 2, \"step\": \"the second\", \"needs\": []}]".to_owned()
        })
    });
    let gateway = gateway(&provider, "plan_execute_react", &["calculator"]).await;
    let events = session(&gateway, "What are 2 + 3 and 10 * 7?", json!({})).await;
    assert_eq!(end(&events)["answer"], "5 and 70.");
    assert_eq!(end(&events)["tool_calls_made"], 2);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn reflexion_tries_again_on_the_word_of_its_checker() {
    let provider = Provider::start().await;
    provider
        .once(said("```python\nassert 2 + 2 == 5\n```"))
        .once(said("Two and two are four."))
        .once(said("```python\nassert 2 + 2 == 4\nprint('fine')\n```"));
    let gateway = gateway(&provider, "reflexion_react", &["python"]).await;
    let checker = json!({ "checker": { "tool": "python", "argument": "code", "part": "code" } });
    let events = session(&gateway, "Write a true assertion.", checker).await;
    assert!(end(&events)["answer"].as_str().unwrap().contains("== 4"), "{:?}", end(&events));
    assert!(told(&provider.calls()[1]).0.contains("AssertionError"), "the reflection reads the checker's word");
    assert!(told(&provider.calls()[2]).0.contains("Two and two are four."), "the next attempt reads the lesson");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_tree_of_thought_goes_on_from_the_most_promising_branch() {
    let provider = Provider::start().await;
    provider.answers(|call| {
        let (_, last) = told(call);
        said(&if last.contains("Score:") {
            format!("Score: {}", if last.contains("good") { 9 } else { 1 })
        } else if last.contains("this is step") {
            let number = call.json()["seed"].as_u64().unwrap_or(0) % 2;
            if number == 0 { "a good idea".to_owned() } else { "a bad idea".to_owned() }
        } else {
            assert!(last.contains("idea"), "{last}");
            "Done.".to_owned()
        })
    });
    let gateway = gateway(&provider, "tree_of_thought", &[]).await;
    let events = session(&gateway, "Find a way.", json!({ "breadth": 2, "depth": 2, "beam": 1 })).await;
    assert_eq!(end(&events)["answer"], "Done.");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn experts_are_sessions_of_their_own_and_count_for_who_asked_them() {
    let provider = Provider::start().await;
    provider.answers(|call| {
        let (all, last) = told(call);
        said(&if all.contains("You lead a group of experts") && !last.contains("Above are the reports") {
            json!([{ "agent": "expert", "task": "Calculate 17 * 23." }, { "agent": "plain", "task": "Name a colour." }]).to_string()
        } else if last.contains("Above are the reports") {
            assert!(all.contains("391") && all.contains("Blue."), "{all}");
            "391, and blue.".to_owned()
        } else if last.contains("<OBSERVATION>391") {
            "<FINAL_ANSWER>391".to_owned()
        } else if all.contains("Name a colour") {
            "Blue.".to_owned()
        } else {
            "<THOUGHT>I multiply.</THOUGHT><ACTION>{\"tool_name\": \"calculator\", \"arguments\": {\"expression\": \"17 * 23\"}}".to_owned()
        })
    });
    let gateway = gateway(&provider, "expert_delegation_react", &["calculator"]).await;
    let events = session(&gateway, "What is 17 * 23, and what is a colour?", json!({})).await;
    assert_eq!(end(&events)["answer"], "391, and blue.");
    // Divide, merge, two delegations, and two of the expert's own.
    assert_eq!((&end(&events)["model_calls"], &end(&events)["tool_calls_made"]), (&json!(6), &json!(1)));
    assert!(end(&events)["usage"]["cost_micros"].as_u64().unwrap() > 0);
    let list = gateway.get(PATH).await.json().await;
    let children: Vec<&Value> = list["data"].as_array().unwrap().iter().filter(|one| one["parent"] == "s").collect();
    assert_eq!(children.len(), 1);
    assert_eq!((&children[0]["alias"], &children[0]["status"]), (&json!("expert"), &json!("answered")));
    gateway.finish(&[&provider]).await;
}
