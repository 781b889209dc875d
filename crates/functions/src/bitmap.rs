//! Functions of BITMAP, a set of 32-bit integers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, BinaryViewBuilder, Int32Builder, ListBuilder};
use arrow::datatypes::{DataType, Int8Type, Int16Type, Int32Type, Int64Type};
use datafusion_common::{Result, exec_datafusion_err, exec_err, plan_err};
use datafusion_expr::ReturnFieldArgs;
use flott_engine::bitmap::{Bitmap, push_bitmap, read, write};

use super::collection::item_field;
use super::def::{Arg, Call, Def, Ret};
use super::types::type_name;

const PAIR: &[Arg] = &[Arg::Bitmap, Arg::Bitmap];

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("bitmap_build", &[Arg::Array], Ret::By(build_type), build).doc(
        "BITMAP_BUILD(array)",
        "The set of the integers in an array; NULLs do not count, and a negative INT stands for the number with the same 32 bits.",
        "BITMAP_TO_STRING(BITMAP_BUILD(ARRAY[5, 1, 5])) = '{1,5}'",
    ),
    Def::new("bitmap_and", PAIR, Ret::Bitmap, |call| combine(call, |a, b| *a &= b)).doc(
        "BITMAP_AND(bitmap, other)",
        "What is in both sets.",
        "BITMAP_TO_STRING(BITMAP_AND(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2, 3]))) = '{2}'",
    ),
    Def::new("bitmap_or", PAIR, Ret::Bitmap, |call| combine(call, |a, b| *a |= b)).doc(
        "BITMAP_OR(bitmap, other)",
        "What is in either set.",
        "BITMAP_TO_STRING(BITMAP_OR(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2, 3]))) = '{1,2,3}'",
    ),
    Def::new("bitmap_xor", PAIR, Ret::Bitmap, |call| combine(call, |a, b| *a ^= b)).doc(
        "BITMAP_XOR(bitmap, other)",
        "What is in one set but not in both.",
        "BITMAP_TO_STRING(BITMAP_XOR(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2, 3]))) = '{1,3}'",
    ),
    Def::new("bitmap_andnot", PAIR, Ret::Bitmap, |call| combine(call, |a, b| *a -= b)).doc(
        "BITMAP_ANDNOT(bitmap, other)",
        "What is in the first set but not in the second.",
        "BITMAP_TO_STRING(BITMAP_ANDNOT(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2, 3]))) = '{1}'",
    ),
    Def::new("bitmap_cardinality", &[Arg::Bitmap], Ret::BigInt, cardinality).doc(
        "BITMAP_CARDINALITY(bitmap)",
        "How many integers are in the set.",
        "BITMAP_CARDINALITY(BITMAP_BUILD(ARRAY[1, 1, 2])) = 2",
    ),
    Def::new("bitmap_to_array", &[Arg::Bitmap], Ret::By(|_| Ok(DataType::new_list(DataType::Int32, true))), to_array).doc(
        "BITMAP_TO_ARRAY(bitmap)",
        "The integers of the set in their order without a sign, as an array of INT.",
        "BITMAP_TO_ARRAY(BITMAP_BUILD(ARRAY[5, -1, 1])) = ARRAY[1, 5, -1]",
    ),
    Def::new("bitmap_to_bytes", &[Arg::Bitmap], Ret::Binary, to_bytes).doc(
        "BITMAP_TO_BYTES(bitmap)",
        "The set in the serialised form that Roaring bitmaps have in every language.",
        "BITMAP_TO_BYTES(BITMAP_BUILD(ARRAY[1])) = x'3A3000000100000000000000100000000100'",
    ),
    Def::new("bitmap_from_bytes", &[Arg::Binary], Ret::Bitmap, from_bytes).doc(
        "BITMAP_FROM_BYTES(bytes)",
        "The set that BITMAP_TO_BYTES, or any library of Roaring bitmaps, has written.",
        "BITMAP_CARDINALITY(BITMAP_FROM_BYTES(x'3A3000000100000000000000100000000100')) = 1",
    ),
    Def::new("bitmap_to_string", &[Arg::Bitmap], Ret::Text, to_string).doc(
        "BITMAP_TO_STRING(bitmap)",
        "The integers of the set in braces, without a sign.",
        "BITMAP_TO_STRING(BITMAP_BUILD(ARRAY[1, -1])) = '{1,4294967295}'",
    ),
];

fn build_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let array = args.arg_fields[0].data_type();
    if array.is_null() {
        return Ok(DataType::BinaryView);
    }
    match item_field(array)?.data_type() {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Null => Ok(DataType::BinaryView),
        _ => plan_err!("BITMAP_BUILD takes an ARRAY<INT>, not {}", type_name(array)),
    }
}

/// A bitmap a row; `None` is NULL.
fn bitmaps(call: &Call, mut row: impl FnMut(usize) -> Result<Option<Bitmap>>) -> Result<ArrayRef> {
    let mut out = BinaryViewBuilder::with_capacity(call.rows);
    for i in 0..call.rows {
        out.append_option(row(i)?.map(|mut bitmap| write(&mut bitmap)));
    }
    Ok(Arc::new(out.finish()))
}

/// The bitmap of a row.
fn bitmap_at(array: &BinaryViewArray, row: usize) -> Result<Option<Bitmap>> {
    if array.is_null(row) {
        return Ok(None);
    }
    read(array.value(row)).map(Some).map_err(|e| exec_datafusion_err!("{e}"))
}

fn build(call: &Call) -> Result<ArrayRef> {
    let value = call.array(0)?;
    let Some(list) = value.as_list_opt::<i32>() else { return bitmaps(call, |_| Ok(None)) };
    let items = list.values();
    let number: Box<dyn Fn(usize) -> i32 + '_> = match items.data_type() {
        DataType::Int8 => Box::new(|i| items.as_primitive::<Int8Type>().value(i).into()),
        DataType::Int16 => Box::new(|i| items.as_primitive::<Int16Type>().value(i).into()),
        DataType::Int32 => Box::new(|i| items.as_primitive::<Int32Type>().value(i)),
        _ => Box::new(|_| 0),
    };
    let present = |i: &usize| !items.data_type().is_null() && items.is_valid(*i);
    let offsets = list.value_offsets();
    bitmaps(call, |row| {
        let range = offsets[row] as usize..offsets[row + 1] as usize;
        Ok(list.is_valid(row).then(|| range.filter(present).map(|i| number(i) as u32).collect()))
    })
}

fn combine(call: &Call, change: fn(&mut Bitmap, Bitmap)) -> Result<ArrayRef> {
    let (left, right) = (call.array(0)?, call.array(1)?);
    let (left, right) = (left.as_binary_view(), right.as_binary_view());
    bitmaps(call, |row| {
        let (Some(mut bitmap), Some(other)) = (bitmap_at(left, row)?, bitmap_at(right, row)?) else { return Ok(None) };
        change(&mut bitmap, other);
        Ok(Some(bitmap))
    })
}

fn cardinality(call: &Call) -> Result<ArrayRef> {
    let value = call.array(0)?;
    let value = value.as_binary_view();
    call.primitives::<Int64Type>(|row| Ok(bitmap_at(value, row)?.map(|bitmap| bitmap.len() as i64)))
}

fn to_array(call: &Call) -> Result<ArrayRef> {
    let value = call.array(0)?;
    let value = value.as_binary_view();
    let mut out = ListBuilder::new(Int32Builder::new());
    if let DataType::List(item) = call.returns.data_type() {
        out = out.with_field(Arc::clone(item));
    }
    for row in 0..call.rows {
        let bitmap = bitmap_at(value, row)?;
        let valid = bitmap.is_some();
        bitmap.into_iter().flatten().for_each(|number| out.values().append_value(number as i32));
        out.append(valid);
    }
    Ok(Arc::new(out.finish()))
}

fn to_bytes(call: &Call) -> Result<ArrayRef> {
    let value = call.array(0)?;
    let value = value.as_binary_view();
    call.binaries(|row, out| {
        if value.is_valid(row) {
            out.extend_from_slice(value.value(row));
        }
        Ok(value.is_valid(row))
    })
}

fn from_bytes(call: &Call) -> Result<ArrayRef> {
    let bytes = call.bytes(0)?;
    bitmaps(call, |row| match bytes.get(row).map(read).transpose() {
        Ok(bitmap) => Ok(bitmap),
        Err(error) => exec_err!("BITMAP_FROM_BYTES: {error}"),
    })
}

fn to_string(call: &Call) -> Result<ArrayRef> {
    let value = call.array(0)?;
    let value = value.as_binary_view();
    call.texts(|row, out| {
        if value.is_valid(row) {
            push_bitmap(out, value.value(row));
        }
        Ok(value.is_valid(row))
    })
}
