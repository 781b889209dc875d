//! Expressions of numbers, and casts.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray};

use crate::Case;
use crate::data::Columns;

fn doubles(columns: &Columns, f: impl Fn(f64) -> f64) -> ArrayRef {
    Arc::new(columns.double.iter().map(|d| d.map(&f)).collect::<Float64Array>())
}

/// Of two BIGINT columns.
fn both(columns: &Columns, f: impl Fn(i64, i64) -> i64) -> ArrayRef {
    let both = columns.large.iter().zip(columns.other.iter());
    Arc::new(both.map(|(a, b)| Some(f(a?, b?))).collect::<Int64Array>())
}

/// A DECIMAL column from values of another.
fn decimals(values: impl Iterator<Item = Option<i128>>, precision: u8, scale: i8) -> ArrayRef {
    let array: Decimal128Array = values.collect();
    match array.with_precision_and_scale(precision, scale) {
        Ok(array) => Arc::new(array),
        Err(e) => Arc::new(StringArray::from(vec![e.to_string()])),
    }
}

/// `a / b`, halves away from zero.
fn rounded(a: i128, b: i128) -> i128 {
    (a + if (a < 0) == (b < 0) { b / 2 } else { -(b / 2) }) / b
}

pub fn cases() -> Vec<Case> {
    let mut all = operators();
    all.extend(functions());
    all.extend(casts());
    all
}

fn operators() -> Vec<Case> {
    vec![
        ("bigint + other", |c| both(c, i64::wrapping_add)),
        ("bigint * 3 + 1", |c| Arc::new(c.large.iter().map(|n| n.map(|n| n.wrapping_mul(3).wrapping_add(1))).collect::<Int64Array>())),
        ("bigint / other", |c| both(c, |a, b| a / b)),
        ("bigint % 16", |c| Arc::new(c.large.iter().map(|n| n.map(|n| n % 16)).collect::<Int64Array>())),
        ("int + bigint", |c| {
            let both = c.small.iter().zip(c.large.iter());
            Arc::new(both.map(|(a, b)| Some(i64::from(a?).wrapping_add(b?))).collect::<Int64Array>())
        }),
        ("double * 1.5E0", |c| doubles(c, |d| d * 1.5)),
        ("double / bigint", |c| {
            let both = c.double.iter().zip(c.large.iter());
            Arc::new(both.map(|(a, b)| Some(a? / b? as f64)).collect::<Float64Array>())
        }),
        ("decimal + price", |c| decimals(c.decimal.iter().zip(c.price.iter()).map(|(a, b)| Some(a? + b?)), 11, 2)),
        ("decimal - 1", |c| decimals(c.decimal.iter().map(|a| Some(a? - 100)), 13, 2)),
        ("decimal * price", |c| decimals(c.decimal.iter().zip(c.price.iter()).map(|(a, b)| Some(a? * b?)), 17, 4)),
        ("decimal / price", |c| decimals(c.decimal.iter().zip(c.price.iter()).map(|(a, b)| Some(rounded(a? * 1_000_000_000, b?))), 19, 9)),
        ("bigint * 0.908", |c| decimals(c.large.iter().map(|n| Some(i128::from(n?) * 908)), 24, 3)),
        ("decimal * 1.19", |c| decimals(c.decimal.iter().map(|a| Some(a? * 119)), 14, 4)),
    ]
}

fn functions() -> Vec<Case> {
    vec![
        ("ABS(int)", |c| Arc::new(c.small.iter().map(|n| n.map(i32::wrapping_abs)).collect::<Int32Array>())),
        ("MOD(bigint, 7)", |c| Arc::new(c.large.iter().map(|n| n.map(|n| n % 7)).collect::<Int64Array>())),
        ("ROUND(double, 2)", |c| doubles(c, |d| (d * 100.0).round() / 100.0)),
        ("ROUND(decimal, 1)", |c| decimals(c.decimal.iter().map(|d| d.map(|d| (d + if d < 0 { -5 } else { 5 }) / 10)), 10, 1)),
        ("FLOOR(double)", |c| doubles(c, f64::floor)),
        ("CEIL(double)", |c| doubles(c, f64::ceil)),
        ("SQRT(double)", |c| doubles(c, f64::sqrt)),
        ("LN(double)", |c| doubles(c, f64::ln)),
        ("EXP(double)", |c| doubles(c, f64::exp)),
        // Whose exponent the compiler must not know: it would multiply.
        ("POWER(double, 2)", |c| doubles(c, |d| d.powf(std::hint::black_box(2.0)))),
        ("GREATEST(int, 0)", |c| Arc::new(c.small.iter().map(|n| n.map(|n| n.max(0))).collect::<Int32Array>())),
        ("LEAST(bigint, other)", |c| both(c, i64::min)),
    ]
}

fn casts() -> Vec<Case> {
    vec![
        ("CAST(digits AS BIGINT)", |c| Arc::new(c.digits.iter().map(|s| s?.parse::<i64>().ok()).collect::<Int64Array>())),
        ("CAST(digits AS DOUBLE)", |c| Arc::new(c.digits.iter().map(|s| s?.parse::<f64>().ok()).collect::<Float64Array>())),
        ("CAST(digits AS DECIMAL(10, 2))", |c| decimals(c.digits.iter().map(|s| Some(s?.parse::<i128>().ok()? * 100)), 10, 2)),
        ("CAST(bigint AS STRING)", |c| Arc::new(c.large.iter().map(|n| n.map(|n| n.to_string())).collect::<StringArray>())),
        ("CAST(double AS STRING)", |c| Arc::new(c.double.iter().map(|d| d.map(|d| d.to_string())).collect::<StringArray>())),
        ("CAST(decimal AS STRING)", |c| {
            let text = |d: i128| format!("{}{}.{:02}", if d < 0 { "-" } else { "" }, d.abs() / 100, d.abs() % 100);
            Arc::new(c.decimal.iter().map(|d| d.map(text)).collect::<StringArray>())
        }),
        ("CAST(double AS INT)", |c| Arc::new(c.double.iter().map(|d| d.map(|d| d as i32)).collect::<Int32Array>())),
        ("CAST(int AS DOUBLE)", |c| Arc::new(c.small.iter().map(|n| n.map(f64::from)).collect::<Float64Array>())),
        ("CAST(bigint AS INT)", |c| Arc::new(c.large.iter().map(|n| n.map(|n| n as i32)).collect::<Int32Array>())),
        ("CAST(bigint AS DECIMAL(12, 2))", |c| decimals(c.large.iter().map(|n| Some(i128::from(n?) * 100)), 12, 2)),
        ("CAST(decimal AS DECIMAL(12, 1))", |c| {
            decimals(c.decimal.iter().map(|d| d.map(|d| (d + if d < 0 { -5 } else { 5 }) / 10)), 12, 1)
        }),
        ("CAST(decimal AS DOUBLE)", |c| Arc::new(c.decimal.iter().map(|d| d.map(|d| d as f64 / 100.0)).collect::<Float64Array>())),
        ("CAST(double AS DECIMAL(12, 2))", |c| decimals(c.double.iter().map(|d| d.map(|d| (d * 100.0).round() as i128)), 12, 2)),
    ]
}
