//! What is carried over, what is said of it, and that nothing is left unsaid.
use super::*;
use magic_config::Config;

/// The config that comes out, as text and checked with placeholders for its variables, and the report.
fn imported(yaml: &str) -> (String, Config, Report) {
    let import = import(yaml).unwrap_or_else(|error| panic!("{error}"));
    let text = import.config.unwrap_or_else(|why| panic!("{why}\n{}", import.report.table()));
    let variables = import.variables;
    let env = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| (*value).to_owned());
    let config = magic_config::parse(&text, &env);
    let config = config
        .unwrap_or_else(|problems| panic!("{}\n{text}", problems.iter().map(|p| format!("{p}\n")).collect::<String>()));
    (text, config, import.report)
}

#[test]
fn tmp_examples() {
    for file in std::env::var("EXAMPLES").unwrap_or_default().split_whitespace() {
        let yaml = std::fs::read_to_string(file).unwrap();
        let import = import(&yaml).unwrap();
        println!("##### {file}");
        match &import.config {
            Ok(_) => println!("{}", imported(&yaml).0),
            Err(why) => println!("NONE: {why}"),
        }
        println!("{}", import.report.table());
    }
}
