//! The stream plans of the benchmark's queries, against those kept in `tests/plans`: a query that loses a join key, a pushed filter
//! or a shared scan still gives right results, only slowly. `PLANS=keep` writes the files anew.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn queries(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "sql") && f.file_stem().is_some_and(|s| s != "ddl"));
    files.sort();
    files
}

/// The stream plan that `flott explain` shows for a query.
fn plan(ddl: &str, query: &Path) -> String {
    let script = format!("{ddl}\n{}", std::fs::read_to_string(query).unwrap()).replace("${DATA}", "events.json").replace("${OUT}", "out");
    let output = Command::new(env!("CARGO_BIN_EXE_flott")).args(["explain", "-e", &script]).output().unwrap();
    assert!(output.status.success(), "{}: {}", query.display(), String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, plan) = text.split_once("== Stream plan ==\n").unwrap();
    plan.trim_end().to_owned() + "\n"
}

#[test]
fn plans_are_as_they_were() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (bench, plans) = (root.join("bench/queries"), root.join("tests/plans"));
    let ddl = std::fs::read_to_string(bench.join("ddl.sql")).unwrap();
    let mut changed = vec![];
    for query in queries(&bench) {
        let file = plans.join(query.with_extension("plan").file_name().unwrap());
        let plan = plan(&ddl, &query);
        if std::env::var_os("PLANS").is_some_and(|v| v == "keep") {
            std::fs::write(&file, &plan).unwrap();
        }
        if std::fs::read_to_string(&file).unwrap_or_default() != plan {
            changed.push(format!("{}:\n{plan}", file.file_name().unwrap().to_string_lossy()));
        }
    }
    assert!(changed.is_empty(), "plans have changed; if that is meant, PLANS=keep writes them anew\n\n{}", changed.join("\n"));
}
