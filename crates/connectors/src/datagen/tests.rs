//! Tests of the datagen connector: same rows however they are cut, limits of the values, all types, options and their errors.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{
    DataType, Decimal128Type, Field, Float64Type, Int8Type, Int32Type, Int64Type, IntervalUnit, Schema, TimeUnit, TimestampMillisecondType,
};
use flott_engine::connector::{ColumnRef, Connector, Environment, TableSpec};
use flott_engine::source::{ChunkBudget, Fetch, SplitReader};

use super::columns::Run;
use super::random::Key;
use super::*;

fn field(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

fn declared(field: Field, sql: &str) -> Field {
    field.with_metadata([("flink.type".to_string(), sql.to_string())].into())
}

fn table(fields: Vec<Field>, options: &[(&str, &str)]) -> TableSpec {
    TableSpec {
        name: "rows".into(),
        columns: (0..fields.len()).map(ColumnRef::Physical).collect(),
        schema: Arc::new(Schema::new(fields)),
        options: options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        partition_keys: vec![],
        primary_key: vec![],
    }
}

const NOW_MS: i64 = 1_704_164_645_678; // 2024-01-02 03:04:05.678

fn generate(table: &TableSpec, rows: std::ops::Range<u64>) -> RecordBatch {
    let run = Run { key: Key::new(1), time_ms: NOW_MS };
    Plan::new(table).unwrap().generate(rows, &table.read_schema(), &run).unwrap()
}

/// One column of 1,000 rows.
fn column(field: Field, options: &[(&str, &str)]) -> ArrayRef {
    Arc::clone(generate(&table(vec![field], options), 0..1000).column(0))
}

fn list(element: DataType) -> DataType {
    DataType::List(Arc::new(field("item", element)))
}

fn map(key: DataType, value: DataType) -> DataType {
    let entries = vec![Field::new("key", key, false), field("value", value)];
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries.into()), false)), false)
}

fn all_types() -> Vec<Field> {
    let millis = || DataType::Timestamp(TimeUnit::Millisecond, None);
    let nested = vec![field("a", DataType::Int64), field("b", list(DataType::Utf8))];
    vec![
        field("boolean", DataType::Boolean),
        field("tiny", DataType::Int8),
        field("small", DataType::Int16),
        field("int", DataType::Int32),
        field("big", DataType::Int64),
        field("float", DataType::Float32),
        field("double", DataType::Float64),
        field("dec", DataType::Decimal128(10, 2)),
        field("wide_dec", DataType::Decimal128(38, 10)),
        field("string", DataType::Utf8),
        field("view", DataType::Utf8View),
        declared(field("char", DataType::Utf8), "CHAR(5)"),
        declared(field("varchar", DataType::Utf8), "VARCHAR(20)"),
        field("bytes", DataType::Binary),
        field("fixed", DataType::FixedSizeBinary(4)),
        field("date", DataType::Date32),
        field("time", DataType::Time32(TimeUnit::Second)),
        field("ts", millis()),
        field("ts9", DataType::Timestamp(TimeUnit::Nanosecond, None)),
        field("ltz", DataType::Timestamp(TimeUnit::Microsecond, Some("Europe/Berlin".into()))),
        field("years", DataType::Interval(IntervalUnit::YearMonth)),
        field("days", DataType::Interval(IntervalUnit::DayTime)),
        declared(field("months", DataType::Interval(IntervalUnit::MonthDayNano)), "INTERVAL YEAR TO MONTH"),
        field("duration", DataType::Duration(TimeUnit::Millisecond)),
        field("list", list(DataType::Int32)),
        field("map", map(DataType::Utf8, DataType::Date32)),
        declared(field("multiset", map(DataType::Int32, DataType::Int32)), "MULTISET<INT>"),
        field("row", DataType::Struct(vec![field("x", DataType::Struct(nested.into())), field("y", millis())].into())),
    ]
}

#[test]
fn rows_do_not_depend_on_chunks() {
    let table =
        table(all_types(), &[("fields.string.var-len", "true"), ("fields.row.x.null-rate", "0.3"), ("fields.int.null-rate", "0.5")]);
    let whole = generate(&table, 0..1000);
    for step in [1, 7, 400] {
        let parts: Vec<_> = (0..1000).step_by(step).map(|n| generate(&table, n..(n + step as u64).min(1000))).collect();
        assert_eq!(concat_batches(&table.read_schema(), &parts).unwrap(), whole, "step {step}");
    }
}

#[test]
fn columns_do_not_depend_on_each_other() {
    let mut some = table(all_types(), &[]);
    let whole = generate(&some, 5..50);
    some.columns = [27, 0, 9].map(ColumnRef::Physical).to_vec();
    let part = generate(&some, 5..50);
    assert_eq!(part.num_columns(), 3);
    for (i, of_whole) in [27, 0, 9].into_iter().enumerate() {
        assert_eq!(part.column(i), whole.column(of_whole));
    }
    some.columns = vec![];
    assert_eq!(generate(&some, 5..50).num_rows(), 45);
}

#[test]
fn all_types_have_values() {
    let batch = generate(&table(all_types(), &[]), 0..100);
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        assert_eq!(column.null_count(), 0, "{}", field.name());
    }
    let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().value(3).to_string();
    assert_eq!([text("string").len(), text("char").len(), text("varchar").len()], [100, 5, 20]);
    assert!(text("string").bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')));
    let formatted = |name: &str| arrow::util::display::array_value_to_string(batch.column_by_name(name).unwrap(), 3).unwrap();
    assert_eq!(formatted("date"), "2024-01-02");
    assert_eq!(formatted("time"), "03:04:05");
    assert_eq!(formatted("ts"), "2024-01-02T03:04:05.678");
    assert_eq!(formatted("ltz"), "2024-01-02T04:04:05.678+01:00");
    assert_eq!(batch.column_by_name("list").unwrap().as_list::<i32>().value(3).len(), 3);
    assert_eq!(batch.column_by_name("map").unwrap().as_map().value(3).len(), 3);
}

#[test]
fn integers_stay_between_min_and_max_and_reach_both() {
    let options = [("fields.i.min", "-3"), ("fields.i.max", "3")];
    for data_type in [DataType::Int8, DataType::Int16, DataType::Int32, DataType::Int64] {
        let values = arrow::compute::cast(&column(field("i", data_type), &options), &DataType::Int64).unwrap();
        let distinct: HashSet<i64> = values.as_primitive::<Int64Type>().values().iter().copied().collect();
        assert_eq!(distinct, (-3..=3).collect());
    }
    let full = column(field("i", DataType::Int8), &[]);
    let distinct: HashSet<i8> = full.as_primitive::<Int8Type>().values().iter().copied().collect();
    assert!(distinct.len() > 240);
    let full = column(field("i", DataType::Int64), &[]);
    let above = full.as_primitive::<Int64Type>().values().iter().filter(|v| **v > 0).count();
    assert!((450..550).contains(&above), "{above}");
    let one = column(field("i", DataType::Int64), &[("fields.i.min", "5"), ("fields.i.max", "5")]);
    assert!(one.as_primitive::<Int64Type>().values().iter().all(|v| *v == 5));
}

#[test]
fn reals_and_decimals_stay_in_range() {
    let options = [("fields.d.min", "-1.5"), ("fields.d.max", "2.25")];
    let doubles = column(field("d", DataType::Float64), &options);
    let doubles = doubles.as_primitive::<Float64Type>().values();
    assert!(doubles.iter().all(|v| (-1.5..=2.25).contains(v)));
    assert!((doubles.iter().sum::<f64>() / 1000.0 - 0.375).abs() < 0.1);
    let decimals = column(field("d", DataType::Decimal128(10, 2)), &options);
    let decimals = decimals.as_primitive::<Decimal128Type>().values();
    assert!(decimals.iter().all(|v| (-150..=225).contains(v)) && decimals.iter().any(|v| *v < -130) && decimals.iter().any(|v| *v > 205));
    let wide = column(field("d", DataType::Decimal128(38, 0)), &[]);
    let wide = wide.as_primitive::<Decimal128Type>().values();
    let largest = 10i128.pow(38) - 1;
    assert!(wide.iter().all(|v| (0..=largest).contains(v)) && wide.iter().filter(|v| **v > largest / 2).count() > 400);
    let everything = column(field("d", DataType::Float64), &[("fields.d.min", "-1.7e308"), ("fields.d.max", "1.7e308")]);
    assert!(everything.as_primitive::<Float64Type>().values().iter().all(|v| v.is_finite()));
}

#[test]
fn lengths_nulls_and_past() {
    let texts = column(field("s", DataType::Utf8), &[("fields.s.length", "10"), ("fields.s.var-len", "true")]);
    let lengths: HashSet<usize> = texts.as_string::<i32>().iter().flatten().map(str::len).collect();
    assert_eq!(lengths, (1..=10).collect());
    let empty = column(field("s", DataType::Utf8), &[("fields.s.length", "0")]);
    assert!(empty.as_string::<i32>().iter().flatten().all(str::is_empty));
    for (rate, nulls) in [("0", 0..1), ("0.25", 200..300), ("1", 1000..1001)] {
        assert!(nulls.contains(&column(field("i", DataType::Int32), &[("fields.i.null-rate", rate)]).null_count()));
    }
    let past = column(field("t", DataType::Timestamp(TimeUnit::Millisecond, None)), &[("fields.t.max-past", "5 s")]);
    let past = past.as_primitive::<TimestampMillisecondType>().values();
    assert!(past.iter().all(|t| (NOW_MS - 5000..=NOW_MS).contains(t)) && past.iter().any(|t| *t < NOW_MS - 4000));
}

#[test]
fn collections_and_rows_take_options_of_their_parts() {
    let lists = column(
        field("l", list(DataType::Int32)),
        &[("fields.l.length", "5"), ("fields.l.element.max", "9"), ("fields.l.element.min", "0")],
    );
    let lists = lists.as_list::<i32>();
    assert!(lists.iter().flatten().all(|l| l.len() == 5));
    assert!(lists.values().as_primitive::<Int32Type>().values().iter().all(|v| (0..10).contains(v)));

    let maps = column(
        field("m", map(DataType::Boolean, DataType::Utf8)),
        &[("fields.m.length", "4"), ("fields.m.value.length", "2"), ("fields.m.value.null-rate", "1")],
    );
    let maps = maps.as_map();
    assert!(maps.iter().flatten().all(|m| m.len() <= 2), "equal keys count once");
    assert_eq!(maps.values().null_count(), maps.values().len());

    let multiset = declared(field("m", map(DataType::Int32, DataType::Int32)), "MULTISET<INT>");
    let multisets = column(multiset, &[("fields.m.element.min", "1"), ("fields.m.element.max", "2")]);
    let times = multisets.as_map().values().as_primitive::<Int32Type>().clone();
    assert!(times.values().iter().all(|t| (1..=10).contains(t)));

    let row = DataType::Struct(vec![field("Col", DataType::Int32)].into());
    let rows = column(field("r", row), &[("fields.r.Col.min", "7"), ("fields.r.col.max", "8"), ("fields.r.null-rate", "0.5")]);
    let rows = rows.as_struct();
    let values = rows.column(0).as_primitive::<Int32Type>();
    assert!((400..600).contains(&rows.null_count()));
    assert_eq!(values.nulls(), rows.nulls(), "fields of a NULL row are NULL");
    assert!(values.iter().flatten().all(|v| v == 7 || v == 8));
}

#[test]
fn sequences_of_all_types() {
    let options = [("fields.s.kind", "sequence"), ("fields.s.start", "-1"), ("fields.s.end", "120")];
    let text = |data_type: DataType| {
        let batch = generate(&table(vec![field("s", data_type)], &options), 0..122);
        [0, 11].map(|i| arrow::util::display::array_value_to_string(batch.column(0), i).unwrap())
    };
    for data_type in [DataType::Int8, DataType::Int64, DataType::Utf8, DataType::Utf8View] {
        assert_eq!(text(data_type), ["-1", "10"]);
    }
    assert_eq!(text(DataType::Float64), ["-1.0", "10.0"]);
    assert_eq!(text(DataType::Decimal128(10, 2)), ["-1.00", "10.00"]);
    assert_eq!(text(DataType::Binary), ["ffffffffffffffff", "000000000000000a"]);
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
    loop {
        match reader.fetch(ChunkBudget { rows, bytes: 1 << 20 }).unwrap() {
            Fetch::Chunk(chunk) => chunks.push((chunk.start(), chunk.decode().unwrap().rows)),
            Fetch::Idle { retry_after_ms } => std::thread::sleep(std::time::Duration::from_millis(retry_after_ms)),
            Fetch::End => return chunks,
        }
    }
}

#[test]
fn a_source_resumes_where_a_chunk_began() {
    let options = [
        ("rows-per-second", "1000000000"),
        ("fields.i.kind", "sequence"),
        ("fields.i.start", "1"),
        ("fields.i.end", "1000"),
        ("number-of-rows", "5000"),
    ];
    let millis = DataType::Timestamp(TimeUnit::Millisecond, None);
    let table = table(vec![field("i", DataType::Int64), field("r", DataType::Utf8), field("t", millis)], &options);
    let mut source = Datagen.source(&table, &environment()).unwrap();
    let splits = source.discover().unwrap();
    assert_eq!((splits.len(), source.discover().unwrap().len()), (1, 0));
    let chunks = read(&mut *source.open(&splits[0], None).unwrap(), 300);
    assert_eq!(chunks.iter().map(|(_, b)| b.num_rows()).sum::<usize>(), 1000, "the sequence ends first");
    std::thread::sleep(std::time::Duration::from_millis(3));
    let mut source = Datagen.source(&table, &environment()).unwrap();
    let again = read(&mut *source.open(&splits[0], Some(&chunks[1].0)).unwrap(), 70);
    let all = |chunks: &[(String, RecordBatch)], columns: &[usize]| {
        let batches: Vec<_> = chunks.iter().map(|(_, b)| b.project(columns).unwrap()).collect();
        concat_batches(&batches[0].schema(), &batches).unwrap()
    };
    let resumed = all(&again, &[0, 1, 2]).slice(0, chunks[1].1.num_rows());
    assert_eq!(resumed, chunks[1].1, "the time is that of then");
    let all = |chunks: &[(String, RecordBatch)]| all(chunks, &[0, 1]);
    assert_eq!(all(&again), all(&chunks[1..]));
    let afresh = read(&mut *source.open(&splits[0], None).unwrap(), 300);
    assert_ne!(all(&afresh), all(&chunks), "another run has other values");
    assert!(source.open(&splits[0], Some(&"nonsense".to_string())).is_err());
}

#[test]
fn a_source_keeps_its_rate_and_its_budget() {
    let table = table(vec![field("s", DataType::Utf8)], &[("rows-per-second", "1000"), ("number-of-rows", "100")]);
    let mut source = Datagen.source(&table, &environment()).unwrap();
    let splits = source.discover().unwrap();
    let began = std::time::Instant::now();
    let rows: usize = read(&mut *source.open(&splits[0], None).unwrap(), 10_000).iter().map(|(_, b)| b.num_rows()).sum();
    assert_eq!(rows, 100);
    assert!(began.elapsed().as_millis() >= 98);
    let mut reader = source.open(&splits[0], None).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(50));
    let Fetch::Chunk(chunk) = reader.fetch(ChunkBudget { rows: 1000, bytes: 520 }).unwrap() else { panic!() };
    assert_eq!(chunk.decode().unwrap().rows.num_rows(), 5);
}

#[test]
fn boundedness_follows_the_options() {
    let bounded = |options: &[(&str, &str)]| {
        let options: BTreeMap<_, _> = options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        (Datagen.info().bounded)(&options)
    };
    assert!(!bounded(&[("fields.a.kind", "random")]));
    assert!(bounded(&[("number-of-rows", "0")]));
    assert!(bounded(&[("fields.a.kind", "sequence")]));
}

/// Checks a table of the columns `i BIGINT, s STRING, c CHAR(5), v VARCHAR(20), tiny TINYINT, l ARRAY<INT>, n INT NOT NULL, d DATE`.
fn error(options: &[(&str, &str)]) -> String {
    let fields = vec![
        field("i", DataType::Int64),
        field("s", DataType::Utf8),
        declared(field("c", DataType::Utf8), "CHAR(5)"),
        declared(field("v", DataType::Utf8), "VARCHAR(20)"),
        field("tiny", DataType::Int8),
        field("l", list(DataType::Int32)),
        Field::new("n", DataType::Int32, false),
        field("d", DataType::Date32),
    ];
    Datagen.check(&table(fields, options)).unwrap_err().to_string()
}

#[test]
fn errors_say_what_to_do() {
    let sequence = |name: &'static str| (name, "sequence");
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[("fields.i.kind", "sequential")],
            "'fields.i.kind' = 'sequential' is not valid (Write one of 'random', 'sequence'; did you mean 'sequence'?)",
        ),
        (
            &[sequence("fields.i.kind"), ("fields.i.end", "5")],
            "the option 'fields.i.start' is missing: 'i' is a sequence (Add 'fields.i.start' = '1' or another number to WITH (…))",
        ),
        (
            &[sequence("fields.i.kind"), ("fields.i.start", "Wrong"), ("fields.i.end", "5")],
            "'fields.i.start' = 'Wrong' is not valid (Write a whole number, for example '1')",
        ),
        (
            &[sequence("fields.i.kind"), ("fields.i.start", "6"), ("fields.i.end", "5")],
            "the sequence 'i' starts at 6, after its end 5 (Set 'fields.i.start' to at most 'fields.i.end')",
        ),
        (
            &[sequence("fields.tiny.kind"), ("fields.tiny.start", "1"), ("fields.tiny.end", "128")],
            "the option 'fields.tiny.end' is 128, which the type of 'tiny' cannot hold (Write -128 to 127)",
        ),
        (
            &[sequence("fields.d.kind"), ("fields.d.start", "1"), ("fields.d.end", "2")],
            "'d' cannot be a sequence: its type is DATE (Sequences are of integers, FLOAT, DOUBLE, DECIMAL, CHAR, VARCHAR, STRING, VARBINARY and BYTES)",
        ),
        (&[("fields.tiny.max", "300")], "the option 'fields.tiny.max' is 300, which the type of 'tiny' cannot hold (Write -128 to 127)"),
        (
            &[("fields.i.min", "5"), ("fields.i.max", "4")],
            "the random values of 'i' have the minimum 5 and the maximum 4 (Set 'fields.i.min' to at most 'fields.i.max')",
        ),
        (
            &[("fields.c.length", "3")],
            "the option 'fields.c.length' does not apply: 'c' has the fixed length 5 (Leave it out or declare 'c' as VARCHAR(n))",
        ),
        (&[("fields.v.length", "21")], "the option 'fields.v.length' is 21, but 'v' is declared as VARCHAR(20) (Write at most 20)"),
        (&[("fields.s.var-len", "yes")], "'fields.s.var-len' = 'yes' is not valid (Write 'true' or 'false')"),
        (&[("fields.i.null-rate", "1.5")], "'fields.i.null-rate' = '1.5' is not valid (Write a number between 0 and 1)"),
        (
            &[("fields.n.null-rate", "0.5")],
            "the option 'fields.n.null-rate' is above 0, but 'n' is declared NOT NULL (Leave the option out or declare the column without NOT NULL)",
        ),
        (&[("rows-per-second", "0")], "'rows-per-second' = '0' is not valid (Write at least '1')"),
    ];
    for (options, expected) in cases {
        assert_eq!(error(options), format!("Table rows: {expected}"));
    }
    for unknown in ["fields.i.start", "fields.x.kind", "fields.i.length", "row-per-second"] {
        let text = error(&[(unknown, "0")]);
        assert!(text.starts_with(&format!("Table rows: the option '{unknown}' is not known (Did you mean '")), "{text}");
    }
    assert!(error(&[("fields.l.length", "1000000000")]).contains("is too long (Lower the 'length' options"));
    let binary = table(vec![field("u", DataType::UInt8)], &[]);
    assert_eq!(
        Datagen.check(&binary).unwrap_err().to_string(),
        "Table rows: 'u' is of type UInt8, which cannot be generated (Generate a column of a simpler type and declare this one as computed from it)"
    );
}

/// Run with `--ignored --nocapture` to see how fast rows are made.
#[test]
#[ignore = "measures, does not test"]
fn speed() {
    let options = [
        ("fields.seq.kind", "sequence"),
        ("fields.seq.start", "0"),
        ("fields.seq.end", "1000000000"),
        ("fields.key.min", "0"),
        ("fields.key.max", "999"),
    ];
    let longs = vec![field("seq", DataType::Int64), field("key", DataType::Int64)];
    measure("BIGINT sequence and random", &table(longs, &options), 100_000_000);
    measure("STRING", &table(vec![field("s", DataType::Utf8)], &[]), 5_000_000);
    measure("DOUBLE", &table(vec![field("d", DataType::Float64)], &[]), 50_000_000);
}

fn measure(what: &str, table: &TableSpec, rows: u64) {
    let plan = Plan::new(table).unwrap();
    let (schema, run) = (table.read_schema(), Run { key: Key::new(1), time_ms: NOW_MS });
    let began = std::time::Instant::now();
    for start in (0..rows).step_by(8192) {
        std::hint::black_box(plan.generate(start..start + 8192, &schema, &run).unwrap());
    }
    println!("{what}: {:.1} M rows/s", rows as f64 / began.elapsed().as_secs_f64() / 1e6);
}
