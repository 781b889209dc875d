//! The binary `flott`: its subcommands, its exit codes, and nothing that a library could use.

#[global_allocator]
static HEAP: flott_memory::Heap = flott_memory::Heap;

mod commands;
mod output;
mod signals;
mod terminal;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use flott_engine::ErrorKind;

use commands::{check, completions, connectors, explain, functions, generate, run, state};
use terminal::diagnostics;
use terminal::style::Style;

/// Every exit code there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All of it is done. Also after SIGTERM, when the job could stop in good order.
    Done = 0,
    /// A job failed while it ran: bad data, or reading or writing went wrong.
    Failed = 1,
    /// The command line or the script is wrong, or a table cannot be opened. Nothing ran, unless a job before it in the script did.
    Wrong = 2,
    /// The checkpoints cannot be used: damaged, in use, or of another job. They were not touched.
    State = 3,
    /// Ctrl-C. After the first one jobs stop in good order, a second one ends the process at once.
    Interrupted = 130,
    /// A second SIGTERM ended the process at once.
    Terminated = 143,
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Data | ErrorKind::Io | ErrorKind::Full | ErrorKind::Unreachable | ErrorKind::Internal => Exit::Failed,
            ErrorKind::Config => Exit::Wrong,
            ErrorKind::State => Exit::State,
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done; also after SIGTERM, when the job stopped in good order
  1    a job failed while it ran (bad data, or reading or writing went wrong)
  2    the command line or the script is wrong, or a table cannot be opened
  3    the checkpoints cannot be used
  130  stopped by Ctrl-C (once: in good order; twice: at once)
  143  a second SIGTERM ended the process at once

Try it:
  flott run -e \"SELECT UPPER('hello') AS greeting\"
  flott generate nexmark --events 100000 --out events.json
  flott run pipeline.sql
  flott check pipeline.sql
  flott functions regexp_extract";

/// Flott runs Flink SQL over streams and files, in one process.
///
/// Tables are declared with CREATE TABLE and a connector, INSERT INTO starts a job, SELECT shows its rows. Results are those
/// of Apache Flink, which runs the same script unchanged.
#[derive(Debug, Parser)]
#[command(name = "flott", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Explain(explain::Args),
    State(state::Args),
    Generate(generate::Args),
    Connectors(connectors::Args),
    Functions(functions::Args),
    Completions(completions::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let exit = flott_sql::stack::deep(|| match cli.command {
        Command::Run(args) => run::main(args),
        Command::Check(args) => check::main(args),
        Command::Explain(args) => explain::main(args),
        Command::State(args) => state::main(args),
        Command::Generate(args) => generate::main(args),
        Command::Connectors(args) => connectors::main(args),
        Command::Functions(args) => functions::main(args),
        Command::Completions(args) => completions::main(args),
    });
    let exit = exit.unwrap_or_else(|error| {
        eprint!("{}", diagnostics::engine_error(&error, None, Style::of_stderr()));
        error.kind.into()
    });
    ExitCode::from(exit as u8)
}
