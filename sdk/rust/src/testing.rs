//! Checks that a guest's own tests call natively. Refuses to need a host.

#[cfg(all(feature = "driver", feature = "testing"))]
mod options;
#[cfg(feature = "pattern")]
mod pattern;
#[cfg(all(feature = "driver", feature = "testing"))]
mod script;
#[cfg(feature = "tool")]
mod tool;

#[cfg(all(feature = "driver", feature = "testing"))]
pub use options::misfits;
#[cfg(feature = "pattern")]
pub use pattern::{Call, calls};
#[cfg(all(feature = "driver", feature = "testing"))]
pub use script::{Script, Session, storm};
#[cfg(feature = "tool")]
pub use tool::problems;

/// The tests that every declarative pattern owes: its example keeps to the grammar, what the tools in it are said to
/// observe is what they do observe, and no block is empty talk. Each tool is a function from arguments to output.
#[macro_export]
macro_rules! example_tests {
    ($blocks:expr, { $($tool:literal => $call:expr),+ $(,)? }) => {
        #[test]
        fn the_example_keeps_to_the_grammar_and_its_observations_are_true() {
            let calls = $crate::testing::calls($blocks).unwrap();
            assert!(calls.len() >= 2, "a few-shot shows at least two calls");
            for call in calls {
                let output = match call.tool_name.as_str() {
                    $($tool => $call(call.arguments.as_str()),)+
                    other => panic!("the example calls `{other}`"),
                };
                assert_eq!(call.observation, output.unwrap().text);
            }
        }

        #[test]
        fn every_block_says_something() {
            assert!($blocks.iter().all(|(_, content)| content.len() > 100));
        }
    };
}
