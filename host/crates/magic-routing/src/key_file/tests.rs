//! Key files as people write them.
use super::read_key_file;
use crate::PoolName;

fn check(text: &str, keys: &[&str], bad: &[&str]) {
    let (found, faults) = read_key_file(&PoolName::new("openai"), text);
    assert_eq!(found.iter().map(|key| key.secret.expose()).collect::<Vec<_>>(), keys, "{text}");
    assert_eq!(faults.iter().map(ToString::to_string).collect::<Vec<_>>(), bad, "{text}");
}

#[test]
fn one_key_a_line_with_comments_and_blank_lines() {
    check("", &[], &[]);
    check("# mine\n\nsk-a\r\n  sk-b  # the second\n#sk-c\n", &["sk-a", "sk-b"], &[]);
    check("\u{feff}sk-a", &["sk-a"], &[]);
}

#[test]
fn a_key_named_twice_counts_once() {
    check("sk-a\nsk-b\nsk-a", &["sk-a", "sk-b"], &[]);
}

#[test]
fn a_variables_name_before_a_key_is_dropped() {
    check("OPENAI_API_KEY=sk-a\nexport KEY_2=\"sk-b\"\nabc=def==\nABC=", &["sk-a", "sk-b", "abc=def==", "ABC="], &[]);
}

#[test]
fn bad_lines_are_named_by_number_and_never_repeated() {
    check(
        &format!("sk a\nsk-ü\nMY_KEY=\nsk-a\n{}", "x".repeat(5000)),
        &["sk-a"],
        &[
            "line 1: a space or another character that no key has",
            "line 2: a space or another character that no key has",
            "line 3: a name without a key",
            "line 5: longer than any key",
        ],
    );
}
