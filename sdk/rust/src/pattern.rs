//! The declarative pattern: a list of prompt blocks, checked while it compiles. Refuses logic: the host runs the loop.

/// Makes this crate a declarative pattern out of `"TAG" => text` pairs, in the order in which the model reads them.
///
/// Each block is rendered `<TAG>text</TAG>`; the text is trimmed. A tag must be `[A-Z][A-Z0-9_]{0,63}`, else the crate
/// does not compile.
#[macro_export]
macro_rules! declarative {
    ($($tag:literal => $content:expr),+ $(,)?) => {
        const _: () = { $($crate::pattern::check_tag($tag);)+ };

        /// The blocks of this pattern's prompt: (tag, content).
        pub const BLOCKS: &[(&str, &str)] = &[$(($tag, $content.trim_ascii())),+];

        // Only in WebAssembly: natively a guest is a library under test.
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Declarative;

            impl $crate::bindings::pattern::Guest for Declarative {
                fn get_prompt_structure() -> Vec<$crate::bindings::pattern::Step> {
                    $crate::pattern::steps(BLOCKS)
                }
            }

            $crate::bindings::pattern::export_pattern!(Declarative with_types_in $crate::bindings::pattern);
        };
    };
}

#[doc(hidden)]
pub const fn check_tag(tag: &str) {
    let bytes = tag.as_bytes();
    assert!(!bytes.is_empty() && bytes.len() <= 64, "a tag has 1 to 64 characters");
    assert!(bytes[0].is_ascii_uppercase(), "a tag begins with A-Z");
    let mut i = 1;
    while i < bytes.len() {
        let ok = bytes[i].is_ascii_uppercase() || bytes[i].is_ascii_digit() || bytes[i] == b'_';
        assert!(ok, "a tag is made of A-Z, 0-9 and _");
        i += 1;
    }
}

#[doc(hidden)]
pub fn steps(blocks: &[(&str, &str)]) -> Vec<crate::bindings::pattern::Step> {
    let step =
        |&(tag, content): &(&str, &str)| crate::bindings::pattern::Step { tag: tag.into(), content: content.into() };
    blocks.iter().map(step).collect()
}
