//! A gateway in this process on a free port, from a [`Folder`]. Ends only through [`Gateway::finish`], which looks for
//! what was left behind.
use crate::client::{Connection, Reply};
use crate::folder::Folder;
use crate::provider::Provider;
use crate::{leftovers, logs, wait};
use magic_routing::PoolName;
use magic_types::Secret;
use serde_json::Value;
use std::net::SocketAddr;
use std::thread;

pub struct Gateway {
    folder: Folder,
    address: SocketAddr,
    running: Option<magic_proxy::Gateway>,
}

impl Gateway {
    /// # Panics
    /// With every problem of the config, if it does not start.
    pub async fn start(folder: Folder) -> Self {
        logs::capture();
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = Box::pin(magic_proxy::Gateway::start(folder.paths(), listen)).await;
        let running = running.unwrap_or_else(|error| panic!("the gateway did not start: {error:?}"));
        let problems = running.problems();
        assert!(problems.is_empty(), "components with problems: {problems:?}");
        Self { address: running.address(), folder, running: Some(running) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:<port>`
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The gateway itself, e.g. to stop it in the middle of something.
    ///
    /// # Panics
    /// After [`Gateway::take`].
    pub fn inner(&self) -> &magic_proxy::Gateway {
        self.running.as_ref().expect("the gateway was not taken out")
    }

    /// The gateway for a test that stops it itself; `finish` then only looks at the vendors.
    ///
    /// # Panics
    /// The second time.
    pub fn take(&mut self) -> magic_proxy::Gateway {
        self.running.take().expect("taken out once")
    }

    /// Stops it and starts another one on the same files, at another address.
    ///
    /// # Panics
    /// When something is left behind, or the new one does not start.
    pub async fn restart(&mut self) {
        self.restart_after(|_| {}).await;
    }

    /// The same, with something done to the files in between.
    ///
    /// # Panics
    /// When something is left behind, or the new one does not start.
    pub async fn restart_after(&mut self, change: impl FnOnce(&Folder)) {
        leftovers::none_in(self.take()).await;
        change(&self.folder);
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = Box::pin(magic_proxy::Gateway::start(self.folder.paths(), listen)).await;
        let running = running.unwrap_or_else(|error| panic!("the gateway did not start again: {error:?}"));
        self.address = running.address();
        self.running = Some(running);
    }

    pub async fn connect(&self) -> Connection {
        Connection::open(self.address).await
    }

    /// Sends a request and waits for nothing: the reply is to be had from the connection, or left by dropping it.
    pub async fn begin(&self, path: &str, body: &Value) -> Connection {
        let mut connection = self.connect().await;
        connection.begin("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes()).await;
        connection
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.connect().await.request("GET", path, &[], b"").await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.connect().await.request("DELETE", path, &[], b"").await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_bytes(path, body.to_string().as_bytes()).await
    }

    pub async fn post_bytes(&self, path: &str, body: &[u8]) -> Reply {
        self.connect().await.request("POST", path, &[("content-type", "application/json")], body).await
    }

    pub async fn chat(&self, body: &Value) -> Reply {
        self.post("/v1/chat/completions", body).await
    }

    /// One key as `GET /admin/keys` shows it.
    ///
    /// # Panics
    /// When it is not there, or when any secret in `keys_pool/` is in the reply.
    pub async fn key(&self, pool: &str, secret: &str) -> Value {
        let reply = self.get("/admin/keys").await.whole().await;
        let text = String::from_utf8(reply).expect("UTF-8");
        assert!(!text.contains(secret), "a secret in /admin/keys: {text}");
        let id = key_id(pool, secret);
        let all: Value = serde_json::from_str(&text).expect("JSON");
        let pools = all["pools"].as_array().expect("pools");
        let keys =
            pools.iter().filter(|found| found["pool"] == pool).flat_map(|pool| pool["keys"].as_array().expect("keys"));
        keys.into_iter().find(|key| key["id"] == id.as_str()).unwrap_or_else(|| panic!("no key {id} in {text}")).clone()
    }

    /// Waits until the condition holds for `GET /admin/components`.
    pub async fn wait_for_components(&self, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Value::Null;
        let deadline = tokio::time::Instant::now() + wait::PATIENCE;
        while !condition(&seen) {
            assert!(tokio::time::Instant::now() < deadline, "waited in vain: {what}; last seen: {seen}");
            seen = self.get("/admin/components").await.json().await;
            tokio::task::yield_now().await;
        }
        seen
    }

    /// Every session that a test made must be had again from its journal, without any model.
    async fn replay_sessions(&self) {
        let list = self.get("/v1/react/sessions?limit=1000").await.json().await;
        for session in list["data"].as_array().into_iter().flatten().filter(|session| session["status"] != "running") {
            let id = session["session_id"].as_str().expect("an id");
            let reply = self.post(&format!("/v1/react/sessions/{id}/replay"), &Value::Null).await;
            // A pattern that the test took away cannot be run again.
            if reply.status == 404 {
                continue;
            }
            let replay = reply.json().await;
            assert_eq!(replay["agrees"], true, "session `{id}` of `{}`: {replay}", session["pattern"]);
        }
    }

    /// Ends the test: stops the gateway and fails if anything was left, here or at the vendors.
    pub async fn finish(mut self, providers: &[&Provider]) {
        if self.running.is_some() {
            self.replay_sessions().await;
        }
        if let Some(running) = self.running.take() {
            leftovers::none_in(running).await;
        }
        leftovers::none_at(providers).await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        assert!(self.running.is_none() || thread::panicking(), "a test must end with `gateway.finish(..)`");
    }
}

/// The public name of a key.
pub fn key_id(pool: &str, secret: &str) -> String {
    magic_routing::key_id(&PoolName::new(pool), &Secret::new(secret.to_owned())).to_string()
}
