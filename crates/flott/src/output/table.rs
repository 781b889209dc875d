//! Results as aligned tables: streamed when rows are only added, else kept as the table that the changes describe.

use std::sync::{Arc, Mutex, MutexGuard};

use arrow::datatypes::SchemaRef;
use flott_engine::sink::{Encoder, Payload, Sink};
use flott_engine::time::LocalTime;
use flott_engine::{Batch, Result};

use super::{cannot_write, cell};
use crate::terminal::changelog_table::{ChangelogTable, Row};
use crate::terminal::figures::counted;
use crate::terminal::screen::{LiveLine, Screen};
use crate::terminal::text_table::TextTable;

fn layout(schema: &SchemaRef) -> TextTable {
    TextTable::new(schema.fields().iter().map(|f| {
        let number = f.data_type().is_numeric() || f.data_type().is_decimal();
        (f.name().clone(), number)
    }))
}

fn row_of(batch: &Batch, row: usize, zone: &dyn LocalTime) -> Row {
    (0..batch.rows.num_columns()).map(|c| String::from_utf8_lossy(&cell(batch, c, row, zone)).into_owned()).collect()
}

/// Passes batches on as they are: laying out needs them in order.
struct Whole;

impl Encoder for Whole {
    fn encode(&mut self, batch: &Batch, out: &mut Vec<Payload>) -> Result<()> {
        if !batch.is_empty() {
            out.push(Payload::Batch(batch.clone()));
        }
        Ok(())
    }
}

fn batches(payloads: Vec<Payload>) -> impl Iterator<Item = Batch> {
    payloads.into_iter().filter_map(|payload| match payload {
        Payload::Batch(batch) => Some(batch),
        Payload::Bytes { .. } => None,
    })
}

/// Rows that are only added: shown as they come.
pub struct StreamedTableSink {
    table: TextTable,
    begun: bool,
    zone: Arc<dyn LocalTime>,
    screen: Screen,
}

impl StreamedTableSink {
    /// A sink for one result.
    pub fn new(schema: SchemaRef, zone: Arc<dyn LocalTime>, screen: Screen) -> Self {
        Self { table: layout(&schema), begun: false, zone, screen }
    }

    fn show(&mut self, rows: &[Row]) -> Result<()> {
        self.table.fit(rows);
        let header = if std::mem::replace(&mut self.begun, true) { String::new() } else { self.table.header() };
        let text = header + &self.table.body(rows);
        self.screen.write(text.as_bytes()).map_err(cannot_write)
    }
}

impl Sink for StreamedTableSink {
    fn encoder(&self) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(Whole))
    }

    fn open(&mut self, _progress: Option<&str>) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, payloads: Vec<Payload>) -> Result<()> {
        let zone = self.zone.as_ref();
        let rows: Vec<Row> = batches(payloads).flat_map(|b| (0..b.len()).map(|row| row_of(&b, row, zone)).collect::<Vec<_>>()).collect();
        if rows.is_empty() { Ok(()) } else { self.show(&rows) }
    }

    fn prepare(&mut self) -> Result<String> {
        Ok(String::new())
    }

    fn commit(&mut self, _progress: &str) -> Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        if self.begun { Ok(()) } else { self.show(&[]) }
    }
}

/// The table that an updating result describes, shared by its sink and the live lines.
#[derive(Clone)]
pub struct LiveTable {
    schema: SchemaRef,
    rows: Arc<Mutex<ChangelogTable>>,
}

impl LiveTable {
    /// An empty table.
    pub fn new(schema: SchemaRef) -> Self {
        Self { schema, rows: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, ChangelogTable> {
        self.rows.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Its first rows, as many as go on so many lines.
    pub fn lines(&self, lines_max: usize) -> Vec<LiveLine> {
        let table = self.lock();
        let shown: Vec<Row> = table.rows().take(lines_max.saturating_sub(3)).cloned().collect();
        let hidden = table.len() - shown.len();
        drop(table);
        let mut layout = layout(&self.schema);
        layout.fit(&shown);
        let text = layout.header() + &layout.body(&shown);
        let mut lines: Vec<LiveLine> = text.lines().map(LiveLine::plain).collect();
        if hidden > 0 {
            lines.push(LiveLine::plain(format!("… and {}", counted(hidden as u64, "more row"))));
        }
        lines
    }

    fn text(&self) -> String {
        let table = self.lock();
        let rows: Vec<Row> = table.rows().cloned().collect();
        let unmatched = table.unmatched();
        drop(table);
        let mut layout = layout(&self.schema);
        layout.fit(&rows);
        let mut text = layout.header() + &layout.body(&rows);
        if unmatched > 0 {
            let what = counted(unmatched, "change");
            text.push_str(&format!("({what} took back a row that is not in the table: use --output changelog to see them)\n"));
        }
        text
    }
}

/// Keeps an updating result as a table and writes it when the job has ended.
pub struct LiveTableSink {
    table: LiveTable,
    zone: Arc<dyn LocalTime>,
    screen: Screen,
}

impl LiveTableSink {
    /// A sink for one result.
    pub fn new(table: LiveTable, zone: Arc<dyn LocalTime>, screen: Screen) -> Self {
        Self { table, zone, screen }
    }
}

impl Sink for LiveTableSink {
    fn encoder(&self) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(Whole))
    }

    fn open(&mut self, _progress: Option<&str>) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, payloads: Vec<Payload>) -> Result<()> {
        let mut table = self.table.lock();
        for batch in batches(payloads) {
            for row in 0..batch.len() {
                table.apply(batch.kind(row), row_of(&batch, row, self.zone.as_ref()));
            }
        }
        Ok(())
    }

    fn prepare(&mut self) -> Result<String> {
        Ok(String::new())
    }

    fn commit(&mut self, _progress: &str) -> Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.screen.write(self.table.text().as_bytes()).map_err(cannot_write)
    }
}
