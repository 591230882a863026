//! What is carried over, what is said of it, and that nothing is left unsaid.
use super::*;
use std::collections::BTreeSet;

mod random;

/// The config that comes out, held to our own check with placeholders for its variables; or why there is none.
fn ours(name: &str, import: &Import) -> String {
    let text = match &import.config {
        Ok(text) => text,
        Err(why) => return format!("# No config: {why}\n"),
    };
    let variables = &import.variables;
    let env = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| (*value).to_owned());
    if let Err(problems) = magic_config::parse(text, &env) {
        let list: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
        panic!("{name}: {list}{text}");
    }
    text.clone()
}

/// `tests-data/NAME.litellm.yaml` against `NAME.ours.yaml` and `NAME.report`. Compile with MAGIC_UPDATE_GOLDENS=1 to write the
/// latter two, then read the difference.
macro_rules! imported {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let name = stringify!($name);
            let import = import(include_str!(concat!("../tests-data/", stringify!($name), ".litellm.yaml"))).unwrap();
            let found = [ours(name, &import), import.report.table()];
            for text in &found {
                for secret in ["secret-word", "sk-of", "sk-other", "sk-unused"] {
                    assert!(!text.contains(secret), "{name}: {text}");
                }
            }
            let paths: BTreeSet<&str> = import.report.lines.iter().map(|line| line.path.as_str()).collect();
            assert_eq!(paths.len(), import.report.lines.len(), "{name}: no field twice");
            if option_env!("MAGIC_UPDATE_GOLDENS").is_some() {
                for (text, end) in found.iter().zip(["ours.yaml", "report"]) {
                    let path = format!("{}/tests-data/{name}.{end}", env!("CARGO_MANIFEST_DIR"));
                    std::fs::write(path, text).expect("goldens are writable");
                }
            } else {
                let expected = [
                    include_str!(concat!("../tests-data/", stringify!($name), ".ours.yaml")),
                    include_str!(concat!("../tests-data/", stringify!($name), ".report")),
                ];
                assert_eq!(found[0], expected[0]);
                assert_eq!(found[1], expected[1]);
            }
        }
    )*};
}

mod each_field_becomes_what_the_report_says {
    use super::*;

    imported! { vendors groups fallbacks settings nothing }
}

fn report(yaml: &str) -> Report {
    import(yaml).unwrap_or_else(|error| panic!("{error}")).report
}

fn said(report: &Report, path: &str) -> (Grade, String) {
    let line = report.lines.iter().find(|line| line.path == path);
    let line = line.unwrap_or_else(|| panic!("no `{path}` in\n{}", report.table()));
    (line.grade, line.text.clone())
}

#[test]
fn a_field_that_nobody_knows_is_unsupported_and_not_silent() {
    let report = report("new: { section: [{ of: things }] }\nlitellm_settings: { new_too: 1 }\n");
    assert_eq!(said(&report, "new.section[0].of"), (Grade::Unsupported, "nothing here reads this section".into()));
    assert_eq!(said(&report, "litellm_settings.new_too"), (Grade::Unsupported, "nothing here reads it".into()));
}

#[test]
fn keys_that_look_like_paths_are_told_apart() {
    let report = report("a.b: 1\na: { b: 2, '': 3, 'c[0]': 4, c: [5] }\n");
    let paths: Vec<&str> = report.lines.iter().map(|line| line.path.as_str()).collect();
    assert_eq!(paths, ["\"a.b\"", "a.b", "a.\"\"", "a.\"c[0]\"", "a.c[0]"]);
}

#[test]
fn each_strategy_becomes_the_nearest_of_ours() {
    let two = "model_list: [{ model_name: a, litellm_params: { model: openai/x } }, { model_name: a, litellm_params: { model: openai/y } }]\n";
    let cases = [
        ("simple-shuffle", "weighted", Grade::Exact),
        ("least-busy", "least_busy", Grade::Exact),
        ("latency-based-routing", "lowest_latency", Grade::Approximate),
        ("cost-based-routing", "lowest_cost", Grade::Approximate),
        ("usage-based-routing", "least_busy", Grade::Approximate),
        ("usage-based-routing-v2", "least_busy", Grade::Approximate),
        ("provider-budget-routing", "weighted", Grade::Unsupported),
        ("of-tomorrow", "weighted", Grade::Unsupported),
    ];
    for (theirs, strategy, grade) in cases {
        let import = import(&format!("{two}router_settings: {{ routing_strategy: {theirs} }}")).unwrap();
        assert!(ours(theirs, &import).contains(&format!("\n  strategy: {strategy}\n")), "{theirs}");
        assert_eq!(said(&import.report, "router_settings.routing_strategy").0, grade, "{theirs}");
    }
}

/// Seventeen entries of one name, each with a key of its own and `more` by its number.
fn seventeen(more: impl Fn(usize) -> String) -> Import {
    let entry = |number| {
        let more = more(number);
        format!(
            "  - {{ model_name: a, litellm_params: {{ model: openai/m{number}, api_key: os.environ/K{number}, temperature: 1{more} }} }}\n"
        )
    };
    let many: String = (0..17).map(entry).collect();
    import(&format!("model_list:\n{many}")).unwrap()
}

#[test]
fn all_fields_of_an_entry_that_a_chain_has_no_room_for_are_unsupported() {
    let import = seventeen(|_| String::new());
    let config = ours("many", &import);
    assert!(
        !config.contains("model: m16") && config.contains("# left out, see the report: model_list[16]"),
        "{config}"
    );
    assert!(!import.variables.iter().any(|(name, _)| name == "K16"), "nobody needs its key");
    assert_eq!(said(&import.report, "model_list[15].litellm_params.model").0, Grade::Exact);
    let fields: Vec<&Line> =
        import.report.lines.iter().filter(|line| line.path.starts_with("model_list[16]")).collect();
    assert_eq!(fields.len(), 4);
    for line in fields {
        assert!(line.grade == Grade::Unsupported && line.text.contains("at most 16"), "{line:?}");
    }
}

#[test]
fn what_is_asked_last_is_what_a_chain_has_no_room_for() {
    let import = seventeen(|number| if number == 3 { String::new() } else { format!(", order: {}", 17 - number) });
    let config = ours("many", &import);
    assert!(config.contains("model: m16") && !config.contains("model: m3\n"), "{config}");
    assert_eq!(said(&import.report, "model_list[3].litellm_params.temperature").0, Grade::Unsupported);
    assert_eq!(said(&import.report, "model_list[16].litellm_params.order").0, Grade::Exact);
}

#[test]
fn variables_and_keys_within_parameters_are_variables_of_ours() {
    let import = import(
        "model_list:\n  - model_name: a\n    litellm_params:\n      model: openai/m\n      stop: [os.environ/STOP, costs $5]\n      \
         extra_body: { user: os.environ/USER_NAME, auth_token: secret-word, deep: { x: [sk-of] }, token_budget: 5 }\n",
    )
    .unwrap();
    let config = ours("parameters", &import);
    for text in [
        r#"stop: ["${STOP}","costs $$5"]"#,
        r#"user: "${USER_NAME}""#,
        r#"auth_token: "${AUTH_TOKEN_API_KEY}""#,
        r#"deep: {"x":["${X_API_KEY}"]}"#,
        "token_budget: 5",
    ] {
        assert!(config.contains(text), "{text}: {config}");
    }
    assert!(![config, import.report.table()].iter().any(|text| text.contains("secret-word") || text.contains("sk-of")));
    let path = "model_list[0].litellm_params.extra_body";
    assert_eq!(said(&import.report, &format!("{path}.user")).0, Grade::Exact);
    let (grade, text) = said(&import.report, &format!("{path}.auth_token"));
    assert!(grade == Grade::Manual && text.contains("AUTH_TOKEN_API_KEY"), "{text}");
    assert_eq!(said(&import.report, &format!("{path}.deep.x[0]")).0, Grade::Manual);
}

#[test]
fn a_weight_that_is_none_is_left_to_a_person() {
    for weight in ["-1", "heavy", "[1]"] {
        let import = import(&format!(
            "model_list:\n  - {{ model_name: a, litellm_params: {{ model: openai/m, weight: {weight} }} }}\n  \
             - {{ model_name: a, litellm_params: {{ model: openai/n, weight: 2 }} }}\n"
        ))
        .unwrap();
        let path = if weight == "[1]" { "weight[0]" } else { "weight" };
        let (grade, _) = said(&import.report, &format!("model_list[0].litellm_params.{path}"));
        assert_eq!(grade, Grade::Manual, "{weight}");
        ours(weight, &import);
    }
}

#[test]
fn what_is_no_config_is_refused_with_its_place() {
    for (yaml, says) in
        [("a: [", "read it as YAML"), ("- a\n", "found a list"), ("a: 1\na: 2\n", "duplicate"), ("", "found nothing")]
    {
        let error = import(yaml).expect_err(yaml).to_string();
        assert!(error.contains(says), "{yaml}: {error}");
    }
}

/// The fenced block of docs/IMPORT.md that begins with "```WORDS".
fn block(words: &str) -> &'static str {
    let text = include_str!("../../../../docs/IMPORT.md");
    let (_, rest) = text.split_once(&format!("```{words}\n")).unwrap_or_else(|| panic!("no block `{words}`"));
    rest.split_once("```").expect("it ends").0
}

#[test]
fn the_example_of_the_documentation_is_what_comes_out() {
    let import = import(block("yaml litellm")).unwrap();
    let config = ours("docs/IMPORT.md", &import);
    assert_eq!(block("yaml ours"), config);
    let table = import.report.table();
    for line in block("text report").lines().filter(|line| !line.trim().is_empty()) {
        assert!(table.contains(&format!("{line}\n")), "`{line}` in\n{table}");
    }
}
