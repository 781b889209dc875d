//! `SELECT /*+ STATE_TTL('t' = '1 d') */`: how long steps remember the rows of a table, put where the table is named.

use sqlparser::ast::{Expr, Ident, Select, TableFactor, Value};

use crate::dialect::{Hint, did_you_mean, select_hints};
use crate::error::{SqlError, SqlResult};
use crate::options::parse_duration_ms;

/// The hint's name.
pub const STATE_TTL: &str = "STATE_TTL";

/// Moves the hint of a SELECT to the tables that it names. `ctes` are names that are no tables.
pub fn settle(select: &mut Select, ctes: &[String]) -> SqlResult<()> {
    for hint in select_hints(select).into_iter().filter(|h| h.name == STATE_TTL) {
        for entry in &hint.entries {
            let Some(name) = &entry.key else {
                return Err(SqlError::new("STATE_TTL takes 'table' = 'duration'").about(&entry.value).help("write STATE_TTL('t' = '1 d')"));
            };
            duration(&entry.value)?;
            mark(select, name, &entry.value, ctes)?;
        }
    }
    Ok(())
}

fn duration(text: &str) -> SqlResult<i64> {
    parse_duration_ms(text).ok_or_else(|| {
        SqlError::new(format!("'{text}' is no duration")).about(text).help("write a number and a unit, such as '1 d' or '12 h'")
    })
}

/// How long the rows of a table are remembered, as its hints have it; 0: for ever.
pub fn of_hints(hints: &[Hint]) -> SqlResult<Option<i64>> {
    let last = hints.iter().filter(|h| h.name == STATE_TTL).flat_map(|h| &h.entries).next_back();
    last.map(|entry| duration(&entry.value)).transpose()
}

fn mark(select: &mut Select, name: &str, ttl: &str, ctes: &[String]) -> SqlResult<()> {
    let mut known = vec![];
    for factor in select.from.iter_mut().flat_map(|t| std::iter::once(&mut t.relation).chain(t.joins.iter_mut().map(|j| &mut j.relation))) {
        let Some(called) = called(factor) else { continue };
        if called != name {
            known.push(called);
            continue;
        }
        return match factor {
            TableFactor::Table { with_hints, args: None, .. } if !ctes.contains(&called) => {
                let text = format!("{STATE_TTL}('{}' = '{}')", name.replace('\'', "''"), ttl.replace('\'', "''"));
                with_hints.push(Expr::value(Value::SingleQuotedString(text)));
                Ok(())
            }
            _ => Err(SqlError::not_yet("STATE_TTL for what is not a table")
                .about(name)
                .help("put the hint into the query that reads the table")),
        };
    }
    let error = SqlError::new(format!("STATE_TTL names '{name}', which is no table of this SELECT")).about(name);
    Err(match did_you_mean(name, known.iter().map(String::as_str)) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None => error.help(format!("there are: {}", known.join(", "))),
    })
}

/// What a table is called in its SELECT.
fn called(factor: &TableFactor) -> Option<String> {
    let alias = |alias: &Option<sqlparser::ast::TableAlias>| alias.as_ref().map(|a| a.name.value.clone());
    match factor {
        TableFactor::Table { name, alias: a, .. } => {
            let parts: Vec<&Ident> = name.0.iter().filter_map(|p| p.as_ident()).collect();
            alias(a).or_else(|| parts.last().map(|p| p.value.clone()))
        }
        TableFactor::Derived { alias: a, .. } => alias(a),
        _ => None,
    }
}
