//! What the page on compatibility tells apart, and how it is found in the text of a case.

use std::collections::BTreeMap;

use super::cases::Case;

/// Something that a script can use.
pub struct Feature {
    /// As the page calls it.
    pub title: &'static str,
    /// Any of these stands in the SQL: words and signs with blanks between them. `name:` in front: it stands in the case's name.
    forms: &'static [&'static str],
}

const fn feature(title: &'static str, forms: &'static [&'static str]) -> Feature {
    Feature { title, forms }
}

/// Folders of cases and what they are about.
pub const GROUPS: &[(&str, &str)] = &[
    ("group", "Aggregates"),
    ("join", "Joins and set operations"),
    ("rank", "Top-N, deduplication, ORDER BY"),
    ("over", "OVER aggregates"),
    ("match", "MATCH_RECOGNIZE"),
    ("changelog", "Changelogs in and out"),
    ("window", "Windows"),
    ("emit", "Windows that tell results early and late"),
    ("batch", "Batch mode"),
    ("query", "Queries"),
    ("scalar", "Expressions and functions"),
    ("types", "Tables, formats and types"),
    ("nexmark", "The Nexmark queries"),
];

/// Sections of the page.
pub const SECTIONS: &[(&str, &[Feature])] =
    &[("Statements and tables", STATEMENTS), ("Queries", QUERIES), ("Joins", JOINS), ("Windows", WINDOWS), ("Aggregates", AGGREGATES)];

const STATEMENTS: &[Feature] = &[
    feature("CREATE TABLE", &["CREATE TABLE"]),
    feature("computed columns", &["AS PROCTIME (", "AS CASE", "name:computed"]),
    feature("METADATA columns", &["METADATA"]),
    feature("WATERMARK", &["WATERMARK FOR"]),
    feature("PRIMARY KEY", &["PRIMARY KEY"]),
    feature("PARTITIONED BY", &["PARTITIONED BY"]),
    feature("LIKE", &["name:like_clause", "name:like_excluding"]),
    feature("CREATE VIEW", &["CREATE VIEW", "CREATE TEMPORARY VIEW"]),
    feature("databases", &["CREATE DATABASE"]),
    feature("SET", &["; SET"]),
    feature("batch mode", &["'execution.runtime-mode' = 'batch'"]),
    feature("hints (OPTIONS)", &["OPTIONS ("]),
    feature("format csv", &["'csv'"]),
    feature("format json", &["'json'"]),
    feature("format raw", &["'raw'"]),
    feature(
        "formats debezium-json, canal-json, maxwell-json, ogg-json",
        &["'debezium-json'", "'canal-json'", "'maxwell-json'", "'ogg-json'"],
    ),
];

const QUERIES: &[Feature] = &[
    feature("WHERE", &["WHERE"]),
    feature("WITH", &["; WITH", "name:cte"]),
    feature("VALUES", &["VALUES"]),
    feature("SELECT DISTINCT", &["SELECT DISTINCT"]),
    feature("UNION ALL", &["UNION ALL"]),
    feature("UNION", &["UNION SELECT", "UNION ("]),
    feature("INTERSECT", &["INTERSECT SELECT", "INTERSECT ("]),
    feature("INTERSECT ALL", &["INTERSECT ALL"]),
    feature("EXCEPT", &["EXCEPT SELECT", "EXCEPT ("]),
    feature("EXCEPT ALL", &["EXCEPT ALL"]),
    feature("UNNEST", &["UNNEST ("]),
    feature("sub-queries as values", &["name:value_", "name:scalar_of", "name:scalar_correlated", "name:_as_value", "name:greater_"]),
    feature("ROW_NUMBER: Top-N, deduplication", &["ROW_NUMBER ("]),
    feature("aggregates with OVER", &["name:over/"]),
    feature("MATCH_RECOGNIZE", &["MATCH_RECOGNIZE ("]),
    feature("ORDER BY … LIMIT", &["LIMIT", "FETCH"]),
    feature("aggregates and joins over rows that are taken back", &["name:retract", "name:latest", "name:cascade", "name:updating"]),
];

const JOINS: &[Feature] = &[
    feature("JOIN", &["JOIN"]),
    feature("LEFT JOIN", &["LEFT JOIN", "LEFT OUTER JOIN"]),
    feature("RIGHT JOIN", &["RIGHT JOIN", "RIGHT OUTER JOIN"]),
    feature("FULL JOIN", &["FULL JOIN", "FULL OUTER JOIN"]),
    feature("CROSS JOIN", &["CROSS JOIN"]),
    feature("interval join", &["name:interval", "name:nexmark/q9"]),
    feature("window join", &["name:join/window", "name:window/join_", "name:of_windows", "name:window_join", "name:nexmark/q8"]),
    feature("temporal join (FOR SYSTEM_TIME AS OF)", &["FOR SYSTEM_TIME AS OF"]),
    feature("lookup join", &["name:lookup"]),
    feature("LATERAL", &["LATERAL ("]),
    feature("IN (SELECT …)", &["IN ( SELECT"]),
    feature("NOT IN (SELECT …)", &["NOT IN ( SELECT"]),
    feature("EXISTS", &["EXISTS ("]),
    feature("NOT EXISTS", &["NOT EXISTS ("]),
];

const WINDOWS: &[Feature] = &[
    feature("TUMBLE", &["TABLE ( TUMBLE", "FROM TUMBLE"]),
    feature("HOP", &["TABLE ( HOP", "FROM HOP"]),
    feature("CUMULATE", &["TABLE ( CUMULATE", "FROM CUMULATE"]),
    feature("SESSION", &["TABLE ( SESSION", "FROM SESSION"]),
    feature("windows over windows (window_time)", &["WINDOW_TIME"]),
    feature("Top-N and deduplication in a window", &["PARTITION BY WINDOW_START"]),
    feature("group windows of old", &["name:legacy"]),
    feature("CURRENT_WATERMARK", &["CURRENT_WATERMARK ("]),
    feature("early results", &["'table.exec.emit.early-fire.enabled'"]),
    feature("late results", &["'table.exec.emit.late-fire.enabled'"]),
];

const AGGREGATES: &[Feature] = &[
    feature("GROUP BY", &["GROUP BY"]),
    feature("HAVING", &["HAVING"]),
    feature("GROUPING SETS", &["GROUPING SETS"]),
    feature("CUBE", &["CUBE ("]),
    feature("ROLLUP", &["ROLLUP ("]),
    feature("DISTINCT in an aggregate", &["( DISTINCT"]),
    feature("FILTER", &["FILTER ("]),
    feature("COUNT", &["COUNT ("]),
    feature("SUM", &["SUM ("]),
    feature("AVG", &["AVG ("]),
    feature("MIN and MAX", &["MIN (", "MAX ("]),
    feature("FIRST_VALUE and LAST_VALUE", &["FIRST_VALUE (", "LAST_VALUE ("]),
    feature("LISTAGG", &["LISTAGG ("]),
    feature("COLLECT", &["COLLECT ("]),
    feature("ARRAY_AGG", &["ARRAY_AGG ("]),
    feature("STDDEV and VAR", &["STDDEV_POP (", "STDDEV_SAMP (", "STDDEV (", "VAR_POP (", "VAR_SAMP (", "VARIANCE ("]),
];

impl Feature {
    /// Whether a case uses it.
    pub fn is_in(&self, case: &Case) -> bool {
        self.forms.iter().any(|form| match form.strip_prefix("name:") {
            Some(part) => case.name.contains(part),
            None => {
                let words: Vec<&str> = form.split(' ').collect();
                case.tokens.windows(words.len()).any(|at| at == words)
            }
        })
    }
}

/// Words of SQL before a bracket that call no function.
const NO_FUNCTIONS: &[&str] = &[
    "ALL",
    "AND",
    "ANY",
    "ARRAY",
    "AS",
    "BETWEEN",
    "BINARY",
    "BY",
    "CASE",
    "CHAR",
    "CUBE",
    "DECIMAL",
    "ELSE",
    "EXCEPT",
    "EXISTS",
    "FILTER",
    "FROM",
    "IN",
    "INTERSECT",
    "JOIN",
    "LATERAL",
    "LIKE",
    "MAP",
    "NOT",
    "NUMERIC",
    "ON",
    "OPTIONS",
    "OR",
    "OVER",
    "PARTITIONED",
    "RETURNING",
    "ROLLUP",
    "ROW",
    "SELECT",
    "SETS",
    "SOME",
    "TABLE",
    "THEN",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "UNION",
    "USING",
    "VALUES",
    "VARBINARY",
    "VARCHAR",
    "WHEN",
    "WHERE",
    "WITH",
    "BYTES",
    "STRING",
    "DEC",
    "SECOND",
    "DAY",
    "YEAR",
    "KEY",
    "UNNEST",
    "HOUR",
    "MINUTE",
    "MONTH",
];

/// Functions that cases call, with the number of cases.
pub fn calls(all: &[Case]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for case in all.iter().filter(|c| !c.refused) {
        let named = |t: &str| t.starts_with(|c: char| c.is_ascii_uppercase()) && !NO_FUNCTIONS.contains(&t);
        let calls = case.tokens.windows(3).filter(|at| at[2] == "(" && named(&at[1]));
        // What stands behind these is a name of the script.
        let calls = calls.filter(|at| !["AS", "TABLE", "VIEW", "EXISTS", ")", "INTO"].contains(&at[0].as_str()));
        let mut names: Vec<&String> = calls.map(|at| &at[1]).collect();
        names.sort();
        names.dedup();
        for name in names {
            *counts.entry(name.clone()).or_insert(0) += 1;
        }
    }
    counts
}

/// Words in capitals, literals of text as they are, and signs; comments left out. Names in backticks stay in them. The first is a
/// semicolon, so that every statement stands behind one.
pub fn tokens(sql: &str) -> Vec<String> {
    let mut tokens = vec![";".to_string()];
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
        let length = match first {
            '\'' | '`' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            c if word(c) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, tail) = rest.split_at(length);
        if first.is_ascii_alphanumeric() || first == '_' {
            tokens.push(token.to_ascii_uppercase());
        } else if !token.starts_with("--") && !first.is_whitespace() {
            tokens.push(token.to_string());
        }
        rest = tail;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_into_words_and_signs() {
        let sql = "-- not this\nSELECT count(*) FROM `a b` WHERE x='it (' -- nor this";
        assert_eq!(tokens(sql), [";", "SELECT", "COUNT", "(", "*", ")", "FROM", "`a b`", "WHERE", "X", "=", "'it ('"]);
    }

    #[test]
    fn features_are_words_in_a_row() {
        let case = |sql: &str| Case { name: "join/in_x".into(), about: String::new(), tokens: tokens(sql), refused: false, gap: None };
        let not_in = feature("", &["NOT IN ( SELECT"]);
        assert!(not_in.is_in(&case("SELECT 1 WHERE a NOT IN (SELECT 2)")));
        assert!(!not_in.is_in(&case("SELECT 1 WHERE a NOT IN (2)")));
        assert!(feature("", &["name:join/in"]).is_in(&case("")));
        let calls = calls(&[case("CREATE TABLE t (a INT); SELECT ABS(a), `X`(b), CAST(a AS DECIMAL(3, 1)) FROM t;")]);
        assert_eq!(calls.keys().collect::<Vec<_>>(), ["ABS", "CAST"]);
    }
}
