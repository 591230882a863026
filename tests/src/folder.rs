//! A gateway's files in a temporary folder of their own: config, keys, components, secrets. Gone when it is dropped.
use magic_proxy::Paths;
use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

pub struct Folder {
    root: PathBuf,
}

/// Keys of a real vendor would join the pools of the tests.
const VENDORS_VARIABLES: [&str; 6] = [
    "OPENAI_API_KEY",
    "AZURE_OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "ANTHROPIC_API_KEY",
    "MISTRAL_API_KEY",
    "DEEPSEEK_API_KEY",
];

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository")
}

/// The folder of this build's binaries, e.g. `target/debug`.
pub(crate) fn build_folder() -> PathBuf {
    let test = env::current_exe().expect("the test has a path");
    test.parent().and_then(Path::parent).expect("target/debug/deps").to_owned()
}

impl Folder {
    /// An empty config folder with this `proxy_config.yaml`.
    pub fn new(yaml: &str) -> Self {
        for name in VENDORS_VARIABLES {
            assert!(
                env::var_os(name).is_none(),
                "unset {name}: the tests script their vendors and must not use its key"
            );
        }
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = build_folder().join("magic-tests").join(format!("{}-{number}", process::id()));
        let folder = Self { root };
        for part in ["patterns", "tools", "keys_pool", "env", "data"] {
            fs::create_dir_all(folder.path(part)).expect("make a temporary folder");
        }
        // Shared, so that each component is compiled once and not once a test.
        let cache = build_folder().join("magic-tests/compile-cache");
        fs::create_dir_all(&cache).expect("make the shared compile cache");
        symlink(cache, folder.path("data/cache")).expect("link the shared compile cache");
        folder.write("proxy_config.yaml", yaml);
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub fn paths(&self) -> Paths {
        Paths::under(&self.root)
    }

    /// Writes a file, and the folders above it, in one go that no reader sees half.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("make a folder");
        let half = path.with_file_name(".half-written");
        fs::write(&half, content).expect("write a file");
        fs::rename(half, path).expect("put a file in its place");
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("remove a file");
    }

    /// The keys of a provider's pool.
    #[must_use]
    pub fn keys(self, provider: &str, keys: &[&str]) -> Self {
        self.write(&format!("keys_pool/keys_pool_{provider}.env"), keys.join("\n"));
        self
    }

    /// A pattern of the repository, as built.
    #[must_use]
    pub fn pattern(self, name: &str) -> Self {
        self.copy(&format!("patterns/{name}.wasm"));
        self
    }

    /// A tool of the repository, as built, with its policy.
    #[must_use]
    pub fn tool(self, name: &str) -> Self {
        self.copy(&format!("tools/{name}.wasm"));
        let policy = format!("tools/{name}.policy.yaml");
        if repository().join(&policy).is_file() {
            self.copy(&policy);
        }
        self
    }

    /// Every pattern and tool of the repository.
    ///
    /// # Panics
    /// When the one that every test needs is not built.
    #[must_use]
    pub fn every_component(self) -> Self {
        let mut folder = self;
        for kind in ["patterns", "tools"] {
            let entries = fs::read_dir(repository().join(kind)).expect("a folder of the repository");
            let mut names: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
            names.retain(|path| path.extension().is_some_and(|extension| extension == "wasm"));
            names.sort();
            assert!(!names.is_empty(), "no {kind}/*.wasm: build them with `cargo xtask components`");
            for path in names {
                let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name in UTF-8");
                folder = if kind == "tools" { folder.tool(name) } else { folder.pattern(name) };
            }
        }
        folder
    }

    fn copy(&self, name: &str) {
        let content = fs::read(repository().join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}: build it with `cargo xtask components`"));
        self.write(name, content);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left over lies in the build folder and goes with it.
        let _removed = fs::remove_dir_all(&self.root);
    }
}
