//! Drivers that loop, grow, trap, flood and change their mind: each ends its own session, and no other.
use super::*;

const RANDOM: &str = "interface random { get-random-u64: func() -> u64; }";
const CLOCK: &str = "interface monotonic-clock { now: func() -> u64; }";

fn failed(text: &str) -> Result<Vec<Directive>, DriveError> {
    Err(DriveError::Component(text.to_owned()))
}

/// Bad only at its second call, so that it has something to lose.
fn then(bad: &str) -> Driver<'static> {
    let next =
        "(if (i32.eq (global.get $calls) (i32.const 1)) (then (return (call $wait (i32.const 1) (i32.const 1)))))";
    Driver::new(format!("{next} {bad}"))
}

/// One `emit` of a thought of so many bytes.
fn thinks(bytes: u32) -> String {
    format!(
        "(drop (call $grow (i32.const 40))) (i32.store8 (i32.const 1024) (i32.const 3))
         (i32.store (i32.const 1036) (i32.const 0)) (i32.store (i32.const 1040) (i32.const {bytes}))
         (call $list (i32.const 1))"
    )
}

#[tokio::test]
async fn what_a_driver_does_ends_its_own_session_only() {
    let runtime = runtime();
    let good = component(&runtime, &counts()).await;
    let mut good = good.drive(ctx());
    let grows = "(loop $again (if (i32.eq (call $grow (i32.const 16)) (i32.const -1)) (then unreachable)) (br $again)) unreachable";
    for (call, (bad, ended)) in (1..).zip([
        ("unreachable".to_owned(), failed("the component crashed: wasm `unreachable` instruction executed")),
        ("(loop $again (br $again)) unreachable".to_owned(), failed("the component computed longer than limits.cpu_ms_max (300 ms)")),
        (grows.to_owned(), failed("the component needs more memory than limits.memory_bytes_max (4194304)")),
        (
            "(call $list (i32.const 257))".to_owned(),
            Err(DriveError::Contract("it returned 257 directives at once, more than 256".to_owned())),
        ),
        (thinks(1001), failed("its directives are 1017 bytes, more than limits.output_bytes_max (1000)")),
        (thinks(2_000_000), failed("the component handed over more bytes than limits.output_bytes_max (1000) allows")),
        (
            // A kind of progress without a name.
            "(i32.store8 (i32.const 1024) (i32.const 3)) (i32.store8 (i32.const 1032) (i32.const 2)) (call $list (i32.const 1))".to_owned(),
            Err(DriveError::Contract("`emit`: the kind of `progress` has 0 bytes, not 1 to 256".to_owned())),
        ),
    ]) {
        let policy = "limits: { output_bytes_max: 1000 }";
        let bad = load_with(&runtime, "bad", then(&bad).module(), policy).await.unwrap();
        let mut drive = bad.drive(ctx());
        assert_eq!(next(&mut drive).await, waits(1));
        assert_eq!(next(&mut drive).await, ended);
        // Its store is gone; told again, it does the same again.
        assert_eq!(runtime.live().drivers, usize::from(call > 1));
        assert_eq!(next(&mut drive).await, ended);
        assert_eq!(next(&mut good).await, waits(call));
    }
    assert_eq!((runtime.live().drivers, runtime.live().rebuilds), (1, 7));
}

#[tokio::test]
async fn a_call_that_is_given_up_takes_its_instance_with_it_and_has_not_happened() {
    let runtime = runtime();
    let loops = component(&runtime, &then("(loop $again (br $again)) unreachable")).await;
    let mut drive = loops.drive(ctx());
    assert_eq!(next(&mut drive).await, waits(1));
    tokio::select! {
        biased;
        said = next(&mut drive) => panic!("{said:?}"),
        () = tokio::task::yield_now() => {}
    }
    assert_eq!((runtime.live().drivers, drive.history.len()), (0, 1));
}

#[tokio::test]
async fn every_call_has_its_limits_for_itself() {
    let runtime = runtime();
    let log = "(call $log (i32.const 2) (i32.const 0) (i32.const 1))";
    let mut driver = Driver::new(format!("{log} {log} (call $wait (i32.const 1) (global.get $calls))"));
    driver.imports = r#"(import "magic:proxy/logging@0.1.0" "log" (func $log (param i32 i32 i32)))"#;
    let component = load_with(&runtime, "x", driver.module(), "limits: { host_calls_max: 2 }").await.unwrap();
    let mut drive = component.drive(ctx());
    for call in 1..=6 {
        assert_eq!(next(&mut drive).await, waits(call));
    }
    drive.evict();
    assert_eq!(next(&mut drive).await, waits(7));
}

#[tokio::test]
async fn a_driver_that_changes_its_mind_is_found_out() {
    let runtime = runtime();
    let mut driver = Driver::new("(call $wait (i32.const 1) (i32.wrap_i64 (call $now)))");
    driver.imports = r#"(import "wasi:clocks/monotonic-clock@0.2.6" "now" (func $now (result i64)))"#;
    let module = driver.module_with(&[("wasi:clocks@0.2.6", CLOCK)], "import wasi:clocks/monotonic-clock@0.2.6;");
    let component = load(&runtime, "x", module).await.unwrap();
    let mut drive = component.drive(ctx());
    for _ in 0..3 {
        assert!(next(&mut drive).await.is_ok());
    }
    drive.evict();
    let text = "the pattern is not deterministic: told the same again, it said something else at call 1 of 3";
    assert_eq!(next(&mut drive).await, Err(DriveError::Contract(text.to_owned())));
    assert_eq!(runtime.live().drivers, 0);
}

#[tokio::test]
async fn chance_follows_from_the_sessions_seed() {
    let runtime = runtime();
    let mut driver = Driver::new("(call $wait (i32.const 1) (i32.wrap_i64 (call $random)))");
    driver.imports = r#"(import "wasi:random/random@0.2.6" "get-random-u64" (func $random (result i64)))"#;
    let module = driver.module_with(&[("wasi:random@0.2.6", RANDOM)], "import wasi:random/random@0.2.6;");
    let component = load(&runtime, "x", module).await.unwrap();
    let mut said = Vec::new();
    for (seed, is_evicted) in [(1, false), (1, true), (2, false)] {
        let mut drive = component.drive(SessionContext { seed, ..ctx() });
        let first = next(&mut drive).await.unwrap();
        if is_evicted {
            drive.evict();
        }
        said.push((first, next(&mut drive).await.unwrap()));
    }
    assert_eq!(said[0], said[1]);
    assert!(said[0] != said[2] && said[0].0 != said[0].1);
}

#[tokio::test]
async fn what_was_logged_before_is_not_logged_again() {
    let runtime = runtime();
    let mut driver = Driver::new(
        "(call $log (i32.const 2) (i32.const 0) (i32.const 1)) (call $wait (i32.const 1) (global.get $calls))",
    );
    driver.imports = r#"(import "magic:proxy/logging@0.1.0" "log" (func $log (param i32 i32 i32)))"#;
    let component = load(&runtime, "x", driver.module()).await.unwrap();
    let mut drive = component.drive(ctx());
    for call in 1..=30 {
        drive.evict();
        assert_eq!(next(&mut drive).await, waits(call));
    }
    // 30 lines, where each replay would have said all of them again: beyond the 50 of a second they are dropped.
    assert_eq!(component.guest.lines.dropped(), 0);
}
