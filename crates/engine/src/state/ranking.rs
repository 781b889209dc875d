//! The rows of one key in an order: a sorted list while they are few, as they mostly are, and a tree from then on.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::ranked::{Content, Place};

/// More rows than this stand in a tree: adding to a list moves what stands behind.
const LIST_MAX: usize = 64;

/// See the module.
pub enum Ranking {
    List(Vec<(Place, Content)>),
    Tree(BTreeMap<Place, Content>),
}

impl Default for Ranking {
    fn default() -> Self {
        Self::List(vec![])
    }
}

impl Ranking {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::List(rows) => rows.len(),
            Self::Tree(rows) => rows.len(),
        }
    }

    /// Places and rows in their order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Place, &Content)> {
        let (list, tree) = match self {
            Self::List(rows) => (Some(rows.iter().map(|(place, row)| (place, row))), None),
            Self::Tree(rows) => (None, Some(rows.iter())),
        };
        list.into_iter().flatten().chain(tree.into_iter().flatten())
    }

    /// The last row.
    pub fn last(&self) -> Option<(&Place, &Content)> {
        match self {
            Self::List(rows) => rows.last().map(|(place, row)| (place, row)),
            Self::Tree(rows) => rows.last_key_value(),
        }
    }

    /// Takes the last row away.
    pub fn pop_last(&mut self) {
        match self {
            Self::List(rows) => drop(rows.pop()),
            Self::Tree(rows) => drop(rows.pop_last()),
        }
    }

    /// Adds a row at a place where none stands.
    pub fn insert(&mut self, place: Place, content: Content) {
        match self {
            Self::List(rows) if rows.len() < LIST_MAX => {
                let at = rows.partition_point(|(other, _)| *other < place);
                // Most keys never have a second row.
                if rows.len() == rows.capacity() {
                    rows.reserve_exact(rows.len().max(1));
                }
                rows.insert(at, (place, content));
            }
            Self::List(rows) => {
                let mut tree: BTreeMap<Place, Content> = std::mem::take(rows).into_iter().collect();
                tree.insert(place, content);
                *self = Self::Tree(tree);
            }
            Self::Tree(rows) => drop(rows.insert(place, content)),
        }
    }

    /// Takes the row of a place away.
    pub fn remove(&mut self, place: &Place) -> Option<Content> {
        match self {
            Self::List(rows) => rows.binary_search_by(|(other, _)| other.cmp(place)).ok().map(|at| rows.remove(at).1),
            Self::Tree(rows) => rows.remove(place),
        }
    }

    /// Places and rows from one place to another one.
    pub fn range(&self, places: RangeInclusive<Place>) -> impl DoubleEndedIterator<Item = (&Place, &Content)> {
        let (list, tree) = match self {
            Self::List(rows) => {
                let from = rows.partition_point(|(place, _)| place < places.start());
                let to = rows.partition_point(|(place, _)| place <= places.end());
                (Some(rows[from..to.max(from)].iter().map(|(place, row)| (place, row))), None)
            }
            Self::Tree(rows) => (None, Some(rows.range(places))),
        };
        list.into_iter().flatten().chain(tree.into_iter().flatten())
    }
}
