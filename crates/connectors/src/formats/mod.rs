//! Formats: between bytes and rows. A format knows records, not files or messages.

pub mod any;
pub mod avro;
mod base64;
mod batch;
mod builders;
mod cells;
pub mod changelog;
mod columns;
pub mod csv;
mod failure;
pub mod json;
mod nulls;
pub mod protobuf;
pub mod raw;
#[cfg(test)]
mod samples;
mod scalar;
mod slot;
mod varint;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, FieldRef, SchemaRef};
use flott_engine::connector::{OptionInfo, TableSpec};
use flott_engine::{Error, Result, RowKind};

use crate::options::Options;
pub(crate) use scalar::type_name;
pub use slot::Slot;

/// How many bad records of one piece of input are kept to be shown.
pub const MAX_SAMPLES: usize = 8;
/// How much of a bad record is shown.
const SHOWN_BYTES: usize = 200;

/// How records lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A record is a line, always.
    Lines,
    /// A record is a line, but a line break in quotes or after an escape character belongs to the record.
    Csv(csv::Dialect),
    /// Records lie in blocks behind a header, see [`Decode::read_header`].
    Blocks,
    /// Records do not tell where they end: they come as messages of a queue.
    Messages,
}

impl Framing {
    /// Where the last whole record of `bytes` ends, which begin with a record; `None` if none ends there.
    pub fn last_end(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Framing::Lines => memchr::memrchr(b'\n', bytes).map(|i| i + 1),
            Framing::Csv(dialect) => dialect.last_end(bytes),
            Framing::Blocks | Framing::Messages => None,
        }
    }
}

/// From bytes to rows. Made once a table, for the columns that are needed.
pub trait Decode: Send + Sync {
    /// How records lie in the input.
    fn framing(&self) -> Framing;

    /// Whether records that do not parse are skipped and counted, rather than an error.
    fn skips_bad_records(&self) -> bool;

    /// Whether a line break in a message, where a message is one record, may be replaced by another blank: such messages can be fed
    /// as lines, many at once.
    fn messages_may_be_lines(&self) -> bool {
        false
    }

    /// Begins a batch, of whose input about `bytes` bytes will come.
    fn open(&self, bytes: usize) -> Result<Box<dyn DecodeRecords + '_>>;

    /// Reads the header of a file in [`Framing::Blocks`] from its start; `None` if more of it is needed. Fails, in words, for what is
    /// no such file or does not fit the table.
    fn read_header(&self, start: &[u8]) -> std::result::Result<Option<FileHeader>, String> {
        let _ = start;
        Err("the format has no header".into())
    }

    /// Of the decoder of such a file: how long the next block is, from its first [`BLOCK_HEAD_BYTES`], or fewer at the file's end.
    fn block_length(&self, head: &[u8]) -> std::result::Result<usize, String> {
        let _ = head;
        Err("the format has no blocks".into())
    }

    /// Decodes records that are all there.
    fn decode(&self, input: &[u8]) -> Result<Rows, Stop> {
        let mut records = self.open(input.len())?;
        records.feed(input)?;
        Ok(records.finish()?)
    }
}

/// A batch of rows in the making. Its input comes piece by piece, so that each piece is still in the processor's cache when it is
/// decoded.
pub trait DecodeRecords {
    /// Decodes whole records, which follow those that were fed before. A record that does not parse stops the decoding or, when the
    /// table says to skip such, is counted. After an error the batch is of no use.
    fn feed(&mut self, records: &[u8]) -> Result<(), Stop>;

    /// Decodes a message that is one record, whatever bytes it has. It comes with a line break behind it, which is not a part of it.
    fn feed_message(&mut self, message: &[u8]) -> Result<(), Stop> {
        self.feed(message)
    }

    /// Decodes messages that lie end to end, each with a line break behind it, and notes for each row which message it is from.
    /// `ends`: where each message ends, behind its line break; a message without any bytes is none.
    fn feed_messages(&mut self, messages: &[u8], ends: &[u32], origins: &mut Vec<u32>) -> Result<(), Stop> {
        let mut start = 0;
        for (message, end) in ends.iter().enumerate() {
            let end = *end as usize;
            if end > start {
                self.feed_message(&messages[start..end])?;
                origins.resize(self.rows(), message as u32);
            }
            start = end;
        }
        Ok(())
    }

    /// How many rows there are so far.
    fn rows(&self) -> usize;

    /// The rows of everything that was fed.
    fn finish(self: Box<Self>) -> Result<Rows>;
}

/// So many bytes of a block tell how long it is.
pub const BLOCK_HEAD_BYTES: usize = 20;

/// What the header of a file says.
pub struct FileHeader {
    /// Decodes blocks of that file.
    pub decode: Arc<dyn Decode>,
    /// Length of the header in bytes.
    pub length: usize,
}

/// A message without the line break behind it.
fn bare(message: &[u8]) -> &[u8] {
    message.split_last().map_or(message, |(_, bare)| bare)
}

/// Which message each record is from, by where records start: `starts` and `ends` ascend.
fn origins_of(starts: &[usize], ends: &[u32], origins: &mut Vec<u32>) {
    let mut message = 0;
    for start in starts {
        while ends[message] as usize <= *start {
            message += 1;
        }
        origins.push(message as u32);
    }
}

/// What was decoded.
#[derive(Debug)]
pub struct Rows {
    /// The rows.
    pub batch: RecordBatch,
    /// The kind of each row; `None`: all `+I`.
    pub kinds: Option<Arc<[RowKind]>>,
    /// Records that were skipped because they did not parse, or taken only in part.
    pub bad_rows: u64,
    /// The first few of them.
    pub bad: Vec<BadRecord>,
}

/// A record that does not parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// Where it starts, in bytes from the first record that was fed.
    pub offset: usize,
    /// How long it is in bytes, without the line break; 0 where that is not known.
    pub length: usize,
    /// Its text without the line break, cut to some 200 bytes.
    pub text: String,
    /// The column, if one column is to blame: `price` or `bid.price`.
    pub column: Option<String>,
    /// What is wrong.
    pub reason: String,
}

impl BadRecord {
    /// A record with all its text, and what is wrong with it.
    pub fn new(offset: usize, record: &[u8], column: Option<String>, reason: String) -> Self {
        Self { offset, length: record.len(), text: start_of(record), column, reason }
    }
}

/// The start of a record as text, to be shown.
pub fn start_of(record: &[u8]) -> String {
    String::from_utf8_lossy(&record[..record.len().min(SHOWN_BYTES)]).into_owned()
}

/// The start of a record that is no text, to be shown.
pub fn binary_record(record: &[u8]) -> String {
    use std::fmt::Write;
    let shown = &record[..record.len().min(SHOWN_BYTES / 4)];
    shown.iter().fold("0x".to_owned(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Why decoding stopped.
#[derive(Debug)]
pub enum Stop {
    /// A record that does not parse.
    Record(BadRecord),
    /// Anything else.
    Other(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Other(error)
    }
}

/// From rows to bytes. Made once a table.
pub trait Encode: Send + Sync {
    /// Whether records tell what kind of change they are; others are new rows only.
    fn takes_changes(&self) -> bool {
        false
    }

    /// Prepares a batch, whose columns are those the encoder was made for.
    fn open(&self, batch: &RecordBatch) -> Result<Box<dyn EncodeRows>>;

    /// What [`EncodeRows`] puts behind each record and a message of a queue leaves out.
    fn end_of_record(&self) -> &'static [u8] {
        b"\n"
    }

    /// What a file begins with.
    fn file_header(&self) -> Vec<u8> {
        vec![]
    }

    /// What stands in a file for so many encoded rows that follow each other.
    fn seal(&self, rows: u64, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let _ = rows;
        Ok(bytes)
    }
}

/// Encodes the rows of one batch.
pub trait EncodeRows {
    /// Appends one row as a whole record.
    fn row(&mut self, row: usize, out: &mut Vec<u8>) -> Result<()>;

    /// Appends one row with what kind of change it is, for an encoder that [`Encode::takes_changes`].
    fn change(&mut self, row: usize, kind: RowKind, out: &mut Vec<u8>) -> Result<()> {
        debug_assert_eq!(kind, RowKind::Insert);
        self.row(row, out)
    }
}

/// Names of all formats.
pub const NAMES: &[&str] = &[
    "avro",
    "avro-confluent",
    "canal-json",
    "csv",
    "debezium-avro-confluent",
    "debezium-json",
    "json",
    "maxwell-json",
    "ogg-json",
    "protobuf",
    "raw",
];

/// Those whose records do not tell where they end, so that they cannot lie in files.
const MESSAGES_ONLY: &[&str] = &["avro-confluent", "debezium-avro-confluent", "protobuf"];

/// An option of a format, without the name of the format before its key.
const fn required(key: &'static str, description: &'static str) -> OptionInfo {
    OptionInfo { key, required: true, default: None, description }
}

/// The same, of an option that need not be given.
const fn option(key: &'static str, default: Option<&'static str>, description: &'static str) -> OptionInfo {
    OptionInfo { key, required: false, default, description }
}

/// The options of a format; in a table the name of the format and a point stand before their keys.
pub fn options(format: &str) -> &'static [OptionInfo] {
    match format {
        "avro" => avro::OPTIONS,
        "avro-confluent" => avro::confluent::OPTIONS,
        "csv" => csv::OPTIONS,
        "json" => json::OPTIONS,
        "protobuf" => protobuf::OPTIONS,
        "raw" => raw::OPTIONS,
        name if let Some(kind) = changelog::Kind::of(name) => kind.options(),
        _ => &[],
    }
}

/// Whether a table's option belongs to its format, so that connectors do not take it for a typing error.
pub fn option_keys(format: &str) -> Vec<String> {
    Slot::Whole.option_keys(format)
}

/// Checks the values of a format's options.
pub fn check(options: &Options<'_>) -> Result<()> {
    Slot::Whole.check(options)
}

/// The name of the table's format.
pub fn name<'a>(options: &Options<'a>) -> Result<&'a str> {
    Slot::Whole.name(options)
}

/// Whether records of a format can lie in files.
pub fn lies_in_files(format: &str) -> bool {
    !MESSAGES_ONLY.contains(&format)
}

/// Checks the values of a format's options, and that it can lie in files.
pub fn check_for_files(options: &Options<'_>) -> Result<()> {
    let name = name(options)?;
    if !lies_in_files(name) {
        return Err(options
            .error(&format!("records of the format '{name}' do not tell where they end, so they cannot lie in files"))
            .help("It is for connectors of message queues; for files there are 'avro', 'json' and 'csv'"));
    }
    check(options)
}

/// A decoder of the table's format. `stored`: the physical columns that the records hold, in order. `needed`: those to decode, a
/// subset.
pub fn decoder(table: &TableSpec, stored: &[usize], needed: &[usize]) -> Result<Arc<dyn Decode>> {
    let fields: Vec<FieldRef> = stored.iter().map(|i| table.schema.fields()[*i].clone()).collect();
    let places: Vec<usize> = needed.iter().filter_map(|i| stored.iter().position(|s| s == i)).collect();
    Slot::Whole.decoder(&Options::new(table), &fields, &places)
}

/// The same for files of the table.
pub fn file_decoder(table: &TableSpec, stored: &[usize], needed: &[usize]) -> Result<Arc<dyn Decode>> {
    let options = Options::new(table);
    if name(&options)? != "avro" {
        return decoder(table, stored, needed);
    }
    let options = avro::AvroOptions::new(&options, "avro.")?;
    let projected = |columns: &[usize]| Ok::<_, Error>(Arc::new(table.schema.project(columns)?));
    Ok(Arc::new(avro::files::AvroFiles::new(&projected(stored)?, projected(needed)?, options)?))
}

/// An encoder of the table's format for rows of this schema.
pub fn encoder(table: &TableSpec, schema: SchemaRef) -> Result<Arc<dyn Encode>> {
    Slot::Whole.encoder(&Options::new(table), schema)
}

/// The same for files of the table.
pub fn file_encoder(table: &TableSpec, schema: SchemaRef) -> Result<Arc<dyn Encode>> {
    let options = Options::new(table);
    if name(&options)? != "avro" {
        return encoder(table, schema);
    }
    Ok(Arc::new(avro::files::AvroFileEncoder::new(schema, avro::AvroOptions::new(&options, "avro.")?)?))
}

/// Whether a file of the table's format ends with each checkpoint, as Flink's CSV and Avro files do; those of other formats go on.
pub fn closes_file_at_checkpoint(table: &TableSpec) -> Result<bool> {
    Ok(matches!(name(&Options::new(table))?, "csv" | "avro"))
}

/// An array of one value: what `text` stands for in a field's type, or NULL.
pub fn one_value(field: &Field, text: Option<&str>) -> std::result::Result<ArrayRef, String> {
    let rules = scalar::TextRules { standard: scalar::TimestampStandard::Sql, csv: true };
    let mut column = columns::Column::new(field, &columns::Room::rows(1)).map_err(|e| e.to_string())?;
    match text {
        Some(text) => scalar::push_text(&mut column, text, rules)?,
        None => column.push_null(),
    }
    column.finish().map_err(|e| e.to_string())
}
