//! `flott state`: what lies in checkpoints and savepoints.

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};
use flott::{DEFAULT_STATE_DIR, Location};
use flott_checkpoint::Saved;
use flott_engine::Result;
use flott_engine::change::PartKind;
use flott_engine::checkpoint::{SplitState, TableState};
use flott_engine::time::{END_OF_TIME, NO_WATERMARK};
use serde_json::Value;

use super::print;
use crate::Exit;
use crate::terminal::figures::{bytes, count, counted, one_line, watermark};
use crate::terminal::text_table::TextTable;

mod export;

const EXAMPLES: &str = "\
Examples:
  flott state list                                    all checkpoints and savepoints in .flott
  flott state list s3://bucket/jobs                   and elsewhere
  flott state show .flott/checkpoints/insert-into_default_catalog.default_database.hourly
  flott state verify savepoints/savepoint-hourly-000012-0000000001
  flott state export .flott/checkpoints/hourly out    a file of JSON lines for each state table

Nothing is changed. A job may run meanwhile: what it deletes in between is then said to be missing.";

/// Longest piece of a position or progress that is shown, in characters.
const TEXT_CHARS_MAX: usize = 100;
/// Splits shown of a source.
const SPLITS_SHOWN: usize = 20;

/// Look into checkpoints and savepoints
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List checkpoints and savepoints with time, size and positions
    List {
        /// A state folder, a folder of savepoints, or that of one job; s3://bucket/folder, gs://… and az://…, too
        #[arg(default_value = DEFAULT_STATE_DIR, value_hint = ValueHint::DirPath)]
        dir: String,
    },
    /// Show what one holds: positions, operators, tables, rows, what sinks have to do yet
    Show {
        #[command(flatten)]
        which: Which,
    },
    /// Read all files and compare them with their checksums; exit code 3 if any is damaged
    Verify {
        /// The folder of a job's checkpoints, or of a savepoint
        #[arg(value_hint = ValueHint::DirPath)]
        dir: String,
    },
    /// Write the state as JSON lines, a file for each operator and table
    Export {
        #[command(flatten)]
        which: Which,
        /// The folder that is written, made if need be
        #[arg(value_hint = ValueHint::DirPath)]
        out: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The folder of a job's checkpoints, or of a savepoint
    #[arg(value_hint = ValueHint::DirPath)]
    dir: String,
    /// Number of the checkpoint [default: the newest]
    #[arg(long, value_name = "N")]
    checkpoint: Option<u64>,
}

impl Which {
    fn read(&self) -> Result<(Saved, Vec<TableState>)> {
        flott_checkpoint::tables(&Location::parse(&self.dir)?, self.checkpoint)
    }
}

/// Runs the command.
pub fn main(args: Args) -> Result<Exit> {
    match args.command {
        Command::List { dir } => list(&Location::parse(&dir)?),
        Command::Show { which } => {
            let (saved, tables) = which.read()?;
            print(&show(&saved, &tables))?;
            Ok(Exit::Done)
        }
        Command::Verify { dir } => verify(&Location::parse(&dir)?),
        Command::Export { which, out } => {
            let (saved, tables) = which.read()?;
            print(&export::write(&saved, &tables, &out)?)?;
            Ok(Exit::Done)
        }
    }
}

/// What lies in a folder, and in the folders in it where jobs have theirs.
fn list(dir: &Location) -> Result<Exit> {
    let (mut found, mut damaged) = flott_checkpoint::all(dir)?;
    if found.is_empty() && damaged.is_empty() {
        let below = dir.folders()?.into_iter().chain(dir.join("checkpoints").folders()?);
        for folder in below {
            let (whole, spoilt) = flott_checkpoint::all(&folder)?;
            found.extend(whole);
            damaged.extend(spoilt);
        }
    }
    if found.is_empty() && damaged.is_empty() {
        if !dir.is_there()? {
            return Err(flott_checkpoint::nowhere(dir));
        }
        print(&format!("there are no checkpoints and no savepoints in {dir}\n"))?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    let mut table = TextTable::of_texts(&["kind", "number", "taken (UTC)", "size", "read", "job", "folder"]).wide();
    table.fit(&rows);
    print(&(table.header() + &table.body(&rows)))?;
    for why in &damaged {
        print(&format!("damaged: {why}\n"))?;
    }
    Ok(Exit::Done)
}

fn kind(saved: &Saved) -> &'static str {
    if saved.savepoint { "savepoint" } else { "checkpoint" }
}

fn row(saved: &Saved) -> Vec<String> {
    let rows: u64 = saved.splits.iter().map(|s| s.rows).sum();
    vec![
        kind(saved).to_owned(),
        saved.epoch.to_string(),
        watermark(saved.taken_ms),
        bytes(saved.bytes),
        counted(rows, "row"),
        saved.job.clone(),
        saved.location.to_string(),
    ]
}

fn verify(dir: &Location) -> Result<Exit> {
    let (found, damaged) = (flott_checkpoint::verify(dir)?, flott_checkpoint::all(dir)?.1);
    if found.is_empty() && damaged.is_empty() {
        return Err(flott_checkpoint::nothing_in(dir));
    }
    let mut exit = if damaged.is_empty() { Exit::Done } else { Exit::State };
    for why in damaged {
        print(&format!("damaged: {why}\n"))?;
    }
    for (saved, outcome) in found {
        let name = format!("{} {} of {}", kind(&saved), saved.epoch, watermark(saved.taken_ms));
        match outcome {
            Ok(()) => print(&format!("{name}: whole, {} in {}\n", bytes(saved.bytes), counted(saved.files as u64, "file")))?,
            Err(why) => {
                exit = Exit::State;
                print(&format!("{name}: damaged: {why}\n"))?;
            }
        }
    }
    Ok(exit)
}

fn show(saved: &Saved, tables: &[TableState]) -> String {
    let mut text = format!("{} {} of the job {}\n", kind(saved), saved.epoch, saved.job);
    let mut tell = |line: String| text.push_str(&format!("  {line}\n"));
    tell(format!("taken {} UTC by instance {}, {} in {}", watermark(saved.taken_ms), saved.generation, bytes(saved.bytes), saved.location));
    if saved.finished {
        tell("all input was read".to_owned());
    }
    for (number, part) in saved.parts.iter().enumerate() {
        tell(part.title.clone());
        match part.kind {
            PartKind::Source => positions(saved, number).into_iter().for_each(|line| tell(format!("  {line}"))),
            PartKind::Operator => table_lines(tables, number).into_iter().for_each(|line| tell(format!("  {line}"))),
            PartKind::Sink => {
                for sink in saved.sinks.iter().filter(|s| s.node == number && !s.progress.is_empty()) {
                    tell(format!("  progress {}", short(&sink.progress)));
                }
                let epochs: Vec<String> = saved.outbox.iter().filter(|o| o.0 == number).map(|o| o.1.to_string()).collect();
                if !epochs.is_empty() {
                    tell(format!("  to be delivered: the output of {}", epochs.join(", ")));
                }
            }
        }
    }
    text
}

fn short(text: &str) -> String {
    crate::terminal::figures::cut(&one_line(text), TEXT_CHARS_MAX)
}

fn positions(saved: &Saved, number: usize) -> Vec<String> {
    let own: Vec<&SplitState> = saved.splits.iter().filter(|s| s.node == number).collect();
    let mut lines: Vec<String> = own.iter().take(SPLITS_SHOWN).map(|split| split_line(split)).collect();
    if own.len() > SPLITS_SHOWN {
        lines.push(format!("and {} more splits", own.len() - SPLITS_SHOWN));
    }
    // A table without a WATERMARK has the end of time from its beginning.
    let ended = saved.finished || (!own.is_empty() && own.iter().all(|split| split.ended));
    let times = saved.watermarks.iter().filter(|(node, ms)| *node == number && *ms != NO_WATERMARK && (ended || *ms != END_OF_TIME));
    lines.extend(times.map(|(_, ms)| format!("watermark {}", watermark(*ms))));
    lines
}

/// Where reading goes on in a split, for people.
pub fn split_line(split: &SplitState) -> String {
    let at = match &split.position {
        _ if split.ended => "read to its end".to_owned(),
        Some(position) => format!("at {}", place(position, split.rows_taken)),
        None => "at its beginning".to_owned(),
    };
    format!("{}: {}, {at}", split.id, counted(split.rows, "row"))
}

/// A position and so many rows further, as people count: in a source's own form there is more than the place.
fn place(position: &str, further: u64) -> String {
    let fields: Value = serde_json::from_str(position).unwrap_or_default();
    let number = |key: &str| fields.get(key).and_then(Value::as_u64);
    let place = match (number("row"), number("event"), number("offset"), fields.as_u64()) {
        (Some(row), ..) => return format!("row {}", count(row.saturating_add(further))),
        (_, Some(event), ..) => format!("event {}", count(event)),
        (_, _, Some(bytes), _) => format!("byte {}", count(bytes)),
        (.., Some(offset)) => format!("offset {offset}"),
        _ => short(position),
    };
    if further == 0 { place } else { format!("{place} and {} further", counted(further, "row")) }
}

/// Bytes of a table's rows, without what lies between them.
fn memory(table: &TableState) -> usize {
    table.rows.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or_default()).sum()
}

fn table_lines(tables: &[TableState], number: usize) -> Vec<String> {
    let mut names: Vec<&str> = tables.iter().filter(|t| t.node == number).map(|t| t.table.as_str()).collect();
    names.dedup();
    let line = |name: &&str| {
        let own = || tables.iter().filter(|t| t.node == number && t.table == *name);
        let (rows, size) = own().fold((0, 0), |(rows, size), t| (rows + t.rows.num_rows(), size + memory(t)));
        format!("table {name}: {}, about {}", counted(rows as u64, "row"), bytes(size as u64))
    };
    if names.is_empty() { vec!["empty".to_owned()] } else { names.iter().map(line).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_told_as_people_count() {
        assert_eq!(place("{\"row\":199570,\"rows\":256,\"seed\":7,\"time_ms\":1}", 111), "row 199,681");
        assert_eq!(place("{\"offset\":1234,\"size\":9999,\"modified_ms\":1}", 1), "byte 1,234 and 1 row further");
        assert_eq!(place("{\"event\":1000,\"base_time_ms\":1}", 0), "event 1,000");
        assert_eq!(place("199857", 0), "offset 199857");
        assert_eq!(place("elsewhere", 2), "elsewhere and 2 rows further");
    }
}
