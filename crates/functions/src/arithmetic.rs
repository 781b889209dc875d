//! Arithmetic functions of numbers: powers and logarithms, trigonometry, signs, remainders, randomness.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use datafusion_common::{Result, ScalarValue, exec_err, plan_err};
use datafusion_expr::{ColumnarValue, Operator, ReturnFieldArgs};

use super::binary::{arithmetic_type, evaluate};
use super::clock;
use super::def::{Arg, Call, Def, Ret};
use super::fdlibm;
use super::types;
use super::values::{POW10, to_doubles};
use super::vector::{all_null, combine};

const ONE: &[Arg] = &[Arg::Number];
const TWO: &[Arg] = &[Arg::Number, Arg::Number];

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("abs", ONE, Ret::Like(0), abs).doc("ABS(number)", "The number without its sign.", "ABS(-2) = 2"),
    Def::new("sign", ONE, Ret::Like(0), sign).doc("SIGN(number)", "-1, 0 or 1, in the number's type.", "SIGN(-2.5) = -1.0"),
    Def::new("mod", TWO, Ret::By(mod_type), modulo).doc(
        "MOD(dividend, divisor)",
        "The remainder; it has the sign of the dividend, and for whole numbers the type of the divisor.",
        "MOD(-5, 3) = -2",
    ),
    Def::new("power", TWO, Ret::Double, power).doc("POWER(base, exponent)", "The power.", "POWER(2, 10) = 1024.0"),
    Def::new("sqrt", ONE, Ret::Double, |c| map(c, sqrt)).doc("SQRT(number)", "The square root.", "SQRT(4) = 2.0"),
    Def::new("exp", ONE, Ret::Double, |c| map(c, f64::exp)).doc("EXP(number)", "e to the power of the number.", "EXP(0) = 1.0"),
    Def::new("ln", ONE, Ret::Double, |c| map(c, f64::ln)).doc("LN(number)", "The natural logarithm.", "LN(1) = 0.0"),
    Def::new("log", TWO, Ret::Double, log).optional(1).doc(
        "LOG([base,] number)",
        "The logarithm to the base, or the natural one.",
        "LOG(2, 8) = 3.0",
    ),
    Def::new("log2", ONE, Ret::Double, |c| map(c, |x| x.ln() / std::f64::consts::LN_2)).doc(
        "LOG2(number)",
        "The logarithm to the base 2.",
        "LOG2(8) = 3.0",
    ),
    Def::new("log10", ONE, Ret::Double, |c| map(c, f64::log10)).doc("LOG10(number)", "The logarithm to the base 10.", "LOG10(100) = 2.0"),
    Def::new("sin", ONE, Ret::Double, |c| map(c, f64::sin)).doc("SIN(number)", "The sine of an angle in radians.", "SIN(0) = 0.0"),
    Def::new("sinh", ONE, Ret::Double, |c| map(c, fdlibm::sinh)).doc("SINH(number)", "The hyperbolic sine.", "SINH(0) = 0.0"),
    Def::new("cos", ONE, Ret::Double, |c| map(c, f64::cos)).doc("COS(number)", "The cosine of an angle in radians.", "COS(0) = 1.0"),
    Def::new("cosh", ONE, Ret::Double, |c| map(c, fdlibm::cosh)).doc("COSH(number)", "The hyperbolic cosine.", "COSH(0) = 1.0"),
    Def::new("tan", ONE, Ret::Double, |c| map(c, f64::tan)).doc("TAN(number)", "The tangent of an angle in radians.", "TAN(0) = 0.0"),
    Def::new("tanh", ONE, Ret::Double, |c| map(c, fdlibm::tanh)).doc("TANH(number)", "The hyperbolic tangent.", "TANH(0) = 0.0"),
    Def::new("cot", ONE, Ret::Double, |c| map(c, |x| 1.0 / x.tan())).doc("COT(number)", "The cotangent.", "ROUND(COT(1), 2) = 0.64"),
    Def::new("asin", ONE, Ret::Double, |c| map(c, fdlibm::asin)).doc("ASIN(number)", "The arc sine, in radians.", "ASIN(0) = 0.0"),
    Def::new("acos", ONE, Ret::Double, |c| map(c, fdlibm::acos)).doc("ACOS(number)", "The arc cosine, in radians.", "ACOS(1) = 0.0"),
    Def::new("atan", ONE, Ret::Double, |c| map(c, fdlibm::atan)).doc("ATAN(number)", "The arc tangent, in radians.", "ATAN(0) = 0.0"),
    Def::new("atan2", TWO, Ret::Double, |c| map2(c, fdlibm::atan2)).doc(
        "ATAN2(y, x)",
        "The angle, in radians, of the point (x, y) seen from the origin.",
        "ATAN2(0, 1) = 0.0",
    ),
    Def::new("degrees", ONE, Ret::Double, |c| map(c, f64::to_degrees)).doc(
        "DEGREES(number)",
        "Radians as degrees.",
        "DEGREES(PI()) = 180.0",
    ),
    Def::new("radians", ONE, Ret::Double, |c| map(c, f64::to_radians)).doc("RADIANS(number)", "Degrees as radians.", "RADIANS(180) = PI()"),
    Def::new("pi", &[], Ret::Double, |c| constant(c, std::f64::consts::PI)).doc("PI()", "The number π.", "ROUND(PI(), 5) = 3.14159"),
    Def::new("e", &[], Ret::Double, |c| constant(c, std::f64::consts::E)).doc("E()", "The number e.", "ROUND(E(), 5) = 2.71828"),
    Def::new("rand", &[Arg::Int], Ret::Double, rand).optional(1).per_row().doc(
        "RAND([seed])",
        "A random number from 0 up to, not including, 1; a seed makes the sequence repeatable.",
        "RAND() < 1",
    ),
    Def::new("rand_integer", &[Arg::Int, Arg::Int], Ret::Int, rand_integer).optional(1).per_row().doc(
        "RAND_INTEGER([seed,] bound)",
        "A random whole number from 0 up to, not including, the bound; a seed makes the sequence repeatable.",
        "RAND_INTEGER(10) < 10",
    ),
];

fn map(call: &Call, f: fn(f64) -> f64) -> Result<ArrayRef> {
    let array = to_doubles(&call.array(0)?)?;
    Ok(Arc::new(array.unary::<_, Float64Type>(f)))
}

fn map2(call: &Call, f: fn(f64, f64) -> f64) -> Result<ArrayRef> {
    let (Some(a), Some(b)) = (call.double(0)?.column(), call.double(1)?.column()) else { return Ok(all_null(call)) };
    Ok(combine(&a, &b, f).finish::<Float64Type>(call))
}

fn power(call: &Call) -> Result<ArrayRef> {
    map2(call, f64::powf)
}

fn log(call: &Call) -> Result<ArrayRef> {
    if call.has(1) { map2(call, |base, x| x.ln() / base.ln()) } else { map(call, f64::ln) }
}

fn constant(call: &Call, value: f64) -> Result<ArrayRef> {
    call.primitives::<Float64Type>(|_| Ok(Some(value)))
}

/// Applies one of the functions to an array in its own type.
fn in_type<T: ArrowPrimitiveType>(array: &ArrayRef, f: impl Fn(T::Native) -> T::Native) -> ArrayRef {
    Arc::new(array.as_primitive::<T>().unary::<_, T>(f).with_data_type(array.data_type().clone()))
}

fn abs(call: &Call) -> Result<ArrayRef> {
    let array = call.array(0)?;
    Ok(match array.data_type() {
        // The least integer has no positive counterpart and stays as it is.
        DataType::Int8 => in_type::<Int8Type>(&array, i8::wrapping_abs),
        DataType::Int16 => in_type::<Int16Type>(&array, i16::wrapping_abs),
        DataType::Int32 => in_type::<Int32Type>(&array, i32::wrapping_abs),
        DataType::Int64 => in_type::<Int64Type>(&array, i64::wrapping_abs),
        DataType::Float32 => in_type::<Float32Type>(&array, f32::abs),
        DataType::Float64 => in_type::<Float64Type>(&array, f64::abs),
        DataType::Decimal128(..) => in_type::<Decimal128Type>(&array, i128::wrapping_abs),
        other => return exec_err!("ABS does not take {}", types::type_name(other)),
    })
}

/// Java's power of one half, which differs from the root for -0.0 and for -∞.
fn sqrt(x: f64) -> f64 {
    if x == f64::NEG_INFINITY { f64::INFINITY } else { (x + 0.0).sqrt() }
}

fn sign(call: &Call) -> Result<ArrayRef> {
    fn of_float(x: f64) -> f64 {
        if x > 0.0 {
            1.0
        } else if x < 0.0 {
            -1.0
        } else {
            x
        }
    }
    let array = call.array(0)?;
    Ok(match array.data_type() {
        DataType::Int8 => in_type::<Int8Type>(&array, i8::signum),
        DataType::Int16 => in_type::<Int16Type>(&array, i16::signum),
        DataType::Int32 => in_type::<Int32Type>(&array, i32::signum),
        DataType::Int64 => in_type::<Int64Type>(&array, i64::signum),
        DataType::Float32 => in_type::<Float32Type>(&array, |x| of_float(f64::from(x)) as f32),
        DataType::Float64 => in_type::<Float64Type>(&array, of_float),
        // There is no 1 in a type without digits before the point.
        DataType::Decimal128(precision, scale) if *precision as i8 == *scale => {
            let signs = array.as_primitive::<Decimal128Type>().unary_opt::<_, Decimal128Type>(|x| (x == 0).then_some(0));
            Arc::new(signs.with_data_type(array.data_type().clone()))
        }
        DataType::Decimal128(_, scale) => {
            let one = POW10[(*scale).max(0) as usize];
            in_type::<Decimal128Type>(&array, move |x| x.signum() * one)
        }
        other => return exec_err!("SIGN does not take {}", types::type_name(other)),
    })
}

fn mod_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let [left, right] = args.arg_fields else { return exec_err!("MOD takes 2 arguments") };
    if types::is_float(left.data_type()) || types::is_float(right.data_type()) {
        return plan_err!("MOD takes whole numbers and DECIMAL, not FLOAT or DOUBLE: CAST the argument to DECIMAL(p, s)");
    }
    match arithmetic_type(Operator::Modulo, left.data_type(), right.data_type()) {
        Some(data_type) => Ok(data_type),
        None => exec_err!("MOD takes two numbers"),
    }
}

fn modulo(call: &Call) -> Result<ArrayRef> {
    evaluate(Operator::Modulo, call)
}

thread_local! {
    /// The generators of `RAND(seed)` and `RAND_INTEGER(seed, bound)`, by seed: they go on from batch to batch.
    static SEEDED: RefCell<HashMap<(bool, i64), JavaRandom>> = RefCell::new(HashMap::new());
}

/// The generator of `java.util.Random`, so that a seed gives Flink's sequence.
struct JavaRandom(u64);

impl JavaRandom {
    const MASK: u64 = (1 << 48) - 1;

    fn new(seed: i64) -> Self {
        JavaRandom((seed as u64 ^ 0x5_DEEC_E66D) & Self::MASK)
    }

    fn bits(&mut self, count: u32) -> i32 {
        self.0 = self.0.wrapping_mul(0x5_DEEC_E66D).wrapping_add(0xB) & Self::MASK;
        (self.0 >> (48 - count)) as i32
    }

    fn double(&mut self) -> f64 {
        let high = i64::from(self.bits(26) as u32);
        let low = i64::from(self.bits(27) as u32);
        ((high << 27) + low) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, bound: i32) -> i32 {
        if bound & (bound - 1) == 0 {
            return ((i64::from(bound) * i64::from(self.bits(31))) >> 31) as i32;
        }
        loop {
            let bits = self.bits(31);
            let value = bits % bound;
            // Refuses the last, incomplete run of values, as Java does by overflow.
            if bits.wrapping_sub(value).wrapping_add(bound - 1) >= 0 {
                return value;
            }
        }
    }
}

fn with_seed<R>(integers: bool, seed: i64, f: impl FnOnce(&mut JavaRandom) -> R) -> R {
    SEEDED.with_borrow_mut(|map| f(map.entry((integers, seed)).or_insert_with(|| JavaRandom::new(seed))))
}

fn random_double() -> f64 {
    (clock::random_bits() >> 11) as f64 / (1u64 << 53) as f64
}

fn rand(call: &Call) -> Result<ArrayRef> {
    if !call.has(0) {
        return call.primitives::<Float64Type>(|_| Ok(Some(random_double())));
    }
    let seed = call.int(0)?;
    // A constant seed begins a sequence, one of the row's own gives each row the first number of its sequence.
    if call.is_constant(0) {
        return call.primitives::<Float64Type>(|row| Ok(seed.get(row).map(|seed| with_seed(false, seed, JavaRandom::double))));
    }
    call.primitives::<Float64Type>(|row| Ok(seed.get(row).map(|seed| JavaRandom::new(seed).double())))
}

fn rand_integer(call: &Call) -> Result<ArrayRef> {
    let bound = call.int(call.args.len() - 1)?;
    let seed = if call.has(1) { Some(call.int(0)?) } else { None };
    call.primitives::<Int32Type>(|row| {
        let Some(bound) = bound.get_i32(row) else { return Ok(None) };
        if bound <= 0 {
            return exec_err!("RAND_INTEGER: the bound must be positive, not {bound}");
        }
        Ok(match &seed {
            None => Some((random_double() * f64::from(bound)) as i32),
            Some(seed) if call.is_constant(0) => seed.get(row).map(|seed| with_seed(true, seed, |random| random.below(bound))),
            Some(seed) => seed.get(row).map(|seed| JavaRandom::new(seed).below(bound)),
        })
    })
}

/// The argument cast to `data_type`, a constant staying one.
pub(super) fn cast_argument(value: &ColumnarValue, data_type: &DataType) -> Result<ColumnarValue> {
    if value.data_type() == *data_type {
        return Ok(value.clone());
    }
    Ok(match value {
        ColumnarValue::Array(array) => ColumnarValue::Array(cast(array, data_type)?),
        ColumnarValue::Scalar(scalar) => {
            let array = cast(&scalar.to_array_of_size(1)?, data_type)?;
            ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::JavaRandom;

    #[test]
    fn seeds_give_javas_sequence() {
        // new java.util.Random(42): nextInt(100) twice, and nextDouble() of a fresh one.
        let mut random = JavaRandom::new(42);
        assert_eq!((random.below(100), random.below(100)), (30, 63));
        assert!((JavaRandom::new(42).double() - 0.727_563_680_032_868_1).abs() < 1e-15);
    }
}
