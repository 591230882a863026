//! What a checker tool says of an answer. Refuses to have an opinion of its own.

use magic_sdk::{
    driver::{Call, Ctx, ToolError, ToolResult, result_text},
    reading,
};
use serde_json::{Map, Value};

#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checker {
    pub tool: String,
    #[serde(default = "answer")]
    pub argument: String,
    #[serde(default)]
    pub part: Part,
    #[serde(default)]
    pub arguments: Map<String, Value>,
    #[serde(default)]
    pub passes: Option<String>,
}

/// What of a reply is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    #[default]
    Answer,
    Code,
    LastLine,
}

pub(crate) enum Verdict {
    Passed,
    /// With the checker's word.
    Failed(String),
    /// The checker itself failed.
    Unchecked(String),
}

const NO_CODE: &str = "There is no program in the answer: write it in a fence of its own.";
/// What a checker's structured output may call its verdict.
const VERDICTS: [&str; 3] = ["ok", "passed", "valid"];

// === impl Checker ===
impl Checker {
    pub(crate) async fn verdict(&self, ctx: &Ctx, reply: &str) -> Verdict {
        let Some(checked) = self.part.of(reply) else { return Verdict::Failed(NO_CODE.into()) };
        let mut arguments = self.arguments.clone();
        arguments.insert(self.argument.clone(), Value::String(checked));
        let results = ctx.tools([Call::new(&self.tool, &Value::Object(arguments))]).await;
        results.first().map_or_else(|| Verdict::Unchecked("no result came".into()), |result| self.read(result))
    }

    fn read(&self, result: &ToolResult) -> Verdict {
        let word = result_text(result);
        match &result.outcome {
            Ok(output) if self.accepts(&output.text, output.structured.as_deref()) => Verdict::Passed,
            // A checker that runs a program with its tests fails where a test does.
            Ok(_) | Err(ToolError::Failed(_) | ToolError::InvalidArguments(_) | ToolError::TimedOut) => {
                Verdict::Failed(word)
            }
            Err(ToolError::NotFound | ToolError::Denied(_) | ToolError::Busy(_) | ToolError::OutcomeUnknown) => {
                Verdict::Unchecked(word)
            }
        }
    }

    fn accepts(&self, text: &str, structured: Option<&str>) -> bool {
        let said = structured.and_then(|text| serde_json::from_str::<Value>(text).ok());
        let denied = VERDICTS.iter().any(|key| said.as_ref().is_some_and(|said| said[*key] == false));
        !denied && self.passes.as_ref().is_none_or(|passes| text.contains(passes))
    }
}

// === impl Part ===
impl Part {
    fn of(self, reply: &str) -> Option<String> {
        let (_, answer) = reading::answer(reply);
        match self {
            Self::Answer => Some(answer),
            Self::Code => reading::code(reply, "python", |_| false),
            Self::LastLine => answer.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned),
        }
    }
}

fn answer() -> String {
    "answer".into()
}
