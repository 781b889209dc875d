//! The keys that a tick touches, with what held before it: what operators compare their results with that change by key.

use hashbrown::HashSet;

use crate::state::column::BuildMix;

/// Keys by slot, in the order in which the tick first touched them. Costs nothing for the keys that it does not touch.
pub(super) struct Touched<T> {
    seen: HashSet<u32, BuildMix>,
    keys: Vec<(u32, T)>,
}

impl<T> Touched<T> {
    /// No key yet.
    pub fn new() -> Self {
        Self { seen: HashSet::with_hasher(BuildMix), keys: vec![] }
    }

    /// Notes what holds of a key, the first time.
    #[inline]
    pub fn note(&mut self, slot: u32, before: impl FnOnce() -> T) {
        if self.seen.insert(slot) {
            self.keys.push((slot, before()));
        }
    }

    /// Slots, each with what held before.
    pub fn into_keys(self) -> Vec<(u32, T)> {
        self.keys
    }
}
