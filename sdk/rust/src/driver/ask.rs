//! What a model is asked, and with what. Refuses to send it: `Ctx::ask` does.

use super::{Message, Prompt, Show, ToolDefinition, wit};
use crate::bindings::driver::magic::proxy::types::{CompletionRequest, Extra};

/// One question to a model. What is not set is what the profile says.
#[derive(Clone, Debug)]
pub struct Ask {
    request: CompletionRequest,
    show: Show,
}

// === impl Ask ===
impl Ask {
    /// Hidden from the client unless [`show`](Self::show) says otherwise.
    #[must_use]
    pub fn new(messages: Vec<Message>) -> Self {
        let request = CompletionRequest {
            model: None,
            messages,
            tools: Vec::new(),
            temperature: None,
            max_output_tokens: None,
            stop: Vec::new(),
            response_json_schema: None,
            seed: None,
            extra: Vec::new(),
        };
        Self { request, show: Show::Hidden }
    }

    /// Another alias of this gateway instead of the session's own.
    #[must_use]
    pub fn model(mut self, alias: impl Into<String>) -> Self {
        self.request.model = Some(alias.into());
        self
    }

    /// Tools that the model may call natively; the calls come back in the completion and nobody runs them.
    #[must_use]
    pub fn tools(mut self, tools: Vec<ToolDefinition>) -> Self {
        self.request.tools = tools;
        self
    }

    #[must_use]
    pub fn temperature(mut self, temperature: f32) -> Self {
        self.request.temperature = Some(temperature);
        self
    }

    #[must_use]
    pub fn max_output_tokens(mut self, tokens: u32) -> Self {
        self.request.max_output_tokens = Some(tokens);
        self
    }

    #[must_use]
    pub fn stop(mut self, stop: &[&str]) -> Self {
        self.request.stop = stop.iter().map(|&stop| stop.into()).collect();
        self
    }

    /// A JSON Schema that the reply must satisfy.
    #[must_use]
    pub fn json_schema(mut self, schema: impl Into<String>) -> Self {
        self.request.response_json_schema = Some(schema.into());
        self
    }

    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.request.seed = Some(seed);
        self
    }

    /// What the contract has no field for: a dotted key and a JSON value.
    #[must_use]
    pub fn extra(mut self, key: impl Into<String>, value_json: impl Into<String>) -> Self {
        self.request.extra.push(Extra { key: key.into(), value: value_json.into() });
        self
    }

    /// Where the text goes while it is generated.
    #[must_use]
    pub fn show(mut self, show: Show) -> Self {
        self.show = show;
        self
    }

    pub(super) fn directive(self, ref_: u32, stream_to_me: bool) -> wit::Directive {
        let Self { request, show } = self;
        wit::Directive::Ask(wit::Ask { ref_, request, show, stream_to_me })
    }
}

impl From<Prompt> for Ask {
    fn from(prompt: Prompt) -> Self {
        Self::new(prompt.into_messages())
    }
}

impl From<Vec<Message>> for Ask {
    fn from(messages: Vec<Message>) -> Self {
        Self::new(messages)
    }
}
