//! Writes rows as JSON, one object a line, as Flink's format does.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Fields, SchemaRef};
use flott_engine::{Error, Result, text};

use super::{JsonOptions, NullKeys};
use crate::formats::cells::{Cells, Kind};
use crate::formats::scalar::{TimestampStandard, type_name};
use crate::formats::{Encode, EncodeRows, base64};

/// Encodes rows of one schema.
pub struct JsonEncoder {
    schema: SchemaRef,
    options: Arc<JsonOptions>,
}

impl JsonEncoder {
    /// An encoder for rows of this schema. Fails for maps whose keys are no strings.
    pub fn new(schema: SchemaRef, options: JsonOptions) -> Result<Self> {
        for field in schema.fields() {
            check(field.name(), field.data_type())?;
        }
        Ok(Self { schema, options: Arc::new(options) })
    }
}

fn check(column: &str, data_type: &DataType) -> Result<()> {
    match data_type {
        DataType::List(element) => check(column, element.data_type()),
        DataType::Struct(fields) => fields.iter().try_for_each(|f| check(column, f.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 && fields[0].data_type() == &DataType::Utf8 => {
                check(column, fields[1].data_type())
            }
            DataType::Struct(fields) if fields.len() == 2 => Err(Error::config(format!(
                "Column {column}: JSON has only strings as keys of a MAP, not {}",
                type_name(fields[0].data_type())
            ))),
            other => Err(Error::internal(format!("Map entries of type {other}"))),
        },
        _ => Ok(()),
    }
}

impl Encode for JsonEncoder {
    fn open(&self, batch: &RecordBatch) -> Result<Box<dyn EncodeRows>> {
        let row = Object::new(self.schema.fields(), batch.columns())?;
        Ok(Box::new(JsonRows { row, options: self.options.clone() }))
    }
}

struct JsonRows {
    row: Object,
    options: Arc<JsonOptions>,
}

impl EncodeRows for JsonRows {
    fn row(&mut self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        self.row.write(row, &self.options, out)?;
        out.push(b'\n');
        Ok(())
    }
}

/// Columns written as the members of an object.
struct Object {
    members: Vec<Member>,
}

struct Member {
    /// `"name":`
    key: Vec<u8>,
    cells: Cells,
}

impl Object {
    fn new(fields: &Fields, columns: &[ArrayRef]) -> Result<Self> {
        let members = fields.iter().zip(columns).map(|(field, column)| {
            let mut key = vec![];
            push_string(field.name(), true, &mut key);
            key.push(b':');
            Ok(Member { key, cells: Cells::new(column, field)? })
        });
        Ok(Self { members: members.collect::<Result<_>>()? })
    }

    fn write(&self, row: usize, options: &JsonOptions, out: &mut Vec<u8>) -> Result<()> {
        out.push(b'{');
        let mut first = true;
        for member in &self.members {
            if options.ignore_null_fields && member.cells.is_null(row) {
                continue;
            }
            if !first {
                out.push(b',');
            }
            first = false;
            out.extend_from_slice(&member.key);
            write_cell(&member.cells, row, options, out)?;
        }
        out.push(b'}');
        Ok(())
    }
}

fn write_cell(cells: &Cells, row: usize, options: &JsonOptions, out: &mut Vec<u8>) -> Result<()> {
    if cells.is_null(row) {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    match &cells.kind {
        Kind::Null => out.extend_from_slice(b"null"),
        Kind::Boolean(a) => out.extend_from_slice(if a.value(row) { b"true" } else { b"false" }),
        Kind::Int8(a) => text::push_i64(out, a.value(row).into()),
        Kind::Int16(a) => text::push_i64(out, a.value(row).into()),
        Kind::Int32(a) => text::push_i64(out, a.value(row).into()),
        Kind::Int64(a) => text::push_i64(out, a.value(row)),
        Kind::Float32(a) => push_float(a.value(row).is_finite(), out, |out| text::push_f32(out, a.value(row))),
        Kind::Float64(a) => push_float(a.value(row).is_finite(), out, |out| text::push_f64(out, a.value(row))),
        Kind::Decimal(a, scale) if options.decimal_as_plain_number => text::push_decimal(out, a.value(row), *scale),
        Kind::Decimal(a, scale) => text::push_decimal_stripped(out, a.value(row), *scale),
        Kind::String(a) => push_string(a.value(row), true, out),
        Kind::Binary(a) => {
            out.push(b'"');
            base64::encode(a.value(row), out);
            out.push(b'"');
        }
        Kind::Interval(..) => text::push_i64(out, cells.interval(row)),
        Kind::Date(_) | Kind::Time(_) | Kind::Timestamp { .. } => {
            let separator = if options.rules.standard == TimestampStandard::Sql { b' ' } else { b'T' };
            out.push(b'"');
            cells.push_time_text(row, separator, true, out);
            out.push(b'"');
        }
        Kind::List(list, element) => {
            out.push(b'[');
            let (start, end) = (list.value_offsets()[row] as usize, list.value_offsets()[row + 1] as usize);
            for i in start..end {
                if i > start {
                    out.push(b',');
                }
                write_cell(element, i, options, out)?;
            }
            out.push(b']');
        }
        Kind::Map(map, keys, values) => {
            let (start, end) = (map.value_offsets()[row] as usize, map.value_offsets()[row + 1] as usize);
            write_map(start..end, keys, values, options, out)?;
        }
        Kind::Row(members) => write_row(members, row, options, out)?,
    }
    Ok(())
}

fn write_row(members: &[(String, Cells)], row: usize, options: &JsonOptions, out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    let mut first = true;
    for (name, cells) in members {
        if options.ignore_null_fields && cells.is_null(row) {
            continue;
        }
        if !first {
            out.push(b',');
        }
        first = false;
        push_string(name, true, out);
        out.push(b':');
        write_cell(cells, row, options, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_map(entries: std::ops::Range<usize>, keys: &Cells, values: &Cells, options: &JsonOptions, out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    let mut first = true;
    for i in entries {
        let key = match &keys.kind {
            Kind::String(a) if !a.is_null(i) => a.value(i),
            _ => match &options.null_keys {
                NullKeys::Drop => continue,
                NullKeys::Literal(literal) => literal,
                NullKeys::Fail => {
                    return Err(Error::data("A MAP has a NULL key, which JSON does not have")
                        .help("Set 'json.map-null-key.mode' to 'DROP', or to 'LITERAL' with 'json.map-null-key.literal'"));
                }
            },
        };
        if options.ignore_null_fields && values.is_null(i) {
            continue;
        }
        if !first {
            out.push(b',');
        }
        first = false;
        push_string(key, true, out);
        out.push(b':');
        write_cell(values, i, options, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// Numbers that JSON lacks are written as strings.
fn push_float(finite: bool, out: &mut Vec<u8>, push: impl FnOnce(&mut Vec<u8>)) {
    if finite {
        return push(out);
    }
    out.push(b'"');
    push(out);
    out.push(b'"');
}

/// For each byte: 0 if it stands for itself, `u` for `\\u00XX`, `4` for the first of four bytes of a character, else the character
/// after the backslash.
const ESCAPES: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut i = 0;
    while i < 32 {
        table[i] = b'u';
        i += 1;
    }
    i = 0xf0;
    while i < 256 {
        table[i] = b'4';
        i += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// Appends a string in quotes. `surrogates`: characters beyond the first 65,536 become two escapes, as Java's writers of bytes do.
pub fn push_string(value: &str, surrogates: bool, out: &mut Vec<u8>) {
    let bytes = value.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let mut start = 0;
    let mut i = next_escape(bytes, 0);
    while let Some(b) = bytes.get(i) {
        let mut next = i + 1;
        let escape = ESCAPES[usize::from(*b)];
        if escape != b'4' || surrogates {
            out.extend_from_slice(&bytes[start..i]);
            start = next;
            match escape {
                b'u' => push_unit(u16::from(*b), out),
                b'4' => {
                    let mut units = [0; 2];
                    let character = value[i..].chars().next().unwrap_or('?');
                    character.encode_utf16(&mut units).iter().for_each(|unit| push_unit(*unit, out));
                    start = i + character.len_utf8();
                    next = start;
                }
                other => out.extend_from_slice(&[b'\\', other]),
            }
        }
        i = next_escape(bytes, next);
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

/// The first byte from `at` on that does not stand for itself.
#[inline]
fn next_escape(bytes: &[u8], mut at: usize) -> usize {
    let special = |b: &u8| *b < 0x20 || *b == b'"' || *b == b'\\' || *b >= 0xf0;
    // Without a way out in the middle, blocks are looked at as wholes.
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<16>())
        && !block.iter().fold(false, |any, b| any | special(b))
    {
        at += 16;
    }
    bytes[at..].iter().position(special).map_or(bytes.len(), |i| at + i)
}

/// Appends `\\uXXXX`.
fn push_unit(unit: u16, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |shift: u16| HEX[usize::from(unit >> shift & 15)];
    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}
