//! Any bytes as input of the binary formats, for programs that look for inputs which break them: every function gives rows, counted,
//! or says why not.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema as Columns, SchemaRef, TimeUnit};

use super::avro::container::Codec;
use super::avro::files::AvroFiles;
use super::avro::schema::Schema;
use super::avro::{AvroOptions, datums, derive};
use super::{BLOCK_HEAD_BYTES, Decode, DecodeRecords};

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
