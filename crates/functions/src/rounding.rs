//! ROUND, TRUNCATE, CEIL and FLOOR of numbers. (Of times: see `temporal`.)

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use datafusion_common::{Result, ScalarValue, exec_err};
use datafusion_expr::ReturnFieldArgs;

use super::def::{Arg, Call, Def, Ret};
use super::types;
use super::values::{POW10, primitive, to_decimals};

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
    let places = |row: usize| places.get(row).map(|p| p.clamp(-400, 400) as i32);
    match array.data_type() {
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            call.primitives::<Float64Type>(|row| {
                Ok(places(row).filter(|_| values.is_valid(row)).map(|p| double_to_places(values.value(row), p, half_up)))
            })
        }
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            call.primitives::<Float32Type>(|row| {
                let value = |p| double_to_places(f64::from(values.value(row)), p, half_up) as f32;
                Ok(places(row).filter(|_| values.is_valid(row)).map(value))
            })
        }
        _ => exact_to_places(call, &array, places, half_up),
    }
}

fn exact_to_places(call: &Call, array: &ArrayRef, places: impl Fn(usize) -> Option<i32>, half_up: bool) -> Result<ArrayRef> {
    let decimals = to_decimals(array)?;
    let scale = i32::from(decimals.scale());
    let target = match call.returns.data_type() {
        DataType::Decimal128(_, scale) => i32::from(*scale),
        _ => 0,
    };
    let value = |row: usize| -> Option<i128> {
        let places = places(row).filter(|_| decimals.is_valid(row))?;
        let dropped = (scale - places).max(0) as u32;
        let kept = match POW10.get(dropped as usize) {
            None => 0,
            Some(_) if half_up => drop_digits(decimals.value(row), dropped),
            Some(power) => decimals.value(row) / power,
        };
        // Back to the scale of the result: `kept` has the scale `scale - dropped`.
        let shift = target - (scale - dropped as i32);
        if shift >= 0 { kept.checked_mul(*POW10.get(shift as usize)?) } else { Some(drop_digits(kept, shift.unsigned_abs())) }
    };
    match call.returns.data_type() {
        DataType::Int8 => call.primitives::<Int8Type>(|row| Ok(value(row).map(|v| v as i8))),
        DataType::Int16 => call.primitives::<Int16Type>(|row| Ok(value(row).map(|v| v as i16))),
        DataType::Int32 => call.primitives::<Int32Type>(|row| Ok(value(row).map(|v| v as i32))),
        DataType::Int64 => call.primitives::<Int64Type>(|row| Ok(value(row).map(|v| v as i64))),
        DataType::Decimal128(..) => call.primitives::<Decimal128Type>(|row| Ok(value(row))),
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

/// The same without a text, where no more than the last bit of the product could be in doubt: a whole number below 2^53 divided by a power
/// of ten is rounded once, as the text would be.
fn by_arithmetic(value: f64, places: i32, half_up: bool) -> Option<f64> {
    const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
    const LARGEST: f64 = (1_u64 << 50) as f64;
    let power = *POWERS.get(usize::try_from(places).ok()?)?;
    let scaled = value.abs() * power;
    if scaled >= LARGEST {
        return None;
    }
    let (whole, rest, doubt) = (scaled.floor(), scaled.fract(), scaled * 4.0 * f64::EPSILON);
    let kept = match half_up {
        true if (rest - 0.5).abs() > doubt => whole + f64::from(u8::from(rest > 0.5)),
        false if rest > doubt && rest < 1.0 - doubt => whole,
        _ => return None,
    };
    let size = kept / power;
    Some(if value < 0.0 && size != 0.0 { -size } else { size })
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
