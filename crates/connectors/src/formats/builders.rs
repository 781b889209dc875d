//! The builders that [`Column`] is made of, one for each way in which Arrow lays values out.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanBufferBuilder, PrimitiveArray, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, DataType, FieldRef, Fields};
use flott_engine::{Error, Result};

use super::columns::Column;
use super::nulls::Nulls;

/// Fixed-width values; a NULL keeps a zero.
pub struct Values<T> {
    pub(super) values: Vec<T>,
    pub(super) nulls: Nulls,
}

/// Truth values.
pub struct Booleans {
    pub(super) values: BooleanBufferBuilder,
    pub(super) nulls: Nulls,
}

/// Byte strings, one after the other.
pub struct Bytes {
    /// All values without gaps. Whoever writes here ends the value with [`Bytes::end`].
    pub data: Vec<u8>,
    pub(super) offsets: Vec<i32>,
    pub(super) nulls: Nulls,
}

/// Strings, one after the other: byte strings into which only whole pieces of UTF-8 come.
pub struct Strings(Bytes);

/// Lists of one element type.
pub struct List {
    pub element: Column,
    pub field: FieldRef,
    pub(super) offsets: Vec<i32>,
    pub(super) nulls: Nulls,
}

/// Maps; keys are strings in all formats.
pub struct Map {
    pub keys: Column,
    pub values: Column,
    pub entries: FieldRef,
    pub(super) offsets: Vec<i32>,
    pub(super) nulls: Nulls,
}

/// Nested rows. NULL rows reach the children only when the next row with a value comes, all at once, so that a column that is
/// mostly NULL costs next to nothing.
pub struct Row {
    pub fields: Fields,
    pub columns: Vec<Column>,
    pub(super) rows: usize,
    /// Rows that the children have.
    pub(super) filled: usize,
    pub(super) nulls: Nulls,
}

impl<T: Copy + Default> Values<T> {
    pub(super) fn new(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), nulls: Nulls::default() }
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: T) {
        self.values.push(value);
    }

    pub(super) fn push_nulls(&mut self, count: usize) {
        let rows = self.values.len();
        self.values.resize(rows + count, T::default());
        self.nulls.set_range(rows, count);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.nulls.truncate(rows);
    }

    pub(super) fn finish<P: ArrowPrimitiveType<Native = T>>(self, data_type: &DataType) -> ArrayRef
    where
        T: ArrowNativeType,
    {
        let nulls = self.nulls.finish(self.values.len());
        let array = PrimitiveArray::<P>::new(ScalarBuffer::from(self.values), nulls);
        Arc::new(if array.data_type() == data_type { array } else { array.with_data_type(data_type.clone()) })
    }
}

/// The offsets of no value, with room for those of `rows`.
pub(super) fn offsets(rows: usize) -> Vec<i32> {
    let mut offsets = Vec::with_capacity(rows + 1);
    offsets.push(0);
    offsets
}

impl Bytes {
    pub(super) fn new(rows: usize, bytes: usize) -> Self {
        Self { data: Vec::with_capacity(bytes), offsets: offsets(rows), nulls: Nulls::default() }
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: &[u8]) {
        self.data.extend_from_slice(value);
        self.end();
    }

    /// Ends the value that was written to `data`.
    #[inline]
    pub fn end(&mut self) {
        // An overflow is found when the column is finished, since the lengths then do not add up.
        self.offsets.push(self.data.len() as i32);
    }

    /// Drops what was written to `data` since the last value ended.
    pub fn abandon(&mut self) {
        let end = self.offsets.last().copied().unwrap_or(0) as usize;
        self.data.truncate(end);
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(super) fn push_nulls(&mut self, count: usize) {
        let rows = self.len();
        self.offsets.resize(rows + 1 + count, self.data.len() as i32);
        self.nulls.set_range(rows, count);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.abandon();
        self.nulls.truncate(rows);
    }

    pub(super) fn finish(mut self) -> Result<ArrayRef> {
        checked_length(self.data.len())?;
        self.abandon();
        let nulls = self.nulls.finish(self.offsets.len() - 1);
        // Offsets only grow, and the length check above rules out an overflow on the way.
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        Ok(Arc::new(BinaryArray::try_new(offsets, Buffer::from_vec(self.data), nulls)?))
    }
}

impl Strings {
    pub(super) fn new(rows: usize, bytes: usize) -> Self {
        Self(Bytes::new(rows, bytes))
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: &str) {
        self.0.push(value.as_bytes());
    }

    /// Appends a part of a larger text; faster than [`Strings::push`] for short parts.
    #[inline]
    pub fn push_part(&mut self, whole: &str, start: usize, end: usize) {
        const BLOCK: usize = 64;
        let part = &whole[start..end];
        let data = &mut self.0.data;
        let length = data.len();
        let blocks = part.len().div_ceil(BLOCK);
        if start + blocks * BLOCK <= whole.len() && blocks * BLOCK <= data.capacity() - length {
            // SAFETY: from the start of the part on, `whole` has so many blocks, and there is room for them; they are different
            // allocations, since one is borrowed mutably. Only the part itself is appended.
            unsafe {
                let (from, to) = (whole.as_ptr().add(start), data.as_mut_ptr().add(length));
                for i in 0..blocks {
                    std::ptr::copy_nonoverlapping(from.add(i * BLOCK), to.add(i * BLOCK), BLOCK);
                }
                data.set_len(length + part.len());
            }
        } else {
            data.extend_from_slice(part.as_bytes());
        }
        self.0.end();
    }

    /// A value by position.
    pub fn get(&self, row: usize) -> &[u8] {
        &self.0.data[self.0.offsets[row] as usize..self.0.offsets[row + 1] as usize]
    }

    /// The same values as bytes.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.0
    }

    pub(super) fn push_nulls(&mut self, count: usize) {
        self.0.push_nulls(count);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.0.truncate(rows);
    }

    pub(super) fn finish(self) -> Result<ArrayRef> {
        let Bytes { data, offsets, nulls } = self.0;
        checked_length(data.len())?;
        let nulls = nulls.finish(offsets.len() - 1);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        // SAFETY: the data is strings one after the other, every offset is a length that it had between two of them, offsets only
        // grow, and there are as many of them as there are validity bits, plus one.
        Ok(Arc::new(unsafe { StringArray::new_unchecked(offsets, Buffer::from_vec(data), nulls) }))
    }
}

/// Fails if offsets of 32 bits cannot reach so far.
pub(super) fn checked_length(length: usize) -> Result<()> {
    if i32::try_from(length).is_err() {
        return Err(Error::data("One piece of input holds more than 2 GiB of text in a column").help("Cut the records smaller"));
    }
    Ok(())
}

impl List {
    /// Ends a list whose elements were appended to `element`.
    #[inline]
    pub fn end(&mut self) {
        self.offsets.push(self.element.len() as i32);
    }

    /// Number of elements of the lists that have ended.
    pub fn ended(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0) as usize
    }

    pub(super) fn push_nulls(&mut self, count: usize) {
        let (rows, end) = (self.offsets.len() - 1, self.ended() as i32);
        self.offsets.resize(rows + 1 + count, end);
        self.nulls.set_range(rows, count);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.element.truncate(self.ended());
        self.nulls.truncate(rows);
    }
}

impl Map {
    /// Ends a map whose entries were appended to `keys` and `values`.
    #[inline]
    pub fn end(&mut self) {
        self.offsets.push(self.keys.len() as i32);
    }

    /// Number of entries of the maps that have ended.
    pub fn ended(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0) as usize
    }

    pub(super) fn push_nulls(&mut self, count: usize) {
        let (rows, end) = (self.offsets.len() - 1, self.ended() as i32);
        self.offsets.resize(rows + 1 + count, end);
        self.nulls.set_range(rows, count);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.keys.truncate(self.ended());
        self.values.truncate(self.ended());
        self.nulls.truncate(rows);
    }
}

impl Row {
    /// Prepares the children for a row with a value; returns how many rows they then have.
    #[inline]
    pub fn begin(&mut self) -> usize {
        if self.filled < self.rows {
            for column in &mut self.columns {
                column.push_nulls(self.rows - self.filled);
            }
            self.filled = self.rows;
        }
        self.filled
    }

    /// Ends a row: every child has exactly one value more.
    #[inline]
    pub fn end(&mut self) {
        self.rows += 1;
        self.filled += 1;
    }

    #[inline]
    pub(super) fn push_null(&mut self) {
        self.nulls.set(self.rows);
        self.rows += 1;
    }

    pub(super) fn push_nulls(&mut self, count: usize) {
        self.nulls.set_range(self.rows, count);
        self.rows += count;
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.nulls.truncate(rows);
        self.rows = self.rows.min(rows);
        self.filled = self.filled.min(rows);
        for column in &mut self.columns {
            column.truncate(self.filled);
        }
    }
}
