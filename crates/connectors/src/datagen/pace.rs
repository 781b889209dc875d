//! Keeps a generating source at its rate.

use std::time::{Duration, Instant};

/// Hands out rows at a rate. A source that fell behind, because nobody asked it, catches up with one second's rows at most.
#[derive(Debug)]
pub(crate) struct Pace {
    rows_per_second: u64,
    began: Instant,
    /// Rows handed out since `began`, and those given up while nobody asked.
    spent: u64,
}

impl Pace {
    pub(crate) fn new(rows_per_second: u64) -> Self {
        Self { rows_per_second: rows_per_second.max(1), began: Instant::now(), spent: 0 }
    }

    /// How many of the `wanted` rows are due now; if none, the time to wait in milliseconds.
    pub(crate) fn take(&mut self, wanted: u64) -> Result<u64, u64> {
        self.take_at(self.began.elapsed(), wanted)
    }

    fn take_at(&mut self, elapsed: Duration, wanted: u64) -> Result<u64, u64> {
        let rate = u128::from(self.rows_per_second);
        // The first row is due at once.
        let due = u64::try_from(elapsed.as_nanos() * rate / NANOS + 1).unwrap_or(u64::MAX);
        self.spent = self.spent.max(due.saturating_sub(self.rows_per_second));
        let rows = wanted.min(due - self.spent.min(due));
        self.spent += rows;
        if rows > 0 {
            return Ok(rows);
        }
        let next_due_nanos = u128::from(self.spent) * NANOS / rate;
        Err(u64::try_from(next_due_nanos.saturating_sub(elapsed.as_nanos()).div_ceil(1_000_000)).unwrap_or(1).max(1))
    }
}

const NANOS: u128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_at_the_rate() {
        let at = Duration::from_millis;
        let mut pace = Pace::new(1000);
        assert_eq!(pace.take_at(at(0), 10), Ok(1));
        assert_eq!(pace.take_at(at(0), 10), Err(1));
        assert_eq!(pace.take_at(at(5), 10), Ok(5));
        assert_eq!(pace.take_at(at(500), 10), Ok(10));
        assert_eq!(pace.take_at(at(500), 1000), Ok(485));
        // Ten seconds without a request: one second's rows are left.
        assert_eq!(pace.take_at(at(10_000), 1_000_000), Ok(1000));
        let mut slow = Pace::new(2);
        assert_eq!(slow.take_at(at(0), 10), Ok(1));
        assert_eq!(slow.take_at(at(100), 10), Err(400));
        assert_eq!(slow.take_at(at(500), 10), Ok(1));
        assert_eq!(Pace::new(u64::MAX).take_at(at(1), 10), Ok(10));
    }
}
