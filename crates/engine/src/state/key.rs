//! From key to dense slot: an index specialised for one or two fixed-width key columns, byte-encoded for anything else.

use arrow::array::*;
use arrow::datatypes::*;
use arrow::row::{RowConverter, SortField};
use hashbrown::HashTable;
use std::sync::Arc;

use crate::hash::{hash_columns, mix};
use crate::{Error, Result};

/// Whether values of this type fit eight bytes, so that a key of one or two of them needs no encoding.
pub fn fixed_width(t: &DataType) -> bool {
    use DataType::*;
    matches!(
        t,
        Boolean
            | Int8
            | Int16
            | Int32
            | Int64
            | Float32
            | Float64
            | Date32
            | Time32(TimeUnit::Millisecond)
            | Timestamp(TimeUnit::Millisecond | TimeUnit::Microsecond | TimeUnit::Nanosecond, _)
    )
}

/// The keys of one batch in the form the index compares them.
enum Encoded {
    Empty,
    One(Vec<u64>),
    Two(Vec<u64>, Vec<u64>),
    Bytes { offsets: Vec<u32>, bytes: Vec<u8> },
}

/// Stored keys by slot, and the table that finds them. Fixed-width keys lie in the table itself, so that a look-up touches one
/// place in memory.
enum Store {
    Empty,
    One(Fixed<1>),
    Two(Fixed<2>),
    Bytes { table: HashTable<u32>, values: Vec<Box<[u8]>> },
}

/// A key of `N` values of at most 64 bits.
#[derive(Clone, Copy)]
struct FixedKey<const N: usize> {
    values: [u64; N],
    /// Bit per value: null.
    nulls: u8,
}

impl<const N: usize> PartialEq for FixedKey<N> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values && self.nulls == other.nulls
    }
}

#[derive(Default)]
struct Fixed<const N: usize> {
    table: HashTable<(FixedKey<N>, u32)>,
    keys: Vec<FixedKey<N>>,
}

impl<const N: usize> Fixed<N> {
    #[inline(always)]
    fn upsert(&mut self, slots: &mut Slots, key: FixedKey<N>, hash: u64) -> u32 {
        if let Some((_, slot)) = self.table.find(hash, |(k, _)| *k == key) {
            return *slot;
        }
        self.insert(slots, key, hash)
    }

    #[inline(never)]
    fn insert(&mut self, slots: &mut Slots, key: FixedKey<N>, hash: u64) -> u32 {
        let slot = slots.allocate(hash);
        place(&mut self.keys, slot, key);
        self.table.insert_unique(hash, (key, slot), |(_, s)| slots.hashes[*s as usize]);
        slot
    }

    /// Column `c` of the keys of these slots.
    fn decode(&self, t: &DataType, c: usize, slots: &[u32]) -> Result<ArrayRef> {
        let key = |s: &u32| &self.keys[*s as usize];
        decode_fixed(t, slots.iter().map(|s| (key(s).nulls & (1 << c) == 0).then(|| key(s).values[c])))
    }

    fn memory_bytes(&self) -> usize {
        let key = size_of::<FixedKey<N>>();
        self.keys.capacity() * key + self.table.capacity() * (key + 9)
    }
}

/// Which slots are in use, and the hashes of their keys.
#[derive(Default)]
struct Slots {
    hashes: Vec<u64>,
    free: Vec<u32>,
    live: Vec<bool>,
}

impl Slots {
    fn allocate(&mut self, hash: u64) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                self.live[slot as usize] = true;
                self.hashes[slot as usize] = hash;
                slot
            }
            None => {
                self.live.push(true);
                self.hashes.push(hash);
                (self.live.len() - 1) as u32
            }
        }
    }
}

/// Maps keys to dense slot numbers. Slots of removed keys are used again.
pub struct KeyIndex {
    types: Vec<DataType>,
    store: Store,
    slots: Slots,
    scratch_hashes: Vec<u64>,
}

impl KeyIndex {
    /// An empty index for keys of these types.
    pub fn new(types: &[DataType]) -> Self {
        let store = match types {
            [] => Store::Empty,
            [a] if fixed_width(a) => Store::One(Fixed::default()),
            [a, b] if fixed_width(a) && fixed_width(b) => Store::Two(Fixed::default()),
            _ => Store::Bytes { table: HashTable::new(), values: vec![] },
        };
        Self { types: types.to_vec(), store, slots: Slots::default(), scratch_hashes: vec![] }
    }

    /// Types of the key columns.
    pub fn types(&self) -> &[DataType] {
        &self.types
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.slots.live.len() - self.slots.free.len()
    }

    /// `true` without keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One more than the highest slot ever given out: the length that columns by slot need.
    pub fn slots(&self) -> usize {
        self.slots.live.len()
    }

    /// Slots in use, ascending.
    pub fn live_slots(&self) -> Vec<u32> {
        (0..self.slots() as u32).filter(|s| self.slots.live[*s as usize]).collect()
    }

    /// The hash of a slot's key, see [`crate::hash`].
    pub fn hash_of(&self, slot: u32) -> u64 {
        self.slots.hashes[slot as usize]
    }

    /// Finds or makes the slot of each row's key. `slots` is cleared first.
    pub fn upsert(&mut self, keys: &[ArrayRef], rows: usize, slots: &mut Vec<u32>) -> Result<()> {
        slots.clear();
        if rows == 0 {
            return Ok(());
        }
        slots.reserve(rows);
        let mut hashes = std::mem::take(&mut self.scratch_hashes);
        hash_columns(keys, rows, &mut hashes)?;
        let all = &mut self.slots;
        let nullable = !no_nulls(keys);
        let nulls = |row| if nullable { null_mask(keys, row) } else { 0 };
        match (&mut self.store, encode(keys, rows)?) {
            (Store::Empty, _) => {
                let slot = if all.live.first() == Some(&true) { 0 } else { all.allocate(0) };
                slots.resize(rows, slot);
            }
            (Store::One(store), Encoded::One(values)) => {
                let keys = values.iter().enumerate().map(|(row, v)| FixedKey { values: [*v], nulls: nulls(row) });
                slots.extend(keys.zip(&hashes).map(|(key, hash)| store.upsert(all, key, *hash)));
            }
            (Store::Two(store), Encoded::Two(a, b)) => {
                let keys = a.iter().zip(&b).enumerate().map(|(row, (a, b))| FixedKey { values: [*a, *b], nulls: nulls(row) });
                slots.extend(keys.zip(&hashes).map(|(key, hash)| store.upsert(all, key, *hash)));
            }
            (Store::Bytes { table, values }, Encoded::Bytes { offsets, bytes }) => {
                let keys = offsets.windows(2).map(|range| &bytes[range[0] as usize..range[1] as usize]);
                slots.extend(keys.zip(&hashes).map(|(key, hash)| upsert_bytes(table, values, all, key, *hash)));
            }
            _ => return Err(Error::internal("the columns of a key changed their types")),
        }
        self.scratch_hashes = hashes;
        Ok(())
    }

    /// Forgets a key; its slot may be given to another one.
    pub fn remove(&mut self, slot: u32) {
        let at = slot as usize;
        if !self.slots.live[at] {
            return;
        }
        let hash = self.slots.hashes[at];
        match &mut self.store {
            Store::Empty => {}
            Store::One(store) => drop(store.table.find_entry(hash, |(_, s)| *s == slot).map(|e| e.remove())),
            Store::Two(store) => drop(store.table.find_entry(hash, |(_, s)| *s == slot).map(|e| e.remove())),
            Store::Bytes { table, values } => {
                drop(table.find_entry(hash, |s| *s == slot).map(|e| e.remove()));
                values[at] = Box::default();
            }
        }
        self.slots.live[at] = false;
        self.slots.free.push(slot);
    }

    /// The key columns of these slots.
    pub fn keys(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        match &self.store {
            Store::Empty => Ok(vec![]),
            Store::One(store) => Ok(vec![store.decode(&self.types[0], 0, slots)?]),
            Store::Two(store) => (0..2).map(|c| store.decode(&self.types[c], c, slots)).collect(),
            Store::Bytes { values, .. } => decode_bytes(&self.types, slots.iter().map(|s| &*values[*s as usize])),
        }
    }

    /// Rough memory use in bytes.
    pub fn memory_bytes(&self) -> usize {
        let store = match &self.store {
            Store::Empty => 0,
            Store::One(store) => store.memory_bytes(),
            Store::Two(store) => store.memory_bytes(),
            Store::Bytes { table, values } => table.capacity() * 5 + values.iter().map(|b| b.len() + 16).sum::<usize>(),
        };
        store + self.slots.hashes.capacity() * 8 + self.slots.live.capacity()
    }
}

fn upsert_bytes(table: &mut HashTable<u32>, values: &mut Vec<Box<[u8]>>, slots: &mut Slots, key: &[u8], hash: u64) -> u32 {
    if let Some(slot) = table.find(hash, |s| slots.hashes[*s as usize] == hash && *values[*s as usize] == *key) {
        return *slot;
    }
    let slot = slots.allocate(hash);
    place(values, slot, key.into());
    table.insert_unique(hash, slot, |s| slots.hashes[*s as usize]);
    slot
}

/// Puts a value in its slot: one of those there are, or the next.
fn place<T>(values: &mut Vec<T>, slot: u32, value: T) {
    match values.get_mut(slot as usize) {
        Some(place) => *place = value,
        None => values.push(value),
    }
}

fn no_nulls(keys: &[ArrayRef]) -> bool {
    keys.iter().all(|k| k.null_count() == 0)
}

fn null_mask(keys: &[ArrayRef], row: usize) -> u8 {
    keys.iter().enumerate().fold(0, |mask, (i, k)| mask | (u8::from(k.is_null(row)) << i))
}

fn encode(keys: &[ArrayRef], rows: usize) -> Result<Encoded> {
    Ok(match keys {
        [] => Encoded::Empty,
        [a] if fixed_width(a.data_type()) => Encoded::One(encode_fixed(a)?),
        [a, b] if fixed_width(a.data_type()) && fixed_width(b.data_type()) => Encoded::Two(encode_fixed(a)?, encode_fixed(b)?),
        _ => encode_bytes(keys, rows)?,
    })
}

macro_rules! with_fixed {
    ($dt:expr, $call:ident ! ($($arg:tt)*)) => {
        match $dt {
            DataType::Int8 => $call!(Int8Type, $($arg)*),
            DataType::Int16 => $call!(Int16Type, $($arg)*),
            DataType::Int32 => $call!(Int32Type, $($arg)*),
            DataType::Int64 => $call!(Int64Type, $($arg)*),
            DataType::Date32 => $call!(Date32Type, $($arg)*),
            DataType::Time32(TimeUnit::Millisecond) => $call!(Time32MillisecondType, $($arg)*),
            DataType::Timestamp(TimeUnit::Millisecond, _) => $call!(TimestampMillisecondType, $($arg)*),
            DataType::Timestamp(TimeUnit::Microsecond, _) => $call!(TimestampMicrosecondType, $($arg)*),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => $call!(TimestampNanosecondType, $($arg)*),
            other => return Err(Error::internal(format!("{other} is not a fixed-width key"))),
        }
    };
}

/// Values of a fixed-width column as 64 bits; nulls as zero.
pub(crate) fn encode_fixed(array: &ArrayRef) -> Result<Vec<u64>> {
    macro_rules! encode {
        ($t:ty, $a:expr) => {
            null_as_zero($a, $a.as_primitive::<$t>().values().iter().map(|v| *v as i64 as u64).collect())
        };
    }
    Ok(match array.data_type() {
        DataType::Boolean => array.as_boolean().iter().map(|v| u64::from(v.unwrap_or(false))).collect(),
        DataType::Float32 => {
            null_as_zero(array, array.as_primitive::<Float32Type>().values().iter().map(|v| u64::from(v.to_bits())).collect())
        }
        DataType::Float64 => null_as_zero(array, array.as_primitive::<Float64Type>().values().iter().map(|v| v.to_bits()).collect()),
        dt => with_fixed!(dt, encode!(array)),
    })
}

fn null_as_zero(array: &ArrayRef, mut values: Vec<u64>) -> Vec<u64> {
    if array.null_count() > 0 {
        for (row, value) in values.iter_mut().enumerate() {
            if array.is_null(row) {
                *value = 0;
            }
        }
    }
    values
}

/// The inverse of [`encode_fixed`].
pub(crate) fn decode_fixed(dt: &DataType, values: impl Iterator<Item = Option<u64>>) -> Result<ArrayRef> {
    macro_rules! decode {
        ($t:ty, $v:expr) => {
            Arc::new(
                $v.map(|o| o.map(|v| v as <$t as ArrowPrimitiveType>::Native)).collect::<PrimitiveArray<$t>>().with_data_type(dt.clone()),
            )
        };
    }
    Ok(match dt {
        DataType::Boolean => Arc::new(values.map(|o| o.map(|v| v != 0)).collect::<BooleanArray>()),
        DataType::Float32 => Arc::new(values.map(|o| o.map(|v| f32::from_bits(v as u32))).collect::<Float32Array>()),
        DataType::Float64 => Arc::new(values.map(|o| o.map(f64::from_bits)).collect::<Float64Array>()),
        _ => with_fixed!(dt, decode!(values)),
    })
}

/// Per column: a null byte, then 8 bytes for fixed-width values, 16 for decimals, or a length and the bytes.
fn encode_bytes(keys: &[ArrayRef], rows: usize) -> Result<Encoded> {
    let columns = keys.iter().map(KeyColumn::new).collect::<Result<Vec<_>>>()?;
    let mut offsets = Vec::with_capacity(rows + 1);
    let mut bytes = Vec::with_capacity(rows * 24);
    offsets.push(0);
    for row in 0..rows {
        for column in &columns {
            column.push(row, &mut bytes);
        }
        offsets.push(bytes.len() as u32);
    }
    Ok(Encoded::Bytes { offsets, bytes })
}

enum KeyColumn<'a> {
    Fixed(&'a ArrayRef, Vec<u64>),
    Decimal(&'a Decimal128Array),
    Text(&'a StringArray),
    Binary(&'a BinaryArray),
    Rows(arrow::row::Rows),
}

impl<'a> KeyColumn<'a> {
    fn new(array: &'a ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            t if fixed_width(t) => Self::Fixed(array, encode_fixed(array)?),
            DataType::Decimal128(..) => Self::Decimal(array.as_primitive()),
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::Binary => Self::Binary(array.as_binary()),
            other => {
                let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
                Self::Rows(converter.convert_columns(std::slice::from_ref(array))?)
            }
        })
    }

    fn push(&self, row: usize, out: &mut Vec<u8>) {
        let var = |out: &mut Vec<u8>, valid: bool, value: &[u8]| {
            out.push(u8::from(valid));
            if valid {
                out.extend_from_slice(&(value.len() as u32).to_le_bytes());
                out.extend_from_slice(value);
            }
        };
        match self {
            Self::Fixed(array, values) => {
                out.push(u8::from(array.is_valid(row)));
                out.extend_from_slice(&values[row].to_le_bytes());
            }
            Self::Decimal(array) => {
                let valid = array.is_valid(row);
                out.push(u8::from(valid));
                out.extend_from_slice(&(if valid { array.value(row) } else { 0 }).to_le_bytes());
            }
            Self::Text(array) => var(out, array.is_valid(row), array.value(row).as_bytes()),
            Self::Binary(array) => var(out, array.is_valid(row), array.value(row)),
            Self::Rows(rows) => var(out, true, rows.row(row).data()),
        }
    }
}

fn decode_bytes<'a>(types: &[DataType], keys: impl Iterator<Item = &'a [u8]>) -> Result<Vec<ArrayRef>> {
    let mut cursors: Vec<&[u8]> = keys.collect();
    types.iter().map(|t| decode_column(t, &mut cursors)).collect()
}

fn take_bytes<'a>(cursor: &mut &'a [u8], n: usize) -> &'a [u8] {
    let (head, tail) = cursor.split_at(n);
    *cursor = tail;
    head
}

fn take_var<'a>(cursor: &mut &'a [u8]) -> Option<&'a [u8]> {
    if take_bytes(cursor, 1)[0] == 0 {
        return None;
    }
    let mut len = [0; 4];
    len.copy_from_slice(take_bytes(cursor, 4));
    Some(take_bytes(cursor, u32::from_le_bytes(len) as usize))
}

fn decode_column(t: &DataType, cursors: &mut [&[u8]]) -> Result<ArrayRef> {
    match t {
        t if fixed_width(t) => decode_fixed(
            t,
            cursors.iter_mut().map(|c| {
                let valid = take_bytes(c, 1)[0] != 0;
                let mut word = [0; 8];
                word.copy_from_slice(take_bytes(c, 8));
                valid.then(|| u64::from_le_bytes(word))
            }),
        ),
        DataType::Decimal128(..) => {
            let values = cursors.iter_mut().map(|c| {
                let valid = take_bytes(c, 1)[0] != 0;
                let mut word = [0; 16];
                word.copy_from_slice(take_bytes(c, 16));
                valid.then(|| i128::from_le_bytes(word))
            });
            Ok(Arc::new(values.collect::<Decimal128Array>().with_data_type(t.clone())))
        }
        DataType::Utf8 => {
            let mut builder = StringBuilder::new();
            for cursor in cursors {
                match take_var(cursor) {
                    Some(text) => builder.append_value(std::str::from_utf8(text).map_err(|e| Error::internal(e.to_string()))?),
                    None => builder.append_null(),
                }
            }
            Ok(Arc::new(builder.finish()))
        }
        DataType::Binary => Ok(Arc::new(cursors.iter_mut().map(take_var).collect::<BinaryArray>())),
        other => {
            let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
            let parser = converter.parser();
            let rows: Vec<&[u8]> = cursors.iter_mut().map(|c| take_var(c).unwrap_or_default()).collect();
            let columns = converter.convert_rows(rows.iter().map(|r| parser.parse(r)))?;
            columns.into_iter().next().ok_or_else(|| Error::internal("row converter gave no column"))
        }
    }
}

/// A hash of one encoded value, for sets inside accumulators.
#[inline]
pub(crate) fn hash_value(value: u64) -> u64 {
    mix(value, 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    type Key = (Option<i64>, Option<String>, Option<i32>);

    fn arrays(keys: &[Key], columns: &[usize]) -> Vec<ArrayRef> {
        let all: [ArrayRef; 3] = [
            Arc::new(keys.iter().map(|k| k.0).collect::<Int64Array>()),
            Arc::new(keys.iter().map(|k| k.1.clone()).collect::<StringArray>()),
            Arc::new(keys.iter().map(|k| k.2).collect::<Int32Array>()),
        ];
        columns.iter().map(|c| all[*c].clone()).collect()
    }

    proptest! {
        /// Equal keys share a slot, different ones do not, and keys come back as they went in; over removals too.
        #[test]
        fn index_agrees_with_a_hash_map(
            keys in prop::collection::vec((prop::option::of(0..4i64), prop::option::of("[ab]{0,2}"), prop::option::of(0..3i32)), 0..60),
            layout in 0..4usize,
            removed in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        ) {
            let columns: &[usize] = [&[0][..], &[0, 2], &[1], &[0, 1, 2]][layout];
            let input = arrays(&keys, columns);
            let types: Vec<_> = input.iter().map(|a| a.data_type().clone()).collect();
            let mut index = KeyIndex::new(&types);
            let mut slots = vec![];
            index.upsert(&input, keys.len(), &mut slots).unwrap();
            let project = |k: &Key| {
                (columns.contains(&0).then_some(k.0), columns.contains(&1).then(|| k.1.clone()), columns.contains(&2).then_some(k.2))
            };
            let mut oracle = HashMap::new();
            for (key, slot) in keys.iter().zip(&slots) {
                prop_assert_eq!(*oracle.entry(project(key)).or_insert(*slot), *slot);
            }
            prop_assert_eq!(index.len(), oracle.len());
            let back = index.keys(&slots).unwrap();
            prop_assert_eq!(&back, &input);
            for r in removed.iter().filter(|_| !slots.is_empty()) {
                index.remove(slots[r.index(slots.len())]);
            }
            let mut again = vec![];
            index.upsert(&input, keys.len(), &mut again).unwrap();
            prop_assert_eq!(index.len(), oracle.len());
            prop_assert_eq!(&index.keys(&again).unwrap(), &input);
        }
    }
}
