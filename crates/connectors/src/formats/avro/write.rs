//! Writes rows as Avro data. What is done with each column is worked out once, from the schema that is written and the columns.

use std::collections::HashMap;

use arrow::array::Array;
use arrow::datatypes::{DataType, Field, Fields};
use flott_engine::{Error, Result};

use super::per_second;
use super::schema::{Id, Kind, Logical, MILLIS, Schema};
use super::wire::{push_bytes, push_long, shortest};
use crate::formats::cells::{self, Cells};
use crate::formats::scalar::type_name;

/// What to do with a column.
#[derive(Debug, Clone)]
pub enum Write {
    Null,
    Plain,
    /// Bytes of exactly that number.
    Fixed(usize),
    Enum(HashMap<String, i64>),
    /// Time of day in units of 1/`n` second.
    Time(i64),
    /// A time in units of 1/`from` second, to become 1/`to` second.
    Timestamp {
        from: i64,
        to: i64,
    },
    List(Box<Write>),
    Map(Box<Write>),
    /// Numbers of the columns, in the order of the record's fields.
    Row(Vec<(usize, Write)>),
    /// A union of `null`, of the first number, and a type, of the second.
    Nullable(i64, i64, Box<Write>),
}

/// A plan to write rows with these fields as values of a type. Fails, in words, if the schema does not fit them.
pub fn plan(schema: &Schema, id: Id, fields: &Fields) -> std::result::Result<Write, String> {
    let Kind::Record { fields: members, .. } = schema.kind(id) else { return Err("the schema is no record".into()) };
    if let Some(other) = fields.iter().find(|field| !members.iter().any(|member| member.name == *field.name())) {
        return Err(format!("the schema has no field '{}'", other.name()));
    }
    let members = members.iter().map(|member| {
        let column = fields.iter().position(|field| *field.name() == member.name);
        let column = column.ok_or_else(|| format!("the table has no column '{}', which the schema has", member.name))?;
        let write = value(schema, member.id, &fields[column]).map_err(|e| format!("field {}: {e}", member.name))?;
        Ok((column, write))
    });
    Ok(Write::Row(members.collect::<std::result::Result<_, String>>()?))
}

fn value(schema: &Schema, id: Id, field: &Field) -> std::result::Result<Write, String> {
    if let Kind::Union(branches) = schema.kind(id) {
        let null = |id: &Id| matches!(schema.kind(*id), Kind::Null);
        return match &branches[..] {
            [first, second] if null(first) => Ok(Write::Nullable(0, 1, Box::new(plain(schema, *second, field)?))),
            [first, second] if null(second) => Ok(Write::Nullable(1, 0, Box::new(plain(schema, *first, field)?))),
            _ => Err("only a union of null and one type can be written".into()),
        };
    }
    plain(schema, id, field)
}

fn plain(schema: &Schema, id: Id, field: &Field) -> std::result::Result<Write, String> {
    let logical = schema.get(id).logical;
    Ok(match (schema.kind(id), field.data_type()) {
        (Kind::Null, _) => Write::Null,
        (Kind::Boolean, DataType::Boolean)
        | (Kind::Int, DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Date32)
        | (Kind::Long, DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64)
        | (Kind::Float, DataType::Float32)
        | (Kind::Double, DataType::Float64)
        | (Kind::String, DataType::Utf8)
        | (Kind::Bytes, DataType::Binary) => Write::Plain,
        (Kind::Bytes | Kind::Fixed { .. }, DataType::Decimal128(_, scale)) => match (logical, schema.kind(id)) {
            (Some(Logical::Decimal(_, written)), _) if written != i32::from(*scale) => {
                return Err(format!("its decimals have {written} digits behind the point, those of the column {scale}"));
            }
            (_, Kind::Fixed { size, .. }) => Write::Fixed(*size),
            _ => Write::Plain,
        },
        (Kind::Fixed { size, .. }, DataType::Binary) => Write::Fixed(*size),
        (Kind::Enum { symbols, .. }, DataType::Utf8) => Write::Enum(symbols.iter().cloned().zip(0..).collect()),
        (Kind::Int | Kind::Long, DataType::Time32(_)) => match logical {
            Some(Logical::Time(unit)) => Write::Time(unit),
            _ => Write::Time(MILLIS),
        },
        (Kind::Long, DataType::Timestamp(unit, _)) => {
            let to = match logical {
                Some(Logical::Timestamp(to) | Logical::LocalTimestamp(to)) => to,
                _ => MILLIS,
            };
            Write::Timestamp { from: per_second(*unit), to }
        }
        (Kind::Array(items), DataType::List(element)) => Write::List(Box::new(value(schema, *items, element)?)),
        (Kind::Map(values), DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(entry) if entry.len() == 2 => Write::Map(Box::new(value(schema, *values, &entry[1])?)),
            other => return Err(format!("map entries of type {other}")),
        },
        (Kind::Record { .. }, DataType::Struct(fields)) => plan(schema, id, fields)?,
        (_, data_type) => return Err(format!("{} cannot hold {}", schema.name(id), type_name(data_type))),
    })
}

/// Appends a row of columns.
pub fn row(members: &[(usize, Write)], columns: &[Cells], row: usize, out: &mut Vec<u8>) -> Result<()> {
    members.iter().try_for_each(|(column, write)| value_of(write, &columns[*column], row, out))
}

fn value_of(write: &Write, cells: &Cells, row: usize, out: &mut Vec<u8>) -> Result<()> {
    match write {
        Write::Nullable(null, value, write) => {
            if cells.is_null(row) {
                push_long(*null, out);
                return Ok(());
            }
            push_long(*value, out);
            value_at(write, cells, row, out)
        }
        Write::Null => Ok(()),
        _ if cells.is_null(row) => Err(Error::data("A value is NULL, but Avro's schema does not allow it")),
        write => value_at(write, cells, row, out),
    }
}

fn value_at(write: &Write, cells: &Cells, row: usize, out: &mut Vec<u8>) -> Result<()> {
    match (write, &cells.kind) {
        (Write::Plain, kind) => plain_at(kind, row, out),
        (Write::Timestamp { from, to }, cells::Kind::Timestamp { values, .. }) => push_long(in_unit(values.value(row), *from, *to)?, out),
        (Write::Time(unit), cells::Kind::Time(a)) => push_long(i64::from(a.value(row)) * (unit / MILLIS), out),
        (Write::Fixed(size), cells::Kind::Binary(a)) => {
            let bytes = a.value(row);
            if bytes.len() != *size {
                return Err(Error::data(format!("{} bytes do not fill Avro's fixed of {size}", bytes.len())));
            }
            out.extend_from_slice(bytes);
        }
        (Write::Fixed(size), cells::Kind::Decimal(a, _)) => {
            let value = a.value(row);
            let bytes = value.to_be_bytes();
            let short = shortest(&bytes);
            let fill =
                size.checked_sub(short.len()).ok_or_else(|| Error::data(format!("A DECIMAL does not fit Avro's fixed of {size}")))?;
            out.resize(out.len() + fill, if value < 0 { 0xff } else { 0 });
            out.extend_from_slice(short);
        }
        (Write::Enum(symbols), cells::Kind::String(a)) => {
            let symbol = symbols.get(a.value(row));
            push_long(*symbol.ok_or_else(|| Error::data(format!("'{}' is no symbol of Avro's enum", a.value(row))))?, out);
        }
        (Write::List(write), cells::Kind::List(list, elements)) => {
            let (start, end) = (list.value_offsets()[row] as usize, list.value_offsets()[row + 1] as usize);
            if start < end {
                push_long((end - start) as i64, out);
                (start..end).try_for_each(|i| value_of(write, elements, i, out))?;
            }
            push_long(0, out);
        }
        (Write::Map(write), cells::Kind::Map(map, keys, values)) => {
            let (start, end) = (map.value_offsets()[row] as usize, map.value_offsets()[row + 1] as usize);
            let cells::Kind::String(keys) = &keys.kind else { return Err(Error::internal("keys of a map that are no strings")) };
            if start < end {
                push_long((end - start) as i64, out);
            }
            for i in start..end {
                if keys.is_null(i) {
                    return Err(Error::data("A MAP has a NULL key, which Avro does not have"));
                }
                push_bytes(keys.value(i).as_bytes(), out);
                value_of(write, values, i, out)?;
            }
            push_long(0, out);
        }
        (Write::Row(members), cells::Kind::Row(fields)) => {
            members.iter().try_for_each(|(i, write)| value_of(write, &fields[*i].1, row, out))?;
        }
        _ => return Err(Error::internal("a column does not fit the plan to write it")),
    }
    Ok(())
}

#[inline]
fn plain_at(kind: &cells::Kind, row: usize, out: &mut Vec<u8>) {
    match kind {
        cells::Kind::Int64(a) => push_long(a.value(row), out),
        cells::Kind::String(a) => push_bytes(a.value(row).as_bytes(), out),
        cells::Kind::Int32(a) => push_long(a.value(row).into(), out),
        cells::Kind::Float64(a) => out.extend_from_slice(&a.value(row).to_le_bytes()),
        cells::Kind::Float32(a) => out.extend_from_slice(&a.value(row).to_le_bytes()),
        cells::Kind::Boolean(a) => out.push(u8::from(a.value(row))),
        cells::Kind::Binary(a) => push_bytes(a.value(row), out),
        cells::Kind::Date(a) => push_long(a.value(row).into(), out),
        cells::Kind::Int16(a) => push_long(a.value(row).into(), out),
        cells::Kind::Int8(a) => push_long(a.value(row).into(), out),
        cells::Kind::Decimal(a, _) => push_bytes(shortest(&a.value(row).to_be_bytes()), out),
        // The plan lets nothing else through.
        _ => {}
    }
}

/// A time in another unit, rounded towards the past.
fn in_unit(value: i64, from: i64, to: i64) -> Result<i64> {
    if from >= to {
        return Ok(value.div_euclid(from / to));
    }
    value.checked_mul(to / from).ok_or_else(|| Error::data(format!("The time {value} is too far away for Avro's unit of 1/{to} second")))
}
