//! Tools: asked once what they define, which is checked and kept; then called, each time on a fresh instance, with
//! arguments that fit their schema and a result that is held to it.
use crate::bindings::tool::ToolPre;
use crate::bindings::tool::exports::magic::proxy::toolbox as wit;
use crate::bindings::tool::magic::proxy::types::ToolHints as WitHints;
use crate::call::{self, Errand};
use crate::caller::Caller;
use crate::component::{Guest, Shape};
use crate::defaults;
use crate::error::{LoadError, told};
use crate::host::Host;
use crate::kinds::{Nothing, Probed, denied, probe_failed};
use crate::lines;
use crate::runtime::Runtime;
use crate::schema::Schema;
use crate::state::State;
use magic_types::chat::{ToolCall, ToolDefinition, ToolError, ToolHints, ToolOutput};
use std::collections::HashSet;
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::InstancePre;

pub(crate) struct Toolbox {
    pre: ToolPre<State>,
    definitions: Vec<ToolDefinition>,
    /// In the order of the definitions.
    schemas: Vec<Schemas>,
}

struct Schemas {
    parameters: Schema,
    output: Option<Schema>,
}

/// `toolbox.describe`
struct Describe<'a>(&'a ToolPre<State>);

/// `toolbox.call`
struct Call<'a> {
    pre: &'a ToolPre<State>,
    tool: &'a str,
    arguments: &'a str,
}

/// Calls `describe` once, without any grant, and checks what it says.
pub(crate) async fn probe(runtime: &Runtime, guest: &Guest, pre: InstancePre<State>) -> Result<Probed, LoadError> {
    let guest = denied(guest);
    let pre = ToolPre::new(pre).map_err(|error| LoadError::WrongType(told(&error)))?;
    let asked = call::run(runtime, &guest, Arc::new(Nothing), Caller::default(), Describe(&pre));
    let described = asked.await.map_err(|stop| probe_failed("describe", &stop, &guest))?;
    // Schemas are the guest's choice and take as long to compile as it likes, within bounds: not on this thread.
    let checked = tokio::task::spawn_blocking(move || Toolbox::checked(pre, described)).await;
    let toolbox = checked.map_err(|error| LoadError::Internal(error.to_string()))?.map_err(LoadError::Definition)?;
    Ok(Probed { name: None, version: None, description: None, shape: Shape::Toolbox(toolbox) })
}

// === impl Describe ===
impl Errand for Describe<'_> {
    type Outcome = Vec<wit::ToolDefinition>;

    async fn run(self, store: &mut Store<State>) -> wasmtime::Result<Self::Outcome> {
        let tool = self.0.instantiate_async(&mut *store).await?;
        tool.magic_proxy_toolbox().call_describe(store).await
    }
}

// === impl Call ===
impl Errand for Call<'_> {
    type Outcome = Result<wit::ToolOutput, wit::ToolError>;

    async fn run(self, store: &mut Store<State>) -> wasmtime::Result<Self::Outcome> {
        let tool = self.pre.instantiate_async(&mut *store).await?;
        tool.magic_proxy_toolbox().call_call(store, self.tool, self.arguments).await
    }
}

// === impl Toolbox ===
impl Toolbox {
    pub(crate) fn tools(&self) -> &[ToolDefinition] {
        &self.definitions
    }

    pub(crate) fn check_arguments(&self, tool: &str, arguments_json: &str) -> Result<(), ToolError> {
        self.schemas_of(tool)?.parameters.check_arguments(arguments_json).map_err(ToolError::InvalidArguments)
    }

    pub(crate) async fn call(
        &self,
        runtime: &Runtime,
        guest: &Arc<Guest>,
        call: &ToolCall,
        caller: Caller,
        host: Arc<dyn Host>,
    ) -> Result<ToolOutput, ToolError> {
        let schemas = self.schemas_of(&call.name)?;
        let arguments = match call.arguments_json.trim() {
            "" => "{}",
            given => given,
        };
        schemas.parameters.check_arguments(arguments).map_err(ToolError::InvalidArguments)?;
        let asked = call::run(runtime, guest, host, caller, Call { pre: &self.pre, tool: &call.name, arguments });
        match asked.await {
            Ok(Ok(output)) => held_to_its_word(guest, &call.name, schemas, output),
            Ok(Err(error)) => Err(own_error(error)),
            Err(stop) => Err(stop.tool_error(guest)),
        }
    }

    fn schemas_of(&self, tool: &str) -> Result<&Schemas, ToolError> {
        let at = self.definitions.iter().position(|definition| definition.name == tool);
        at.and_then(|at| self.schemas.get(at)).ok_or(ToolError::NotFound)
    }

    fn checked(pre: ToolPre<State>, described: Vec<wit::ToolDefinition>) -> Result<Self, String> {
        if described.is_empty() {
            return Err("it defines no tool: return at least one".to_owned());
        }
        if described.len() > defaults::TOOLS_MAX {
            return Err(format!("it defines {} tools, more than {}", described.len(), defaults::TOOLS_MAX));
        }
        let bytes: usize = described.iter().map(schema_bytes).sum();
        if bytes > defaults::SCHEMAS_BYTES_MAX {
            return Err(format!("its schemas are {bytes} bytes, more than {}", defaults::SCHEMAS_BYTES_MAX));
        }
        let mut names = HashSet::new();
        let mut schemas = Vec::with_capacity(described.len());
        for (index, tool) in described.iter().enumerate() {
            if !is_name(&tool.name) {
                let name: String = tool.name.chars().take(80).collect();
                return Err(format!(
                    "tool {index} is called `{}`, which is not `[a-zA-Z0-9_-]{{1,64}}`",
                    name.escape_debug()
                ));
            }
            if !names.insert(tool.name.as_str()) {
                return Err(format!("two tools are called `{}`", tool.name));
            }
            schemas.push(Schemas::checked(tool).map_err(|message| format!("tool `{}`: {message}", tool.name))?);
        }
        let definitions = described.into_iter().map(definition).collect();
        Ok(Self { pre, definitions, schemas })
    }
}

// === impl Schemas ===
impl Schemas {
    fn checked(tool: &wit::ToolDefinition) -> Result<Self, String> {
        if tool.description.trim().is_empty() {
            return Err("its description is empty: a model cannot know what it is for".to_owned());
        }
        if tool.description.len() > defaults::DESCRIPTION_BYTES_MAX {
            let (bytes, bytes_max) = (tool.description.len(), defaults::DESCRIPTION_BYTES_MAX);
            return Err(format!("its description is {bytes} bytes, more than {bytes_max}"));
        }
        let parameters = Schema::of_object(&tool.parameters_json_schema);
        let parameters = parameters.map_err(|message| format!("`parameters-json-schema`: {message}"))?;
        let output = tool.output_json_schema.as_deref().map(Schema::of_any).transpose();
        let output = output.map_err(|message| format!("`output-json-schema`: {message}"))?;
        Ok(Self { parameters, output })
    }
}

fn schema_bytes(tool: &wit::ToolDefinition) -> usize {
    tool.parameters_json_schema.len() + tool.output_json_schema.as_ref().map_or(0, String::len)
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

pub(crate) fn definition(tool: wit::ToolDefinition) -> ToolDefinition {
    ToolDefinition {
        name: tool.name,
        description: tool.description,
        parameters_json_schema: tool.parameters_json_schema,
        output_json_schema: tool.output_json_schema,
        hints: ToolHints {
            read_only: tool.hints.contains(WitHints::READ_ONLY),
            destructive: tool.hints.contains(WitHints::DESTRUCTIVE),
            idempotent: tool.hints.contains(WitHints::IDEMPOTENT),
            open_world: tool.hints.contains(WitHints::OPEN_WORLD),
        },
    }
}

/// A result that is larger than allowed or not what the definition promised is the tool's failure.
fn held_to_its_word(
    guest: &Guest,
    tool: &str,
    schemas: &Schemas,
    output: wit::ToolOutput,
) -> Result<ToolOutput, ToolError> {
    let wit::ToolOutput { text, structured } = output;
    let bytes = text.len().saturating_add(structured.as_ref().map_or(0, String::len));
    if bytes > guest.limits.output_bytes_max {
        let bytes_max = guest.limits.output_bytes_max;
        return Err(ToolError::Failed(format!(
            "the output is {bytes} bytes, more than limits.output_bytes_max ({bytes_max})"
        )));
    }
    let checked = match (&structured, &schemas.output) {
        (Some(json), Some(schema)) => schema.check(json),
        (Some(json), None) => {
            serde_json::from_str::<serde::de::IgnoredAny>(json).map(drop).map_err(|error| error.to_string())
        }
        (None, Some(_) | None) => Ok(()),
    };
    checked.map_err(|message| {
        tracing::warn!(component = %guest.file, tool, "tool `{tool}` breaks its own `output-json-schema`: {message}");
        ToolError::Failed(format!("the tool's structured output is not what it promised: {message}"))
    })?;
    Ok(ToolOutput { text, structured })
}

/// The guest's own error, its texts bounded.
pub(crate) fn own_error(error: wit::ToolError) -> ToolError {
    let bounded = |text: String| lines::cut(&text, defaults::ERROR_BYTES_MAX).to_owned();
    match error {
        wit::ToolError::NotFound => ToolError::NotFound,
        wit::ToolError::InvalidArguments(text) => ToolError::InvalidArguments(bounded(text)),
        wit::ToolError::Denied(text) => ToolError::Denied(bounded(text)),
        wit::ToolError::Failed(text) => ToolError::Failed(bounded(text)),
        wit::ToolError::Busy(ms) => ToolError::Busy(ms),
        wit::ToolError::TimedOut => ToolError::TimedOut,
        wit::ToolError::OutcomeUnknown => ToolError::OutcomeUnknown,
    }
}
