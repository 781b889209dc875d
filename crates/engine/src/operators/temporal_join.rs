//! Temporal join in event time: each left row meets the version of the right row that holds at the left row's time. Left rows wait
//! until event time has passed them, for until then a version that holds may still come; versions that no left row to come can ask
//! for are forgotten.

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;

use super::pairs::{JoinInputs, JoinKind, taken};
use super::windows::millis;
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::versions::{AsOf, VersionTable};
use crate::state::waiting::WaitingTable;
use crate::state::{State, TableId};
use crate::{Batch, Error, Result, RowKind};

/// What to join.
#[derive(Clone)]
pub struct TemporalJoinSpec {
    /// Inner or left.
    pub kind: JoinKind,
    /// What a pair must fulfil besides the times.
    pub inputs: JoinInputs,
    /// The column of each input that holds its event time: of the right one, the time from which a row holds.
    pub times: [usize; 2],
    /// Left columns, then right ones.
    pub schema: SchemaRef,
}

/// The operator. Port 0 is the left input, whose rows are all `+I`; port 1 brings the versions: `+I` and `+U` say that a row holds
/// from its time on, `-D` that from its time on there is none. Both are dealt by their keys.
pub struct TemporalJoin {
    spec: TemporalJoinSpec,
    tables: Option<(TableId<WaitingTable>, TableId<VersionTable>)>,
}

impl TemporalJoin {
    /// Joins as `spec` says.
    pub fn new(spec: TemporalJoinSpec) -> Self {
        Self { spec, tables: None }
    }

    /// Keeps the versions of a batch. A row whose key is NULL in part never has a partner; a `-U` only announces the row after it.
    fn keep_versions(&self, batch: &Batch, tick: &Tick, versions: &mut VersionTable, out: &mut Output) -> Result<()> {
        let joinable = self.spec.inputs.joinable(1, batch.rows.columns());
        let useful = |row: usize| joinable.as_ref().is_none_or(|j| j.value(row)) && batch.kind(row) != RowKind::UpdateBefore;
        let batch = match joinable.is_none() && batch.kinds.is_none() {
            true => batch.clone(),
            false => batch.filter(&(0..batch.len()).map(|row| Some(useful(row))).collect::<BooleanArray>())?,
        };
        if batch.is_empty() {
            return Ok(());
        }
        let times = times(&batch, self.spec.times[1])?;
        let late = versions.add(batch.rows.columns(), &times, |row| !batch.kind(row).adds(), tick.watermark_before)?;
        late.into_iter().for_each(|row| out.late.add(&batch, row, tick.watermark_before));
        Ok(())
    }

    /// The version that each row meets.
    fn partners(
        &self,
        rows: &Batch,
        times: &[i64],
        tick: &Tick,
        versions: &mut VersionTable,
        out: &mut Output,
    ) -> Result<Vec<Option<u32>>> {
        let keys: Vec<ArrayRef> = self.spec.inputs.keys[0].iter().map(|c| rows.column(*c).clone()).collect();
        let mut slots = vec![];
        versions.find_keys(&keys, rows.len(), &mut slots)?;
        let joinable = self.spec.inputs.joinable(0, rows.rows.columns());
        let mut found = Vec::with_capacity(rows.len());
        for (row, (slot, time)) in slots.into_iter().zip(times).enumerate() {
            let joinable = joinable.as_ref().is_none_or(|j| j.value(row));
            found.push(match versions.as_of(slot, *time) {
                AsOf::Row(id) if joinable => Some(id),
                AsOf::Before if joinable && *time <= tick.watermark_before && self.spec.kind == JoinKind::Inner => {
                    out.late.add(rows, row, tick.watermark_before);
                    None
                }
                _ => None,
            });
        }
        self.fulfilled(rows, found, tick, versions)
    }

    /// Leaves only those partners with which a row fulfils the condition.
    fn fulfilled(&self, rows: &Batch, mut found: Vec<Option<u32>>, tick: &Tick, versions: &VersionTable) -> Result<Vec<Option<u32>>> {
        if self.spec.inputs.condition.is_none() {
            return Ok(found);
        }
        let pairs: Vec<u32> = (0..found.len() as u32).filter(|row| found[*row as usize].is_some()).collect();
        if pairs.is_empty() {
            return Ok(found);
        }
        let ids: Vec<Option<u32>> = found.iter().copied().filter(Option::is_some).collect();
        let mut columns = taken(rows.rows.columns(), &pairs)?;
        columns.extend(versions.rows(&ids)?);
        if let Some(keep) = self.spec.inputs.fulfilled(&columns, pairs.len(), &tick.eval())? {
            let fails = |pair: usize| keep.is_null(pair) || !keep.value(pair);
            pairs.iter().enumerate().filter(|(pair, _)| fails(*pair)).for_each(|(_, row)| found[*row as usize] = None);
        }
        Ok(found)
    }

    fn emit(&self, rows: RecordBatch, mut partners: Vec<Option<u32>>, versions: &VersionTable, out: &mut Output) -> Result<()> {
        let mut rows = rows;
        if self.spec.kind == JoinKind::Inner && partners.iter().any(Option::is_none) {
            let with: Vec<u32> = (0..partners.len() as u32).filter(|row| partners[*row as usize].is_some()).collect();
            rows = take_record_batch(&rows, &UInt32Array::from(with))?;
            partners.retain(Option::is_some);
        }
        let mut columns = rows.columns().to_vec();
        columns.extend(versions.rows(&partners)?);
        let options = RecordBatchOptions::new().with_row_count(Some(partners.len()));
        out.emit(Batch::inserts(RecordBatch::try_new_with_options(self.spec.schema.clone(), columns, &options)?));
        Ok(())
    }
}

impl Operator for TemporalJoin {
    fn open(&mut self, state: &mut State) -> Result<()> {
        let [left, right] = &self.spec.inputs.schemas;
        let [left_keys, right_keys] = &self.spec.inputs.keys;
        let waiting = state.declare("left", WaitingTable::new(left.clone(), left_keys));
        self.tables = Some((waiting, state.declare("versions", VersionTable::new(right.clone(), right_keys))));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let (waiting, versions) = self.tables.ok_or_else(|| Error::internal("step before open"))?;
        let (waiting, versions) = state.pair(waiting, versions);
        let [left, right] = inputs else { return Err(Error::internal("a temporal join has two inputs")) };
        for batch in right.iter() {
            self.keep_versions(batch, tick, versions, out)?;
        }
        for batch in left.iter() {
            waiting.add(batch.rows.columns(), &times(batch, self.spec.times[0])?)?;
        }
        let (rows, times) = waiting.drain(tick.watermark)?;
        if !times.is_empty() {
            let rows = Batch::inserts(rows);
            let partners = self.partners(&rows, &times, tick, versions, out)?;
            self.emit(rows.rows, partners, versions, out)?;
        }
        versions.forget(tick.watermark)
    }
}

/// The event time of each row in milliseconds.
fn times(batch: &Batch, column: usize) -> Result<Vec<i64>> {
    let times = millis(batch.column(column))?;
    if times.null_count() > 0 {
        return Err(Error::data("the time of a row in a temporal join is NULL"));
    }
    Ok(times.values().to_vec())
}
