//! Event time of a source: a watermark per split, and the minimum over those that count. And what clocks in a time zone show.

/// No watermark yet.
pub const NO_WATERMARK: i64 = i64::MIN;
/// All input has been seen.
pub const END_OF_TIME: i64 = i64::MAX;

/// Event time of one split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitTime {
    /// Largest watermark of its rows; milliseconds.
    pub watermark: i64,
    /// The split has ended.
    pub ended: bool,
    /// No rows for the idle timeout.
    pub idle: bool,
}

/// The watermark of a source: the smallest over its splits that are neither ended nor idle. When all have ended, time has.
/// When the rest is idle, what the idle ones reached stands: `previous` is kept.
pub fn source_watermark(splits: impl Iterator<Item = SplitTime>, more_to_come: bool, previous: i64) -> i64 {
    let mut active: Option<i64> = None;
    let mut idle = false;
    for split in splits.filter(|s| !s.ended) {
        if split.idle {
            idle = true;
        } else {
            active = Some(active.map_or(split.watermark, |a| a.min(split.watermark)));
        }
    }
    match active {
        Some(watermark) => watermark.max(previous),
        None if idle || more_to_come => previous,
        None => END_OF_TIME,
    }
}

/// Event time where several inputs come together: the slowest of those that run. `None` is an input behind which all is idle; it
/// does not hold the others back, but while there is one, time does not end with the others.
pub fn slowest(inputs: impl Iterator<Item = Option<i64>> + Clone) -> Option<i64> {
    let running = inputs.clone().flatten().filter(|time| *time < END_OF_TIME).min();
    running.or_else(|| inputs.clone().all(|time| time.is_some()).then_some(END_OF_TIME))
}

/// Event time behind a step whose rows may lie so far behind its own; milliseconds.
pub fn delayed(time: i64, delay_ms: i64) -> i64 {
    if time == NO_WATERMARK || time == END_OF_TIME { time } else { time.saturating_sub(delay_ms) }
}

/// The clock on the wall of a time zone. Milliseconds since 1970-01-01 00:00, in UTC and there.
pub trait LocalTime: std::fmt::Debug + Send + Sync {
    /// What the clock shows.
    fn to_local(&self, utc_ms: i64) -> i64;
    /// When the clock shows that; the last time, where it does so twice.
    fn to_utc(&self, local_ms: i64) -> i64;
    /// The latest local time that is surely over when `utc_ms` is: the hour that the clock goes through twice is over with its
    /// second pass.
    fn over(&self, utc_ms: i64) -> i64 {
        let local = self.to_local(utc_ms);
        if self.to_utc(local) <= utc_ms {
            return local;
        }
        // In the first pass: back to where the repeated hour began.
        local - (self.to_utc(local) - utc_ms).min(local.rem_euclid(3_600_000) + 1)
    }
}

/// The clock of UTC.
#[derive(Debug, Clone, Copy)]
pub struct Utc;

impl LocalTime for Utc {
    fn to_local(&self, utc_ms: i64) -> i64 {
        utc_ms
    }
    fn to_utc(&self, local_ms: i64) -> i64 {
        local_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(watermark: i64, ended: bool, idle: bool) -> SplitTime {
        SplitTime { watermark, ended, idle }
    }

    #[test]
    fn the_slowest_active_split_holds_the_watermark() {
        let splits = [split(50, false, false), split(20, false, false), split(10, true, false), split(5, false, true)];
        assert_eq!(source_watermark(splits.into_iter(), false, NO_WATERMARK), 20);
    }

    #[test]
    fn it_never_goes_back() {
        assert_eq!(source_watermark([split(3, false, false)].into_iter(), false, 9), 9);
    }

    #[test]
    fn time_ends_with_the_last_split_only() {
        let ended = || [split(1, true, false)].into_iter();
        assert_eq!(source_watermark(ended(), false, 1), END_OF_TIME);
        assert_eq!(source_watermark(ended(), true, 1), 1);
        assert_eq!(source_watermark([split(1, true, false), split(7, false, true)].into_iter(), false, 1), 1);
    }
}
