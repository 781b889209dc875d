//! The types that Flink gives expressions, where Arrow's type and DataFusion say less or something else: lengths of texts, kinds of
//! intervals, what can be NULL.

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{DFSchema, Result};
use datafusion_expr::expr::Case;
use datafusion_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, Projection};
use std::sync::Arc;

use super::case_call;
use super::unions::common_type;
use crate::functions::types::flink_type;
use crate::types::FlinkType;

/// The field of an expression over columns.
pub fn field(expr: &Expr, schema: &DFSchema) -> Result<FieldRef> {
    let (_, field) = expr.to_field(schema)?;
    let ty = match expr {
        Expr::Alias(alias) => return Ok(Arc::new(self::field(&alias.expr, schema)?.as_ref().clone().with_name(field.name()))),
        Expr::Literal(value, metadata) if metadata.is_none() => Some(flink_type(&field, Some(value))),
        Expr::Case(case) => return of_case(case, field, schema),
        Expr::ScalarFunction(call) if call.func.name() == case_call::NAME => {
            return of_case(&case_call::of_arguments(&call.args), field, schema);
        }
        Expr::BinaryExpr(BinaryExpr { op: Operator::IsDistinctFrom | Operator::IsNotDistinctFrom, .. }) => {
            return Ok(Arc::new(field.as_ref().clone().with_nullable(false)));
        }
        Expr::BinaryExpr(BinaryExpr { left, right, .. }) if matches!(field.data_type(), DataType::Interval(_)) => {
            let months = |e: &Expr| self::field(e, schema).is_ok_and(|f| FlinkType::from_field(&f).0 == FlinkType::IntervalMonth);
            (months(left) || months(right)).then_some(FlinkType::IntervalMonth)
        }
        Expr::Negative(inner) if matches!(field.data_type(), DataType::Interval(_)) => {
            Some(FlinkType::from_field(self::field(inner, schema)?.as_ref()).0)
        }
        _ => None,
    };
    Ok(ty.map_or(field.clone(), |ty| with_type(&field, ty)))
}

/// What the branches have in common; it can be NULL when one of them can, or none may be taken.
fn of_case(case: &Case, planned: FieldRef, schema: &DFSchema) -> Result<FieldRef> {
    let mut ty: Option<FlinkType> = None;
    let mut nullable = case.else_expr.is_none();
    for branch in case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr) {
        let field = self::field(without_cast(branch), schema)?;
        nullable |= field.is_nullable();
        if is_null(branch) {
            continue;
        }
        let (other, _) = FlinkType::from_field(&field);
        ty = match ty {
            None => Some(other),
            Some(common) => common_type(&common, &other),
        };
        if ty.is_none() {
            break;
        }
    }
    let field = Arc::new(planned.as_ref().clone().with_nullable(nullable));
    Ok(ty.map_or(field.clone(), |ty| with_type(&field, ty)))
}

/// NULL, of whatever type was made of it.
fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => value.is_null(),
        Expr::Cast(cast) => cast.field.metadata().is_empty() && is_null(&cast.expr),
        _ => false,
    }
}

/// The expression under a cast that was put in to give branches one type.
fn without_cast(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast(cast) if cast.field.metadata().is_empty() => &cast.expr,
        other => other,
    }
}

/// The field with a Flink type, if values of it lie as they do in the field.
fn with_type(field: &FieldRef, ty: FlinkType) -> FieldRef {
    if ty == FlinkType::Null || !ty.to_arrow().equals_datatype(field.data_type()) {
        return field.clone();
    }
    let exact = ty.to_field(field.name(), field.is_nullable());
    let mut metadata = field.metadata().clone();
    metadata.remove("flink.type");
    metadata.extend(exact.metadata().clone());
    Arc::new(Field::new(field.name(), field.data_type().clone(), field.is_nullable()).with_metadata(metadata))
}

/// A projection with the declared types of its columns; other plans as they are.
pub fn with_declared_types(plan: LogicalPlan) -> Result<LogicalPlan> {
    let LogicalPlan::Projection(projection) = plan else { return Ok(plan) };
    let before = projection.schema.clone();
    let mut changed = false;
    let mut fields = Vec::with_capacity(projection.expr.len());
    for (expr, (qualifier, planned)) in projection.expr.iter().zip(before.iter()) {
        let declared = match field(expr, projection.input.schema()) {
            Ok(declared) if declared.data_type().equals_datatype(planned.data_type()) => declared,
            _ => planned.clone(),
        };
        changed |= declared.is_nullable() != planned.is_nullable() || declared.metadata() != planned.metadata();
        fields.push((qualifier.cloned(), Arc::new(declared.as_ref().clone().with_name(planned.name()))));
    }
    if !changed {
        return Ok(LogicalPlan::Projection(projection));
    }
    let schema = DFSchema::new_with_metadata(fields, before.metadata().clone())?;
    let schema = schema.with_functional_dependencies(before.functional_dependencies().clone())?;
    Ok(LogicalPlan::Projection(Projection::try_new_with_schema(projection.expr, projection.input, Arc::new(schema))?))
}
