//! The Flink SQL front end: from the text of a script to statements, with every error at its place.
//!
//! [`parse_script`] does it all. The lexer and the grammar of queries are sqlparser's; what Flink has and
//! sqlparser lacks is added in three places:
//!
//! * [`rewrite`]: tokens that sqlparser would misread are turned around before it sees them;
//! * [`hooks`]: forms of expressions, as a sqlparser dialect;
//! * [`grammar`] and its neighbours: statements other than queries, which sqlparser never sees.
//!
//! A query stands in the tree as it was written. [`normalize`] brings it into the form for planning.
//!
//! Invariant: no input makes this module panic, overflow the stack or take more than polynomial time.

mod alter_table;
mod calls;
mod create_table;
mod cursor;
mod ddl;
mod dml;
mod error;
mod fixup;
mod foreign;
mod grammar;
mod guess;
mod hints;
mod hooks;
mod interval;
mod json;
pub(crate) mod names;
mod normalize;
mod position;
mod predicates;
mod ptf;
mod refine;
mod reserved;
mod rewrite;
mod script;
mod session;
mod statement;
mod tvf;
mod types;
mod walk;

#[cfg(test)]
mod tests;

use std::ops::Range;

use sqlparser::ast::{Expr, Query};
use sqlparser::tokenizer::{Span, Token};

pub use alter_table::{Dropped, Place, TableChange};
pub use error::{SyntaxError, did_you_mean};
pub use hints::{Hint, HintEntry, select_hints, table_hints};
pub use hooks::{FINAL_CALL, FlinkDialect};
pub use interval::{IntervalValue, interval_value};
pub use normalize::{normalize, normalize_expr};
pub use position::LineIndex;
pub use ptf::{ChangelogCall, ChangelogFunction, changelog_call};
pub use rewrite::{TIMED_OUT_SYMBOL, WITHIN_SYMBOL};
pub(crate) use script::COLUMNS_MAX;
pub use statement::*;
pub use tvf::{TvfCall, TvfData, TvfKind, window_tvf};
pub use types::{flink_type_of, to_sql_data_type};
pub(crate) use walk::{Flow, Pass, walk_expr, walk_query};

use crate::stack::deep;
use crate::types::ColumnType;
use grammar::Grammar;
use script::{Piece, Unit};

/// Parses all statements of a script, in order. After an error it goes on behind the next semicolon, so that
/// the result holds every statement and every error.
pub fn parse_script(sql: &str) -> Vec<Result<Parsed, SyntaxError>> {
    if sql.len() > script::SCRIPT_BYTES_MAX {
        let message = format!("the script has {} MB of text, and {} MB is the most", sql.len() >> 20, script::SCRIPT_BYTES_MAX >> 20);
        let beginning = 0..sql.find(char::is_whitespace).unwrap_or(0).min(64);
        return vec![Err(
            SyntaxError::at_range(beginning, message).with_help("put long lists of values into a file, and read it as a table")
        )];
    }
    deep(|| parse_units(sql))
}

fn parse_units(sql: &str) -> Vec<Result<Parsed, SyntaxError>> {
    let index = LineIndex::new(sql);
    let (pieces, lexical_error) = script::cut(sql);
    let mut results = vec![];
    for unit in script::group(pieces) {
        parse_unit(unit, &index, &mut results);
    }
    results.extend(lexical_error.map(|e| Err(e.locate(&index))));
    results
}

fn parse_unit(unit: Unit, index: &LineIndex<'_>, results: &mut Vec<Result<Parsed, SyntaxError>>) {
    let text_range = unit_range(&unit, index);
    let place = index.location(text_range.start);
    let parsed = |statement| Parsed { statement, text_range: text_range.clone(), line: place.line, column: place.column };
    if unit.header.is_statement_set() {
        let (statement, errors) = dml::statement_set(unit, index);
        results.extend(statement.map(|s| Ok(parsed(s))));
        results.extend(errors.into_iter().map(Err));
        return;
    }
    let statement = Grammar::new(unit.header, index).and_then(|g| g.run(Grammar::statement));
    results.push(statement.map(parsed));
}

fn unit_range(unit: &Unit, index: &LineIndex<'_>) -> Range<usize> {
    let pieces = || std::iter::once(&unit.header).chain(&unit.body).chain(&unit.closing);
    let spans = pieces().flat_map(Piece::significant).map(|t| t.span);
    index.range(spans.reduce(|a, b| Span::new(a.start, b.end)).unwrap_or(Span::empty()))
}

/// Parses one query, such as the text of a view.
///
/// # Errors
/// When the text is not one query.
pub fn parse_query(sql: &str) -> Result<Box<Query>, SyntaxError> {
    parse_only(sql, |g| g.query())
}

/// Parses one expression, such as the text of a computed column.
///
/// # Errors
/// When the text is not one expression.
pub fn parse_expr(sql: &str) -> Result<Expr, SyntaxError> {
    parse_only(sql, |g| g.p.parse_expr())
}

/// Parses one type.
///
/// # Errors
/// When the text is not one type.
pub fn parse_type(text: &str) -> Result<ColumnType, SyntaxError> {
    parse_only(text, |g| types::only_type(&mut g.p)).map_err(|mut e| {
        e.message = e.message.replace("the end of the statement", "the end of the text");
        e
    })
}

fn parse_only<T>(text: &str, rule: impl FnOnce(&mut Grammar<'_>) -> cursor::Step<T>) -> Result<T, SyntaxError> {
    deep(|| parse_one(text, rule))
}

fn parse_one<T>(text: &str, rule: impl FnOnce(&mut Grammar<'_>) -> cursor::Step<T>) -> Result<T, SyntaxError> {
    let index = LineIndex::new(text);
    let (mut pieces, lexical_error) = script::cut(text);
    if let Some(error) = lexical_error {
        return Err(error.locate(&index));
    }
    if let Some(extra) = pieces.get(1) {
        let span = extra.significant().next().map_or(Span::empty(), |t| t.span);
        return Err(SyntaxError::at_span(span, "only one statement is allowed here").locate(&index));
    }
    let end = text.len()..text.len();
    let piece = pieces.pop().ok_or_else(|| SyntaxError::at_range(end, "the text is empty").locate(&index))?;
    Grammar::new(piece, &index)?.run(rule)
}

/// True for a name that must stand in backticks, and for some that need not but look like keywords.
pub fn needs_quotes(name: &str) -> bool {
    let mut tokens = sqlparser::tokenizer::Tokenizer::new(&FlinkDialect, name);
    match tokens.tokenize().as_deref() {
        Ok([Token::Word(word)]) => word.value != name || word.keyword != sqlparser::keywords::Keyword::NoKeyword,
        _ => true,
    }
}
