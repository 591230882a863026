use super::{Auth, Family, Speaker, Way};
use crate::dialect::Dialect;
use crate::operation::Operation;

fn at<'a>(provider: &'a str, family: Family, base: &'a str) -> Speaker<'a> {
    Speaker { provider, family, base, api_version: None }
}

fn url(speaker: Speaker<'_>, operation: Operation, model: &str) -> String {
    speaker.url(operation, speaker.way(operation).expect("can"), model, false)
}

#[test]
fn every_vendor_can_hold_every_conversation_and_count() {
    for family in [Family::OpenAi, Family::Anthropic, Family::Google] {
        for provider in ["openai", "azure", "google", "anthropic", "groq", "deepseek", "local", "a_stranger"] {
            for operation in Operation::ALL {
                let way = at(provider, family, "http://v").way(operation);
                let must = operation.client_dialect().is_some() || operation == Operation::CountTokens;
                assert!(way.is_ok() || !must, "{provider} {family:?} {operation:?}");
                if let Ok(Way::Chat(dialect)) = way {
                    assert!(dialect.vendor().is_some(), "{provider} {family:?} {operation:?}");
                }
            }
        }
    }
}

#[test]
fn what_a_vendor_of_openais_family_lacks_is_translated_or_refused() {
    let way = |provider, operation| at(provider, Family::OpenAi, "http://v/v1").way(operation);
    assert_eq!(way("openai", Operation::Responses), Ok(Way::Same));
    assert_eq!(way("groq", Operation::Responses), Ok(Way::Chat(Dialect::Chat)));
    assert_eq!(way("vllm", Operation::Completions), Ok(Way::Same));
    assert_eq!(way("deepseek", Operation::Completions), Ok(Way::Chat(Dialect::Chat)));
    assert_eq!(way("deepseek", Operation::Embeddings), Err("has no embeddings"));
    assert_eq!(way("azure", Operation::Moderations), Err("has no moderations"));
    assert_eq!(way("openai", Operation::Messages), Ok(Way::Chat(Dialect::Chat)));
}

#[test]
fn azure_has_a_deployment_in_the_path_and_a_version_in_the_query() {
    for base in ["https://x.openai.azure.com", "https://x.openai.azure.com/", "https://x.openai.azure.com/openai/"] {
        let azure = Speaker { api_version: Some("2024-10-21"), ..at("azure", Family::OpenAi, base) };
        assert_eq!(
            url(azure, Operation::ChatCompletions, "my gpt"),
            "https://x.openai.azure.com/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"
        );
        assert_eq!(azure.way(Operation::Responses), Ok(Way::Chat(Dialect::Chat)));
        assert_eq!(azure.auth(), Auth::Header("api-key"));
        assert_eq!(
            azure.key_check().as_deref(),
            Some("https://x.openai.azure.com/openai/models?api-version=2024-10-21")
        );
        let newer = Speaker { api_version: Some("2025-04-01-preview"), ..azure };
        assert_eq!(
            url(newer, Operation::Responses, "m"),
            "https://x.openai.azure.com/openai/responses?api-version=2025-04-01-preview"
        );
    }
    let named = at("azure", Family::OpenAi, "https://x.openai.azure.com/openai/deployments/d");
    assert_eq!(
        url(named, Operation::Embeddings, "other"),
        "https://x.openai.azure.com/openai/deployments/d/embeddings?api-version=2024-10-21"
    );
}

#[test]
fn azures_v1_takes_neither() {
    let azure = Speaker { api_version: Some("2024-10-21"), ..at("azure", Family::OpenAi, "https://x/openai/v1/") };
    assert_eq!(url(azure, Operation::ChatCompletions, "m"), "https://x/openai/v1/chat/completions");
    assert_eq!(url(azure, Operation::Responses, "m"), "https://x/openai/v1/responses");
    let preview = Speaker { api_version: Some("preview"), ..azure };
    assert_eq!(url(preview, Operation::Images, "m"), "https://x/openai/v1/images/generations?api-version=preview");
}

#[test]
fn google_has_the_model_and_the_method_in_the_path() {
    let google = at("google", Family::Google, "https://g/v1beta/openai/");
    let way = Way::Chat(Dialect::Gemini);
    let chat = |model, stream| google.url(Operation::ChatCompletions, way, model, stream);
    assert_eq!(chat("models/gemini-2.5-flash", false), "https://g/v1beta/models/gemini-2.5-flash:generateContent");
    assert_eq!(chat("tunedModels/mine", true), "https://g/v1beta/tunedModels/mine:streamGenerateContent?alt=sse");
    assert_eq!(chat("../../x?y#z", false), "https://g/v1beta/models/..%2F..%2Fx%3Fy%23z:generateContent");
    assert_eq!(url(google, Operation::CountTokens, "m"), "https://g/v1beta/models/m:countTokens");
    assert_eq!(url(google, Operation::Embeddings, "m"), "https://g/v1beta/models/m:batchEmbedContents");
    assert_eq!(url(google, Operation::Images, "imagen-4.0"), "https://g/v1beta/models/imagen-4.0:predict");
    assert_eq!(url(google, Operation::Images, "gemini-image"), "https://g/v1beta/models/gemini-image:generateContent");
    assert_eq!(google.auth(), Auth::Header("x-goog-api-key"));
}

#[test]
fn anthropics_paths_and_headers() {
    let anthropic = at("anthropic", Family::Anthropic, "https://a/v1");
    assert_eq!(url(anthropic, Operation::Messages, "m"), "https://a/v1/messages");
    assert_eq!(url(anthropic, Operation::ChatCompletions, "m"), "https://a/v1/messages");
    assert_eq!(url(anthropic, Operation::CountTokens, "m"), "https://a/v1/messages/count_tokens");
    assert_eq!(anthropic.auth(), Auth::Header("x-api-key"));
    assert_eq!(anthropic.family.fixed_headers(), [("anthropic-version", "2023-06-01")]);
    assert_eq!(at("deepseek", Family::Anthropic, "http://d").way(Operation::CountTokens), Ok(Way::Estimate));
}

#[test]
fn a_key_is_checked_where_strangers_are_refused() {
    let check = |provider| at(provider, Family::OpenAi, "http://v/v1").key_check();
    assert_eq!(check("openai").as_deref(), Some("http://v/v1/models"));
    assert_eq!(check("openrouter").as_deref(), Some("http://v/v1/key"));
    assert_eq!(check("llama.cpp"), None);
}

#[test]
fn an_azure_resource_may_be_called_openai() {
    let azure = at("azure", Family::OpenAi, "https://openai-prod.openai.azure.com");
    let azure = Speaker { api_version: Some("2024-10-21"), ..azure };
    assert_eq!(
        url(azure, Operation::ChatCompletions, "m"),
        "https://openai-prod.openai.azure.com/openai/deployments/m/chat/completions?api-version=2024-10-21"
    );
}
