//! Routes as the header tells them.
use super::{Became, Considered, Skip, Trail, route_header};
use crate::testing::{Answer, Bench, failure};
use crate::{Chosen, Lane, Why};
use magic_types::{KeyId, Kind};

fn considered(profile: &str, became: Became) -> Considered {
    Considered { leg: 0, profile: profile.into(), lane: Lane::Chain, became }
}

fn as_it_stands(route: &[Considered]) -> Trail {
    Trail { chosen: None, legs: route.to_vec() }
}

fn check(route: &[Considered], expected: &str) {
    assert_eq!(route_header(&as_it_stands(route)), expected);
}

#[test]
fn field_8_the_header_says_why_each_leg_was_chosen_or_skipped() {
    let key_id = Some(KeyId::new("openai-3f9ac2d1"));
    check(
        &[
            considered("openai_main", Became::Failed { kind: Kind::RateLimited, key_id: key_id.clone() }),
            considered("azure_backup", Became::Skipped(Skip::BreakerOpen)),
            considered("mistral_small", Became::Served { key_id: key_id.clone() }),
            considered("local", Became::NotReached),
            considered("large", Became::Skipped(Skip::OtherLane)),
        ],
        "openai_main=rate_limited(openai-3f9ac2d1), azure_backup=breaker_open, mistral_small=served",
    );
    check(
        &[
            considered("a", Became::Skipped(Skip::NoKey)),
            considered("b", Became::Skipped(Skip::KeysRetired)),
            considered("c", Became::Skipped(Skip::KeysResting)),
            considered("d", Became::Skipped(Skip::SmallerWindow)),
            considered("e", Became::Skipped(Skip::Unfit("no embeddings"))),
            considered("f", Became::Failed { kind: Kind::ServerError, key_id: None }),
            considered("g", Became::Hedged { key_id: key_id.clone() }),
            considered("h", Became::UnderWay { key_id: key_id.clone() }),
            considered("i", Became::Abandoned { key_id }),
        ],
        "a=no_key, b=keys_retired, c=keys_resting, d=smaller_window, e=unfit(no embeddings), f=upstream_error, \
         g=hedged, h=under_way, i=abandoned",
    );
    check(&[], "");
}

#[test]
fn a_strategy_is_told_before_the_legs() {
    let chosen = Chosen { strategy: "lowest_latency", why: Why::Expected(std::time::Duration::from_millis(120)) };
    let legs = vec![considered("a", Became::Served { key_id: None }), considered("b", Became::NotReached)];
    let trail = Trail { chosen: Some(Box::new(chosen)), legs };
    assert_eq!(route_header(&trail), "strategy=lowest_latency(120ms), a=served");
}

#[test]
fn nothing_breaks_the_header() {
    check(
        &[considered("ä\r\nx=served, b", Became::Skipped(Skip::Unfit("(no)\n\u{7f}")))],
        "___x_served_ b=unfit(_no___)",
    );
}

#[test]
fn the_header_is_bounded() {
    let route: Vec<Considered> =
        (0..200).map(|number| considered(&format!("profile_{number}"), Became::Skipped(Skip::NoKey))).collect();
    let header = route_header(&as_it_stands(&route));
    assert!(header.len() <= 1024 && header.ends_with("=no_key, ..."), "{header}");
    check(&[considered(&"x".repeat(2000), Became::NotReached)], "");
    check(&[considered(&"x".repeat(2000), Became::Served { key_id: None })], "...");
}

#[test]
fn a_legs_tries_stand_together_and_the_other_lanes_are_told_in_full() {
    let mut bench = Bench::new(&[("openai", &["a", "b"]), ("mistral", &["m"])]);
    let mut attempt = bench.attempt("lanes");
    bench.step(&mut attempt, Answer::Fails(failure(Kind::KeyRejected)));
    bench.step(&mut attempt, Answer::Fails(failure(Kind::ServerError)));
    bench.step(&mut attempt, Answer::Speaks);
    let route = attempt.route();
    let ids: Vec<String> = attempt.tries().iter().filter_map(|entry| Some(entry.key_id.clone()?.to_string())).collect();
    let told = route.legs.iter().map(|one| format!("{}:{one}", one.leg)).collect::<Vec<_>>().join(" ");
    assert_eq!(
        told,
        format!(
            "0:openai=key_rejected({}) 0:openai=upstream_error({}) 1:mistral=served 2:openai_large=other_lane \
             3:own=other_lane 4:local=other_lane 5:mistral=other_lane",
            ids[0], ids[1]
        )
    );
}
