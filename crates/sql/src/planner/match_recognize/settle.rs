//! Moves what depends on one row alone below a MATCH_RECOGNIZE: it is computed for whole batches there, and comes with the row.

use arrow::array::{Array, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::Schema;
use datafusion_common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, DFSchema, DFSchemaRef, Result};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::{Expr, ExprSchemable, Extension, LogicalPlan, LogicalPlanBuilder};
use datafusion_physical_expr::create_physical_expr;
use flott_engine::operators::match_recognize::history::Locator;
use std::collections::HashMap;
use std::sync::Arc;

use super::node::{Definition, MatchNode, OrderKey, RefValue, Reference, as_match};
use super::previous::{Sequence, with_calls};
use crate::catalog::without_time_attribute;
use crate::stream::text::sql_text;

/// The row in question itself.
pub const CURRENT: Locator = Locator { of: None, first: false, offset: 0 };

/// Settles every MATCH_RECOGNIZE of a plan.
pub fn settle(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|plan| match &plan {
        LogicalPlan::Extension(extension) => match as_match(&extension.node).filter(|node| !node.settled) {
            Some(node) => Ok(Transformed::yes(settled(node)?)),
            None => Ok(Transformed::no(plan)),
        },
        _ => Ok(Transformed::no(plan)),
    })
    .data()
}

fn settled(node: &MatchNode) -> Result<LogicalPlan> {
    let mut below = Below { columns: vec![] };
    let mut clauses = node.clauses.clone();
    for (key, field) in clauses.partition.iter_mut().zip(node.schema.fields()) {
        below.columns.push((key.clone(), field.name().clone()));
        *key = Expr::Column(Column::new_unqualified(field.name()));
    }
    for OrderKey { column, .. } in &mut clauses.order {
        *column = below.column(column);
    }
    for definition in &mut clauses.definitions {
        *definition = lifted(definition)?;
        definition.references.iter_mut().for_each(|reference| below.move_down(reference));
    }
    clauses.output.iter_mut().for_each(|reference| below.move_down(reference));
    let rows = Sequence { partition: node.clauses.partition.clone(), order: node.clauses.order.clone(), processing: false, batch: false };
    let input = with_calls(node.input.clone(), &rows, &mut below.columns)?;
    let project = below.columns.into_iter().map(|(expr, name)| expr.alias(name));
    let input = LogicalPlanBuilder::from(input).project(project)?.build()?;
    let node = MatchNode { input, clauses, schema: node.schema.clone(), settled: true };
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}

/// The columns of the projection below, with their names.
struct Below {
    columns: Vec<(Expr, String)>,
}

impl Below {
    fn column(&mut self, expr: &Expr) -> Expr {
        let name = match self.columns.iter().find(|(known, _)| known == expr) {
            Some((_, name)) => name.clone(),
            None => {
                let name = format!("$m{}", self.columns.len());
                self.columns.push((expr.clone(), name.clone()));
                name
            }
        };
        Expr::Column(Column::new_unqualified(name))
    }

    fn move_down(&mut self, reference: &mut Reference) {
        match &mut reference.value {
            RefValue::Row(_, expr) => *expr = self.column(expr),
            RefValue::Aggregate { args, .. } => {
                args.iter_mut().filter(|arg| !matches!(arg, Expr::Literal(..))).for_each(|arg| *arg = self.column(arg));
            }
            _ => {}
        }
    }
}

/// The condition with types settled, in which as much as possible is computed from one row alone.
fn lifted(definition: &Definition) -> Result<Definition> {
    let fields = definition.references.iter().map(|r| (None, r.field.clone())).collect();
    let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
    let expr = super::super::settled_expression(definition.expr.clone(), schema.clone())?;
    let text = shown(&expr, &definition.references);
    let mut lift = Lift { references: definition.references.clone(), schema };
    let expr = lift.expression(expr)?;
    let mut references = lift.references;
    let used = expr.column_refs().into_iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    references.retain(|r| used.contains(r.field.name()));
    Ok(Definition { variable: definition.variable, expr, references, text })
}

/// The expression as a user would write it.
fn shown(expr: &Expr, references: &[Reference]) -> String {
    let text = |name: &str| references.iter().find(|r| r.field.name() == name).map(|r| r.text.clone());
    let named = expr.clone().transform_up(|e| match &e {
        Expr::Column(column) => match text(&column.name) {
            Some(text) => Ok(Transformed::yes(Expr::Column(Column::new_unqualified(text)))),
            None => Ok(Transformed::no(e)),
        },
        _ => Ok(Transformed::no(e)),
    });
    named.map_or_else(|_| expr.to_string(), |named| sql_text(&named.data))
}

struct Lift {
    references: Vec<Reference>,
    schema: DFSchemaRef,
}

impl Lift {
    fn expression(&mut self, expr: Expr) -> Result<Expr> {
        if let Expr::Column(_) | Expr::Literal(..) = expr {
            return Ok(expr);
        }
        match self.only_row(&expr) {
            Some(row) if row == CURRENT || self.is_null_without_row(&expr) => self.as_column(row, expr),
            _ => expr.map_children(|child| Ok(Transformed::yes(self.expression(child)?))).data(),
        }
    }

    /// The one row that an expression looks at.
    fn only_row(&self, expr: &Expr) -> Option<Locator> {
        if expr.is_volatile() {
            return None;
        }
        let rows = expr.column_refs().into_iter().map(|column| {
            let reference = self.references.iter().find(|r| *r.field.name() == column.name)?;
            match &reference.value {
                RefValue::Row(row, _) => Some(*row),
                _ => None,
            }
        });
        let rows: Option<Vec<Locator>> = rows.collect();
        let rows = rows?;
        rows.first().copied().filter(|first| rows.iter().all(|row| row == first))
    }

    /// Whether the expression is NULL where the row is not there: only then its value can come with the row.
    fn is_null_without_row(&self, expr: &Expr) -> bool {
        let evaluate = || -> Result<bool> {
            let fields = self.schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect::<Vec<_>>();
            let schema = Arc::new(Schema::new(fields));
            let columns = schema.fields().iter().map(|f| new_null_array(f.data_type(), 1)).collect();
            let rows = RecordBatch::try_new_with_options(schema.clone(), columns, &RecordBatchOptions::new().with_row_count(Some(1)))?;
            let schema = DFSchema::try_from(schema.as_ref().clone())?;
            let physical = create_physical_expr(expr, &schema, &ExecutionProps::new(), &Default::default())?;
            Ok(physical.evaluate(&rows)?.into_array(1)?.is_null(0))
        };
        evaluate().unwrap_or(false)
    }

    /// A reference to the value of the expression in that row.
    fn as_column(&mut self, row: Locator, expr: Expr) -> Result<Expr> {
        let (_, field) = expr.to_field(&self.schema)?;
        let below = expr.clone().transform_up(|e| match &e {
            Expr::Column(column) => match self.references.iter().find(|r| *r.field.name() == column.name).map(|r| &r.value) {
                Some(RefValue::Row(_, expr)) => Ok(Transformed::new(expr.clone(), true, TreeNodeRecursion::Jump)),
                _ => Ok(Transformed::no(e)),
            },
            _ => Ok(Transformed::no(e)),
        })?;
        let value = RefValue::Row(row, below.data);
        if let Some(known) = self.references.iter().find(|r| r.value == value) {
            return Ok(Expr::Column(Column::new_unqualified(known.field.name())));
        }
        let name = format!("$row{}", self.references.len());
        let field = Arc::new(without_time_attribute(&field).with_name(&name).with_nullable(true));
        let text = shown(&expr, &self.references);
        self.references.push(Reference { value, whole: false, field, text });
        Ok(Expr::Column(Column::new_unqualified(name)))
    }
}
