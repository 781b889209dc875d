//! The columns that expressions are computed over.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{Int32Type, Schema};
use arrow::error::ArrowError;

/// Rows of all batches.
pub const ROWS: usize = 1_000_000;
/// Rows of one call, about as many as a tick has.
pub const BATCH_ROWS: usize = 10_000;

/// One batch, and its columns for the plain loops.
pub struct Columns {
    pub batch: RecordBatch,
    /// Two words.
    pub words: Arc<StringArray>,
    /// Blanks around a word.
    pub padded: Arc<StringArray>,
    /// `key=value&…`.
    pub query: Arc<StringArray>,
    /// An object with three fields.
    pub json: Arc<StringArray>,
    /// Whole numbers as text.
    pub digits: Arc<StringArray>,
    /// Timestamps as text.
    pub time_text: Arc<StringArray>,
    pub small: Arc<Int32Array>,
    pub large: Arc<Int64Array>,
    /// Others than `large`, and never 0.
    pub other: Arc<Int64Array>,
    pub double: Arc<Float64Array>,
    pub decimal: Arc<Decimal128Array>,
    /// From 0.01 to 99.99.
    pub price: Arc<Decimal128Array>,
    /// Within 2024.
    pub time: Arc<TimestampMillisecondArray>,
    /// Some days after `time`.
    pub later: Arc<TimestampMillisecondArray>,
    pub flag: Arc<BooleanArray>,
    /// Three numbers.
    pub list: Arc<ListArray>,
    /// Keys a, b and c.
    pub map: Arc<MapArray>,
}

fn texts(numbers: &[Option<u64>], text: impl Fn(u64) -> String) -> Arc<StringArray> {
    Arc::new(numbers.iter().map(|n| n.map(&text)).collect())
}

/// All batches: the same in every run.
pub fn batches() -> Result<Vec<Columns>, ArrowError> {
    (0..ROWS / BATCH_ROWS).map(columns).collect()
}

fn maps(numbers: &[Option<u64>]) -> Result<Arc<MapArray>, ArrowError> {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    for number in numbers {
        if let Some(n) = number {
            for (i, key) in ["a", "b", "c"].iter().enumerate() {
                maps.keys().append_value(key);
                maps.values().append_value((n % 10) as i32 + i as i32);
            }
        }
        maps.append(number.is_some())?;
    }
    Ok(Arc::new(maps.finish()))
}

fn decimals(values: impl Iterator<Item = Option<i128>>, precision: u8) -> Result<Arc<Decimal128Array>, ArrowError> {
    Ok(Arc::new(values.collect::<Decimal128Array>().with_precision_and_scale(precision, 2)?))
}

fn columns(number: usize) -> Result<Columns, ArrowError> {
    let mut seed = number as u64 + 1;
    let mut next = || {
        // An xorshift.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (!seed.is_multiple_of(20)).then_some(seed >> 8)
    };
    let numbers: Vec<Option<u64>> = (0..BATCH_ROWS).map(|_| next()).collect();
    let start_ms = 1_704_067_200_000_i64;
    let ms = |n: u64| start_ms + (n % (366 * 86_400_000)) as i64;
    let all = Columns {
        batch: RecordBatch::new_empty(Arc::new(Schema::empty())),
        words: texts(&numbers, |n| format!("Alpha{} beta{}", n % 1_000, n % 77)),
        padded: texts(&numbers, |n| format!("  word{}  ", n % 1_000)),
        query: texts(&numbers, |n| format!("https://a.example/p?id={}&channel_id={}&x=1", n % 1_000, n % 50)),
        json: texts(&numbers, |n| format!(r#"{{"id": {}, "name": "item {}", "tags": ["a", "b"]}}"#, n % 1_000, n % 50)),
        digits: texts(&numbers, |n| (n % 1_000_000).to_string()),
        time_text: texts(&numbers, |n| format!("2024-{:02}-{:02} {:02}:{:02}:{:02}", n % 12 + 1, n % 28 + 1, n % 24, n % 60, n / 7 % 60)),
        small: Arc::new(numbers.iter().map(|n| n.map(|n| (n % 1_000) as i32 - 500)).collect()),
        large: Arc::new(numbers.iter().map(|n| n.map(|n| (n % 1_000_000_007) as i64)).collect()),
        other: Arc::new(numbers.iter().map(|n| n.map(|n| (n / 7 % 1_000_003) as i64 + 1)).collect()),
        double: Arc::new(numbers.iter().map(|n| n.map(|n| (n % 1_000_000) as f64 / 997.0)).collect()),
        decimal: decimals(numbers.iter().map(|n| n.map(|n| i128::from(n % 10_000_000) - 5_000_000)), 10)?,
        price: decimals(numbers.iter().map(|n| n.map(|n| i128::from(n / 3 % 9_999) + 1)), 6)?,
        time: Arc::new(numbers.iter().map(|n| n.map(ms)).collect()),
        later: Arc::new(numbers.iter().map(|n| n.map(|n| ms(n) + (n % 1_000_000_000) as i64)).collect()),
        flag: Arc::new(numbers.iter().map(|n| n.map(|n| n % 3 == 0)).collect()),
        list: Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(
            numbers.iter().map(|n| n.map(|n| (0..3).map(|i| Some((n % 10) as i32 + i)).collect::<Vec<_>>())),
        )),
        map: maps(&numbers)?,
    };
    with_batch(all)
}

/// With the batch of the columns, under the names that expressions call them by.
fn with_batch(columns: Columns) -> Result<Columns, ArrowError> {
    let c = &columns;
    let named: Vec<(&str, ArrayRef)> = vec![
        ("text", c.words.clone()),
        ("padded", c.padded.clone()),
        ("url", c.query.clone()),
        ("json", c.json.clone()),
        ("digits", c.digits.clone()),
        ("time_text", c.time_text.clone()),
        ("int", c.small.clone()),
        ("bigint", c.large.clone()),
        ("other", c.other.clone()),
        ("double", c.double.clone()),
        ("decimal", c.decimal.clone()),
        ("price", c.price.clone()),
        ("time", c.time.clone()),
        ("later", c.later.clone()),
        ("flag", c.flag.clone()),
        ("array", c.list.clone()),
        ("map", c.map.clone()),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(named.into_iter().map(|(name, column)| (name, column, true)))?;
    Ok(Columns { batch, ..columns })
}
