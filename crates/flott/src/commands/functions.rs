//! `flott functions`: what can be called in a query.

use std::collections::BTreeMap;

use flott_engine::{Error, Result};
use flott_sql::functions::{FunctionInfo, NOT_IN_FLINK};
use flott_sql::planner::catalog::catalog;

use super::{print, similar};
use crate::Exit;

const EXAMPLES: &str = "\
Examples:
  flott functions                list all functions
  flott functions split_index    what one does
  flott functions json           all whose name or group has 'json' in it";

/// List functions, or explain one
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The function, or a part of names or the name of a group
    name: Option<String>,
}

/// Runs the command.
pub fn main(args: Args) -> Result<Exit> {
    let mut all = catalog();
    all.sort_by_key(|f| f.name);
    let Some(name) = args.name else {
        print(&list(&all))?;
        return Ok(Exit::Done);
    };
    let lower = name.trim().trim_end_matches("()").to_ascii_lowercase();
    if let Some(function) = all.iter().find(|f| f.name.eq_ignore_ascii_case(&lower) || f.aliases.contains(&lower.as_str())) {
        print(&describe(function))?;
        return Ok(Exit::Done);
    }
    let matching: Vec<FunctionInfo> =
        all.iter().filter(|f| f.name.to_ascii_lowercase().contains(&lower) || f.category == lower).copied().collect();
    if !matching.is_empty() && !lower.is_empty() {
        print(&list(&matching))?;
        return Ok(Exit::Done);
    }
    let near = similar(&lower, all.iter().map(|f| f.name));
    let help = match near.is_empty() {
        true => "flott functions lists all of them".to_owned(),
        false => format!("did you mean {}?", near.join(" or ")),
    };
    Err(Error::config(format!("there is no function '{name}'")).help(help))
}

/// By group: the form of each call.
fn list(functions: &[FunctionInfo]) -> String {
    let mut groups: BTreeMap<&str, Vec<&FunctionInfo>> = BTreeMap::new();
    for function in functions {
        groups.entry(function.category).or_default().push(function);
    }
    let mut text = String::new();
    for (group, functions) in groups {
        let gap = if text.is_empty() { "" } else { "\n" };
        text.push_str(&format!("{gap}{group}\n"));
        for function in functions {
            text.push_str(&format!("  {}\n", function.signature));
        }
    }
    text
}

fn describe(function: &FunctionInfo) -> String {
    let mut text = format!("{}\n\n{}\n", function.signature, function.description);
    if !function.example.is_empty() {
        text.push_str(&format!("\nExample: {}\n", function.example));
    }
    match NOT_IN_FLINK.iter().find(|(name, _)| *name == function.name) {
        Some((_, help)) => text.push_str(&format!("\nNot in Flink 2.3: {help}.\n")),
        None => text.push_str("\nFlink has it too.\n"),
    }
    if !function.aliases.is_empty() {
        let aliases: Vec<String> = function.aliases.iter().map(|a| a.to_ascii_uppercase()).collect();
        text.push_str(&format!("\nAlso called {}.\n", aliases.join(", ")));
    }
    text
}
