//! What the gateway tells a collector of its work: traces and logs, and what it never tells.
use crate::stage::{ANSWERS, CALLS_CALCULATOR, answer, ask, needs, plain, plain_yaml, react_folder};
use magic_tests::{
    Collector, Events, Folder, Gate, Gateway, Process, Provider, Refused, Script, Span, When, chunk, logged, said,
    wait_until,
};
use serde_json::{Value, json};
use std::collections::HashMap;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

async fn post(gateway: &Gateway, path: &str, headers: &[(&str, &str)], body: &Value) -> magic_tests::Reply {
    let headers = [&[("content-type", "application/json")], headers].concat();
    gateway.connect().await.request("POST", path, &headers, body.to_string().as_bytes()).await
}

/// Waits until a span of this name is there, and returns all.
async fn spans_with(collector: &Collector, name: &str) -> Vec<Span> {
    wait_until(name, || collector.spans().iter().any(|span| span.name == name)).await;
    collector.spans()
}

/// The names from a span up to the client's own span, which must be at the end.
fn way_up(span: &Span, all: &[Span]) -> Vec<String> {
    let by_id: HashMap<&str, &Span> = all.iter().map(|span| (span.id.as_str(), span)).collect();
    let (mut names, mut at) = (Vec::new(), span);
    loop {
        assert_eq!(at.trace, TRACE, "{at:?}");
        names.push(at.name.clone());
        if at.parent == PARENT {
            return names;
        }
        at = by_id.get(at.parent.as_str()).unwrap_or_else(|| panic!("nobody is the parent of {at:?} in {all:#?}"));
    }
}

#[tokio::test]
async fn every_step_model_call_and_tool_call_of_a_session_lies_below_the_clients_span() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    let gateway = Gateway::start(react_folder(&provider, "", &collector.section(""))).await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));
    let order =
        json!({ "model_alias": "thinker", "user_query": "What is 17 * 23?", "session_id": "traced", "stream": false });

    let reply =
        post(&gateway, "/v1/react/sessions", &[("traceparent", &traceparent("01")), ("tracestate", "a=b")], &order)
            .await;
    assert_eq!(reply.json().await["answer"], "17 * 23 = 391.");

    wait_until("the request's span", || collector.spans().iter().any(|span| span.name == "POST /v1/react/sessions"))
        .await;
    let spans = spans_with(&collector, "invoke_agent standard_gemini_react").await;
    let mut ways: Vec<String> = spans.iter().map(|span| way_up(span, &spans).join(" < ")).collect();
    ways.sort();
    let session = "invoke_agent standard_gemini_react < POST /v1/react/sessions";
    assert_eq!(
        ways,
        [
            "POST /v1/react/sessions".to_owned(),
            format!("chat first-model < step 1 < {session}"),
            format!("chat first-model < step 2 < {session}"),
            format!("component calculator < execute_tool calculator < step 1 < {session}"),
            format!("execute_tool calculator < step 1 < {session}"),
            session.to_owned(),
            format!("step 1 < {session}"),
            format!("step 2 < {session}"),
            format!("try first < chat first-model < step 1 < {session}"),
            format!("try first < chat first-model < step 2 < {session}"),
        ]
    );
    let by_name = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    assert!(spans.iter().all(|span| span.start <= span.end && !span.failed));
    let agent = by_name("invoke_agent standard_gemini_react");
    assert_eq!(
        ["gen_ai.operation.name", "gen_ai.agent.name", "gen_ai.conversation.id"].map(|key| agent.says(key)),
        ["invoke_agent", "standard_gemini_react", "traced"]
    );
    let call = by_name("chat first-model");
    assert_eq!(
        [
            "gen_ai.operation.name",
            "gen_ai.provider.name",
            "gen_ai.request.model",
            "gen_ai.response.model",
            "magic.profile"
        ]
        .map(|key| call.says(key)),
        ["chat", "local", "first-model", "first-model", "first"]
    );
    assert!(call.attributes.contains_key("gen_ai.usage.input_tokens") && call.kind == 3);
    assert!(call.attributes.contains_key("gen_ai.response.time_to_first_chunk"));
    let tool = by_name("execute_tool calculator");
    assert_eq!(["gen_ai.tool.name", "gen_ai.tool.type"].map(|key| tool.says(key)), ["calculator", "function"]);
    assert!(!tool.says("gen_ai.tool.call.id").is_empty());
    // Each model call went out below its own try.
    let tries: Vec<String> =
        spans.iter().filter(|span| span.name == "try first").map(|span| format!("00-{TRACE}-{}-01", span.id)).collect();
    for call in provider.calls() {
        assert!(tries.contains(&call.header("traceparent").unwrap().to_owned()), "{:?}", call.headers);
        assert_eq!(call.header("tracestate"), Some("a=b"));
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_chat_request_of_a_reasoning_alias_is_one_trace_too() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    let gateway = Gateway::start(react_folder(&provider, "", &collector.section(""))).await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));

    let reply =
        post(&gateway, "/v1/chat/completions", &[("traceparent", &traceparent("01"))], &ask("thinker", true)).await;
    assert!(reply.text().await.contains("391"));

    wait_until("the session's span", || collector.spans().iter().any(|span| span.name.starts_with("invoke_agent")))
        .await;
    let spans = spans_with(&collector, "POST /v1/chat/completions").await;
    let tool = spans.iter().find(|span| span.name == "execute_tool calculator").unwrap();
    assert_eq!(way_up(tool, &spans).last().unwrap(), "POST /v1/chat/completions");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn each_try_of_a_plain_request_is_a_span_and_carries_the_trace_to_its_vendor() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    let yaml = format!(
        "model_list:\n  - {{ model_name: one, provider: local, model_params: {{ model: m1, api_base: \"{}\" }} }}\n  \
         - {{ model_name: two, provider: local, model_params: {{ model: m2, api_base: \"{}\" }} }}\n\
         router_settings: {{ model_group_alias: {{ both: [one, two] }} }}\n{}",
        provider.base_of("one"),
        provider.base_of("two"),
        collector.section("")
    );
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    provider.on(When::under("one"), Script::error(500, "down")).on(When::under("two"), answer(false, "hello"));

    let reply =
        post(&gateway, "/v1/chat/completions", &[("traceparent", &traceparent("01"))], &ask("both", false)).await;
    assert_eq!(reply.status, 200);

    let spans = spans_with(&collector, "POST /v1/chat/completions").await;
    let mut ways: Vec<String> = spans.iter().map(|span| way_up(span, &spans).join(" < ")).collect();
    ways.sort();
    assert_eq!(
        ways,
        [
            "POST /v1/chat/completions",
            "chat m2 < POST /v1/chat/completions",
            "try one < chat m2 < POST /v1/chat/completions",
            "try two < chat m2 < POST /v1/chat/completions",
        ]
    );
    let failed: Vec<&Span> = spans.iter().filter(|span| span.failed).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].name.as_str(), failed[0].says("error.type")), ("try one", "upstream_error"));
    for (call, name) in provider.calls().iter().zip(["try one", "try two"]) {
        let span = spans.iter().find(|span| span.name == name).unwrap();
        assert_eq!(call.header("traceparent"), Some(format!("00-{TRACE}-{}-01", span.id).as_str()));
    }
    assert!(!logged(&[TRACE, "both", "served by"]).is_empty(), "the log line names the trace");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_trace_that_the_client_does_not_record_passes_through_unrecorded() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    let gateway = Gateway::start(Folder::new(&(plain_yaml(&provider.base()) + &collector.section("")))).await;
    provider.always(answer(false, "hello"));

    let headers = [("traceparent", traceparent("00"))];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    post(&gateway, "/v1/chat/completions", &headers, &ask("plain", false)).await.json().await;
    post(&gateway, "/v1/chat/completions", &[("traceparent", "00-nonsense")], &ask("plain", false)).await.json().await;

    let spans = spans_with(&collector, "POST /v1/chat/completions").await;
    assert_eq!(provider.calls()[0].header("traceparent"), Some(traceparent("00").as_str()));
    let fresh = provider.calls()[1].header("traceparent").unwrap().to_owned();
    assert!(spans.iter().all(|span| span.trace != TRACE && fresh.contains(&span.trace)), "{spans:?}");
    assert!(spans.iter().any(|span| span.parent.is_empty()));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn without_a_collector_no_trace_is_begun() {
    let (provider, gateway) = plain().await;
    provider.always(answer(false, "hello"));

    post(&gateway, "/v1/chat/completions", &[("traceparent", &traceparent("01"))], &ask("plain", false))
        .await
        .json()
        .await;

    assert_eq!(provider.calls()[0].header("traceparent"), None);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_collector_that_is_down_or_hangs_costs_no_request_and_no_stop() {
    let (provider, hanging, nobody) = (Provider::start().await, Provider::start().await, Refused::default());
    hanging.always(Script::silence());
    provider.always(answer(false, "hello"));
    for base in [nobody.base(), hanging.root()] {
        let section = format!("telemetry_settings: {{ otlp_endpoint: \"{base}\", export_seconds: 100ms }}\n");
        let mut gateway = Gateway::start(Folder::new(&(plain_yaml(&provider.base()) + &section))).await;
        for _ in 0..20 {
            let reply = gateway.chat(&ask("plain", false)).await;
            assert_eq!(reply.status, 200);
            reply.json().await;
        }
        assert!(gateway.take().stop().await, "it stops in good order");
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn what_a_collector_refuses_for_a_while_is_told_again() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    collector.server().clear().on(When::default().times(2), Script::bytes(503, "text/plain", "busy"));
    collector.server().always(Script::bytes(200, "application/x-protobuf", ""));
    let section = collector.section(", metrics: false, logs: false");
    let gateway = Gateway::start(Folder::new(&(plain_yaml(&provider.base()) + &section))).await;
    provider.always(answer(false, "hello"));

    gateway.chat(&ask("plain", false)).await.json().await;

    wait_until("a third export", || collector.calls("/v1/traces").len() >= 3).await;
    let bodies: Vec<Vec<u8>> = collector.calls("/v1/traces").into_iter().map(|call| call.body).collect();
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(bodies[1], bodies[2]);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn no_secret_prompt_or_answer_leaves_for_the_collector() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    let section = collector.section(", otlp_headers: { x-tenant: acme }");
    let folder = react_folder(&provider, "", &section);
    let yaml = std::fs::read_to_string(folder.path("proxy_config.yaml")).unwrap();
    folder.write(
        "proxy_config.yaml",
        yaml.replace("model_name: plain, provider: local", "model_name: plain, provider: mistral"),
    );
    folder.write("keys_pool/keys_pool_mistral.env", "sk-never-to-be-told-1234567890\n");
    let gateway = Gateway::start(folder).await;
    provider.on(When::under("plain").times(1), answer(false, "the answer is secret"));
    provider.on(When::under("plain"), Script::error(401, "bad key sk-never-to-be-told-1234567890"));
    provider.on(When::under("first").times(1), said(CALLS_CALCULATOR));
    provider.on(When::under("first"), said(ANSWERS));
    let body = json!({ "model": "plain", "messages": [{ "role": "user", "content": "a private question" }] });
    gateway.chat(&body).await.json().await;
    gateway.chat(&body).await.error(503).await;
    gateway.chat(&json!({ "model": "thinker", "messages": body["messages"] })).await.json().await;

    wait_until("all three traces", || {
        collector.spans().iter().filter(|span| span.name == "POST /v1/chat/completions").count() == 3
    })
    .await;
    gateway.finish(&[&provider]).await;

    let everything = collector.everything();
    for text in ["never-to-be-told", "private question", "the answer is secret", "17 * 23", "391"] {
        assert!(!everything.contains(text), "{text}");
    }
    assert!(everything.contains("magic.key.id"));
    let headers = &collector.calls("/v1/traces")[0];
    assert_eq!(
        (headers.header("x-tenant"), headers.header("content-type")),
        (Some("acme"), Some("application/x-protobuf"))
    );
}

#[tokio::test]
async fn log_lines_go_to_the_collector_with_their_trace() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    let folder = Folder::new(&(plain_yaml(&provider.base()) + &collector.section("")));
    provider.always(answer(false, "hello"));
    let mut process = Process::start(&folder, &["--listen", "127.0.0.1:0", "--log-format", "json"]).await;
    let address = process.address().await;
    let body = ask("plain", false).to_string();
    let headers = [("content-type", "application/json"), ("traceparent", &traceparent("01"))];
    let connection = magic_tests::Connection::open(address).await;
    connection.request("POST", "/v1/chat/completions", &headers, body.as_bytes()).await.json().await;

    wait_until("the line at the collector", || collector.logs().iter().any(|(.., trace, _)| trace == TRACE)).await;

    let logs = collector.logs();
    let (severity, message, _, fields) = logs.iter().find(|(.., trace, _)| trace == TRACE).unwrap();
    assert_eq!(severity, "INFO");
    assert!(message.contains("served by `main`"), "{message}");
    assert_eq!((fields["alias"].as_str(), fields["profile"].as_str()), ("plain", "main"));
    process.terminate().await;
    let ended = process.ended().await;
    let line = ended.stderr.lines().find(|line| line.contains("served by")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["trace_id"], TRACE);
    assert!(logs.iter().all(|(_, message, ..)| !message.contains("/v1/logs")));
}

#[tokio::test]
async fn a_vendor_that_quotes_the_prompt_is_quoted_in_the_local_log_only() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    let folder = Folder::new(&(plain_yaml(&provider.base()) + &collector.section("")));
    provider.always(Script::error(400, "cannot answer `a private question`"));
    let args = ["--listen", "127.0.0.1:0", "--log-format", "json"];
    let mut process = Process::start(&folder, &args).await;
    let connection = magic_tests::Connection::open(process.address().await).await;
    let body = json!({ "model": "plain", "messages": [{ "role": "user", "content": "a private question" }] });
    let headers = [("content-type", "application/json"), ("traceparent", &traceparent("01"))];
    let body = body.to_string();
    let reply = connection.request("POST", "/v1/chat/completions", &headers, body.as_bytes()).await;
    assert!(reply.text().await.contains("a private question"), "the client is told");

    wait_until("the line at the collector", || collector.logs().iter().any(|(.., trace, _)| trace == TRACE)).await;

    process.terminate().await;
    let ended = process.ended().await;
    assert!(!collector.everything().contains("private question"));
    let (_, message, ..) = collector.logs().into_iter().find(|(.., trace, _)| trace == TRACE).unwrap();
    assert_eq!(message, "chat_completions `plain` refused");
    let line = ended.stderr.lines().find(|line| line.contains("`plain` refused")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert!(line["said"].as_str().unwrap().contains("a private question"), "{line}");
}

#[tokio::test]
async fn a_session_that_waits_for_its_place_says_so() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    let more = collector.section("") + "server_settings: { sessions_parallel_max: 1, sessions_queued_max: 4 }\n";
    let gateway = Gateway::start(react_folder(&provider, "", &more)).await;
    let gate = Gate::default();
    provider.once(said(ANSWERS).after(&gate)).always(said(ANSWERS));
    let order = |id: &str| json!({ "model_alias": "thinker", "user_query": "?", "session_id": id });
    let first = Events::new(gateway.post("/v1/react/sessions", &order("first")).await).await;
    provider.call(0).await;
    let second = post(&gateway, "/v1/react/sessions", &[("traceparent", &traceparent("01"))], &order("second")).await;
    gate.open();
    first.rest().await;
    Events::new(second).await.rest().await;

    wait_until("the second session's spans", || {
        let spans = collector.spans();
        ["queue", "POST /v1/react/sessions", "invoke_agent standard_gemini_react"]
            .iter()
            .all(|name| spans.iter().any(|span| span.name == *name && span.trace == TRACE))
    })
    .await;

    let spans = collector.spans();
    let queue: Vec<&Span> = spans.iter().filter(|span| span.name == "queue").collect();
    assert_eq!(queue.len(), 1, "the first had its place at once");
    assert_eq!(way_up(queue[0], &spans), ["queue", "POST /v1/react/sessions"]);
    gateway.finish(&[&provider]).await;
}

/// Alias `think` hands tasks to `expert`, which reasons, and to `plain`, which does not.
async fn with_experts(provider: &Provider, more: &str) -> Gateway {
    let base = provider.base();
    let profile = |name: &str, agent: &str| {
        format!(
            "  - {{ model_name: {name}, provider: local, model_params: {{ model: {name}-model, api_base: \"{base}\", \
             agent_settings: {{ {agent} }} }} }}\n"
        )
    };
    let yaml = format!(
        "model_list:\n{}{}{}router_settings: {{ model_group_alias: {{ think: [think], expert: [expert], plain: [plain] }} }}\n{more}",
        profile("think", "reasoning_mode: expert_delegation_react, tools: [], agents: [expert, plain]"),
        profile("expert", "reasoning_mode: standard_gemini_react, tool_protocol: tags, tools: [calculator]"),
        profile("plain", ""),
    );
    let folder = Folder::new(&yaml).pattern("expert_delegation_react").pattern("standard_gemini_react");
    Gateway::start(folder.tool("calculator")).await
}

#[tokio::test]
async fn what_is_delegated_lies_below_the_step_that_delegated_it() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    let gateway = with_experts(&provider, &collector.section("")).await;
    provider.answers(|call| {
        let messages = call.messages();
        let all: String = messages.iter().map(|(_, text)| text.as_str()).collect();
        let last = messages.last().map(|(_, text)| text.clone()).unwrap_or_default();
        said(&if last.contains("Above are the reports") {
            "391, and blue.".to_owned()
        } else if all.contains("You lead a group of experts") {
            json!([{ "agent": "expert", "task": "Calculate." }, { "agent": "plain", "task": "Name a colour." }])
                .to_string()
        } else if last.contains("<OBSERVATION>391") {
            ANSWERS.to_owned()
        } else if all.contains("Name a colour") {
            "Blue.".to_owned()
        } else {
            CALLS_CALCULATOR.to_owned()
        })
    });
    let order = json!({ "model_alias": "think", "user_query": "?", "stream": false });

    let reply = post(&gateway, "/v1/react/sessions", &[("traceparent", &traceparent("01"))], &order).await;
    assert_eq!(reply.json().await["answer"], "391, and blue.");

    wait_until("the first session's span", || {
        collector.spans().iter().any(|span| span.name == "invoke_agent expert_delegation_react")
    })
    .await;
    let spans = spans_with(&collector, "POST /v1/react/sessions").await;
    let ways: Vec<String> = spans.iter().map(|span| way_up(span, &spans).join(" < ")).collect();
    let above = "invoke_agent expert_delegation_react < POST /v1/react/sessions";
    let has = |begins: &str, ends: &str| ways.iter().any(|way| way.starts_with(begins) && way.ends_with(ends));
    assert!(has("execute_tool calculator < step 1 < invoke_agent standard_gemini_react < step", above), "{ways:#?}");
    assert!(has("chat plain-model < step", above), "{ways:#?}");
    assert!(ways.contains(&format!("component expert_delegation_react < {above}")), "{ways:#?}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_spans_and_is_counted() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    let gateway = Gateway::start(Folder::new(&(plain_yaml(&provider.base()) + &collector.section("")))).await;
    provider.always(Script::stream().piece(chunk("So far")).hang());

    let mut reply =
        post(&gateway, "/v1/chat/completions", &[("traceparent", &traceparent("01"))], &ask("plain", true)).await;
    reply.piece().await;
    drop(reply);

    let spans = spans_with(&collector, "POST /v1/chat/completions").await;
    let request = spans.iter().find(|span| span.name == "POST /v1/chat/completions").unwrap();
    assert_eq!(request.says("magic.outcome"), "left");
    let call = spans.iter().find(|span| span.name == "chat vendor-model").unwrap();
    assert_eq!((call.failed, call.says("error.type")), (true, "cancelled"));
    assert!(spans.iter().any(|span| span.name == "try main"));
    let text = gateway.get("/metrics").await.text().await;
    assert!(text.contains("operation=\"chat_completions\",outcome=\"left\"} 1"), "{text}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn prompts_and_answers_are_told_where_somebody_asked_for_them_and_keys_are_not() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    let folder = react_folder(&provider, "", &collector.section(", capture_content: true"));
    let yaml = std::fs::read_to_string(folder.path("proxy_config.yaml")).unwrap();
    folder.write(
        "proxy_config.yaml",
        yaml.replace("model_name: plain, provider: local", "model_name: plain, provider: mistral"),
    );
    folder.write("keys_pool/keys_pool_mistral.env", "a-key-without-any-form\n");
    let gateway = Gateway::start(folder).await;
    provider.on(When::under("plain"), answer(true, "the answer is: a-key-without-any-form"));
    provider.on(When::under("first").times(1), said(CALLS_CALCULATOR));
    provider.on(When::under("first"), said(ANSWERS));
    let question = "use sk-proj-abcdefghijklmnop, please";
    let messages = json!([{ "role": "user", "content": question }]);

    gateway.chat(&json!({ "model": "plain", "stream": true, "messages": messages })).await.text().await;
    gateway.chat(&json!({ "model": "thinker", "messages": messages })).await.json().await;

    wait_until("both traces", || {
        collector.spans().iter().filter(|span| span.name == "POST /v1/chat/completions").count() == 2
    })
    .await;
    let spans = spans_with(&collector, "execute_tool calculator").await;
    let plain = spans.iter().find(|span| span.name == "chat m").unwrap();
    assert!(plain.says("magic.request.body").contains("use [redacted], please"), "{plain:?}");
    assert!(plain.says("gen_ai.output.messages").contains("the answer is: mistral-"), "{plain:?}");
    let steps: Vec<&Span> = spans.iter().filter(|span| span.name == "chat first-model").collect();
    assert!(
        steps.iter().all(|step| step.says("gen_ai.input.messages").contains("use [redacted], please")),
        "{steps:?}"
    );
    assert!(steps.iter().any(|step| step.says("gen_ai.output.messages").contains("The tool says 391.")), "{steps:?}");
    let tool = spans.iter().find(|span| span.name == "execute_tool calculator").unwrap();
    assert!(
        tool.says("gen_ai.tool.call.arguments").contains("17 * 23")
            && tool.says("gen_ai.tool.call.result").contains("391")
    );
    gateway.finish(&[&provider]).await;
    let everything = collector.everything();
    assert!(!everything.contains("abcdefghijklmnop") && !everything.contains("without-any-form"));
}

#[tokio::test]
async fn a_session_that_goes_on_after_a_restart_begins_a_trace_of_its_own() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    let more = collector.section("") + "server_settings: { drain_seconds: 2 }\n";
    let mut gateway = Gateway::start(react_folder(&provider, "", &more)).await;
    provider.once(said(CALLS_CALCULATOR)).once(Script::silence()).always(said(ANSWERS));
    let order = json!({ "model_alias": "thinker", "user_query": "?", "session_id": "again" });
    let reader = post(&gateway, "/v1/react/sessions", &[("traceparent", &traceparent("01"))], &order).await;
    provider.call(1).await;
    drop(reader);

    gateway.restart().await;
    let path = "/v1/react/sessions/again/events";
    let events = Events::new(gateway.get(path).await).await.rest().await;
    assert_eq!(events.last().unwrap().name, "FinalAnswerStreamEnd");

    let agents = || {
        let spans = collector.spans().into_iter();
        spans.filter(|span| span.name.starts_with("invoke_agent")).collect::<Vec<_>>()
    };
    wait_until("both spans of the session", || agents().len() == 2).await;
    let (first, second) = (&agents()[0], &agents()[1]);
    assert_eq!(first.trace, TRACE);
    assert!(second.trace != TRACE && second.parent.is_empty() && second.says("gen_ai.conversation.id") == "again");
    gateway.finish(&[&provider]).await;
}

/// `rotel`, a collector that others make: it takes OTLP, reads it by its own means and says on its standard output what it got.
/// Its ports are free when they are looked for.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn real_collector() -> (String, Process) {
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let find = "import os, rotel; print(os.path.join(os.path.dirname(rotel.__file__), 'rotel-agent'))";
    let found = std::process::Command::new(needs("MAGIC_TEST_PYTHON")).args(["-I", "-c", find]).output().unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let (http, grpc) = (free(), free());
    let mut command = tokio::process::Command::new(String::from_utf8(found.stdout).unwrap().trim());
    command.args([
        "start",
        "--exporter",
        "blackhole",
        "--debug-log",
        "traces",
        "--debug-log",
        "metrics",
        "--debug-log-verbosity",
        "detailed",
    ]);
    command.args(["--otlp-http-endpoint", &http, "--otlp-grpc-endpoint", &grpc]);
    (http, Process::spawn(command))
}

/// The spans that it says it got.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn heard(stdout: &str) -> Vec<Span> {
    let read = |text: &str| {
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(name)?.trim().strip_prefix(':'));
            line.map(|value| value.trim().to_owned()).unwrap_or_default()
        };
        Span {
            trace: field("Trace ID"),
            id: field("ID"),
            parent: field("Parent ID"),
            name: field("Name"),
            ..Span::default()
        }
    };
    stdout.split("Span #").skip(1).map(read).collect()
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[tokio::test]
async fn a_real_collector_takes_the_trace_of_a_session_and_its_numbers() {
    let provider = Provider::start().await;
    let (address, collector) = real_collector();
    wait_until("the collector listens", || std::net::TcpStream::connect(&address).is_ok()).await;
    let section = format!("telemetry_settings: {{ otlp_endpoint: \"http://{address}\", export_seconds: 100ms }}\n");
    let mut gateway = Gateway::start(react_folder(&provider, "", &section)).await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));
    let order = json!({ "model_alias": "thinker", "user_query": "?", "stream": false });

    post(&gateway, "/v1/react/sessions", &[("traceparent", &traceparent("01"))], &order).await.json().await;
    // With its last words it tells the rest: spans, lines and every number.
    assert!(gateway.take().stop().await);

    wait_until("the session at the collector", || collector.stdout().contains(": POST /v1/react/sessions")).await;
    let spans = heard(&collector.stdout());
    let mut ways: Vec<String> = spans.iter().map(|span| way_up(span, &spans).join(" < ")).collect();
    ways.sort();
    let session = "invoke_agent standard_gemini_react < POST /v1/react/sessions";
    for below in [
        "chat first-model < step 1",
        "chat first-model < step 2",
        "component calculator < execute_tool calculator < step 1",
        "try first < chat first-model < step 2",
    ] {
        assert!(ways.contains(&format!("{below} < {session}")), "{ways:#?}");
    }
    assert_eq!(spans.len(), 10, "{ways:#?}");
    wait_until("the numbers at the collector", || {
        ["gen_ai.client.operation.duration", "magic.tool.calls", "magic.sessions"]
            .iter()
            .all(|name| collector.stdout().contains(name))
    })
    .await;
    gateway.finish(&[&provider]).await;
    assert!(!collector.stderr().contains("ERROR") && !collector.stdout().contains("ERROR"), "{}", collector.stdout());
    collector.kill().await;
}
