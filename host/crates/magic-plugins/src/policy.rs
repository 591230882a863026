//! What a component may do: read from `<name>.policy.yaml`, deny by default. Grant = asked (the guest calls) AND
//! allowed (here). Reads text, never a file. Every denial names the key to add and the file to add it to.
use crate::defaults::{self, Limits};
use crate::destination::HostPattern;
use crate::error::PolicyError;
use std::collections::BTreeMap;
use std::time::Duration;

mod raw;

/// A checked policy. `Policy::default()` grants nothing and keeps the runtime's limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    pub(crate) http: Option<Http>,
    pub(crate) kv_bytes_max: Option<usize>,
    pub(crate) clock: bool,
    pub(crate) config: BTreeMap<String, String>,
    pub(crate) secrets: Vec<String>,
    pub(crate) limits: LimitChanges,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Http {
    pub(crate) hosts: Vec<HostPattern>,
    pub(crate) allow_private: bool,
    pub(crate) timeout: Duration,
    pub(crate) response_bytes_max: usize,
    pub(crate) request_bytes_max: usize,
}

/// What a policy changes of the runtime's default limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LimitChanges {
    memory_bytes_max: Option<usize>,
    wall_ms_max: Option<u64>,
    cpu_ms_max: Option<u64>,
    output_bytes_max: Option<usize>,
    host_calls_max: Option<u32>,
    concurrency_max: Option<u32>,
}

// === impl Policy ===
impl Policy {
    /// Reads a policy file. Empty text is the policy that grants nothing. Unknown keys are errors, and so are numbers
    /// of zero and numbers beyond what any policy may grant.
    pub fn parse(yaml: &str) -> Result<Self, PolicyError> {
        raw::parse(yaml)
    }

    /// Names the component may have put into its requests.
    pub fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// What one call may spend: the runtime's limits with this policy's changes.
    pub fn limits(&self, base: Limits) -> Limits {
        let change = &self.limits;
        Limits {
            memory_bytes_max: change.memory_bytes_max.unwrap_or(base.memory_bytes_max),
            wall_ms_max: change.wall_ms_max.unwrap_or(base.wall_ms_max),
            cpu_ms_max: change.cpu_ms_max.unwrap_or(base.cpu_ms_max),
            output_bytes_max: change.output_bytes_max.unwrap_or(base.output_bytes_max),
            host_calls_max: change.host_calls_max.unwrap_or(base.host_calls_max),
            concurrency_max: change.concurrency_max.unwrap_or(base.concurrency_max),
        }
    }

    /// The most a guest may hand the host in one go under this policy.
    pub(crate) fn hostcall_bytes_max(&self, limits: Limits) -> usize {
        let body = self.http.as_ref().map_or(0, |http| http.request_bytes_max.saturating_mul(2));
        let kv = self.kv_bytes_max.unwrap_or(0);
        let most = limits.output_bytes_max.max(body).max(kv);
        most.saturating_mul(2).saturating_add(defaults::HOSTCALL_SLACK_BYTES)
    }
}

#[cfg(test)]
mod tests;
