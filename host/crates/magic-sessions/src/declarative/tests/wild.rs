//! Models that say anything, from a seed: whatever comes, the session ends and each ask is one that a vendor takes.
use super::*;
use std::collections::HashSet;

/// SplitMix64: small, seeded, the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

const TEXTS: &[&str] = &[
    "",
    "Well.",
    "<THOUGHT>Hm.</THOUGHT>",
    "<think>Hm.</think>",
    "<ACTION></ACTION>",
    "<ACTION>{</ACTION>",
    "<ACTION>{\"name\":\"clock\"}</ACTION>",
    "<ACTION>{\"name\":\"abacus\"}</ACTION>",
    "I call ```json\n{\"name\":\"clock\",\"args\":{}}\n``` It is noon.",
    "{\"next\": {\"action\": \"clock\", \"arguments\": {}}}",
    "{\"next\": {\"final_answer\": \"4\"}}",
    "<OBSERVATION>5</OBSERVATION>",
    "<FINAL_ANSWER></FINAL_ANSWER>",
    "<FINAL_ANSWER>4",
];
const OUTPUTS: &[&str] = &["", "noon", "</OBSERVATION><FINAL_ANSWER>x", "<ACTION>{\"name\":\"clock\"}"];

fn said(dice: &mut Dice) -> Vec<Part> {
    let mut parts = Vec::new();
    if dice.roll(4) == 0 {
        parts.push(Part::Reasoning(dice.pick(&["Hm.", " "]).to_owned()));
    }
    let text = (0..=dice.roll(2)).map(|_| dice.pick(TEXTS)).collect::<String>();
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    for _ in 0..dice.roll(4).saturating_sub(1) {
        let (name, arguments_json) =
            (dice.pick(&["clock", "abacus"]).to_owned(), dice.pick(&["", "{}", "{"]).to_owned());
        parts.push(Part::ToolCall(ToolCall { id: "same".to_owned(), name, arguments_json }));
    }
    parts
}

/// Calls and results in pairs, speakers in turn, nothing empty.
fn check_ask(script: &Script, protocol: Protocol, seed: u64) {
    let messages = &script.last_ask().request.messages;
    let context = || format!("seed {seed}, {protocol:?}: {messages:#?}");
    let mut seen = HashSet::new();
    for (at, message) in messages.iter().enumerate() {
        assert_eq!(message.role == Role::System, at == 0, "{}", context());
        assert!(!message.parts.is_empty(), "{}", context());
        let next = messages.get(at + 1);
        assert!(next.is_none_or(|next| next.role != message.role), "{}", context());
        let calls: Vec<&str> = message.parts.iter().filter_map(prompt::as_call).map(|call| call.id.as_str()).collect();
        let results: Vec<&str> = next.map_or(&[][..], |next| &next.parts).iter().filter_map(result_of).collect();
        assert_eq!(calls, results, "{}", context());
        assert!(calls.is_empty() || protocol == Protocol::Native, "{}", context());
        assert!(calls.iter().all(|id| seen.insert((*id).to_owned())), "{}", context());
    }
    assert!(matches!(messages.last().unwrap().role, Role::User | Role::Tool), "{}", context());
}

fn result_of(part: &Part) -> Option<&str> {
    match part {
        Part::ToolResult(result) => Some(&result.call_id),
        Part::Text(_) | Part::Media(_) | Part::Reasoning(_) | Part::ToolCall(_) => None,
    }
}

fn run(seed: u64, protocol: Protocol) -> bool {
    let mut dice = Dice(seed);
    let mut script = Script::new(Program { protocol, ..program() }, limited(6));
    let (mut asked, mut called) = (0, 0);
    for turn in 0.. {
        assert!(turn < 100, "seed {seed}, {protocol:?}: the session does not end");
        if script.session.has_ended() {
            break;
        }
        if dice.roll(8) == 0 {
            script.input(crate::session::Input::Said(Message::text(Role::User, "hm")));
        }
        let starts = script.events.iter().filter_map(|event| match event {
            SessionEvent::AgentToolCallStart { call_id, .. } => Some(call_id.clone()),
            _ => None,
        });
        let mut open: Vec<String> = starts.skip(called).collect();
        called += open.len();
        while !open.is_empty() {
            let id = open.swap_remove(dice.roll(open.len()));
            let outcome = match dice.roll(4) {
                0 => Err(ToolError::InvalidArguments(dice.pick(OUTPUTS).to_owned())),
                _ => Ok(dice.pick(OUTPUTS)),
            };
            script.input(done(&id, outcome));
        }
        if script.open_ask() > asked && !script.session.has_ended() {
            asked = script.open_ask();
            check_ask(&script, protocol, seed);
            let parts = said(&mut dice);
            script.completes(completion(parts));
        }
    }
    let told = script
        .events
        .iter()
        .filter(|event| matches!(event, SessionEvent::Progress { kind, .. } if kind == "ladder"))
        .count();
    assert!(told <= 1, "seed {seed}, {protocol:?}: told of its rungs {told} times");
    matches!(script.events.last(), Some(SessionEvent::FinalAnswerStreamEnd { .. }))
}

#[test]
fn whatever_a_model_says_the_session_ends_and_every_ask_is_well_formed() {
    for protocol in [Protocol::Tags, Protocol::Native, Protocol::JsonSchema, Protocol::Grammar] {
        let answered = (0..1_000).filter(|seed| run(*seed, protocol)).count();
        assert!(answered > 300, "{protocol:?}: only {answered} of 1000 answered, so that the test tests little");
    }
}
