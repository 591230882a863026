//! Components that import WASI, as other languages' tools build them: they load, and find nothing there.
use super::*;

/// Answers with three digits: entries of the environment, arguments, and the first digit of the wall clock's seconds.
fn curious() -> Vec<u8> {
    let mut tool = Tool::new(
        "(call $env (i32.const 600)) (call $arguments (i32.const 608)) (call $clock (i32.const 616))
         (i32.store8 (i32.const 700) (i32.add (i32.const 48) (i32.load (i32.const 604))))
         (i32.store8 (i32.const 701) (i32.add (i32.const 48) (i32.load (i32.const 612))))
         (i32.store8 (i32.const 702) (i32.add (i32.const 48) (i32.wrap_i64 (i64.div_u (i64.load (i32.const 616)) (i64.const 1000000000)))))
         (call $ok (i32.const 700) (i32.const 3))",
    );
    tool.imports = r#"(import "wasi:cli/environment@0.2.6" "get-environment" (func $env (param i32)))
        (import "wasi:cli/environment@0.2.6" "get-arguments" (func $arguments (param i32)))
        (import "wasi:clocks/wall-clock@0.2.6" "now" (func $clock (param i32)))"#;
    tool.module_with(&[
        ("wasi:cli@0.2.6", "interface environment { get-environment: func() -> list<tuple<string, string>>; get-arguments: func() -> list<string>; }"),
        ("wasi:clocks@0.2.6", "interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }"),
    ], "import wasi:cli/environment@0.2.6; import wasi:clocks/wall-clock@0.2.6;")
}

#[tokio::test]
async fn a_wasi_component_loads_and_finds_nothing() {
    let runtime = runtime();
    let tool = load(&runtime, "curious", curious()).await.unwrap();
    assert_eq!(ask(&tool, "{}").await.unwrap().text, "000");
    // The clock is the host's where the policy grants it: 1 700 000 000 s.
    let tool = load_with(&runtime, "curious", curious(), "clock: true").await.unwrap();
    assert_eq!(ask(&tool, "{}").await.unwrap().text, "001");
}

#[tokio::test]
async fn a_guest_that_exits_fails_its_own_call() {
    let mut tool = Tool::new("(call $exit (i32.const 1)) unreachable");
    tool.imports = r#"(import "wasi:cli/exit@0.2.6" "exit" (func $exit (param i32)))"#;
    let module = tool.module_with(
        &[("wasi:cli@0.2.6", "interface exit { exit: func(status: result); }")],
        "import wasi:cli/exit@0.2.6;",
    );
    let tool = load(&runtime(), "exits", module).await.unwrap();
    assert_eq!(ask(&tool, "{}").await, Err(failed("the component exited with status 1")));
}
