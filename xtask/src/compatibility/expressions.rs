//! The expression cases, as the page on compatibility shows them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use flott_testkit::expressions::{self as cases, Answer, FOLDER, known_difference};

use crate::Result;

/// A file of expressions.
pub struct Topic {
    name: String,
    counts: Counts,
    /// Expressions that differ, with the reason.
    differ: Vec<(String, String)>,
}

/// How many expressions there are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// All.
    pub asked: usize,
    /// Flink refuses them, or fails.
    pub refused: usize,
    /// Flott answers otherwise.
    pub differ: usize,
}

impl Counts {
    /// The sums over all topics.
    pub fn of(topics: &[Topic]) -> Self {
        topics.iter().fold(Self::default(), |sum, topic| Self {
            asked: sum.asked + topic.counts.asked,
            refused: sum.refused + topic.counts.refused,
            differ: sum.differ + topic.counts.differ,
        })
    }
}

/// All topics in order of their names.
///
/// # Errors
/// When an expression has no answer of Flink, or a difference is that of no topic.
pub fn read(root: &Path) -> Result<Vec<Topic>> {
    let parity = root.join("tests/parity");
    let path = parity.join("gaps.txt");
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut gaps: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
    for (topic, expression, reason) in text.lines().filter_map(known_difference) {
        gaps.entry(topic).or_default().push((expression.to_string(), reason.to_string()));
    }
    let mut topics = vec![];
    for topic in cases::Topic::all(&parity)? {
        let differ = gaps.remove(topic.name.as_str()).unwrap_or_default();
        let answers = topic.answers()?;
        let mut counts = Counts { differ: differ.len(), ..Counts::default() };
        for (part, expression) in topic.expressions() {
            let answer = answers.get(&(part.rows.clone(), expression.to_string()));
            let answer = answer.ok_or_else(|| format!("{FOLDER}/{}: `{expression}` has no answer of Flink", topic.name))?;
            counts.asked += 1;
            counts.refused += usize::from(matches!(answer, Answer::Failed(_)));
        }
        topics.push(Topic { name: topic.name, counts, differ });
    }
    match gaps.pop_first() {
        Some((topic, _)) => Err(format!("gaps.txt names {FOLDER}/{topic}, which there is not")),
        None => Ok(topics),
    }
}

/// Most expressions that are shown for a reason; all of them are in `tests/parity/gaps.txt`.
const SHOWN_MAX: usize = 8;

/// What differs, by reason.
pub fn differences(text: &mut String, topics: &[Topic]) {
    let mut by_reason: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for topic in topics {
        for (expression, reason) in &topic.differ {
            by_reason.entry(reason).or_default().push((&topic.name, expression));
        }
    }
    if by_reason.is_empty() {
        return;
    }
    text.push_str("Expressions with another type or value, or refused by one of both. The columns in them are those of the `@rows` in the files of the table\nbelow; `tests/parity/gaps.txt` has them all.\n\n");
    for (reason, expressions) in by_reason {
        let shown: Vec<String> = expressions.iter().take(SHOWN_MAX).map(|(_, e)| format!("`` {e} ``")).collect();
        let more = match expressions.len().saturating_sub(SHOWN_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = writeln!(text, "- {}: {}{more}", super::plain(reason), shown.join(", "));
    }
    text.push('\n');
}

/// A line for each topic.
pub fn section(text: &mut String, topics: &[Topic]) {
    text.push_str("## Expressions\n\n| topic | expressions | refused by Flink | differ |\n| --- | ---: | ---: | ---: |\n");
    for Topic { name, counts, .. } in topics {
        let [refused, differ] = [counts.refused, counts.differ].map(|n| if n == 0 { String::new() } else { n.to_string() });
        let _ = writeln!(text, "| [{name}](../tests/parity/{FOLDER}/{name}.exprs) | {} | {refused} | {differ} |", counts.asked);
    }
    text.push('\n');
}
