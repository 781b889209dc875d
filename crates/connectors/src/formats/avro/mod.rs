//! The format `avro`: in files, blocks of records behind a header with their schema; in messages of a queue, one record each without
//! any schema, so that writer and reader must have agreed on it.
//!
//! The schema is made of the table's columns as Flink makes it (see [`derive`](self::derive)). Files are read with the schema that they bring,
//! resolved against the table once a file; fields that no column needs are passed over. Any input gives rows or an error: lengths are
//! checked against what is there before anything is made of them, and depth is limited.
//!
//! What Flink does otherwise: a number that its column cannot hold wraps around there and is an error here; a time keeps the writer's unit
//! here and is always taken for milliseconds there.

pub mod confluent;
pub mod container;
pub mod datums;
pub mod derive;
pub mod files;
mod json;
mod plan;
mod read;
pub mod registry;
#[cfg(test)]
mod registry_tests;
pub mod schema;
#[cfg(test)]
mod tests;
mod wire;
mod write;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{SchemaRef, TimeUnit};
use flott_engine::connector::OptionInfo;
use flott_engine::{Error, Result};

use container::{CODEC_NAMES, Codec};
use datums::{Datums, How};
use plan::ReadTop;
use schema::{Id, Schema};
use wire::Wire;

use super::batch::LastBatch;
use super::cells::Cells;
use super::columns::{Column, Room};
use super::{Decode, DecodeRecords, Encode, EncodeRows, Framing, option};
use crate::options::Options;

/// Options of the format, without its prefix.
pub const OPTIONS: &[OptionInfo] = &[
    option("encoding", Some("binary"), "How a message is written: binary or json; files are always binary."),
    option("codec", Some("snappy"), "How blocks of files are compressed when they are written: snappy, deflate, zstandard or null."),
    option(
        "timestamp_mapping.legacy",
        Some("true"),
        "TIMESTAMP(3) is written as timestamp-millis, and nothing more precise; with 'false' it is local-timestamp, and TIMESTAMP_LTZ is timestamp.",
    ),
];

/// How to read and write.
#[derive(Debug, Clone, Copy)]
pub struct AvroOptions {
    /// Messages are JSON.
    pub json: bool,
    /// How blocks of files are compressed.
    pub codec: Codec,
    /// The old mapping of times.
    pub legacy: bool,
}

impl AvroOptions {
    /// Reads the options of a table; `prefix` is `avro.` or, for the key of a message, `key.avro.`.
    pub fn new(options: &Options<'_>, prefix: &str) -> Result<Self> {
        let codec = options.one_of(&format!("{prefix}codec"), &CODEC_NAMES, CODEC_NAMES[0])?;
        Ok(Self {
            json: options.one_of(&format!("{prefix}encoding"), &["binary", "json"], "binary")? == "json",
            codec: Codec::of(codec).unwrap_or(Codec::Snappy),
            legacy: options.bool(&format!("{prefix}timestamp_mapping.legacy"), true)?,
        })
    }
}

/// What is read from whom: the plan for records of one writer.
#[derive(Debug)]
pub struct Source {
    writer: Schema,
    top: ReadTop,
}

impl Source {
    fn new(writer: Schema, reader: &Schema, columns: &SchemaRef) -> std::result::Result<Self, String> {
        let top = plan::plan(&writer, reader, columns.fields())?;
        Ok(Self { writer, top })
    }
}

/// Decodes messages, which follow the table's own schema.
pub struct AvroDecoder {
    columns: SchemaRef,
    own: Source,
    json: bool,
    last: LastBatch,
}

impl AvroDecoder {
    /// A decoder that fills the columns `needed`, of records that hold those of `stored`. Fails for types that Avro does not carry.
    pub fn new(stored: &SchemaRef, needed: SchemaRef, options: AvroOptions) -> Result<Self> {
        check_columns(&needed)?;
        let reader = derive::derive(stored.fields(), options.legacy)?;
        let own = Source::new(reader.clone(), &reader, &needed).map_err(Error::internal)?;
        Ok(Self { columns: needed, own, json: options.json, last: LastBatch::default() })
    }
}

/// Fails for types that have no builder.
fn check_columns(columns: &SchemaRef) -> Result<()> {
    columns.fields().iter().try_for_each(|field| Column::new(field, &Room::default()).map(drop))
}

impl Decode for AvroDecoder {
    fn framing(&self) -> Framing {
        Framing::Messages
    }

    fn skips_bad_records(&self) -> bool {
        false
    }

    fn open(&self, bytes: usize) -> Result<Box<dyn DecodeRecords + '_>> {
        let how = if self.json { How::Json(&self.own) } else { How::Bare(&self.own) };
        Ok(Box::new(Datums::new(how, &self.columns, &self.last, bytes)?))
    }
}

/// A plan to write rows of some columns.
struct Target {
    columns: SchemaRef,
    /// What is written; its root may be a union around the record.
    schema: Schema,
    /// The record.
    record: Id,
    members: Vec<(usize, write::Write)>,
}

impl Target {
    /// Rows of these columns as records of a schema. Fails, in words, if it does not fit them.
    fn new(columns: SchemaRef, schema: Schema) -> std::result::Result<Self, String> {
        let record = plan::reader_record(&schema).ok_or("the schema is no record")?;
        match write::plan(&schema, record, columns.fields())? {
            write::Write::Row(members) => Ok(Self { columns, schema, record, members }),
            _ => Err("the schema is no record".into()),
        }
    }

    /// Which type of the union around it the record is, if there is one.
    fn branch(&self) -> Option<u8> {
        match self.schema.kind(self.schema.root) {
            schema::Kind::Union(branches) => branches.iter().position(|id| *id == self.record).and_then(|i| u8::try_from(i).ok()),
            _ => None,
        }
    }

    /// Prepares a batch. `prefix`: what stands before each record.
    fn open(self: &Arc<Self>, batch: &RecordBatch, prefix: Vec<u8>, json: bool) -> Result<AvroRows> {
        let cells = self.columns.fields().iter().zip(batch.columns()).map(|(field, column)| Cells::new(column, field));
        Ok(AvroRows { target: self.clone(), cells: cells.collect::<Result<_>>()?, prefix, json, scratch: vec![] })
    }
}

/// Encodes rows as messages.
pub struct AvroEncoder {
    target: Arc<Target>,
    json: bool,
}

impl AvroEncoder {
    /// An encoder for rows of this schema. Fails for types that Avro does not carry.
    pub fn new(columns: SchemaRef, options: AvroOptions) -> Result<Self> {
        let schema = derive::derive(columns.fields(), options.legacy)?;
        Ok(Self { target: Arc::new(Target::new(columns, schema).map_err(Error::internal)?), json: options.json })
    }
}

impl Encode for AvroEncoder {
    fn open(&self, batch: &RecordBatch) -> Result<Box<dyn EncodeRows>> {
        Ok(Box::new(self.target.open(batch, vec![], self.json)?))
    }

    fn end_of_record(&self) -> &'static [u8] {
        b""
    }
}

/// Encodes the rows of a batch.
struct AvroRows {
    target: Arc<Target>,
    cells: Vec<Cells>,
    prefix: Vec<u8>,
    json: bool,
    scratch: Vec<u8>,
}

impl EncodeRows for AvroRows {
    fn row(&mut self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        let target = &self.target;
        out.extend_from_slice(&self.prefix);
        if !self.json {
            return write::row(&target.members, &self.cells, row, out);
        }
        self.scratch.clear();
        write::row(&target.members, &self.cells, row, &mut self.scratch)?;
        json::write_value(&target.schema, target.record, &mut Wire::new(&self.scratch), out).map_err(Error::internal)
    }
}

/// How many of a unit make a second.
fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => schema::MILLIS,
        TimeUnit::Microsecond => schema::MICROS,
        TimeUnit::Nanosecond => schema::NANOS,
    }
}
