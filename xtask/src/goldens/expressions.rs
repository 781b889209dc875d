//! Asks a real Flink for the expressions of `tests/parity/expressions`.
//!
//! Many expressions go into one SELECT. Where it fails, the one at which Flink points and the rest are asked, or both halves, until
//! the ones that fail stand alone.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use flott_testkit::expressions::{Answer, Answers, FOLDER, Part, Topic, escaped};

use super::SESSION;
use crate::Result;
use crate::flink::cluster::Cluster;
use crate::flink::distribution::{Distribution, VERSION};
use crate::flink::gateway::{self, Gateway, Session, Table};

/// Most expressions in one SELECT.
const EXPRESSIONS_MAX: usize = 40;

/// What the cause of a failure says when the machine, and not the expression, is at fault.
const BUSY: &[&str] = &["NoResourceAvailable", "TimeoutException", "timed out", "Metaspace", "TaskManager with id", "Connection refused"];
/// A statement is run at most so often while the cluster is busy.
const ATTEMPTS_MAX: usize = 4;
/// Longer than any of them needs: now and then the gateway never hears that a job has ended.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Pause before the next attempt.
const PAUSE: Duration = Duration::from_secs(5);

/// The files of expressions whose `expressions/name` contains the filter. With `missing_only`, those in which an answer is missing.
pub fn find(parity: &Path, filter: &str, missing_only: bool) -> Result<Vec<Topic>> {
    let mut topics = Topic::all(parity)?;
    topics.retain(|topic| format!("{FOLDER}/{}", topic.name).contains(filter));
    if missing_only {
        let mut missing = vec![];
        for topic in topics {
            let answers = topic.answers()?;
            if topic.parts.iter().any(|part| !open_in(part, &answers).is_empty()) {
                missing.push(topic);
            }
        }
        return Ok(missing);
    }
    Ok(topics)
}

/// Asks for the expressions of the files, or for those without an answer, and writes the goldens. The cluster stays up between jobs,
/// which spares most of their time.
pub fn run(distribution: &Distribution, topics: &[Topic], missing_only: bool) -> Result<()> {
    let cluster = Cluster::start(distribution)?;
    let gateway = Gateway::start_remote(distribution, cluster.rest_port())?;
    eprintln!("Flink {VERSION} is up (pid {}), {} files of expressions", gateway.pid(), topics.len());
    for topic in topics {
        run_topic(&gateway, topic, missing_only)?;
    }
    gateway.stop();
    cluster.stop();
    Ok(())
}

fn run_topic(gateway: &Gateway, topic: &Topic, missing_only: bool) -> Result<()> {
    let started = Instant::now();
    let mut settings = SESSION.to_vec();
    for (key, value) in &topic.settings {
        settings.retain(|(k, _)| k != key);
        settings.push((key, value));
    }
    let session = gateway.open_session(&settings)?;
    let mut answers = if missing_only { topic.answers()? } else { Answers::new() };
    let known = answers.len();
    let asked = ask_all(&session, topic, &mut answers);
    // What was answered is kept when something went wrong behind it.
    fs::write(&topic.golden, topic.golden_text(&answers)).map_err(|e| format!("{}: {e}", topic.golden.display()))?;
    asked?;
    let name = format!("{FOLDER}/{}", topic.name);
    println!("{name:<44} {:>5} expressions asked  {:.1} s", answers.len() - known, started.elapsed().as_secs_f64());
    Ok(())
}

/// Asks for expressions that have no answer yet.
///
/// # Errors
/// When the gateway is gone.
pub fn ask_open(gateway: &Gateway, topic: &Topic, answers: &mut Answers) -> Result<()> {
    ask_all(&gateway.open_session(&SESSION)?, topic, answers)
}

fn ask_all(session: &Session<'_>, topic: &Topic, answers: &mut Answers) -> Result<()> {
    for part in &topic.parts {
        for expressions in open_in(part, answers).chunks(EXPRESSIONS_MAX) {
            ask(session, part, expressions, answers).map_err(|e| format!("{FOLDER}/{}: {e}", topic.name))?;
        }
    }
    Ok(())
}

/// The expressions of a part that have no answer yet.
fn open_in<'a>(part: &'a Part, answers: &Answers) -> Vec<&'a str> {
    let open = |e: &&String| !answers.contains_key(&(part.rows.clone(), (*e).clone()));
    part.expressions.iter().filter(open).map(String::as_str).collect()
}

fn ask(session: &Session<'_>, part: &Part, expressions: &[&str], answers: &mut Answers) -> Result<()> {
    if expressions.is_empty() {
        return Ok(());
    }
    let answer = patiently(session, &part.query(expressions)).map_err(|e| format!("{e}, asked for {expressions:?}"))?;
    let failure = match answer {
        gateway::Answer::Rows(table) => {
            take(part, expressions, table, answers);
            return Ok(());
        }
        gateway::Answer::Failed(failure) => failure,
    };
    if let [one] = expressions {
        answers.insert((part.rows.clone(), (*one).to_string()), Answer::Failed(failure.cause));
        return Ok(());
    }
    // Each expression stands in a line of its own, the first of them in the second line.
    let pointed_at = failure.line.and_then(|line| line.checked_sub(2)).filter(|i| *i < expressions.len());
    let (first, second) = expressions.split_at(expressions.len() / 2);
    let parts = match pointed_at {
        Some(i) => vec![vec![expressions[i]], [&expressions[..i], &expressions[i + 1..]].concat()],
        None => vec![first.to_vec(), second.to_vec()],
    };
    parts.iter().try_for_each(|expressions| ask(session, part, expressions, answers))
}

/// Runs a statement, again when the cluster was too busy for it.
fn patiently(session: &Session<'_>, query: &str) -> Result<gateway::Answer> {
    for _ in 1..ATTEMPTS_MAX {
        match session.execute_within(query, TIMEOUT) {
            Ok(gateway::Answer::Failed(failure)) if BUSY.iter().any(|word| failure.cause.contains(word)) => {}
            Ok(answer) => return Ok(answer),
            Err(_) => {}
        }
        std::thread::sleep(PAUSE);
    }
    session.execute_within(query, TIMEOUT)
}

fn take(part: &Part, expressions: &[&str], mut table: Table, answers: &mut Answers) {
    let number = |values: &[Option<String>]| values.first().and_then(|v| v.as_deref()?.parse::<u32>().ok());
    table.rows.sort_by_key(|(_, values)| number(values));
    for (i, expression) in expressions.iter().enumerate() {
        let values = table.rows.iter().map(|(_, values)| escaped(values.get(i + 1).and_then(|v| v.as_deref()))).collect();
        let column_type = table.columns.get(i + 1).map_or_else(String::new, |(_, column_type)| column_type.clone());
        answers.insert((part.rows.clone(), (*expression).to_string()), Answer::Values { column_type, values });
    }
}
