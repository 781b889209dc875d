//! Avro's JSON encoding, turned into the binary one and back, so that plans know only one encoding.
//!
//! A value of a union stands in an object under its type's name, `null` alone excepted; bytes are a string of the characters 0 to 255.

use flott_engine::text;
use serde_json::Value;

use super::schema::{Id, Kind, RecordField, Schema};
use super::wire::{Wire, push_bytes, push_long};
use crate::formats::json::push_string;

/// How deep values may be nested.
const MAX_DEPTH: usize = 64;

/// Appends the datum of a message in the binary encoding.
pub fn encode_message(schema: &Schema, message: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let value = serde_json::from_slice(&quoted_fractions(message)).map_err(|e| format!("the message is not JSON: {e}"))?;
    encode_value(schema, schema.root, &value, out, 0)
}

/// The same JSON with quotes around numbers that have a fraction: the parser rounds some of them to a neighbour, we do not.
fn quoted_fractions(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() + 16);
    let (mut at, mut in_string) = (0, false);
    while let Some(&byte) = json.get(at) {
        let number = json[at..].iter().take_while(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E')).count();
        let text = &json[at..at + number];
        if !in_string && matches!(byte, b'0'..=b'9' | b'-') && text.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) {
            out.push(b'"');
            out.extend_from_slice(text);
            out.push(b'"');
            at += number;
            continue;
        }
        let length = if in_string && byte == b'\\' { 2 } else { 1 };
        in_string ^= byte == b'"';
        out.extend_from_slice(&json[at..json.len().min(at + length)]);
        at += length;
    }
    out
}

/// Appends a value of the type in the binary encoding.
pub fn encode_value(schema: &Schema, id: Id, value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("values are nested deeper than {MAX_DEPTH}"));
    }
    let wrong = || format!("{} is no {}", shown(value), schema.name(id));
    match (schema.kind(id), value) {
        (Kind::Null, Value::Null) => {}
        (Kind::Boolean, Value::Bool(b)) => out.push(u8::from(*b)),
        (Kind::Int, Value::Number(n)) => push_long(n.as_i64().filter(|n| i32::try_from(*n).is_ok()).ok_or_else(wrong)?, out),
        (Kind::Long, Value::Number(n)) => push_long(n.as_i64().ok_or_else(wrong)?, out),
        (Kind::Float, _) => {
            let short = value.as_str().and_then(|text| text::parse_f32(text.as_bytes()));
            let value = short.or_else(|| float(value).map(|value| value as f32));
            out.extend_from_slice(&value.ok_or_else(wrong)?.to_le_bytes());
        }
        (Kind::Double, _) => out.extend_from_slice(&float(value).ok_or_else(wrong)?.to_le_bytes()),
        (Kind::String, Value::String(s)) => push_bytes(s.as_bytes(), out),
        (Kind::Bytes, Value::String(s)) => push_bytes(&latin(s).ok_or_else(wrong)?, out),
        (Kind::Fixed { size, .. }, Value::String(s)) => {
            out.extend_from_slice(&latin(s).filter(|bytes| bytes.len() == *size).ok_or_else(wrong)?);
        }
        (Kind::Enum { symbols, .. }, Value::String(s)) => {
            push_long(symbols.iter().position(|symbol| symbol == s).ok_or_else(wrong)? as i64, out);
        }
        (Kind::Array(items), Value::Array(values)) => {
            if !values.is_empty() {
                push_long(values.len() as i64, out);
                values.iter().try_for_each(|value| encode_value(schema, *items, value, out, depth + 1))?;
            }
            push_long(0, out);
        }
        (Kind::Map(items), Value::Object(entries)) => {
            if !entries.is_empty() {
                push_long(entries.len() as i64, out);
                for (key, value) in entries {
                    push_bytes(key.as_bytes(), out);
                    encode_value(schema, *items, value, out, depth + 1)?;
                }
            }
            push_long(0, out);
        }
        (Kind::Record { fields, .. }, Value::Object(members)) => {
            for field in fields {
                encode_field(schema, field, members.get(&field.name), out, depth)?;
            }
        }
        (Kind::Union(branches), value) => {
            let (name, value) = match value {
                Value::Null => ("null", value),
                Value::Object(members) if members.len() == 1 => members.iter().next().map(|(k, v)| (k.as_str(), v)).ok_or_else(wrong)?,
                _ => return Err(wrong()),
            };
            let branch = branches.iter().position(|b| branch_name(schema, *b) == name).ok_or_else(wrong)?;
            push_long(branch as i64, out);
            encode_value(schema, branches[branch], value, out, depth + 1)?;
        }
        _ => return Err(wrong()),
    }
    Ok(())
}

fn encode_field(schema: &Schema, field: &RecordField, value: Option<&Value>, out: &mut Vec<u8>, depth: usize) -> Result<(), String> {
    let name = |reason: String| format!("field {}: {reason}", field.name);
    match (value, &field.default) {
        (Some(value), _) => encode_value(schema, field.id, value, out, depth + 1).map_err(name),
        (None, Some(default)) => {
            let id = match schema.kind(field.id) {
                // The default of a union is of its first type.
                Kind::Union(branches) => {
                    push_long(0, out);
                    branches[0]
                }
                _ => field.id,
            };
            encode_value(schema, id, default, out, depth + 1).map_err(name)
        }
        (None, None) => Err(name("it is missing".into())),
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => match s.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" | "INF" => Some(f64::INFINITY),
            "-Infinity" | "-INF" => Some(f64::NEG_INFINITY),
            number => text::parse_f64(number.as_bytes()),
        },
        _ => None,
    }
}

/// The bytes of a string of the characters 0 to 255.
fn latin(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

/// The name of a type within a union.
fn branch_name(schema: &Schema, id: Id) -> String {
    match schema.kind(id) {
        Kind::Record { name, .. } | Kind::Enum { name, .. } | Kind::Fixed { name, .. } => name.clone(),
        _ => schema.name(id),
    }
}

fn shown(value: &Value) -> String {
    crate::formats::scalar::shown(&value.to_string())
}

/// Appends the JSON of a value, which it reads.
pub fn write_value(schema: &Schema, id: Id, wire: &mut Wire<'_>, out: &mut Vec<u8>) -> Result<(), &'static str> {
    match schema.kind(id) {
        Kind::Null => out.extend_from_slice(b"null"),
        Kind::Boolean => out.extend_from_slice(if wire.array::<1>()? == [0] { b"false" } else { b"true" }),
        Kind::Int | Kind::Long => text::push_i64(out, wire.long()?),
        Kind::Float => {
            let value = f32::from_le_bytes(wire.array()?);
            quoted_unless(value.is_finite(), out, |out| text::push_f32(out, value));
        }
        Kind::Double => {
            let value = f64::from_le_bytes(wire.array()?);
            quoted_unless(value.is_finite(), out, |out| text::push_f64(out, value));
        }
        Kind::String => push_string(&String::from_utf8_lossy(wire.bytes()?), true, out),
        Kind::Bytes => push_latin(wire.bytes()?, out),
        Kind::Fixed { size, .. } => push_latin(wire.take(*size)?, out),
        Kind::Enum { symbols, .. } => {
            let symbol = usize::try_from(wire.long()?).ok().and_then(|i| symbols.get(i));
            push_string(symbol.map_or("", String::as_str), true, out);
        }
        Kind::Array(items) => {
            out.push(b'[');
            items_of(wire, |wire, first| {
                out.extend_from_slice(if first { b"" } else { b"," });
                write_value(schema, *items, wire, out)
            })?;
            out.push(b']');
        }
        Kind::Map(values) => {
            out.push(b'{');
            items_of(wire, |wire, first| {
                out.extend_from_slice(if first { b"" } else { b"," });
                push_string(&String::from_utf8_lossy(wire.bytes()?), true, out);
                out.push(b':');
                write_value(schema, *values, wire, out)
            })?;
            out.push(b'}');
        }
        Kind::Record { fields, .. } => {
            out.push(b'{');
            for (i, field) in fields.iter().enumerate() {
                out.extend_from_slice(if i == 0 { b"" } else { b"," });
                push_string(&field.name, true, out);
                out.push(b':');
                write_value(schema, field.id, wire, out)?;
            }
            out.push(b'}');
        }
        Kind::Union(branches) => {
            let branch = usize::try_from(wire.long()?).ok().and_then(|i| branches.get(i)).ok_or("a union has no such type")?;
            if matches!(schema.kind(*branch), Kind::Null) {
                return write_value(schema, *branch, wire, out);
            }
            out.push(b'{');
            push_string(&branch_name(schema, *branch), true, out);
            out.push(b':');
            write_value(schema, *branch, wire, out)?;
            out.push(b'}');
        }
    }
    Ok(())
}

/// Calls a function for each item of the blocks, and tells it whether it is the first.
fn items_of(wire: &mut Wire<'_>, mut item: impl FnMut(&mut Wire<'_>, bool) -> Result<(), &'static str>) -> Result<(), &'static str> {
    let mut first = true;
    loop {
        let (count, _) = wire.block(true)?;
        if count == 0 {
            return Ok(());
        }
        for _ in 0..count {
            item(wire, first)?;
            first = false;
        }
    }
}

fn quoted_unless(plain: bool, out: &mut Vec<u8>, push: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(if plain { b"" } else { b"\"" });
    push(out);
    out.extend_from_slice(if plain { b"" } else { b"\"" });
}

fn push_latin(bytes: &[u8], out: &mut Vec<u8>) {
    push_string(&bytes.iter().map(|b| char::from(*b)).collect::<String>(), true, out);
}
