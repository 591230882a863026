use super::BLOCKS;

#[test]
fn the_example_keeps_to_the_grammar_and_its_observations_are_true() {
    let calls = magic_sdk::testing::calls(BLOCKS).unwrap();
    assert!(calls.len() >= 2, "a few-shot shows at least two calls");
    for call in calls {
        let output = match call.tool_name.as_str() {
            "calculator" => magic_sdk::run::<calculator::Calculator>(&call.arguments),
            "current_time" => current_time::tell(1_783_168_205_250, "UTC"),
            other => panic!("the example calls `{other}`"),
        };
        assert_eq!(call.observation, output.unwrap().text);
    }
}

#[test]
fn every_block_says_something() {
    assert!(BLOCKS.iter().all(|(_, content)| content.len() > 100));
}
