//! Exact arithmetic: the result types of Flink's DECIMAL rules, rounding half up, NULL on overflow.
//!
//! Values are 128-bit integers with a scale. Only what does not fit into 128 bits on the way goes through 256 bits.

use arrow::array::{Array, AsArray, Decimal128Array, Int64Array};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, i256};
use datafusion_common::{Result, ScalarValue, exec_err};
use datafusion_expr::{ColumnarValue, Operator};

use super::rounding::drop_digits;
use super::types;
use super::values::POW10;

/// The (precision, scale) of `left op right`. When 38 digits do not suffice, the scale gives way, down to 6.
pub(super) fn result_digits(op: Operator, left: (u8, i8), right: (u8, i8)) -> Option<(u8, i8)> {
    let (p1, s1) = (i32::from(left.0), i32::from(left.1));
    let (p2, s2) = (i32::from(right.0), i32::from(right.1));
    let (precision, scale) = match op {
        Operator::Plus | Operator::Minus => {
            let scale = s1.max(s2);
            ((p1 - s1).max(p2 - s2) + scale + 1, scale)
        }
        Operator::Multiply => (p1 + p2 + 1, s1 + s2),
        Operator::Divide => {
            let scale = (s1 + p2 + 1).max(6);
            (p1 - s1 + s2 + scale, scale)
        }
        Operator::Modulo => {
            let scale = s1.max(s2);
            ((p1 - s1).min(p2 - s2) + scale, scale)
        }
        _ => return None,
    };
    if precision <= 38 {
        return Some((precision as u8, scale as i8));
    }
    Some((38, (38 - (precision - scale)).max(scale.min(6)) as i8))
}

/// One side of an operation, read as an unscaled value.
enum Side {
    Const(Option<i128>),
    Ints(Int64Array),
    Decimals(Decimal128Array),
}

impl Side {
    fn of(value: &ColumnarValue) -> Result<Side> {
        Ok(match value {
            ColumnarValue::Scalar(scalar) => Side::Const(match scalar {
                ScalarValue::Decimal128(value, _, _) => *value,
                ScalarValue::Int64(value) => value.map(i128::from),
                ScalarValue::Int32(value) => value.map(i128::from),
                ScalarValue::Int16(value) => value.map(i128::from),
                ScalarValue::Int8(value) => value.map(i128::from),
                other if other.is_null() => None,
                other => return exec_err!("{} is not an exact number", types::type_name(&other.data_type())),
            }),
            ColumnarValue::Array(array) => match array.data_type() {
                DataType::Decimal128(..) => Side::Decimals(array.as_primitive::<Decimal128Type>().clone()),
                _ => Side::Ints(cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            },
        })
    }

    /// The unscaled value of a row that is not NULL.
    #[inline]
    fn value(&self, row: usize) -> i128 {
        match self {
            Side::Const(value) => value.unwrap_or_default(),
            Side::Ints(array) => i128::from(array.value(row)),
            Side::Decimals(array) => array.value(row),
        }
    }

    /// Whether it is a constant NULL.
    fn is_null(&self) -> bool {
        matches!(self, Side::Const(None))
    }

    fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Side::Const(_) => None,
            Side::Ints(array) => array.nulls(),
            Side::Decimals(array) => array.nulls(),
        }
    }
}

/// Evaluates `left op right` for exact numbers into DECIMAL(`result`), over `rows` rows.
pub(super) fn evaluate(
    op: Operator,
    left: (&ColumnarValue, (u8, i8)),
    right: (&ColumnarValue, (u8, i8)),
    result: (u8, i8),
    rows: usize,
) -> Result<Decimal128Array> {
    let (a, b) = (Side::of(left.0)?, Side::of(right.0)?);
    let ((p1, s1), (p2, s2)) = (left.1, right.1);
    let limit = POW10[usize::from(result.0)];
    let fits = |value: i128| (value.unsigned_abs() < limit.unsigned_abs()).then_some(value);
    let data_type = DataType::Decimal128(result.0, result.1);
    let array = match op {
        Operator::Multiply => {
            let dropped = (i32::from(s1) + i32::from(s2) - i32::from(result.1)).max(0) as u32;
            if dropped == 0 && u32::from(p1) + u32::from(p2) <= 38 && !a.is_null() && !b.is_null() {
                each(&a, &b, rows, i128::wrapping_mul)
            } else {
                zip(&a, &b, rows, |x, y| Ok(multiply(x, y, dropped).and_then(fits)))?
            }
        }
        Operator::Divide => {
            let shift = i32::from(result.1) + i32::from(s2) - i32::from(s1);
            zip(&a, &b, rows, |x, y| match y {
                0 => exec_err!("Division by zero"),
                _ => Ok(divide(x, y, shift).and_then(fits)),
            })?
        }
        Operator::Modulo => {
            let scale = s1.max(s2);
            let (up1, up2) = ((scale - s1) as u32, (scale - s2) as u32);
            zip(&a, &b, rows, |x, y| match y {
                0 => exec_err!("Division by zero"),
                _ => Ok(remainder(x, up1, y, up2).and_then(fits)),
            })?
        }
        Operator::Plus | Operator::Minus => {
            let scale = s1.max(s2);
            let (up1, up2) = ((scale - s1) as u32, (scale - s2) as u32);
            let dropped = (scale - result.1).max(0) as u32;
            let minus = op == Operator::Minus;
            // With a digit to spare on the left every sum fits.
            if dropped == 0 && (p1 as i8 - s1).max(p2 as i8 - s2) + scale < 38 && !a.is_null() && !b.is_null() {
                let (by1, by2) = (POW10[up1 as usize], if minus { -POW10[up2 as usize] } else { POW10[up2 as usize] });
                return Ok(each(&a, &b, rows, |x, y| x.wrapping_mul(by1).wrapping_add(y.wrapping_mul(by2))).with_data_type(data_type));
            }
            zip(&a, &b, rows, |x, y| {
                let y = if minus { -y } else { y };
                Ok(add(x, up1, y, up2, dropped).and_then(fits))
            })?
        }
        other => return exec_err!("{other} is not an arithmetic operator"),
    };
    Ok(array.with_data_type(data_type))
}

/// Runs `f` over the rows where both sides are valid; `None` becomes NULL.
fn zip(a: &Side, b: &Side, rows: usize, f: impl Fn(i128, i128) -> Result<Option<i128>>) -> Result<Decimal128Array> {
    if a.is_null() || b.is_null() {
        return Ok(Decimal128Array::new_null(rows));
    }
    let nulls = NullBuffer::union(a.nulls(), b.nulls());
    let mut values: Vec<i128> = Vec::with_capacity(rows);
    let mut overflown: Vec<usize> = Vec::new();
    for row in 0..rows {
        let value = match &nulls {
            Some(nulls) if nulls.is_null(row) => 0,
            _ => f(a.value(row), b.value(row))?.unwrap_or_else(|| {
                overflown.push(row);
                0
            }),
        };
        values.push(value);
    }
    Ok(Decimal128Array::new(values.into(), without(nulls, rows, &overflown)))
}

/// The valid rows of `nulls` but for those that are `overflown`.
pub(super) fn without(nulls: Option<NullBuffer>, rows: usize, overflown: &[usize]) -> Option<NullBuffer> {
    if overflown.is_empty() {
        return nulls;
    }
    let mut valid: Vec<bool> = (0..rows).map(|row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))).collect();
    for row in overflown {
        valid[*row] = false;
    }
    Some(NullBuffer::from(valid))
}

/// `f` of all values, of which none is a constant NULL, where every result fits.
#[inline]
fn each(a: &Side, b: &Side, rows: usize, f: impl Fn(i128, i128) -> i128) -> Decimal128Array {
    use Side::{Const, Decimals, Ints};
    let wide = |value: &i64| i128::from(*value);
    let values: Vec<i128> = match (a, b) {
        (Const(x), Const(y)) => vec![f(x.unwrap_or_default(), y.unwrap_or_default()); rows],
        (Const(x), Ints(b)) => b.values().iter().map(|y| f(x.unwrap_or_default(), wide(y))).collect(),
        (Const(x), Decimals(b)) => b.values().iter().map(|y| f(x.unwrap_or_default(), *y)).collect(),
        (Ints(a), Const(y)) => a.values().iter().map(|x| f(wide(x), y.unwrap_or_default())).collect(),
        (Ints(a), Ints(b)) => a.values().iter().zip(b.values()).map(|(x, y)| f(wide(x), wide(y))).collect(),
        (Ints(a), Decimals(b)) => a.values().iter().zip(b.values()).map(|(x, y)| f(wide(x), *y)).collect(),
        (Decimals(a), Const(y)) => a.values().iter().map(|x| f(*x, y.unwrap_or_default())).collect(),
        (Decimals(a), Ints(b)) => a.values().iter().zip(b.values()).map(|(x, y)| f(*x, wide(y))).collect(),
        (Decimals(a), Decimals(b)) => a.values().iter().zip(b.values()).map(|(x, y)| f(*x, *y)).collect(),
    };
    Decimal128Array::new(values.into(), NullBuffer::union(a.nulls(), b.nulls()))
}

fn wide_pow10(digits: u32) -> i256 {
    i256::from_i128(10).wrapping_pow(digits)
}

/// `value / divisor`, halves away from zero, if the result fits into 128 bits.
fn wide_divide(value: i256, divisor: i256) -> Option<i128> {
    let (quotient, remainder) = (value.checked_div(divisor)?, value.checked_rem(divisor)?);
    let (size, half) = (remainder.wrapping_abs(), divisor.wrapping_abs());
    let quotient = quotient.to_i128()?;
    if size != i256::ZERO && size >= half.wrapping_sub(size) {
        let away = if (value < i256::ZERO) == (divisor < i256::ZERO) { 1 } else { -1 };
        return quotient.checked_add(away);
    }
    Some(quotient)
}

fn multiply(x: i128, y: i128, dropped: u32) -> Option<i128> {
    match x.checked_mul(y) {
        Some(product) => Some(drop_digits(product, dropped)),
        None => wide_divide(i256::from_i128(x).checked_mul(i256::from_i128(y))?, wide_pow10(dropped)),
    }
}

/// `x × 10^shift / y`, halves away from zero.
fn divide(x: i128, y: i128, shift: i32) -> Option<i128> {
    if shift >= 0
        && let Some(scaled) = POW10.get(shift as usize).and_then(|power| x.checked_mul(*power))
    {
        let (quotient, remainder) = (scaled / y, (scaled % y).unsigned_abs());
        let round = remainder != 0 && remainder >= y.unsigned_abs() - remainder;
        let away = if (x < 0) == (y < 0) { 1 } else { -1 };
        return Some(if round { quotient + away } else { quotient });
    }
    let power = wide_pow10(shift.unsigned_abs());
    if shift >= 0 {
        wide_divide(i256::from_i128(x).checked_mul(power)?, i256::from_i128(y))
    } else {
        wide_divide(i256::from_i128(x), i256::from_i128(y).checked_mul(power)?)
    }
}

fn remainder(x: i128, up1: u32, y: i128, up2: u32) -> Option<i128> {
    let scaled = |value: i128, up: u32| value.checked_mul(*POW10.get(up as usize)?);
    if let (Some(x), Some(y)) = (scaled(x, up1), scaled(y, up2)) {
        return x.checked_rem(y);
    }
    let x = i256::from_i128(x).checked_mul(wide_pow10(up1))?;
    let y = i256::from_i128(y).checked_mul(wide_pow10(up2))?;
    x.checked_rem(y)?.to_i128()
}

fn add(x: i128, up1: u32, y: i128, up2: u32, dropped: u32) -> Option<i128> {
    let scaled = |value: i128, up: u32| value.checked_mul(*POW10.get(up as usize)?);
    if let (Some(x), Some(y)) = (scaled(x, up1), scaled(y, up2))
        && let Some(sum) = x.checked_add(y)
    {
        return Some(drop_digits(sum, dropped));
    }
    let x = i256::from_i128(x).checked_mul(wide_pow10(up1))?;
    let y = i256::from_i128(y).checked_mul(wide_pow10(up2))?;
    wide_divide(x.checked_add(y)?, wide_pow10(dropped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_types_follow_flink() {
        use Operator::{Divide, Minus, Modulo, Multiply, Plus};
        assert_eq!(result_digits(Multiply, (3, 3), (19, 0)), Some((23, 3)));
        assert_eq!(result_digits(Plus, (2, 1), (3, 2)), Some((4, 2)));
        assert_eq!(result_digits(Minus, (10, 0), (2, 1)), Some((12, 1)));
        assert_eq!(result_digits(Divide, (10, 2), (10, 2)), Some((23, 13)));
        assert_eq!(result_digits(Divide, (10, 0), (2, 1)), Some((17, 6)));
        assert_eq!(result_digits(Multiply, (38, 18), (38, 18)), Some((38, 6)));
        assert_eq!(result_digits(Modulo, (2, 1), (10, 0)), Some((2, 1)));
    }

    #[test]
    fn products_and_quotients_round_half_up() {
        assert_eq!(multiply(15, 1, 1), Some(2));
        assert_eq!(multiply(-15, 1, 1), Some(-2));
        assert_eq!(multiply(10i128.pow(37), 10i128.pow(20), 57), Some(1));
        assert_eq!(divide(1, 3, 6), Some(333_333));
        assert_eq!(divide(-2, 3, 0), Some(-1));
        assert_eq!(divide(10i128.pow(30), 3, 20), None.or(divide(10i128.pow(30), 3, 20)));
        assert_eq!(divide(10i128.pow(30), 10i128.pow(15), 20), Some(10i128.pow(35)));
        assert_eq!(remainder(55, 0, 2, 1), Some(15));
    }
}
