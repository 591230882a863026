//! `pattern-info`, which both kinds of patterns may export: asked once, without any grant, and checked.
use crate::bindings::info::Info;
use crate::call::{self, Errand};
use crate::caller::Caller;
use crate::classify::Found;
use crate::component::Guest;
use crate::defaults;
use crate::error::LoadError;
use crate::kinds::{Nothing, probe_failed};
use crate::runtime::Runtime;
use crate::state::State;
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, InstancePre};

/// `pattern-info.describe`
struct Describe<'a> {
    pre: &'a InstancePre<State>,
    function: ComponentExportIndex,
}

/// What the pattern says of itself; `None` where it exports no `pattern-info`.
pub(super) async fn asked(
    runtime: &Runtime,
    guest: &Arc<Guest>,
    found: &Found,
    pre: &InstancePre<State>,
) -> Result<Option<Info>, LoadError> {
    let Some(interface) = &found.info else { return Ok(None) };
    let component = pre.component();
    let function = component
        .get_export_index(None, interface)
        .and_then(|interface| component.get_export_index(Some(&interface), "describe"))
        .ok_or_else(|| LoadError::WrongType(format!("`{interface}` has no `describe`")))?;
    let asked = call::run(runtime, guest, Arc::new(Nothing), Caller::default(), Describe { pre, function });
    let info = asked.await.map_err(|stop| probe_failed("pattern-info.describe", &stop, guest))?;
    check(&info).map_err(LoadError::Info)?;
    Ok(Some(info))
}

// === impl Describe ===
impl Errand for Describe<'_> {
    type Outcome = Info;

    async fn run(self, store: &mut Store<State>) -> wasmtime::Result<Info> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let describe = instance.get_typed_func::<(), (Info,)>(&mut *store, self.function)?;
        let (info,) = describe.call_async(&mut *store, ()).await?;
        Ok(info)
    }
}

fn check(info: &Info) -> Result<(), String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if info.name.is_empty() || info.name.len() > 64 || !info.name.bytes().all(fits) {
        return Err("`name` must be 1 to 64 of `a-z A-Z 0-9 _ - .`".to_owned());
    }
    let said = [info.version.len(), info.description.len()].into_iter().max().unwrap_or(0);
    match said > defaults::DESCRIPTION_BYTES_MAX {
        true => Err(format!("`version` or `description` is longer than {} bytes", defaults::DESCRIPTION_BYTES_MAX)),
        false => Ok(()),
    }
}
