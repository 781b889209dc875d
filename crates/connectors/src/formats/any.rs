//! Any bytes as input of the formats, for programs that look for inputs which break them: every function gives rows, counted,
//! or says why not.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema as Columns, SchemaRef, TimeUnit};

use super::avro::container::Codec;
use super::avro::files::AvroFiles;
use super::avro::schema::Schema;
use super::avro::{AvroOptions, datums, derive};
use super::{BLOCK_HEAD_BYTES, Decode, DecodeRecords, Slot};
use crate::options::Options;
use flott_engine::connector::TableSpec;

/// Columns of many types.
fn columns() -> SchemaRef {
    let field = |name: &str, data_type: DataType| Field::new(name, data_type, true);
    let list = |element: DataType| DataType::List(Arc::new(field("element", element)));
    let entry = vec![Field::new("key", DataType::Utf8, false), field("value", list(DataType::Int32))];
    let map = DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry.into()), false)), false);
    let row = DataType::Struct(vec![field("x", DataType::Int8), field("y", list(DataType::Binary))].into());
    Arc::new(Columns::new(vec![
        field("b", DataType::Boolean),
        field("i", DataType::Int32),
        field("l", DataType::Int64),
        field("d", DataType::Float64),
        field("s", DataType::Utf8),
        field("n", DataType::Decimal128(20, 3)),
        field("t", DataType::Timestamp(TimeUnit::Millisecond, None)),
        field("a", list(row)),
        field("m", map),
    ]))
}

/// A message of Avro, of the schema that such a table has.
pub fn avro_message(message: &[u8]) -> Result<usize, String> {
    let columns = columns();
    let writer = derive::derive(columns.fields(), true).map_err(|e| e.to_string())?;
    datums::decode_any(&writer, &columns, message).map(|rows| rows.batch.num_rows())
}

/// A schema of Avro in JSON, a byte 0, and a message of it.
pub fn avro_schema_and_message(input: &[u8]) -> Result<usize, String> {
    let end = input.iter().position(|b| *b == 0).unwrap_or(input.len());
    let writer = Schema::parse(&String::from_utf8_lossy(&input[..end]))?;
    let message = input.get(end + 1..).unwrap_or_default();
    datums::decode_any(&writer, &columns(), message).map(|rows| rows.batch.num_rows())
}

/// A file of Avro.
pub fn avro_file(file: &[u8]) -> Result<usize, String> {
    let options = AvroOptions { json: false, codec: Codec::Null, legacy: true };
    let files = AvroFiles::new(&columns(), columns(), options).map_err(|e| e.to_string())?;
    let header = files.read_header(file)?.ok_or("the file ends within its header")?;
    let mut blocks = &file[header.length..];
    let mut records: Box<dyn DecodeRecords + '_> = header.decode.open(blocks.len()).map_err(|e| e.to_string())?;
    while !blocks.is_empty() {
        let length = header.decode.block_length(&blocks[..blocks.len().min(BLOCK_HEAD_BYTES)])?;
        let (block, rest) = blocks.split_at_checked(length).ok_or("the file ends in the middle of a block")?;
        records.feed(block).map_err(|stop| format!("{stop:?}"))?;
        blocks = rest;
    }
    records.finish().map(|rows| rows.batch.num_rows()).map_err(|e| e.to_string())
}

/// A message of protobuf, of the message `Any` of a `.proto` file in the first part, which ends with a byte 0.
pub fn protobuf_schema_and_message(input: &[u8]) -> Result<usize, String> {
    let end = input.iter().position(|b| *b == 0).unwrap_or(input.len());
    let message = input.get(end + 1..).unwrap_or_default();
    super::protobuf::decode_any(&String::from_utf8_lossy(&input[..end]), message)
}

/// One of the three ways in which Avro comes, by the first byte.
pub fn avro(input: &[u8]) -> Result<usize, String> {
    let Some((way, rest)) = input.split_first() else { return Ok(0) };
    match way % 3 {
        0 => avro_message(rest),
        1 => avro_schema_and_message(rest),
        _ => avro_file(rest),
    }
}

/// Lines of JSON.
pub fn json(lines: &[u8]) -> Result<usize, String> {
    text("json", &[], lines)
}

/// Lines of CSV, in one of several dialects by the first byte.
pub fn csv(input: &[u8]) -> Result<usize, String> {
    let dialects: [&[(&str, &str)]; 4] = [
        &[],
        &[("csv.field-delimiter", ";"), ("csv.null-literal", "n/a"), ("csv.array-element-delimiter", ",")],
        &[("csv.escape-character", "\\"), ("csv.allow-comments", "true")],
        &[("csv.disable-quote-character", "true"), ("csv.field-delimiter", "\t")],
    ];
    let Some((dialect, rest)) = input.split_first() else { return Ok(0) };
    text("csv", dialects[usize::from(*dialect) % dialects.len()], rest)
}

/// Lines of one of the formats of changes in JSON, by the first byte.
pub fn changes(input: &[u8]) -> Result<usize, String> {
    let formats: [(&str, &[(&str, &str)]); 5] = [
        ("debezium-json", &[]),
        ("debezium-json", &[("debezium-json.schema-include", "true")]),
        ("canal-json", &[]),
        ("maxwell-json", &[]),
        ("ogg-json", &[]),
    ];
    let Some((format, rest)) = input.split_first() else { return Ok(0) };
    let (format, options) = formats[usize::from(*format) % formats.len()];
    text(format, options, rest)
}

/// Lines of a format, which are read three times: strictly, as one message, and with what does not parse left out. Panics when the last
/// fails, or when what is read strictly is more or less than what is read so.
fn text(format: &str, more: &[(&str, &str)], lines: &[u8]) -> Result<usize, String> {
    let decoder = |skip: bool| {
        let own = [("format", format)].into_iter().chain(more.iter().copied());
        let mut options: BTreeMap<String, String> = own.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        options.insert(format!("{format}.ignore-parse-errors"), skip.to_string());
        // Columns of rows are not for CSV.
        let all = columns();
        let schema = if format == "csv" { Arc::new(Columns::new(all.fields()[..7].to_vec())) } else { all };
        let name = "any".to_owned();
        let table = TableSpec { name, schema, columns: vec![], options, partition_keys: vec![], primary_key: vec![] };
        let places: Vec<usize> = (0..table.schema.fields().len()).collect();
        Slot::Whole.decoder(&Options::new(&table), table.schema.fields(), &places).map_err(|e| e.to_string())
    };
    let mut input = lines.to_vec();
    if input.last() != Some(&b'\n') {
        input.push(b'\n');
    }
    let (strict, lenient) = (decoder(false)?, decoder(true)?);
    let as_message = || -> Result<usize, super::Stop> {
        let mut records = strict.open(input.len())?;
        records.feed_message(&input)?;
        Ok(records.finish()?.batch.num_rows())
    };
    let _ = as_message();
    let left = match lenient.decode(&input) {
        Ok(rows) => rows,
        Err(stop) => panic!("{format} stops although it is to leave out what does not parse: {stop:?}"),
    };
    match strict.decode(&input) {
        Ok(rows) => {
            let (read, lenient) = ((rows.batch.num_rows(), rows.bad_rows), (left.batch.num_rows(), left.bad_rows));
            assert_eq!(read, lenient, "{format}: what is read strictly is all there is to read");
            Ok(rows.batch.num_rows())
        }
        Err(stop) => {
            assert!(left.bad_rows > 0, "{format}: {stop:?}, but nothing was left out");
            match stop {
                super::Stop::Record(record) => Err(record.reason),
                super::Stop::Other(error) => Err(error.to_string()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_is_read() {
        assert_eq!(avro_message(&[0; 9]), Ok(1));
        assert!(avro_message(&[9; 9]).is_err());
        let schema = br#"{"type":"record","name":"r","fields":[{"name":"i","type":"int"}]}"#;
        assert_eq!(avro_schema_and_message(&[&schema[..], &[0, 14]].concat()), Ok(1));
        assert!(avro_file(include_bytes!("../../testdata/avro/odd.avro")).is_ok_and(|rows| rows == 3));
        let proto = b"syntax = \"proto3\"; message Any { int32 a = 1; repeated Any b = 2; map<string, bytes> c = 3; Any d = 4; }";
        assert_eq!(protobuf_schema_and_message(&[&proto[..], &[0, 8, 1, 0x12, 2, 8, 3]].concat()), Ok(1));
        assert!(protobuf_schema_and_message(&[&proto[..], &[0, 8]].concat()).is_err());
        assert!(protobuf_schema_and_message(b"message").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_give_rows_or_an_error(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 0u8..6], 0..80)) {
            let _ = avro_message(&bytes);
            let _ = avro_schema_and_message(&bytes);
            let _ = avro_file(&bytes);
        }
    }
}
