//! ROUND, TRUNCATE, CEIL and FLOOR of numbers. (Of times: see `temporal`.)

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use datafusion_common::{Result, ScalarValue, exec_err};
use datafusion_expr::ReturnFieldArgs;

use super::def::{Arg, Call, Def, Ret};
use super::types;
use super::values::{Ints, POW10, primitive, to_decimals};

const ARGS: &[Arg] = &[Arg::Number, Arg::Int];

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("round", ARGS, Ret::By(rounded_type), |call| to_places(call, true)).optional(1).doc(
        "ROUND(number [, places])",
        "The number rounded to this many places after the point (0 by default; negative: before it); halves go away from zero.",
        "ROUND(2.345, 2) = 2.35",
    ),
    Def::new("truncate", ARGS, Ret::By(rounded_type), |call| to_places(call, false)).optional(1).doc(
        "TRUNCATE(number [, places])",
        "The number cut to this many places after the point.",
        "TRUNCATE(2.789, 1) = 2.7",
    ),
    Def::new("ceil", &[Arg::Number], Ret::By(whole_type), |call| to_whole(call, true)).alias(&["ceiling"]).doc(
        "CEIL(number)",
        "The least whole number that is not less. CEIL(time TO unit) rounds a time up.",
        "CEIL(2.1) = 3",
    ),
    Def::new("floor", &[Arg::Number], Ret::By(whole_type), |call| to_whole(call, false)).doc(
        "FLOOR(number)",
        "The greatest whole number that is not greater. FLOOR(time TO unit) rounds a time down.",
        "FLOOR(-2.5) = -3",
    ),
];

/// `value / 10^digits`, halves away from zero.
pub(crate) fn drop_digits(value: i128, digits: u32) -> i128 {
    // 10^39 is beyond the type; every value is less than half of it.
    let Some(power) = POW10.get(digits as usize) else { return 0 };
    // Numbers of 64 bits, which most are, divide several times faster.
    if let (Ok(value), Ok(power)) = (i64::try_from(value), i64::try_from(*power)) {
        let (quotient, remainder) = (value / power, (value % power).abs());
        return i128::from(if remainder != 0 && remainder >= power - remainder { quotient + value.signum() } else { quotient });
    }
    let (quotient, remainder) = (value / power, (value % power).unsigned_abs());
    if remainder != 0 && remainder >= power.unsigned_abs() - remainder { quotient + value.signum() } else { quotient }
}

/// The places of ROUND and TRUNCATE: a constant, 0 if left out, `None` for a column.
fn constant_places(args: &ReturnFieldArgs) -> Option<i64> {
    if args.arg_fields.len() < 2 {
        return Some(0);
    }
    match args.scalar_arguments.get(1).copied().flatten()? {
        ScalarValue::Int8(v) => v.map(i64::from),
        ScalarValue::Int16(v) => v.map(i64::from),
        ScalarValue::Int32(v) => v.map(i64::from),
        ScalarValue::Int64(v) => *v,
        _ => None,
    }
}

fn rounded_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let number = args.arg_fields[0].data_type();
    let (DataType::Decimal128(precision, scale), Some(places)) = (number, constant_places(args)) else {
        return Ok(number.clone());
    };
    let (precision, scale) = (i64::from(*precision), i64::from(*scale));
    // One more digit before the point: rounding can carry.
    Ok(if places >= scale {
        number.clone()
    } else if places < 0 {
        DataType::Decimal128((1 + precision - scale).min(38) as u8, 0)
    } else {
        DataType::Decimal128((1 + precision - scale + places) as u8, places as i8)
    })
}

fn whole_type(args: &ReturnFieldArgs) -> Result<DataType> {
    Ok(match args.arg_fields[0].data_type() {
        DataType::Decimal128(precision, _) => DataType::Decimal128(*precision, 0),
        other => other.clone(),
    })
}

fn to_places(call: &Call, half_up: bool) -> Result<ArrayRef> {
    let array = call.array(0)?;
    let places = call.int_or(1, 0)?;
    let constant = if let Ints::Const(places) = &places { places.map(clamped) } else { None };
    let places = |row: usize| places.get(row).map(clamped);
    match (array.data_type(), constant) {
        (DataType::Float64, Some(p)) => {
            Ok(Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(|value| double_to_places(value, p, half_up))))
        }
        (DataType::Float64, None) => {
            let values = array.as_primitive::<Float64Type>();
            call.primitives::<Float64Type>(|row| {
                Ok(places(row).filter(|_| values.is_valid(row)).map(|p| double_to_places(values.value(row), p, half_up)))
            })
        }
        (DataType::Float32, _) => {
            let values = array.as_primitive::<Float32Type>();
            call.primitives::<Float32Type>(|row| {
                let value = |p| double_to_places(f64::from(values.value(row)), p, half_up) as f32;
                Ok(places(row).filter(|_| values.is_valid(row)).map(value))
            })
        }
        // With one digit more before the point nothing overflows, and there is one more unless there are 38 already.
        (DataType::Decimal128(precision, scale), Some(p)) if i32::from(*scale) >= p && *precision < 38 => {
            let (scale, target) = (*scale, target_scale(call));
            let rounded = array
                .as_primitive::<Decimal128Type>()
                .unary_opt::<_, Decimal128Type>(|value| exact(value, scale.into(), p, target, half_up));
            Ok(Arc::new(rounded.with_data_type(call.returns.data_type().clone())))
        }
        _ => exact_to_places(call, &array, places, half_up),
    }
}

/// Places beyond these make no difference.
fn clamped(places: i64) -> i32 {
    places.clamp(-400, 400) as i32
}

fn target_scale(call: &Call) -> i32 {
    match call.returns.data_type() {
        DataType::Decimal128(_, scale) => i32::from(*scale),
        _ => 0,
    }
}

/// A number of that scale at so many places, with the scale `target`; `None` if it does not fit.
#[inline]
fn exact(value: i128, scale: i32, places: i32, target: i32, half_up: bool) -> Option<i128> {
    let dropped = (scale - places).max(0) as u32;
    let kept = match POW10.get(dropped as usize) {
        None => 0,
        Some(_) if half_up => drop_digits(value, dropped),
        Some(power) => value / power,
    };
    // Back to the scale of the result: `kept` has the scale `scale - dropped`.
    let shift = target - (scale - dropped as i32);
    match shift {
        0 => Some(kept),
        1.. => kept.checked_mul(*POW10.get(shift as usize)?),
        _ => Some(drop_digits(kept, shift.unsigned_abs())),
    }
}

fn exact_to_places(call: &Call, array: &ArrayRef, places: impl Fn(usize) -> Option<i32>, half_up: bool) -> Result<ArrayRef> {
    let decimals = to_decimals(array)?;
    let (scale, target) = (i32::from(decimals.scale()), target_scale(call));
    let value = |row: usize| -> Option<i128> {
        let places = places(row).filter(|_| decimals.is_valid(row))?;
        exact(decimals.value(row), scale, places, target, half_up)
    };
    match call.returns.data_type() {
        DataType::Int8 => call.primitives::<Int8Type>(|row| Ok(value(row).map(|v| v as i8))),
        DataType::Int16 => call.primitives::<Int16Type>(|row| Ok(value(row).map(|v| v as i16))),
        DataType::Int32 => call.primitives::<Int32Type>(|row| Ok(value(row).map(|v| v as i32))),
        DataType::Int64 => call.primitives::<Int64Type>(|row| Ok(value(row).map(|v| v as i64))),
        DataType::Decimal128(precision, _) => {
            let limit = POW10.get(usize::from(*precision)).copied().unwrap_or(i128::MAX);
            call.primitives::<Decimal128Type>(|row| Ok(value(row).filter(|v| v.unsigned_abs() < limit.unsigned_abs())))
        }
        other => exec_err!("{} cannot be rounded", types::type_name(other)),
    }
}

/// Rounds the number's shortest decimal text, as Flink does, not its binary value: 1.005 to 2 places is 1.01.
fn double_to_places(value: f64, places: i32, half_up: bool) -> f64 {
    if value == 0.0 {
        // Flink rounds a BigDecimal, which has no -0.0.
        return 0.0;
    }
    if !value.is_finite() {
        return value;
    }
    by_arithmetic(value, places, half_up).unwrap_or_else(|| by_text(value, places, half_up))
}

/// The same without a text: a whole number below 2^53 divided by a power of ten is rounded once, as the text would be.
fn by_arithmetic(value: f64, places: i32, half_up: bool) -> Option<f64> {
    let size = whole_at(value.abs(), places, half_up)? as f64 / POWERS.get(places as usize)?;
    Some(if value < 0.0 && size != 0.0 { -size } else { size })
}

const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// How often 10^-`places` goes into a number that is not negative, by the number's shortest text; `None` where no less than the last bit of
/// the product could make a difference, or is not exact.
#[inline]
pub(crate) fn whole_at(size: f64, places: i32, half_up: bool) -> Option<i64> {
    const LARGEST: f64 = (1_u64 << 50) as f64;
    let scaled = size * POWERS.get(usize::try_from(places).ok()?)?;
    if scaled.is_nan() || scaled >= LARGEST {
        return None;
    }
    let whole = scaled as i64;
    let (rest, doubt) = (scaled - whole as f64, scaled * 4.0 * f64::EPSILON);
    match half_up {
        true if (rest - 0.5).abs() > doubt => Some(whole + i64::from(rest > 0.5)),
        false if rest > doubt && rest < 1.0 - doubt => Some(whole),
        _ => None,
    }
}

fn by_text(value: f64, places: i32, half_up: bool) -> f64 {
    let text = format!("{:e}", value.abs());
    let Some((mantissa, exponent)) = text.split_once('e') else { return value };
    let Ok(exponent) = exponent.parse::<i32>() else { return value };
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    let keep = exponent + 1 + places;
    if keep >= digits.len() as i32 {
        return value;
    }
    if keep < 0 {
        return 0.0;
    }
    let mut kept = digits[..keep as usize].iter().fold(0u64, |n, digit| n * 10 + u64::from(digit - b'0'));
    if half_up && digits[keep as usize] >= b'5' {
        kept += 1;
    }
    let size: f64 = format!("{kept}e{}", -places).parse().unwrap_or(0.0);
    if value < 0.0 && size != 0.0 { -size } else { size }
}

fn to_whole(call: &Call, up: bool) -> Result<ArrayRef> {
    let array = call.array(0)?;
    Ok(match array.data_type() {
        DataType::Float64 => Arc::new(primitive::<Float64Type>(&array)?.unary::<_, Float64Type>(if up { f64::ceil } else { f64::floor })),
        DataType::Float32 => Arc::new(primitive::<Float32Type>(&array)?.unary::<_, Float32Type>(if up { f32::ceil } else { f32::floor })),
        DataType::Decimal128(_, scale) => {
            let one = POW10[(*scale).max(0) as usize];
            let whole = primitive::<Decimal128Type>(&array)?.unary::<_, Decimal128Type>(|value| {
                let floor = value.div_euclid(one);
                if up && floor * one != value { floor + 1 } else { floor }
            });
            Arc::new(whole.with_data_type(call.returns.data_type().clone()))
        }
        // A whole number is its own ceiling and floor.
        _ => array,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_rounds_as_the_text_does() {
        let mut seed = 7_u64;
        for _ in 0..200_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let places = (seed >> 60) as i32 % 10;
            // Numbers near a tie are the difficult ones.
            let near = ((seed >> 20) % 2_000_000) as f64 / 2.0 / 10_f64.powi(places);
            for value in [f64::from_bits(seed & !(1 << 62)), (seed >> 11) as f64 / 1e9, near, -near, near + near * f64::EPSILON] {
                for half_up in [true, false] {
                    if let Some(fast) = by_arithmetic(value, places, half_up).filter(|_| value.is_finite() && value != 0.0) {
                        assert_eq!(fast, by_text(value, places, half_up), "{value:e} {places} {half_up}");
                    }
                }
            }
        }
    }

    #[test]
    fn doubles_round_by_their_text() {
        assert_eq!(double_to_places(1.005, 2, true), 1.01);
        assert_eq!(double_to_places(-2.5, 0, true), -3.0);
        assert_eq!(double_to_places(125.0, -1, true), 130.0);
        assert_eq!(double_to_places(2.789, 1, false), 2.7);
        assert_eq!(double_to_places(0.04, 1, true), 0.0);
        assert_eq!(double_to_places(1e300, 2, true), 1e300);
        assert_eq!(double_to_places(99.99, 1, true), 100.0);
    }

    #[test]
    fn digits_drop_half_up() {
        assert_eq!((drop_digits(15, 1), drop_digits(-15, 1), drop_digits(14, 1)), (2, -2, 1));
        assert_eq!((drop_digits(i128::MAX, 39), drop_digits(6 * 10i128.pow(37), 38)), (0, 1));
    }
}
