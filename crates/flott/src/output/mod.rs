//! The rows of a `SELECT` on standard output, in the form that the user chose.

mod csv;
mod jsonl;
mod lines;
mod table;

use arrow::datatypes::SchemaRef;
use clap::ValueEnum;
use flott::ResultSchema;
use flott_engine::sink::Sink;
use flott_engine::time::LocalTime;
use flott_engine::{Error, Result};

use crate::terminal::figures::one_line;
use crate::terminal::screen::Screen;
use crate::terminal::text_table::TextTable;
pub use table::LiveTable;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns; of an updating result only the table as it stands at the end.
    Table,
    /// A JSON object a line; rows of an updating result have the member "op": "+I", "-U", "+U" or "-D".
    Jsonl,
    /// Comma-separated values with a header; rows of an updating result begin with the column "op".
    Csv,
    /// Every change as Flink prints it: +I[1, abc].
    Changelog,
}

/// Name of the additional column that holds the row kind; another one when the result has a column of that name.
fn kind_column(schema: &SchemaRef) -> &'static str {
    if schema.fields().iter().any(|f| f.name() == "op") { "row_kind" } else { "op" }
}

/// A sink that writes a result. `table` is given for results that are shown as a table that changes.
pub fn sink(format: Format, result: &ResultSchema, screen: &Screen, table: Option<LiveTable>) -> Result<Box<dyn Sink>> {
    let (schema, updating, zone) = (result.fields.clone(), result.updating, result.zone.clone());
    Ok(match (format, table) {
        (Format::Table, Some(table)) => Box::new(table::LiveTableSink::new(table, zone, screen.clone())),
        (Format::Table, None) => Box::new(table::StreamedTableSink::new(schema, zone, screen.clone())),
        (Format::Jsonl, _) => Box::new(lines::LineSink::new(jsonl::encoders(schema, updating)?, None, screen.clone())),
        (Format::Csv, _) => {
            let header = csv::header(&schema, updating);
            Box::new(lines::LineSink::new(csv::encoders(updating, zone), Some(header), screen.clone()))
        }
        (Format::Changelog, _) => Box::new(lines::LineSink::new(lines::changelog(), None, screen.clone())),
    })
}

/// Writes the answer of a statement such as `SHOW TABLES`. `None`: the user named no format, so a text of many lines, which is what
/// `EXPLAIN` answers, is written as it is.
pub fn answer(format: Option<Format>, fallback: Format, columns: &[String], rows: &[Vec<String>], screen: &Screen) -> Result<()> {
    let mut text = String::new();
    match (format.unwrap_or(fallback), rows) {
        (Format::Table, [row]) if is_text(row) => text = whole_text(&row[0]),
        (_, [row]) if format.is_none() && is_text(row) => text = whole_text(&row[0]),
        (Format::Table, _) => {
            let mut table = TextTable::of_texts(columns);
            table.fit(rows);
            text = table.header() + &table.body(rows);
        }
        (Format::Jsonl, _) => {
            for row in rows {
                let members: Vec<String> = columns.iter().zip(row).map(|(c, v)| format!("{}:{}", quoted(c), quoted(v))).collect();
                text.push_str(&format!("{{{}}}\n", members.join(",")));
            }
        }
        (Format::Csv, _) => {
            for row in std::iter::once(columns).chain(rows.iter().map(Vec::as_slice)) {
                text.push_str(&csv::line(row.iter().map(String::as_str)));
            }
        }
        (Format::Changelog, _) => {
            for row in rows {
                text.push_str(&format!("+I[{}]\n", one_line(&row.join(", "))));
            }
        }
    }
    screen.write(text.as_bytes()).map_err(cannot_write)
}

fn is_text(row: &[String]) -> bool {
    matches!(row, [cell] if cell.contains('\n'))
}

fn whole_text(text: &str) -> String {
    text.trim_end().to_owned() + "\n"
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn cannot_write(e: std::io::Error) -> Error {
    Error::io(format!("cannot write to standard output: {e}"))
}

/// Text of a value for people: TIMESTAMP_LTZ as the clock of `zone` shows it.
fn cell(batch: &flott_engine::Batch, column: usize, row: usize, zone: &dyn LocalTime) -> Vec<u8> {
    let mut text = vec![];
    flott_engine::text::show_text(batch.column(column).as_ref(), row, batch.rows.schema().field(column), zone, &mut text);
    text
}
