//! A pattern in a world that does as it pleases: replies, failures and tools in any order, and at some moment the word to
//! wrap up. Refuses to look at what is said: only at whether the session keeps to the contract and comes to an end.

use super::{Open, Script, Session};
use crate::driver::{Answer, Ctx, Error, LlmError, Random};

/// Far above what any pattern does with the limits of a [`Session`].
const EVENTS_MAX: usize = 400;
/// The host grants these once a pattern was told to wrap up and something is spent.
const GRACE_ASKS: usize = 2;
const SEEDS: u64 = 200;

/// Plays two hundred sessions, each by its own seed, with replies and tool outputs drawn from `texts`.
#[track_caller]
pub fn storm<F>(run: fn(Ctx) -> F, session: &Session, texts: &[&str])
where
    F: Future<Output = Result<Answer, Error>> + 'static,
{
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let mut script = Script::new(run, session.clone());
        let told_at = random.below(20);
        let mut begun_when_told = None;
        for event in 0..EVENTS_MAX {
            if script.over {
                break;
            }
            if event as u64 == told_at {
                script.wrap_up("storm");
                begun_when_told = Some(script.prompts.len());
                continue;
            }
            happens(&mut script, &mut random, texts);
        }
        let told = script.lines.join("\n");
        assert!(script.over && !told.contains("broken: "), "seed {seed} does not end well:\n{told}");
        let grace = begun_when_told.map_or(0, |begun| script.prompts.len() - begun);
        assert!(grace <= GRACE_ASKS, "seed {seed} asks {grace} times after it was told to wrap up:\n{told}");
    }
}

/// One of the things that are awaited comes.
fn happens(script: &mut Script, random: &mut Random, texts: &[&str]) {
    let place = usize::try_from(random.below(script.open.len() as u64)).unwrap_or(0);
    let Some(open) = script.open.get(place).cloned() else { return };
    let chosen = usize::try_from(random.below(texts.len() as u64)).unwrap_or(0);
    let text = texts.get(chosen).copied().unwrap_or_default();
    let fails = random.below(6) == 0;
    match open {
        Open::Model(ref_) if fails => script.fails(ref_, LlmError::TimedOut),
        Open::Model(ref_) => script.says(ref_, text),
        Open::Timer(ref_) => script.timer(ref_),
        Open::Call(id) => script.tool(&id, if fails { Err(text) } else { Ok(text) }),
    };
}
