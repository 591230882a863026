use super::*;

fn found(files: &[(&str, u64)]) -> Found {
    let stamp = |bytes| Stamp { bytes, modified: None, inode: 1, changed: (0, 0) };
    files.iter().map(|(path, bytes)| (PathBuf::from(path), stamp(*bytes))).collect()
}

/// What each look reports, with a `…` where something is still moving.
fn looks(stamps: &mut Stamps, looks: &[&[(&str, u64)]]) -> Vec<String> {
    let look = |files: &&[(&str, u64)]| {
        let mut changed = stamps.changed(&found(files), Patience::Settled);
        changed.sort();
        let names: Vec<String> = changed.iter().map(|path| path.display().to_string()).collect();
        format!("{}{}", names.join(" "), if stamps.unsettled() { "…" } else { "" })
    };
    looks.iter().map(look).collect()
}

#[test]
fn a_file_is_reported_once_when_it_has_stayed_for_a_whole_look() {
    let mut stamps = Stamps::default();
    assert_eq!(looks(&mut stamps, &[&[("a", 1)], &[("a", 2)], &[("a", 2)], &[("a", 2)]]), ["…", "…", "a", ""]);
}

#[test]
fn a_file_that_goes_is_reported_like_one_that_changes() {
    let mut stamps = Stamps::default();
    stamps.changed(&found(&[("a", 1), ("b", 1)]), Patience::AtOnce);
    assert_eq!(looks(&mut stamps, &[&[("b", 1)], &[("b", 1)], &[("b", 1)]]), ["…", "a", ""]);
}

#[test]
fn a_file_that_is_replaced_within_moments_is_not_missed_in_between() {
    let mut stamps = Stamps::default();
    stamps.changed(&found(&[("a", 1)]), Patience::AtOnce);
    assert_eq!(looks(&mut stamps, &[&[], &[("a", 2)], &[("a", 2)]]), ["…", "…", "a"]);
}

#[test]
fn a_change_that_is_taken_back_before_it_settles_is_none() {
    let mut stamps = Stamps::default();
    stamps.changed(&found(&[("a", 1)]), Patience::AtOnce);
    assert_eq!(looks(&mut stamps, &[&[("a", 1), ("b", 1)], &[("a", 1)]]), ["…", ""]);
}
