//! Avro's files, read with the schema that each brings, and written.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use flott_engine::{Error, Result};

use super::container::{self, Header, SYNC_BYTES};
use super::datums::{Datums, How};
use super::schema::Schema;
use super::wire::Wire;
use super::{AvroOptions, Source, Target, check_columns, derive};
use crate::formats::batch::LastBatch;
use crate::formats::{Decode, DecodeRecords, Encode, EncodeRows, FileHeader, Framing};

/// Knows the table; what decodes is made of the header of each file.
pub struct AvroFiles {
    columns: SchemaRef,
    reader: Schema,
}

impl AvroFiles {
    /// Files of rows with the columns `stored`, of which `needed` are filled. Fails for types that Avro does not carry.
    pub fn new(stored: &SchemaRef, needed: SchemaRef, options: AvroOptions) -> Result<Self> {
        check_columns(&needed)?;
        Ok(Self { reader: derive::derive(stored.fields(), options.legacy)?, columns: needed })
    }
}

impl Decode for AvroFiles {
    fn framing(&self) -> Framing {
        Framing::Blocks
    }

    fn skips_bad_records(&self) -> bool {
        false
    }

    fn open(&self, _bytes: usize) -> Result<Box<dyn DecodeRecords + '_>> {
        Err(Error::internal("a file of Avro without its header"))
    }

    fn read_header(&self, start: &[u8]) -> std::result::Result<Option<FileHeader>, String> {
        let Some((header, length)) = Header::read(start)? else { return Ok(None) };
        let source = Source::new(header.schema.clone(), &self.reader, &self.columns)?;
        let decode = FileDecoder { header, source, columns: self.columns.clone(), last: LastBatch::default() };
        Ok(Some(FileHeader { decode: Arc::new(decode), length }))
    }
}

/// Decodes the blocks of one file.
struct FileDecoder {
    header: Header,
    source: Source,
    columns: SchemaRef,
    last: LastBatch,
}

impl Decode for FileDecoder {
    fn framing(&self) -> Framing {
        Framing::Blocks
    }

    fn skips_bad_records(&self) -> bool {
        false
    }

    fn open(&self, bytes: usize) -> Result<Box<dyn DecodeRecords + '_>> {
        let how = How::Blocks(&self.source, &self.header);
        Ok(Box::new(Datums::new(how, &self.columns, &self.last, bytes)?))
    }

    fn block_length(&self, head: &[u8]) -> std::result::Result<usize, String> {
        let mut wire = Wire::new(head);
        let (_, length) = container::block_head(&mut wire)?;
        Ok(wire.at + length + SYNC_BYTES)
    }
}

/// Encodes rows as blocks of a file.
pub struct AvroFileEncoder {
    target: Arc<Target>,
    header: Header,
}

impl AvroFileEncoder {
    /// An encoder for rows of this schema. Fails for types that Avro does not carry.
    pub fn new(columns: SchemaRef, options: AvroOptions) -> Result<Self> {
        let mut schema = derive::derive(columns.fields(), options.legacy)?;
        // In files the record stands in a union, as Flink has it.
        schema.or_null();
        let header = Header { schema: schema.clone(), codec: options.codec, sync: new_sync() };
        Ok(Self { target: Arc::new(Target::new(columns, schema).map_err(Error::internal)?), header })
    }
}

/// A mark that no other file has.
fn new_sync() -> [u8; SYNC_BYTES] {
    use std::hash::{BuildHasher, RandomState};
    let [first, second] = [0u8, 1].map(|i| RandomState::new().hash_one(i).to_le_bytes());
    let mut sync = [0; SYNC_BYTES];
    sync[..8].copy_from_slice(&first);
    sync[8..].copy_from_slice(&second);
    sync
}

impl Encode for AvroFileEncoder {
    fn open(&self, batch: &RecordBatch) -> Result<Box<dyn EncodeRows>> {
        let branch = self.target.branch().map(|branch| branch << 1);
        Ok(Box::new(self.target.open(batch, branch.into_iter().collect(), false)?))
    }

    fn end_of_record(&self) -> &'static [u8] {
        b""
    }

    fn file_header(&self) -> Vec<u8> {
        self.header.write()
    }

    fn seal(&self, rows: u64, bytes: Vec<u8>) -> Result<Vec<u8>> {
        Ok(self.header.write_block(rows, &bytes)?)
    }
}
