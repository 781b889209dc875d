//! Frames of OVER: from which row to which, for every row of a key.

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use std::ops::Range;

use crate::Result;
use crate::state::ranked::SortColumn;

/// Where a frame begins or ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Where the rows of the key do.
    Partition,
    /// So many rows from the row, negative ones before it.
    Rows(i64),
    /// Where the rows do that equal the row in the order.
    Peers,
    /// Where values do that are so far from the row's one, negative ones before it. The order has one column.
    Value(Distance),
}

/// A distance of values in the order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distance {
    /// Of whole numbers, of decimals without their point, of times in the unit of their column.
    Whole(i128),
    /// Of any numbers.
    Real(f64),
}

/// Rows of some keys, for which frames are looked for.
pub struct Edges<'a> {
    /// The rows of each key.
    pub keys: &'a [Range<usize>],
    /// Of each row, those that are equal to it in the order.
    pub peers: &'a [Range<usize>],
    /// The rows.
    pub rows: &'a RecordBatch,
    /// What values are compared by.
    pub order: Option<SortColumn>,
}

impl Edges<'_> {
    /// Where the frame of each row begins. `ends` are the ends of frames that do not reach to the end of the key: as in Flink, rows that no
    /// frame has reached yet are not passed over.
    pub fn starts(&self, bound: Bound, ends: Option<&[usize]>) -> Result<Vec<usize>> {
        match bound {
            Bound::Partition => Ok(self.each(|_, key| key.start)),
            Bound::Rows(by) => Ok(self.each(|row, key| moved(row, by, key))),
            Bound::Peers => Ok(self.peers.iter().map(|peers| peers.start).collect()),
            Bound::Value(distance) => self.by_value(distance, ends, false),
        }
    }

    /// Behind which row the frame of each row ends.
    pub fn ends(&self, bound: Bound) -> Result<Vec<usize>> {
        match bound {
            Bound::Partition => Ok(self.each(|_, key| key.end)),
            Bound::Rows(by) => Ok(self.each(|row, key| moved(row + 1, by, key))),
            Bound::Peers => Ok(self.peers.iter().map(|peers| peers.end).collect()),
            Bound::Value(distance) => self.by_value(distance, None, true),
        }
    }

    fn each(&self, edge: impl Fn(usize, &Range<usize>) -> usize) -> Vec<usize> {
        self.keys.iter().flat_map(|key| key.clone().map(|row| edge(row, key)).collect::<Vec<_>>()).collect()
    }

    fn by_value(&self, distance: Distance, within: Option<&[usize]>, end: bool) -> Result<Vec<usize>> {
        let Some(order) = self.order else { return Ok(self.each(|row, _| row)) };
        let column = self.rows.column(order.column);
        match (distance, column.data_type()) {
            (Distance::Whole(by), t) if !t.is_floating() => {
                let values: Vec<Option<i128>> = match t {
                    DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().iter().collect(),
                    _ => cast(column, &DataType::Int64)?.as_primitive::<Int64Type>().iter().map(|v| v.map(i128::from)).collect(),
                };
                let sign = if order.descending { -1 } else { 1 };
                let values: Vec<Option<i128>> = values.into_iter().map(|v| v.map(|v| v.saturating_mul(sign))).collect();
                Ok(self.search(&values, (by, 0), i128::saturating_add, (within, end)))
            }
            (distance, _) => {
                let by = match distance {
                    Distance::Whole(by) => by as f64,
                    Distance::Real(by) => by,
                };
                let values = cast(column, &DataType::Float64)?;
                let sign = if order.descending { -1.0 } else { 1.0 };
                let values: Vec<Option<f64>> = values.as_primitive::<Float64Type>().iter().map(|v| v.map(|v| v * sign)).collect();
                Ok(self.search(&values, (by, 0.0), |v, by| v + by, (within, end)))
            }
        }
    }

    /// The edges of values that are so far from each row's. An edge only moves on, and as in Flink a frame's beginning moves over rows
    /// that have no value where this one has, or the other way round, while its end halts before them.
    fn search<T: Copy + PartialOrd>(
        &self,
        values: &[Option<T>],
        (by, zero): (T, T),
        add: impl Fn(T, T) -> T,
        (within, end): (Option<&[usize]>, bool),
    ) -> Vec<usize> {
        let passes = |at: usize, row: usize| match (values[at], values[row]) {
            (Some(value), Some(own)) => value < add(own, by) || end && value == add(own, by),
            (None, None) => zero < by || end && zero == by,
            _ => !end,
        };
        let mut edges = Vec::with_capacity(values.len());
        for key in self.keys {
            let mut at = key.start;
            for row in key.clone() {
                let behind = within.map_or(key.end, |ends| ends[row]);
                while at < behind && passes(at, row) {
                    at += 1;
                }
                edges.push(at);
            }
        }
        edges
    }
}

/// A place so many rows further, within the key.
fn moved(place: usize, by: i64, key: &Range<usize>) -> usize {
    let moved = (place as i64).saturating_add(by).clamp(key.start as i64, key.end as i64);
    moved as usize
}
