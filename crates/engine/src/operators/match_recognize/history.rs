//! Looking back along a run: which row a reference such as LAST(A.price, 1) means.

use crate::state::matches::{MatchTable, NO_NODE};

/// Which row of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Locator {
    /// Among the rows of this variable; `None`: among all.
    pub of: Option<u16>,
    /// Counted from the first one, else from the last one.
    pub first: bool,
    /// So many rows further on.
    pub offset: u32,
}

/// A place in a run: the rows taken so far and the one in question.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The row taken last, or none.
    pub node: u32,
    /// The row in question.
    pub row: u32,
    /// The variable that it would be taken for.
    pub variable: u16,
}

impl Place {
    /// The row that a locator means, if there is one.
    pub fn locate(&self, table: &MatchTable, locator: &Locator) -> Option<u32> {
        let own = locator.of.is_none_or(|of| of == self.variable);
        if locator.first {
            let taken = first_rows(table, self.node, locator.of, locator.offset + 1);
            return match taken.get(locator.offset as usize) {
                Some(row) => Some(*row),
                None => (own && taken.len() == locator.offset as usize).then_some(self.row),
            };
        }
        match locator.offset {
            0 if own => Some(self.row),
            offset => last_row(table, self.node, locator.of, if own { offset - 1 } else { offset }),
        }
    }

    /// All rows of a variable, or all rows, in order.
    pub fn rows(&self, table: &MatchTable, of: Option<u16>) -> Vec<u32> {
        let mut rows = rows_of(table, self.node, of);
        if of.is_none_or(|of| of == self.variable) {
            rows.push(self.row);
        }
        rows
    }
}

/// The row so many rows before the last one.
pub fn last_row(table: &MatchTable, mut node: u32, of: Option<u16>, mut offset: u32) -> Option<u32> {
    while node != NO_NODE {
        let at = table.node(node);
        if of.is_some_and(|of| of != at.variable) {
            // On to the variable before, over all rows of this one.
            node = table.node(at.head).before;
            continue;
        }
        if offset == 0 {
            return Some(at.row);
        }
        offset -= 1;
        node = at.before;
    }
    None
}

/// The first rows, at most so many.
fn first_rows(table: &MatchTable, node: u32, of: Option<u16>, most: u32) -> Vec<u32> {
    if most == 1 {
        return first_row(table, node, of).into_iter().collect();
    }
    let mut rows = rows_of(table, node, of);
    rows.truncate(most as usize);
    rows
}

fn first_row(table: &MatchTable, mut node: u32, of: Option<u16>) -> Option<u32> {
    let mut first = None;
    while node != NO_NODE {
        let head = table.node(table.node(node).head);
        if of.is_none_or(|of| of == head.variable) {
            first = Some(head.row);
        }
        node = head.before;
    }
    first
}

/// The row so many rows behind the first one.
pub fn nth_row(table: &MatchTable, node: u32, of: Option<u16>, offset: u32) -> Option<u32> {
    first_rows(table, node, of, offset + 1).get(offset as usize).copied()
}

/// All rows of a variable, or all rows, in order.
pub fn rows_of(table: &MatchTable, mut node: u32, of: Option<u16>) -> Vec<u32> {
    let mut rows = vec![];
    while node != NO_NODE {
        let at = table.node(node);
        if of.is_none_or(|of| of == at.variable) {
            rows.push(at.row);
        }
        node = at.before;
    }
    rows.reverse();
    rows
}

/// All nodes up to this one, in order.
pub fn nodes_to(table: &MatchTable, mut node: u32) -> Vec<u32> {
    let mut nodes = vec![];
    while node != NO_NODE {
        nodes.push(node);
        node = table.node(node).before;
    }
    nodes.reverse();
    nodes
}
