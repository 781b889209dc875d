//! Tests of the Nexmark connector: same rows however they are cut, the distributions of the benchmark, JSON, options.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, AsArray, RecordBatch, StructArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMillisecondType};
use flott_engine::connector::{ColumnRef, Connector, Environment, TableSpec};
use flott_engine::source::{ChunkBudget, Fetch, SplitReader};

use super::*;

fn generator() -> Generator {
    Generator::new(NexmarkConfig { base_time_ms: 1_704_067_200_000, ..NexmarkConfig::default() }).unwrap()
}

fn rows(batch: &RecordBatch, row: &str) -> StructArray {
    batch.column_by_name(row).unwrap().as_struct().clone()
}

fn longs(row: &StructArray, field: &str) -> Vec<i64> {
    row.column_by_name(field).unwrap().as_primitive::<Int64Type>().iter().flatten().collect()
}

#[test]
fn rows_do_not_depend_on_chunks() {
    let generator = generator();
    let schema = nexmark_schema();
    let whole = generator.generate(0..5000, &schema).unwrap();
    for step in [1, 7, 50, 999] {
        let parts: Vec<_> = (0..5000).step_by(step).map(|n| generator.generate(n..(n + step as u64).min(5000), &schema).unwrap()).collect();
        assert_eq!(concat_batches(&schema, &parts).unwrap(), whole, "step {step}");
    }
}

#[test]
fn proportions_ids_and_times() {
    let batch = generator().generate(0..100_000, &nexmark_schema()).unwrap();
    let types = batch.column(0).as_primitive::<Int32Type>();
    let count = |kind: i32| types.values().iter().filter(|t| **t == kind).count();
    assert_eq!((count(0), count(1), count(2)), (2000, 6000, 92_000));
    for (kind, row) in ["person", "auction", "bid"].iter().enumerate() {
        let row = rows(&batch, row);
        assert_eq!(row.len() - row.null_count(), count(kind as i32));
        for field in row.columns() {
            assert_eq!(field.null_count(), row.null_count(), "fields of a NULL row are NULL");
        }
    }
    assert_eq!(longs(&rows(&batch, "person"), "id"), (1000..3000).collect::<Vec<_>>());
    assert_eq!(longs(&rows(&batch, "auction"), "id"), (1000..7000).collect::<Vec<_>>());
    let bids = rows(&batch, "bid");
    let times = bids.column_by_name("dateTime").unwrap().as_primitive::<TimestampMillisecondType>();
    assert_eq!(times.value(99_999), 1_704_067_200_000 + 9_999);
    let auctions = rows(&batch, "auction");
    let time = |name: &str| auctions.column_by_name(name).unwrap().as_primitive::<TimestampMillisecondType>().clone();
    let (began, expires) = (time("dateTime"), time("expires"));
    let lengths: Vec<i64> = (0..100_000).filter(|i| began.is_valid(*i)).map(|i| expires.value(i) - began.value(i)).collect();
    let mean = lengths.iter().sum::<i64>() as f64 / lengths.len() as f64;
    // 100 auctions in flight are 1,666 events, which are 166 ms at 10,000 events a second.
    assert!(lengths.iter().all(|l| (1..=334).contains(l)) && (mean - 167.0).abs() < 5.0, "{mean}");
}

#[test]
fn hot_ones_are_hot() {
    let batch = generator().generate(0..100_000, &nexmark_schema()).unwrap();
    let (bids, auctions) = (rows(&batch, "bid"), rows(&batch, "auction"));
    let share = |values: &[i64], rest: i64| values.iter().filter(|v| **v % 100 == rest).count() as f64 / values.len() as f64;
    let near = |share: f64, expected: f64| assert!((share - expected).abs() < 0.02, "{share} is not near {expected}");
    // A hot id is also drawn among all now and then: one in 100.
    near(share(&longs(&bids, "auction"), 0), 0.5 + 0.005);
    near(share(&longs(&bids, "bidder"), 1), 0.75 + 0.0025);
    near(share(&longs(&auctions, "seller"), 0), 0.75 + 0.0025);
    let categories = longs(&auctions, "category");
    for category in 10..15 {
        near(categories.iter().filter(|c| **c == category).count() as f64 / 6000.0, 0.2);
    }
    let prices = longs(&bids, "price");
    assert!(prices.iter().all(|p| (100..=100_000_000).contains(p)));
    for power in 2..8 {
        let magnitude = 10i64.pow(power)..10i64.pow(power + 1);
        near(prices.iter().filter(|p| magnitude.contains(p)).count() as f64 / 92_000.0, 1.0 / 6.0);
    }
    let channels = bids.column_by_name("channel").unwrap().as_string::<i32>();
    let mut hot: HashMap<&str, f64> = HashMap::new();
    for channel in channels.iter().flatten().filter(|c| !c.starts_with("channel-")) {
        *hot.entry(channel).or_default() += 1.0 / 92_000.0;
    }
    assert_eq!(hot.len(), 4);
    hot.values().for_each(|share| near(*share, 0.125));
    let with_id = bids.column_by_name("url").unwrap().as_string::<i32>().iter().flatten().filter(|u| u.contains("&channel_id="));
    near(with_id.count() as f64 / 92_000.0, 0.45);
}

#[test]
fn fillings_bring_events_to_their_size() {
    let batch = generator().generate(0..50_000, &nexmark_schema()).unwrap();
    for (row, longs, expected) in [("person", 1, 200.0), ("auction", 6, 500.0), ("bid", 4, 100.0)] {
        let row = rows(&batch, row);
        let texts: usize = row
            .columns()
            .iter()
            .zip(row.fields())
            .filter(|(_, f)| *f.data_type() == DataType::Utf8 && !["channel", "url"].contains(&f.name().as_str()))
            .map(|(c, _)| c.as_string::<i32>().value_data().len())
            .sum();
        let mean = texts as f64 / (row.len() - row.null_count()) as f64 + 8.0 * f64::from(longs);
        assert!((mean - expected).abs() < 4.0, "{mean} is not near {expected}");
    }
}

#[test]
fn pruned_columns_are_the_same() {
    let generator = generator();
    let whole = generator.generate(0..1000, &nexmark_schema()).unwrap();
    let fields = vec![Field::new("extra", DataType::Utf8View, true), Field::new("price", DataType::Int64, true)];
    let pruned: SchemaRef = Arc::new(Schema::new(vec![
        Field::new("bid", DataType::Struct(fields.into()), true),
        Field::new("event_type", DataType::Int64, false),
    ]));
    let part = generator.generate(0..1000, &pruned).unwrap();
    assert_eq!(longs(&rows(&part, "bid"), "price"), longs(&rows(&whole, "bid"), "price"));
    let extra = rows(&part, "bid").column_by_name("extra").unwrap().as_string_view().clone();
    let whole_bids = rows(&whole, "bid");
    let whole_extra = whole_bids.column_by_name("extra").unwrap().as_string::<i32>();
    assert!(extra.iter().eq(whole_extra.iter()));
    let none = generator.generate(0..10, &Arc::new(Schema::empty())).unwrap();
    assert_eq!(none.num_rows(), 10);
}

#[test]
fn json_has_the_rows() {
    let generator = generator();
    let mut text = vec![];
    generator.write_json(0..1000, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let batch = generator.generate(0..1000, &nexmark_schema()).unwrap();
    let schema = nexmark_schema();
    for (i, line) in text.lines().enumerate() {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(json["event_type"], batch.column(0).as_primitive::<Int32Type>().value(i));
        for row in ["person", "auction", "bid"] {
            let array = rows(&batch, row);
            assert_eq!(json[row].is_null(), array.is_null(i));
            let DataType::Struct(fields) = schema.field_with_name(row).unwrap().data_type() else { panic!() };
            for (field, column) in fields.iter().zip(array.columns()).filter(|_| array.is_valid(i)) {
                let value = &json[row][field.name()];
                match field.data_type() {
                    DataType::Int64 => assert_eq!(*value, column.as_primitive::<Int64Type>().value(i)),
                    DataType::Utf8 => assert_eq!(*value, column.as_string::<i32>().value(i)),
                    _ => {
                        let ms = column.as_primitive::<TimestampMillisecondType>().value(i);
                        assert_eq!(parse_base_time(value.as_str().unwrap()), Some(ms));
                    }
                }
            }
        }
    }
    assert_eq!(text.lines().count(), 1000);
    assert!(text.starts_with("{\"event_type\":0,\"person\":{\"id\":1000,\"name\":\""), "{}", &text[..80]);
    let bytes = text.len() as f64 / 1000.0;
    assert!((300.0..370.0).contains(&bytes), "{bytes} bytes an event");
}

#[test]
fn csv_has_one_entity() {
    let mut text = vec![];
    generator().write_csv(0..1000, EventType::Bid, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.lines().count(), 920);
    assert!(text.lines().all(|line| line.split(',').count() == 7));
}

#[test]
fn rates_shape_event_time() {
    let at = |rate: Rate, number: u64| Generator::new(NexmarkConfig { rate, ..NexmarkConfig::default() }).unwrap().time_ms(number);
    let square = Rate { first: 10, next: 100, shape: RateShape::Square, period_s: 20 };
    // Ten seconds of 10 events each, then ten of 100 each.
    assert_eq!([at(square, 50), at(square, 100), at(square, 200), at(square, 1100)], [5000, 10_000, 11_000, 20_000]);
    let sine = Rate { shape: RateShape::Sine, ..square };
    let times: Vec<i64> = (0..5000).map(|n| at(sine, n)).collect();
    assert!(times.is_sorted());
}

#[test]
fn groups_are_shuffled_and_complete() {
    let config = NexmarkConfig { out_of_order_group: 1000, ..NexmarkConfig::default() };
    let batch = Generator::new(config).unwrap().generate(0..1000, &nexmark_schema()).unwrap();
    let persons = longs(&rows(&batch, "person"), "id");
    assert!(!persons.is_sorted());
    let mut sorted = persons;
    sorted.sort_unstable();
    assert_eq!(sorted, (1000..1020).collect::<Vec<_>>());
}

fn table(options: &[(&str, &str)]) -> TableSpec {
    let schema = nexmark_schema();
    TableSpec {
        name: "events".into(),
        columns: (0..schema.fields().len()).map(ColumnRef::Physical).collect(),
        schema,
        options: options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        partition_keys: vec![],
        primary_key: vec![],
    }
}

fn environment() -> Environment {
    Environment {
        workers: 1,
        checkpointing: false,
        owner: None,
        stop: Arc::default(),
        sink_number: 0,
        stdout: Arc::new(Mutex::new(std::io::sink())),
    }
}

fn read(reader: &mut dyn SplitReader, rows: usize) -> Vec<(String, RecordBatch)> {
    let mut chunks = vec![];
    while let Fetch::Chunk(chunk) = reader.fetch(ChunkBudget { rows, bytes: 1 << 20 }).unwrap() {
        chunks.push((chunk.start(), chunk.decode().unwrap().rows));
    }
    chunks
}

#[test]
fn a_source_resumes_where_a_chunk_began() {
    let table = table(&[("connector", "nexmark"), ("events.num", "1000")]);
    let mut source = Nexmark.source(&table, &environment()).unwrap();
    let splits = source.discover().unwrap();
    assert_eq!((splits.len(), source.discover().unwrap().len()), (1, 0));
    let chunks = read(&mut *source.open(&splits[0], None).unwrap(), 300);
    assert_eq!(chunks.iter().map(|(_, b)| b.num_rows()).collect::<Vec<_>>(), [300, 300, 300, 100]);
    // Another run starts at another time, yet goes on with the base time of the first.
    std::thread::sleep(std::time::Duration::from_millis(3));
    let mut source = Nexmark.source(&table, &environment()).unwrap();
    let again = read(&mut *source.open(&splits[0], Some(&chunks[1].0)).unwrap(), 300);
    assert_eq!(again, chunks[1..]);
}

#[test]
fn an_unbounded_source_keeps_its_rate() {
    let table = table(&[("first-event.rate", "1000")]);
    let mut source = Nexmark.source(&table, &environment()).unwrap();
    let splits = source.discover().unwrap();
    let mut reader = source.open(&splits[0], None).unwrap();
    let began = std::time::Instant::now();
    let mut rows = 0;
    while began.elapsed().as_millis() < 200 {
        match reader.fetch(ChunkBudget { rows: 10_000, bytes: 1 << 20 }).unwrap() {
            Fetch::Chunk(chunk) => rows += chunk.decode().unwrap().rows.num_rows(),
            Fetch::Idle { retry_after_ms } => std::thread::sleep(std::time::Duration::from_millis(retry_after_ms)),
            Fetch::End => panic!("unbounded"),
        }
    }
    let due = began.elapsed().as_millis() as usize + 1;
    assert!(rows <= due && rows >= 150, "{rows} of {due}");
}

#[test]
fn boundedness_follows_the_options() {
    let bounded = |options: &[(&str, &str)]| {
        let options: BTreeMap<_, _> = options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        (Nexmark.info().bounded)(&options)
    };
    assert!(!bounded(&[]));
    assert!(!bounded(&[("events.num", "0")]));
    assert!(bounded(&[("events.num", "5")]));
    assert!(bounded(&[("stop-at", "5")]));
    assert!(!bounded(&[("events.num", "5"), ("keep-alive", "true")]));
}

#[test]
fn errors_say_what_to_do() {
    let error = |options: &[(&str, &str)]| Nexmark.check(&table(options)).unwrap_err().to_string();
    assert_eq!(
        error(&[("first-event.rate", "fast")]),
        "Table events: 'first-event.rate' = 'fast' is not valid (Write a whole number, for example '1000')"
    );
    assert_eq!(error(&[("event.num", "5")]), "Table events: the option 'event.num' is not known (Did you mean 'events.num'?)");
    assert_eq!(error(&[("first-event.rate", "0")]), "Table events: the option 'first-event.rate' is 0 (Write at least 1)");
    let mut wrong = table(&[]);
    wrong.schema = Arc::new(Schema::new(vec![Field::new("bids", DataType::Int32, true)]));
    assert!(
        Nexmark
            .check(&wrong)
            .unwrap_err()
            .to_string()
            .starts_with("Table events: Nexmark events have no column 'bids' (Declare event_type INT")
    );
    let time = DataType::Timestamp(TimeUnit::Nanosecond, None);
    wrong.schema = Arc::new(Schema::new(vec![Field::new("bid", DataType::Struct(vec![Field::new("dateTime", time, true)].into()), true)]));
    Nexmark.check(&wrong).unwrap();
}

/// Run with `--ignored --nocapture` to see how fast events are made.
#[test]
#[ignore = "measures, does not test"]
fn speed() {
    let generator = generator();
    let events = 2_000_000;
    let mut bytes = Counter(0);
    let began = std::time::Instant::now();
    generator.write_json(0..events, &mut bytes).unwrap();
    report("JSON", events, began);
    println!("{:.0} bytes an event", bytes.0 as f64 / events as f64);
    let price = vec![Field::new("auction", DataType::Int64, true), Field::new("price", DataType::Int64, true)];
    let pruned = Arc::new(Schema::new(vec![Field::new("bid", DataType::Struct(price.into()), true)]));
    for (name, schema) in [("all columns", nexmark_schema()), ("auction and price", pruned)] {
        let began = std::time::Instant::now();
        for start in (0..events).step_by(8000) {
            std::hint::black_box(generator.generate(start..start + 8000, &schema).unwrap());
        }
        report(name, events, began);
    }
}

fn report(what: &str, events: u64, began: std::time::Instant) {
    let seconds = began.elapsed().as_secs_f64();
    println!("{what}: {:.2} M events/s", events as f64 / seconds / 1e6);
}

struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
