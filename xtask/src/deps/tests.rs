use super::*;

fn package(name: &str, dependencies: &[(&str, Option<&str>, &[&str])]) -> Package {
    let dependencies = dependencies
        .iter()
        .map(|(name, kind, features)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
            features: features.iter().map(|feature| (*feature).to_owned()).collect(),
        })
        .collect();
    Package { name: name.to_owned(), dependencies, targets: Vec::new() }
}

/// The findings on one package, without those on packages that a sample leaves out.
fn check_one(package: Package) -> String {
    let found = manifests(&[package]);
    found.into_iter().filter(|line| !line.contains("does not exist")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_crate_may_name_what_its_row_allows() {
    assert_eq!(check_one(package("magic-routing", &[("magic-types", None, &[]), ("magic-config", None, &[])])), "");
}

#[test]
fn a_crate_may_name_nothing_else() {
    let found = check_one(package("magic-types", &[("tokio", None, &[])]));
    assert!(found.contains("magic-types: names tokio"), "{found}");
}

#[test]
fn tests_of_a_crate_may_use_more() {
    assert_eq!(check_one(package("magic-types", &[("proptest", Some("dev"), &[])])), "");
}

#[test]
fn siblings_do_not_even_meet_in_tests() {
    let found = check_one(package("magic-sessions", &[("magic-plugins", Some("dev"), &[])]));
    assert!(found.contains("its sibling magic-plugins"), "{found}");
}

#[test]
fn sessions_may_wait_and_never_spawn() {
    assert_eq!(check_one(package("magic-sessions", &[("tokio", None, &["sync"])])), "");
    let found = check_one(package("magic-sessions", &[("tokio", None, &["sync", "rt"])]));
    assert!(found.contains("tokio's feature `rt`"), "{found}");
}

#[test]
fn only_tests_and_benches_stand_above_the_host() {
    assert_eq!(check_one(package("magic-tests", &[("magic-proxy", None, &[])])), "");
    let found = check_one(package("xtask", &[("magic-proxy", None, &[])]));
    assert!(found.contains("xtask: names magic-proxy"), "{found}");
}

#[test]
fn a_rule_for_no_crate_is_found() {
    let found = manifests(&[package("magic-tags", &[])]).join("\n");
    assert!(found.contains("magic-types: has a rule") && !found.contains("magic-tags"), "{found}");
}

#[test]
fn what_comes_in_through_others_is_found() {
    let rule = &RULES[0];
    let tree = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert!(comes_in(rule, &tree(&["bytes", "zeroize"])).is_empty());
    assert_eq!(comes_in(rule, &tree(&["bytes", "tokio"])).len(), 1);
}

#[test]
fn the_lock_has_a_budget() {
    assert_eq!(over_budget(&"[[package]]\n".repeat(LOCKED_MAX)), None);
    assert!(over_budget(&"[[package]]\n".repeat(LOCKED_MAX + 1)).is_some());
}

#[test]
fn this_repository_keeps_the_rules() {
    assert_eq!(check(&shell::root()).unwrap(), Vec::<String>::new());
}
