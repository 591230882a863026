//! Guests written as WAT around hand-laid data, with the component type of wit/ embedded: files that a gateway takes as
//! it takes any core module somebody drops into a folder. Needs no guest toolchain.
use crate::folder::repository;
use std::fmt::Write as _;
use wit_component::StringEncoding;
use wit_parser::Resolve;

/// A schema that takes one optional integer `n`, and anything beside it.
pub const SCHEMA: &str = r#"{"type":"object","properties":{"n":{"type":"integer"}}}"#;
/// Where a guest's data begins; below it lie the areas for return values and a tool's own texts.
const DATA_AT: usize = 4096;
/// Where [`ToolWat::says`] and [`ToolWat::fetches`] keep their text.
const TEXT_AT: usize = 512;

/// A component with one tool, and what it does.
pub struct ToolWat {
    pub name: String,
    pub schema: String,
    pub output_schema: Option<String>,
    /// Imports, in WAT.
    pub imports: String,
    /// Further definitions, in WAT.
    pub items: String,
    /// The body of `call`, in WAT: from `$name $name_len $args $args_len` to the address of a result.
    pub call: String,
    /// Pages of memory at the start.
    pub pages: u32,
    /// The hints of wit/types.wit as bits: read-only, destructive, idempotent, open-world.
    pub hints: u32,
}

/// A guest's linear memory before its first instruction.
#[derive(Default)]
struct Memory(Vec<u8>);

// === impl ToolWat ===

impl ToolWat {
    /// A tool of this name, whose call is this WAT. `$ok` and `$failed` make a result of a text, `$grow` grows memory.
    pub fn new(name: &str, call: &str) -> Self {
        Self {
            name: name.to_owned(),
            schema: SCHEMA.to_owned(),
            output_schema: None,
            imports: String::new(),
            items: String::new(),
            call: call.to_owned(),
            pages: 2,
            // Read-only and idempotent.
            hints: 0b101,
        }
    }

    /// Says its arguments.
    pub fn echo(name: &str) -> Self {
        Self::new(name, "(call $ok (local.get $args) (local.get $args_len))")
    }

    /// Says this text.
    pub fn says(name: &str, text: &str) -> Self {
        let call = format!("(call $ok (i32.const {TEXT_AT}) (i32.const {}))", text.len());
        Self { items: data(TEXT_AT, text.as_bytes()), ..Self::new(name, &call) }
    }

    /// Sends a GET and says the body of its reply, or fails with what went wrong.
    pub fn fetches(name: &str, url: &str) -> Self {
        Self::sends(name, url, "get", "(i32.const 0) (i32.const 0)")
    }

    /// Posts its arguments and says the body of the reply. Neither read-only nor idempotent.
    pub fn posts(name: &str, url: &str) -> Self {
        Self { hints: 0, ..Self::sends(name, url, "post", "(local.get $args) (local.get $args_len)") }
    }

    /// `body`: address and length, in WAT.
    fn sends(name: &str, url: &str, method: &str, body: &str) -> Self {
        let call = format!(
            "(call $send (i32.const 2000) (i32.const {}) (i32.const {TEXT_AT}) (i32.const {}) (i32.const 0) (i32.const 0)
                {body} (i32.const 0) (i32.const 0) (i32.const 2048))
             (if (result i32) (i32.eqz (i32.load8_u (i32.const 2048)))
                (then (call $ok (i32.load (i32.const 2068)) (i32.load (i32.const 2072))))
                (else (call $failed (i32.load (i32.const 2064)) (i32.load (i32.const 2068)))))",
            method.len(),
            url.len(),
        );
        let import = r#"(import "magic:proxy/http@0.1.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;
        let items = data(TEXT_AT, url.as_bytes()) + &data(2000, method.as_bytes());
        Self { imports: import.to_owned(), items, ..Self::new(name, &call) }
    }

    /// Says its arguments as structured output, whatever `output_schema` promises.
    pub fn structured(name: &str, output_schema: &str) -> Self {
        let call = "(call $ok (local.get $args) (local.get $args_len)) drop
            (i32.store (i32.const 76) (i32.const 1)) (i32.store (i32.const 80) (local.get $args))
            (i32.store (i32.const 84) (local.get $args_len)) (i32.const 64)";
        Self { output_schema: Some(output_schema.to_owned()), ..Self::new(name, call) }
    }

    /// The file.
    ///
    /// # Panics
    /// When the WAT is wrong.
    pub fn file(&self) -> Vec<u8> {
        embed(&self.wat(), "tool")
    }

    /// The memory with what `describe` returns, and where in it that begins.
    fn told(&self) -> (Memory, usize) {
        let mut memory = Memory::default();
        let mut words = Vec::new();
        for text in [self.name.as_str(), "For tests.", &self.schema] {
            words.extend(memory.text(text));
        }
        match &self.output_schema {
            Some(schema) => {
                words.push(1);
                words.extend(memory.text(schema));
            }
            None => words.extend([0, 0, 0]),
        }
        words.push(self.hints);
        let list = memory.words(&words);
        let returned = memory.words(&[list, 1]);
        (memory, returned as usize)
    }

    fn wat(&self) -> String {
        let (memory, returned) = self.told();
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
                (func (export "magic:proxy/toolbox@0.1.0#describe") (result i32) i32.const {returned})
                (func (export "magic:proxy/toolbox@0.1.0#call")
                    (param $name i32) (param $name_len i32) (param $args i32) (param $args_len i32) (result i32)
                    {call})
            )"#,
            imports = self.imports,
            pages = self.pages,
            data = memory.wat(),
            items = self.items,
            call = self.call,
        )
    }
}

/// A declarative pattern's file: these blocks, by tag and content.
///
/// # Panics
/// When wit/ does not have the world.
pub fn pattern_wat(blocks: &[(&str, &str)]) -> Vec<u8> {
    let mut memory = Memory::default();
    let words: Vec<u32> =
        blocks.iter().flat_map(|(tag, content)| [memory.text(tag), memory.text(content)].concat()).collect();
    let list = memory.words(&words);
    let returned = memory.words(&[list, u32::try_from(blocks.len()).expect("a handful of blocks")]);
    let data = memory.wat();
    let wat = format!(
        r#"(module (memory (export "memory") 16) {data}
            (func (export "get-prompt-structure") (result i32) i32.const {returned}))"#
    );
    embed(&wat, "pattern")
}

/// The module with wit/'s `world` as its component type.
fn embed(wat: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(repository().join("wit")).expect("wit/ is read");
    let world = resolve.select_world(&[package], Some(world)).expect("wit/ has the world");
    let mut module = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}"));
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("a module");
    module
}

/// A data segment, in WAT.
fn data(at: usize, bytes: &[u8]) -> String {
    let mut text = format!("(data (i32.const {at}) \"");
    for byte in bytes {
        write!(text, "\\{byte:02x}").expect("a string takes all");
    }
    text + "\")"
}

// === impl Memory ===

impl Memory {
    fn put(&mut self, bytes: &[u8]) -> u32 {
        let at = DATA_AT + self.0.len();
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        u32::try_from(at).expect("a small guest")
    }

    /// Address and length.
    fn text(&mut self, text: &str) -> [u32; 2] {
        [self.put(text.as_bytes()), u32::try_from(text.len()).expect("a short text")]
    }

    fn words(&mut self, words: &[u32]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(&bytes)
    }

    fn wat(&self) -> String {
        data(DATA_AT, &self.0)
    }
}
