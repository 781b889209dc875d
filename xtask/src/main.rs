//! Entry of `cargo xtask`: one sub-command per module, and nothing else.

mod bench;
mod compatibility;
mod flink;
mod fuzz;
mod goldens;
mod random;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

commands:
  bench [--events N] [--only q0,q5] [--runs R] [--datagen] [--skip-flink] [--flott FILE]
                                 measure Flott beside a real Flink and write bench/RESULTS.md
  bench functions [NAME]         measure functions beside plain loops and write bench/FUNCTIONS.md
  compatibility                  write docs/flink-compatibility.md from the parity cases
  fuzz TARGET|all [--seconds N] [--seed N]
                                 feed mutations of fuzz/corpus to what reads input from outside
  goldens [--missing] [FILTER]   run the parity cases on a real Flink and write their goldens
  random [--seed N] [--expressions N] [--depth D] [--rounds R]
                                 compare random expressions with a real Flink and minimise what differs
  tidy                           check the rules of the house that the compiler does not know";

/// Result of a sub-command. The error is text for the person who started it.
pub type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.first().map(String::as_str) {
        Some("bench") => bench::run(&args[1..]),
        Some("compatibility") => compatibility::run(&args[1..]),
        Some("fuzz") => fuzz::run(&args[1..]),
        Some("goldens") => goldens::run(&args[1..]),
        Some("random") => random::run(&args[1..]),
        Some("tidy") => tidy::run(&args[1..]),
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}");
            Ok(())
        }
        Some(other) => Err(format!("unknown command `{other}`\n\n{USAGE}")),
        None => Err(USAGE.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
