//! The tests' kit: guests written as WAT around hand-laid data, with the component type of wit/ embedded, so that the
//! runtime takes them as it takes a core module somebody drops into a folder. Needs no guest toolchain.
use crate::caller::Caller;
use crate::component::{Component, Kind};
use crate::defaults::{Limits, Options};
use crate::error::LoadError;
use crate::host::{Host, Inbound, Outbound, OutboundError};
use crate::policy::Policy;
use crate::runtime::{Runtime, Source};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use magic_types::Secret;
use magic_types::chat::{ToolCall, ToolError, ToolOutput};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;
use wit_component::StringEncoding;
use wit_parser::{PackageId, Resolve};

pub(crate) mod driver;

pub(crate) const SCHEMA: &str = r#"{"type":"object","properties":{"n":{"type":"integer"}}}"#;
/// Where a guest's data begins; below it lie the areas for return values.
const DATA_AT: usize = 4096;
const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../wit");

/// A guest's linear memory before its first instruction.
#[derive(Default)]
pub(crate) struct Data(Vec<u8>);

/// A tool as its `describe` tells it.
pub(crate) struct Told<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    pub(crate) schema: &'a str,
    pub(crate) output: Option<&'a str>,
}

/// What a test's tool component is made of, beside what every one has.
pub(crate) struct Tool<'a> {
    pub(crate) told: Vec<Told<'a>>,
    /// Imports, in WAT.
    pub(crate) imports: &'a str,
    /// Further definitions, in WAT.
    pub(crate) items: &'a str,
    /// The body of `call`, in WAT: from `$name $name_len $args $args_len` to the address of a result.
    pub(crate) call: String,
    /// The body of `describe` before its list is returned, in WAT.
    pub(crate) describe: &'a str,
    /// Pages of memory at the start.
    pub(crate) pages: u32,
}

/// A request as it reached the host: URL and headers, secrets and all.
pub(crate) type Asked = (String, Vec<(String, String)>);

/// The host of a test: records, answers what it was told to, waits where it was told to.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) asked: Mutex<Vec<Asked>>,
    pub(crate) secrets: HashMap<String, String>,
    /// Set: a request waits for `go_on` after it has rung `arrived`.
    pub(crate) waits: bool,
    pub(crate) arrived: Notify,
    pub(crate) go_on: Notify,
    pub(crate) answer: Option<OutboundError>,
}

// === impl Data ===
impl Data {
    pub(crate) fn put(&mut self, bytes: &[u8]) -> usize {
        let at = DATA_AT + self.0.len();
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        at
    }

    fn pair(&mut self, text: &str) -> [u32; 2] {
        [self.put(text.as_bytes()) as u32, text.len() as u32]
    }

    /// Words as they lie in memory.
    fn words(&mut self, words: &[u32]) -> usize {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(&bytes)
    }

    fn wat(&self) -> String {
        let mut text = format!("(data (i32.const {DATA_AT}) \"");
        for byte in &self.0 {
            write!(text, "\\{byte:02x}").unwrap();
        }
        text + "\")"
    }
}

// === impl Tool ===
impl<'a> Tool<'a> {
    /// One tool `probe_me`, whose call is this WAT.
    pub(crate) fn new(call: impl Into<String>) -> Self {
        let told = vec![Told { name: "probe_me", description: "For tests.", schema: SCHEMA, output: None }];
        Self { told, imports: "", items: "", call: call.into(), describe: "", pages: 2 }
    }

    /// A core module with its component type.
    pub(crate) fn module(&self) -> Vec<u8> {
        embed(&self.wat(), "tool")
    }

    /// The same, with further WIT packages and a world that imports from them too.
    pub(crate) fn module_with(&self, packages: &[(&str, &str)], imports: &str) -> Vec<u8> {
        let mut resolve = resolve();
        for (name, items) in packages {
            resolve.push_str("test.wit", &format!("package {name};\n{items}")).unwrap();
        }
        let world = format!("package test:test;\nworld test {{ {imports} include magic:proxy/tool@0.1.0; }}");
        let package = resolve.push_str("test.wit", &world).unwrap();
        embed_in(&self.wat(), &resolve, package, "test")
    }

    fn wat(&self) -> String {
        let mut data = Data::default();
        let mut words = Vec::new();
        for told in &self.told {
            words.extend(data.pair(told.name));
            words.extend(data.pair(told.description));
            words.extend(data.pair(told.schema));
            match told.output {
                Some(schema) => {
                    words.push(1);
                    words.extend(data.pair(schema));
                }
                None => words.extend([0, 0, 0]),
            }
            words.push(0b101);
        }
        let list = data.words(&words);
        let returned = data.words(&[list as u32, self.told.len() as u32]);
        format!(
            r#"(module
                {imports}
                (memory (export "memory") {pages})
                (global $top (mut i32) (i32.const 65536))
                {data}
                (func $grow (param i32) (result i32) local.get 0 memory.grow)
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                    (local $at i32)
                    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
                    (global.set $top (i32.add (local.get $at) (local.get 3)))
                    (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
                        (then (if (i32.eq (call $grow (i32.add (i32.shr_u (local.get 3) (i32.const 16)) (i32.const 1))) (i32.const -1))
                            (then unreachable))))
                    (local.get $at))
                ;; A result of text at an address with a length.
                (func $ok (param $at i32) (param $len i32) (result i32)
                    (i32.store (i32.const 64) (i32.const 0))
                    (i32.store (i32.const 68) (local.get $at))
                    (i32.store (i32.const 72) (local.get $len))
                    (i32.store (i32.const 76) (i32.const 0))
                    (i32.const 64))
                (func $failed (param $at i32) (param $len i32) (result i32)
                    (i32.store (i32.const 64) (i32.const 1))
                    (i32.store (i32.const 68) (i32.const 3))
                    (i32.store (i32.const 72) (local.get $at))
                    (i32.store (i32.const 76) (local.get $len))
                    (i32.const 64))
                {items}
                (func (export "magic:proxy/toolbox@0.1.0#describe") (result i32) {describe} i32.const {returned})
                (func $call (export "magic:proxy/toolbox@0.1.0#call")
                    (param $name i32) (param $name_len i32) (param $args i32) (param $args_len i32) (result i32)
                    {call})
            )"#,
            imports = self.imports,
            pages = self.pages,
            data = data.wat(),
            items = self.items,
            describe = self.describe,
            call = self.call,
        )
    }
}

/// A tool that says what it is told: its arguments.
pub(crate) fn echo() -> Tool<'static> {
    Tool::new("(call $ok (local.get $args) (local.get $args_len))")
}

/// A tool that answers with this text.
pub(crate) fn says(text: &str) -> Tool<'static> {
    // Written byte by byte, so that no data segment needs to know of it.
    let mut call = String::new();
    for (index, byte) in text.bytes().enumerate() {
        write!(call, "(i32.store8 (i32.const {}) (i32.const {byte}))", 512 + index).unwrap();
    }
    Tool::new(format!("{call} (call $ok (i32.const 512) (i32.const {}))", text.len()))
}

pub(crate) fn pattern(steps: &[(&str, &str)]) -> Vec<u8> {
    let mut data = Data::default();
    let mut words = Vec::new();
    for (tag, content) in steps {
        words.extend(data.pair(tag));
        words.extend(data.pair(content));
    }
    let list = data.words(&words);
    let returned = data.words(&[list as u32, steps.len() as u32]);
    let wat = format!(
        r#"(module (memory (export "memory") 16) {}
            (func (export "get-prompt-structure") (result i32) i32.const {returned}))"#,
        data.wat()
    );
    embed(&wat, "pattern")
}

/// The module with wit/'s `world` as its component type.
pub(crate) fn embed(wat: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(WIT).unwrap();
    embed_in(wat, &resolve, package, world)
}

fn resolve() -> Resolve {
    let mut resolve = Resolve::default();
    resolve.push_path(WIT).unwrap();
    resolve
}

fn embed_in(wat: &str, resolve: &Resolve, package: PackageId, world: &str) -> Vec<u8> {
    let mut module = wat::parse_str(wat).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    wit_component::embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    module
}

/// Small enough to be quick, large enough for every test's guest.
pub(crate) fn runtime() -> Arc<Runtime> {
    runtime_of(Options::default())
}

pub(crate) fn runtime_of(options: Options) -> Arc<Runtime> {
    let defaults = Limits { cpu_ms_max: 300, wall_ms_max: 5_000, memory_bytes_max: 4 << 20, ..options.defaults };
    Runtime::new(Options { instances_max: options.instances_max.min(16), defaults, ..options }).unwrap()
}

pub(crate) async fn load(runtime: &Arc<Runtime>, name: &str, bytes: Vec<u8>) -> Result<Arc<Component>, LoadError> {
    load_with(runtime, name, bytes, "").await
}

pub(crate) async fn load_with(
    runtime: &Arc<Runtime>,
    name: &str,
    bytes: Vec<u8>,
    policy: &str,
) -> Result<Arc<Component>, LoadError> {
    let policy = Policy::parse(policy).unwrap();
    runtime.load(Source { name: name.to_owned(), kind: None, bytes: Bytes::from(bytes), policy }).await
}

pub(crate) async fn load_in(folder: Kind, bytes: Vec<u8>) -> Result<Arc<Component>, LoadError> {
    let source =
        Source { name: "x".to_owned(), kind: Some(folder), bytes: Bytes::from(bytes), policy: Policy::default() };
    runtime().load(source).await
}

pub(crate) async fn ask(component: &Component, arguments: &str) -> Result<ToolOutput, ToolError> {
    ask_with(component, arguments, Arc::new(Fake::default())).await
}

pub(crate) async fn ask_with(component: &Component, arguments: &str, host: Arc<Fake>) -> Result<ToolOutput, ToolError> {
    ask_for(component, arguments, Caller::default(), host).await
}

pub(crate) async fn ask_for(
    component: &Component,
    arguments: &str,
    caller: Caller,
    host: Arc<Fake>,
) -> Result<ToolOutput, ToolError> {
    let call = ToolCall { id: "c1".to_owned(), name: "probe_me".to_owned(), arguments_json: arguments.to_owned() };
    component.call(&call, caller, host).await
}

// === impl Fake ===
impl Host for Fake {
    fn http<'a>(&'a self, _: &'a str, request: Outbound) -> BoxFuture<'a, Result<Inbound, OutboundError>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push((request.url, request.headers));
            if self.waits {
                self.arrived.notify_one();
                self.go_on.notified().await;
            }
            match &self.answer {
                Some(error) => Err(error.clone()),
                None => Ok(Inbound { status: 200, headers: Vec::new(), body: Bytes::from_static(b"hello") }),
            }
        })
    }

    fn secret(&self, _: &str, name: &str) -> Option<Secret> {
        self.secrets.get(name).cloned().map(Secret::new)
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123)
    }
}
