//! How problems read.
use super::{Problem, did_you_mean, nearest, quoted};

#[test]
fn a_problem_reads_as_path_message_and_hint() {
    let problem = Problem::new("model_list[3].provider", "unknown provider `opnai`").hint("did you mean `openai`?");
    assert_eq!(problem.to_string(), "model_list[3].provider: unknown provider `opnai` (did you mean `openai`?)");
    assert_eq!(Problem::new("", "the file is too large").to_string(), "the file is too large");
}

#[test]
fn only_a_near_word_is_meant() {
    let known = ["openai", "google", "local"];
    assert_eq!(nearest("opnai", &known), Some("openai"));
    assert_eq!(nearest("OpenAI", &known), Some("openai"));
    assert_eq!(nearest("goolge", &known), Some("google"));
    assert_eq!(nearest("bedrock", &known), None);
    assert_eq!(nearest(&"openai".repeat(100_000), &known), None);
    assert_eq!(nearest("x", &[]), None);
    assert_eq!(did_you_mean("x", &[]), "known: none");
    assert_eq!(did_you_mean("b", &["a"; 16]), format!("did you mean `a`? known: {}", ["a"; 16].join(", ")));
    assert_eq!(did_you_mean("zzz", &["abc"; 18]), format!("known: {}, 2 more", ["abc"; 16].join(", ")));
}

#[test]
fn quoted_text_is_short_and_harmless() {
    assert_eq!(quoted("it's \"fine\""), "`it's \"fine\"`");
    assert_eq!(quoted("\u{1b}[31m\n"), "`\\u{1b}[31m\\n`");
    assert_eq!(quoted(&"é".repeat(100)), format!("`{}…`", "é".repeat(60)));
}
