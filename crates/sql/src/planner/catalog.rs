//! What can be called in a query, for people: the scalar functions, and those that only the planner knows.

use super::aggregates::AGGREGATES;
use super::catalog_forms::{OPERATORS, OVER, PATTERNS};
use super::list_calls::LIST_AGGREGATES;
use crate::functions::FunctionInfo;

/// Calls with their results, for the aggregate functions that have one.
const EXAMPLES: &[(&str, &str)] = &[
    ("array_agg", "SELECT ARRAY_AGG(x) FROM (VALUES (1), (3)) AS t(x) → [1, 3]"),
    ("avg", "SELECT AVG(price) FROM (VALUES (1), (2)) AS t(price) → 1"),
    ("bitmap_and_agg", "SELECT BITMAP_AND_AGG(b) FROM (VALUES (BITMAP_BUILD(ARRAY[1, 2])), (BITMAP_BUILD(ARRAY[2, 3]))) AS t(b) → {2}"),
    (
        "bitmap_and_cardinality_agg",
        "SELECT BITMAP_AND_CARDINALITY_AGG(b) FROM (VALUES (BITMAP_BUILD(ARRAY[1, 2])), (BITMAP_BUILD(ARRAY[2, 3]))) AS t(b) → 1",
    ),
    ("bitmap_build_agg", "SELECT BITMAP_BUILD_AGG(x) FROM (VALUES (5), (1), (5)) AS t(x) → {1,5}"),
    ("bitmap_build_cardinality_agg", "SELECT BITMAP_BUILD_CARDINALITY_AGG(x) FROM (VALUES (5), (1), (5)) AS t(x) → 2"),
    ("bitmap_or_agg", "SELECT BITMAP_OR_AGG(b) FROM (VALUES (BITMAP_BUILD(ARRAY[1, 2])), (BITMAP_BUILD(ARRAY[2, 3]))) AS t(b) → {1,2,3}"),
    (
        "bitmap_or_cardinality_agg",
        "SELECT BITMAP_OR_CARDINALITY_AGG(b) FROM (VALUES (BITMAP_BUILD(ARRAY[1, 2])), (BITMAP_BUILD(ARRAY[2, 3]))) AS t(b) → 3",
    ),
    ("bitmap_xor_agg", "SELECT BITMAP_XOR_AGG(b) FROM (VALUES (BITMAP_BUILD(ARRAY[1, 2])), (BITMAP_BUILD(ARRAY[2, 3]))) AS t(b) → {1,3}"),
    (
        "bitmap_xor_cardinality_agg",
        "SELECT BITMAP_XOR_CARDINALITY_AGG(b) FROM (VALUES (BITMAP_BUILD(ARRAY[1, 2])), (BITMAP_BUILD(ARRAY[2, 3]))) AS t(b) → 2",
    ),
    ("collect", "SELECT COLLECT(x) FROM (VALUES ('a'), ('a'), ('b')) AS t(x) → {a=2, b=1}"),
    ("count", "SELECT item, COUNT(*), COUNT(DISTINCT bidder) FROM bids GROUP BY item"),
    ("first_value", "SELECT item, FIRST_VALUE(price) FROM bids GROUP BY item"),
    ("group_id", "SELECT a, GROUP_ID(), SUM(n) FROM t GROUP BY GROUPING SETS ((a), (a))"),
    ("grouping", "SELECT a, b, GROUPING(b), SUM(n) FROM t GROUP BY ROLLUP (a, b)"),
    ("grouping_id", "SELECT a, b, GROUPING_ID(a, b), SUM(n) FROM t GROUP BY CUBE (a, b)"),
    ("json_arrayagg", "SELECT JSON_ARRAYAGG(x) FROM (VALUES ('a'), ('b')) AS t(x) → [\"a\",\"b\"]"),
    ("json_objectagg", "SELECT JSON_OBJECTAGG(KEY k VALUE v) FROM (VALUES ('a', 1), ('b', 2)) AS t(k, v) → {\"a\":1,\"b\":2}"),
    ("last_value", "SELECT item, LAST_VALUE(price) FROM bids GROUP BY item"),
    ("listagg", "SELECT LISTAGG(x, '-') FROM (VALUES ('a'), ('b')) AS t(x) → a-b"),
    ("max", "SELECT item, MAX(price) FROM bids GROUP BY item"),
    ("min", "SELECT item, MIN(price) FROM bids GROUP BY item"),
    ("percentile", "SELECT PERCENTILE(x, 0.5) FROM (VALUES (1), (2), (10)) AS t(x) → 2.0"),
    ("stddev_pop", "SELECT STDDEV_POP(x) FROM (VALUES (1.0E0), (3.0E0)) AS t(x) → 1.0"),
    ("stddev_samp", "SELECT STDDEV_SAMP(x) FROM (VALUES (1.0E0), (3.0E0)) AS t(x) → 1.4142135623730951"),
    ("stddev", "SELECT item, STDDEV(price) FROM bids GROUP BY item"),
    ("sum", "SELECT item, SUM(price) FILTER (WHERE price > 10) FROM bids GROUP BY item"),
    ("var_pop", "SELECT VAR_POP(x) FROM (VALUES (1.0E0), (3.0E0)) AS t(x) → 1.0"),
    ("var_samp", "SELECT VAR_SAMP(x) FROM (VALUES (1.0E0), (3.0E0)) AS t(x) → 2.0"),
    ("variance", "SELECT item, VARIANCE(price) FROM bids GROUP BY item"),
];

const fn window(name: &'static str, signature: &'static str, description: &'static str, example: &'static str) -> FunctionInfo {
    FunctionInfo { name, aliases: &[], category: "window", signature, description, example }
}

/// What stands in FROM, and the functions over a window of GROUP BY.
const WINDOWS: &[FunctionInfo] = &[
    window(
        "TUMBLE",
        "TUMBLE(TABLE t, DESCRIPTOR(time_column), size [, offset])",
        "A table function for FROM: each row with the window of that size it falls in, as window_start, window_end and window_time.",
        "SELECT window_end, SUM(price) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTES)) GROUP BY window_start, window_end",
    ),
    window(
        "HOP",
        "HOP(TABLE t, DESCRIPTOR(time_column), slide, size [, offset])",
        "A table function for FROM: each row once for every window of that size it falls in; a window begins every slide.",
        "SELECT window_end, SUM(price) FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '10' MINUTES)) GROUP BY window_start, window_end",
    ),
    window(
        "CUMULATE",
        "CUMULATE(TABLE t, DESCRIPTOR(time_column), step, size [, offset])",
        "A table function for FROM: windows that share a beginning and grow by a step until they have their size.",
        "SELECT window_end, SUM(price) FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '1' DAY)) GROUP BY window_start, window_end",
    ),
    window(
        "SESSION",
        "SESSION(TABLE t [PARTITION BY keys], DESCRIPTOR(time_column), gap)",
        "A table function for FROM: a window lasts until no row has come for the gap, for each key by itself.",
        "SELECT item, window_end, COUNT(*) FROM TABLE(SESSION(TABLE bids PARTITION BY item, DESCRIPTOR(ts), INTERVAL '5' MINUTES)) GROUP BY item, window_start, window_end",
    ),
];

/// Everything that a user may call.
pub fn catalog() -> Vec<FunctionInfo> {
    let aggregate = |(name, signature, description): &(&'static str, &'static str, &'static str)| FunctionInfo {
        name: &signature[..name.len()],
        aliases: &[],
        category: "aggregate",
        signature,
        description,
        example: EXAMPLES.iter().find(|(of, _)| of == name).map_or("", |(_, example)| example),
    };
    let mut all = crate::functions::catalog();
    all.extend(AGGREGATES.iter().chain(&LIST_AGGREGATES).map(aggregate));
    all.extend(OVER.iter().chain(OPERATORS).chain(PATTERNS).chain(WINDOWS).copied());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregates_go_by_their_names() {
        for (name, form, _) in AGGREGATES.iter().chain(&LIST_AGGREGATES) {
            assert!(form.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)), "{form}");
            assert!(catalog().iter().any(|f| f.name.eq_ignore_ascii_case(name) && !f.example.is_empty()), "{name}");
        }
    }
}
