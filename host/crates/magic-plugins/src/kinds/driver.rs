//! Driver patterns: started once to see that they start, asked what they are, and kept. Sessions are `drive`'s.
use crate::bindings::driver::exports::magic::proxy::driver as wit;
use crate::call::{self, Errand};
use crate::caller::Caller;
use crate::classify::Found;
use crate::component::{Guest, Shape};
use crate::defaults;
use crate::error::{LoadError, told};
use crate::kinds::{Nothing, Probed, denied, info, probe_failed};
use crate::runtime::Runtime;
use crate::schema::Schema;
use crate::state::State;
use serde_json::Value;
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::InstancePre;

pub(crate) struct Driver {
    pub(crate) pre: InstancePre<State>,
    pub(crate) indices: wit::GuestIndices,
    options: Option<Options>,
}

/// What a session's options must be.
struct Options {
    text: String,
    schema: Schema,
}

/// Instantiation alone.
struct Start<'a> {
    pre: &'a InstancePre<State>,
    indices: &'a wit::GuestIndices,
}

/// Starts it and calls `describe`, without any grant. No session is constructed: a pattern may rightly refuse a context
/// without tools, agents or the options it needs, and a made-up context would refuse files that are good. What a
/// session would trap on is found by its first session, and fails no other.
pub(crate) async fn probe(
    runtime: &Runtime,
    guest: &Guest,
    found: &Found,
    pre: InstancePre<State>,
) -> Result<Probed, LoadError> {
    let guest = denied(guest);
    let indices = wit::GuestIndices::new(&pre).map_err(|error| LoadError::WrongType(told(&error)))?;
    let start = Start { pre: &pre, indices: &indices };
    let started = call::run(runtime, &guest, Arc::new(Nothing), Caller::default(), start);
    let typed = started.await.map_err(|stop| probe_failed("instantiate", &stop, &guest))?;
    typed.map_err(LoadError::WrongType)?;
    let info = info::asked(runtime, &guest, found, &pre).await?;
    let (name, version, description, schema) = match info {
        Some(info) => (Some(info.name), Some(info.version), Some(info.description), info.options_json_schema),
        None => (None, None, None, None),
    };
    // As a tool's schemas are: not on this thread.
    let options = tokio::task::spawn_blocking(move || schema.map(Options::checked).transpose()).await;
    let options = options.map_err(|error| LoadError::Internal(error.to_string()))?.map_err(LoadError::Info)?;
    Ok(Probed { name, version, description, shape: Shape::Driver(Driver { pre, indices, options }) })
}

/// Options where there is nothing to choose.
pub(crate) fn none_taken(options_json: &str) -> Result<(), String> {
    match serde_json::from_str(options_json) {
        Ok(Value::Object(members)) => match members.keys().next() {
            None => Ok(()),
            Some(first) => {
                let first = crate::lines::cut(first, defaults::NAME_BYTES_MAX);
                Err(format!("at `/{}`: this pattern takes no options", first.escape_debug()))
            }
        },
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err("at the top: options are a JSON object".to_owned())
        }
        Err(error) => Err(format!("not valid JSON: {error}")),
    }
}

// === impl Driver ===
impl Driver {
    pub(crate) fn options_schema(&self) -> Option<&str> {
        self.options.as_ref().map(|options| options.text.as_str())
    }

    pub(crate) fn check_options(&self, options_json: &str) -> Result<(), String> {
        let (bytes, bytes_max) = (options_json.len(), defaults::OPTIONS_BYTES_MAX);
        match &self.options {
            _ if bytes > bytes_max => Err(format!("the options are {bytes} bytes, more than {bytes_max}")),
            Some(options) => options.schema.check(options_json),
            None => none_taken(options_json),
        }
    }
}

// === impl Options ===
impl Options {
    fn checked(text: String) -> Result<Self, String> {
        match Schema::of_object(&text) {
            Ok(schema) => Ok(Self { text, schema }),
            Err(message) => Err(format!("`options-json-schema`: {message}")),
        }
    }
}

// === impl Start ===
impl Errand for Start<'_> {
    /// Whether the functions have the types of wit/.
    type Outcome = Result<(), String>;

    async fn run(self, store: &mut Store<State>) -> wasmtime::Result<Self::Outcome> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        Ok(self.indices.load(store, &instance).map(drop).map_err(|error| told(&error)))
    }
}
