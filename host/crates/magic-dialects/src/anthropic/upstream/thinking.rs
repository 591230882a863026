//! `max_tokens` and how much the model shall think, which bound each other: a budget is at least 1024 tokens and less than
//! `max_tokens`. <https://platform.claude.com/docs/en/build-with-claude/extended-thinking>
use super::turns::Turns;
use super::{Version, config};
use crate::chat::{Request, Thinking, forces_a_tool};
use crate::lost::Lost;
use serde_json::{Map, Value, json};

const BUDGET_MIN: u64 = 1024;
/// Tokens left for the answer beside a budget, where the client sets no bound.
const ANSWER_MIN: u64 = 4096;

enum Wish {
    /// The vendor's default.
    Unsaid,
    Off,
    Budget(u64),
    Effort(&'static str),
}

/// Whether the body asks for thinking, whoever put it there.
pub(super) fn is_on(body: &Map<String, Value>) -> bool {
    let kind = body.get("thinking").and_then(|thinking| thinking.get("type"));
    kind.is_some_and(|kind| kind == "enabled" || kind == "adaptive")
}

pub(super) fn write(
    request: &Request,
    version: Version,
    turns: &Turns,
    body: &mut Map<String, Value>,
    lost: &mut Lost,
) {
    if let Some(thinking) = &request.thinking {
        // What the client says in the hub's words stands above the profile's own field.
        body.remove("thinking");
        self::thinking(request, thinking, version, turns, body, lost);
    }
    let budget = body.get("thinking").and_then(|thinking| thinking.get("budget_tokens")).and_then(Value::as_u64);
    // Thoughts count as well: what is not thought with is left for the answer, and never less than a page.
    let default = version.max_tokens_default().max(budget.unwrap_or(0).saturating_add(ANSWER_MIN));
    body.insert("max_tokens".to_owned(), json!(request.max_output_tokens.unwrap_or(default)));
}

fn thinking(
    request: &Request,
    thinking: &Thinking,
    version: Version,
    turns: &Turns,
    body: &mut Map<String, Value>,
    lost: &mut Lost,
) {
    let wish = wish(thinking, version, lost);
    if matches!(wish, Wish::Off) {
        body.insert("thinking".to_owned(), json!({ "type": "disabled" }));
        return;
    }
    // Two things are refused while thinking: a forced tool, and, with a budget, to go on after a tool's result without the
    // thoughts that led to the call, which clients of other dialects cannot give back.
    let goes_on = matches!(wish, Wish::Budget(_)) && turns.goes_on_without_thoughts();
    if (forces_a_tool(request) && !request.tools.is_empty()) || goes_on {
        lost.name("reasoning_effort");
        return;
    }
    let mut json = match wish {
        Wish::Budget(budget) => match fitting(budget, request.max_output_tokens) {
            Some(fits) => {
                lost.when(fits != budget, "reasoning_effort");
                json!({ "type": "enabled", "budget_tokens": fits })
            }
            None => return lost.name("reasoning_effort"),
        },
        Wish::Effort(effort) => {
            config(body).insert("effort".to_owned(), json!(effort));
            json!({ "type": "adaptive" })
        }
        Wish::Unsaid if version.thinks_adaptively() => json!({ "type": "adaptive" }),
        // An older model needs a number to think at all.
        Wish::Unsaid | Wish::Off => return lost.when(thinking.shown.is_some(), "thinking.display"),
    };
    if let (Some(shown), Some(fields)) = (thinking.shown, json.as_object_mut()) {
        fields.insert("display".to_owned(), json!(if shown { "summarized" } else { "omitted" }));
    }
    body.insert("thinking".to_owned(), json);
}

/// In the model's own terms: a number of tokens before 4.6, a word from 4.7 on, either between.
fn wish(thinking: &Thinking, version: Version, lost: &mut Lost) -> Wish {
    match (thinking.budget_tokens, thinking.effort.as_deref()) {
        (Some(0), _) | (None, Some("none")) => Wish::Off,
        (Some(budget), _) if version.refuses_numbers() => {
            lost.name("thinking.budget_tokens");
            Wish::Effort(effort_of(budget))
        }
        (Some(budget), _) => Wish::Budget(budget),
        (None, Some(word)) if version.thinks_adaptively() => Wish::Effort(effort(word, version)),
        (None, Some(word)) => Wish::Budget(budget(word)),
        (None, None) => Wish::Unsaid,
    }
}

/// OpenAI's words as Anthropic's, which begin at `low`; `xhigh` came with 4.7.
fn effort(word: &str, version: Version) -> &'static str {
    match word {
        "minimal" | "low" => "low",
        "medium" => "medium",
        "xhigh" if version.refuses_numbers() => "xhigh",
        _ => "high",
    }
}

/// The border values are those of [`budget`].
fn effort_of(budget: u64) -> &'static str {
    match budget {
        0..=1024 => "low",
        1025..=4096 => "medium",
        _ => "high",
    }
}

/// Four times more with each word, from the least that Anthropic takes; `xhigh` only doubles, since some models end at
/// 64 000 tokens for thoughts and answer together.
fn budget(effort: &str) -> u64 {
    match effort {
        "minimal" | "low" => BUDGET_MIN,
        "medium" => 4096,
        "xhigh" => 32_768,
        _ => 16_384,
    }
}

/// The budget that leaves something of `max_tokens` for the answer: half of it, if that is enough to think at all.
/// `None`: it cannot think in so few.
fn fitting(budget: u64, max_tokens: Option<u64>) -> Option<u64> {
    let budget = budget.max(BUDGET_MIN);
    match max_tokens {
        Some(max) if max <= BUDGET_MIN => None,
        Some(max) if budget >= max => Some((max / 2).max(BUDGET_MIN)),
        Some(_) | None => Some(budget),
    }
}
