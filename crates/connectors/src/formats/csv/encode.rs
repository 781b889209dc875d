//! Writes rows as CSV, as Flink's format does.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use flott_engine::{Result, text};

use super::CsvOptions;
use crate::formats::cells::{Cells, Kind};
use crate::formats::{Encode, EncodeRows, base64};

/// Text longer than this many UTF-16 units is put in quotes without a look at it.
const UNQUOTED_MAX: usize = 24;

/// Encodes rows of one schema.
pub struct CsvEncoder {
    schema: SchemaRef,
    options: Arc<CsvOptions>,
}

impl CsvEncoder {
    /// An encoder for rows of this schema. Fails for types that CSV does not carry.
    pub fn new(schema: SchemaRef, options: CsvOptions) -> Result<Self> {
        super::check_types(&schema)?;
        Ok(Self { schema, options: Arc::new(options) })
    }
}

impl Encode for CsvEncoder {
    fn open(&self, batch: &RecordBatch) -> Result<Box<dyn EncodeRows>> {
        let fields = self.schema.fields().iter().zip(batch.columns());
        let cells = fields.map(|(field, column)| Cells::new(column, field)).collect::<Result<_>>()?;
        Ok(Box::new(CsvRows { cells, options: Arc::clone(&self.options) }))
    }
}

struct CsvRows {
    cells: Vec<Cells>,
    options: Arc<CsvOptions>,
}

impl EncodeRows for CsvRows {
    fn row(&mut self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        for (i, cells) in self.cells.iter().enumerate() {
            if i > 0 {
                out.push(self.options.dialect.delimiter);
            }
            if cells.is_null(row) || matches!(cells.kind, Kind::Null) {
                out.extend_from_slice(self.options.null_literal.as_deref().unwrap_or("").as_bytes());
            } else if let Kind::String(texts) = &cells.kind {
                push_text(texts.value(row).as_bytes(), &self.options, out);
            } else if is_number(cells) {
                push_value(cells, row, &self.options, out);
            } else {
                push_quoted(|out| push_value(cells, row, &self.options, out), &self.options, out);
            }
        }
        out.push(b'\n');
        Ok(())
    }
}

/// Numbers and truth values are never quoted.
fn is_number(cells: &Cells) -> bool {
    matches!(
        cells.kind,
        Kind::Boolean(_)
            | Kind::Int8(_)
            | Kind::Int16(_)
            | Kind::Int32(_)
            | Kind::Int64(_)
            | Kind::Float32(_)
            | Kind::Float64(_)
            | Kind::Decimal(..)
            | Kind::Interval(..)
    )
}

/// Appends a value that is not NULL, without quotes.
fn push_value(cells: &Cells, row: usize, options: &CsvOptions, out: &mut Vec<u8>) {
    match &cells.kind {
        Kind::Boolean(a) => out.extend_from_slice(if a.value(row) { b"true" } else { b"false" }),
        Kind::Int8(a) => text::push_i64(out, a.value(row).into()),
        Kind::Int16(a) => text::push_i64(out, a.value(row).into()),
        Kind::Int32(a) => text::push_i64(out, a.value(row).into()),
        Kind::Int64(a) => text::push_i64(out, a.value(row)),
        Kind::Float32(a) => text::push_f32(out, a.value(row)),
        Kind::Float64(a) => text::push_f64(out, a.value(row)),
        Kind::Decimal(a, scale) if options.scientific => text::push_decimal_stripped(out, a.value(row), *scale),
        Kind::Decimal(a, scale) => text::push_decimal(out, a.value(row), *scale),
        Kind::Interval(..) => text::push_i64(out, cells.interval(row)),
        Kind::String(a) => out.extend_from_slice(a.value(row).as_bytes()),
        Kind::Binary(a) => base64::encode(a.value(row), out),
        Kind::Date(_) | Kind::Time(_) | Kind::Timestamp { .. } => cells.push_time_text(row, b' ', true, out),
        Kind::List(list, element) => {
            let (start, end) = (list.value_offsets()[row] as usize, list.value_offsets()[row + 1] as usize);
            push_parts((start..end).map(|i| (&**element, i)), options, out);
        }
        Kind::Row(members) => push_parts(members.iter().map(|(_, cells)| (cells, row)), options, out),
        Kind::Null | Kind::Map(..) => {}
    }
}

/// Appends the values of an array or a row with the delimiter between them.
fn push_parts<'a>(parts: impl Iterator<Item = (&'a Cells, usize)>, options: &CsvOptions, out: &mut Vec<u8>) {
    for (i, (cells, row)) in parts.enumerate() {
        if i > 0 {
            out.extend_from_slice(options.array_delimiter.as_bytes());
        }
        if cells.is_null(row) {
            out.extend_from_slice(options.null_literal.as_deref().unwrap_or("").as_bytes());
        } else {
            push_value(cells, row, options, out);
        }
    }
}

/// Appends text, in quotes where it is long or holds a character that might need them.
#[inline]
fn push_text(text: &[u8], options: &CsvOptions, out: &mut Vec<u8>) {
    match options.dialect.quote {
        Some(quote) if needs_quotes(text, quote, options) => {
            out.reserve(text.len() + 2);
            out.push(quote);
            push_doubled(text, quote, options, out);
            out.push(quote);
        }
        _ => out.extend_from_slice(text),
    }
}

/// Appends what `push` writes as [`push_text`] would.
fn push_quoted(push: impl FnOnce(&mut Vec<u8>), options: &CsvOptions, out: &mut Vec<u8>) {
    let Some(quote) = options.dialect.quote else { return push(out) };
    let start = out.len();
    out.push(quote);
    push(out);
    if !needs_quotes(&out[start + 1..], quote, options) {
        out.remove(start);
        return;
    }
    if find_special(&out[start + 1..], quote, options).is_some() {
        let text = out.split_off(start + 1);
        push_doubled(&text, quote, options, out);
    }
    out.push(quote);
}

/// Whether Jackson, which Flink writes with, puts a text in quotes.
#[inline]
fn needs_quotes(text: &[u8], quote: u8, options: &CsvOptions) -> bool {
    if text.len() > UNQUOTED_MAX && (text.is_ascii() || utf16_units(text) > UNQUOTED_MAX) {
        return true;
    }
    let safe_from = options.dialect.delimiter.max(quote).max(b'\n') + 1;
    // A character beyond ASCII is safe.
    text.iter().any(|b| *b < safe_from) || options.dialect.escape.is_some_and(|escape| text.contains(&escape))
}

/// Length in the units that Java counts: a character of four bytes counts twice.
fn utf16_units(text: &[u8]) -> usize {
    text.iter().map(|b| usize::from(*b < 0x80 || *b >= 0xc0) + usize::from(*b >= 0xf0)).sum()
}

/// The first quote or escape character.
#[inline]
fn find_special(text: &[u8], quote: u8, options: &CsvOptions) -> Option<usize> {
    match options.dialect.escape {
        Some(escape) => memchr::memchr2(quote, escape, text),
        None => memchr::memchr(quote, text),
    }
}

/// Appends text with quotes and escape characters doubled.
#[inline]
fn push_doubled(mut text: &[u8], quote: u8, options: &CsvOptions, out: &mut Vec<u8>) {
    while let Some(i) = find_special(text, quote, options) {
        out.extend_from_slice(&text[..=i]);
        out.push(text[i]);
        text = &text[i + 1..];
    }
    out.extend_from_slice(text);
}
