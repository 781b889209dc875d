//! Which rows of a column under construction are NULL. Rows with a value cost nothing.

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};

/// A bit for each row, set where the row is NULL. Rows behind the last word are not.
#[derive(Default)]
pub struct Nulls {
    words: Vec<u64>,
}

impl Nulls {
    /// Marks a row.
    #[inline]
    pub fn set(&mut self, row: usize) {
        let word = row / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (row % 64);
    }

    /// Marks `count` rows from `row` on.
    pub fn set_range(&mut self, row: usize, count: usize) {
        let (mut row, end) = (row, row + count);
        if self.words.len() < end.div_ceil(64) {
            self.words.resize(end.div_ceil(64), 0);
        }
        while row < end {
            let bits = (64 - row % 64).min(end - row);
            self.words[row / 64] |= (u64::MAX >> (64 - bits)) << (row % 64);
            row += bits;
        }
    }

    /// Whether a row is marked.
    pub fn is_set(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Takes back the marks of all rows from `row` on.
    pub fn truncate(&mut self, row: usize) {
        self.words.truncate(row.div_ceil(64));
        if !row.is_multiple_of(64)
            && let Some(last) = self.words.get_mut(row / 64)
        {
            *last &= u64::MAX >> (64 - row % 64);
        }
    }

    /// The marks as Arrow has them, for a column of so many rows; `None` if no row is NULL.
    pub fn finish(mut self, rows: usize) -> Option<NullBuffer> {
        let count: usize = self.words.iter().map(|word| word.count_ones() as usize).sum();
        if count == 0 {
            return None;
        }
        self.words.resize(rows.div_ceil(64), 0);
        self.words.iter_mut().for_each(|word| *word = (!*word).to_le());
        let valid = BooleanBuffer::new(Buffer::from_vec(self.words), 0, rows);
        // SAFETY: exactly the marked rows, all of them within the column, are not valid.
        Some(unsafe { NullBuffer::new_unchecked(valid, count) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Values(usize),
        Nulls(usize),
        Null,
        Truncate(usize),
    }

    proptest! {
        #[test]
        fn marks_are_those_of_a_plain_list(steps in proptest::collection::vec(prop_oneof![
            (0usize..100).prop_map(Step::Values),
            (0usize..200).prop_map(Step::Nulls),
            Just(Step::Null),
            (0usize..150).prop_map(Step::Truncate),
        ], 0..30)) {
            let mut plain: Vec<bool> = vec![];
            let mut nulls = Nulls::default();
            for step in steps {
                match step {
                    Step::Values(count) => plain.extend(vec![false; count]),
                    Step::Nulls(count) => {
                        nulls.set_range(plain.len(), count);
                        plain.extend(vec![true; count]);
                    }
                    Step::Null => {
                        nulls.set(plain.len());
                        plain.push(true);
                    }
                    Step::Truncate(back) => {
                        plain.truncate(plain.len().saturating_sub(back));
                        nulls.truncate(plain.len());
                    }
                }
            }
            prop_assert!((0..plain.len() + 70).all(|row| nulls.is_set(row) == plain.get(row).copied().unwrap_or(false)));
            let count = plain.iter().filter(|null| **null).count();
            let found = nulls.finish(plain.len());
            prop_assert_eq!(found.as_ref().map_or(0, NullBuffer::null_count), count);
            if let Some(found) = found {
                prop_assert_eq!(found.iter().map(|valid| !valid).collect::<Vec<_>>(), plain);
            }
        }
    }
}
