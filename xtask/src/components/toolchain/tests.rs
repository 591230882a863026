use super::{release, version, wanted};
use std::path::Path;

#[test]
fn a_compiler_is_told_by_its_release() {
    let told = "rustc 1.96.0 (abc 2026-05-25) (built from a source tarball)\nbinary: rustc\nrelease: 1.96.0\nLLVM version: 19.1.7";
    assert_eq!(release(told), Some((1, 96)));
    assert_eq!(release("something else"), None);
}

#[test]
fn an_older_compiler_than_the_guests_want_is_found_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let wanted = wanted(&root);
    assert!(wanted.is_some());
    assert!(version("1.85.0") < wanted);
    assert!(version("2.0.0") > wanted);
}
