//! The builders that [`Column`] is made of, one for each way in which Arrow lays values out.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanBufferBuilder, NullBufferBuilder, PrimitiveArray, StringArray,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, DataType, FieldRef, Fields};
use flott_engine::{Error, Result};

use super::columns::Column;

/// Fixed-width values; a NULL keeps a zero.
pub struct Values<T> {
    pub(super) values: Vec<T>,
    pub(super) nulls: NullBufferBuilder,
}

/// Truth values.
pub struct Booleans {
    pub(super) values: BooleanBufferBuilder,
    pub(super) nulls: NullBufferBuilder,
}

/// Byte strings, one after the other.
pub struct Bytes {
    /// All values without gaps. Whoever writes here ends the value with [`Bytes::end`].
    pub data: Vec<u8>,
    pub(super) offsets: Vec<i32>,
    pub(super) nulls: NullBufferBuilder,
}

/// Strings, one after the other.
pub struct Strings {
    /// All values without gaps. Whoever appends here ends the value with [`Strings::end`]; nothing else may be done to it.
    pub text: String,
    pub(super) offsets: Vec<i32>,
    pub(super) nulls: NullBufferBuilder,
}

/// Lists of one element type.
pub struct List {
    pub element: Column,
    pub field: FieldRef,
    pub(super) offsets: Vec<i32>,
    pub(super) nulls: NullBufferBuilder,
}

/// Maps; keys are strings in all formats.
pub struct Map {
    pub keys: Column,
    pub values: Column,
    pub entries: FieldRef,
    pub(super) offsets: Vec<i32>,
    pub(super) nulls: NullBufferBuilder,
}

/// Nested rows. NULL rows reach the children only when the next row with a value comes, all at once, so that a column that is
/// mostly NULL costs next to nothing.
pub struct Row {
    pub fields: Fields,
    pub columns: Vec<Column>,
    /// Rows that the children have.
    pub(super) filled: usize,
    pub(super) nulls: NullBufferBuilder,
}

impl<T: Copy + Default> Values<T> {
    pub(super) fn new(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), nulls: NullBufferBuilder::new(rows) }
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: T) {
        self.values.push(value);
        self.nulls.append_non_null();
    }

    pub(super) fn push_nulls(&mut self, count: usize) {
        self.values.resize(self.values.len() + count, T::default());
        self.nulls.append_n_nulls(count);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.nulls.truncate(rows);
    }

    pub(super) fn finish<P: ArrowPrimitiveType<Native = T>>(mut self, data_type: &DataType) -> ArrayRef
    where
        T: ArrowNativeType,
    {
        let array = PrimitiveArray::<P>::new(ScalarBuffer::from(self.values), self.nulls.finish());
        Arc::new(if array.data_type() == data_type { array } else { array.with_data_type(data_type.clone()) })
    }
}

impl Bytes {
    pub(super) fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { data: Vec::new(), offsets, nulls: NullBufferBuilder::new(rows) }
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
        self.nulls.append_non_null();
    }

    /// Drops what was written to `data` since the last value ended.
    pub fn abandon(&mut self) {
        let end = self.offsets.last().copied().unwrap_or(0) as usize;
        self.data.truncate(end);
    }

    pub(super) fn push_nulls(&mut self, count: usize) {
        let end = self.data.len() as i32;
        self.offsets.resize(self.offsets.len() + count, end);
        self.nulls.append_n_nulls(count);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.abandon();
        self.nulls.truncate(rows);
    }

    pub(super) fn finish(mut self) -> Result<ArrayRef> {
        checked_length(self.data.len())?;
        self.abandon();
        // Offsets only grow, and the length check above rules out an overflow on the way.
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        Ok(Arc::new(BinaryArray::try_new(offsets, Buffer::from_vec(self.data), self.nulls.finish())?))
    }
}

impl Strings {
    pub(super) fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { text: String::new(), offsets, nulls: NullBufferBuilder::new(rows) }
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: &str) {
        self.text.push_str(value);
        self.end();
    }

    /// Appends a part of a larger text; faster than [`Strings::push`] for short parts.
    #[inline]
    pub fn push_part(&mut self, whole: &str, start: usize, end: usize) {
        const BLOCK: usize = 64;
        let part = &whole[start..end];
        let length = self.text.len();
        if part.len() <= BLOCK && start + BLOCK <= whole.len() && self.text.capacity() - length >= BLOCK {
            // SAFETY: the part begins `BLOCK` or more bytes before the end of `whole`, and the string has room for so many; they
            // are different allocations, since one is borrowed mutably. Only the part itself becomes the string's, and it is UTF-8.
            unsafe {
                let text = self.text.as_mut_vec();
                std::ptr::copy_nonoverlapping(whole.as_ptr().add(start), text.as_mut_ptr().add(length), BLOCK);
                text.set_len(length + part.len());
            }
        } else {
            self.text.push_str(part);
        }
        self.end();
    }

    /// Ends the value that was written to `text`.
    #[inline]
    pub fn end(&mut self) {
        // An overflow is found when the column is finished, since the lengths then do not add up.
        self.offsets.push(self.text.len() as i32);
        self.nulls.append_non_null();
    }

    /// Drops what was written to `text` since the last value ended.
    pub fn abandon(&mut self) {
        let end = self.offsets.last().copied().unwrap_or(0) as usize;
        self.text.truncate(end);
    }

    /// A value by position.
    pub fn get(&self, row: usize) -> &str {
        &self.text[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    pub(super) fn push_nulls(&mut self, count: usize) {
        let end = self.text.len() as i32;
        self.offsets.resize(self.offsets.len() + count, end);
        self.nulls.append_n_nulls(count);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.abandon();
        self.nulls.truncate(rows);
    }

    pub(super) fn finish(mut self) -> Result<ArrayRef> {
        checked_length(self.text.len())?;
        self.abandon();
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let data = Buffer::from_vec(self.text.into_bytes());
        // SAFETY: the buffer was a `String`, every offset is a length that it had after whole strings were appended, offsets only
        // grow, and there are as many of them as there are validity bits, plus one.
        Ok(Arc::new(unsafe { StringArray::new_unchecked(offsets, data, self.nulls.finish()) }))
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
        self.nulls.append_non_null();
    }

    /// Number of elements of the lists that have ended.
    pub fn ended(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0) as usize
    }

    pub(super) fn push_nulls(&mut self, count: usize) {
        let end = self.ended() as i32;
        self.offsets.resize(self.offsets.len() + count, end);
        self.nulls.append_n_nulls(count);
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
        self.nulls.append_non_null();
    }

    /// Number of entries of the maps that have ended.
    pub fn ended(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0) as usize
    }

    pub(super) fn push_nulls(&mut self, count: usize) {
        let end = self.ended() as i32;
        self.offsets.resize(self.offsets.len() + count, end);
        self.nulls.append_n_nulls(count);
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
        let behind = self.nulls.len() - self.filled;
        if behind > 0 {
            for column in &mut self.columns {
                column.push_nulls(behind);
            }
            self.filled += behind;
        }
        self.filled
    }

    /// Ends a row: every child has exactly one value more.
    #[inline]
    pub fn end(&mut self) {
        self.filled += 1;
        self.nulls.append_non_null();
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.nulls.truncate(rows);
        self.filled = self.filled.min(rows);
        for column in &mut self.columns {
            column.truncate(self.filled);
        }
    }
}
