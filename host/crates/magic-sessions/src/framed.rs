//! A component's asks with the server's policy in front: what a pattern cannot leave out, because it never writes it.
use crate::declarative::Generation;
use crate::driver::{Directives, Driver, Next};
use magic_types::Usage;
use magic_types::chat::{Message, Part, Role};
use magic_types::directive::{Ask, Directive, Event};

/// Wraps a driver.
pub struct Framed {
    driver: Box<dyn Driver>,
    frame: Frame,
}

#[derive(Clone)]
struct Frame {
    preamble: Option<String>,
    generation: Generation,
}

// === impl Framed ===

impl Framed {
    /// `generation` holds where the pattern asks for nothing else.
    pub fn new(driver: Box<dyn Driver>, preamble: Option<String>, generation: Generation) -> Self {
        let preamble = preamble.filter(|text| !text.trim().is_empty());
        Self { driver, frame: Frame { preamble, generation } }
    }
}

impl Driver for Framed {
    fn next<'a>(&'a mut self, events: &'a [Event], spent: &'a Usage) -> Next<'a> {
        let Self { driver, frame } = self;
        match driver.next(events, spent) {
            Next::Ready(directives) => Next::Ready(frame.put_around(directives)),
            Next::Later(later) => {
                let frame = frame.clone();
                Next::Later(Box::pin(async move { frame.put_around(later.await) }))
            }
        }
    }
}

// === impl Frame ===

impl Frame {
    fn put_around(&self, directives: Directives) -> Directives {
        let mut directives = directives?;
        for directive in &mut directives {
            if let Directive::Ask(ask) = directive {
                self.put_around_ask(ask);
            }
        }
        Ok(directives)
    }

    fn put_around_ask(&self, ask: &mut Ask) {
        let Generation { temperature, top_p, max_output_tokens } = self.generation;
        let request = &mut ask.request;
        request.temperature = request.temperature.or(temperature);
        request.top_p = request.top_p.or(top_p);
        request.max_output_tokens = request.max_output_tokens.or(max_output_tokens);
        let Some(preamble) = &self.preamble else { return };
        match request.messages.first_mut() {
            // One system message: many chat templates take no second.
            Some(first) if first.role == Role::System => {
                first.parts.insert(0, Part::Text([preamble.as_str(), "\n\n"].concat()));
                let text: String = first.parts.iter().filter_map(as_text).collect();
                first.parts = vec![Part::Text(text)];
            }
            Some(_) | None => request.messages.insert(0, Message::text(Role::System, preamble.as_str())),
        }
    }
}

fn as_text(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) => Some(text),
        Part::Media(_) | Part::Reasoning(_) | Part::ToolCall(_) | Part::ToolResult(_) => None,
    }
}

#[cfg(test)]
mod tests;
