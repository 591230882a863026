//! The pattern `self_consistency`: several samples in parallel, and the answer that most of them came to, or that a judge
//! prefers. Refuses tools.

mod ballot;

use ballot::Ballot;
use magic_sdk::{
    driver::{Answer, Ask, Completion, Ctx, Error, LlmError, Prompt, fill, join_all},
    reading,
};

magic_sdk::driver! {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    description: "Draws several answers in parallel and gives the one that most of them agree on, or that a judge \
                  prefers. For questions with one short right answer, on models that get it right more often than not.",
    options_schema: include_str!("../schema/options.json"),
    run: run,
}

#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    pub n: usize,
    pub temperature: f32,
    pub mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Majority,
    Judge,
}

const SAMPLE: &str = include_str!("../prompts/sample.md");
const JUDGE: &str = include_str!("../prompts/judge.md");
const CANDIDATE: &str = include_str!("../prompts/candidate.md");

pub async fn run(ctx: Ctx) -> Result<Answer, Error> {
    let options: Options = ctx.options()?;
    let sample = || {
        let ask = Ask::from(Prompt::new(SAMPLE).conversation(&ctx));
        ctx.in_time(ctx.ask(ask.temperature(options.temperature).seed(ctx.draw_seed())))
    };
    let samples = join_all((0..options.n.max(1)).map(|_| sample())).await;
    let mut ballot = Ballot::default();
    let mut failed = None;
    for sample in samples.into_iter().flatten() {
        match sample {
            Ok(completion) => ballot.cast(&completion.text()),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    let Some(leader) = ballot.leader() else { return without_votes(&ctx, failed).await };
    ctx.thought(ballot.summary());
    let chosen = match options.mode {
        Mode::Judge if ballot.candidates().len() > 1 => judged(&ctx, &ballot).await.unwrap_or(leader),
        Mode::Judge | Mode::Majority => leader,
    };
    if !chosen.thought.is_empty() {
        ctx.thought(["\n\n", chosen.thought.as_str()].concat());
    }
    Ok(chosen.answer.clone().into())
}

/// Nothing came in time: one ask more, for the answer. A failure that is not for want of a budget ends the session.
async fn without_votes(ctx: &Ctx, failed: Option<LlmError>) -> Result<Answer, Error> {
    match failed {
        Some(error) if ctx.wrap_up().is_none() => Err(error.into()),
        _ => ctx.answer(Prompt::new("").conversation(ctx)).await,
    }
}

/// The judge's choice; `None` where it fails or names none, and then the majority decides.
async fn judged<'a>(ctx: &Ctx, ballot: &'a Ballot) -> Option<&'a ballot::Candidate> {
    let candidates = ballot.candidates();
    let listed: Vec<String> = candidates.iter().zip(1..).map(|(candidate, number)| listed(number, candidate)).collect();
    let question = fill(JUDGE, &[("count", &candidates.len().to_string())]);
    let prompt = Prompt::new("").conversation(ctx).user(listed.join("\n\n")).user(question);
    let reply: Option<Result<Completion, LlmError>> = ctx.in_time(ctx.ask(Ask::from(prompt).temperature(0.0))).await;
    let number = reading::number_after("best:", &reply?.ok()?.text())?;
    candidates.into_iter().zip(1..).find(|(_, place)| f64::from(*place) == number).map(|(candidate, _)| candidate)
}

fn listed(number: i32, candidate: &ballot::Candidate) -> String {
    let text = [candidate.thought.as_str(), &candidate.answer].join("\n");
    fill(CANDIDATE, &[("number", &number.to_string()), ("text", &text)])
}

// === impl Options ===
impl Default for Options {
    fn default() -> Self {
        Self { n: 5, temperature: 0.8, mode: Mode::Majority }
    }
}

#[cfg(test)]
mod tests;
