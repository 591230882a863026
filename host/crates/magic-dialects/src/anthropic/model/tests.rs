use super::Version;

#[test]
fn a_models_name_tells_its_version_and_a_date_is_none() {
    let check = |name: &str, version| assert_eq!(Version::of(name).0, version, "{name}");
    check("claude-3-7-sonnet-20250219", Some((3, 7)));
    check("claude-sonnet-4-20250514", Some((4, 0)));
    check("claude-opus-4-7", Some((4, 7)));
    check("anthropic/claude-haiku-4.5", Some((4, 5)));
    check("claude-opus-5", Some((5, 0)));
    check("claude-sonnet-latest", None);
    check("glm-4-6", None);
    check("", None);
}

#[test]
fn a_name_without_a_version_takes_what_it_is_given() {
    let version = Version::of("sonnet");
    assert!(version.has_formats() && !version.refuses_numbers() && !version.thinks_adaptively());
}
