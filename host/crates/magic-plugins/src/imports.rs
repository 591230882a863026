//! What a guest may ask for: the interfaces of `wit/host.wit`, each counted first and held to the policy. The linker is
//! built once; what a policy does not grant is linked all the same and denied when it is called, politely.
use crate::bindings::tool::Tool;
use crate::bindings::tool::magic::proxy::{call_context, clock, config, kv, logging, types};
use crate::kv::Refused;
use crate::lines;
use crate::state::State;
use crate::trap::Stop;
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::Instant;
use tracing::Level;
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

mod http;
mod secrets;

pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    Tool::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    // WASI with nothing in it (wasi.rs), for components that other languages' tools have built.
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    Ok(linker)
}

/// For drivers: logging, and WASI with nothing in it. What else a driver imports is refused when it is loaded, for what it
/// learned there no replay would tell it again.
pub(crate) fn drivers_linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    types::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    logging::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    Ok(linker)
}

impl types::Host for State {}

impl logging::Host for State {
    fn log(&mut self, level: logging::Level, message: String) -> wasmtime::Result<()> {
        self.count_host_calls(1)?;
        let level = match level {
            logging::Level::Trace => Level::TRACE,
            logging::Level::Debug => Level::DEBUG,
            logging::Level::Info => Level::INFO,
            logging::Level::Warn => Level::WARN,
            logging::Level::Error => Level::ERROR,
        };
        if !self.replaying {
            lines::say(&self.guest, level, &message);
        }
        Ok(())
    }
}

impl config::Host for State {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        self.count_host_calls(1)?;
        Ok(self.guest.policy.config.get(&key).cloned())
    }
}

impl clock::Host for State {
    /// The interface has no error to return, so a call without the grant ends the guest's call.
    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        self.count_host_calls(1)?;
        if !self.guest.policy.clock {
            let text = format!("the clock is not allowed: add `clock: true` to {}", self.guest.policy_file());
            return Err(Stop::Denied(text).into());
        }
        let since = self.host.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

impl call_context::Host for State {
    fn idempotency_key(&mut self) -> wasmtime::Result<Option<String>> {
        self.count_host_calls(1)?;
        Ok(self.caller.idempotency_key.clone())
    }

    fn session_id(&mut self) -> wasmtime::Result<Option<String>> {
        self.count_host_calls(1)?;
        Ok(self.caller.session_id.clone())
    }
}

impl kv::Host for State {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, kv::Error>> {
        self.count_host_calls(1)?;
        Ok(self.kv_bytes_max().map(|_| self.kv.get(&self.guest.file, &key, Instant::now())))
    }

    fn set(&mut self, key: String, value: Vec<u8>, ttl_s: Option<u32>) -> wasmtime::Result<Result<(), kv::Error>> {
        self.count_host_calls(1)?;
        let ttl = ttl_s.map(|seconds| Duration::from_secs(u64::from(seconds)));
        Ok(self.kv_bytes_max().and_then(|bytes_max| {
            self.kv.set(&self.guest.file, bytes_max, key, value, ttl, Instant::now()).map_err(|refused| match refused {
                Refused::TooLarge(bytes_max) => kv::Error::TooLarge(bytes_max),
                Refused::Quota(bytes_max) => kv::Error::Quota(bytes_max),
            })
        }))
    }

    fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), kv::Error>> {
        self.count_host_calls(1)?;
        Ok(self.kv_bytes_max().map(|_| self.kv.delete(&self.guest.file, &key)))
    }

    fn list(&mut self, prefix: String, limit: u32) -> wasmtime::Result<Result<Vec<String>, kv::Error>> {
        self.count_host_calls(1)?;
        Ok(self.kv_bytes_max().map(|_| self.kv.list(&self.guest.file, &prefix, limit as usize, Instant::now())))
    }
}

impl State {
    /// The grant. The guest's error has no text, so the key to add goes to the log.
    fn kv_bytes_max(&self) -> Result<usize, kv::Error> {
        self.guest.policy.kv_bytes_max.ok_or_else(|| {
            let cure = format!("kv is not allowed: add `kv: {{ bytes_max: 65536 }}` to {}", self.guest.policy_file());
            lines::say(&self.guest, Level::WARN, &cure);
            kv::Error::Denied
        })
    }
}
