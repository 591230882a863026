//! What the loop asks of the model: which messages, which tools, under which constraint. Reads no reply.
use super::reply::Reply;
use super::scratchpad::Turn;
use super::{Declarative, State, next_step};
use crate::grammar::{self, Scope};
use crate::prompt::Protocol;
use magic_types::chat::{CompletionRequest, Extra, Message};
use magic_types::directive::{Ask, Directive, Visibility};

/// A model cannot invent its own observation, or go on after it has spoken.
const STOP: [&str; 3] = ["<OBSERVATION", "</ACTION>", "</FINAL_ANSWER>"];

// === impl Declarative ===

impl Declarative {
    pub(super) fn ask(&mut self, out: &mut Vec<Directive>) {
        let Some(why) = &self.finishing else {
            let first = self.tool_required && self.calls == 0;
            return self.ask_with(if first { Scope::ActionOnly } else { Scope::Round }, out);
        };
        self.scratchpad.say(&[why.as_str(), " ", self.rendering.finish_now].concat());
        self.ask_with(Scope::AnswerOnly, out);
    }

    pub(super) fn ask_with(&mut self, scope: Scope, out: &mut Vec<Directive>) {
        let answer_only = scope == Scope::AnswerOnly;
        let messages = self.scratchpad.read_out();
        let request = self.request(messages, scope);
        self.send(request, true, out);
        // Where calls have a form of their own, text is the answer; elsewhere only when there is no other step.
        let may_answer_untagged = answer_only || self.asks >= self.steps_max || self.protocol == Protocol::Native;
        let reply = Reply::new(self.tags.clone(), self.asks == 1, may_answer_untagged);
        self.state = State::Asking { reply: Box::new(reply), answer_only };
    }

    /// The second phase of `json_schema`: asked aside, so that the conversation keeps the one form.
    pub(super) fn ask_to_state(&mut self, turn: Turn, out: &mut Vec<Directive>) {
        let request = CompletionRequest {
            messages: self.scratchpad.aside(&turn, self.rendering.state_next),
            response_json_schema: Some(next_step::schema(&self.tools)),
            ..self.plain()
        };
        self.send(request, false, out);
        self.state = State::Stating(turn);
    }

    fn send(&mut self, request: CompletionRequest, stream_to_me: bool, out: &mut Vec<Directive>) {
        self.asks = self.asks.saturating_add(1);
        out.push(Directive::Ask(Ask { ref_id: self.asks, request, show: Visibility::Hidden, stream_to_me }));
    }

    fn request(&self, messages: Vec<Message>, scope: Scope) -> CompletionRequest {
        let stop = || STOP.map(str::to_owned).into();
        let plain = self.plain();
        match self.protocol {
            Protocol::Tags | Protocol::JsonSchema => CompletionRequest { messages, stop: stop(), ..plain },
            Protocol::Grammar => {
                let value = grammar::extra(&self.tools, scope, self.rendering);
                let extra = vec![Extra { key: "grammar".to_owned(), value }];
                CompletionRequest { messages, stop: stop(), extra, ..plain }
            }
            // No stops: a call ends the turn by itself, and models that think by themselves refuse the parameter.
            Protocol::Native => {
                let choice = match scope {
                    _ if self.tools.is_empty() => None,
                    Scope::Round => None,
                    Scope::ActionOnly => Some("\"required\""),
                    // The tools stay: vendors refuse earlier calls without them, and prompt caches begin with them.
                    Scope::AnswerOnly => Some("\"none\""),
                };
                let choice = choice.map(|value| Extra { key: "tool_choice".to_owned(), value: value.to_owned() });
                let tools = self.scratchpad.guarded(&self.tools);
                CompletionRequest { messages, tools, extra: choice.into_iter().collect(), ..plain }
            }
        }
    }

    fn plain(&self) -> CompletionRequest {
        CompletionRequest {
            temperature: self.generation.temperature,
            top_p: self.generation.top_p,
            max_output_tokens: self.generation.max_output_tokens,
            ..CompletionRequest::default()
        }
    }
}
