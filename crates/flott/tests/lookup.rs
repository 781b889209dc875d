//! Tables whose connector finds rows by key: several requests at a time, a cache, misses that are tried again.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, SchemaRef};
use flott::{RunOptions, collect};
use flott_engine::connector::{Connector, ConnectorInfo, Environment, OptionInfo, TableSpec};
use flott_engine::lookup::Found;
use flott_engine::lookup::by_key::PointLookup;
use flott_engine::sink::Sink;
use flott_engine::source::Source;
use flott_engine::{Error, Result};

/// What happened in the service.
#[derive(Default)]
struct Service {
    /// How often each key was asked for.
    asked: Mutex<HashMap<i32, usize>>,
    now: AtomicUsize,
    most_at_a_time: AtomicUsize,
    /// A key below zero has no row when it is asked for first.
    fails: bool,
}

impl Service {
    fn asked(&self) -> BTreeMap<i32, usize> {
        self.asked.lock().unwrap().iter().map(|(k, n)| (*k, *n)).collect()
    }
}

/// The connector: key `k` has the rows `k:0` to `k:(k % 3)`, but one whose last digit is 5 none.
struct Kv(Arc<Service>);

impl Connector for Kv {
    fn info(&self) -> ConnectorInfo {
        ConnectorInfo {
            name: "kv",
            description: "A service.",
            source: true,
            bounded: |_| false,
            sink: None,
            options: &[OptionInfo { key: "lookup.max-retries", required: false, default: None, description: "Its own." }],
            metadata: &[],
            format: false,
        }
    }
    fn finds_by_key(&self, _: &BTreeMap<String, String>) -> bool {
        true
    }
    fn lookup(&self, table: &TableSpec, keys: &[usize], _: &Environment) -> Result<Option<Box<dyn PointLookup>>> {
        assert_eq!(keys.len(), 1);
        Ok(Some(Box::new(Asking { service: self.0.clone(), schema: table.read_schema() })))
    }
    fn check(&self, _: &TableSpec) -> Result<()> {
        Ok(())
    }
    fn source(&self, _: &TableSpec, _: &Environment) -> Result<Box<dyn Source>> {
        Err(Error::config("it cannot be read whole"))
    }
    fn sink(&self, _: &TableSpec, _: &Environment) -> Result<Box<dyn Sink>> {
        Err(Error::config("it cannot be written"))
    }
}

struct Asking {
    service: Arc<Service>,
    schema: SchemaRef,
}

impl PointLookup for Asking {
    fn keys_per_request(&self) -> usize {
        2
    }

    fn find(&self, keys: &[ArrayRef], count: usize, timeout_ms: u64) -> Result<Found> {
        let service = &self.service;
        let now = service.now.fetch_add(1, Ordering::SeqCst) + 1;
        service.most_at_a_time.fetch_max(now, Ordering::SeqCst);
        let asked: Vec<i32> = keys[0].as_primitive::<Int32Type>().values().to_vec();
        assert_eq!(asked.len(), count);
        // The first requests take the longest, so that answers come out of order.
        std::thread::sleep(Duration::from_millis(30 - asked[0].unsigned_abs() as u64 % 30));
        service.now.fetch_sub(1, Ordering::SeqCst);
        if service.fails && asked.contains(&13) {
            return Err(Error::io(format!("no answer after {timeout_ms} ms")));
        }
        let (mut k, mut name, mut probe) = (vec![], vec![], vec![]);
        for (place, key) in asked.into_iter().enumerate() {
            let mut counts = service.asked.lock().unwrap();
            let times = counts.entry(key).or_insert(0);
            *times += 1;
            let rows = if key % 10 == 5 || (key < 0 && *times == 1) { 0 } else { 1 + key.unsigned_abs() % 3 };
            for row in 0..rows {
                k.push(key);
                name.push(format!("{key}:{row}"));
                probe.push(place as u32);
            }
        }
        let columns = self.schema.fields().iter().map(|f| match f.name().as_str() {
            "k" => Arc::new(Int32Array::from(k.clone())) as ArrayRef,
            _ => Arc::new(StringArray::from(name.clone())) as ArrayRef,
        });
        Ok(Found { rows: RecordBatch::try_new(self.schema.clone(), columns.collect()).unwrap(), probe })
    }
}

/// The rows of a join of these keys, in order, and what the service saw.
fn joined(keys: &str, with: &str, hint: &str, service: Service) -> (std::result::Result<Vec<String>, String>, Arc<Service>) {
    let service = Arc::new(service);
    let mut options = RunOptions { tick_rows_max: Some(8), ..RunOptions::default() };
    options.connectors.register(Arc::new(Kv(service.clone())));
    let sql = format!(
        "CREATE TABLE d (k INT, name STRING, loud AS UPPER(name)) WITH ('connector' = 'kv', 'lookup.max-retries' = '3'{with});
         CREATE VIEW o AS SELECT *, PROCTIME() AS p FROM (VALUES {keys}) AS t (id, key);
         SELECT {hint} o.id, d.loud FROM o LEFT JOIN d FOR SYSTEM_TIME AS OF o.p ON o.key = d.k AND d.name <> '4:1'"
    );
    let rows = collect(&sql, &options).map_err(|e| format!("{e:?}")).map(|collected| {
        let text = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "-".into());
        collected.rows.iter().map(|(_, row)| row.iter().map(text).collect::<Vec<_>>().join(" ")).collect()
    });
    (rows, service)
}

const KEYS: &str = "(1, 1), (2, 4), (3, CAST(NULL AS INT)), (4, 5), (5, 1), (6, 6), (7, 7), (8, 9), (9, 1), (10, 5), (11, 12), (12, 4)";
const ROWS: [&str; 16] = [
    "1 1:0", "1 1:1", "2 4:0", "3 -", "4 -", "5 1:0", "5 1:1", "6 6:0", "7 7:0", "7 7:1", "8 9:0", "9 1:0", "9 1:1", "10 -", "11 12:0",
    "12 4:0",
];

fn expected() -> Vec<String> {
    ROWS.iter().map(|r| r.to_string()).collect()
}

#[test]
fn requests_are_in_flight_together_and_rows_keep_their_order() {
    for (hint, at_a_time) in [
        ("", 3..=4),
        ("/*+ LOOKUP('table' = 'd', 'async' = 'true', 'output-mode' = 'allow_unordered', 'capacity' = '2', 'timeout' = '10 s') */", 2..=2),
        ("/*+ LOOKUP('table' = 'd', 'async' = 'false') */", 1..=1),
    ] {
        let (rows, service) = joined(KEYS, "", hint, Service::default());
        assert_eq!(rows.unwrap(), expected(), "{hint}");
        let most = service.most_at_a_time.load(Ordering::SeqCst);
        assert!(at_a_time.contains(&most), "{most} at a time with {hint}");
        assert_eq!(service.asked()[&1], 2, "once for each tick that needs it");
    }
}

#[test]
fn a_cache_saves_requests() {
    let cache = ", 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '100', 'lookup.partial-cache.expire-after-write' = '1 h'";
    let (rows, service) = joined(KEYS, cache, "", Service::default());
    assert_eq!(rows.unwrap(), expected());
    assert!(service.asked().values().all(|times| *times == 1), "{:?}", service.asked());
    let without_misses = format!("{cache}, 'lookup.partial-cache.cache-missing-key' = 'false'");
    let (rows, service) = joined(KEYS, &without_misses, "", Service::default());
    assert_eq!(rows.unwrap(), expected());
    assert_eq!((service.asked()[&5], service.asked()[&1]), (2, 1), "only what was found is remembered");
}

#[test]
fn misses_are_tried_again() {
    let retry = "/*+ LOOKUP('table' = 'd', 'retry-predicate' = 'lookup_miss', 'retry-strategy' = 'fixed_delay', 'fixed-delay' = '1 ms', 'max-attempts' = '2') */";
    for cache in ["", ", 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '10'"] {
        let (rows, service) = joined("(1, -3), (2, 5), (3, 3)", cache, retry, Service::default());
        assert_eq!(rows.unwrap(), ["1 -3:0", "2 -", "3 3:0"]);
        assert_eq!(service.asked(), BTreeMap::from([(-3, 2), (3, 1), (5, 3)]));
    }
}

#[test]
fn a_request_that_fails_fails_the_job() {
    let hint = "/*+ LOOKUP('table' = 'd', 'timeout' = '7 s') */";
    let (rows, _) = joined("(1, 1), (2, 13), (3, 2)", "", hint, Service { fails: true, ..Service::default() });
    assert!(rows.unwrap_err().contains("no answer after 7000 ms"));
}

#[test]
fn options_are_checked() {
    for (with, message) in [
        (", 'lookup.cache' = 'SOME'", "'lookup.cache' is 'SOME'"),
        (", 'lookup.partial-cache.max-rows' = '5'", "goes with 'lookup.cache' = 'PARTIAL' only"),
        (", 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = 'few'", "'lookup.partial-cache.max-rows' is 'few'"),
        (", 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.size' = '5'", "'lookup.partial-cache.size' is not supported yet"),
    ] {
        let (rows, _) = joined("(1, 1)", with, "", Service::default());
        assert!(rows.clone().unwrap_err().contains(message), "{rows:?}");
    }
}
