//! What is said of wrong queries, and which part of the script is underlined.
#![allow(clippy::unwrap_used)]

use flott_sql::{Effect, Session};

const TABLES: &str = "CREATE TABLE bids (id BIGINT, item STRING, price DOUBLE, ts TIMESTAMP(3), r ROW<a INT, b STRING>,
    WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen', 'number-of-rows' = '3');\n";

/// Query, the words the error points at, message, help.
type Case = (&'static str, &'static str, &'static str, Option<&'static str>);

const CASES: &[Case] = &[
    // calls
    ("SELECT UPPER(id) FROM bids", "UPPER(id)", "UPPER(string): argument 1 must be a STRING, not BIGINT", Some("write CAST(id AS STRING)")),
    ("SELECT ABS(item) FROM bids", "ABS(item)", "ABS(number): argument 1 must be a number, not STRING", None),
    (
        "SELECT EXTRACT(YEAR FROM item) FROM bids",
        "EXTRACT(YEAR FROM item)",
        "EXTRACT(unit FROM time): argument 2 must be a DATE, TIME, TIMESTAMP or INTERVAL, not STRING",
        None,
    ),
    ("SELECT COALESCE(id, item) FROM bids", "COALESCE(id, item)", "COALESCE(value, …): there is no common type of BIGINT, STRING", None),
    (
        "SELECT UPPER(LOWER(id)) FROM bids",
        "LOWER(id)",
        "LOWER(string): argument 1 must be a STRING, not BIGINT",
        Some("write CAST(id AS STRING)"),
    ),
    ("SELECT UPER(item) FROM bids", "UPER(item)", "there is no function 'UPER'", Some("did you mean 'UPPER'?")),
    ("SELECT SUM(item) FROM bids", "SUM(item)", "SUM takes a number, not STRING", Some("write SUM([DISTINCT] numeric)")),
    (
        "SELECT COUNT(id, item) FROM bids",
        "COUNT(id, item)",
        "COUNT takes 1 argument, not 2",
        Some("write COUNT(*) | COUNT([DISTINCT] value)"),
    ),
    (
        "SELECT CAST(id AS DATE) FROM bids",
        "CAST(id AS DATE)",
        "CAST from BIGINT to DATE is not possible: there is no such conversion",
        None,
    ),
    // operators
    ("SELECT id + item FROM bids", "id + item", "there is no BIGINT + STRING", Some("CAST one of them")),
    ("SELECT -item FROM bids", "-item", "- takes a number, not STRING", None),
    ("SELECT NOT id FROM bids", "NOT id", "NOT takes a BOOLEAN value, not BIGINT", None),
    ("SELECT id = 1 AND item FROM bids", "item", "AND takes BOOLEAN values, not STRING", None),
    (
        "SELECT id FROM bids WHERE ts BETWEEN 1 AND 2",
        "ts BETWEEN 1 AND 2",
        "TIMESTAMP(3) cannot be compared with INT and INT",
        Some("CAST one of them"),
    ),
    // clauses
    ("SELECT id FROM bids WHERE item", "item", "the condition of WHERE must be BOOLEAN, not STRING", None),
    ("SELECT id FROM bids GROUP BY id HAVING COUNT(*)", "COUNT(*)", "the condition of HAVING must be BOOLEAN, not BIGINT", None),
    (
        "SELECT id, item FROM bids GROUP BY id",
        "item",
        "column 'item' is neither in GROUP BY nor within an aggregate function",
        Some("add it to GROUP BY, or write for example MAX(item)"),
    ),
    (
        "SELECT id FROM bids WHERE COUNT(*) > 1",
        "COUNT(*)",
        "WHERE cannot use an aggregate function: it is applied before rows are grouped",
        Some("write HAVING"),
    ),
    (
        "SELECT SUM(COUNT(*)) FROM bids",
        "SUM(COUNT(*))",
        "an aggregate function cannot be the argument of another one",
        Some("compute the inner one in a sub-query"),
    ),
    (
        "SELECT * FROM (VALUES (1), ('b')) AS t(a)",
        "'b'",
        "column 1 of VALUES is INT in the rows before and STRING here",
        Some("write values of one type, for example CAST('b' AS INT)"),
    ),
    ("SELECT * FROM (VALUES (1, 2), (3)) AS t(a, b)", "3", "this row of VALUES has 1 value, the first one has 2", None),
    ("WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a", "RECURSIVE", "WITH RECURSIVE is not supported yet", None),
    // names
    ("SELECT x.id FROM bids AS b", "x", "there is no table or alias 'x' here", Some("in reach: b")),
    ("SELECT bid.id FROM bids", "bid", "there is no table or alias 'bid' here", Some("in reach: bids")),
    ("SELECT b.idd FROM bids AS b", "idd", "table 'b' has no column 'idd'", Some("there are: id, item, price, ts, r")),
    ("SELECT ID FROM bids", "ID", "column 'ID' not found in any table", Some("did you mean 'id'?")),
    ("SELECT id.x FROM bids", "x", "'id' is BIGINT, not a ROW: it has no field 'x'", None),
    ("SELECT b.r.c FROM bids AS b", "c", "ROW 'r' has no field 'c'", Some("there are: a, b")),
    (
        "SELECT * FROM bids AS a JOIN bids AS b USING (idd)",
        "idd",
        "USING names column 'idd', which is not on both sides of the join",
        Some("there are: id, item, price, ts, r"),
    ),
    ("SELECT id FROM bids AS a, bids AS b", "id", "column 'id' is ambiguous", Some("write a.id or b.id")),
    ("SELECT id FROM bids JOIN nothere ON TRUE", "nothere", "table 'nothere' not found", Some("there are: bids")),
    (
        "SELECT id FROM bids WHERE price > (SELECT MAX(prise) FROM bids)",
        "prise",
        "column 'prise' not found in any table",
        Some("did you mean 'price'?"),
    ),
    // literals of times
    ("SELECT DATE '2024-02-30'", "'2024-02-30'", "'2024-02-30' is no DATE", Some("write it like DATE '2024-01-31'")),
    (
        "SELECT TIMESTAMP '2024-01-01 25:00:00'",
        "'2024-01-01 25:00:00'",
        "'2024-01-01 25:00:00' is no TIMESTAMP",
        Some("write it like TIMESTAMP '2024-01-31 10:11:12.345'"),
    ),
    // OVER
    (
        "SELECT SUM(id) OVER (ORDER BY ts RANGE 5 PRECEDING) FROM bids",
        "RANGE",
        "RANGE takes an interval that is written out, 0 or more",
        Some("write RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW, or ROWS for a number of rows"),
    ),
    (
        "SELECT SUM(id) OVER w FROM bids",
        "w",
        "there is no window 'w'",
        Some("define it behind FROM, WHERE and HAVING: WINDOW w AS (PARTITION BY … ORDER BY …)"),
    ),
    (
        "SELECT SUM(id) OVER (PARTITION BY item) FROM bids",
        "OVER",
        "OVER of a stream needs an ORDER BY",
        Some("write SUM(…) OVER (PARTITION BY … ORDER BY t), t being the column of WATERMARK, PROCTIME() or any other one"),
    ),
    ("SELECT UPPER(item) OVER (ORDER BY ts) FROM bids", "UPPER", "UPPER is no aggregate, so OVER cannot follow it", None),
    (
        "SELECT id FROM bids WHERE SUM(id) OVER (ORDER BY ts) > 1",
        "OVER",
        "OVER cannot stand in WHERE, which is done with before any OVER",
        Some("filter in a query around this one, or with QUALIFY"),
    ),
    (
        "SELECT SUM(id) OVER (ORDER BY ts ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM bids",
        "FOLLOWING",
        "a frame over a stream begins before the current row and ends with it",
        Some("write ROWS BETWEEN … PRECEDING AND CURRENT ROW"),
    ),
    (
        "SELECT SUM(id) OVER (ORDER BY ts DESC) FROM bids",
        "DESC",
        "rows of a stream are ordered for OVER from the first to the last, never the other way",
        Some("for a Top-N filter on ROW_NUMBER() in a query around this one: WHERE rn <= 10"),
    ),
    (
        "SELECT SUM(id) OVER (ORDER BY ts), COUNT(*) OVER (PARTITION BY item ORDER BY ts) FROM bids",
        "COUNT",
        "the calls of OVER in one SELECT have different windows",
        Some("compute one of them in a sub-query in FROM: SELECT …, SUM(x) OVER (…) FROM (SELECT *, COUNT(*) OVER (…) FROM t)"),
    ),
    (
        "SELECT * FROM bids MATCH_RECOGNIZE (ORDER BY ts MEASURES A.id AS a PATTERN (A B+) DEFINE A AS A.id > 1) AS m",
        "B+",
        "B is greedy and stands at the end of the pattern: the match would have no end",
        Some("end with a variable that ends the match, or write a ? behind the quantifier of B"),
    ),
    (
        "SELECT * FROM bids MATCH_RECOGNIZE (ORDER BY ts DESC MEASURES A.id AS a PATTERN (A B) DEFINE A AS A.id > 1) AS m",
        "DESC",
        "MATCH_RECOGNIZE goes forward in time only: the first key of its ORDER BY is ascending",
        Some("write ORDER BY ts"),
    ),
    // conditions
    (
        "SELECT CASE WHEN id THEN 1 ELSE 0 END FROM bids",
        "id",
        "a condition of CASE is true or false, but bids.id is BIGINT",
        Some("compare it with something, for example x > 0, or x IS NOT NULL"),
    ),
    (
        "SELECT COUNT(*) FILTER (WHERE item) FROM bids",
        "COUNT(*) FILTER (WHERE item)",
        "the condition of FILTER is true or false, but bids.item is STRING",
        Some("compare it with something, for example x > 0, or x IS NOT NULL"),
    ),
    // joins
    ("SELECT a.id FROM bids AS a JOIN bids AS b ON item = 'x'", "item", "column 'item' is ambiguous", Some("write a.item or b.item")),
    (
        "SELECT k FROM (SELECT id AS k FROM bids), (SELECT id AS k FROM bids)",
        "k",
        "column 'k' is ambiguous",
        Some("give the queries in FROM aliases, and put one of them before the name"),
    ),
    (
        "SELECT a.id FROM bids AS a LEFT JOIN bids AS b",
        "bids AS b",
        "LEFT JOIN needs a condition",
        Some("write ON a = b or USING (column) behind it, or NATURAL before it; CROSS JOIN has none"),
    ),
    // windows
    (
        "SELECT id FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(id), INTERVAL '1' MINUTE))",
        "id",
        "'id' is BIGINT, and TUMBLE goes by a TIMESTAMP or TIMESTAMP_LTZ",
        Some("name the column of the table's WATERMARK, or a column AS PROCTIME()"),
    ),
    (
        "SELECT id FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '0' SECOND))",
        "'0'",
        "a window must be longer than nothing",
        Some("write INTERVAL '1' MINUTE, or any other length"),
    ),
    (
        "SELECT id FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MONTH))",
        "'1'",
        "a window's length cannot be given in months or years: they are not equally long",
        Some("write days"),
    ),
    (
        "SELECT id FROM bids TABLESAMPLE SYSTEM(10)",
        "bids",
        "TABLESAMPLE cannot be planned, as in Flink: a table is read whole",
        Some("write WHERE RAND() < 0.1 for about a tenth of the rows"),
    ),
    (
        "SELECT LEAD(id) OVER (ORDER BY ts) FROM bids",
        "LEAD",
        "LEAD needs rows that have not come yet: a stream cannot compute it",
        Some("LAG looks at the rows before; over input that ends, SET 'execution.runtime-mode' = 'batch'"),
    ),
    (
        "EXPLAIN ESTIMATED_COST SELECT id FROM bids",
        "ESTIMATED_COST",
        "plans are made without estimates here, so that there is no ESTIMATED_COST",
        Some("leave it out; PLAN_ADVICE tells what a plan remembers for ever"),
    ),
];

const IN_BATCH_MODE: &[Case] = &[
    (
        "SELECT RANK() OVER (PARTITION BY item) FROM bids",
        "RANK",
        "RANK needs an ORDER BY that is not constant",
        Some("write RANK() OVER (PARTITION BY … ORDER BY …)"),
    ),
    (
        "SELECT SUM(id) OVER (ORDER BY ts RANGE BETWEEN INTERVAL '1' SECOND PRECEDING AND CURRENT ROW) FROM bids",
        "RANGE",
        "Flink's batch mode fails over a frame of time: RANGE takes an interval in the order of a DATE or TIME only",
        Some("write ROWS, or use streaming mode"),
    ),
    (
        "SELECT SUM(id) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND 1 PRECEDING) FROM bids",
        "ROWS",
        "a frame begins before it ends",
        Some("write ROWS BETWEEN … PRECEDING AND …"),
    ),
    (
        "SELECT COUNT(DISTINCT item) OVER (ORDER BY id) FROM bids",
        "DISTINCT",
        "batch mode has no DISTINCT in OVER",
        Some("compute it in a GROUP BY, and join"),
    ),
    ("SELECT LEAD(id) OVER (ORDER BY id ROWS 1 PRECEDING) FROM bids", "ROWS", "LEAD takes no frame: it goes by the order alone", None),
    ("SELECT NTILE(0) OVER (ORDER BY id) FROM bids", "NTILE", "NTILE takes a whole number that is written out, 1 or more", None),
];

/// All that is wrong with a script, in order: the words underlined, message, help.
fn errors(script: &str) -> Vec<(String, String, Option<String>)> {
    let mut session = Session::new(flott_connectors::all());
    let mut found = vec![];
    for statement in Session::parse(script) {
        found.extend(statement.and_then(|s| session.execute(&s)).err().into_iter().flat_map(|e| e.each()));
    }
    found.into_iter().map(|e| (script[e.span.unwrap_or(0..0)].to_string(), e.message, e.help)).collect()
}

#[test]
fn errors_say_what_and_where() {
    let mut wrong = vec![];
    for (query, place, message, help) in CASES {
        let found = errors(&format!("{TABLES}{query};"));
        let expected = (place.to_string(), message.to_string(), help.map(str::to_owned));
        if found != [expected] {
            wrong.push(format!("{query}\n    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Only messages: of some, the place is that of the whole call.
#[test]
fn errors_of_batch_mode_speak_of_batch_mode() {
    let mut wrong = vec![];
    for (query, place, message, help) in IN_BATCH_MODE {
        let found = errors(&format!("SET 'execution.runtime-mode' = 'batch'; {TABLES}{query};"));
        let fits = |(at, m, h): &(String, String, Option<String>)| at.contains(place) && m == message && h.as_deref() == *help;
        if found.len() != 1 || !found.iter().all(fits) {
            wrong.push(format!("{query}\n    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_plan_can_be_had_as_json() {
    let mut session = Session::new(flott_connectors::all());
    let script = format!("{TABLES}EXPLAIN JSON_EXECUTION_PLAN SELECT item, COUNT(*) FROM bids WHERE item = '\"' GROUP BY item;");
    let mut shown = String::new();
    for statement in Session::parse(&script) {
        if let Effect::Table { rows, .. } = session.execute(&statement.unwrap()).unwrap() {
            shown = rows.concat().concat();
        }
    }
    let (_, plan) = shown.split_once("== Physical Execution Plan ==\n").unwrap();
    let plan: serde_json::Value = serde_json::from_str(plan).unwrap();
    let types: Vec<&str> = plan["nodes"].as_array().unwrap().iter().map(|node| node["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["TableSourceScan", "Calc", "GroupAggregate", "Calc"], "{shown}");
    assert_eq!(plan["nodes"][2]["predecessors"][0]["id"], 2);
}

#[test]
fn all_that_is_wrong_is_reported() {
    let found = errors(&format!("{TABLES}SELECT foo, UPPER(id) FROM bids AS a JOIN bids AS b ON a.id = b.bar WHERE c.id = 1"));
    let places: Vec<&str> = found.iter().map(|(place, ..)| place.as_str()).collect();
    assert_eq!(places, ["bar", "c", "foo", "id"], "{found:?}");
}

#[test]
fn wrong_options_are_underlined_where_the_table_is_created() {
    let table = |options: &str| format!("CREATE TABLE b (id INT) WITH ({options});\nSELECT id FROM b;");
    let found = |options: &str| errors(&table(options)).into_iter().map(|(place, message, _)| (place, message)).collect::<Vec<_>>();
    let one = |place: &str, message: &str| vec![(place.to_string(), message.to_string())];
    assert_eq!(
        found("'connector' = 'filesystem', 'path' = 'x', 'format' = 'jsn'"),
        one("'jsn'", "table 'b': 'format' = 'jsn' is not valid")
    );
    assert_eq!(
        found("'connector' = 'filesystem', 'pth' = 'x', 'format' = 'json'"),
        one("'pth'", "table 'b': the option 'pth' is not known")
    );
    assert_eq!(found("'connector' = 'filesystem', 'format' = 'json'"), one("b", "table 'b': the option 'path' is missing"));
    assert_eq!(found("'connector' = 'filsystem'"), one("'filsystem'", "there is no connector 'filsystem'"));
}

#[test]
fn what_flink_lacks_is_underlined() {
    let script = "SET 'flott.latency-target' = '10 ms';
        CREATE TABLE n (id INT) WITH ('connector' = 'nexmark');
        SELECT m.*, LAG(a) IGNORE NULLS OVER (ORDER BY at) FROM bids MATCH_RECOGNIZE (
            ORDER BY ts MEASURES A.id AS a, CLASSIFIER() AS c ALL ROWS PER MATCH
            PATTERN ((A | B) (C D)+ E{,2}) WITHIN INTERVAL '1' HOUR WITH TIMED OUT MATCHES DEFINE A AS A.id > PREV(A.id)) AS m;
        SELECT id, SUM(id) OVER (ORDER BY ts) FROM bids";
    let notes = Session::parse(script).into_iter().flat_map(|s| Session::not_portable(&s.unwrap()));
    let found: Vec<(&str, String)> = notes.map(|note| (&script[note.span.unwrap()], note.message)).collect();
    let expected = [
        ("flott.latency-target", "'flott.latency-target' is an option of Flott's own"),
        ("nexmark", "Flink has no connector 'nexmark' of its own"),
        ("NULLS", "IGNORE NULLS behind LAG changes nothing, on Flink and here"),
        ("ALL ROWS PER MATCH", "Flink has no ALL ROWS PER MATCH"),
        ("TIMED OUT", "Flink has no WITH TIMED OUT MATCHES"),
        ("PATTERN", "Flink has no alternations in a pattern"),
        ("PATTERN", "Flink has no groups with a quantifier in a pattern"),
        ("PATTERN", "Flink has no quantifier {,2}"),
        ("CLASSIFIER()", "Flink has no CLASSIFIER in MATCH_RECOGNIZE"),
        ("PREV(A.id)", "Flink has no PREV in MATCH_RECOGNIZE"),
    ];
    assert_eq!(found, expected.map(|(place, message)| (place, message.to_string())));
}
