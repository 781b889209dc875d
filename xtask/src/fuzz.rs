//! `cargo xtask fuzz`: feeds mutations of a corpus to what reads input from outside, until something breaks or the time is over. Runs on a
//! stable compiler; with a nightly one, `cargo fuzz run TARGET` in the folder `fuzz` goes by what code is reached.

use std::path::Path;
use std::process::Command;

use crate::Result;

/// The targets, as they are called in `crates/flott/tests/fuzz`.
const TARGETS: &[&str] = &["avro", "changes", "csv", "json", "manifest", "protobuf", "sql"];
const USAGE: &str = "usage: cargo xtask fuzz TARGET|all [--seconds N] [--seed N]";

/// Runs the command.
pub fn run(args: &[String]) -> Result<()> {
    let (mut target, mut seconds, mut seed) = (None, 60u64, 1u64);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|n| n.parse().ok()).ok_or_else(|| format!("{arg} needs a number\n{USAGE}"));
        match arg.as_str() {
            "--seconds" => seconds = number()?,
            "--seed" => seed = number()?,
            name => target = Some(name.to_owned()),
        }
    }
    let target = target.ok_or(USAGE)?;
    let chosen: Vec<&str> = TARGETS.iter().copied().filter(|name| target == "all" || target == *name).collect();
    if chosen.is_empty() {
        return Err(format!("there is no target `{target}`; there are {}", TARGETS.join(", ")));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    chosen.into_iter().try_for_each(|name| drive(&root, name, seconds, seed))
}

fn drive(root: &Path, target: &str, seconds: u64, seed: u64) -> Result<()> {
    let status = Command::new("cargo")
        .args([
            "test",
            "--release",
            "--quiet",
            "--package",
            "flott",
            "--test",
            "fuzz",
            "--",
            "--ignored",
            "--exact",
            "drive",
            "--nocapture",
        ])
        .env("FLOTT_FUZZ_TARGET", target)
        .env("FLOTT_FUZZ_SECONDS", seconds.to_string())
        .env("FLOTT_FUZZ_SEED", seed.to_string())
        .current_dir(root)
        .status()
        .map_err(|e| format!("cannot run cargo: {e}"))?;
    if status.success() {
        return Ok(());
    }
    let input = root.join("target/fuzz").join(format!("{target}.input"));
    Err(format!("{target} breaks: see {}; when it is mended, the input belongs into fuzz/corpus/{target}", input.display()))
}
