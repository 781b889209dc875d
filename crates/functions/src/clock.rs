//! The clock, the session time zone and the randomness that functions see: set from outside, never read from the system.

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, Hasher};

use super::zone::Zone;

/// What an evaluation may know of the world outside its rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EvalContext {
    /// The processing time, in milliseconds since 1970-01-01 00:00:00 UTC.
    pub now_ms: i64,
    /// The session time zone, `table.local-time-zone`.
    pub time_zone: Zone,
    /// The watermark of the operator that evaluates, in milliseconds since the epoch; `None` before the first.
    pub watermark_ms: Option<i64>,
}

impl Default for EvalContext {
    fn default() -> Self {
        Self { now_ms: 0, time_zone: Zone::UTC, watermark_ms: None }
    }
}

thread_local! {
    static CONTEXT: Cell<EvalContext> = Cell::new(EvalContext::default());
    static RANDOM: RefCell<Random> = RefCell::new(Random::unpredictable());
}

/// The context of the evaluation that runs on this thread.
pub fn context() -> EvalContext {
    CONTEXT.get()
}

/// Runs `f` with `context` in force on this thread, then puts the former context back, also after a panic.
pub fn with_context<R>(context: EvalContext, f: impl FnOnce() -> R) -> R {
    struct Restore(EvalContext);
    impl Drop for Restore {
        fn drop(&mut self) {
            CONTEXT.set(self.0);
        }
    }
    let _restore = Restore(CONTEXT.replace(context));
    f()
}

/// Runs `f` with the processing time `now_ms` (milliseconds since the epoch); zone and watermark stay as they are.
pub fn with_clock<R>(now_ms: i64, f: impl FnOnce() -> R) -> R {
    with_context(EvalContext { now_ms, ..context() }, f)
}

/// Makes this thread's `RAND()`, `RAND_INTEGER()` and `UUID()` repeat the same sequence, for simulation and tests.
pub fn seed_random(seed: u64) {
    RANDOM.with_borrow_mut(|random| *random = Random::new(seed, seed));
}

/// The next 64 random bits of this thread.
pub(crate) fn random_bits() -> u64 {
    RANDOM.with_borrow_mut(Random::next)
}

/// The generator xoroshiro128+, small and fast; not meant for secrets.
struct Random {
    a: u64,
    b: u64,
}

impl Random {
    fn new(seed: u64, other: u64) -> Self {
        // SplitMix64 spreads seeds that differ in few bits, and never leaves the state all zero.
        let mut random = Self { a: spread(seed), b: spread(other.wrapping_add(0x9e37_79b9_7f4a_7c15)) | 1 };
        random.next();
        random
    }

    /// Seeded with 128 bits that the standard library draws from the operating system for its hash maps.
    fn unpredictable() -> Self {
        let bits = || std::collections::hash_map::RandomState::new().build_hasher().finish();
        Self::new(bits(), bits())
    }

    fn next(&mut self) -> u64 {
        let (a, mut b) = (self.a, self.b);
        let result = a.wrapping_add(b);
        b ^= a;
        self.a = a.rotate_left(24) ^ b ^ (b << 16);
        self.b = b.rotate_left(37);
        result
    }
}

fn spread(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_former_context_comes_back() {
        assert_eq!(with_clock(5, || with_clock(7, || context().now_ms) + context().now_ms), 12);
        assert_eq!(context().now_ms, 0);
    }

    #[test]
    fn a_seed_repeats_the_sequence() {
        seed_random(42);
        let first: Vec<u64> = (0..4).map(|_| random_bits()).collect();
        seed_random(42);
        assert_eq!(first, (0..4).map(|_| random_bits()).collect::<Vec<_>>());
    }
}
