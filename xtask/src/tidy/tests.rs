use super::*;

/// What the rules say about one file, a line each, without the file's name.
fn check_file(path: &str, text: &str) -> String {
    check_with(path, text, "")
}

fn check_with(path: &str, text: &str, list: &str) -> String {
    let (allowed, problems) = Allowed::read(list);
    assert_eq!(problems, []);
    let known = Known { allowed, test_files: ["host/src/hostile.rs".to_owned()].into() };
    let found = one_file(path, text, &known);
    found.iter().map(|finding| format!("{}: {}", finding.line, finding.text)).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn passes(path: &str, text: &str) {
    assert_eq!(check_file(path, text), "");
}

#[track_caller]
fn fails(path: &str, text: &str, with: &str) {
    let found = check_file(path, text);
    assert!(found.contains(with), "`{found}` lacks `{with}`");
}

/// A file of ours with this body.
fn file(body: &str) -> String {
    format!("//! Decides. Refuses to send.\n{body}\n")
}

#[test]
fn a_file_says_first_what_it_owns() {
    passes("host/src/app.rs", &file("mod a;"));
    fails("host/src/app.rs", "mod a;\n", "1: the first line");
    fails("tests/src/provider.rs", "mod a;\n", "1: the first line");
    passes("host/src/app/tests.rs", "use super::*;\n");
    passes("tests/it/chat.rs", "use magic_tests::*;\n");
}

#[test]
fn a_file_has_a_size() {
    let lines = |count| file(&"let x = 1;\n".repeat(count));
    passes("host/src/app.rs", &lines(400).replace("\n\n", "\n"));
    fails("host/src/app.rs", &lines(401), "401 body lines; above 400");
    assert_eq!(check_with("host/src/app.rs", &lines(600), "[long]\n\"host/src/app.rs\" = \"one table\"\n"), "");
    let over = check_with("host/src/app.rs", &lines(601), "[long]\n\"host/src/app.rs\" = \"one table\"\n");
    assert!(over.contains("the limit is 600"), "{over}");
}

#[test]
fn comments_blank_lines_and_tests_are_no_body() {
    let text = "//! Owns.\n\n// why\nlet a = 1;\n#[cfg(test)]\nmod tests {\n    let b = 2;\n}\nlet c = 3;\n";
    assert_eq!(rust::body_lines(text), 2);
    assert_eq!(rust::body_lines("let a = 1;\n#[cfg(test)]\nmod tests;\n"), 1);
}

#[test]
fn a_file_declared_for_tests_only_is_test_code() {
    let parent = "#[cfg(test)]\nmod hostile;\nmod real;\n#[cfg(test)]\n#[path = \"x\"]\nmod contract;\n";
    assert_eq!(rust::test_files("host/src/lib.rs", parent), ["host/src/hostile.rs", "host/src/contract.rs"]);
    assert_eq!(rust::test_files("host/src/log.rs", parent)[0], "host/src/log/hostile.rs");
    passes("host/src/hostile.rs", "tokio::spawn(flood());\n");
    fails("host/src/hostile.rs", "tokio::time::sleep(second).await;\n", "a test sleeps");
}

#[test]
fn a_module_stands_beside_its_folder() {
    fails("host/src/http/mod.rs", &file(""), "no mod.rs");
    passes("host/src/http/model.rs", &file("mod a;"));
}

#[test]
fn axum_stays_behind_its_wall() {
    let text = file("use axum::Router;");
    passes("host/src/http/chat.rs", &text);
    passes("host/src/http.rs", &text);
    passes("tests/src/provider.rs", &text);
    passes("host/src/upstream/tests.rs", &text);
    fails("host/src/upstream/client.rs", &text, "2: axum belongs in");
    fails("host/src/http_client.rs", &text, "2: axum belongs in");
    passes("host/src/upstream/client.rs", &file("// unlike axum::Body\nuse my_axum::Body;"));
}

#[test]
fn the_http_client_stays_behind_its_wall() {
    let text = file("let client: reqwest::Client;");
    passes("host/src/upstream/client.rs", &text);
    passes("host/src/components/egress.rs", &text);
    fails("host/src/components.rs", &text, "the HTTP client belongs in");
}

#[test]
fn wasmtime_stays_behind_its_wall() {
    for text in [file("use wasmtime::Engine;"), file("use wasmtime_wasi::p2;")] {
        passes("host/crates/magic-plugins/src/engine.rs", &text);
        passes("benches/src/main.rs", &text);
        fails("host/src/components.rs", &text, "wasmtime belongs in");
    }
}

#[test]
fn a_task_is_started_in_one_place() {
    let text = file("tokio::spawn(run());");
    passes("host/src/tasks.rs", &text);
    fails("host/src/sessions.rs", &text, "tokio::spawn belongs in");
    passes("host/src/sessions.rs", &file("tasks::spawn(\"worker\", run());"));
    passes("host/src/sessions.rs", &file("tokio::task::spawn_blocking(run);"));
}

#[test]
fn unsafe_code_has_one_place() {
    let text = file("#[expect(unsafe_code, reason = \"mapped\")]");
    passes("host/crates/magic-plugins/src/cache.rs", &text);
    fails("host/src/app.rs", &text, "unsafe code belongs in");
}

#[test]
fn a_test_is_neither_ignored_nor_meant_to_panic() {
    fails("host/src/app/tests.rs", "#[test]\n#[ignore]\nfn a() {}\n", "2: assert what happens today");
    fails("tests/it/chat.rs", "#[should_panic(expected = \"a\")]\n", "1: assert what happens today");
    passes("tests/it/chat.rs", "// why not #[ignore]: it would be forgotten\n");
}

#[test]
fn a_test_does_not_sleep() {
    let nap = "tokio::time::sleep(one_second).await;\n";
    fails("tests/it/chat.rs", nap, "1: a test sleeps");
    fails("tests/src/clock.rs", &file(nap), "2: a test sleeps");
    fails("host/src/app/tests.rs", nap, "1: a test sleeps");
    fails("host/src/app.rs", &file("#[cfg(test)]\nmod tests {\n    sleep(1);\n}"), "4: a test sleeps");
    passes("host/src/upstream/attempt_loop.rs", &file(nap));
    assert_eq!(
        check_with("tests/src/clock.rs", &file(nap), "[sleep]\n\"tests/src/clock.rs\" = \"polls a process\"\n"),
        ""
    );
}

#[test]
fn what_is_left_to_do_has_an_issue() {
    fails("host/src/app.rs", &file("// TODO later"), "2: something left to do");
    fails("deploy/compose.yaml", "# FIXME(me)\n", "1: something left to do");
    fails("host/src/app.rs", &file("// TODO(#12) and TODO"), "2: something left to do");
    passes("host/src/app.rs", &file("// TODO(#12): when there are two"));
}

#[test]
fn lines_end_where_their_text_ends() {
    fails("README.md", "a \n", "1: space at the end");
    fails("README.md", "a\nb", "2: the last line has no end");
    fails("host/src/app.rs", &file("\tlet a = 1;"), "2: a tab");
    passes("Makefile.md", "\ta\n");
}

#[test]
fn a_secret_is_not_formatted() {
    fails("host/src/app.rs", &file("info!(\"{}\", key.expose());"), "2: a secret in a text");
    passes("host/src/upstream/client.rs", &file("format!(\"Bearer {}\", key.expose())"));
    passes("host/src/upstream/lease.rs", &file("KeyId::of(key.expose())"));
}

#[test]
fn recorded_bytes_are_nobodys_style() {
    assert!(!text::is_ours("tests/data/openai/cut.json"));
    assert!(!text::is_ours("frontend/icon.png"));
    assert!(text::is_ours("host/src/app.rs") && text::is_ours("LICENSE") && text::is_ours(".ci/run"));
}

#[track_caller]
fn links(line: &str, broken: usize) {
    let there = ["README.md", "docs/STYLE.md", "docs/adr"];
    assert_eq!(docs::links("docs/CONFIG.md", line, &|path| there.contains(&path)).len(), broken, "{line}");
}

#[test]
fn a_link_in_prose_leads_to_a_file() {
    links("[style](STYLE.md) [readme](../README.md#run) [up](./../README.md) [adr](adr/)", 0);
    links("[web](https://example.org/a) [here](#there) [root](/README.md)", 0);
    links("`[code](is no link)` and [gone](GONE.md)", 1);
    links("[above](../../README.md)", 1);
    links("```\n[sample](GONE.md)\n```", 0);
}

#[test]
fn a_code_has_its_page_and_a_page_its_code() {
    let check = |files: &[(&str, &str)]| {
        let mut codes = docs::Codes::default();
        files.iter().for_each(|(path, text)| codes.read(path, text));
        codes.unpaired().iter().map(|finding| finding.text.clone()).collect::<Vec<_>>()
    };
    assert_eq!(check(&[("host/src/a.rs", "\"MP0001\""), ("docs/errors/MP0001.md", "")]), [""; 0]);
    assert_eq!(check(&[("host/src/a.rs", "\"MP0002\"")]), ["MP0002 has no page docs/errors/MP0002.md"]);
    assert_eq!(check(&[("docs/errors/MP0003.md", "")]), ["nothing uses MP0003"]);
    assert_eq!(check(&[("host/src/a.rs", "MP12 MP123456 MPS"), ("host/src/a/tests.rs", "MP0004")]), [""; 0]);
}

#[test]
fn an_exception_has_a_reason_and_a_use() {
    let (_, found) = Allowed::read("[long]\n\"a.rs\" = \"\"\n");
    assert_eq!(found.len(), 1, "{found:?}");
    let (_, found) = Allowed::read("[short]\n\"a.rs\" = \"why\"\n");
    assert_eq!(found.len(), 2, "{found:?}");
    let (allowed, _) = Allowed::read("# why\n\n[long]\n\"a.rs\" = \"why\"\n[sleep]\n\"b.rs\" = \"why\"\n");
    let long = "let a = 1;\n".repeat(401);
    assert_eq!(allowed.outdated(|path| (path == "a.rs").then_some(long.as_str())).len(), 1);
    assert_eq!(allowed.outdated(|path| Some(if path == "a.rs" { &long } else { "sleep(1);" })), []);
}

#[test]
fn this_repository_is_tidy() {
    assert_eq!(check(&crate::shell::root()).unwrap(), Vec::<String>::new());
}

#[test]
fn every_threat_names_a_test_that_is_there() {
    let check = |rows: &str| {
        let page = format!(
            "| threat | mitigation | test |\n|---|---|---|\n{rows}\n\n| other | table |\n|---|---|\n| a | b |\n"
        );
        let code =
            "#[tokio::test]\nasync fn held() {}\n#[test]\n#[cfg(unix)]\nfn plain() {}\nfn helper() {}\n".to_owned();
        let texts = [(security::PATH, page), ("tests/a.rs", code)].into();
        security::tests(&texts).iter().map(|finding| finding.text.clone()).collect::<Vec<_>>()
    };
    assert!(check("| a | b | `tests/a.rs::held` `tests/a.rs::plain` |").is_empty());
    assert_eq!(check("| a | b | none yet |"), ["a threat without a test"]);
    assert_eq!(check("| a | b | `tests/a.rs::gone` |"), ["there is no test `tests/a.rs::gone`"]);
    assert_eq!(check("| a | b | `tests/a.rs::helper` |"), ["there is no test `tests/a.rs::helper`"]);
    assert_eq!(check("| a | b | `tests/b.rs::held` |"), ["there is no test `tests/b.rs::held`"]);
}
