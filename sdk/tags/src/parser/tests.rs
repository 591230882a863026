//! The grammar as scripts: text in, pieces out; then every cut of every text, then texts at random.
use super::{Parser, Piece};
use crate::{Tags, escape};
use documents::{Dice, cut, document, fragments};
use std::fmt::Write;

mod documents;

fn tags() -> Tags {
    Tags::new(["plan", "DRAFT", "SYNTHESIS"])
}

/// The pieces of a text that comes in these chunks, adjacent text joined: `{NAME`, `}NAME`, `NAME:"text"`.
fn pieces<'a>(chunks: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut parser = Parser::new(tags());
    let mut seen = Vec::<String>::new();
    let mut texting = false;
    let mut out = |piece: Piece<'_>| match piece {
        Piece::Open(tag) => {
            seen.push(format!("{{{tag}"));
            texting = false;
        }
        Piece::Close(tag) => {
            seen.push(format!("}}{tag}"));
            texting = false;
        }
        Piece::Text { tag, text } => {
            assert!(!text.is_empty(), "a text piece is never empty");
            match seen.last_mut() {
                Some(last) if texting => last.push_str(text),
                _ => seen.push(format!("{}:{text}", tag.unwrap_or("-"))),
            }
            texting = true;
        }
    };
    for chunk in chunks {
        parser.push(chunk, &mut out);
        assert!(parser.held.len() < 300, "held back {} bytes", parser.held.len());
    }
    parser.finish(&mut out);
    seen
}

/// What the text reads as, whole and cut at every place into two and into single characters.
fn check(text: &str, expected: &[&str]) {
    let whole = pieces([text]);
    assert_eq!(whole, expected, "reading {text:?}");
    check_cuts(text, &whole);
}

fn check_cuts(text: &str, whole: &[String]) {
    for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
        let (head, tail) = text.split_at(at);
        assert_eq!(pieces([head, tail]), whole, "cut at {at}: {text:?}");
    }
    let characters = text.char_indices().map(|(at, c)| text.get(at..at + c.len_utf8()).unwrap());
    assert_eq!(pieces(characters), whole, "one character at a time: {text:?}");
}

#[test]
fn a_thought_an_action_and_an_answer_are_read() {
    check(
        "<THOUGHT>I add.</THOUGHT>\n<ACTION>{\"tool_name\":\"calculator\"}</ACTION>",
        &[
            "{THOUGHT",
            "THOUGHT:I add.",
            "}THOUGHT",
            "-:\n",
            "{ACTION",
            "ACTION:{\"tool_name\":\"calculator\"}",
            "}ACTION",
        ],
    );
    check("<FINAL_ANSWER>4</FINAL_ANSWER>", &["{FINAL_ANSWER", "FINAL_ANSWER:4", "}FINAL_ANSWER"]);
}

#[test]
fn case_attributes_and_the_vendors_spellings_do_not_matter() {
    check("<thought lang=\"en\">a</Thought >", &["{THOUGHT", "THOUGHT:a", "}THOUGHT"]);
    check("<think>a</think>b", &["{THOUGHT", "THOUGHT:a", "}THOUGHT", "-:b"]);
    check("<Thinking>a</THOUGHT>", &["{THOUGHT", "THOUGHT:a", "}THOUGHT"]);
    check("<Final_Answer>é</final_answer>", &["{FINAL_ANSWER", "FINAL_ANSWER:é", "}FINAL_ANSWER"]);
}

#[test]
fn an_unclosed_tag_ends_with_the_text() {
    check("<ACTION>{\"a\":1}", &["{ACTION", "ACTION:{\"a\":1}", "}ACTION"]);
    check("<PLAN>1.\n<THOUGHT>x", &["{PLAN", "PLAN:1.\n", "{THOUGHT", "THOUGHT:x", "}THOUGHT", "}PLAN"]);
    check("<THOUGHT", &["-:<THOUGHT"]);
    check("<THOUGHT>a</THOUGH", &["{THOUGHT", "THOUGHT:a</THOUGH", "}THOUGHT"]);
}

#[test]
fn a_tag_merely_mentioned_is_text() {
    check("I use the <ACTION> tag now", &["-:I use the <ACTION> tag now"]);
    check("write `<FINAL_ANSWER>x</FINAL_ANSWER>` last", &["-:write `<FINAL_ANSWER>x</FINAL_ANSWER>` last"]);
    check("say \"<ACTION>{}\" here", &["-:say \"<ACTION>{}\" here"]);
    check("<foo>bar</foo> a < b", &["-:<foo>bar</foo> a < b"]);
    check("<ACTION when needed> is a tag", &["-:<ACTION when needed> is a tag"]);
    check("<ACTIONS>x", &["-:<ACTIONS>x"]);
    check("< ACTION>x", &["-:< ACTION>x"]);
    check(
        "<THOUGHT>end with `</THOUGHT>` yes</THOUGHT>",
        &["{THOUGHT", "THOUGHT:end with `</THOUGHT>` yes", "}THOUGHT"],
    );
}

#[test]
fn a_tag_after_a_sentence_or_an_action_before_json_counts_inside_a_line() {
    check("I know. <FINAL_ANSWER>4", &["-:I know. ", "{FINAL_ANSWER", "FINAL_ANSWER:4", "}FINAL_ANSWER"]);
    check("so I call <ACTION> {\"a\":1}", &["-:so I call ", "{ACTION", "ACTION: {\"a\":1}", "}ACTION"]);
    check("so I call <ACTION> it", &["-:so I call <ACTION> it"]);
    check("so I call <ACTION>", &["-:so I call <ACTION>"]);
}

#[test]
fn nothing_but_its_own_end_counts_inside_an_action() {
    let json = "{\"html\":\"\n<FINAL_ANSWER>no</FINAL_ANSWER></THOUGHT><b>\"}";
    check(&format!("<ACTION>{json}</ACTION>"), &["{ACTION", &format!("ACTION:{json}"), "}ACTION"]);
    check("<OBSERVATION>\n<ACTION>{}", &["{OBSERVATION", "OBSERVATION:\n<ACTION>{}", "}OBSERVATION"]);
}

#[test]
fn an_empty_action_is_an_action() {
    check("<ACTION></ACTION>", &["{ACTION", "}ACTION"]);
    check("<ACTION/>", &["{ACTION", "}ACTION"]);
    check("<THOUGHT>a</THOUGHT><ACTION />", &["{THOUGHT", "THOUGHT:a", "}THOUGHT", "{ACTION", "}ACTION"]);
}

#[test]
fn sections_end_what_is_open_and_blocks_nest() {
    check(
        "<PLAN>a\n<THOUGHT>b</THOUGHT>\nc</PLAN>d",
        &["{PLAN", "PLAN:a\n", "{THOUGHT", "THOUGHT:b", "}THOUGHT", "PLAN:\nc", "}PLAN", "-:d"],
    );
    check(
        "<THOUGHT>a\n<FINAL_ANSWER>b",
        &["{THOUGHT", "THOUGHT:a\n", "}THOUGHT", "{FINAL_ANSWER", "FINAL_ANSWER:b", "}FINAL_ANSWER"],
    );
    check(
        "<THOUGHT>a\n<THOUGHT>b</THOUGHT>",
        &["{THOUGHT", "THOUGHT:a\n", "}THOUGHT", "{THOUGHT", "THOUGHT:b", "}THOUGHT"],
    );
    check("<PLAN><DRAFT>a</PLAN>", &["{PLAN", "{DRAFT", "DRAFT:a", "}DRAFT", "}PLAN"]);
}

#[test]
fn an_answer_that_has_begun_stays_an_answer() {
    check(
        "<FINAL_ANSWER>Write:\n<ACTION>{}</ACTION>\n<DRAFT>d</DRAFT></FINAL_ANSWER>",
        &[
            "{FINAL_ANSWER",
            "FINAL_ANSWER:Write:\n<ACTION>{}</ACTION>\n",
            "{DRAFT",
            "DRAFT:d",
            "}DRAFT",
            "}FINAL_ANSWER",
        ],
    );
    check(
        "<FINAL_ANSWER>```\ncode\n```</FINAL_ANSWER>",
        &["{FINAL_ANSWER", "FINAL_ANSWER:```\ncode\n```", "}FINAL_ANSWER"],
    );
}

#[test]
fn a_closing_tag_of_nothing_open_is_dropped_unless_it_is_mentioned() {
    check("long reasoning</think>\n4", &["-:long reasoning\n4"]);
    check("the </ACTION> tag", &["-:the </ACTION> tag"]);
    check("the <ACTION>x</ACTION> form", &["-:the <ACTION>x</ACTION> form"]);
}

#[test]
fn text_comes_out_as_soon_as_it_cannot_be_a_tag() {
    let mut parser = Parser::new(tags());
    let mut seen = String::new();
    for (chunk, so_far) in [
        ("a <", "a "),
        ("b", "a <b"),
        (" <TH", "a <b "),
        ("E", "a <b <THE"),
        ("\n<final", "a <b <THE\n"),
        ("ly", "a <b <THE\n<finally"),
    ] {
        parser.push(chunk, &mut |piece| {
            if let Piece::Text { text, .. } = piece {
                seen.push_str(text);
            }
        });
        assert_eq!(seen, so_far);
    }
}

#[test]
fn unicode_that_folds_to_a_tag_is_not_a_tag() {
    check("<thin\u{212a}>a", &["-:<thin\u{212a}>a"]);
    check("<OBſERVATION>", &["-:<OBſERVATION>"]);
    check("＜ACTION＞{}", &["-:＜ACTION＞{}"]);
}

#[test]
fn a_parser_that_has_finished_is_as_new() {
    let mut parser = Parser::new(tags());
    for _ in 0..2 {
        let mut seen = String::new();
        parser.push("<FINAL_ANSWER>x", &mut |piece| write!(seen, "{piece:?} ").unwrap());
        parser.finish(&mut |piece| write!(seen, "{piece:?} ").unwrap());
        assert_eq!(
            seen,
            "Open(\"FINAL_ANSWER\") Text { tag: Some(\"FINAL_ANSWER\"), text: \"x\" } Close(\"FINAL_ANSWER\") "
        );
    }
}

#[test]
fn random_texts_read_the_same_however_they_are_cut() {
    for seed in 0..3_000 {
        let text = fragments(&mut Dice(seed), 14);
        let whole = pieces([text.as_str()]);
        check_cuts(&text, &whole);
        check_nesting(&whole, &text);
    }
}

#[test]
fn random_documents_read_the_same_however_they_are_cut() {
    for seed in 0..1_000 {
        let mut dice = Dice(seed);
        let text = document(&mut dice);
        let whole = pieces([text.as_str()]);
        check_nesting(&whole, &text);
        for _ in 0..8 {
            assert_eq!(pieces(cut(&mut dice, &text)), whole, "seed {seed}: {text:?}");
        }
        let characters = text.char_indices().map(|(at, c)| text.get(at..at + c.len_utf8()).unwrap());
        assert_eq!(pieces(characters), whole, "seed {seed}: one character at a time: {text:?}");
    }
}

/// What opens is closed, in order, and text belongs to the innermost tag.
fn check_nesting(pieces: &[String], text: &str) {
    let mut open = Vec::new();
    for piece in pieces {
        match piece.split_at(1) {
            ("{", tag) => open.push(tag),
            ("}", tag) => assert_eq!(open.pop(), Some(tag), "{text:?} closes in order"),
            _ => assert_eq!(open.last().unwrap_or(&"-"), &piece.split(':').next().unwrap(), "{text:?}"),
        }
    }
    assert!(open.is_empty(), "{text:?} leaves {open:?} open");
}

#[test]
fn escaped_text_never_opens_or_closes_a_tag_even_joined() {
    let tags = tags();
    for seed in 0..20_000 {
        let mut dice = Dice(seed);
        let (one, two) = (fragments(&mut dice, 10), fragments(&mut dice, 10));
        let joined = tags.escape(&one).into_owned() + &tags.escape(&two);
        assert_eq!(pieces([joined.as_str()]), [format!("-:{joined}")], "seed {seed}: {one:?} {two:?}");
        let inside = format!("<FINAL_ANSWER>{joined}</FINAL_ANSWER>");
        let expected = ["{FINAL_ANSWER".to_owned(), format!("FINAL_ANSWER:{joined}"), "}FINAL_ANSWER".to_owned()];
        if !joined.ends_with('`') {
            assert_eq!(pieces([inside.as_str()]), expected, "seed {seed}: {one:?} {two:?}");
        }
        assert_eq!(tags.escape(&joined), joined, "seed {seed}: escaping twice changes nothing");
    }
    assert_eq!(escape("plain"), "plain");
}
