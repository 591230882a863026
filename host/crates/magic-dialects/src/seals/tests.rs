use super::{Owner, of_call, of_format, of_google, owner, to_call, to_format, to_google};

#[test]
fn every_mark_is_told_from_every_other_and_taken_off_again() {
    assert_eq!(owner("EqQBCgIYAhIM1gbc"), Owner::Anthropic);
    assert_eq!(owner("gAAAAABo"), Owner::OpenAi);
    assert_eq!(owner(&of_google("QQ==")), Owner::Google);
    assert_eq!(owner(&of_call("QQ==")), Owner::Google);
    assert_eq!((to_google(&of_google("QQ==")), to_google("QQ==")), (Some("QQ=="), None));
    assert_eq!(
        (to_call(&of_call("QQ==")), to_call(&of_google("QQ==")), to_google(&of_call("QQ=="))),
        (Some("QQ=="), None, None)
    );
}

#[test]
fn a_seal_that_came_by_openrouter_goes_back_as_it_came_and_to_nobody_else() {
    for (format, seal, of) in [
        ("anthropic-claude-v1", "EqQB", Owner::Anthropic),
        ("openai-responses-v1", "gAAAAB", Owner::OpenAi),
        ("google-gemini-v1", "CiQB", Owner::Google),
        ("xai-responses-v1", "b64", Owner::Other),
    ] {
        let marked = of_format(Some(format), seal.to_owned());
        assert_eq!((owner(&marked), to_format(&marked)), (of, Some((format, seal))), "{format}");
        assert_eq!(of_format(Some(format), marked.clone()), marked, "a mark is set once");
    }
    assert_eq!(owner(&of_format(Some("newcomer-v1"), "b64".to_owned())), Owner::Other);
    assert_eq!(of_format(None, "EqQB".to_owned()), "EqQB");
}
