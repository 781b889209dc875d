//! Time of formats: JSON events read, all of their columns or few of them, rows written as CSV and as JSON, and rows of a bid as messages of
//! JSON, Avro and protobuf.
//!
//! `cargo bench -p flott-connectors` prints bytes or rows per second.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flott_connectors::formats::{self, Decode, Rows};
use flott_engine::connector::TableSpec;

/// Rows of an input: about one chunk.
const ROWS: usize = 3_000;
/// As much as the file source feeds at once.
const PIECE_BYTES: usize = 64 << 10;

fn table(format: &str, fields: Vec<Field>) -> TableSpec {
    TableSpec {
        name: "t".into(),
        schema: Arc::new(Schema::new(fields)),
        columns: vec![],
        options: BTreeMap::from([("format".into(), format.into())]),
        partition_keys: vec![],
        primary_key: vec![],
    }
}

fn decoder(table: &TableSpec) -> Arc<dyn Decode> {
    let all: Vec<usize> = (0..table.schema.fields().len()).collect();
    formats::decoder(table, &all, &all).expect("the format takes all of these types")
}

/// Decodes a text piece by piece, as the file source does.
fn decode(decoder: &dyn Decode, text: &[u8]) -> Rows {
    let mut records = decoder.open(text.len()).expect("the columns were checked");
    let mut rest = text;
    while !rest.is_empty() {
        let piece = &rest[..rest.len().min(PIECE_BYTES)];
        let (lines, left) = rest.split_at(piece.iter().rposition(|b| *b == b'\n').map_or(rest.len(), |i| i + 1));
        records.feed(lines).expect("all records are sound");
        rest = left;
    }
    records.finish().expect("the columns fit the schema")
}

/// Columns of a bid, those with these names.
fn bid_columns(names: &[&str]) -> Vec<Field> {
    let time = DataType::Timestamp(TimeUnit::Millisecond, None);
    let all = [
        ("auction", DataType::Int64),
        ("bidder", DataType::Int64),
        ("price", DataType::Int64),
        ("channel", DataType::Utf8),
        ("url", DataType::Utf8),
        ("dateTime", time),
        ("extra", DataType::Utf8),
    ];
    let wanted = all.into_iter().filter(|(name, _)| names.contains(name));
    wanted.map(|(name, data_type)| Field::new(name, data_type, true)).collect()
}

const ALL: [&str; 7] = ["auction", "bidder", "price", "channel", "url", "dateTime", "extra"];

fn json_decode(criterion: &mut Criterion) {
    let (flat, nested) = (flat_rows(ROWS), nested_rows(ROWS));
    let event = |bid: &[&str]| {
        let bid = Field::new("bid", DataType::Struct(bid_columns(bid).into()), true);
        vec![Field::new("event_type", DataType::Int32, true), bid]
    };
    let cases = [
        ("flat, 7 of 7 columns", &flat, bid_columns(&ALL)),
        ("flat, 3 of 7 columns", &flat, bid_columns(&["auction", "price", "dateTime"])),
        ("flat, 1 of 7 columns", &flat, bid_columns(&["price"])),
        ("events, bid with 7 columns", &nested, event(&ALL)),
        ("events, bid with 3 columns", &nested, event(&["auction", "price", "dateTime"])),
        ("events, no bid", &nested, vec![Field::new("event_type", DataType::Int32, true)]),
    ];
    let mut group = criterion.benchmark_group("json decode");
    for (name, text, fields) in cases {
        let decoder = decoder(&table("json", fields));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(decode(decoder.as_ref(), text))));
    }
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let rows = decode(decoder(&table("json", bid_columns(&ALL))).as_ref(), &flat_rows(ROWS)).batch;
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(ROWS as u64));
    for format in ["csv", "json"] {
        let encoder = formats::encoder(&table(format, vec![]), rows.schema()).expect("the format takes all of these types");
        group.bench_function(format, |bencher| {
            bencher.iter(|| {
                let mut out = Vec::with_capacity(ROWS * 300);
                let mut encode = encoder.open(&rows).expect("the columns fit the schema");
                (0..rows.num_rows()).try_for_each(|row| encode.row(row, &mut out)).expect("no map has a NULL key");
                black_box(out)
            });
        });
    }
    group.finish();
}

/// A bid of six columns as messages of a queue, read and written.
fn messages(criterion: &mut Criterion) {
    const BID: &str = "syntax = \"proto3\"; message Bid { int64 auction = 1; int64 bidder = 2; int64 price = 3; string channel = 4; \
        string url = 5; int64 dateTime = 6; }";
    let proto = tempfile::Builder::new().suffix(".proto").tempfile().expect("there is a folder for such files");
    std::fs::write(proto.path(), BID).expect("the file was just made");
    let mut group = criterion.benchmark_group("messages of a bid");
    group.throughput(Throughput::Elements(ROWS as u64));
    for format in ["json", "avro", "protobuf"] {
        let mut fields = bid_columns(&ALL[..6]);
        if format == "protobuf" {
            fields[5] = Field::new("dateTime", DataType::Int64, true);
        }
        let mut table = table(format, fields);
        table.options.insert("protobuf.message-class-name".into(), "Bid".into());
        table.options.insert("protobuf.schema".into(), proto.path().display().to_string());
        let rows = decode(decoder(&self::table("json", bid_columns(&ALL[..6]))).as_ref(), &flat_rows(ROWS)).batch;
        let columns = rows.columns().iter().zip(table.schema.fields());
        let columns = columns.map(|(column, field)| arrow::compute::cast(column, field.data_type()).expect("a time is a number"));
        let rows = RecordBatch::try_new(table.schema.clone(), columns.collect()).expect("the columns fit");
        let encoder = formats::encoder(&table, table.schema.clone()).expect("the format takes all of these types");
        let write = || {
            let (mut bytes, mut ends) = (Vec::with_capacity(ROWS * 200), Vec::with_capacity(ROWS));
            let mut encode = encoder.open(&rows).expect("the columns fit the schema");
            for row in 0..rows.num_rows() {
                encode.row(row, &mut bytes).expect("all values are carried");
                // A message comes with a line break behind it.
                bytes.extend_from_slice(if format == "json" { b"" } else { b"\n" });
                ends.push(bytes.len() as u32);
            }
            (bytes, ends)
        };
        let (bytes, ends) = write();
        group.bench_function(format!("{format}, written"), |bencher| bencher.iter(|| black_box(write())));
        for (name, needed) in [("read", vec![0, 1, 2, 3, 4, 5]), ("3 columns read", vec![0, 2, 5])] {
            let decoder = formats::decoder(&table, &[0, 1, 2, 3, 4, 5], &needed).expect("the format takes all of these types");
            group.bench_function(format!("{format}, {name}"), |bencher| {
                bencher.iter(|| {
                    let mut records = decoder.open(bytes.len()).expect("the columns were checked");
                    records.feed_messages(&bytes, &ends, &mut Vec::with_capacity(ROWS)).expect("all records are sound");
                    black_box(records.finish().expect("the columns fit the schema"))
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, json_decode, encode, messages);
criterion_main!(benches);

/// A small generator of random numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn letters(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(b'a' + (self.next() % 26) as u8)).collect()
    }
}

fn time(i: usize) -> String {
    format!("2026-11-22 05:{:02}:{:02}.{:03}", (i / 60_000) % 60, (i / 1_000) % 60, i % 1_000)
}

fn bid(i: usize, random: &mut Random, extra: usize) -> String {
    let channel = ["Google", "Facebook", "Baidu", "Apple"][(random.next() % 4) as usize];
    format!(
        "{{\"auction\":{},\"bidder\":{},\"price\":{},\"channel\":\"{channel}\",\"url\":\"https://www.nexmark.com/{}/item.htm?query=1&channel_id={}\",\"dateTime\":\"{}\",\"extra\":\"{}\"}}",
        1000 + i / 15,
        random.next() % 100_000 + 1000,
        random.next() % 10_000_000 + 100,
        random.letters(12),
        random.next() % 1_000_000_000,
        time(i),
        random.letters(extra),
    )
}

fn flat_rows(rows: usize) -> Vec<u8> {
    let mut random = Random(88_172_645_463_325_252);
    (0..rows).flat_map(|i| (bid(i, &mut random, 50) + "\n").into_bytes()).collect()
}

fn nested_rows(rows: usize) -> Vec<u8> {
    let mut random = Random(88_172_645_463_325_252);
    let row = |i: usize| {
        let (kind, person, auction, bid) = match i % 50 {
            0 => {
                let person = format!(
                    "{{\"id\":{i},\"name\":\"Peter Jones\",\"emailAddress\":\"{}@{}.com\",\"creditCard\":\"1234 5678 9012 3456\",\"city\":\"Portland\",\"state\":\"OR\",\"dateTime\":\"{}\",\"extra\":\"{}\"}}",
                    random.letters(6),
                    random.letters(6),
                    time(i),
                    random.letters(80)
                );
                (0, person, "null".into(), "null".into())
            }
            1..=3 => {
                let auction = format!(
                    "{{\"id\":{i},\"itemName\":\"{}\",\"description\":\"{}\",\"initialBid\":1234,\"reserve\":5678,\"dateTime\":\"{}\",\"expires\":\"{}\",\"seller\":{},\"category\":10,\"extra\":\"{}\"}}",
                    random.letters(15),
                    random.letters(60),
                    time(i),
                    time(i + 5_000),
                    i / 3,
                    random.letters(100)
                );
                (1, "null".into(), auction, "null".into())
            }
            _ => (2, "null".to_owned(), "null".to_owned(), bid(i, &mut random, 65)),
        };
        format!("{{\"event_type\":{kind},\"person\":{person},\"auction\":{auction},\"bid\":{bid}}}\n").into_bytes()
    };
    (0..rows).flat_map(row).collect()
}
