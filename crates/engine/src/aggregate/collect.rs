//! ARRAY_AGG and COLLECT: the values of a group as an array in order of arrival, or as a multiset.

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::*;
use std::sync::Arc;

use super::extreme::{merge_bags, update_bags};
use super::ordered::{held, merge_queues, pull, push};
use super::{AggFunction, AggInput, AggSpec, Aggregate, for_rows, only_arg, unsupported};
use crate::Result;
use crate::state::column::{Column, ColumnKind};
use crate::state::value::{decode, encoder};

/// Binds one of the two.
pub fn bind(spec: &AggSpec) -> Result<Arc<dyn Aggregate>> {
    let input = only_arg(spec)?.clone();
    match (&spec.function, &spec.output) {
        (AggFunction::ArrayAgg, DataType::List(element)) => {
            Ok(Arc::new(ArrayAgg { input, element: element.clone(), distinct: spec.distinct, retract: spec.retract }))
        }
        (AggFunction::Collect, DataType::Map(entries, _)) => {
            Ok(Arc::new(Collect { input, entries: entries.clone(), distinct: spec.distinct }))
        }
        _ => Err(unsupported(spec)),
    }
}

/// First byte of a value that is not null.
const SOME: u8 = 1;
/// The byte that stands for NULL.
const NULL: u8 = 0;

/// Every value, NULL too, under a running number. Taking a value back removes its earliest occurrence.
struct ArrayAgg {
    input: DataType,
    element: FieldRef,
    distinct: bool,
    retract: bool,
}

impl Aggregate for ArrayAgg {
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::Bag, ColumnKind::I64]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let values = &input.args[0];
        let encode = encoder(values)?;
        let (queues, next) = super::sum::two(state)?;
        let (queues, next) = (queues.bags_mut(), next.i64s_mut());
        let mut bytes = vec![];
        for_rows(slots, input, None, |row, slot, sign| {
            bytes.clear();
            if values.is_null(row) {
                bytes.push(NULL);
            } else {
                bytes.push(SOME);
                encode(row, &mut bytes);
            }
            if sign > 0 {
                push(&mut queues[slot], &mut next[slot], &bytes);
            } else {
                pull(&mut queues[slot], &mut next[slot], &bytes);
            }
        });
        Ok(())
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        let (queues, next) = super::sum::two(state)?;
        merge_queues(queues.bags_mut(), next.i64s_mut(), slots, &partial[0])
    }

    /// Which of several equal values is taken back is not known in a part of the rows.
    fn mergeable(&self) -> bool {
        !self.retract
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let queues = state[0].bags();
        let (mut values, mut lengths) = (vec![], vec![]);
        for slot in slots {
            let before = values.len();
            for value in held(&queues[*slot as usize]) {
                if !(self.distinct && values[before..].contains(&value)) {
                    values.push(value);
                }
            }
            lengths.push(values.len() - before);
        }
        let filled: NullBuffer = lengths.iter().map(|n| *n > 0).collect();
        let decoded = decode(&self.input, values.iter().map(|v| if v[0] == SOME { Some(&v[1..]) } else { None }))?;
        Ok(Arc::new(ListArray::try_new(self.element.clone(), OffsetBuffer::from_lengths(lengths), decoded, Some(filled))?))
    }
}

/// Values that are not null, with their counts.
struct Collect {
    input: DataType,
    entries: FieldRef,
    distinct: bool,
}

impl Aggregate for Collect {
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::Bag]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        update_bags(state[0].bags_mut(), slots, input)
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        merge_bags(state[0].bags_mut(), slots, &partial[0])
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let bags = state[0].bags();
        let (mut values, mut counts, mut lengths) = (vec![], vec![], vec![]);
        for slot in slots {
            let before = values.len();
            for (value, count) in bags[*slot as usize].iter().filter(|(_, count)| **count > 0) {
                values.push(value.as_ref());
                counts.push(if self.distinct { 1 } else { i32::try_from(*count).unwrap_or(i32::MAX) });
            }
            lengths.push(values.len() - before);
        }
        let keys = decode(&self.input, values.into_iter().map(Some))?;
        let DataType::Struct(fields) = self.entries.data_type() else { return Err(crate::Error::internal("a map has entries")) };
        let entries = StructArray::try_new(fields.clone(), vec![keys, Arc::new(Int32Array::from(counts))], None)?;
        Ok(Arc::new(MapArray::try_new(self.entries.clone(), OffsetBuffer::from_lengths(lengths), entries, None, false)?))
    }
}
