//! The pattern `reflexion_react`: attempt, check by a tool, reflect on the tool's word, attempt again. Refuses to let the
//! model judge itself: reflection without an outside check makes answers worse.

mod checker;

use checker::{Checker, Verdict};
use magic_sdk::driver::{Answer, Ask, Ctx, Error, Prompt, Show, fill};

magic_sdk::driver! {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    description: "Attempts an answer, has a checker tool look at it, reflects on what the checker said and tries again. \
                  For tasks that a tool can check, such as programs with tests; without a checker it tries once.",
    options_schema: include_str!("../schema/options.json"),
    run: run,
}

#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    pub checker: Option<Checker>,
    pub retries: u32,
}

const REFLECT: &str = include_str!("../prompts/reflect.md");
const LESSONS: &str = include_str!("../prompts/lessons.md");
const ANSWER: &str = include_str!("../prompts/answer.md");

pub async fn run(ctx: Ctx) -> Result<Answer, Error> {
    let options: Options = ctx.options()?;
    let Some(checker) = &options.checker else {
        ctx.thought("There is no checker (option `checker`), so there is one attempt and no judging it.");
        return ctx.answer(Prompt::new("").conversation(&ctx)).await;
    };
    ctx.tool(&checker.tool, "checker.tool")?;
    let mut lessons = Vec::new();
    let mut last = None;
    for attempt in 1..=options.retries.saturating_add(1) {
        let Some(reply) = ctx.step(Ask::from(attempting(&ctx, &lessons)).show(Show::Thought)).await? else { break };
        let text = last.insert(reply.text()).clone();
        let word = match checker.verdict(&ctx, &text).await {
            Verdict::Passed => return Ok(text.into()),
            Verdict::Failed(word) => word,
            // Nothing was learnt of the answer: it is given as it is.
            Verdict::Unchecked(why) => {
                ctx.thought(format!("\nThe checker could not check this: {why}"));
                break;
            }
        };
        ctx.thought(format!("\nAttempt {attempt} failed its check.\n"));
        if ctx.wrap_up().is_some() || attempt > options.retries {
            break;
        }
        let Some(lesson) = ctx.step(Ask::from(reflecting(&ctx, &text, &word)).show(Show::Thought)).await? else {
            break;
        };
        lessons.push(lesson.text());
        ctx.thought("\n");
        if ctx.wrap_up().is_some() {
            break;
        }
    }
    match last {
        Some(text) => {
            ctx.thought("\nNo attempt passed the check; the last one is the answer.");
            Ok(text.into())
        }
        None => ctx.answer(Prompt::new("").conversation(&ctx).user(fill(ANSWER, &[]))).await,
    }
}

/// The question and what was learnt so far; not the failed attempts, which a model likes to repeat.
fn attempting(ctx: &Ctx, lessons: &[String]) -> Prompt {
    let prompt = Prompt::new("").conversation(ctx);
    if lessons.is_empty() { prompt } else { prompt.user(fill(LESSONS, &[("lessons", &lessons.join("\n\n"))])) }
}

fn reflecting(ctx: &Ctx, attempt: &str, word: &str) -> Prompt {
    Prompt::new("").conversation(ctx).assistant(attempt).user(fill(REFLECT, &[("word", word)]))
}

// === impl Options ===
impl Default for Options {
    fn default() -> Self {
        Self { checker: None, retries: 3 }
    }
}

#[cfg(test)]
mod tests;
