//! Everything that is logged in this process, for tests that look for a line, or for what must never be in one.
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use tracing_subscriber::EnvFilter;

/// Ours in full; of the HTTP crates what they say of headers and connections, since a key passes through them.
const FILTER: &str = "warn,magic_proxy=trace,magic_plugins=debug,magic_sessions=trace,magic_routing=trace,\
                      magic_dialects=trace,reqwest=trace,hyper=trace,hyper_util=trace";

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Shared;

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lines().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on everything is kept. Called by every gateway's start.
pub(crate) fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let kept = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(FILTER)).with_ansi(false);
        kept.with_writer(|| Shared).init();
    });
}

/// The lines so far that contain all of these texts. Tests run side by side: name something that only yours has.
pub fn logged(texts: &[&str]) -> Vec<String> {
    let all = String::from_utf8_lossy(&lines()).into_owned();
    all.lines().filter(|line| texts.iter().all(|text| line.contains(text))).map(str::to_owned).collect()
}

/// # Panics
/// When a line holds the secret.
pub fn never_logged(secret: &str) {
    let found = logged(&[secret]);
    assert!(found.is_empty(), "a secret was logged: {found:?}");
}

fn lines() -> MutexGuard<'static, Vec<u8>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}
