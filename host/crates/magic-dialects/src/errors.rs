//! What a vendor's refusal means, whatever its dialect: status, headers and body in, a [`Failure`] out. The one place that
//! reads errors, be they whole replies or inside of one. Decides no retry.
use crate::limits;
use bytes::Bytes;
use magic_types::{Failure, Kind, UpstreamReply};
use serde_json::Value;

/// How much of a vendor's error text a client is shown.
const TEXT_CHARS_MAX: usize = 600;

/// Classifies a reply whose status is not 2xx. `header` looks up by lower-case name; `wall_now` is Unix seconds.
pub fn classify<'h>(status: u16, header: &dyn Fn(&str) -> Option<&'h str>, body: Bytes, wall_now: u64) -> Failure {
    let words = Words::of(&body);
    let text = words.text.clone().unwrap_or_else(|| format!("the model's vendor answered {status}"));
    failure(words.kind(status), &text)
        .retry_after(limits::retry_after(header, &body, wall_now))
        .upstream(UpstreamReply { status, content_type: header("content-type").map(str::to_owned), body })
}

/// An error that came inside a reply with status 200. Without a status of its own it is the vendor's fault.
pub(crate) fn in_band(body: &[u8]) -> Failure {
    of_words(Words::of(body), body)
}

/// The same for data that merely holds the word; `None` if it holds no error.
pub(crate) fn found_in(body: &[u8]) -> Option<Failure> {
    let value: Value = serde_json::from_slice(body).ok()?;
    find(&value).is_some().then(|| in_band(body))
}

fn of_words(words: Words, body: &[u8]) -> Failure {
    let text = words.text.clone().unwrap_or_else(|| "the model's vendor broke off with an error".to_owned());
    let status = words.status.unwrap_or(500);
    failure(words.kind(status), &text).retry_after(limits::retry_after(&|_| None, body, 0))
}

/// For what is not the vendor's dialect. `why` is for the log.
pub(crate) fn bad_reply(why: impl ToString) -> Failure {
    Failure::new(Kind::BadReply, "the model's vendor sent a reply that cannot be read").private(why.to_string())
}

/// For a stream that ended before its vendor's last word.
pub(crate) fn cut_off() -> Failure {
    Failure::new(Kind::CutOff, "the model's vendor ended the stream before its end")
}

/// What a body's end makes of a failure: half an event is what a cut stream looks like, and no nonsense.
pub(crate) fn at_end(failure: Failure) -> Failure {
    if failure.kind == Kind::BadReply { cut_off() } else { failure }
}

/// What a vendor says of a key may hold a part of it: strangers read words of ours, the log the vendor's.
fn failure(kind: Kind, vendors_words: &str) -> Failure {
    let public = match kind {
        Kind::KeyRejected => "the model's vendor refused the key",
        Kind::QuotaExhausted => "the account at the model's vendor is exhausted",
        Kind::RateLimited => "the model's vendor limits the rate",
        _ => return Failure::new(kind, vendors_words),
    };
    Failure::new(kind, public).private(vendors_words)
}

/// A vendor's error, taken apart.
struct Words {
    /// The vendor's own words, cut to a bound.
    text: Option<String>,
    /// The same in lower case.
    said: String,
    /// Codes, types and reasons from wherever vendors put them, in lower case, each between blanks.
    codes: String,
    /// From inside the body.
    status: Option<u16>,
    is_page: bool,
}

// === impl Words ===
impl Words {
    fn of(body: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let value = unlisted(&value);
        let error = find(value).unwrap_or(value);
        let text = message(value, error).map(|text| text.chars().take(TEXT_CHARS_MAX).collect::<String>());
        let paths = ["/code", "/type", "/status", "/innererror/code", "/details/0/reason", "/metadata/error_type"];
        let found = paths.iter().filter_map(|path| error.pointer(path)?.as_str());
        let codes = found.fold(" ".to_owned(), |codes, code| codes + &code.to_ascii_lowercase() + " ");
        let number = |key: &str| error.get(key).and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        let told = number("code").or_else(|| number("status")).filter(|status| (400..600).contains(status));
        let status = told.or_else(|| status_of(&codes));
        let said = text.as_deref().unwrap_or_default().to_lowercase();
        Self { text, said, codes, status, is_page: body.trim_ascii_start().starts_with(b"<") }
    }

    /// The failure's kind by status, refined by the vendor's own code where the status says too little.
    fn kind(&self, status: u16) -> Kind {
        let early = match status {
            400 | 403 | 413 | 422 | 451 => self.refused_content(),
            _ => None,
        };
        early.unwrap_or_else(|| match status {
            _ if self.codes(&["overloaded_error"]) => Kind::ServerError,
            401 if self.lacks_a_scope() => Kind::InvalidRequest,
            401 => Kind::KeyRejected,
            402 => Kind::QuotaExhausted,
            403 => self.forbidden(),
            // OpenAI tells an empty account by 429 as well: waiting a minute does not fill it. Google's "exceeded your
            // current quota" is a quota of the minute, so that the text alone says nothing.
            429 if self.codes(&["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"]) => {
                Kind::QuotaExhausted
            }
            429 => Kind::RateLimited,
            408 | 504 => Kind::TimedOut,
            // Anthropic answers 400 where others answer 402, Google where others answer 401.
            400 if self.says(&["credit balance is too low", "specified api usage limits"]) => Kind::QuotaExhausted,
            400 if self.codes(&["api_key_invalid", "invalid_api_key"])
                || self.says(&["api key not valid", "api key expired"]) =>
            {
                Kind::KeyRejected
            }
            400 if self.is_about_the_region() => Kind::ServerError,
            // Redirects are not followed: the address in the config is not where the vendor is.
            300..=399 => Kind::BadReply,
            500.. => Kind::ServerError,
            _ => Kind::InvalidRequest,
        })
    }

    /// What is refused for what the client wrote and not for how.
    fn refused_content(&self) -> Option<Kind> {
        let policy =
            ["content_policy_violation", "content_filter", "responsibleaipolicyviolation", "moderation_blocked"];
        let flagged = ["content management policy", "flagged", "usage policy", "content policy", "safety system"];
        if self.codes(&policy) || self.says(&flagged) {
            return Some(Kind::ContentPolicy);
        }
        let long = ["context_length_exceeded", "exceed_context_size_error", "request_too_large"];
        let said = [
            "maximum context length",
            "prompt is too long",
            "input is too long",
            "context window",
            "context size",
            "exceed context limit",
            "reduce the length of the messages",
        ];
        let google = self.says(&["input token count", "maximum number of tokens"]) && self.says(&["exceeds"]);
        (self.codes(&long) || self.says(&said) || google).then_some(Kind::ContextTooLong)
    }

    /// Not every 403 is the key's death: a model or a file that the account may not use, a scope that the key lacks, a
    /// region, a firewall's page. A client could else retire every key by asking for somebody's file.
    fn forbidden(&self) -> Kind {
        let model = ["model_not_found", "model_permission_blocked_org", "model_permission_blocked_project"];
        let thing = [
            "access to model",
            "access to the model",
            // Google's, for files and cached contents.
            "or it may not exist",
            "cachedcontent not found",
            "permission to access",
        ];
        if self.is_page || self.is_about_the_region() {
            Kind::ServerError
        } else if self.says(&["key limit exceeded"]) {
            Kind::QuotaExhausted
        } else if self.lacks_a_scope() || self.codes(&model) || self.says(&thing) {
            Kind::InvalidRequest
        } else {
            Kind::KeyRejected
        }
    }

    /// OpenAI's restricted keys are good for some endpoints and not for others.
    fn lacks_a_scope(&self) -> bool {
        self.says(&["missing scopes"])
    }

    fn is_about_the_region(&self) -> bool {
        let said = [
            "user location is not supported",
            "country, region, or territory not supported",
            // Anthropic's, by address.
            "request not allowed",
        ];
        self.codes(&["unsupported_country_region_territory"]) || self.says(&said)
    }

    fn codes(&self, any: &[&str]) -> bool {
        any.iter().any(|code| self.codes.split(' ').any(|found| found == *code))
    }

    fn says(&self, any: &[&str]) -> bool {
        any.iter().any(|needle| self.said.contains(needle))
    }
}

/// Google wraps the object in a list.
fn unlisted(value: &Value) -> &Value {
    value.get(0).unwrap_or(value)
}

/// The error's object or text, wherever a dialect puts it: in a response (OpenAI's responses), at the top, in a choice
/// (OpenRouter), or the value itself where it says that it is one. `"error": null` is how most say that there is none.
fn find(value: &Value) -> Option<&Value> {
    let value = unlisted(value);
    let says_something = |error: &&Value| match error {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(list) => !list.is_empty(),
    };
    let is_itself = ["type", "object"].iter().any(|name| value.get(name).is_some_and(|word| word == "error"));
    let inside = ["/response/error", "/error", "/choices/0/error"].iter().filter_map(|path| value.pointer(path));
    inside.into_iter().find(says_something).or_else(|| is_itself.then_some(value))
}

/// `error.message`, `error`, `message` or `detail`; FastAPI's `detail` and Mistral's `message` may be lists or objects.
fn message(value: &Value, error: &Value) -> Option<String> {
    let found = [error.get("message"), Some(error), value.get("message"), value.get("detail")];
    let text = found.iter().flatten().find_map(|value| value.as_str().map(str::to_owned));
    text.or_else(|| {
        let nested = [value.get("message"), value.get("detail")];
        nested.into_iter().flatten().find(|value| !value.is_null()).map(Value::to_string)
    })
}

/// The status that goes with a word in a stream: https://docs.claude.com/en/api/errors and https://google.aip.dev/193
fn status_of(codes: &str) -> Option<u16> {
    codes.split(' ').find_map(|code| match code {
        "invalid_request_error" | "invalid_argument" | "context_length_exceeded" => Some(400),
        "authentication_error" | "unauthenticated" | "invalid_api_key" => Some(401),
        "billing_error" => Some(402),
        "permission_error" | "permission_denied" => Some(403),
        "not_found_error" | "not_found" => Some(404),
        "request_too_large" => Some(413),
        "rate_limit_error" | "rate_limit_exceeded" | "resource_exhausted" | "insufficient_quota" => Some(429),
        "timeout_error" | "deadline_exceeded" => Some(504),
        "overloaded_error" => Some(529),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
