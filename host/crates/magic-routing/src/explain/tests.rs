//! What would become of a request, without one.
use super::{Question, explain};
use crate::Facts;
use crate::testing::{Answer, Bench, failure, plan};
use magic_types::Kind;

fn told(bench: &Bench, alias: &str, unfit: &[(usize, &'static str)]) -> Vec<String> {
    let question = Question { facts: &Facts::default(), dice: 1, streams: true, unfit };
    let explained = explain(&plan(alias), &bench.settings, &question, &bench.health, bench.now);
    assert_eq!(explained.chosen, None);
    let told = explained.legs.iter().map(|one| {
        let first = if one.is_first { " first" } else { "" };
        let keys = one
            .keys
            .map_or_else(String::new, |keys| format!(" {}+{}+{}", keys.available, keys.quarantined, keys.retired));
        let breaker = if one.breaker.as_str() == "closed" { "" } else { one.breaker.as_str() };
        format!("{}{keys}{first} {breaker}", one.considered).trim_end().to_owned()
    });
    told.collect()
}

#[test]
fn it_says_what_would_be_tried_first_and_what_is_in_the_way() {
    let mut bench = Bench::new(&[("openai", &["a", "b"]), ("mistral", &["m"])]);
    assert_eq!(
        told(&bench, "all", &[(1, "no embeddings")]),
        [
            "openai=not_reached 2+0+0 first",
            "mistral=unfit(no embeddings) 1+0+0",
            "local=not_reached",
            "openai_large=not_reached 2+0+0",
            "own=no_key 0+0+0"
        ]
    );
    let mut attempt = bench.attempt("z-first");
    bench.step(&mut attempt, Answer::Fails(failure(Kind::KeyRejected)));
    bench.step(&mut attempt, Answer::Fails(failure(Kind::RateLimited)));
    bench.break_down("local-openai", 5);
    assert_eq!(
        told(&bench, "all", &[]),
        [
            "openai=keys_resting 0+1+1",
            "mistral=not_reached 1+0+0 first",
            "local=breaker_open open",
            "openai_large=keys_resting 0+1+1",
            "own=no_key 0+0+0"
        ]
    );
}

#[test]
fn other_lanes_are_explained_but_never_first() {
    let bench = Bench::new(&[]);
    assert_eq!(
        told(&bench, "lanes", &[]),
        [
            "openai=no_key 0+0+0",
            "mistral=no_key 0+0+0",
            "openai_large=no_key 0+0+0",
            "own=no_key 0+0+0",
            "local=other_lane",
            "mistral=no_key 0+0+0"
        ]
    );
}

#[test]
fn it_takes_no_probes_place() {
    let mut bench = Bench::new(&[]);
    bench.break_down("local-openai", 5);
    bench.wait(10);
    assert_eq!(told(&bench, "local-openai", &[])[0], "local=not_reached first half_open");
    assert_eq!(bench.breaker("local"), "half-open");
}
