//! Every expression of `tests/parity/expressions` against the answer of a real Flink: its type and its values, over all rows in one
//! tick and over ticks of one row.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use flott::{RunOptions, collect};
use flott_testkit::expressions::{Answer, Answers, BROKEN, FLOTT_EXTENSION, FOLDER, Part, Topic, escaped, known_difference};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/parity").canonicalize().unwrap()
}

/// Expressions that are known to differ, with their topics.
fn known() -> BTreeSet<(String, String)> {
    let text = std::fs::read_to_string(folder().join("gaps.txt")).unwrap();
    text.lines().filter_map(known_difference).map(|(topic, expression, _)| (topic.to_string(), expression.to_string())).collect()
}

/// What Flott gives for an expression.
fn run(topic: &Topic, part: &Part, expression: &str, tick_rows_max: Option<usize>) -> Answer {
    let mut settings = vec![("table.local-time-zone".to_string(), "UTC".to_string())];
    settings.extend(topic.settings.iter().cloned());
    let options = RunOptions { settings, tick_rows_max, parallelism: Some(1), ..RunOptions::default() };
    let collected = match collect(&part.query(&[expression]), &options) {
        Ok(collected) => collected,
        Err(e) => return Answer::Failed(e.to_string()),
    };
    let mut rows = collected.rows;
    rows.sort_by_key(|(_, values)| values[0].as_ref().and_then(|nr| nr.parse::<u32>().ok()));
    let values = rows.iter().map(|(_, values)| escaped(values[1].as_deref())).collect();
    Answer::Values { column_type: collected.schema[1].1.clone(), values }
}

/// The sizes of ticks with which an expression is computed.
fn ticks(part: &Part) -> &'static [Option<usize>] {
    if part.rows.is_empty() { &[None] } else { &[None, Some(1)] }
}

/// Where Flott answers otherwise than Flink, `expression | Flink | Flott`.
fn difference(topic: &Topic, part: &Part, expression: &str, flink: &Answer) -> Option<String> {
    ticks(part).iter().find_map(|tick_rows_max| {
        let flott = run(topic, part, expression, *tick_rows_max);
        let equal = *flink == flott || matches!((flink, &flott), (Answer::Failed(_), Answer::Failed(_)));
        (!equal).then(|| format!("{expression} | {flink} | {flott}"))
    })
}

/// What is wrong with a topic, a line each.
fn check(topic: &Topic, known: &BTreeSet<(String, String)>) -> Vec<String> {
    let answers = topic.answers().unwrap();
    let mut lines = vec![];
    let mut differing = BTreeSet::new();
    let mut all = BTreeSet::new();
    for (part, expression) in topic.expressions() {
        all.insert(expression);
        let listed = known.contains(&(topic.name.clone(), expression.to_string()));
        match answers.get(&(part.rows.clone(), expression.to_string())) {
            None => lines.push(format!("{expression} has no answer of Flink yet")),
            Some(flink) => {
                if let Some(line) = difference(topic, part, expression, flink) {
                    differing.insert(expression);
                    lines.extend((!listed).then_some(line));
                }
            }
        }
    }
    for (_, expression) in known.iter().filter(|(name, _)| *name == topic.name) {
        if !all.contains(expression.as_str()) {
            lines.push(format!("{expression} is named in gaps.txt and nowhere else"));
        } else if !differing.contains(expression.as_str()) {
            lines.push(format!("{expression} is equal, though gaps.txt says that it differs: take it out there"));
        }
    }
    lines
}

fn on_all_cores<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    work(one);
                }
            });
        }
    });
}

#[test]
fn expressions_give_what_flink_gives() {
    let filter = std::env::var("EXPRESSIONS").unwrap_or_default();
    let mut topics = Topic::all(&folder()).unwrap();
    topics.retain(|topic| topic.name.contains(&filter));
    assert!(!topics.is_empty(), "no file of expressions found");
    let known = known();
    let wrong: Mutex<BTreeMap<String, Vec<String>>> = Mutex::default();
    on_all_cores(&topics, |topic| {
        let lines = check(topic, &known);
        if !lines.is_empty() {
            wrong.lock().unwrap().insert(topic.name.clone(), lines);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    let total: usize = topics.iter().map(|t| t.expressions().count()).sum();
    let differing: usize = wrong.values().map(Vec::len).sum();
    let text: String = wrong.iter().map(|(topic, lines)| format!("  {FOLDER}/{topic}\n    {}\n", lines.join("\n    "))).collect();
    assert!(wrong.is_empty(), "{differing} of {total} expressions differ (expression | Flink | Flott)\n{text}");
}

/// What Flott answers over any size of ticks. A panic, and an answer that hangs on the ticks, are failures that say so.
fn answer(topic: &Topic, part: &Part, expression: &str) -> Answer {
    let run = || ticks(part).iter().map(|tick_rows_max| run(topic, part, expression, *tick_rows_max)).collect::<Vec<_>>();
    let Ok(mut answers) = std::panic::catch_unwind(run) else { return Answer::Failed(format!("{BROKEN}panic")) };
    answers.dedup_by(|a, b| a == b || matches!((a, b), (Answer::Failed(_), Answer::Failed(_))));
    match (answers.pop(), answers.pop()) {
        (Some(by_row), Some(_)) => Answer::Failed(format!("{BROKEN}over ticks of one row {by_row}")),
        (Some(answer), None) => answer,
        (None, _) => unreachable!("every part has ticks"),
    }
}

/// For `cargo xtask random`: writes what Flott answers to every file of a folder beside it, as goldens are written.
#[test]
#[ignore = "run by cargo xtask random"]
fn answers_are_written() {
    let folder = std::env::var_os("EXPRESSIONS_FOLDER").expect("EXPRESSIONS_FOLDER names a folder like tests/parity");
    for topic in Topic::all(Path::new(&folder)).unwrap() {
        let answers: Mutex<Answers> = Mutex::default();
        on_all_cores(&topic.expressions().collect::<Vec<_>>(), |(part, expression)| {
            let answer = answer(&topic, part, expression);
            answers.lock().unwrap().insert((part.rows.clone(), (*expression).to_string()), answer);
        });
        let answers = answers.into_inner().unwrap();
        std::fs::write(topic.golden.with_extension(FLOTT_EXTENSION), topic.golden_text(&answers)).unwrap();
    }
}
