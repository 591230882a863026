//! The pattern `expert_delegation_react`: divides the task, hands the parts to other aliases side by side, merges what
//! comes back. Refuses to be an expert itself, unless there is none.

mod division;

use division::Part;
use magic_sdk::driver::{Answer, Ctx, Error, Message, Prompt, error_text, fill, join_all};

magic_sdk::driver! {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    description: "Divides the task into parts, hands each to the alias of this gateway that knows most about it, all at \
                  once, and merges their answers. For tasks that fall into parts which need different models or tools.",
    options_schema: include_str!("../schema/options.json"),
    run: run,
}

#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    pub parts: usize,
}

/// What an expert said, or why it said nothing.
struct Report {
    part: Part,
    outcome: Result<String, String>,
}

const DIVIDE: &str = include_str!("../prompts/divide.md");
const REPAIR: &str = include_str!("../prompts/repair.md");
const TASK: &str = include_str!("../prompts/task.md");
const REPORT: &str = include_str!("../prompts/report.md");
const MERGE: &str = include_str!("../prompts/merge.md");

pub async fn run(ctx: Ctx) -> Result<Answer, Error> {
    let options: Options = ctx.options()?;
    if ctx.agents().is_empty() {
        return alone(&ctx, "This alias has no agents to delegate to (`agent_settings.agents`)").await;
    }
    let parts = match divided(&ctx, &options).await? {
        Ok(parts) => parts,
        Err(why) => return alone(&ctx, &why).await,
    };
    for part in &parts {
        ctx.thought(format!("{}: {}\n", part.agent, part.task));
    }
    let reports = join_all(parts.into_iter().map(|part| delegated(&ctx, part))).await;
    if reports.iter().all(|report| report.outcome.is_err()) {
        return alone(&ctx, "No expert could answer").await;
    }
    let listed: Vec<String> = reports.iter().map(listed).collect();
    ctx.answer(Prompt::new("").conversation(&ctx).user(listed.join("\n\n")).user(fill(MERGE, &[]))).await
}

/// The parts, or why there are none. The model may mend its list once.
async fn divided(ctx: &Ctx, options: &Options) -> Result<Result<Vec<Part>, String>, Error> {
    let agents: Vec<String> =
        ctx.agents().iter().map(|agent| format!("- {}: {}", agent.name, agent.description.trim())).collect();
    let values = [("agents", agents.join("\n")), ("parts", options.parts.to_string())];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut prompt = Prompt::new(&fill(DIVIDE, &values)).conversation(ctx);
    let mut problem = String::new();
    for _ in 0..2 {
        let Some(reply) = ctx.step(prompt.clone()).await? else {
            return Ok(Err("There is no place left for experts".into()));
        };
        let text = reply.text();
        problem = match division::parts(&text, ctx.agents(), options.parts) {
            Ok(_) if ctx.wrap_up().is_some() => return Ok(Err("There is no place left for experts".into())),
            Ok(parts) => return Ok(Ok(parts)),
            Err(problem) => problem,
        };
        prompt = prompt.assistant(text).user(fill(REPAIR, &[("problem", &problem)]));
        if ctx.wrap_up().is_some() {
            break;
        }
    }
    Ok(Err(format!("The task was not divided ({problem})")))
}

async fn delegated(ctx: &Ctx, part: Part) -> Report {
    let task = fill(TASK, &[("task", &part.task), ("question", &ctx.question())]);
    let reply = ctx.in_time(ctx.delegate(part.agent.clone(), vec![Message::user(task)])).await;
    let outcome = match reply {
        None => Err("did not answer in time".into()),
        Some(Err(error)) => Err(format!("could not answer: {}", error_text(&error))),
        Some(Ok(completion)) => Ok(completion.text())
            .and_then(|text| if text.trim().is_empty() { Err("answered nothing".into()) } else { Ok(text) }),
    };
    Report { part, outcome }
}

/// An expert's words are another model's: data, whatever they say.
fn listed(report: &Report) -> String {
    let text = match &report.outcome {
        Ok(text) => text.clone(),
        Err(why) => format!("(This expert {why}.)"),
    };
    fill(REPORT, &[("agent", &report.part.agent), ("task", &report.part.task), ("text", &text)])
}

/// Without experts the model answers itself, and says so.
async fn alone(ctx: &Ctx, why: &str) -> Result<Answer, Error> {
    ctx.thought([why, ", so the model answers alone."].concat());
    ctx.answer(Prompt::new("").conversation(ctx)).await
}

// === impl Options ===
impl Default for Options {
    fn default() -> Self {
        Self { parts: 4 }
    }
}

#[cfg(test)]
mod tests;
