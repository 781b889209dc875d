//! Asks a real Flink and Flott for the same expressions, and remembers what Flink said.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use flott_testkit::expressions::{Answer, Answers, BROKEN, FLOTT_EXTENSION, FOLDER, Part, Topic};

use crate::Result;
use crate::flink::cluster::Cluster;
use crate::flink::distribution::Distribution;
use crate::flink::gateway::Gateway;
use crate::goldens::expressions::ask_open;

/// Classes of errors with which Flink refuses an expression. All others are failures.
const REFUSALS: &[&str] = &["SqlValidatorException", "ValidationException", "SqlParserException", "ParseException", "TableException"];

/// An expression at which nothing can fail but the rows.
const NOTHING: &str = "1";

/// How two answers differ, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Flott panics, or its answer hangs on the size of ticks.
    Broken,
    Values,
    FlottFails,
    /// Flink refuses what Flott computes.
    FlinkRefuses,
    Type,
    /// The types differ in NOT NULL only.
    Nullability,
    /// Flink's planner, its generated code or its job fails, where Flott computes something.
    FlinkBreaks,
}

/// How two answers differ, if they do.
pub fn difference(flink: &Answer, flott: &Answer) -> Option<Kind> {
    match (flink, flott) {
        (_, Answer::Failed(cause)) if cause.starts_with(BROKEN) => Some(Kind::Broken),
        (Answer::Failed(_), Answer::Failed(_)) => None,
        (Answer::Failed(cause), _) => {
            let refused = REFUSALS.iter().any(|class| cause.starts_with(class));
            Some(if refused { Kind::FlinkRefuses } else { Kind::FlinkBreaks })
        }
        (_, Answer::Failed(_)) => Some(Kind::FlottFails),
        (Answer::Values { column_type, values }, Answer::Values { column_type: flott_type, values: flott_values }) => {
            let nullable = |text: &str| text.replace(" NOT NULL", "");
            if values != flott_values {
                Some(Kind::Values)
            } else if nullable(column_type) != nullable(flott_type) {
                Some(Kind::Type)
            } else {
                (column_type != flott_type).then_some(Kind::Nullability)
            }
        }
    }
}

/// Both engines, over the same rows.
pub struct Engines {
    /// The test of expressions as it was when this began, whatever is built meanwhile.
    program: PathBuf,
    /// Like `tests/parity`.
    folder: PathBuf,
    rows: String,
    cluster: Cluster,
    gateway: Gateway,
    flink: Answers,
    flott: Answers,
}

impl Engines {
    /// Starts Flink, with the answers it gave before over the same rows.
    ///
    /// # Errors
    /// When Flink does not start, or the folder for what is asked cannot be made.
    pub fn start(root: &Path, folder: &Path, rows: String) -> Result<Self> {
        fs::create_dir_all(folder.join(FOLDER)).map_err(|e| format!("{}: {e}", folder.display()))?;
        let program = folder.join("flott");
        fs::copy(built(root)?, &program).map_err(|e| format!("{}: {e}", program.display()))?;
        let distribution = Distribution::obtain(&root.join("target/flink"))?;
        let cluster = Cluster::start(&distribution)?;
        let gateway = Gateway::start_remote(&distribution, cluster.rest_port())?;
        let folder = folder.to_path_buf();
        let mut engines = Self { program, folder, rows, cluster, gateway, flink: Answers::new(), flott: Answers::new() };
        let known = Topic { golden: engines.known(), ..Topic::default() }.answers().unwrap_or_default();
        engines.flink = known.into_iter().filter(|((rows, _), _)| *rows == engines.rows).collect();
        engines.ask([NOTHING.to_string()])?;
        match engines.flink.get(&(engines.rows.clone(), NOTHING.to_string())) {
            Some(Answer::Failed(cause)) => Err(format!("Flink does not take the rows: {cause}")),
            _ => Ok(engines),
        }
    }

    /// Where the answers of Flink are kept from run to run.
    fn known(&self) -> PathBuf {
        self.folder.join("flink.golden")
    }

    fn topic(&self, expressions: Vec<String>) -> Topic {
        let part = Part { rows: self.rows.clone(), expressions };
        let golden = self.folder.join(FOLDER).join("asked.golden");
        Topic { name: "asked".into(), settings: vec![], parts: vec![part], golden }
    }

    /// Asks both for these expressions, unless they were asked before.
    ///
    /// # Errors
    /// When one of the engines is gone.
    pub fn ask(&mut self, expressions: impl IntoIterator<Item = String>) -> Result<()> {
        let new = |e: &String| !self.flott.contains_key(&(self.rows.clone(), e.clone()));
        let asked: BTreeSet<String> = expressions.into_iter().filter(new).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let topic = self.topic(asked.into_iter().collect());
        self.flott.extend(self.ask_flott(&topic)?);
        let outcome = ask_open(&self.gateway, &topic, &mut self.flink);
        let all = self.topic(self.flink.keys().map(|(_, e)| e.clone()).collect());
        fs::write(self.known(), all.golden_text(&self.flink)).map_err(|e| format!("{}: {e}", self.known().display()))?;
        outcome
    }

    fn ask_flott(&self, topic: &Topic) -> Result<Answers> {
        let file = topic.golden.with_extension("exprs");
        fs::write(&file, topic.text()).map_err(|e| format!("{}: {e}", file.display()))?;
        let output = Command::new(&self.program)
            .args(["--ignored", "--exact", "answers_are_written"])
            .env("EXPRESSIONS_FOLDER", &self.folder)
            .stdin(Stdio::null())
            .output()
            .map_err(|e| format!("{}: {e}", self.program.display()))?;
        if !output.status.success() {
            return Err(format!("Flott does not answer:\n{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat())));
        }
        Topic { golden: topic.golden.with_extension(FLOTT_EXTENSION), ..Topic::default() }.answers()
    }

    /// What both said, if both were asked and they differ.
    pub fn difference(&self, expression: &str) -> Option<(Kind, &Answer, &Answer)> {
        let key = (self.rows.clone(), expression.to_string());
        let (flink, flott) = (self.flink.get(&key)?, self.flott.get(&key)?);
        difference(flink, flott).map(|kind| (kind, flink, flott))
    }

    /// How many expressions Flink refused or failed at, of those that Flott was asked for.
    pub fn failures(&self) -> usize {
        self.flott.keys().filter(|key| matches!(self.flink.get(*key), Some(Answer::Failed(_)))).count()
    }

    /// Ends Flink.
    pub fn stop(self) {
        self.gateway.stop();
        self.cluster.stop();
    }
}

/// Builds the test of expressions and gives its file.
fn built(root: &Path) -> Result<PathBuf> {
    let arguments = "test --release --package flott --test expressions --no-run --message-format json-render-diagnostics";
    let output = Command::new("cargo")
        .args(arguments.split(' '))
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("cannot run cargo: {e}"))?;
    let executable = |line: &str| {
        let message = serde_json::from_str::<Value>(line).ok()?;
        let program = message["executable"].as_str().filter(|_| message["target"]["name"] == "expressions");
        program.map(PathBuf::from)
    };
    let built = String::from_utf8_lossy(&output.stdout).lines().filter_map(executable).next_back();
    built.filter(|_| output.status.success()).ok_or_else(|| "the test of expressions cannot be built".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_apart() {
        let values = |t: &str, v: &str| Answer::Values { column_type: t.into(), values: vec![v.into()] };
        let failed = |cause: &str| Answer::Failed(cause.into());
        assert_eq!(difference(&values("INT", "1"), &values("INT", "1")), None);
        assert_eq!(difference(&values("INT", "1"), &values("INT NOT NULL", "1")), Some(Kind::Nullability));
        assert_eq!(difference(&values("INT", "1"), &values("BIGINT NOT NULL", "1")), Some(Kind::Type));
        assert_eq!(difference(&values("INT", "1"), &values("INT", "2")), Some(Kind::Values));
        assert_eq!(difference(&failed("x"), &failed("y")), None);
        assert_eq!(difference(&failed("x"), &failed("broken: panic")), Some(Kind::Broken));
        assert_eq!(difference(&failed("x"), &values("INT", "2")), Some(Kind::FlinkBreaks));
        assert_eq!(difference(&failed("ParseException: x"), &values("INT", "2")), Some(Kind::FlinkRefuses));
        assert_eq!(difference(&values("INT", "2"), &failed("x")), Some(Kind::FlottFails));
    }
}
