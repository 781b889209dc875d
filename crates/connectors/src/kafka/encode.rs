//! Rows become messages, on the workers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, Int32Array, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use flott_engine::connector::{ColumnRef, TableSpec};
use flott_engine::sink::{Encoder, Payload};
use flott_engine::{Batch, Error, Result, RowKind};

use super::config::{Kind, Partitioner, SinkConfig};
use super::metadata;
use super::record::SCHEMA;
use crate::formats::{Encode, Slot};
use crate::options::Options;

/// What the encoders of a table share.
pub struct EncodePlan {
    kind: Kind,
    /// Places in a row of the key's columns, and how they are written.
    key: Option<Part>,
    value: Part,
    /// Places in a row of columns that are metadata, by their key.
    metadata: Vec<(String, usize)>,
    fixed: bool,
    table: String,
}

/// The key or the value of messages.
struct Part {
    places: Vec<usize>,
    fields: Vec<FieldRef>,
    encode: Arc<dyn Encode>,
    /// A NULL in the only column is no key or value at all.
    raw: bool,
    /// Records end with a line break, which messages do not have.
    lines: bool,
}

impl Part {
    fn new(table: &TableSpec, slot: Slot, columns: &[usize], fields: &[FieldRef]) -> Result<Self> {
        let of_row = |i: &usize| table.columns.iter().position(|c| *c == ColumnRef::Physical(*i));
        let places: Option<Vec<usize>> = columns.iter().map(of_row).collect();
        let places = places.ok_or_else(|| Error::internal(format!("Table {}: a column is not written", table.name)))?;
        let encode = slot.encoder(&Options::new(table), Arc::new(Schema::new(fields.to_vec())))?;
        let name = slot.name(&Options::new(table))?;
        let lines = matches!(name, "csv" | "json" | "raw" | "debezium-json" | "canal-json" | "maxwell-json" | "ogg-json");
        Ok(Self { places, fields: fields.to_vec(), encode, raw: name == "raw", lines })
    }

    /// The columns of this part, under the names that they have in the record.
    fn of(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> = self.places.iter().map(|i| rows.column(*i).clone()).collect();
        let nullable = |f: &FieldRef| Field::clone(f).with_nullable(true);
        let schema = Schema::new(self.fields.iter().map(nullable).collect::<Vec<_>>());
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::new(schema), columns, &options)?)
    }
}

impl EncodePlan {
    /// The plan of a table that was checked.
    pub fn new(table: &TableSpec, config: &SinkConfig) -> Result<Self> {
        let layout = &config.layout;
        let mut places = vec![];
        for (place, column) in table.columns.iter().enumerate() {
            let ColumnRef::Metadata { key, name, data_type } = column else { continue };
            writable(table, key, name, data_type)?;
            places.push((key.clone(), place));
        }
        let key = (!layout.key.is_empty()).then(|| Part::new(table, Slot::Key, &layout.key, &layout.key_fields));
        Ok(Self {
            kind: layout.kind,
            key: key.transpose()?,
            value: Part::new(table, layout.value_slot, &layout.value, &layout.value_fields)?,
            metadata: places,
            fixed: config.partitioner == Partitioner::Fixed,
            table: table.name.clone(),
        })
    }
}

/// Fails for metadata that cannot be written, or is declared as something else.
fn writable(table: &TableSpec, key: &str, name: &str, data_type: &DataType) -> Result<()> {
    let wrong = |what: String, help: String| Err(Error::config(format!("Table {}: {what}", table.name)).help(help));
    if !["topic", "headers", "timestamp"].contains(&key) {
        return wrong(format!("the metadata '{key}' cannot be written"), format!("Declare the column '{name}' METADATA VIRTUAL"));
    }
    let good = match (key, data_type) {
        ("topic", DataType::Utf8) | ("timestamp", DataType::Timestamp(_, Some(_))) => true,
        ("headers", DataType::Map(entries, _)) => matches!(entries.data_type(), DataType::Struct(fields)
            if fields.iter().map(|f| f.data_type()).eq([&DataType::Utf8, &DataType::Binary])),
        _ => false,
    };
    if good {
        return Ok(());
    }
    let declared = match key {
        "topic" => "STRING",
        "timestamp" => "TIMESTAMP_LTZ(3)",
        _ => "MAP<STRING, BYTES>",
    };
    wrong(format!("the column '{name}' has not the type of the metadata '{key}'"), format!("Declare it {declared}"))
}

/// Encodes on one worker.
pub struct MessageEncoder {
    plan: Arc<EncodePlan>,
    worker: i32,
    /// Bytes of a key and of a value, on average over the last batch.
    row_bytes: [usize; 2],
}

impl MessageEncoder {
    /// The encoder of a worker.
    pub fn new(plan: Arc<EncodePlan>, worker: i32) -> Self {
        Self { plan, worker, row_bytes: [16, 64] }
    }

    /// Keys or values as one column. Where `deletes` says so there is none.
    fn column(&mut self, rows: &RecordBatch, kinds: Option<&[RowKind]>, part: usize, deletes: bool) -> Result<BinaryArray> {
        let plan = self.plan.clone();
        let of = match (part, &plan.key) {
            (0, Some(key)) => key,
            _ => &plan.value,
        };
        let columns = of.of(rows)?;
        let mut encode = of.encode.open(&columns)?;
        let count = rows.num_rows();
        let mut bytes = Vec::with_capacity(count * (self.row_bytes[part] + self.row_bytes[part] / 8));
        let mut ends: Vec<i32> = Vec::with_capacity(count + 1);
        ends.push(0);
        for row in 0..count {
            match kinds.map(|k| k[row]) {
                Some(kind) if deletes && !kind.adds() => {}
                Some(kind) if of.encode.takes_changes() => encode.change(row, kind, &mut bytes)?,
                _ => encode.row(row, &mut bytes)?,
            }
            if of.lines && bytes.len() as i32 > ends[row] {
                bytes.pop(); // the line break
            }
            ends.push(i32::try_from(bytes.len()).map_err(|_| too_large(&plan.table))?);
        }
        self.row_bytes[part] = bytes.len() / count.max(1) + 1;
        let nulls = kinds.filter(|_| deletes).map(|k| NullBuffer::new(BooleanBuffer::collect_bool(count, |row| k[row].adds())));
        let absent = if of.raw { columns.column(0).logical_nulls() } else { None };
        let nulls = NullBuffer::union(nulls.as_ref(), absent.as_ref());
        Ok(BinaryArray::try_new(OffsetBuffer::new(ScalarBuffer::from(ends)), bytes.into(), nulls)?)
    }
}

fn too_large(table: &str) -> Error {
    Error::data(format!("Table {table}: the messages of one batch are larger than 2 GiB"))
}

impl Encoder for MessageEncoder {
    fn encode(&mut self, batch: &Batch, out: &mut Vec<Payload>) -> Result<()> {
        let plan = self.plan.clone();
        let upsert = plan.kind == Kind::Upsert;
        let (mut rows, mut kinds) = (batch.rows.clone(), batch.kinds.as_deref().map(<[RowKind]>::to_vec));
        if let Some(all) = kinds.as_mut().filter(|_| upsert)
            && all.contains(&RowKind::UpdateBefore)
        {
            let keep = BooleanBuffer::collect_bool(all.len(), |row| all[row] != RowKind::UpdateBefore);
            rows = filter_record_batch(&rows, &keep.into())?;
            all.retain(|kind| *kind != RowKind::UpdateBefore);
        }
        let count = rows.num_rows();
        if count == 0 {
            return Ok(());
        }
        let changes = kinds.as_ref().is_some_and(|k| k.iter().any(|kind| *kind != RowKind::Insert));
        if changes && !upsert && !plan.value.encode.takes_changes() {
            return Err(Error::config(format!("Table {}: messages can only be appended, but the query changes rows", plan.table)));
        }
        let kinds = kinds.as_deref().filter(|_| changes);
        let nothing = |i: usize| new_null_array(SCHEMA.field(i).data_type(), count);
        let key: ArrayRef = match plan.key {
            Some(_) => Arc::new(self.column(&rows, None, 0, false)?),
            None => nothing(0),
        };
        let value: ArrayRef = Arc::new(self.column(&rows, kinds, 1, upsert)?);
        let partition: ArrayRef = if plan.fixed { Arc::new(Int32Array::from(vec![self.worker; count])) } else { nothing(2) };
        let metadata = |key: &str, i: usize| match plan.metadata.iter().find(|(k, _)| k == key) {
            Some((_, place)) => retyped(rows.column(*place), key, SCHEMA.field(i).data_type()),
            None => Ok(nothing(i)),
        };
        let columns = vec![key, value, partition, metadata("topic", 3)?, metadata("timestamp", 4)?, metadata("headers", 5)?];
        out.push(Payload::Batch(Batch::inserts(RecordBatch::try_new(SCHEMA.clone(), columns)?)));
        Ok(())
    }
}

/// A column with the names that the schema gives to the parts of its type.
fn retyped(column: &ArrayRef, key: &str, data_type: &DataType) -> Result<ArrayRef> {
    if key != "headers" {
        return Ok(cast(column, data_type)?);
    }
    let data = column.to_data().into_builder().data_type(metadata::headers_type());
    let entries = column.to_data().child_data()[0].clone().into_builder();
    let DataType::Map(field, _) = metadata::headers_type() else { return Err(Error::internal("headers are a map")) };
    let entries = entries.data_type(field.data_type().clone()).build()?;
    Ok(arrow::array::make_array(data.child_data(vec![entries]).build()?))
}
