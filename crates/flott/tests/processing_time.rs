//! Windows by processing time: what they hold depends on the clock, how much they hold in sum does not.
#![allow(clippy::unwrap_used)]

use flott::{RunOptions, collect};

const EVENTS: &str = "CREATE VIEW events AS SELECT *, PROCTIME() AS p FROM (VALUES (1, 'a'), (2, 'b'), (3, 'a')) AS t (n, k);";

fn sums(query: &str, workers: usize) -> Vec<(String, i64)> {
    let options = RunOptions { parallelism: Some(workers), ..RunOptions::default() };
    let rows = collect(&format!("{EVENTS}{query}"), &options).unwrap().rows;
    let mut sums = std::collections::BTreeMap::new();
    for (_, row) in rows {
        *sums.entry(row[0].clone().unwrap()).or_insert(0) += row[1].as_ref().unwrap().parse::<i64>().unwrap();
    }
    sums.into_iter().collect()
}

#[test]
fn every_row_is_in_a_window_when_the_input_ends() {
    let windows = [
        "TUMBLE(TABLE events, DESCRIPTOR(p), INTERVAL '1' HOUR)",
        "SESSION(TABLE events PARTITION BY k, DESCRIPTOR(p), INTERVAL '1' MINUTE)",
    ];
    for window in windows {
        for workers in [1, 2] {
            let query = format!("SELECT k, COUNT(*) AS c FROM TABLE({window}) GROUP BY k, window_start, window_end");
            assert_eq!(sums(&query, workers), [("a".to_string(), 2), ("b".to_string(), 1)], "{window}");
        }
    }
}

#[test]
fn a_row_counts_in_each_hop_that_holds_it() {
    let query = "SELECT k, COUNT(*) AS c FROM HOP(TABLE events, DESCRIPTOR(p), INTERVAL '1' HOUR, INTERVAL '2' HOUR) GROUP BY k, window_start, window_end";
    assert_eq!(sums(query, 1), [("a".to_string(), 4), ("b".to_string(), 2)]);
}
