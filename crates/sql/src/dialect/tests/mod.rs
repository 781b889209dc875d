//! Tests of the front end as a whole.
#![allow(clippy::unwrap_used)]

mod errors;
mod forms;
mod nexmark;
mod normalized;
mod robustness;
mod statements;
mod types;

use super::{Parsed, Statement, SyntaxError, parse_script};

/// All statements of a script that must be right.
fn statements(sql: &str) -> Vec<Statement> {
    parse_script(sql).into_iter().map(|r| r.unwrap_or_else(|e| panic!("{sql}\n{e}")).statement).collect()
}

/// The only statement of a script that must be right.
fn statement(sql: &str) -> Statement {
    let mut all = statements(sql);
    assert_eq!(all.len(), 1, "{sql}");
    all.remove(0)
}

/// The only result of a script.
fn result(sql: &str) -> Result<Parsed, SyntaxError> {
    let mut all = parse_script(sql);
    assert_eq!(all.len(), 1, "{sql}: {all:?}");
    all.remove(0)
}
