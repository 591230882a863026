//! Who is behind a model: LiteLLM's prefix to our provider, or why there is none.

/// How a vendor of LiteLLM's is reached from here.
#[derive(Clone, Copy)]
pub(crate) enum Route {
    /// By a provider of ours.
    Ours(&'static str),
    /// OpenAI's dialect at an address that we do not know by heart, with the variable that LiteLLM takes its key from.
    Known {
        base: &'static str,
        variable: &'static str,
    },
    /// OpenAI's dialect wherever the file says.
    Anywhere,
    /// Claude at Azure speaks Anthropic's dialect; the rest of that vendor wants a query that no address of ours has.
    AzureAi,
    None(&'static str),
}

const SIGNED: &str = "requests to it are signed with AWS' keys, which is not built here: take the model from its maker, or put an OpenAI-compatible gateway before it";
const ACCOUNT: &str = "it wants a token of a Google service account, which is not built here: take the model by `gemini/` with an API key (`provider: google`)";
const OWN_FORM: &str = "it speaks a form of its own that is not built here; where it has an OpenAI-compatible address, use `provider: openai` with that";
const IN_PROCESS: &str = "it runs inside LiteLLM's own process: serve the model and use `provider: vllm` or `local`";
const ROUTER: &str = "it is a router of LiteLLM's and no model: see `strategy: complexity` and `strategy: capability` in docs/ROUTING.md";

/// Prefix, and how it is reached. What is in no row of it is no provider of LiteLLM's that we know.
#[rustfmt::skip]
const TABLE: &[(&str, Route)] = &[
    ("openai", Route::Ours("openai")),
    ("text-completion-openai", Route::Ours("openai")),
    ("azure", Route::Ours("azure")),
    ("azure_text", Route::Ours("azure")),
    ("anthropic", Route::Ours("anthropic")),
    ("gemini", Route::Ours("google")),
    ("mistral", Route::Ours("mistral")),
    ("deepseek", Route::Ours("deepseek")),
    ("groq", Route::Ours("groq")),
    ("openrouter", Route::Ours("openrouter")),
    ("together_ai", Route::Ours("together")),
    ("ollama", Route::Ours("ollama")),
    ("ollama_chat", Route::Ours("ollama")),
    ("hosted_vllm", Route::Ours("vllm")),
    ("azure_ai", Route::AzureAi),
    ("xai", Route::Known { base: "https://api.x.ai/v1", variable: "XAI_API_KEY" }),
    ("fireworks_ai", Route::Known { base: "https://api.fireworks.ai/inference/v1", variable: "FIREWORKS_API_KEY" }),
    ("perplexity", Route::Known { base: "https://api.perplexity.ai", variable: "PERPLEXITYAI_API_KEY" }),
    ("deepinfra", Route::Known { base: "https://api.deepinfra.com/v1/openai", variable: "DEEPINFRA_API_KEY" }),
    ("cerebras", Route::Known { base: "https://api.cerebras.ai/v1", variable: "CEREBRAS_API_KEY" }),
    ("sambanova", Route::Known { base: "https://api.sambanova.ai/v1", variable: "SAMBANOVA_API_KEY" }),
    ("nvidia_nim", Route::Known { base: "https://integrate.api.nvidia.com/v1", variable: "NVIDIA_NIM_API_KEY" }),
    ("moonshot", Route::Known { base: "https://api.moonshot.ai/v1", variable: "MOONSHOT_API_KEY" }),
    ("dashscope", Route::Known { base: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", variable: "DASHSCOPE_API_KEY" }),
    ("friendliai", Route::Known { base: "https://api.friendli.ai/serverless/v1", variable: "FRIENDLIAI_API_KEY" }),
    ("featherless_ai", Route::Known { base: "https://api.featherless.ai/v1", variable: "FEATHERLESS_AI_API_KEY" }),
    ("hyperbolic", Route::Known { base: "https://api.hyperbolic.xyz/v1", variable: "HYPERBOLIC_API_KEY" }),
    ("lambda_ai", Route::Known { base: "https://api.lambda.ai/v1", variable: "LAMBDA_API_KEY" }),
    ("meta_llama", Route::Known { base: "https://api.llama.com/compat/v1", variable: "LLAMA_API_KEY" }),
    ("nebius", Route::Known { base: "https://api.studio.nebius.ai/v1", variable: "NEBIUS_API_KEY" }),
    ("nscale", Route::Known { base: "https://inference.api.nscale.com/v1", variable: "NSCALE_API_KEY" }),
    ("v0", Route::Known { base: "https://api.v0.dev/v1", variable: "V0_API_KEY" }),
    ("morph", Route::Known { base: "https://api.morphllm.com/v1", variable: "MORPH_API_KEY" }),
    ("inception", Route::Known { base: "https://api.inceptionlabs.ai/v1", variable: "INCEPTION_API_KEY" }),
    ("vercel_ai_gateway", Route::Known { base: "https://ai-gateway.vercel.sh/v1", variable: "VERCEL_AI_GATEWAY_API_KEY" }),
    ("wandb", Route::Known { base: "https://api.inference.wandb.ai/v1", variable: "WANDB_API_KEY" }),
    ("publicai", Route::Known { base: "https://api.publicai.co/v1", variable: "PUBLICAI_API_KEY" }),
    ("veniceai", Route::Known { base: "https://api.venice.ai/api/v1", variable: "VENICE_AI_API_KEY" }),
    ("scaleway", Route::Known { base: "https://api.scaleway.ai/v1", variable: "SCW_SECRET_KEY" }),
    ("nano-gpt", Route::Known { base: "https://nano-gpt.com/api/v1", variable: "NANOGPT_API_KEY" }),
    ("poe", Route::Known { base: "https://api.poe.com/v1", variable: "POE_API_KEY" }),
    ("chutes", Route::Known { base: "https://llm.chutes.ai/v1", variable: "CHUTES_API_KEY" }),
    ("openai_like", Route::Anywhere),
    ("custom_openai", Route::Anywhere),
    ("aiohttp_openai", Route::Anywhere),
    ("litellm_proxy", Route::Anywhere),
    ("lm_studio", Route::Anywhere),
    ("llamafile", Route::Anywhere),
    ("docker_model_runner", Route::Anywhere),
    ("xinference", Route::Anywhere),
    ("lemonade", Route::Anywhere),
    ("infinity", Route::Anywhere),
    ("bedrock", Route::None(SIGNED)),
    ("bedrock_mantle", Route::None(SIGNED)),
    ("sagemaker", Route::None(SIGNED)),
    ("sagemaker_chat", Route::None(SIGNED)),
    ("sagemaker_nova", Route::None(SIGNED)),
    ("vertex_ai", Route::None(ACCOUNT)),
    ("vertex_ai_beta", Route::None(ACCOUNT)),
    ("vllm", Route::None(IN_PROCESS)),
    ("petals", Route::None(IN_PROCESS)),
    ("auto_router", Route::None(ROUTER)),
    ("cohere", Route::None(OWN_FORM)),
    ("cohere_chat", Route::None(OWN_FORM)),
    ("voyage", Route::None(OWN_FORM)),
    ("jina_ai", Route::None(OWN_FORM)),
    ("replicate", Route::None(OWN_FORM)),
    ("huggingface", Route::None(OWN_FORM)),
    ("watsonx", Route::None(OWN_FORM)),
    ("databricks", Route::None(OWN_FORM)),
    ("cloudflare", Route::None(OWN_FORM)),
    ("predibase", Route::None(OWN_FORM)),
    ("nlp_cloud", Route::None(OWN_FORM)),
    ("triton", Route::None(OWN_FORM)),
    ("oci", Route::None(OWN_FORM)),
    ("snowflake", Route::None(OWN_FORM)),
    ("github_copilot", Route::None(OWN_FORM)),
    ("deepgram", Route::None(OWN_FORM)),
    ("elevenlabs", Route::None(OWN_FORM)),
];

fn row(prefix: &str) -> Option<Route> {
    TABLE.iter().find(|(word, _)| *word == prefix).map(|(_, route)| *route)
}

/// The model's prefix, how it is reached, and the vendor's own name for the model; or why it cannot be. `stated`:
/// `custom_llm_provider`.
pub(crate) fn route<'a>(
    model: &'a str,
    stated: Option<&'a str>,
    has_base: bool,
) -> Result<(&'a str, Route, &'a str), String> {
    if let Some(stated) = stated {
        let rest = model.strip_prefix(stated).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model);
        return reached(stated, rest, has_base);
    }
    match model.split_once('/') {
        Some((prefix, rest)) if row(prefix).is_some() || !has_base => reached(prefix, rest, has_base),
        _ if is_openais(model) => reached("openai", model, has_base),
        _ if model.starts_with("claude-") => reached("anthropic", model, has_base),
        _ if model.starts_with("gemini-") => reached("vertex_ai", model, has_base),
        _ if has_base => reached("openai_like", model, has_base),
        _ => Err(format!(
            "LiteLLM guesses the provider of `{model}` from a list of its own: write `provider/{model}` and import again"
        )),
    }
}

fn reached<'a>(prefix: &'a str, rest: &'a str, has_base: bool) -> Result<(&'a str, Route, &'a str), String> {
    match row(prefix) {
        Some(Route::None(why)) => Err(format!("`{prefix}` cannot be reached from here: {why}")),
        Some(Route::Anywhere) if !has_base => {
            Err(format!("`{prefix}` has no address in the file: give it an api_base and import again"))
        }
        Some(route) => Ok((prefix, route, rest)),
        None if has_base => Ok((prefix, Route::Anywhere, rest)),
        None => Err(format!(
            "`{prefix}` is no provider that is known here, and the file gives it no api_base: where it has an OpenAI-compatible address, write that as api_base and import again"
        )),
    }
}

/// What LiteLLM takes for OpenAI's without a prefix: the families of names in its list.
fn is_openais(model: &str) -> bool {
    const FAMILIES: [&str; 13] = [
        "gpt-",
        "ft:gpt-",
        "o1",
        "o3",
        "o4",
        "chatgpt-",
        "text-embedding-",
        "dall-e-",
        "whisper-",
        "tts-",
        "omni-moderation-",
        "computer-use-",
        "codex-",
    ];
    !model.contains('/') && FAMILIES.iter().any(|family| model.starts_with(family))
}
