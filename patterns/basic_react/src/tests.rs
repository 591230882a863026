use super::BLOCKS;

magic_sdk::example_tests!(BLOCKS, {
    "calculator" => magic_sdk::run::<calculator::Calculator>,
    "current_time" => |_: &str| current_time::tell(1_783_168_205_250, "UTC"),
});
