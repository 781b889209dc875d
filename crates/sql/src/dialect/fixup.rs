//! The last step of parsing a query: tree shapes that sqlparser makes of Flink's forms become the usual ones.
//!
//! * A hint leaves the table's name and goes to `with_hints`, where [`super::table_hints`] reads it.
//! * `LATERAL TABLE(f(x))` becomes `LATERAL f(x)`, and `UNNEST(x)` the `UNNEST` of sqlparser.
//! * The sub-query before `MATCH_RECOGNIZE` becomes a table again.
//! * Literals of times are checked.
//! * Calls of window functions are checked, so that errors come with all other syntax errors.

use std::ops::ControlFlow;

use flott_engine::text::{parse_date, parse_time, parse_timestamp};
use sqlparser::ast::{
    DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Query, TableFactor, TypedString, Value,
};

use super::error::SyntaxError;
use super::rewrite::{HINT_PREFIX, ROWS_CALL};
use super::tvf::window_tvf;
use super::walk::{Flow, Pass, walk_query};

/// Brings a freshly parsed query into shape.
///
/// # Errors
/// When a window function is called wrongly; only the error's span is filled in.
pub(super) fn fixup(query: &mut Query) -> Result<(), SyntaxError> {
    match walk_query(query, &mut Fixup) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Fixup;

impl Pass for Fixup {
    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        let Expr::TypedString(literal) = expr else { return ControlFlow::Continue(()) };
        match check_time(literal) {
            Some(error) => ControlFlow::Break(error),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> Flow {
        move_hint(factor);
        reshape(factor);
        match check_tvf(factor) {
            Some(error) => ControlFlow::Break(error),
            None => ControlFlow::Continue(()),
        }
    }
}

/// What is wrong with `DATE '…'`, `TIME '…'` or `TIMESTAMP '…'`.
fn check_time(literal: &TypedString) -> Option<SyntaxError> {
    let Value::SingleQuotedString(text) = &literal.value.value else { return None };
    let bytes = text.as_bytes();
    let (what, fits, form) = match &literal.data_type {
        DataType::Date => ("DATE", parse_date(bytes).is_some(), "DATE '2024-01-31'"),
        DataType::Time(..) => ("TIME", parse_time(bytes).is_some(), "TIME '10:11:12.345'"),
        DataType::Timestamp(..) => ("TIMESTAMP", parse_timestamp(bytes).is_some(), "TIMESTAMP '2024-01-31 10:11:12.345'"),
        _ => return None,
    };
    let error = || SyntaxError::at_span(literal.value.span, format!("'{text}' is no {what}")).with_help(format!("write it like {form}"));
    (!fits).then(error)
}

fn move_hint(factor: &mut TableFactor) {
    let TableFactor::Table { name, with_hints, .. } = factor else { return };
    let hint = match name.0.last().and_then(|part| part.as_ident()) {
        Some(ident) => ident.value.strip_prefix(HINT_PREFIX).map(|text| (text.to_string(), ident.span)),
        None => None,
    };
    if let Some((text, span)) = hint {
        name.0.pop();
        with_hints.push(Expr::Value(Value::SingleQuotedString(text).with_span(span)));
    }
}

fn reshape(factor: &mut TableFactor) {
    match factor {
        TableFactor::Function { lateral: true, name, args, with_ordinality, alias } if is_named(name, "TABLE") => {
            if let Some((inner_name, inner_args)) = only_call(args) {
                *factor = TableFactor::Function {
                    lateral: true,
                    name: inner_name,
                    args: inner_args,
                    with_ordinality: *with_ordinality,
                    alias: alias.take(),
                };
            }
        }
        TableFactor::Table { name, args: Some(args), alias, with_ordinality, .. } if is_named(name, "UNNEST") => {
            if let Some(array_exprs) = plain_exprs(&args.args) {
                *factor = unnest(array_exprs, alias.take(), *with_ordinality);
            }
        }
        TableFactor::Function { name, args, with_ordinality, alias, .. } if is_named(name, "UNNEST") => {
            if let Some(array_exprs) = plain_exprs(args) {
                *factor = unnest(array_exprs, alias.take(), *with_ordinality);
            }
        }
        TableFactor::MatchRecognize { table, .. } => {
            if let Some(subquery) = rows_call(table) {
                **table = TableFactor::Derived { lateral: false, subquery, alias: None, sample: None };
            }
        }
        _ => {}
    }
}

/// The query that [`super::rewrite`] put a call around.
fn rows_call(table: &TableFactor) -> Option<Box<Query>> {
    let TableFactor::Table { name, args: Some(args), .. } = table else { return None };
    let is_it = name.0.last().and_then(|part| part.as_ident()).is_some_and(|ident| ident.value == ROWS_CALL);
    match args.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Subquery(query)))] if is_it => Some(query.clone()),
        _ => None,
    }
}

fn unnest(array_exprs: Vec<Expr>, alias: Option<sqlparser::ast::TableAlias>, with_ordinality: bool) -> TableFactor {
    TableFactor::UNNEST { alias, array_exprs, with_offset: false, with_offset_alias: None, with_ordinality }
}

fn check_tvf(factor: &TableFactor) -> Option<SyntaxError> {
    let call = match factor {
        TableFactor::TableFunction { expr: Expr::Function(function), .. } => match &function.args {
            FunctionArguments::List(list) => window_tvf(&function.name.to_string(), &list.args),
            _ => None,
        },
        TableFactor::Table { name, args: Some(args), .. } => window_tvf(&name.to_string(), &args.args),
        TableFactor::Function { name, args, .. } => window_tvf(&name.to_string(), args),
        _ => None,
    };
    call.and_then(Result::err)
}

fn is_named(name: &ObjectName, word: &str) -> bool {
    match name.0.as_slice() {
        [part] => part.as_ident().is_some_and(|i: &Ident| i.quote_style.is_none() && i.value.eq_ignore_ascii_case(word)),
        _ => false,
    }
}

fn only_call(args: &[FunctionArg]) -> Option<(ObjectName, Vec<FunctionArg>)> {
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Function(function)))] = args else { return None };
    let FunctionArguments::List(list) = &function.args else { return None };
    Some((function.name.clone(), list.args.clone()))
}

fn plain_exprs(args: &[FunctionArg]) -> Option<Vec<Expr>> {
    let exprs = args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    exprs.collect()
}
