//! `flott check`: finds every error of a script without running it, and what of it Flink would not take.

use std::path::PathBuf;

use clap::ValueHint;
use flott::{Effect, RunOptions, check_script};
use flott_engine::Result;

use super::run::exit_of;
use super::{print, read_script};
use crate::Exit;
use crate::terminal::diagnostics::{self, Script};
use crate::terminal::figures::counted;
use crate::terminal::style::Style;

const EXAMPLES: &str = "\
Examples:
  flott check pipeline.sql            all errors at once, each at its place
  flott check *.sql && echo fine      exit code 2 if there is any error
  flott check -e \"SELECT 1 + 'a'\"

Statements are parsed and planned, and the options of tables are checked. Nothing is read, written or connected to.
What Flink would not take as it is gets a warning at its place, which does not fail the check.";

/// Find every error of a script without running it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The scripts; - reads one from standard input
    #[arg(required_unless_present = "execute", value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// A script itself, instead of files
    #[arg(short = 'e', long = "execute", value_name = "SQL", allow_hyphen_values = true, conflicts_with = "files")]
    execute: Option<String>,
}

/// Runs the command.
pub fn main(args: Args) -> Result<Exit> {
    let style = Style::of_stderr();
    let mut exit = Exit::Done;
    let written = args.execute.map(|text| Ok(Script { name: "<command line>".to_owned(), text }));
    for script in written.into_iter().chain(args.files.iter().map(|file| read_script(file))) {
        let script = script?;
        match check_script(&script.text, &RunOptions::default()).and_then(|plan| plan.into_steps()) {
            Ok(steps) => {
                for step in &steps {
                    step.not_portable.iter().for_each(|note| eprint!("{}", diagnostics::warning(&script, note, style)));
                    if let Effect::Note(text) = &step.effect {
                        eprintln!("{}: {}, line {}: {text}", style.help("note"), script.name, script.line_of(step.range.start));
                    }
                }
                let jobs = steps.iter().filter(|s| matches!(s.effect, Effect::Job(_))).count();
                let (statements, jobs) = (counted(steps.len() as u64, "statement"), counted(jobs as u64, "job"));
                print(&format!("{}: {statements}, {jobs}, no errors\n", script.name))?;
            }
            Err(failure) => {
                eprint!("{}", diagnostics::failure(&script, &failure, style));
                exit = exit_of(&failure);
            }
        }
    }
    Ok(exit)
}
