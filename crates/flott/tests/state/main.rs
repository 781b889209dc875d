//! State over the life of a job: changed queries, savepoints, looking into state, and state on a server.
#![allow(clippy::unwrap_used)]

mod changes;
mod parts;
mod savepoints;
mod servers;

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const WAIT: Duration = Duration::from_secs(30);

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flott"));
    command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn flott(dir: &Path, args: &[&str]) -> Output {
    command(dir).args(args).output().unwrap()
}

/// Runs it and returns standard output; it must succeed.
fn told(dir: &Path, args: &[&str]) -> String {
    let output = flott(dir, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", err(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Waits for the end and returns the exit code and what was said.
fn ended(mut child: Child) -> (Option<i32>, String) {
    let since = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(since.elapsed() < WAIT, "the process does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    (child.wait().unwrap().code(), told)
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < WAIT, "{what} does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}
