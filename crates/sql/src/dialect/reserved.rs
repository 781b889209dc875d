//! Keywords that cannot be names unless they stand in backticks.
//!
//! Flink reserves several hundred words. As aliases in SELECT they are refused as in Flink. Elsewhere only those are without which a
//! script could not be read; the others are let through, since telling a column called `value` from the keyword is easy here.

use sqlparser::ast::Ident;

use super::error::SyntaxError;

const RESERVED: &[&str] = &[
    "AND",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "CREATE",
    "CROSS",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "FETCH",
    "FOR",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IN",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "LATERAL",
    "LIKE",
    "LIMIT",
    "MATCH_RECOGNIZE",
    "NATURAL",
    "NOT",
    "NULL",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "SELECT",
    "THEN",
    "TO",
    "UNION",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
];

/// All words that Flink reserves.
const RESERVED_IN_FLINK: &str = include_str!("reserved_words.txt");

/// The error for an alias that Flink does not take.
pub(super) fn reserved_alias(alias: &Ident) -> Option<SyntaxError> {
    let mut words = RESERVED_IN_FLINK.split_ascii_whitespace();
    let reserved = alias.quote_style.is_none() && words.any(|word| word.eq_ignore_ascii_case(&alias.value));
    reserved.then(|| keyword_error(alias))
}

/// True for an unquoted keyword.
pub(super) fn is_reserved(name: &Ident) -> bool {
    name.quote_style.is_none() && RESERVED.iter().any(|word| word.eq_ignore_ascii_case(&name.value))
}

/// The error for a keyword that stands where a name should.
pub(super) fn reserved_word(name: &Ident) -> Option<SyntaxError> {
    is_reserved(name).then(|| keyword_error(name))
}

fn keyword_error(name: &Ident) -> SyntaxError {
    let message = format!("`{}` is a keyword and cannot stand here", name.value);
    let help = format!("as a name it must stand in backticks: `{}`", name.value);
    SyntaxError::at_span(name.span, message).with_help(help)
}
