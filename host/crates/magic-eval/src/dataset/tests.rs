//! Lines in, items or complaints out.
use super::*;

fn complaints(text: &str) -> Vec<String> {
    read(text).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn an_item_needs_no_more_than_a_question_an_answer_and_a_checker() {
    let items = read(
        r#"{"question": "What is 2 + 2?", "answer": 4, "checker": "number"}

{"id": "sea", "messages": [{"role": "system", "content": "Short."}, {"role": "user", "content": "Sea?"}], "answer": ["blue", "grey"], "checker": "contains"}
"#,
    )
    .unwrap();
    let ids: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["line-1", "sea"]);
    assert_eq!(items[0].messages, [json!({ "role": "user", "content": "What is 2 + 2?" })]);
    assert_eq!(items[1].messages.len(), 2);
    assert!(matches!(&items[1].checker, Checker::Contains(answers) if answers.len() == 2));
}

#[test]
fn every_bad_line_is_told_at_once_with_its_number() {
    let text = r#"{"question": "?", "answer": "5", "checker": "number"}
{"question": "?", "answer": "five", "checker": "number"}
nonsense
{"answer": "5", "checker": "number"}
{"question": "?", "messages": [], "answer": "5", "checker": "number"}
{"question": "?", "checker": "exact"}
{"question": "?", "answer": "F", "checker": "choice"}
{"question": "?", "answer": "5", "checker": "numbr"}
{"question": "?", "anwser": "5", "checker": "number"}
{"id": "a", "question": "?", "answer": "5", "checker": "number"}
{"id": "a", "question": "?", "answer": "5", "checker": "number"}
{"question": "?", "tools": [], "checker": "tool_call"}
{"question": "?", "tools": [{"name": "f"}], "accepted_calls": [{"g": {}}], "checker": "tool_call"}
{"question": "?", "tools": [{"name": "f"}], "accepted_calls": [{"f": {"a": 1}}], "checker": "tool_call"}
{"question": "?", "answer": "5", "accepted_calls": [], "checker": "number"}"#;
    assert_eq!(
        complaints(text),
        [
            "line 2: `answer` is `five`: the checker `number` wants a number",
            "line 3: expected ident (column 2)",
            "line 4: neither `question` nor `messages`: say what is asked",
            "line 5: both `question` and `messages`: keep one",
            "line 6: the checker `exact` needs an `answer`",
            "line 7: `answer` is `F`: the checker `choice` wants a letter from A to E",
            "line 8: unknown checker `numbr` (known: number, exact, contains, choice, tool_call)",
            "line 9: unknown field `anwser`, expected one of `id`, `question`, `messages`, `tools`, `answer`, \
             `accepted_calls`, `checker` (column 26)",
            "line 11: the id `a` stands in line 10 already",
            "line 12: the checker `tool_call` needs `accepted_calls`",
            "line 13: an accepted call names `g`, which is not among the `tools`",
            "line 14: `a` of the accepted call `f` is 1: list every value that is right",
            "line 15: `accepted_calls` goes with the checker `tool_call`, not with `number`",
        ]
    );
}

#[test]
fn an_empty_file_is_no_data_set() {
    assert_eq!(complaints("\n\n"), ["line 1: the data set is empty: write one JSON object a line"]);
}
