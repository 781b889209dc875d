//! Conditions are BOOLEAN: checked before types are settled, which would make one of any number or text.

use arrow::datatypes::DataType;
use datafusion_common::DFSchema;
use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion_expr::utils::merge_schema;
use datafusion_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator};

use super::case_call;
use crate::error::{SqlError, SqlResult};
use crate::stream::text::sql_text;
use crate::types::FlinkType;

/// Checks all expressions of a plan, sub-queries included.
pub fn check(plan: &LogicalPlan) -> SqlResult<()> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        let schema = match node.inputs().as_slice() {
            [] => node.schema().as_ref().clone(),
            inputs => merge_schema(inputs),
        };
        node.apply_expressions(|expr| {
            found = found.take().or(check_expression(expr, &schema).err());
            Ok(TreeNodeRecursion::Continue)
        })?;
        let (whole, clause) = match node {
            LogicalPlan::Filter(filter) => (Some(&filter.predicate), "a condition"),
            LogicalPlan::Join(join) => (join.filter.as_ref(), "the condition of a join"),
            _ => (None, ""),
        };
        found = found.take().or(whole.and_then(|condition| is_boolean(condition, &schema, clause).err()));
        Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    found.map_or(Ok(()), Err)
}

/// Checks the conditions within an expression over these columns.
pub fn check_expression(expr: &Expr, schema: &DFSchema) -> SqlResult<()> {
    let mut found = None;
    expr.apply(|e| {
        let checked = conditions(e).into_iter().try_for_each(|(condition, what)| is_boolean(condition, schema, what));
        found = found.take().or(checked.err());
        Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    found.map_or(Ok(()), Err)
}

/// The parts of an expression that must be true or false, and what they are.
fn conditions(expr: &Expr) -> Vec<(&Expr, &'static str)> {
    match expr {
        Expr::Case(case) if case.expr.is_none() => {
            case.when_then_expr.iter().map(|(when, _)| (when.as_ref(), "a condition of CASE")).collect()
        }
        Expr::ScalarFunction(call) if call.func.name() == case_call::NAME => {
            let is_condition = |(place, _): &(usize, &Expr)| case_call::is_condition(*place, call.args.len());
            call.args.iter().enumerate().filter(is_condition).map(|(_, when)| (when, "a condition of CASE")).collect()
        }
        Expr::AggregateFunction(call) => call.params.filter.iter().map(|filter| (filter.as_ref(), "the condition of FILTER")).collect(),
        Expr::Not(inner) => vec![(inner.as_ref(), "the operand of NOT")],
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => vec![(left, "an operand of AND"), (right, "an operand of AND")],
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => vec![(left, "an operand of OR"), (right, "an operand of OR")],
        _ => vec![],
    }
}

fn is_boolean(condition: &Expr, schema: &DFSchema, what: &str) -> SqlResult<()> {
    // A condition within a query may name columns of the query around it, which are not here.
    let Ok((_, field)) = condition.to_field(schema) else { return Ok(()) };
    if matches!(field.data_type(), DataType::Boolean | DataType::Null) {
        return Ok(());
    }
    let error = SqlError::new(format!("{what} is true or false, but {} is {}", sql_text(condition), FlinkType::from_field(&field).0));
    Err(error.about(about(condition)).help("compare it with something, for example x > 0, or x IS NOT NULL"))
}

/// The word of the query that stands nearest to an expression.
fn about(expr: &Expr) -> String {
    let column = expr.column_refs().into_iter().next().map(|column| column.name.clone());
    column.unwrap_or_else(|| sql_text(expr))
}
