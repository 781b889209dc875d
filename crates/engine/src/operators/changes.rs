//! The changes of a tick, collected piece by piece and emitted without those that cancel out.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{concat, take};
use arrow::datatypes::SchemaRef;
use hashbrown::HashMap;

use crate::operator::Output;
use crate::state::column::BuildMix;
use crate::state::encoding::encode_rows;
use crate::{Batch, Result, RowKind};

/// Rows that appear and rows that go.
pub struct Changes {
    schema: SchemaRef,
    pieces: Vec<(Vec<ArrayRef>, Vec<RowKind>)>,
}

impl Changes {
    /// No changes yet, to a result of this schema.
    pub fn new(schema: SchemaRef) -> Self {
        Self { schema, pieces: vec![] }
    }

    /// Adds rows, each with its kind.
    pub fn add(&mut self, columns: Vec<ArrayRef>, kinds: Vec<RowKind>) {
        if !kinds.is_empty() {
            self.pieces.push((columns, kinds));
        }
    }

    fn batch(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }

    /// Emits all rows in their order: for changes of which none can take another one back.
    pub fn emit_as_they_are(mut self, out: &mut Output) -> Result<()> {
        for (columns, kinds) in std::mem::take(&mut self.pieces) {
            out.emit(Batch::changes(self.batch(columns, kinds.len())?, kinds));
        }
        Ok(())
    }

    /// Emits what remains when additions and removals of equal rows are set off against each other: first what goes, then what
    /// comes, so that a row that replaces another one of its key comes after it.
    pub fn emit_net(mut self, out: &mut Output) -> Result<()> {
        let pieces = std::mem::take(&mut self.pieces);
        if pieces.is_empty() {
            return Ok(());
        }
        let all: Vec<ArrayRef> = (0..self.schema.fields().len())
            .map(|c| Ok(concat(&pieces.iter().map(|(columns, _)| columns[c].as_ref()).collect::<Vec<_>>())?))
            .collect::<Result<_>>()?;
        let kinds: Vec<RowKind> = pieces.into_iter().flat_map(|(_, kinds)| kinds).collect();
        let (mut rows, mut remaining) = (vec![], vec![]);
        let net = net_counts(&all, &kinds)?;
        for (goes, kind) in [(true, RowKind::Delete), (false, RowKind::Insert)] {
            for (row, net) in net.iter().filter(|(_, net)| (*net < 0) == goes) {
                rows.extend(std::iter::repeat_n(*row, net.unsigned_abs() as usize));
                remaining.resize(rows.len(), kind);
            }
        }
        let rows = UInt32Array::from(rows);
        let columns = all.iter().map(|c| Ok(take(c, &rows, None)?)).collect::<Result<_>>()?;
        out.emit(Batch::changes(self.batch(columns, rows.values().len())?, remaining));
        Ok(())
    }
}

/// Of each different row, its first place and how often it comes rather than goes; none that cancels out.
fn net_counts(columns: &[ArrayRef], kinds: &[RowKind]) -> Result<Vec<(u32, i64)>> {
    let content = encode_rows(columns, kinds.len())?;
    let mut found: HashMap<&[u8], usize, BuildMix> = HashMap::with_capacity_and_hasher(kinds.len(), BuildMix);
    let mut net: Vec<(u32, i64)> = vec![];
    for (row, kind) in kinds.iter().enumerate() {
        let place = *found.entry(content.row(row)).or_insert(net.len());
        if place == net.len() {
            net.push((row as u32, 0));
        }
        net[place].1 += if kind.adds() { 1 } else { -1 };
    }
    net.retain(|(_, count)| *count != 0);
    Ok(net)
}
