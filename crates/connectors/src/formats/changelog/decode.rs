//! Reads records around images of rows, and makes changes of them.

use std::sync::OnceLock;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StructArray};
use arrow::compute::interleave;
use arrow::datatypes::SchemaRef;
use flott_engine::{Error, Result, RowKind};
use regex::bytes::Regex;
use serde::Deserialize;

use super::{Change, Kind};
use crate::formats::avro::confluent::{ConfluentDecoder, ConfluentOptions};
use crate::formats::json::{JsonDecoder, JsonOptions};
use crate::formats::{BadRecord, Decode, DecodeRecords, Framing, MAX_SAMPLES, Rows, Stop, binary_record, origins_of};
use crate::options::Options;

/// Decodes records into changes of rows of one schema.
pub struct ChangelogDecoder {
    kind: Kind,
    schema: SchemaRef,
    envelope: Envelope,
    /// The record lies in a member `payload`, beside its schema.
    wrapped: bool,
    ignore_parse_errors: bool,
    /// What names of database and table must match as a whole.
    include: [Option<Regex>; 2],
}

/// Reads what stands around the images.
enum Envelope {
    Json(Box<JsonDecoder>),
    Avro(Box<ConfluentDecoder>),
}

/// The options of a table in JSON.
struct Settings {
    wrapped: bool,
    include: [Option<Regex>; 2],
    json: JsonOptions,
}

impl Settings {
    fn new(kind: Kind, options: &Options<'_>, prefix: &str) -> Result<Self> {
        let wrapped = kind == Kind::Debezium && options.bool(&format!("{prefix}schema-include"), false)?;
        let mut include = [None, None];
        if kind == Kind::Canal {
            for (slot, key) in include.iter_mut().zip(["database.include", "table.include"]) {
                let key = format!("{prefix}{key}");
                let Some(pattern) = options.get(&key) else { continue };
                let whole = Regex::new(&format!("^(?:{pattern})$"));
                *slot = Some(whole.map_err(|e| options.error(&format!("'{key}' is not a regular expression: {e}")))?);
            }
        }
        Ok(Self { wrapped, include, json: JsonOptions::new(options, prefix)? })
    }
}

/// Checks the values of a table's options, before whose keys `prefix` stands.
pub fn check(kind: Kind, options: &Options<'_>, prefix: &str) -> Result<()> {
    if kind == Kind::DebeziumAvro {
        return ConfluentOptions::new(options, prefix).map(drop);
    }
    Settings::new(kind, options, prefix).map(drop)
}

impl ChangelogDecoder {
    /// A decoder that fills the columns `schema`, of records that hold those of `stored`. Fails for types that JSON or Avro does not
    /// carry, and for options that are wrong.
    pub fn new(kind: Kind, stored: &SchemaRef, schema: SchemaRef, options: &Options<'_>, prefix: &str) -> Result<Self> {
        if kind == Kind::DebeziumAvro {
            let around = |columns: &SchemaRef| kind.envelope(columns.fields(), false);
            let envelope = ConfluentDecoder::new(&around(stored), around(&schema), ConfluentOptions::new(options, prefix)?)?;
            let envelope = Envelope::Avro(Box::new(envelope));
            return Ok(Self { kind, schema, envelope, wrapped: false, ignore_parse_errors: false, include: [None, None] });
        }
        let Settings { wrapped, include, json } = Settings::new(kind, options, prefix)?;
        let ignore_parse_errors = json.ignore_parse_errors;
        let envelope = Envelope::Json(Box::new(JsonDecoder::new(kind.envelope(schema.fields(), wrapped), json)?));
        Ok(Self { kind, schema, envelope, wrapped, ignore_parse_errors, include })
    }
}

impl Decode for ChangelogDecoder {
    fn framing(&self) -> Framing {
        match self.envelope {
            Envelope::Json(_) => Framing::Lines,
            Envelope::Avro(_) => Framing::Messages,
        }
    }

    fn skips_bad_records(&self) -> bool {
        self.ignore_parse_errors
    }

    fn messages_may_be_lines(&self) -> bool {
        true
    }

    fn open(&self, _bytes: usize) -> Result<Box<dyn DecodeRecords + '_>> {
        Ok(Box::new(Changes {
            decoder: self,
            pieces: vec![],
            images: vec![],
            kinds: vec![],
            merged: vec![],
            at: 0,
            starts: vec![],
            fed: 0,
            bad_rows: 0,
            bad: vec![],
        }))
    }
}

/// The images of rows in a piece of input, all those before and all those after.
struct Piece {
    before: StructArray,
    after: StructArray,
}

/// An image that becomes a row.
#[derive(Clone, Copy)]
struct Image {
    piece: usize,
    after: bool,
    row: usize,
}

/// A row before an update of which only the columns are told that changed; the others are as after it.
struct Merged {
    /// The row of the result.
    row: usize,
    /// The image after.
    after: usize,
    /// By column, whether the record has it.
    told: Vec<bool>,
}

/// A batch in the making.
struct Changes<'a> {
    decoder: &'a ChangelogDecoder,
    pieces: Vec<Piece>,
    images: Vec<Image>,
    kinds: Vec<RowKind>,
    merged: Vec<Merged>,
    /// Where the record that is being read starts in the piece, and that of each image.
    at: usize,
    starts: Vec<usize>,
    /// Bytes fed.
    fed: usize,
    bad_rows: u64,
    bad: Vec<BadRecord>,
}

impl DecodeRecords for Changes<'_> {
    fn feed(&mut self, records: &[u8]) -> Result<(), Stop> {
        if matches!(self.decoder.envelope, Envelope::Avro(_)) {
            // A message comes with a line break behind it.
            return self.feed_message(&[records, b"\n"].concat());
        }
        if self.decoder.include.iter().all(Option::is_none) {
            self.feed_wanted(records, 0)?;
        } else {
            // Rows of other tables may have other types, so they must not even be looked at.
            let (mut from, mut at) = (0, 0);
            while at < records.len() {
                let end = memchr::memchr(b'\n', &records[at..]).map_or(records.len(), |i| at + i + 1);
                if !self.wanted(&records[at..end], at)? {
                    self.feed_wanted(&records[from..at], from)?;
                    from = end;
                }
                at = end;
            }
            self.feed_wanted(&records[from..], from)?;
        }
        self.fed += records.len();
        Ok(())
    }

    fn feed_message(&mut self, message: &[u8]) -> Result<(), Stop> {
        self.feed_messages(message, &[message.len() as u32], &mut vec![])
    }

    fn feed_messages(&mut self, messages: &[u8], ends: &[u32], origins: &mut Vec<u32>) -> Result<(), Stop> {
        self.starts.clear();
        match &self.decoder.envelope {
            Envelope::Json(_) => self.feed(messages)?,
            Envelope::Avro(envelope) => {
                let (rows, of_rows) = envelope.decode_with_origins(messages, ends).map_err(|stop| self.moved(stop, 0))?;
                let start_of = |message: usize| message.checked_sub(1).map_or(0, |before| ends[before] as usize);
                let starts: Vec<usize> = of_rows.iter().map(|message| start_of(*message as usize)).collect();
                let message_at = |start: usize| {
                    let end = ends[ends.partition_point(|end| *end as usize <= start)] as usize;
                    messages[start..end].split_last().map_or(&[][..], |(_, message)| message)
                };
                self.take(&rows, &starts, 0, message_at)?;
                self.fed += messages.len();
            }
        }
        origins_of(&self.starts, ends, origins);
        Ok(())
    }

    fn rows(&self) -> usize {
        self.images.len()
    }

    fn finish(self: Box<Self>) -> Result<Rows> {
        let rows = self.images.len();
        let columns = (0..self.decoder.schema.fields().len()).map(|c| self.column(c)).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.decoder.schema.clone(), columns, &options)?;
        let updates = self.kinds.iter().any(|kind| *kind != RowKind::Insert);
        let Changes { kinds, bad_rows, bad, .. } = *self;
        Ok(Rows { batch, kinds: updates.then(|| kinds.into()), bad_rows, bad })
    }
}

impl Changes<'_> {
    /// Whether a record is of a database and a table that are wanted.
    fn wanted(&mut self, line: &[u8], at: usize) -> Result<bool, Stop> {
        #[derive(Deserialize)]
        struct Origin {
            database: Option<String>,
            table: Option<String>,
        }
        if line.trim_ascii().is_empty() {
            return Ok(true);
        }
        let Ok(origin) = serde_json::from_slice::<Origin>(line) else { return Ok(true) };
        for (pattern, (name, what)) in self.decoder.include.iter().zip([(origin.database, "database"), (origin.table, "table")]) {
            let Some(pattern) = pattern else { continue };
            match name {
                Some(name) if pattern.is_match(name.as_bytes()) => {}
                Some(_) => return Ok(false),
                None => {
                    self.refuse(at, line, format!("the record does not tell its {what}"))?;
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Decodes records that start at `offset` of the piece.
    fn feed_wanted(&mut self, records: &[u8], offset: usize) -> Result<(), Stop> {
        if records.is_empty() {
            return Ok(());
        }
        let Envelope::Json(envelope) = &self.decoder.envelope else { return Ok(()) };
        let (rows, starts) = envelope.decode_with_starts(records).map_err(|stop| self.moved(stop, offset))?;
        self.bad_rows += rows.bad_rows;
        let room = MAX_SAMPLES.saturating_sub(self.bad.len());
        let from = self.fed + offset;
        self.bad.extend(rows.bad.iter().take(room).map(|bad| BadRecord { offset: from + bad.offset, ..bad.clone() }));
        self.take(&rows, &starts, offset, |start| line_at(records, start))
    }

    /// Why decoding stopped, in a piece that starts at `offset` of what is fed.
    fn moved(&self, stop: Stop, offset: usize) -> Stop {
        match stop {
            Stop::Record(bad) => Stop::Record(BadRecord { offset: self.fed + offset + bad.offset, ..bad }),
            other => other,
        }
    }

    /// Makes changes of records, which start at `starts` of a piece that starts at `offset` of what is fed.
    fn take<'r>(&mut self, rows: &Rows, starts: &[usize], offset: usize, record_at: impl Fn(usize) -> &'r [u8]) -> Result<(), Stop> {
        let members = Members::of(&rows.batch, self.decoder)?;
        for (row, start) in starts.iter().enumerate() {
            let record = record_at(*start);
            self.at = offset + start;
            if let Err(reason) = self.record(&members, row, record) {
                self.refuse(offset + start, record, reason)?;
            }
        }
        self.pieces.push(Piece { before: members.before, after: members.after });
        Ok(())
    }

    #[cold]
    fn refuse(&mut self, at: usize, line: &[u8], reason: String) -> Result<(), Stop> {
        let mut bad = BadRecord::new(self.fed + at, line, None, reason);
        if matches!(self.decoder.envelope, Envelope::Avro(_)) {
            bad.text = binary_record(line);
        }
        if !self.decoder.ignore_parse_errors {
            return Err(Stop::Record(bad));
        }
        self.bad_rows += 1;
        if self.bad.len() < MAX_SAMPLES {
            self.bad.push(bad);
        }
        Ok(())
    }

    /// Makes changes of a record, or tells what is wrong with it.
    fn record(&mut self, members: &Members, row: usize, line: &[u8]) -> Result<(), String> {
        let kind = self.decoder.kind;
        let [_, _, op] = kind.members();
        let word = members.op(row).ok_or_else(|| format!("the record has no \"{op}\""))?;
        let change = kind.change(word).ok_or_else(|| format!("\"{op}\" is \"{word}\", which is no kind of change of {}", kind.name()))?;
        match change {
            Change::Nothing => {}
            Change::Insert => self.images(members, row, true, RowKind::Insert)?,
            Change::Delete => self.images(members, row, kind.partial_before(), RowKind::Delete)?,
            Change::Update => self.update(members, row, line)?,
        }
        Ok(())
    }

    /// All images of a record on one side, each a change of that kind.
    fn images(&mut self, members: &Members, record: usize, after: bool, kind: RowKind) -> Result<(), String> {
        for row in members.images(record, after)? {
            self.image(after, row, kind);
        }
        Ok(())
    }

    fn image(&mut self, after: bool, row: usize, kind: RowKind) {
        self.images.push(Image { piece: self.pieces.len(), after, row });
        self.kinds.push(kind);
        self.starts.push(self.at);
    }

    fn update(&mut self, members: &Members, record: usize, line: &[u8]) -> Result<(), String> {
        let (before, after) = (members.images(record, false)?, members.images(record, true)?);
        if before.len() < after.len() {
            return Err("an update has fewer rows before than after it".into());
        }
        let partial = self.decoder.kind.partial_before();
        let told = OnceLock::new();
        for (old, new) in before.zip(after) {
            if partial && members.lacks_columns(old) {
                let told = told.get_or_init(|| self.told(line)).clone();
                self.merged.push(Merged { row: self.images.len(), after: new, told });
            }
            self.image(false, old, RowKind::UpdateBefore);
            self.image(true, new, RowKind::UpdateAfter);
        }
        Ok(())
    }

    /// By column, whether the record's `old` has a member of its name: one that is NULL there was NULL, one that is not there did not change.
    fn told(&self, line: &[u8]) -> Vec<bool> {
        #[derive(Deserialize)]
        struct Old {
            old: serde_json::Value,
        }
        let old = serde_json::from_slice::<Old>(line).map(|record| record.old).unwrap_or_default();
        self.decoder.schema.fields().iter().map(|field| has_member(&old, field.name())).collect()
    }

    /// A column of the result.
    fn column(&self, c: usize) -> Result<ArrayRef> {
        let field = self.decoder.schema.field(c);
        let sources: Vec<&dyn Array> = self.pieces.iter().flat_map(|p| [p.before.column(c).as_ref(), p.after.column(c).as_ref()]).collect();
        let mut places: Vec<(usize, usize)> = self.images.iter().map(|i| (2 * i.piece + usize::from(i.after), i.row)).collect();
        for merged in self.merged.iter().filter(|m| !m.told[c]) {
            let Image { piece, row, .. } = self.images[merged.row];
            if self.pieces[piece].before.column(c).is_null(row) {
                places[merged.row] = (2 * piece + 1, merged.after);
            }
        }
        if places.is_empty() {
            return Ok(arrow::array::new_empty_array(field.data_type()));
        }
        Ok(interleave(&sources, &places)?)
    }
}

/// Whether a JSON value has a member of that name, at any depth, as Flink looks for it.
fn has_member(value: &serde_json::Value, name: &str) -> bool {
    match value {
        serde_json::Value::Object(members) => members.contains_key(name) || members.values().any(|v| has_member(v, name)),
        serde_json::Value::Array(elements) => elements.iter().any(|v| has_member(v, name)),
        _ => false,
    }
}

/// The line that starts at `start`.
fn line_at(records: &[u8], start: usize) -> &[u8] {
    let rest = &records[start..];
    &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())]
}

/// The members of the records of a batch.
struct Members {
    before: StructArray,
    after: StructArray,
    op: ArrayRef,
    /// Where the images of a record lie among those of all, if it may have several: before and after.
    lists: Option<[ArrayRef; 2]>,
    names: [&'static str; 3],
}

impl Members {
    fn of(batch: &RecordBatch, decoder: &ChangelogDecoder) -> Result<Self> {
        let columns: Vec<ArrayRef> = match decoder.wrapped {
            // A payload that is NULL has members that are NULL.
            true => batch.column(0).as_struct().columns().to_vec(),
            false => batch.columns().to_vec(),
        };
        let [before, after, op] = &columns[..] else { return Err(Error::internal("a record of a change has three members")) };
        let lists = (decoder.kind == Kind::Canal).then(|| [before.clone(), after.clone()]);
        let images = |column: &ArrayRef| match &lists {
            Some(_) => column.as_list::<i32>().values().as_struct().clone(),
            None => column.as_struct().clone(),
        };
        Ok(Self { before: images(before), after: images(after), op: op.clone(), lists, names: decoder.kind.members() })
    }

    fn op(&self, record: usize) -> Option<&str> {
        let op = self.op.as_string::<i32>();
        op.is_valid(record).then(|| op.value(record))
    }

    /// The images of a record on one side.
    fn images(&self, record: usize, after: bool) -> Result<std::ops::Range<usize>, String> {
        let name = self.names[usize::from(after)];
        let images = if after { &self.after } else { &self.before };
        let rows = match &self.lists {
            None => record..record + 1,
            Some(lists) => {
                let list = lists[usize::from(after)].as_list::<i32>();
                if list.is_null(record) {
                    return Err(format!("the record has no \"{name}\""));
                }
                let offsets = list.value_offsets();
                offsets[record] as usize..offsets[record + 1] as usize
            }
        };
        if rows.clone().any(|row| images.is_null(row)) {
            let mut reason = format!("the record has no \"{name}\"");
            if !after && self.lists.is_none() {
                reason.push_str(": the database must be told to log whole rows (REPLICA IDENTITY FULL in PostgreSQL)");
            }
            return Err(reason);
        }
        Ok(rows)
    }

    /// Whether the image before has a column that is NULL or not there.
    fn lacks_columns(&self, row: usize) -> bool {
        self.before.columns().iter().any(|column| column.is_null(row))
    }
}
