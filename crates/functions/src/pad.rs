//! Functions that put texts together: concatenation, padding, repetition, replacement, formatting.

use arrow::array::ArrayRef;
use datafusion_common::{Result, exec_err};
use memchr::{memchr, memmem};

use super::def::{Arg, Call, Def, Length, Nulls, Ret};
use super::printf::printf;
use super::utf16;
use super::values::Text;

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("concat", &[Arg::Text], Ret::Text, concat).variadic().doc(
        "CONCAT(string, …)",
        "The texts one after the other; NULL if one of them is.",
        "CONCAT('a', 'b') = 'ab'",
    ),
    // The operator ||.
    Def::new("$concat", &[Arg::Text, Arg::Text], Ret::Text, concat).length(Length::Concat),
    Def::new("concat_ws", &[Arg::Text, Arg::Text], Ret::Text, concat_ws)
        .variadic()
        .optional(1)
        .nulls(Nulls::By(|fields| fields.iter().any(|f| f.is_nullable())))
        .doc(
            "CONCAT_WS(separator, string, …)",
            "The texts with the separator between them; texts that are NULL are left out.",
            "CONCAT_WS(',', 'a', CAST(NULL AS STRING), 'b') = 'a,b'",
        ),
    Def::new("lpad", &[Arg::Text, Arg::Int, Arg::Text], Ret::Text, lpad).doc(
        "LPAD(string, length, pad)",
        "The text filled with `pad` on the left, or cut, to `length` characters.",
        "LPAD('hi', 5, '?') = '???hi'",
    ),
    Def::new("rpad", &[Arg::Text, Arg::Int, Arg::Text], Ret::Text, rpad).doc(
        "RPAD(string, length, pad)",
        "The text filled with `pad` on the right, or cut, to `length` characters.",
        "RPAD('hi', 5, '?') = 'hi???'",
    ),
    Def::new("repeat", &[Arg::Text, Arg::Int], Ret::Text, repeat).doc(
        "REPEAT(string, count)",
        "The text `count` times in a row.",
        "REPEAT('ab', 2) = 'abab'",
    ),
    Def::new("replace", &[Arg::Text, Arg::Text, Arg::Text], Ret::Text, replace).doc(
        "REPLACE(string, old, new)",
        "The text with every `old` replaced by `new`.",
        "REPLACE('hello', 'l', 'L') = 'heLLo'",
    ),
    Def::new("translate", &[Arg::Text, Arg::Text, Arg::Text], Ret::Text, translate)
        .alias(&["translate3"])
        .nulls(Nulls::By(|fields| fields.iter().any(|f| f.is_nullable())))
        .doc(
            "TRANSLATE(string, from, to)",
            "Each character that stands in `from` becomes the one at the same place in `to`, or is dropped if `to` is shorter.",
            "TRANSLATE('abc', 'ab', 'x') = 'xc'",
        ),
    Def::new("elt", &[Arg::Int, Arg::Text], Ret::Text, elt).variadic().nullable().doc(
        "ELT(index, string, …)",
        "The text at this place of the list, from 1; NULL beyond it.",
        "ELT(2, 'a', 'b') = 'b'",
    ),
    Def::new("printf", &[Arg::Text, Arg::Any], Ret::Text, printf).variadic().optional(1).nullable().doc(
        "PRINTF(format, value, …)",
        "The values put into the format in the manner of Java and C: %s, %d, %5.2f, %x, %%.",
        "PRINTF('%d of %s', 2, 'ten') = '2 of ten'",
    ),
];

fn all_texts<'a>(call: &'a Call, from: usize) -> Result<Vec<Text<'a>>> {
    (from..call.args.len()).map(|index| call.text(index)).collect()
}

fn concat(call: &Call) -> Result<ArrayRef> {
    let parts = all_texts(call, 0)?;
    call.texts(|row, out| {
        for part in &parts {
            match part.get(row) {
                Some(text) => out.extend_from_slice(text.as_bytes()),
                None => return Ok(false),
            }
        }
        Ok(true)
    })
}

fn concat_ws(call: &Call) -> Result<ArrayRef> {
    let (separator, parts) = (call.text(0)?, all_texts(call, 1)?);
    call.texts(|row, out| {
        let Some(separator) = separator.get(row) else { return Ok(false) };
        for (n, text) in parts.iter().filter_map(|part| part.get(row)).enumerate() {
            if n > 0 {
                out.extend_from_slice(separator.as_bytes());
            }
            out.extend_from_slice(text.as_bytes());
        }
        Ok(true)
    })
}

fn lpad(call: &Call) -> Result<ArrayRef> {
    fill(call, true)
}

fn rpad(call: &Call) -> Result<ArrayRef> {
    fill(call, false)
}

fn fill(call: &Call, on_left: bool) -> Result<ArrayRef> {
    let (text, length, pad) = (call.text(0)?, call.int(1)?, call.text(2)?);
    call.texts(|row, out| {
        let (Some(text), Some(length), Some(pad)) = (text.get(row), length.get(row), pad.get(row)) else {
            return Ok(false);
        };
        if length < 0 || pad.is_empty() {
            return Ok(false);
        }
        check_size(length, 1, "LPAD or RPAD")?;
        if !text.is_ascii() || !pad.is_ascii() {
            fill_units(out, text, length as usize, pad, on_left);
            return Ok(true);
        }
        let kept = &text.as_bytes()[..text.len().min(length as usize)];
        let missing = (length as usize).saturating_sub(text.len());
        if !on_left {
            out.extend_from_slice(kept);
        }
        push_cycled(out, pad, missing);
        if on_left {
            out.extend_from_slice(kept);
        }
        Ok(true)
    })
}

/// LPAD and RPAD of texts that are not ASCII: their units are counted.
fn fill_units(out: &mut Vec<u8>, text: &str, length: usize, pad: &str, on_left: bool) {
    let mut units = utf16::units(text);
    units.truncate(length);
    let filling: Vec<u16> = utf16::units(pad).into_iter().cycle().take(length - units.len()).collect();
    let (head, tail) = if on_left { (filling, units) } else { (units, filling) };
    utf16::push(out, &[head, tail].concat());
}

/// Appends `count` characters of `pad`, which is ASCII, over and over.
fn push_cycled(out: &mut Vec<u8>, pad: &str, count: usize) {
    match pad.as_bytes() {
        [byte] => out.resize(out.len() + count, *byte),
        bytes => {
            (0..count / bytes.len()).for_each(|_| out.extend_from_slice(bytes));
            out.extend_from_slice(&bytes[..count % bytes.len()]);
        }
    }
}

/// Longest text that a call may make, in bytes.
const TEXT_BYTES_MAX: u128 = 256 << 20;

/// Refuses a result text that is out of all proportion.
fn check_size(count: i64, size: usize, name: &str) -> Result<()> {
    if (count as u128) * (size as u128) > TEXT_BYTES_MAX {
        return exec_err!("{name} would make a text of {count} × {size} bytes; the limit is {} MiB", TEXT_BYTES_MAX >> 20);
    }
    Ok(())
}

fn repeat(call: &Call) -> Result<ArrayRef> {
    let (text, count) = (call.text(0)?, call.int(1)?);
    call.texts(|row, out| {
        let (Some(text), Some(count)) = (text.get(row), count.get(row)) else { return Ok(false) };
        let count = count.max(0);
        check_size(count, text.len(), "REPEAT")?;
        for _ in 0..count {
            out.extend_from_slice(text.as_bytes());
        }
        Ok(true)
    })
}

fn replace(call: &Call) -> Result<ArrayRef> {
    let (text, old, new) = (call.text(0)?, call.text(1)?, call.text(2)?);
    let finder = call.constant_text(1).map(|old| memmem::Finder::new(old.as_bytes()));
    call.texts(|row, out| {
        let (Some(text), Some(old), Some(new)) = (text.get(row), old.get(row), new.get(row)) else {
            return Ok(false);
        };
        if old.is_empty() {
            // As in Java, an empty text stands before every unit and at the end.
            out.extend_from_slice(new.as_bytes());
            utf16::each(text, |unit| {
                out.extend_from_slice(unit.as_bytes());
                out.extend_from_slice(new.as_bytes());
            });
            return Ok(true);
        }
        match &finder {
            Some(finder) if finder.needle().len() == 1 => {
                let byte = finder.needle()[0];
                replace_found(text, old, new, |rest| memchr(byte, rest), out);
            }
            Some(finder) => replace_found(text, old, new, |rest| finder.find(rest), out),
            None => replace_found(text, old, new, |rest| memmem::find(rest, old.as_bytes()), out),
        }
        Ok(true)
    })
}

fn replace_found(text: &str, old: &str, new: &str, find: impl Fn(&[u8]) -> Option<usize>, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(at) = find(rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new.as_bytes());
        rest = &rest[at + old.len()..];
    }
    out.extend_from_slice(rest);
}

fn translate(call: &Call) -> Result<ArrayRef> {
    let (text, from, to) = (call.text(0)?, call.text(1)?, call.text(2)?);
    call.texts(|row, out| {
        let Some(text) = text.get(row) else { return Ok(false) };
        // NULL stands for no characters.
        let (from, to) = (from.get(row).unwrap_or_default(), to.get(row).unwrap_or_default());
        let mut buffer = [0; 4];
        for c in text.chars() {
            let new = match from.chars().position(|f| f == c) {
                None => Some(c),
                Some(place) => to.chars().nth(place),
            };
            if let Some(new) = new {
                out.extend_from_slice(new.encode_utf8(&mut buffer).as_bytes());
            }
        }
        Ok(true)
    })
}

fn elt(call: &Call) -> Result<ArrayRef> {
    let (index, parts) = (call.int(0)?, all_texts(call, 1)?);
    call.texts(|row, out| {
        let Some(index) = index.get(row) else { return Ok(false) };
        let part = usize::try_from(index).ok().and_then(|i| parts.get(i.wrapping_sub(1)));
        match part.and_then(|part| part.get(row)) {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(true)
            }
            None => Ok(false),
        }
    })
}
