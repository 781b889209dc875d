//! OVER once all rows are there: each row comes out with what a call gives over a part of its key's rows, in their order.

pub mod frame;

use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{interleave_record_batch, take};
use arrow::datatypes::SchemaRef;
use std::ops::Range;
use std::sync::Arc;

use crate::aggregate::scan::{Scan, Step};
use crate::aggregate::{AggSpec, Aggregate, bind};
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::column::Column;
use crate::state::pile::PileTable;
use crate::state::ranked::{SortColumn, order_bytes};
use crate::state::{State, StateTable, TableId};
use crate::{Batch, Error, Result};
use frame::{Bound, Edges};

/// Whole keys are taken together until they have so many rows.
const CHUNK_ROWS: usize = 64 << 10;
/// Rows of a batch that is emitted.
const BATCH_ROWS: usize = 8 << 10;

/// One call.
#[derive(Debug, Clone)]
pub enum WholeCall {
    /// An aggregate over a frame.
    Aggregate {
        /// The function; it takes rows back where frames begin later from row to row.
        spec: AggSpec,
        /// Columns of its arguments.
        args: Vec<usize>,
        /// Where frames begin.
        start: Bound,
        /// Where they end.
        end: Bound,
    },
    /// ROW_NUMBER.
    RowNumber,
    /// RANK.
    Rank,
    /// DENSE_RANK.
    DenseRank,
    /// PERCENT_RANK.
    PercentRank,
    /// CUME_DIST.
    CumeDist,
    /// NTILE with so many tiles, at least 1.
    Ntile(i64),
    /// LAG or LEAD.
    Shift {
        /// Column of the value.
        value: usize,
        /// Of the row so many behind; negative: before.
        by: i64,
        /// Column of what stands for a row that is not there.
        default: Option<usize>,
    },
}

/// What to compute.
#[derive(Clone)]
pub struct WholeOver {
    /// Schema of the input.
    pub input: SchemaRef,
    /// Columns of the key; none: all rows are one sequence.
    pub partition: Vec<usize>,
    /// The order of the rows of a key; none: as they came, all being equal.
    pub order: Vec<SortColumn>,
    /// The calls.
    pub calls: Vec<WholeCall>,
    /// The columns of the input, then a result per call.
    pub schema: SchemaRef,
    /// Set by `open`.
    pub table: Option<TableId<PileTable>>,
}

/// Rows of some keys, those of a key together and in their order.
struct Chunk {
    rows: RecordBatch,
    /// The rows of each key.
    keys: Vec<Range<usize>>,
    /// Of each row, those that are equal to it in the order.
    peers: Vec<Range<usize>>,
}

impl Chunk {
    /// A value for each row out of its place in the key, the key's rows and its peers.
    fn map<'a, T>(&'a self, value: impl Fn(usize, &Range<usize>, &Range<usize>) -> T + 'a) -> impl Iterator<Item = T> + 'a {
        let value = std::rc::Rc::new(value);
        self.keys.iter().flat_map(move |key| {
            let value = value.clone();
            key.clone().map(move |row| value(row, key, &self.peers[row]))
        })
    }
}

impl WholeOver {
    /// All rows, key by key, in chunks.
    fn finish(&self, batches: &[RecordBatch], out: &mut Output) -> Result<()> {
        let by_key: Vec<SortColumn> =
            self.partition.iter().map(|column| SortColumn { column: *column, descending: false, nulls_first: true }).collect();
        let bytes = |order: &[SortColumn]| match order {
            [] => Ok(None),
            order => batches.iter().map(|batch| order_bytes(order, batch.columns())).collect::<Result<Vec<_>>>().map(Some),
        };
        let (keys, orders) = (bytes(&by_key)?, bytes(&self.order)?);
        let rows = batches.iter().enumerate();
        let mut rows: Vec<(usize, usize)> = rows.flat_map(|(i, batch)| (0..batch.num_rows()).map(move |row| (i, row))).collect();
        let compare = |bytes: &Option<Vec<arrow::row::Rows>>, a: (usize, usize), b: (usize, usize)| match bytes {
            Some(bytes) => bytes[a.0].row(a.1).cmp(&bytes[b.0].row(b.1)),
            None => std::cmp::Ordering::Equal,
        };
        // Places break ties: the order of arrival stays.
        rows.sort_unstable_by(|a, b| compare(&keys, *a, *b).then_with(|| compare(&orders, *a, *b)).then(a.cmp(b)));
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        let same_key = |a: &(usize, usize), b: &(usize, usize)| compare(&keys, *a, *b).is_eq();
        let (mut first, mut found) = (0, vec![]);
        let mut lengths = rows.chunk_by(same_key).map(<[_]>::len).peekable();
        while let Some(length) = lengths.next() {
            let begin = found.last().map_or(0, |key: &Range<usize>| key.end);
            found.push(begin..begin + length);
            if begin + length < CHUNK_ROWS && lengths.peek().is_some() {
                continue;
            }
            let mine = &rows[first..first + begin + length];
            first += mine.len();
            let keys = std::mem::take(&mut found);
            let peers = keys.iter().flat_map(|key| {
                let equal = mine[key.clone()].chunk_by(|a, b| compare(&orders, *a, *b).is_eq());
                let ends = equal.scan(key.start, |end, peers| {
                    *end += peers.len();
                    Some(*end - peers.len()..*end)
                });
                ends.flat_map(|peers| std::iter::repeat_n(peers.clone(), peers.len()))
            });
            let peers = peers.collect();
            self.emit(&Chunk { rows: interleave_record_batch(&batches, mine)?, keys, peers }, out)?;
        }
        Ok(())
    }

    fn emit(&self, chunk: &Chunk, out: &mut Output) -> Result<()> {
        let mut columns = chunk.rows.columns().to_vec();
        for call in &self.calls {
            columns.push(self.result(call, chunk)?);
        }
        let rows = RecordBatch::try_new(self.schema.clone(), columns)?;
        for first in (0..rows.num_rows()).step_by(BATCH_ROWS) {
            out.emit(Batch::inserts(rows.slice(first, BATCH_ROWS.min(rows.num_rows() - first))));
        }
        Ok(())
    }

    fn result(&self, call: &WholeCall, chunk: &Chunk) -> Result<ArrayRef> {
        let whole =
            |values: &mut dyn Iterator<Item = usize>| -> ArrayRef { Arc::new(Int64Array::from_iter_values(values.map(|n| n as i64))) };
        Ok(match call {
            WholeCall::Aggregate { spec, args, start, end } => self.aggregate(bind(spec)?.as_ref(), args, [*start, *end], chunk)?,
            WholeCall::RowNumber => whole(&mut chunk.map(|row, key, _| row - key.start + 1)),
            WholeCall::Rank => whole(&mut chunk.map(|_, key, peers| peers.start - key.start + 1)),
            WholeCall::DenseRank => dense_ranks(chunk),
            WholeCall::PercentRank => {
                let rank = |_, key: &Range<usize>, peers: &Range<usize>| match key.len() {
                    1 => 0.0,
                    rows => (peers.start - key.start) as f64 / (rows - 1) as f64,
                };
                Arc::new(Float64Array::from_iter_values(chunk.map(rank)))
            }
            WholeCall::CumeDist => {
                // As in Flink, rows that are equal in the order have different parts behind them.
                let part = |row: usize, key: &Range<usize>, _: &Range<usize>| (row - key.start + 1) as f64 / key.len() as f64;
                Arc::new(Float64Array::from_iter_values(chunk.map(part)))
            }
            WholeCall::Ntile(tiles) => {
                let tiles = usize::try_from(*tiles).map_err(|_| Error::internal("NTILE has at least one tile"))?;
                whole(&mut chunk.map(move |row, key, _| tile(row - key.start, key.len(), tiles)))
            }
            WholeCall::Shift { value, by, default } => shifted(chunk, *value, *by, *default)?,
        })
    }

    /// The result of an aggregate for each row.
    fn aggregate(&self, function: &dyn Aggregate, args: &[usize], [start, end]: [Bound; 2], chunk: &Chunk) -> Result<ArrayRef> {
        let edges = Edges { keys: &chunk.keys, peers: &chunk.peers, rows: &chunk.rows, order: self.order.first().copied() };
        let ends = edges.ends(end)?;
        let starts = edges.starts(start, Some(ends.as_slice()).filter(|_| end != Bound::Partition))?;
        let args: Vec<ArrayRef> = args.iter().map(|column| chunk.rows.column(*column).clone()).collect();
        // What went into a sum of floating-point numbers does not come out of it again: each frame is summed anew.
        let anew = start != Bound::Partition && args.iter().any(|arg| arg.data_type().is_floating());
        let rows = chunk.rows.num_rows();
        let mut scan = Scan { rows: (0..rows as u32).collect(), steps: Vec::with_capacity(rows) };
        let mut step_of: Vec<u32> = Vec::with_capacity(rows);
        for (slot, key) in chunk.keys.iter().enumerate() {
            let mut before: Option<Range<usize>> = None;
            for row in key.clone() {
                let now = starts[row]..ends[row].max(starts[row]);
                if before.as_ref() != Some(&now) {
                    let slot = if anew { scan.steps.len() } else { slot } as u32;
                    let had = before.filter(|_| !anew).unwrap_or(now.start..now.start);
                    let leave = had.start as u32..had.end.min(now.start).max(had.start) as u32;
                    scan.steps.push(Step { slot, leave, enter: had.end.max(now.start) as u32..now.end as u32 });
                }
                before = Some(now);
                step_of.push(scan.steps.len() as u32 - 1);
            }
        }
        let mut state: Vec<Column> = function.columns().into_iter().map(Column::new).collect();
        state.iter_mut().for_each(|column| column.grow(if anew { scan.steps.len() } else { chunk.keys.len() }));
        let results = function.scan(&mut state, &scan, &args)?;
        Ok(take(&results, &UInt32Array::from(step_of), None)?)
    }
}

/// The number of each row's tile, of `rows` dealt to `tiles` as evenly as possible, longer ones first.
fn tile(row: usize, rows: usize, tiles: usize) -> usize {
    let (length, longer) = (rows / tiles, rows % tiles);
    let in_longer = longer * (length + 1);
    match row < in_longer {
        true => row / (length + 1) + 1,
        false => longer + (row - in_longer) / length + 1,
    }
}

fn dense_ranks(chunk: &Chunk) -> ArrayRef {
    let mut rank = 0;
    let ranks = chunk.keys.iter().flat_map(|key| key.clone().map(move |row| (row, key.start))).map(|(row, start)| {
        rank = match row == start {
            true => 1,
            false => rank + i64::from(chunk.peers[row].start == row),
        };
        rank
    });
    Arc::new(Int64Array::from_iter_values(ranks))
}

/// The values of other rows of the key.
fn shifted(chunk: &Chunk, value: usize, by: i64, default: Option<usize>) -> Result<ArrayRef> {
    let found = chunk.map(|row, key, _| {
        let other = usize::try_from((row as i64).checked_add(by)?).ok()?;
        key.contains(&other).then_some(other as u32)
    });
    let found: UInt32Array = found.collect();
    let values = take(chunk.rows.column(value), &found, None)?;
    let Some(default) = default else { return Ok(values) };
    let there: BooleanArray = found.iter().map(|row| Some(row.is_some())).collect();
    Ok(zip(&there, &values, chunk.rows.column(default))?)
}

impl Operator for WholeOver {
    fn open(&mut self, state: &mut State) -> Result<()> {
        self.table = Some(state.declare("rows", PileTable::new(self.input.clone(), &self.partition)));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let table = state.get(self.table.ok_or_else(|| Error::internal("step before open"))?);
        for batch in inputs.iter().flatten() {
            table.add(batch.rows.columns(), batch.len())?;
        }
        if tick.last && table.len() > 0 {
            self.finish(&table.take(), out)?;
        }
        Ok(())
    }
}
