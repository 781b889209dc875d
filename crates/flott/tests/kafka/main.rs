//! Scripts over topics of a real Kafka broker: one broker for all, a topic or two for each test.
#![allow(clippy::unwrap_used)]

mod bad_records;
mod exactly_once;
mod kills;
mod reading;
mod refusals;
mod restarts;
mod security;
mod stopping;
mod upsert;
mod writing;

use std::path::Path;

use flott::{Collected, RunOptions, collect};
use flott_testkit::kafka::Broker;

/// A table over a topic; `options` come behind those that every table has.
fn table(broker: &Broker, name: &str, columns: &str, options: &str) -> String {
    let servers = broker.servers();
    format!("CREATE TABLE {name} ({columns}) WITH ('properties.bootstrap.servers' = '{servers}', {options});\n")
}

/// Options of a table in JSON that is read from its beginning to its end.
fn whole(topic: &str) -> String {
    format!(
        "'connector' = 'kafka', 'format' = 'json', 'topic' = '{topic}', 'scan.startup.mode' = 'earliest-offset', \
         'scan.bounded.mode' = 'latest-offset'"
    )
}

/// Options of a table in JSON that is written.
fn written(topic: &str) -> String {
    format!("'connector' = 'kafka', 'format' = 'json', 'topic' = '{topic}'")
}

/// Runs a script with its state in a folder.
fn run_in(folder: &Path, sql: &str, change: impl FnOnce(&mut RunOptions)) -> Result<Collected, String> {
    let mut options = RunOptions { state_dir: folder.to_path_buf(), ..RunOptions::default() };
    change(&mut options);
    collect(sql, &options).map_err(|e| e.to_string())
}

/// Runs a script.
fn run(sql: &str) -> Result<Collected, String> {
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), sql, |_| {})
}

/// The rows of the last SELECT as texts, sorted: the place of a row hangs on the partition that it is from.
fn rows(sql: &str) -> Vec<String> {
    let collected = run(sql).unwrap_or_else(|e| panic!("{e}\n{sql}"));
    sorted(&collected)
}

fn sorted(collected: &Collected) -> Vec<String> {
    let text = |(kind, row): &(flott_engine::RowKind, Vec<Option<String>>)| {
        let values: Vec<&str> = row.iter().map(|v| v.as_deref().unwrap_or("NULL")).collect();
        format!("{}[{}]", kind.symbol(), values.join(", "))
    };
    let mut rows: Vec<String> = collected.rows.iter().map(text).collect();
    rows.sort();
    rows
}
