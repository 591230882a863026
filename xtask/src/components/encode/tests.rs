use super::*;

#[test]
fn an_unchanged_component_is_not_written_again() {
    let dir = std::env::temp_dir().join(format!("magic-xtask-place-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let output = dir.join("one.wasm");
    place(b"one", &output).unwrap();
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let first = inode(&output);
    place(b"one", &output).unwrap();
    assert_eq!(first, inode(&output), "it was replaced by itself");
    place(b"two", &output).unwrap();
    assert_eq!(fs::read(&output).unwrap(), b"two");
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "a temporary file is left");
    fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_module_without_a_component_type_says_what_to_check() {
    let path = std::env::temp_dir().join(format!("magic-xtask-core-{}.wasm", std::process::id()));
    // The smallest core module there is.
    fs::write(&path, b"\0asm\x01\0\0\0").unwrap();
    let bare = component(&path);
    fs::write(&path, b"no module").unwrap();
    let broken = component(&path);
    fs::remove_file(&path).unwrap();
    assert!(bare.is_err_and(|error| format!("{error:#}").contains("magic_sdk::tool!")));
    assert!(broken.is_err_and(|error| format!("{error:#}").contains("core module")));
}
