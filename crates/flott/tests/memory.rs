//! A bound on memory: the same results, and no more in RAM than was allowed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

/// A join that keeps every bid and every auction.
const JOIN: &str = "
CREATE TABLE events (
  event_type INT,
  auction ROW<id BIGINT, itemName STRING, description STRING, category BIGINT>,
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, extra STRING>
) WITH ('connector' = 'nexmark', 'events.num' = '2000000', 'base-time' = '2024-01-01 00:00:00');
SELECT COUNT(*) AS n, SUM(price) AS price, MIN(url) AS url, MAX(itemName) AS item, MAX(extra) AS extra
FROM (SELECT bid.* FROM events WHERE event_type = 2) AS b
JOIN (SELECT auction.* FROM events WHERE event_type = 1) AS a ON b.auction = a.id;
";

/// The last row, and what was said about memory.
fn run(folder: &Path, args: &[&str]) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_flott"))
        .args(["run", "-o", "csv", "--state-dir"])
        .arg(folder)
        .args(args)
        .args(["-e", JOIN])
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{stderr}");
    (stdout.lines().last().unwrap().to_owned(), stderr)
}

#[test]
fn a_bound_changes_no_result() {
    let folder = tempfile::tempdir().unwrap();
    let (unbounded, _) = run(folder.path(), &[]);
    let (bounded, said) = run(folder.path(), &["--memory", "160M"]);
    assert_eq!(bounded, unbounded);
    let line = said.lines().find(|line| line.starts_with("memory: at most ")).unwrap();
    let most: f64 = line.split(' ').nth(3).unwrap().parse().unwrap();
    // A tick allocates faster than somebody looks, so a little more is seen at times.
    assert!(line.contains(" MB in RAM") && most < 250.0, "{line}");
    assert_eq!(std::fs::read_dir(folder.path()).map_or(0, Iterator::count), 0, "the file has no name");
}

#[test]
fn a_bound_that_cannot_be_kept_is_refused() {
    let refused = |memory: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_flott")).args(["run", "--memory", memory, "-e", "SELECT 1"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused("64M").contains("the least is 128 MiB"));
    assert!(refused("much").contains("for example 512M or 2G"));
}
