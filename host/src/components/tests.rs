use super::parse_secrets;

#[test]
fn secrets_are_name_value_lines() {
    let secrets = parse_secrets("# tavily\nKEY=abc=d\n\nexport OTHER = \"quoted # not a comment\"\nbroken\nEMPTY=\n");
    let shown = |name: &str| secrets.get(name).map(|secret| secret.expose().to_owned());
    assert_eq!(shown("KEY").as_deref(), Some("abc=d"));
    assert_eq!(shown("OTHER").as_deref(), Some("quoted # not a comment"));
    assert_eq!(shown("EMPTY").as_deref(), Some(""));
    assert_eq!(secrets.len(), 3);
}
