use super::{estimate, read_google, reply, write_google};
use crate::chat::{Content, Message, Part, Request};
use crate::dialect::Call;
use crate::quirks;
use magic_types::Kind;
use magic_types::chat::Role;

#[test]
fn an_estimate_grows_with_the_text_and_is_never_zero() {
    let of = |text: &str| {
        let messages = vec![Message::new(Role::User, vec![Part::text(text)])];
        estimate(&Request { messages, ..Request::default() })
    };
    assert_eq!(estimate(&Request::default()), 1);
    assert_eq!(of("four bytes a token: forty characters now"), 14);
    assert!(of(&"x".repeat(4_000)) > 1_000);
}

#[test]
fn results_inside_results_are_counted() {
    let inner = vec![Part::text("12345678")];
    let result = Part::new(Content::ToolResult { call_id: "c".to_owned(), parts: inner, is_error: false });
    let messages = vec![Message::new(Role::Tool, vec![result])];
    assert_eq!(estimate(&Request { messages, ..Request::default() }), 10);
}

#[test]
fn google_is_asked_for_the_whole_prompt_and_its_count_is_given_back() {
    let messages =
        vec![Message::new(Role::System, vec![Part::text("s")]), Message::new(Role::User, vec![Part::text("u")])];
    let call = Call { model: "gemini-2.5-flash", stream: false, quirks: quirks::of("google") };
    let written = write_google(&Request { messages, ..Request::default() }, &call);
    assert_eq!(
        written.body,
        concat!(
            r#"{"generateContentRequest":{"contents":[{"parts":[{"text":"u"}],"role":"user"}],"#,
            r#""model":"models/gemini-2.5-flash","systemInstruction":{"parts":[{"text":"s"}]}}}"#
        )
    );
    assert_eq!(read_google(br#"{"totalTokens":31}"#).map(reply), Ok(r#"{"input_tokens":31}"#.to_owned()));
    assert_eq!(read_google(b"{}").expect_err("no count").kind, Kind::BadReply);
    assert_eq!(read_google(br#"{"error":{"code":503,"message":"x"}}"#).expect_err("error").kind, Kind::ServerError);
}
