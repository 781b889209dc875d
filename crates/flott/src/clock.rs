//! The machine's clock, the only place where a run sees wall-clock time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flott_engine::run::Clock;

/// Processing time from the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        // A clock set before 1970 reads as 1970: event time does not depend on it, and the loop only needs it not to go back.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
    }

    fn sleep_ms(&self, ms: u64) {
        std::thread::sleep(Duration::from_millis(ms));
    }
}
