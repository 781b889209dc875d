//! Writes rows as messages, as Java's classes do: fields in the order of their numbers, numbers of proto3 that are 0 left out.

use flott_engine::{Error, Result};

use super::plan::{FieldPlan, Message, Shape, Type};
use super::wire::{BYTES, push_nested, push_tag, push_varint, zigzag};
use crate::formats::cells::{Cells, Kind};

/// Appends the message of a row. `null_text` stands for NULL among the strings of an array or a map.
pub fn message(plan: &Message, columns: &[(String, Cells)], row: usize, null_text: &str, out: &mut Vec<u8>) -> Result<()> {
    for place in &plan.by_number {
        let (field, (_, cells)) = (&plan.fields[*place], &columns[*place]);
        if cells.is_null(row) {
            if plan.required.iter().any(|(number, _)| *number == field.number) {
                return Err(Error::data(format!("The column {} is NULL, and its field is required", field.name)));
            }
            continue;
        }
        // Of several members of a `oneof` the one that is set last is there.
        let beaten = |later: usize| plan.fields[later].oneof == field.oneof && !columns[later].1.is_null(row);
        if field.oneof.is_some() && (*place + 1..plan.fields.len()).any(beaten) {
            continue;
        }
        write_field(field, cells, row, null_text, out)?;
    }
    Ok(())
}

fn write_field(field: &FieldPlan, cells: &Cells, row: usize, null_text: &str, out: &mut Vec<u8>) -> Result<()> {
    match (&field.shape, &cells.kind) {
        (Shape::Single(single), _) => {
            if !field.presence && is_default(single, cells, row) {
                return Ok(());
            }
            push_tag(field.number, single.encoding(), out);
            write_value(single, cells, row, null_text, out)
        }
        (Shape::Repeated(element), Kind::List(list, elements)) => {
            let range = list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
            if field.packed && !range.is_empty() {
                push_tag(field.number, BYTES, out);
                return push_nested(out, |out| range.into_iter().try_for_each(|i| write_value(element, elements, i, null_text, out)));
            }
            range.into_iter().try_for_each(|i| {
                push_tag(field.number, element.encoding(), out);
                write_value(element, elements, i, null_text, out)
            })
        }
        (Shape::Map(key, value), Kind::Map(map, keys, values)) => {
            let mut range = map.value_offsets()[row] as usize..map.value_offsets()[row + 1] as usize;
            range.try_for_each(|i| {
                push_tag(field.number, BYTES, out);
                push_nested(out, |out| {
                    push_tag(1, key.encoding(), out);
                    write_value(key, keys, i, null_text, out)?;
                    push_tag(2, value.encoding(), out);
                    write_value(value, values, i, null_text, out)
                })
            })
        }
        _ => Err(misfit()),
    }
}

fn misfit() -> Error {
    Error::internal("a column does not fit the plan to write it")
}

/// Whether a value is the one that stands for a field that is not there.
fn is_default(single: &Type, cells: &Cells, row: usize) -> bool {
    match (single, &cells.kind) {
        (Type::Message(_), _) => false,
        (Type::Enum(symbols), kind) => enum_number(symbols, kind, row) == Some(0),
        (_, Kind::Int32(a)) => a.value(row) == 0,
        (_, Kind::Int64(a)) => a.value(row) == 0,
        (_, Kind::Boolean(a)) => !a.value(row),
        (_, Kind::Float32(a)) => a.value(row).to_bits() == 0,
        (_, Kind::Float64(a)) => a.value(row).to_bits() == 0,
        (_, Kind::String(a)) => a.value(row).is_empty(),
        (_, Kind::Binary(a)) => a.value(row).is_empty(),
        _ => false,
    }
}

/// Appends a value without its tag; for NULL, which only elements can be here, the type's default.
fn write_value(single: &Type, cells: &Cells, row: usize, null_text: &str, out: &mut Vec<u8>) -> Result<()> {
    if cells.is_null(row) {
        return write_null(single, null_text, out);
    }
    match (single, &cells.kind) {
        (Type::Int64 | Type::Uint64, Kind::Int64(a)) => push_varint(a.value(row) as u64, out),
        (Type::Int32, Kind::Int32(a)) => push_varint(i64::from(a.value(row)) as u64, out),
        (Type::String, Kind::String(a)) => push_bytes(a.value(row).as_bytes(), out),
        (Type::Bytes, Kind::Binary(a)) => push_bytes(a.value(row), out),
        (Type::Double, Kind::Float64(a)) => out.extend_from_slice(&a.value(row).to_le_bytes()),
        (Type::Float, Kind::Float32(a)) => out.extend_from_slice(&a.value(row).to_le_bytes()),
        (Type::Bool, Kind::Boolean(a)) => out.push(u8::from(a.value(row))),
        (Type::Uint32, Kind::Int32(a)) => push_varint(u64::from(a.value(row) as u32), out),
        (Type::Sint32, Kind::Int32(a)) => push_varint(u64::from(zigzag(a.value(row).into()) as u32), out),
        (Type::Sint64, Kind::Int64(a)) => push_varint(zigzag(a.value(row)), out),
        (Type::Fixed32 | Type::Sfixed32, Kind::Int32(a)) => out.extend_from_slice(&a.value(row).to_le_bytes()),
        (Type::Fixed64 | Type::Sfixed64, Kind::Int64(a)) => out.extend_from_slice(&a.value(row).to_le_bytes()),
        (Type::Enum(symbols), kind) => push_varint(i64::from(enum_number(symbols, kind, row).ok_or_else(misfit)?) as u64, out),
        (Type::Message(plan), Kind::Row(columns)) => return push_nested(out, |out| message(plan, columns, row, null_text, out)),
        _ => return Err(misfit()),
    }
    Ok(())
}

fn write_null(single: &Type, null_text: &str, out: &mut Vec<u8>) -> Result<()> {
    match single {
        Type::String => push_bytes(null_text.as_bytes(), out),
        Type::Fixed32 | Type::Sfixed32 | Type::Float => out.extend_from_slice(&[0; 4]),
        Type::Fixed64 | Type::Sfixed64 | Type::Double => out.extend_from_slice(&[0; 8]),
        Type::Enum(symbols) => push_varint(i64::from(symbols.first) as u64, out),
        // No bytes, or the number 0.
        _ => out.push(0),
    }
    Ok(())
}

/// The number of an enum's value, by its name or number; of one that is not known, that of the first.
fn enum_number(symbols: &super::plan::Symbols, kind: &Kind, row: usize) -> Option<i32> {
    let number: i64 = match kind {
        Kind::String(a) => return Some(symbols.numbers.get(a.value(row)).copied().unwrap_or(symbols.first)),
        Kind::Int8(a) => a.value(row).into(),
        Kind::Int16(a) => a.value(row).into(),
        Kind::Int32(a) => a.value(row).into(),
        Kind::Int64(a) => a.value(row),
        _ => return None,
    };
    let known = i32::try_from(number).ok().filter(|number| symbols.names.contains_key(number));
    Some(known.unwrap_or(symbols.first))
}

fn push_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    push_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}
