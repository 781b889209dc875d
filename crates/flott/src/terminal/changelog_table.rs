//! The table that a changelog describes, kept as text for showing it.

use std::collections::HashMap;

use flott_engine::RowKind;

/// A row as shown.
pub type Row = Vec<String>;

/// A multiset of rows in the order in which they came; a row that is updated keeps its place.
#[derive(Debug, Default)]
pub struct ChangelogTable {
    slots: Vec<Option<Row>>,
    /// Where a row stands, possibly more than once.
    places: HashMap<Row, Vec<usize>>,
    /// Place of the row that was taken back last, for the `+U` that follows a `-U`.
    vacated: Option<usize>,
    rows: usize,
    unmatched: u64,
}

impl ChangelogTable {
    /// Carries out a change.
    pub fn apply(&mut self, kind: RowKind, row: Row) {
        if kind.adds() {
            let slot = self.vacated.take().filter(|_| kind == RowKind::UpdateAfter);
            self.add(slot, row);
        } else {
            let slot = self.remove(&row);
            self.vacated = slot.filter(|_| kind == RowKind::UpdateBefore);
        }
        self.compact();
    }

    fn add(&mut self, slot: Option<usize>, row: Row) {
        let slot = slot.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some(row.clone());
        self.places.entry(row).or_default().push(slot);
        self.rows += 1;
    }

    fn remove(&mut self, row: &Row) -> Option<usize> {
        let Some(places) = self.places.get_mut(row) else {
            self.unmatched += 1;
            return None;
        };
        let slot = places.pop();
        if places.is_empty() {
            self.places.remove(row);
        }
        let slot = slot?;
        self.slots[slot] = None;
        self.rows -= 1;
        Some(slot)
    }

    /// Closes gaps when there are more of them than rows.
    fn compact(&mut self) {
        if self.slots.len() < 64 || self.slots.len() < 2 * self.rows + 2 || self.vacated.is_some() {
            return;
        }
        self.slots.retain(Option::is_some);
        self.places.clear();
        for (slot, row) in self.slots.iter().enumerate() {
            if let Some(row) = row {
                self.places.entry(row.clone()).or_default().push(slot);
            }
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Changes that took back a row that was not there: a query whose result cannot be kept as a table.
    pub fn unmatched(&self) -> u64 {
        self.unmatched
    }

    /// The rows.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &Row> {
        self.slots.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Row {
        vec![text.to_owned()]
    }

    fn texts(table: &ChangelogTable) -> Vec<&str> {
        table.rows().map(|r| r[0].as_str()).collect()
    }

    #[test]
    fn updates_keep_their_place() {
        let mut table = ChangelogTable::default();
        for (kind, text) in [
            (RowKind::Insert, "a1"),
            (RowKind::Insert, "b1"),
            (RowKind::UpdateBefore, "a1"),
            (RowKind::UpdateAfter, "a2"),
            (RowKind::Insert, "b1"),
            (RowKind::Delete, "b1"),
            (RowKind::Delete, "zzz"),
        ] {
            table.apply(kind, row(text));
        }
        assert_eq!(texts(&table), ["a2", "b1"]);
        assert_eq!((table.len(), table.unmatched()), (2, 1));
    }

    #[test]
    fn gaps_are_closed() {
        let mut table = ChangelogTable::default();
        for i in 0..1000 {
            table.apply(RowKind::Insert, row(&i.to_string()));
        }
        for i in 0..990 {
            table.apply(RowKind::Delete, row(&i.to_string()));
        }
        assert!(table.slots.len() < 64, "{}", table.slots.len());
        assert_eq!(texts(&table), (990..1000).map(|i| i.to_string()).collect::<Vec<_>>());
        table.apply(RowKind::Delete, row("995"));
        assert_eq!(table.len(), 9);
    }
}
