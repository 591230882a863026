use super::*;

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("magic-needs-{name}-{}", std::process::id()));
    drop(fs::remove_dir_all(&path));
    fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn a_stamp_holds_until_its_file_changes() {
    let dir = folder("stamp");
    let (file, path) = (dir.join("requirements.txt"), dir.join("installed"));
    fs::write(&file, "openai==1\n").unwrap();
    let stamp = Stamp::of(&file, path.clone()).unwrap();
    assert!(!stamp.holds());
    stamp.set().unwrap();
    assert!(stamp.holds());
    fs::write(&file, "openai==2\n").unwrap();
    assert!(!Stamp::of(&file, path).unwrap().holds());
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn only_tests_are_run_and_a_missing_folder_has_none() {
    let dir = folder("scripts");
    for name in ["b.test.js", "a.test.mjs", "kit.js", "notes.md"] {
        fs::write(dir.join(name), "").unwrap();
    }
    let found = scripts(&dir).unwrap();
    assert_eq!(found, [dir.join("a.test.mjs"), dir.join("b.test.js")]);
    fs::remove_dir_all(&dir).unwrap();
    assert_eq!(scripts(&dir).unwrap(), [""; 0].map(PathBuf::from));
}
