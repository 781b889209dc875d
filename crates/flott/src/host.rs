//! The seam between a running script and whoever wants its rows and its news: a terminal, a test, a program.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flott_checkpoint::Location;
use flott_engine::progress::Progress;
use flott_engine::run::Outcome;
use flott_engine::sink::Sink;
use flott_engine::{ErrorKind, Result};
use flott_sql::session::ResultSchema;

/// Takes what a script gives. Called from the thread that runs the script.
pub trait Host {
    /// Where `print` tables write.
    fn stdout(&self) -> Arc<Mutex<dyn Write + Send>>;

    /// The answer of a statement such as `SHOW TABLES` or `EXPLAIN`.
    fn answer(&mut self, columns: &[String], rows: &[Vec<String>]) -> Result<()>;

    /// Where the rows of a `SELECT` go.
    fn result(&mut self, schema: &ResultSchema) -> Result<Box<dyn Sink>>;

    /// Whether the sinks from [`Host::result`] can go on from a checkpoint. If not, a `SELECT` takes none and starts over each time.
    fn results_resume(&self) -> bool {
        false
    }

    /// A job begins.
    fn started(&mut self, job: &JobStart) {
        let _ = job;
    }

    /// How it stands; about five times a second.
    fn progress(&mut self, progress: &Progress) {
        let _ = progress;
    }

    /// A job has ended, well or not.
    fn ended(&mut self, report: &JobReport) {
        let _ = report;
    }

    /// Something to know, such as a job that is skipped because it was done before the last stop.
    fn note(&mut self, text: &str) {
        let _ = text;
    }
}

/// A job that begins.
#[derive(Debug, Clone)]
pub struct JobStart {
    /// Its name.
    pub name: String,
    /// Number of workers.
    pub workers: usize,
    /// Where its checkpoints lie; `None`: it takes none.
    pub checkpoints: Option<Location>,
}

/// A job that has ended.
#[derive(Debug, Clone)]
pub struct JobReport {
    /// Its name.
    pub name: String,
    /// How it ended; `None`: it failed.
    pub outcome: Option<Outcome>,
    /// What kind of error it failed with.
    pub failure: Option<ErrorKind>,
    /// Time that this run took.
    pub elapsed: Duration,
    /// Where its checkpoints lie; `None`: it takes none.
    pub checkpoints: Option<Location>,
    /// What happened on the side, such as a damaged checkpoint that was passed over.
    pub notes: Vec<String>,
    /// Its figures.
    pub progress: Progress,
}
