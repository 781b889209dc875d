//! Feeding the loop: which chunks the workers decode, and when.
//!
//! With little input a tick begins with decoding what there is. While input is waiting anyway, the workers decode the next tick's
//! chunks as soon as each is through with its part of this one, so that none waits for the others in between.

use crate::Result;
use crate::expr::EvalContext;
use crate::intake::Taken;
use crate::run::Job;
use crate::source::ChunkBudget;
use crate::time::NO_WATERMARK;
use crate::worker::{DecodeTask, DecodedChunk, Worker};

/// Bytes in a chunk: large enough to make the cost per chunk vanish, small enough that its columns stay in the cache.
const CHUNK_BYTES: usize = 1 << 20;
/// Rows in a chunk, for sources that count rows.
const CHUNK_ROWS: usize = 16 << 10;
/// Most chunks a worker decodes in one tick.
const CHUNKS_PER_WORKER_MAX: usize = 4;

/// How much is read for a tick, and how that went.
pub(crate) struct Feed {
    chunks_per_worker: usize,
    /// The last tick could have had more.
    full: bool,
    /// Processing time for which the next tick's input has been decoded.
    pub(crate) ahead_ms: Option<i64>,
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self { chunks_per_worker: 1, full: false, ahead_ms: None }
    }

    /// Grows ticks while they are well within the latency target and the input keeps them full; shrinks them when not.
    pub(crate) fn adapt(&mut self, tick_ms: u64, target_ms: u64) {
        if tick_ms > target_ms {
            self.chunks_per_worker = (self.chunks_per_worker / 2).max(1);
        } else if self.full && tick_ms * 3 < target_ms {
            self.chunks_per_worker = (self.chunks_per_worker * 2).min(CHUNKS_PER_WORKER_MAX);
        }
    }
}

/// Chunks for one worker.
pub(crate) struct Share {
    tasks: Vec<DecodeTask>,
    context: EvalContext,
}

impl Share {
    /// Decodes the chunks, in order.
    pub(crate) fn decode(self, worker: &mut Worker) -> Result<Vec<DecodedChunk>> {
        self.tasks.into_iter().map(|task| worker.decode(task, &self.context)).collect()
    }
}

impl Job {
    /// Takes what the sources have ready, within the budget.
    pub(crate) fn take_input(&mut self) -> Result<Vec<Taken>> {
        if self.sources.iter().all(|s| s.pending_rows() == 0) {
            let shares = self.fetch(self.now_ms)?;
            let decoded = self.pool.each(shares, |worker, share| share.decode(worker))?;
            self.accept(decoded);
        }
        let mut taken = vec![];
        let mut left = self.config.tick_rows_max;
        for source in &mut self.sources {
            left -= source.take(left, &mut taken).min(left);
        }
        Ok(taken)
    }

    /// Chunks of the next tick, to be decoded after the last stage of this one; none unless the sources had more than was taken.
    pub(crate) fn fetch_ahead(&mut self) -> Result<Vec<Share>> {
        if !self.feed.full || self.sources.iter().any(|s| s.pending_rows() > 0) {
            return Ok(vec![]);
        }
        let now_ms = self.now_ms.max(self.clock.now_ms());
        self.feed.ahead_ms = Some(now_ms);
        self.fetch(now_ms)
    }

    /// Asks the sources for chunks and deals them out: contiguous runs to each worker, so that the order of workers is that of rows.
    fn fetch(&mut self, now_ms: i64) -> Result<Vec<Share>> {
        let workers = self.pool.len();
        let chunks = workers * self.feed.chunks_per_worker;
        let budget = ChunkBudget { rows: CHUNK_ROWS.min(self.config.tick_rows_max), bytes: CHUNK_BYTES };
        let mut tasks: Vec<DecodeTask> = vec![];
        for source in &mut self.sources {
            if source.discovers() {
                source.discover(now_ms)?;
            }
            source.fetch(chunks, budget, now_ms, &mut tasks)?;
        }
        let total = tasks.len();
        self.feed.full = total >= chunks;
        let context = EvalContext { now_ms, watermark: NO_WATERMARK };
        let used = total.min(workers);
        let mut shares: Vec<Share> = (0..used).map(|_| Share { tasks: vec![], context }).collect();
        for (i, task) in tasks.into_iter().enumerate() {
            shares[i * used / total].tasks.push(task);
        }
        Ok(shares)
    }

    /// Takes decoded chunks in, in the order of workers.
    pub(crate) fn accept(&mut self, decoded: Vec<Vec<DecodedChunk>>) {
        for chunk in decoded.into_iter().flatten() {
            if let Some(source) = self.sources.iter_mut().find(|s| s.node() == chunk.node) {
                source.accept(chunk, self.feed.ahead_ms.unwrap_or(self.now_ms));
            }
        }
    }
}
