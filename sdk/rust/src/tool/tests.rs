use super::*;

struct Reverse;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    text: String,
}

impl Tool for Reverse {
    type Args = Args;
    const NAME: &str = "reverse";
    const DESCRIPTION: &str = "Reverses a text.\n";
    const SCHEMA: &str = r#"{"type":"object","properties":{"text":{"type":"string","description":"what to reverse"}},
        "required":["text"],"additionalProperties":false,"examples":[{"text":"abc"}]}"#;
    const HINTS: Hints = Hints::PURE;

    fn call(args: Args) -> Result<Output, Error> {
        Ok(args.text.chars().rev().collect::<String>().into())
    }
}

#[test]
fn typed_arguments_reach_the_tool() {
    let output = run::<Reverse>(r#"{"text":"abc"}"#).unwrap();
    assert_eq!(output.text, "cba");
}

#[test]
fn a_misfit_names_the_tool_and_the_field() {
    let Err(Error::InvalidArguments(text)) = run::<Reverse>("") else { panic!("accepted") };
    assert!(text.contains("`reverse`") && text.contains("`text`"), "{text}");
}

#[test]
fn a_definition_carries_the_hints_and_trimmed_texts() {
    let definition = definition::<Reverse>();
    assert_eq!(definition.description, "Reverses a text.");
    assert_eq!(definition.hints, types::ToolHints::READ_ONLY | types::ToolHints::IDEMPOTENT);
}

#[test]
fn a_sound_tool_has_no_problems() {
    assert_eq!(crate::testing::problems::<Reverse>(), Vec::<String>::new());
}
