//! `typewriter_mode: proxy`: text at an even pace, by characters. Takes no more from the vendor while what it has is not
//! yet typed, so that a fast vendor fills no memory here.
use crate::upstream::EventStream;
use magic_types::Failure;
use magic_types::stream::ChatEvent;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Strokes per second: as many as a screen shows.
const STROKES: u32 = 30;

pub(super) struct Typewriter {
    stream: Box<EventStream>,
    characters_per_second: u32,
    waiting: VecDeque<ChatEvent>,
    /// When the next stroke may fall.
    due: Instant,
}

impl Typewriter {
    pub(super) fn new(stream: Box<EventStream>, characters_per_second: u32) -> Self {
        Self { stream, characters_per_second, waiting: VecDeque::new(), due: Instant::now() }
    }

    /// As [`EventStream::next`], one stroke at a time. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Option<Result<Vec<ChatEvent>, Failure>> {
        if self.waiting.is_empty() {
            match self.stream.next().await? {
                Ok(events) => self.waiting.extend(events),
                Err(failure) => return Some(Err(failure)),
            }
            // A vendor that was slower than the typewriter has spent that time, not saved it.
            self.due = self.due.max(Instant::now());
        }
        let Some(text) = self.waiting.front_mut().and_then(spoken) else {
            return Some(Ok(self.waiting.pop_front().into_iter().collect()));
        };
        tokio::time::sleep_until(self.due).await;
        let stroke = (self.characters_per_second / STROKES).max(1) as usize;
        let cut = text.char_indices().nth(stroke).map_or(text.len(), |(at, _)| at);
        let rest = text.split_off(cut);
        let typed = std::mem::replace(text, rest);
        let characters = u32::try_from(typed.chars().count()).unwrap_or(u32::MAX);
        self.due += Duration::from_secs(1) * characters / self.characters_per_second.max(1);
        let event = match self.waiting.front() {
            Some(ChatEvent::Reasoning(_)) => ChatEvent::Reasoning(typed),
            _ => ChatEvent::Text(typed),
        };
        if self.waiting.front_mut().and_then(spoken).is_none_or(|rest| rest.is_empty()) {
            self.waiting.pop_front();
        }
        Some(Ok(vec![event]))
    }
}

/// What is typed; the rest comes at once.
fn spoken(event: &mut ChatEvent) -> Option<&mut String> {
    match event {
        ChatEvent::Text(text) | ChatEvent::Reasoning(text) => Some(text),
        ChatEvent::Signature(_)
        | ChatEvent::RedactedReasoning(_)
        | ChatEvent::Refusal(_)
        | ChatEvent::ToolCall { .. }
        | ChatEvent::Finish(_)
        | ChatEvent::Usage(_) => None,
    }
}
