//! Measures JSON decoding: `cargo run --release -p flott-connectors --example json_speed [rows] [repetitions]`.
//!
//! Two kinds of rows: flat ones of 250 bytes with seven columns, and events of three nested rows of which two are NULL.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use flott_connectors::formats::{Decode, decoder};
use flott_engine::connector::TableSpec;

/// Input of one batch.
const CHUNK_BYTES: usize = 1 << 20;
/// As much as the file source feeds at once.
const PIECE_BYTES: usize = 64 << 10;

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|a| a.parse().ok());
    let rows = arguments.next().unwrap_or(200_000);
    let repetitions = arguments.next().unwrap_or(7);
    let measure = |name: &str, text: &[u8], fields: Vec<Field>| measure(name, text, fields, rows, repetitions);
    let flat = flat_rows(rows);
    let nested = nested_rows(rows);
    let time = DataType::Timestamp(TimeUnit::Millisecond, None);
    let columns = |names: &[&str]| -> Vec<Field> {
        let all = [
            ("auction", DataType::Int64),
            ("bidder", DataType::Int64),
            ("price", DataType::Int64),
            ("channel", DataType::Utf8),
            ("url", DataType::Utf8),
            ("dateTime", time.clone()),
            ("extra", DataType::Utf8),
        ];
        let wanted = all.into_iter().filter(|(name, _)| names.contains(name));
        wanted.map(|(name, data_type)| Field::new(name, data_type, true)).collect()
    };
    let seven = ["auction", "bidder", "price", "channel", "url", "dateTime", "extra"];
    measure("flat, 7 of 7 columns", &flat, columns(&seven));
    measure("flat, 3 of 7 columns", &flat, columns(&["auction", "price", "dateTime"]));
    measure("flat, 1 of 7 columns", &flat, columns(&["price"]));
    let row = |name: &str, fields: Vec<Field>| Field::new(name, DataType::Struct(fields.into()), true);
    let person = ["id", "name", "emailAddress", "creditCard", "city", "state", "dateTime", "extra"].map(|name| {
        let data_type = if name == "id" {
            DataType::Int64
        } else if name == "dateTime" {
            time.clone()
        } else {
            DataType::Utf8
        };
        Field::new(name, data_type, true)
    });
    let auction =
        ["id", "itemName", "description", "initialBid", "reserve", "dateTime", "expires", "seller", "category", "extra"].map(|name| {
            let text = ["itemName", "description", "extra"].contains(&name);
            let times = ["dateTime", "expires"].contains(&name);
            Field::new(
                name,
                if text {
                    DataType::Utf8
                } else if times {
                    time.clone()
                } else {
                    DataType::Int64
                },
                true,
            )
        });
    let kind = Field::new("event_type", DataType::Int32, true);
    let all = vec![kind.clone(), row("person", person.to_vec()), row("auction", auction.to_vec()), row("bid", columns(&seven))];
    measure("nested, everything", &nested, all);
    measure("nested, bid with 7 columns", &nested, vec![kind.clone(), row("bid", columns(&seven))]);
    measure("nested, bid with 3 columns", &nested, vec![kind.clone(), row("bid", columns(&["auction", "price", "dateTime"]))]);
    measure("nested, only event_type", &nested, vec![kind]);
}

fn measure(name: &str, text: &[u8], fields: Vec<Field>, count: usize, repetitions: usize) {
    let table = TableSpec {
        name: "t".into(),
        schema: Arc::new(Schema::new(fields)),
        columns: vec![],
        options: BTreeMap::from([("format".into(), "json".into())]),
        partition_keys: vec![],
        primary_key: vec![],
    };
    let all: Vec<usize> = (0..table.schema.fields().len()).collect();
    let decoder = decoder(&table, &all, &all).expect("the format is there");
    let mut best = f64::MAX;
    for _ in 0..repetitions {
        let start = std::time::Instant::now();
        let rows = decode_all(decoder.as_ref(), text);
        best = best.min(start.elapsed().as_secs_f64());
        assert_eq!(rows, count);
    }
    let ns = best * 1e9 / count as f64;
    println!("{name:32} {ns:7.1} ns/row {:7.0} MB/s", text.len() as f64 / best / 1e6);
}

fn decode_all(decoder: &dyn Decode, text: &[u8]) -> usize {
    let end_of_line = |at: usize| at + text[at..].iter().position(|b| *b == b'\n').map_or(text.len() - at, |i| i + 1);
    let (mut rows, mut start) = (0, 0);
    while start < text.len() {
        let end = end_of_line((start + CHUNK_BYTES).min(text.len()));
        let mut records = decoder.open(CHUNK_BYTES).expect("the columns were checked");
        while start < end {
            let piece = end_of_line((start + PIECE_BYTES).min(end - 1));
            records.feed(&text[start..piece]).expect("all records are sound");
            start = piece;
        }
        rows += records.finish().expect("the columns fit the schema").batch.num_rows();
    }
    rows
}

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
