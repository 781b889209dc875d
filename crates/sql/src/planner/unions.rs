//! The common type of UNION's inputs, as Flink finds it: of one family of types only, and with its own casts. DataFusion would
//! make a text of a number, and a decimal of a DOUBLE.

use arrow::datatypes::Field;
use datafusion_common::tree_node::Transformed;
use datafusion_common::{Column, Result};
use datafusion_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Union};
use std::sync::Arc;

use super::expressions::call;
use crate::error::SqlError;
use crate::functions::cast_to;
use crate::types::{FlinkType, MAX_LENGTH};

/// Gives the inputs of every union in a plan the same types.
pub fn coerce(plan: LogicalPlan) -> Result<LogicalPlan> {
    let coerced = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Union(union) => {
            let union = coerce_union(union)?;
            Ok(Transformed::yes(LogicalPlan::Union(union)))
        }
        other if other.inputs().is_empty() => Ok(Transformed::no(other)),
        other => Ok(Transformed::yes(other.recompute_schema()?)),
    })?;
    Ok(coerced.data)
}

fn coerce_union(union: Union) -> Result<Union> {
    Union::try_new_with_loose_types(same_types(&union.inputs, "UNION")?)
}

/// The inputs of a set operation, called `word`, with their columns cast to the types that they have in common.
pub fn same_types(inputs: &[Arc<LogicalPlan>], word: &str) -> Result<Vec<Arc<LogicalPlan>>> {
    let Some((first, rest)) = inputs.split_first() else { return Ok(vec![]) };
    let mut types: Vec<FlinkType> = first.schema().fields().iter().map(|f| FlinkType::from_field(f).0).collect();
    for input in rest {
        for (place, (common, field)) in types.iter_mut().zip(input.schema().fields()).enumerate() {
            let (other, _) = FlinkType::from_field(field);
            let Some(wider) = common_type(common, &other) else {
                let error = SqlError::new(format!("column {} of {word} is {common} here and {other} there", place + 1));
                let error = error.about(word.split(' ').next().unwrap_or(word));
                return Err(error.help(format!("write CAST({} AS {common}) in one of the queries", field.name())).into());
            };
            *common = wider;
        }
    }
    inputs.iter().map(|input| cast_columns(input, &types)).collect()
}

/// The input with its columns cast where they have another type.
fn cast_columns(input: &Arc<LogicalPlan>, types: &[FlinkType]) -> Result<Arc<LogicalPlan>> {
    let schema = input.schema();
    let fits = |field: &Field, to: &FlinkType| {
        field.data_type() == &to.to_arrow()
            && !((to.is_timestamp() || matches!(to, FlinkType::Time(_))) && FlinkType::from_field(field).0 != *to)
    };
    if schema.fields().iter().zip(types).all(|(field, to)| fits(field, to)) {
        return Ok(input.clone());
    }
    let columns = schema.iter().zip(types).map(|((qualifier, field), to)| {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        match fits(field, to) {
            true => column,
            false => call(cast_to(to.to_arrow(), Some(to.to_string()), false), vec![column]).alias(field.name()),
        }
    });
    Ok(Arc::new(LogicalPlanBuilder::from(input.as_ref().clone()).project(columns)?.build()?))
}

/// The narrowest type that holds the values of both; none when they are of different families.
pub(super) fn common_type(a: &FlinkType, b: &FlinkType) -> Option<FlinkType> {
    use FlinkType as T;
    match (a, b) {
        (a, b) if a == b => Some(a.clone()),
        (T::Null, other) | (other, T::Null) => Some(other.clone()),
        (a, b) if a.is_numeric() && b.is_numeric() => Some(common_number(a, b)),
        (T::Char(a) | T::Varchar(a), T::Char(b) | T::Varchar(b)) => Some(T::Varchar(*a.max(b))),
        (T::Binary(a) | T::Varbinary(a), T::Binary(b) | T::Varbinary(b)) => Some(T::Varbinary((*a.max(b)).min(MAX_LENGTH))),
        (T::Time(a), T::Time(b)) => Some(T::Time(*a.max(b))),
        (T::Timestamp(a), T::Timestamp(b)) => Some(T::Timestamp(*a.max(b))),
        (T::TimestampLtz(a), T::TimestampLtz(b) | T::Timestamp(b)) | (T::Timestamp(a), T::TimestampLtz(b)) => {
            Some(T::TimestampLtz(*a.max(b)))
        }
        (a, b) if a.to_arrow() == b.to_arrow() || (a.to_arrow().is_nested() && b.to_arrow().is_nested()) => Some(a.clone()),
        _ => None,
    }
}

fn common_number(a: &FlinkType, b: &FlinkType) -> FlinkType {
    use FlinkType as T;
    let exact = |t: &T| !matches!(t, T::Float | T::Double);
    match (a, b) {
        (T::Float, T::Float) => T::Float,
        (a, b) if !exact(a) || !exact(b) => match (a, b) {
            (T::Float, other) | (other, T::Float) if other.is_integer() => T::Float,
            _ => T::Double,
        },
        (a, b) if a.is_integer() && b.is_integer() => {
            let widths = [T::TinyInt, T::SmallInt, T::Int, T::BigInt];
            let place = |t: &T| widths.iter().position(|w| w == t).unwrap_or(widths.len() - 1);
            widths[place(a).max(place(b))].clone()
        }
        (a, b) => {
            let ((whole_a, scale_a), (whole_b, scale_b)) = (digits(a), digits(b));
            let scale = scale_a.max(scale_b);
            T::Decimal { precision: (whole_a.max(whole_b) + scale).min(38), scale }
        }
    }
}

/// Digits before and behind the point.
fn digits(t: &FlinkType) -> (u8, u8) {
    match t {
        FlinkType::TinyInt => (3, 0),
        FlinkType::SmallInt => (5, 0),
        FlinkType::Int => (10, 0),
        FlinkType::Decimal { precision, scale } => (precision.saturating_sub(*scale), *scale),
        _ => (19, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_common_type() {
        let decimal = |precision, scale| FlinkType::Decimal { precision, scale };
        for (a, b, common) in [
            (FlinkType::SmallInt, decimal(2, 1), decimal(6, 1)),
            (FlinkType::TinyInt, FlinkType::BigInt, FlinkType::BigInt),
            (decimal(20, 3), FlinkType::Double, FlinkType::Double),
            (decimal(38, 0), decimal(38, 10), decimal(38, 10)),
        ] {
            assert_eq!(common_type(&a, &b), Some(common.clone()));
            assert_eq!(common_type(&b, &a), Some(common));
        }
        assert_eq!(common_type(&FlinkType::Int, &FlinkType::STRING), None);
    }
}
