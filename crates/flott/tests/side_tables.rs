//! `t$late` and `t$bad` over files.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use flott::{Collected, RunOptions, collect};

fn run(folder: &Path, sql: &str, tick_rows: usize) -> Result<Collected, String> {
    let options = RunOptions { state_dir: folder.join("state"), tick_rows_max: Some(tick_rows), ..RunOptions::default() };
    collect(sql, &options).map_err(|e| e.to_string())
}

fn rows(collected: &Collected) -> Vec<String> {
    let text = |(_, row): &(flott_engine::RowKind, Vec<Option<String>>)| {
        row.iter().map(|v| v.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join("|")
    };
    collected.rows.iter().map(text).collect()
}

fn json(folder: &Path, more: &str) -> String {
    format!(
        "CREATE TABLE t (id INT, name STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'filesystem',
         'path' = '{}', 'format' = 'json', 'scan.watermark.emit.strategy' = 'on-event'{more});\n",
        folder.join("in").display()
    )
}

fn write(folder: &Path, name: &str, lines: &[&str]) {
    std::fs::create_dir_all(folder.join("in")).unwrap();
    std::fs::write(folder.join("in").join(name), lines.join("\n") + "\n").unwrap();
}

#[test]
fn bad_records_of_files_with_line_and_byte() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let good = r#"{"id":1,"name":"a","ts":"2024-01-01 00:00:01"}"#;
    write(folder, "a.json", &[good, "{oops", good, "", r#"{"id":"x","ts":"2024-01-01 00:00:01"}"#, good, r#"{"id":2} tail"#]);
    let select = "SELECT source_name, source_offset, source_line, CAST(raw_value AS STRING), error_column, error_text, stored_at IS NULL FROM `t$bad`;";
    for more in ["", ", 'json.ignore-parse-errors' = 'true'"] {
        let bad = rows(&run(folder, &format!("{}{select}", json(folder, more)), 1000).unwrap());
        assert_eq!(bad.len(), 3, "{bad:?}");
        assert!(bad[0].contains("a.json|47|2|{oops|NULL|"), "{}", bad[0]);
        assert!(bad[1].contains(r#"|101|5|{"id":"x","ts":"2024-01-01 00:00:01"}|id|'x' is not a whole number"#), "{}", bad[1]);
        assert!(bad[2].contains(r#"|7|{"id":2} tail|NULL|text follows"#) && bad[2].ends_with("|FALSE"), "{}", bad[2]);
    }
    // Records over several lines, and many that are bad.
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let many: Vec<String> =
        (0..500).map(|i| if i % 2 == 0 { format!("{i},\"two\nlines\"") } else { format!("n{i},\"two\nlines\"") }).collect();
    write(folder, "a.csv", &many.iter().map(String::as_str).collect::<Vec<_>>());
    let sql = format!(
        "CREATE TABLE t (id INT, name STRING) WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');\n",
        folder.join("in").display()
    );
    let bad = rows(&run(folder, &format!("{sql} SELECT source_line, CAST(raw_value AS STRING) FROM t$bad;"), 7).unwrap());
    let expected: Vec<String> = (0..500).filter(|i| i % 2 == 1).map(|i| format!("{}|n{i},\"two\nlines\"", 2 * i + 1)).collect();
    assert_eq!(bad, expected);
}

#[test]
fn late_rows_have_the_watermark_that_had_passed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let row = |id: i32, second: i32| format!(r#"{{"id":{id},"name":"n","ts":"2024-01-01 00:00:{second:02}"}}"#);
    let lines = [row(1, 1), row(2, 11), row(3, 10), row(4, 3), row(5, 40), row(6, 38), row(7, 39), row(8, 41)];
    write(folder, "a.json", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let expected = [
        "3|n|2024-01-01 00:00:10.000|2024-01-01 00:00:10.000",
        "4|n|2024-01-01 00:00:03.000|2024-01-01 00:00:10.000",
        "6|n|2024-01-01 00:00:38.000|2024-01-01 00:00:39.000",
        "7|n|2024-01-01 00:00:39.000|2024-01-01 00:00:39.000",
    ];
    for tick_rows in [1, 3, 1000] {
        let late = run(folder, &format!("{} SELECT * FROM t$late;", json(folder, "")), tick_rows).unwrap();
        assert_eq!(rows(&late), expected);
        // What a window drops is among them: that of which the window had ended.
        let count = "SELECT window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;";
        let dropped = run(folder, &format!("{}{count}", json(folder, "")), tick_rows).unwrap();
        assert_eq!(dropped.late_rows, 1);
    }
}

#[test]
fn what_is_said_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "a.json", &["{}"]);
    let sql = json(folder, "").replace(", WATERMARK FOR ts AS ts - INTERVAL '1' SECOND", "");
    let error = run(folder, &format!("{sql} SELECT * FROM t$late;"), 10).unwrap_err();
    assert!(error.contains("'t' has no WATERMARK"), "{error}");
    let error = run(folder, &format!("{sql} SELECT * FROM t$lost;"), 10).unwrap_err();
    assert!(error.contains("'t$lost' not found"), "{error}");
    let error =
        run(folder, "CREATE TABLE g (i INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1'); SELECT * FROM g$bad;", 10).unwrap_err();
    assert!(error.contains("the connector 'datagen' cannot tell which of its records are bad"), "{error}");
    let error = run(folder, &format!("{sql} INSERT INTO t$bad SELECT * FROM t$bad;"), 10).unwrap_err();
    assert!(error.contains("t$bad"), "{error}");
}
