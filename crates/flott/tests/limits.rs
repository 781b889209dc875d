//! Scripts of uncommon size end in a result or in an error that can be read, and neither takes long. The cases are in `limits/cases.txt`.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Nobody waits longer for an answer: three seconds on a machine that has nothing else to do, and more where tests share it.
const TIME_MAX: Duration = Duration::from_secs(60);
/// Nobody reads a longer error.
const ERROR_BYTES_MAX: usize = 4_000;

const NUMBERS: &str = "CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'fields.n.kind' = 'sequence',
    'fields.n.start' = '1', 'fields.n.end' = '3');";

/// The script that a template stands for.
fn script(template: &str) -> String {
    let mut script = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('«') {
        let (part, behind) = behind.split_once('»').unwrap();
        let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        script.push_str(before);
        (0..behind[..digits].parse::<usize>().unwrap()).for_each(|i| script.push_str(&part.replace('#', &i.to_string())));
        rest = &behind[digits..];
    }
    (script + rest).replacen("NUMBERS", NUMBERS, 1)
}

fn run(folder: &std::path::Path, script: &str) -> (Output, Duration) {
    let file = folder.join("script.sql");
    std::fs::write(&file, script).unwrap();
    let start = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_flott"))
        .current_dir(folder)
        .args(["run", "-q", "script.sql"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output, start.elapsed())
}

#[test]
fn uncommon_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let only = std::env::var("LIMITS").unwrap_or_default();
    let mut wrong = vec![];
    for line in include_str!("limits/cases.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let [name, code, part, template] = line.splitn(4, '|').map(str::trim).collect::<Vec<_>>()[..] else { panic!("{line}") };
        if !name.contains(&only) {
            continue;
        }
        let (output, took) = run(folder.path(), &script(template));
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let told = if code == "0" { &out } else { &err };
        let said = told.contains(part) && output.status.code() == code.parse().ok();
        if !said || err.len() > ERROR_BYTES_MAX || took > TIME_MAX {
            let err: String = err.chars().take(300).collect();
            wrong.push(format!("{name}: {:?} after {took:?}, {} bytes of rows, error: {err}", output.status.code(), out.len()));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}
