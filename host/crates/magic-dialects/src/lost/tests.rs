use super::{Lost, NAMES_MAX};
use serde_json::json;

#[test]
fn a_name_is_told_once_and_after_sixty_four_only_that_there_are_more() {
    let mut lost = Lost::default();
    for at in 0..2 * NAMES_MAX {
        lost.name("seed");
        lost.name(format!("messages[{at}].name"));
    }
    lost.name("ü".repeat(1000));
    let names = lost.into_names();
    assert_eq!((names.len(), names[0].as_str(), names[NAMES_MAX].as_str()), (NAMES_MAX + 1, "seed", "…"));
    assert_eq!(names[NAMES_MAX - 1], format!("messages[{}].name", NAMES_MAX - 2));
}

#[test]
fn a_clients_own_key_is_cut_between_two_letters() {
    let mut lost = Lost::default();
    lost.name("ü".repeat(1000));
    assert_eq!(lost.into_names(), ["ü".repeat(128)]);
}

#[test]
fn what_asks_for_what_happens_anyway_is_not_lost() {
    let mut lost = Lost::default();
    for (name, value) in
        [("n", json!(1)), ("logprobs", json!(false)), ("x", json!({})), ("modalities", json!(["text"]))]
    {
        lost.field(name, &value);
    }
    lost.field("n", &json!(2));
    lost.field("audio", &json!({ "voice": "a" }));
    assert_eq!(lost.into_names(), ["n", "audio"]);
}
