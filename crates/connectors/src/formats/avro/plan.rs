//! What is done with each value of a writer's schema to fill the columns of a table: worked out once, before any record is read.
//!
//! The writer's fields find their columns by name, as Avro resolves schemas, and numbers widen as Avro has it (`int` to `long` and
//! so on). Beyond Avro's rules an `enum` is taken for a `STRING` and a `fixed` for `BYTES`, times keep their unit whatever it is, and
//! decimals their scale.

use arrow::datatypes::{DataType, Field, Fields};

use super::json;
use super::schema::{Id, Kind, Logical, Schema};
use crate::formats::scalar::type_name;

/// How deep a table's types may be nested.
const MAX_DEPTH: usize = 64;

/// What to do with a value; the column's builder has the type that the variant names.
#[derive(Debug, Clone)]
pub enum Read {
    /// Nothing is there, and the column is NULL.
    Null,
    /// Nothing is there, and the column must not be NULL.
    NullRefused,
    /// The value is of a type that the column does not take.
    Refused(String),
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    LongToFloat,
    LongToDouble,
    Float,
    FloatToDouble,
    Double,
    String,
    /// The symbols.
    Enum(Vec<String>),
    Bytes,
    Fixed(usize),
    Date,
    /// In units of 1/`n` second.
    Time(i64),
    /// In units of 1/`from` second, to become 1/`to` second.
    Timestamp {
        from: i64,
        to: i64,
    },
    /// Bytes of that number, or behind their length.
    Decimal {
        size: Option<usize>,
        from_scale: i32,
    },
    /// Elements; whether they may take no bytes.
    List(Box<Read>, bool),
    Map(Box<Read>),
    Row(Box<ReadRow>),
    /// The usual union of `null` and a type. True: `null` stands first.
    Nullable(Box<Read>, bool),
    Union(Vec<Read>),
}

/// What to do with a record.
#[derive(Debug, Clone, Default)]
pub struct ReadRow {
    /// In the order in which the writer has its fields.
    pub fields: Vec<ReadField>,
    /// Columns that the writer does not have: the value they get instead, encoded, and how to read it.
    pub missing: Vec<(usize, Read, Vec<u8>)>,
}

/// What to do with a field.
#[derive(Debug, Clone)]
pub enum ReadField {
    /// Pass over a value of that type.
    Skip(Id),
    /// Put it into the column of that number.
    Column(usize, Read),
}

/// A plan for records of a writer, which fill `fields`. Fails, in words, for what can never be read.
pub fn plan(writer: &Schema, reader: &Schema, fields: &Fields) -> Result<ReadTop, String> {
    let resolver = Resolver { writer, reader };
    let to = reader_record(reader).ok_or("the schema of the table is no record")?;
    let record = |id: Id| match writer.kind(id) {
        Kind::Record { .. } => Some(id),
        _ => None,
    };
    match writer.kind(writer.root) {
        Kind::Record { .. } => Ok(ReadTop { branch: None, row: resolver.row(writer.root, to, fields, 0)? }),
        Kind::Union(branches) => {
            let found = branches.iter().enumerate().find_map(|(i, branch)| record(*branch).map(|id| (i, id)));
            let (branch, id) = found.ok_or("the records are a union without a record in it")?;
            Ok(ReadTop { branch: Some(branch), row: resolver.row(id, to, fields, 0)? })
        }
        _ => Err(format!("the records are of type {}, not of a record", writer.name(writer.root))),
    }
}

/// The record of a schema that is one, or a union of one and `null`.
pub fn reader_record(schema: &Schema) -> Option<Id> {
    match schema.kind(schema.root) {
        Kind::Record { .. } => Some(schema.root),
        Kind::Union(branches) => branches.iter().copied().find(|id| matches!(schema.kind(*id), Kind::Record { .. })),
        _ => None,
    }
}

/// The plan of a datum.
#[derive(Debug, Clone, Default)]
pub struct ReadTop {
    /// The datum is a union, of which this branch is the record.
    pub branch: Option<usize>,
    /// The record.
    pub row: ReadRow,
}

struct Resolver<'a> {
    writer: &'a Schema,
    reader: &'a Schema,
}

impl Resolver<'_> {
    fn row(&self, from: Id, to: Id, columns: &Fields, depth: usize) -> Result<ReadRow, String> {
        let (Kind::Record { fields: from, .. }, Kind::Record { fields: to, .. }) = (self.writer.kind(from), self.reader.kind(to)) else {
            return Err(format!("{} is no record", self.writer.name(from)));
        };
        if depth > MAX_DEPTH {
            return Err(format!("the types are nested deeper than {MAX_DEPTH}"));
        }
        let mut row = ReadRow::default();
        let mut there = vec![false; columns.len()];
        for field in from {
            let wanted = columns.iter().position(|column| {
                let known = to.iter().find(|reader| reader.name == *column.name());
                field.name == *column.name() || known.is_some_and(|reader| reader.aliases.contains(&field.name))
            });
            let Some(column) = wanted.filter(|column| !there[*column]) else {
                row.fields.push(ReadField::Skip(field.id));
                continue;
            };
            there[column] = true;
            let reader = to.iter().find(|reader| reader.name == *columns[column].name()).map(|reader| reader.id);
            let read = self.value(field.id, reader, &columns[column], depth + 1).map_err(|e| within(&field.name, &e))?;
            row.fields.push(ReadField::Column(column, read));
        }
        for (i, column) in columns.iter().enumerate().filter(|(i, _)| !there[*i]) {
            row.missing.push(self.missing(i, column, to, depth)?);
        }
        Ok(row)
    }

    /// What a column gets that the writer does not have.
    fn missing(&self, i: usize, column: &Field, to: &[super::schema::RecordField], depth: usize) -> Result<(usize, Read, Vec<u8>), String> {
        let default = to.iter().find(|field| field.name == *column.name()).and_then(|field| Some((field.id, field.default.as_ref()?)));
        let Some((id, default)) = default else {
            if column.is_nullable() {
                return Ok((i, Read::Null, vec![]));
            }
            return Err(format!("the records have no field '{}', which must not be NULL", column.name()));
        };
        let id = match self.reader.kind(id) {
            // The default of a union is of its first type.
            Kind::Union(branches) => branches[0],
            _ => id,
        };
        let mut bytes = vec![];
        json::encode_value(self.reader, id, default, &mut bytes, 0).map_err(|e| format!("the default of '{}': {e}", column.name()))?;
        let same = Resolver { writer: self.reader, reader: self.reader };
        let read = same.value(id, Some(id), column, depth + 1).map_err(|e| within(column.name(), &e))?;
        Ok((i, read, bytes))
    }

    fn value(&self, from: Id, to: Option<Id>, column: &Field, depth: usize) -> Result<Read, String> {
        if depth > MAX_DEPTH {
            return Err(format!("the types are nested deeper than {MAX_DEPTH}"));
        }
        let Kind::Union(branches) = self.writer.kind(from) else { return self.plain(from, to, column, depth) };
        let null = |id: &Id| matches!(self.writer.kind(*id), Kind::Null);
        if let ([first, second], true) = (&branches[..], column.is_nullable())
            && null(first) != null(second)
        {
            let value = self.plain(if null(first) { *second } else { *first }, to, column, depth)?;
            return Ok(Read::Nullable(Box::new(value), null(first)));
        }
        // A type that does not fit is an error only when a value of it comes.
        let mut refusals = vec![];
        let mut read = |branch: &Id| {
            self.plain(*branch, to, column, depth).unwrap_or_else(|reason| {
                refusals.push(reason.clone());
                Read::Refused(reason)
            })
        };
        let reads: Vec<Read> = branches.iter().map(&mut read).collect();
        match refusals.first() {
            Some(reason) if refusals.len() == branches.iter().filter(|b| !null(b)).count() => Err(reason.clone()),
            _ => Ok(Read::Union(reads)),
        }
    }

    /// A value that is no union.
    fn plain(&self, from: Id, to: Option<Id>, column: &Field, depth: usize) -> Result<Read, String> {
        let to = to.map(|to| match self.reader.kind(to) {
            Kind::Union(branches) => branches.iter().copied().find(|id| !matches!(self.reader.kind(*id), Kind::Null)).unwrap_or(to),
            _ => to,
        });
        let logical = self.writer.get(from).logical;
        let wanted = to.and_then(|to| self.reader.get(to).logical);
        let found = match (self.writer.kind(from), column.data_type()) {
            (_, DataType::Null) => Some(Read::Null),
            (Kind::Null, _) if column.is_nullable() => Some(Read::Null),
            (Kind::Null, _) => Some(Read::NullRefused),
            (Kind::Array(items), DataType::List(element)) => {
                let to = to.and_then(|to| match self.reader.kind(to) {
                    Kind::Array(items) => Some(*items),
                    _ => None,
                });
                let read = self.value(*items, to, element, depth + 1)?;
                Some(Read::List(Box::new(read), self.writer.may_be_empty(*items)))
            }
            (Kind::Map(values), DataType::Map(entries, _)) => {
                let to = to.and_then(|to| match self.reader.kind(to) {
                    Kind::Map(values) => Some(*values),
                    _ => None,
                });
                let DataType::Struct(entry) = entries.data_type() else { return Err("the entries of a map are no pairs".into()) };
                Some(Read::Map(Box::new(self.value(*values, to, &entry[1], depth + 1)?)))
            }
            (Kind::Record { .. }, DataType::Struct(fields)) => {
                let to = to.filter(|to| matches!(self.reader.kind(*to), Kind::Record { .. }));
                let to = to.ok_or("the schema of the table has no record there")?;
                Some(Read::Row(Box::new(self.row(from, to, fields, depth + 1)?)))
            }
            (kind, data_type) => scalar(kind, logical, wanted, data_type),
        };
        found.ok_or_else(|| format!("the records have {}, which does not become {}", self.writer.name(from), type_name(column.data_type())))
    }
}

/// How a value that holds no others becomes one of a column's type. `wanted`: what the table's schema says of it.
fn scalar(kind: &Kind, logical: Option<Logical>, wanted: Option<Logical>, data_type: &DataType) -> Option<Read> {
    Some(match (kind, data_type) {
        (Kind::Boolean, DataType::Boolean) => Read::Boolean,
        (Kind::Int, DataType::Int8) => Read::Int8,
        (Kind::Int, DataType::Int16) => Read::Int16,
        (Kind::Int, DataType::Int32) => Read::Int32,
        (Kind::Int | Kind::Long, DataType::Int64) => Read::Int64,
        (Kind::Int | Kind::Long, DataType::Float32) => Read::LongToFloat,
        (Kind::Int | Kind::Long, DataType::Float64) => Read::LongToDouble,
        (Kind::Float, DataType::Float32) => Read::Float,
        (Kind::Float, DataType::Float64) => Read::FloatToDouble,
        (Kind::Double, DataType::Float64) => Read::Double,
        (Kind::String | Kind::Bytes, DataType::Utf8) => Read::String,
        (Kind::Enum { symbols, .. }, DataType::Utf8) => Read::Enum(symbols.clone()),
        (Kind::String | Kind::Bytes, DataType::Binary) => Read::Bytes,
        (Kind::Fixed { size, .. }, DataType::Binary) => Read::Fixed(*size),
        (Kind::Int, DataType::Date32) => Read::Date,
        (Kind::Int | Kind::Long, DataType::Time32(_)) => Read::Time(match (logical, wanted) {
            (Some(Logical::Time(unit)), _) | (None, Some(Logical::Time(unit))) => unit,
            _ => super::schema::MILLIS,
        }),
        (Kind::Int | Kind::Long, DataType::Timestamp(unit, _)) => {
            let from = match (logical, wanted) {
                (Some(Logical::Timestamp(unit) | Logical::LocalTimestamp(unit)), _)
                | (_, Some(Logical::Timestamp(unit) | Logical::LocalTimestamp(unit))) => unit,
                _ => super::schema::MILLIS,
            };
            Read::Timestamp { from, to: super::per_second(*unit) }
        }
        (Kind::Bytes | Kind::Fixed { .. }, DataType::Decimal128(_, scale)) => {
            let from_scale = match logical {
                Some(Logical::Decimal(_, scale)) => scale,
                _ => i32::from(*scale),
            };
            let size = match kind {
                Kind::Fixed { size, .. } => Some(*size),
                _ => None,
            };
            Read::Decimal { size, from_scale }
        }
        _ => return None,
    })
}

fn within(field: &str, reason: &str) -> String {
    match reason.strip_prefix("field ") {
        Some(rest) => format!("field {field}.{rest}"),
        None => format!("field {field}: {reason}"),
    }
}
