use super::turns;
use crate::prompt::Block;

fn played(content: &str) -> Vec<String> {
    let block = |tag: &str, content: &str| Block { tag: tag.to_owned(), content: content.to_owned() };
    let structure = [block("SYSTEM_RULE", "User: not me"), block("EXAMPLE", content)];
    turns(&structure).iter().map(|turn| format!("{:?}: {}", turn.role, turn.plain_text())).collect()
}

#[test]
fn an_example_is_played_out_turn_by_turn() {
    let example = "User: What is 2 * 3?\n\n<THOUGHT>t</THOUGHT>\n<ACTION>{}</ACTION>\n<OBSERVATION>6</OBSERVATION>\n\
                   <THOUGHT>u</THOUGHT>\n<FINAL_ANSWER>6.</FINAL_ANSWER>\n";
    assert_eq!(
        played(example),
        [
            "User: What is 2 * 3?",
            "Assistant: <THOUGHT>t</THOUGHT>\n<ACTION>{}</ACTION>",
            "User: <OBSERVATION>6</OBSERVATION>",
            "Assistant: <THOUGHT>u</THOUGHT>\n<FINAL_ANSWER>6.</FINAL_ANSWER>",
        ]
    );
}

#[test]
fn what_is_no_conversation_gives_no_turns() {
    assert_eq!(played("Think hard. <THOUGHT>so</THOUGHT>"), Vec::<String>::new());
}

#[test]
fn an_unfinished_example_loses_nothing() {
    assert_eq!(played("User: q\n<ACTION>a</ACTION><OBSERVATION>r").last().map(String::as_str), Some("Assistant: "));
    assert_eq!(played("User: q").len(), 2);
}
