//! What we ship is what the generator says, and what it says is true.
use super::*;
use crate::Reply;
use crate::dataset;
use std::path::Path;

const SHIPPED: [(Kind, &str); 2] = [(Kind::Arithmetic, "arithmetic"), (Kind::Words, "words")];

#[test]
fn the_shipped_data_sets_are_those_of_seed_1() {
    for (kind, name) in SHIPPED {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../eval").join(format!("{name}.jsonl"));
        let shipped = std::fs::read_to_string(&path).unwrap();
        let cure = format!("magic-proxy eval generate --kind {name} --count 200 --seed 1 > eval/{name}.jsonl");
        assert!(shipped == generate(kind, 200, 1), "eval/{name}.jsonl is another; make it anew by `{cure}`");
    }
}

#[test]
fn the_data_set_that_needs_no_tool_reads_too() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../eval/capitals.jsonl");
    assert_eq!(dataset::read(&std::fs::read_to_string(path).unwrap()).unwrap().len(), 40);
}

#[test]
fn every_line_is_an_item_with_a_question_of_its_own() {
    for (kind, _) in SHIPPED {
        for seed in 0..20 {
            let items = dataset::read(&generate(kind, 200, seed)).unwrap();
            assert_eq!(items.len(), 200);
            let questions: HashSet<String> = items.iter().map(|item| item.messages[0].to_string()).collect();
            assert_eq!(questions.len(), 200);
        }
    }
    assert_ne!(generate(Kind::Words, 10, 1), generate(Kind::Words, 10, 2));
    assert_eq!(generate(Kind::Words, 300, 1).lines().take(200).count(), 200);
    assert!(
        generate(Kind::Words, 300, 1).starts_with(&generate(Kind::Words, 200, 1)),
        "more is the same, and then more"
    );
}

/// Computed a second time, from the text alone.
#[test]
fn the_answers_to_bare_expressions_are_right() {
    for item in dataset::read(&generate(Kind::Arithmetic, 1000, 7)).unwrap() {
        let question = item.messages[0]["content"].as_str().unwrap().trim_end_matches(['?', '.']);
        let expression =
            ["What is ", "Calculate ", "Compute "].iter().find_map(|start| question.strip_prefix(start)).unwrap();
        let value = value(expression);
        let text = format!("{value:.4}");
        assert!(item.checker.check(Reply { text: &text, calls: &[] }).correct, "{question} is not {:?}", item.checker);
    }
}

#[test]
fn no_problem_in_words_has_an_answer_that_makes_no_sense() {
    for line in generate(Kind::Words, 1000, 7).lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["answer"].as_str().unwrap().parse::<u64>().is_ok_and(|answer| answer > 0), "{line}");
    }
}

/// Two operators at most, one pair of parentheses.
fn value(expression: &str) -> f64 {
    let tokens: Vec<&str> = expression.split(' ').collect();
    let number = |token: &str| token.trim_matches(['(', ')']).parse::<f64>().unwrap();
    let apply = |left: f64, operator: &str, right: f64| match operator {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" => left / right,
        other => panic!("{other}"),
    };
    match tokens.as_slice() {
        [a, operator, b] => apply(number(a), operator, number(b)),
        // All of ours are evaluated from left to right.
        [a, first, b, second, c] => apply(apply(number(a), first, number(b)), second, number(c)),
        _ => panic!("{expression}"),
    }
}
