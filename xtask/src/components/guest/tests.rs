use super::*;

/// A repository with one pattern and one tool, removed when dropped.
struct Repository(PathBuf);

impl Repository {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("magic-xtask-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&root));
        let repository = Self(root);
        repository.write("wit/types.wit", "package a:b;");
        repository.write("sdk/Cargo.lock", "");
        repository.write("sdk/rust/src/lib.rs", "");
        repository.write("sdk/tags/src/lib.rs", "");
        repository.write("patterns/one/Cargo.toml", "");
        repository.write("patterns/one/prompts/rule.md", "think");
        repository.write("tools/two/Cargo.toml", "");
        repository.write("tools/snake/requirements.txt", "");
        repository.write("tools/no_guest/readme.md", "");
        repository
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Of the guests in Rust.
    fn digests(&self, toolchain: &str) -> Vec<String> {
        let shared = shared_inputs(&self.0, toolchain).unwrap();
        let mut guests = discover(&self.0).unwrap();
        guests.retain(|guest| guest.language == Language::Rust);
        guests.iter().map(|guest| guest.inputs(&shared).unwrap()).collect()
    }

    fn digest_of_python(&self) -> String {
        let shared = shared_inputs_of_python(&self.0).unwrap();
        let guests = discover(&self.0).unwrap();
        guests.iter().find(|guest| guest.language == Language::Python).unwrap().inputs(&shared).unwrap()
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn every_folder_with_a_manifest_or_requirements_is_a_guest() {
    let repository = Repository::new("discover");
    let guests = discover(&repository.0).unwrap();
    let names: Vec<_> = guests.iter().map(|guest| (guest.folder, guest.name.as_str())).collect();
    assert_eq!(names, [("patterns", "one"), ("tools", "snake"), ("tools", "two")]);
    assert!(guests[1].language == Language::Python && guests[2].language == Language::Rust);
}

#[test]
fn a_guest_in_python_is_made_from_its_own_files_and_the_contract() {
    let repository = Repository::new("python");
    let before = repository.digest_of_python();

    repository.write("sdk/rust/src/lib.rs", "// not its business");
    repository.write("tools/snake/__pycache__/app.pyc", "left by whoever ran it");
    assert_eq!(before, repository.digest_of_python());

    repository.write("tools/snake/requirements.txt", "componentize-py==2");
    let newer = repository.digest_of_python();
    assert_ne!(before, newer);

    repository.write("wit/types.wit", "package a:c;");
    assert_ne!(newer, repository.digest_of_python());
}

#[test]
fn a_change_makes_stale_what_it_reaches_and_nothing_else() {
    let repository = Repository::new("digest");
    let before = repository.digests("rustc 1");

    repository.write("patterns/one/prompts/rule.md", "think twice");
    let after = repository.digests("rustc 1");
    assert_ne!(before[0], after[0]);
    assert_eq!(before[1], after[1]);

    repository.write("wit/types.wit", "package a:c;");
    let wit = repository.digests("rustc 1");
    assert!(after[0] != wit[0] && after[1] != wit[1]);
    assert_ne!(wit, repository.digests("rustc 2"));

    repository.write("sdk/tags/src/lib.rs", "// changed");
    let tags = repository.digests("rustc 1");
    assert!(tags[0] != wit[0] && tags[1] != wit[1]);
}

#[test]
fn what_no_compiler_reads_makes_nothing_stale() {
    let repository = Repository::new("ignored");
    let before = repository.digests("rustc 1");
    repository.write("patterns/one/.rule.md.swp", "x");
    repository.write("sdk/target/debug/junk", "x");
    assert_eq!(before, repository.digests("rustc 1"));
}

#[test]
fn a_guest_says_in_its_manifest_which_world_it_links() {
    let manifest = |line: &str| format!("[dependencies]\nserde.workspace = true\n{line}\n[dev-dependencies]\n{DEV}");
    const DEV: &str = r#"magic-sdk = { workspace = true, features = ["testing"] }"#;
    for (line, expect) in [
        (r#"magic-sdk = { workspace = true, features = ["driver"] }"#, r#""driver""#),
        (r#"magic-sdk={features=[ "tool" ],workspace=true}"#, r#""tool""#),
        ("magic-sdk.workspace = true", ""),
        ("", ""),
    ] {
        assert_eq!(world(&manifest(line)), expect, "{line}");
    }
    assert_eq!(world(DEV), "");
}

#[test]
fn a_stamp_holds_only_for_the_component_it_was_written_for() {
    let repository = Repository::new("stamp");
    let guests = discover(&repository.0).unwrap();
    let guest = &guests[0];
    assert!(Stamp::read(&repository.0, guest).is_none());
    Stamp::of("inputs", b"component").write(&repository.0, guest).unwrap();
    let holds = |inputs: &str| Stamp::read(&repository.0, guest).unwrap().holds(inputs, guest);
    assert!(!holds("inputs"), "there is no component yet");
    fs::write(&guest.output, b"component").unwrap();
    assert!(holds("inputs"));
    assert!(!holds("other inputs"));
    fs::write(&guest.output, b"somebody else's").unwrap();
    assert!(!holds("inputs"));
}
