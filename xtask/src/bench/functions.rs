//! `bench functions`: the expressions that queries have most, beside plain loops.

use std::process::Command;

use crate::Result;

const TARGET: &str = "bench/FUNCTIONS.md";

/// Builds and runs the comparison; with a part of a name only those functions, and then nothing is written.
pub fn run(args: &[String]) -> Result<()> {
    let told = |e: std::io::Error| format!("cargo cannot be run: {e}");
    // With the binary in the set, so that dependencies are those of every other build.
    let build = ["build", "--release", "-p", "flott", "--bin", "flott", "--example", "against_loops"];
    let built = Command::new("cargo").args(build).status().map_err(told)?;
    if !built.success() {
        return Err("the comparison does not build".to_string());
    }
    let output = Command::new("target/release/examples/against_loops").args(args).output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let table = String::from_utf8_lossy(&output.stdout);
    println!("{table}");
    if args.is_empty() {
        let page = format!(
            "# Functions beside plain loops\n\nMade by `cargo xtask bench functions`: each expression, planned as that of a query is, over the same Arrow\narrays as a loop over their rows, as one would write it with `iter`, `map` and `collect`, in one run. {table}"
        );
        std::fs::write(TARGET, page).map_err(|e| format!("{TARGET}: {e}"))?;
    }
    Ok(())
}
