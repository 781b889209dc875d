//! Text functions on one text: length, case, trimming, parts of it, its bytes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, StringArray};
use arrow::buffer::OffsetBuffer;
use datafusion_common::{Result, exec_err};

use super::def::{Arg, Call, Def, Length, Ret};
use super::utf16;
use super::values::Text;

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("char_length", &[Arg::Text], Ret::Int, char_length).alias(&["character_length"]).doc(
        "CHAR_LENGTH(string)",
        "The number of characters.",
        "CHAR_LENGTH('straße') = 6",
    ),
    Def::new("upper", &[Arg::Text], Ret::Text, upper).length(Length::Like(0)).doc(
        "UPPER(string)",
        "The text in upper case.",
        "UPPER('abc') = 'ABC'",
    ),
    Def::new("lower", &[Arg::Text], Ret::Text, lower).length(Length::Like(0)).doc(
        "LOWER(string)",
        "The text in lower case.",
        "LOWER('ABC') = 'abc'",
    ),
    Def::new("initcap", &[Arg::Text], Ret::Text, initcap).length(Length::Like(0)).doc(
        "INITCAP(string)",
        "Each word with a capital first letter and small others; a word is a run of ASCII letters and digits.",
        "INITCAP('hello wORLD') = 'Hello World'",
    ),
    Def::new("trim", &[Arg::Text, Arg::Text, Arg::Text], Ret::Text, trim).length(Length::Varying(2)).doc(
        "TRIM([BOTH | LEADING | TRAILING] [characters] FROM string)",
        "The text without the given characters (by default spaces) at both ends, its start or its end.",
        "TRIM(BOTH 'x' FROM 'xxaxx') = 'a'",
    ),
    Def::new("ltrim", &[Arg::Text, Arg::Text], Ret::Text, ltrim).optional(1).length(Length::Varying(0)).doc(
        "LTRIM(string [, characters])",
        "The text without spaces, or without the given characters, at its start.",
        "LTRIM('  a ') = 'a '",
    ),
    Def::new("rtrim", &[Arg::Text, Arg::Text], Ret::Text, rtrim).optional(1).length(Length::Varying(0)).doc(
        "RTRIM(string [, characters])",
        "The text without spaces, or without the given characters, at its end.",
        "RTRIM(' a  ') = ' a'",
    ),
    Def::new("btrim", &[Arg::Text, Arg::Text], Ret::Text, btrim).optional(1).doc(
        "BTRIM(string [, characters])",
        "The text without spaces, or without the given characters, at both ends.",
        "BTRIM('  a ') = 'a'",
    ),
    Def::new("substring", &[Arg::Text, Arg::Int, Arg::Int], Ret::Text, substring)
        .alias(&["substr"])
        .optional(1)
        .nullable()
        .length(Length::Varying(0))
        .doc(
            "SUBSTRING(string FROM start [FOR length])",
            "The part that begins at character `start` (from 1; negative counts from the end), of at most `length` characters.",
            "SUBSTRING('hello' FROM 2 FOR 3) = 'ell'",
        ),
    Def::new("left", &[Arg::Text, Arg::Int], Ret::Text, left).nullable().length(Length::Varying(0)).doc(
        "LEFT(string, count)",
        "The first `count` characters.",
        "LEFT('hello', 2) = 'he'",
    ),
    Def::new("right", &[Arg::Text, Arg::Int], Ret::Text, right).nullable().length(Length::Varying(0)).doc(
        "RIGHT(string, count)",
        "The last `count` characters.",
        "RIGHT('hello', 2) = 'lo'",
    ),
    Def::new("overlay", &[Arg::Text, Arg::Text, Arg::Int, Arg::Int], Ret::Text, overlay).optional(1).length(Length::Sum(0, 1)).doc(
        "OVERLAY(string PLACING new FROM start [FOR length])",
        "The text with `length` characters from `start` on (by default as many as `new` has) replaced by `new`.",
        "OVERLAY('xxxxxtest' PLACING 'xxxx' FROM 6) = 'xxxxxxxxx'",
    ),
    Def::new("reverse", &[Arg::Text], Ret::Text, reverse).nullable().doc(
        "REVERSE(string)",
        "The characters in reverse order.",
        "REVERSE('abc') = 'cba'",
    ),
    Def::new("ascii", &[Arg::Text], Ret::Int, ascii).doc(
        "ASCII(string)",
        "The first byte of the text as a number; 0 for an empty text.",
        "ASCII('A') = 65",
    ),
    Def::new("chr", &[Arg::Int], Ret::Text, chr).nullable().doc(
        "CHR(number)",
        "The character with this code, taken modulo 256; an empty text for a negative number.",
        "CHR(65) = 'A'",
    ),
];

/// The byte at which character `index` of `text` begins, or the end of the text.
pub(super) fn char_start(text: &str, index: usize) -> usize {
    // Only what stands before the character has to be looked at.
    let head = &text.as_bytes()[..index.min(text.len())];
    if head.is_ascii() {
        return head.len();
    }
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}

/// The number of characters, as Flink counts them: Unicode code points.
pub(super) fn char_count(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

fn char_length(call: &Call) -> Result<ArrayRef> {
    let text = call.text(0)?;
    if let Text::Array(array) = text
        && own_bytes(array).is_ascii()
    {
        // One byte is one character: the lengths are the distances of the offsets.
        let lengths = array.offsets().windows(2).map(|ends| ends[1] - ends[0]).collect::<Vec<i32>>();
        return Ok(Arc::new(Int32Array::new(lengths.into(), array.nulls().cloned())));
    }
    call.primitives::<arrow::datatypes::Int32Type>(|row| Ok(text.get(row).map(|t| char_count(t) as i32)))
}

fn upper(call: &Call) -> Result<ArrayRef> {
    change_case(call, |word| word & !(letters(word, b'a', b'z') >> 2), |text| text.to_uppercase())
}

fn lower(call: &Call) -> Result<ArrayRef> {
    change_case(call, |word| word | (letters(word, b'A', b'Z') >> 2), |text| text.to_lowercase())
}

/// The top bit of every byte of `word`, eight ASCII characters, that lies from `first` to `last`.
#[inline]
fn letters(word: u64, first: u8, last: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // No sum of two bytes under 0x80 reaches the next byte.
    let from_first = word + ONES * u64::from(0x80 - first);
    let past_last = word + ONES * u64::from(0x7f - last);
    from_first & !past_last & (ONES << 7)
}

/// ASCII texts are changed eight bytes at a time; only others go through Unicode's tables.
fn change_case(call: &Call, ascii: impl Fn(u64) -> u64 + Copy, unicode: fn(&str) -> String) -> Result<ArrayRef> {
    let text = call.text(0)?;
    if let Text::Array(array) = text
        && own_bytes(array).is_ascii()
    {
        // All texts of the column at once: they keep their places.
        let mut bytes = own_bytes(array).to_vec();
        change_ascii(&mut bytes, ascii);
        let offsets = match array.offsets()[0] {
            0 => array.offsets().clone(),
            first => OffsetBuffer::new(array.offsets().iter().map(|end| end - first).collect()),
        };
        return Ok(Arc::new(StringArray::try_new(offsets, bytes.into(), array.nulls().cloned())?));
    }
    call.texts(|row, out| {
        let Some(text) = text.get(row) else { return Ok(false) };
        if !text.is_ascii() {
            out.extend_from_slice(unicode(text).as_bytes());
            return Ok(true);
        }
        let start = out.len();
        out.extend_from_slice(text.as_bytes());
        change_ascii(&mut out[start..], ascii);
        Ok(true)
    })
}

/// The bytes of all texts of a column, one after the other.
fn own_bytes(array: &StringArray) -> &[u8] {
    let offsets = array.offsets();
    &array.values()[offsets[0] as usize..offsets[array.len()] as usize]
}

/// Changes ASCII bytes, eight at a time.
fn change_ascii(bytes: &mut [u8], change: impl Fn(u64) -> u64) {
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = change(u64::from_le_bytes(*word)).to_le_bytes();
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let changed = change(u64::from_le_bytes(last)).to_le_bytes();
    rest.copy_from_slice(&changed[..rest.len()]);
}

fn initcap(call: &Call) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.texts(|row, out| {
        let Some(text) = text.get(row) else { return Ok(false) };
        let mut at_start = true;
        for byte in text.bytes() {
            out.push(if at_start { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() });
            at_start = !byte.is_ascii_alphanumeric();
        }
        Ok(true)
    })
}

/// `trim('BOTH', characters, string)`: the form that the dialect makes of `TRIM(BOTH characters FROM string)`.
fn trim(call: &Call) -> Result<ArrayRef> {
    let Some(side) = call.constant_text(0) else {
        return exec_err!("TRIM: the side must be BOTH, LEADING or TRAILING");
    };
    let (start, end) = match side.to_ascii_uppercase().as_str() {
        "LEADING" => (true, false),
        "TRAILING" => (false, true),
        _ => (true, true),
    };
    trim_ends(call, 2, Some(1), start, end)
}

fn ltrim(call: &Call) -> Result<ArrayRef> {
    trim_ends(call, 0, call.has(1).then_some(1), true, false)
}

fn rtrim(call: &Call) -> Result<ArrayRef> {
    trim_ends(call, 0, call.has(1).then_some(1), false, true)
}

fn btrim(call: &Call) -> Result<ArrayRef> {
    trim_ends(call, 0, call.has(1).then_some(1), true, true)
}

fn trim_ends(call: &Call, subject: usize, characters: Option<usize>, start: bool, end: bool) -> Result<ArrayRef> {
    let text = call.text(subject)?;
    let set = match characters {
        Some(index) => call.text(index)?,
        None => super::values::Text::Const(Some(" ")),
    };
    if let super::values::Text::Const(Some(set)) = &set
        && let [byte @ ..0x80] = set.as_bytes()
    {
        return call.texts(|row, out| {
            let Some(text) = text.get(row) else { return Ok(false) };
            out.extend_from_slice(trimmed(text.as_bytes(), *byte, start, end));
            Ok(true)
        });
    }
    call.texts(|row, out| {
        let (Some(mut text), Some(set)) = (text.get(row), set.get(row)) else { return Ok(false) };
        if start {
            text = text.trim_start_matches(|c| set.contains(c));
        }
        if end {
            text = text.trim_end_matches(|c| set.contains(c));
        }
        out.extend_from_slice(text.as_bytes());
        Ok(true)
    })
}

/// The text without this ASCII character at its start, at its end, or both.
fn trimmed(mut text: &[u8], byte: u8, start: bool, end: bool) -> &[u8] {
    while start
        && let [first, rest @ ..] = text
        && *first == byte
    {
        text = rest;
    }
    while end
        && let [rest @ .., last] = text
        && *last == byte
    {
        text = rest;
    }
    text
}

fn substring(call: &Call) -> Result<ArrayRef> {
    let (text, start) = (call.text(0)?, call.int(1)?);
    let length = call.int_or(2, i64::from(i32::MAX))?;
    call.texts(|row, out| {
        let (Some(text), Some(start), Some(length)) = (text.get(row), start.get(row), length.get(row)) else {
            return Ok(false);
        };
        // A negative length is not an error but NULL.
        if length < 0 {
            return Ok(false);
        }
        out.extend_from_slice(part_of(text, start, length as usize).as_bytes());
        Ok(true)
    })
}

/// The part from character `start` on: from 1, 0 like 1, negative from the end; nothing if it begins before the text.
fn part_of(text: &str, start: i64, length: usize) -> &str {
    let first = match start {
        1.. => (start - 1) as usize,
        0 => 0,
        _ => match (char_count(text) as i64).checked_add(start) {
            Some(first) if first >= 0 => first as usize,
            _ => return "",
        },
    };
    let tail = &text[char_start(text, first)..];
    &tail[..char_start(tail, length)]
}

fn left(call: &Call) -> Result<ArrayRef> {
    let (text, count) = (call.text(0)?, call.int(1)?);
    call.texts(|row, out| {
        let (Some(text), Some(count)) = (text.get(row), count.get(row)) else { return Ok(false) };
        out.extend_from_slice(&text.as_bytes()[..char_start(text, count.max(0) as usize)]);
        Ok(true)
    })
}

fn right(call: &Call) -> Result<ArrayRef> {
    let (text, count) = (call.text(0)?, call.int(1)?);
    call.texts(|row, out| {
        let (Some(text), Some(count)) = (text.get(row), count.get(row)) else { return Ok(false) };
        let skip = char_count(text).saturating_sub(count.max(0) as usize);
        out.extend_from_slice(&text.as_bytes()[char_start(text, skip)..]);
        Ok(true)
    })
}

fn overlay(call: &Call) -> Result<ArrayRef> {
    let (text, new, start) = (call.text(0)?, call.text(1)?, call.int(2)?);
    let length = if call.has(3) { Some(call.int(3)?) } else { None };
    call.texts(|row, out| {
        let (Some(text), Some(new), Some(start)) = (text.get(row), new.get(row), start.get(row)) else {
            return Ok(false);
        };
        let length = match &length {
            Some(length) => match length.get(row) {
                Some(length) => length,
                None => return Ok(false),
            },
            None => utf16::count(new) as i64,
        };
        let units = utf16::units(text);
        let count = units.len() as i64;
        if start <= 0 || start > count {
            out.extend_from_slice(text.as_bytes());
            return Ok(true);
        }
        utf16::push(out, &units[..start as usize - 1]);
        out.extend_from_slice(new.as_bytes());
        if length > 0 && start.saturating_add(length) <= count {
            utf16::push(out, &units[(start + length) as usize - 1..]);
        }
        Ok(true)
    })
}

fn reverse(call: &Call) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.texts(|row, out| {
        let Some(text) = text.get(row) else { return Ok(false) };
        let mut buffer = [0; 4];
        for c in text.chars().rev() {
            out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        }
        Ok(true)
    })
}

fn ascii(call: &Call) -> Result<ArrayRef> {
    let text = call.text(0)?;
    // A byte counts as signed, as in Java.
    call.primitives::<arrow::datatypes::Int32Type>(|row| {
        Ok(text.get(row).map(|t| t.as_bytes().first().map_or(0, |byte| i32::from(*byte as i8))))
    })
}

fn chr(call: &Call) -> Result<ArrayRef> {
    let code = call.int(0)?;
    call.texts(|row, out| {
        let Some(code) = code.get(row) else { return Ok(false) };
        if code >= 0 {
            let mut buffer = [0; 4];
            out.extend_from_slice(char::from((code & 0xff) as u8).encode_utf8(&mut buffer).as_bytes());
        }
        Ok(true)
    })
}
