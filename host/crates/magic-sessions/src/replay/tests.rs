//! Sessions of the loop and of drivers that do as they please, cut off anywhere, written down, read back and gone on with.
use super::{Outstanding, Replayed, half_told, replay};
use crate::declarative::{Declarative, Program};
use crate::event::SessionEvent;
use crate::journal::{Entry, Journal};
use crate::record::{self, FORMAT};
use crate::script::{at_once, clock, completion, done, limits, question};
use crate::session::{CallReport, Effect, Input, Session};
use crate::spec::Rules;
use magic_types::chat::{Part, ToolError};
use magic_types::directive::{Delta, Limits};
use std::time::{Duration, Instant};

fn session() -> Session {
    let small = Limits { steps_max: 4, ..limits() };
    Session::new(Rules::limited(small), Box::new(Declarative::new(Program::default(), question())))
}

const REPLIES: [&str; 4] = [
    "<THOUGHT>I add.</THOUGHT><ACTION>{\"tool_name\": \"calculator\", \"arguments\": {\"expression\": \"2+2\"}}",
    "<ACTION>[{\"name\": \"clock\"}, {\"name\": \"calculator\", \"args\": {\"expression\": \"1\"}}]",
    "<ACTION>{",
    "<THOUGHT>Now I know.</THOUGHT><FINAL_ANSWER>It is 4.",
];

/// The world outside: answers what a session asks for, in pieces, always the same.
struct World {
    session: Session,
    journal: Journal,
    kept: Vec<Entry>,
    said: Vec<SessionEvent>,
    todo: Vec<Input>,
    started: Instant,
    turns: u64,
    asked: usize,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            session: session(),
            journal: Journal::default(),
            kept: Vec::new(),
            said: Vec::new(),
            todo: Vec::new(),
            started: clock(),
            turns: 0,
            asked: 0,
        };
        world.input(Input::Start);
        world
    }

    fn input(&mut self, input: Input) {
        self.turns += 1;
        let at = Duration::from_secs(self.turns);
        let heard = self.journal.hear(&input, at);
        let effects = at_once(self.session.step(input, self.started + at));
        let decided = self.session.decided();
        self.kept.extend(self.journal.note(heard, at, &effects, decided));
        for effect in effects {
            self.answer(effect);
        }
    }

    fn answer(&mut self, effect: Effect) {
        match effect {
            Effect::Emit(event) => self.said.push(event),
            Effect::Ask(ask) => {
                let text = REPLIES[self.asked.min(REPLIES.len() - 1)];
                self.asked += 1;
                let ref_id = ask.ref_id;
                let pieces = text.as_bytes().chunks(5).map(|piece| String::from_utf8(piece.to_vec()).unwrap());
                self.todo.extend(pieces.map(|text| Input::Delta { ref_id, delta: Delta::Text(text) }));
                let outcome = Ok(completion(vec![Part::Text(text.to_owned())]));
                self.todo.push(Input::Asked { ref_id, outcome, report: CallReport::default() });
            }
            Effect::CallTools(calls) => self.todo.extend(calls.iter().map(|call| done(&call.id, Ok("4")))),
            Effect::Delegate(_) | Effect::Wait { .. } | Effect::CancelRef(_) | Effect::End(_) => {}
        }
    }

    /// Runs on for so many turns, or to the end.
    fn run(&mut self, turns: usize) {
        for _ in 0..turns {
            if self.todo.is_empty() {
                return;
            }
            let input = self.todo.remove(0);
            self.input(input);
        }
    }
}

/// As it would come back from disk.
fn reread(journal: &[Entry]) -> Vec<Entry> {
    let entry = |entry: &Entry| {
        let (input, decided) = record::read_input(FORMAT, &record::write_input(&entry.input, entry.decided)).unwrap();
        Entry { at: entry.at, input, decided }
    };
    journal.iter().map(entry).collect()
}

fn text(events: &[SessionEvent]) -> String {
    let line = |event: &SessionEvent| match event {
        SessionEvent::AgentThoughtStream { text } | SessionEvent::FinalAnswerStream { text } => text.clone(),
        event => format!("\n{} {}\n", event.name(), event.payload()),
    };
    events.iter().map(line).collect()
}

fn replayed(journal: &[Entry]) -> (Session, Replayed) {
    let mut session = session();
    let replayed = at_once(replay(&mut session, journal, clock()));
    (session, replayed)
}

#[test]
fn a_replay_decides_and_says_the_same() {
    let mut world = World::new();
    world.run(999);
    assert!(world.session.has_ended());
    let (session, replayed) = replayed(&reread(&world.kept));
    assert!(session.has_ended());
    assert_eq!((replayed.parted_at, replayed.open.len()), (None, 0));
    assert_eq!(text(&replayed.events), text(&world.said));
}

#[test]
fn a_session_that_is_cut_off_anywhere_ends_as_if_it_had_not_been() {
    let mut whole = World::new();
    whole.run(999);
    let turns = usize::try_from(whole.turns).unwrap();
    for cut in 0..turns {
        let mut world = World::new();
        world.run(cut);
        let mut journal = reread(&world.kept);
        let (_, first) = replayed(&journal);
        let void = half_told(&journal, &first.open);
        journal.extend(void.into_iter().map(|ref_id| Entry {
            at: first.at,
            input: Input::Restarted(ref_id),
            decided: 0,
        }));
        let (session, replayed) = replayed(&journal);
        assert_eq!(replayed.parted_at, None, "cut at {cut}");
        let mut next = World { session, kept: journal, said: replayed.events, todo: Vec::new(), ..World::new() };
        next.asked = world.asked - usize::from(replayed.open.iter().any(|open| matches!(open, Outstanding::Ask(_))));
        for open in replayed.open {
            next.answer(match open {
                Outstanding::Ask(ask) => Effect::Ask(ask),
                Outstanding::Call(call) => Effect::CallTools(vec![call]),
                other => panic!("{other:?}"),
            });
        }
        next.run(999);
        assert_eq!(text(&next.said), text(&whole.said), "cut at {cut}");
    }
}

#[test]
fn a_pattern_that_decides_otherwise_is_found_out_where_it_does() {
    let mut world = World::new();
    world.run(999);
    let mut journal = reread(&world.kept);
    let tool = journal.iter().position(|entry| matches!(entry.input, Input::ToolDone(_))).unwrap();
    let Input::ToolDone(result) = &mut journal[tool].input else { panic!("it is one") };
    result.outcome = Err(ToolError::NotFound);
    assert_eq!(replayed(&journal).1.parted_at, Some(tool));
}
