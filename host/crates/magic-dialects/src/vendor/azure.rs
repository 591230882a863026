//! Azure's addresses for OpenAI's endpoints: a deployment in the path and a version in the query, or, on its newer `v1`
//! bases, neither. <https://learn.microsoft.com/azure/ai-foundry/openai/reference>
use super::url::{segment, tail};
use crate::operation::Operation;

/// The last dated version that is generally available.
const VERSION: &str = "2024-10-21";
/// For responses, where the profile names no version: the oldest that has them.
const VERSION_RESPONSES: &str = "2025-03-01-preview";

/// `base` has no slash at its end. It may be the resource's (`https://x.openai.azure.com`), or go on with `/openai`, with
/// `/openai/deployments/<name>`, or with `/openai/v1`.
pub(super) fn url(base: &str, api_version: Option<&str>, operation: Operation, model: &str) -> String {
    let tail = tail(operation);
    if is_v1(base) {
        // Dated versions mean nothing there; `preview` opens what is not released yet.
        let query = if api_version == Some("preview") { "?api-version=preview" } else { "" };
        return format!("{base}/{tail}{query}");
    }
    let (root, deployment) = match split(base) {
        Some((host, rest)) => (format!("{host}/openai"), rest.strip_prefix("/deployments/")),
        None => (format!("{base}/openai"), None),
    };
    let fallback = if operation == Operation::Responses { VERSION_RESPONSES } else { VERSION };
    let version = segment(api_version.unwrap_or(fallback));
    match operation {
        // These two name no deployment in the path: the body has the model, the list has all.
        Operation::Responses | Operation::Models => format!("{root}/{tail}?api-version={version}"),
        _ => {
            let deployment = deployment.map_or_else(|| segment(model), str::to_owned);
            format!("{root}/deployments/{deployment}/{tail}?api-version={version}")
        }
    }
}

/// What stands before and behind `/openai` in the base's path. A resource may be called `openai-…` as well.
fn split(base: &str) -> Option<(&str, &str)> {
    let host = base.find("://").map_or(0, |at| at + "://".len());
    let path = host + base.get(host..)?.find('/')?;
    let at = path + base.get(path..)?.find("/openai")?;
    Some((base.get(..at)?, base.get(at + "/openai".len()..)?))
}

/// Whether the version in use knows responses; an older one answers 404, so they are translated then.
pub(super) fn has_responses(base: &str, api_version: Option<&str>) -> bool {
    // Dated versions sort as text.
    is_v1(base) || api_version.is_none_or(|version| version >= "2025-03-01")
}

fn is_v1(base: &str) -> bool {
    base.ends_with("/openai/v1")
}
