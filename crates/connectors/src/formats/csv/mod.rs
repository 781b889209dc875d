//! The `csv` format: one record a line, fields by position.
//!
//! Values convert as in Flink. An empty field is an empty string, and therefore no number: `csv.null-literal` says which text is
//! NULL. Arrays and rows of simple values are fields whose parts stand between `csv.array-element-delimiter`s. With
//! `csv.ignore-parse-errors` a field that does not convert is NULL, missing fields at the end are NULL, and a record that cannot be
//! cut into fields is skipped and counted. An empty line is a record with one empty field, unless the table allows
//! comments.

mod encode;
mod scan;
#[cfg(test)]
mod tests;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use flott_engine::connector::OptionInfo;
use flott_engine::{Error, Result};

pub use encode::CsvEncoder;
pub use scan::Dialect;
use scan::Scanner;

use super::batch::{BatchBuilder, LastBatch};
use super::columns::{Column, Room};
use super::scalar::{self, TextRules, TimestampStandard};
use super::{BadRecord, Decode, DecodeRecords, Framing, Rows, Stop, option};
use crate::options::Options;

/// Options of the format, without its prefix.
pub const OPTIONS: &[OptionInfo] = &[
    option("field-delimiter", Some(","), "Stands between two fields."),
    option("disable-quote-character", Some("false"), "Takes quotes for text like any other."),
    option("quote-character", Some("\""), "Stands around fields that hold a delimiter or a line break."),
    option("allow-comments", Some("false"), "Leaves lines out that begin with #."),
    option(
        "ignore-parse-errors",
        Some("false"),
        "Goes on after what does not parse, and counts it: a field that does not fit its column becomes NULL, a line that is no record is left out.",
    ),
    option("array-element-delimiter", Some(";"), "Stands between the elements of an ARRAY and the fields of a ROW."),
    option("escape-character", None, "Takes the character behind it for text."),
    option("null-literal", None, "Stands for NULL."),
    option("write-bigdecimal-in-scientific-notation", Some("true"), "Writes a DECIMAL as 1E+5 where that is shorter."),
];

const RULES: TextRules = TextRules { standard: TimestampStandard::Sql, csv: true };

/// How to read and write.
#[derive(Debug, Clone)]
pub struct CsvOptions {
    /// The characters that matter.
    pub dialect: Dialect,
    /// Fields that do not convert become NULL, records that do not parse are skipped.
    pub ignore_parse_errors: bool,
    /// Between the parts of an array or a row.
    pub array_delimiter: String,
    /// Stands for NULL.
    pub null_literal: Option<String>,
    /// Writes a DECIMAL with an exponent where Java does.
    pub scientific: bool,
}

impl CsvOptions {
    /// Reads the options of a table; `prefix` is `csv.` or, for the key of a message, `key.csv.`.
    pub fn new(options: &Options<'_>, prefix: &str) -> Result<Self> {
        let key = |name: &str| format!("{prefix}{name}");
        let without_quotes = options.bool(&key("disable-quote-character"), false)?;
        let quote = options.char(&key("quote-character"))?;
        if without_quotes && quote.is_some() {
            return Err(options.error(&format!(
                "'{}' has no meaning, since '{}' is 'true'",
                key("quote-character"),
                key("disable-quote-character")
            )));
        }
        let delimiter = options.char(&key("field-delimiter"))?.unwrap_or(b',');
        let quote = (!without_quotes).then_some(quote.unwrap_or(b'"'));
        if quote == Some(delimiter) || delimiter == b'\n' {
            return Err(options.error(&format!("'{}' cannot be a quote or a line break", key("field-delimiter"))));
        }
        let array_delimiter = options.get(&key("array-element-delimiter")).unwrap_or(";").to_owned();
        if array_delimiter.is_empty() {
            return Err(options.error(&format!("'{}' must not be empty", key("array-element-delimiter"))));
        }
        Ok(Self {
            dialect: Dialect {
                delimiter,
                quote,
                escape: options.char(&key("escape-character"))?,
                comments: options.bool(&key("allow-comments"), false)?,
            },
            ignore_parse_errors: options.bool(&key("ignore-parse-errors"), false)?,
            array_delimiter,
            null_literal: options.get(&key("null-literal")).map(str::to_owned),
            scientific: options.bool(&key("write-bigdecimal-in-scientific-notation"), true)?,
        })
    }
}

/// Fails for columns that CSV cannot carry: maps, and anything nested in an array or a row.
fn check_types(schema: &Schema) -> Result<()> {
    let simple = |t: &DataType| !matches!(t, DataType::List(_) | DataType::Struct(_) | DataType::Map(_, _));
    for field in schema.fields() {
        let good = match field.data_type() {
            DataType::Map(_, _) => false,
            DataType::List(element) => simple(element.data_type()),
            DataType::Struct(fields) => fields.iter().all(|f| simple(f.data_type())),
            _ => true,
        };
        if !good {
            return Err(Error::config(format!(
                "Column {}: CSV carries simple values, and arrays and rows of them, but no {}",
                field.name(),
                match field.data_type() {
                    DataType::Map(_, _) => "maps",
                    _ => "deeper nesting",
                }
            ))
            .help("Use the format 'json'"));
        }
    }
    Ok(())
}

/// Decodes records into rows of one schema.
pub struct CsvDecoder {
    schema: SchemaRef,
    /// Position in a record of each column.
    positions: Vec<usize>,
    /// Number of fields of a record.
    stored: usize,
    options: CsvOptions,
    last: LastBatch,
}

impl CsvDecoder {
    /// A decoder of records of `stored` fields, which fills the columns of `schema` from the fields at `positions`.
    pub fn new(schema: SchemaRef, positions: Vec<usize>, stored: usize, options: CsvOptions) -> Result<Self> {
        check_types(&schema)?;
        for field in schema.fields() {
            Column::new(field, &Room::default())?;
        }
        Ok(Self { schema, positions, stored, options, last: LastBatch::default() })
    }

    /// Appends a field to its column.
    fn push(&self, column: &mut Column, text: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(text).map_err(|_| "the text is not UTF-8".to_owned())?;
        let null = self.options.null_literal.as_deref();
        match column {
            Column::List(list) => {
                if !text.trim().is_empty() {
                    for part in text.split(self.options.array_delimiter.as_str()) {
                        self.push_part(&mut list.element, part, list.field.is_nullable())?;
                    }
                }
                list.end();
                Ok(())
            }
            Column::Row(_) if text.trim().is_empty() => {
                column.push_null();
                Ok(())
            }
            Column::Row(row) => {
                row.begin();
                let count = text.split(self.options.array_delimiter.as_str()).count();
                if count < row.columns.len() && !self.options.ignore_parse_errors {
                    return Err(format!("{} has {count} parts, and the row has {} fields", scalar::shown(text), row.columns.len()));
                }
                let mut parts = text.split(self.options.array_delimiter.as_str());
                for (field, column) in row.fields.iter().zip(&mut row.columns) {
                    match parts.next() {
                        Some(part) => self.push_part(column, part, field.is_nullable())?,
                        None if field.is_nullable() => column.push_null(),
                        None => return Err(format!("the field {} is missing, and it is NOT NULL", field.name())),
                    }
                }
                row.end();
                Ok(())
            }
            column if null == Some(text) => {
                column.push_null();
                Ok(())
            }
            column => scalar::push_text(column, text, RULES),
        }
    }

    fn push_part(&self, column: &mut Column, part: &str, nullable: bool) -> Result<(), String> {
        if self.options.null_literal.as_deref() == Some(part) {
            if !nullable {
                return Err("NULL in an array or row whose parts are NOT NULL".to_owned());
            }
            column.push_null();
            return Ok(());
        }
        match scalar::push_text(column, part, RULES) {
            Err(_) if self.options.ignore_parse_errors && nullable => {
                column.push_null();
                Ok(())
            }
            result => result,
        }
    }
}

impl Decode for CsvDecoder {
    fn framing(&self) -> Framing {
        if self.options.dialect.quote.is_none() && self.options.dialect.escape.is_none() {
            return Framing::Lines;
        }
        Framing::Csv(self.options.dialect)
    }

    fn skips_bad_records(&self) -> bool {
        self.options.ignore_parse_errors
    }

    fn open(&self, bytes: usize) -> Result<Box<dyn DecodeRecords + '_>> {
        let batch = BatchBuilder::new(&self.schema, &self.last, self.options.ignore_parse_errors, bytes)?;
        Ok(Box::new(CsvRecords { decoder: self, ignored: None, batch }))
    }
}

/// A batch in the making.
struct CsvRecords<'a> {
    decoder: &'a CsvDecoder,
    /// The first field of the record that became NULL since it does not convert or is not there, and why.
    ignored: Option<(Option<String>, String)>,
    batch: BatchBuilder<'a>,
}

impl DecodeRecords for CsvRecords<'_> {
    fn feed(&mut self, input: &[u8]) -> Result<(), Stop> {
        let mut scanner = Scanner::new(input, self.decoder.options.dialect);
        if self.batch.fed == 0 && input.starts_with("\u{feff}".as_bytes()) {
            scanner.pos = 3;
        }
        while scanner.next_record() {
            let start = scanner.pos;
            let result = match scanner.record() {
                Ok(()) => self.row(&scanner, input),
                Err(broken) => {
                    if broken.unfinished {
                        scanner.pos = input.len();
                    } else {
                        scanner.pos = broken.at;
                        scanner.skip_line();
                    }
                    Err((None, broken.reason))
                }
            };
            let ignored = self.ignored.take();
            match (result, ignored) {
                (Err((column, reason)), _) => self.refuse(column, reason, start, &input[start..scanner.pos])?,
                (Ok(()), Some((column, reason))) => {
                    let record = input[start..scanner.pos].trim_ascii_end();
                    self.batch.count_bad(BadRecord::new(self.batch.fed + start, record, column, reason));
                }
                (Ok(()), None) => {}
            }
        }
        self.batch.fed += input.len();
        Ok(())
    }

    fn rows(&self) -> usize {
        self.batch.rows
    }

    fn finish(self: Box<Self>) -> Result<Rows> {
        self.batch.finish()
    }
}

impl CsvRecords<'_> {
    /// Appends the scanner's record.
    fn row(&mut self, scanner: &Scanner<'_>, input: &[u8]) -> Result<(), (Option<String>, String)> {
        let decoder = self.decoder;
        let fields = &scanner.fields;
        let text = |i: usize| fields[i].text(input, &scanner.scratch);
        let ignore = decoder.options.ignore_parse_errors;
        // One empty field too many is a delimiter at the end of the line.
        let tail = fields.len() == decoder.stored + 1 && text(decoder.stored).trim_ascii().is_empty();
        if (fields.len() > decoder.stored && !tail) || (fields.len() < decoder.stored && !ignore) {
            return Err((None, format!("the record has {} fields, and the table has {} columns", fields.len(), decoder.stored)));
        }
        if fields.len() < decoder.stored {
            let reason =
                format!("the record has {} fields, and the table has {} columns: the others are NULL", fields.len(), decoder.stored);
            self.ignored = Some((None, reason));
        }
        for (i, (column, position)) in self.batch.columns.iter_mut().zip(&decoder.positions).enumerate() {
            let field = decoder.schema.field(i);
            let result = match fields.get(*position) {
                Some(cell) => decoder.push(column, cell.text(input, &scanner.scratch)),
                None => {
                    column.push_null();
                    Ok(())
                }
            };
            match result {
                Err(reason) if ignore && field.is_nullable() => {
                    self.ignored.get_or_insert_with(|| (Some(field.name().clone()), format!("{reason}, and is NULL")));
                    column.truncate(self.batch.rows);
                    column.push_null();
                }
                Err(reason) => return Err((Some(field.name().clone()), reason)),
                Ok(()) if !field.is_nullable() && column.is_null(self.batch.rows) => {
                    return Err((Some(field.name().clone()), "NULL in a column that is NOT NULL".into()));
                }
                Ok(()) => {}
            }
        }
        self.batch.rows += 1;
        Ok(())
    }

    /// Counts a bad record, which starts at `offset` of the piece, or stops.
    #[cold]
    fn refuse(&mut self, column: Option<String>, reason: String, offset: usize, record: &[u8]) -> Result<(), Stop> {
        let reason = match (self.decoder.options.null_literal.as_deref(), reason.starts_with("'' is not")) {
            (None, true) => format!("{reason}; if an empty field means NULL, set 'csv.null-literal' = ''"),
            _ => reason,
        };
        self.batch.refuse(BadRecord::new(self.batch.fed + offset, record.trim_ascii_end(), column, reason))
    }
}
