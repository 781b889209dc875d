//! Random numbers as a pure function of (seed, number), so that any range of rows can be made on its own, by any worker.
//!
//! A [`Key`] names a stream of numbers; `key.at(n)` is its `n`-th. Streams below a key ([`Key::child`], [`Key::named`]) are
//! independent of each other, so leaving out a column changes nothing in the others.

/// Step between the states of a stream: 2^64 divided by the golden ratio, odd.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Follows the bytes of a name; no byte, and no number of a row.
const END_OF_NAME: u64 = u64::MAX;

/// A stream of random numbers that can be read at any place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Key(mix(seed ^ 0x5851_F42D_4C95_7F2D))
    }

    /// The `n`-th number of the stream, uniform over all 64 bits.
    #[inline]
    pub fn at(self, n: u64) -> u64 {
        mix(self.0.wrapping_add(n.wrapping_mul(STEP)))
    }

    /// The `n`-th stream below this one.
    #[inline]
    pub fn child(self, n: u64) -> Key {
        Key(self.at(n))
    }

    /// The stream of that name below this one. Names that begin alike share nothing.
    pub fn named(self, name: &str) -> Key {
        name.bytes().fold(self, |key, byte| key.child(u64::from(byte))).child(END_OF_NAME)
    }
}

/// Scatters the bits of a number over all 64 (the finalizer of SplitMix64).
#[inline]
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Maps a random number to `0..n`; 0 if `n` is 0.
#[inline]
pub fn below(x: u64, n: u64) -> u64 {
    ((u128::from(x) * u128::from(n)) >> 64) as u64
}

/// Maps a random number to `[0, 1)`.
#[inline]
pub fn unit(x: u64) -> f64 {
    (x >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_uniform_and_independent() {
        let key = Key::new(7);
        let mean: f64 = (0..100_000).map(|n| unit(key.at(n))).sum::<f64>() / 100_000.0;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        assert!((0..10_000).all(|n| below(key.at(n), 10) < 10));
        assert_ne!(key.named("a").at(0), key.named("b").at(0));
        assert_ne!(key.child(0).at(1), key.child(1).at(0));
        assert_eq!(below(u64::MAX, 0), 0);
    }
}
