//! The `raw` format: a line is the value of the table's only column.
//!
//! Text is UTF-8. Numbers are their bytes, big-endian unless `raw.endianness` says otherwise; those serve messages rather than
//! files, since a byte of theirs may be a line break.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use flott_engine::connector::OptionInfo;
use flott_engine::{Error, Result};

use super::batch::{BatchBuilder, LastBatch};
use super::cells::{Cells, Kind};
use super::columns::Column;
use super::scalar::type_name;
use super::{BadRecord, Decode, DecodeRecords, Encode, EncodeRows, Framing, Rows, Stop, option};
use crate::options::Options;

/// Options of the format, without its prefix.
pub const OPTIONS: &[OptionInfo] = &[
    option("charset", Some("UTF-8"), "The encoding of text."),
    option("endianness", Some("big-endian"), "The order of the bytes of a number: big-endian or little-endian."),
];

/// Order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endianness {
    Big,
    Little,
}

/// How to read and write.
#[derive(Debug, Clone, Copy)]
pub struct RawOptions {
    /// Order of the bytes of a number.
    pub endianness: Endianness,
}

impl RawOptions {
    /// Reads the options of a table; `prefix` is `raw.` or, for the key of a message, `key.raw.`.
    pub fn new(options: &Options<'_>, prefix: &str) -> Result<Self> {
        let charset = format!("{prefix}charset");
        if let Some(name) = options.get(&charset)
            && !["utf-8", "utf8", "us-ascii", "ascii"].contains(&name.to_ascii_lowercase().as_str())
        {
            return Err(options.unknown_value(&charset, name, &["UTF-8"]));
        }
        let order = options.one_of(&format!("{prefix}endianness"), &["big-endian", "little-endian"], "big-endian")?;
        Ok(Self { endianness: if order == "big-endian" { Endianness::Big } else { Endianness::Little } })
    }
}

/// Fails unless there is one column, of a type that the format carries.
fn check(schema: &SchemaRef) -> Result<()> {
    let [field] = &schema.fields()[..] else {
        return Err(Error::config(format!("The format 'raw' needs exactly one column, not {}", schema.fields().len())));
    };
    match field.data_type() {
        DataType::Utf8 | DataType::Binary | DataType::Boolean => Ok(()),
        t if t.is_integer() || matches!(t, DataType::Float32 | DataType::Float64) => Ok(()),
        other => Err(Error::config(format!("The format 'raw' does not carry the column {} of type {}", field.name(), type_name(other)))),
    }
}

/// Decodes lines.
pub struct RawDecoder {
    /// No column if none is needed.
    schema: SchemaRef,
    options: RawOptions,
    last: LastBatch,
}

impl RawDecoder {
    /// A decoder for a table whose columns are `stored`; `needed` is that column or none.
    pub fn new(stored: &SchemaRef, needed: SchemaRef, options: RawOptions) -> Result<Self> {
        check(stored)?;
        Ok(Self { schema: needed, options, last: LastBatch::default() })
    }

    fn push(&self, column: &mut Column, record: &[u8]) -> Result<(), String> {
        fn fixed<const N: usize>(record: &[u8], endianness: Endianness) -> Result<[u8; N], String> {
            let mut bytes = <[u8; N]>::try_from(record).map_err(|_| format!("the record has {} bytes, not {N}", record.len()))?;
            if endianness == Endianness::Little {
                bytes.reverse();
            }
            Ok(bytes)
        }
        let order = self.options.endianness;
        match column {
            Column::String(c) => c.push(std::str::from_utf8(record).map_err(|_| "the text is not UTF-8")?),
            Column::Binary(c) => c.push(record),
            Column::Boolean(c) => Column::push_bool(c, fixed::<1>(record, order)? != [0]),
            Column::Int8(c) => c.push(i8::from_be_bytes(fixed(record, order)?)),
            Column::Int16(c) => c.push(i16::from_be_bytes(fixed(record, order)?)),
            Column::Int32(c) => c.push(i32::from_be_bytes(fixed(record, order)?)),
            Column::Int64(c) => c.push(i64::from_be_bytes(fixed(record, order)?)),
            Column::Float32(c) => c.push(f32::from_be_bytes(fixed(record, order)?)),
            Column::Float64(c) => c.push(f64::from_be_bytes(fixed(record, order)?)),
            _ => return Err("the column's type is not carried".to_owned()),
        }
        Ok(())
    }
}

impl Decode for RawDecoder {
    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn skips_bad_records(&self) -> bool {
        false
    }

    fn open(&self, bytes: usize) -> Result<Box<dyn DecodeRecords + '_>> {
        Ok(Box::new(RawRecords { decoder: self, batch: BatchBuilder::new(&self.schema, &self.last, false, bytes)? }))
    }
}

/// A batch in the making.
struct RawRecords<'a> {
    decoder: &'a RawDecoder,
    batch: BatchBuilder<'a>,
}

impl DecodeRecords for RawRecords<'_> {
    fn feed(&mut self, input: &[u8]) -> Result<(), Stop> {
        let mut start = 0;
        while start < input.len() {
            let end = memchr::memchr(b'\n', &input[start..]).map_or(input.len(), |i| start + i);
            // Files from Windows end their lines with two characters.
            let record = input[start..end].strip_suffix(b"\r").unwrap_or(&input[start..end]);
            self.record(record, start)?;
            start = end + 1;
        }
        self.batch.fed += input.len();
        Ok(())
    }

    fn feed_message(&mut self, message: &[u8]) -> Result<(), Stop> {
        self.record(message.strip_suffix(b"\n").unwrap_or(message), 0)?;
        self.batch.fed += message.len();
        Ok(())
    }

    fn feed_messages(&mut self, messages: &[u8], ends: &[u32], origins: &mut Vec<u32>) -> Result<(), Stop> {
        let mut start = 0;
        for (message, end) in ends.iter().enumerate() {
            let end = *end as usize;
            if end > start {
                self.feed_message(&messages[start..end])?;
            } else {
                self.batch.columns.iter_mut().for_each(Column::push_null);
                self.batch.rows += 1;
            }
            origins.push(message as u32);
            start = end;
        }
        Ok(())
    }

    fn rows(&self) -> usize {
        self.batch.rows
    }

    fn finish(self: Box<Self>) -> Result<Rows> {
        self.batch.finish()
    }
}

impl RawRecords<'_> {
    /// Appends a record, which starts at `start` of the piece.
    fn record(&mut self, record: &[u8], start: usize) -> Result<(), Stop> {
        for column in &mut self.batch.columns {
            if let Err(reason) = self.decoder.push(column, record) {
                let column = Some(self.decoder.schema.field(0).name().clone());
                return Err(Stop::Record(BadRecord::new(self.batch.fed + start, record, column, reason)));
            }
        }
        self.batch.rows += 1;
        Ok(())
    }
}

/// Encodes rows of one column.
pub struct RawEncoder {
    schema: SchemaRef,
    options: RawOptions,
}

impl RawEncoder {
    /// An encoder for rows of this schema.
    pub fn new(schema: SchemaRef, options: RawOptions) -> Result<Self> {
        check(&schema)?;
        Ok(Self { schema, options })
    }
}

impl Encode for RawEncoder {
    fn open(&self, batch: &RecordBatch) -> Result<Box<dyn EncodeRows>> {
        let cells = Cells::new(batch.column(0), self.schema.field(0))?;
        Ok(Box::new(RawRows { cells, endianness: self.options.endianness }))
    }
}

struct RawRows {
    cells: Cells,
    endianness: Endianness,
}

impl EncodeRows for RawRows {
    fn row(&mut self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        if !self.cells.is_null(row) {
            let number = match &self.cells.kind {
                Kind::String(a) => {
                    out.extend_from_slice(a.value(row).as_bytes());
                    false
                }
                Kind::Binary(a) => {
                    out.extend_from_slice(a.value(row));
                    false
                }
                Kind::Boolean(a) => push(out, &[u8::from(a.value(row))]),
                Kind::Int8(a) => push(out, &a.value(row).to_be_bytes()),
                Kind::Int16(a) => push(out, &a.value(row).to_be_bytes()),
                Kind::Int32(a) => push(out, &a.value(row).to_be_bytes()),
                Kind::Int64(a) => push(out, &a.value(row).to_be_bytes()),
                Kind::Float32(a) => push(out, &a.value(row).to_be_bytes()),
                Kind::Float64(a) => push(out, &a.value(row).to_be_bytes()),
                _ => false,
            };
            if number && self.endianness == Endianness::Little {
                out[start..].reverse();
            }
        }
        out.push(b'\n');
        Ok(())
    }
}

fn push(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    out.extend_from_slice(bytes);
    true
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::datatypes::{Field, Schema};
    use std::sync::Arc;

    fn round_trip(data_type: DataType, endianness: Endianness, input: &[u8]) {
        let schema = Arc::new(Schema::new(vec![Field::new("a", data_type, true)]));
        let options = RawOptions { endianness };
        let rows = RawDecoder::new(&schema, schema.clone(), options).unwrap().decode(input).unwrap();
        let encoder = RawEncoder::new(schema, options).unwrap();
        let mut encode = encoder.open(&rows.batch).unwrap();
        let mut out = vec![];
        (0..rows.batch.num_rows()).for_each(|row| encode.row(row, &mut out).unwrap());
        assert_eq!(out, input);
    }

    #[test]
    fn values_round_trip() {
        round_trip(DataType::Utf8, Endianness::Big, "a\n\né,\"x\n".as_bytes());
        round_trip(DataType::Binary, Endianness::Big, b"\xff\x00\n\n");
        round_trip(DataType::Int32, Endianness::Big, b"\x00\x00\x01\x02\n\xff\xff\xff\xff\n");
        round_trip(DataType::Int64, Endianness::Little, b"\x01\x02\x03\x04\x05\x06\x07\x08\n");
        round_trip(DataType::Float64, Endianness::Little, b"\x01\x02\x03\x04\x05\x06\x07\x08\n");
        round_trip(DataType::Boolean, Endianness::Big, b"\x01\n\x00\n");
    }

    #[test]
    fn bad_records_and_schemas() {
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int32, true)]));
        let options = RawOptions { endianness: Endianness::Big };
        let decoder = RawDecoder::new(&schema, schema.clone(), options).unwrap();
        let Err(Stop::Record(bad)) = decoder.decode(b"\0\0\0\x01\nabc\n") else { panic!() };
        assert_eq!((bad.offset, bad.reason.as_str()), (5, "the record has 3 bytes, not 4"));
        let two = Arc::new(Schema::new(vec![Field::new("a", DataType::Int32, true), Field::new("b", DataType::Int32, true)]));
        assert!(RawEncoder::new(two, options).is_err());
    }
}
