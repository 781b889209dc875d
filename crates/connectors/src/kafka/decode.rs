//! Messages become rows: the key and the value of each are decoded by their formats, many at a time, and put together with what is
//! known of the message.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, Int32Array, Int64Array, MapBuilder, MapFieldNames, RecordBatch, RecordBatchOptions, StringArray,
    StringBuilder, TimestampMillisecondArray, UInt32Array,
};
use arrow::compute::{cast, concat_batches, take};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use flott_engine::connector::{ColumnRef, TableSpec};
use flott_engine::source::{BadRow, Chunk, Decoded, Position};
use flott_engine::{Error, Result, RowKind};

use super::config::{BAD_RECORD, Kind, Layout, OnBad, SourceConfig};
use super::dead_letters::{DeadLetter, DeadLetters};
use super::messages::{MessageSet, Pieces, Wanted};
use crate::formats::{Decode, MAX_SAMPLES, Rows, Slot, Stop, start_of};
use crate::options::Options;

/// A message larger than this is refused: it would take many times its size to decode.
pub const MESSAGE_BYTES_MAX: usize = 8 << 20;

/// What is wrong with a key that is not there.
pub const KEYLESS: &str = "it is NULL, and a message of upsert-kafka needs one";

/// What is wrong with a message that is too long.
pub fn huge() -> String {
    format!("a message is longer than {} MiB", MESSAGE_BYTES_MAX >> 20)
}

/// Where a column of a row comes from.
#[derive(Debug, Clone)]
enum Origin {
    /// The key, by place among the columns decoded from it.
    Key(usize),
    /// The value, likewise.
    Value(usize),
    /// Metadata of that key, as that type.
    Metadata(String, DataType),
}

/// What all messages of a table share.
pub struct DecodePlan {
    layout: Layout,
    on_bad: OnBad,
    /// Decodes values.
    pub value: Arc<dyn Decode>,
    /// Decodes keys, if they are needed.
    pub key: Option<Arc<dyn Decode>>,
    columns: Vec<Origin>,
    schema: SchemaRef,
    letters: Option<Arc<DeadLetters>>,
    /// A value that is NULL is a row of NULLs, not nothing.
    null_is_row: bool,
    /// What must be kept of messages.
    pub wanted: Wanted,
    /// Bad messages are read, of which these columns are wanted, and nothing else.
    bad: Option<Vec<usize>>,
}

impl DecodePlan {
    /// The plan of a table that was checked.
    pub fn new(table: &TableSpec, config: &SourceConfig, letters: Option<Arc<DeadLetters>>) -> Result<Self> {
        let (layout, on_bad) = (config.layout.clone(), config.on_bad);
        let options = Options::new(table);
        let upsert = layout.kind == Kind::Upsert;
        let (mut key_needed, mut value_needed, mut columns) = (vec![], vec![], vec![]);
        // What tells rows apart is in the key of every message, also of one that deletes.
        let in_key = |i: &usize| layout.key.contains(i) && (upsert || !layout.value.contains(i));
        for column in &table.columns {
            columns.push(match column {
                ColumnRef::Physical(i) if in_key(i) => {
                    key_needed.extend(layout.key.iter().position(|k| k == i));
                    Origin::Key(key_needed.len() - 1)
                }
                ColumnRef::Physical(i) => {
                    value_needed.extend(layout.value.iter().position(|v| v == i));
                    Origin::Value(value_needed.len() - 1)
                }
                ColumnRef::Metadata { key, data_type, .. } => Origin::Metadata(key.clone(), data_type.clone()),
            });
        }
        let slot = layout.value_slot;
        let value = slot.decoder(&options, &layout.value_fields, &value_needed)?;
        let needs_key = upsert || !key_needed.is_empty();
        let key = needs_key.then(|| Slot::Key.decoder(&options, &layout.key_fields, &key_needed)).transpose()?;
        let needs = |names: &[&str]| columns.iter().any(|c| matches!(c, Origin::Metadata(key, _) if names.contains(&key.as_str())));
        let wanted = Wanted {
            key: key.is_some() || letters.is_some(),
            timestamp: needs(&["timestamp", "timestamp-type"]) || letters.is_some(),
            leader_epoch: needs(&["leader-epoch"]),
            headers: needs(&["headers"]) || letters.is_some(),
            // Bad messages are passed on as they came.
            value_lines: value.messages_may_be_lines() && letters.is_none(),
            key_lines: key.as_ref().is_some_and(|key| key.messages_may_be_lines()) && letters.is_none(),
        };
        let nullable = |f: &FieldRef| if upsert { Arc::new(f.as_ref().clone().with_nullable(true)) } else { f.clone() };
        let schema = Arc::new(Schema::new(table.read_schema().fields().iter().map(nullable).collect::<Vec<_>>()));
        let null_is_row = slot.name(&options)? == "raw" && !upsert;
        Ok(Self { layout, on_bad, value, key, columns, schema, letters, null_is_row, wanted, bad: None })
    }

    /// From now on it gives the messages that cannot be decoded.
    pub fn gives_bad(&mut self, wanted: &[usize]) {
        self.bad = Some(wanted.to_vec());
        (self.wanted.key, self.wanted.timestamp) = (true, true);
        (self.wanted.value_lines, self.wanted.key_lines) = (false, false);
    }

    /// Values or keys as their format takes them: where they were kept as they came, with other blanks for line breaks if it takes lines.
    pub fn lined<'a>(&self, pieces: &'a Pieces, decode: &dyn Decode, kept: bool) -> Cow<'a, Pieces> {
        if kept || !decode.messages_may_be_lines() { Cow::Borrowed(pieces) } else { Cow::Owned(pieces.as_lines()) }
    }

    /// Whether rows of values are rows of the table, one after the other, whatever messages they are from.
    fn only_values(&self) -> bool {
        self.key.is_none() && self.columns.iter().all(|c| matches!(c, Origin::Value(_)))
    }

    /// Whether messages are the newest rows of their keys.
    pub fn upsert(&self) -> bool {
        self.layout.kind == Kind::Upsert
    }
}

/// Messages of one partition, to be decoded by any worker.
pub struct MessageChunk {
    /// What all messages of the table share.
    pub plan: Arc<DecodePlan>,
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The messages.
    pub set: MessageSet,
}

/// What is wrong with messages, by their place in the set.
#[derive(Default)]
struct Bad {
    /// Those that are left out.
    out: BTreeSet<u32>,
    count: u64,
    samples: Vec<BadRow>,
}

/// Rows of keys or of values.
struct Part {
    batch: RecordBatch,
    kinds: Option<Arc<[RowKind]>>,
    /// The message of each row; `None`: nobody asks.
    origins: Option<Vec<u32>>,
}

impl Chunk for MessageChunk {
    fn start(&self) -> Position {
        self.set.first().to_string()
    }

    fn end(&self) -> Option<Position> {
        Some(self.set.next().to_string())
    }

    fn decode(self: Box<Self>) -> Result<Decoded> {
        let mut bad = Bad::default();
        let plan = &self.plan;
        if let Some(wanted) = &plan.bad {
            return self.bad_messages(wanted);
        }
        self.refuse_huge(&mut bad)?;
        let keys = match &plan.key {
            Some(decode) => Some(self.keys(decode.as_ref(), &mut bad)?),
            None => None,
        };
        let asked = !plan.only_values() || plan.null_is_row;
        let values = plan.lined(&self.set.values, plan.value.as_ref(), plan.wanted.value_lines);
        let values = self.part(plan.value.as_ref(), &values, "value", asked, &mut bad)?;
        let (rows, kinds) = if asked {
            self.assemble(keys, values, &bad)?
        } else {
            let rows = count(values.batch.num_rows());
            (RecordBatch::try_new_with_options(plan.schema.clone(), values.batch.columns().to_vec(), &rows)?, values.kinds)
        };
        let bytes = (self.set.values.bytes.len() + self.set.keys.bytes.len()) as u64;
        Ok(Decoded { rows, kinds, bad_rows: bad.count, bad_samples: bad.samples, bytes })
    }
}

fn count(rows: usize) -> RecordBatchOptions {
    RecordBatchOptions::new().with_row_count(Some(rows))
}

impl MessageChunk {
    /// `topic orders, partition 2, offset 42, column price`.
    fn place(&self, message: usize, column: Option<&str>) -> String {
        let column = column.map(|column| format!(", column {column}")).unwrap_or_default();
        format!("topic {}, partition {}, offset {}{column}", self.topic, self.partition, self.set.offsets[message])
    }

    /// A message that cannot be decoded: an error, or left out and counted.
    fn refuse(&self, message: usize, part: &str, column: Option<&str>, reason: String, bad: &mut Bad) -> Result<()> {
        let place = self.place(message, column);
        let reason = if part == "key" { format!("the key: {reason}") } else { reason };
        if self.plan.on_bad == OnBad::Fail {
            return Err(Error::data(reason)
                .at(place)
                .help(format!("Mend the message's sender, or leave such messages out and count them: '{BAD_RECORD}' = 'skip'")));
        }
        if let Some(letters) = &self.plan.letters {
            letters.push(DeadLetter {
                topic: self.topic.to_string(),
                partition: self.partition,
                offset: self.set.offsets[message],
                key: self.plan.wanted.key.then(|| self.set.keys.get(message)).flatten().map(<[u8]>::to_vec),
                value: self.set.values.get(message).map(<[u8]>::to_vec),
                reason: reason.clone(),
                column: column.map(str::to_owned),
                timestamp: self.set.times.get(message).map(|(ms, _)| *ms),
                headers: self.set.headers.of(message).to_vec(),
            });
        }
        bad.out.insert(message as u32);
        bad.note(BadRow { place, reason, text: start_of(self.set.values.get(message).unwrap_or_default()) });
        Ok(())
    }

    fn refuse_huge(&self, bad: &mut Bad) -> Result<()> {
        if self.set.values.bytes.len() <= MESSAGE_BYTES_MAX {
            return Ok(());
        }
        for message in 0..self.set.len() {
            if self.set.values.get(message).is_some_and(|value| value.len() > MESSAGE_BYTES_MAX) {
                self.refuse(message, "value", None, huge(), bad)?;
            }
        }
        Ok(())
    }

    /// Decodes keys or values. Behind one that cannot be decoded, decoding goes on, if it is left out.
    fn part(&self, decode: &dyn Decode, pieces: &Pieces, name: &str, asked: bool, bad: &mut Bad) -> Result<Part> {
        let (mut runs, mut from) = (vec![], 0);
        let all = pieces.ends.len();
        let mut to = all;
        while from < all {
            if let Some(out) = bad.out.range(from as u32..).next() {
                to = to.min(*out as usize);
            }
            if from == to {
                (from, to) = (to + 1, all);
                continue;
            }
            match run(decode, pieces, from..to, asked) {
                Ok((rows, origins)) => {
                    let start = pieces.start(from);
                    for record in &rows.bad {
                        let place = self.place(pieces.piece_at(start + record.offset), record.column.as_deref());
                        bad.sample(BadRow { place, reason: record.reason.clone(), text: record.text.clone() });
                    }
                    bad.count += rows.bad_rows;
                    runs.push((rows, origins));
                    from = to;
                    to = all;
                }
                Err(Stop::Other(error)) => return Err(error.at(format!("topic {}, partition {}", self.topic, self.partition))),
                Err(Stop::Record(record)) => {
                    let message = pieces.piece_at(pieces.start(from) + record.offset);
                    self.refuse(message, name, record.column.as_deref(), record.reason, bad)?;
                    to = message;
                }
            }
        }
        joined(decode, runs, asked)
    }

    /// Decodes keys, and tells which row is that of each message.
    fn keys(&self, decode: &dyn Decode, bad: &mut Bad) -> Result<(RecordBatch, Vec<Option<u32>>)> {
        let keys = self.plan.lined(&self.set.keys, decode, self.plan.wanted.key_lines);
        let part = self.part(decode, &keys, "key", true, bad)?;
        let rows = rows_by_message(part.origins.as_deref().unwrap_or_default(), self.set.len());
        if self.plan.upsert() {
            for (message, row) in rows.iter().enumerate() {
                if row.is_none() && !bad.out.contains(&(message as u32)) {
                    self.refuse(message, "key", None, KEYLESS.to_owned(), bad)?;
                }
            }
        }
        Ok((part.batch, rows))
    }

    /// Puts rows of the table together.
    fn assemble(
        &self,
        keys: Option<(RecordBatch, Vec<Option<u32>>)>,
        values: Part,
        bad: &Bad,
    ) -> Result<(RecordBatch, Option<Arc<[RowKind]>>)> {
        let origins = values.origins.unwrap_or_default();
        let (messages, picked, kinds) = match self.plan.upsert() {
            false => (origins, None, values.kinds),
            true => self.changes(&origins, bad),
        };
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.plan.columns.len());
        for origin in &self.plan.columns {
            columns.push(match (origin, &keys, &picked) {
                (Origin::Value(i), _, None) => values.batch.column(*i).clone(),
                (Origin::Value(i), _, Some(rows)) => take(values.batch.column(*i), rows, None)?,
                (Origin::Key(i), Some((batch, rows)), _) => {
                    let rows: UInt32Array = messages.iter().map(|m| rows[*m as usize]).collect();
                    take(batch.column(*i), &rows, None)?
                }
                (Origin::Key(_), None, _) => return Err(Error::internal("a column of the key was not decoded")),
                (Origin::Metadata(key, data_type), ..) => cast(&self.metadata(key, &messages)?, data_type)?,
            });
        }
        Ok((RecordBatch::try_new_with_options(self.plan.schema.clone(), columns, &count(messages.len()))?, kinds))
    }

    /// The changes that messages with a key are: the message of each, the row of its value, and its kind.
    fn changes(&self, origins: &[u32], bad: &Bad) -> (Vec<u32>, Option<UInt32Array>, Option<Arc<[RowKind]>>) {
        let value_rows = rows_by_message(origins, self.set.len());
        let (mut messages, mut picked, mut kinds) = (vec![], vec![], vec![]);
        for (message, row) in value_rows.into_iter().enumerate() {
            let deletes = self.set.values.is_null(message);
            if bad.out.contains(&(message as u32)) || (!deletes && row.is_none()) {
                continue;
            }
            messages.push(message as u32);
            picked.push(row.filter(|_| !deletes));
            kinds.push(if deletes { RowKind::Delete } else { RowKind::UpdateAfter });
        }
        (messages, Some(UInt32Array::from(picked)), Some(kinds.into()))
    }

    /// A metadata column for rows from these messages.
    fn metadata(&self, key: &str, messages: &[u32]) -> Result<ArrayRef> {
        let set = &self.set;
        let rows = messages.iter().map(|m| *m as usize);
        Ok(match key {
            "topic" => Arc::new(StringArray::from_iter_values(rows.map(|_| &*self.topic))),
            "partition" => Arc::new(Int32Array::from(vec![self.partition; messages.len()])),
            "offset" => Arc::new(Int64Array::from_iter_values(rows.map(|m| set.offsets[m]))),
            "leader-epoch" => Arc::new(Int32Array::from_iter(rows.map(|m| set.leader_epochs[m]))),
            "timestamp" => Arc::new(TimestampMillisecondArray::from_iter_values(rows.map(|m| set.times[m].0)).with_timezone("UTC")),
            "timestamp-type" => Arc::new(StringArray::from_iter_values(rows.map(|m| set.times[m].1))),
            "headers" => self.headers(rows),
            other => return Err(Error::internal(format!("messages have no metadata '{other}'"))),
        })
    }

    /// Headers as maps: of several with one name the last one counts.
    fn headers(&self, rows: impl Iterator<Item = usize>) -> ArrayRef {
        let headers = &self.set.headers;
        let names = MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
        let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), BinaryBuilder::new());
        for message in rows {
            let own = headers.of(message);
            for (i, (name, value)) in own.iter().enumerate() {
                if own[i + 1..].iter().all(|(later, _)| later != name) {
                    maps.keys().append_value(name);
                    maps.values().append_option(value.as_deref());
                }
            }
            // Fails for keys and values of unequal number only.
            let _ = maps.append(true);
        }
        Arc::new(maps.finish())
    }
}

/// Decodes pieces without a gap, none of which is known to be bad. With `asked` it tells which message each row is from.
pub fn run(decode: &dyn Decode, pieces: &Pieces, range: Range<usize>, asked: bool) -> Result<(Rows, Vec<u32>), Stop> {
    let start = pieces.start(range.start);
    let bytes = &pieces.bytes[start..pieces.ends[range.end - 1] as usize];
    let mut records = decode.open(bytes.len())?;
    let mut origins = vec![];
    if !asked && decode.messages_may_be_lines() {
        records.feed(bytes)?;
    } else {
        let ends = &pieces.ends[range.clone()];
        let shifted: Vec<u32>;
        let ends = match start {
            0 => ends,
            _ => {
                shifted = ends.iter().map(|end| end - start as u32).collect();
                &shifted
            }
        };
        records.feed_messages(bytes, ends, &mut origins)?;
        origins.iter_mut().for_each(|o| *o += range.start as u32);
    }
    Ok((records.finish()?, origins))
}

/// The rows of several runs as one part.
fn joined(decode: &dyn Decode, mut runs: Vec<(Rows, Vec<u32>)>, asked: bool) -> Result<Part> {
    if runs.len() == 1
        && let Some((rows, origins)) = runs.pop()
    {
        return Ok(Part { batch: rows.batch, kinds: rows.kinds, origins: asked.then_some(origins) });
    }
    if runs.is_empty() {
        let rows = decode.open(0)?.finish()?;
        return Ok(Part { batch: rows.batch, kinds: None, origins: asked.then(Vec::new) });
    }
    let changes = runs.iter().any(|(rows, _)| rows.kinds.is_some());
    let kinds = changes.then(|| {
        let of = |rows: &Rows| rows.kinds.as_ref().map_or_else(|| vec![RowKind::Insert; rows.batch.num_rows()], |k| k.to_vec());
        runs.iter().flat_map(|(rows, _)| of(rows)).collect()
    });
    let schema = runs[0].0.batch.schema();
    let rows: usize = runs.iter().map(|(rows, _)| rows.batch.num_rows()).sum();
    let batch = match schema.fields().is_empty() {
        true => RecordBatch::try_new_with_options(schema, vec![], &count(rows))?,
        false => concat_batches(&schema, runs.iter().map(|(rows, _)| &rows.batch))?,
    };
    Ok(Part { batch, kinds, origins: asked.then(|| runs.into_iter().flat_map(|(_, origins)| origins).collect()) })
}

/// The row of each message, the last one if it has several.
fn rows_by_message(origins: &[u32], messages: usize) -> Vec<Option<u32>> {
    let mut rows = vec![None; messages];
    for (row, message) in origins.iter().enumerate() {
        rows[*message as usize] = Some(row as u32);
    }
    rows
}

impl Bad {
    fn note(&mut self, row: BadRow) {
        self.count += 1;
        self.sample(row);
    }

    fn sample(&mut self, row: BadRow) {
        if self.samples.len() < MAX_SAMPLES {
            self.samples.push(row);
        }
    }
}
