use super::strangers;

fn check(package: &str) -> Vec<String> {
    strangers("Cargo.lock", &format!("version = 4\n\n[[package]]\nname = \"x\"\nversion = \"1.0.0\"\n{package}"))
}

#[test]
fn only_our_own_packages_and_those_of_crates_io_with_a_checksum_may_come_in() {
    let registry = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    assert!(check("dependencies = [\n \"y\",\n]\n").is_empty(), "ours");
    assert!(check(&format!("{registry}checksum = \"abc\"\n")).is_empty());
    assert_eq!(check(registry), ["Cargo.lock: x has no checksum"]);
    assert!(check("source = \"git+https://example.org/x#abc\"\n")[0].contains("x comes from git+https://example.org"));
    assert!(check("source = \"registry+https://mirror.example\"\nchecksum = \"abc\"\n")[0].contains("comes from"));
}
