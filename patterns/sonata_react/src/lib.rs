//! The pattern `sonata_react`: three acts that the model addresses to itself, exactly three model calls. Refuses tools and
//! a fourth act: what two readings of the question do not bring up, more of them will not.

use magic_sdk::driver::{Answer, Ask, Ctx, Error, Prompt, Show, fill};

magic_sdk::driver! {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    description: "Three acts in three model calls: reflect, feel and associate; construct, aim and criticise; then the \
                  synthesis, which alone is the answer. For questions of judgement and for writing; uses no tools.",
    run: run,
}

const SYSTEM: &str = include_str!("../prompts/system.md");
const REFLECT: &str = include_str!("../prompts/reflect.md");
const CONSTRUCT: &str = include_str!("../prompts/construct.md");
const SYNTHESIS: &str = include_str!("../prompts/synthesis.md");

pub async fn run(ctx: Ctx) -> Result<Answer, Error> {
    // Each act's prompt begins with the whole of the one before, so that a vendor's prompt cache hits.
    let mut sonata = Prompt::new(SYSTEM).conversation(&ctx);
    for act in [REFLECT, CONSTRUCT] {
        sonata = sonata.user(fill(act, &[]));
        // A limit is nearly spent: the synthesis has what is there.
        let Some(said) = ctx.step(Ask::from(sonata.clone()).show(Show::Thought)).await? else { break };
        sonata = sonata.assistant(said.text());
        ctx.thought("\n\n");
        if ctx.wrap_up().is_some() {
            break;
        }
    }
    ctx.answer(sonata.user(fill(SYNTHESIS, &[]))).await
}

#[cfg(test)]
mod tests;
