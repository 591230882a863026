//! A scripted vendor: a real HTTP server on a free port that does what a test says, request by request, and remembers
//! everything it was sent. Speaks raw HTTP/1.1, so that it can also break it.
mod faults;
mod script;
mod wire;

pub use faults::{HalfWay, Refused};
pub use script::{Gate, Script};

use crate::wait::wait_until;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

pub struct Provider {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// Which requests a script is for.
#[derive(Clone, Default)]
pub struct When {
    key: Option<String>,
    under: Option<String>,
    says: Option<String>,
    times: Option<usize>,
}

/// A request as the vendor got it, and what became of it.
#[derive(Clone)]
pub struct Call {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The bearer token, or what the vendor's dialect has instead of it.
    pub key: Option<String>,
    pub body: Vec<u8>,
    fate: Arc<Mutex<Fate>>,
    written: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    UnderWay,
    /// The script was carried out to its end.
    Over,
    /// The other side closed the connection before that.
    Left,
}

#[derive(Default)]
struct Shared {
    rules: Mutex<Vec<(When, Answer)>>,
    calls: Mutex<Vec<Call>>,
    unscripted: Mutex<Vec<String>>,
    open: AtomicUsize,
    handshakes: AtomicUsize,
}

/// What becomes of a request that a rule is for.
#[derive(Clone)]
enum Answer {
    Always(Script),
    By(Arc<dyn Fn(&Call) -> Script + Send + Sync>),
}

// === impl Provider ===

impl Provider {
    /// # Panics
    /// When there is no port to be had.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let server = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, server }
    }

    /// For `api_base`.
    pub fn base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Another `api_base` of the same server: tells profiles apart by path, see [`When::under`].
    pub fn base_of(&self, profile: &str) -> String {
        format!("http://{}/{profile}/v1", self.address)
    }

    /// The base of a server that was meant to speak TLS and does not. It counts [`Provider::handshakes`].
    pub fn tls_base_of(&self, profile: &str) -> String {
        format!("https://{}/{profile}/v1", self.address)
    }

    /// `http://127.0.0.1:<port>`, as a client is told of a server.
    pub fn root(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on: the first rule that fits a request and is not used up answers it.
    pub fn on(&self, when: When, script: Script) -> &Self {
        lock(&self.shared.rules).push((when, Answer::Always(script)));
        self
    }

    /// Every request for which no earlier rule is left, each as this function says.
    pub fn answers(&self, script: impl Fn(&Call) -> Script + Send + Sync + 'static) -> &Self {
        lock(&self.shared.rules).push((When::default(), Answer::By(Arc::new(script))));
        self
    }

    /// Every request for which no earlier rule is left.
    pub fn always(&self, script: Script) -> &Self {
        self.on(When::default(), script)
    }

    /// The next request for which no earlier rule is left.
    pub fn once(&self, script: Script) -> &Self {
        self.on(When::default().times(1), script)
    }

    /// Forgets all rules.
    pub fn clear(&self) -> &Self {
        lock(&self.shared.rules).clear();
        self
    }

    pub fn calls(&self) -> Vec<Call> {
        lock(&self.shared.calls).clone()
    }

    /// The keys of all requests, in order.
    pub fn keys(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.key.unwrap_or_else(|| "-".to_owned())).collect()
    }

    /// How many requests came in for a profile's base.
    pub fn calls_of(&self, profile: &str) -> usize {
        self.calls().iter().filter(|call| call.is_under(profile)).count()
    }

    /// Waits for the request of this number, counted from 0.
    pub async fn call(&self, number: usize) -> Call {
        wait_until("the vendor gets another request", || lock(&self.shared.calls).len() > number).await;
        self.calls().swap_remove(number)
    }

    pub fn open_connections(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// How often somebody began TLS, and was hung up on.
    pub fn handshakes(&self) -> usize {
        self.shared.handshakes.load(Ordering::SeqCst)
    }

    pub(crate) fn unscripted(&self) -> Vec<String> {
        lock(&self.shared.unscripted).clone()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Its connections end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        shared.open.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            wire::converse(stream, &shared).await;
            shared.open.fetch_sub(1, Ordering::SeqCst);
        });
        while connections.try_join_next().is_some() {}
    }
}

// === impl When ===

impl When {
    pub fn key(key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::default() }
    }

    /// Only those with this key.
    #[must_use]
    pub fn and_key(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    /// Requests to [`Provider::base_of`] this profile.
    pub fn under(profile: &str) -> Self {
        Self { under: Some(profile.to_owned()), ..Self::default() }
    }

    /// Requests whose body contains this text.
    pub fn says(text: &str) -> Self {
        Self { says: Some(text.to_owned()), ..Self::default() }
    }

    /// Only so many of them.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times: Some(times), ..self }
    }

    fn takes(&mut self, call: &Call) -> bool {
        let fits = self.key.as_ref().is_none_or(|key| call.key.as_ref() == Some(key))
            && self.under.as_ref().is_none_or(|profile| call.is_under(profile))
            && self.says.as_ref().is_none_or(|text| String::from_utf8_lossy(&call.body).contains(text.as_str()))
            && self.times != Some(0);
        if let (true, Some(times)) = (fits, &mut self.times) {
            *times -= 1;
        }
        fits
    }
}

// === impl Call ===

impl Call {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// # Panics
    /// When the body is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the gateway sends JSON")
    }

    /// The texts of the messages that the model was sent, with their roles.
    pub fn messages(&self) -> Vec<(String, String)> {
        let body = self.json();
        let text = |content: &Value| match content {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let messages = body["messages"].as_array().cloned().unwrap_or_default();
        messages.iter().map(|one| (text(&one["role"]), text(&one["content"]))).collect()
    }

    pub fn is_under(&self, profile: &str) -> bool {
        self.path.starts_with(&format!("/{profile}/"))
    }

    /// Waits until the gateway has closed the connection in the middle of the script.
    pub async fn was_left(&self) {
        wait_until("the gateway cancels its call to the vendor", || *lock(&self.fate) == Fate::Left).await;
    }

    /// How many bytes of the reply the system has taken so far.
    pub fn written(&self) -> usize {
        self.written.load(Ordering::SeqCst)
    }

    /// Whether it is still being answered.
    pub fn is_under_way(&self) -> bool {
        *lock(&self.fate) == Fate::UnderWay
    }
}

impl Shared {
    /// Notes a request and finds what to do with it.
    fn begin(&self, call: &Call) -> Script {
        lock(&self.calls).push(call.clone());
        let found = lock(&self.rules).iter_mut().find_map(|(when, answer)| when.takes(call).then(|| answer.clone()));
        // The function is called without the lock: it may look at the vendor.
        let script = found.map(|answer| match answer {
            Answer::Always(script) => script,
            Answer::By(script) => script(call),
        });
        script.unwrap_or_else(|| {
            lock(&self.unscripted).push(format!("{} {} by {:?}", call.method, call.path, call.key));
            Script::json(500, &serde_json::json!({ "error": { "message": "the test has no script for this request" } }))
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
