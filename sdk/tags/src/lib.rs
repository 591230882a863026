//! The tag grammar of reasoning patterns: reads it out of a stream, and keeps strangers' text from speaking it. No
//! dependencies, no I/O, total: any text, cut anywhere, has a reading. Host and guests share it.
//!
//! What counts as a tag (`parser` holds the rule, `names` the words):
//!
//! * `<NAME>`, `<NAME key=value>`, `<NAME/>`, `</NAME>` for a known name, whatever the case; nothing else.
//! * An opening tag counts at the start of the text, at the start of a line, directly after another tag, and after the
//!   end of a sentence; white space in between does not matter. `<ACTION>` also counts wherever JSON follows it, unless
//!   a backtick or a quote stands before it. Elsewhere it is merely mentioned.
//! * Inside ACTION and OBSERVATION only their own closing tag counts. Inside FINAL_ANSWER no ACTION and no OBSERVATION
//!   can open: an answer that has begun stays an answer.
//! * ACTION, OBSERVATION and FINAL_ANSWER end whatever is open; other tags nest, each at most once.
//! * A closing tag of something open counts unless it stands between backticks; what was opened inside it ends too. One
//!   of nothing open is dropped, unless it is merely mentioned.
//! * What is still open at the end of the text ends with it.

mod escape;
mod names;
mod parser;

pub use escape::escape;
pub use names::{ACTION, FINAL_ANSWER, OBSERVATION, THOUGHT, Tags};
pub use parser::{Parser, Piece};
