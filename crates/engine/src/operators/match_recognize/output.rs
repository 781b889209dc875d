//! Matches as rows.

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::DataType;
use std::sync::Arc;

use super::MatchSpec;
use super::condition::AggregateOf;
use super::history::{Locator, last_row, nodes_to, nth_row, rows_of};
use super::runs::Found;
use crate::operator::Tick;
use crate::state::encoding::decode_fixed;
use crate::state::matches::MatchTable;
use crate::{Batch, Error, Result};

/// A column of the result.
#[derive(Clone)]
pub struct OutputColumn {
    /// What it holds.
    pub value: OutputValue,
    /// With all rows per match: over the whole match, not only up to the row.
    pub whole: bool,
}

/// What a column of the result holds.
#[derive(Clone)]
pub enum OutputValue {
    /// A column of a row of the match.
    Column(Locator, usize),
    /// An aggregate over the rows of a variable, or over all.
    Aggregate(Option<u16>, AggregateOf),
    /// When the match was found, in event time.
    MatchTime,
    /// The time of the tick.
    ProcessingTime,
    /// Name of the variable that took a row.
    Classifier(Locator),
    /// Number of the match among those of its key.
    MatchNumber,
    /// Whether the match ran out of time before it was complete.
    TimedOut,
}

/// A row of the result: a match up to a node, and as a whole.
#[derive(Clone, Copy)]
struct Frame {
    found: Found,
    up_to: u32,
}

/// The rows that matches give.
pub fn rows(spec: &MatchSpec, table: &MatchTable, found: &[Found], tick: &Tick) -> Result<Batch> {
    let frames: Vec<Frame> = match spec.all_rows {
        false => found.iter().map(|found| Frame { found: *found, up_to: found.node }).collect(),
        true => found.iter().flat_map(|f| nodes_to(table, f.node).into_iter().map(|up_to| Frame { found: *f, up_to })).collect(),
    };
    let columns = spec.output.iter().zip(spec.schema.fields());
    let columns =
        columns.map(|(column, field)| evaluate(spec, table, column, field.data_type(), &frames, tick)).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(frames.len()));
    Ok(Batch::inserts(RecordBatch::try_new_with_options(spec.schema.clone(), columns, &options)?))
}

fn evaluate(spec: &MatchSpec, table: &MatchTable, column: &OutputColumn, t: &DataType, frames: &[Frame], tick: &Tick) -> Result<ArrayRef> {
    let nodes = || frames.iter().map(|frame| if column.whole { frame.found.node } else { frame.up_to });
    let time = |value: fn(&Frame, &Tick) -> i64| match t {
        DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, _) => {
            decode_fixed(t, frames.iter().map(|frame| Some(value(frame, tick) as u64)))
        }
        other => Err(Error::internal(format!("the time of a match is no {other}"))),
    };
    match &column.value {
        OutputValue::Column(locator, place) => table.rows.gather(*place, nodes().map(|node| locate(table, node, locator))),
        OutputValue::Aggregate(of, aggregate) => {
            let lists: Vec<Vec<u32>> = nodes().map(|node| rows_of(table, node, *of)).collect();
            aggregate.evaluate(table, &lists)
        }
        OutputValue::MatchTime => time(|frame, _| frame.found.time_ms),
        OutputValue::ProcessingTime => time(|_, tick| tick.now_ms),
        OutputValue::Classifier(locator) => {
            let name = |node: u32| {
                let row = locate(table, node, locator)?;
                let node = nodes_to(table, node).into_iter().find(|node| table.node(*node).row == row)?;
                Some(spec.names[table.node(node).variable as usize].as_str())
            };
            Ok(Arc::new(nodes().map(name).collect::<StringArray>()))
        }
        OutputValue::MatchNumber => Ok(Arc::new(Int64Array::from_iter_values(frames.iter().map(|frame| frame.found.number)))),
        OutputValue::TimedOut => {
            Ok(Arc::new(frames.iter().map(|frame| Some(frame.found.timed_out)).collect::<arrow::array::BooleanArray>()))
        }
    }
}

fn locate(table: &MatchTable, node: u32, locator: &Locator) -> Option<u32> {
    match locator.first {
        true => nth_row(table, node, locator.of, locator.offset),
        false => last_row(table, node, locator.of, locator.offset),
    }
}
