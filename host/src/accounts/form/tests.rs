//! Keys and grants as JSON: what is written is read, and what is wrong is named.
use super::*;
use magic_access::{Issued, RANDOM_BYTES, Stored, VirtualKeyId};

fn patch_of(body: &Value) -> Result<Patch, Failure> {
    patch(body.as_object().unwrap(), 1_700_000_000_000)
}

#[test]
fn grants_are_read_as_they_are_written() {
    let body = json!({
        "aliases": ["fast", "gpt-*"], "requests_per_minute_max": 60, "tokens_per_minute_max": null,
        "requests_parallel_max": 4,
        "budgets": [{ "money": "12.5", "window": "month" }, { "tokens": 1000, "window": "5h" }],
    });
    let grants = patch_of(&body).unwrap().grants.applied(Grants::default()).unwrap();
    assert_eq!(grants_json(&grants), body);
    assert_eq!(stored_grants(0, &body.to_string()).unwrap(), grants);
}

#[test]
fn money_may_be_a_number() {
    let patch = patch_of(&json!({ "budgets": [{ "money": 0.1, "window": "day" }] })).unwrap();
    assert_eq!(patch.grants.budgets.unwrap()[0].amount, Amount::Money(Money(100_000)));
}

#[test]
fn what_is_wrong_is_named() {
    for (body, part) in [
        (json!({ "nam": "x" }), "unknown field `nam`; known: name, team, scope, expires, aliases"),
        (json!({ "name": 5 }), "`name`: a text is wanted"),
        (json!({ "team": "a b" }), "`team`: `a b` is no name"),
        (json!({ "scope": "root" }), "`scope`: no scope `root`; known: user, viewer, operator, admin"),
        (json!({ "expires": "soon" }), "`expires`: `soon` is neither"),
        (json!({ "aliases": "a" }), "`aliases`: a list of names"),
        (json!({ "requests_per_minute_max": 0 }), "`requests_per_minute_max`: a whole number from 1"),
        (json!({ "budgets": [{ "money": "1" }] }), "`budgets[]`: `money` or `tokens`, and `window`"),
        (json!({ "budgets": [{ "money": "1", "tokens": 1, "window": "day" }] }), "`budgets[]`: `money` or `tokens`"),
        (json!({ "budgets": [{ "money": "-1", "window": "day" }] }), "`budgets[].money`: `-1` is no amount"),
        (json!({ "budgets": [{ "money": "1", "window": "year" }] }), "`budgets[].window`: no window `year`"),
    ] {
        let failure = patch_of(&body).err().unwrap();
        assert!(failure.public.contains(part), "{body}: {}", failure.public);
    }
}

#[test]
fn grants_that_cannot_be_read_are_no_key_without_bounds() {
    for text in ["", "null", "[]", "{\"aliases\": 5}", "{\"from_a_later_version\": 1}", "{\"budgets\": [1]}"] {
        assert!(stored_grants(0, text).is_err(), "{text}");
    }
}

#[test]
fn a_key_is_shown_without_anything_of_its_secret() {
    let issued = Issued::new(&[9; RANDOM_BYTES]);
    let key = VirtualKey {
        id: VirtualKeyId::new("vk_1"),
        name: "one".to_owned(),
        team: None,
        scope: Scope::User,
        grants: Grants::default(),
        created_ms: 1_700_000_000_000,
        expires_ms: Some(1_800_000_000_000),
        revoked_ms: None,
        secrets: Stored::new(issued.hash),
    };
    let shown = key_json(&key, 1_700_000_000_000);
    assert_eq!((shown["created"].as_str(), shown["standing"].as_str()), (Some("2023-11-14T22:13:20Z"), Some("active")));
    let hash: String = issued.hash.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!shown.to_string().contains(&hash) && !shown.to_string().contains(issued.text.expose()));
}

#[test]
fn days_and_moments_are_read_as_they_are_written() {
    assert_eq!(day_of("from", "2026-11-28").map(day_text), Ok("2026-11-28".to_owned()));
    assert_eq!(day_of("from", "1970-01-01"), Ok(0));
    for text in ["", "yesterday", "2026-13-01", "1969-12-31"] {
        assert!(day_of("from", text).is_err(), "{text}");
    }
    assert_eq!(expiry_ms("1h", 1000), Ok(3_601_000));
    assert_eq!(expiry_ms("1970-01-01T00:00:05Z", 1000), Ok(5000));
}
