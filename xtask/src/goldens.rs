//! `cargo xtask goldens`: runs the parity cases of `tests/parity` on a real Flink and writes what it answered.
//!
//! A case is a SQL script whose last statement is a SELECT; its golden holds the schema and the changelog that Flink
//! gave, or the reason why Flink refused it. `tests/parity/README.md` describes both files. Expressions are asked in [`expressions`].

pub(crate) mod expressions;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use flott_testkit::expressions::escaped;

use crate::Result;
use crate::flink::distribution::{Distribution, VERSION};
use crate::flink::gateway::{Answer, Gateway, Session, Table};

/// Settings under which every case runs; a case may change them with SET.
pub(crate) const SESSION: [(&str, &str); 4] = [
    ("execution.runtime-mode", "streaming"),
    ("parallelism.default", "1"),
    ("restart-strategy.type", "none"),
    ("table.local-time-zone", "UTC"),
];

/// Cases whose name starts so are meant to fail on Flink; all others are meant to run.
const ERROR_PREFIX: &str = "error_";

/// A comment that begins so gives the last statement as Flink shall run it.
const FLINK_FORM: &str = "-- flink: ";

/// Runs the cases whose `group/name` contains the filter. With `--missing`, only those without a golden.
///
/// # Errors
/// When no case matches, Flink cannot be started, or a case fails (or does not fail) against its name.
pub fn run(args: &[String]) -> Result<()> {
    let missing_only = args.iter().any(|a| a == "--missing");
    let filter = args.iter().find(|a| !a.starts_with("--")).map_or("", String::as_str);
    let root = repository_root()?;
    let parity = root.join("tests/parity");
    let mut cases = find_cases(&parity, filter)?;
    cases.retain(|case| !missing_only || !case.golden.exists());
    let topics = expressions::find(&parity, filter, missing_only)?;
    if cases.is_empty() && topics.is_empty() {
        return Err(format!("no parity case to run (filter `{filter}`)"));
    }
    let distribution = Distribution::obtain(&root.join("target/flink"))?;
    if !topics.is_empty() {
        expressions::run(&distribution, &topics, missing_only)?;
    }
    if cases.is_empty() {
        return Ok(());
    }
    let gateway = Gateway::start(&distribution)?;
    eprintln!("Flink {VERSION} is up (pid {}), {} cases", gateway.pid(), cases.len());
    let data = parity.join("data").display().to_string();
    let surprises = run_cases(&gateway, &cases, &data)?;
    gateway.stop();
    if surprises.is_empty() {
        return Ok(());
    }
    Err(format!(
        "these cases ended otherwise than their names say (`{ERROR_PREFIX}…` must fail, others must not):\n  {}",
        surprises.join("\n  ")
    ))
}

/// Asks Flink for each case and writes its golden. Gives the cases that ended otherwise than their names say.
fn run_cases(gateway: &Gateway, cases: &[Case], data: &str) -> Result<Vec<String>> {
    let mut surprises = Vec::new();
    for case in cases {
        let started = Instant::now();
        let (golden, failed) = run_case(gateway, case, data)?;
        let state = write_golden(&case.golden, &golden)?;
        let lines = golden.lines().count().saturating_sub(1);
        println!("{:<44} {lines:>5} rows  {state:<9} {:.1} s", case.name, started.elapsed().as_secs_f64());
        if failed != case.expects_error() {
            surprises.push(format!("{}: {}", case.name, golden.lines().next().unwrap_or_default()));
        }
    }
    Ok(surprises)
}

struct Case {
    /// `group/name`.
    name: String,
    script: PathBuf,
    golden: PathBuf,
}

impl Case {
    fn expects_error(&self) -> bool {
        self.name.rsplit('/').next().is_some_and(|file| file.starts_with(ERROR_PREFIX))
    }
}

fn find_cases(parity: &Path, filter: &str) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for group in sorted_entries(parity)?.into_iter().filter(|path| path.is_dir()) {
        for script in sorted_entries(&group)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "sql")) {
            let part = |name: Option<&std::ffi::OsStr>| name.unwrap_or_default().to_string_lossy().into_owned();
            let name = format!("{}/{}", part(group.file_name()), part(script.file_stem()));
            if name.contains(filter) {
                cases.push(Case { name, golden: script.with_extension("golden"), script });
            }
        }
    }
    Ok(cases)
}

/// Gives the text of the golden, and whether Flink failed.
fn run_case(gateway: &Gateway, case: &Case, data: &str) -> Result<(String, bool)> {
    let script = fs::read_to_string(&case.script).map_err(|e| format!("{}: {e}", case.script.display()))?;
    let mut statements = split_statements(&script.replace("${DATA}", data));
    // What Flink cannot run as it is asked of Flott is asked of Flink in another form.
    let other = script.lines().find_map(|line| line.strip_prefix(FLINK_FORM));
    if let (Some(other), Some(last)) = (other, statements.last_mut()) {
        *last = other.trim_end_matches(';').to_string();
    }
    let session = gateway.open_session(&SESSION)?;
    let in_case = |message: String| format!("{}: {message}", case.name);
    let answer = run_statements(&session, &statements).map_err(in_case)?;
    let (text, failed) = match answer {
        Answer::Failed(failure) => (format!("error: {}\n", failure.cause), true),
        Answer::Rows(table) => (golden_text(&table), false),
    };
    // Paths differ from machine to machine.
    Ok((text.replace(data, "${DATA}"), failed))
}

fn run_statements(session: &Session<'_>, statements: &[String]) -> Result<Answer> {
    let mut last = Err("the script holds no statement".to_string());
    for statement in statements {
        last = session.execute(statement);
        if !matches!(last, Ok(Answer::Rows(_))) {
            break;
        }
    }
    last
}

fn golden_text(table: &Table) -> String {
    let columns: Vec<String> = table.columns.iter().map(|(name, kind)| format!("{} {kind}", quoted(name))).collect();
    let mut text = format!("# schema: {}\n", columns.join(", "));
    for (kind, values) in &table.rows {
        text.push_str(kind);
        for value in values {
            let _ = write!(text, "\t{}", escaped(value.as_deref()));
        }
        text.push('\n');
    }
    text
}

/// A column name as it would be written in SQL: in backticks unless it is a plain word.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    if name.chars().all(plain) { name.to_string() } else { format!("`{}`", name.replace('`', "``")) }
}

/// Writes the golden unless the old one holds the same rows: their order may differ from run to run.
fn write_golden(path: &Path, text: &str) -> Result<&'static str> {
    let state = match fs::read_to_string(path) {
        Ok(old) if sorted_lines(&old) == sorted_lines(text) => return Ok("unchanged"),
        Ok(_) => "changed",
        Err(_) => "new",
    };
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(state)
}

fn sorted_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// Cuts a script at its semicolons, leaving those in strings, quoted names and comments alone. Comments go, hints stay.
pub fn split_statements(script: &str) -> Vec<String> {
    let mut statements = vec![String::new()];
    let mut rest = script;
    while let Some(first) = rest.chars().next() {
        let (length, keep) = match first {
            '\'' | '`' | '"' => (rest[1..].find(first).map_or(rest.len(), |end| end + 2), true),
            '-' if rest.starts_with("--") => (rest.find('\n').unwrap_or(rest.len()), false),
            '/' if rest.starts_with("/*") && !rest.starts_with("/*+") => (rest.find("*/").map_or(rest.len(), |end| end + 2), false),
            _ => (first.len_utf8(), true),
        };
        if first == ';' {
            statements.push(String::new());
        } else if let (true, Some(statement)) = (keep, statements.last_mut()) {
            statement.push_str(&rest[..length]);
        }
        rest = &rest[length..];
    }
    statements.iter().map(|s| s.trim().to_string()).filter(|s| !s.is_empty()).collect()
}

fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|e| e.path())).collect();
    paths.sort();
    Ok(paths)
}

/// The folder that holds the workspace.
///
/// # Errors
/// Never, as long as this crate lies in a workspace.
pub fn repository_root() -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map(Path::to_path_buf).ok_or_else(|| "xtask has no parent folder".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_outside_of_quotes_and_comments() {
        let script = "-- first; comment\nSET 'a;b' = 'it''s;';\nSELECT /*+ OPTIONS('k'='v') */ `x;y` /* ; */ FROM t;\n";
        assert_eq!(split_statements(script), ["SET 'a;b' = 'it''s;'", "SELECT /*+ OPTIONS('k'='v') */ `x;y`  FROM t"]);
    }

    #[test]
    fn names_that_are_no_words_are_quoted() {
        assert_eq!(quoted("EXPR$0"), "EXPR$0");
        assert_eq!(quoted("a b"), "`a b`");
    }
}
