//! Encodes rows for the sink, on the workers, split by partition.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{Field, FieldRef, Schema};
use flott_engine::connector::{ColumnRef, TableSpec};
use flott_engine::sink::{Encoder, Payload};
use flott_engine::text::value_text;
use flott_engine::{Batch, Error, Result, RowKind};

use super::listing::escape;
use crate::formats::{self, Encode};

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
            encode: formats::encoder(table, Arc::new(Schema::new(fields)))?,
            stored,
            partitions: partitions.into_iter().map(|(_, partition)| partition).collect(),
            default_name: default_name.to_owned(),
            table: table.name.clone(),
        })
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
}

impl FileEncoder {
    /// An encoder of a table.
    pub fn new(plan: Arc<EncodePlan>) -> Self {
        Self { plan }
    }
}

impl Encoder for FileEncoder {
    fn encode(&mut self, batch: &Batch, out: &mut Vec<Payload>) -> Result<()> {
        let plan = &self.plan;
        if batch.kinds.as_ref().is_some_and(|kinds| kinds.iter().any(|kind| *kind != RowKind::Insert)) {
            return Err(Error::config(format!("Table {}: files can only be appended to, but the query changes rows", plan.table)));
        }
        if batch.is_empty() {
            return Ok(());
        }
        let mut rows = plan.encode.open(&batch.rows.project(&plan.stored)?)?;
        if plan.partitions.is_empty() {
            let mut bytes = Vec::with_capacity(batch.len() * 64);
            for row in 0..batch.len() {
                rows.row(row, &mut bytes)?;
            }
            out.push(Payload::Bytes { partition: String::new(), rows: batch.len() as u64, bytes });
            return Ok(());
        }
        let mut folders: HashMap<String, usize> = HashMap::new();
        let mut parts: Vec<(u64, Vec<u8>)> = vec![];
        let (mut text, mut folder, mut last) = (vec![], String::new(), (String::new(), usize::MAX));
        for row in 0..batch.len() {
            folder.clear();
            plan.folder(&batch.rows, row, &mut text, &mut folder);
            // Neighbours are mostly of one partition.
            if last.1 == usize::MAX || folder != last.0 {
                let next = parts.len();
                let part = *folders.entry(folder.clone()).or_insert(next);
                if part == next {
                    parts.push((0, vec![]));
                }
                last = (folder.clone(), part);
            }
            let part = &mut parts[last.1];
            part.0 += 1;
            rows.row(row, &mut part.1)?;
        }
        let mut folders: Vec<_> = folders.into_iter().collect();
        folders.sort_by_key(|(_, part)| *part);
        out.extend(folders.into_iter().zip(parts).map(|((partition, _), (rows, bytes))| Payload::Bytes { partition, rows, bytes }));
        Ok(())
    }
}
