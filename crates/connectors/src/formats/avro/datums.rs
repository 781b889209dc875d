//! A batch in the making from Avro records: messages of a queue, or blocks of a file.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use flott_engine::{Error, Result};

use super::confluent::RegistrySources;
use super::container::{self, Header, SYNC_BYTES};
use super::read;
use super::registry::Refusal;
use super::schema::Schema;
use super::wire::Wire;
use super::{Source, json};
use crate::formats::batch::{BatchBuilder, LastBatch};
use crate::formats::failure::{Failure, failure};
use crate::formats::{BadRecord, DecodeRecords, Rows, Stop, bare, binary_record};

/// How many records without any bytes a block may have.
const MAX_EMPTY_RECORDS: u64 = 1 << 20;

/// Why a message gives no row.
enum Wrong {
    /// It is to blame itself.
    Record(Box<Failure>),
    /// Its schema cannot be asked for.
    Away(Error),
}

impl From<Box<Failure>> for Wrong {
    fn from(failure: Box<Failure>) -> Self {
        Wrong::Record(failure)
    }
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown(reason) => Wrong::Record(failure(reason)),
            Refusal::Away(error) => Wrong::Away(error),
        }
    }
}

/// How records lie in the input.
#[derive(Clone, Copy)]
pub enum How<'a> {
    /// A message is a record of that writer.
    Bare(&'a Source),
    /// The same, in JSON.
    Json(&'a Source),
    /// A message is a record of a writer that it names.
    Registry(&'a RegistrySources),
    /// The input is blocks of a file.
    Blocks(&'a Source, &'a Header),
}

/// A batch in the making.
pub struct Datums<'a> {
    how: How<'a>,
    columns: &'a SchemaRef,
    batch: BatchBuilder<'a>,
    scratch: Vec<u8>,
    /// The writer of the last message, with its number.
    writer: Option<(u32, Arc<Source>)>,
}

impl<'a> Datums<'a> {
    /// A batch from about so many bytes.
    pub fn new(how: How<'a>, columns: &'a SchemaRef, last: &'a LastBatch, bytes: usize) -> Result<Self> {
        Ok(Self { how, columns, batch: BatchBuilder::new(columns, last, false, bytes)?, scratch: vec![], writer: None })
    }

    fn message(&mut self, message: &[u8]) -> std::result::Result<(), Wrong> {
        match self.how {
            How::Bare(source) => Ok(self.whole(message, source)?),
            How::Json(source) => {
                let mut bytes = std::mem::take(&mut self.scratch);
                bytes.clear();
                let encoded = json::encode_message(&source.writer, message, &mut bytes).map_err(failure);
                let done = encoded.and_then(|()| self.whole(&bytes, source));
                self.scratch = bytes;
                Ok(done?)
            }
            How::Registry(sources) => {
                let (id, datum) = super::confluent::split(message).map_err(failure)?;
                let writer = match self.writer.take().filter(|(known, _)| *known == id) {
                    Some(writer) => writer,
                    None => (id, sources.of(id)?),
                };
                let done = self.whole(datum, &writer.1);
                self.writer = Some(writer);
                Ok(done?)
            }
            How::Blocks(..) => Err(failure("messages are not blocks of a file").into()),
        }
    }

    /// Reads a message, or says what is wrong with it.
    fn one(&mut self, message: &[u8]) -> Result<(), Stop> {
        let failure = match self.message(message) {
            Ok(()) => return Ok(()),
            Err(Wrong::Record(failure)) => failure,
            Err(Wrong::Away(error)) => return Err(error.into()),
        };
        let column = failure.column(self.columns.fields());
        let mut bad = BadRecord::new(self.batch.fed, message, column, failure.reason);
        if !matches!(self.how, How::Json(_)) {
            bad.text = binary_record(message);
        }
        self.batch.refuse(bad)
    }

    /// Reads a message that is one record.
    #[inline]
    fn whole(&mut self, bytes: &[u8], source: &Source) -> std::result::Result<(), Box<Failure>> {
        let mut wire = Wire::new(bytes);
        read::datum(&mut wire, &source.writer, &source.top, &mut self.batch.columns)?;
        // As in Flink, what follows the record is passed over: nothing of it belongs to the record.
        self.batch.end_row(0);
        Ok(())
    }

    /// Reads a block that starts the wire, `at` of the piece.
    fn block(&mut self, wire: &mut Wire<'_>, source: &Source, header: &Header) -> Result<(), Stop> {
        let at = wire.at;
        let bad = |reason: String| Stop::Record(BadRecord { offset: at, length: 0, text: String::new(), column: None, reason });
        let (count, length) = container::block_head(wire).map_err(bad)?;
        let data = wire.take(length).map_err(|e| bad(e.into()))?;
        if wire.array::<SYNC_BYTES>().map_err(|e| bad(e.into()))? != header.sync {
            return Err(bad("the mark at the end of the block is wrong".into()));
        }
        let mut room = std::mem::take(&mut self.scratch);
        let data = header.codec.decompress(data, &mut room).map_err(bad)?;
        let most = if source.writer.may_be_empty(source.writer.root) { MAX_EMPTY_RECORDS } else { data.len() as u64 };
        if count > most {
            return Err(bad(format!("the block claims {count} records in {} bytes", data.len())));
        }
        let mut records = Wire::new(data);
        for record in 0..count {
            let start = records.at;
            let done = read::datum(&mut records, &source.writer, &source.top, &mut self.batch.columns);
            if let Err(failure) = done {
                let column = failure.column(self.columns.fields());
                let reason = format!("{} (record {} of the block)", failure.reason, record + 1);
                let text = binary_record(&data[start..]);
                return Err(Stop::Record(BadRecord { offset: at, length: 0, text, column, reason }));
            }
            self.batch.end_row(at);
        }
        if records.left() > 0 {
            return Err(bad(format!("the block has {} bytes behind its last record", records.left())));
        }
        self.scratch = room;
        Ok(())
    }
}

impl DecodeRecords for Datums<'_> {
    fn feed(&mut self, input: &[u8]) -> Result<(), Stop> {
        let How::Blocks(source, header) = self.how else {
            self.one(input)?;
            self.batch.fed += input.len();
            return Ok(());
        };
        let mut wire = Wire::new(input);
        while wire.left() > 0 {
            self.block(&mut wire, source, header).map_err(|stop| match stop {
                Stop::Record(bad) => Stop::Record(BadRecord { offset: self.batch.fed + bad.offset, ..bad }),
                other => other,
            })?;
        }
        self.batch.fed += input.len();
        Ok(())
    }

    fn feed_message(&mut self, message: &[u8]) -> Result<(), Stop> {
        self.one(bare(message))?;
        self.batch.fed += message.len();
        Ok(())
    }

    fn rows(&self) -> usize {
        self.batch.rows
    }

    fn finish(self: Box<Self>) -> Result<Rows> {
        self.batch.finish()
    }
}

/// Reads a message of the schema's type into rows of columns, for tests with any bytes: rows or an error, never a panic.
pub fn decode_any(writer: &Schema, columns: &SchemaRef, message: &[u8]) -> std::result::Result<Rows, String> {
    let reader = super::derive::derive(columns.fields(), false).map_err(|e| e.to_string())?;
    let source = Source::new(writer.clone(), &reader, columns)?;
    let last = LastBatch::default();
    let mut datums = Box::new(Datums::new(How::Bare(&source), columns, &last, message.len()).map_err(|e| e.to_string())?);
    datums.feed(message).map_err(|stop| format!("{stop:?}"))?;
    datums.finish().map_err(|e| e.to_string())
}
