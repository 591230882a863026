//! Declarative patterns: asked once for their prompt, which is checked and kept. Their code is not.
use crate::bindings::pattern::{PatternPre, Step as WitStep};
use crate::call::{self, Errand};
use crate::caller::Caller;
use crate::classify::{Found, STRUCTURE};
use crate::component::{Guest, Shape, Step};
use crate::defaults;
use crate::error::{LoadError, told};
use crate::kinds::{Nothing, Probed, denied, info, probe_failed};
use crate::runtime::Runtime;
use crate::state::State;
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::InstancePre;

/// `get-prompt-structure`
struct Structure<'a>(&'a PatternPre<State>);

/// Calls it once, without any grant, and checks what it says.
pub(crate) async fn probe(
    runtime: &Runtime,
    guest: &Guest,
    found: &Found,
    pre: InstancePre<State>,
) -> Result<Probed, LoadError> {
    let guest = denied(guest);
    let info = info::asked(runtime, &guest, found, &pre).await?;
    let pattern = PatternPre::new(pre).map_err(|error| LoadError::WrongType(told(&error)))?;
    let asked = call::run(runtime, &guest, Arc::new(Nothing), Caller::default(), Structure(&pattern));
    let steps = asked.await.map_err(|stop| probe_failed(STRUCTURE, &stop, &guest))?;
    let structure = checked(steps).map_err(LoadError::Structure)?;
    let (name, version, description) = match info {
        Some(info) => (Some(info.name), Some(info.version), Some(info.description)),
        None => (None, None, None),
    };
    Ok(Probed { name, version, description, shape: Shape::Declarative(structure) })
}

// === impl Structure ===
impl Errand for Structure<'_> {
    type Outcome = Vec<WitStep>;

    async fn run(self, store: &mut Store<State>) -> wasmtime::Result<Vec<WitStep>> {
        let pattern = self.0.instantiate_async(&mut *store).await?;
        pattern.call_get_prompt_structure(store).await
    }
}

/// The blocks as the engine takes them, or what is wrong with them.
fn checked(steps: Vec<WitStep>) -> Result<Vec<Step>, String> {
    if steps.is_empty() {
        return Err("it has no blocks: return at least one".to_owned());
    }
    if steps.len() > defaults::STRUCTURE_STEPS_MAX {
        return Err(format!("it has {} blocks, more than {}", steps.len(), defaults::STRUCTURE_STEPS_MAX));
    }
    let bytes: usize = steps.iter().map(|step| step.tag.len() + step.content.len()).sum();
    if bytes > defaults::STRUCTURE_BYTES_MAX {
        return Err(format!("it is {bytes} bytes, more than {}", defaults::STRUCTURE_BYTES_MAX));
    }
    if let Some((index, step)) = steps.iter().enumerate().find(|(_, step)| !is_tag(&step.tag)) {
        let tag: String = step.tag.chars().take(80).collect();
        return Err(format!(
            "block {index} has the tag `{}`, which is not `[A-Z][A-Z0-9_]{{0,63}}`",
            tag.escape_debug()
        ));
    }
    Ok(steps.into_iter().map(|WitStep { tag, content }| Step { tag, content }).collect())
}

fn is_tag(tag: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    tag.len() <= 64 && tag.starts_with(|first: char| first.is_ascii_uppercase()) && tag.bytes().all(fits)
}
