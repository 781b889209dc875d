//! The datagen source: one split, handed out as ranges of row numbers that any worker turns into rows.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::datatypes::SchemaRef;
use flott_engine::source::{Chunk, ChunkBudget, Decoded, Fetch, Position, Source, SplitInfo, SplitReader};
use flott_engine::{Error, Result};
use serde::{Deserialize, Serialize};

use super::columns::Run;
use super::fields::Plan;
use super::pace::Pace;
use super::random::Key;

/// A source with nothing due is asked again after at most this time.
const RETRY_MS_MAX: u64 = 100;

/// Where a chunk begins, and what else its rows depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Number of its first row.
    row: u64,
    /// Number of its rows.
    rows: u64,
    /// Seed of the run.
    seed: u64,
    /// The current time that its timestamps count back from, in milliseconds since 1970.
    time_ms: i64,
}

pub(crate) struct DatagenSource {
    plan: Arc<Plan>,
    schema: SchemaRef,
    discovered: bool,
}

impl DatagenSource {
    pub(crate) fn new(plan: Plan, schema: SchemaRef) -> Self {
        Self { plan: Arc::new(plan), schema, discovered: false }
    }
}

impl Source for DatagenSource {
    fn discover(&mut self) -> Result<Vec<SplitInfo>> {
        if std::mem::replace(&mut self.discovered, true) {
            return Ok(vec![]);
        }
        Ok(vec![SplitInfo { id: "rows".into(), detail: String::new() }])
    }

    fn open(&mut self, _: &SplitInfo, from: Option<&Position>) -> Result<Box<dyn SplitReader>> {
        let place: Option<Place> = from
            .map(|position| {
                serde_json::from_str(position)
                    .map_err(|e| Error::state(format!("The position '{position}' is not one of a datagen source: {e}")))
            })
            .transpose()?;
        Ok(Box::new(DatagenReader {
            next: place.map_or(0, |p| p.row),
            // The library's hasher keys differ from run to run and from call to call.
            seed: place.map_or_else(|| RandomState::new().build_hasher().finish(), |p| p.seed),
            resumed: place,
            pace: Pace::new(self.plan.rows_per_second),
            plan: Arc::clone(&self.plan),
            schema: Arc::clone(&self.schema),
        }))
    }
}

struct DatagenReader {
    plan: Arc<Plan>,
    schema: SchemaRef,
    next: u64,
    seed: u64,
    /// The chunk that was resumed: its rows come again as they were, with the time of then.
    resumed: Option<Place>,
    pace: Pace,
}

impl SplitReader for DatagenReader {
    fn fetch(&mut self, budget: ChunkBudget) -> Result<Fetch> {
        let mut left = self.plan.rows.unwrap_or(u64::MAX).saturating_sub(self.next);
        if left == 0 {
            return Ok(Fetch::End);
        }
        self.resumed = self.resumed.filter(|p| self.next < p.row + p.rows);
        if let Some(place) = self.resumed {
            left = left.min(place.row + place.rows - self.next);
        }
        let fitting = (budget.bytes / self.plan.row_bytes.max(1)).clamp(1, budget.rows.max(1));
        let rows = match self.pace.take(left.min(fitting as u64)) {
            Ok(rows) => rows,
            Err(wait_ms) => return Ok(Fetch::Idle { retry_after_ms: wait_ms.min(RETRY_MS_MAX) }),
        };
        let time_ms = self.resumed.map_or_else(now_ms, |p| p.time_ms);
        let place = Place { row: self.next, rows, seed: self.seed, time_ms };
        self.next += rows;
        Ok(Fetch::Chunk(Box::new(DatagenChunk { plan: Arc::clone(&self.plan), schema: Arc::clone(&self.schema), place })))
    }
}

struct DatagenChunk {
    plan: Arc<Plan>,
    schema: SchemaRef,
    place: Place,
}

impl Chunk for DatagenChunk {
    fn start(&self) -> Position {
        // Numbers always have a JSON form.
        serde_json::to_string(&self.place).unwrap_or_default()
    }

    fn decode(self: Box<Self>) -> Result<Decoded> {
        let run = Run { key: Key::new(self.place.seed), time_ms: self.place.time_ms };
        let rows = self.plan.generate(self.place.row..self.place.row + self.place.rows, &self.schema, &run)?;
        let bytes = rows.get_array_memory_size() as u64;
        Ok(Decoded::clean(rows, bytes))
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
