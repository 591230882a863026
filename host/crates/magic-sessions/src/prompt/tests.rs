//! What the system message looks like, and that only its own parts can be told from it.
use super::{Block, Policy, Protocol, Rendering, Sources, guarded_tags, system, turns};
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
    assert!(text.contains("\n\nThink.\n\n"));
    assert!(text.contains("- calculator: The calculator. Arguments: {\"expression\":{\"type\":\"string\"}}"));
    assert!(text.ends_with("Be brief."));
    assert!(text.len() < 900, "{} bytes", text.len());
}

fn example(content: &str) -> [Block; 1] {
    [Block { tag: "EXAMPLE".to_owned(), content: content.to_owned() }]
}

fn show(structure: &[Block], protocol: Protocol) -> String {
    let policy = Policy::default();
    let sources = Sources { structure, policy: &policy, tools: &[], said_by_client: &[] };
    system(&sources, &guarded_tags(structure), Rendering::of(protocol))
}

const ADD: &str = "User: What is 31 * 14?\n\n<THOUGHT>I multiply.</THOUGHT>\n<ACTION>{\"tool_name\": \"calculator\", \
                   \"arguments\": {\"expression\": \"31 * 14\"}}</ACTION>\n<OBSERVATION>434</OBSERVATION>\n\
                   <THOUGHT>It says 434.</THOUGHT>\n<FINAL_ANSWER>434.</FINAL_ANSWER>\n";

#[test]
fn examples_are_turns_for_tiny_models_and_blocks_for_others() {
    assert!(!show(&example(ADD), Protocol::Grammar).contains("31 * 14"));
    assert!(show(&example(ADD), Protocol::Tags).contains(&["<EXAMPLE>", ADD, "</EXAMPLE>"].concat()));
}

#[test]
fn an_example_that_is_no_conversation_stays_text() {
    let structure = example("Think like this: 1, 2, 3.\n");
    assert!(turns(&structure).is_empty());
    assert_eq!(show(&structure, Protocol::Grammar), "Think like this: 1, 2, 3.");
}

#[test]
fn what_the_model_says_in_an_example_fits_the_grammar() {
    let tools = [tool("calculator", EXPRESSION)];
    let text = crate::grammar::gbnf(&tools, crate::grammar::Scope::Round, Rendering::of(Protocol::Grammar));
    let grammar = crate::grammar::Reader::read(&text);
    let turns = turns(&example(ADD));
    let said: Vec<String> =
        turns.iter().filter(|turn| turn.role == Role::Assistant).map(|turn| turn.plain_text()).collect();
    assert_eq!(said.len(), 2);
    assert!(said.iter().all(|said| grammar.fits(said)), "{said:?} and\n{text}");
}
