//! Brings a parsed query into the form that planning wants: Flink's column names, Flink's literals.
//!
//! * Every output column gets the name that Flink would give it, see [`super::names`].
//! * A whole number that fits `INT` becomes `CAST(n AS INT)`, a number with an exponent `CAST('1e0' AS DOUBLE)`;
//!   a sign before it goes into the literal. Numbers in `LIMIT`, `OFFSET`, `FETCH`, `ORDER BY 1` and window
//!   frames stay as they are.
//! * `0.908` becomes `CAST(0.908 AS DECIMAL(4, 3))`: as many digits as are written. `TIMESTAMP '… 05.6'` and `TIME '…'` get the
//!   precision of their text.
//! * `(a, b)` becomes `row(a, b)`, `(a, b) OVERLAPS (c, d)` becomes `overlaps(a, b, c, d)`.
//! * Unicode and national strings become plain strings, `- INTERVAL '1' DAY` becomes `INTERVAL '-1' DAY`.
//!
//! The functions with a grammar of their own are plain calls already, see [`super::calls`] and [`super::json`].

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, ExactNumberInfo, Expr, Fetch, GroupByExpr, Ident, LimitClause, NamedWindowExpr, OrderByExpr,
    OrderByKind, Query, Select, TableFactor, TypedString, UnaryOperator, Value, ValueWithSpan, WindowFrame, WindowFrameBound, WindowSpec,
    WindowType,
};
use sqlparser::tokenizer::Span;

use super::calls::{call, text};
use super::interval::interval_value;
use super::names;
use super::walk::{Flow, Pass, walk_expr, walk_query};

/// Normalises a query. Doing it twice is harmless.
pub fn normalize(query: &mut Query) {
    names::wrap_values(query);
    let _ = walk_query(query, &mut Normalizer);
    let _ = walk_query(query, &mut Unprotect);
}

/// Normalises an expression outside a query, such as a computed column.
pub fn normalize_expr(expr: &mut Expr) {
    let _ = walk_expr(expr, &mut Normalizer);
    let _ = walk_expr(expr, &mut Unprotect);
}

/// Digits of the longest decimal.
const DECIMAL_DIGITS_MAX: u64 = 38;

/// `FETCH FIRST n ROWS ONLY` as `LIMIT n`.
fn fetch_is_limit(query: &mut Query) {
    let Some(Fetch { with_ties: false, percent: false, quantity }) = &query.fetch else { return };
    let first = quantity.clone().unwrap_or_else(|| Expr::Value(Value::Number("1".into(), false).with_empty_span()));
    match &mut query.limit_clause {
        None => query.limit_clause = Some(LimitClause::LimitOffset { limit: Some(first), offset: None, limit_by: vec![] }),
        Some(LimitClause::LimitOffset { limit: limit @ None, .. }) => *limit = Some(first),
        Some(_) => return,
    }
    query.fetch = None;
}

struct Normalizer;

impl Pass for Normalizer {
    fn pre_visit_query(&mut self, query: &mut Query) -> Flow {
        names::name_query(query);
        fetch_is_limit(query);
        if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &mut query.limit_clause {
            limit.iter_mut().for_each(protect);
            offset.iter_mut().for_each(|offset| protect(&mut offset.value));
        }
        if let Some(order_by) = &mut query.order_by
            && let OrderByKind::Expressions(keys) = &mut order_by.kind
        {
            keys.iter_mut().for_each(|key: &mut OrderByExpr| protect(&mut key.expr));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> Flow {
        for window in &mut select.named_window {
            if let NamedWindowExpr::WindowSpec(spec) = &mut window.1 {
                protect_frame(spec);
            }
        }
        if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
            let flat = std::mem::take(keys).into_iter().flat_map(|key| match key {
                Expr::Tuple(keys) => keys,
                key => vec![key],
            });
            *keys = flat.collect();
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> Flow {
        names::name_table_factor(factor);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        match expr {
            Expr::Function(function) => {
                if let Some(WindowType::WindowSpec(spec)) = &mut function.over {
                    protect_frame(spec);
                }
            }
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: operand } => {
                if let Some(literal) = negative_literal(operand) {
                    *expr = literal;
                }
            }
            // a literal that is normalised already: written casts carry Flink's types
            Expr::Cast {
                expr: literal,
                data_type: DataType::Int(None) | DataType::Decimal(ExactNumberInfo::PrecisionAndScale(..)),
                ..
            } => match literal.as_mut() {
                Expr::UnaryOp { op: UnaryOperator::Minus, expr: digits } => protect(digits),
                digits => protect(digits),
            },
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        let replacement = match expr {
            Expr::Value(value) => number_literal(value, false),
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: operand } => {
                interval_value(operand).map(|interval| interval.negated().to_expr(value_span(operand)))
            }
            Expr::BinaryOp { left, op: BinaryOperator::Overlaps, right } => overlaps(left, right),
            Expr::Identifier(name) if is_word(name, "UNKNOWN") => {
                Some(cast(Expr::Value(Value::Null.with_span(name.span)), DataType::Boolean))
            }
            Expr::Identifier(name) if is_word(name, "PI") => Some(call("pi", vec![])),
            Expr::Tuple(fields) => Some(call("row", std::mem::take(fields))),
            // The character set of a text, such as _UTF16'x'.
            Expr::Prefixed { value, .. } => Some(value.as_ref().clone()),
            Expr::TypedString(literal) => {
                time_precision(literal);
                None
            }
            _ => None,
        };
        if let Some(replacement) = replacement {
            *expr = replacement;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> Flow {
        if let Value::UnicodeStringLiteral(text) | Value::NationalStringLiteral(text) = &mut value.value {
            value.value = Value::SingleQuotedString(std::mem::take(text));
        }
        ControlFlow::Continue(())
    }
}

/// A name that stands for a constant.
fn is_word(name: &Ident, word: &str) -> bool {
    name.quote_style.is_none() && name.value.eq_ignore_ascii_case(word)
}

/// Takes the mark of [`protect`] off again.
struct Unprotect;

impl Pass for Unprotect {
    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> Flow {
        if let Value::Number(_, is_protected) = &mut value.value {
            *is_protected = false;
        }
        ControlFlow::Continue(())
    }
}

/// Marks a number that must stay a plain number. The mark is sqlparser's flag for `10L`, which the dialect
/// refuses in scripts.
fn protect(expr: &mut Expr) {
    if let Expr::Value(value) = expr
        && let Value::Number(_, is_protected) = &mut value.value
    {
        *is_protected = true;
    }
}

fn protect_frame(spec: &mut WindowSpec) {
    let Some(WindowFrame { start_bound, end_bound, .. }) = &mut spec.window_frame else { return };
    for bound in std::iter::once(start_bound).chain(end_bound) {
        if let WindowFrameBound::Preceding(Some(n)) | WindowFrameBound::Following(Some(n)) = bound {
            protect(n);
        }
    }
}

fn negative_literal(operand: &Expr) -> Option<Expr> {
    match operand {
        Expr::Value(value) => number_literal(value, true),
        _ => None,
    }
}

/// The typed form of a number, None when the plain number has the right type already.
fn number_literal(value: &ValueWithSpan, negative: bool) -> Option<Expr> {
    let Value::Number(digits, false) = &value.value else { return None };
    if digits.contains(['e', 'E']) {
        let sign = if negative { "-" } else { "" };
        let double = DataType::Double(ExactNumberInfo::None);
        return Some(cast(text(&format!("{sign}{digits}"), value.span), double));
    }
    let mut literal = Expr::Value(Value::Number(digits.clone(), true).with_span(value.span));
    if negative {
        literal = Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(literal) };
    }
    if let Some((whole, fraction)) = digits.split_once('.').filter(|(_, fraction)| !fraction.is_empty()) {
        let (precision, scale) = ((whole.len() + fraction.len()) as u64, fraction.len() as i64);
        let decimal = DataType::Decimal(ExactNumberInfo::PrecisionAndScale(precision, scale));
        return (precision <= DECIMAL_DIGITS_MAX).then(|| cast(literal, decimal));
    }
    let n: i64 = digits.trim_end_matches('.').parse().ok()?;
    i32::try_from(if negative { -n } else { n }).ok()?;
    Some(cast(literal, DataType::Int(None)))
}

/// Gives a literal of a time the precision of its text.
fn time_precision(literal: &mut TypedString) {
    let Value::SingleQuotedString(text) = &literal.value.value else { return };
    let digits = text.rsplit_once('.').map_or(0, |(_, fraction)| fraction.len() as u64);
    match &mut literal.data_type {
        DataType::Timestamp(precision @ None, _) | DataType::Time(precision @ None, _) if digits <= 9 => *precision = Some(digits),
        _ => {}
    }
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}

fn value_span(interval: &Expr) -> Span {
    match interval {
        Expr::Interval(interval) => match interval.value.as_ref() {
            Expr::Value(value) => value.span,
            _ => Span::empty(),
        },
        _ => Span::empty(),
    }
}

/// Both sides are `row(a, b)` by now.
fn overlaps(left: &Expr, right: &Expr) -> Option<Expr> {
    let mut args = row_fields(left)?;
    args.extend(row_fields(right)?);
    (args.len() == 4).then(|| call("overlaps", args))
}

fn row_fields(expr: &Expr) -> Option<Vec<Expr>> {
    use sqlparser::ast::{FunctionArg, FunctionArgExpr, FunctionArguments};
    let Expr::Function(function) = expr else { return None };
    let FunctionArguments::List(list) = &function.args else { return None };
    let is_row = function.name.to_string().eq_ignore_ascii_case("row");
    let fields = list.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e.clone()),
        _ => None,
    });
    if is_row { fields.collect() } else { None }
}
