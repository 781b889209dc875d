//! Window arithmetic: which slice a time falls into, which windows a slice belongs to. All times in milliseconds.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, UInt32Array};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType};

use crate::operator::{Output, Tick};
use crate::state::timed::TimedTable;
use crate::time::LocalTime;
use crate::{Batch, Error, Result};

/// Windows aligned to the epoch. A slice is the longest piece that no window cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Windows {
    /// Adjacent windows of `size`.
    Tumble {
        /// Length.
        size: i64,
        /// Shift against 1970-01-01 00:00.
        offset: i64,
    },
    /// Windows of `size`, one beginning every `slide`. `size` is a multiple of `slide`.
    Hop {
        /// Length.
        size: i64,
        /// Distance between two starts.
        slide: i64,
        /// Shift.
        offset: i64,
    },
    /// Windows that begin every `size` and of which a longer one ends every `step`. `size` is a multiple of `step`.
    Cumulate {
        /// Longest length.
        size: i64,
        /// Distance between two ends.
        step: i64,
        /// Shift.
        offset: i64,
    },
    /// Windows that rows were put in by an operator before: their time is the end of their window.
    Attached {
        /// Distance between two ends.
        step: i64,
        /// Length; with `cumulates` the longest.
        size: i64,
        /// Shift.
        offset: i64,
        /// Windows of one start have several lengths.
        cumulates: bool,
    },
}

impl Windows {
    /// The same windows for rows that carry the end of theirs.
    pub fn attached(self) -> Self {
        match self {
            Windows::Tumble { size, offset } => Windows::Attached { step: size, size, offset, cumulates: false },
            Windows::Hop { size, slide, offset } => Windows::Attached { step: slide, size, offset, cumulates: false },
            Windows::Cumulate { size, step, offset } => Windows::Attached { step, size, offset, cumulates: true },
            attached => attached,
        }
    }

    /// Length of a slice.
    pub fn slice(&self) -> i64 {
        match *self {
            Windows::Tumble { size, .. } => size,
            Windows::Hop { slide, .. } => slide,
            Windows::Cumulate { step, .. } | Windows::Attached { step, .. } => step,
        }
    }

    fn offset(&self) -> i64 {
        match *self {
            Windows::Tumble { offset, .. }
            | Windows::Hop { offset, .. }
            | Windows::Cumulate { offset, .. }
            | Windows::Attached { offset, .. } => offset,
        }
    }

    /// End of the slice that holds a time.
    #[inline]
    pub fn slice_end(&self, time: i64) -> i64 {
        if let Windows::Attached { .. } = self {
            return time;
        }
        let slice = self.slice();
        time - (time - self.offset()).rem_euclid(slice) + slice
    }

    /// End of the last window that a slice belongs to.
    #[inline]
    pub fn last_window_end(&self, slice_end: i64) -> i64 {
        match *self {
            Windows::Tumble { .. } | Windows::Attached { .. } => slice_end,
            Windows::Hop { size, slide, .. } => slice_end + size - slide,
            Windows::Cumulate { size, .. } => self.window_start(slice_end) + size,
        }
    }

    /// Start of the window with that end.
    #[inline]
    pub fn window_start(&self, window_end: i64) -> i64 {
        match *self {
            Windows::Tumble { size, .. } | Windows::Hop { size, .. } | Windows::Attached { size, cumulates: false, .. } => {
                window_end - size
            }
            Windows::Cumulate { size, offset, .. } | Windows::Attached { size, offset, .. } => {
                let last = window_end - 1;
                last - (last - offset).rem_euclid(size)
            }
        }
    }

    /// The end before the first slice of the window with that end.
    pub fn before_first_slice(&self, window_end: i64) -> i64 {
        match self {
            Windows::Attached { step, .. } => window_end - step,
            _ => self.window_start(window_end),
        }
    }

    /// The first window end after `due` of a window that holds the slice ending at `first`, all windows up to `due` having fired.
    pub fn next_end(&self, first: i64, due: i64) -> i64 {
        if first > due { first } else { due + self.slice() - (due - first).rem_euclid(self.slice()) }
    }

    /// Whether a slice holds a time.
    #[inline]
    fn holds(&self, slice_end: i64, time: i64) -> bool {
        match self {
            Windows::Attached { .. } => time == slice_end,
            _ => time < slice_end && time >= slice_end - self.slice(),
        }
    }

    /// Whether longer windows build on shorter ones, so that slices may be folded together once a window has fired.
    pub fn cumulates(&self) -> bool {
        matches!(self, Windows::Cumulate { .. })
    }
}

/// What a window operator goes by.
#[derive(Debug, Clone)]
pub enum TimeColumn {
    /// Event time in a column of the input.
    Event(usize),
    /// Processing time of the tick.
    Processing,
    /// One of the two as a clock in a time zone shows it: windows of a day begin at midnight there.
    Local(Box<TimeColumn>, std::sync::Arc<dyn LocalTime>),
}

impl TimeColumn {
    /// Windows that end at or before `before + 1` have fired; those up to `after + 1` fire in this tick.
    pub fn span(&self, tick: &Tick) -> (i64, i64) {
        let over = |ms: i64, zone: &dyn LocalTime| if ms == i64::MIN || ms == i64::MAX { ms } else { zone.over(ms) };
        match self {
            TimeColumn::Local(time, zone) => {
                let (before, after) = time.span(tick);
                (over(before, zone.as_ref()), over(after, zone.as_ref()))
            }
            TimeColumn::Event(_) => (tick.watermark_before, tick.watermark),
            TimeColumn::Processing if tick.last => (tick.now_before_ms.saturating_sub(1), i64::MAX),
            TimeColumn::Processing => (tick.now_before_ms.saturating_sub(1), tick.now_ms - 1),
        }
    }

    /// The time of each row.
    pub fn values(&self, batch: &Batch, tick: &Tick) -> Result<Int64Array> {
        match self {
            TimeColumn::Event(column) => millis(batch.column(*column)),
            TimeColumn::Processing => Ok(Int64Array::from(vec![tick.now_ms; batch.len()])),
            TimeColumn::Local(time, zone) => Ok(time.values(batch, tick)?.unary(|ms| zone.to_local(ms))),
        }
    }

    /// The moment at which a window with that end is over, less one: its `window_time`.
    pub fn window_time(&self, end: i64) -> i64 {
        match self {
            TimeColumn::Local(_, zone) => zone.to_utc(end - 1),
            _ => end - 1,
        }
    }

    /// Asks for a step when processing time reaches `end`.
    pub fn wake(&self, end: Option<i64>, out: &mut Output) {
        match (self, end) {
            (TimeColumn::Processing, Some(end)) => out.wake_at(end),
            (TimeColumn::Local(time, zone), Some(end)) => time.wake(Some(zone.to_utc(end - 1) + 1), out),
            _ => {}
        }
    }
}

/// Keeps the rows of a batch, each at its time, until that has passed; those whose time had passed before are late.
pub fn keep_until_over(table: &mut TimedTable, batch: &Batch, times: &Int64Array, passed: i64, out: &mut Output) -> Result<()> {
    let late = |row: usize| times.value(row) <= passed;
    table.add(batch.rows.columns(), batch.len(), |row| (!late(row)).then(|| times.value(row)))?;
    (0..batch.len()).filter(|row| late(*row)).for_each(|row| out.late.add(batch, row, passed));
    Ok(())
}

/// The last moments of windows that end at these times, in milliseconds: a window is over when event time is there.
pub fn last_moments(ends: &ArrayRef) -> Result<Int64Array> {
    Ok(millis(ends)?.unary(|end| end - 1))
}

/// A timestamp column in milliseconds, rounded down.
pub fn millis(array: &ArrayRef) -> Result<Int64Array> {
    let scaled =
        |values: &[i64], per_ms: i64| Int64Array::new(values.iter().map(|v| v.div_euclid(per_ms)).collect(), array.nulls().cloned());
    Ok(match array.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let a = array.as_primitive::<TimestampMillisecondType>();
            Int64Array::new(a.values().clone(), a.nulls().cloned())
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => scaled(array.as_primitive::<TimestampMicrosecondType>().values(), 1_000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => scaled(array.as_primitive::<TimestampNanosecondType>().values(), 1_000_000),
        other => return Err(Error::internal(format!("{other} is not a time"))),
    })
}

/// Deals the rows of a batch to their slices, in order of first appearance; rows whose last window has fired go to `out.late`.
pub fn by_slice(windows: &Windows, times: &Int64Array, batch: &Batch, fired: i64, out: &mut Output) -> Result<Vec<(i64, Batch)>> {
    let mut groups: Vec<(i64, Vec<u32>)> = vec![];
    let mut current = 0;
    let mut dropped = false;
    for (row, time) in times.iter().enumerate() {
        let Some(time) = time else { return Err(Error::data("event time is NULL")) };
        let same = groups.get(current).is_some_and(|(end, _)| windows.holds(*end, time));
        if !same {
            let end = windows.slice_end(time);
            if windows.last_window_end(end) - 1 <= fired {
                out.late.add(batch, row, fired);
                dropped = true;
                continue;
            }
            current = match groups.iter().position(|(e, _)| *e == end) {
                Some(i) => i,
                None => {
                    groups.push((end, vec![]));
                    groups.len() - 1
                }
            };
        }
        groups[current].1.push(row as u32);
    }
    if let ([(end, _)], false) = (&groups[..], dropped) {
        return Ok(vec![(*end, batch.clone())]);
    }
    groups.into_iter().map(|(end, rows)| Ok((end, batch.take(&UInt32Array::from(rows))?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_and_windows_of_times_before_1970() {
        let tumble = Windows::Tumble { size: 10, offset: 0 };
        assert_eq!((tumble.slice_end(-1), tumble.slice_end(-10), tumble.slice_end(0)), (0, 0, 10));
        let shifted = Windows::Tumble { size: 10, offset: 3 };
        assert_eq!((shifted.slice_end(2), shifted.slice_end(3)), (3, 13));
    }

    #[test]
    fn a_hop_slice_belongs_to_size_over_slide_windows() {
        let hop = Windows::Hop { size: 10, slide: 5, offset: 0 };
        assert_eq!((hop.slice_end(3), hop.last_window_end(5), hop.window_start(10)), (5, 10, 0));
    }

    #[test]
    fn cumulating_windows_share_their_start() {
        let c = Windows::Cumulate { size: 10, step: 2, offset: 0 };
        assert_eq!((c.slice_end(3), c.last_window_end(4)), (4, 10));
        assert_eq!((c.window_start(2), c.window_start(10), c.window_start(12)), (0, 0, 10));
    }
}
