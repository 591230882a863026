//! One step at work: the model thinks, calls tools, and says what came of it. Refuses to fail: what was not found out is a
//! result too.

use magic_sdk::{
    driver::{Ask, Ctx, Prompt, error_text, fill, result_text},
    reading,
};

use crate::plan::Step;

const WORK: &str = include_str!("../prompts/work.md");
const WORK_ALONE: &str = include_str!("../prompts/work_alone.md");
const STEP: &str = include_str!("../prompts/step.md");
const OBSERVATION: &str = "<OBSERVATION>{{text}}</OBSERVATION>";
const LAST: &str = "No more tools. Say now what came of the step.";
/// A model cannot invent its own observation.
const STOP: [&str; 2] = ["</ACTION>", "<OBSERVATION"];

/// What came of the step.
pub(crate) async fn done(ctx: &Ctx, actions: u32, known: &str, step: &Step) -> String {
    let system =
        if ctx.tools_offered().is_empty() { fill(WORK_ALONE, &[]) } else { fill(WORK, &[("tools", &tools(ctx))]) };
    let order = fill(STEP, &[("results", known), ("step", &step.step)]);
    let mut prompt = Prompt::new(&system).conversation(ctx).user(order);
    let mut said = String::new();
    for left in (0..=actions).rev() {
        let text = match ctx.step(Ask::from(prompt.clone()).stop(&STOP)).await {
            Ok(Some(reply)) => reply.text(),
            Ok(None) => return not_done(&said, "no place is left for it"),
            Err(error) => return not_done(&said, &error_text(&error)),
        };
        let acting = reading::acting(&text);
        let (answer, heard) = match acting.calls {
            Ok(calls) if calls.is_empty() => return acting.answer.unwrap_or(acting.thought),
            Ok(calls) if left > 0 => (closed(&text), observed(ctx, calls).await),
            Ok(_) => return not_done(&acting.thought, "it may call no more tools"),
            Err(problem) => (closed(&text), problem),
        };
        said = acting.thought;
        prompt = prompt.assistant(answer).user(heard);
        if ctx.wrap_up().is_some() {
            return not_done(&said, "no place is left for it");
        }
        if left == 1 {
            prompt = prompt.user(LAST);
        }
    }
    not_done(&said, "its actions could not be read")
}

/// One line a tool.
pub(crate) fn tools(ctx: &Ctx) -> String {
    let lines = ctx.tools_offered().iter().map(|tool| {
        format!("- {}: {} Arguments: {}", tool.name, tool.description.trim(), tool.parameters_json_schema.trim())
    });
    lines.collect::<Vec<_>>().join("\n")
}

async fn observed(ctx: &Ctx, calls: Vec<magic_sdk::driver::Call>) -> String {
    let results = ctx.tools(calls).await;
    let heard = results.iter().map(|result| fill(OBSERVATION, &[("text", &result_text(result))]));
    heard.collect::<Vec<_>>().join("\n")
}

/// The stop sequence took the closing tag.
fn closed(text: &str) -> String {
    if text.contains("</ACTION>") { text.into() } else { [text, "</ACTION>"].concat() }
}

fn not_done(said: &str, why: &str) -> String {
    [said, " (Not done to the end: ", why, ".)"].concat().trim().into()
}
