//! Encodes rows for the sink, on the workers, split by partition.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::compute::partition;
use arrow::datatypes::{Field, FieldRef, Schema};
use flott_engine::connector::{ColumnRef, TableSpec};
use flott_engine::sink::{Encoder, Payload};
use flott_engine::text::value_text;
use flott_engine::{Batch, Error, Result, RowKind};

use super::listing::escape;
use crate::formats::{self, Encode, EncodeRows};

/// What the encoders of a table share.
pub struct EncodePlan {
    encode: Arc<dyn Encode>,
    /// Positions in a row of the columns that go into files.
    stored: Vec<usize>,
    /// Position, name in front of the value, and field of the partition columns.
    partitions: Vec<(usize, String, FieldRef)>,
    default_name: String,
    table: String,
}

impl EncodePlan {
    /// The plan of a table. `default_name` stands for NULL in the name of a folder.
    pub fn new(table: &TableSpec, default_name: &str) -> Result<Self> {
        let mut stored = vec![];
        let mut fields: Vec<FieldRef> = vec![];
        let mut partitions = vec![];
        for (position, column) in table.columns.iter().enumerate() {
            let ColumnRef::Physical(i) = column else {
                return Err(Error::config(format!("Table {}: metadata columns of files cannot be written", table.name)));
            };
            let field = table.schema.fields()[*i].clone();
            match table.partition_keys.iter().position(|key| key == field.name()) {
                Some(rank) => {
                    let mut name = String::new();
                    escape(field.name(), &mut name);
                    name.push('=');
                    partitions.push((rank, (position, name, field)));
                }
                None => {
                    stored.push(position);
                    fields.push(field);
                }
            }
        }
        // Folders are nested in the order of PARTITIONED BY.
        partitions.sort_by_key(|(rank, _)| *rank);
        Ok(Self {
            encode: formats::file_encoder(table, Arc::new(Schema::new(fields)))?,
            stored,
            partitions: partitions.into_iter().map(|(_, partition)| partition).collect(),
            default_name: default_name.to_owned(),
            table: table.name.clone(),
        })
    }

    /// What a file begins with.
    pub fn file_header(&self) -> Vec<u8> {
        self.encode.file_header()
    }

    /// Cuts rows where the value of a partition column changes: neighbours are mostly of one partition.
    fn runs(&self, rows: &RecordBatch) -> Vec<Range<usize>> {
        let whole = 0..rows.num_rows();
        if self.partitions.is_empty() {
            return vec![whole];
        }
        let columns: Vec<_> = self.partitions.iter().map(|(position, ..)| rows.column(*position).clone()).collect();
        match partition(&columns) {
            Ok(runs) => runs.ranges(),
            // Values that cannot be compared: every row is looked at.
            Err(_) => whole.map(|row| row..row + 1).collect(),
        }
    }

    /// Appends the folder of a row: `day=2024-01-01/`.
    fn folder(&self, rows: &RecordBatch, row: usize, text: &mut Vec<u8>, out: &mut String) {
        for (position, name, field) in &self.partitions {
            out.push_str(name);
            text.clear();
            let column = rows.column(*position);
            if !column.is_null(row) {
                partition_text(column.as_ref(), row, field, text);
            }
            match std::str::from_utf8(text) {
                Ok(value) if !value.is_empty() => escape(value, out),
                _ => out.push_str(&self.default_name),
            }
            out.push('/');
        }
    }
}

fn partition_text(column: &dyn Array, row: usize, field: &Field, out: &mut Vec<u8>) {
    value_text(column, row, field, out);
    if column.data_type() == &arrow::datatypes::DataType::Boolean {
        out.make_ascii_lowercase();
    }
}

/// Encodes batches on one worker.
pub struct FileEncoder {
    plan: Arc<EncodePlan>,
    /// Bytes of a row, on average over the last batch.
    row_bytes: usize,
}

impl FileEncoder {
    /// An encoder of a table.
    pub fn new(plan: Arc<EncodePlan>) -> Self {
        Self { plan, row_bytes: 64 }
    }

    /// Encodes rows behind those that `part` has.
    fn encode_run(&self, run: Range<usize>, batch: &Batch, rows: &mut dyn EncodeRows, part: &mut Part) -> Result<()> {
        part.rows += run.len() as u64;
        part.bytes.reserve(run.len() * (self.row_bytes + self.row_bytes / 16));
        match &batch.kinds {
            None => run.into_iter().try_for_each(|row| rows.row(row, &mut part.bytes)),
            Some(kinds) => run.into_iter().try_for_each(|row| rows.change(row, kinds[row], &mut part.bytes)),
        }
    }
}

/// The rows of one partition.
#[derive(Default)]
struct Part {
    partition: String,
    rows: u64,
    bytes: Vec<u8>,
}

impl Encoder for FileEncoder {
    fn encode(&mut self, batch: &Batch, out: &mut Vec<Payload>) -> Result<()> {
        let plan = &self.plan;
        if !plan.encode.takes_changes() && batch.kinds.as_ref().is_some_and(|kinds| kinds.iter().any(|kind| *kind != RowKind::Insert)) {
            return Err(Error::config(format!("Table {}: files can only be appended to, but the query changes rows", plan.table)));
        }
        if batch.is_empty() {
            return Ok(());
        }
        let mut rows = plan.encode.open(&batch.rows.project(&plan.stored)?)?;
        let mut parts: Vec<Part> = vec![];
        let mut by_folder: HashMap<String, usize> = HashMap::new();
        let mut text = vec![];
        for run in plan.runs(&batch.rows) {
            let mut folder = String::new();
            plan.folder(&batch.rows, run.start, &mut text, &mut folder);
            let next = parts.len();
            let part = *by_folder.entry(folder).or_insert_with_key(|folder| {
                parts.push(Part { partition: folder.clone(), ..Part::default() });
                next
            });
            self.encode_run(run, batch, rows.as_mut(), &mut parts[part])?;
        }
        self.row_bytes = parts.iter().map(|part| part.bytes.len()).sum::<usize>() / batch.len();
        for Part { partition, rows, bytes } in parts {
            out.push(Payload::Bytes { partition, rows, bytes: plan.encode.seal(rows, bytes)? });
        }
        Ok(())
    }
}
