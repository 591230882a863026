use super::BLOCKS;

magic_sdk::example_tests!(BLOCKS, { "calculator" => magic_sdk::run::<calculator::Calculator> });
