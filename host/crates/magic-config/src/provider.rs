//! The vendors by name, and what is known of each before anybody is asked: one table. Speaks to none of them.
use crate::profile::DialectName;

/// The vendor named in YAML: an address, a dialect and a pool of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provider {
    OpenAi,
    Azure,
    Google,
    Anthropic,
    Mistral,
    DeepSeek,
    Groq,
    OpenRouter,
    Together,
    Ollama,
    LlamaCpp,
    Vllm,
    Local,
}

/// A row of the table.
struct Facts {
    provider: Provider,
    /// In YAML, logs, metrics and file names.
    word: &'static str,
    /// Where it is served, if there is one place.
    api_base: Option<&'static str>,
    /// The environment variable that holds a key where there is no file.
    variable: Option<&'static str>,
    needs_key: bool,
    dialect: DialectName,
    gbnf: Gbnf,
}

/// Where `tool_protocol: grammar` has a backend that obeys it: the field `grammar` is llama.cpp's own.
enum Gbnf {
    Taken,
    /// Refused at the vendor's own address; at another there may be llama.cpp.
    Elsewhere,
    /// Refused, or ignored without a word.
    Refused,
}

const OPENAI: DialectName = DialectName::OpenAi;

/// In the order of the enum; that is how a row is found.
#[rustfmt::skip]
static TABLE: [Facts; 13] = [
    Facts { provider: Provider::OpenAi, word: "openai", api_base: Some("https://api.openai.com/v1"),
        variable: Some("OPENAI_API_KEY"), needs_key: true, dialect: OPENAI, gbnf: Gbnf::Elsewhere },
    Facts { provider: Provider::Azure, word: "azure", api_base: None,
        variable: Some("AZURE_OPENAI_API_KEY"), needs_key: true, dialect: OPENAI, gbnf: Gbnf::Refused },
    Facts { provider: Provider::Google, word: "google", api_base: Some("https://generativelanguage.googleapis.com/v1beta"),
        variable: Some("GEMINI_API_KEY"), needs_key: true, dialect: DialectName::Google, gbnf: Gbnf::Elsewhere },
    Facts { provider: Provider::Anthropic, word: "anthropic", api_base: Some("https://api.anthropic.com/v1"),
        variable: Some("ANTHROPIC_API_KEY"), needs_key: true, dialect: DialectName::Anthropic, gbnf: Gbnf::Elsewhere },
    Facts { provider: Provider::Mistral, word: "mistral", api_base: Some("https://api.mistral.ai/v1"),
        variable: Some("MISTRAL_API_KEY"), needs_key: true, dialect: OPENAI, gbnf: Gbnf::Elsewhere },
    Facts { provider: Provider::DeepSeek, word: "deepseek", api_base: Some("https://api.deepseek.com/v1"),
        variable: Some("DEEPSEEK_API_KEY"), needs_key: true, dialect: OPENAI, gbnf: Gbnf::Elsewhere },
    Facts { provider: Provider::Groq, word: "groq", api_base: Some("https://api.groq.com/openai/v1"),
        variable: Some("GROQ_API_KEY"), needs_key: true, dialect: OPENAI, gbnf: Gbnf::Elsewhere },
    Facts { provider: Provider::OpenRouter, word: "openrouter", api_base: Some("https://openrouter.ai/api/v1"),
        variable: Some("OPENROUTER_API_KEY"), needs_key: true, dialect: OPENAI, gbnf: Gbnf::Elsewhere },
    Facts { provider: Provider::Together, word: "together", api_base: Some("https://api.together.xyz/v1"),
        variable: Some("TOGETHER_API_KEY"), needs_key: true, dialect: OPENAI, gbnf: Gbnf::Elsewhere },
    Facts { provider: Provider::Ollama, word: "ollama", api_base: Some("http://127.0.0.1:11434/v1"),
        variable: None, needs_key: false, dialect: OPENAI, gbnf: Gbnf::Refused },
    Facts { provider: Provider::LlamaCpp, word: "llama.cpp", api_base: Some("http://127.0.0.1:8080/v1"),
        variable: None, needs_key: false, dialect: OPENAI, gbnf: Gbnf::Taken },
    Facts { provider: Provider::Vllm, word: "vllm", api_base: Some("http://127.0.0.1:8000/v1"),
        variable: None, needs_key: false, dialect: OPENAI, gbnf: Gbnf::Refused },
    Facts { provider: Provider::Local, word: "local", api_base: None,
        variable: None, needs_key: false, dialect: OPENAI, gbnf: Gbnf::Taken },
];

// === impl Provider ===
impl Provider {
    pub const ALL: [Self; 13] = {
        let mut all = [Self::Local; 13];
        let mut row = 0;
        while row < TABLE.len() {
            // A row in the wrong place would give a vendor another's address: it does not compile.
            assert!(TABLE[row].provider as usize == row);
            all[row] = TABLE[row].provider;
            row += 1;
        }
        all
    };

    fn facts(self) -> &'static Facts {
        &TABLE[self as usize]
    }

    /// The word in YAML, logs and metrics.
    pub fn as_str(self) -> &'static str {
        self.facts().word
    }

    /// The name of its pool of keys, which is its own.
    pub fn pool_name(self) -> &'static str {
        self.as_str()
    }

    /// The file of its keys in `keys_pool/`, e.g. `keys_pool_openai.env`. Every provider may have one, whether or not it
    /// needs a key.
    pub fn keys_file(self) -> String {
        format!("keys_pool_{}.env", self.as_str())
    }

    /// Whether nothing can be sent to it without a key. One that needs none still gets the key that is in its pool.
    pub fn needs_key(self) -> bool {
        self.facts().needs_key
    }

    /// The environment variable that holds a key where there is no file; none for those that need no key.
    pub fn key_variable(self) -> Option<&'static str> {
        self.facts().variable
    }

    /// Where it is served, if there is one place; [`Provider::dialect_at`] says what is spoken there.
    pub fn default_api_base(self) -> Option<&'static str> {
        self.facts().api_base
    }

    /// What is spoken at `api_base`, unless the file says otherwise. Google serves OpenAI's dialect below `…/openai`.
    pub fn dialect_at(self, api_base: &str) -> DialectName {
        match self.facts().dialect {
            DialectName::Google if api_base.ends_with("/openai") => DialectName::OpenAi,
            dialect => dialect,
        }
    }

    /// Whether a grammar in a request to `api_base` is obeyed, as far as is known.
    pub(crate) fn takes_gbnf_at(self, api_base: &str) -> bool {
        match self.facts().gbnf {
            Gbnf::Taken => true,
            Gbnf::Elsewhere => self.default_api_base().is_none_or(|own| host_of(own) != host_of(api_base)),
            Gbnf::Refused => false,
        }
    }
}

/// The address without its path. The host decides who answers: Google's, for one, speaks two dialects under two paths.
pub(crate) fn host_of(api_base: &str) -> &str {
    let scheme = api_base.find("://").map_or(0, |at| at + "://".len());
    let path = api_base.bytes().skip(scheme).position(|byte| byte == b'/');
    path.and_then(|length| api_base.get(..scheme + length)).unwrap_or(api_base)
}
