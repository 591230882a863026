use super::{condition, diff};
use crate::reload::Condition;
use http::{HeaderMap, HeaderName, HeaderValue};

fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair =
        |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    list.iter().map(pair).collect()
}

#[test]
fn a_condition_is_read_as_http_means_it() {
    let check = |list, is_needed| condition(&headers(list), is_needed).ok();
    assert!(matches!(check(&[("if-match", "*")], true), Some(Condition::None)));
    assert!(
        matches!(check(&[("if-match", "\"a\", \"b\"")], true), Some(Condition::Is(tags)) if tags == ["\"a\"", "\"b\""])
    );
    assert!(matches!(check(&[("if-none-match", "*")], true), Some(Condition::IsNew)));
    assert!(matches!(check(&[], false), Some(Condition::None)));
    assert!(check(&[], true).is_none(), "nothing is written over what nobody has read");
    assert!(check(&[("if-none-match", "\"a\"")], true).is_none());
    assert!(check(&[("if-match", "*"), ("if-none-match", "*")], true).is_none());
}

#[test]
fn a_diff_is_unified_with_three_lines_around() {
    let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    assert_eq!(
        diff("f.yaml", before, &before.replace('5', "five")),
        "--- f.yaml\n+++ f.yaml\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
    );
    assert_eq!(diff("f.yaml", before, before), "");
}
