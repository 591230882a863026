//! Driver patterns in WAT. A directive is 112 bytes with its tag first and its payload at 8; an event is laid out alike.
use super::{Data, embed_in, resolve};

const WORLD: &str =
    "package test:test;\nworld test { import magic:proxy/logging@0.1.0; export magic:proxy/driver@0.1.0; }";

/// What a test's driver is made of, beside what every one has.
pub(crate) struct Driver<'a> {
    /// Imports, in WAT.
    pub(crate) imports: &'a str,
    /// Further definitions, in WAT.
    pub(crate) items: &'a str,
    /// The constructor's body, in WAT, from `$ctx`, the address of the context.
    pub(crate) construct: &'a str,
    /// The body of `next`, in WAT: from `$events $events_len` to the address of a list; `$calls` counts from 1.
    pub(crate) next: String,
    /// What `describe` says the options are; `None` exports no `pattern-info`.
    pub(crate) options: Option<&'a str>,
}

// === impl Driver ===
impl Driver<'_> {
    pub(crate) fn new(next: impl Into<String>) -> Self {
        Self { imports: "", items: "", construct: "", next: next.into(), options: None }
    }

    pub(crate) fn module(&self) -> Vec<u8> {
        self.module_with(&[], "")
    }

    /// The same, with further WIT packages and a world that imports from them too.
    pub(crate) fn module_with(&self, packages: &[(&str, &str)], imports: &str) -> Vec<u8> {
        let mut resolve = resolve();
        for (name, items) in packages {
            resolve.push_str("test.wit", &format!("package {name};\n{items}")).unwrap();
        }
        let info = if self.options.is_some() { "export magic:proxy/pattern-info@0.1.0;" } else { "" };
        let world = WORLD.replace("test {", &format!("test {{ {imports} {info}"));
        let package = resolve.push_str("test.wit", &world).unwrap();
        embed_in(&self.wat(), &resolve, package, "test")
    }

    fn wat(&self) -> String {
        let mut data = Data::default();
        let info = self.options.map(|schema| {
            let mut words = Vec::new();
            for text in ["driver_under_test", "1.2.3", "For tests."] {
                words.extend(data.pair(text));
            }
            words.push(1);
            words.extend(data.pair(schema));
            words.extend([0, 0]);
            let at = data.words(&words);
            format!(r#"(func (export "magic:proxy/pattern-info@0.1.0#describe") (result i32) i32.const {at})"#)
        });
        format!(
            r#"(module
                (import "[export]magic:proxy/driver@0.1.0" "[resource-new]session" (func $new (param i32) (result i32)))
                {imports}
                (memory (export "memory") 2)
                (global $top (mut i32) (i32.const 65536))
                (global $ctx (mut i32) (i32.const 0))
                (global $calls (mut i32) (i32.const 0))
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
                ;; A list of directives that lie from 1024 on.
                (func $list (param $len i32) (result i32)
                    (i32.store (i32.const 1008) (i32.const 1024))
                    (i32.store (i32.const 1012) (local.get $len))
                    (i32.const 1008))
                ;; A list of one `wait`.
                (func $wait (param $ref i32) (param $ms i32) (result i32)
                    (i32.store8 (i32.const 1024) (i32.const 4))
                    (i32.store (i32.const 1032) (local.get $ref))
                    (i32.store (i32.const 1036) (local.get $ms))
                    (call $list (i32.const 1)))
                ;; A list of one `fail` with a text.
                (func $fail (param $at i32) (param $len i32) (result i32)
                    (i32.store8 (i32.const 1024) (i32.const 7))
                    (i32.store (i32.const 1032) (local.get $at))
                    (i32.store (i32.const 1036) (local.get $len))
                    (call $list (i32.const 1)))
                {items}
                (func (export "magic:proxy/driver@0.1.0#[constructor]session") (param $ctx i32) (result i32)
                    (global.set $ctx (local.get $ctx))
                    {construct}
                    (call $new (i32.const 1)))
                (func (export "magic:proxy/driver@0.1.0#[method]session.next")
                    (param $self i32) (param $events i32) (param $events_len i32)
                    (param i64 i64 i64 i64 i32 i64) (result i32)
                    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                    {next})
                {info}
            )"#,
            imports = self.imports,
            data = data.wat(),
            items = self.items,
            construct = self.construct,
            next = self.next,
            info = info.unwrap_or_default(),
        )
    }
}

/// Says how often it was called: a `wait` of that many milliseconds.
pub(crate) fn counts() -> Driver<'static> {
    Driver::new("(call $wait (i32.const 1) (global.get $calls))")
}

/// At the first call it asks with the messages, tools, seed and extras of its context; at the second it finishes with the
/// message of the completion.
pub(crate) fn asks() -> Driver<'static> {
    Driver::new(
        "(if (result i32) (i32.eq (global.get $calls) (i32.const 1))
            (then
                (i32.store8 (i32.const 1024) (i32.const 0))
                (i32.store (i32.const 1032) (i32.const 7))
                ;; request: messages, tools, seed, extra
                (memory.copy (i32.const 1052) (i32.add (global.get $ctx) (i32.const 8)) (i32.const 16))
                (i32.store8 (i32.const 1104) (i32.const 1))
                (i64.store (i32.const 1112) (i64.load (i32.add (global.get $ctx) (i32.const 88))))
                (memory.copy (i32.const 1120) (i32.add (global.get $ctx) (i32.const 96)) (i32.const 8))
                ;; show: thought; stream-to-me
                (i32.store8 (i32.const 1128) (i32.const 1))
                (i32.store8 (i32.const 1129) (i32.const 1))
                (call $list (i32.const 1)))
            (else
                (i32.store8 (i32.const 1024) (i32.const 6))
                (memory.copy (i32.const 1032) (i32.add (local.get $events) (i32.const 24)) (i32.const 12))
                (call $list (i32.const 1))))",
    )
}
