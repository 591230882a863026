//! What is put into its place, and what stays.
use super::{BACKUPS_MAX, Unput, put};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("magic-place-{}", uuid::Uuid::now_v7()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

#[test]
fn a_text_that_was_changed_since_it_was_compared_stays() {
    let folder = folder();
    let file = folder.join("x.yaml");
    fs::write(&file, "by hand").unwrap();
    for compared in [Some("before"), None] {
        let Err(Unput::Changed(found)) = put(&file, compared, "mine", NOW) else {
            panic!("{compared:?}: written over")
        };
        assert_eq!(found, "by hand");
    }
    let Err(Unput::Changed(_)) = put(&folder.join("gone.yaml"), Some("before"), "mine", NOW) else {
        panic!("made anew")
    };
    assert_eq!((fs::read_to_string(&file).unwrap().as_str(), names(&folder)), ("by hand", vec!["x.yaml".to_owned()]));

    put(&file, Some("by hand"), "mine", NOW).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn only_what_is_named_by_a_time_is_a_backup_that_may_go() {
    let folder = folder();
    let file = folder.join("x.yaml");
    let own = ["x.yaml.backup-mine", "x.yaml.backup-19700101", "x.yaml.backup-19700101T000000.000000Z.old"];
    for name in own {
        fs::write(folder.join(name), "mine").unwrap();
    }
    fs::write(&file, "0").unwrap();
    for number in 0..BACKUPS_MAX + 3 {
        let now = NOW + Duration::from_secs(number as u64);
        put(&file, Some(&number.to_string()), &(number + 1).to_string(), now).unwrap();
    }
    let names = names(&folder);
    assert!(own.iter().all(|own| names.iter().any(|name| name == own)), "{names:?}");
    assert_eq!(names.len(), own.len() + BACKUPS_MAX + 1, "{names:?}");
    fs::remove_dir_all(folder).unwrap();
}
