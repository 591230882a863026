//! How heavy a driver's directives are, and their fingerprint, in one walk over every field. The fingerprint lives as
//! long as the process; nothing stores it.
use crate::defaults;
use magic_types::chat::{
    CompletionRequest, Extra, Message, Part, ToolCall, ToolDefinition, ToolError, ToolOutput, ToolResult,
};
use magic_types::directive::{Ask, Directive, Emit};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

pub(super) struct Weighed {
    /// Of all texts, and a little for each element of a list, so that empty ones are not free.
    pub(super) bytes: usize,
    pub(super) fingerprint: u64,
}

#[derive(Default)]
struct Scales {
    // Without random keys: whom would a pattern deceive that collides with itself?
    hasher: DefaultHasher,
    bytes: usize,
}

pub(super) fn directives(directives: &[Directive]) -> Weighed {
    let mut scales = Scales::default();
    scales.each(directives, Scales::directive);
    Weighed { bytes: scales.bytes, fingerprint: scales.hasher.finish() }
}

// === impl Scales ===
impl Scales {
    fn plain(&mut self, value: impl Hash) {
        value.hash(&mut self.hasher);
    }

    fn text(&mut self, text: &str) {
        self.bytes = self.bytes.saturating_add(text.len());
        self.plain(text);
    }

    fn maybe(&mut self, text: Option<&String>) {
        self.plain(text.is_some());
        self.text(text.map_or("", String::as_str));
    }

    fn each<T>(&mut self, items: &[T], weigh: impl Fn(&mut Self, &T)) {
        self.plain(items.len());
        self.bytes = self.bytes.saturating_add(items.len().saturating_mul(defaults::ELEMENT_BYTES));
        items.iter().for_each(|item| weigh(self, item));
    }

    fn directive(&mut self, directive: &Directive) {
        self.plain(discriminant(directive));
        match directive {
            Directive::Ask(Ask { ref_id, request, show, stream_to_me }) => {
                self.plain((ref_id, discriminant(show), stream_to_me));
                self.request(request);
            }
            Directive::CallTools(calls) => self.each(calls, Self::call),
            Directive::Delegate { ref_id, agent, messages } => {
                self.plain(ref_id);
                self.text(agent);
                self.each(messages, Self::message);
            }
            Directive::Emit(emit) => self.emit(emit),
            Directive::Wait { ref_id, ms } => self.plain((ref_id, ms)),
            Directive::Cancel(ref_id) => self.plain(ref_id),
            Directive::Finish(message) => self.message(message),
            Directive::Fail(text) => self.text(text),
        }
    }

    fn emit(&mut self, emit: &Emit) {
        self.plain(discriminant(emit));
        match emit {
            Emit::Thought(text) | Emit::Answer(text) | Emit::Observation(text) => self.text(text),
            Emit::Progress { kind, payload } => {
                self.text(kind);
                self.text(payload);
            }
        }
    }

    fn request(&mut self, request: &CompletionRequest) {
        let CompletionRequest {
            model,
            messages,
            tools,
            temperature,
            top_p,
            max_output_tokens,
            stop,
            response_json_schema,
            seed,
            extra,
        } = request;
        self.plain((temperature.map(f32::to_bits), top_p.map(f32::to_bits), max_output_tokens, seed));
        self.maybe(model.as_ref());
        self.each(messages, Self::message);
        self.each(tools, Self::tool);
        self.each(stop, |scales, stop| scales.text(stop));
        self.maybe(response_json_schema.as_ref());
        self.each(extra, |scales, Extra { key, value }| {
            scales.text(key);
            scales.text(value);
        });
    }

    fn tool(&mut self, tool: &ToolDefinition) {
        let ToolDefinition { name, description, parameters_json_schema, output_json_schema, hints } = tool;
        [name, description, parameters_json_schema].into_iter().for_each(|text| self.text(text));
        self.maybe(output_json_schema.as_ref());
        self.plain((hints.read_only, hints.destructive, hints.idempotent, hints.open_world));
    }

    fn message(&mut self, message: &Message) {
        self.plain(message.role);
        self.each(&message.parts, Self::part);
    }

    fn part(&mut self, part: &Part) {
        self.plain(discriminant(part));
        match part {
            Part::Text(text) | Part::Reasoning(text) => self.text(text),
            Part::Media(media) => {
                self.text(&media.mime);
                self.text(&media.url);
            }
            Part::ToolCall(call) => self.call(call),
            Part::ToolResult(ToolResult { call_id, outcome }) => {
                self.text(call_id);
                self.plain(outcome.is_ok());
                match outcome {
                    Ok(ToolOutput { text, structured }) => {
                        self.text(text);
                        self.maybe(structured.as_ref());
                    }
                    Err(error) => self.tool_error(error),
                }
            }
        }
    }

    fn call(&mut self, call: &ToolCall) {
        [&call.id, &call.name, &call.arguments_json].into_iter().for_each(|text| self.text(text));
    }

    fn tool_error(&mut self, error: &ToolError) {
        self.plain(discriminant(error));
        match error {
            ToolError::InvalidArguments(text) | ToolError::Denied(text) | ToolError::Failed(text) => self.text(text),
            ToolError::Busy(ms) => self.plain(ms),
            ToolError::NotFound | ToolError::TimedOut | ToolError::OutcomeUnknown => {}
        }
    }
}
