//! What the host does for components: requests to the outside, secrets, the clock. Whether a component may have it was
//! decided by its policy in magic-plugins; where a request goes is enforced in `egress`.
mod egress;

pub(crate) use egress::Egress;

use crate::app::wall_clock;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use magic_plugins::{Host, Inbound, Outbound, OutboundError};
use magic_types::Secret;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

/// Secrets of one component, from `env/<component>.env`.
pub(crate) type Secrets = HashMap<String, Secret>;

/// One generation's services. The connections behind it outlive the generation.
pub(crate) struct Services {
    egress: Arc<Egress>,
    /// By component.
    secrets: HashMap<String, Secrets>,
}

impl Services {
    pub(crate) fn new(egress: Arc<Egress>, secrets: HashMap<String, Secrets>) -> Self {
        Self { egress, secrets }
    }
}

impl Host for Services {
    fn http<'a>(&'a self, component: &'a str, request: Outbound) -> BoxFuture<'a, Result<Inbound, OutboundError>> {
        async move {
            let shown_url = request.shown_url.clone();
            let result = self.egress.send(request).await;
            let outcome = result.as_ref().map_or_else(ToString::to_string, |reply| reply.status.to_string());
            tracing::debug!(component, url = %shown_url, outcome, "component `{component}` asked for {shown_url}: {outcome}");
            result
        }
        .boxed()
    }

    fn secret(&self, component: &str, name: &str) -> Option<Secret> {
        self.secrets.get(component)?.get(name).cloned()
    }

    fn now(&self) -> SystemTime {
        wall_clock()
    }
}

/// Reads `NAME=value` lines; `#` comments and blank lines are ignored, quotes around a value are taken off.
pub(crate) fn parse_secrets(text: &str) -> Secrets {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.strip_prefix("export ").unwrap_or(line).split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), Secret::new(unquoted(value.trim()).to_owned()))).collect()
}

fn unquoted(value: &str) -> &str {
    let within = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests;
