//! The pattern `tree_of_thought`: beam search over partial solutions, each drawn and valued by the model. Refuses tools,
//! and to go back: what fell out of the beam is gone.

mod tree;

use magic_sdk::{
    driver::{Answer, Ask, Ctx, Error, LlmError, Prompt, fill, join_all},
    reading,
};
use tree::{Path, best};

magic_sdk::driver! {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    description: "Searches: draws several next thoughts, has each valued, goes on from the best, and answers from the \
                  best path. For puzzles and plans where a wrong beginning cannot be mended later.",
    options_schema: include_str!("../schema/options.json"),
    run: run,
}

#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    pub breadth: usize,
    pub depth: usize,
    pub beam: usize,
    pub temperature: f32,
}

const THINK: &str = include_str!("../prompts/think.md");
const VALUE: &str = include_str!("../prompts/value.md");
const ANSWER: &str = include_str!("../prompts/answer.md");
const ANSWER_PLAINLY: &str = include_str!("../prompts/answer_plainly.md");
/// A value that cannot be read, or was not given, is the lowest.
const VALUES: std::ops::RangeInclusive<f64> = 0.0..=10.0;

pub async fn run(ctx: Ctx) -> Result<Answer, Error> {
    let options: Options = ctx.options()?;
    let mut beam = vec![Path::default()];
    for depth in 1..=options.depth {
        let grown = grown(&ctx, &options, &beam, depth).await?;
        if grown.is_empty() {
            break;
        }
        // Without a place to value them the first are as good as any.
        let valued = if ctx.wrap_up().is_some() { grown } else { valued(&ctx, grown).await };
        beam = best(valued, options.beam);
        ctx.thought(tree::summary(depth, &beam));
        if ctx.wrap_up().is_some() {
            break;
        }
    }
    let path = beam.first().map(Path::text).unwrap_or_default();
    let order = if path.is_empty() { fill(ANSWER_PLAINLY, &[]) } else { fill(ANSWER, &[("path", &path)]) };
    ctx.answer(Prompt::new("").conversation(&ctx).user(order)).await
}

/// Every state of the beam with every next thought, each once. Empty where no thought came in time.
async fn grown(ctx: &Ctx, options: &Options, beam: &[Path], depth: usize) -> Result<Vec<Path>, Error> {
    let asks = beam.iter().flat_map(|path| std::iter::repeat_n(path, options.breadth.max(1)));
    let thoughts = join_all(asks.map(async |path: &Path| {
        let ask = Ask::from(thinking(ctx, options, path, depth)).temperature(options.temperature);
        (path, ctx.step(ask.seed(ctx.draw_seed())).await)
    }));
    let mut grown: Vec<Path> = Vec::new();
    let mut failed: Option<LlmError> = None;
    for (path, reply) in thoughts.await {
        match reply {
            Ok(Some(reply)) => {
                let next = path.then(&reply.text());
                if next.as_ref().is_some_and(|next| !grown.iter().any(|other| other.same_as(next))) {
                    grown.extend(next);
                }
            }
            Ok(None) => {}
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match failed {
        Some(error) if grown.is_empty() && depth == 1 && ctx.wrap_up().is_none() => Err(error.into()),
        _ => Ok(grown),
    }
}

fn thinking(ctx: &Ctx, options: &Options, path: &Path, depth: usize) -> Prompt {
    let so_far = if path.text().is_empty() { "(nothing yet)".into() } else { path.text() };
    let (depth, of) = (depth.to_string(), options.depth.to_string());
    Prompt::new("").conversation(ctx).user(fill(THINK, &[("depth", &depth), ("of", &of), ("path", &so_far)]))
}

async fn valued(ctx: &Ctx, paths: Vec<Path>) -> Vec<Path> {
    // One path needs no comparing.
    if paths.len() < 2 {
        return paths;
    }
    let values = join_all(paths.iter().map(async |path| {
        let prompt = Prompt::new("").conversation(ctx).user(fill(VALUE, &[("path", &path.text())]));
        let reply = ctx.step(Ask::from(prompt).temperature(0.0)).await.ok().flatten()?;
        reading::number_after("score:", &reply.text()).filter(|value| VALUES.contains(value))
    }));
    let values = values.await;
    paths.into_iter().zip(values).map(|(path, value)| path.worth(value.unwrap_or(*VALUES.start()))).collect()
}

// === impl Options ===
impl Default for Options {
    fn default() -> Self {
        Self { breadth: 3, depth: 2, beam: 2, temperature: 0.8 }
    }
}

#[cfg(test)]
mod tests;
