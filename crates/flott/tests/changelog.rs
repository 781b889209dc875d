//! What changes reach a sink, what EXPLAIN says of them, and what a sink with a primary key is refused.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use flott::{RunOptions, collect};

const TABLES: &str = "
CREATE TABLE changes (id INT, city STRING, n BIGINT, PRIMARY KEY (id) NOT ENFORCED)
  WITH ('connector' = 'filesystem', 'path' = '${DATA}/changes.json', 'format' = 'debezium-json');
CREATE TABLE plain (id INT, city STRING, n BIGINT) WITH ('connector' = 'filesystem', 'path' = '${DATA}/plain.json', 'format' = 'json');
CREATE TABLE by_city (city STRING, total BIGINT, PRIMARY KEY (city) NOT ENFORCED) WITH ('connector' = 'blackhole');
CREATE TABLE by_id (id INT, city STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'blackhole');
CREATE TABLE shown (city STRING, total BIGINT, PRIMARY KEY (city) NOT ENFORCED) WITH ('connector' = 'print');
";

const CHANGES: &str = r#"{"after":{"id":1,"city":"oslo","n":5},"op":"c"}
{"after":{"id":2,"city":"oslo","n":7},"op":"c"}
{"before":{"id":1,"city":"oslo","n":5},"after":{"id":1,"city":"rome","n":6},"op":"u"}
{"before":{"id":2,"city":"oslo","n":7},"op":"d"}
{"after":{"id":3,"city":"rome","n":1},"op":"c"}
{"before":{"id":1,"city":"rome","n":6},"after":{"id":1,"city":"bern","n":6},"op":"u"}
"#;

fn tables() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("changes.json"), CHANGES).unwrap();
    std::fs::write(folder.path().join("plain.json"), "").unwrap();
    let tables = TABLES.replace("${DATA}", folder.path().to_str().unwrap());
    (folder, tables)
}

/// The stream plan with changelog modes, or the error.
fn explain(settings: &str, insert: &str) -> Result<String, String> {
    let (_folder, tables) = tables();
    let script = format!("{tables}{settings} EXPLAIN CHANGELOG_MODE {insert};");
    let output = Command::new(env!("CARGO_BIN_EXE_flott")).args(["run", "-e", &script]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    match text.split_once("== Stream plan ==") {
        Some((_, plan)) => Ok(plan.to_string()),
        None => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

/// Steps of a plan with the changes they emit, from the sink down.
fn modes(settings: &str, insert: &str) -> Vec<(String, String)> {
    let plan = explain(settings, insert).unwrap();
    let step = |line: &str| {
        let name = line.trim_start_matches(|c: char| !c.is_alphabetic()).split('(').next().unwrap().split(' ').next().unwrap();
        let mode = line.split_once("changelogMode=[").unwrap().1.split(']').next().unwrap();
        (name.to_string(), mode.to_string())
    };
    plan.lines().filter(|l| l.contains("changelogMode")).map(step).collect()
}

#[test]
fn consumers_by_key_get_no_row_before() {
    let grouped = modes("", "INSERT INTO by_city SELECT city, SUM(n) FROM plain GROUP BY city");
    assert!(grouped.contains(&("GroupAggregate".into(), "I,UA".into())), "{grouped:?}");
    let from_changes = modes("", "INSERT INTO by_city SELECT city, SUM(n) FROM changes GROUP BY city");
    assert!(from_changes.contains(&("GroupAggregate".into(), "I,UA,D".into())), "{from_changes:?}");
    assert_eq!(from_changes.last().unwrap().1, "I,UB,UA,D");
    let printed = modes("", "INSERT INTO shown SELECT city, SUM(n) FROM plain GROUP BY city");
    assert!(printed.contains(&("GroupAggregate".into(), "I,UB,UA".into())), "{printed:?}");
    let copied = modes("", "INSERT INTO by_id SELECT id, city FROM changes");
    assert!(copied.contains(&("DropUpdateBefore".into(), "I,UA,D".into())), "{copied:?}");
    // A row that ceases to fulfil the condition is known by the row before alone.
    let filtered = modes("", "INSERT INTO by_id SELECT id, city FROM changes WHERE n > 5");
    assert!(filtered.iter().all(|(name, mode)| name != "DropUpdateBefore" && mode == "I,UB,UA,D"), "{filtered:?}");
}

#[test]
fn duplicates_are_cleaned_by_key() {
    let steps = modes("SET 'table.exec.source.cdc-events-duplicate' = 'true';", "SELECT city, COUNT(*) FROM changes GROUP BY city");
    let mode_of = |name: &str| steps.iter().find(|(n, _)| n == name).map(|(_, mode)| mode.as_str());
    assert_eq!(mode_of("ChangelogNormalize"), Some("I,UB,UA,D"), "{steps:?}");
    assert_eq!(mode_of("DropUpdateBefore"), Some("I,UA,D"), "{steps:?}");
}

#[test]
fn a_key_that_is_not_the_sinks_must_be_decided() {
    let insert = "INSERT INTO by_city SELECT city, n FROM changes";
    let error = explain("", insert).unwrap_err();
    assert!(error.contains("primary key (city)") && error.contains("ON CONFLICT DO DEDUPLICATE"), "{error}");
    let settled = |settings: &str, insert: &str| explain(settings, insert).unwrap().contains("SinkUpsertMaterializer");
    assert!(settled("", &format!("{insert} ON CONFLICT DO DEDUPLICATE")));
    assert!(settled("SET 'table.exec.sink.require-on-conflict' = 'false';", insert));
    let none = "SET 'table.exec.sink.require-on-conflict' = 'false'; SET 'table.exec.sink.upsert-materialize' = 'NONE';";
    assert!(!settled(none, insert));
    let group = "INSERT INTO by_city SELECT city, SUM(n) FROM changes GROUP BY city";
    assert!(!settled("", group) && settled("SET 'table.exec.sink.upsert-materialize' = 'force';", group));
    // The join deals rows out by city, so that the key of the accounts gets out of order.
    let joined = "INSERT INTO by_id SELECT a.id, b.city FROM changes a LEFT JOIN plain b ON a.city = b.city";
    assert!(explain("", joined).unwrap_err().contains("primary key (id)"));
    for (wrong, why) in [
        (format!("{insert} ON CONFLICT DO NOTHING"), "needs a watermark of every source"),
        ("INSERT INTO by_city SELECT city, n FROM plain ON CONFLICT DO ERROR".into(), "ON CONFLICT is for sinks"),
    ] {
        let error = explain("", &wrong).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_sink_shows_the_newest_row_of_each_key() {
    for tick_rows_max in [Some(1), Some(2), None] {
        let (_folder, tables) = tables();
        let state = tempfile::tempdir().unwrap();
        let options = RunOptions { tick_rows_max, state_dir: state.path().to_path_buf(), ..RunOptions::default() };
        let sql = format!("{tables} INSERT INTO shown SELECT city, n FROM changes ON CONFLICT DO DEDUPLICATE;");
        let printed = collect(&sql, &options).unwrap().printed;
        let mut table = std::collections::BTreeMap::new();
        for line in printed.lines() {
            let (kind, row) = line.split_at(2);
            let key = row.trim_matches(['[', ']']).split(", ").next().unwrap().to_string();
            if kind.starts_with('+') {
                table.insert(key, row.to_string())
            } else {
                table.remove(&key)
            };
        }
        assert_eq!(table.into_values().collect::<Vec<_>>(), ["[bern, 6]", "[rome, 1]"], "{printed}");
    }
}
