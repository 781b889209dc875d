//! What decoders of all formats share: the columns of a batch in the making, its bad records, and how much room the next batch will
//! need.

use std::sync::{Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use flott_engine::Result;

use super::columns::{Column, Room, finish_batch};
use super::{BadRecord, MAX_SAMPLES, Rows, Stop};

/// Rows to make room for before anything is known.
const FIRST_ROWS: usize = 64;

/// How much the columns of the last batch held, and how much input that was.
#[derive(Default)]
pub struct LastBatch(Mutex<Option<(Vec<Room>, usize)>>);

impl LastBatch {
    fn room_for(&self, bytes: usize) -> Option<Vec<Room>> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (rooms, fed) = last.as_ref()?;
        Some(rooms.iter().map(|room| room.scaled(bytes as f64 / *fed as f64)).collect())
    }

    fn remember(&self, columns: &mut [Column], fed: usize) {
        let rooms = columns.iter_mut().map(Column::room).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((rooms, fed));
    }
}

/// A batch in the making.
pub struct BatchBuilder<'a> {
    schema: &'a SchemaRef,
    last: &'a LastBatch,
    /// All with so many rows, and those of an unfinished record.
    pub columns: Vec<Column>,
    pub rows: usize,
    /// Bytes fed in former pieces.
    pub fed: usize,
    /// Bad records are counted, not refused.
    skip_bad: bool,
    bad_rows: u64,
    bad: Vec<BadRecord>,
    /// Where the record of each row starts in the piece, for who asks for it.
    pub starts: Option<Vec<usize>>,
}

impl<'a> BatchBuilder<'a> {
    /// A batch from about `bytes` of input.
    pub fn new(schema: &'a SchemaRef, last: &'a LastBatch, skip_bad: bool, bytes: usize) -> Result<Self> {
        let rooms = last.room_for(bytes).unwrap_or_else(|| vec![Room::rows(FIRST_ROWS); schema.fields().len()]);
        let columns = schema.fields().iter().zip(&rooms).map(|(field, room)| Column::new(field, room)).collect::<Result<_>>()?;
        Ok(Self { schema, last, columns, rows: 0, fed: 0, skip_bad, bad_rows: 0, bad: vec![], starts: None })
    }

    /// Notes that a row is whole, whose record starts at `start` of the piece.
    #[inline]
    pub fn end_row(&mut self, start: usize) {
        self.rows += 1;
        if let Some(starts) = &mut self.starts {
            starts.push(start);
        }
    }

    /// Takes back what a record left that turned out bad.
    pub fn take_back(&mut self) {
        for column in &mut self.columns {
            column.truncate(self.rows);
        }
    }

    /// Takes a bad record back and counts it, or stops.
    #[cold]
    pub fn refuse(&mut self, bad: BadRecord) -> Result<(), Stop> {
        self.take_back();
        if !self.skip_bad {
            return Err(Stop::Record(bad));
        }
        self.count_bad(bad);
        Ok(())
    }

    /// Counts a bad record that was left out or taken in part.
    pub fn count_bad(&mut self, bad: BadRecord) {
        self.bad_rows += 1;
        if self.bad.len() < MAX_SAMPLES {
            self.bad.push(bad);
        }
    }

    /// The batch.
    pub fn finish(mut self) -> Result<Rows> {
        if self.rows > 0 && self.fed > 0 {
            self.last.remember(&mut self.columns, self.fed);
        }
        Ok(Rows { batch: finish_batch(self.schema, self.columns, self.rows)?, kinds: None, bad_rows: self.bad_rows, bad: self.bad })
    }
}
