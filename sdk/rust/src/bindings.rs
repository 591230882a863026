//! What wit-bindgen makes of `wit/`, one module a world. Refuses to be read by guests: the macros and wrappers use it.

/// World `pattern`.
#[cfg(feature = "pattern")]
pub mod pattern {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "pattern",
        pub_export_macro: true,
        export_macro_name: "export_pattern",
    });
}

/// World `tool`.
#[cfg(feature = "tool")]
pub mod tool {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "tool",
        pub_export_macro: true,
        export_macro_name: "export_tool",
        generate_all,
    });
}

/// World `pattern-driver`.
#[cfg(feature = "driver")]
pub mod driver {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "pattern-driver",
        pub_export_macro: true,
        export_macro_name: "export_driver",
        generate_all,
    });
}
