//! Expression cases: files `tests/parity/expressions/<topic>.exprs` and the answers of a real Flink in `<topic>.golden`.
//!
//! `tests/parity/README.md` describes both files. The queries that ask Flink and Flott are made here, so that both are asked the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

/// Folder of the files below `tests/parity`, and what their names begin with in the list of differences.
pub const FOLDER: &str = "expressions";

/// Extension of a file of Flott's own answers, which are written as goldens are.
pub const FLOTT_EXTENSION: &str = "flott";

/// A failure that is wrong whatever Flink says begins so.
pub const BROKEN: &str = "broken: ";

/// Between an expression and the reason in the list of differences.
const REASON: &str = " -- ";

/// A file of expressions.
#[derive(Debug, Clone, Default)]
pub struct Topic {
    /// Name of the file without extension.
    pub name: String,
    /// Session options, by key.
    pub settings: Vec<(String, String)>,
    /// The expressions, by the rows over which they are computed.
    pub parts: Vec<Part>,
    /// Where the answers lie.
    pub golden: PathBuf,
}

/// Expressions over the same rows.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// What follows `@rows`; empty for expressions over nothing.
    pub rows: String,
    /// The expressions, in order of the file.
    pub expressions: Vec<String>,
}

/// What an expression gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was refused, or failed when it ran.
    Failed(String),
    /// Its type, and a value for each row as goldens write them.
    Values { column_type: String, values: Vec<String> },
}

impl fmt::Display for Answer {
    /// On one line, as differences are reported.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Failed(cause) => write!(f, "error: {}", cause.lines().take(2).collect::<Vec<_>>().join(" ")),
            Answer::Values { column_type, values } => write!(f, "{column_type}: {}", values.join(" ; ")),
        }
    }
}

/// Answers by the rows and the expression.
pub type Answers = BTreeMap<(String, String), Answer>;

impl Topic {
    /// All topics of the folder `tests/parity`, in order of their names.
    ///
    /// # Errors
    /// When a file cannot be read, or a line that begins with `@` says nothing known.
    pub fn all(parity: &Path) -> Result<Vec<Self>, String> {
        let entries = match fs::read_dir(parity.join(FOLDER)) {
            Ok(entries) => entries,
            Err(_) => return Ok(vec![]),
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "exprs")).collect();
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let topic = Self { name, golden: path.with_extension("golden"), ..Self::default() };
        topic.with_lines(&text).map_err(|e| format!("{}: {e}", path.display()))
    }

    fn with_lines(mut self, text: &str) -> Result<Self, String> {
        let mut part = Part::default();
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            if let Some(setting) = line.strip_prefix("@set ") {
                let pair = setting.split_once('=').map(|(k, v)| (k.trim().trim_matches('\''), v.trim().trim_matches('\'')));
                let (key, value) = pair.ok_or_else(|| format!("`{line}` is not of the form @set 'key' = 'value'"))?;
                self.settings.push((key.to_string(), value.to_string()));
            } else if let Some(rows) = line.strip_prefix("@rows ") {
                let rows = if rows.trim() == "none" { "" } else { rows.trim() };
                let new = Part { rows: rows.to_string(), expressions: vec![] };
                self.parts.push(std::mem::replace(&mut part, new));
                part.tuples()?;
            } else if line.starts_with('@') {
                return Err(format!("`{line}`: only @set and @rows are known"));
            } else {
                part.expressions.push(line.to_string());
            }
        }
        self.parts.push(part);
        self.parts.retain(|part| !part.expressions.is_empty());
        Ok(self)
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let mut text: String = self.setting_lines().iter().map(|l| format!("{l}\n")).collect();
        for part in &self.parts {
            let _ = writeln!(text, "@rows {}", if part.rows.is_empty() { "none" } else { &part.rows });
            part.expressions.iter().for_each(|e| text.extend([e, "\n"]));
        }
        text
    }

    /// Every expression with the rows over which it is computed.
    pub fn expressions(&self) -> impl Iterator<Item = (&Part, &str)> {
        self.parts.iter().flat_map(|part| part.expressions.iter().map(move |e| (part, e.as_str())))
    }

    /// The answers of Flink that were kept, if they were given under the settings of today.
    ///
    /// # Errors
    /// When a line of the file is not understood.
    pub fn answers(&self) -> Result<Answers, String> {
        let Ok(text) = fs::read_to_string(&self.golden) else { return Ok(Answers::new()) };
        let mut answers = Answers::new();
        let (mut rows, mut settings) = ("", vec![]);
        for line in text.lines() {
            if line.starts_with("@set ") {
                settings.push(line.to_string());
            } else if let Some(text) = line.strip_prefix("@rows ") {
                rows = if text == "none" { "" } else { text };
            } else {
                let (expression, answer) = answer_of(line).ok_or_else(|| format!("{}: `{line}`", self.golden.display()))?;
                answers.insert((rows.to_string(), expression.to_string()), answer);
            }
        }
        if settings != self.setting_lines() {
            answers.clear();
        }
        Ok(answers)
    }

    fn setting_lines(&self) -> Vec<String> {
        self.settings.iter().map(|(key, value)| format!("@set '{key}' = '{value}'")).collect()
    }

    /// The text of the golden with these answers. Expressions without one are left out.
    pub fn golden_text(&self, answers: &Answers) -> String {
        let mut text: String = self.setting_lines().iter().map(|l| format!("{l}\n")).collect();
        let mut rows = "";
        let mut written = BTreeSet::new();
        for (part, expression) in self.expressions() {
            let key = (part.rows.clone(), expression.to_string());
            let Some(answer) = answers.get(&key) else { continue };
            if !written.insert(key) {
                continue;
            }
            if part.rows != rows {
                rows = &part.rows;
                let _ = writeln!(text, "@rows {}", if rows.is_empty() { "none" } else { rows });
            }
            let _ = match answer {
                Answer::Failed(cause) => writeln!(text, "{expression}\terror\t{}", escaped(Some(cause))),
                Answer::Values { column_type, values } => writeln!(text, "{expression}\t{column_type}\t{}", values.join("\t")),
            };
        }
        text
    }
}

/// One line of a golden.
fn answer_of(line: &str) -> Option<(&str, Answer)> {
    let (expression, rest) = line.split_once('\t')?;
    let (column_type, values) = rest.split_once('\t')?;
    let answer = match column_type {
        "error" => Answer::Failed(values.to_string()),
        _ => Answer::Values { column_type: column_type.to_string(), values: values.split('\t').map(str::to_string).collect() },
    };
    Some((expression, answer))
}

impl Part {
    /// A query with a number for each row in front, and a column for each of the expressions.
    ///
    /// Flink computes expressions over VALUES while it plans, and then some have other values than over a stream. The lateral join
    /// keeps it from that.
    pub fn query(&self, expressions: &[&str]) -> String {
        let columns: String = expressions.iter().enumerate().map(|(i, e)| format!(",\n{e} AS c{i}")).collect();
        match self.tuples() {
            Ok((tuples, names)) if !tuples.is_empty() => {
                let numbered: Vec<String> = tuples.iter().enumerate().map(|(i, t)| format!("({i}, {t})")).collect();
                let values = numbered.join(", ");
                format!("SELECT nr{columns}\nFROM (VALUES {values}) AS v(nr, {names}) CROSS JOIN UNNEST(ARRAY[nr]) AS u(once)")
            }
            _ => format!("SELECT 0 AS nr{columns}"),
        }
    }

    /// What stands between the brackets of each row, and the names of columns.
    fn tuples(&self) -> Result<(Vec<&str>, &str), String> {
        if self.rows.is_empty() {
            return Ok((vec![], ""));
        }
        let malformed = || format!("`@rows {}` is not of the form @rows (value, …), … AS (name, …)", self.rows);
        let (rows, names) = self.rows.rsplit_once(" AS (").ok_or_else(malformed)?;
        let names = names.strip_suffix(')').ok_or_else(malformed)?;
        let (mut tuples, mut depth, mut start, mut quoted) = (vec![], 0, 0, false);
        for (i, c) in rows.char_indices() {
            match c {
                '\'' => quoted = !quoted,
                '(' if !quoted => {
                    depth += 1;
                    start = if depth == 1 { i + 1 } else { start };
                }
                ')' if !quoted => {
                    depth -= 1;
                    if depth == 0 {
                        tuples.push(&rows[start..i]);
                    }
                }
                _ => {}
            }
        }
        if tuples.is_empty() || depth != 0 || quoted { Err(malformed()) } else { Ok((tuples, names)) }
    }
}

/// A value as goldens write it. NULL is `<NULL>`; a text that reads the same gets a backslash in front.
pub fn escaped(value: Option<&str>) -> String {
    let Some(value) = value else {
        return "<NULL>".into();
    };
    let text = value.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r");
    if text == "<NULL>" { "\\<NULL>".into() } else { text }
}

/// Takes a line `expressions/<topic>: <expression> -- <reason>` of the list of differences apart: topic, expression, reason.
pub fn known_difference(line: &str) -> Option<(&str, &str, &str)> {
    let (topic, rest) = line.strip_prefix(FOLDER)?.strip_prefix('/')?.split_once(": ")?;
    let (expression, reason) = rest.rsplit_once(REASON)?;
    Some((topic, expression, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(text: &str) -> Topic {
        Topic::default().with_lines(text).unwrap()
    }

    #[test]
    fn rows_are_numbered_and_every_expression_is_a_column() {
        let topic = topic("@set 'a' = 'b'\n# note\n1 + 1\n@rows (1, ')'), (NULLIF(1, 1), 'it''s') AS (x, y)\nx\n@rows none\nPI()\n");
        assert_eq!(topic.settings, [("a".to_string(), "b".to_string())]);
        let queries: Vec<String> = topic.expressions().map(|(part, e)| part.query(&[e, "2"])).collect();
        assert_eq!(queries[0], "SELECT 0 AS nr,\n1 + 1 AS c0,\n2 AS c1");
        assert_eq!(
            queries[1],
            "SELECT nr,\nx AS c0,\n2 AS c1\nFROM (VALUES (0, 1, ')'), (1, NULLIF(1, 1), 'it''s')) AS v(nr, x, y) CROSS JOIN UNNEST(ARRAY[nr]) AS u(once)"
        );
        assert_eq!(queries[2], "SELECT 0 AS nr,\nPI() AS c0,\n2 AS c1");
        let again = Topic::default().with_lines(&topic.text()).unwrap();
        assert_eq!((again.settings, again.parts.len()), (topic.settings, 3));
        assert!(Topic::default().with_lines("@rows 1, 2\nx").is_err());
    }

    #[test]
    fn answers_come_back_as_they_were_written() {
        let topic = Topic { golden: tempfile::tempdir().unwrap().keep().join("t.golden"), ..topic("1\nx'\n@rows (1) AS (x)\nx\ny\n") };
        let key = |rows: &str, e: &str| (rows.to_string(), e.to_string());
        let answers = Answers::from([
            (key("", "1"), Answer::Values { column_type: "INT NOT NULL".into(), values: vec!["1".into()] }),
            (key("", "x'"), Answer::Failed("ParseException: Lexical error".into())),
            (key("(1) AS (x)", "x"), Answer::Values { column_type: "INT".into(), values: vec!["1".into(), "<NULL>".into()] }),
        ]);
        fs::write(&topic.golden, topic.golden_text(&answers)).unwrap();
        assert_eq!(topic.answers().unwrap(), answers);
        let other = Topic { settings: vec![("a".into(), "b".into())], ..topic };
        assert!(other.answers().unwrap().is_empty());
    }

    #[test]
    fn values_are_escaped_so_that_a_line_is_a_row() {
        assert_eq!(escaped(None), "<NULL>");
        assert_eq!(escaped(Some("<NULL>")), "\\<NULL>");
        assert_eq!(escaped(Some("a\tb\\\n")), "a\\tb\\\\\\n");
    }

    #[test]
    fn a_known_difference_names_its_expression() {
        let line = "expressions/cast: CAST('a: b' AS INT) -- why";
        assert_eq!(known_difference(line), Some(("cast", "CAST('a: b' AS INT)", "why")));
        assert_eq!(known_difference("scalar/typeof: why"), None);
    }
}
