//! CASE as a call of a function while a query is planned.
//!
//! DataFusion takes a CASE for one of its first branch's type until types are coerced, and what stands around it is planned for that
//! type: `CASE … THEN 1 ELSE 2.5 END / 2` would divide whole numbers. A function tells from the beginning what its branches have in
//! common, and becomes a CASE again when it is simplified.

use arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use arrow::compute::{cast, kernels::zip::zip, prep_null_mask_filter};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue, exec_err, plan_err};
use datafusion_expr::expr::Case;
use datafusion_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion_expr::{ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use sqlparser::ast;
use std::sync::{Arc, LazyLock};

use super::casts;
use super::unions::common_type;
use crate::error::SqlError;
use crate::functions::types;
use crate::types::FlinkType;

/// The name of the function: `$case(condition, value, condition, value, …, otherwise)`.
pub const NAME: &str = "$case";

/// The syntax of the call for a CASE; the values of `CASE x WHEN 1` become conditions `x = 1`.
pub(super) fn to_call(operand: Option<&ast::Expr>, conditions: &[ast::CaseWhen], otherwise: Option<&ast::Expr>) -> ast::Expr {
    let mut args = Vec::with_capacity(2 * conditions.len() + 1);
    for when in conditions {
        args.push(match operand {
            None => when.condition.clone(),
            Some(operand) => ast::Expr::BinaryOp {
                left: Box::new(operand.clone()),
                op: ast::BinaryOperator::Eq,
                right: Box::new(when.condition.clone()),
            },
        });
        args.push(when.result.clone());
    }
    args.push(otherwise.cloned().unwrap_or_else(|| ast::Expr::value(ast::Value::Null)));
    casts::call(NAME.to_string(), args)
}

/// The syntax of the call for `NULLIF(value, other)`.
pub(super) fn nullif(value: &ast::Expr, other: &ast::Expr) -> ast::Expr {
    let null = ast::Expr::value(ast::Value::Null);
    let equal = ast::CaseWhen { condition: other.clone(), result: null };
    to_call(Some(value), &[equal], Some(value))
}

/// The function.
pub(super) fn function() -> Arc<ScalarUDF> {
    static FUNCTION: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Arc::new(ScalarUDF::from(CaseCall { signature: Signature::user_defined(Volatility::Immutable) })));
    FUNCTION.clone()
}

/// The CASE that a call of the function with these arguments stands for.
pub fn of_arguments(args: &[Expr]) -> Case {
    let boxed = |expr: &Expr| Box::new(expr.clone());
    let (branches, otherwise) = args.as_chunks::<2>();
    let when_then = branches.iter().map(|[when, then]| (boxed(when), boxed(then))).collect();
    let otherwise = otherwise.first().filter(|value| !matches!(value, Expr::Literal(value, _) if value.is_null()));
    Case { expr: None, when_then_expr: when_then, else_expr: otherwise.map(boxed) }
}

/// Whether the argument at this place, of so many, is a condition.
pub fn is_condition(place: usize, count: usize) -> bool {
    place.is_multiple_of(2) && place + 1 < count
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CaseCall {
    signature: Signature,
}

/// The arguments that are values.
fn values<T>(args: &[T]) -> impl Iterator<Item = &T> {
    args.iter().enumerate().filter(|(place, _)| !is_condition(*place, args.len())).map(|(_, arg)| arg)
}

fn common(types: &[DataType]) -> Result<DataType> {
    let mut values: Vec<DataType> = values(types).cloned().collect();
    // Of FLOAT and DOUBLE the first counts.
    if values.iter().find(|t| t.is_floating()) == Some(&DataType::Float32) && !values.iter().any(|t| matches!(t, DataType::Decimal128(..)))
    {
        values.iter_mut().filter(|t| **t == DataType::Float64).for_each(|t| *t = DataType::Float32);
    }
    match types::common_type(&values) {
        Some(DataType::Null) => {
            let error = SqlError::new("every branch of CASE is NULL, so that it has no type").about("NULL");
            Err(error.help("write CAST(NULL AS type) in one of them").into())
        }
        // A TIMESTAMP beside a TIMESTAMP_LTZ: the first of them counts.
        Some(DataType::Timestamp(unit, Some(_))) => {
            let zone = values.iter().find_map(|t| if let DataType::Timestamp(_, zone) = t { Some(zone.clone()) } else { None });
            Ok(DataType::Timestamp(unit, zone.flatten()))
        }
        Some(common) => Ok(common),
        None => {
            let mut names: Vec<String> = values.iter().filter(|t| !t.is_null()).map(types::type_name).collect();
            names.dedup();
            let help = format!("CAST the others to one of them, for example CAST(x AS {})", names[0]);
            Err(SqlError::new(format!("the branches of CASE have no type in common: {}", names.join(", "))).help(help).into())
        }
    }
}

impl ScalarUDFImpl for CaseCall {
    fn name(&self) -> &str {
        NAME
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let common = common(types)?;
        let target = |place| if is_condition(place, types.len()) { DataType::Boolean } else { common.clone() };
        Ok((0..types.len()).map(target).collect())
    }
    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        common(types)
    }
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let data_type = common(&types)?;
        let nullable = values(args.arg_fields).any(|field| field.is_nullable());
        let exact = |(field, literal): (&FieldRef, &Option<&ScalarValue>)| types::flink_type(field, *literal);
        // A NULL has no say.
        let typed = values(args.arg_fields).zip(values(args.scalar_arguments)).filter(|(_, literal)| literal.is_none_or(|v| !v.is_null()));
        let mut exact = typed.map(exact);
        let first = exact.next();
        let exact: Option<FlinkType> = exact.fold(first, |common, other| common_type(&common?, &other));
        if exact.is_none() && matches!(data_type, DataType::Interval(_)) {
            return plan_err!("the branches of CASE are intervals of months and of days: they have no type in common");
        }
        Ok(Arc::new(match exact {
            Some(exact) if exact.to_arrow() == data_type => exact.to_field(NAME, nullable),
            _ => Field::new(NAME, data_type, nullable),
        }))
    }
    fn simplify(&self, args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(ExprSimplifyResult::Simplified(Expr::Case(of_arguments(&args))))
    }
    /// Only constants come here; everything else is a CASE before it runs.
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let in_type = |value: &ColumnarValue| -> Result<ArrayRef> {
            let array = value.to_array(rows)?;
            Ok(if array.data_type().is_null() {
                new_null_array(args.return_field.data_type(), rows)
            } else {
                cast(&array, args.return_field.data_type())?
            })
        };
        let (branches, otherwise) = args.args.as_chunks::<2>();
        let Some(otherwise) = otherwise.first() else { return exec_err!("CASE has no last value") };
        let mut result = in_type(otherwise)?;
        for [condition, value] in branches.iter().rev() {
            let condition = condition.to_array(rows)?;
            let Some(condition) = condition.as_boolean_opt() else { continue };
            let mask = if condition.null_count() == 0 { condition.clone() } else { prep_null_mask_filter(condition) };
            result = zip(&mask, &in_type(value)?, &result)?;
        }
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}
