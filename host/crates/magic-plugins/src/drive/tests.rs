use super::*;
use crate::component::Kind;
use crate::defaults::Options;
use crate::error::LoadError;
use crate::runtime::Runtime;
use crate::testing::driver::{Driver, asks, counts};
use crate::testing::{load, load_in, load_with, runtime, runtime_of};
use magic_types::chat::{
    Completion, Extra, FinishReason, Media, Message, Part, Role, ToolCall, ToolDefinition, ToolError, ToolHints,
    ToolOutput, ToolResult,
};
use magic_types::directive::{Ask, Delta, Limits, Visibility};

mod hostile;

fn ctx() -> SessionContext {
    SessionContext {
        session_id: "s1".to_owned(),
        messages: vec![Message::text(Role::User, "Why?")],
        tools: Vec::new(),
        agents: Vec::new(),
        limits: Limits {
            steps_max: 10,
            llm_calls_max: 10,
            tool_calls_max: 10,
            total_tokens_max: None,
            cost_micros_max: None,
            wall_max: Duration::from_secs(60),
            parallel_max: 4,
            depth_max: 0,
        },
        options: "{}".to_owned(),
        seed: 42,
        extra: Vec::new(),
    }
}

async fn component(runtime: &Arc<Runtime>, driver: &Driver<'_>) -> Arc<Component> {
    load(runtime, "x", driver.module()).await.unwrap()
}

async fn next(drive: &mut Drive) -> Result<Vec<Directive>, DriveError> {
    drive.next(&[Event::Timer(1)], &Usage::default()).await
}

fn waits(ms: u32) -> Result<Vec<Directive>, DriveError> {
    Ok(vec![Directive::Wait { ref_id: 1, ms }])
}

/// Messages with every kind of part.
fn rich() -> Vec<Message> {
    let result = |outcome| Part::ToolResult(ToolResult { call_id: "c1".to_owned(), outcome });
    let structured = ToolOutput { text: "3".to_owned(), structured: Some("{\"n\":3}".to_owned()) };
    let errors = [
        ToolError::NotFound,
        ToolError::InvalidArguments("a".to_owned()),
        ToolError::Denied("b".to_owned()),
        ToolError::Failed("c".to_owned()),
        ToolError::Busy(7),
        ToolError::TimedOut,
        ToolError::OutcomeUnknown,
    ];
    let media = Media { mime: "image/png".to_owned(), url: "data:image/png;base64,AA==".to_owned() };
    let call = ToolCall { id: "c1".to_owned(), name: "add".to_owned(), arguments_json: "{\"n\":1}".to_owned() };
    let mut parts = vec![Part::Text("Ünïcode".to_owned()), Part::Media(media), Part::Reasoning("hm".to_owned())];
    parts.extend([Part::ToolCall(call), result(Ok(structured))]);
    parts.extend(errors.map(|error| result(Err(error))));
    let mut messages = vec![Message { role: Role::Tool, parts }];
    messages.extend([Role::System, Role::User, Role::Assistant].map(|role| Message::text(role, "x")));
    messages
}

#[tokio::test]
async fn a_session_is_told_and_tells_all_that_wit_has_words_for() {
    let runtime = runtime();
    let component = component(&runtime, &asks()).await;
    let hints = ToolHints { read_only: true, open_world: true, ..ToolHints::default() };
    let tool = ToolDefinition {
        name: "add".to_owned(),
        description: "Adds.".to_owned(),
        parameters_json_schema: "{}".to_owned(),
        output_json_schema: Some("{}".to_owned()),
        hints,
    };
    let top_p = Extra { key: "top_p".to_owned(), value: "0.5".to_owned() };
    let extra = Extra { key: "a.b".to_owned(), value: "[1]".to_owned() };
    let context = SessionContext { messages: rich(), tools: vec![tool], extra: vec![extra.clone(), top_p], ..ctx() };
    let mut drive = component.drive(context.clone());
    let asked = drive.next(&[Event::Start], &Usage::default()).await.unwrap();
    let [Directive::Ask(Ask { ref_id: 7, request, show: Visibility::Thought, stream_to_me: true })] = asked.as_slice()
    else {
        panic!("{asked:?}")
    };
    assert_eq!((&request.messages, &request.tools), (&context.messages, &context.tools));
    assert_eq!((request.seed, request.top_p, &request.extra), (Some(42), Some(0.5), &vec![extra]));
    assert_eq!((request.model.as_ref(), request.temperature, request.stop.len()), (None, None, 0));
    for is_evicted in [false, true] {
        let mut drive = component.drive(context.clone());
        assert_eq!(drive.next(&[Event::Start], &Usage::default()).await.unwrap(), asked);
        if is_evicted {
            drive.evict();
            assert_eq!(runtime.live().drivers, 1);
        }
        let message = Message::text(Role::Assistant, "Because.");
        let completion = Completion {
            message: message.clone(),
            finish: FinishReason::Stop,
            usage: Usage::default(),
            served_by: "p".to_owned(),
            extra: Vec::new(),
        };
        let told = [Event::Llm { ref_id: 7, outcome: Ok(completion) }];
        assert_eq!(drive.next(&told, &Usage::default()).await.unwrap(), [Directive::Finish(message)]);
    }
    assert_eq!(runtime.live().rebuilds, 1);
    drop(drive);
    assert_eq!((runtime.live().drivers, runtime.live().instances), (0, 0));
}

#[tokio::test]
async fn an_instance_that_is_gone_is_built_again_as_it_was() {
    let runtime = runtime();
    let component = component(&runtime, &counts()).await;
    let mut drive = component.drive(ctx());
    // The host drives sessions on threads of its choice.
    fn may_be_sent<T: Send>(it: T) -> T {
        it
    }
    assert_eq!(may_be_sent(next(&mut may_be_sent(component.drive(ctx())))).await, waits(1));
    for call in 1..=12 {
        if call % 3 == 0 {
            drive.evict();
            assert_eq!(runtime.live().drivers, 0);
        }
        assert_eq!(next(&mut drive).await, waits(call));
    }
    assert_eq!((runtime.live().rebuilds, runtime.live().calls), (4, 14));
}

#[tokio::test]
async fn streamed_reasoning_is_not_told_and_alone_calls_nobody() {
    let runtime = runtime();
    let component = component(&runtime, &Driver::new("(call $wait (i32.const 1) (local.get $events_len))")).await;
    let mut drive = component.drive(ctx());
    let delta = |delta| Event::LlmDelta { ref_id: 1, delta };
    let (text, reasoning) = (delta(Delta::Text("a".to_owned())), delta(Delta::Reasoning("b".to_owned())));
    let calls_before = runtime.live().calls;
    assert_eq!(drive.next(std::slice::from_ref(&reasoning), &Usage::default()).await, Ok(vec![]));
    assert_eq!(runtime.live().calls, calls_before);
    let told = [reasoning.clone(), text.clone(), reasoning, text];
    assert_eq!(drive.next(&told, &Usage::default()).await, waits(2));
}

#[tokio::test]
async fn live_instances_stay_few_however_many_sessions_there_are() {
    let runtime = runtime_of(Options { instances_max: 4, ..Options::default() });
    let component = component(&runtime, &counts()).await;
    let mut drives: Vec<_> = (0..40).map(|_| component.drive(ctx())).collect();
    for call in 1..=3 {
        let said = futures_util::future::join_all(drives.iter_mut().map(next)).await;
        assert!(said.into_iter().all(|said| said == waits(call)));
        assert_eq!((runtime.live().drivers, runtime.live().waiting), (2, 0));
    }
    // The last two to be called are the two that were kept.
    let rebuilds_before = runtime.live().rebuilds;
    for drive in drives.iter_mut().rev().take(2) {
        assert_eq!(next(drive).await, waits(4));
    }
    assert_eq!(runtime.live().rebuilds, rebuilds_before);
    drop(drives);
    assert_eq!(runtime.live().drivers, 0);
}

#[tokio::test]
async fn a_session_finishes_on_the_version_it_began_with() {
    let runtime = runtime();
    let old = component(&runtime, &counts()).await;
    let mut drive = old.drive(ctx());
    assert_eq!(next(&mut drive).await, waits(1));
    drop(old);
    let new = component(&runtime, &Driver::new("(call $wait (i32.const 1) (i32.const 99))")).await;
    assert_eq!(next(&mut new.drive(ctx())).await, waits(99));
    drive.evict();
    assert_eq!((next(&mut drive).await, runtime.live().components), (waits(2), 2));
    drop(drive);
    assert_eq!(runtime.live().components, 1);
}

#[tokio::test]
async fn options_are_held_to_what_the_driver_says_of_them() {
    let runtime = runtime();
    let schema = r#"{"type":"object","additionalProperties":false,"properties":{"n":{"type":"integer","maximum":9}}}"#;
    let with = Driver { options: Some(schema), ..counts() };
    let chosen = component(&runtime, &with).await;
    assert_eq!((chosen.name.as_str(), chosen.version.as_deref()), ("driver_under_test", Some("1.2.3")));
    assert!(chosen.is_driver() && chosen.structure().is_none() && chosen.options_schema() == Some(schema));
    let none = component(&runtime, &counts()).await;
    assert!(none.is_driver() && none.name == "x" && none.options_schema().is_none());
    let declarative = load(&runtime, "d", crate::testing::pattern(&[("A", "b")])).await.unwrap();
    assert!(!declarative.is_driver());
    for (component, options, told) in [
        (&chosen, "{}", None),
        (&chosen, r#"{"n":3}"#, None),
        (&chosen, r#"{"n":10,"m":1}"#, Some("at `/n`: 10 is greater than the maximum of 9")),
        (&chosen, "[]", Some("at the top: [] is not of type \"object\"")),
        (&chosen, "{", Some("not valid JSON")),
        (&none, " {} ", None),
        (&none, r#"{"n":3}"#, Some("at `/n`: this pattern takes no options")),
        (&none, "3", Some("at the top: options are a JSON object")),
        (&none, "", Some("not valid JSON")),
        (&declarative, "{}", None),
        (&declarative, r#"{"n":3}"#, Some("at `/n`: this pattern takes no options")),
    ] {
        let checked = component.check_options(options);
        match told {
            None => assert_eq!(checked, Ok(()), "{options}"),
            Some(told) => assert!(checked.as_ref().is_err_and(|text| text.contains(told)), "{options}: {checked:?}"),
        }
    }
    let large = format!(r#"{{"n":{}3}}"#, " ".repeat(65_536));
    assert_eq!(chosen.check_options(&large), Err("the options are 65543 bytes, more than 65536".to_owned()));
}

#[tokio::test]
async fn a_file_that_cannot_be_a_driver_is_refused() {
    let wrong = load_in(Kind::Tool, counts().module()).await.unwrap_err();
    assert_eq!(wrong.to_string(), "the component is a pattern, but it lies in tools/: move it to patterns/");
    assert!(load_in(Kind::Pattern, counts().module()).await.is_ok());
    let runtime = runtime();
    let refused = async |driver: Driver<'_>| load(&runtime, "x", driver.module()).await.unwrap_err();
    let schema = refused(Driver { options: Some(r#"{"type":"array"}"#), ..counts() }).await;
    assert!(matches!(&schema, LoadError::Info(text) if text.starts_with("`options-json-schema`: ")), "{schema}");
    // A session is not constructed at load, but the instance is started.
    assert!(load(&runtime, "x", Driver { construct: "unreachable", ..counts() }.module()).await.is_ok());
    let trap = refused(Driver { items: "(func $start unreachable) (start $start)", ..counts() }).await;
    assert!(matches!(trap, LoadError::Probe { function: "instantiate", .. }), "{trap}");
    // What a replay could not tell again is not there, whatever the policy grants.
    let mut driver = Driver::new("(call $wait (i32.const 1) (i32.wrap_i64 (call $now)))");
    driver.imports = r#"(import "magic:proxy/clock@0.1.0" "now-ms" (func $now (result i64)))"#;
    let module = driver.module_with(&[], "import magic:proxy/clock@0.1.0;");
    let clock = load_with(&runtime, "x", module, "clock: true").await.unwrap_err();
    assert!(matches!(&clock, LoadError::UnknownImport(text) if text.contains("magic:proxy/clock")), "{clock}");
}
