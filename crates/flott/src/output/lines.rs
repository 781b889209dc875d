//! Results whose rows are lines: encoded on the workers, written in their order.

use std::sync::Arc;

use flott_engine::sink::{Encoder, Payload, Sink};
use flott_engine::text::print_text;
use flott_engine::{Batch, Result};

use super::cannot_write;
use crate::terminal::screen::Screen;

/// Appends the lines of a batch.
pub type EncodeLines = Arc<dyn Fn(&Batch, &mut Vec<u8>) -> Result<()> + Send + Sync>;

/// Changes as Flink prints them.
pub fn changelog() -> EncodeLines {
    Arc::new(|batch, out| {
        let schema = batch.rows.schema();
        for row in 0..batch.len() {
            out.extend_from_slice(batch.kind(row).symbol().as_bytes());
            out.push(b'[');
            for (i, (column, field)) in batch.rows.columns().iter().zip(schema.fields()).enumerate() {
                if i > 0 {
                    out.extend_from_slice(b", ");
                }
                print_text(column.as_ref(), row, field, out);
            }
            out.extend_from_slice(b"]\n");
        }
        Ok(())
    })
}

/// Writes lines to standard output as they come.
pub struct LineSink {
    encode: EncodeLines,
    /// Written before the first row, and without rows at the end.
    header: Option<String>,
    screen: Screen,
}

impl LineSink {
    /// A sink for one result.
    pub fn new(encode: EncodeLines, header: Option<String>, screen: Screen) -> Self {
        Self { encode, header, screen }
    }

    fn write_header(&mut self) -> Result<()> {
        match self.header.take() {
            Some(header) => self.screen.write(header.as_bytes()).map_err(cannot_write),
            None => Ok(()),
        }
    }
}

impl Sink for LineSink {
    fn encoder(&self) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(LineEncoder(self.encode.clone())))
    }

    fn open(&mut self, _progress: Option<&str>) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, payloads: Vec<Payload>) -> Result<()> {
        for payload in payloads {
            if let Payload::Bytes { bytes, .. } = payload {
                self.write_header()?;
                self.screen.write(&bytes).map_err(cannot_write)?;
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
        self.write_header()
    }
}

struct LineEncoder(EncodeLines);

impl Encoder for LineEncoder {
    fn encode(&mut self, batch: &Batch, out: &mut Vec<Payload>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(batch.len() * 64);
        (self.0)(batch, &mut bytes)?;
        out.push(Payload::Bytes { partition: String::new(), rows: batch.len() as u64, bytes });
        Ok(())
    }
}
