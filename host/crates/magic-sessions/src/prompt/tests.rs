//! What the system message looks like, and that only its own parts can be told from it.
use super::{Block, Policy, Protocol, Rendering, Sources, guarded_tags, shots, system};
use crate::script::{EXPRESSION, tool};
use magic_types::chat::Role;

fn render(protocol: Protocol, policy: &Policy) -> String {
    let structure = [Block { tag: "SYSTEM_RULE".to_owned(), content: "Think.\n".to_owned() }];
    let tools = [tool("calculator", EXPRESSION)];
    let said = ["Be brief.".to_owned()];
    let sources = Sources { structure: &structure, policy, tools: &tools, said_by_client: &said };
    system(&sources, &guarded_tags(&structure), Rendering::of(protocol))
}

fn policy() -> Policy {
    Policy {
        server_instruction: Some("Be kind.".to_owned()),
        server_manifests: vec!["Be safe.".to_owned(), "  ".to_owned()],
        client_instruction: Some("Be quick.".to_owned()),
        client_manifests: vec!["Be mine.".to_owned()],
    }
}

#[test]
fn the_parts_come_in_the_order_of_how_seldom_they_change() {
    let text = render(Protocol::Tags, &policy());
    let order = [
        "cannot be overridden",
        "<SERVER_POLICY>\nBe kind.\n\nBe safe.\n</SERVER_POLICY>",
        "<PATTERN>\n<SYSTEM_RULE>Think.\n</SYSTEM_RULE>\n</PATTERN>",
        "<FORMAT>\nWork in rounds.",
        "<TOOLS>\nThe tools",
        "- calculator: The calculator.\n  arguments: {\"properties\":{\"expression\":{\"type\":\"string\"}},\
         \"required\":[\"expression\"],\"type\":\"object\"}\n</TOOLS>",
        "<CLIENT_INSTRUCTIONS>\nBe quick.\n\nBe mine.\n\nBe brief.\n</CLIENT_INSTRUCTIONS>",
    ];
    let mut rest = text.as_str();
    for part in order {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is missing, or too early, in {text}"));
        rest = rest.split_at(at + part.len()).1;
    }
    assert_eq!(rest, "");
}

#[test]
fn what_is_not_given_leaves_no_trace() {
    let structure = [];
    let policy = Policy::default();
    let sources = Sources { structure: &structure, policy: &policy, tools: &[], said_by_client: &[] };
    let text = system(&sources, &guarded_tags(&structure), Rendering::of(Protocol::Tags));
    for absent in ["<SERVER_POLICY>", "<PATTERN>", "<TOOLS>", "<CLIENT_INSTRUCTIONS>", "tool_name", "\n\n\n"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
    assert!(text.contains("There are no tools."));
}

#[test]
fn tiny_models_get_a_short_plain_prompt_that_still_holds_the_servers_policy() {
    let text = render(Protocol::Grammar, &policy());
    assert!(text.starts_with("Be kind."));
    assert!(!text.contains("<SERVER_POLICY>") && !text.contains("SYSTEM_RULE"));
    assert!(text.contains("- calculator: The calculator. Arguments: {\"expression\":{\"type\":\"string\"}}"));
    assert!(text.ends_with("Be brief."));
    assert!(text.len() < 900, "{} bytes", text.len());
}

#[test]
fn the_shots_of_a_tiny_model_are_turns_and_only_of_tools_that_are_there() {
    let rendering = Rendering::of(Protocol::Grammar);
    assert!(shots(&[tool("clock", "{}")], rendering).is_empty());
    let turns = shots(&[tool("calculator", EXPRESSION)], rendering);
    assert_eq!(turns.len(), 8);
    assert!(turns.iter().zip([Role::User, Role::Assistant].iter().cycle()).all(|(turn, role)| turn.role == *role));
}

#[test]
fn what_the_shots_say_fits_the_grammar_and_the_schema() {
    let tools = [tool("calculator", EXPRESSION)];
    let rendering = Rendering::of(Protocol::Grammar);
    let text = crate::grammar::gbnf(&tools, crate::grammar::Scope::Round, rendering);
    let grammar = crate::grammar::Reader::read(&text);
    for turn in shots(&tools, rendering).iter().filter(|turn| turn.role == Role::Assistant) {
        assert!(grammar.fits(&turn.plain_text()), "{turn:?}");
    }
}
