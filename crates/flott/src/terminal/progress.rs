//! The live lines of a running job.

use std::time::{Duration, Instant};

use flott_engine::progress::{Progress, SourceProgress};

use super::figures::{bytes, count, counted, duration, per_second, table_name, watermark};
use super::screen::LiveLine;

/// A rate is taken over at least this time, so that it can be read.
const RATE_INTERVAL: Duration = Duration::from_millis(900);

/// Follows one job.
#[derive(Debug)]
pub struct Monitor {
    started: Instant,
    measured: Instant,
    rows: Vec<u64>,
    rates: Vec<u64>,
}

impl Monitor {
    /// A job that starts now.
    pub fn new() -> Self {
        let now = Instant::now();
        Self { started: now, measured: now, rows: vec![], rates: vec![] }
    }

    /// The lines for what the job tells.
    pub fn lines(&mut self, progress: &Progress) -> Vec<LiveLine> {
        self.measure(progress, Instant::now());
        let rates = self.rates.iter().copied().chain(std::iter::repeat(0));
        let mut lines: Vec<LiveLine> = progress.sources.iter().zip(rates).map(|(s, rate)| LiveLine::plain(source_line(s, rate))).collect();
        lines.push(LiveLine::plain(job_line(progress, self.started.elapsed())));
        lines.extend(losses(progress).map(LiveLine::warning));
        lines
    }

    fn measure(&mut self, progress: &Progress, now: Instant) {
        let time = now - self.measured;
        if !self.rates.is_empty() && time < RATE_INTERVAL {
            return;
        }
        let rows: Vec<u64> = progress.sources.iter().map(|s| s.rows).collect();
        let before = self.rows.iter().copied().chain(std::iter::repeat(0));
        self.rates = rows.iter().zip(before).map(|(now, before)| per_second(now.saturating_sub(before), time)).collect();
        self.rows = rows;
        self.measured = now;
    }
}

/// Partitions whose lag is shown, those that are furthest behind first.
const LAGS_SHOWN: usize = 4;

fn source_line(source: &SourceProgress, rate: u64) -> String {
    let mut line =
        format!("{}: {}, {} rows/s, {}", table_name(&source.name), counted(source.rows, "row"), count(rate), bytes(source.bytes));
    if source.splits > 1 {
        line.push_str(&format!(", {}/{} splits done", source.splits_ended, source.splits));
    }
    if let Some(ms) = source.watermark {
        line.push_str(&format!(", watermark {}", watermark(ms)));
        if let Some(split) = source.held_by.as_ref().filter(|_| source.splits > 1) {
            line.push_str(&format!(" held by {split}"));
        }
    }
    let behind: u64 = source.lags.iter().map(|(_, lag)| lag).sum();
    if behind > 0 {
        line.push_str(&format!(", {} behind", counted(behind, "record")));
        let mut lags: Vec<&(String, u64)> = source.lags.iter().filter(|(_, lag)| *lag > 0).collect();
        lags.sort_by_key(|(_, lag)| std::cmp::Reverse(*lag));
        let shown: Vec<String> = lags.iter().take(LAGS_SHOWN).map(|(split, lag)| format!("{split}: {}", count(*lag))).collect();
        let more = if lags.len() > LAGS_SHOWN { ", …" } else { "" };
        line.push_str(&format!(" ({}{more})", shown.join(", ")));
    }
    line
}

fn job_line(progress: &Progress, elapsed: Duration) -> String {
    let written: u64 = progress.sinks.iter().map(|s| s.rows).sum();
    let mut line = format!("{} out, {}", counted(written, "row"), duration(elapsed));
    if let Some(why) = &progress.waiting {
        line.push_str(&format!(", waits: {why}"));
    }
    if progress.checkpoints > 0 {
        line.push_str(&format!(", {}, state {}", counted(progress.checkpoints, "checkpoint"), bytes(progress.state_bytes as u64)));
    }
    line
}

/// What was dropped so far, in short.
fn losses(progress: &Progress) -> impl Iterator<Item = String> {
    let bad = progress.sources.iter().filter(|s| s.bad_rows > 0);
    let bad = bad.map(|s| format!("{} in {}", counted(s.bad_rows, "bad row"), table_name(&s.name)));
    let late = progress.operators.iter().filter(|o| o.late.count > 0);
    let late = late.map(|o| format!("{} dropped by {}", counted(o.late.count, "late row"), o.name));
    bad.chain(late)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flott_engine::progress::{OperatorProgress, SinkProgress};

    #[test]
    fn lines_tell_rates_time_and_losses() {
        let mut monitor = Monitor::new();
        let mut progress = Progress {
            sources: vec![SourceProgress {
                name: "bids".into(),
                rows: 1000,
                bytes: 5000,
                bad_rows: 1,
                splits: 2,
                splits_ended: 1,
                watermark: Some(0),
                held_by: Some("b.json".into()),
                ..Default::default()
            }],
            sinks: vec![SinkProgress { name: "out".into(), rows: 1 }],
            operators: vec![OperatorProgress { name: "WindowAggregate".into(), ..Default::default() }],
            ..Default::default()
        };
        monitor.measured -= Duration::from_secs(1);
        let now = monitor.measured + Duration::from_secs(1);
        monitor.measure(&progress, now);
        progress.sources[0].rows = 5000;
        monitor.measure(&progress, now + Duration::from_millis(10));
        assert_eq!(monitor.rates, [1000]);
        monitor.measure(&progress, now + Duration::from_secs(2));
        assert_eq!(monitor.rates, [2000]);
        assert_eq!(
            source_line(&progress.sources[0], 2000),
            "bids: 5,000 rows, 2,000 rows/s, 5.0 kB, 1/2 splits done, watermark 1970-01-01 00:00:00.000 held by b.json"
        );
        progress.sources[0].lags =
            ["t-0", "t-1", "t-2", "t-3", "t-4", "t-5"].iter().zip([5, 0, 1200, 7, 1, 2]).map(|(s, n)| (s.to_string(), n)).collect();
        let line = source_line(&progress.sources[0], 2000);
        assert!(line.ends_with(", 1,215 records behind (t-2: 1,200, t-3: 7, t-0: 5, t-5: 2, …)"), "{line}");
        assert_eq!(job_line(&progress, Duration::from_secs(2)), "1 row out, 2.00 s");
        assert_eq!(losses(&progress).collect::<Vec<_>>(), ["1 bad row in bids"]);
    }
}
