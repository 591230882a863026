use super::*;

fn folder(name: &str) -> Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("magic-model-{name}-{}", std::process::id()));
    drop(fs::remove_dir_all(&path));
    fs::create_dir_all(path.join("data/models"))?;
    Ok(path)
}

#[test]
fn a_step_that_fails_quotes_what_the_command_said() -> Result<()> {
    let root = folder("step")?;
    let log = Log::open(&root.join("data"))?;
    let mut command = Command::new("sh");
    command.args(["-c", "echo no such wheel >&2; exit 3"]);
    let why = step(&mut command, "fetching", &log, || None).err().context("it must fail")?.to_string();
    assert!(why.contains("fetching") && why.contains("no such wheel"), "{why}");
    fs::remove_dir_all(root)?;
    Ok(())
}

#[test]
fn a_server_that_ends_at_once_is_an_error_with_its_words_and_the_cure() -> Result<()> {
    let root = folder("start")?;
    let python = root.join("python");
    fs::write(&python, "#!/bin/sh\necho no module named x >&2\nexit 1\n")?;
    #[cfg(unix)]
    fs::set_permissions(&python, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let model = Model { python, gguf: root.join("data/models").join(GGUF) };
    let why = start(&model, 1).err().context("it must fail")?.to_string();
    assert!(why.contains("no module named x") && why.contains("model-venv"), "{why}");
    fs::remove_dir_all(root)?;
    Ok(())
}

#[test]
fn weights_of_another_size_are_not_taken_for_the_model() -> Result<()> {
    let root = folder("size")?;
    let model = Model { python: root.join("python"), gguf: root.join("data/models").join(GGUF) };
    File::create(&model.gguf)?.set_len(GGUF_BYTES - 1)?;
    assert!(!has_weights(&model));
    File::options().write(true).open(&model.gguf)?.set_len(GGUF_BYTES)?;
    assert!(has_weights(&model));
    fs::remove_dir_all(root)?;
    Ok(())
}

#[test]
fn the_hash_is_the_hexadecimal_sha256() -> Result<()> {
    let root = folder("hash")?;
    let path = root.join("abc");
    fs::write(&path, "abc")?;
    assert_eq!(sha256(&path)?, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    fs::remove_dir_all(root)?;
    Ok(())
}

#[test]
fn the_log_is_quoted_from_where_it_was_opened_and_kept_short() -> Result<()> {
    let root = folder("log")?;
    let data = root.join("data");
    writeln!(Log::open(&data)?.file, "an older run")?;
    let mut log = Log::open(&data)?;
    for line in 0..100 {
        writeln!(log.file, "line {line}")?;
    }
    let tail = log.tail();
    assert!(tail.contains("line 99") && !tail.contains("older"), "{tail}");
    assert_eq!(tail.lines().count(), TAIL_LINES);
    fs::remove_dir_all(root)?;
    Ok(())
}
