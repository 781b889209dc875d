//! Values by slot: the columns in which accumulators live, so that the engine can save, move and restore them.

use arrow::array::*;
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::*;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::roughly;
use super::sets::Sets;
use crate::{Error, Result};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// 64-bit integers, also flags and encoded fixed-width values.
    I64,
    /// 128-bit integers.
    I128,
    /// Doubles.
    F64,
    /// Optional byte strings.
    Bytes,
    /// A multiset of 64-bit values, unordered: for DISTINCT.
    Set,
    /// A multiset of byte strings in their order: for MIN and MAX under retraction, and DISTINCT over text.
    Bag,
}

/// A multiset of byte strings in their order.
pub type Bag = BTreeMap<Box<[u8]>, i64>;

/// Hasher of integers.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuildMix;

impl std::hash::BuildHasher for BuildMix {
    type Hasher = Mix;
    fn build_hasher(&self) -> Mix {
        Mix(0)
    }
}

/// See [`BuildMix`].
#[derive(Debug)]
pub struct Mix(u64);

impl std::hash::Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxhash_rust::xxh3::xxh3_64(bytes);
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = super::key::hash_value(value);
    }
}

/// One accumulator field of all slots.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// See [`ColumnKind::I64`].
    I64(Vec<i64>),
    /// See [`ColumnKind::I128`].
    I128(Vec<i128>),
    /// See [`ColumnKind::F64`].
    F64(Vec<f64>),
    /// See [`ColumnKind::Bytes`].
    Bytes(Vec<Option<Box<[u8]>>>),
    /// See [`ColumnKind::Set`].
    Set(Sets),
    /// See [`ColumnKind::Bag`].
    Bag(Vec<Bag>),
}

macro_rules! each {
    ($self:expr, $v:ident => $body:expr, $sets:ident => $for_sets:expr) => {
        match $self {
            Column::I64($v) => $body,
            Column::I128($v) => $body,
            Column::F64($v) => $body,
            Column::Bytes($v) => $body,
            Column::Set($sets) => $for_sets,
            Column::Bag($v) => $body,
        }
    };
}

macro_rules! accessor {
    ($name:ident, $name_mut:ident, $variant:ident, $ty:ty) => {
        /// The values, by slot. Panics when the column is of another kind: accumulators get the kinds they declared.
        #[inline]
        pub fn $name(&self) -> &[$ty] {
            match self {
                Column::$variant(v) => v,
                _ => unreachable!("an accumulator reads the kind of column it declared"),
            }
        }
        /// The values, by slot, to change.
        #[inline]
        pub fn $name_mut(&mut self) -> &mut [$ty] {
            match self {
                Column::$variant(v) => v,
                _ => unreachable!("an accumulator writes the kind of column it declared"),
            }
        }
    };
}

impl Column {
    /// An empty column.
    pub fn new(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::I64 => Column::I64(vec![]),
            ColumnKind::I128 => Column::I128(vec![]),
            ColumnKind::F64 => Column::F64(vec![]),
            ColumnKind::Bytes => Column::Bytes(vec![]),
            ColumnKind::Set => Column::Set(Sets::default()),
            ColumnKind::Bag => Column::Bag(vec![]),
        }
    }

    accessor!(i64s, i64s_mut, I64, i64);
    accessor!(i128s, i128s_mut, I128, i128);
    accessor!(f64s, f64s_mut, F64, f64);
    accessor!(bytes, bytes_mut, Bytes, Option<Box<[u8]>>);
    accessor!(bags, bags_mut, Bag, Bag);

    /// The sets. Panics when the column is of another kind, as the methods above do.
    #[inline]
    pub fn sets(&self) -> &Sets {
        match self {
            Column::Set(v) => v,
            _ => unreachable!("an accumulator reads the kind of column it declared"),
        }
    }

    /// The sets, to change.
    #[inline]
    pub fn sets_mut(&mut self) -> &mut Sets {
        match self {
            Column::Set(v) => v,
            _ => unreachable!("an accumulator writes the kind of column it declared"),
        }
    }

    /// Grows to at least `slots`; new ones hold zero, none or an empty set.
    pub fn grow(&mut self, slots: usize) {
        each!(self, v => if v.len() < slots { v.resize_with(slots, Default::default) }, sets => sets.grow(slots));
    }

    /// Back to the state of a new slot.
    pub fn reset(&mut self, slot: u32) {
        each!(self, v => v[slot as usize] = Default::default(), sets => sets.reset(slot));
    }

    /// Arrow type in which the column is saved and crosses workers.
    pub fn data_type(kind: ColumnKind) -> DataType {
        match kind {
            ColumnKind::I64 => DataType::Int64,
            ColumnKind::I128 => DataType::Decimal128(38, 0),
            ColumnKind::F64 => DataType::Float64,
            ColumnKind::Bytes => DataType::Binary,
            ColumnKind::Set => list_of(DataType::UInt64),
            ColumnKind::Bag => list_of(DataType::Binary),
        }
    }

    /// The values of these slots as an Arrow array of [`Column::data_type`].
    pub fn save(&self, slots: &[u32]) -> Result<ArrayRef> {
        let at = |s: &u32| *s as usize;
        Ok(match self {
            Column::I64(v) => Arc::new(Int64Array::from_iter_values(slots.iter().map(|s| v[at(s)]))),
            Column::I128(v) => {
                Arc::new(Decimal128Array::from_iter_values(slots.iter().map(|s| v[at(s)])).with_data_type(DataType::Decimal128(38, 0)))
            }
            Column::F64(v) => Arc::new(Float64Array::from_iter_values(slots.iter().map(|s| v[at(s)]))),
            Column::Bytes(v) => Arc::new(slots.iter().map(|s| v[at(s)].as_deref()).collect::<BinaryArray>()),
            Column::Set(v) => {
                let mut values = UInt64Builder::new();
                save_list(slots.iter().map(|s| v.iter(*s)), |k| values.append_value(*k))
                    .finish(DataType::UInt64, move || Arc::new(values.finish()))?
            }
            Column::Bag(v) => {
                let mut values = BinaryBuilder::new();
                save_list(slots.iter().map(|s| v[at(s)].iter()), |k| values.append_value(k))
                    .finish(DataType::Binary, move || Arc::new(values.finish()))?
            }
        })
    }

    /// Writes saved values into slots; the inverse of [`Column::save`]. The column has grown already.
    pub fn load(&mut self, slots: &[u32], saved: &ArrayRef) -> Result<()> {
        macro_rules! copy {
            ($v:expr, $iter:expr) => {
                for (slot, value) in slots.iter().zip($iter) {
                    $v[*slot as usize] = value;
                }
            };
        }
        match self {
            Column::I64(v) => copy!(v, saved.as_primitive::<Int64Type>().values().iter().copied()),
            Column::I128(v) => copy!(v, saved.as_primitive::<Decimal128Type>().values().iter().copied()),
            Column::F64(v) => copy!(v, saved.as_primitive::<Float64Type>().values().iter().copied()),
            Column::Bytes(v) => copy!(v, saved.as_binary::<i32>().iter().map(|b| b.map(Into::into))),
            Column::Set(v) => {
                for (row, slot) in slots.iter().enumerate() {
                    let (values, counts) = list_row(saved, row)?;
                    v.reset(*slot);
                    for (value, count) in values.as_primitive::<UInt64Type>().values().iter().zip(counts.values()) {
                        v.add(*slot, *value, *count);
                    }
                }
            }
            Column::Bag(v) => {
                for (row, slot) in slots.iter().enumerate() {
                    let (values, counts) = list_row(saved, row)?;
                    let values = values.as_binary::<i32>();
                    v[*slot as usize] = (0..values.len()).map(|i| (values.value(i).into(), counts.value(i))).collect();
                }
            }
        }
        Ok(())
    }

    /// Rough memory use in bytes.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Column::I64(v) => v.capacity() * 8,
            Column::I128(v) => v.capacity() * 16,
            Column::F64(v) => v.capacity() * 8,
            Column::Bytes(v) => roughly(v.len(), |i| 16 + v[i].as_ref().map_or(0, |b| b.len())),
            Column::Set(v) => v.memory_bytes(),
            Column::Bag(v) => roughly(v.len(), |i| 24 + v[i].len() * (32 + v[i].keys().next().map_or(0, |k| k.len()))),
        }
    }
}

/// The values and counts of one saved multiset.
pub(crate) fn list_row(saved: &ArrayRef, row: usize) -> Result<(ArrayRef, Int64Array)> {
    let lists = saved.as_list::<i32>();
    let (values, counts) = list_entries(lists)?;
    let start = lists.value_offsets()[row] as usize;
    let length = lists.value_length(row) as usize;
    Ok((values.slice(start, length), Int64Array::new(counts.slice(start, length), None)))
}

/// The values and counts of all saved multisets; the offsets of the lists say which belong to which.
pub(crate) fn list_entries(lists: &ListArray) -> Result<(&ArrayRef, &ScalarBuffer<i64>)> {
    let entries = lists.values().as_struct_opt().ok_or_else(|| Error::state("a saved multiset has an unknown form"))?;
    Ok((entries.column(0), entries.column(1).as_primitive::<Int64Type>().values()))
}

fn entry_fields(value: DataType) -> Fields {
    Fields::from(vec![Field::new("value", value, false), Field::new("count", DataType::Int64, false)])
}

fn list_of(value: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Struct(entry_fields(value)), false)))
}

struct ListParts {
    lengths: Vec<usize>,
    counts: Vec<i64>,
}

fn save_list<'a, K: 'a>(rows: impl Iterator<Item = impl Iterator<Item = (&'a K, &'a i64)>>, mut push: impl FnMut(&'a K)) -> ListParts {
    let mut parts = ListParts { lengths: vec![], counts: vec![] };
    for row in rows {
        let before = parts.counts.len();
        for (value, count) in row {
            push(value);
            parts.counts.push(*count);
        }
        parts.lengths.push(parts.counts.len() - before);
    }
    parts
}

impl ListParts {
    fn finish(self, value: DataType, values: impl FnOnce() -> ArrayRef) -> Result<ArrayRef> {
        let counts: ArrayRef = Arc::new(Int64Array::from(self.counts));
        let entries = StructArray::try_new(entry_fields(value.clone()), vec![values(), counts], None)?;
        let offsets = arrow::buffer::OffsetBuffer::from_lengths(self.lengths);
        let field = Arc::new(Field::new("item", DataType::Struct(entry_fields(value)), false));
        Ok(Arc::new(ListArray::try_new(field, offsets, Arc::new(entries), None)?))
    }
}
