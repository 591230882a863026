//! An entry of `model_list` to a profile: where it goes, with which key. What else it says is read in `params`.
use crate::emit::{Draft, Profile};
use crate::secrets::{self, Use};
use crate::vendors::{self, Route};
use crate::yaml::Node;
use crate::{Work, params, wildcards};

/// An entry that can be served here, and what its name's group must know of it.
pub(crate) struct Deployment<'a> {
    /// LiteLLM's `model_name`.
    pub(crate) group: String,
    pub(crate) entry: &'a Node,
    pub(crate) profile: Profile,
}

/// The texts of an entry that say where it goes: its own, or its credential's.
struct Source<'a> {
    own: &'a Node,
    credential: Option<&'a Node>,
}

const WILDCARD: &str = "an alias is an exact name here: write one entry of model_list for each model that clients ask for, \
                        and import again";

pub(crate) fn read<'a>(root: &'a Node, work: &mut Work, draft: &mut Draft) -> Vec<Deployment<'a>> {
    let mut found = Vec::new();
    let mentioned = wildcards::mentioned(root);
    for (index, entry) in root.get("model_list").map(Node::items).unwrap_or_default().iter().enumerate() {
        match entry_of(entry, &mentioned, work) {
            Ok(wanted) => {
                for (group, model) in wanted {
                    found.extend(deployment(root, index, entry, group, &model, work, draft));
                }
            }
            Err(model) => draft.left_out.push(format!("model_list[{index}]: {model}")),
        }
    }
    for credential in root.get("credential_list").map(Node::items).unwrap_or_default() {
        work.book.unsupported(credential, "no profile that came out needs it");
    }
    found
}

/// The names that an entry is for, each with its model; or what is left out, of which all is said then.
fn entry_of(entry: &Node, mentioned: &[(String, String)], work: &mut Work) -> Result<Vec<(String, String)>, String> {
    let group = entry.get("model_name").and_then(Node::text).unwrap_or_default();
    let model_node = entry.get("litellm_params").and_then(|own| own.get("model"));
    let model = model_node.and_then(Node::text).unwrap_or_default();
    let left_out = if model.is_empty() { group } else { model };
    if group.is_empty() {
        work.book.unsupported(entry, "it has no model_name, so nobody could ask for it");
    } else if model_node.is_none() {
        work.book.unsupported(entry, "it has no litellm_params.model, so LiteLLM does not serve it either");
    } else if model.is_empty() || secrets::reference(model).is_some() {
        let text = "the vendor of a model must stand in the file: write `provider/model` and import again";
        work.book.manual(entry, text);
    } else if !group.contains('*') && !model.contains('*') {
        return Ok(vec![(group.to_owned(), model.to_owned())]);
    } else {
        let mine = mentioned.iter().filter(|(_, pattern)| pattern == group);
        let wanted: Vec<(String, String)> = mine
            .filter_map(|(name, pattern)| Some((name.clone(), model.replace('*', wildcards::captured(pattern, name)?))))
            .collect();
        if wanted.is_empty() {
            work.book.manual(entry, WILDCARD);
        } else {
            let names: Vec<&str> = wanted.iter().map(|(name, _)| name.as_str()).collect();
            let text = format!("{WILDCARD}; done for what the file itself mentions: {}", names.join(", "));
            for node in ["model_name", "litellm_params"].into_iter().filter_map(|key| entry.get(key)) {
                work.book.manual(node.get("model").unwrap_or(node), text.clone());
            }
            return Ok(wanted);
        }
    }
    Err(left_out.to_owned())
}

fn deployment<'a>(
    root: &'a Node,
    index: usize,
    entry: &'a Node,
    group: String,
    model: &str,
    work: &mut Work,
    draft: &mut Draft,
) -> Option<Deployment<'a>> {
    let own = entry.get("litellm_params")?;
    let mut profile = Profile { origin: format!("model_list[{index}]: {model}"), ..Profile::default() };
    let source = Source { own, credential: credential(root, own) };
    if let Err(why) = place(&source, model, &group, &mut profile, work) {
        work.book.unsupported(entry, why);
        draft.left_out.push(profile.origin);
        return None;
    }
    if let Some(name) = own.get("litellm_credential_name") {
        match source.credential {
            Some(_) => work.book.exact(name, "its values stand in the profile"),
            None => work.book.manual(name, "credential_list has no such credential: give the profile an api_key"),
        }
    }
    params::read(entry, &mut profile, work);
    Some(Deployment { group, entry, profile })
}

fn credential<'a>(root: &'a Node, own: &Node) -> Option<&'a Node> {
    let name = own.get("litellm_credential_name")?.text()?;
    let list = root.get("credential_list")?.items();
    list.iter().find(|credential| credential.get("credential_name").and_then(Node::text) == Some(name))
}

// === impl Source ===
impl<'a> Source<'a> {
    /// An empty text is none.
    fn find(&self, keys: &[&str]) -> Option<(&'a Node, &'a str)> {
        let values = self.credential.and_then(|credential| credential.get("credential_values"));
        let holders = [Some(self.own), values];
        let mut nodes = holders.into_iter().flatten().flat_map(|holder| keys.iter().filter_map(|key| holder.get(key)));
        nodes.find_map(|node| Some((node, node.text()?)).filter(|(_, text)| !text.is_empty()))
    }
}

/// Provider, model, address, version and key.
fn place(source: &Source<'_>, model: &str, group: &str, profile: &mut Profile, work: &mut Work) -> Result<(), String> {
    let base = source.find(&["api_base", "base_url"]);
    let stated = source.find(&["custom_llm_provider"]);
    let (prefix, route, name) = vendors::route(model, stated.map(|(_, text)| text), base.is_some())?;
    if name.is_empty() {
        return Err(format!("`{model}` names a provider and no model"));
    }
    profile.model = name.replace('$', "$$");
    let key = source.find(&["api_key"]);
    match route {
        Route::Ours(provider) => profile.provider = provider,
        Route::Known { base, variable } => {
            profile.provider = "openai";
            profile.api_base = Some(base.to_owned());
            if key.is_none() {
                profile.api_key = Some(work.variables.named(variable, Use::Key));
            }
        }
        Route::Anywhere => profile.provider = if key.is_some() { "openai" } else { "local" },
        Route::AzureAi if name.starts_with("claude") && base.is_some() => profile.provider = "anthropic",
        Route::AzureAi => {
            return Err(
                "`azure_ai` is reached from here for `claude-...` with an api_base only; where the resource serves \
                        `/openai/v1`, use `openai/` with that address"
                    .to_owned(),
            );
        }
        Route::None(why) => return Err(why.to_owned()),
    }
    let moved = match base {
        Some((node, text)) => Some((node, address(text, route, profile, work)?)),
        None => None,
    };
    if !stands_in_a_path(profile) {
        return Err(format!(
            "`{}` cannot be asked for at {}, where it stands in the address's path",
            profile.model, profile.provider
        ));
    }
    if profile.provider == "azure" {
        azure(source, base.is_none(), key.is_none(), profile, work);
    }
    // Nothing is said before it is certain that the entry can be served.
    if let Some((node, moved)) = moved {
        match moved {
            None => work.book.exact(node, format!("api_base: {}", profile.api_base.as_deref().unwrap_or_default())),
            Some(text) => work.book.approximate(node, text),
        }
    }
    if let Some((node, _)) = stated {
        work.book.exact(node, format!("provider {}", profile.provider));
    }
    if let Some(node) = source.own.get("model") {
        said_of_model(node, prefix, profile, work);
    }
    if let Some((node, text)) = key {
        api_key(node, text, group, profile, work);
    }
    if let Some(credential) = source.credential {
        for key in ["credential_name", "credential_info"] {
            if let Some(node) = credential.get(key) {
                work.book.exact(node, "the credential's values stand in each profile that names it");
            }
        }
    }
    Ok(())
}

fn said_of_model(node: &Node, prefix: &str, profile: &Profile, work: &mut Work) {
    let text = format!("provider {}, model {}", profile.provider, profile.model);
    match prefix {
        "ollama" | "ollama_chat" => {
            work.book.approximate(node, format!("{text}, by Ollama's OpenAI-compatible address"))
        }
        "text-completion-openai" | "azure_text" => {
            work.book
                .approximate(node, format!("{text}: an alias answers at /v1/completions and at /v1/chat/completions"));
        }
        _ => work.book.exact(node, text),
    }
}

fn api_key(node: &Node, text: &str, group: &str, profile: &mut Profile, work: &mut Work) {
    if let Some(name) = secrets::reference(text) {
        let variable = work.variables.named(name, Use::Key);
        work.book.exact(node, format!("api_key: {variable}"));
        profile.api_key = Some(variable);
    } else {
        let name = work.variables.literal(text, group);
        work.book.manual(node, format!("a key must not stand in our file: set the variable {name} to it"));
        profile.api_key = Some(format!("${{{name}}}"));
    }
}

/// The address as ours, and what is different about it, if anything.
fn address(text: &str, route: Route, profile: &mut Profile, work: &mut Work) -> Result<Option<String>, String> {
    let is_variable = secrets::reference(text).is_some();
    let given = work.variables.text(text, Use::Address).trim_end_matches('/').to_owned();
    if !is_variable {
        plausible(&given)?;
    }
    let mut base = given.clone();
    for end in ["/chat/completions", "/completions", "/embeddings", "/responses", "/messages"] {
        base = base.strip_suffix(end).map(str::to_owned).unwrap_or(base);
    }
    let with = |base: &str, end: &str| if base.ends_with(end) { base.to_owned() } else { format!("{base}{end}") };
    match (route, profile.provider) {
        (Route::AzureAi, _) if is_variable => {
            profile.api_base = Some(format!("{base}/anthropic/v1"));
            return Ok(Some(
                "with /anthropic/v1 behind it: take that off if the variable's value ends in it already".to_owned(),
            ));
        }
        (Route::AzureAi, _) => base = format!("{}/anthropic/v1", before(&base, "/anthropic")),
        (_, "anthropic" | "ollama") => base = with(&base, "/v1"),
        (_, "azure") if base.ends_with("/openai/v1") => profile.provider = "openai",
        (_, "azure") => base = before(&base, "/openai").to_owned(),
        _ => {}
    }
    let moved = (base != given).then(|| format!("api_base: {base}, to which the gateway appends the dialect's path"));
    profile.api_base = Some(base);
    Ok(moved)
}

/// An address without what begins with `part`. A host may be called `openai-...`, so only the path is looked at.
fn before<'a>(base: &'a str, part: &str) -> &'a str {
    let host = base.find("://").map_or(0, |at| at + "://".len());
    let path = base.get(host..).and_then(|rest| rest.find(part));
    path.and_then(|at| base.get(..host + at)).unwrap_or(base)
}

/// What our own check refuses of an address, said without repeating it: a password may stand in it.
fn plausible(base: &str) -> Result<(), String> {
    let rest = base.strip_prefix("http://").or_else(|| base.strip_prefix("https://"));
    let fault = match rest {
        None => "does not begin with http:// or https://",
        Some(rest) if rest.is_empty() || rest.starts_with(['/', ':']) => "has no host",
        Some(rest) if rest.split('/').next().is_some_and(|host| host.contains('@')) => "holds a user or a password",
        Some(rest) if rest.contains(['?', '#']) => "holds `?` or `#`",
        Some(rest) if !rest.chars().all(|char| char.is_ascii_graphic()) => "holds a character that no address has",
        Some(_) => return Ok(()),
    };
    Err(format!("its api_base {fault}, which no address here may"))
}

/// Whether the model's name may be part of the address, where it is.
fn stands_in_a_path(profile: &Profile) -> bool {
    let more: &[u8] = match profile.provider {
        "azure" => b"-_.@",
        "google" => b"-_.@/",
        _ => return true,
    };
    profile.model.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
}

/// Azure's variables, where the file leaves them to LiteLLM; its version is a date here.
fn azure(source: &Source<'_>, no_base: bool, no_key: bool, profile: &mut Profile, work: &mut Work) {
    if no_base {
        profile.api_base = Some(work.variables.named("AZURE_API_BASE", Use::Address));
    }
    if no_key {
        profile.api_key = Some(work.variables.named("AZURE_API_KEY", Use::Key));
    }
    if let Some((node, text)) = source.find(&["api_version"]) {
        if secrets::reference(text).is_some() || is_date(text) {
            profile.api_version = Some(work.variables.text(text, Use::Version));
            work.book.exact(node, "api_version");
        } else {
            work.book.approximate(node, "a version is a date here: left out, so that it is 2024-10-21");
        }
    }
}

fn is_date(text: &str) -> bool {
    let date = text.strip_suffix("-preview").unwrap_or(text);
    let fits = |(index, byte): (usize, u8)| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    date.len() == 10 && date.bytes().enumerate().all(fits)
}
