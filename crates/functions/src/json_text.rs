//! SQL values as JSON text, for the functions that build JSON.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Float32Type, TimeUnit};
use datafusion_common::{Result, exec_err, plan_err};
use flott_engine::text::{print_text, push_f64, value_text};

use super::construct::map_fields;
use super::json::IS_JSON;
use super::json_path::{number_text, parse, push_quoted};
use super::types::type_name;

/// An error for a type that Flink does not write as JSON: DATE, TIME, an INTERVAL, a BITMAP, a map whose keys are no texts.
pub(super) fn check_json(data_type: &DataType) -> Result<()> {
    match data_type {
        DataType::List(item) => check_json(item.data_type()),
        DataType::Struct(fields) => fields.iter().try_for_each(|field| check_json(field.data_type())),
        DataType::Map(..) => {
            let (_, fields) = map_fields(data_type)?;
            match fields[0].data_type() {
                DataType::Utf8 => check_json(fields[1].data_type()),
                key => plan_err!("the keys of a JSON object are texts, not {}: CAST the map first", type_name(key)),
            }
        }
        DataType::Date32 | DataType::Time32(_) | DataType::Interval(_) | DataType::BinaryView => {
            plan_err!("{} cannot be written as JSON: CAST it to STRING", type_name(data_type))
        }
        _ => Ok(()),
    }
}

/// Appends a value of any type as JSON.
pub(super) fn push_json(array: &ArrayRef, field: &Field, row: usize, out: &mut Vec<u8>) -> Result<()> {
    if array.is_null(row) {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    match array.data_type() {
        DataType::Utf8 if field.metadata().contains_key(IS_JSON) => {
            let text = array.as_string::<i32>().value(row);
            match parse(text) {
                Some(node) => node.write(out),
                None => return exec_err!("JSON: '{text}' is not JSON"),
            }
        }
        DataType::Utf8 => push_quoted(out, array.as_string::<i32>().value(row)),
        DataType::Boolean => out.extend_from_slice(if array.as_boolean().value(row) { b"true" } else { b"false" }),
        DataType::Binary => {
            use base64::Engine as _;
            let bytes = array.as_binary::<i32>().value(row);
            push_quoted(out, &base64::engine::general_purpose::STANDARD.encode(bytes));
        }
        DataType::LargeBinary => flott_engine::variant::push_variant(out, array.as_binary::<i64>().value(row)),
        DataType::List(item) => {
            let list = array.as_list::<i32>();
            out.push(b'[');
            for i in list.value_offsets()[row]..list.value_offsets()[row + 1] {
                if i > list.value_offsets()[row] {
                    out.push(b',');
                }
                push_json(list.values(), item, i as usize, out)?;
            }
            out.push(b']');
        }
        DataType::Struct(fields) => {
            let structs = array.as_struct();
            let names = fields.iter().zip(structs.columns());
            let names: std::collections::BTreeMap<_, _> = names.map(|(f, c)| (f.name().as_str(), (f, c))).collect();
            out.push(b'{');
            for (i, (name, (field, column))) in names.into_iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                push_quoted(out, name);
                out.push(b':');
                push_json(column, field, row, out)?;
            }
            out.push(b'}');
        }
        DataType::Map(..) => push_json_map(array, row, out)?,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Time32(TimeUnit::Millisecond) => {
            let mut text = Vec::new();
            print_text(array.as_ref(), row, field, &mut text);
            match array.data_type() {
                DataType::Timestamp(_, Some(_)) => without_zeros_behind(&mut text),
                // Java's own text of a whole minute leaves out its seconds, JSON does not.
                DataType::Timestamp(_, None) if text.iter().filter(|b| **b == b':').count() == 1 => text.extend_from_slice(b":00"),
                _ => {}
            }
            push_quoted(out, &String::from_utf8_lossy(&text));
        }
        DataType::Float32 | DataType::Float64 => push_float(array, field, row, out),
        data_type if super::types::is_number(data_type) => value_text(array.as_ref(), row, field, out),
        other => return exec_err!("{} cannot be written as JSON", type_name(other)),
    }
    Ok(())
}

/// A FLOAT is written with the digits that it has as a DOUBLE.
fn push_float(array: &ArrayRef, field: &Field, row: usize, out: &mut Vec<u8>) {
    let mut text = Vec::new();
    match array.as_primitive_opt::<Float32Type>() {
        Some(floats) => push_f64(&mut text, f64::from(floats.value(row))),
        None => value_text(array.as_ref(), row, field, &mut text),
    }
    let text = String::from_utf8_lossy(&text);
    if text.ends_with(|c: char| c.is_ascii_digit()) {
        // Java makes a BigDecimal of it: 1.0E10 is 1.0E+10.
        out.extend_from_slice(number_text(&text).as_bytes());
    } else {
        // NaN and the infinities are no numbers there.
        push_quoted(out, &text);
    }
}

/// A point in time is written with as many digits as it needs: `…:03.1Z`.
fn without_zeros_behind(text: &mut Vec<u8>) {
    if text.last() == Some(&b'Z') && text.contains(&b'.') {
        text.pop();
        while text.last() == Some(&b'0') {
            text.pop();
        }
        if text.last() == Some(&b'.') {
            text.pop();
        }
        text.push(b'Z');
    }
}

fn push_json_map(array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
    let map = array.as_map();
    let (key_field, value_field) = map.entries_fields();
    let mut entries = std::collections::BTreeMap::new();
    for i in map.value_offsets()[row] as usize..map.value_offsets()[row + 1] as usize {
        let mut key = Vec::new();
        value_text(map.keys().as_ref(), i, key_field, &mut key);
        entries.insert(String::from_utf8_lossy(&key).into_owned(), i);
    }
    out.push(b'{');
    for (n, (key, i)) in entries.into_iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        push_quoted(out, &key);
        out.push(b':');
        push_json(map.values(), value_field, i, out)?;
    }
    out.push(b'}');
    Ok(())
}
