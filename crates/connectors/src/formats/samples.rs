//! Random types and rows for the tests of formats.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use flott_engine::text::TYPE_KEY;
use proptest::prelude::*;

use super::columns::{Column, Room, finish_batch};

/// A small generator of random numbers, so that values need no strategies.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 3
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A number, mostly a small one.
    fn number(&mut self) -> i64 {
        let shift = self.below(62);
        (self.next() as i64 >> shift) * if self.below(2) == 0 { 1 } else { -1 }
    }

    fn text(&mut self) -> String {
        let letters = ['a', 'b', 'é', '"', '\\', '\n', '語', '𝄞', ' '];
        (0..self.below(6)).map(|_| letters[self.below(letters.len() as u64) as usize]).collect()
    }
}

fn leaf() -> impl Strategy<Value = DataType> {
    prop::sample::select(vec![
        DataType::Boolean,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::Float32,
        DataType::Float64,
        DataType::Utf8,
        DataType::Binary,
        DataType::Decimal128(10, 2),
        DataType::Decimal128(38, 0),
        DataType::Date32,
        DataType::Time32(TimeUnit::Millisecond),
        DataType::Timestamp(TimeUnit::Millisecond, None),
    ])
}

/// A type that every format of records carries.
pub fn data_type() -> impl Strategy<Value = DataType> {
    leaf().prop_recursive(3, 12, 4, |inner| {
        let field = (inner, any::<bool>());
        prop_oneof![
            field.clone().prop_map(|(t, nullable)| DataType::List(Arc::new(Field::new("element", t, nullable)))),
            field.clone().prop_map(|(t, nullable)| map_of(DataType::Utf8, t, nullable)),
            prop::collection::vec(field, 1..4).prop_map(|fields| DataType::Struct(named(fields))),
        ]
    })
}

/// A map type.
pub fn map_of(key: DataType, value: DataType, nullable: bool) -> DataType {
    let entry = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, nullable)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry), false)), false)
}

fn named(fields: Vec<(DataType, bool)>) -> Fields {
    fields.into_iter().enumerate().map(|(i, (t, nullable))| Field::new(format!("f{i}"), t, nullable)).collect()
}

/// Columns of a table.
pub fn columns() -> impl Strategy<Value = SchemaRef> {
    prop::collection::vec((data_type(), any::<bool>()), 1..6).prop_map(|fields| Arc::new(Schema::new(named(fields))))
}

/// A field of a timestamp with its precision.
pub fn timestamp(name: &str, sql: &str, unit: TimeUnit, utc: bool) -> Field {
    let data_type = DataType::Timestamp(unit, utc.then(|| "UTC".into()));
    Field::new(name, data_type, true).with_metadata([(TYPE_KEY.to_owned(), sql.to_owned())].into())
}

/// So many random rows.
pub fn rows(schema: &SchemaRef, count: usize, seed: u64) -> RecordBatch {
    let mut random = Random(seed);
    let columns = schema.fields().iter().map(|field| {
        let mut column = Column::new(field, &Room::default()).unwrap();
        (0..count).for_each(|_| push(&mut column, field, &mut random));
        column
    });
    finish_batch(schema, columns.collect(), count).unwrap()
}

fn push(column: &mut Column, field: &Field, random: &mut Random) {
    if field.is_nullable() && random.below(4) == 0 {
        return column.push_null();
    }
    match column {
        Column::Boolean(c) => Column::push_bool(c, random.below(2) == 0),
        Column::Int8(c) => c.push(random.number() as i8),
        Column::Int16(c) => c.push(random.number() as i16),
        Column::Int32(c) => c.push(random.number() as i32),
        Column::Int64(c) => c.push(random.number()),
        Column::Float32(c) => c.push(random.number() as f32 / 8.0),
        Column::Float64(c) => c.push(random.number() as f64 / 1024.0),
        Column::Decimal(c, precision, _) => {
            let limit = 10i128.pow(u32::from(*precision));
            c.push((i128::from(random.number()) * i128::from(random.number())) % limit);
        }
        Column::String(c) => c.push(&random.text()),
        Column::Binary(c) => c.push(&random.next().to_le_bytes()[..random.below(8) as usize]),
        Column::Date(c) => c.push(random.number() as i32 >> 8),
        Column::Time(c, _) => c.push(random.below(86_400_000) as i32),
        Column::Timestamp(c, _) => c.push(random.number() >> 20),
        Column::List(list) => {
            let element = list.field.clone();
            (0..random.below(4)).for_each(|_| push(&mut list.element, &element, random));
            list.end();
        }
        Column::Map(map) => {
            let DataType::Struct(entry) = map.entries.data_type().clone() else { unreachable!() };
            for i in 0..random.below(4) {
                match &mut map.keys {
                    Column::String(keys) => keys.push(&format!("k{i}")),
                    Column::Int32(keys) => keys.push(i as i32 - 1),
                    Column::Int64(keys) => keys.push(i as i64 - 1),
                    _ => unreachable!(),
                }
                push(&mut map.values, &entry[1], random);
            }
            map.end();
        }
        Column::Row(row) => {
            row.begin();
            let fields = row.fields.clone();
            row.columns.iter_mut().zip(&fields).for_each(|(column, field)| push(column, field, random));
            row.end();
        }
        Column::Null(_) | Column::Interval(..) => unreachable!(),
    }
}

/// Rows as text, a line each.
pub fn text_of(batch: &RecordBatch) -> Vec<String> {
    let schema = batch.schema();
    let line = |row: usize| {
        let cells = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
            let mut out = vec![];
            flott_engine::text::print_text(column.as_ref(), row, field, &mut out);
            String::from_utf8(out).unwrap()
        });
        cells.collect::<Vec<_>>().join("|")
    };
    (0..batch.num_rows()).map(line).collect()
}

/// Encodes all rows, one message each.
pub fn encode(encoder: &dyn super::Encode, batch: &RecordBatch) -> (Vec<u8>, Vec<usize>) {
    let mut rows = encoder.open(batch).unwrap();
    let (mut bytes, mut ends) = (vec![], vec![]);
    for row in 0..batch.num_rows() {
        rows.row(row, &mut bytes).unwrap();
        ends.push(bytes.len());
    }
    (bytes, ends)
}

/// Decodes messages; they come with a line break behind each.
pub fn decode(decoder: &dyn super::Decode, bytes: &[u8], ends: &[usize]) -> Result<super::Rows, super::Stop> {
    let (mut messages, mut with_breaks, mut start) = (vec![], vec![], 0);
    for end in ends {
        messages.extend_from_slice(&bytes[start..*end]);
        messages.push(b'\n');
        with_breaks.push(messages.len() as u32);
        start = *end;
    }
    let mut records = decoder.open(bytes.len())?;
    let mut origins = vec![];
    records.feed_messages(&messages, &with_breaks, &mut origins)?;
    assert_eq!(origins.len(), records.rows());
    Ok(records.finish()?)
}

/// Changes some bytes, cuts some off, or repeats some.
pub fn mangled(mut bytes: Vec<u8>, seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len() as u64) as usize;
        match random.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.next() as u8),
            2 => bytes[at] = 0xff,
            3 => bytes.extend_from_within(..at),
            _ => bytes[at] = random.next() as u8,
        }
    }
    bytes
}
