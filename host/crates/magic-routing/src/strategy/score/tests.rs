//! Which requests look harder than others. The numbers are those of docs/ROUTING.md.
use super::Sketch;

fn score(text: &str) -> u32 {
    let mut sketch = Sketch::default();
    sketch.turn();
    sketch.said(text);
    sketch.score()
}

#[test]
fn a_greeting_scores_nothing_and_marks_add_up() {
    assert_eq!(score("Hello there"), 0);
    assert_eq!(score("What is the capital of France?"), 0);
    assert_eq!(score("Write a regex"), 150);
    assert_eq!(score("Solve the equation"), 150);
    assert_eq!(score("Explain why it rains"), 100);
    assert_eq!(score("Who? When? Where? How?"), 75);
    assert_eq!(score("Explain, compare, analyse, design, optimise, debug and refactor it"), 200);
}

#[test]
fn length_counts_by_its_logarithm() {
    assert_eq!(score(&"x".repeat(200)), 0);
    assert_eq!(score(&"x".repeat(2_000)), 113);
    assert_eq!(score(&"x".repeat(32_000)), 250);
    assert_eq!(score(&"x".repeat(320_000)), 250);
    assert_eq!(score(&"ü".repeat(16 << 10)), 250, "a cut in the middle of a letter is none");
}

#[test]
fn only_the_last_turn_is_searched_and_turns_count() {
    let mut sketch = Sketch::default();
    for text in ["Explain the theorem", "thanks", "bye"] {
        sketch.turn();
        sketch.said(text);
    }
    assert_eq!(sketch.score(), 30);
    for _ in 0..100 {
        sketch.turn();
    }
    assert_eq!(sketch.score(), 75);
}

#[test]
fn a_turn_of_many_parts_is_searched_as_far_as_one_of_one_part() {
    let mut sketch = Sketch::default();
    sketch.turn();
    sketch.said(&"x".repeat(10 << 10));
    sketch.said(&"x".repeat(10 << 10));
    let before = sketch.score();
    sketch.said("Explain the theorem");
    assert_eq!(sketch.score(), before);
    sketch.turn();
    sketch.said("Explain the theorem");
    assert!(sketch.score() >= before + 200, "the next turn has a budget of its own");
}

#[test]
fn tools_images_and_schemas_are_needed_and_count() {
    let mut sketch = Sketch::default();
    sketch.turn();
    sketch.tool();
    sketch.tool();
    sketch.image();
    let facts = sketch.facts(12, Some(34));
    assert_eq!((facts.score, facts.input_tokens, facts.output_tokens_max), (160, 12, Some(34)));
    assert_eq!((facts.needs.tools, facts.needs.vision, facts.needs.json_schema), (true, true, false));
    (0..50).for_each(|_| sketch.tool());
    sketch.schema();
    assert_eq!(sketch.score(), 250);
}

#[test]
fn no_request_scores_more_than_one() {
    let mut sketch = Sketch::default();
    (0..100).for_each(|_| sketch.tool());
    sketch.image();
    sketch.schema();
    (0..100).for_each(|_| sketch.turn());
    let hard = "Prove the theorem step by step, explain, compare, design and optimise: why? what? how? ```fn x```";
    sketch.said(&hard.repeat(1000));
    assert_eq!(sketch.score(), 1000);
}
