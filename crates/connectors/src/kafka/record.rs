//! Messages to be written, as rows of one schema: what encoders make, what a checkpoint keeps, and what is sent.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, BinaryArray, Int32Array, MapArray, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef, TimeUnit, TimestampMillisecondType};
use flott_engine::{Error, Result};

use super::metadata::headers_type;

/// The columns: `key`; `value`, NULL of a message that deletes; `partition`, NULL where the key decides, and taken modulo how many there
/// are; `topic`, NULL where the table has one; `timestamp`, NULL where the client sets it; `headers`.
pub static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("key", DataType::Binary, true),
        Field::new("value", DataType::Binary, true),
        Field::new("partition", DataType::Int32, true),
        Field::new("topic", DataType::Utf8, true),
        Field::new("timestamp", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), true),
        Field::new("headers", headers_type(), true),
    ]))
});

/// The columns of a batch.
pub struct Records<'a> {
    keys: &'a BinaryArray,
    values: &'a BinaryArray,
    partitions: &'a Int32Array,
    topics: &'a StringArray,
    timestamps: &'a TimestampMillisecondArray,
    headers: &'a MapArray,
}

/// One message.
pub struct Record<'a> {
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    /// See [`SCHEMA`].
    pub partition: Option<i32>,
    /// See [`SCHEMA`].
    pub topic: Option<&'a str>,
    /// See [`SCHEMA`]; milliseconds.
    pub timestamp: Option<i64>,
    /// Names and values.
    pub headers: Vec<(&'a str, Option<&'a [u8]>)>,
}

impl<'a> Records<'a> {
    /// The columns of a batch of [`SCHEMA`].
    pub fn new(batch: &'a RecordBatch) -> Result<Self> {
        let types = |schema: &Schema| schema.fields().iter().map(|f| f.data_type().clone()).collect::<Vec<_>>();
        if types(&batch.schema()) != types(&SCHEMA) {
            return Err(Error::state("what is kept for a Kafka sink has other columns than this version writes"));
        }
        Ok(Self {
            keys: batch.column(0).as_binary(),
            values: batch.column(1).as_binary(),
            partitions: batch.column(2).as_primitive::<Int32Type>(),
            topics: batch.column(3).as_string(),
            timestamps: batch.column(4).as_primitive::<TimestampMillisecondType>(),
            headers: batch.column(5).as_map(),
        })
    }

    /// A message.
    pub fn get(&self, row: usize) -> Record<'a> {
        let mut headers = vec![];
        if self.headers.is_valid(row) {
            let offsets = self.headers.value_offsets();
            let (names, values) = (self.headers.keys().as_string::<i32>(), self.headers.values().as_binary::<i32>());
            for i in offsets[row] as usize..offsets[row + 1] as usize {
                headers.push((names.value(i), values.is_valid(i).then(|| values.value(i))));
            }
        }
        Record {
            key: self.keys.is_valid(row).then(|| self.keys.value(row)),
            value: self.values.is_valid(row).then(|| self.values.value(row)),
            partition: self.partitions.is_valid(row).then(|| self.partitions.value(row)),
            topic: self.topics.is_valid(row).then(|| self.topics.value(row)),
            timestamp: self.timestamps.is_valid(row).then(|| self.timestamps.value(row)),
            headers,
        }
    }
}
