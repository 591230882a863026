//! The example configs that LiteLLM publishes: every field graded, nothing dropped in silence.
use crate::stage::needs;
use magic_litellm::Import;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// The fields of a YAML file as this crate's own reader of it sees them: every value without values below it.
fn fields(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| fields(value, &format!("{path}/{key}"), found))
        }
        Value::Array(list) if !list.is_empty() => {
            list.iter().enumerate().for_each(|(at, value)| fields(value, &format!("{path}/{at}"), found));
        }
        _ => found.push(path.to_owned()),
    }
}

/// A path of the report in the form of [`fields`].
fn slashed(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let (key, after) = if let Some(index) = rest.strip_prefix('[') {
            let (index, after) = index.split_once(']').unwrap();
            (index.to_owned(), after)
        } else if rest.starts_with('"') {
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let key = stream.next().unwrap().unwrap();
            (key, rest.split_at(stream.byte_offset()).1)
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            (key.to_owned(), after)
        };
        out = format!("{out}/{key}");
        rest = after;
    }
    out
}

/// What of the report must hold whatever the input: each field is graded once, each grade has its sentence, and what comes
/// out passes our own check.
fn is_whole(name: &str, yaml: &str, import: &Import) {
    let value: Value = serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut expected = Vec::new();
    fields(&value, "", &mut expected);
    let mut graded: Vec<String> = import.report.lines.iter().map(|line| slashed(&line.path)).collect();
    expected.sort();
    graded.sort();
    assert_eq!(graded, expected, "{name}");
    assert!(import.report.lines.iter().all(|line| line.text.len() > 3), "{name}");
    match &import.config {
        Ok(config) => {
            let variables: BTreeMap<_, _> = import.variables.iter().cloned().collect();
            let env = |name: &str| variables.get(name).map(|value| (*value).to_owned());
            if let Err(problems) = magic_config::parse(config, &env) {
                panic!("{name}: {problems:?}\n{config}");
            }
        }
        Err(why) => assert!(why.contains("model_list"), "{name}: {why}"),
    }
}

#[test]
fn every_field_of_litellms_own_examples_is_graded_and_what_comes_out_passes_the_check() {
    let folder = needs("MAGIC_LITELLM_EXAMPLES");
    let mut runnable = HashSet::new();
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let yaml = std::fs::read_to_string(&path).unwrap();
        let import = magic_litellm::import(&yaml).unwrap_or_else(|error| panic!("{name}: {error}"));
        is_whole(&name, &yaml, &import);
        count += 1;
        if import.config.is_ok() {
            runnable.insert(name);
        }
    }
    assert!(count >= 25, "{count} files in {folder}");
    // What only names Bedrock, wildcards or no model at all cannot run; the rest must.
    for name in ["azure_config", "load_balancer", "oai_misc_config", "pass_through_config", "simple_config"] {
        assert!(runnable.contains(&format!("example_config_yaml-{name}")), "{name}: {runnable:?}");
    }
    assert!(runnable.contains("dev_config") && runnable.len() >= 20, "{runnable:?}");
}
