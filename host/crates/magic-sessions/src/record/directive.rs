//! Names for what a pattern wanted: a number of 64 bits over a canonical text, kept beside each input, so that a replay
//! can tell whether a pattern still decides the same. Not a proof against an adversary: it finds accidents.
use super::chat::{write_call, write_message, write_messages, write_request};
use magic_types::directive::{Ask, Directive, Emit, Visibility};
use serde_json::{Value, json};

// FNV-1a of 64 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// Goes on from `name`, which is 0 at first. Text that is only shown leaves it as it is: how it came in pieces is chance.
pub(crate) fn name_directive(name: u64, directive: &Directive) -> u64 {
    let Some(text) = write(directive) else { return name };
    let start = if name == 0 { BASIS } else { name };
    text.to_string().bytes().fold(start, |name, byte| (name ^ u64::from(byte)).wrapping_mul(PRIME))
}

fn write(directive: &Directive) -> Option<Value> {
    Some(match directive {
        Directive::Ask(Ask { ref_id, request, show, stream_to_me }) => json!({
            "ask": ref_id, "request": write_request(request), "show": shown(*show), "stream": stream_to_me,
        }),
        Directive::CallTools(calls) => json!({ "call": calls.iter().map(write_call).collect::<Vec<_>>() }),
        Directive::Delegate { ref_id, agent, messages } => {
            json!({ "delegate": ref_id, "agent": agent, "messages": write_messages(messages) })
        }
        Directive::Emit(Emit::Thought(_) | Emit::Answer(_)) => return None,
        Directive::Emit(Emit::Observation(text)) => json!({ "observation": text }),
        Directive::Emit(Emit::Progress { kind, payload }) => json!({ "progress": kind, "payload": payload }),
        Directive::Wait { ref_id, ms } => json!({ "wait": ref_id, "ms": ms }),
        Directive::Cancel(ref_id) => json!({ "cancel": ref_id }),
        Directive::Finish(message) => json!({ "finish": write_message(message) }),
        Directive::Fail(why) => json!({ "fail": why }),
    })
}

fn shown(show: Visibility) -> &'static str {
    match show {
        Visibility::Hidden => "hidden",
        Visibility::Thought => "thought",
        Visibility::Answer => "answer",
    }
}
