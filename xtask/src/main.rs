//! Hands the command line to the library and its answer to the shell. Nothing else.
use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::main()
}
