//! What the trees of statements hold.

use sqlparser::ast::{Expr, SetExpr, TableFactor};

use super::super::*;
use super::{result, statement, statements};

fn create_table(sql: &str) -> CreateTable {
    match statement(sql) {
        Statement::CreateTable(table) => *table,
        other => panic!("{other:?}"),
    }
}

fn query(sql: &str) -> Box<sqlparser::ast::Query> {
    match statement(sql) {
        Statement::Query(query) => query,
        other => panic!("{other:?}"),
    }
}

fn relation(sql: &str) -> TableFactor {
    let SetExpr::Select(select) = *query(sql).body else { panic!() };
    select.from[0].relation.clone()
}

#[test]
fn a_table_holds_everything() {
    let table = create_table(
        "CREATE TEMPORARY TABLE IF NOT EXISTS c.d.t (
            id BIGINT NOT NULL COMMENT 'the key',
            `ts` TIMESTAMP(3) METADATA FROM 'timestamp' VIRTUAL,
            o INT NOT NULL METADATA,
            total AS price * 2 COMMENT 'computed',
            price DECIMAL(10, 2),
            WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE,
            CONSTRAINT pk PRIMARY KEY (id, price) NOT ENFORCED
        ) COMMENT 'a table' DISTRIBUTED BY HASH (id) INTO 7 BUCKETS PARTITIONED BY (o, id)
        WITH ('connector' = 'x', 'k' = '') LIKE src (INCLUDING ALL EXCLUDING OPTIONS)",
    );
    assert!(table.temporary && table.if_not_exists);
    assert_eq!(table.name.to_string(), "c.d.t");
    let kinds: Vec<String> = table
        .columns
        .iter()
        .map(|c| match &c.kind {
            ColumnKind::Physical(column) => format!("{} {column}", c.name.value),
            ColumnKind::Computed(e) => format!("{} = {}", c.name.value, e.text),
            ColumnKind::Metadata { column, key, is_virtual } => {
                format!("{} {column} {:?} {is_virtual}", c.name.value, key.as_ref().map(|k| k.value.as_str()))
            }
            ColumnKind::NameOnly => c.name.value.clone(),
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "id BIGINT NOT NULL",
            "ts TIMESTAMP(3) Some(\"timestamp\") true",
            "o INT NOT NULL None false",
            "total = price * 2",
            "price DECIMAL(10, 2)"
        ]
    );
    assert_eq!(table.columns[0].comment.as_ref().unwrap().value, "the key");
    assert_eq!(table.columns[3].comment.as_ref().unwrap().value, "computed");
    let key = table.primary_key.unwrap();
    assert_eq!((key.name.unwrap().value.as_str(), key.columns.len()), ("pk", 2));
    assert_eq!(table.watermarks[0].column[0].value, "ts");
    assert_eq!(table.partitioned_by.len(), 2);
    let distribution = table.distribution.unwrap();
    assert_eq!((distribution.kind, distribution.buckets), (DistributionKind::Hash, Some(7)));
    assert_eq!(table.options[1].key.value, "k");
    let like = table.like.unwrap();
    assert_eq!(like.options[1].strategy, MergeStrategy::Excluding);
    assert_eq!(like.options[1].feature, LikeFeature::Options);
}

#[test]
fn places_are_byte_ranges_of_the_script() {
    let sql = "-- é\nSELECT 1;\n\n  CREATE TABLE ü (a INT); ";
    let all: Vec<Parsed> = parse_script(sql).into_iter().map(|r| r.unwrap()).collect();
    assert_eq!(&sql[all[0].text_range.clone()], "SELECT 1");
    assert_eq!(&sql[all[1].text_range.clone()], "CREATE TABLE ü (a INT)");
    assert_eq!((all[1].line, all[1].column), (4, 3));
    let Statement::CreateTable(table) = &all[1].statement else { panic!() };
    let index = LineIndex::new(sql);
    assert_eq!(index.slice(index.range(table.columns[0].name.span)), "a");
}

#[test]
fn options_are_set_in_two_ways() {
    let set = |sql: &str| match statement(sql) {
        Statement::Set(Some(e)) => (e.key.value, e.value.value),
        other => panic!("{other:?}"),
    };
    let pair = |k: &str, v: &str| (k.to_string(), v.to_string());
    assert_eq!(set("SET 'a.b' = 'c d';"), pair("a.b", "c d"));
    assert_eq!(set("SET a.b-c=1 h ;"), pair("a.b-c", "1 h"));
    assert_eq!(set("set a = 'x y'"), pair("a", "x y"));
    assert!(matches!(statement("SET"), Statement::Set(None)));
    let Statement::Reset(Some(key)) = statement("RESET a.b") else { panic!() };
    assert_eq!(key.value, "a.b");
}

#[test]
fn statement_sets() {
    for sql in [
        "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT CASE WHEN x THEN 1 END FROM y; END;",
        "BEGIN STATEMENT SET; INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END",
    ] {
        let all = statements(&format!("{sql}; SELECT 1"));
        assert_eq!(all.len(), 2, "{sql}");
        let Statement::StatementSet(set) = &all[0] else { panic!() };
        assert_eq!(set.inserts.len(), 2);
    }
    let parsed = result("EXPLAIN CHANGELOG_MODE STATEMENT SET BEGIN INSERT INTO a SELECT 1; END;").unwrap();
    let Statement::Explain(explain) = parsed.statement else { panic!() };
    assert_eq!(explain.details, [ExplainDetail::ChangelogMode]);
    assert!(matches!(*explain.statement, Statement::StatementSet(_)));
}

#[test]
fn inserts_hold_everything() {
    let sql = "INSERT OVERWRITE c.d.t /*+ OPTIONS('a'='b') */ PARTITION (p = 'x', q) (a, b.c) \
               SELECT 1 FROM u ON CONFLICT DO ERROR";
    let Statement::Insert(insert) = statement(sql) else { panic!() };
    assert!(insert.overwrite);
    assert_eq!(insert.table.to_string(), "c.d.t");
    assert_eq!(insert.hints[0].entries[0].key.as_deref(), Some("a"));
    assert!(insert.partition[0].1.is_some() && insert.partition[1].1.is_none());
    assert_eq!(insert.columns[1].len(), 2);
    assert_eq!(insert.on_conflict, Some(OnConflict::Error));
    assert_eq!(insert.source.text, "SELECT 1 FROM u");
}

#[test]
fn what_is_not_supported_is_named() {
    for (sql, what) in [
        ("CREATE MATERIALIZED TABLE t FRESHNESS = INTERVAL '1' DAY AS SELECT 1", "CREATE MATERIALIZED TABLE"),
        ("CREATE OR ALTER MATERIALIZED TABLE t AS SELECT 1", "CREATE MATERIALIZED TABLE"),
        ("CREATE TEMPORARY MODEL m INPUT (a INT) OUTPUT (b INT)", "CREATE MODEL"),
        ("ALTER MATERIALIZED TABLE t SUSPEND", "ALTER MATERIALIZED TABLE"),
        ("DROP MATERIALIZED TABLE IF EXISTS t", "DROP MATERIALIZED TABLE"),
        ("DROP MODEL m", "DROP MODEL"),
        ("ALTER CATALOG c SET ('a'='b')", "ALTER CATALOG"),
        ("COMPILE PLAN 'x' FOR INSERT INTO a SELECT 1", "COMPILE PLAN"),
        ("COMPILE PLAN 'x' FOR STATEMENT SET BEGIN INSERT INTO a SELECT 1; END", "COMPILE PLAN"),
        ("EXECUTE PLAN 'x'", "EXECUTE PLAN"),
        ("ADD JAR '/x.jar'", "ADD JAR"),
        ("CALL a.b.c(1)", "CALL"),
        ("ANALYZE TABLE t COMPUTE STATISTICS", "ANALYZE TABLE"),
        ("UPDATE t SET a = 1", "UPDATE"),
        ("DELETE FROM t", "DELETE"),
        ("TRUNCATE TABLE t", "TRUNCATE TABLE"),
        ("LOAD MODULE m WITH ('a'='b')", "LOAD MODULE"),
        ("STOP JOB 'x' WITH SAVEPOINT", "STOP JOB"),
        ("SHOW CREATE MODEL m", "SHOW CREATE MODEL"),
    ] {
        let Statement::NotSupported { what: found, span } = statement(sql) else { panic!("{sql}") };
        assert_eq!(found, what, "{sql}");
        let index = LineIndex::new(sql);
        assert!(index.range(span).start == 0 && index.range(span).end > 0, "{sql}");
    }
    let Statement::AlterTable(alter) = statement("ALTER TABLE t ADD PARTITION (a = 1)") else { panic!() };
    assert!(matches!(alter.action, AlterTableAction::Unsupported { what, .. } if what == "ALTER TABLE ... ADD PARTITION"));
}

#[test]
fn hints_reach_the_table() {
    let TableFactor::Table { name, alias, with_hints, .. } = relation("SELECT * FROM c.t /*+ OPTIONS('a.b' = 'c') */ AS x") else {
        panic!()
    };
    assert_eq!(name.to_string(), "c.t");
    assert_eq!(alias.unwrap().name.value, "x");
    assert_eq!(table_hints(&with_hints)[0].entries[0].value, "c");
    let SetExpr::Select(select) = *query("SELECT /*+ STATE_TTL('t'='1d') */ a FROM t").body else { panic!() };
    assert_eq!(select_hints(&select)[0].name, "STATE_TTL");
}

#[test]
fn lateral_and_unnest_have_one_shape() {
    let from_second = |sql: &str| {
        let SetExpr::Select(select) = *query(sql).body else { panic!() };
        select.from[0].joins[0].relation.clone()
    };
    let lateral = from_second("SELECT * FROM t LEFT JOIN LATERAL TABLE(f(x, 1)) AS T(a) ON TRUE");
    assert!(
        matches!(&lateral, TableFactor::Function { lateral: true, name, args, .. }
            if name.to_string() == "f" && args.len() == 2),
        "{lateral:?}"
    );
    let unnest = from_second("SELECT * FROM t CROSS JOIN UNNEST(arr) WITH ORDINALITY AS u(x, n)");
    assert!(matches!(&unnest, TableFactor::UNNEST { with_ordinality: true, array_exprs, .. } if array_exprs.len() == 1));
    let temporal = from_second("SELECT * FROM o JOIN c FOR SYSTEM_TIME AS OF o.p AS r ON o.id = r.id");
    let TableFactor::Table { version: Some(version), .. } = temporal else { panic!() };
    assert_eq!(version.to_string(), "FOR SYSTEM_TIME AS OF o.p");
}

#[test]
fn within_of_a_pattern() {
    let factor = relation(
        "SELECT * FROM t MATCH_RECOGNIZE (ORDER BY ts MEASURES A.p AS fp \
         PATTERN (A B) WITHIN INTERVAL '1' HOUR DEFINE A AS A.p > 1, B AS TRUE)",
    );
    let TableFactor::MatchRecognize { symbols, .. } = factor else { panic!() };
    let names: Vec<&str> = symbols.iter().map(|s| s.symbol.value.as_str()).collect();
    assert_eq!(names, [WITHIN_SYMBOL, "A", "B"]);
    assert_eq!(interval_value(&symbols[0].definition), Some(IntervalValue::Milliseconds(3_600_000)));
}

#[test]
fn what_a_pattern_says_besides() {
    let factor = relation(
        "SELECT * FROM (SELECT 1 AS p) MATCH_RECOGNIZE (ORDER BY ts MEASURES A.p AS fp AFTER MATCH SKIP TO B \
         PATTERN (A B) WITHIN INTERVAL '1' HOUR WITH TIMED OUT MATCHES DEFINE A AS A.p > 1)",
    );
    let TableFactor::MatchRecognize { symbols, after_match_skip, table, .. } = factor else { panic!() };
    let names: Vec<&str> = symbols.iter().map(|s| s.symbol.value.as_str()).collect();
    assert_eq!(names, [WITHIN_SYMBOL, crate::dialect::TIMED_OUT_SYMBOL, "A"]);
    assert_eq!(after_match_skip.unwrap().to_string(), "AFTER MATCH SKIP TO LAST B");
    assert!(matches!(*table, TableFactor::Derived { .. }));
}

fn tvf(sql: &str) -> TvfCall {
    match relation(sql) {
        TableFactor::TableFunction { expr: Expr::Function(f), .. } => {
            let sqlparser::ast::FunctionArguments::List(list) = &f.args else { panic!() };
            window_tvf(&f.name.to_string(), &list.args).unwrap().unwrap()
        }
        TableFactor::Table { name, args: Some(args), .. } => window_tvf(&name.to_string(), &args.args).unwrap().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn window_functions_in_every_form() {
    let minute = Some(IntervalValue::Milliseconds(60_000));
    for sql in [
        "SELECT * FROM TABLE(TUMBLE(TABLE c.t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))",
        "SELECT * FROM tumble(TABLE c.t, descriptor(ts), INTERVAL '1' MINUTE) AS w",
        "SELECT * FROM TABLE(TUMBLE(SIZE => INTERVAL '1' MINUTE, TIMECOL => DESCRIPTOR(ts), data => TABLE c.t))",
    ] {
        let call = tvf(sql);
        assert_eq!((call.kind, call.time_col.value.as_str()), (TvfKind::Tumble, "ts"));
        let TvfData::Table { name, hints } = &call.data else { panic!() };
        assert_eq!((name.to_string().as_str(), hints.len()), ("c.t", 0));
        assert_eq!(interval_value(call.arg("SIZE").unwrap()), minute);
        assert!(call.arg("OFFSET").is_none());
    }
    let hop = tvf("SELECT * FROM TABLE(HOP(TABLE t /*+ OPTIONS('a'='b') */, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '1' HOUR))");
    assert_eq!(interval_value(hop.arg("SLIDE").unwrap()), minute);
    assert!(matches!(&hop.data, TvfData::Table { hints, .. } if hints.len() == 1));
    let session = tvf("SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY (a, b), DESCRIPTOR(ts), INTERVAL '1' MINUTE))");
    assert_eq!(session.partition_by.len(), 2);
    for sql in [
        "SELECT * FROM TABLE(TUMBLE((SELECT * FROM t), DESCRIPTOR(ts), INTERVAL '1' MINUTE))",
        "SELECT * FROM TABLE(TUMBLE(TABLE (SELECT * FROM t), DESCRIPTOR(ts), INTERVAL '1' MINUTE))",
    ] {
        assert!(matches!(tvf(sql).data, TvfData::Query(_)));
    }
    assert!(window_tvf("f", &[]).is_none());
}

#[test]
fn shows() {
    let Statement::Show(show) = statement("SHOW TABLES IN c.d NOT ILIKE 'x%'") else { panic!() };
    assert!(matches!(show.what, ShowKind::Tables));
    assert_eq!(show.from.unwrap().to_string(), "c.d");
    let pattern = show.pattern.unwrap();
    assert!(pattern.negated && pattern.ignore_case);
    let Statement::Describe(describe) = statement("DESC extended") else { panic!() };
    assert!(!describe.extended);
}
