//! The `json` format: one object a line.
//!
//! Values convert as in Flink: strings that hold numbers are taken for numeric columns, numbers and whole objects become text for
//! `STRING` columns, a field that is missing is NULL, a `DECIMAL` that does not fit is NULL. With `json.ignore-parse-errors` a field
//! that does not convert is NULL and a record that is no JSON object is skipped; both are counted.
//!
//! Of several equal keys the last one counts, but an object has been read when as many keys were found as there are columns.
//!
//! Text after the end of the object is passed over, and such a record counted as a bad one although it is taken. Unlike in Flink, objects
//! and arrays nested deeper than 64 are refused.

mod compact;
mod encode;
mod marks;
mod read;
mod scan;
mod shape;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use flott_engine::Result;
use flott_engine::connector::OptionInfo;

pub use encode::{JsonEncoder, push_string};
use marks::Marks;
use read::Reader;
use scan::Next;
use shape::RowShape;
pub use shape::has_duplicates;

use super::batch::{BatchBuilder, LastBatch};
use super::columns::{Column, Room};
use super::scalar::{TextRules, TimestampStandard};
use super::{BadRecord, Decode, DecodeRecords, Framing, Rows, Stop, option, origins_of};
use crate::options::Options;

/// How deep objects and arrays may be nested.
const MAX_DEPTH: usize = 64;

/// Options of the format, without its prefix.
pub const OPTIONS: &[OptionInfo] = &[
    option("fail-on-missing-field", Some("false"), "Stops at an object that lacks a column's field; without it the column is NULL."),
    option(
        "ignore-parse-errors",
        Some("false"),
        "Goes on after what does not parse, and counts it: a field that does not fit its column becomes NULL, a record that is no JSON is left out.",
    ),
    option(
        "timestamp-format.standard",
        Some("SQL"),
        "How times are written: SQL ('2024-01-31 10:11:12.345'), ISO-8601 ('2024-01-31T10:11:12.345') or ISO-8601-WITH-OFFSET.",
    ),
    option(
        "map-null-key.mode",
        Some("FAIL"),
        "What a NULL as key of a MAP does: FAIL stops, DROP leaves the entry out, LITERAL writes 'map-null-key.literal'.",
    ),
    option("map-null-key.literal", Some("null"), "Stands for a NULL key in the mode LITERAL."),
    option("encode.decimal-as-plain-number", Some("false"), "Writes a DECIMAL as 0.00000027, not as 2.7E-7."),
    option("encode.ignore-null-fields", Some("false"), "Leaves fields out that are NULL."),
    option("decode.json-parser.enabled", Some("true"), "Taken for compatibility."),
];

/// How to read and write.
#[derive(Clone, Debug)]
pub struct JsonOptions {
    /// A field that is missing is an error.
    pub fail_on_missing_field: bool,
    /// Fields that do not convert become NULL, records that do not parse are skipped.
    pub ignore_parse_errors: bool,
    /// How timestamps are written.
    pub rules: TextRules,
    /// What to do with a NULL as key of a map.
    pub null_keys: NullKeys,
    /// Writes a DECIMAL never with an exponent.
    pub decimal_as_plain_number: bool,
    /// Leaves members out that are NULL.
    pub ignore_null_fields: bool,
}

/// What to do with a NULL as key of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NullKeys {
    /// Stop.
    Fail,
    /// Leave the entry out.
    Drop,
    /// Write this instead.
    Literal(String),
}

impl JsonOptions {
    /// Reads the options of a table; `prefix` is `json.` or, for the key of a message, `key.json.`.
    pub fn new(options: &Options<'_>, prefix: &str) -> Result<Self> {
        let key = |name: &str| format!("{prefix}{name}");
        let standard = options.one_of(&key("timestamp-format.standard"), &["SQL", "ISO-8601", "ISO-8601-WITH-OFFSET"], "SQL")?;
        let mode = options.one_of(&key("map-null-key.mode"), &["FAIL", "DROP", "LITERAL"], "FAIL")?;
        let literal = options.get(&key("map-null-key.literal")).unwrap_or("null").to_owned();
        options.bool(&key("decode.json-parser.enabled"), true)?;
        let parsed = Self {
            fail_on_missing_field: options.bool(&key("fail-on-missing-field"), false)?,
            ignore_parse_errors: options.bool(&key("ignore-parse-errors"), false)?,
            rules: TextRules {
                standard: match standard {
                    "SQL" => TimestampStandard::Sql,
                    "ISO-8601" => TimestampStandard::Iso8601,
                    _ => TimestampStandard::Iso8601WithOffset,
                },
                csv: false,
            },
            null_keys: match mode {
                "FAIL" => NullKeys::Fail,
                "DROP" => NullKeys::Drop,
                _ => NullKeys::Literal(literal),
            },
            decimal_as_plain_number: options.bool(&key("encode.decimal-as-plain-number"), false)?,
            ignore_null_fields: options.bool(&key("encode.ignore-null-fields"), false)?,
        };
        if parsed.fail_on_missing_field && parsed.ignore_parse_errors {
            return Err(options.error(&format!(
                "'{}' and '{}' must not both be 'true'",
                key("fail-on-missing-field"),
                key("ignore-parse-errors")
            )));
        }
        Ok(parsed)
    }
}

/// What is wrong with a record.
#[derive(Debug)]
pub struct Failure {
    /// Where in the text, in bytes.
    pub at: usize,
    /// Names of the fields around it, the innermost first.
    pub path: Vec<String>,
    /// What is wrong.
    pub reason: String,
    /// The JSON is sound, but a value does not convert to its column.
    pub conversion: bool,
}

impl Failure {
    /// The text is no JSON.
    #[cold]
    pub fn structure(at: usize, reason: impl Into<String>) -> Box<Self> {
        Box::new(Self { at, path: vec![], reason: reason.into(), conversion: false })
    }

    /// A value does not convert.
    #[cold]
    pub fn value(at: usize, reason: impl Into<String>) -> Box<Self> {
        Box::new(Self { at, path: vec![], reason: reason.into(), conversion: true })
    }
}

/// Decodes lines into rows of one schema.
pub struct JsonDecoder {
    schema: SchemaRef,
    options: JsonOptions,
    shape: RowShape,
    /// Not in use now: shapes that have learnt how records of this input look, and room for marks.
    idle: Mutex<Vec<(RowShape, Marks)>>,
    last: LastBatch,
}

impl JsonDecoder {
    /// A decoder that fills these columns. Fails for types that JSON does not carry.
    pub fn new(schema: SchemaRef, options: JsonOptions) -> Result<Self> {
        let shape = RowShape::new(schema.fields())?;
        for field in schema.fields() {
            Column::new(field, &Room::default())?;
        }
        Ok(Self { schema, options, shape, idle: Mutex::default(), last: LastBatch::default() })
    }

    /// Decodes whole records, and tells where that of each row starts.
    pub(super) fn decode_with_starts(&self, records: &[u8]) -> Result<(Rows, Vec<usize>), Stop> {
        let mut decoding = self.records(records.len())?;
        decoding.batch.starts = Some(vec![]);
        decoding.feed(records)?;
        let starts = decoding.batch.starts.take().unwrap_or_default();
        Ok((Box::new(decoding).finish()?, starts))
    }

    fn records(&self, bytes: usize) -> Result<JsonRecords<'_>> {
        let batch = BatchBuilder::new(&self.schema, &self.last, self.options.ignore_parse_errors, bytes)?;
        let (shape, marks) = self.idle().pop().unwrap_or_else(|| (self.shape.clone(), Marks::default()));
        Ok(JsonRecords { decoder: self, shape, marks, batch })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(RowShape, Marks)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Decode for JsonDecoder {
    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn skips_bad_records(&self) -> bool {
        self.options.ignore_parse_errors
    }

    fn messages_may_be_lines(&self) -> bool {
        true
    }

    fn open(&self, bytes: usize) -> Result<Box<dyn DecodeRecords + '_>> {
        Ok(Box::new(self.records(bytes)?))
    }
}

/// A batch in the making.
struct JsonRecords<'a> {
    decoder: &'a JsonDecoder,
    shape: RowShape,
    marks: Marks,
    batch: BatchBuilder<'a>,
}

impl DecodeRecords for JsonRecords<'_> {
    fn feed(&mut self, input: &[u8]) -> Result<(), Stop> {
        let mut offset = 0;
        let mut marks = std::mem::take(&mut self.marks);
        while offset < input.len() {
            let rest = &input[offset..];
            match utf8(rest, marks.sweep(rest)) {
                Ok(text) => {
                    self.lines(text, &marks, offset)?;
                    break;
                }
                Err(e) => {
                    // Everything before the line with the bad byte is sound; that line is a bad record.
                    let bad = e.valid_up_to();
                    let start = memchr::memrchr(b'\n', &rest[..bad]).map_or(0, |i| i + 1);
                    let end = memchr::memchr(b'\n', &rest[bad..]).map_or(rest.len(), |i| bad + i);
                    if let Ok(text) = std::str::from_utf8(&rest[..start]) {
                        marks.sweep(&rest[..start]);
                        self.lines(text, &marks, offset)?;
                    }
                    let failure = Failure::structure(bad - start, "the text is not UTF-8");
                    self.refuse(*failure, offset + start, &rest[start..end])?;
                    offset += end + 1;
                }
            }
        }
        self.marks = marks;
        self.batch.fed += input.len();
        Ok(())
    }

    fn feed_messages(&mut self, messages: &[u8], ends: &[u32], origins: &mut Vec<u32>) -> Result<(), Stop> {
        self.batch.starts = Some(vec![]);
        self.feed(messages)?;
        origins_of(&self.batch.starts.take().unwrap_or_default(), ends, origins);
        Ok(())
    }

    fn rows(&self) -> usize {
        self.batch.rows
    }

    fn finish(self: Box<Self>) -> Result<Rows> {
        self.decoder.idle().push((self.shape, self.marks));
        self.batch.finish()
    }
}

impl JsonRecords<'_> {
    /// Decodes whole lines; `offset` is where they start in the piece.
    fn lines(&mut self, text: &str, marks: &Marks, offset: usize) -> Result<(), Stop> {
        let mut reader = Reader::new(text, marks, &self.decoder.options);
        let mut line = 0;
        while line < text.len() {
            match self.line(&mut reader, line, offset) {
                Ok(end) => line = end + 1,
                Err(mut failure) => {
                    reader.ignored = None;
                    let end = end_of_line(text.as_bytes(), line);
                    failure.at = failure.at.saturating_sub(line);
                    self.refuse(*failure, offset + line, &text.as_bytes()[line..end])?;
                    line = end + 1;
                }
            }
        }
        Ok(())
    }

    /// Decodes the line that starts at `start` of a text, which starts at `offset` of the piece, and returns where it ends. Lines without text are no records.
    #[inline]
    fn line(&mut self, reader: &mut Reader<'_>, start: usize, offset: usize) -> Next {
        reader.scan.depth = 0;
        let mut pos = reader.scan.blanks(start);
        match reader.scan.peek(pos) {
            b'\n' => return Ok(pos),
            // Some programs begin a file with a byte order mark.
            0xef if reader.scan.text[pos..].starts_with('\u{feff}') => pos += '\u{feff}'.len_utf8(),
            _ => {}
        }
        let pos = reader.object(pos, &mut self.shape, &mut self.batch.columns, self.batch.rows)?;
        let pos = reader.scan.blanks(pos);
        if reader.scan.peek(pos) != b'\n' || reader.ignored.is_some() {
            return Ok(self.taken_in_part(reader, start, pos, offset));
        }
        self.batch.end_row(offset + start);
        Ok(pos)
    }

    /// Takes the record of the line that starts at `start`, and counts it as a bad one: text follows its object, which ends at `pos`, or a
    /// value became NULL. Returns where the line ends.
    #[cold]
    fn taken_in_part(&mut self, reader: &mut Reader<'_>, start: usize, pos: usize, offset: usize) -> usize {
        let (column, reason) = match reader.ignored.take() {
            Some(failure) => (column_of(failure.path), format!("{}, and is NULL", failure.reason)),
            None => (None, format!("text follows the end of the object (byte {} of the line) and is passed over", pos - start + 1)),
        };
        let text = reader.scan.bytes;
        let end = end_of_line(text, pos);
        self.batch.end_row(offset + start);
        self.batch.count_bad(BadRecord::new(self.batch.fed + offset + start, &text[start..end], column, reason));
        end
    }

    /// Counts a bad record, which starts at `offset` of the piece, or stops.
    #[cold]
    fn refuse(&mut self, failure: Failure, offset: usize, record: &[u8]) -> Result<(), Stop> {
        let column = column_of(failure.path);
        let reason = if failure.conversion { failure.reason } else { format!("{} (byte {} of the line)", failure.reason, failure.at + 1) };
        self.batch.refuse(BadRecord::new(self.batch.fed + offset, record, column, reason))
    }
}

/// The name of a column from those of its fields, the innermost first.
fn column_of(mut path: Vec<String>) -> Option<String> {
    path.reverse();
    (!path.is_empty()).then(|| path.join("."))
}

/// Where the line ends in which `pos` lies.
fn end_of_line(text: &[u8], pos: usize) -> usize {
    memchr::memchr(b'\n', &text[pos..]).map_or(text.len(), |i| pos + i)
}

/// The text of bytes that are UTF-8.
fn utf8(bytes: &[u8], ascii: bool) -> Result<&str, std::str::Utf8Error> {
    if ascii {
        // SAFETY: ASCII is UTF-8.
        return Ok(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    std::str::from_utf8(bytes)
}
