//! The hostile suite: components that loop, grow, recurse, flood, trap and lie. Each is stopped within its limits, by
//! itself, with a text that names the limit, while others go on.
#![expect(clippy::disallowed_methods, reason = "these tests await every task they spawn")]
use crate::component::Kind;
use crate::defaults::Options;
use crate::error::LoadError;
use crate::testing::{Fake, SCHEMA};
use crate::testing::{
    Told, Tool, ask, ask_with, echo, embed, load, load_in, load_with, pattern, runtime, runtime_of, says,
};
use magic_types::chat::ToolError;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

mod grants;
mod lies;
mod wasi;

const LOOP: &str = "(loop $again (br $again)) unreachable";

fn failed(text: &str) -> ToolError {
    ToolError::Failed(text.to_owned())
}

#[tokio::test]
async fn a_tool_answers_on_a_fresh_instance() {
    let runtime = runtime();
    let tool = load(&runtime, "echo", echo().module()).await.unwrap();
    assert_eq!((tool.kind, tool.tools().len(), tool.name.as_str()), (Kind::Tool, 1, "echo"));
    assert!(tool.tools()[0].hints.read_only && tool.tools()[0].hints.idempotent && !tool.tools()[0].hints.destructive);
    assert_eq!(ask(&tool, r#"{"n":1}"#).await.unwrap().text, r#"{"n":1}"#);
    assert_eq!(ask(&tool, " ").await.unwrap().text, "{}");
    // A counter in memory starts anew at every call.
    let counts = "(i32.store8 (i32.const 600) (i32.add (i32.load8_u (i32.const 600)) (i32.const 49)))
                  (call $ok (i32.const 600) (i32.const 1))";
    let tool = load(&runtime, "counts", Tool::new(counts).module()).await.unwrap();
    assert_eq!(ask(&tool, "{}").await.unwrap().text, "1");
    assert_eq!(ask(&tool, "{}").await.unwrap().text, "1");
    assert_eq!(runtime.live().instances, 0);
}

#[tokio::test]
async fn an_endless_loop_is_ended_while_others_go_on() {
    // One thread: whoever does not give it away stops everybody.
    let runtime = runtime();
    let good = load(&runtime, "good", echo().module()).await.unwrap();
    let bad = load(&runtime, "bad", Tool::new(LOOP).module()).await.unwrap();
    let looping = tokio::spawn(async move { ask(&bad, "{}").await });
    let mut answered = 0;
    while !looping.is_finished() {
        ask(&good, "{}").await.unwrap();
        answered += 1;
        tokio::task::yield_now().await;
    }
    let ended = looping.await.unwrap();
    assert_eq!(ended, Err(failed("the component computed longer than limits.cpu_ms_max (300 ms)")));
    assert!(answered >= 5, "only {answered} calls while the other looped");
}

#[tokio::test]
async fn many_loops_at_once_all_end() {
    let runtime = runtime();
    let bad = load_with(&runtime, "bad", Tool::new(LOOP).module(), "limits: { cpu_ms_max: 50 }").await.unwrap();
    let all = (0..8).map(|_| ask(&bad, "{}"));
    for ended in futures_util::future::join_all(all).await {
        assert_eq!(ended, Err(failed("the component computed longer than limits.cpu_ms_max (50 ms)")));
    }
    assert_eq!((runtime.live().instances, runtime.live().stopped), (0, 8));
}

#[tokio::test]
async fn the_wall_clock_ends_what_epochs_cannot() {
    let runtime = runtime();
    let tool = grants::fetches("https://a.example/", "limits: { wall_ms_max: 100 }\nhttp: { hosts: [a.example] }");
    let tool = tool.await_on(&runtime).await;
    let host = Arc::new(Fake { waits: true, ..Fake::default() });
    let began = Instant::now();
    assert_eq!(ask_with(&tool, "{}", host).await, Err(ToolError::TimedOut));
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(runtime.live().instances, 0);
}

#[tokio::test]
async fn an_endless_start_function_is_ended_at_load() {
    let mut tool = echo();
    tool.items = "(func $start (loop $again (br $again))) (start $start)";
    let began = Instant::now();
    let refused = load(&runtime(), "x", tool.module()).await.unwrap_err();
    let LoadError::Probe { function: "describe", why } = &refused else { panic!("{refused}") };
    assert_eq!(why, "the component computed longer than limits.cpu_ms_max (300 ms)");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_memory_bomb_ends_at_its_limit() {
    let runtime = runtime();
    let bomb = "(loop $again (if (i32.eq (call $grow (i32.const 16)) (i32.const -1)) (then unreachable)) (br $again)) unreachable";
    let tool = load(&runtime, "bomb", Tool::new(bomb).module()).await.unwrap();
    let text = "the component needs more memory than limits.memory_bytes_max (4194304)";
    assert_eq!(ask(&tool, "{}").await, Err(failed(text)));
    // At the start it is refused the same way.
    let mut large = echo();
    large.pages = 65;
    let refused = load(&runtime, "large", large.module()).await.unwrap_err();
    assert_eq!(refused, LoadError::Probe { function: "describe", why: text.to_owned() });
}

#[tokio::test]
async fn deep_recursion_ends_as_a_failure() {
    let mut tool = Tool::new("(call $deeper (i32.const 0))");
    tool.items = "(func $deeper (param i32) (result i32) (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))";
    let tool = load(&runtime(), "deep", tool.module()).await.unwrap();
    assert_eq!(ask(&tool, "{}").await, Err(failed("the component recursed too deeply")));
}

#[tokio::test]
async fn a_trap_is_a_short_text() {
    let runtime = runtime();
    let tool = load(&runtime, "trap", Tool::new("unreachable").module()).await.unwrap();
    assert_eq!(ask(&tool, "{}").await, Err(failed("the component crashed: wasm `unreachable` instruction executed")));
    let divides = "(call $ok (i32.const 0) (i32.div_u (i32.const 1) (i32.const 0)))";
    let tool = load(&runtime, "divides", Tool::new(divides).module()).await.unwrap();
    assert_eq!(ask(&tool, "{}").await, Err(failed("the component crashed: integer divide by zero")));
}

#[tokio::test]
async fn huge_output_is_refused_at_every_size() {
    let runtime = runtime();
    // Just above the limit, and far above it but inside the guest's own memory.
    for (len, expected) in [
        (262_145, "the output is 262145 bytes, more than limits.output_bytes_max (262144)"),
        (3_000_000, "the component handed over more bytes than limits.output_bytes_max (262144) allows"),
    ] {
        let mut tool = Tool::new(format!("(call $ok (i32.const 0) (i32.const {len}))"));
        tool.pages = 60;
        let tool = load(&runtime, "huge", tool.module()).await.unwrap();
        assert_eq!(ask(&tool, "{}").await, Err(failed(expected)), "{len}");
    }
    // Beyond its memory: a lie, and a trap.
    let tool =
        load(&runtime, "lies", Tool::new("(call $ok (i32.const 0) (i32.const 0x7fffffff))").module()).await.unwrap();
    assert!(matches!(ask(&tool, "{}").await, Err(ToolError::Failed(_))));
}

#[tokio::test]
async fn a_flood_of_host_calls_is_stopped() {
    let mut tool =
        Tool::new("(loop $again (call $log (i32.const 2) (i32.const 0) (i32.const 1)) (br $again)) unreachable");
    tool.imports = r#"(import "magic:proxy/logging@0.1.0" "log" (func $log (param i32 i32 i32)))"#;
    let tool = load_with(&runtime(), "flood", tool.module(), "limits: { host_calls_max: 500 }").await.unwrap();
    assert_eq!(
        ask(&tool, "{}").await,
        Err(failed("the component made more host calls than limits.host_calls_max (500)"))
    );
}

#[tokio::test]
async fn full_is_busy_and_never_a_trap() {
    let options = Options { waiting_max: 2, wait_max: Duration::from_millis(50), ..Options::default() };
    let runtime = runtime_of(options);
    let policy = "limits: { concurrency_max: 2 }\nhttp: { hosts: [a.example] }";
    let tool = grants::fetches("https://a.example/", policy).await_on(&runtime).await;
    let host = Arc::new(Fake { waits: true, ..Fake::default() });
    let calls = (0..6).map(|_| {
        tokio::spawn({
            let (tool, host) = (Arc::clone(&tool), Arc::clone(&host));
            async move { ask_with(&tool, "{}", host).await }
        })
    });
    let calls: Vec<_> = calls.collect();
    host.arrived.notified().await;
    host.arrived.notified().await;
    // Two run, two waited for 50 ms, two found no place to wait in.
    let mut ended = Vec::new();
    for call in calls.into_iter().rev().take(4) {
        ended.push(call.await.unwrap());
    }
    assert_eq!(ended, vec![Err(ToolError::Busy(250)); 4]);
    assert_eq!((runtime.live().instances, runtime.live().waiting), (2, 0));
}

#[tokio::test]
async fn the_pool_of_all_components_is_bounded_too() {
    let options = Options { instances_max: 1, wait_max: Duration::from_millis(50), ..Options::default() };
    let runtime = runtime_of(options);
    let slow = grants::fetches("https://a.example/", "http: { hosts: [a.example] }").await_on(&runtime).await;
    let other = load(&runtime, "other", echo().module()).await.unwrap();
    let host = Arc::new(Fake { waits: true, ..Fake::default() });
    let under_way = tokio::spawn({
        let (slow, host) = (Arc::clone(&slow), Arc::clone(&host));
        async move { ask_with(&slow, "{}", host).await }
    });
    host.arrived.notified().await;
    assert_eq!(ask(&other, "{}").await, Err(ToolError::Busy(250)));
    // A new file is taken all the same.
    assert!(load(&runtime, "new", echo().module()).await.is_ok());
    host.go_on.notify_one();
    assert_eq!(under_way.await.unwrap().unwrap().text, "hello");
    assert!(ask(&other, "{}").await.is_ok());
}

#[tokio::test]
async fn a_call_under_way_finishes_on_the_version_it_began_with() {
    let runtime = runtime();
    let old = grants::fetches("https://a.example/", "http: { hosts: [a.example] }").await_on(&runtime).await;
    let host = Arc::new(Fake { waits: true, ..Fake::default() });
    let (components, clashes) = crate::Components::new(vec![Arc::clone(&old)]);
    assert!(clashes.is_empty());
    let calling = components.toolbox_of("probe_me").unwrap();
    drop((old, components));
    let under_way = tokio::spawn({
        let host = Arc::clone(&host);
        async move { ask_with(&calling, "{}", host).await }
    });
    host.arrived.notified().await;
    let new = load(&runtime, "fetches", says("new").module()).await.unwrap();
    let (components, _) = crate::Components::new(vec![new]);
    assert_eq!(ask(&components.toolbox_of("probe_me").unwrap(), "{}").await.unwrap().text, "new");
    assert_eq!(runtime.live().components, 2);
    host.go_on.notify_one();
    assert_eq!(under_way.await.unwrap().unwrap().text, "hello");
    assert_eq!(runtime.live().components, 1);
}

#[tokio::test]
async fn a_dropped_call_leaves_nothing() {
    let runtime = runtime();
    let tool = grants::fetches("https://a.example/", "http: { hosts: [a.example] }").await_on(&runtime).await;
    let host = Arc::new(Fake { waits: true, ..Fake::default() });
    let call = tokio::spawn({
        let (tool, host) = (Arc::clone(&tool), Arc::clone(&host));
        async move { ask_with(&tool, "{}", host).await }
    });
    host.arrived.notified().await;
    assert_eq!(runtime.live().instances, 1);
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert_eq!(runtime.live().instances, 0);
}

#[tokio::test]
async fn hundreds_of_loads_leave_one_component() {
    let runtime = runtime();
    let mut kept = None;
    for n in 0..50 {
        let loaded = load(&runtime, "x", says(&n.to_string()).module()).await.unwrap();
        assert_eq!(ask(&loaded, "{}").await.unwrap().text, n.to_string());
        kept = Some(loaded);
    }
    assert_eq!(runtime.live().components, 1);
    drop(kept);
    assert_eq!(runtime.live().components, 0);
}
