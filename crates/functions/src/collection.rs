//! Functions of maps, and the simplest of arrays.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, NullBufferBuilder, StringArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, Field, Int32Type};
use arrow::row::{RowConverter, SortField};
use datafusion_common::{Result, exec_err, plan_err};
use datafusion_expr::ReturnFieldArgs;

use super::construct::{build_map, map_fields, map_of};
use super::def::{Arg, Call, Def, Length, Ret};
use super::regexp::pattern;
use super::types::type_name;

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("cardinality", &[Arg::Any], Ret::Int, cardinality).doc(
        "CARDINALITY(collection)",
        "The number of elements of an array, or of entries of a map.",
        "CARDINALITY(ARRAY[1, 2]) = 2",
    ),
    Def::new("$single", &[Arg::Array], Ret::By(element_type), single).length(Length::Element).nullable(),
    Def::new("element", &[Arg::Array], Ret::By(element_type), element).length(Length::Element).nullable().doc(
        "ELEMENT(array)",
        "The only element; NULL for an empty array, an error for a longer one.",
        "ELEMENT(ARRAY[7]) = 7",
    ),
    Def::new("map_keys", &[Arg::Map], Ret::By(|args| part_type(args, 0)), |call| map_part(call, 0)).doc(
        "MAP_KEYS(map)",
        "The keys as an array.",
        "MAP_KEYS(MAP['a', 1]) = ARRAY['a']",
    ),
    Def::new("map_values", &[Arg::Map], Ret::By(|args| part_type(args, 1)), |call| map_part(call, 1)).doc(
        "MAP_VALUES(map)",
        "The values as an array.",
        "MAP_VALUES(MAP['a', 1]) = ARRAY[1]",
    ),
    Def::new("map_entries", &[Arg::Map], Ret::By(entries_type), map_entries).doc(
        "MAP_ENTRIES(map)",
        "The entries as an array of rows of key and value.",
        "MAP_ENTRIES(MAP['a', 1]) = ARRAY[ROW('a', 1)]",
    ),
    Def::new("map_from_arrays", &[Arg::Array, Arg::Array], Ret::By(map_from_type), map_from_arrays).doc(
        "MAP_FROM_ARRAYS(keys, values)",
        "The map of the keys to the values at the same place.",
        "MAP_FROM_ARRAYS(ARRAY['a', 'b'], ARRAY[1, 2])['b'] = 2",
    ),
    Def::new("map_union", &[Arg::SameMap], Ret::Common, map_union).variadic().length(Length::Collection).doc(
        "MAP_UNION(map, …)",
        "The entries of all maps; of those with the same key the last.",
        "MAP_UNION(MAP['a', 1], MAP['a', 2])['a'] = 2",
    ),
    Def::new("str_to_map", &[Arg::Text, Arg::Text, Arg::Text], Ret::By(|_| Ok(map_of(DataType::Utf8, DataType::Utf8, true))), str_to_map)
        .optional(2)
        .doc(
            "STR_TO_MAP(string [, pair_separator, key_separator])",
            "The map that a text such as k1=v1,k2=v2 holds; the separators (by default , and =) are regular expressions.",
            "STR_TO_MAP('a=1,b=2')['b'] = '2'",
        ),
];

fn cardinality(call: &Call) -> Result<ArrayRef> {
    let value = call.array(0)?;
    let offsets: &[i32] = match value.data_type() {
        DataType::List(_) => value.as_list::<i32>().value_offsets(),
        DataType::Map(..) => value.as_map().value_offsets(),
        DataType::Null => return call.primitives::<Int32Type>(|_| Ok(None)),
        other => return exec_err!("CARDINALITY takes an array or a map, not {}", type_name(other)),
    };
    call.primitives::<Int32Type>(|row| Ok(value.is_valid(row).then(|| offsets[row + 1] - offsets[row])))
}

/// The type of an array's elements.
pub(super) fn item_field(data_type: &DataType) -> Result<&Arc<Field>> {
    match data_type {
        DataType::List(item) => Ok(item),
        other => plan_err!("{} is not an ARRAY", type_name(other)),
    }
}

fn element_type(args: &ReturnFieldArgs) -> Result<DataType> {
    Ok(item_field(args.arg_fields[0].data_type())?.data_type().clone())
}

fn element(call: &Call) -> Result<ArrayRef> {
    only_element(call, |count| format!("ELEMENT: the array has {count} elements, but only one is allowed"))
}

fn single(call: &Call) -> Result<ArrayRef> {
    only_element(call, |count| format!("a sub-query that is used as a value gives {count} rows, but only one is allowed"))
}

fn only_element(call: &Call, several: fn(i32) -> String) -> Result<ArrayRef> {
    let value = call.array(0)?;
    let list = value.as_list::<i32>();
    let offsets = list.value_offsets();
    let mut picks = Vec::with_capacity(call.rows);
    for row in 0..call.rows {
        let count = offsets[row + 1] - offsets[row];
        if list.is_valid(row) && count > 1 {
            return exec_err!("{}", several(count));
        }
        picks.push((list.is_valid(row) && count == 1).then_some(offsets[row] as u32));
    }
    Ok(take(list.values(), &UInt32Array::from(picks), None)?)
}

fn part_type(args: &ReturnFieldArgs, part: usize) -> Result<DataType> {
    let (_, fields) = map_fields(args.arg_fields[0].data_type())?;
    Ok(DataType::new_list(fields[part].data_type().clone(), fields[part].is_nullable()))
}

fn map_part(call: &Call, part: usize) -> Result<ArrayRef> {
    let value = call.array(0)?;
    let map = value.as_map();
    let column = if part == 0 { map.keys() } else { map.values() };
    let item = item_field(call.returns.data_type())?;
    let list = ListArray::try_new(Arc::clone(item), map.offsets().clone(), Arc::clone(column), map.nulls().cloned())?;
    Ok(Arc::new(list))
}

fn entries_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let (_, fields) = map_fields(args.arg_fields[0].data_type())?;
    Ok(DataType::List(Arc::new(Field::new("item", DataType::Struct(fields.clone()), false))))
}

fn map_entries(call: &Call) -> Result<ArrayRef> {
    let value = call.array(0)?;
    let map = value.as_map();
    let item = item_field(call.returns.data_type())?;
    let entries: ArrayRef = Arc::new(map.entries().clone());
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), map.offsets().clone(), entries, map.nulls().cloned())?))
}

fn map_from_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let key = item_field(args.arg_fields[0].data_type())?;
    let value = item_field(args.arg_fields[1].data_type())?;
    Ok(map_of(key.data_type().clone(), value.data_type().clone(), value.is_nullable()))
}

fn map_from_arrays(call: &Call) -> Result<ArrayRef> {
    let (keys, values) = (call.array(0)?, call.array(1)?);
    let (keys, values) = (keys.as_list::<i32>(), values.as_list::<i32>());
    let (mut key_picks, mut value_picks, mut lengths) = (Vec::new(), Vec::new(), Vec::with_capacity(call.rows));
    let nulls = NullBuffer::union(keys.nulls(), values.nulls());
    for row in 0..call.rows {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            lengths.push(0);
            continue;
        }
        let (count, other) = (keys.value_length(row), values.value_length(row));
        if count != other {
            return exec_err!("MAP_FROM_ARRAYS: there are {count} keys but {other} values");
        }
        key_picks.extend((keys.value_offsets()[row]..keys.value_offsets()[row + 1]).map(|i| i as u32));
        value_picks.extend((values.value_offsets()[row]..values.value_offsets()[row + 1]).map(|i| i as u32));
        lengths.push(count as usize);
    }
    let keys = take(keys.values(), &UInt32Array::from(key_picks), None)?;
    let values = take(values.values(), &UInt32Array::from(value_picks), None)?;
    build_map(call.returns.data_type(), keys, values, OffsetBuffer::from_lengths(lengths), nulls)
}

fn map_union(call: &Call) -> Result<ArrayRef> {
    let maps: Vec<ArrayRef> = (0..call.args.len()).map(|i| call.array(i)).collect::<Result<_>>()?;
    let keys: Vec<ArrayRef> = maps.iter().map(|map| Arc::clone(map.as_map().keys())).collect();
    let converter = RowConverter::new(vec![SortField::new(keys[0].data_type().clone())])?;
    let encoded: Vec<_> =
        keys.iter().map(|keys| converter.convert_columns(std::slice::from_ref(keys))).collect::<std::result::Result<_, _>>()?;
    let (mut picks, mut lengths) = (Vec::new(), Vec::with_capacity(call.rows));
    let mut nulls = NullBufferBuilder::new(call.rows);
    for row in 0..call.rows {
        let valid = maps.iter().all(|map| map.is_valid(row));
        nulls.append(valid);
        let start = picks.len();
        if valid {
            let mut places: HashMap<&[u8], usize> = HashMap::new();
            for (m, map) in maps.iter().enumerate() {
                let offsets = map.as_map().value_offsets();
                for entry in offsets[row] as usize..offsets[row + 1] as usize {
                    let place = *places.entry(encoded[m].row(entry).data()).or_insert_with(|| {
                        picks.push((m, entry));
                        picks.len() - 1
                    });
                    picks[place] = (m, entry);
                }
            }
        }
        lengths.push(picks.len() - start);
    }
    let pick = |part: fn(&arrow::array::MapArray) -> &ArrayRef| -> Result<ArrayRef> {
        let arrays: Vec<&dyn Array> = maps.iter().map(|map| part(map.as_map()).as_ref()).collect();
        Ok(interleave(&arrays, &picks)?)
    };
    let (keys, values) = (pick(|map| map.keys())?, pick(|map| map.values())?);
    build_map(call.returns.data_type(), keys, values, OffsetBuffer::from_lengths(lengths), nulls.finish())
}

/// Cuts a text as Java's `String.split` does: at matches of a regular expression, empty parts at the end dropped.
fn split_java<'a>(text: &'a str, separator: &str, limit: Option<usize>) -> Result<Vec<&'a str>> {
    let special = |c: char| "\\[](){}.*+?^$|".contains(c);
    let mut parts: Vec<&str> = if separator.contains(special) {
        let pattern = pattern(separator)?;
        match limit {
            Some(limit) => pattern.regex.splitn(text, limit).collect(),
            None => pattern.regex.split(text).collect(),
        }
    } else if separator.is_empty() {
        // Every character by itself, or the first and the rest.
        let ends = text.char_indices().skip(1).map(|(at, _)| at).take(limit.map_or(usize::MAX, |limit| limit - 1));
        let mut start = 0;
        let mut parts: Vec<&str> = ends.map(|end| &text[std::mem::replace(&mut start, end)..end]).collect();
        parts.push(&text[start..]);
        if limit.is_some_and(|limit| parts.len() < limit) {
            parts.push("");
        }
        parts
    } else {
        match limit {
            Some(limit) => text.splitn(limit, separator).collect(),
            None => text.split(separator).collect(),
        }
    };
    // A match of nothing at the start cuts nothing off.
    if parts.len() > 1
        && parts[0].is_empty()
        && separator.contains(special)
        && pattern(separator)?.regex.find(text).is_some_and(|m| m.is_empty())
    {
        parts.remove(0);
    }
    if limit.is_none() {
        while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
    }
    Ok(parts)
}

fn str_to_map(call: &Call) -> Result<ArrayRef> {
    let (text, pairs, keys) = (call.text(0)?, call.text_or(1, ",")?, call.text_or(2, "=")?);
    let (mut key_texts, mut value_texts): (Vec<String>, Vec<Option<String>>) = (Vec::new(), Vec::new());
    let mut lengths = Vec::with_capacity(call.rows);
    let mut nulls = NullBufferBuilder::new(call.rows);
    for row in 0..call.rows {
        let start = key_texts.len();
        let found = (text.get(row), pairs.get(row), keys.get(row));
        let (Some(text), Some(pair_separator), Some(key_separator)) = found else {
            nulls.append_null();
            lengths.push(0);
            continue;
        };
        nulls.append_non_null();
        let pairs = if text.is_empty() { Vec::new() } else { split_java(text, pair_separator, None)? };
        for pair in pairs {
            let (key, value) = match split_java(pair, key_separator, Some(2))?[..] {
                [key, value] => (key, Some(value.to_string())),
                _ => (pair, None),
            };
            match key_texts[start..].iter().position(|known| known == key) {
                Some(place) => value_texts[start + place] = value,
                None => {
                    key_texts.push(key.to_string());
                    value_texts.push(value);
                }
            }
        }
        lengths.push(key_texts.len() - start);
    }
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(key_texts));
    let values: ArrayRef = Arc::new(StringArray::from(value_texts));
    build_map(call.returns.data_type(), keys, values, OffsetBuffer::from_lengths(lengths), nulls.finish())
}
