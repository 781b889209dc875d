//! State tables: everything an operator remembers between ticks, owned by the engine.
//!
//! An operator declares its tables in [`crate::operator::Operator::open`] and reaches them by [`TableId`]. Saving, restoring,
//! dealing keys out to another number of workers and measuring memory are done here, once, for all operators.

pub mod aggregates;
pub mod changes;
pub mod column;
pub(crate) mod encoding;
pub(crate) mod expiry;
pub mod frames;
pub mod key;
pub mod keyed;
pub mod latest;
pub mod matches;
mod numbers;
pub(crate) mod pages;
pub mod pile;
pub mod ranked;
mod ranking;
pub(crate) mod row_store;
pub mod rows;
pub(crate) mod run_queue;
pub mod sessions;
pub mod sets;
pub mod slices;
pub mod timed;
pub(crate) mod value;
pub mod versions;
pub mod waiting;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::UInt8Type;
use std::any::Any;
use std::marker::PhantomData;

use changes::Changes;

use crate::hash::worker_of;
use crate::{Error, Result};

/// Name of the first column of every saved table: the key group of the row.
pub const KEY_GROUP_COLUMN: &str = "key_group";

/// A kind of table.
pub trait StateTable: Any + Send {
    /// From now on changes are noted. Called while the table is empty.
    fn track(&mut self);

    /// About how many entries changed since [`StateTable::changes`] gave them.
    fn changed(&self) -> usize;

    /// What changed of about `most` entries, of those first that waited longest. The first column of rows is
    /// [`KEY_GROUP_COLUMN`] (UInt8).
    fn changes(&mut self, most: usize) -> Result<Changes>;

    /// Adds saved rows. Called before the first step, perhaps several times; the rows of an entry come together, and the table gives it
    /// a new number.
    fn restore(&mut self, rows: &RecordBatch) -> Result<()>;

    /// Rows held.
    fn len(&self) -> usize;

    /// `true` without rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rough memory use in bytes.
    fn memory_bytes(&self) -> usize;

    /// From now on entries go when nothing was written to them for so long; milliseconds. Tables of windows take no notice: their
    /// entries go with event time.
    fn live_for(&mut self, ttl_ms: i64) {
        let _ = ttl_ms;
    }

    /// Drops entries that are over at a processing time. Called before each step if the table has a time to live.
    fn expire(&mut self, now_ms: i64) {
        let _ = now_ms;
    }
}

/// The sum of the sizes of `count` things, each of which `size` tells; of many only some are asked.
pub(crate) fn roughly(count: usize, size: impl Fn(usize) -> usize) -> usize {
    const ASKED_MAX: usize = 128;
    let step = count.div_ceil(ASKED_MAX).max(1);
    let (sum, asked) = (0..count).step_by(step).fold((0, 0), |(sum, asked), i| (sum + size(i), asked + 1));
    if asked == 0 { 0 } else { (sum as u128 * count as u128 / asked as u128) as usize }
}

/// Names a table of a [`State`].
#[derive(Debug)]
pub struct TableId<T>(usize, PhantomData<fn() -> T>);

impl<T> Clone for TableId<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for TableId<T> {}

/// The tables of one operator on one worker.
#[derive(Default)]
pub struct State {
    /// How long entries live, by table in order of declaration; milliseconds.
    ttls_ms: Vec<Option<i64>>,
    tables: Vec<(&'static str, Box<dyn StateTable>)>,
}

impl State {
    /// No tables yet; the entries of those that will be declared live so long, each in milliseconds.
    pub fn with_ttls(ttls_ms: &[Option<i64>]) -> Self {
        Self { ttls_ms: ttls_ms.to_vec(), tables: vec![] }
    }

    /// Drops what is over at a processing time.
    #[inline]
    pub fn expire(&mut self, now_ms: i64) {
        for ((_, table), ttl) in self.tables.iter_mut().zip(&self.ttls_ms) {
            if ttl.is_some() {
                table.expire(now_ms);
            }
        }
    }

    /// Declares a table. Name and order are part of the checkpoint format.
    pub fn declare<T: StateTable>(&mut self, name: &'static str, mut table: T) -> TableId<T> {
        if let Some(Some(ttl_ms)) = self.ttls_ms.get(self.tables.len()) {
            table.live_for(*ttl_ms);
        }
        self.tables.push((name, Box::new(table)));
        TableId(self.tables.len() - 1, PhantomData)
    }

    /// A table that this operator declared.
    pub fn get<T: StateTable>(&mut self, id: TableId<T>) -> &mut T {
        let table: &mut dyn Any = &mut *self.tables[id.0].1;
        match table.downcast_mut() {
            Some(table) => table,
            None => unreachable!("a table id comes from the declaration of that table"),
        }
    }

    /// Two tables that this operator declared.
    pub fn pair<A: StateTable, B: StateTable>(&mut self, a: TableId<A>, b: TableId<B>) -> (&mut A, &mut B) {
        let Ok([(_, a), (_, b)]) = self.tables.get_disjoint_mut([a.0, b.0]) else { unreachable!("two declarations, two tables") };
        let (a, b): (&mut dyn Any, &mut dyn Any) = (&mut **a, &mut **b);
        match (a.downcast_mut(), b.downcast_mut()) {
            (Some(a), Some(b)) => (a, b),
            _ => unreachable!("a table id comes from the declaration of that table"),
        }
    }

    /// From now on changes are noted, for [`State::changes`]. Called before anything is restored.
    pub fn track(&mut self) {
        self.tables.iter_mut().for_each(|(_, table)| table.track());
    }

    /// About how many entries of all tables changed since [`State::changes`] gave them.
    pub fn changed(&self) -> usize {
        self.tables.iter().map(|(_, table)| table.changed()).sum()
    }

    /// What changed of about `most` entries of each table, by its name; nothing of tables without changes.
    pub fn changes(&mut self, most: usize) -> Result<Vec<(&'static str, Changes)>> {
        let changed = self.tables.iter_mut().filter(|(_, table)| table.changed() > 0);
        changed.map(|(name, table)| Ok((*name, table.changes(most)?))).collect()
    }

    /// Gives saved rows to the table of that name, of which it takes those that belong to `worker`.
    pub fn restore(&mut self, name: &str, rows: &RecordBatch, worker: usize, workers: usize) -> Result<()> {
        let (_, table) = self
            .tables
            .iter_mut()
            .find(|(n, _)| *n == name)
            .ok_or_else(|| Error::state(format!("the checkpoint has a state table '{name}' that this query does not use")))?;
        let groups = rows.column(0).as_primitive_opt::<UInt8Type>().ok_or_else(|| Error::state("a saved table has no key groups"))?;
        if groups.null_count() > 0 {
            return Err(Error::state("a saved table has rows without a key group"));
        }
        let mine: BooleanArray = groups.values().iter().map(|g| Some(worker_of(*g, workers) == worker)).collect();
        match mine.true_count() {
            0 => Ok(()),
            all if all == rows.num_rows() => table.restore(rows),
            _ => table.restore(&arrow::compute::filter_record_batch(rows, &mine)?),
        }
    }

    /// `true` without tables: nothing of the operator is in a checkpoint.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Rows over all tables.
    pub fn rows(&self) -> usize {
        self.tables.iter().map(|(_, t)| t.len()).sum()
    }

    /// Rough memory use of all tables in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.tables.iter().map(|(_, t)| t.memory_bytes()).sum()
    }
}
