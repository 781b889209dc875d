//! What can be called in a query and is no plain function, for people: functions over OVER, operators, and what patterns have.

use crate::functions::FunctionInfo;

const fn entry(
    name: &'static str,
    category: &'static str,
    signature: &'static str,
    description: &'static str,
    example: &'static str,
) -> FunctionInfo {
    FunctionInfo { name, aliases: &[], category, signature, description, example }
}

const fn over(name: &'static str, signature: &'static str, description: &'static str, example: &'static str) -> FunctionInfo {
    entry(name, "over", signature, description, example)
}

const fn pattern(name: &'static str, signature: &'static str, description: &'static str) -> FunctionInfo {
    entry(name, "pattern", signature, description, "")
}

const fn form(name: &'static str, signature: &'static str, description: &'static str, example: &'static str) -> FunctionInfo {
    entry(name, "operator", signature, description, example)
}

/// Functions that go with OVER.
pub const OVER: &[FunctionInfo] = &[
    over(
        "ROW_NUMBER",
        "ROW_NUMBER() OVER ([PARTITION BY keys] ORDER BY columns)",
        "The place of a row within its key, from 1. With a condition such as rn <= 3 around it the query is a Top-N; with rn = 1 over a time \
         attribute it drops duplicates.",
        "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price DESC) AS rn FROM bids) WHERE rn <= 3",
    ),
    over(
        "RANK",
        "RANK() OVER ([PARTITION BY keys] ORDER BY columns)",
        "1 and the number of rows before; in a stream, as in Flink, of rows up to this one and its equals.",
        "SELECT item, RANK() OVER (PARTITION BY item ORDER BY ts) FROM bids",
    ),
    over(
        "DENSE_RANK",
        "DENSE_RANK() OVER ([PARTITION BY keys] ORDER BY columns)",
        "The rank without gaps behind equals. In a stream the same as RANK, as in Flink.",
        "SELECT item, DENSE_RANK() OVER (PARTITION BY item ORDER BY ts) FROM bids",
    ),
    over(
        "LAG",
        "LAG(value [, offset [, default]]) OVER ([PARTITION BY keys] ORDER BY columns)",
        "The value so many rows before; one row by default.",
        "SELECT item, price - LAG(price) OVER (PARTITION BY item ORDER BY ts) FROM bids",
    ),
    over(
        "LEAD",
        "LEAD(value [, offset [, default]]) OVER ([PARTITION BY keys] ORDER BY columns)",
        "The value so many rows behind; one row by default. In batch mode only.",
        "",
    ),
    over(
        "NTILE",
        "NTILE(n) OVER ([PARTITION BY keys] ORDER BY columns)",
        "The number of the row's part when rows are dealt to n parts in their order. In batch mode only.",
        "",
    ),
    over(
        "PERCENT_RANK",
        "PERCENT_RANK() OVER ([PARTITION BY keys] ORDER BY columns)",
        "The part of the other rows that come before this one. In batch mode only.",
        "",
    ),
    over(
        "CUME_DIST",
        "CUME_DIST() OVER ([PARTITION BY keys] ORDER BY columns)",
        "The part of the rows that do not come behind this one. In batch mode only.",
        "",
    ),
];

/// What is written between or around its operands, or belongs to one place in a statement.
pub const OPERATORS: &[FunctionInfo] = &[
    form(
        "CASE",
        "CASE [value] WHEN … THEN result [WHEN …] [ELSE other] END",
        "The result of the first condition that is true (or of the first value that is equal), else the other one, by default NULL.",
        "CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END = 'b'",
    ),
    form("CAST", "CAST(value AS type)", "The value as another type; an error if a text does not fit.", "CAST('12' AS INT) = 12"),
    form("TRY_CAST", "TRY_CAST(value AS type)", "Like CAST, but NULL where that fails.", "TRY_CAST('x' AS INT) IS NULL"),
    form("||", "string || string", "The texts one after the other; NULL if one is.", "'a' || 'b' = 'ab'"),
    form("+", "number + number, time + interval", "The sum; integers wrap around.", "1 + 2 = 3"),
    form(
        "-",
        "number - number, time - interval",
        "The difference; before one value its opposite.",
        "DATE '2024-03-01' - INTERVAL '1' DAY = DATE '2024-02-29'",
    ),
    form("*", "number * number", "The product; integers wrap around.", "2 * 3 = 6"),
    form("/", "number / number", "The quotient, of integers without its fraction.", "5 / 2 = 2"),
    form("%", "number % number", "The remainder, with the sign of the dividend.", "-5 % 3 = -2"),
    form(
        "BETWEEN",
        "value [NOT] BETWEEN [ASYMMETRIC | SYMMETRIC] low AND high",
        "Whether the value lies within the bounds, which belong to it. SYMMETRIC takes them in either order.",
        "2 BETWEEN SYMMETRIC 3 AND 1 = TRUE",
    ),
    form("IN", "value [NOT] IN (value, …) or (query)", "Whether the value is one of these.", "2 IN (1, 2) = TRUE"),
    form(
        "EXISTS",
        "[NOT] EXISTS (query)",
        "Whether the query has a row.",
        "SELECT item FROM bids WHERE EXISTS (SELECT 1 FROM t WHERE a = item)",
    ),
    form("NULLIF", "NULLIF(value, other)", "NULL if both are equal, else the first.", "NULLIF(5, 0) = 5"),
    form("IS NULL", "value IS [NOT] NULL", "Whether the value is NULL.", "(NULLIF(1, 1) IS NULL) = TRUE"),
    form(
        "IS TRUE",
        "condition IS [NOT] {TRUE | FALSE | UNKNOWN}",
        "Which of its three values a condition has.",
        "(1 > 2 IS NOT TRUE) = TRUE",
    ),
    form(
        "IS DISTINCT FROM",
        "value IS [NOT] DISTINCT FROM value",
        "Whether the values differ, where NULL is a value as others are.",
        "(NULLIF(1, 1) IS DISTINCT FROM 1) = TRUE",
    ),
    form("AND", "condition AND condition", "True if both are, false if one is false.", "(TRUE AND FALSE) = FALSE"),
    form("OR", "condition OR condition", "True if one is, false if both are false.", "(TRUE OR FALSE) = TRUE"),
    form("NOT", "NOT condition", "The opposite; NULL stays NULL.", "(NOT FALSE) = TRUE"),
    form(
        "[]",
        "array[i], map[key], variant[i], variant['key']",
        "An element, from 1, or the value of a key; NULL if there is none.",
        "ARRAY[5, 6][2] = 6",
    ),
    form(
        "UNNEST",
        "CROSS JOIN UNNEST(array, map or multiset) [WITH ORDINALITY] AS t(columns)",
        "In FROM: a row for each element.",
        "SELECT item, tag FROM bids CROSS JOIN UNNEST(ARRAY[item, bidder]) AS u(tag)",
    ),
    form("DESCRIPTOR", "DESCRIPTOR(column)", "Names a column of a table that is handed to a table function.", ""),
    form("CURRENT_DATABASE", "CURRENT_DATABASE()", "The name of the session's database.", "CURRENT_DATABASE() = 'default_database'"),
    form(
        "SOURCE_WATERMARK",
        "WATERMARK FOR column AS SOURCE_WATERMARK()",
        "In CREATE TABLE: leaves watermarks to the source. No source here gives any: write the rule, such as ts - INTERVAL '5' SECOND.",
        "",
    ),
];

/// What MATCH_RECOGNIZE has within it.
pub const PATTERNS: &[FunctionInfo] = &[
    pattern(
        "FIRST",
        "FIRST(variable.column [, n])",
        "In MATCH_RECOGNIZE: the value in the first row of the variable, or in the nth behind it.",
    ),
    pattern(
        "LAST",
        "LAST(variable.column [, n])",
        "In MATCH_RECOGNIZE: the value in the last row of the variable so far, or in the nth before it.",
    ),
    pattern("MATCH_ROWTIME", "MATCH_ROWTIME([column])", "In MEASURES: the time of the match's last row, a time attribute."),
    pattern("MATCH_PROCTIME", "MATCH_PROCTIME()", "In MEASURES: processing time, a time attribute."),
    pattern("CLASSIFIER", "CLASSIFIER()", "In MATCH_RECOGNIZE: the name of the variable that the row is."),
    pattern("MATCH_NUMBER", "MATCH_NUMBER()", "In MATCH_RECOGNIZE: the number of the match within its key, from 1."),
    pattern("PREV", "PREV(column [, n])", "In DEFINE: the value one row, or n rows, before."),
    pattern("NEXT", "NEXT(column [, n])", "In DEFINE: the value one row, or n rows, behind."),
];
