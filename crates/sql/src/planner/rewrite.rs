//! Expressions that DataFusion plans with a meaning of its own, replaced by functions with Flink's.

use arrow::datatypes::DataType;
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{DFSchema, Result, ScalarValue};
use datafusion_expr::expr::{Cast, InList, TryCast};
use datafusion_expr::expr_rewriter::NamePreserver;
use datafusion_expr::utils::merge_schema;
use datafusion_expr::{Between, Expr, ExprSchemable, LogicalPlan, Operator, binary_expr, lit};

use super::context::scalar_function;
use super::declared::{self, with_declared_types};
use super::expressions::{call, equal_rows, illegal_null, is_bare_null, is_time, same_numbers};
use crate::error::SqlError;
use crate::functions::{can_cast, cast_to, type_of, type_text};
use crate::types::FlinkType;

/// Type text of a field, where Arrow's type says less than Flink's.
const FLINK_TYPE: &str = "flink.type";

/// Rewrites all expressions of a plan, sub-queries included.
pub fn flink_expressions(plan: LogicalPlan) -> Result<LogicalPlan> {
    // Once a projection tells other types, so do the plans around it.
    let mut retyped = false;
    let rewritten = plan.transform_up_with_subqueries(|plan| {
        let schema = match plan.inputs().as_slice() {
            [] => plan.schema().as_ref().clone(),
            inputs => merge_schema(inputs),
        };
        let names = NamePreserver::new(&plan);
        let mapped = plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let rewritten = expr.transform_up(|e| rewrite(e, &schema))?;
            Ok(rewritten.update_data(|e| name.restore(e)))
        })?;
        if !mapped.transformed && !retyped && !matches!(mapped.data, LogicalPlan::Projection(_)) {
            return Ok(mapped);
        }
        let before = mapped.data.schema().clone();
        let plan = with_declared_types(mapped.data.recompute_schema()?)?;
        retyped |= *plan.schema() != before;
        Ok(Transformed::yes(plan))
    })?;
    Ok(rewritten.data)
}

/// Rewrites one expression.
pub fn flink_expression(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(expr.transform_up(|e| rewrite(e, schema))?.data)
}

fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Cast(Cast { expr, field }) => {
            if let (Expr::Literal(ScalarValue::Int64(Some(v)), m), DataType::Int32) = (expr.as_ref(), field.data_type())
                && let Ok(v) = i32::try_from(*v)
            {
                return Ok(Transformed::yes(Expr::Literal(ScalarValue::Int32(Some(v)), m.clone())));
            }
            if let (Expr::Literal(ScalarValue::Decimal128(v, from, s), m), DataType::Decimal128(to, scale)) =
                (expr.as_ref(), field.data_type())
                && s == scale
                && from <= to
            {
                return Ok(Transformed::yes(Expr::Literal(ScalarValue::Decimal128(*v, *to, *scale), m.clone())));
            }
            let text = field.metadata().get(FLINK_TYPE).cloned();
            if text.is_none() && is_bare_null(&expr) && !field.data_type().is_nested() {
                return Ok(Transformed::yes(Expr::Literal(ScalarValue::try_from(field.data_type())?, None)));
            }
            if text.is_none() && expr.get_type(schema).is_ok_and(|t| same_in_arrow(&t, field.data_type())) {
                return Ok(Transformed::no(Expr::Cast(Cast { expr, field })));
            }
            if text.is_none() && expr.get_type(schema).is_ok_and(|t| t == *field.data_type()) && !field.data_type().is_nested() {
                let plain = matches!(expr.as_ref(), Expr::Literal(..));
                if plain {
                    return Ok(Transformed::yes(*expr));
                }
            }
            Ok(Transformed::yes(call(cast_to(field.data_type().clone(), text, false), vec![*expr])))
        }
        Expr::TryCast(TryCast { expr, field }) => {
            let text = field.metadata().get(FLINK_TYPE).cloned();
            Ok(Transformed::yes(call(cast_to(field.data_type().clone(), text, true), vec![*expr])))
        }
        // Whole numbers wrap around.
        Expr::Negative(inner) if inner.get_type(schema).is_ok_and(|t| t.is_signed_integer()) => {
            let zero = ScalarValue::new_zero(&inner.get_type(schema)?)?;
            Ok(Transformed::yes(binary_expr(lit(zero), Operator::Minus, *inner)))
        }
        Expr::Not(inner) if is_bare_null(&inner) => Err(illegal_null("NOT")),
        Expr::Like(like) if is_bare_null(&like.expr) || is_bare_null(&like.pattern) => Err(illegal_null("LIKE")),
        Expr::SimilarTo(like) if is_bare_null(&like.expr) || is_bare_null(&like.pattern) => Err(illegal_null("SIMILAR TO")),
        Expr::Between(b) => {
            let number = b.expr.get_type(schema).ok().filter(DataType::is_numeric);
            let bound = |bound: Expr| match (&number, bound.get_type(schema)) {
                (Some(number), Ok(DataType::Utf8)) => call(cast_to(number.clone(), None, false), vec![bound]),
                _ => bound,
            };
            let (mut expr, mut low, mut high) = (b.expr, Box::new(bound(*b.low)), Box::new(bound(*b.high)));
            same_numbers(&mut [&mut *expr, &mut *low, &mut *high], schema);
            Ok(Transformed::no(Expr::Between(Between { expr, negated: b.negated, low, high })))
        }
        Expr::InList(list) => in_list(list, schema),
        Expr::Like(like) if !like.case_insensitive => pattern("like", like),
        Expr::SimilarTo(like) => pattern("similar_to", like),
        // Here the argument still has its planned type; folded to a literal it would look like CHAR(n) NOT NULL.
        Expr::ScalarFunction(f) if f.func.name() == "typeof" && (1..=2).contains(&f.args.len()) => {
            let field = declared::field(&f.args[0], schema)?;
            let literal = if let Expr::Literal(value, _) = &f.args[0] { Some(value) } else { None };
            Ok(Transformed::yes(call(type_text(type_of(&field, literal)), vec![])))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// Casts for which Arrow has the same meaning, and which it does faster: to wider integers, and between units of time.
fn same_in_arrow(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Timestamp(_, a), DataType::Timestamp(_, b)) => a == b && from != to,
        (a, b) if a.is_unsigned_integer() || b.is_unsigned_integer() => true,
        (a, b) if a.is_signed_integer() && b.is_signed_integer() => a.primitive_width() < b.primitive_width(),
        _ => false,
    }
}

/// The values of a list are cast to the type of the value that is looked for, as in Flink: `1 IN (1.5)` is true.
fn in_list(list: InList, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let wanted = list.expr.get_type(schema)?;
    if let (DataType::Struct(_), true) = (&wanted, list.list.len() <= ROWS_MAX) {
        return rows_in_list(list, schema);
    }
    let mut changed = false;
    let mut in_type = |item: Expr| -> Result<Expr> {
        let own = item.get_type(schema)?;
        let decimals = matches!((&own, &wanted), (DataType::Decimal128(..), DataType::Decimal128(..)));
        if own == wanted || decimals || own.is_null() || wanted.is_null() || wanted.is_nested() {
            return Ok(item);
        }
        let clash = (is_time(&wanted) && is_time(&own) && !matches!((&wanted, &own), (DataType::Timestamp(..), DataType::Timestamp(..))))
            || (wanted == DataType::Boolean && own != DataType::Utf8)
            || (own == DataType::Boolean && wanted != DataType::Utf8)
            || !can_cast(&own, &wanted);
        if clash {
            let (wanted, own) = (FlinkType::from_arrow(&wanted), FlinkType::from_arrow(&own));
            let error = SqlError::new(format!("the values of IN are {own}, but {wanted} is looked for")).about("IN");
            return Err(error.help(format!("CAST them: CAST(x AS {wanted})")).into());
        }
        changed = true;
        // Whole numbers that fit need no function.
        if let (Expr::Literal(value @ (ScalarValue::Int32(_) | ScalarValue::Int64(_)), metadata), true) =
            (&item, wanted.is_signed_integer())
            && let Ok(cast) = value.cast_to(&wanted)
            && !cast.is_null()
        {
            return Ok(Expr::Literal(cast, metadata.clone()));
        }
        Ok(call(cast_to(wanted.clone(), None, false), vec![item]))
    };
    let items = list.list.into_iter().map(&mut in_type).collect::<Result<Vec<_>>>()?;
    let list = Expr::InList(InList { expr: list.expr, list: items, negated: list.negated });
    Ok(if changed { Transformed::yes(list) } else { Transformed::no(list) })
}

/// Longest list of ROWs that becomes a comparison with each; in a longer one a NULL is equal to a NULL.
const ROWS_MAX: usize = 100;

fn rows_in_list(list: InList, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let mut any: Option<Expr> = None;
    for item in &list.list {
        let Some(equal) = equal_rows(&list.expr, item, schema)? else { return Ok(Transformed::no(Expr::InList(list))) };
        any = Some(match any {
            Some(any) => any.or(equal),
            None => equal,
        });
    }
    let Some(any) = any else { return Ok(Transformed::no(Expr::InList(list))) };
    Ok(Transformed::yes(if list.negated { Expr::Not(Box::new(any)) } else { any }))
}

fn pattern(function: &str, like: datafusion_expr::Like) -> Result<Transformed<Expr>> {
    let Some(function) = scalar_function(function) else {
        return datafusion_common::not_impl_err!("{}", function.to_uppercase());
    };
    let mut args = vec![*like.expr, *like.pattern];
    if let Some(escape) = like.escape_char {
        args.push(lit(escape.to_string()));
    }
    let matched = call(function, args);
    Ok(Transformed::yes(if like.negated { Expr::Not(Box::new(matched)) } else { matched }))
}

/// Casts an expression to the type of a field unless it has it, for INSERT.
pub fn cast_to_field(expr: Expr, from: &DataType, to: &arrow::datatypes::Field) -> Expr {
    let text = to.metadata().get(FLINK_TYPE).cloned();
    if from == to.data_type() && text.is_none() {
        return expr;
    }
    call(cast_to(to.data_type().clone(), text, false), vec![expr])
}
