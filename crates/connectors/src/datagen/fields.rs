//! What a datagen table generates: a tree of fields, made from the table's types and its options, with all errors found there.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, Field as ArrowField};
use flott_engine::connector::{ColumnRef, TableSpec};
use flott_engine::{Error, Result};

use super::kinds;
use super::parse;
use crate::options::Options;

/// Rows per second unless the table says otherwise.
const ROWS_PER_SECOND: u64 = 10_000;
/// Elements of a collection unless the table says otherwise.
const COLLECTION_LENGTH: u32 = 3;
/// Rows longer than this would not fit a batch.
const ROW_BYTES_MAX: usize = 1 << 30;

/// How to generate the rows of a table.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The columns read, in output order.
    pub(crate) columns: Vec<Field>,
    /// How many rows there are; `None`: no end.
    pub(crate) rows: Option<u64>,
    /// How many come per second.
    pub(crate) rows_per_second: u64,
    /// About how long a row is.
    pub(crate) row_bytes: usize,
}

/// How to generate one field, at any depth.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// Names from the column down, with dots between; names the field's stream of random numbers.
    pub(crate) path: String,
    /// The declared field, whose type the values get.
    pub(crate) arrow: ArrowField,
    pub(crate) kind: Kind,
    /// Share of NULL.
    pub(crate) null_rate: f64,
}

/// What the values of a field are.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Boolean,
    /// Integers; also months and milliseconds of intervals. Both ends included.
    Integer {
        min: i64,
        max: i64,
    },
    /// FLOAT and DOUBLE.
    Real {
        min: f64,
        max: f64,
    },
    /// Unscaled decimals, both ends included.
    Decimal {
        min: i128,
        max: i128,
    },
    /// Hexadecimal digits.
    Text {
        length: u32,
        varies: bool,
    },
    /// Any bytes.
    Bytes {
        length: u32,
        varies: bool,
    },
    /// The current time, or up to so long before it.
    Past {
        max_ms: u64,
    },
    /// The current day.
    Date,
    /// The current time of day.
    Time,
    /// `start`, `start + 1`, …
    Sequence {
        start: i64,
    },
    Array {
        element: Box<Field>,
        length: u32,
    },
    Map {
        key: Box<Field>,
        value: Box<Field>,
        length: u32,
    },
    Multiset {
        element: Box<Field>,
        length: u32,
    },
    Row(Vec<Field>),
}

impl Plan {
    /// Reads a table's types and options; errors name the option and say what to write.
    pub(crate) fn new(table: &TableSpec) -> Result<Self> {
        let mut options = FieldOptions { all: Options::new(table), known: BTreeSet::new() };
        let rows_per_second = options.all.number("rows-per-second")?.unwrap_or(ROWS_PER_SECOND);
        if rows_per_second == 0 {
            return Err(parse::wrong(&options.all, "rows-per-second", "at least '1'"));
        }
        let mut rows = options.all.number("number-of-rows")?;
        let mut fields = vec![];
        for column in table.schema.fields() {
            let (field, end) = options.column(column)?;
            rows = rows.into_iter().chain(end).min();
            fields.push(field);
        }
        let known = options.known.iter().map(String::as_str).chain(["rows-per-second", "number-of-rows"]);
        options.all.check_known(known)?;
        let columns: Vec<Field> = table
            .columns
            .iter()
            .filter_map(|c| match c {
                ColumnRef::Physical(i) => fields.get(*i).cloned(),
                ColumnRef::Metadata { .. } => None,
            })
            .collect();
        let row_bytes = columns.iter().fold(0, |sum: usize, f| sum.saturating_add(f.bytes()));
        if row_bytes > ROW_BYTES_MAX {
            return Err(options
                .error(format!("a row of {row_bytes} bytes is too long"))
                .help("Lower the 'length' options until a row has less than 1 GiB"));
        }
        Ok(Self { columns, rows, rows_per_second, row_bytes })
    }
}

impl Field {
    /// About how many bytes a value takes.
    fn bytes(&self) -> usize {
        let many = |length: &u32, each: usize| (*length as usize).saturating_mul(each).saturating_add(4);
        match &self.kind {
            Kind::Text { length, .. } | Kind::Bytes { length, .. } => many(length, 1),
            Kind::Array { element, length } => many(length, element.bytes()),
            Kind::Multiset { element, length } => many(length, element.bytes().saturating_add(4)),
            Kind::Map { key, value, length } => many(length, key.bytes().saturating_add(value.bytes())),
            Kind::Row(fields) => fields.iter().fold(0, |sum: usize, f| sum.saturating_add(f.bytes())),
            Kind::Decimal { .. } => 16,
            _ => 8,
        }
    }
}

/// Reads options `fields.<path>.<name>` and remembers which of them mean something.
pub(super) struct FieldOptions<'a> {
    pub(super) all: Options<'a>,
    known: BTreeSet<String>,
}

impl FieldOptions<'_> {
    pub(super) fn error(&self, message: String) -> Error {
        self.all.error(&message)
    }

    /// The key of a field's option. Column names keep their case, but a key written in lower case finds them as well.
    pub(super) fn key(&mut self, path: &str, name: &str) -> String {
        let exact = format!("fields.{path}.{name}");
        let lower = exact.to_lowercase();
        let found = if self.all.get(&exact).is_none() && self.all.get(&lower).is_some() { lower } else { exact };
        self.known.insert(found.clone());
        found
    }

    /// A column, and after how many rows it ends.
    fn column(&mut self, column: &ArrowField) -> Result<(Field, Option<u64>)> {
        let path = column.name().clone();
        let kind_key = self.key(&path, "kind");
        if self.all.one_of(&kind_key, &["random", "sequence"], "random")? == "random" {
            return Ok((self.random(path, column)?, None));
        }
        let (kind, rows) = self.sequence(&path, column)?;
        Ok((Field { path, arrow: column.clone(), kind, null_rate: 0.0 }, Some(rows)))
    }

    /// A field of random values, at any depth.
    fn random(&mut self, path: String, arrow: &ArrowField) -> Result<Field> {
        let null_rate = self.null_rate(&path, arrow)?;
        let kind = match arrow.data_type() {
            DataType::List(element) => {
                Kind::Array { length: self.collection_length(&path)?, element: self.child(&path, "element", element)? }
            }
            DataType::Map(entries, _) => {
                let DataType::Struct(fields) = entries.data_type() else { return Err(kinds::unsupported(self, &path, arrow)) };
                let [key, value] = &fields[..] else { return Err(kinds::unsupported(self, &path, arrow)) };
                let length = self.collection_length(&path)?;
                if kinds::sql_type(arrow).is_some_and(|t| t.starts_with("MULTISET")) {
                    Kind::Multiset { length, element: self.map_key(&path, "element", key)? }
                } else {
                    Kind::Map { length, key: self.map_key(&path, "key", key)?, value: self.child(&path, "value", value)? }
                }
            }
            DataType::Struct(fields) => {
                Kind::Row(fields.iter().map(|f| self.random(format!("{path}.{}", f.name()), f)).collect::<Result<Vec<Field>>>()?)
            }
            _ => kinds::random(self, &path, arrow)?,
        };
        Ok(Field { path, arrow: arrow.clone(), kind, null_rate })
    }

    fn child(&mut self, path: &str, name: &str, arrow: &ArrowField) -> Result<Box<Field>> {
        Ok(Box::new(self.random(format!("{path}.{name}"), arrow)?))
    }

    fn map_key(&mut self, path: &str, name: &str, arrow: &ArrowField) -> Result<Box<Field>> {
        let field = self.child(path, name, arrow)?;
        if field.null_rate > 0.0 {
            return Err(self
                .error(format!("the option 'fields.{path}.{name}.null-rate' is above 0, but keys cannot be NULL"))
                .help("Leave it out"));
        }
        Ok(field)
    }

    fn null_rate(&mut self, path: &str, arrow: &ArrowField) -> Result<f64> {
        let key = self.key(path, "null-rate");
        let what = "a number between 0 and 1";
        let rate = parse::value::<f64>(&self.all, &key, what)?.unwrap_or(0.0);
        if !(0.0..=1.0).contains(&rate) {
            return Err(parse::wrong(&self.all, &key, what));
        }
        if rate > 0.0 && !arrow.is_nullable() {
            return Err(self
                .error(format!("the option '{key}' is above 0, but '{path}' is declared NOT NULL"))
                .help("Leave the option out or declare the column without NOT NULL"));
        }
        Ok(rate)
    }

    fn collection_length(&mut self, path: &str) -> Result<u32> {
        let key = self.key(path, "length");
        Ok(parse::value(&self.all, &key, "a whole number, for example '3'")?.unwrap_or(COLLECTION_LENGTH))
    }

    /// A sequence and its number of rows.
    fn sequence(&mut self, path: &str, arrow: &ArrowField) -> Result<(Kind, u64)> {
        let mut end = |name: &str| {
            let key = self.key(path, name);
            parse::value::<i64>(&self.all, &key, "a whole number, for example '1'")?.ok_or_else(|| {
                self.error(format!("the option '{key}' is missing: '{path}' is a sequence"))
                    .help(format!("Add '{key}' = '1' or another number to WITH (…)"))
            })
        };
        let (start, end) = (end("start")?, end("end")?);
        if start > end {
            return Err(self
                .error(format!("the sequence '{path}' starts at {start}, after its end {end}"))
                .help(format!("Set 'fields.{path}.start' to at most 'fields.{path}.end'")));
        }
        kinds::check_sequence(self, path, arrow, start, end)?;
        Ok((Kind::Sequence { start }, (end.wrapping_sub(start) as u64).saturating_add(1)))
    }
}
