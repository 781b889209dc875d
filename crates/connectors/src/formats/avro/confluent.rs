//! The format `avro-confluent`: a message is a byte 0, the number of its schema in a registry (4 bytes), and an Avro record.
//!
//! The writer's schema is fetched once per number and resolved against the table's; a sink registers the table's schema once, when the
//! first rows come. Beyond Avro's rules see [`super`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use flott_engine::connector::OptionInfo;
use flott_engine::{Error, Result};

use super::datums::{Datums, How};
use super::registry::{self, Refusal, Registry, RegistryOptions};
use super::schema::{Kind, Schema};
use super::{Source, Target, check_columns, derive};
use crate::formats::batch::LastBatch;
use crate::formats::{Decode, DecodeRecords, Encode, EncodeRows, Framing, Rows, Stop};
use crate::options::Options;

/// Options of the format, without its prefix.
pub const OPTIONS: &[OptionInfo] = registry::OPTIONS;

/// How to read and write.
#[derive(Debug, Clone)]
pub struct ConfluentOptions {
    /// How to reach the registry.
    pub registry: RegistryOptions,
    /// Under which name a sink registers its schema.
    pub subject: Option<String>,
    /// The table's schema, if it is given.
    pub schema: Option<Schema>,
    prefix: String,
}

impl ConfluentOptions {
    /// Reads the options of a table; `prefix` is `avro-confluent.` or the like.
    pub fn new(options: &Options<'_>, prefix: &str) -> Result<Self> {
        let key = format!("{prefix}schema");
        let schema = options.get(&key).map(|text| Schema::parse(text).map_err(|e| options.error(&format!("'{key}': {e}"))));
        Ok(Self {
            registry: RegistryOptions::new(options, prefix)?,
            subject: options.get(&format!("{prefix}subject")).map(str::to_owned),
            schema: schema.transpose()?,
            prefix: prefix.to_owned(),
        })
    }

    /// The schema of rows with these columns: the one that is given, if it fits them.
    pub fn schema_of(&self, columns: &SchemaRef) -> Result<Schema> {
        let Some(schema) = &self.schema else { return derive::derive(columns.fields(), true) };
        let fits = super::plan::plan(schema, schema, columns.fields());
        fits.map_err(|e| Error::config(format!("'{}schema' does not fit the table's columns: {e}", self.prefix)))?;
        Ok(schema.clone())
    }
}

/// The number of a message's schema, and its record.
pub fn split(message: &[u8]) -> std::result::Result<(u32, &[u8]), &'static str> {
    match message.split_first_chunk::<5>() {
        Some(([0, id @ ..], datum)) => Ok((u32::from_be_bytes(*id), datum)),
        Some(_) => Err("the message does not begin with a byte 0 and the number of its schema"),
        None => Err("the message is too short for the number of its schema"),
    }
}

/// Writers of messages, by the number of their schema.
pub struct RegistrySources {
    registry: Registry,
    reader: Schema,
    columns: SchemaRef,
    known: Mutex<HashMap<u32, Arc<Source>>>,
}

impl RegistrySources {
    /// The writer of a number.
    pub fn of(&self, id: u32) -> std::result::Result<Arc<Source>, Refusal> {
        // Held while the registry is asked, so that one worker asks and the others wait for what it hears.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = known.get(&id) {
            return Ok(source.clone());
        }
        let text = self.registry.schema(id)?;
        let mut writer = Schema::parse(&text).map_err(|e| Refusal::Unknown(format!("the schema {id} of the registry: {e}")))?;
        if let (true, Kind::Union(parts)) = (text.starts_with("[{"), writer.kind(writer.root))
            && parts.iter().all(|part| !matches!(writer.kind(*part), Kind::Null))
        {
            // Put together of types that refer to each other: the last one is meant.
            writer.root = parts[parts.len() - 1];
        }
        let source = Source::new(writer, &self.reader, &self.columns);
        let source = source.map_err(|e| Refusal::Unknown(format!("the schema {id} of the registry does not fit the table: {e}")))?;
        Ok(known.entry(id).or_insert(Arc::new(source)).clone())
    }
}

/// Decodes messages that name their schema.
pub struct ConfluentDecoder {
    sources: RegistrySources,
    columns: SchemaRef,
    last: LastBatch,
}

impl ConfluentDecoder {
    /// A decoder that fills the columns `needed`, of records that hold those of `stored`. Nothing is asked of the registry yet.
    pub fn new(stored: &SchemaRef, needed: SchemaRef, options: ConfluentOptions) -> Result<Self> {
        check_columns(&needed)?;
        let reader = options.schema_of(stored)?;
        let registry = Registry::new(options.registry)?;
        let sources = RegistrySources { registry, reader, columns: needed.clone(), known: Mutex::default() };
        Ok(Self { sources, columns: needed, last: LastBatch::default() })
    }

    /// Decodes messages, and tells from which one each row is.
    pub fn decode_with_origins(&self, messages: &[u8], ends: &[u32]) -> Result<(Rows, Vec<u32>), Stop> {
        let mut datums = Datums::new(How::Registry(&self.sources), &self.columns, &self.last, messages.len())?;
        let mut origins = vec![];
        datums.feed_messages(messages, ends, &mut origins)?;
        Ok((Box::new(datums).finish()?, origins))
    }
}

impl Decode for ConfluentDecoder {
    fn framing(&self) -> Framing {
        Framing::Messages
    }

    fn skips_bad_records(&self) -> bool {
        false
    }

    fn open(&self, bytes: usize) -> Result<Box<dyn DecodeRecords + '_>> {
        Ok(Box::new(Datums::new(How::Registry(&self.sources), &self.columns, &self.last, bytes)?))
    }
}

/// Encodes rows as messages that name their schema.
pub struct ConfluentEncoder {
    registry: Registry,
    subject: String,
    target: Arc<Target>,
    /// What stands before each record, once the schema is registered.
    prefix: Mutex<Option<Vec<u8>>>,
}

impl ConfluentEncoder {
    /// An encoder for rows of this schema. Nothing is asked of the registry yet.
    pub fn new(columns: SchemaRef, options: ConfluentOptions) -> Result<Self> {
        Self::with_nullable(columns, options, false)
    }

    /// The same, where the row itself may be NULL to its readers.
    pub fn with_nullable(columns: SchemaRef, options: ConfluentOptions, nullable: bool) -> Result<Self> {
        let mut schema = options.schema_of(&columns)?;
        if nullable && options.schema.is_none() {
            schema.or_null();
        }
        let subject = options.subject.ok_or_else(|| {
            Error::config(format!("The option '{}subject' is missing, which a table needs to be written", options.prefix))
                .help("Write the name under which its schema is registered, for example 'orders-value'")
        })?;
        let target = Target::new(columns, schema)
            .map_err(|e| Error::config(format!("'{}schema' does not fit the table's columns: {e}", options.prefix)))?;
        Ok(Self { registry: Registry::new(options.registry)?, subject, target: Arc::new(target), prefix: Mutex::default() })
    }
}

impl Encode for ConfluentEncoder {
    fn open(&self, batch: &RecordBatch) -> Result<Box<dyn EncodeRows>> {
        let mut prefix = self.prefix.lock().unwrap_or_else(PoisonError::into_inner);
        if prefix.is_none() {
            let id = self.registry.register(&self.subject, &self.target.schema.to_json())?;
            let mut bytes = vec![0];
            bytes.extend_from_slice(&id.to_be_bytes());
            bytes.extend(self.target.branch().map(|branch| branch << 1));
            *prefix = Some(bytes);
        }
        Ok(Box::new(self.target.open(batch, prefix.clone().unwrap_or_default(), false)?))
    }

    fn end_of_record(&self) -> &'static [u8] {
        b""
    }
}
