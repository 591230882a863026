//! `cargo xtask test`: every check and every test, cheapest first, one stage at a time. What a stage needs from the
//! machine is `needs`'; how its results are counted is `tally`'s.
use std::{
    path::Path,
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, builder::PossibleValuesParser};

use crate::{components, deps, shell, supply, tidy};
use needs::Needs;
use one::One;
use tally::Tally;

pub(crate) mod needs;
mod one;
mod tally;

/// The exit code that clap has for a line it cannot read.
const NOT_UNDERSTOOD: u8 = 2;

#[derive(Args)]
pub(crate) struct Test {
    /// One crate, one guest, or `frontend`; everything unless given.
    name: Option<String>,
    /// Only this stage.
    #[arg(long, value_name = "STAGE", conflicts_with = "name", value_parser = stage_names())]
    only: Option<String>,
    /// Go on after a stage that failed.
    #[arg(long)]
    keep_going: bool,
    /// Handed to the tests of the named crate, such as a filter.
    #[arg(last = true, requires = "name")]
    args: Vec<String>,
}

struct Stage {
    name: &'static str,
    what: &'static str,
    run: fn(&mut Ground<'_>, &mut Tally) -> Result<()>,
}

/// What the stages share.
struct Ground<'a> {
    root: &'a Path,
    /// Made by the first stage that asks for it.
    needs: Option<Needs>,
}

/// In the order in which a mistake is cheapest to find.
const STAGES: &[Stage] = &[
    Stage { name: "fmt", what: "formatting of the host and of the guests", run: fmt },
    Stage { name: "tidy", what: "house rules", run: tidies },
    Stage { name: "deps", what: "which crate may use which", run: depends },
    Stage { name: "supply", what: "where others' code comes from, its licences and advisories", run: supplies },
    Stage { name: "clippy", what: "lints, warnings denied", run: clippy },
    Stage { name: "alone", what: "each pure crate compiles by itself", run: alone },
    Stage { name: "components", what: "patterns and tools", run: builds_components },
    Stage { name: "unit", what: "tests of every crate", run: unit },
    Stage { name: "guests", what: "lints and native tests of the guests", run: guests },
    Stage { name: "frontend", what: "tests of the page's modules", run: frontend },
    Stage { name: "needs", what: "model, clients and browser for the integration tests", run: prepare },
    Stage { name: "integration", what: "the gateway as a whole", run: integration },
];

/// Runs the stages, or the tests of one crate. The last line on stdout is `N passed, N failed`.
pub(crate) fn test(root: &Path, test: &Test) -> Result<ExitCode> {
    let mut tally = Tally::default();
    let mut ground = Ground { root, needs: None };
    let good = match &test.name {
        Some(name) => {
            let Some(one) = One::find(root, name)? else {
                shell::say(&format!("nothing is named `{name}`; there are: {}", one::names(root)?.join(", ")));
                return Ok(ExitCode::from(NOT_UNDERSTOOD));
            };
            let done = one.test(&mut ground, &test.args, &mut tally);
            report(done, &format!("cargo xtask test {name}"), &mut tally)
        }
        None => stages(&mut ground, test, &mut tally),
    };
    println!("{tally}");
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn stages(ground: &mut Ground<'_>, test: &Test, tally: &mut Tally) -> bool {
    let mut failed = Vec::new();
    let wanted = |stage: &&Stage| test.only.as_deref().is_none_or(|only| only == stage.name);
    for stage in STAGES.iter().filter(wanted) {
        shell::say(&format!("== {}: {}", stage.name, stage.what));
        let begun = Instant::now();
        let mut own = Tally::default();
        let done = (stage.run)(ground, &mut own);
        own.settle(done.is_ok());
        tally.add(own);
        shell::say(&format!("== {}: {own}, {}", stage.name, shell::spell(begun.elapsed())));
        if !report(done, &format!("cargo xtask test --only {}", stage.name), tally) {
            failed.push(stage.name);
            if !test.keep_going {
                break;
            }
        }
    }
    if let [_, _, ..] = failed.as_slice() {
        shell::say(&format!("failed: {}", failed.join(", ")));
    }
    failed.is_empty()
}

/// Says why it failed and how to run it alone.
fn report(done: Result<()>, alone: &str, tally: &mut Tally) -> bool {
    let good = done.is_ok();
    if let Err(why) = done {
        shell::say(&format!("FAILED: {why:#}\n       alone: {alone}"));
    }
    tally.settle(good);
    good
}

fn stage_names() -> PossibleValuesParser {
    PossibleValuesParser::new(STAGES.iter().map(|stage| stage.name))
}

// === the stages ===

fn fmt(ground: &mut Ground<'_>, _: &mut Tally) -> Result<()> {
    needs::cargo_verb(ground.root, "fmt", "rustfmt")?;
    for workspace in ["Cargo.toml", GUESTS] {
        shell::run(shell::cargo(ground.root).args(["fmt", "--manifest-path", workspace, "--all", "--", "--check"]))
            .with_context(|| format!("cure: cargo fmt --manifest-path {workspace} --all"))?;
    }
    Ok(())
}

fn tidies(ground: &mut Ground<'_>, _: &mut Tally) -> Result<()> {
    none_found(&tidy::check(ground.root)?)
}

fn depends(ground: &mut Ground<'_>, _: &mut Tally) -> Result<()> {
    none_found(&deps::check(ground.root)?)
}

fn supplies(ground: &mut Ground<'_>, _: &mut Tally) -> Result<()> {
    none_found(&supply::check(ground.root)?)
}

fn clippy(ground: &mut Ground<'_>, _: &mut Tally) -> Result<()> {
    needs::cargo_verb(ground.root, "clippy", "clippy")?;
    let mut clippy = shell::cargo(ground.root);
    shell::run(clippy.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// With the whole workspace built at once, a crate may lean on a feature that only its neighbour turned on.
fn alone(ground: &mut Ground<'_>, _: &mut Tally) -> Result<()> {
    for name in deps::pure_crates() {
        shell::run(shell::cargo(ground.root).args(["check", "--quiet", "-p", name]))?;
    }
    Ok(())
}

fn builds_components(ground: &mut Ground<'_>, _: &mut Tally) -> Result<()> {
    components::build(ground.root).map(drop)
}

fn unit(ground: &mut Ground<'_>, tally: &mut Tally) -> Result<()> {
    // The whole workspace, as for the integration tests: another choice of packages would mean other features, and
    // wasmtime compiled twice.
    let mut cargo = shell::cargo(ground.root);
    cargo.args(["test", "--workspace", "--lib", "--bins", "--no-fail-fast"]);
    for target in deps::test_targets(ground.root)?.iter().filter(|name| *name != INTEGRATION) {
        cargo.args(["--test", target]);
    }
    counted(&mut cargo, tally)
}

fn guests(ground: &mut Ground<'_>, tally: &mut Tally) -> Result<()> {
    let mut clippy = guest_cargo(ground.root, "clippy");
    shell::run(clippy.args(["--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    counted(guest_cargo(ground.root, "test").args(["--workspace", "--no-fail-fast"]), tally)
}

fn frontend(ground: &mut Ground<'_>, tally: &mut Tally) -> Result<()> {
    let tests = needs::scripts(&ground.root.join("frontend/tests"))?;
    if tests.is_empty() {
        shell::say("there are none");
        return Ok(());
    }
    let mut node = Command::new(needs::node()?);
    node.args(["--test", "--test-reporter=spec"]).args(tests).current_dir(ground.root);
    counted(&mut node, tally)
}

fn prepare(ground: &mut Ground<'_>, _: &mut Tally) -> Result<()> {
    ground.needs().map(drop)
}

fn integration(ground: &mut Ground<'_>, tally: &mut Tally) -> Result<()> {
    integration_with(ground, &[], tally)
}

// === what they share ===

const GUESTS: &str = "sdk/Cargo.toml";
/// The one integration binary, of package `magic-tests`.
const INTEGRATION: &str = "it";

const VENDORS_KEYS: [&str; 9] = [
    "OPENAI_API_KEY",
    "AZURE_OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "ANTHROPIC_API_KEY",
    "MISTRAL_API_KEY",
    "DEEPSEEK_API_KEY",
    "GROQ_API_KEY",
    "OPENROUTER_API_KEY",
    "TOGETHER_API_KEY",
];

/// The integration tests with what they need, and with a filter if one is given.
fn integration_with(ground: &mut Ground<'_>, args: &[String], tally: &mut Tally) -> Result<()> {
    if !deps::test_targets(ground.root)?.iter().any(|name| name == INTEGRATION) {
        shell::say("there are none");
        return Ok(());
    }
    let mut cargo = shell::cargo(ground.root);
    cargo.args(["test", "--workspace", "--test", INTEGRATION, "--"]).args(args).envs(ground.needs()?.env());
    // A real vendor's key would join the scripted pools, and be sent to a scripted vendor.
    VENDORS_KEYS.iter().for_each(|name| {
        cargo.env_remove(name);
    });
    counted(&mut cargo, tally)
}

/// Cargo on the guests' workspace, for this machine. Their wasm builds have a folder of their own.
fn guest_cargo(root: &Path, verb: &str) -> Command {
    let mut cargo = shell::cargo(root);
    cargo.args([verb, "--manifest-path", GUESTS, "--target-dir"]).arg(shell::target(root).join("guests-native"));
    cargo
}

/// Runs tests, passes on what they say and counts them.
fn counted(command: &mut Command, tally: &mut Tally) -> Result<()> {
    shell::lines(command, |line| {
        println!("{line}");
        tally.read(line);
    })
}

fn none_found(findings: &[String]) -> Result<()> {
    for finding in findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} found", findings.len());
    }
    Ok(())
}

// === impl Ground ===

impl Ground<'_> {
    fn needs(&mut self) -> Result<&Needs> {
        let needs = match self.needs.take() {
            Some(needs) => needs,
            None => Needs::prepare(self.root)?,
        };
        Ok(self.needs.insert(needs))
    }
}
