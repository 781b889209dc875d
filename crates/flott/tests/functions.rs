//! The examples that `flott functions` shows: each runs, and gives what it says.
#![allow(clippy::unwrap_used)]

use flott::{RunOptions, collect};
use flott_sql::functions::FunctionInfo;
use flott_sql::planner::catalog::catalog;

/// Tables for examples that only say how a call is written.
const TABLES: &str = "
    CREATE TABLE bids (item STRING, bidder STRING, price INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
      WITH ('connector' = 'datagen', 'number-of-rows' = '3');
    CREATE TABLE t (a STRING, b STRING, n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '3');";

/// The last row of a query, values joined by a comma.
fn last_row(script: &str) -> Result<String, String> {
    let collected = collect(script, &RunOptions::default()).map_err(|e| e.to_string())?;
    let (_, values) = collected.rows.last().ok_or("no row")?;
    Ok(values.iter().map(|v| v.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join(", "))
}

/// What is wrong with an example: one of `SELECT … → result`, `SELECT …` over the tables above, or an expression that is true.
fn fault(function: &FunctionInfo) -> Option<String> {
    let example = function.example;
    let (found, expected) = match example.split_once(" → ") {
        Some((query, result)) => (last_row(query), Some(result)),
        None if example.starts_with("SELECT") => (last_row(&format!("{TABLES}\nEXPLAIN {example}")).or_else(explained), None),
        None => match example.rsplit_once(" = ") {
            Some((expression, result)) => (last_row(&format!("SELECT ({expression}) = {result}")), Some("TRUE")),
            None => (last_row(&format!("SELECT {example}")), Some("TRUE")),
        },
    };
    match (found, expected) {
        (Ok(found), Some(expected)) if found == expected => None,
        (Ok(_), None) => None,
        (found, _) => Some(format!("{}: {example}\n    gives {found:?}", function.name)),
    }
}

/// An answer to EXPLAIN is no row.
fn explained(error: String) -> Result<String, String> {
    if error == "no row" { Ok(String::new()) } else { Err(error) }
}

#[test]
fn examples_give_what_they_say() {
    let faults: Vec<String> = catalog().iter().filter(|f| !f.example.is_empty()).filter_map(fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What has no example can only be used in a place of its own or in batch mode, gives another value each time, or is a short form of EXTRACT.
#[test]
fn functions_without_an_example_are_few() {
    let without: Vec<&str> = catalog().iter().filter(|f| f.example.is_empty()).map(|f| f.name).collect();
    let known = [
        "CLASSIFIER",
        "CUME_DIST",
        "CURRENT_DATE",
        "CURRENT_ROW_TIMESTAMP",
        "CURRENT_TIME",
        "CURRENT_TIMESTAMP",
        "CURRENT_WATERMARK",
        "DAYOFMONTH",
        "DAYOFYEAR",
        "DESCRIPTOR",
        "FIRST",
        "HOUR",
        "LAST",
        "LEAD",
        "LOCALTIME",
        "LOCALTIMESTAMP",
        "MATCH_NUMBER",
        "MATCH_PROCTIME",
        "MATCH_ROWTIME",
        "MINUTE",
        "MONTH",
        "NEXT",
        "NOW",
        "NTILE",
        "PERCENT_RANK",
        "PREV",
        "PROCTIME",
        "QUARTER",
        "SECOND",
        "SOURCE_WATERMARK",
        "WEEK",
    ];
    let unknown: Vec<&&str> = without.iter().filter(|name| !known.contains(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
