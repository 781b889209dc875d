//! Functions of numbers, casts, conditions and collections.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Int32Type};

use crate::Arg::{Column, Constant};
use crate::data::Columns;
use crate::{Arg, Case, case, int};
use datafusion_common::ScalarValue;

fn doubles(columns: &Columns, f: impl Fn(f64) -> f64) -> ArrayRef {
    Arc::new(columns.double.iter().map(|d| d.map(&f)).collect::<Float64Array>())
}

fn cast(sql: &'static str, to: DataType, arg: Arg, plain: fn(&Columns) -> ArrayRef) -> Option<Case> {
    Some(Case { sql, function: flott_functions::cast_to(to, None, false), args: vec![arg], plain })
}

pub fn cases() -> Vec<Option<Case>> {
    let double = || Column(|c| c.double.clone());
    let mut all = vec![
        case("ABS(int)", "abs", vec![Column(|c| c.small.clone())], |c| {
            Arc::new(c.small.iter().map(|n| n.map(i32::wrapping_abs)).collect::<Int32Array>())
        }),
        case("MOD(bigint, 7)", "mod", vec![Column(|c| c.large.clone()), Constant(ScalarValue::Int64(Some(7)))], |c| {
            Arc::new(c.large.iter().map(|n| n.map(|n| n % 7)).collect::<Int64Array>())
        }),
        case("ROUND(double, 2)", "round", vec![double(), int(2)], |c| doubles(c, |d| (d * 100.0).round() / 100.0)),
        case("ROUND(decimal, 1)", "round", vec![Column(|c| c.decimal.clone()), int(1)], |c| {
            let round = |d: i128| (d + if d < 0 { -5 } else { 5 }) / 10;
            Arc::new(c.decimal.iter().map(|d| d.map(round)).collect::<Decimal128Array>())
        }),
        case("FLOOR(double)", "floor", vec![double()], |c| doubles(c, f64::floor)),
        case("CEIL(double)", "ceil", vec![double()], |c| doubles(c, f64::ceil)),
        case("SQRT(double)", "sqrt", vec![double()], |c| doubles(c, f64::sqrt)),
        case("LN(double)", "ln", vec![double()], |c| doubles(c, f64::ln)),
        case("EXP(double)", "exp", vec![double()], |c| doubles(c, f64::exp)),
        case("POWER(double, 2)", "power", vec![double(), Constant(ScalarValue::Float64(Some(2.0)))], |c| {
            doubles(c, |d| d.powf(std::hint::black_box(2.0)))
        }),
    ];
    all.extend(casts());
    all.extend(others());
    all
}

fn casts() -> Vec<Option<Case>> {
    vec![
        cast("CAST(text AS BIGINT)", DataType::Int64, Column(|c| c.digits.clone()), |c| {
            Arc::new(c.digits.iter().map(|s| s?.parse::<i64>().ok()).collect::<Int64Array>())
        }),
        cast("CAST(bigint AS STRING)", DataType::Utf8, Column(|c| c.large.clone()), |c| {
            Arc::new(c.large.iter().map(|n| n.map(|n| n.to_string())).collect::<StringArray>())
        }),
        cast("CAST(double AS STRING)", DataType::Utf8, Column(|c| c.double.clone()), |c| {
            Arc::new(c.double.iter().map(|d| d.map(|d| d.to_string())).collect::<StringArray>())
        }),
        cast("CAST(double AS INT)", DataType::Int32, Column(|c| c.double.clone()), |c| {
            Arc::new(c.double.iter().map(|d| d.map(|d| d as i32)).collect::<Int32Array>())
        }),
        cast("CAST(int AS DOUBLE)", DataType::Float64, Column(|c| c.small.clone()), |c| {
            Arc::new(c.small.iter().map(|n| n.map(f64::from)).collect::<Float64Array>())
        }),
    ]
}

fn others() -> Vec<Option<Case>> {
    vec![
        case("GREATEST(int, 0)", "greatest", vec![Column(|c| c.small.clone()), int(0)], |c| {
            Arc::new(c.small.iter().map(|n| n.map(|n| n.max(0))).collect::<Int32Array>())
        }),
        case("IF(flag, int, 0)", "if", vec![Column(|c| c.flag.clone()), Column(|c| c.small.clone()), int(0)], |c| {
            let both = c.flag.iter().zip(c.small.iter());
            Arc::new(both.map(|(flag, n)| if flag == Some(true) { n } else { Some(0) }).collect::<Int32Array>())
        }),
        case("IFNULL(int, 0)", "ifnull", vec![Column(|c| c.small.clone()), int(0)], |c| {
            Arc::new(c.small.iter().map(|n| Some(n.unwrap_or(0))).collect::<Int32Array>())
        }),
        case("CARDINALITY(array)", "cardinality", vec![Column(|c| c.list.clone())], |c| {
            Arc::new((0..c.list.len()).map(|i| c.list.is_valid(i).then(|| c.list.value_length(i))).collect::<Int32Array>())
        }),
        case("ARRAY_CONTAINS(array, 5)", "array_contains", vec![Column(|c| c.list.clone()), int(5)], |c| {
            let has = |list: ArrayRef| list.as_primitive::<Int32Type>().values().contains(&5);
            Arc::new(c.list.iter().map(|list| list.map(has)).collect::<arrow::array::BooleanArray>())
        }),
        case("array[2]", "item", vec![Column(|c| c.list.clone()), int(2)], |c| {
            let values = c.list.values().as_primitive::<Int32Type>();
            let second =
                |i: usize| (c.list.is_valid(i) && c.list.value_length(i) > 1).then(|| values.value(c.list.value_offsets()[i] as usize + 1));
            Arc::new((0..c.list.len()).map(second).collect::<Int32Array>())
        }),
    ]
}
