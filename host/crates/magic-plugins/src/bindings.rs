//! The generated side of wit/: one module a world. Nothing here leaves the crate; `kinds` and `imports` convert.

/// What tools export and import. Host functions may trap; HTTP ones wait.
pub(crate) mod tool {
    wasmtime::component::bindgen!({
        path: "../../../wit",
        world: "tool",
        imports: { "magic:proxy/http": async | trappable, default: trappable },
        exports: { default: async },
    });
}

/// What declarative patterns export.
pub(crate) mod pattern {
    wasmtime::component::bindgen!({
        path: "../../../wit",
        world: "pattern",
        exports: { default: async },
    });
}

/// What driver patterns export: plain data and `driver`, over the tool world's types. `pattern-info` is `info`, for it may
/// be missing.
pub(crate) mod driver {
    wasmtime::component::bindgen!({
        path: "../../../wit",
        world: "pattern-driver",
        with: {
            "magic:proxy/types": crate::bindings::tool::magic::proxy::types,
            "magic:proxy/logging": crate::bindings::tool::magic::proxy::logging,
        },
        exports: { default: async },
    });
}

/// `magic:proxy/pattern-info`, which a pattern may export beside its structure. Written by hand: a world of
/// its own would only repeat the types.
pub(crate) mod info {
    use wasmtime::component::{ComponentType, Lift};

    #[derive(ComponentType, Lift)]
    #[component(record)]
    #[expect(dead_code, reason = "the type must be whole; nothing reads this part yet")]
    pub(crate) struct Extra {
        pub(crate) key: String,
        pub(crate) value: String,
    }

    #[derive(ComponentType, Lift)]
    #[component(record)]
    #[expect(dead_code, reason = "the type must be whole; nothing reads `extra` yet")]
    pub(crate) struct Info {
        pub(crate) name: String,
        pub(crate) version: String,
        pub(crate) description: String,
        #[component(name = "options-json-schema")]
        pub(crate) options_json_schema: Option<String>,
        pub(crate) extra: Vec<Extra>,
    }
}
