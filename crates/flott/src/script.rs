//! Runs a script: statement by statement, each job to its end.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use flott_checkpoint::LocalStore;
use flott_engine::Error;
use flott_engine::checkpoint::CheckpointStore;
use flott_engine::connector::Environment;
use flott_engine::progress::Progress;
use flott_engine::run::{Control, Job, JobConfig, Outcome};
use flott_sql::session::{Effect, PlannedJob};

use crate::clock::SystemClock;
use crate::failure::Failure;
use crate::host::{Host, JobReport, JobStart};
use crate::ledger::{Ledger, LedgeredStore};
use crate::options::RunOptions;
use crate::plan::{JobSettings, plan_script};

/// Characters of a fingerprint in the name of a folder: enough to tell the versions of a query apart.
const FINGERPRINT_CHARS: usize = 12;
/// Longest part of a folder's name that comes from the job's name, in characters.
const FOLDER_NAME_CHARS_MAX: usize = 80;

/// Runs every statement in order. A script with an error anywhere does not start. Tells how the last job ended: after
/// [`Outcome::Stopped`] and [`Outcome::Abandoned`] the rest of the script has not run.
pub fn run_script(sql: &str, options: &RunOptions, host: &mut dyn Host) -> Result<Outcome, Failure> {
    let steps = plan_script(sql, options)?.into_steps()?;
    let jobs = steps.iter().filter(|s| matches!(s.effect, Effect::Job(_))).count();
    let mut ledger: Option<Ledger> = None;
    let mut seen: Vec<(String, String)> = vec![];
    let versions = steps.iter().filter_map(|s| match &s.effect {
        Effect::Job(job) => Some(folder(&s.settings.checkpoint_root, &job.name, &job.fingerprint, 0)),
        _ => None,
    });
    let versions: Vec<PathBuf> = versions.collect();
    for (number, step) in steps.into_iter().enumerate() {
        if options.stop.is_set() {
            return Ok(Outcome::Stopped);
        }
        match step.effect {
            Effect::Done(_) | Effect::Quit => {}
            Effect::Note(text) => host.note(&text),
            Effect::Table { columns, rows } => host.answer(&columns, &rows).map_err(Failure::Setup)?,
            Effect::Job(job) => {
                let identity = (job.name.clone(), job.fingerprint.clone());
                let repeat = seen.iter().filter(|s| **s == identity).count();
                seen.push(identity);
                let run = JobRun { number, repeat, range: step.range, settings: &step.settings, options };
                let durable = run.checkpointing(&job, host);
                if durable {
                    run.tell_other_version(&job, &versions, host);
                }
                if durable && jobs > 1 && ledger.is_none() {
                    let open = if options.fresh { Ledger::fresh } else { Ledger::open };
                    ledger = Some(open(&step.settings.checkpoint_root, sql).map_err(Failure::Setup)?);
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
    /// How often the very same job stands in the script before.
    repeat: usize,
    range: Range<usize>,
    settings: &'a JobSettings,
    options: &'a RunOptions,
}

impl JobRun<'_> {
    fn checkpointing(&self, job: &PlannedJob, host: &dyn Host) -> bool {
        let wanted = self.settings.checkpoint_interval_ms.is_some() || self.options.checkpoint_every_ticks.is_some();
        wanted && (job.result.is_none() || host.results_resume())
    }

    /// A query that was changed starts from the beginning: that is said, not left to be found out.
    fn tell_other_version(&self, job: &PlannedJob, versions: &[PathBuf], host: &mut dyn Host) {
        let root = &self.settings.checkpoint_root;
        let own = folder(root, &job.name, &job.fingerprint, self.repeat);
        if self.options.fresh || has_checkpoint(&own) {
            return;
        }
        if let Some(other) = other_version(root, &own, versions) {
            host.note(&format!(
                "{} starts from the beginning: {} holds checkpoints of another version of it, which do not fit (remove the folder when \
                 they are of no more use)",
                job.name,
                other.display()
            ));
        }
    }

    fn run(&self, job: PlannedJob, durable: bool, ledger: Option<&mut Ledger>, host: &mut dyn Host) -> Result<Outcome, Failure> {
        let (name, fingerprint) = (job.name.clone(), job.fingerprint.clone());
        let entry = format!("{}-{fingerprint}", self.number);
        let folder = durable.then(|| folder(&self.settings.checkpoint_root, &name, &fingerprint, self.repeat));
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
        let owner = folder.as_ref().map(|folder| owner(folder));
        let environment = Environment {
            workers: self.settings.workers,
            checkpointing: durable,
            owner: owner.clone(),
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
        let config = self.config(durable, fingerprint, owner.unwrap_or_default());
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

    fn open_store(&self, folder: &Path, name: &str) -> Result<Box<dyn CheckpointStore>, Failure> {
        let open = if self.options.fresh { LocalStore::fresh } else { LocalStore::open };
        Ok(Box::new(open(folder, name).map_err(Failure::Setup)?))
    }

    fn config(&self, durable: bool, fingerprint: String, owner: String) -> JobConfig {
        let default = JobConfig::default();
        JobConfig {
            workers: self.settings.workers,
            tick_rows_max: self.options.tick_rows_max.unwrap_or(default.tick_rows_max).max(1),
            latency_target_ms: self.settings.latency_target_ms.unwrap_or(default.latency_target_ms),
            checkpoint_interval_ms: self.settings.checkpoint_interval_ms.filter(|_| durable),
            checkpoint_every_ticks: self.options.checkpoint_every_ticks.filter(|_| durable),
            fingerprint,
            owner,
            outbox_bytes_max: self.settings.outbox_bytes_max,
            abandon_after_ticks: self.options.abandon_after_ticks,
        }
    }

    /// Runs the job and passes its news on.
    fn follow(&self, mut job: Job, name: String, checkpoints: Option<PathBuf>, host: &mut dyn Host) -> Result<Outcome, Failure> {
        let control = Control::default();
        let started = Instant::now();
        if self.options.stop.is_set() {
            control.stop();
        }
        let outcome = job.run(&control, &mut |progress: &Progress| {
            host.progress(progress);
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

/// What tells a job from others that write to the same places: where its checkpoints lie, on which machine.
fn owner(folder: &Path) -> String {
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    format!("{}:{}", machine.trim(), folder.display())
}

/// The folder of a job's checkpoints. Another version of the query has another one, and so has the same job a second time.
fn folder(root: &Path, name: &str, fingerprint: &str, repeat: usize) -> PathBuf {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let name: String = name.chars().take(FOLDER_NAME_CHARS_MAX).map(safe).collect();
    let short: String = fingerprint.chars().take(FINGERPRINT_CHARS).map(safe).collect();
    let suffix = if repeat > 0 { format!("-{}", repeat + 1) } else { String::new() };
    root.join(format!("{}-{short}{suffix}", name.trim_start_matches('.')))
}

/// A folder beside `own` with checkpoints of a job of the same name, unless it belongs to one of the script's jobs.
fn other_version(root: &Path, own: &Path, versions: &[PathBuf]) -> Option<PathBuf> {
    let of_script = |name: &str| {
        let mut versions = versions.iter().filter_map(|v| v.file_name()?.to_str());
        versions.any(|v| name.strip_prefix(v).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
    };
    let is_fingerprint = |text: &str| text.len() <= FINGERPRINT_CHARS && text.bytes().all(|b| b.is_ascii_hexdigit());
    let job = |path: &Path| {
        let name = path.file_name()?.to_str().filter(|name| !of_script(name))?;
        name.rsplit_once('-').filter(|(_, last)| is_fingerprint(last)).map(|(job, _)| job.to_owned())
    };
    let (name, _) = own.file_name()?.to_str()?.rsplit_once('-')?;
    let mut folders = fs::read_dir(root).ok()?.flatten().map(|entry| entry.path());
    folders.find(|path| job(path).as_deref() == Some(name) && has_checkpoint(path))
}

fn has_checkpoint(folder: &Path) -> bool {
    let manifest = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("manifest-");
    fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(manifest))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn other_versions_are_found() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let own = folder(root, "insert-into_a", "0123456789abcdef", 0);
        let other = folder(root, "insert-into_a", "fedcba9876543210", 0);
        let unrelated = folder(root, "insert-into_b", "fedcba9876543210", 0);
        for folder in [&other, &unrelated] {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("manifest-1.json"), "").unwrap();
        }
        assert_eq!(other_version(root, &own, std::slice::from_ref(&own)), Some(other.clone()));
        assert_eq!(other_version(root, &own, &[own.clone(), other]), None);
        assert_eq!(other_version(root, &folder(root, "c", "0", 0), &[]), None);
        assert!(has_checkpoint(&unrelated) && !has_checkpoint(&own));
    }

    #[test]
    fn folders_have_safe_names() {
        let path = folder(Path::new("r"), "../insert into `a`/é", "0123456789abcdef", 0);
        assert_eq!(path, Path::new("r/_insert_into__a___-0123456789ab"));
        assert_eq!(folder(Path::new("r"), "a", "0", 1), Path::new("r/a-0-2"));
    }
}
