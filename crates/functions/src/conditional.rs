//! Functions that choose: COALESCE, IF, NULLIF, GREATEST, and tests of what a text is.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, make_comparator, new_null_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::zip::zip;
use arrow::compute::{SortOptions, interleave, is_not_null};
use arrow::datatypes::DataType;

use datafusion_common::{Result, exec_err};
use datafusion_expr::simplify::ExprSimplifyResult;
use datafusion_expr::{Expr, when};

use super::def::{Arg, Call, Def, Nulls, Ret};
use super::{types, vector};

const SAME: &[Arg] = &[Arg::Same];
const PAIR: &[Arg] = &[Arg::Same, Arg::Same];

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("coalesce", SAME, Ret::Common, coalesce)
        .variadic()
        .nulls(Nulls::By(|fields| fields.iter().all(|f| f.is_nullable())))
        .rewrite(lazy_coalesce)
        .doc("COALESCE(value, …)", "The first value that is not NULL.", "COALESCE(NULL, 1) = 1"),
    Def::new("ifnull", PAIR, Ret::Common, coalesce)
        .nulls(Nulls::By(|fields| fields.iter().all(|f| f.is_nullable())))
        .rewrite(lazy_coalesce)
        .doc("IFNULL(value, replacement)", "The value, or the replacement if it is NULL.", "IFNULL(NULL, 1) = 1"),
    Def::new("if", &[Arg::Bool, Arg::Same, Arg::Same], Ret::Common, if_else).rewrite(lazy_if).doc(
        "IF(condition, value, other)",
        "The value if the condition is TRUE, else the other.",
        "IF(1 > 0, 'a', 'b') = 'a'",
    ),
    Def::new("greatest", SAME, Ret::Common, |call| extreme(call, true)).variadic().doc(
        "GREATEST(value, …)",
        "The greatest of the values; NULL if one of them is.",
        "GREATEST(1, 3, 2) = 3",
    ),
    Def::new("least", SAME, Ret::Common, |call| extreme(call, false)).variadic().doc(
        "LEAST(value, …)",
        "The least of the values; NULL if one of them is.",
        "LEAST(1, 2.5) = 1.0",
    ),
    Def::new("is_alpha", &[Arg::Any], Ret::Bool, |call| test_text(call, false, is_alpha)).nulls(Nulls::Never).doc(
        "IS_ALPHA(string)",
        "Whether the text is made of letters only, one at least.",
        "IS_ALPHA('abc') = TRUE",
    ),
    Def::new("is_digit", &[Arg::Any], Ret::Bool, |call| test_text(call, types::is_integer(call.arg_type(0)), is_digit))
        .nulls(Nulls::Never)
        .doc("IS_DIGIT(string)", "Whether the text is made of digits only, one at least.", "IS_DIGIT('12') = TRUE"),
    Def::new("is_decimal", &[Arg::Any], Ret::Bool, |call| test_text(call, is_primitive_number(call.arg_type(0)), is_decimal))
        .nulls(Nulls::Never)
        .doc("IS_DECIMAL(string)", "Whether the text can be read as a number.", "IS_DECIMAL('1.5') = TRUE"),
];

/// An expression that costs nothing and cannot fail.
fn is_trivial(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) | Expr::Literal(..) => true,
        Expr::Alias(alias) => is_trivial(&alias.expr),
        _ => false,
    }
}

/// Becomes a CASE where a later argument is worth not being evaluated, so that it cannot fail in vain.
fn lazy_coalesce(args: Vec<Expr>) -> ExprSimplifyResult {
    if args.iter().skip(1).all(is_trivial) {
        return ExprSimplifyResult::Original(args);
    }
    let mut reversed = args.iter().rev().cloned();
    let Some(mut result) = reversed.next() else { return ExprSimplifyResult::Original(args) };
    for value in reversed {
        result = match when(value.clone().is_not_null(), value).otherwise(result) {
            Ok(case) => case,
            Err(_) => return ExprSimplifyResult::Original(args),
        };
    }
    ExprSimplifyResult::Simplified(result)
}

fn lazy_if(args: Vec<Expr>) -> ExprSimplifyResult {
    let [condition, value, other] = args.as_slice() else { return ExprSimplifyResult::Original(args) };
    match when(condition.clone(), value.clone()).otherwise(other.clone()) {
        Ok(case) => ExprSimplifyResult::Simplified(case),
        Err(_) => ExprSimplifyResult::Original(args),
    }
}

/// The arguments from `from` on, all in the type of the result.
fn in_result_type(call: &Call, from: usize) -> Result<Vec<ArrayRef>> {
    (from..call.args.len())
        .map(|index| {
            let array = call.array(index)?;
            if array.data_type().is_null() {
                return Ok(new_null_array(call.returns.data_type(), array.len()));
            }
            if array.data_type() == call.returns.data_type() {
                return Ok(array);
            }
            Ok(arrow::compute::cast(&array, call.returns.data_type())?)
        })
        .collect()
}

fn coalesce(call: &Call) -> Result<ArrayRef> {
    let values = in_result_type(call, 0)?;
    let mut result = Arc::clone(&values[0]);
    for next in &values[1..] {
        if result.null_count() == 0 {
            break;
        }
        result = zip(&is_not_null(&result)?, &result, next)?;
    }
    Ok(result)
}

fn if_else(call: &Call) -> Result<ArrayRef> {
    let condition = call.bool(0)?;
    let mask = BooleanArray::new(BooleanBuffer::collect_bool(call.rows, |row| condition.get(row) == Some(true)), None);
    let values = in_result_type(call, 1)?;
    Ok(zip(&mask, &values[0], &values[1])?)
}

fn extreme(call: &Call, greatest: bool) -> Result<ArrayRef> {
    if let Some(array) = vector::extreme(call, greatest)? {
        return Ok(array);
    }
    let values = in_result_type(call, 0)?;
    if values.len() == 1 {
        return Ok(Arc::clone(&values[0]));
    }
    // For each row, the number of the argument that leads so far; a NULL leads for good.
    let mut leaders = vec![0usize; call.rows];
    for next in 1..values.len() {
        let compares: Vec<_> = values[..next]
            .iter()
            .map(|before| make_comparator(values[next].as_ref(), before.as_ref(), SortOptions::default()))
            .collect::<std::result::Result<_, _>>()?;
        for (row, leader) in leaders.iter_mut().enumerate() {
            if values[*leader].is_null(row) {
                continue;
            }
            let order = compares[*leader](row, row);
            if values[next].is_null(row) || if greatest { order.is_gt() } else { order.is_lt() } {
                *leader = next;
            }
        }
    }
    let arrays: Vec<&dyn Array> = values.iter().map(|array| array.as_ref()).collect();
    let picks: Vec<(usize, usize)> = leaders.iter().enumerate().map(|(row, leader)| (*leader, row)).collect();
    Ok(interleave(&arrays, &picks)?)
}

fn is_alpha(text: &str) -> bool {
    text.chars().all(char::is_alphabetic)
}

fn is_digit(text: &str) -> bool {
    text.chars().all(char::is_numeric)
}

fn is_decimal(text: &str) -> bool {
    // Whole numbers may be of any script's digits.
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    flott_engine::text::parse_f64(text.as_bytes()).is_some() || (!digits.is_empty() && is_digit(digits))
}

/// The numbers that Flink knows as such here: a DECIMAL, an object of its own, is none.
fn is_primitive_number(data_type: &DataType) -> bool {
    types::is_integer(data_type) || types::is_float(data_type)
}

/// A test of a text, which NULL does not pass. A value of another type passes if its type does, even NULL.
fn test_text(call: &Call, type_passes: bool, test: fn(&str) -> bool) -> Result<ArrayRef> {
    if *call.arg_type(0) == DataType::Utf8 {
        let text = call.text(0)?;
        let passes = |row: usize| text.get(row).is_some_and(|text| !text.is_empty() && test(text));
        return Ok(Arc::new(BooleanArray::new(BooleanBuffer::collect_bool(call.rows, passes), None)));
    }
    if call.args.is_empty() {
        return exec_err!("{} takes one argument", call.returns.name());
    }
    call.bools(|_| Ok(Some(type_passes)))
}
