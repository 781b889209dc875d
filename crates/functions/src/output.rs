//! Results being built row by row: NULLs, texts, bytes.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, NullBufferBuilder, StringArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion_common::{Result, exec_err};

/// Which rows are NULL, told row by row. Rows that are not cost no more than a count.
pub(crate) struct Nulls {
    /// Values since the last NULL.
    pending: usize,
    builder: NullBufferBuilder,
}

impl Nulls {
    pub fn new(rows: usize) -> Self {
        Self { pending: 0, builder: NullBufferBuilder::new(rows) }
    }

    #[inline]
    pub fn append(&mut self, valid: bool) {
        if valid {
            self.pending += 1;
        } else {
            self.append_null();
        }
    }

    #[cold]
    fn append_null(&mut self) {
        self.builder.append_n_non_nulls(std::mem::take(&mut self.pending));
        self.builder.append_null();
    }

    pub fn finish(mut self) -> Option<NullBuffer> {
        self.builder.append_n_non_nulls(self.pending);
        self.builder.finish()
    }
}

/// Builds a text or bytes array row by row in one buffer.
pub(crate) struct TextOut {
    bytes: Vec<u8>,
    offsets: Vec<i32>,
    nulls: Nulls,
}

impl TextOut {
    pub fn new(rows: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { bytes: Vec::with_capacity(bytes), offsets, nulls: Nulls::new(rows) }
    }

    /// Where the row's bytes are appended.
    #[inline]
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Ends the row. What was appended for a NULL is dropped.
    #[inline]
    pub fn end_row(&mut self, valid: bool) {
        if !valid {
            self.bytes.truncate(self.offsets.last().map_or(0, |end| *end as usize));
        }
        self.nulls.append(valid);
        // An array beyond 2 GiB shows as a falling offset and is refused at the end.
        self.offsets.push(self.bytes.len() as i32);
    }

    /// Refuses more text than an array can hold.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.bytes.len() > i32::MAX as usize {
            return exec_err!("The texts of one batch exceed 2 GiB; make the batch or the texts smaller");
        }
        Ok(())
    }

    fn parts(self) -> Result<(OffsetBuffer<i32>, Vec<u8>, Option<NullBuffer>)> {
        self.check()?;
        Ok((OffsetBuffer::new(self.offsets.into()), self.bytes, self.nulls.finish()))
    }

    pub fn finish(self) -> Result<ArrayRef> {
        let (offsets, bytes, nulls) = self.parts()?;
        Ok(Arc::new(StringArray::try_new(offsets, bytes.into(), nulls)?))
    }

    pub fn finish_binary(self) -> Result<ArrayRef> {
        let (offsets, bytes, nulls) = self.parts()?;
        Ok(Arc::new(BinaryArray::try_new(offsets, bytes.into(), nulls)?))
    }
}
