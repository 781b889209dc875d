//! Runs a script and keeps what it gives, for tests and for programs that want a small result in memory.

use std::io::Write;
use std::sync::{Arc, Mutex};

use arrow::array::Array;
use arrow::datatypes::SchemaRef;
use flott_engine::run::Outcome;
use flott_engine::sink::{Encoder, Payload, Sink};
use flott_engine::text::show_text;
use flott_engine::time::LocalTime;
use flott_engine::{Batch, Error, Result, RowKind};
use flott_sql::session::ResultSchema;
use flott_sql::types::{ColumnType, FlinkType};

use crate::failure::Failure;
use crate::host::{Host, JobReport};
use crate::options::RunOptions;
use crate::script::run_script;

/// A change, its values as Flink's SQL client shows them, see [`flott_engine::text::show_text`]; `None` is NULL.
pub type CollectedRow = (RowKind, Vec<Option<String>>);

/// What a script gave.
#[derive(Debug, Clone)]
pub struct Collected {
    /// Columns of the last `SELECT`: name and Flink type.
    pub schema: Vec<(String, String)>,
    /// The changes of the last `SELECT`, in order.
    pub rows: Vec<CollectedRow>,
    /// For each tick, in order, how many of `rows` had been given at its end. The table that so many changes leave is the
    /// answer for the input read until then.
    pub tick_ends: Vec<usize>,
    /// How many of `rows` the newest checkpoint covers, counted from the first. A run that goes on from there gives what follows.
    pub committed_rows: usize,
    /// The last `SELECT` can change rows that it gave before.
    pub updating: bool,
    /// How the last job ended.
    pub outcome: Outcome,
    /// Rows dropped because they came too late, over all jobs.
    pub late_rows: u64,
    /// Rows skipped because they did not parse, over all jobs.
    pub bad_rows: u64,
    /// What `print` tables wrote.
    pub printed: String,
    /// Answers of statements such as `SHOW TABLES`: column names and rows.
    pub answers: Vec<(Vec<String>, Vec<Vec<String>>)>,
    /// An account of each job.
    pub reports: Vec<JobReport>,
}

/// Runs a script to its end and returns what it gave. With checkpoints on, a `SELECT` goes on from its last one, too.
pub fn collect(sql: &str, options: &RunOptions) -> Result<Collected, Failure> {
    let mut host = Collector::default();
    let outcome = run_script(sql, options, &mut host)?;
    let result = host.result.take().unwrap_or_default();
    let lines = std::mem::take(&mut *lock(&result.lines));
    let late = |r: &JobReport| r.progress.operators.iter().map(|o| o.late.count).sum::<u64>();
    let bad = |r: &JobReport| r.progress.sources.iter().map(|s| s.bad_rows).sum::<u64>();
    let printed = std::mem::take(&mut *lock(&host.printed));
    Ok(Collected {
        schema: result.schema,
        rows: lines.rows,
        tick_ends: lines.tick_ends,
        committed_rows: lines.committed,
        updating: result.updating,
        outcome,
        late_rows: host.reports.iter().map(late).sum(),
        bad_rows: host.reports.iter().map(bad).sum(),
        printed: String::from_utf8_lossy(&printed).into_owned(),
        answers: host.answers,
        reports: host.reports,
    })
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[derive(Default)]
struct Collector {
    printed: Arc<Mutex<Vec<u8>>>,
    answers: Vec<(Vec<String>, Vec<Vec<String>>)>,
    result: Option<CollectedResult>,
    reports: Vec<JobReport>,
}

#[derive(Default)]
struct CollectedResult {
    schema: Vec<(String, String)>,
    updating: bool,
    lines: Arc<Mutex<Lines>>,
}

#[derive(Default)]
struct Lines {
    rows: Vec<CollectedRow>,
    tick_ends: Vec<usize>,
    committed: usize,
}

impl Host for Collector {
    fn stdout(&self) -> Arc<Mutex<dyn Write + Send>> {
        self.printed.clone()
    }

    fn answer(&mut self, columns: &[String], rows: &[Vec<String>]) -> Result<()> {
        self.answers.push((columns.to_vec(), rows.to_vec()));
        Ok(())
    }

    fn result(&mut self, schema: &ResultSchema) -> Result<Box<dyn Sink>> {
        let lines: Arc<Mutex<Lines>> = Arc::default();
        self.result = Some(CollectedResult { schema: columns(&schema.fields), updating: schema.updating, lines: lines.clone() });
        Ok(Box::new(CollectSink { lines, before: 0, zone: schema.zone.clone() }))
    }

    fn results_resume(&self) -> bool {
        true
    }

    fn ended(&mut self, report: &JobReport) {
        self.reports.push(report.clone());
    }
}

fn columns(schema: &SchemaRef) -> Vec<(String, String)> {
    let column = |field: &arrow::datatypes::FieldRef| {
        let (ty, nullable) = FlinkType::from_field(field);
        (field.name().clone(), ColumnType { ty, nullable }.to_string())
    };
    schema.fields().iter().map(column).collect()
}

/// Keeps rows. Its progress is the number of rows over all runs.
struct CollectSink {
    lines: Arc<Mutex<Lines>>,
    /// Rows that earlier runs gave, up to the checkpoint.
    before: usize,
    zone: Arc<dyn LocalTime>,
}

impl CollectSink {
    fn total(progress: &str) -> Result<usize> {
        progress.parse().map_err(|_| Error::state(format!("the checkpoint says '{progress}' where a number of rows should stand")))
    }
}

impl Sink for CollectSink {
    fn encoder(&self) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(Whole))
    }

    fn open(&mut self, progress: Option<&str>) -> Result<()> {
        self.before = progress.map_or(Ok(0), Self::total)?;
        Ok(())
    }

    fn write(&mut self, payloads: Vec<Payload>) -> Result<()> {
        let mut lines = lock(&self.lines);
        for payload in payloads {
            if let Payload::Batch(batch) = payload {
                lines.rows.extend((0..batch.len()).map(|row| (batch.kind(row), texts(&batch, row, self.zone.as_ref()))));
            }
        }
        Ok(())
    }

    fn end_tick(&mut self) -> Result<()> {
        let mut lines = lock(&self.lines);
        let given = lines.rows.len();
        lines.tick_ends.push(given);
        Ok(())
    }

    fn prepare(&mut self) -> Result<String> {
        Ok((self.before + lock(&self.lines).rows.len()).to_string())
    }

    fn commit(&mut self, progress: &str) -> Result<()> {
        lock(&self.lines).committed = Self::total(progress)?.saturating_sub(self.before);
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        let mut lines = lock(&self.lines);
        lines.committed = lines.rows.len();
        Ok(())
    }
}

struct Whole;

impl Encoder for Whole {
    fn encode(&mut self, batch: &Batch, out: &mut Vec<Payload>) -> Result<()> {
        if !batch.is_empty() {
            out.push(Payload::Batch(batch.clone()));
        }
        Ok(())
    }
}

fn texts(batch: &Batch, row: usize, zone: &dyn LocalTime) -> Vec<Option<String>> {
    let schema = batch.rows.schema();
    let text = |(i, column): (usize, &arrow::array::ArrayRef)| {
        if column.is_null(row) {
            return None;
        }
        let mut text = vec![];
        show_text(column.as_ref(), row, schema.field(i), zone, &mut text);
        Some(String::from_utf8_lossy(&text).into_owned())
    };
    batch.rows.columns().iter().enumerate().map(text).collect()
}
