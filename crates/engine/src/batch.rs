//! A batch of changes: an Arrow record batch and, where it is not all inserts, the kind of each row.

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute;
use std::sync::Arc;

use crate::Result;

/// What a row says about the table it belongs to (Flink's `RowKind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RowKind {
    /// `+I`: a new row.
    Insert = 0,
    /// `-U`: takes back the old value of a row that changes.
    UpdateBefore = 1,
    /// `+U`: the new value of a row that changed.
    UpdateAfter = 2,
    /// `-D`: takes a row back.
    Delete = 3,
}

impl RowKind {
    /// `true` for `+I` and `+U`.
    #[inline]
    pub fn adds(self) -> bool {
        matches!(self, RowKind::Insert | RowKind::UpdateAfter)
    }
    /// The two characters Flink prints.
    pub fn symbol(self) -> &'static str {
        match self {
            RowKind::Insert => "+I",
            RowKind::UpdateBefore => "-U",
            RowKind::UpdateAfter => "+U",
            RowKind::Delete => "-D",
        }
    }
}

/// A record batch and its row kinds. `kinds: None` means that every row is `+I`, which is the fast path.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The columns.
    pub rows: RecordBatch,
    /// The kind of each row, as many as there are rows; `None`: all `+I`.
    pub kinds: Option<Arc<[RowKind]>>,
}

impl Batch {
    /// A batch of `+I` rows.
    pub fn inserts(rows: RecordBatch) -> Self {
        Self { rows, kinds: None }
    }

    /// A batch with a kind per row; a batch of `+I` alone loses its kinds.
    pub fn changes(rows: RecordBatch, kinds: Vec<RowKind>) -> Self {
        debug_assert_eq!(rows.num_rows(), kinds.len());
        let all_inserts = kinds.iter().all(|k| *k == RowKind::Insert);
        Self { rows, kinds: (!all_inserts).then(|| kinds.into()) }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// `true` without rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kind of a row.
    #[inline]
    pub fn kind(&self, row: usize) -> RowKind {
        self.kinds.as_ref().map_or(RowKind::Insert, |k| k[row])
    }

    /// A column by position.
    pub fn column(&self, i: usize) -> &ArrayRef {
        self.rows.column(i)
    }

    /// The same kinds over other columns of equal length.
    pub fn with_rows(&self, rows: RecordBatch) -> Self {
        debug_assert_eq!(rows.num_rows(), self.len());
        Self { rows, kinds: self.kinds.clone() }
    }

    /// `length` rows from `offset`, without copying columns.
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        Self { rows: self.rows.slice(offset, length), kinds: self.kinds.as_ref().map(|k| k[offset..offset + length].into()) }
    }

    /// The rows where `keep` is true.
    pub fn filter(&self, keep: &BooleanArray) -> Result<Self> {
        let rows = compute::filter_record_batch(&self.rows, keep)?;
        let kinds = self
            .kinds
            .as_ref()
            .map(|kinds| kinds.iter().enumerate().filter(|(i, _)| keep.is_valid(*i) && keep.value(*i)).map(|(_, k)| *k).collect());
        Ok(Self { rows, kinds })
    }

    /// The rows at `indices`, in that order.
    pub fn take(&self, indices: &UInt32Array) -> Result<Self> {
        let rows = compute::take_record_batch(&self.rows, indices)?;
        let kinds = self.kinds.as_ref().map(|kinds| indices.values().iter().map(|i| kinds[*i as usize]).collect());
        Ok(Self { rows, kinds })
    }

    /// Bytes held by the columns; shared buffers count each time.
    pub fn memory_bytes(&self) -> usize {
        self.rows.get_array_memory_size() + self.kinds.as_ref().map_or(0, |k| k.len())
    }
}
