//! ALTER TABLE and CREATE TABLE … AS: what the table looks like afterwards.
#![allow(clippy::unwrap_used)]

use flott_sql::{Effect, Session};

const TABLE: &str = "CREATE TABLE t (id BIGINT NOT NULL, item STRING, ts TIMESTAMP(3), up AS UPPER(item),
    WATERMARK FOR ts AS ts, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'print');";

/// Name and type of each column after the statements, or the error.
fn columns(script: &str) -> Result<String, String> {
    let mut session = Session::new(flott_connectors::all());
    let mut rows = vec![];
    for statement in Session::parse(&format!("{TABLE}{script};DESCRIBE t")) {
        match session.execute(&statement.map_err(|e| e.message)?).map_err(|e| e.message)? {
            Effect::Table { rows: found, .. } => rows = found,
            _ => continue,
        }
    }
    let shown = rows.iter().map(|row| format!("{} {}{}", row[0], row[1], if row[3].is_empty() { "" } else { " key" }));
    Ok(shown.collect::<Vec<_>>().join(", "))
}

#[test]
fn altered_tables() {
    const REST: &str = "item STRING, ts TIMESTAMP(3) *ROWTIME*, up STRING";
    for (script, expected) in [
        ("ALTER TABLE t ADD n INT", format!("id BIGINT key, {REST}, n INT")),
        ("ALTER TABLE t ADD (n INT FIRST, m INT AFTER id)", format!("n INT, id BIGINT key, m INT, {REST}")),
        ("ALTER TABLE t MODIFY id INT NOT NULL", format!("id INT key, {REST}")),
        (
            "ALTER TABLE t MODIFY (ts TIMESTAMP_LTZ(3) FIRST, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)",
            "ts TIMESTAMP_LTZ(3) *ROWTIME*, id BIGINT key, item STRING, up STRING".into(),
        ),
        ("ALTER TABLE t DROP PRIMARY KEY", format!("id BIGINT, {REST}")),
        ("ALTER TABLE t DROP WATERMARK", "id BIGINT key, item STRING, ts TIMESTAMP(3), up STRING".into()),
        ("ALTER TABLE t DROP (up)", "id BIGINT key, item STRING, ts TIMESTAMP(3) *ROWTIME*".into()),
        ("ALTER TABLE t RENAME id TO nr", format!("nr BIGINT key, {REST}")),
        ("ALTER TABLE t DROP WATERMARK; ALTER TABLE t DROP ts", "id BIGINT key, item STRING, up STRING".into()),
    ] {
        assert_eq!(columns(script), Ok(expected), "{script}");
    }
    for (script, expected) in [
        ("ALTER TABLE t ADD item INT", "column 'item' is there already"),
        ("ALTER TABLE t ADD PRIMARY KEY (item) NOT ENFORCED", "the table has a primary key already"),
        ("ALTER TABLE t MODIFY nothere INT", "the table has no column 'nothere'"),
        ("ALTER TABLE t DROP id", "column 'id' is in the primary key"),
        ("ALTER TABLE t DROP ts", "the watermark is for column 'ts'"),
        ("ALTER TABLE t DROP CONSTRAINT k", "the table has no constraint 'k'"),
        ("ALTER TABLE t DROP item", "column 'item' not found in any table"),
    ] {
        assert_eq!(columns(script), Err(expected.to_string()), "{script}");
    }
}

#[test]
fn tables_made_of_queries() {
    let made = |columns_of: &str| {
        let query = "SELECT 1 AS a, CAST('x' AS STRING) AS b";
        columns(&format!("DROP TABLE t; CREATE TABLE t {columns_of} WITH ('connector' = 'print') AS {query}"))
    };
    assert_eq!(made(""), Ok("a INT, b STRING".into()));
    assert_eq!(made("(b, a)"), Ok("b STRING, a INT".into()));
    assert_eq!(made("(n STRING, a BIGINT)"), Ok("n STRING, a BIGINT, b STRING".into()));
    assert_eq!(made("(c)"), Err("1 columns are named, the query has 2".into()));
    assert!(columns("CREATE OR REPLACE TABLE t WITH ('connector' = 'print') AS SELECT 2 AS z").is_ok_and(|c| c == "z INT"));
    assert_eq!(columns("REPLACE TABLE u WITH ('connector' = 'print') AS SELECT 2 AS z"), Err("there is no table 'u' to replace".into()));
}
