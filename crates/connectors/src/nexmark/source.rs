//! The Nexmark source: one split, handed out as ranges of event numbers that any worker turns into rows.

use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use flott_engine::source::{Chunk, ChunkBudget, Decoded, Fetch, Position, Source, SplitInfo, SplitReader};
use flott_engine::{Error, Result};
use serde::{Deserialize, Serialize};

use super::events::Generator;
use super::options::NexmarkOptions;

/// A paced source with nothing due is asked again after at most this time.
const RETRY_MS_MAX: u64 = 100;
/// How soon a source that has ended, but stays open, is asked again.
const CLOSED_RETRY_MS: u64 = 1000;

/// Where a chunk begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Number of its first event.
    event: u64,
    /// The base time that the job began with, which may have been the time of its start.
    base_time_ms: i64,
}

pub(crate) struct NexmarkSource {
    options: NexmarkOptions,
    schema: SchemaRef,
    discovered: bool,
}

impl NexmarkSource {
    pub(crate) fn new(options: NexmarkOptions, schema: SchemaRef) -> Self {
        Self { options, schema, discovered: false }
    }
}

impl Source for NexmarkSource {
    fn discover(&mut self) -> Result<Vec<SplitInfo>> {
        if std::mem::replace(&mut self.discovered, true) {
            return Ok(vec![]);
        }
        Ok(vec![SplitInfo { id: "events".into(), detail: String::new() }])
    }

    fn open(&mut self, _: &SplitInfo, from: Option<&Position>) -> Result<Box<dyn SplitReader>> {
        let mut config = self.options.config.clone();
        let mut next = 0;
        if let Some(position) = from {
            let place: Place = serde_json::from_str(position)
                .map_err(|e| Error::state(format!("The position '{position}' is not one of a Nexmark source: {e}")))?;
            next = place.event;
            config.base_time_ms = place.base_time_ms;
        }
        let generator = Arc::new(Generator::new(config)?);
        Ok(Box::new(NexmarkReader {
            row_bytes: generator.row_bytes(&self.schema),
            generator,
            schema: Arc::clone(&self.schema),
            next,
            end: self.options.events,
            keep_alive: self.options.keep_alive,
            paced: self.options.paced.then(|| (Instant::now(), next)),
        }))
    }
}

struct NexmarkReader {
    generator: Arc<Generator>,
    schema: SchemaRef,
    /// About how long a row is.
    row_bytes: usize,
    next: u64,
    end: Option<u64>,
    keep_alive: bool,
    /// When reading began, and at which event; `None`: as fast as possible.
    paced: Option<(Instant, u64)>,
}

impl SplitReader for NexmarkReader {
    fn fetch(&mut self, budget: ChunkBudget) -> Result<Fetch> {
        // Event times are exact up to 2^53 events, which at any rate is longer than this source will run.
        let end = self.end.unwrap_or(1 << 53);
        if self.next >= end {
            return Ok(if self.keep_alive { Fetch::Idle { retry_after_ms: CLOSED_RETRY_MS } } else { Fetch::End });
        }
        let fitting = (budget.bytes / self.row_bytes).clamp(1, budget.rows.max(1));
        let wanted = self.next..end.min(self.next + fitting as u64);
        let until = match self.paced {
            None => wanted.end,
            Some((began, first)) => {
                let due_ms = self.generator.time_ms(first) + began.elapsed().as_millis() as i64;
                let until = self.first_after(wanted.clone(), due_ms);
                if until == self.next {
                    let wait_ms = (self.generator.time_ms(self.next) - due_ms).clamp(1, RETRY_MS_MAX as i64);
                    return Ok(Fetch::Idle { retry_after_ms: wait_ms as u64 });
                }
                until
            }
        };
        let chunk = NexmarkChunk { generator: Arc::clone(&self.generator), schema: Arc::clone(&self.schema), from: self.next, until };
        self.next = until;
        Ok(Fetch::Chunk(Box::new(chunk)))
    }
}

impl NexmarkReader {
    /// The first of these events that is not due at `due_ms` of event time, or the end.
    fn first_after(&self, events: std::ops::Range<u64>, due_ms: i64) -> u64 {
        let (mut low, mut high) = (events.start, events.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.generator.time_ms(middle) <= due_ms { low = middle + 1 } else { high = middle }
        }
        low
    }
}

struct NexmarkChunk {
    generator: Arc<Generator>,
    schema: SchemaRef,
    from: u64,
    until: u64,
}

impl Chunk for NexmarkChunk {
    fn start(&self) -> Position {
        let place = Place { event: self.from, base_time_ms: self.generator.config.base_time_ms };
        // Numbers always have a JSON form.
        serde_json::to_string(&place).unwrap_or_default()
    }

    fn decode(self: Box<Self>) -> Result<Decoded> {
        let rows = self.generator.generate(self.from..self.until, &self.schema)?;
        let bytes = rows.get_array_memory_size() as u64;
        Ok(Decoded::clean(rows, bytes))
    }
}
