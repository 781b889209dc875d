//! Functions that look for a text within another, or split one.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, NullBufferBuilder};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Int32Type};
use datafusion_common::{Result, exec_err, plan_err};
use datafusion_expr::ReturnFieldArgs;
use memchr::memmem;

use super::def::{Arg, Call, Def, Ret};
use super::string::{char_count, char_start};
use super::types::{is_integer, type_name};
use super::utf16;
use super::values::{Bytes, Text, TextOut};
use super::vector::test_texts;

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("position", &[Arg::Text, Arg::Text, Arg::Int], Ret::Int, locate).optional(1).doc(
        "POSITION(part IN string [FROM start])",
        "Where `part` first stands in the text, from 1; 0 if it does not.",
        "POSITION('l' IN 'hello') = 3",
    ),
    Def::new("locate", &[Arg::Text, Arg::Text, Arg::Int], Ret::Int, locate).optional(1).doc(
        "LOCATE(part, string [, start])",
        "Where `part` first stands in the text at or after `start`, from 1; 0 if it does not.",
        "LOCATE('l', 'hello', 4) = 4",
    ),
    Def::new("instr", &[Arg::Text, Arg::Text, Arg::Int, Arg::Int], Ret::Int, instr).optional(2).doc(
        "INSTR(string, part [, start [, occurrence]])",
        "Where the nth `part` stands in the text, from 1; a negative `start` searches backwards from the end.",
        "INSTR('hello', 'l', 1, 2) = 4",
    ),
    Def::new("startswith", &[Arg::Bytes, Arg::Bytes], Ret::By(same_kind), starts_with).doc(
        "STARTSWITH(string, start)",
        "Whether the text (or bytes) begins with `start`.",
        "STARTSWITH('hello', 'he') = TRUE",
    ),
    Def::new("endswith", &[Arg::Bytes, Arg::Bytes], Ret::By(same_kind), ends_with).doc(
        "ENDSWITH(string, end)",
        "Whether the text (or bytes) ends with `end`.",
        "ENDSWITH('hello', 'lo') = TRUE",
    ),
    Def::new("split_index", &[Arg::Text, Arg::Any, Arg::Int], Ret::Text, split_index).nullable().doc(
        "SPLIT_INDEX(string, separator, index)",
        "The part at `index`, from 0, after cutting the text at every separator; NULL beyond the last.",
        "SPLIT_INDEX('a/b/c', '/', 1) = 'b'",
    ),
    Def::new("split", &[Arg::Text, Arg::Text], Ret::TextArray, split).doc(
        "SPLIT(string, separator)",
        "The parts of the text between the separators, as an array; single characters for an empty separator.",
        "SPLIT('a,b', ',') = ARRAY['a', 'b']",
    ),
];

/// BOOLEAN, of two texts or two byte strings.
fn same_kind(args: &ReturnFieldArgs) -> Result<DataType> {
    match args.arg_fields {
        [a, b] if a.data_type() != b.data_type() => {
            plan_err!(
                "STARTSWITH and ENDSWITH compare two texts or two values of BYTES, not {} with {}",
                type_name(a.data_type()),
                type_name(b.data_type())
            )
        }
        _ => Ok(DataType::Boolean),
    }
}

fn locate(call: &Call) -> Result<ArrayRef> {
    let (part, text, start) = (call.text(0)?, call.text(1)?, call.int_or(2, 1)?);
    call.primitives::<Int32Type>(|row| {
        let (Some(part), Some(text), Some(start)) = (part.get(row), text.get(row), start.get(row)) else {
            return Ok(None);
        };
        Ok(Some(find_from(text, part, start)))
    })
}

/// The character, from 1, where `part` first stands at or after character `start`; 0 if nowhere.
fn find_from(text: &str, part: &str, start: i64) -> i32 {
    // An empty part stands at the start, wherever the search begins.
    if part.is_empty() {
        return 1;
    }
    let from = char_start(text, (start - 1).max(0) as usize);
    match memmem::find(&text.as_bytes()[from..], part.as_bytes()) {
        Some(at) => char_count(&text[..from + at]) as i32 + 1,
        None => 0,
    }
}

fn instr(call: &Call) -> Result<ArrayRef> {
    let (text, part) = (call.text(0)?, call.text(1)?);
    let (start, occurrence) = (call.int_or(2, 1)?, call.int_or(3, 1)?);
    call.primitives::<Int32Type>(|row| {
        let (Some(text), Some(part)) = (text.get(row), part.get(row)) else { return Ok(None) };
        let (Some(start), Some(occurrence)) = (start.get(row), occurrence.get(row)) else { return Ok(None) };
        if occurrence <= 0 {
            return exec_err!("INSTR: the occurrence must be 1 or more, not {occurrence}");
        }
        if start >= 0 {
            return Ok(Some(if start == 0 { 0 } else { nth(text, part, start, occurrence) }));
        }
        let reversed = |text: &str| text.chars().rev().collect::<String>();
        let found = nth(&reversed(text), &reversed(part), -start, occurrence);
        let place = char_count(text) as i32 + 2 - found - char_count(part) as i32;
        Ok(Some(if found == 0 { 0 } else { place }))
    })
}

fn nth(text: &str, part: &str, start: i64, occurrence: i64) -> i32 {
    let mut from = start;
    let mut found = 0;
    for _ in 0..occurrence {
        found = find_from(text, part, from);
        if found == 0 {
            return 0;
        }
        from = i64::from(found) + 1;
    }
    found
}

fn starts_with(call: &Call) -> Result<ArrayRef> {
    let (text, start) = (call.bytes(0)?, call.bytes(1)?);
    if let (Bytes::Text(texts), Bytes::Const(Some(start))) = (&text, &start) {
        return Ok(test_texts(texts, |text| text.as_bytes().starts_with(start)));
    }
    call.bools(|row| Ok(text.get(row).zip(start.get(row)).map(|(text, start)| text.starts_with(start))))
}

fn ends_with(call: &Call) -> Result<ArrayRef> {
    let (text, end) = (call.bytes(0)?, call.bytes(1)?);
    if let (Bytes::Text(texts), Bytes::Const(Some(end))) = (&text, &end) {
        return Ok(test_texts(texts, |text| text.as_bytes().ends_with(end)));
    }
    call.bools(|row| Ok(text.get(row).zip(end.get(row)).map(|(text, end)| text.ends_with(end))))
}

/// SPLIT_INDEX with a text or with the code of one character as separator.
fn split_index(call: &Call) -> Result<ArrayRef> {
    let (text, index) = (call.text(0)?, call.int(2)?);
    if is_integer(call.arg_type(1)) {
        let code = call.int(1)?;
        return call.texts(|row, out| {
            let (Some(text), Some(code), Some(index)) = (text.get(row), code.get(row), index.get(row)) else {
                return Ok(false);
            };
            if !(1..=255).contains(&code) {
                return Ok(false);
            }
            let mut buffer = [0; 4];
            let separator = char::from(code as u8).encode_utf8(&mut buffer);
            Ok(push_part(out, nth_part(text, separator, index)))
        });
    }
    let separator = call.text(1)?;
    if let (Text::Const(Some(separator)), [byte]) = (&separator, call.constant_text(1).unwrap_or("").as_bytes()) {
        debug_assert_eq!(separator.len(), 1);
        let byte = *byte;
        return call.texts(|row, out| {
            let (Some(text), Some(index)) = (text.get(row), index.get(row)) else { return Ok(false) };
            Ok(push_part(out, nth_part_by_byte(text, byte, index)))
        });
    }
    call.texts(|row, out| {
        let (Some(text), Some(separator), Some(index)) = (text.get(row), separator.get(row), index.get(row)) else {
            return Ok(false);
        };
        Ok(push_part(out, nth_part(text, separator, index)))
    })
}

#[inline]
fn push_part(out: &mut Vec<u8>, part: Option<&[u8]>) -> bool {
    match part {
        Some(part) => {
            out.extend_from_slice(part);
            true
        }
        None => false,
    }
}

/// The part at `index` of a text cut at an ASCII separator; an empty text has no parts.
#[inline]
fn nth_part_by_byte(text: &str, separator: u8, index: i64) -> Option<&[u8]> {
    let index = usize::try_from(index).ok()?;
    let bytes = text.as_bytes();
    if bytes.is_empty() {
        return None;
    }
    let start = match index {
        0 => 0,
        _ => nth_byte(bytes, separator, index - 1)? + 1,
    };
    let rest = &bytes[start..];
    Some(&rest[..nth_byte(rest, separator, 0).unwrap_or(rest.len())])
}

/// Where `byte` stands for the nth time, from 0. Looks at eight bytes at a time, which for the short distances between separators
/// is faster than calling a search for each.
#[inline]
fn nth_byte(bytes: &[u8], byte: u8, mut nth: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOW: u64 = 0x7f * ONES;
    let (words, rest) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let differs = u64::from_le_bytes(*word) ^ (ONES * u64::from(byte));
        // The top bit of every byte that is equal.
        let mut equal = !(((differs & LOW) + LOW) | differs | LOW);
        let count = ((equal >> 7).wrapping_mul(ONES) >> 56) as usize;
        if nth < count {
            for _ in 0..nth {
                equal &= equal - 1;
            }
            return Some(i * 8 + equal.trailing_zeros() as usize / 8);
        }
        nth -= count;
    }
    let found = rest.iter().enumerate().filter(|(_, b)| **b == byte).nth(nth);
    found.map(|(at, _)| words.len() * 8 + at)
}

fn nth_part<'a>(text: &'a str, separator: &str, index: i64) -> Option<&'a [u8]> {
    let index = usize::try_from(index).ok()?;
    if text.is_empty() {
        return None;
    }
    if separator.is_empty() {
        return text.split(char::is_whitespace).nth(index).map(str::as_bytes);
    }
    text.split(separator).nth(index).map(str::as_bytes)
}

fn split(call: &Call) -> Result<ArrayRef> {
    let (text, separator) = (call.text(0)?, call.text(1)?);
    let mut parts = TextOut::new(call.rows * 4, call.rows * 16);
    let mut count = 0i32;
    let mut offsets = vec![0i32];
    let mut nulls = NullBufferBuilder::new(call.rows);
    for row in 0..call.rows {
        let pair = text.get(row).zip(separator.get(row));
        nulls.append(pair.is_some());
        if let Some((text, separator)) = pair {
            let mut push = |part: &str| {
                parts.buffer().extend_from_slice(part.as_bytes());
                parts.end_row(true);
                count += 1;
            };
            if text.is_empty() {
                // Nothing has no parts.
            } else if separator.is_empty() {
                utf16::each(text, push);
            } else if let [byte] = separator.as_bytes() {
                let mut rest = text;
                while let Some(end) = rest.bytes().position(|b| b == *byte) {
                    push(&rest[..end]);
                    rest = &rest[end + 1..];
                }
                push(rest);
            } else {
                text.split(separator).for_each(push);
            }
        }
        offsets.push(count);
    }
    text_lists(call.returns.data_type(), parts, offsets, nulls)
}

/// Puts texts and the ends of the rows together to an ARRAY<STRING> column.
pub(super) fn text_lists(list_type: &DataType, parts: TextOut, offsets: Vec<i32>, mut nulls: NullBufferBuilder) -> Result<ArrayRef> {
    let DataType::List(item) = list_type else { return exec_err!("Expected an array type but got {list_type}") };
    let values = parts.finish()?;
    debug_assert_eq!(offsets.last().copied(), Some(values.len() as i32));
    let lists = ListArray::try_new(Arc::clone(item), OffsetBuffer::new(offsets.into()), values, nulls.finish())?;
    Ok(Arc::new(lists))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_byte_is_found_at_any_place() {
        let text = "/a//bcdefgh/ij/klmnopqrstuvwxyz/é//".as_bytes();
        for start in 0..text.len() {
            let text = &text[start..];
            let places: Vec<usize> = (0..text.len()).filter(|i| text[*i] == b'/').collect();
            for nth in 0..10 {
                assert_eq!(nth_byte(text, b'/', nth), places.get(nth).copied(), "{start} {nth}");
            }
        }
        assert_eq!(nth_byte(&[0x80, 0, 0x01, 0xff, 0x7f, 0, 0x80, 0x81], 0, 1), Some(5));
    }
}
