//! What a session was told, on disk.
use super::chat::{
    read_message, read_outcome, read_result, read_usage, write_message, write_outcome, write_result, write_usage,
};
use super::event::{read_spent, write_spent};
use super::fields::{Fields, Unreadable};
use crate::session::{CallReport, Input};
use magic_types::directive::Delta;
use magic_types::{KeyId, Usage};
use serde_json::{Value, json};

pub(super) fn write(input: &Input) -> Value {
    match input {
        Input::Start => json!({ "input": "start" }),
        Input::Delta { ref_id, delta: Delta::Text(text) } => json!({ "input": "text", "ref": ref_id, "text": text }),
        Input::Delta { ref_id, delta: Delta::Reasoning(text) } => {
            json!({ "input": "reasoning", "ref": ref_id, "text": text })
        }
        Input::Asked { ref_id, outcome, report } => json!({
            "input": "asked", "ref": ref_id, "outcome": write_outcome(outcome), "profile": report.profile,
            "key_id": report.key_id.as_ref().map(KeyId::as_str), "attempts": report.attempts, "ms": report.ms,
        }),
        Input::ToolDone(result) => json!({ "input": "tool", "result": write_result(result) }),
        Input::Delegated { ref_id, outcome, usage, spent } => json!({
            "input": "delegated", "ref": ref_id, "outcome": write_outcome(outcome), "usage": write_usage(usage),
            "spent": write_spent(*spent),
        }),
        Input::Approval { call_id, approved, comment } => {
            json!({ "input": "approval", "call_id": call_id, "approved": approved, "comment": comment })
        }
        Input::TimerFired(ref_id) => json!({ "input": "timer", "ref": ref_id }),
        Input::Said(message) => json!({ "input": "said", "message": write_message(message) }),
        Input::DeadlineReached => json!({ "input": "deadline" }),
        Input::Restarted(ref_id) => json!({ "input": "restarted", "ref": ref_id }),
        Input::Cancel => json!({ "input": "cancel" }),
    }
}

pub(super) fn read(value: &Value) -> Result<Input, Unreadable> {
    let fields = Fields(value);
    let ref_id = fields.small("ref")?;
    Ok(match fields.text("input")?.as_str() {
        "start" => Input::Start,
        "text" => Input::Delta { ref_id, delta: Delta::Text(fields.text("text")?) },
        "reasoning" => Input::Delta { ref_id, delta: Delta::Reasoning(fields.text("text")?) },
        "asked" => Input::Asked {
            ref_id,
            outcome: fields.inner("outcome", read_outcome)?,
            report: CallReport {
                profile: fields.text("profile")?,
                key_id: fields.optional_text("key_id")?.map(KeyId::new),
                attempts: fields.small("attempts")?,
                ms: fields.number("ms")?,
            },
        },
        "tool" => Input::ToolDone(fields.inner("result", read_result)?),
        "delegated" => Input::Delegated {
            ref_id,
            outcome: fields.inner("outcome", read_outcome)?,
            usage: fields.get("usage").map_or_else(|| Ok(Usage::default()), read_usage)?,
            spent: fields.inner("spent", read_spent)?,
        },
        "approval" => Input::Approval {
            call_id: fields.text("call_id")?,
            approved: fields.truth("approved")?,
            comment: fields.optional_text("comment")?,
        },
        "timer" => Input::TimerFired(ref_id),
        "said" => Input::Said(fields.inner("message", read_message)?),
        "deadline" => Input::DeadlineReached,
        "restarted" => Input::Restarted(ref_id),
        "cancel" => Input::Cancel,
        other => return Err(Unreadable(format!("the input `{other}` is not known to this version"))),
    })
}
