use super::{Event, Parser, TooLong};

fn events(chunks: &[&[u8]]) -> Vec<String> {
    let mut parser = Parser::new(1024);
    let mut seen = Vec::new();
    for chunk in chunks {
        let mut on_event = |event: Event<'_>| {
            seen.push(format!(
                "{}|{}",
                String::from_utf8_lossy(event.name),
                String::from_utf8_lossy(event.data).replace('\n', "\\n")
            ));
        };
        parser.push(chunk, &mut on_event).expect("within the bound");
    }
    seen
}

const SAMPLE: &[u8] = "\u{feff}: hello\r\n\r\nevent: message\r\ndata: {\"a\":1}\r\n\r\ndata: zwei Zeilen – ä\ndata:second\n\nid: 7\n\nretry\rdata\r\rdata: [DONE]\n\n".as_bytes();

#[test]
fn lines_fields_comments_and_line_ends_follow_the_standard() {
    assert_eq!(events(&[SAMPLE]), ["message|{\"a\":1}", "|zwei Zeilen – ä\\nsecond", "|", "|[DONE]"],);
}

#[test]
fn every_split_of_the_input_gives_the_same_events() {
    let whole = events(&[SAMPLE]);
    for cut in 0..=SAMPLE.len() {
        let (head, tail) = SAMPLE.split_at(cut);
        assert_eq!(events(&[head, tail]), whole, "cut at byte {cut}");
    }
    let bytes: Vec<&[u8]> = SAMPLE.chunks(1).collect();
    assert_eq!(events(&bytes), whole, "byte by byte");
}

#[test]
fn an_unfinished_event_is_not_dispatched() {
    assert_eq!(events(&[b"data: cut"]), Vec::<String>::new());
    assert_eq!(events(&[b"data: cut\n"]), Vec::<String>::new());
}

#[test]
fn an_endless_event_is_refused() {
    let mut parser = Parser::new(64);
    let results: Vec<_> = (0..10).map(|_| parser.push(&[b'x'; 16], |_| {})).collect();
    assert!(results.contains(&Err(TooLong)));
    let mut parser = Parser::new(64);
    let results: Vec<_> = (0..20).map(|_| parser.push(b"data: 1234567890\n", |_| {})).collect();
    assert!(results.contains(&Err(TooLong)));
}

#[test]
fn a_chunk_settles_up_to_its_last_blank_line() {
    let settled = |chunks: &[&str]| -> Vec<usize> {
        let mut parser = Parser::new(1024);
        chunks.iter().map(|chunk| parser.push(chunk.as_bytes(), |_| {}).expect("within the bound")).collect()
    };
    assert_eq!(settled(&["data: a\n\n"]), [9]);
    assert_eq!(settled(&["data: a\n\ndata: b"]), [9]);
    assert_eq!(settled(&["data: a\n\ndata: b\n"]), [9]);
    assert_eq!(settled(&["data: a", "\n\n"]), [0, 2]);
    assert_eq!(settled(&[": note\r\n\r", "\ndata: x"]), [9, 1]);
    assert_eq!(settled(&["event: e\n", "data: x\n", "\n"]), [0, 0, 1]);
}
