//! One column out of the values of several branches, each for its own rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, StringArray, make_array, new_null_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{ArrowNativeType, DataType};
use datafusion_common::{Result, ScalarValue, exec_err};

/// The rows of one branch. No row is in two of them.
pub(super) struct Part {
    /// The rows of the whole that are its own.
    pub taken: BooleanBuffer,
    pub values: Values,
}

/// Where the values of a branch lie.
pub(super) enum Values {
    /// The same for all its rows.
    Constant(ScalarValue),
    /// At the places of the rows of the whole.
    Rows(ArrayRef),
    /// One after the other, for its own rows only.
    Taken(ArrayRef),
}

/// Whether [`merge`] is for this type.
pub(super) fn is_mergeable(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Boolean | DataType::Utf8) || width(data_type).is_some()
}

/// Bytes of a value of fixed width.
fn width(data_type: &DataType) -> Option<usize> {
    use DataType as D;
    Some(match data_type {
        D::Int8 => 1,
        D::Int16 => 2,
        D::Int32 | D::Float32 | D::Date32 | D::Time32(_) => 4,
        D::Int64 | D::Float64 | D::Timestamp(..) => 8,
        D::Decimal128(..) => 16,
        _ => return None,
    })
}

/// A column of `rows` values of this type; rows in no part are NULL.
pub(super) fn merge(data_type: &DataType, rows: usize, mut parts: Vec<Part>) -> Result<ArrayRef> {
    if let [Part { values: Values::Rows(array), taken }] = parts.as_slice()
        && taken.count_set_bits() == rows
    {
        return Ok(array.clone());
    }
    parts.retain(|part| !matches!(&part.values, Values::Constant(value) if value.is_null()));
    if parts.is_empty() {
        return Ok(new_null_array(data_type, rows));
    }
    let nulls = valid_rows(rows, &parts);
    match (data_type, width(data_type)) {
        (DataType::Utf8, _) => merge_texts(rows, parts, nulls),
        (DataType::Boolean, _) => merge_bools(rows, parts, nulls),
        (_, Some(1)) => merge_fixed::<i8>(data_type, rows, parts, nulls),
        (_, Some(2)) => merge_fixed::<i16>(data_type, rows, parts, nulls),
        (_, Some(4)) => merge_fixed::<i32>(data_type, rows, parts, nulls),
        (_, Some(8)) => merge_fixed::<i64>(data_type, rows, parts, nulls),
        (_, Some(16)) => merge_fixed::<i128>(data_type, rows, parts, nulls),
        _ => exec_err!("CASE cannot choose between values of type {data_type}"),
    }
}

/// The rows that have a value, as the nulls of the result.
fn valid_rows(rows: usize, parts: &[Part]) -> Option<NullBuffer> {
    let mut valid: Option<BooleanBuffer> = None;
    for part in parts {
        let own = match &part.values {
            Values::Constant(_) => part.taken.clone(),
            Values::Rows(array) => match array.nulls() {
                Some(nulls) => &part.taken & nulls.inner(),
                None => part.taken.clone(),
            },
            Values::Taken(array) => match array.nulls() {
                Some(nulls) => {
                    let places = part.taken.set_indices().enumerate().filter(|(i, _)| nulls.is_valid(*i));
                    let mut own = BooleanBufferBuilder::new(rows);
                    own.append_n(rows, false);
                    places.for_each(|(_, row)| own.set_bit(row, true));
                    own.finish()
                }
                None => part.taken.clone(),
            },
        };
        valid = Some(match valid {
            Some(valid) => &valid | &own,
            None => own,
        });
    }
    valid.map(NullBuffer::new).filter(|nulls| nulls.null_count() > 0)
}

/// The values of an array of fixed width, whatever its type is.
fn fixed<T: ArrowNativeType>(array: &ArrayData) -> &[T] {
    &array.buffers()[0].typed_data::<T>()[array.offset()..array.offset() + array.len()]
}

fn merge_fixed<T: ArrowNativeType>(data_type: &DataType, rows: usize, parts: Vec<Part>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    // The part with most rows is copied whole; the others are put over it.
    let largest = parts.iter().enumerate().filter(|(_, part)| matches!(part.values, Values::Rows(_)));
    let largest = largest.max_by_key(|(_, part)| part.taken.count_set_bits()).map(|(i, _)| i);
    let mut out: Vec<T> = match largest.map(|i| &parts[i].values) {
        Some(Values::Rows(array)) => fixed::<T>(&array.to_data()).to_vec(),
        _ => vec![T::default(); rows],
    };
    for (_, part) in parts.iter().enumerate().filter(|(i, _)| Some(*i) != largest) {
        match &part.values {
            Values::Constant(value) => {
                let value = fixed::<T>(&value.to_array()?.to_data())[0];
                part.taken.set_slices().for_each(|(start, end)| out[start..end].fill(value));
            }
            Values::Rows(array) => {
                let data = array.to_data();
                let values = fixed::<T>(&data);
                part.taken.set_slices().for_each(|(start, end)| out[start..end].copy_from_slice(&values[start..end]));
            }
            Values::Taken(array) => {
                let data = array.to_data();
                part.taken.set_indices().zip(fixed::<T>(&data)).for_each(|(row, value)| out[row] = *value);
            }
        }
    }
    let data = ArrayData::builder(data_type.clone()).len(rows).nulls(nulls).add_buffer(Buffer::from_vec(out)).build()?;
    Ok(make_array(data))
}

fn merge_bools(rows: usize, parts: Vec<Part>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    let mut out = BooleanBuffer::new_unset(rows);
    for part in parts {
        let own = match &part.values {
            Values::Constant(ScalarValue::Boolean(Some(true))) => part.taken,
            Values::Constant(_) => continue,
            Values::Rows(array) => &part.taken & array.as_boolean().values(),
            Values::Taken(array) => {
                let values = array.as_boolean().values();
                let mut own = BooleanBufferBuilder::new(rows);
                own.append_n(rows, false);
                part.taken.set_indices().enumerate().filter(|(i, _)| values.value(*i)).for_each(|(_, row)| own.set_bit(row, true));
                own.finish()
            }
        };
        out = &out | &own;
    }
    Ok(Arc::new(BooleanArray::new(out, nulls)))
}

/// The texts of a part, by row of the whole.
enum Texts<'a> {
    Constant(&'a [u8]),
    Rows(&'a StringArray),
    /// And how many were read.
    Taken(&'a StringArray, usize),
}

fn merge_texts(rows: usize, parts: Vec<Part>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    let mut texts = Vec::with_capacity(parts.len() + 1);
    // Which part a row is of; rows of none are empty, and NULL.
    let mut choice = vec![parts.len() as u8; rows];
    for (i, part) in parts.iter().enumerate() {
        part.taken.set_slices().for_each(|(start, end)| choice[start..end].fill(i as u8));
        texts.push(match &part.values {
            Values::Constant(ScalarValue::Utf8(Some(text))) => Texts::Constant(text.as_bytes()),
            Values::Constant(_) => Texts::Constant(b""),
            Values::Rows(array) => Texts::Rows(array.as_string()),
            Values::Taken(array) => Texts::Taken(array.as_string(), 0),
        });
    }
    texts.push(Texts::Constant(b""));
    let mut bytes: Vec<u8> = Vec::with_capacity(rows * 8);
    let mut offsets: Vec<i32> = Vec::with_capacity(rows + 1);
    offsets.push(0);
    for (row, choice) in choice.iter().enumerate() {
        let text = match &mut texts[usize::from(*choice)] {
            Texts::Constant(text) => text,
            Texts::Rows(array) => array.value(row).as_bytes(),
            Texts::Taken(array, next) => {
                *next += 1;
                array.value(*next - 1).as_bytes()
            }
        };
        bytes.extend_from_slice(text);
        offsets.push(bytes.len() as i32);
    }
    if bytes.len() > i32::MAX as usize {
        return exec_err!("The texts of one batch exceed 2 GiB; make the batch or the texts smaller");
    }
    Ok(Arc::new(StringArray::try_new(OffsetBuffer::new(offsets.into()), bytes.into(), nulls)?))
}
