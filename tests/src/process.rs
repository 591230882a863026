//! The binary as a process of its own: started, listened to, signalled, and always ended.
use crate::folder::{Folder, build_folder, repository};
use crate::wait::{PATIENCE, wait_until, within};
use std::env::consts::EXE_SUFFIX;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

pub struct Process {
    child: Child,
    stdout: Output,
    stderr: Output,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

struct Output {
    text: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

/// `magic-proxy` as it was built with these tests; built now where only the tests were.
///
/// # Panics
/// When cargo cannot build it.
pub async fn proxy_binary() -> PathBuf {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    let path = BUILT.get_or_init(|| async {
        let path = build_folder().join(format!("magic-proxy{EXE_SUFFIX}"));
        // Also where there is one: it may be older than the code that is tested.
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "-p", "magic-proxy"]).current_dir(repository());
        // The folder of this very build, whatever it is called.
        cargo.arg("--target-dir").arg(build_folder().parent().expect("target"));
        assert!(cargo.status().await.expect("cargo runs").success(), "`cargo build -p magic-proxy` failed");
        path
    });
    path.await.clone()
}

// === impl Process ===

impl Process {
    /// With a folder's files, and nothing of the tests' own environment that the binary would read.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start(folder: &Folder, args: &[&str]) -> Self {
        Self::spawn(proxy_command(folder, args).await)
    }

    /// Any program, ended with the test.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = Output::read(child.stdout.take().expect("piped"));
        let stderr = Output::read(child.stderr.take().expect("piped"));
        Self { child, stdout, stderr }
    }

    /// The address that the gateway says it serves, once it does.
    ///
    /// # Panics
    /// When it ends before.
    pub async fn address(&mut self) -> SocketAddr {
        let mut served = None;
        wait_until("the gateway says where it serves", || {
            let text = self.stdout.so_far();
            served = text.split("serves http://").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
            let ended = self.child.try_wait().expect("a child").is_some();
            assert!(served.is_some() || !ended, "it ended: {}", self.stderr.so_far());
            served.is_some()
        })
        .await;
        served.expect("waited for it")
    }

    /// Sends SIGTERM.
    ///
    /// # Panics
    /// When the process is gone.
    pub async fn terminate(&self) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill runs");
        assert!(sent.success());
    }

    /// Sends SIGKILL and waits until it is gone.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// What it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    pub fn stdout(&self) -> String {
        self.stdout.so_far()
    }

    /// Waits for its end by itself.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ended(self) -> Ended {
        self.ended_within(PATIENCE).await
    }

    /// The same for a program that works longer.
    ///
    /// # Panics
    /// When it does not end; what it wrote is in the panic.
    pub async fn ended_within(mut self, patience: std::time::Duration) -> Ended {
        let Ok(status) = tokio::time::timeout(patience, self.child.wait()).await else {
            panic!("it does not end:\n{}\n{}", self.stdout.so_far(), self.stderr.so_far());
        };
        let code = status.expect("a child").code();
        Ended { code, stdout: self.stdout.whole().await, stderr: self.stderr.whole().await }
    }
}

async fn proxy_command(folder: &Folder, args: &[&str]) -> Command {
    let mut command = Command::new(proxy_binary().await);
    command.args(args).current_dir(folder.path(""));
    for name in ["LISTEN", "LOG_FORMAT", "CONFIG", "PATTERNS", "TOOLS", "DATA", "KEYS", "ENV"] {
        command.env_remove(format!("MAGIC_PROXY_{name}"));
    }
    command.env_remove("RUST_LOG");
    command
}

// === impl Output ===

impl Output {
    fn read(mut pipe: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&text);
        let reader = tokio::spawn(async move {
            let mut some = [0; 4096];
            while let Ok(bytes @ 1..) = pipe.read(&mut some).await {
                let read = some.get(..bytes).unwrap_or_default();
                shared.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(read);
            }
        });
        Self { text, reader }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    async fn whole(self) -> String {
        within("the process closes its output", self.reader).await.expect("the reader does not panic");
        String::from_utf8_lossy(&self.text.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}
