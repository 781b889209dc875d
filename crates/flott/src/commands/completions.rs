//! `flott completions`: completion scripts for shells.

use clap::CommandFactory;
use clap_complete::{Shell, generate};
use flott_engine::Result;

use super::print;
use crate::{Cli, Exit};

const EXAMPLES: &str = "\
Examples:
  flott completions bash > ~/.local/share/bash-completion/completions/flott
  flott completions zsh > ~/.zfunc/_flott
  flott completions fish > ~/.config/fish/completions/flott.fish";

/// Write a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub fn main(args: Args) -> Result<Exit> {
    let mut script = vec![];
    generate(args.shell, &mut Cli::command(), "flott", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
