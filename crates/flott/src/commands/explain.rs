//! `flott explain`: shows how the jobs of a script would run.

use clap::ValueHint;
use flott::{Effect, RunOptions, plan_script};
use flott_engine::Result;

use super::run::exit_of;
use super::{ScriptArgs, print};
use crate::Exit;
use crate::output::{self, Format};
use crate::terminal::diagnostics;
use crate::terminal::screen::Screen;
use crate::terminal::style::Style;

const EXAMPLES: &str = "\
Examples:
  flott explain pipeline.sql
  flott explain -e \"SELECT 1 + 1\"
  flott explain --change old.sql new.sql
  flott explain --change .flott new.sql

Shows the plan of every INSERT and SELECT, and answers the script's own SHOW, DESCRIBE and EXPLAIN.
Nothing is read, written or connected to.";

/// Show how the jobs of a script would run
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    script: ScriptArgs,
    /// Tells what becomes of the state of a job that runs this older script, or of these checkpoints or this savepoint, when it is started
    /// again with the script; exit code 3 if some of it would not fit
    #[arg(long, value_name = "OLD", value_hint = ValueHint::AnyPath)]
    change: Option<String>,
}

/// Runs the command.
pub fn main(args: Args) -> Result<Exit> {
    let script = args.script.read()?;
    let options = RunOptions::default();
    if let Some(old) = &args.change {
        return super::change::main(old, &script, &options);
    }
    let steps = match plan_script(&script.text, &options).and_then(|plan| plan.into_steps()) {
        Ok(steps) => steps,
        Err(failure) => {
            eprint!("{}", diagnostics::failure(&script, &failure, Style::of_stderr()));
            return Ok(exit_of(&failure));
        }
    };
    let several = steps.iter().filter(|s| !matches!(s.effect, Effect::Done(_) | Effect::Note(_))).count() > 1;
    let screen = Screen::new(options.stop.clone());
    let mut shown = 0;
    for step in steps {
        if matches!(step.effect, Effect::Done(_) | Effect::Note(_)) {
            continue;
        }
        if several {
            let gap = if shown > 0 { "\n" } else { "" };
            print(&format!("{gap}-- {}:{}\n", script.name, script.line_of(step.range.start)))?;
        }
        shown += 1;
        match step.effect {
            Effect::Job(job) => print(&(job.explain().trim_end().to_owned() + "\n"))?,
            Effect::Table { columns, rows } => output::answer(None, Format::Table, &columns, &rows, &screen)?,
            Effect::Done(_) | Effect::Note(_) | Effect::Quit => {}
        }
    }
    Ok(Exit::Done)
}
