//! Building and taking apart nested values: ARRAY[…], MAP[…], ROW(…), `array[i]`, `map[k]`, `row.field`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, UInt32Array, make_comparator, new_null_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{SortOptions, cast, interleave, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::row::{RowConverter, SortField};
use datafusion_common::{Result, ScalarValue, exec_err, plan_err};
use datafusion_expr::ReturnFieldArgs;

use super::def::{Arg, Call, Def, Length, Nulls, Ret};
use super::types::{common_type, is_integer, type_name};

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("make_array", &[Arg::Same], Ret::By(array_type), make_array)
        .alias(&["array"])
        .optional(1)
        .variadic()
        .length(Length::Nested)
        .nulls(Nulls::Never)
        .doc("ARRAY[value, …]", "An array of the values.", "ARRAY[1, 2][1] = 1"),
    Def::new("map", &[Arg::Any], Ret::By(map_type), make_map)
        .alias(&["make_map"])
        .optional(1)
        .variadic()
        .length(Length::Nested)
        .nulls(Nulls::Never)
        .doc("MAP[key, value, …]", "A map of the keys to the values.", "MAP['a', 1]['a'] = 1"),
    Def::new("row", &[Arg::Any], Ret::By(row_type), make_row).optional(1).variadic().length(Length::Nested).nulls(Nulls::Never).doc(
        "ROW(value, …)",
        "A row of the values; its fields are named EXPR$0, EXPR$1 and so on.",
        "ROW(1, 'a') = ROW(1, 'a')",
    ),
    // named_row('a', x, 'b', y): a ROW with AS names.
    Def::new("named_row", &[Arg::Any], Ret::By(named_row_type), make_named_row)
        .alias(&["named_struct"])
        .optional(1)
        .variadic()
        .nulls(Nulls::Never),
    // item(array, index), item(map, key), item(row, 'name'): the form of `value[key]`.
    Def::new("item", &[Arg::Any, Arg::Any], Ret::By(item_type), item)
        .alias(&["array_element", "element_at"])
        .length(Length::Element)
        .nullable(),
    // get_field(row, 'name'): the form of `row.name`.
    Def::new("get_field", &[Arg::Any, Arg::Text], Ret::By(item_type), item)
        .nulls(Nulls::By(|fields| fields[0].is_nullable() || field_nullable(&fields[0]))),
];

/// A struct's field may be NULL although the struct is not; which field it is cannot be seen here.
fn field_nullable(field: &Field) -> bool {
    match field.data_type() {
        DataType::Struct(fields) => fields.iter().any(|f| f.is_nullable()),
        _ => true,
    }
}

fn array_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let types: Vec<DataType> = args.arg_fields.iter().map(|f| f.data_type().clone()).collect();
    if types.is_empty() {
        return Ok(DataType::new_list(DataType::Null, true));
    }
    let nullable = args.arg_fields.iter().any(|f| f.is_nullable());
    match common_type(&types) {
        Some(item) => Ok(DataType::new_list(item, nullable)),
        None => plan_err!("ARRAY: the values have no common type"),
    }
}

/// The array in this type; NULL fits every type.
pub(super) fn as_type(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    if array.data_type() == data_type {
        return Ok(Arc::clone(array));
    }
    if array.data_type().is_null() {
        return Ok(new_null_array(data_type, array.len()));
    }
    Ok(cast(array, data_type)?)
}

/// Columns side by side, row after row: `a0 b0 a1 b1 …`.
fn interleave_rows(columns: &[ArrayRef], rows: usize, data_type: &DataType) -> Result<ArrayRef> {
    if columns.is_empty() {
        return Ok(arrow::array::new_empty_array(data_type));
    }
    let arrays: Vec<&dyn Array> = columns.iter().map(|column| column.as_ref()).collect();
    let picks: Vec<(usize, usize)> = (0..rows).flat_map(|row| (0..columns.len()).map(move |c| (c, row))).collect();
    Ok(interleave(&arrays, &picks)?)
}

fn equal_lengths(rows: usize, per_row: usize) -> OffsetBuffer<i32> {
    OffsetBuffer::from_lengths(std::iter::repeat_n(per_row, rows))
}

fn make_array(call: &Call) -> Result<ArrayRef> {
    let DataType::List(item) = call.returns.data_type() else { return exec_err!("ARRAY makes an array") };
    let columns: Vec<ArrayRef> = (0..call.args.len()).map(|i| as_type(&call.array(i)?, item.data_type())).collect::<Result<_>>()?;
    let values = interleave_rows(&columns, call.rows, item.data_type())?;
    let offsets = equal_lengths(call.rows, columns.len());
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, None)?))
}

/// An Arrow map of these keys and values.
pub(super) fn map_of(key: DataType, value: DataType, value_nullable: bool) -> DataType {
    let fields = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, value_nullable)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(fields), false)), false)
}

fn map_type(args: &ReturnFieldArgs) -> Result<DataType> {
    if !args.arg_fields.len().is_multiple_of(2) {
        return plan_err!("MAP needs a value for every key");
    }
    let every = |from: usize| -> Vec<FieldRef> { args.arg_fields.iter().skip(from).step_by(2).cloned().collect() };
    let common = |fields: &[FieldRef]| {
        let types: Vec<DataType> = fields.iter().map(|f| f.data_type().clone()).collect();
        if types.is_empty() { Some(DataType::Null) } else { common_type(&types) }
    };
    let (keys, values) = (every(0), every(1));
    match (common(&keys), common(&values)) {
        (Some(key), Some(value)) => Ok(map_of(key, value, values.iter().any(|f| f.is_nullable()))),
        _ => plan_err!("MAP: the keys, or the values, have no common type"),
    }
}

/// The fields of a map type: entries, key, value.
pub(super) fn map_fields(data_type: &DataType) -> Result<(&FieldRef, &Fields)> {
    match data_type {
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => Ok((entries, fields)),
            other => exec_err!("A map has keys and values, not {other}"),
        },
        other => exec_err!("{} is not a MAP", type_name(other)),
    }
}

/// A map column of keys and values with these row ends.
pub(super) fn build_map(
    data_type: &DataType,
    keys: ArrayRef,
    values: ArrayRef,
    offsets: OffsetBuffer<i32>,
    nulls: Option<arrow::buffer::NullBuffer>,
) -> Result<ArrayRef> {
    let (entries, fields) = map_fields(data_type)?;
    if keys.null_count() > 0 {
        return exec_err!("A key of a MAP is NULL; Flott keeps no such entries");
    }
    let structs = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, structs, nulls, false)?))
}

fn make_map(call: &Call) -> Result<ArrayRef> {
    let (_, fields) = map_fields(call.returns.data_type())?;
    let (key_type, value_type) = (fields[0].data_type(), fields[1].data_type());
    let every = |from: usize, data_type: &DataType| -> Result<Vec<ArrayRef>> {
        (from..call.args.len()).step_by(2).map(|i| as_type(&call.array(i)?, data_type)).collect()
    };
    let (keys, values) = (every(0, key_type)?, every(1, value_type)?);
    let offsets = equal_lengths(call.rows, keys.len());
    let all_keys = interleave_rows(&keys, call.rows, key_type)?;
    let all_values = interleave_rows(&values, call.rows, value_type)?;
    match last_of_each_key(&all_keys, &offsets)? {
        None => build_map(call.returns.data_type(), all_keys, all_values, offsets, None),
        Some((picks, offsets)) => {
            let (keys, values) = (take(&all_keys, &picks, None)?, take(&all_values, &picks, None)?);
            build_map(call.returns.data_type(), keys, values, offsets, None)
        }
    }
}

/// The entries to keep where keys are there twice: of those with the same key the last one, where the first of them stood. `None` if all are.
fn last_of_each_key(keys: &ArrayRef, offsets: &OffsetBuffer<i32>) -> Result<Option<(UInt32Array, OffsetBuffer<i32>)>> {
    let fields = vec![SortField::new(keys.data_type().clone())];
    if offsets.lengths().all(|entries| entries < 2) || !RowConverter::supports_fields(&fields) {
        return Ok(None);
    }
    let encoded = RowConverter::new(fields)?.convert_columns(std::slice::from_ref(keys))?;
    let mut picks: Vec<u32> = Vec::with_capacity(keys.len());
    let mut lengths = Vec::with_capacity(offsets.len() - 1);
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    for row in offsets.windows(2) {
        places.clear();
        let start = picks.len();
        for entry in row[0]..row[1] {
            match places.entry(encoded.row(entry as usize).data()) {
                Entry::Occupied(place) => picks[*place.get()] = entry as u32,
                Entry::Vacant(place) => {
                    place.insert(picks.len());
                    picks.push(entry as u32);
                }
            }
        }
        lengths.push(picks.len() - start);
    }
    let kept_all = picks.len() == keys.len();
    Ok((!kept_all).then(|| (picks.into(), OffsetBuffer::from_lengths(lengths))))
}

fn row_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let field = |(i, f): (usize, &FieldRef)| Field::new(format!("EXPR${i}"), f.data_type().clone(), f.is_nullable());
    Ok(DataType::Struct(args.arg_fields.iter().enumerate().map(field).collect()))
}

fn make_row(call: &Call) -> Result<ArrayRef> {
    let columns: Vec<ArrayRef> = (0..call.args.len()).map(|i| call.array(i)).collect::<Result<_>>()?;
    build_row(call, columns)
}

fn build_row(call: &Call, columns: Vec<ArrayRef>) -> Result<ArrayRef> {
    let DataType::Struct(fields) = call.returns.data_type() else { return exec_err!("ROW makes a row") };
    if fields.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(call.rows, None)));
    }
    Ok(Arc::new(StructArray::try_new(fields.clone(), columns, None)?))
}

fn named_row_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let mut fields = Vec::new();
    for (i, pair) in args.arg_fields.chunks(2).enumerate() {
        let name = match args.scalar_arguments.get(2 * i).copied().flatten() {
            Some(ScalarValue::Utf8(Some(name))) => name.clone(),
            _ => return plan_err!("ROW: the name of field {} must be a constant", i + 1),
        };
        let [_, value] = pair else { return plan_err!("ROW: the field '{name}' has no value") };
        fields.push(Field::new(name, value.data_type().clone(), value.is_nullable()));
    }
    Ok(DataType::Struct(fields.into()))
}

fn make_named_row(call: &Call) -> Result<ArrayRef> {
    let columns: Vec<ArrayRef> = (1..call.args.len()).step_by(2).map(|i| call.array(i)).collect::<Result<_>>()?;
    build_row(call, columns)
}

/// The place of a struct's field by name, or by number from 1.
fn field_place(fields: &Fields, key: Option<&ScalarValue>) -> Result<usize> {
    let found = match key {
        Some(ScalarValue::Utf8(Some(name))) => match fields.find(name) {
            Some((place, _)) => Some(place),
            None => {
                let names: Vec<&str> = fields.iter().map(|f| f.name().as_str()).collect();
                return plan_err!("The row has no field '{name}'; its fields are {}", names.join(", "));
            }
        },
        Some(ScalarValue::Int32(Some(place))) => usize::try_from(*place - 1).ok(),
        Some(ScalarValue::Int64(Some(place))) => usize::try_from(*place - 1).ok(),
        _ => None,
    };
    match found.filter(|place| *place < fields.len()) {
        Some(place) => Ok(place),
        None => plan_err!("A field of a row is named by a constant"),
    }
}

fn item_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let [value, key] = args.arg_fields else { return plan_err!("An element is named by one key") };
    Ok(match value.data_type() {
        DataType::List(item) if is_integer(key.data_type()) => {
            if let Some(index @ ..=0) = constant_index(args.scalar_arguments.get(1).copied().flatten()) {
                return plan_err!("An array's elements are counted from 1, but the index is {index}");
            }
            item.data_type().clone()
        }
        DataType::List(_) => return plan_err!("An array's index is a whole number, not {}", type_name(key.data_type())),
        DataType::Map(..) => {
            let fields = map_fields(value.data_type())?.1;
            let (of_map, asked) = (fields[0].data_type(), key.data_type());
            if common_type(&[of_map.clone(), asked.clone()]).is_none() {
                return plan_err!("The keys of the MAP are {}, not {}: CAST the key", type_name(of_map), type_name(asked));
            }
            fields[1].data_type().clone()
        }
        DataType::Struct(fields) => {
            let place = field_place(fields, args.scalar_arguments.get(1).copied().flatten())?;
            fields[place].data_type().clone()
        }
        DataType::LargeBinary => super::variant::part_type(key.data_type())?,
        other => return plan_err!("{} has no elements", type_name(other)),
    })
}

fn constant_index(scalar: Option<&ScalarValue>) -> Option<i64> {
    match scalar? {
        ScalarValue::Int8(v) => v.map(i64::from),
        ScalarValue::Int16(v) => v.map(i64::from),
        ScalarValue::Int32(v) => v.map(i64::from),
        ScalarValue::Int64(v) => *v,
        _ => None,
    }
}

fn item(call: &Call) -> Result<ArrayRef> {
    let value = call.array(0)?;
    match value.data_type() {
        DataType::List(_) => list_item(call, &value),
        DataType::Map(..) => map_item(call, &value),
        DataType::Struct(fields) => {
            let key = match &call.args[1] {
                datafusion_expr::ColumnarValue::Scalar(scalar) => Some(scalar),
                _ => None,
            };
            let structs = value.as_struct();
            let column = structs.column(field_place(fields, key)?);
            // A field of a row that is NULL is NULL.
            match structs.nulls() {
                None => Ok(Arc::clone(column)),
                Some(nulls) => {
                    let picks: UInt32Array = (0..call.rows).map(|row| nulls.is_valid(row).then_some(row as u32)).collect();
                    Ok(take(column, &picks, None)?)
                }
            }
        }
        DataType::LargeBinary => super::variant::part(call, &value),
        other => exec_err!("{} has no elements", type_name(other)),
    }
}

fn list_item(call: &Call, value: &ArrayRef) -> Result<ArrayRef> {
    let (list, index) = (value.as_list::<i32>(), call.int(1)?);
    let offsets = list.value_offsets();
    let picks: UInt32Array = (0..call.rows)
        .map(|row| {
            let index = index.get(row).filter(|_| list.is_valid(row))?;
            let place = i64::from(offsets[row]).checked_add(index - 1)?;
            (index >= 1 && place < i64::from(offsets[row + 1])).then_some(place as u32)
        })
        .collect();
    Ok(take(list.values(), &picks, None)?)
}

fn map_item(call: &Call, value: &ArrayRef) -> Result<ArrayRef> {
    let Some(map) = value.as_map_opt() else { return exec_err!("{} is not a MAP", type_name(value.data_type())) };
    let (key, constant) = call.array_or_constant(1)?;
    let key = as_type(&key, map.keys().data_type())?;
    let offsets = map.value_offsets();
    if let (Some(keys), Some(wanted)) =
        (map.keys().as_string_opt::<i32>(), key.as_string_opt::<i32>().filter(|key| constant && key.is_valid(0)))
    {
        let wanted = wanted.value(0);
        let find = |row: usize| (offsets[row]..offsets[row + 1]).find(|i| keys.value(*i as usize) == wanted).map(|i| i as u32);
        let picks: UInt32Array = (0..call.rows).map(|row| find(row).filter(|_| map.is_valid(row))).collect();
        return Ok(take(map.values(), &picks, None)?);
    }
    let compare = make_comparator(map.keys().as_ref(), key.as_ref(), SortOptions::default())?;
    let picks: UInt32Array = (0..call.rows)
        .map(|row| {
            let at = if constant { 0 } else { row };
            if map.is_null(row) || key.is_null(at) {
                return None;
            }
            (offsets[row]..offsets[row + 1]).find(|i| compare(*i as usize, at).is_eq()).map(|i| i as u32)
        })
        .collect();
    Ok(take(map.values(), &picks, None)?)
}
