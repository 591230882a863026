//! The pattern `plan_execute_react`: a plan, its steps side by side where they can be, more steps where results ask for
//! them, then the answer. Refuses to plan again without having seen results.

mod plan;
mod work;

use magic_sdk::{
    driver::{Answer, Ask, Ctx, Error, Prompt, Show, fill, join_all},
    reading,
};
use plan::{Plan, Step};

magic_sdk::driver! {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    description: "Plans, carries out independent steps in parallel with the tools, adds steps once it has seen the \
                  results, then answers. For questions of several parts that need finding out.",
    options_schema: include_str!("../schema/options.json"),
    run: run,
}

#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    pub steps: usize,
    pub replans: u32,
    pub actions: u32,
}

const PLAN: &str = include_str!("../prompts/plan.md");
const REPAIR: &str = include_str!("../prompts/repair.md");
const REPLAN: &str = include_str!("../prompts/replan.md");
const ANSWER: &str = include_str!("../prompts/answer.md");

pub async fn run(ctx: Ctx) -> Result<Answer, Error> {
    let options: Options = ctx.options()?;
    let mut plan = Plan::default();
    if !plan.extend(planned(&ctx, &options).await?) && ctx.wrap_up().is_none() {
        ctx.thought("No plan could be read, so the whole task is one step.\n");
        plan.extend(vec![Step::whole(ctx.question())]);
    }
    let mut replans = 0..options.replans;
    while ctx.wrap_up().is_none() {
        carried_out(&ctx, &options, &mut plan).await?;
        if ctx.wrap_up().is_some() || replans.next().is_none() {
            break;
        }
        if !plan.extend(more(&ctx, &options, &plan).await?) {
            break;
        }
    }
    ctx.answer(Prompt::new("").conversation(&ctx).user(fill(ANSWER, &[("results", &plan.results())]))).await
}

/// The first plan; empty where none could be read. The model may mend it once.
async fn planned(ctx: &Ctx, options: &Options) -> Result<Vec<Step>, Error> {
    let tools = work::tools(ctx);
    let system = fill(PLAN, &[("steps", &options.steps.to_string()), ("tools", &tools)]);
    let mut prompt = Prompt::new(&system).conversation(ctx);
    for _ in 0..2 {
        let Some(reply) = ctx.step(Ask::from(prompt.clone()).show(Show::Thought)).await? else { break };
        ctx.thought("\n");
        let text = reply.text();
        let problem = match steps(&text, options) {
            Ok(steps) if !steps.is_empty() => return Ok(steps),
            Ok(_) => "The list is empty.".into(),
            Err(problem) => problem,
        };
        if ctx.wrap_up().is_some() {
            break;
        }
        prompt = prompt.assistant(text).user(fill(REPAIR, &[("problem", &problem)]));
    }
    Ok(Vec::new())
}

/// Steps that the results ask for. A list that does not read adds none: there is something to answer with.
async fn more(ctx: &Ctx, options: &Options, plan: &Plan) -> Result<Vec<Step>, Error> {
    let question = fill(REPLAN, &[("results", &plan.results()), ("steps", &options.steps.to_string())]);
    let prompt = Prompt::new("").conversation(ctx).user(question);
    let reply = ctx.step(prompt).await?;
    Ok(reply.and_then(|reply| steps(&reply.text(), options).ok()).unwrap_or_default())
}

fn steps(text: &str, options: &Options) -> Result<Vec<Step>, String> {
    let steps: Vec<Step> = reading::json_list(text)?;
    if steps.len() > options.steps {
        return Err(format!("The list has {} steps; at most {} are allowed.", steps.len(), options.steps));
    }
    Ok(steps)
}

/// Every step once: those whose needs are met together, then those that they were waiting for.
async fn carried_out(ctx: &Ctx, options: &Options, plan: &mut Plan) -> Result<(), Error> {
    loop {
        let ready = plan.ready();
        if ready.is_empty() || ctx.wrap_up().is_some() {
            return Ok(());
        }
        let known = plan.results();
        let results = join_all(ready.iter().map(|step| work::done(ctx, options.actions, &known, step))).await;
        for (step, result) in ready.iter().zip(results) {
            ctx.thought(format!("{}. {}\n{result}\n", step.id, step.step));
            plan.finish(step.id, result);
        }
    }
}

// === impl Options ===
impl Default for Options {
    fn default() -> Self {
        Self { steps: 6, replans: 1, actions: 3 }
    }
}

#[cfg(test)]
mod tests;
