//! Files in, what is done already or a complaint out.
use super::*;
use crate::store::testing::Folder;

fn head() -> Head {
    let settings =
        Settings { system: None, prompt_suffix: None, temperature: Some(0.0), max_tokens: None, seed: Some(1) };
    let fingerprint = Some("f".to_owned());
    Head { alias: "org/some alias".to_owned(), data: "d".to_owned(), base: None, settings, fingerprint }
}

fn line(id: &str, correct: Option<bool>) -> Line {
    let error = correct.is_none().then_some("503: busy");
    let line = serde_json::json!({ "id": id, "correct": correct, "error": error, "latency_ms": 5, "status": 200 });
    serde_json::from_value(line).unwrap()
}

fn open(folder: &Folder, head: Head) -> Result<Transcript, String> {
    std::fs::create_dir_all(&folder.0).unwrap();
    Transcript::open(&folder.0, head)
}

fn file(folder: &Folder) -> PathBuf {
    folder.0.join("org%2fsome%20alias.jsonl")
}

#[test]
fn what_was_answered_is_known_again_and_an_error_is_not_an_answer() {
    let folder = Folder::new();
    let mut transcript = open(&folder, head()).unwrap();
    transcript.add(line("a", Some(false))).unwrap();
    transcript.add(line("b", None)).unwrap();
    transcript.add(line("c", None)).unwrap();
    transcript.add(line("c", Some(true))).unwrap();
    drop(transcript);

    let again = open(&folder, head()).unwrap();
    let answered = ["a", "b", "c", "d"].map(|item| again.is_answered(item));
    assert_eq!(answered, [true, false, true, false]);
    assert_eq!(again.outcome("c").unwrap().correct, Some(true), "the later line stands");
    assert_eq!(again.last_error(), Some("503: busy"));
}

#[test]
fn half_a_line_of_a_killed_run_is_cut_off() {
    let folder = Folder::new();
    let mut transcript = open(&folder, head()).unwrap();
    transcript.add(line("a", Some(true))).unwrap();
    drop(transcript);
    let whole = std::fs::read_to_string(file(&folder)).unwrap();
    for half in ["{\"id\": \"b\", \"corr", "{}"] {
        std::fs::write(file(&folder), format!("{whole}{half}")).unwrap();
        let again = open(&folder, head()).unwrap();
        assert!(again.is_answered("a") && !again.is_answered("b"));
        assert_eq!(std::fs::read_to_string(file(&folder)).unwrap(), whole);
    }
    // Killed before the head was whole.
    std::fs::write(file(&folder), "{\"ali").unwrap();
    assert!(!open(&folder, head()).unwrap().is_answered("a"));
    assert!(open(&folder, head()).is_ok());
}

#[test]
fn a_file_of_another_run_is_refused_with_what_differs_and_the_cure() {
    let folder = Folder::new();
    drop(open(&folder, head()).unwrap());
    let refusal = |change: fn(&mut Head)| {
        let mut head = head();
        change(&mut head);
        open(&folder, head).map(drop).unwrap_err()
    };
    for (refusal, wanted) in [
        (refusal(|head| head.data = "e".to_owned()), "for another data set, or another state of this one"),
        (refusal(|head| head.settings.temperature = Some(0.5)), "with --temperature 0.0, now 0.5"),
        (refusal(|head| head.settings.max_tokens = Some(9)), "with --max-tokens not given, now 9"),
        (refusal(|head| head.base = Some("http://x/v1".to_owned())), "by asking a gateway of our own"),
        (refusal(|head| head.fingerprint = None), "when the alias `org/some alias` was configured otherwise"),
    ] {
        assert!(refusal.contains(&format!("it was made {wanted}")), "{refusal}");
        assert!(refusal.contains("--out") && refusal.contains("delete it"), "{refusal}");
    }
    std::fs::write(file(&folder), "something else\n").unwrap();
    assert!(refusal(|_| ()).contains("its first line is not that of a transcript"));
}
