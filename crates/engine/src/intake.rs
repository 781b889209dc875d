//! The input side of the loop: splits, what was read of them, event time, and how much of it the next tick takes.

use arrow::array::{Array, Int64Array};
use std::collections::VecDeque;

use crate::checkpoint::SplitState;
use crate::graph::{Emit, NodeId};
use crate::progress::SourceProgress;
use crate::source::{BadRow, ChunkBudget, Fetch, Position, Source, SplitInfo, SplitReader};
use crate::time::{END_OF_TIME, NO_WATERMARK, SplitTime, source_watermark};
use crate::worker::{DecodeTask, DecodedChunk};
use crate::{Batch, Error, Result, RowKind};

/// Splits of one source that are open at the same time. More wait their turn and do not hold the watermark back.
const OPEN_SPLITS_MAX: usize = 64;
/// Skipped records kept for the user to look at, per source.
const BAD_SAMPLES: usize = 5;

/// A decoded chunk of which rows are left.
struct Pending {
    start: Position,
    end: Option<Position>,
    rows: Batch,
    times: Option<(Int64Array, Int64Array)>,
    taken: usize,
}

struct Split {
    info: SplitInfo,
    /// Where to open it; see [`SplitState`].
    position: Option<Position>,
    rows_taken: u64,
    /// Rows to pass over after a restore.
    skip: u64,
    reader: Option<Box<dyn SplitReader>>,
    exhausted: bool,
    pending: VecDeque<Pending>,
    watermark: i64,
    /// How far the watermark moved with its last chunk; chooses which split to read next.
    stride: i64,
    idle: bool,
    last_data_ms: i64,
    retry_at_ms: i64,
    rows: u64,
    bad_rows: u64,
}

impl Split {
    fn new(info: SplitInfo, now_ms: i64) -> Self {
        Self {
            info,
            position: None,
            rows_taken: 0,
            skip: 0,
            reader: None,
            exhausted: false,
            pending: VecDeque::new(),
            watermark: NO_WATERMARK,
            stride: 0,
            idle: false,
            last_data_ms: now_ms,
            retry_at_ms: now_ms,
            rows: 0,
            bad_rows: 0,
        }
    }

    fn ended(&self) -> bool {
        self.exhausted && self.pending.is_empty()
    }

    /// Nothing was taken from it yet, so nothing is known of its event time.
    fn waited_for(&self) -> bool {
        self.position.is_none() && !self.idle
    }

    /// How many records wait that were not handed out, with the name of the split.
    fn lag(&self) -> Option<(String, u64)> {
        Some((self.info.id.clone(), self.reader.as_ref()?.lag()?))
    }

    fn time(&self) -> SplitTime {
        SplitTime { watermark: self.watermark, ended: self.ended(), idle: self.idle }
    }
}

/// One source of the job with its splits.
pub struct SourceIntake {
    node: NodeId,
    name: String,
    source: Box<dyn Source>,
    emit: Option<Emit>,
    idle_timeout_ms: Option<i64>,
    splits: Vec<Split>,
    watermark: i64,
    bytes: u64,
    bad_samples: Vec<BadRow>,
    /// Where splits stand in the checkpoint that is being taken.
    prepared: Vec<(SplitInfo, Position)>,
}

/// Rows for a tick, in order.
pub struct Taken {
    /// Source they come from.
    pub node: NodeId,
    /// The rows.
    pub batch: Batch,
}

impl SourceIntake {
    /// A source that has not been read. `emit`: how it tells event time, if it has any.
    pub fn new(node: NodeId, name: String, source: Box<dyn Source>, emit: Option<Emit>, idle_timeout_ms: Option<i64>) -> Self {
        Self {
            node,
            name,
            source,
            emit,
            idle_timeout_ms,
            splits: vec![],
            watermark: if emit.is_some() { NO_WATERMARK } else { END_OF_TIME },
            bytes: 0,
            bad_samples: vec![],
            prepared: vec![],
        }
    }

    /// Node of the source.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Event time of the source. A source without event time never holds another one back.
    pub fn watermark(&self) -> i64 {
        self.watermark
    }

    /// Goes back to where a checkpoint left a split.
    pub fn restore(&mut self, saved: &SplitState, now_ms: i64) {
        let info = SplitInfo { id: saved.id.clone(), detail: saved.detail.clone() };
        let mut split = Split::new(info, now_ms);
        split.position = saved.position.clone();
        split.rows_taken = saved.rows_taken;
        split.skip = saved.rows_taken;
        split.watermark = saved.watermark;
        split.exhausted = saved.ended;
        split.rows = saved.rows;
        split.bad_rows = saved.bad_rows;
        self.splits.push(split);
    }

    /// Sets event time to what it was when the checkpoint was taken. It is not what the splits say: one that was idle then may
    /// lie behind it.
    pub fn restore_watermark(&mut self, watermark: i64) {
        self.watermark = watermark;
    }

    /// Where every split stands.
    pub fn snapshot(&self) -> Vec<SplitState> {
        let state = |s: &Split| SplitState {
            node: self.node,
            id: s.info.id.clone(),
            detail: s.info.detail.clone(),
            position: s.position.clone(),
            rows_taken: s.rows_taken,
            watermark: s.watermark,
            ended: s.ended(),
            rows: s.rows,
            bad_rows: s.bad_rows,
        };
        self.splits.iter().map(state).collect()
    }

    /// All of [`SourceIntake::restore`] is done.
    pub fn restored(&mut self) {
        let infos: Vec<SplitInfo> = self.splits.iter().map(|s| s.info.clone()).collect();
        self.source.restored(&infos);
    }

    /// A checkpoint is about to be taken of where splits stand now; see [`Source::prepare`].
    pub fn prepare(&mut self) -> Result<()> {
        self.prepared = self.splits.iter().filter_map(|s| Some((s.info.clone(), s.position.clone()?))).collect();
        self.source.prepare()
    }

    /// The checkpoint that was prepared is durable.
    pub fn checkpointed(&mut self) -> Result<()> {
        let positions: Vec<_> = self.prepared.iter().map(|(info, position)| (info, position)).collect();
        self.source.checkpointed(&positions)
    }

    /// See [`Source::notes`].
    pub fn notes(&mut self) -> Vec<String> {
        self.source.notes()
    }

    /// Looks for splits; at the start, and in every round for sources in which they can still appear.
    pub fn discover(&mut self, now_ms: i64) -> Result<()> {
        for info in self.source.discover()? {
            if !self.splits.iter().any(|s| s.info.id == info.id) {
                self.splits.push(Split::new(info, now_ms));
            }
        }
        Ok(())
    }

    /// Whether [`SourceIntake::discover`] is to be called again.
    pub fn discovers(&self) -> bool {
        self.source.discovers()
    }

    /// All input was taken.
    pub fn finished(&self) -> bool {
        !self.source.discovers() && self.splits.iter().all(Split::ended)
    }

    /// Rows decoded and not yet taken.
    pub fn pending_rows(&self) -> usize {
        self.splits.iter().flat_map(|s| &s.pending).map(Pending::left).sum()
    }

    /// Asks splits for up to `chunks` chunks. Those that are behind in event time come first, so that no split runs ahead and
    /// fills the state with windows that cannot close.
    pub fn fetch(&mut self, chunks: usize, budget: ChunkBudget, now_ms: i64, tasks: &mut Vec<DecodeTask>) -> Result<()> {
        let mut left = chunks;
        while left > 0 {
            let candidates = self.candidates(now_ms);
            let share = (left / candidates.len().max(1)).max(1);
            let mut got = 0;
            for index in candidates {
                let want = share.min(left - got);
                got += self.fetch_split(index, want, budget, now_ms, tasks)?;
                if got >= left {
                    break;
                }
            }
            if got == 0 {
                break;
            }
            left -= got;
            if self.emit.is_some() {
                break; // how far behind the others are is known only after decoding
            }
        }
        Ok(())
    }

    fn candidates(&self, now_ms: i64) -> Vec<usize> {
        let open: Vec<usize> = (0..self.splits.len()).filter(|i| !self.splits[*i].exhausted).take(OPEN_SPLITS_MAX).collect();
        let ready = |i: &usize| self.splits[*i].retry_at_ms <= now_ms;
        if self.emit.is_none() {
            return open.into_iter().filter(ready).collect();
        }
        let behind = open.iter().copied().filter(ready).min_by_key(|i| self.splits[*i].watermark);
        let Some(behind) = behind else { return vec![] };
        let reach = self.splits[behind].watermark.saturating_add(self.splits[behind].stride);
        open.into_iter().filter(ready).filter(|i| self.splits[*i].watermark <= reach).collect()
    }

    fn fetch_split(&mut self, index: usize, want: usize, budget: ChunkBudget, now_ms: i64, tasks: &mut Vec<DecodeTask>) -> Result<usize> {
        let split = &mut self.splits[index];
        if split.reader.is_none() {
            split.reader = Some(self.source.open(&split.info, split.position.as_ref())?);
        }
        let Some(reader) = &mut split.reader else { return Err(Error::internal("a reader was just opened")) };
        let mut got = 0;
        while got < want {
            match reader.fetch(budget)? {
                Fetch::Chunk(chunk) => {
                    tasks.push(DecodeTask { node: self.node, split: index, chunk });
                    got += 1;
                }
                Fetch::Idle { retry_after_ms } => {
                    split.retry_at_ms = now_ms.saturating_add(retry_after_ms as i64);
                    break;
                }
                Fetch::End => {
                    split.exhausted = true;
                    split.reader = None;
                    break;
                }
            }
        }
        Ok(got)
    }

    /// Takes a decoded chunk in. Chunks of a split arrive in order.
    pub fn accept(&mut self, chunk: DecodedChunk, now_ms: i64) {
        let split = &mut self.splits[chunk.split];
        let rows = chunk.rows.len();
        let skipped = split.skip.min(rows as u64) as usize;
        if split.skip == 0 {
            split.bad_rows += chunk.bad_rows;
        }
        split.skip -= skipped as u64;
        split.last_data_ms = now_ms;
        split.idle = false;
        self.bytes += chunk.bytes;
        let room = BAD_SAMPLES.saturating_sub(self.bad_samples.len());
        self.bad_samples.extend(chunk.bad_samples.into_iter().take(room));
        if rows == 0 && split.skip == 0 && split.pending.is_empty() && self.emit.is_none() && chunk.end.is_some() {
            // Nothing of it will be taken: a restart need not look at it again.
            (split.position, split.rows_taken) = (chunk.end, 0);
            return;
        }
        if rows > skipped {
            split.pending.push_back(Pending { start: chunk.start, end: chunk.end, rows: chunk.rows, times: chunk.times, taken: skipped });
        }
    }

    /// Takes rows for the next tick, at most `limit`. With `OnEvent` it stops before a row that the watermark has passed since
    /// the tick began: that row belongs into a tick of its own watermark, so that it is late exactly when Flink says so.
    pub fn take(&mut self, limit: usize, out: &mut Vec<Taken>) -> usize {
        let mut left = limit;
        for index in 0..self.splits.len() {
            while left > 0 && !self.splits[index].pending.is_empty() {
                let (n, cut) = match self.emit {
                    Some(Emit::OnEvent) => self.run_length(index, left),
                    _ => (self.splits[index].pending[0].whole(left), false),
                };
                if n > 0 {
                    self.consume(index, n, out);
                    left = left.saturating_sub(n);
                }
                if cut {
                    return limit - left;
                }
            }
        }
        limit - left
    }

    /// How many rows of a split's first pending chunk can go into this tick, and whether the tick ends there.
    fn run_length(&self, index: usize, limit: usize) -> (usize, bool) {
        let Some((marks, times)) = self.splits[index].pending[0].times.as_ref() else { return (0, true) };
        let others = self.held_by_others(index);
        let mut own = self.splits[index].watermark;
        let mut now = self.watermark.max(own.min(others));
        let from = self.splits[index].pending[0].taken;
        let end = marks.len().min(from.saturating_add(limit));
        for row in from..end {
            if times.value(row) <= now && now > self.watermark {
                return (row - from, true);
            }
            if marks.is_valid(row) && marks.value(row) > own {
                own = marks.value(row);
                now = now.max(own.min(others));
            }
        }
        (end - from, false)
    }

    /// How far the other splits let event time come.
    fn held_by_others(&self, index: usize) -> i64 {
        let others = || self.splits.iter().enumerate().filter(|(i, s)| *i != index && !s.ended());
        if others().take(OPEN_SPLITS_MAX).any(|(_, s)| s.waited_for()) {
            return NO_WATERMARK;
        }
        let counting = others().filter(|(_, s)| s.position.is_some() && !s.idle);
        counting.map(|(_, s)| s.watermark).min().unwrap_or(END_OF_TIME)
    }

    fn consume(&mut self, index: usize, n: usize, out: &mut Vec<Taken>) {
        let split = &mut self.splits[index];
        let Some(pending) = split.pending.front_mut() else { return };
        let from = pending.taken;
        pending.taken += n;
        if let Some((marks, _)) = &pending.times {
            let newest = arrow::compute::max(&marks.slice(from, n)).unwrap_or(NO_WATERMARK).max(split.watermark);
            if split.watermark != NO_WATERMARK {
                split.stride = newest.saturating_sub(split.watermark);
            }
            split.watermark = newest;
        }
        out.push(Taken { node: self.node, batch: pending.rows.slice(from, n) });
        split.rows += n as u64;
        split.position = Some(pending.start.clone());
        split.rows_taken = pending.taken as u64;
        if pending.left() == 0 {
            if let Some(end) = pending.end.take() {
                (split.position, split.rows_taken) = (Some(end), 0);
            }
            split.pending.pop_front();
        }
    }

    /// Moves event time to where the splits are. Tells whether it moved.
    pub fn advance(&mut self) -> bool {
        if self.emit.is_none() {
            return false;
        }
        let unopened = self.splits.iter().any(|s| s.position.is_none() && !s.ended());
        let opened = self.splits.iter().filter(|s| s.position.is_some() || s.ended()).map(Split::time);
        let waiting = self.splits.iter().filter(|s| !s.ended()).take(OPEN_SPLITS_MAX).any(Split::waited_for);
        let previous = self.watermark;
        if !waiting {
            self.watermark = source_watermark(opened, unopened || self.source.discovers(), previous);
        }
        self.watermark != previous
    }

    /// Marks splits that have been silent for the idle timeout. Tells whether the whole source fell silent by that.
    pub fn note_idle(&mut self, now_ms: i64) -> bool {
        let Some(timeout) = self.idle_timeout_ms.filter(|t| *t > 0) else { return false };
        let before = self.idle();
        for split in self.splits.iter_mut().filter(|s| s.pending.is_empty() && !s.exhausted) {
            split.idle = now_ms - split.last_data_ms >= timeout;
        }
        self.idle() && !before
    }

    /// Whether all splits that have not ended are silent: event time behind this source does not wait for it.
    pub fn idle(&self) -> bool {
        let mut running = self.splits.iter().filter(|s| !s.ended()).peekable();
        running.peek().is_some() && running.all(|s| s.idle)
    }

    /// When there may be something to do again; milliseconds.
    pub fn next_due_ms(&self) -> Option<i64> {
        let retry = self.splits.iter().filter(|s| !s.exhausted).map(|s| s.retry_at_ms);
        let idle = self.splits.iter().filter(|s| !s.exhausted && !s.idle).filter_map(|s| self.idle_timeout_ms.map(|t| s.last_data_ms + t));
        retry.chain(idle).min()
    }

    /// For people.
    pub fn progress(&self) -> SourceProgress {
        let real = |w: i64| (w != NO_WATERMARK && w != END_OF_TIME).then_some(w);
        let held = self.splits.iter().filter(|s| !s.ended() && !s.idle).min_by_key(|s| s.watermark);
        let reached = self.splits.iter().filter_map(|s| real(s.watermark)).max();
        SourceProgress {
            name: self.name.clone(),
            rows: self.splits.iter().map(|s| s.rows).sum(),
            bytes: self.bytes,
            bad_rows: self.splits.iter().map(|s| s.bad_rows).sum(),
            bad_samples: self.bad_samples.clone(),
            splits: self.splits.len(),
            splits_ended: self.splits.iter().filter(|s| s.ended()).count(),
            watermark: self.emit.and_then(|_| if self.watermark == END_OF_TIME { reached } else { real(self.watermark) }),
            held_by: self.emit.and(held).map(|s| s.info.id.clone()),
            lags: self.splits.iter().filter_map(Split::lag).collect(),
        }
    }
}

impl Pending {
    fn left(&self) -> usize {
        self.rows.len() - self.taken
    }

    /// At most `limit` rows, or one more: an update is not torn in two.
    fn whole(&self, limit: usize) -> usize {
        let n = limit.min(self.left());
        let torn = n > 0 && n < self.left() && self.rows.kind(self.taken + n - 1) == RowKind::UpdateBefore;
        n + usize::from(torn)
    }
}
