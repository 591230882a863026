//! The little model itself: what was asked, and what it says to that. Knows no dialect.
use serde_json::{Value, json};

/// A conversation as the model sees it.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) system: String,
    /// What the user said first and last.
    pub(super) first: String,
    pub(super) last: String,
    /// What tools answered since then.
    pub(super) results: Vec<String>,
    /// Media type and length of each picture, or where it lies.
    pub(super) pictures: Vec<String>,
    pub(super) tools: Vec<String>,
    /// The answer must be JSON of this schema.
    pub(super) schema: Option<Value>,
    /// This tool must be called.
    pub(super) forced: Option<String>,
}

pub(super) enum Answer {
    Says(Saying),
    Fails(Complaint),
    /// Streams a beginning, and then nothing more.
    Endless(Saying),
    /// Streams a beginning, and then an error.
    Breaks(Saying, Complaint),
}

#[derive(Default)]
pub(super) struct Saying {
    pub(super) thought: &'static str,
    pub(super) text: String,
    pub(super) calls: Vec<ToolCall>,
    pub(super) finish: Finish,
}

pub(super) struct ToolCall {
    pub(super) name: String,
    pub(super) arguments: Value,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Finish {
    #[default]
    Stop,
    Length,
    Calls,
    /// The vendor's filter ended it.
    Filtered,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Complaint {
    Invalid,
    TooLong,
    Busy,
    Broken,
}

/// What every answer costs. The whole prompt, what of it was cached, the whole answer.
pub(super) const INPUT: u64 = 11;
pub(super) const CACHED: u64 = 3;
pub(super) const OUTPUT: u64 = 7;

/// What it says to whatever it knows no word of.
pub const GREETING: &str =
    "Gr\u{fc}\u{df}e! \u{4f60}\u{597d} \u{1f980} \u{2014} \"quoted\", {curly}\n\\back\u{2028}slash.";
const THOUGHT: &str = "First I ponder \u{3c0}\u{2026} \u{1f914}";

// === impl Asked ===

impl Asked {
    /// Decides by the first of its words that is in the last message.
    pub(super) fn answer(&self) -> Answer {
        let says = |text: &str| Answer::Says(Saying { text: text.to_owned(), ..Saying::default() });
        if self.schema.is_some() || self.forced.is_some() {
            return self.by_schema();
        }
        let word = WORDS.iter().find(|word| self.last.contains(*word)).copied().unwrap_or_default();
        match word {
            "bad request" => Answer::Fails(Complaint::Invalid),
            "too long" => Answer::Fails(Complaint::TooLong),
            "busy" => Answer::Fails(Complaint::Busy),
            "broken" => Answer::Fails(Complaint::Broken),
            "endless" => Answer::Endless(Saying { text: "On and on".to_owned(), ..Saying::default() }),
            "breaks off" => {
                Answer::Breaks(Saying { text: "So far so good".to_owned(), ..Saying::default() }, Complaint::Broken)
            }
            "ponder" => Answer::Says(Saying { thought: THOUGHT, text: GREETING.to_owned(), ..Saying::default() }),
            "at length" => {
                Answer::Says(Saying { text: "Once upon".to_owned(), finish: Finish::Length, ..Saying::default() })
            }
            "forbidden" => Answer::Says(Saying { text: "I".to_owned(), finish: Finish::Filtered, ..Saying::default() }),
            "step by step" => self.steps(),
            "weather" => self.weather(),
            "picture" => says(&format!("I see {}.", self.pictures.join(" and "))),
            "said first" => says(&format!("You said: {}", self.first)),
            "system" => says(&format!("I was told: {}", self.system)),
            _ => says(GREETING),
        }
    }

    /// One call for each city that is named; then what the tools said, in their order.
    fn weather(&self) -> Answer {
        let cities = ["Z\u{fc}rich", "Reykjav\u{ed}k"].into_iter().filter(|city| self.last.contains(city));
        if self.results.is_empty() {
            return calls(cities.map(|city| json!({ "city": city, "unit": "C" })).collect());
        }
        Answer::Says(Saying { text: format!("It is {}.", self.results.join(" and ")), ..Saying::default() })
    }

    /// A second call after the first one's result.
    fn steps(&self) -> Answer {
        match self.results.as_slice() {
            [] => calls(vec![json!({ "city": "Z\u{fc}rich" })]),
            [one] => calls(vec![json!({ "city": "Bern", "after": one })]),
            more => Answer::Says(Saying { text: format!("Steps: {}.", more.join(", ")), ..Saying::default() }),
        }
    }

    /// The same object as text or, where a tool stands for the schema, as its call.
    fn by_schema(&self) -> Answer {
        let object = json!({ "city": "Z\u{fc}rich", "degrees": 21, "tags": ["a", "\u{e9}"] });
        match &self.forced {
            Some(name) => Answer::Says(Saying {
                calls: vec![ToolCall { name: name.clone(), arguments: object }],
                finish: Finish::Calls,
                ..Saying::default()
            }),
            None => Answer::Says(Saying { text: object.to_string(), ..Saying::default() }),
        }
    }
}

/// The model does what the first of these in the user's last message says.
const WORDS: [&str; 14] = [
    "bad request",
    "too long",
    "busy",
    "broken",
    "endless",
    "breaks off",
    "ponder",
    "at length",
    "forbidden",
    "step by step",
    "weather",
    "picture",
    "said first",
    "system",
];

fn calls(arguments: Vec<Value>) -> Answer {
    let calls = arguments.into_iter().map(|arguments| ToolCall { name: "get_weather".to_owned(), arguments });
    Answer::Says(Saying { calls: calls.collect(), finish: Finish::Calls, ..Saying::default() })
}

// === impl Complaint ===

impl Complaint {
    pub(super) fn status(self) -> u16 {
        match self {
            Self::Invalid | Self::TooLong => 400,
            Self::Busy => 429,
            Self::Broken => 500,
        }
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Invalid => "temperature must be at most 2",
            Self::TooLong => {
                "This model's maximum context length is 10 tokens. However, your messages resulted in 11 tokens."
            }
            Self::Busy => "You have sent too many requests",
            Self::Broken => "The server had an error",
        }
    }
}

/// A data URL as the model notes it.
pub(super) fn picture(media_type: &str, base64: &str) -> String {
    format!("{media_type} {}", base64.len())
}
