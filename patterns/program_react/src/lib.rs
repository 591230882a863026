//! The pattern `program_react`: the model writes a program, the sandboxed interpreter runs it, and what it prints is the
//! answer. Refuses to calculate in words: that is what weak models cannot do.

use magic_sdk::{
    driver::{Answer, Ask, Call, Ctx, Error, Prompt, Show, fill, result_text},
    reading,
};
use serde_json::json;

magic_sdk::driver! {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    description: "The model writes a short Python program, the sandboxed interpreter runs it, and what it prints is the \
                  answer. For questions whose answer can be computed, above all on small models.",
    options_schema: include_str!("../schema/options.json"),
    run: run,
}

#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    pub tool: String,
    pub repairs: u32,
    pub answer: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Output,
    Model,
}

const SYSTEM: &str = include_str!("../prompts/system.md");
const EXAMPLES: &str = include_str!("../prompts/examples.md");
const WRITE: &str = include_str!("../prompts/write.md");
const REPAIR: &str = include_str!("../prompts/repair.md");
const WORD: &str = include_str!("../prompts/word.md");
const PLAIN: &str = include_str!("../prompts/plain.md");
const NO_PROGRAM: &str = "There is no program in your reply. Write one between ```python and ```.";
const NO_OUTPUT: &str = "The program ran and printed nothing. Print the answer.";
/// Behind the closing fence small models go on with invented output. An opening fence has a word behind it.
const STOP: [&str; 1] = ["\n```\n"];
/// A traceback tells the most in its last lines.
const ERROR_CHARS_MAX: usize = 1200;

pub async fn run(ctx: Ctx) -> Result<Answer, Error> {
    let options: Options = ctx.options()?;
    ctx.tool(&options.tool, "tool")?;
    let mut prompt = examples().conversation(&ctx).user(fill(WRITE, &[]));
    for _ in 0..=options.repairs {
        let ask = Ask::from(prompt.clone()).stop(&STOP).show(Show::Thought);
        let Some(reply) = ctx.step(ask).await? else { break };
        let text = reply.text();
        ctx.thought("\n");
        let problem = match ran(&ctx, &options, &text).await {
            Ok(output) => return worded(&ctx, &options, prompt.assistant(text), &output).await,
            Err(problem) => problem,
        };
        prompt = prompt.assistant(text).user(fill(REPAIR, &[("problem", &problem)]));
        if ctx.wrap_up().is_some() {
            break;
        }
    }
    ctx.thought("No program gave an answer, so the model answers without one.");
    ctx.answer(Prompt::new("").conversation(&ctx).user(fill(PLAIN, &[]))).await
}

/// What the program in the reply prints, or what is wrong with it.
async fn ran(ctx: &Ctx, options: &Options, reply: &str) -> Result<String, String> {
    let looks_right = |text: &str| text.contains("print(");
    let code = reading::code(reply, "python", looks_right).ok_or(NO_PROGRAM)?;
    let results = ctx.tools([Call::new(&options.tool, &json!({ "code": code }))]).await;
    let output = match results.first() {
        Some(result) if result.outcome.is_ok() => result_text(result),
        Some(result) => return Err(tail(&result_text(result))),
        None => String::new(),
    };
    if output.trim().is_empty() { Err(NO_OUTPUT.into()) } else { Ok(output) }
}

async fn worded(ctx: &Ctx, options: &Options, prompt: Prompt, output: &str) -> Result<Answer, Error> {
    let last = output.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match options.answer {
        Source::Output => Ok(last.into()),
        Source::Model if ctx.wrap_up().is_some() => Ok(last.into()),
        Source::Model => ctx.answer(prompt.user(fill(WORD, &[("output", output)]))).await,
    }
}

/// The examples as turns: a model imitates what it seems to have done before better than what it is told.
fn examples() -> Prompt {
    let turns = EXAMPLES.split("\n---\n").filter_map(|example| example.trim().split_once("\n\n"));
    turns.fold(Prompt::new(SYSTEM), |prompt, (question, program)| {
        prompt.user(question).user(fill(WRITE, &[])).assistant(program)
    })
}

fn tail(text: &str) -> String {
    let chars = text.chars().count();
    text.chars().skip(chars.saturating_sub(ERROR_CHARS_MAX)).collect()
}

// === impl Options ===
impl Default for Options {
    fn default() -> Self {
        Self { tool: "python".into(), repairs: 2, answer: Source::Output }
    }
}

#[cfg(test)]
mod tests;
