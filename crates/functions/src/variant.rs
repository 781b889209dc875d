//! VARIANT: making it of JSON text, and taking parts of it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, LargeBinaryBuilder};
use arrow::datatypes::DataType;
use datafusion_common::{Result, exec_err, plan_err};
use flott_engine::variant::{VERSION, Variant, basic, primitive};

use super::def::{Arg, Call, Def, Ret};
use super::json_path::{Node, parse_first};
use super::types::{is_integer, type_name};

/// Flink takes no larger value, nor more names.
const BYTES_MAX: usize = 16 << 20;
/// Most digits of a decimal number; one with more is a DOUBLE.
const DIGITS_MAX: usize = 38;

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("parse_json", &[Arg::Text, Arg::Bool], Ret::Variant, |call| parse(call, false)).optional(1).doc(
        "PARSE_JSON(string [, allow_duplicate_keys])",
        "The JSON text as a VARIANT; an error if it is none, or if an object has a key twice and duplicates are not allowed (then the last \
         one counts). Parts are taken by v[1] (from 1) and v['key'].",
        "JSON_STRING(PARSE_JSON('{\"b\": [1, 2.50]}')['b'][2]) = '2.5'",
    ),
    Def::new("try_parse_json", &[Arg::Text, Arg::Bool], Ret::Variant, |call| parse(call, true)).optional(1).nullable().doc(
        "TRY_PARSE_JSON(string [, allow_duplicate_keys])",
        "Like PARSE_JSON, but NULL where that fails.",
        "TRY_PARSE_JSON('{') IS NULL",
    ),
];

fn parse(call: &Call, safe: bool) -> Result<ArrayRef> {
    let text = call.text(0)?;
    let duplicates = if call.has(1) { Some(call.bool(1)?) } else { None };
    let mut out = LargeBinaryBuilder::new();
    for row in 0..call.rows {
        let Some(text) = text.get(row) else {
            out.append_null();
            continue;
        };
        let allowed = match duplicates.as_ref().map(|d| d.get(row)) {
            None => false,
            Some(Some(allowed)) => allowed,
            Some(None) => return exec_err!("PARSE_JSON: whether duplicate keys are allowed must not be NULL"),
        };
        match encode(text, allowed) {
            Ok(bytes) => out.append_value(bytes),
            Err(_) if safe => out.append_null(),
            Err(why) => return exec_err!("PARSE_JSON: {why}. Use TRY_PARSE_JSON to get NULL instead"),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// The VARIANT of a JSON text, or what is wrong with it.
fn encode(text: &str, duplicates: bool) -> std::result::Result<Vec<u8>, String> {
    let Some(node) = parse_first(text) else { return Err(format!("'{text}' is not JSON")) };
    let mut encoder = Encoder { duplicates, names: Vec::new(), ids: HashMap::new() };
    let mut value = Vec::new();
    encoder.push(&node, &mut value)?;
    let mut bytes = encoder.metadata();
    if value.len() > BYTES_MAX || bytes.len() > BYTES_MAX {
        return Err("the value is larger than 16 MiB".into());
    }
    bytes.append(&mut value);
    Ok(bytes)
}

struct Encoder<'a> {
    duplicates: bool,
    /// The names of fields, in the order in which they were met first.
    names: Vec<&'a str>,
    ids: HashMap<&'a str, usize>,
}

/// How many bytes the number takes.
fn width_of(number: usize) -> usize {
    match number {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        _ => 3,
    }
}

fn push_unsigned(out: &mut Vec<u8>, number: usize, width: usize) {
    out.extend_from_slice(&(number as u64).to_le_bytes()[..width]);
}

impl<'a> Encoder<'a> {
    fn metadata(&self) -> Vec<u8> {
        let length: usize = self.names.iter().map(|name| name.len()).sum();
        let width = width_of(length.max(self.names.len()));
        let mut out = vec![VERSION | ((width - 1) << 6) as u8];
        push_unsigned(&mut out, self.names.len(), width);
        let mut end = 0;
        push_unsigned(&mut out, end, width);
        for name in &self.names {
            end += name.len();
            push_unsigned(&mut out, end, width);
        }
        self.names.iter().for_each(|name| out.extend_from_slice(name.as_bytes()));
        out
    }

    fn id(&mut self, name: &'a str) -> usize {
        let names = &mut self.names;
        *self.ids.entry(name).or_insert_with(|| {
            names.push(name);
            names.len() - 1
        })
    }

    fn push(&mut self, node: &'a Node<'a>, out: &mut Vec<u8>) -> std::result::Result<(), String> {
        match node {
            Node::Null => out.push(primitive::NULL << 2),
            Node::Bool(value) => out.push(if *value { primitive::TRUE } else { primitive::FALSE } << 2),
            Node::Number(digits) => push_number(digits, out),
            Node::Text(text) => push_text(text, out),
            Node::Array(items) => {
                let mut parts = Vec::with_capacity(items.len());
                let mut data = Vec::new();
                for item in items {
                    parts.push(data.len());
                    self.push(item, &mut data)?;
                }
                push_parts(out, None, &parts, &data);
            }
            Node::Object(fields) => self.push_object(fields, out)?,
        }
        Ok(())
    }

    fn push_object(&mut self, fields: &'a [(std::borrow::Cow<'a, str>, Node<'a>)], out: &mut Vec<u8>) -> std::result::Result<(), String> {
        let mut written: Vec<(&str, usize, Vec<u8>)> = Vec::with_capacity(fields.len());
        for (name, node) in fields {
            let id = self.id(name);
            let mut value = Vec::new();
            self.push(node, &mut value)?;
            match written.iter().position(|(_, known, _)| *known == id) {
                Some(_) if !self.duplicates => return Err(format!("the key '{name}' is there twice")),
                Some(place) => drop(written.remove(place)),
                None => {}
            }
            written.push((name, id, value));
        }
        let mut data = Vec::new();
        let mut parts = Vec::with_capacity(written.len());
        for (name, id, value) in &written {
            parts.push((*name, *id, data.len()));
            data.extend_from_slice(value);
        }
        // As Java orders texts: by UTF-16 units.
        parts.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
        let ids: Vec<usize> = parts.iter().map(|part| part.1).collect();
        let offsets: Vec<usize> = parts.iter().map(|part| part.2).collect();
        push_parts(out, Some(&ids), &offsets, &data);
        Ok(())
    }
}

/// An object, with the ids of its fields' names, or an array.
fn push_parts(out: &mut Vec<u8>, ids: Option<&[usize]>, offsets: &[usize], data: &[u8]) {
    let large = offsets.len() > 0xff;
    let offset_width = width_of(data.len());
    let id_width = ids.map_or(1, |ids| width_of(ids.iter().copied().max().unwrap_or(0)));
    let (kind, large_bit) = if ids.is_some() { (basic::OBJECT, 4) } else { (basic::ARRAY, 2) };
    let header = (offset_width - 1) | (id_width - 1) << 2 | usize::from(large) << large_bit;
    out.push((header << 2) as u8 | kind);
    push_unsigned(out, offsets.len(), if large { 4 } else { 1 });
    ids.into_iter().flatten().for_each(|id| push_unsigned(out, *id, id_width));
    offsets.iter().for_each(|offset| push_unsigned(out, *offset, offset_width));
    push_unsigned(out, data.len(), offset_width);
    out.extend_from_slice(data);
}

fn push_text(text: &str, out: &mut Vec<u8>) {
    match text.len() {
        short @ 0..=63 => out.push((short << 2) as u8 | basic::SHORT_TEXT),
        long => {
            out.push(primitive::LONG_TEXT << 2);
            push_unsigned(out, long, 4);
        }
    }
    out.extend_from_slice(text.as_bytes());
}

/// In the smallest form: an integer, a decimal number if it has no exponent, else a DOUBLE.
fn push_number(digits: &str, out: &mut Vec<u8>) {
    let mut push = |kind: u8, bytes: &[u8]| {
        out.push(kind << 2);
        out.extend_from_slice(bytes);
    };
    if let Ok(value) = digits.parse::<i64>() {
        let bytes = value.to_le_bytes();
        return match value {
            -0x80..0x80 => push(primitive::INT8, &bytes[..1]),
            -0x8000..0x8000 => push(primitive::INT16, &bytes[..2]),
            -0x8000_0000..0x8000_0000 => push(primitive::INT32, &bytes[..4]),
            _ => push(primitive::INT64, &bytes),
        };
    }
    let Some((unscaled, precision, scale)) = decimal(digits) else {
        return push(primitive::DOUBLE, &digits.parse().unwrap_or(f64::NAN).to_le_bytes());
    };
    let (kind, width) = match precision.max(scale) {
        0..=9 => (primitive::DECIMAL4, 4),
        10..=18 => (primitive::DECIMAL8, 8),
        _ => (primitive::DECIMAL16, 16),
    };
    push(kind, &[scale as u8]);
    out.extend_from_slice(&unscaled.to_le_bytes()[..width]);
}

/// Digits, precision and scale of a number without an exponent that a decimal number can hold.
fn decimal(text: &str) -> Option<(i128, usize, usize)> {
    if text.contains(['e', 'E']) {
        return None;
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let significant = digits.trim_start_matches('0');
    let fits = significant.len() <= DIGITS_MAX && fraction.len() <= DIGITS_MAX;
    let size: i128 = if significant.is_empty() { 0 } else { significant.parse().ok().filter(|_| fits)? };
    fits.then_some((if text.starts_with('-') { -size } else { size }, significant.len().max(1), fraction.len()))
}

/// The type of `variant[key]`.
pub(super) fn part_type(key: &DataType) -> Result<DataType> {
    if is_integer(key) || matches!(key, DataType::Utf8 | DataType::Null) {
        return Ok(DataType::LargeBinary);
    }
    plan_err!("An element of a VARIANT is named by a whole number or a STRING, not {}", type_name(key))
}

/// `variant[i]`, from 1, and `variant['key']`: NULL where there is no such part.
pub(super) fn part(call: &Call, value: &ArrayRef) -> Result<ArrayRef> {
    let value = value.as_binary::<i64>();
    let mut out = LargeBinaryBuilder::new();
    let mut bytes = Vec::new();
    let by_name = *call.arg_type(1) == DataType::Utf8;
    let (name, index) = if by_name { (Some(call.text(1)?), None) } else { (None, Some(call.int(1)?)) };
    for row in 0..call.rows {
        let variant = if value.is_valid(row) { Variant::new(value.value(row)) } else { None };
        let name = name.as_ref().and_then(|name| name.get(row));
        let index = index.as_ref().and_then(|index| index.get(row));
        let found = match (variant, name, index) {
            (Some(variant), Some(_), _) if !variant.is_object() => {
                return exec_err!("A VARIANT that is no object has no field; take elements of an array by number");
            }
            (Some(variant), _, Some(_)) if !variant.is_array() => {
                return exec_err!("A VARIANT that is no array has no element; take fields of an object by name");
            }
            (Some(variant), Some(name), _) => variant.field(name),
            (Some(variant), _, Some(index)) => usize::try_from(index - 1).ok().and_then(|index| variant.element(index)),
            _ => None,
        };
        bytes.clear();
        found.iter().for_each(|part| part.push_bytes(&mut bytes));
        out.append_option(found.map(|_| &bytes));
    }
    Ok(Arc::new(out.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flott_engine::variant::push_variant;

    fn through(json: &str) -> String {
        let mut text = Vec::new();
        match encode(json, true) {
            Ok(bytes) => push_variant(&mut text, &bytes),
            Err(why) => return why,
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    #[test]
    fn json_comes_back_in_its_shortest_form() {
        let long = "x".repeat(70);
        for (json, expected) in [
            ("-129", "-129"),
            ("70000", "70000"),
            ("-0.0", "0"),
            ("1.50", "1.5"),
            ("1e2", "100.0"),
            ("12345678901234567890.5", "12345678901234567890.5"),
            ("-1234567890.25", "-1234567890.25"),
            ("999999999999999999999999999999999999999", "1.0E39"),
            (r#"{"b":{"c":[]},"a":"\u00e9\n"}"#, r#"{"a":"é\n","b":{"c":[]}}"#),
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
            ("[1] x", "[1]"),
            (&format!("\"{long}\""), &format!("\"{long}\"")),
        ] {
            assert_eq!(through(json), expected, "{json}");
        }
        let many = format!("[{}]", vec!["[1,\"abc\"]"; 300].join(","));
        assert_eq!(through(&many), many);
        let mut names: Vec<String> = (0..300).map(|i| format!("\"k{i}\":{i}")).collect();
        let object = format!("{{{}}}", names.join(","));
        names.sort_by_key(|name| name.split(':').next().map(str::to_owned));
        assert_eq!(through(&object).len(), object.len());
    }

    #[test]
    fn duplicates_are_refused_unless_they_are_allowed() {
        assert!(encode(r#"{"a":1,"a":2}"#, false).is_err());
        assert!(encode("1x", false).is_err() && encode("nulls", false).is_err() && encode("", false).is_err());
    }
}
