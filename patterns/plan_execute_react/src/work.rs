//! One step at work: the model thinks, calls tools, and says what came of it. Refuses to fail: what was not found out is a
//! result too.

use magic_sdk::{
    driver::{Ask, Ctx, Prompt, error_text, fill, result_text},
    reading::{self, Acting},
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
    let mut found = String::new();
    for left in (0..=actions).rev() {
        let text = match ctx.step(Ask::from(prompt.clone()).stop(&STOP)).await {
            Ok(Some(reply)) => reply.text(),
            Ok(None) => return not_done(&found, "no place is left for it"),
            Err(error) => return not_done(&found, &error_text(&error)),
        };
        let Acting { thought, calls, answer, said } = reading::acting(&text);
        let heard = match calls {
            Ok(calls) if calls.is_empty() => return answer.unwrap_or(thought),
            Ok(_) if left == 0 => return not_done(&thought, "it may call no more tools"),
            Ok(calls) => {
                let texts: Vec<String> = ctx.tools(calls).await.iter().map(result_text).collect();
                found = [thought, texts.join("\n")].join("\n");
                let heard: Vec<String> = texts.iter().map(|text| fill(OBSERVATION, &[("text", text)])).collect();
                heard.join("\n")
            }
            Err(problem) => problem,
        };
        if ctx.wrap_up().is_some() {
            return not_done(&found, "no place is left for it");
        }
        prompt = prompt.assistant(said).user(heard).user(if left == 1 { LAST } else { "" });
    }
    not_done(&found, "its actions could not be read")
}

/// One line a tool.
pub(crate) fn tools(ctx: &Ctx) -> String {
    let lines = ctx.tools_offered().iter().map(|tool| {
        format!("- {}: {} Arguments: {}", tool.name, tool.description.trim(), tool.parameters_json_schema.trim())
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn not_done(said: &str, why: &str) -> String {
    [said, " (Not done to the end: ", why, ".)"].concat().trim().into()
}
