use super::{TABLE, of};

#[test]
fn a_provider_has_one_row_and_a_stranger_the_plain_one() {
    for quirks in TABLE {
        let rows = TABLE.iter().filter(|other| other.provider == quirks.provider).count();
        assert_eq!(rows, 1, "{}", quirks.provider);
        assert_eq!(of(quirks.provider).provider, quirks.provider);
    }
    assert_eq!(of("somebody").name("max_completion_tokens"), Some("max_tokens"));
}

#[test]
fn mistral_is_told_nothing_that_it_forbids() {
    let mistral = of("mistral");
    assert_eq!(mistral.name("seed"), Some("random_seed"));
    assert_eq!(mistral.name("user"), None);
    assert_eq!(mistral.name("temperature"), Some("temperature"));
}
