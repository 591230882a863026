//! The verbs of `cargo xtask` and the exit codes: 0 done, 1 failed, 2 not understood. Does none of the work.
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{ci, components, deps, dev, model, shell, tidy};

/// The developer's door to Magic Proxy.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build everything, start the small local model and the gateway, and stay until ctrl-c.
    Run(dev::Run),
    /// Check and test everything, or one crate.
    Test(ci::Test),
    /// Build the patterns and tools that changed into patterns/*.wasm and tools/*.wasm.
    Components,
    /// Fetch the small local model that everything can be tried with.
    Model {
        /// Serve it in the foreground until ctrl-c.
        #[arg(long)]
        serve: bool,
    },
    /// Check the house rules that neither the compiler nor clippy knows.
    Tidy,
    /// Check which crate may use which.
    Deps,
    /// Build for release and run the benchmarks; what follows is handed to them.
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Build for release and send very many requests, faults among them: fails where memory grows or anything is left over.
    Soak {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

/// Reads the command line, does what it says, and answers with the exit code.
pub fn main() -> ExitCode {
    // clap itself ends with 0 after --help and with 2 on a line it cannot read.
    match obey(Cli::parse().verb) {
        Ok(code) => code,
        Err(why) => {
            shell::say(&format!("{why:#}"));
            ExitCode::FAILURE
        }
    }
}

fn obey(verb: Verb) -> Result<ExitCode> {
    let root = shell::root();
    match verb {
        Verb::Run(run) => dev::run(&root, &run),
        Verb::Test(test) => ci::test(&root, &test),
        Verb::Components => components::build(&root).map(|_| ExitCode::SUCCESS),
        Verb::Model { serve: true } => dev::serve_model(&root).map(|()| ExitCode::SUCCESS),
        Verb::Model { serve: false } => {
            let model = model::ensure(&root)?;
            println!("{}", model.gguf.display());
            Ok(ExitCode::SUCCESS)
        }
        Verb::Tidy => Ok(verdict("tidy", &tidy::check(&root)?)),
        Verb::Deps => Ok(verdict("deps", &deps::check(&root)?)),
        Verb::Bench { args } => dev::bench(&root, &args).map(|()| ExitCode::SUCCESS),
        Verb::Soak { args } => dev::soak(&root, &args).map(|()| ExitCode::SUCCESS),
    }
}

/// Prints what a check found.
fn verdict(check: &str, findings: &[String]) -> ExitCode {
    for finding in findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => ExitCode::SUCCESS,
        found => {
            shell::say(&format!("{check}: {found} found"));
            ExitCode::FAILURE
        }
    }
}
