//! The columns of VALUES have the type that their rows have in common, as Flink finds it: casts are written where a row has another.

use arrow::datatypes::DataType;
use datafusion_common::DFSchema;
use sqlparser::ast::{Expr, Parens, Query, SetExpr, Value};
use std::ops::ControlFlow;

use super::casts::cast_call;
use super::context::PlanContext;
use super::declared;
use super::unions::common_type;
use crate::dialect::{Flow, Pass, walk_query};
use crate::functions;
use crate::types::FlinkType;

/// Settles the types of every VALUES of a query.
pub fn rewrite(query: &mut Query, context: &PlanContext<'_>) {
    let _ = walk_query(query, &mut CommonTypes { context });
}

struct CommonTypes<'a> {
    context: &'a PlanContext<'a>,
}

impl Pass for CommonTypes<'_> {
    fn pre_visit_query(&mut self, query: &mut Query) -> Flow {
        if let SetExpr::Values(values) = query.body.as_mut() {
            let width = values.rows.first().map_or(0, |row| row.len());
            if values.rows.iter().all(|row| row.len() == width) {
                (0..width).for_each(|column| self.settle(&mut values.rows, column));
            }
        }
        ControlFlow::Continue(())
    }
}

impl CommonTypes<'_> {
    /// What cannot be planned by itself, and types that have nothing in common, are left to the planner and its errors.
    fn settle(&self, rows: &mut [Parens<Vec<Expr>>], column: usize) {
        let types: Option<Vec<FlinkType>> = rows.iter().map(|row| self.type_of(&row.content[column])).collect();
        let Some(types) = types else { return };
        let common = types.iter().skip(1).try_fold(types[0].clone(), |common, other| common_type(&common, other));
        let Some(common) = common.filter(|ty| *ty != FlinkType::Null) else { return };
        if common.to_arrow().is_nested() {
            return plain(rows, column, &types);
        }
        let told_by_arrow = FlinkType::from_arrow(&common.to_arrow()) == common;
        for (row, ty) in rows.iter_mut().zip(&types) {
            let value = &mut row.content[column];
            if *ty == FlinkType::Null || (*ty == common && (told_by_arrow || is_typed(value))) {
                continue;
            }
            let inner = std::mem::replace(value, Expr::Value(Value::Null.into()));
            *value = cast_call(&common, inner);
        }
    }

    fn type_of(&self, value: &Expr) -> Option<FlinkType> {
        let schema = DFSchema::empty();
        let planned = self.context.expression(value, &schema).ok()?;
        let field = declared::field(&planned, &schema).ok()?;
        Some(FlinkType::from_field(&field).0)
    }
}

/// Nested values keep what Arrow tells of their types, lengths of texts within them are forgotten; fields go by the names of the first row.
fn plain(rows: &mut [Parens<Vec<Expr>>], column: usize, types: &[FlinkType]) {
    let arrow: Vec<DataType> = types.iter().map(FlinkType::to_arrow).collect();
    let Some(common) = functions::types::common_type(&arrow) else { return };
    let common = FlinkType::from_arrow(&common);
    for (row, ty) in rows.iter_mut().zip(types) {
        if *ty != FlinkType::Null && *ty != common {
            let inner = std::mem::replace(&mut row.content[column], Expr::Value(Value::Null.into()));
            row.content[column] = cast_call(&common, inner);
        }
    }
}

/// Whether the expression brings its exact type along, which a plain text does not.
fn is_typed(value: &Expr) -> bool {
    !matches!(value, Expr::Value(_) | Expr::Interval(_) | Expr::UnaryOp { .. })
}
