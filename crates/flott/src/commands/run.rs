//! `flott run`: runs a script.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use clap::ValueHint;
use flott::{DEFAULT_STATE_DIR, Failure, Host, JobReport, JobStart, Outcome, ResultSchema, RunOptions, StopFlag, run_script};
use flott_checkpoint::{BEGINS_FROM_SAVEPOINT, Location};
use flott_connectors::options::parse_bytes;
use flott_engine::progress::Progress;
use flott_engine::sink::Sink;
use flott_engine::{Error, Result};
use flott_memory::{Limit, LimitError};

use super::ScriptArgs;
use super::state::split_line;
use crate::Exit;
use crate::output::{self, Format, LiveTable};
use crate::signals::Signals;
use crate::terminal::figures::{bytes, table_name, watermark};
use crate::terminal::progress::Monitor;
use crate::terminal::screen::Screen;
use crate::terminal::{diagnostics, summary};

const EXAMPLES: &str = "\
Examples:
  flott run pipeline.sql
  flott run -o csv -e \"SELECT 1 AS a\"
  flott run pipeline.sql | jq .price      rows in a pipe are JSON lines
  flott run --set execution.checkpointing.interval=10s pipeline.sql
  flott run --memory 2G pipeline.sql     state beyond 2 GiB lies on disk

The statements run in order, each INSERT and SELECT to its end; those in a
statement set run as one job. Nothing runs unless the whole script is right.
Progress and a summary go to standard error, rows to standard output.

Ctrl-C stops the job in good order: with checkpoints the same command goes on
from there, without them the output so far is finished. A second Ctrl-C ends
the process at once.";

/// Run a script
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    script: ScriptArgs,
    /// How the rows of a SELECT are written [default: table on a terminal, jsonl elsewhere]
    #[arg(short, long, value_enum)]
    output: Option<Format>,
    /// Number of workers; wins over the script's SET 'parallelism.default', which is 1 if not set
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    parallelism: Option<u16>,
    /// Sets an option before the script begins, as SET does; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    /// Throws away the checkpoints of the script's jobs and starts over. What was written before stays: the rows of complete files
    /// and of other tables come again; only hidden files that were not complete are removed
    #[arg(long)]
    fresh: bool,
    /// Folder for checkpoints, unless the script sets execution.checkpointing.dir; also s3://bucket/folder
    /// (or s3a://), gs://… and az://…
    #[arg(long, value_name = "DIR", default_value = DEFAULT_STATE_DIR, value_hint = ValueHint::DirPath)]
    state_dir: PathBuf,
    /// Leaves a savepoint in this folder when the job is stopped by Ctrl-C or SIGTERM, and one more at each SIGUSR1: a copy of all
    /// state that needs nothing else and is never deleted by Flott
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    savepoint: Option<String>,
    /// Begins from a savepoint (or the newest checkpoint in a folder), unless the job has checkpoints of its own
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    from_savepoint: Option<String>,
    /// Goes on after a change of the query also if some state does not fit: it is dropped, and what is new begins empty
    #[arg(long)]
    allow_dropped_state: bool,
    /// Most memory that the process keeps in RAM, for example 2G; state beyond it lies in a file in the folder for checkpoints
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory: Option<Size>,
    /// Shows no progress and no summary; errors and dropped rows are reported all the same
    #[arg(short, long)]
    quiet: bool,
    /// Most rows in a tick
    #[arg(long, value_name = "N", hide = true)]
    tick_rows: Option<usize>,
    /// Takes a checkpoint after so many ticks
    #[arg(long, value_name = "N", hide = true)]
    checkpoint_every_ticks: Option<u64>,
    /// Stops each job dead after so many ticks, as if the process had been killed
    #[arg(long, value_name = "N", hide = true)]
    abandon_after_ticks: Option<u64>,
}

/// Splits of each source that are told when a job goes on.
const SPLITS_SHOWN: usize = 4;

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => Err("write key=value, for example table.local-time-zone=UTC".to_owned()),
    }
}

/// A size, and how it was written.
#[derive(Debug, Clone)]
struct Size {
    text: String,
    bytes: u64,
}

fn memory(text: &str) -> Result<Size, String> {
    let bytes = parse_bytes(text).ok_or_else(|| "write a number and a unit, for example 512M or 2G".to_owned())?;
    Ok(Size { text: text.to_owned(), bytes })
}

/// Bounds the memory of the process; a run that breaks the bound is stopped.
fn limit_memory(limit: &Size, state_dir: &Path, stop: &StopFlag) -> Result<Limit> {
    let stop = stop.clone();
    let folder = match Location::parse(&state_dir.to_string_lossy())? {
        Location::Local(folder) => folder,
        Location::Remote(..) => std::env::temp_dir(),
    };
    flott_memory::limit(limit.bytes, &folder, move || stop.set()).map_err(|error| match error {
        LimitError::TooSmall => Error::config(format!("--memory {}: {error}", limit.text)),
        _ => Error::config(format!("--memory cannot be kept: {error}")).help(format!("folder: {}", folder.display())),
    })
}

/// The bound was broken, and the run stopped for that.
fn broken(limit: &Limit) -> Error {
    let text = format!("the disk is full, so that state beyond --memory finds no room ({} lie there)", bytes(limit.file_bytes()));
    Error::io(text).help("make room on the disk or give more memory; with checkpoints the same command goes on from here")
}

/// Runs the command.
pub fn main(args: Args) -> Result<Exit> {
    let script = args.script.read()?;
    let stop = StopFlag::default();
    let savepoint_now = StopFlag::default();
    let limit = args.memory.as_ref().map(|limit| limit_memory(limit, &args.state_dir, &stop)).transpose()?;
    let signals = Signals::watch(&stop, &savepoint_now)?;
    let options = RunOptions {
        settings: args.set,
        parallelism: args.parallelism.map(usize::from),
        tick_rows_max: args.tick_rows,
        fresh: args.fresh,
        state_dir: args.state_dir,
        checkpoint_every_ticks: args.checkpoint_every_ticks,
        abandon_after_ticks: args.abandon_after_ticks,
        savepoint: args.savepoint,
        from_savepoint: args.from_savepoint,
        allow_dropped_state: args.allow_dropped_state,
        savepoint_now,
        stop: stop.clone(),
        ..RunOptions::default()
    };
    let screen = Screen::new(stop);
    let mut host = TerminalHost::new(screen.clone(), args.output, args.quiet);
    let outcome = run_script(&script.text, &options, &mut host);
    screen.clear();
    if let Some(limit) = limit.as_ref().filter(|_| !args.quiet) {
        let (most, file) = (bytes(limit.most_bytes()), bytes(limit.file_bytes()));
        screen.tell(&format!("memory: at most {most} in RAM; the heap takes {file} of the disk\n"));
    }
    if let Some(limit) = limit.as_ref().filter(|limit| limit.is_broken()) {
        return Err(broken(limit));
    }
    match outcome {
        Ok(Outcome::Finished | Outcome::Abandoned) => Ok(Exit::Done),
        Ok(Outcome::Stopped) => Ok(signals.exit_of_stopped_run()),
        Err(failure) => {
            screen.tell(&diagnostics::failure(&script, &failure, screen.style()));
            Ok(exit_of(&failure))
        }
    }
}

/// Exit code of a failure.
pub fn exit_of(failure: &Failure) -> Exit {
    failure.kind().into()
}

/// Shows a run on the terminal, or writes it to pipes and files.
struct TerminalHost {
    screen: Screen,
    stdout: Arc<Mutex<Screen>>,
    format: Option<Format>,
    quiet: bool,
    monitor: Monitor,
    table: Option<LiveTable>,
    told_resume: bool,
    /// How many of the job's notes were shown.
    told_notes: usize,
}

impl TerminalHost {
    fn new(screen: Screen, format: Option<Format>, quiet: bool) -> Self {
        Self {
            stdout: Arc::new(Mutex::new(screen.clone())),
            screen,
            format,
            quiet,
            monitor: Monitor::new(),
            table: None,
            told_resume: false,
            told_notes: 0,
        }
    }

    fn tell_notes(&mut self, notes: &[String]) {
        for note in notes.iter().skip(self.told_notes) {
            // Where it begins is told with the positions.
            if !(self.told_resume && note.starts_with(BEGINS_FROM_SAVEPOINT)) {
                self.note(note);
            }
        }
        self.told_notes = self.told_notes.max(notes.len());
    }

    /// The format where the user names none.
    fn fallback(&self) -> Format {
        if self.screen.out_is_terminal() { Format::Table } else { Format::Jsonl }
    }

    fn tell_resume(&mut self, progress: &Progress, notes: &[String]) {
        let Some(resumed) = progress.resumed.as_ref().filter(|_| !self.told_resume) else { return };
        self.told_resume = true;
        let taken = watermark(resumed.taken_ms);
        let mut text = match notes.iter().find(|note| note.starts_with(BEGINS_FROM_SAVEPOINT)) {
            Some(note) => format!("{note}, taken {taken} UTC"),
            None => format!("going on from checkpoint {} of {taken} UTC; --fresh would start over", resumed.epoch),
        };
        for (source, splits) in &resumed.sources {
            splits.iter().take(SPLITS_SHOWN).for_each(|split| text.push_str(&format!("\n  {}: {}", table_name(source), split_line(split))));
            if splits.len() > SPLITS_SHOWN {
                text.push_str(&format!("\n  {}: and {} more splits", table_name(source), splits.len() - SPLITS_SHOWN));
            }
        }
        self.note(&text);
    }
}

impl Host for TerminalHost {
    fn stdout(&self) -> Arc<Mutex<dyn Write + Send>> {
        self.stdout.clone()
    }

    fn answer(&mut self, columns: &[String], rows: &[Vec<String>]) -> Result<()> {
        output::answer(self.format, self.fallback(), columns, rows, &self.screen)
    }

    fn result(&mut self, schema: &ResultSchema) -> Result<Box<dyn Sink>> {
        let format = self.format.unwrap_or(self.fallback());
        self.table = (format == Format::Table && schema.updating).then(|| LiveTable::new(schema.fields.clone()));
        output::sink(format, schema, &self.screen, self.table.clone())
    }

    fn started(&mut self, _job: &JobStart) {
        self.monitor = Monitor::new();
        self.told_resume = false;
        self.told_notes = 0;
    }

    fn progress(&mut self, progress: &Progress) {
        self.tell_resume(progress, &progress.notes);
        self.tell_notes(&progress.notes);
        if self.quiet || !self.screen.err_is_terminal() {
            return;
        }
        let mut lines = self.monitor.lines(progress);
        if let Some(table) = self.table.as_ref().filter(|_| self.screen.out_is_terminal()) {
            let (_, height) = self.screen.size();
            let mut shown = table.lines(height.saturating_sub(lines.len() + 2));
            shown.append(&mut lines);
            lines = shown;
        }
        self.screen.show(&lines);
    }

    fn ended(&mut self, report: &JobReport) {
        self.table = None;
        self.tell_resume(&report.progress, &report.notes);
        self.tell_notes(&report.notes);
        let style = self.screen.style();
        let text = if self.quiet { summary::losses(report, style) } else { summary::summary(report, style) };
        self.screen.tell(&text);
    }

    fn note(&mut self, text: &str) {
        let style = self.screen.style();
        self.screen.tell(&format!("{}: {text}\n", style.help("note")));
    }
}
