//! An hour of synthetic traffic through each strategy: latency, cost and errors against the ordered chain, as docs/ROUTING.md
//! shows them. `cargo run -p magic-routing --example strategies [SEED]`
#![expect(clippy::print_stdout, reason = "it is there to print")]

#[path = "strategies/hour.rs"]
mod hour;

fn main() {
    let seed = std::env::args().nth(1).and_then(|seed| seed.parse().ok()).unwrap_or(hour::SEED);
    print!("{}", hour::table(&hour::all(seed)));
}
