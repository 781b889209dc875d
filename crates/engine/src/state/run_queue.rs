//! The runs of a key by where they began.

use super::matches::Run;

/// A priority queue of runs, the one that began first at its head. Runs that began at the same row keep the places that
/// `java.util.PriorityQueue` would give them, because in Flink these decide which of two matches of one row is taken.
#[derive(Debug, Default)]
pub struct RunQueue(Vec<Run>);

impl RunQueue {
    /// An empty queue that uses the memory of a list.
    pub fn reusing(mut runs: Vec<Run>) -> Self {
        runs.clear();
        Self(runs)
    }

    /// The first run.
    pub fn first(&self) -> Option<&Run> {
        self.0.first()
    }

    /// All runs in the order of the heap.
    pub fn runs(&self) -> &[Run] {
        &self.0
    }

    /// Takes all runs out, in the order of the heap.
    pub fn take(&mut self) -> Vec<Run> {
        std::mem::take(&mut self.0)
    }

    /// Adds a run.
    pub fn add(&mut self, run: Run) {
        self.0.push(run);
        let mut at = self.0.len() - 1;
        while at > 0 && run.start < self.0[(at - 1) / 2].start {
            self.0.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    /// Takes the first run out.
    pub fn pop(&mut self) -> Option<Run> {
        let last = self.0.pop()?;
        if self.0.is_empty() {
            return Some(last);
        }
        let first = std::mem::replace(&mut self.0[0], last);
        self.sift_down(0);
        Some(first)
    }

    /// Removes the runs that began before or at a row, and gives them to `removed`.
    pub fn remove_up_to(&mut self, start: u64, mut removed: impl FnMut(Run)) {
        let before = self.0.len();
        self.0.retain(|run| {
            let stays = run.start > start;
            if !stays {
                removed(*run);
            }
            stays
        });
        if self.0.len() < before {
            (0..self.0.len() / 2).rev().for_each(|at| self.sift_down(at));
        }
    }

    fn sift_down(&mut self, mut at: usize) {
        let runs = &mut self.0;
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            if left >= runs.len() {
                return;
            }
            let child = if right < runs.len() && runs[right].start < runs[left].start { right } else { left };
            if runs[at].start <= runs[child].start {
                return;
            }
            runs.swap(at, child);
            at = child;
        }
    }
}
