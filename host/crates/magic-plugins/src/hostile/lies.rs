//! Files that are not what they seem, and components that do not keep their word: found at load, with a cure, or at the
//! call that shows it.
use super::*;

async fn refused(bytes: Vec<u8>) -> LoadError {
    load(&runtime(), "x", bytes).await.unwrap_err()
}

/// A module as the runtime would encode it.
fn component(module: &[u8]) -> Vec<u8> {
    crate::classify::component(module, usize::MAX).unwrap().into_owned()
}

#[tokio::test]
async fn a_pattern_is_asked_once_and_keeps_no_code() {
    let runtime = runtime();
    let loaded =
        load(&runtime, "basic_react", pattern(&[("SYSTEM_RULE", "Think. Ünïcode."), ("PLAN", "")])).await.unwrap();
    let steps: Vec<_> =
        loaded.structure().unwrap().iter().map(|step| (step.tag.as_str(), step.content.as_str())).collect();
    assert_eq!(steps, [("SYSTEM_RULE", "Think. Ünïcode."), ("PLAN", "")]);
    assert_eq!((loaded.kind, loaded.name.as_str()), (Kind::Pattern, "basic_react"));
    assert_eq!(ask(&loaded, "{}").await, Err(ToolError::NotFound));
}

#[tokio::test]
async fn files_that_are_no_components_are_told_apart() {
    assert_eq!(refused(Vec::new()).await, LoadError::Empty);
    assert_eq!(refused(b"\0as".to_vec()).await, LoadError::Truncated { bytes: 3 });
    assert!(matches!(refused(b"#!/bin/sh\n".to_vec()).await, LoadError::NotWasm { .. }));
    assert_eq!(refused(wat::parse_str("(module)").unwrap()).await, LoadError::BareModule);
    let module = r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)) (memory (export "memory") 1)
        (func (export "get-prompt-structure") (result i32) i32.const 0))"#;
    assert!(matches!(refused(embed(module, "pattern")).await, LoadError::Encode(text) if text.contains("preview 1")));
    let lacks = r#"(module (memory (export "memory") 1))"#;
    assert!(
        matches!(refused(embed(lacks, "pattern")).await, LoadError::Encode(text) if text.contains("get-prompt-structure"))
    );
}

#[tokio::test]
async fn a_file_cut_off_anywhere_is_refused() {
    let runtime = runtime();
    for whole in [component(&echo().module()), echo().module(), component(&pattern(&[("A", "b")]))] {
        for end in (1..whole.len()).step_by(whole.len() / 25) {
            assert!(load(&runtime, "x", whole[..end].to_vec()).await.is_err(), "{end} of {}", whole.len());
        }
        let cut = load(&runtime, "x", whole[..whole.len() / 2].to_vec()).await.unwrap_err();
        assert!(matches!(cut, LoadError::Truncated { .. }), "{cut}");
        assert!(load(&runtime, "x", whole).await.is_ok());
    }
}

#[tokio::test]
async fn a_file_with_a_flipped_byte_never_harms_the_runtime() {
    let runtime = runtime();
    let whole = component(&echo().module());
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        // Some flips are harmless; none may hang, panic or leak.
        drop(load(&runtime, "x", bytes).await);
    }
    assert_eq!((runtime.live().components, runtime.live().instances), (0, 0));
}

#[tokio::test]
async fn the_wrong_world_is_told_what_it_exports() {
    let nothing = wat::parse_str("(component)").unwrap();
    assert_eq!(refused(nothing).await, LoadError::NoShape { exports: "nothing".to_owned() });
    let other = wat::parse_str(r#"(component (core module $m) (export "run" (core module $m)))"#).unwrap();
    assert_eq!(refused(other).await, LoadError::NoShape { exports: "`run`".to_owned() });
    let later =
        wat::parse_str(r#"(component (instance $i) (export "magic:proxy/toolbox@0.2.0" (instance $i)))"#).unwrap();
    assert_eq!(refused(later).await, LoadError::Version { found: "magic:proxy/toolbox@0.2.0".to_owned() });
    let driver =
        wat::parse_str(r#"(component (instance $i) (export "magic:proxy/driver@0.1.0" (instance $i)))"#).unwrap();
    assert!(matches!(refused(driver).await, LoadError::WrongType(_)));
    let hollow =
        wat::parse_str(r#"(component (instance $i) (export "magic:proxy/toolbox@0.1.0" (instance $i)))"#).unwrap();
    assert!(matches!(refused(hollow).await, LoadError::WrongType(_)));
    let imports = r#"(component (import "other:thing/api@1.0.0" (instance (export "f" (func))))
        (instance $i) (export "magic:proxy/toolbox@0.1.0" (instance $i)))"#;
    let refused_import = refused(wat::parse_str(imports).unwrap()).await;
    assert!(
        matches!(&refused_import, LoadError::UnknownImport(text) if text.contains("other:thing/api")),
        "{refused_import}"
    );
}

#[tokio::test]
async fn a_component_in_the_wrong_folder_is_told_the_right_one() {
    let wrong = load_in(Kind::Tool, pattern(&[("A", "b")])).await.unwrap_err();
    assert_eq!(wrong.to_string(), "the component is a pattern, but it lies in tools/: move it to patterns/");
    let wrong = load_in(Kind::Pattern, echo().module()).await.unwrap_err();
    assert_eq!(wrong, LoadError::WrongFolder { found: "tool", folder: "patterns", cure: "tools" });
    assert!(load_in(Kind::Tool, echo().module()).await.is_ok());
}

#[tokio::test]
async fn a_structure_that_is_none_is_refused() {
    let long = "x".repeat(262_145);
    let many = [("A", ""); 65];
    for (steps, text) in [
        (&[][..], "it has no blocks: return at least one"),
        (&[("lower", "x")], "block 0 has the tag `lower`, which is not `[A-Z][A-Z0-9_]{0,63}`"),
        (&[("A", ""), ("A B", "x")], "block 1 has the tag `A B`, which is not `[A-Z][A-Z0-9_]{0,63}`"),
        (&[("", "x")], "block 0 has the tag ``, which is not `[A-Z][A-Z0-9_]{0,63}`"),
        (&[("A", &long)], "it is 262146 bytes, more than 262144"),
        (&many, "it has 65 blocks, more than 64"),
    ] {
        assert_eq!(refused(pattern(steps)).await, LoadError::Structure(text.to_owned()));
    }
}

fn told<'a>(name: &'a str, schema: &'a str) -> Told<'a> {
    Told { name, description: "For tests.", schema, output: None }
}

async fn definition(told: Vec<Told<'_>>) -> String {
    let mut tool = echo();
    tool.told = told;
    match refused(tool.module()).await {
        LoadError::Definition(text) => text,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_definition_that_no_model_could_use_is_refused() {
    assert_eq!(definition(vec![]).await, "it defines no tool: return at least one");
    let duplicate = definition(vec![told("a", SCHEMA), told("a", SCHEMA)]).await;
    assert_eq!(duplicate, "two tools are called `a`");
    let name = definition(vec![told("a b", SCHEMA)]).await;
    assert_eq!(name, "tool 0 is called `a b`, which is not `[a-zA-Z0-9_-]{1,64}`");
    for (schema, text) in [
        ("{", "not valid JSON"),
        ("[]", "not a JSON object"),
        (r#"{"type":"string"}"#, "not a schema of an object"),
        (r#"{"type":"object","properties":{"a":{"type":"nonsense"}}}"#, "not a valid JSON Schema"),
        (r#"{"type":"object","$ref":"https://example.com/s.json"}"#, "only references inside the schema"),
        (r#"{"type":"object","$ref":"file:///etc/passwd"}"#, "only references inside the schema"),
        (r##"{"type":"object","$ref":"#/$defs/none"}"##, "which is not there"),
        (r#"{"type":"object","properties":{"a":{"pattern":"("}}}"#, "not a valid JSON Schema"),
    ] {
        let said = definition(vec![told("a", schema)]).await;
        assert!(said.starts_with("tool `a`: `parameters-json-schema`: ") && said.contains(text), "{schema}: {said}");
    }
    let mut silent = told("a", SCHEMA);
    silent.description = " ";
    assert!(definition(vec![silent]).await.contains("description is empty"));
}

#[tokio::test]
async fn arguments_are_held_to_the_schema_before_the_guest_runs() {
    let runtime = runtime();
    let schema = r#"{"type":"object","required":["q"],"additionalProperties":false,
        "properties":{"q":{"type":"string","maxLength":3},"n":{"type":"array","items":{"type":"integer"}}}}"#;
    let mut tool = echo();
    tool.told = vec![told("probe_me", schema)];
    let tool = load(&runtime, "x", tool.module()).await.unwrap();
    let calls_before = runtime.live().calls;
    for (arguments, parts) in [
        ("{}", &["at the top", "\"q\" is a required property"][..]),
        (r#"{"q":"long","n":[1,"x"],"z":1}"#, &["at `/q`", "at `/n/1`", "'z' was unexpected"]),
        ("[]", &["at the top", "object"]),
        ("{\"q\": ", &["not valid JSON"]),
    ] {
        let Err(ToolError::InvalidArguments(text)) = ask(&tool, arguments).await else { panic!("{arguments}") };
        assert!(parts.iter().all(|part| text.contains(part)), "{arguments}: {text}");
        assert_eq!(tool.check_arguments("probe_me", arguments), Err(ToolError::InvalidArguments(text)));
    }
    assert_eq!(runtime.live().calls, calls_before);
    assert_eq!(tool.check_arguments("other", "{}"), Err(ToolError::NotFound));
    assert_eq!(ask(&tool, r#"{"q":"abc","n":[1]}"#).await.unwrap().text, r#"{"q":"abc","n":[1]}"#);
}

#[tokio::test]
async fn structured_output_is_held_to_what_was_promised() {
    let runtime = runtime();
    let structured = "(call $ok (local.get $args) (local.get $args_len)) drop
        (i32.store (i32.const 76) (i32.const 1)) (i32.store (i32.const 80) (local.get $args))
        (i32.store (i32.const 84) (local.get $args_len)) (i32.const 64)";
    let mut tool = Tool::new(structured);
    tool.told = vec![Told { output: Some(r#"{"required":["n"]}"#), ..told("probe_me", SCHEMA) }];
    let tool = load(&runtime, "x", tool.module()).await.unwrap();
    assert_eq!(ask(&tool, r#"{"n":1}"#).await.unwrap().structured.unwrap(), r#"{"n":1}"#);
    let lie = ask(&tool, "{}").await;
    assert!(matches!(&lie, Err(ToolError::Failed(text)) if text.contains("not what it promised")), "{lie:?}");
}

#[tokio::test]
async fn a_file_larger_than_allowed_is_not_compiled() {
    let runtime = runtime_of(Options { component_bytes_max: 100, ..Options::default() });
    let bytes = echo().module();
    let len = bytes.len();
    assert_eq!(load(&runtime, "x", bytes).await.unwrap_err(), LoadError::TooLarge { bytes: len, bytes_max: 100 });
}

#[tokio::test]
async fn the_cache_is_ours_alone_and_is_used() {
    let dir = std::env::temp_dir().join(format!("magic-plugins-cache-{}", std::process::id()));
    let _left_by_another_run = std::fs::remove_dir_all(&dir);
    for expected in [false, true] {
        let runtime = runtime_of(Options { cache_dir: Some(dir.clone()), ..Options::default() });
        let loaded = load(&runtime, "x", echo().module()).await.unwrap();
        assert!(ask(&loaded, "{}").await.is_ok());
        assert_eq!(runtime.is_from_cache(), expected);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    }
    // The cache's own thread may still write its statistics there.
    let _gone = std::fs::remove_dir_all(&dir);
}
