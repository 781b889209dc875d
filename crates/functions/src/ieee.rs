//! Comparisons of FLOAT and DOUBLE as Java makes them (IEEE 754): 0.0 equals -0.0, and NaN equals nothing, not even itself. Arrow's own
//! kernels put numbers into a total order, in which -0.0 comes before 0.0 and NaN last.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion_common::{Result, exec_err};

use super::def::{Arg, Call, Def, Ret};
use super::types::type_name;

const TWO: &[Arg] = &[Arg::Number, Arg::Number];

/// What the names of these functions begin with; the operator follows.
pub const PREFIX: &str = "$float";

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("$float=", TWO, Ret::Bool, |c| compare(c, |a, b| a == b, |a, b| a == b)),
    Def::new("$float!=", TWO, Ret::Bool, |c| compare(c, |a, b| a != b, |a, b| a != b)),
    Def::new("$float<", TWO, Ret::Bool, |c| compare(c, |a, b| a < b, |a, b| a < b)),
    Def::new("$float<=", TWO, Ret::Bool, |c| compare(c, |a, b| a <= b, |a, b| a <= b)),
    Def::new("$float>", TWO, Ret::Bool, |c| compare(c, |a, b| a > b, |a, b| a > b)),
    Def::new("$float>=", TWO, Ret::Bool, |c| compare(c, |a, b| a >= b, |a, b| a >= b)),
];

fn compare(call: &Call, single: impl Fn(f32, f32) -> bool, double: impl Fn(f64, f64) -> bool) -> Result<ArrayRef> {
    match (call.arg_type(0), call.arg_type(1)) {
        (DataType::Float32, DataType::Float32) => of_type::<Float32Type>(call, single),
        (DataType::Float64, DataType::Float64) => of_type::<Float64Type>(call, double),
        (a, b) => exec_err!("{} and {} are not both FLOAT or DOUBLE", type_name(a), type_name(b)),
    }
}

fn of_type<T: ArrowPrimitiveType>(call: &Call, test: impl Fn(T::Native, T::Native) -> bool) -> Result<ArrayRef> {
    let ((left, left_constant), (right, right_constant)) = (call.array_or_constant(0)?, call.array_or_constant(1)?);
    let (l, r) = (left.as_primitive::<T>(), right.as_primitive::<T>());
    if (left_constant && l.is_null(0)) || (right_constant && r.is_null(0)) {
        return Ok(Arc::new(BooleanArray::new_null(call.rows)));
    }
    let (a, b) = (l.values(), r.values());
    let bits = match (left_constant, right_constant) {
        (false, false) => BooleanBuffer::collect_bool(call.rows, |i| test(a[i], b[i])),
        (false, true) => BooleanBuffer::collect_bool(call.rows, |i| test(a[i], b[0])),
        (true, false) => BooleanBuffer::collect_bool(call.rows, |i| test(a[0], b[i])),
        (true, true) => BooleanBuffer::collect_bool(call.rows, |_| test(a[0], b[0])),
    };
    let nulls = |array: &ArrayRef, constant: bool| if constant { None } else { array.nulls().cloned() };
    let nulls = NullBuffer::union(nulls(&left, left_constant).as_ref(), nulls(&right, right_constant).as_ref());
    Ok(Arc::new(BooleanArray::new(bits, nulls)))
}
