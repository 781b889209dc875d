//! Messages of another program, rows written and read again, and bytes that are no messages.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use flott_engine::connector::TableSpec;
use proptest::prelude::*;

use crate::formats::samples::{self, Random, decode, encode, mangled, text_of};
use crate::formats::{Decode, Encode, Stop, decoder, encoder};

fn column(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

fn list(element: DataType) -> DataType {
    DataType::List(Arc::new(column("element", element)))
}

fn row(fields: Vec<Field>) -> DataType {
    DataType::Struct(fields.into())
}

fn item(depth: usize) -> DataType {
    let mut fields = vec![column("v1", DataType::Int32), column("v2", DataType::Utf8)];
    if depth > 0 {
        fields.push(column("inner", item(depth - 1)));
    }
    row(fields)
}

fn order() -> SchemaRef {
    let (int, long, text) = (DataType::Int32, DataType::Int64, DataType::Utf8);
    Arc::new(Schema::new(vec![
        column("id", long.clone()),
        column("name", text.clone()),
        column("big", long.clone()),
        column("delta", int.clone()),
        column("f32", int.clone()),
        column("s64", long.clone()),
        column("price", DataType::Float64),
        column("ratio", DataType::Float32),
        column("paid", DataType::Boolean),
        column("raw", DataType::Binary),
        column("color", text.clone()),
        column("color_number", int.clone()),
        column("packed", list(int.clone())),
        column("loose", list(long.clone())),
        column("tags", list(text.clone())),
        column("counts", samples::map_of(text.clone(), long, true)),
        column("items", samples::map_of(int.clone(), item(0), true)),
        column("item", item(1)),
        column("list", list(item(0))),
        column("maybe", int.clone()),
        column("left", text.clone()),
        column("right", int.clone()),
        column("u32", int),
        column("far", text),
    ]))
}

fn event() -> SchemaRef {
    Arc::new(Schema::new(vec![
        column("id", DataType::Int64),
        column("n", DataType::Int32),
        column("s", DataType::Utf8),
        column("loose", list(DataType::Int32)),
        column("packed", list(DataType::Int32)),
        column("kind", DataType::Utf8),
        column("inner", row(vec![column("x", DataType::Int32)])),
    ]))
}

fn table(schema: &SchemaRef, class: &str, file: &str, more: &[(&str, &str)]) -> TableSpec {
    let path = format!("{}/testdata/protobuf/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut options = BTreeMap::from([
        ("format".to_owned(), "protobuf".to_owned()),
        ("protobuf.message-class-name".to_owned(), class.to_owned()),
        ("protobuf.schema".to_owned(), path),
    ]);
    options.extend(more.iter().map(|(k, v)| (format!("protobuf.{k}"), v.to_string())));
    TableSpec { name: "t".into(), schema: schema.clone(), columns: vec![], options, partition_keys: vec![], primary_key: vec![] }
}

fn decoder_of(table: &TableSpec) -> Arc<dyn Decode> {
    let all: Vec<usize> = (0..table.schema.fields().len()).collect();
    decoder(table, &all, &all).unwrap()
}

fn encoder_of(table: &TableSpec) -> Arc<dyn Encode> {
    encoder(table, table.schema.clone()).unwrap()
}

const ORDER: &str = "com.example.shop.Order";
const EVENT: &str = "com.example.old.Legacy$Event";

/// A message that Python's protobuf has written.
fn message(name: &str) -> Vec<u8> {
    let all = include_str!("../../../testdata/protobuf/messages.hex");
    let hex = all.lines().find_map(|line| line.split_once(':').filter(|(n, _)| *n == name)).unwrap().1.trim();
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn read(table: &TableSpec, bytes: &[u8]) -> String {
    text_of(&decode(decoder_of(table).as_ref(), bytes, &[bytes.len()]).unwrap().batch).join("\n")
}

const ALL: &str = "1|né|-1|-5|-294967296|-7|2.5|0.5|true|[0, -1]|GREEN|5|[1, -1, 300]|[-1, 5]|[a, , b]|{k=1}|{-1=+I[3, ]}|\
    +I[1, x, +I[0, deep]]|[+I[0, ], +I[0, q]]|0||8|-1|away";

#[test]
fn messages_of_another_program_are_read_and_written_byte_for_byte() {
    for (class, file) in [(ORDER, "order.proto"), ("shop.Order", "shop.desc"), ("Order", "shop.desc")] {
        let table = table(&order(), class, file, &[]);
        let bytes = message("all");
        assert_eq!(read(&table, &bytes), ALL);
    }
    // A oneof has one member: what NULL is for the columns beside it, the table has as default.
    let columns: Vec<usize> = (0..24).filter(|i| *i != 20).collect();
    let written = Arc::new(order().project(&columns).unwrap());
    let table = table(&written, ORDER, "order.proto", &[]);
    let rows = decode(decoder_of(&table).as_ref(), &message("all"), &[message("all").len()]).unwrap();
    assert_eq!(encode(encoder_of(&table).as_ref(), &rows.batch).0, message("all"));
}

#[test]
fn fields_that_are_not_there() {
    let nulls = "0||0|0|0|0|0.0|0.0|false|[]|RED|0|null|null|null|null|null|null|null|0||0|0|";
    assert_eq!(read(&table(&order(), ORDER, "order.proto", &[]), b""), nulls);
    let defaults = [("read-default-values", "true")];
    let all = "0||0|0|0|0|0.0|0.0|false|[]|RED|0|[]|[]|[]|{}|{}|+I[0, , +I[0, ]]|[]|0||0|0|";
    assert_eq!(read(&table(&order(), ORDER, "order.proto", &defaults), b""), all);
    let legacy = message("legacy");
    assert_eq!(read(&table(&event(), EVENT, "legacy.proto", &[]), &legacy), "9|1||[1, 2]|[3, 4]|A|+I[2]");
    let empty = message("legacy empty");
    assert_eq!(read(&table(&event(), EVENT, "legacy.proto", &[]), &empty), "1|null|null|null|null|null|null");
    assert_eq!(read(&table(&event(), EVENT, "legacy.proto", &defaults), &empty), "1|7|seven|[]|[]|B|+I[-3]");
    let Err(Stop::Record(bad)) = decode(decoder_of(&table(&event(), EVENT, "legacy.proto", &[])).as_ref(), b"", &[0]) else { panic!() };
    assert_eq!(bad.reason, "the required field 'id' is missing");
}

#[test]
fn fields_in_any_order_and_more_than_once() {
    let table = table(&event(), EVENT, "legacy.proto", &[]);
    // n = 1, an unknown field of each encoding and a group, packed elements for the loose field and the other way round, an unknown
    // value of the enum, inner in two parts, n = 2, id.
    let bytes = [
        0x10, 1, 0xf8, 1, 9, 0xf9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xfd, 1, 0, 0, 0, 0, 0xfa, 1, 1, 7, 0xfb, 1, 0x08, 1, 0xfc, 1, 0x22, 2, 5, 6,
        0x20, 7, 0x28, 8, 0x30, 9, 0x3a, 2, 0x08, 1, 0x3a, 0, 0x10, 2, 0x08, 3,
    ];
    assert_eq!(read(&table, &bytes), "3|2|null|[5, 6, 7]|[8]|null|+I[-1]");
}

#[test]
fn broken_messages_are_counted_or_stop() {
    let table = |more: &[(&str, &str)]| table(&event(), EVENT, "legacy.proto", more);
    let bytes = [0x08, 1, 0x08, 2, 0x1a, 9, b'x', 0x08, 3];
    let Err(Stop::Record(bad)) = decode(decoder_of(&table(&[])).as_ref(), &bytes, &[2, 7, 9]) else { panic!() };
    assert_eq!((bad.offset, bad.column.as_deref()), (3, Some("s")));
    assert_eq!(bad.reason, "the message ends in the middle of a field");
    let rows = decode(decoder_of(&table(&[("ignore-parse-errors", "true")])).as_ref(), &bytes, &[2, 7, 9]).unwrap();
    assert_eq!((rows.batch.num_rows(), rows.bad_rows), (2, 1));
}

#[test]
fn nulls_among_elements_and_members_of_a_oneof_are_written_as_flink_does() {
    let columns = Arc::new(Schema::new(vec![
        column("right", DataType::Int32),
        column("tags", list(DataType::Utf8)),
        column("left", DataType::Utf8),
        column("color", DataType::Utf8),
    ]));
    let table = table(&columns, ORDER, "order.proto", &[("write-null-string-literal", "nil")]);
    let json = br#"{"right":1,"tags":["a",null],"left":"l","color":"PINK"}"#;
    let mut text = table.clone();
    text.options.insert("format".into(), "json".into());
    let rows = decoder_of(&text).decode(json).unwrap();
    let (bytes, ends) = encode(encoder_of(&table).as_ref(), &rows.batch);
    // The later column of the oneof wins; an unknown name is the enum's first value, which proto3 does not write.
    assert_eq!(bytes, b"\x7a\x01a\x7a\x03nil\xaa\x01\x01l");
    assert_eq!(text_of(&decode(decoder_of(&table).as_ref(), &bytes, &ends).unwrap().batch), ["0|[a, nil]|l|RED"]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let error = |columns: Vec<Field>, class: &str, file: &str| {
        let table = table(&Arc::new(Schema::new(columns)), class, file, &[]);
        match decoder(&table, &[0], &[0]) {
            Err(e) => e.to_string(),
            Ok(_) => panic!(),
        }
    };
    let none = error(vec![column("nothing", DataType::Utf8)], ORDER, "order.proto");
    assert!(none.contains("the message shop.Order has no field 'nothing'"), "{none}");
    let type_of = error(vec![column("id", DataType::Utf8)], ORDER, "order.proto");
    assert!(type_of.contains("field id: the message has int64 there, which does not become STRING"), "{type_of}");
    let class = error(vec![column("id", DataType::Int64)], "com.example.Other", "order.proto");
    assert!(class.contains("has no message 'com.example.Other' (There are shop.Order, shop.Order.Item)"), "{class}");
    assert!(error(vec![column("id", DataType::Int64)], ORDER, "messages.hex").contains("is no set of descriptors"));
    assert!(error(vec![column("id", DataType::Int64)], ORDER, "none.proto").contains("cannot be read"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_was_read_comes_back(seed: u64) {
        // All NULLs that protobuf cannot tell are gone after the first reading; enums have names of their own.
        let columns: Vec<usize> = (0..24).filter(|i| ![10, 11, 20].contains(i)).collect();
        let table = table(&Arc::new(order().project(&columns).unwrap()), ORDER, "order.proto", &[]);
        let (decoder, encoder) = (decoder_of(&table), encoder_of(&table));
        let (bytes, ends) = encode(encoder.as_ref(), &samples::rows(&table.schema, 4, seed));
        let first = decode(decoder.as_ref(), &bytes, &ends).unwrap().batch;
        let (again, ends) = encode(encoder.as_ref(), &first);
        prop_assert_eq!(decode(decoder.as_ref(), &again, &ends).unwrap().batch, first.clone());
        prop_assert_eq!(encode(encoder.as_ref(), &first).0, again);
        let broken = mangled(bytes, seed);
        let _ = decode(decoder.as_ref(), &broken, &[broken.len()]);
    }

    #[test]
    fn any_bytes_give_rows_or_an_error(seed: u64, length in 0usize..80) {
        let table = table(&order(), ORDER, "order.proto", &[("ignore-parse-errors", "true")]);
        let decoder = decoder_of(&table);
        let mut random = Random(seed);
        let mut bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        // Tags that are known, and short lengths.
        for (i, byte) in bytes.iter_mut().enumerate().filter(|(i, _)| i % 3 == 0) {
            *byte = if i % 2 == 0 { (*byte % 24) << 3 | 2 } else { *byte % 9 };
        }
        let rows = decode(decoder.as_ref(), &bytes, &[bytes.len()]).unwrap();
        prop_assert_eq!(rows.batch.num_rows() as u64 + rows.bad_rows, 1);
    }
}
