//! What holds for every dialect, whatever the fixture: splits, cuts, noise, names and round trips.
use super::{CLIENTS, Heard, Kind, Spoken, VENDORS, requests, told, told_whole};
use crate::chat::{Part, Request, Tool, ToolChoice};
use crate::reply::Reply;
use magic_types::chat::Role;
use magic_types::stream::ChatEvent;
use serde_json::Value;

/// Of noise; fixed, so that a failure comes again. Each round prints its own seed.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const ROUNDS: u64 = 300;

#[test]
fn field_4_every_split_of_a_stream_yields_the_same_events() {
    for spoken in VENDORS {
        for fixture in spoken.streams() {
            let whole = spoken.hear(&[&fixture.bytes]);
            for cut in 0..=fixture.bytes.len() {
                let (head, tail) = fixture.bytes.split_at(cut);
                assert_eq!(spoken.hear(&[head, tail]), whole, "{} cut at {cut}", fixture.name);
            }
            let bytes: Vec<&[u8]> = fixture.bytes.chunks(1).collect();
            assert_eq!(spoken.hear(&bytes), whole, "{} byte by byte", fixture.name);
        }
    }
}

#[test]
fn field_5_a_stream_that_is_cut_fails_as_cut_off_and_has_said_a_part_of_the_whole() {
    for spoken in VENDORS {
        for fixture in spoken.streams() {
            let whole = spoken.hear(&[&fixture.bytes]);
            // Of the last event only the blank line may be missing.
            let blank = if fixture.bytes.ends_with(b"\r\n\r\n") { 4 } else { 2 };
            for cut in 0..fixture.bytes.len() - blank {
                let Heard { events, end } = spoken.hear(&[&fixture.bytes[..cut]]);
                let name = format!("{} cut at {cut}", fixture.name);
                assert_eq!(end.expect_err(&name).kind, Kind::CutOff, "{name}");
                assert!(without_usage(&whole.events).starts_with(&without_usage(&events)), "{name}: {events:?}");
            }
            assert_eq!(spoken.hear(&[&fixture.bytes[..fixture.bytes.len() - blank]]), whole, "{}", fixture.name);
        }
    }
}

/// A dialect that tells usage with every piece may tell that of a cut stream: it was billed.
fn without_usage(events: &[ChatEvent]) -> Vec<&ChatEvent> {
    events.iter().filter(|event| !matches!(event, ChatEvent::Usage(_))).collect()
}

#[test]
fn field_11_noise_is_a_failure_or_nothing_but_never_a_panic() {
    for spoken in VENDORS {
        let fixtures = spoken.streams();
        for round in 0..ROUNDS {
            let seed = SEED.wrapping_add(round);
            println!("{} seed {seed:#x}", spoken.dialect.as_str());
            let mut random = Random(seed);
            for fixture in &fixtures {
                let mut bytes = fixture.bytes.clone();
                for _ in 0..=random.below(8) {
                    let at = random.below(bytes.len());
                    bytes[at] = random.byte();
                }
                bytes.truncate(bytes.len() - random.below(bytes.len()));
                let (head, tail) = bytes.split_at(random.below(bytes.len()));
                let whole = spoken.hear(&[&bytes]);
                assert_eq!(spoken.hear(&[head, tail]), whole, "{} seed {seed:#x}", fixture.name);
                drop(spoken.vendor().decode_whole(&bytes));
            }
            let noise: Vec<u8> = (0..200).map(|_| random.byte()).collect();
            spoken.hear(&[&noise]);
            drop(spoken.vendor().decode_whole(&noise));
        }
    }
    for client in CLIENTS {
        for (fixture, _) in requests(*client) {
            let mut random = Random(SEED);
            for _ in 0..ROUNDS {
                let mut bytes = fixture.bytes.clone();
                let at = random.below(bytes.len());
                bytes[at] = random.byte();
                drop(client.client().expect("a client's dialect").read(&bytes));
            }
        }
    }
}

#[test]
fn what_is_lost_is_named_once() {
    each_written(|spoken, name, request| {
        let lost = spoken.write(request).lost;
        let mut names = lost.clone();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), lost.len(), "{name}: {lost:?}");
        assert!(names.iter().all(|name| !name.is_empty()), "{name}: {lost:?}");
    });
}

#[test]
fn what_is_written_to_a_vendor_reads_back_as_it_was() {
    let mut compared = 0;
    for spoken in VENDORS.iter().filter(|spoken| CLIENTS.contains(&spoken.dialect)) {
        let client = spoken.dialect.client().expect("a client's dialect");
        for (fixture, request) in requests(spoken.dialect) {
            let written = spoken.write(&request);
            if written.lost.is_empty() {
                let again = client.read(&written.body).expect("our own body");
                assert_eq!(said(&again), said(&request), "{} {}", spoken.dialect.as_str(), fixture.name);
                compared += 1;
            }
        }
    }
    assert!(compared > 0, "nothing could be compared");
}

#[test]
fn what_a_client_is_told_reads_back_as_what_the_vendor_said() {
    for spoken in VENDORS {
        for other in VENDORS.iter().filter(|other| CLIENTS.contains(&other.dialect)) {
            for fixture in spoken.streams() {
                let heard = spoken.hear(&[&fixture.bytes]);
                if heard.end.is_err() {
                    continue;
                }
                let name = format!("{} {} to {}", spoken.dialect.as_str(), fixture.name, other.dialect.as_str());
                let again = other.hear(&[told(other.dialect, &heard).as_bytes()]);
                assert_eq!(again.end, Ok(()), "{name}");
                let (was, is) = (Reply::of(&heard.events), Reply::of(&again.events));
                assert_eq!(told_words(&is), told_words(&was), "{name}");
                let whole = told_whole(other.dialect, &heard);
                let whole = other.vendor().decode_whole(whole.as_bytes()).expect("our own body");
                assert_eq!(told_words(&Reply::of(&whole)), told_words(&was), "{name}, whole");
            }
        }
    }
}

fn each_written(mut check: impl FnMut(&Spoken, &str, &Request)) {
    for spoken in VENDORS {
        for client in CLIENTS {
            for (fixture, request) in requests(*client) {
                let name = format!("{} {} to {}", client.as_str(), fixture.name, spoken.dialect.as_str());
                check(spoken, &name, &request);
            }
        }
    }
}

type Said<'a> = (Vec<(Role, &'a Part)>, &'a [Tool], &'a Option<ToolChoice>, Option<bool>);

/// Parts with their speakers: messages of one speaker may be merged.
fn said(request: &Request) -> Said<'_> {
    let parts = request.messages.iter().flat_map(|message| message.parts.iter().map(|part| (message.role, part)));
    (parts.collect(), &request.tools, &request.tool_choice, request.parallel_tool_calls)
}

/// What every dialect can carry. Seals and the words for an end differ.
#[derive(Debug, PartialEq)]
struct Words {
    answer: String,
    thoughts: String,
    calls: Vec<(String, String, Value)>,
    usage: Option<(u64, u64, u64)>,
}

fn told_words(reply: &Reply) -> Words {
    let calls = reply.calls().map(|call| {
        let arguments = serde_json::from_str(&call.arguments).expect("fixtures hold good arguments");
        (call.id.clone(), call.name.clone(), arguments)
    });
    let usage = reply.usage.map(|usage| (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens));
    Words { answer: reply.answer(), thoughts: reply.thoughts(), calls: calls.collect(), usage }
}

/// xorshift64*.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// At least 0, less than `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).expect("a length")).expect("less than a length")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }
}
