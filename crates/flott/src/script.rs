//! Runs a script: statement by statement, each job to its end.

use std::fs;
use std::ops::Range;
use std::time::Instant;

use flott_checkpoint::{Location, Store};
use flott_engine::Error;
use flott_engine::checkpoint::CheckpointStore;
use flott_engine::connector::Environment;
use flott_engine::progress::Progress;
use flott_engine::run::{Control, Job, JobConfig, Outcome};
use flott_sql::session::{Effect, PlannedJob};
use flott_sql::stack::deep;

use crate::clock::SystemClock;
use crate::failure::Failure;
use crate::host::{Host, JobReport, JobStart};
use crate::ledger::{Ledger, LedgeredStore};
use crate::options::RunOptions;
use crate::plan::{JobSettings, plan_script};

/// Longest part of a folder's name that comes from the job's name, in characters.
const FOLDER_NAME_CHARS_MAX: usize = 80;

/// Runs every statement in order. A script with an error anywhere does not start. Tells how the last job ended: after
/// [`Outcome::Stopped`] and [`Outcome::Abandoned`] the rest of the script has not run.
pub fn run_script(sql: &str, options: &RunOptions, host: &mut dyn Host) -> Result<Outcome, Failure> {
    deep(|| run_steps(sql, options, host))
}

fn run_steps(sql: &str, options: &RunOptions, host: &mut dyn Host) -> Result<Outcome, Failure> {
    let steps = plan_script(sql, options)?.into_steps()?;
    let jobs = steps.iter().filter(|s| matches!(s.effect, Effect::Job(_))).count();
    let mut ledger: Option<Ledger> = None;
    let mut seen: Vec<String> = vec![];
    for (number, step) in steps.into_iter().enumerate() {
        if options.stop.is_set() {
            return Ok(Outcome::Stopped);
        }
        match step.effect {
            Effect::Done(_) | Effect::Quit => {}
            Effect::Note(text) => host.note(&text),
            Effect::Table { columns, rows } => host.answer(&columns, &rows).map_err(Failure::Setup)?,
            Effect::Job(job) => {
                let repeat = seen.iter().filter(|name| **name == job.name).count();
                seen.push(job.name.clone());
                let run = JobRun { number, repeat, jobs, range: step.range, settings: &step.settings, options };
                let durable = run.checkpointing(&job, host);
                if durable && jobs > 1 && ledger.is_none() {
                    let open = if options.fresh { Ledger::fresh } else { Ledger::open };
                    ledger = Some(open(&step.settings.checkpoint_root, sql).map_err(not_opened)?);
                }
                let outcome = run.run(*job, durable, ledger.as_mut(), host)?;
                if outcome != Outcome::Finished {
                    return Ok(outcome);
                }
            }
        }
    }
    if let Some(mut ledger) = ledger {
        ledger.clear().map_err(Failure::Setup)?;
    }
    Ok(Outcome::Finished)
}

/// A job of a script and the circumstances of its run.
struct JobRun<'a> {
    number: usize,
    /// How often a job of the same name stands in the script before.
    repeat: usize,
    /// Jobs of the script.
    jobs: usize,
    range: Range<usize>,
    settings: &'a JobSettings,
    options: &'a RunOptions,
}

impl JobRun<'_> {
    fn checkpointing(&self, job: &PlannedJob, host: &dyn Host) -> bool {
        let by_savepoint = self.settings.origin.is_some() || self.options.savepoint.is_some();
        let wanted = self.settings.checkpoint_interval_ms.is_some() || self.options.checkpoint_every_ticks.is_some() || by_savepoint;
        wanted && (job.result.is_none() || host.results_resume())
    }

    fn run(&self, job: PlannedJob, durable: bool, ledger: Option<&mut Ledger>, host: &mut dyn Host) -> Result<Outcome, Failure> {
        let (name, fingerprint) = (job.name.clone(), job.fingerprint.clone());
        let entry = format!("{}-{fingerprint}", self.number);
        let folder = durable.then(|| folder(&self.settings.checkpoint_root, &name, self.repeat));
        let mut store = match &folder {
            Some(folder) => Some(self.open_store(folder, &name)?),
            None => None,
        };
        if let Some(ledger) = &ledger
            && let Some(inner) = store.take()
        {
            if ledger.is_done(&entry) {
                return self.skip(&name, inner, host);
            }
            store = Some(Box::new(LedgeredStore { inner, ledger: (*ledger).clone(), job: entry.clone() }));
        }
        let environment = Environment {
            workers: self.settings.workers,
            checkpointing: durable,
            owner: folder.as_ref().map(owner),
            stop: self.options.stop.0.clone(),
            sink_number: 0,
            stdout: host.stdout(),
        };
        let result = match &job.result {
            Some(schema) => Some(host.result(schema).map_err(|e| self.failed(&name, e))?),
            None => None,
        };
        let graph = job.build(&environment, result).map_err(|e| self.not_built(e))?;
        host.started(&JobStart { name: name.clone(), workers: self.settings.workers, checkpoints: folder.clone() });
        let config = self.config(durable, fingerprint, folder.as_ref().map_or_else(|| name.clone(), |folder| folder.name().to_owned()));
        let job = Job::new(graph, config, store, Box::new(SystemClock)).map_err(|e| self.failed(&name, e))?;
        let outcome = self.follow(job, name, folder, host)?;
        if let (Some(ledger), Outcome::Finished) = (ledger, outcome) {
            // The store's copy has noted it durably; this one is for the jobs that follow.
            ledger.note_done(&entry).map_err(Failure::Setup)?;
        }
        Ok(outcome)
    }

    fn skip(&self, name: &str, mut store: Box<dyn CheckpointStore>, host: &mut dyn Host) -> Result<Outcome, Failure> {
        store.discard().map_err(Failure::Setup)?;
        host.note(&format!("{name} was done before the script was interrupted: not run again"));
        Ok(Outcome::Finished)
    }

    fn open_store(&self, folder: &Location, name: &str) -> Result<Box<dyn CheckpointStore>, Failure> {
        // Found out now, and not when the job is stopped and the savepoint is needed.
        if let Some(root) = self.settings.savepoints.as_ref().filter(|_| self.options.savepoint.is_some()) {
            flott_checkpoint::check_savepoints(root).map_err(not_opened)?;
        }
        let open = if self.options.fresh { Store::fresh } else { Store::open };
        let store = open(folder, name).map_err(not_opened)?;
        Ok(Box::new(store.with_savepoints(self.settings.savepoints.clone()).with_origin(self.origin(name)?)))
    }

    /// The savepoint to begin from. Of a script with several jobs, only the one that it was taken of does.
    fn origin(&self, name: &str) -> Result<Option<Location>, Failure> {
        let Some(origin) = &self.settings.origin else { return Ok(None) };
        if self.jobs == 1 {
            // Not looked at before it is needed: it may be gone when the job has checkpoints of its own.
            return Ok(Some(origin.clone()));
        }
        let its = flott_checkpoint::newest(origin).map_err(not_opened)?;
        Ok((its.job == name).then(|| origin.clone()))
    }

    fn config(&self, durable: bool, fingerprint: String, name: String) -> JobConfig {
        let default = JobConfig::default();
        JobConfig {
            workers: self.settings.workers,
            tick_rows_max: self.options.tick_rows_max.unwrap_or(default.tick_rows_max).max(1),
            latency_target_ms: self.settings.latency_target_ms.unwrap_or(default.latency_target_ms),
            checkpoint_interval_ms: self.settings.checkpoint_interval_ms.filter(|_| durable),
            checkpoint_every_ticks: self.options.checkpoint_every_ticks.filter(|_| durable),
            fingerprint,
            name,
            outbox_bytes_max: self.settings.outbox_bytes_max,
            abandon_after_ticks: self.options.abandon_after_ticks,
            allow_dropped_state: self.settings.allow_dropped_state,
            savepoint_at_stop: durable && self.options.savepoint.is_some(),
        }
    }

    /// Runs the job and passes its news on.
    fn follow(&self, mut job: Job, name: String, checkpoints: Option<Location>, host: &mut dyn Host) -> Result<Outcome, Failure> {
        let control = Control::default();
        let started = Instant::now();
        if self.options.stop.is_set() {
            control.stop();
        }
        let outcome = job.run(&control, &mut |progress: &Progress| {
            host.progress(progress);
            if self.options.savepoint_now.take() {
                control.savepoint();
            }
            if self.options.stop.is_set() {
                control.stop();
            }
        });
        let notes = std::mem::take(&mut job.notes);
        let report = JobReport {
            name: name.clone(),
            outcome: outcome.as_ref().ok().copied(),
            failure: outcome.as_ref().err().map(|e| e.kind),
            elapsed: started.elapsed(),
            checkpoints,
            notes,
            progress: job.progress(),
        };
        drop(job); // sinks close their files before anybody is told
        host.ended(&report);
        outcome.map_err(|e| self.failed(&name, e))
    }

    fn failed(&self, name: &str, error: Error) -> Failure {
        Failure::Job { name: name.to_owned(), range: self.range.clone(), error }
    }

    /// Tables that cannot be opened: shown at the statement that uses them.
    fn not_built(&self, mut error: flott_sql::error::SqlError) -> Failure {
        error.span.get_or_insert_with(|| self.range.clone());
        Failure::script(error)
    }
}

/// What keeps a job from its checkpoints before it has begun, also where the place as such cannot be used.
fn not_opened(error: Error) -> Failure {
    Failure::Setup(error.into_state())
}

/// What tells a job from others that write to the same places: where its checkpoints lie, and on which machine, if on one.
fn owner(folder: &Location) -> String {
    let Location::Local(path) = folder else { return folder.to_string() };
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
    format!("{}:{}", machine.trim(), path.display())
}

/// The folder of a job's checkpoints. A second job of the same name in a script has another one.
pub fn folder(root: &Location, name: &str, repeat: usize) -> Location {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let name: String = name.chars().take(FOLDER_NAME_CHARS_MAX).map(safe).collect();
    let suffix = if repeat > 0 { format!("-{}", repeat + 1) } else { String::new() };
    root.join(&format!("{}{suffix}", name.trim_start_matches('.')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn folders_have_safe_names() {
        let root = Location::from(Path::new("r"));
        assert_eq!(folder(&root, "../insert into `a`/é", 0).to_string(), "r/_insert_into__a___");
        assert_eq!(folder(&root, "a", 1).to_string(), "r/a-2");
    }
}
