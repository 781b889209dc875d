//! From a script to its steps: every statement is checked and planned before the first one runs.

use std::ops::Range;

use flott_checkpoint::Location;
use flott_engine::Error;
use flott_sql::error::SqlError;
use flott_sql::secrets::shown;
use flott_sql::session::{Effect, Session};
use flott_sql::stack::deep;

use crate::failure::Failure;
use crate::options::RunOptions;

/// A statement, ready to be carried out.
pub struct Step {
    /// Its place, in bytes of the script.
    pub range: Range<usize>,
    /// What it does.
    pub effect: Effect,
    /// What of it Flink would not take as it is, at its place.
    pub not_portable: Vec<SqlError>,
    /// How it runs, if it is a job: the session's options may change from job to job.
    pub settings: JobSettings,
}

/// How a job runs.
#[derive(Debug, Clone)]
pub struct JobSettings {
    /// Number of workers.
    pub workers: usize,
    /// Longest that a tick should take, milliseconds.
    pub latency_target_ms: Option<u64>,
    /// Output of so many bytes may wait for delivery.
    pub outbox_bytes_max: u64,
    /// Time between checkpoints, milliseconds; `None`: no checkpoints by time.
    pub checkpoint_interval_ms: Option<i64>,
    /// Folder in which each job has a folder for its checkpoints.
    pub checkpoint_root: Location,
    /// Folder in which savepoints are made, if any.
    pub savepoints: Option<Location>,
    /// The savepoint to begin from, if any.
    pub origin: Option<Location>,
    /// Goes on without state that does not fit.
    pub allow_dropped_state: bool,
}

/// What is wrong with a script, and what could be planned of it.
pub struct Plan {
    /// The statements that are right, in order.
    pub steps: Vec<Step>,
    /// What is wrong, by place.
    pub errors: Vec<SqlError>,
    /// See [`Failure::Script`].
    pub unchecked: usize,
}

impl Plan {
    /// The steps, if nothing is wrong.
    pub fn into_steps(self) -> Result<Vec<Step>, Failure> {
        if self.errors.is_empty() { Ok(self.steps) } else { Err(Failure::Script { errors: self.errors, unchecked: self.unchecked }) }
    }
}

/// Checks and plans every statement of a script; nothing is read or written. Fails only for options that are not the script's.
pub fn plan_script(sql: &str, options: &RunOptions) -> Result<Plan, Failure> {
    Ok(deep(|| plan_with_session(sql, options))?.0)
}

/// Like [`plan_script`], and checks the options of tables that no statement uses, too.
pub fn check_script(sql: &str, options: &RunOptions) -> Result<Plan, Failure> {
    let (mut plan, session) = deep(|| plan_with_session(sql, options))?;
    for error in session.check_tables() {
        if !plan.errors.iter().any(|known| known.message == error.message) {
            plan.errors.push(error);
        }
    }
    plan.errors.sort_by_key(|e| e.span.as_ref().map_or(0, |s| s.start));
    Ok(plan)
}

fn plan_with_session(sql: &str, options: &RunOptions) -> Result<(Plan, Session), Failure> {
    let mut session = Session::new(options.connectors.clone());
    session.register(options.functions.clone());
    #[cfg(feature = "python")]
    session.set_python(std::sync::Arc::new(crate::python::Python));
    for (key, value) in &options.settings {
        set(&mut session, key, value)?;
    }
    let mut plan = Plan { steps: vec![], errors: vec![], unchecked: 0 };
    let mut missing: Vec<String> = vec![];
    for parsed in Session::parse(sql) {
        let (range, not_portable, outcome) = match parsed {
            Ok(statement) => (statement.range.clone(), Session::not_portable(&statement), session.execute(&statement)),
            Err(error) => (rest_of_statement(sql, &error), vec![], Err(error)),
        };
        let text = sql.get(range.clone()).unwrap_or_default();
        match outcome {
            Ok(Effect::Quit) => break,
            Ok(effect) => plan.steps.push(Step { range, effect, not_portable, settings: settings(&session, options)? }),
            Err(_) if missing.iter().any(|name| mentions(text, name)) => {
                plan.unchecked += 1;
                missing.extend(created_name(text));
            }
            Err(error) => {
                missing.extend(created_name(text));
                plan.errors.extend(error.each());
            }
        }
    }
    plan.errors.sort_by_key(|e| e.span.as_ref().map_or(0, |s| s.start));
    Ok((plan, session))
}

fn set(session: &mut Session, key: &str, value: &str) -> Result<(), Failure> {
    session.set_option(key, value).map_err(|e| setup(e, format!("--set {key}={}", shown(key, value))))
}

/// An error of the script's language for which the script is not to blame.
fn setup(error: SqlError, place: String) -> Failure {
    let wrong = Error::config(error.message).at(place);
    Failure::Setup(match error.help {
        Some(help) => wrong.help(help),
        None => wrong,
    })
}

/// Options of Flink, the older names last.
const SAVEPOINT_DIR: &[&str] = &["execution.checkpointing.savepoint-dir", "state.savepoints.dir"];
const SAVEPOINT_PATH: &[&str] = &["execution.state-recovery.path", "execution.savepoint.path"];
const IGNORE_UNCLAIMED: &[&str] = &["execution.state-recovery.ignore-unclaimed-state", "execution.savepoint.ignore-unclaimed-state"];

fn settings(session: &Session, options: &RunOptions) -> Result<JobSettings, Failure> {
    let from_session = session.option("parallelism.default").and_then(|n| n.trim().parse::<usize>().ok());
    let any = |keys: &[&str]| keys.iter().find_map(|key| session.option(key)).filter(|text| !text.trim().is_empty());
    let place = |text: Option<String>| text.map(|text| Location::parse(&text)).transpose().map_err(Failure::Setup);
    let root = place(any(&["execution.checkpointing.dir"]))?;
    let home = || options.state_dir.to_str().map_or_else(|| Ok(options.state_dir.as_path().into()), Location::parse);
    Ok(JobSettings {
        workers: options.parallelism.or(from_session).unwrap_or(1).max(1),
        latency_target_ms: duration_ms(session, "flott.latency-target")?.and_then(|ms| u64::try_from(ms).ok()),
        outbox_bytes_max: session.outbox_bytes_max().map_err(|e| setup(e, "option flott.outbox.size-max".into()))?,
        checkpoint_interval_ms: duration_ms(session, "execution.checkpointing.interval")?,
        checkpoint_root: match root {
            Some(root) => root,
            None => home().map_err(Failure::Setup)?.join("checkpoints"),
        },
        savepoints: place(options.savepoint.clone().or_else(|| any(SAVEPOINT_DIR)))?,
        origin: place(options.from_savepoint.clone().or_else(|| any(SAVEPOINT_PATH)))?,
        allow_dropped_state: options.allow_dropped_state || any(IGNORE_UNCLAIMED).is_some_and(|v| v.trim().eq_ignore_ascii_case("true")),
    })
}

fn duration_ms(session: &Session, key: &str) -> Result<Option<i64>, Failure> {
    session.duration_ms(key).map_err(|e| setup(e, format!("option {key}")))
}

/// A statement that does not parse, roughly: what stands between the semicolons around the error.
fn rest_of_statement(sql: &str, error: &SqlError) -> Range<usize> {
    let Some(at) = error.span.as_ref().map(|s| s.start.min(sql.len())) else { return 0..0 };
    let bytes = sql.as_bytes();
    let start = bytes[..at].iter().rposition(|b| *b == b';').map_or(0, |i| i + 1);
    let end = bytes[at..].iter().position(|b| *b == b';').map_or(sql.len(), |i| at + i);
    start..end
}

/// The name that `CREATE … TABLE x` or the like would have made, without catalog and database.
fn created_name(text: &str) -> Option<String> {
    const KINDS: [&str; 5] = ["TABLE", "VIEW", "FUNCTION", "DATABASE", "CATALOG"];
    const FILLERS: [&str; 3] = ["IF", "NOT", "EXISTS"];
    const HEAD_WORDS_MAX: usize = 8;
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let code = code.join(" ");
    let mut words = code.split_whitespace();
    words.next().filter(|word| word.eq_ignore_ascii_case("CREATE"))?;
    words.by_ref().take(HEAD_WORDS_MAX).find(|w| KINDS.iter().any(|k| w.eq_ignore_ascii_case(k)))?;
    let name = words.find(|w| !FILLERS.iter().any(|f| w.eq_ignore_ascii_case(f)))?;
    let name = name.split('(').next().unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name).trim_matches('`');
    (!last.is_empty()).then(|| last.to_owned())
}

/// Whether a name stands in a text as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_statement_makes() {
        assert_eq!(created_name("-- TABLE x\nCREATE TEMPORARY TABLE IF NOT EXISTS db.`t`(a INT)").unwrap(), "t");
        assert_eq!(created_name("create view v AS SELECT 1").unwrap(), "v");
        assert_eq!(created_name("INSERT INTO t SELECT 1"), None);
        assert!(mentions("SELECT * FROM db.t, u", "t"));
        assert!(!mentions("SELECT * FROM tt", "t"));
    }
}
