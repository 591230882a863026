use super::*;

#[track_caller]
fn check(text: &str, expect: &[&str]) {
    let output = TextStats::call(Args { text: text.into() }).unwrap().text;
    for line in expect {
        assert!(output.lines().any(|found| found == *line), "{line}\nnot in\n{output}");
    }
}

#[test]
fn it_says_of_itself_what_it_does() {
    assert_eq!(magic_sdk::testing::problems::<TextStats>(), Vec::<String>::new());
}

#[test]
fn a_sentence_is_counted_in_every_way() {
    check(
        "The quick brown fox jumps over the lazy dog.",
        &[
            "characters: 44 (36 without spaces)",
            "words: 9 (8 unique)",
            "sentences: 1",
            "lines: 1",
            "paragraphs: 1",
            "average word length: 3.9 characters",
            "reading time: 3 s at 238 words a minute",
        ],
    );
}

#[test]
fn an_empty_text_has_nothing() {
    check(
        "",
        &["characters: 0 (0 without spaces)", "words: 0 (0 unique)", "lines: 0", "average word length: 0.0 characters"],
    );
}

#[test]
fn lines_and_paragraphs_are_told_apart() {
    check("One.\nTwo.\n\n\nThree. Four!\n", &["lines: 5", "paragraphs: 2", "sentences: 4", "words: 4 (4 unique)"]);
}

#[test]
fn a_character_is_what_a_reader_sees() {
    check("né 👩‍👩‍👧 e\u{301}t", &["characters: 7 (5 without spaces)", "words: 2 (2 unique)"]);
}

#[test]
fn a_long_text_reads_in_minutes() {
    check(&"word ".repeat(476), &["reading time: 2 min 0 s at 238 words a minute", "words: 476 (1 unique)"]);
}

#[test]
fn machines_get_numbers() {
    let output = TextStats::call(Args { text: "a bc".into() }).unwrap().structured.unwrap();
    assert!(output.contains(r#""words":2"#) && output.contains(r#""average_word_length":1.5"#), "{output}");
}
