//! Rows written and read again, files of other programs, and bytes that are no Avro.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema as Columns, SchemaRef, TimeUnit};
use proptest::prelude::*;

use super::container::Codec;
use super::files::{AvroFileEncoder, AvroFiles};
use super::schema::Schema;
use super::wire::{push_bytes, push_long};
use super::{AvroDecoder, AvroEncoder, AvroOptions, datums};
use crate::formats::samples::{self, Random, decode, encode, mangled, text_of};
use crate::formats::{Decode, Encode, Rows, Stop};

const OPTIONS: AvroOptions = AvroOptions { json: false, codec: Codec::Null, legacy: true };

fn fields(fields: Vec<Field>) -> SchemaRef {
    Arc::new(Columns::new(fields))
}

fn column(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

/// Reads a whole file.
fn read_file(bytes: &[u8], columns: &SchemaRef, options: AvroOptions) -> Result<Rows, String> {
    let files = AvroFiles::new(columns, columns.clone(), options).map_err(|e| e.to_string())?;
    let header = files.read_header(bytes)?.ok_or("the header ends early")?;
    let mut blocks = &bytes[header.length..];
    let mut records = header.decode.open(blocks.len()).map_err(|e| e.to_string())?;
    while !blocks.is_empty() {
        let length = header.decode.block_length(&blocks[..blocks.len().min(20)])?;
        let (block, rest) = blocks.split_at_checked(length).ok_or("a block ends early")?;
        records.feed(block).map_err(|stop| match stop {
            Stop::Record(bad) => bad.reason,
            Stop::Other(e) => e.to_string(),
        })?;
        blocks = rest;
    }
    records.finish().map_err(|e| e.to_string())
}

fn flink_columns() -> SchemaRef {
    let row = |fields: Vec<Field>| DataType::Struct(fields.into());
    let list = |element: Field| DataType::List(Arc::new(element.with_name("element")));
    let time = DataType::Timestamp(TimeUnit::Millisecond, None);
    let inner = row(vec![column("z", DataType::Utf8), column("w", time.clone())]);
    fields(vec![
        column("b", DataType::Boolean),
        column("t1", DataType::Int8),
        column("s1", DataType::Int16),
        column("i", DataType::Int32),
        Field::new("l", DataType::Int64, false),
        column("f", DataType::Float32),
        column("d", DataType::Float64),
        column("dec1", DataType::Decimal128(10, 2)),
        column("dec2", DataType::Decimal128(38, 0)),
        column("s", DataType::Utf8),
        column("c", DataType::Utf8),
        column("by1", DataType::Binary),
        column("bb", DataType::Binary),
        column("da", DataType::Date32),
        column("ti", DataType::Time32(TimeUnit::Millisecond)),
        column("ts", time),
        column("a", list(column("", DataType::Int32))),
        Field::new("a2", list(Field::new("", DataType::Utf8, false)), false),
        column("m", samples::map_of(DataType::Utf8, DataType::Int64, true)),
        column("r", row(vec![column("x", DataType::Int32), column("y", inner)])),
        column("ar", list(column("", row(vec![column("p", DataType::Int32), column("q", DataType::Utf8)])))),
        column("mr", samples::map_of(DataType::Utf8, row(vec![column("p", DataType::Int32)]), true)),
    ])
}

const FLINK_ROW: &str = "true|-3|300|7|9000000000|1.5|2.25|123.45|12345678901234567890123456789012345678|hé|abc|[0, -1]|[1, 2]|\
    2024-02-29|10:11:12|2024-01-02T03:04:05.678|[1, 2, -3]|[a, b]|{j=null, k=1}|+I[1, +I[z, 1969-12-31T23:59:59.999]]|\
    [+I[1, q], +I[2, null]]|{m=+I[5]}";

#[test]
fn files_of_flink_are_read_and_written_byte_for_byte() {
    let columns = flink_columns();
    let plain = include_bytes!("../../../testdata/avro/flink.avro");
    let rows = read_file(plain, &columns, OPTIONS).unwrap();
    assert_eq!(text_of(&rows.batch), [FLINK_ROW]);
    let snappy = include_bytes!("../../../testdata/avro/flink-snappy.avro");
    assert_eq!(text_of(&read_file(snappy, &columns, OPTIONS).unwrap().batch), [FLINK_ROW]);
    // The record as it stands in Flink's file, before the mark of 16 bytes.
    let encoder = AvroFileEncoder::new(columns, OPTIONS).unwrap();
    let (record, _) = encode(&encoder, &rows.batch);
    assert!(plain[..plain.len() - 16].ends_with(&record));
}

#[test]
fn fields_are_found_by_name_and_widen() {
    let columns = fields(vec![
        column("none", DataType::Int32),
        column("f", DataType::Float64),
        column("i", DataType::Int64),
        column("s", DataType::Binary),
        column("r", DataType::Struct(vec![column("y", DataType::Struct(vec![column("z", DataType::Utf8)].into()))].into())),
    ]);
    let plain = include_bytes!("../../../testdata/avro/flink.avro");
    let rows = read_file(plain, &columns, OPTIONS).unwrap();
    assert_eq!(text_of(&rows.batch), ["null|1.5|7|[104, -61, -87]|+I[+I[z]]"]);
    let error = |column: Field| read_file(plain, &fields(vec![column]), OPTIONS).unwrap_err();
    assert_eq!(error(column("l", DataType::Utf8)), "field l: the records have long, which does not become STRING");
    assert_eq!(error(Field::new("none", DataType::Int32, false)), "the records have no field 'none', which must not be NULL");
    let narrow = fields(vec![column("i", DataType::Int32), column("s1", DataType::Int8)]);
    assert_eq!(read_file(plain, &narrow, OPTIONS).unwrap_err(), "'300' is outside the range of TINYINT (record 1 of the block)");
}

#[test]
fn types_that_flink_does_not_write_are_read() {
    let odd = include_bytes!("../../../testdata/avro/odd.avro");
    let columns = fields(vec![
        column("id", DataType::Int64),
        column("kind", DataType::Utf8),
        column("mac", DataType::Binary),
        column("money", DataType::Decimal128(10, 2)),
        column("at", DataType::Timestamp(TimeUnit::Millisecond, None)),
        column("time", DataType::Time32(TimeUnit::Millisecond)),
        column("values", DataType::List(Arc::new(column("element", DataType::Float64)))),
    ]);
    // The field `next` holds a record of the same type, which is passed over.
    assert_eq!(
        text_of(&read_file(odd, &columns, OPTIONS).unwrap().batch),
        [
            "10000000000|B|[1, 2, 3]|-12.35|2024-01-02T03:04:05.678|01:02:03.456|[1.5]",
            "20000000000|A|[2, 2, 3]|-24.69|2024-01-02T03:04:05.678|01:02:03.456|[1.5, null]",
            "30000000000|B|[3, 2, 3]|-37.04|2024-01-02T03:04:05.678|01:02:03.456|[]",
        ]
    );
    let any = read_file(odd, &fields(vec![column("any", DataType::Utf8)]), OPTIONS).unwrap_err();
    assert_eq!(any, "the records have int, which does not become STRING (record 1 of the block)");
}

#[test]
fn of_equal_keys_of_a_map_the_last_counts() {
    let writer = Schema::parse(r#"{"type":"record","name":"r","fields":[{"name":"m","type":{"type":"map","values":"int"}}]}"#).unwrap();
    let mut message = vec![];
    push_long(3, &mut message);
    for (key, value) in [("a", 1), ("b", 2), ("a", 3)] {
        push_bytes(key.as_bytes(), &mut message);
        push_long(value, &mut message);
    }
    push_long(0, &mut message);
    let columns = fields(vec![column("m", samples::map_of(DataType::Utf8, DataType::Int32, true))]);
    let rows = datums::decode_any(&writer, &columns, &message).unwrap();
    assert_eq!(text_of(&rows.batch), ["{a=3, b=2}"]);
}

#[test]
fn times_keep_their_precision_without_the_old_mapping() {
    let columns = fields(vec![
        samples::timestamp("a", "TIMESTAMP(6)", TimeUnit::Microsecond, false),
        samples::timestamp("b", "TIMESTAMP_LTZ(3)", TimeUnit::Millisecond, true),
        samples::timestamp("c", "TIMESTAMP(9)", TimeUnit::Nanosecond, false),
    ]);
    let options = AvroOptions { legacy: false, ..OPTIONS };
    let batch = samples::rows(&columns, 50, 1);
    let (bytes, ends) = encode(&AvroEncoder::new(columns.clone(), options).unwrap(), &batch);
    let decoder = AvroDecoder::new(&columns, columns.clone(), options).unwrap();
    assert_eq!(decode(&decoder, &bytes, &ends).unwrap().batch, batch);
    assert!(AvroEncoder::new(columns, OPTIONS).is_err());
}

#[test]
fn errors_name_the_place() {
    let columns = fields(vec![column("id", DataType::Int64), column("r", DataType::Struct(vec![column("s", DataType::Utf8)].into()))]);
    let decoder = AvroDecoder::new(&columns, columns.clone(), OPTIONS).unwrap();
    // Two records: id 1 without r; id 2 with a string that claims more bytes than there are.
    let bytes = [2, 2, 0, 2, 4, 2, 2, 100, b'x'];
    let Err(Stop::Record(bad)) = decode(&decoder, &bytes, &[3, 9]) else { panic!() };
    assert_eq!((bad.offset, bad.column.as_deref(), bad.text.as_str()), (4, Some("r.s"), "0x020402026478"));
    assert_eq!(bad.reason, "the record ends in the middle of a value");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn messages_come_back(columns in samples::columns(), seed: u64, json: bool) {
        let batch = samples::rows(&columns, 5, seed);
        let options = AvroOptions { json, ..OPTIONS };
        let (bytes, ends) = encode(&AvroEncoder::new(columns.clone(), options).unwrap(), &batch);
        let decoder = AvroDecoder::new(&columns, columns.clone(), options).unwrap();
        prop_assert_eq!(&decode(&decoder, &bytes, &ends).unwrap().batch, &batch);
        // Only the last column: all others are passed over.
        let last = columns.fields().len() - 1;
        let decoder = AvroDecoder::new(&columns, Arc::new(columns.project(&[last]).unwrap()), options).unwrap();
        prop_assert_eq!(decode(&decoder, &bytes, &ends).unwrap().batch, batch.project(&[last]).unwrap());
    }

    #[test]
    fn files_come_back(columns in samples::columns(), seed: u64, codec in 0usize..4) {
        let codec = [Codec::Null, Codec::Deflate, Codec::Snappy, Codec::Zstandard][codec];
        let encoder = AvroFileEncoder::new(columns.clone(), AvroOptions { codec, ..OPTIONS }).unwrap();
        let mut file = encoder.file_header();
        let batches = [samples::rows(&columns, 3, seed), samples::rows(&columns, 7, seed ^ 1)];
        for batch in &batches {
            let (bytes, _) = encode(&encoder, batch);
            file.extend(encoder.seal(batch.num_rows() as u64, bytes).unwrap());
        }
        let found = read_file(&file, &columns, OPTIONS).unwrap();
        prop_assert_eq!(found.batch, arrow::compute::concat_batches(&columns, &batches).unwrap());
        // Broken files give rows or a reason.
        let _ = read_file(&mangled(file, seed), &columns, OPTIONS);
    }

    #[test]
    fn broken_messages_give_rows_or_an_error(columns in samples::columns(), seed: u64, other in samples::columns(), json: bool) {
        let batch = samples::rows(&columns, 1, seed);
        let options = AvroOptions { json, ..OPTIONS };
        let (bytes, _) = encode(&AvroEncoder::new(columns.clone(), options).unwrap(), &batch);
        let bytes = mangled(bytes, seed);
        let decoder = AvroDecoder::new(&columns, columns.clone(), options).unwrap();
        let _ = decode(&decoder, &bytes, &[bytes.len()]);
        let writer = super::derive::derive(other.fields(), true).unwrap();
        let _ = datums::decode_any(&writer, &columns, &bytes);
    }

    #[test]
    fn any_bytes_give_rows_or_an_error(columns in samples::columns(), seed: u64, length in 0usize..60) {
        let mut random = Random(seed);
        // Small numbers are more likely to be lengths and types that are there.
        let bytes: Vec<u8> = (0..length).map(|_| if random.below(3) == 0 { random.next() as u8 } else { random.below(6) as u8 }).collect();
        let writer = super::derive::derive(columns.fields(), true).unwrap();
        let _ = datums::decode_any(&writer, &columns, &bytes);
        let _ = read_file(&bytes, &columns, OPTIONS);
        let mut file = b"Obj\x01".to_vec();
        file.extend(&bytes);
        let _ = read_file(&file, &columns, OPTIONS);
    }
}
