//! The operators `+ - * / %` with Flink's types and values, where DataFusion's own differ.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, IntervalMonthDayNanoArray};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{
    DataType, Date32Type, Field, FieldRef, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType, IntervalUnit, Time32MillisecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use datafusion_common::{Result, ScalarValue, exec_err, plan_err};
use datafusion_expr::{
    ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::arithmetic::cast_argument;
use super::decimal;
use super::def::{Call, invoke};
use super::time_unit::add_months_ms;
use super::types::{self, exact_digits, is_float, is_integer, is_number};
use super::values::{Ints, primitive};
use crate::data_type::FlinkType;

const MS_PER_DAY: i64 = 86_400_000;

/// The function that stands for `left op right`, if DataFusion's own operator has another type or value than Flink's;
/// `None` if DataFusion's is right, or if the types are none of ours.
pub fn flink_binary(op: Operator, left: &DataType, right: &DataType) -> Option<Arc<ScalarUDF>> {
    let arithmetic = matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo);
    if !arithmetic {
        return None;
    }
    let native =
        matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply) && left == right && (is_integer(left) || is_float(left));
    if native {
        return None;
    }
    let interval = |t: &DataType| matches!(t, DataType::Interval(IntervalUnit::MonthDayNano));
    let returns = if is_number(left) && is_number(right) {
        arithmetic_type(op, left, right)?
    } else if matches!(left, DataType::Time32(TimeUnit::Millisecond)) && interval(right) {
        matches!(op, Operator::Plus | Operator::Minus).then(|| left.clone())?
    } else if op == Operator::Multiply && interval(left) && is_integer(right) {
        left.clone()
    } else if op == Operator::Multiply && is_integer(left) && interval(right) {
        right.clone()
    } else {
        return None;
    };
    Some(Arc::new(ScalarUDF::new_from_impl(Arithmetic::new(op, left, right, returns))))
}

/// The function that stands for `time ± interval` or `interval + time`: the same result as DataFusion's operator, many times faster for a
/// constant interval without months. `None` for other types.
pub fn time_arithmetic(op: Operator, left: &DataType, right: &DataType) -> Option<Arc<ScalarUDF>> {
    let time = |t: &DataType| matches!(t, DataType::Timestamp(..) | DataType::Date32);
    let interval = |t: &DataType| matches!(t, DataType::Interval(IntervalUnit::MonthDayNano));
    let returns = match op {
        Operator::Plus | Operator::Minus if time(left) && interval(right) => left,
        Operator::Plus if interval(left) && time(right) => right,
        _ => return None,
    };
    Some(Arc::new(ScalarUDF::new_from_impl(Arithmetic::new(op, left, right, returns.clone()))))
}

/// Whether a value is an interval of months: by its type, or as a constant that has some.
fn is_interval_of_months(field: &Field, constant: Option<&ScalarValue>) -> bool {
    types::flink_type(field, constant) == FlinkType::IntervalMonth
}

/// The type of `left op right` for numbers: DECIMAL by Flink's rules, an integer `%` has the type of the divisor.
pub(super) fn arithmetic_type(op: Operator, left: &DataType, right: &DataType) -> Option<DataType> {
    if is_integer(left) && is_integer(right) {
        if op == Operator::Modulo {
            return Some(right.clone());
        }
        return types::common_type(&[left.clone(), right.clone()]);
    }
    match (exact_digits(left), exact_digits(right)) {
        // Of whole numbers the divisor decides, DECIMAL(p, 0) among them.
        (Some((_, 0)), Some((_, 0))) if op == Operator::Modulo => Some(right.clone()),
        (Some(l), Some(r)) => {
            let (precision, scale) = decimal::result_digits(op, l, r)?;
            Some(DataType::Decimal128(precision, scale))
        }
        // Of FLOAT and DOUBLE the left operand decides.
        _ if is_float(left) && is_float(right) => Some(left.clone()),
        _ if is_number(left) && is_number(right) => types::common_type(&[left.clone(), right.clone()]),
        _ => None,
    }
}

/// One operator over two given types.
#[derive(Debug)]
struct Arithmetic {
    op: Operator,
    left: DataType,
    right: DataType,
    returns: DataType,
    signature: Signature,
}

impl Arithmetic {
    fn new(op: Operator, left: &DataType, right: &DataType, returns: DataType) -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { op, left: left.clone(), right: right.clone(), returns, signature }
    }
}

impl PartialEq for Arithmetic {
    fn eq(&self, other: &Self) -> bool {
        self.op == other.op && self.left == other.left && self.right == other.right
    }
}

impl Eq for Arithmetic {}

impl Hash for Arithmetic {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.op, &self.left, &self.right).hash(state);
    }
}

impl ScalarUDFImpl for Arithmetic {
    fn name(&self) -> &str {
        match self.op {
            Operator::Plus => "+",
            Operator::Minus => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            _ => "%",
        }
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let parts: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(parts.join(&format!(" {} ", self.name())))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if types.len() != 2 {
            return plan_err!("{} takes 2 operands", self.name());
        }
        Ok(vec![self.left.clone(), self.right.clone()])
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        let field = Field::new(self.name(), self.returns.clone(), nullable);
        // A time keeps its exact precision.
        let time = |t: &DataType| matches!(t, DataType::Timestamp(..) | DataType::Time32(_));
        let like = args.arg_fields.iter().find(|field| time(field.data_type()) && *field.data_type() == self.returns);
        if let Some(like) = like {
            return Ok(Arc::new(field.with_metadata(like.metadata().clone())));
        }
        let months = |i: usize| is_interval_of_months(&args.arg_fields[i], args.scalar_arguments.get(i).copied().flatten());
        if matches!(self.returns, DataType::Interval(_)) && (0..args.arg_fields.len()).any(months) {
            return Ok(Arc::new(FlinkType::IntervalMonth.to_field(self.name(), nullable)));
        }
        Ok(Arc::new(field))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let eval: super::def::Eval = match self.op {
            Operator::Plus => |call| evaluate(Operator::Plus, call),
            Operator::Minus => |call| evaluate(Operator::Minus, call),
            Operator::Multiply => |call| evaluate(Operator::Multiply, call),
            Operator::Divide => |call| evaluate(Operator::Divide, call),
            _ => |call| evaluate(Operator::Modulo, call),
        };
        invoke(eval, false, &args)
    }
}

/// Evaluates the operator over the call's two arguments, into the call's result type.
pub(super) fn evaluate(op: Operator, call: &Call) -> Result<ArrayRef> {
    let (left, right) = (&call.args[0], &call.args[1]);
    let (left_type, right_type) = (left.data_type(), right.data_type());
    match call.returns.data_type() {
        DataType::Decimal128(precision, scale) => {
            let digits = |t: &DataType| exact_digits(t).unwrap_or((1, 0));
            let (l, r) = ((left, digits(&left_type)), (right, digits(&right_type)));
            Ok(Arc::new(decimal::evaluate(op, l, r, (*precision, *scale), call.rows)?))
        }
        returns @ (DataType::Float32 | DataType::Float64) => of_floats(op, call, returns),
        // The remainder of a DECIMAL by a whole number, smaller than that number.
        returns if matches!(left_type, DataType::Decimal128(..)) && is_integer(returns) => {
            let (l, r) = ((left, exact_digits(&left_type).unwrap_or((1, 0))), (right, exact_digits(&right_type).unwrap_or((1, 0))));
            let remainders = decimal::evaluate(op, l, r, (38, 0), call.rows)?;
            Ok(arrow::compute::cast(&remainders, returns)?)
        }
        DataType::Int8 => of_integers::<Int8Type>(op, call),
        DataType::Int16 => of_integers::<Int16Type>(op, call),
        DataType::Int32 => of_integers::<Int32Type>(op, call),
        DataType::Int64 => of_integers::<Int64Type>(op, call),
        DataType::Interval(_) => of_interval(call),
        DataType::Date32 | DataType::Time32(_) | DataType::Timestamp(..) => of_time(op, call),
        other => exec_err!("{op} is not defined for {}", types::type_name(other)),
    }
}

fn both_constant(call: &Call) -> bool {
    call.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)))
}

fn of_floats(op: Operator, call: &Call, returns: &DataType) -> Result<ArrayRef> {
    let in_type = |value: &ColumnarValue| -> Result<ArrayRef> {
        let doubles: ArrayRef = match cast_floats(value, returns)? {
            ColumnarValue::Array(array) => array,
            ColumnarValue::Scalar(scalar) => scalar.to_array_of_size(call.rows)?,
        };
        Ok(doubles)
    };
    let (left, right) = (in_type(&call.args[0])?, in_type(&call.args[1])?);
    // Rows divide to Infinity or NaN, but a constant expression is refused.
    if op == Operator::Divide && both_constant(call) {
        let zero = match returns {
            DataType::Float32 => right.is_valid(0) && primitive::<Float32Type>(&right)?.value(0) == 0.0,
            _ => right.is_valid(0) && primitive::<Float64Type>(&right)?.value(0) == 0.0,
        };
        if zero {
            return exec_err!("Division by zero");
        }
    }
    Ok(match op {
        Operator::Plus => numeric::add_wrapping(&left, &right)?,
        Operator::Minus => numeric::sub_wrapping(&left, &right)?,
        Operator::Multiply => numeric::mul_wrapping(&left, &right)?,
        Operator::Divide => numeric::div(&left, &right)?,
        _ => numeric::rem(&left, &right)?,
    })
}

/// DECIMAL goes to DOUBLE in Flink's way, other numbers in Arrow's.
fn cast_floats(value: &ColumnarValue, returns: &DataType) -> Result<ColumnarValue> {
    if !matches!(value.data_type(), DataType::Decimal128(..)) {
        return cast_argument(value, returns);
    }
    let (array, constant) = match value {
        ColumnarValue::Array(array) => (Arc::clone(array), false),
        ColumnarValue::Scalar(scalar) => (scalar.to_array_of_size(1)?, true),
    };
    let doubles: ArrayRef = Arc::new(super::values::to_doubles(&array)?);
    let doubles = arrow::compute::cast(&doubles, returns)?;
    Ok(if constant { ColumnarValue::Scalar(ScalarValue::try_from_array(&doubles, 0)?) } else { ColumnarValue::Array(doubles) })
}

/// Whole numbers wrap around silently; only a division by zero is an error.
fn of_integers<T: ArrowPrimitiveType>(op: Operator, call: &Call) -> Result<ArrayRef>
where
    T::Native: TryFrom<i64> + Truncate,
{
    if matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply) {
        let returns = call.returns.data_type();
        let array = |i: usize| -> Result<ArrayRef> { cast_argument(&call.args[i], returns)?.into_array(call.rows) };
        let (left, right) = (array(0)?, array(1)?);
        return Ok(match op {
            Operator::Plus => numeric::add_wrapping(&left, &right)?,
            Operator::Minus => numeric::sub_wrapping(&left, &right)?,
            _ => numeric::mul_wrapping(&left, &right)?,
        });
    }
    let (left, right) = (call.int(0)?, call.int(1)?);
    let remainder = op == Operator::Modulo;
    if let (true, Ints::I64(values), Ints::Const(Some(divisor @ 1..))) = (remainder, &left, &right) {
        let rest = values.unary::<_, T>(|value| T::Native::truncate(value % divisor));
        return Ok(Arc::new(rest.with_data_type(call.returns.data_type().clone())));
    }
    call.primitives::<T>(|row| {
        let (Some(left), Some(right)) = (left.get(row), right.get(row)) else { return Ok(None) };
        if right == 0 {
            let sign = if remainder { '%' } else { '/' };
            return exec_err!("Division by zero: {left} {sign} 0");
        }
        let value = if remainder { left.wrapping_rem(right) } else { left.wrapping_div(right) };
        Ok(Some(T::Native::truncate(value)))
    })
}

/// A 64-bit number cut to the width of the result, as Java's casts do.
trait Truncate {
    fn truncate(value: i64) -> Self;
}

macro_rules! truncate {
    ($($native:ty),*) => {$(
        impl Truncate for $native {
            #[inline]
            fn truncate(value: i64) -> Self {
                value as $native
            }
        }
    )*};
}
truncate!(i8, i16, i32, i64);

fn of_interval(call: &Call) -> Result<ArrayRef> {
    let (interval, factor) = if is_integer(call.arg_type(0)) { (1, 0) } else { (0, 1) };
    let (interval, factor) = (call.array(interval)?, call.int(factor)?);
    let interval = interval.as_primitive::<IntervalMonthDayNanoType>();
    call.primitives::<IntervalMonthDayNanoType>(|row| {
        Ok(factor.get(row).filter(|_| interval.is_valid(row)).map(|factor| {
            let IntervalMonthDayNano { months, days, nanoseconds } = interval.value(row);
            let times = |part: i32| (i64::from(part)).wrapping_mul(factor) as i32;
            IntervalMonthDayNano::new(times(months), times(days), nanoseconds.wrapping_mul(factor))
        }))
    })
}

fn of_time(op: Operator, call: &Call) -> Result<ArrayRef> {
    // The interval may stand first.
    let interval_at = usize::from(!matches!(call.arg_type(0), DataType::Interval(_)));
    let intervals = call.array_or_constant(interval_at)?;
    let (intervals, constant) = (intervals.0.as_primitive::<IntervalMonthDayNanoType>().clone(), intervals.1);
    let sign = if op == Operator::Minus { -1 } else { 1 };
    let array = call.array(1 - interval_at)?;
    match array.data_type() {
        DataType::Time32(_) => {
            let times = array.as_primitive::<Time32MillisecondType>();
            call.primitives::<Time32MillisecondType>(|row| {
                let at = if constant { 0 } else { row };
                Ok((times.is_valid(row) && intervals.is_valid(at)).then(|| {
                    let shift = nanos_of(intervals.value(at)) / 1_000_000 * i128::from(sign);
                    (i128::from(times.value(row)) + shift).rem_euclid(i128::from(MS_PER_DAY)) as i32
                }))
            })
        }
        // Of the days and the time of an interval only whole days count.
        DataType::Date32 => {
            let dates = array.as_primitive::<Date32Type>();
            call.primitives::<Date32Type>(|row| {
                let at = if constant { 0 } else { row };
                Ok((dates.is_valid(row) && intervals.is_valid(at)).then(|| {
                    let interval = intervals.value(at);
                    let days = match i64::from(interval.months) * sign {
                        0 => dates.value(row),
                        months => (add_months_ms(i64::from(dates.value(row)) * MS_PER_DAY, months).div_euclid(MS_PER_DAY)) as i32,
                    };
                    days.wrapping_add((nanos_of(interval) / 86_400_000_000_000 * i128::from(sign)) as i32)
                }))
            })
        }
        DataType::Timestamp(TimeUnit::Second, _) => {
            shift_by::<TimestampSecondType>(call, &array, &intervals, constant, sign, 1_000_000_000)
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            shift_by::<TimestampMillisecondType>(call, &array, &intervals, constant, sign, 1_000_000)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            shift_by::<TimestampMicrosecondType>(call, &array, &intervals, constant, sign, 1000)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => shift_by::<TimestampNanosecondType>(call, &array, &intervals, constant, sign, 1),
        other => exec_err!("{op} an interval is not defined for {}", types::type_name(other)),
    }
}

/// The nanoseconds of an interval's days and time.
fn nanos_of(interval: IntervalMonthDayNano) -> i128 {
    i128::from(interval.days) * 86_400_000_000_000 + i128::from(interval.nanoseconds)
}

fn shift_by<T: ArrowPrimitiveType<Native = i64>>(
    call: &Call,
    times: &ArrayRef,
    intervals: &IntervalMonthDayNanoArray,
    constant: bool,
    sign: i64,
    nanos_per_unit: i64,
) -> Result<ArrayRef> {
    let times = primitive::<T>(times)?;
    if constant && intervals.is_valid(0) && intervals.value(0).months == 0 {
        let shift = (nanos_of(intervals.value(0)) / i128::from(nanos_per_unit)) as i64 * sign;
        let shifted = times.unary::<_, T>(|time| time.wrapping_add(shift));
        return Ok(Arc::new(shifted.with_data_type(call.returns.data_type().clone())));
    }
    let units_per_ms = 1_000_000 / nanos_per_unit;
    call.primitives::<T>(|row| {
        let at = if constant { 0 } else { row };
        if times.is_null(row) || intervals.is_null(at) {
            return Ok(None);
        }
        let interval = intervals.value(at);
        let mut time = times.value(row);
        if interval.months != 0 {
            let months = i64::from(interval.months) * sign;
            // Seconds have no millisecond to divide by; they are widened for the calendar.
            time = if units_per_ms == 0 {
                add_months_ms(time * 1000, months) / 1000
            } else {
                let rest = time.rem_euclid(units_per_ms);
                add_months_ms(time.div_euclid(units_per_ms), months) * units_per_ms + rest
            };
        }
        let shift = (nanos_of(interval) / i128::from(nanos_per_unit)) as i64 * sign;
        Ok(Some(time.wrapping_add(shift)))
    })
}
