//! Reads only what is used of nested columns: `bid.price` becomes a column of the scan, the rest of `bid` is not decoded.

use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, DFSchema, Result};
use datafusion_expr::{Expr, ExprSchemable};
use std::collections::HashMap;
use std::sync::Arc;

use super::calc::substitute;
use super::{ScanColumn, StreamNode, StreamOp};
use crate::planner::expressions::as_field_access;

/// Flattens every Calc over a scan.
pub fn flatten_scans(mut node: StreamNode) -> Result<StreamNode> {
    node.inputs = node.inputs.into_iter().map(flatten_scans).collect::<Result<_>>()?;
    let StreamOp::Calc { condition, project } = &node.op else { return Ok(node) };
    let Some(StreamNode { op: StreamOp::Scan { source, columns }, .. }) = node.inputs.first() else { return Ok(node) };
    let scan = &node.inputs[0];
    let schema = scan.schema.clone();
    let inner: Vec<Expr> = columns.iter().map(|c| c.expr.clone()).collect();
    let table_schema = DFSchema::try_from(source.table.schema().as_ref().clone())?;

    // Expressions of the Calc, over the table's own columns.
    let condition = condition.as_ref().map(|c| substitute(c, &schema, &inner)).transpose()?;
    let project = project.iter().map(|e| substitute(e, &schema, &inner)).collect::<Result<Vec<_>>>()?;
    let mut leaves: Vec<Expr> = vec![];
    for expr in condition.iter().chain(&project) {
        collect_leaves(expr, &mut leaves)?;
    }
    if leaves.is_empty() {
        // A count of rows reads no column; decoding wants one.
        leaves.extend(cheapest(&table_schema).map(Expr::Column));
    }
    let names: HashMap<Expr, String> = leaves.iter().enumerate().map(|(i, e)| (e.clone(), format!("${i}"))).collect();
    let mut fields = vec![];
    for leaf in &leaves {
        let (_, field) = leaf.to_field(&table_schema)?;
        fields.push((None, Arc::new(field.as_ref().clone().with_name(&names[leaf]))));
    }
    let rename = |e: Expr| rename_leaves(e, &names);
    let mut flat = scan.clone();
    flat.schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
    flat.op = StreamOp::Scan { source: source.clone(), columns: leaves.iter().map(|e| ScanColumn { expr: e.clone() }).collect() };
    node.op =
        StreamOp::Calc { condition: condition.map(rename).transpose()?, project: project.into_iter().map(rename).collect::<Result<_>>()? };
    node.inputs = vec![flat];
    Ok(node)
}

/// The column that is read when none is needed.
fn cheapest(schema: &DFSchema) -> Option<Column> {
    let fixed = schema.fields().iter().find(|f| flott_engine::state::key::fixed_width(f.data_type()));
    fixed.or(schema.fields().first()).map(|f| Column::from_name(f.name()))
}

/// A column, or a field of a field … of a column.
fn is_leaf(expr: &Expr) -> bool {
    match as_field_access(expr) {
        Some((inner, _)) => is_leaf(inner),
        None => matches!(expr, Expr::Column(_)),
    }
}

fn collect_leaves(expr: &Expr, leaves: &mut Vec<Expr>) -> Result<()> {
    expr.apply(|e| {
        if is_leaf(e) {
            if !leaves.contains(e) {
                leaves.push(e.clone());
            }
            return Ok(TreeNodeRecursion::Jump);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

fn rename_leaves(expr: Expr, names: &HashMap<Expr, String>) -> Result<Expr> {
    let renamed = expr.transform_down(|e| match names.get(&e) {
        Some(name) => Ok(Transformed::new(Expr::Column(Column::from_name(name)), true, TreeNodeRecursion::Jump)),
        None => Ok(Transformed::no(e)),
    })?;
    Ok(renamed.data)
}
