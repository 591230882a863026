//! What a client sees otherwise through the gateway, and why. An entry that no longer differs fails its test.
use super::Client::{AnthropicPython, OpenaiNode, OpenaiPython};
use super::Explained;
use super::Upstream::{Anthropic, Google, Openai};

const SEALED_CALLS: &str = "Google seals calls, and takes them back only with the seal: it travels as a sealed thought";

pub(super) const EXPLAINED: &[Explained] = &[
    Explained {
        clients: &[OpenaiPython, OpenaiNode, AnthropicPython],
        upstreams: &[Openai, Anthropic, Google],
        scenarios: &["broken"],
        path: ".raised",
        reason: "a vendor's own fault comes as the gateway's 503 when no other profile is left",
    },
    Explained {
        clients: &[OpenaiPython, OpenaiNode, AnthropicPython],
        upstreams: &[Openai, Anthropic, Google],
        scenarios: &["busy"],
        path: ".raised",
        reason: "a throttled key comes as the gateway's 503 when no other key is left",
    },
    Explained {
        clients: &[OpenaiPython, OpenaiNode],
        upstreams: &[Anthropic],
        scenarios: &["embeddings", "embeddings_float", "speech", "transcription", "image"],
        path: ".raised",
        reason: "Anthropic has no such endpoint",
    },
    Explained {
        clients: &[OpenaiPython, OpenaiNode],
        upstreams: &[Anthropic, Google],
        scenarios: &["moderation"],
        path: ".raised",
        reason: "the vendor has no such endpoint",
    },
    Explained {
        clients: &[AnthropicPython],
        upstreams: &[Openai, Google],
        scenarios: &["too_long"],
        path: ".raised.message",
        reason: "the vendor's own words",
    },
    Explained {
        clients: &[OpenaiPython, OpenaiNode],
        upstreams: &[Anthropic, Google],
        scenarios: &["too_long"],
        path: ".raised.message",
        reason: "the vendor's own words",
    },
    Explained {
        clients: &[OpenaiPython, OpenaiNode],
        upstreams: &[Anthropic, Google],
        scenarios: &["too_long", "bad_request", "bad_request_stream", "response_bad_request"],
        path: ".raised.param",
        reason: "the vendor names no parameter",
    },
    Explained {
        clients: &[AnthropicPython],
        upstreams: &[Openai],
        scenarios: &["count_tokens"],
        path: ".input_tokens",
        reason: "OpenAI cannot count: the gateway estimates",
    },
    Explained {
        clients: &[AnthropicPython],
        upstreams: &[Openai],
        scenarios: &["thinking", "thinking_stream"],
        path: ".content[0].signed",
        reason: "nobody but Anthropic signs what was thought",
    },
    Explained {
        clients: &[AnthropicPython],
        upstreams: &[Google],
        scenarios: &["thinking", "thinking_stream"],
        path: ".content[0].signed",
        reason: "Google signs calls, not thoughts",
    },
    Explained {
        clients: &[AnthropicPython],
        upstreams: &[Openai, Google],
        scenarios: &["thinking_turns"],
        path: "[0].content[0].signed",
        reason: "nobody but Anthropic signs what was thought",
    },
    Explained {
        clients: &[OpenaiPython, OpenaiNode],
        upstreams: &[Openai, Anthropic, Google],
        scenarios: &["response_state"],
        path: ".after_delete.raised",
        reason: "the gateway keeps responses itself, and says so in its own words",
    },
    Explained {
        clients: &[OpenaiPython, OpenaiNode],
        upstreams: &[Anthropic, Google],
        scenarios: &["response_state"],
        path: ".unknown_previous.raised.code",
        reason: "the gateway keeps responses itself, and says so in its own words",
    },
    Explained {
        clients: &[OpenaiPython, OpenaiNode],
        upstreams: &[Anthropic, Google],
        scenarios: &["response_tools_stream"],
        path: ".kinds",
        reason: "calls may come interleaved, so each is closed when the reply is",
    },
    Explained {
        clients: &[OpenaiPython, OpenaiNode],
        upstreams: &[Anthropic, Google],
        scenarios: &["bad_request", "bad_request_stream", "response_bad_request"],
        path: ".raised.code",
        reason: "the vendor names no code, so the gateway's own word stands there",
    },
    Explained {
        clients: &[OpenaiPython, OpenaiNode],
        upstreams: &[Anthropic, Google],
        scenarios: &["breaks_off"],
        path: ".raised",
        reason: "the vendor's words in an error frame of the gateway's own",
    },
    Explained {
        clients: &[OpenaiPython],
        upstreams: &[Google],
        scenarios: &["parallel_helper"],
        path: ".kinds",
        reason: "Google's calls come whole, not in pieces",
    },
    Explained {
        clients: &[AnthropicPython],
        upstreams: &[Google],
        scenarios: &["parallel", "parallel_stream", "tool", "tool_forced", "tool_stream"],
        path: ".content",
        reason: SEALED_CALLS,
    },
    Explained {
        clients: &[AnthropicPython],
        upstreams: &[Google],
        scenarios: &["parallel_stream", "tool_stream"],
        path: ".kinds",
        reason: SEALED_CALLS,
    },
    Explained {
        clients: &[AnthropicPython],
        upstreams: &[Google],
        scenarios: &["parallel_answer", "parallel_answer_stream", "tool_answer", "tool_turns", "tool_turns_stream"],
        path: "[",
        reason: SEALED_CALLS,
    },
];
