//! Filters and projections: one Calc where they follow each other.

use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{DFSchema, DFSchemaRef, Result};
use datafusion_expr::{Expr, ExprSchemable, and};
use std::collections::HashMap;
use std::sync::Arc;

use super::{StreamNode, StreamOp, WindowColumns};

/// The expression with its alias taken off.
pub fn unalias(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unalias(&alias.expr),
        other => other,
    }
}

/// The position of the column that the expression is, if it is nothing else.
pub fn column_at(expr: &Expr, schema: &DFSchema) -> Option<usize> {
    match unalias(expr) {
        Expr::Column(column) => schema.maybe_index_of_column(column),
        _ => None,
    }
}

/// Replaces columns of `schema` by what `project` computes for them.
pub fn substitute(expr: &Expr, schema: &DFSchema, project: &[Expr]) -> Result<Expr> {
    let replaced = expr.clone().transform_up(|e| match &e {
        Expr::Column(column) => Ok(Transformed::yes(unalias(&project[schema.index_of_column(column)?]).clone())),
        _ => Ok(Transformed::no(e)),
    })?;
    Ok(replaced.data)
}

/// All columns as they are.
pub fn identity(schema: &DFSchema) -> Vec<Expr> {
    schema.columns().into_iter().map(Expr::Column).collect()
}

/// A Calc with the given output schema. Joins a Calc before it whose projection is nothing but columns, or that is read
/// without a condition by plain columns only.
pub fn calc(input: StreamNode, condition: Option<Expr>, project: Vec<Expr>, schema: DFSchemaRef) -> Result<StreamNode> {
    if let StreamOp::Calc { condition: before, project: inner } = &input.op {
        let plain = |exprs: &[Expr]| exprs.iter().all(|e| matches!(unalias(e), Expr::Column(_) | Expr::Literal(..)));
        if plain(inner) || (condition.is_none() && plain(&project)) {
            let project = project.iter().map(|e| substitute(e, &input.schema, inner)).collect::<Result<Vec<_>>>()?;
            let condition = condition.map(|c| substitute(&c, &input.schema, inner)).transpose()?;
            let condition = match (before.clone(), condition) {
                (Some(a), Some(b)) => Some(and(a, b)),
                (a, b) => a.or(b),
            };
            let mut inputs = input.inputs;
            return Ok(node(inputs.remove(0), condition, project, schema));
        }
    }
    Ok(node(input, condition, project, schema))
}

fn node(input: StreamNode, condition: Option<Expr>, project: Vec<Expr>, schema: DFSchemaRef) -> StreamNode {
    let positions: Vec<Option<usize>> = project.iter().map(|e| column_at(e, &input.schema)).collect();
    let out = |i: usize| positions.iter().position(|p| *p == Some(i));
    let window = input.window.as_ref().map(|w| WindowColumns { at: w.at.map(|i| i.and_then(out)), ..w.clone() });
    let key = input.key.as_ref().and_then(|key| key.iter().map(|k| out(*k)).collect());
    StreamNode { op: StreamOp::Calc { condition, project }, changelog: input.changelog, window, key, schema, inputs: vec![input] }
}

/// A Calc that computes expressions under made-up names.
pub fn compute(input: StreamNode, condition: Option<Expr>, exprs: Vec<Expr>) -> Result<StreamNode> {
    let mut fields = vec![];
    for (i, expr) in exprs.iter().enumerate() {
        let (_, field) = expr.to_field(&input.schema)?;
        let mut named = field.as_ref().clone().with_name(format!("${i}"));
        if column_at(expr, &input.schema).is_none() {
            named = crate::catalog::without_time_attribute(&named);
        }
        fields.push((None, Arc::new(named)));
    }
    let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
    calc(input, condition, exprs, schema)
}
