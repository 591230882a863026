//! What is written where, whatever came out.
use super::{Litellm, finish};
use magic_litellm::{Import, Report};
use std::path::{Path, PathBuf};

/// A folder of its own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("magic-import-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_behind = std::fs::remove_dir_all(&self.0);
    }
}

fn asked(folder: &Path, report: &str) -> Litellm {
    Litellm {
        file: folder.join("litellm.yaml"),
        output: folder.join("ours.yaml"),
        report: Some(folder.join(report)),
        json: false,
        force: true,
        strict: false,
    }
}

fn import(config: &str) -> Import {
    Import { config: Ok(config.to_owned()), report: Report { lines: Vec::new() }, variables: Vec::new() }
}

#[test]
fn a_config_that_our_own_check_refuses_is_not_written_and_its_report_is() {
    let folder = Folder::new();

    let error = finish(&asked(folder.path(), "report.txt"), import("model_list: 1\n")).unwrap_err();

    assert!(error.to_string().contains("our own check"), "{error}");
    assert!(!folder.path().join("ours.yaml").exists());
    let report = std::fs::read_to_string(folder.path().join("report.txt")).unwrap();
    assert!(report.contains("no config came out: it does not pass our own check"), "{report}");
}

#[test]
fn one_file_for_config_and_report_is_refused_in_any_spelling() {
    let folder = Folder::new();
    for report in ["ours.yaml", "./ours.yaml", "../NAME/ours.yaml"] {
        let name = folder.path().file_name().unwrap().to_str().unwrap();
        let asked = asked(folder.path(), &report.replace("NAME", name));

        let error = finish(&asked, import("")).unwrap_err();

        assert!(error.to_string().contains("a file each"), "{report}: {error}");
        assert!(!folder.path().join("ours.yaml").exists(), "{report}");
    }
}
