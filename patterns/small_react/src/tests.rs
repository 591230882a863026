use super::BLOCKS;

#[test]
fn the_example_keeps_to_the_grammar_and_its_observations_are_true() {
    let calls = magic_sdk::testing::calls(BLOCKS).unwrap();
    assert!(calls.len() >= 2, "a few-shot shows at least two calls");
    for call in calls {
        let output = magic_sdk::run::<calculator::Calculator>(&call.arguments).unwrap();
        assert_eq!((call.tool_name.as_str(), call.observation), ("calculator", output.text));
    }
}

#[test]
fn every_block_says_something() {
    assert!(BLOCKS.iter().all(|(_, content)| content.len() > 100));
}
