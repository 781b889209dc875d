//! Rows by key in an order: what rankings and windows of rows remember.

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, UInt8Array};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use std::sync::Arc;

use super::StateTable;
use super::changes::{Changes, Touches};
use super::encoding::{decode_rows, encode_rows};
use super::expiry::Expiry;
use super::key::KeyIndex;
use super::keyed::key_group_field;
use super::ranking::Ranking;
use crate::hash::key_group;
use crate::{Error, Result};

/// A column to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortColumn {
    /// Which column.
    pub column: usize,
    /// Greatest first.
    pub descending: bool,
    /// NULL comes before all values.
    pub nulls_first: bool,
}

impl SortColumn {
    /// How values of this type become bytes that compare in this order.
    pub fn field(&self, data_type: &DataType) -> SortField {
        let options = SortOptions { descending: self.descending, nulls_first: self.nulls_first };
        SortField::new_with_options(data_type.clone(), options)
    }
}

/// The rows of some columns as bytes that compare in this order.
pub fn order_bytes(order: &[SortColumn], columns: &[ArrayRef]) -> Result<arrow::row::Rows> {
    let by: Vec<ArrayRef> = order.iter().map(|c| columns[c.column].clone()).collect();
    let fields = order.iter().zip(&by).map(|(c, values)| c.field(values.data_type())).collect();
    Ok(RowConverter::new(fields)?.convert_columns(&by)?)
}

/// The content of a row that is kept.
pub type Content = Arc<[u8]>;

/// Where a row stands: its order as bytes that compare like it, then its number in order of arrival.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    order: Box<[u8]>,
    number: u64,
}

/// Rows of one schema by the key in some of their columns; those of a key in an order, equal ones as they came.
pub struct RankedTable {
    schema: SchemaRef,
    types: Vec<DataType>,
    key_columns: Vec<usize>,
    order: Vec<SortColumn>,
    /// Of rows equal in the order, the one that came last is the first.
    latest_first: bool,
    converter: RowConverter,
    keys: KeyIndex,
    rankings: Vec<Ranking>,
    /// How many rows have come.
    arrived: u64,
    rows: usize,
    bytes: usize,
    expiry: Option<Expiry>,
    touches: Touches,
}

/// The rows of a batch, ready to be looked at one by one.
pub struct Prepared {
    content: super::encoding::ByteRows,
    /// None without an order.
    order: Option<arrow::row::Rows>,
}

impl Prepared {
    fn order_of(&self, row: usize) -> &[u8] {
        self.order.as_ref().map_or(&[], |rows| rows.row(row).data())
    }
}

impl RankedTable {
    /// An empty table for rows of this schema, by the key in `key_columns`.
    pub fn new(schema: SchemaRef, key_columns: &[usize], order: &[SortColumn], latest_first: bool) -> Result<Self> {
        let types: Vec<DataType> = schema.fields().iter().map(|f| f.data_type().clone()).collect();
        let key_types: Vec<DataType> = key_columns.iter().map(|c| types[*c].clone()).collect();
        Ok(Self {
            converter: RowConverter::new(order.iter().map(|c| c.field(&types[c.column])).collect())?,
            order: order.to_vec(),
            latest_first,
            keys: KeyIndex::new(&key_types),
            key_columns: key_columns.to_vec(),
            types,
            schema,
            rankings: vec![],
            arrived: 0,
            rows: 0,
            bytes: 0,
            expiry: None,
            touches: Touches::default(),
        })
    }

    /// Prepares the rows of a batch and finds or makes the slots of their keys.
    pub fn prepare(&mut self, columns: &[ArrayRef], rows: usize, slots: &mut Vec<u32>) -> Result<Prepared> {
        let keys: Vec<ArrayRef> = self.key_columns.iter().map(|c| columns[*c].clone()).collect();
        self.keys.upsert(&keys, rows, slots)?;
        self.rankings.resize_with(self.keys.slots(), Ranking::default);
        let order: Vec<ArrayRef> = self.order.iter().map(|c| columns[c.column].clone()).collect();
        let order = (!order.is_empty()).then(|| self.converter.convert_columns(&order)).transpose()?;
        Ok(Prepared { content: encode_rows(columns, rows)?, order })
    }

    /// Adds a row to its key. With `most`, a row that would stand behind so many others is left out, and the last row gives way
    /// to one that would not. Tells whether the row was taken in.
    pub fn add(&mut self, slot: u32, prepared: &Prepared, row: usize, most: Option<usize>) -> bool {
        self.arrived += 1;
        let number = if self.latest_first { u64::MAX - self.arrived } else { self.arrived };
        self.insert(slot, prepared, row, number, most)
    }

    fn insert(&mut self, slot: u32, prepared: &Prepared, row: usize, number: u64, most: Option<usize>) -> bool {
        let ranking = &mut self.rankings[slot as usize];
        let order = prepared.order_of(row);
        if most.is_some_and(|most| ranking.len() >= most) {
            let Some((place, content)) = ranking.last().filter(|(place, _)| (order, number) < (&*place.order, place.number)) else {
                return false;
            };
            self.bytes -= weight(place, content);
            self.rows -= 1;
            ranking.pop_last();
        }
        let place = Place { order: order.into(), number };
        let content: Content = prepared.content.row(row).into();
        self.bytes += weight(&place, &content);
        self.rows += 1;
        ranking.insert(place, content);
        self.touch(slot);
        true
    }

    /// Takes a row away that equals one of the batch, the first that came. Tells whether there was one.
    pub fn take(&mut self, slot: u32, prepared: &Prepared, row: usize) -> bool {
        let (order, content): (Box<[u8]>, _) = (prepared.order_of(row).into(), prepared.content.row(row));
        let equal = Place { order: order.clone(), number: 0 }..=Place { order, number: u64::MAX };
        let ranking = &mut self.rankings[slot as usize];
        let place = {
            let mut found = ranking.range(equal).filter(|(_, c)| ***c == *content).map(|(place, _)| place);
            if self.latest_first { found.next_back() } else { found.next() }.cloned()
        };
        let Some(place) = place else { return false };
        if let Some(content) = ranking.remove(&place) {
            self.bytes -= weight(&place, &content);
            self.rows -= 1;
        }
        self.touch(slot);
        true
    }

    fn touch(&mut self, slot: u32) {
        self.touches.touch(slot);
        if let Some(expiry) = &mut self.expiry {
            expiry.touch(slot);
        }
    }

    /// The rows of a key in their order.
    pub fn ranking(&self, slot: u32) -> impl DoubleEndedIterator<Item = &Content> {
        self.rankings[slot as usize].iter().map(|(_, content)| content)
    }

    /// Takes the first row of a key away.
    pub fn pop_first(&mut self, slot: u32) {
        let ranking = &mut self.rankings[slot as usize];
        let Some(place) = ranking.iter().next().map(|(place, _)| place.clone()) else { return };
        if let Some(content) = ranking.remove(&place) {
            self.bytes -= weight(&place, &content);
            self.rows -= 1;
        }
        self.touch(slot);
    }

    /// Whether some key has several rows; keys without rows must have been removed.
    pub fn is_crowded(&self) -> bool {
        self.rows > self.keys.len()
    }

    /// Number of rows of a key.
    pub fn size(&self, slot: u32) -> usize {
        self.rankings[slot as usize].len()
    }

    /// Forgets the key of a slot with all its rows.
    pub fn remove_key(&mut self, slot: u32) {
        let ranking = std::mem::take(&mut self.rankings[slot as usize]);
        self.rows -= ranking.len();
        self.bytes -= ranking.iter().map(|(place, content)| weight(place, content)).sum::<usize>();
        self.keys.remove(slot);
        self.touches.touch(slot);
        if let Some(expiry) = &mut self.expiry {
            expiry.forget(slot);
        }
    }

    /// Slots of all keys.
    pub fn slots(&self) -> Vec<u32> {
        self.keys.live_slots()
    }

    /// The key columns of slots.
    pub fn keys(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        self.keys.keys(slots)
    }

    /// The columns of rows.
    pub fn decode<'a>(&self, rows: impl Iterator<Item = &'a Content>) -> Result<Vec<ArrayRef>> {
        decode_rows(&self.types, rows.map(|content| &**content))
    }
}

/// Rough memory use of a row in bytes.
fn weight(place: &Place, content: &Content) -> usize {
    place.order.len() + content.len() + 80
}

impl StateTable for RankedTable {
    fn track(&mut self) {
        self.touches.begin();
    }

    fn changed(&self) -> usize {
        self.touches.len()
    }

    fn changes(&mut self, most: usize) -> Result<Changes> {
        let (slots, removed) = self.touches.take(most, |slot| self.keys.is_live(slot) && self.rankings[slot as usize].len() > 0);
        let mut fields = vec![key_group_field(), Field::new("number", DataType::Int64, false)];
        fields.extend(self.schema.fields().iter().enumerate().map(|(i, f)| Field::new(format!("row{i}"), f.data_type().clone(), true)));
        let rows =
            || slots.iter().flat_map(|slot| self.rankings[*slot as usize].iter().map(move |(place, content)| (*slot, place, content)));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from_iter_values(rows().map(|(slot, ..)| key_group(self.keys.hash_of(slot))))),
            Arc::new(Int64Array::from_iter_values(rows().map(|(_, place, _)| place.number as i64))),
        ];
        columns.extend(self.decode(rows().map(|(.., content)| content))?);
        if let Some(expiry) = &self.expiry {
            let (field, written) = expiry.save(rows().map(|(slot, ..)| slot));
            fields.push(field);
            columns.push(written);
        }
        let entries = rows().map(|(slot, ..)| u64::from(slot)).collect();
        Ok(Changes { rows: RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?, entries, removed })
    }

    fn restore(&mut self, saved: &RecordBatch) -> Result<()> {
        let numbers = saved.column(1).as_primitive_opt::<Int64Type>().ok_or_else(|| Error::state("saved rows have an unknown form"))?;
        let mut slots = vec![];
        let prepared = self.prepare(&saved.columns()[2..2 + self.types.len()], saved.num_rows(), &mut slots)?;
        for (row, slot) in slots.iter().copied().enumerate() {
            let number = numbers.value(row) as u64;
            self.insert(slot, &prepared, row, number, None);
            self.arrived = self.arrived.max(if self.latest_first { u64::MAX - number } else { number });
        }
        if let Some(expiry) = &mut self.expiry {
            expiry.restore(saved, slots.into_iter());
        }
        Ok(())
    }

    fn live_for(&mut self, ttl_ms: i64) {
        self.expiry = Some(Expiry::new(ttl_ms));
    }

    fn expire(&mut self, now_ms: i64) {
        let over = self.expiry.as_mut().map(|expiry| expiry.over(now_ms)).unwrap_or_default();
        over.into_iter().for_each(|slot| self.remove_key(slot));
    }

    fn len(&self) -> usize {
        self.rows
    }

    fn memory_bytes(&self) -> usize {
        self.keys.memory_bytes()
            + self.expiry.as_ref().map_or(0, Expiry::memory_bytes)
            + self.rankings.capacity() * size_of::<Ranking>()
            + self.bytes
    }
}
