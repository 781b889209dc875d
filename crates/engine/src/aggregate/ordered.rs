//! FIRST_VALUE, LAST_VALUE and LISTAGG: the aggregates for which the order of arrival counts.

use arrow::array::*;
use arrow::datatypes::*;
use std::ops::Bound;
use std::sync::Arc;

use super::{AggFunction, AggInput, AggSpec, Aggregate, for_rows, only_arg};
use crate::Result;
use crate::state::column::{Bag, Column, ColumnKind, list_row};
use crate::state::value::{decode, encoder};

/// Binds one of the three.
pub fn bind(spec: &AggSpec) -> Result<Arc<dyn Aggregate>> {
    let input = only_arg(spec)?.clone();
    let function = spec.function.clone();
    Ok(if spec.retract { Arc::new(Queue { function, input }) } else { Arc::new(Append { function, input }) })
}

/// Without retraction one byte string a slot is enough.
struct Append {
    function: AggFunction,
    input: DataType,
}

impl Append {
    fn fold(&self, kept: &mut Option<Box<[u8]>>, value: &[u8]) {
        match (&self.function, kept.as_mut()) {
            (AggFunction::FirstValue, Some(_)) => {}
            (AggFunction::ListAgg { delimiter }, Some(text)) => {
                let mut longer = std::mem::take(text).into_vec();
                longer.extend_from_slice(delimiter.as_bytes());
                longer.extend_from_slice(value);
                *kept = Some(longer.into());
            }
            _ => *kept = Some(value.into()),
        }
    }
}

impl Aggregate for Append {
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::Bytes]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let encode = encoder(&input.args[0])?;
        let kept = state[0].bytes_mut();
        let mut text = vec![];
        for_rows(slots, input, input.args[0].nulls(), |row, slot, _| {
            text.clear();
            encode(row, &mut text);
            self.fold(&mut kept[slot], &text);
        });
        Ok(())
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        let kept = state[0].bytes_mut();
        for (slot, value) in slots.iter().zip(partial[0].as_binary::<i32>()) {
            if let Some(value) = value {
                self.fold(&mut kept[*slot as usize], value);
            }
        }
        Ok(())
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let kept = state[0].bytes();
        decode(&self.input, slots.iter().map(|s| kept[*s as usize].as_deref()))
    }
}

/// With retraction: every value under a running number. Taking a value back removes its earliest occurrence.
struct Queue {
    function: AggFunction,
    input: DataType,
}

const NUMBER_BYTES: usize = 8;
/// Partial results hold values taken back that were added elsewhere; they get numbers from here on.
const OWED: u64 = 1 << 63;

/// Appends a value to a queue. It does not settle with one that is owed: in a partial result, what is owed is older than the value.
pub(super) fn push(queue: &mut Bag, next: &mut i64, value: &[u8]) {
    queue.insert(numbered(*next as u64, value), 1);
    *next += 1;
}

/// Takes the earliest occurrence of a value out of a queue, or notes that it is owed.
pub(super) fn pull(queue: &mut Bag, next: &mut i64, value: &[u8]) {
    let earliest = queue.iter().find(|(k, _)| !is_owed(k) && &k[NUMBER_BYTES..] == value);
    match earliest.map(|(k, _)| k.clone()) {
        Some(key) => {
            queue.remove(&key);
        }
        None => {
            queue.insert(numbered(OWED | *next as u64, value), 1);
            *next += 1;
        }
    }
}

/// Folds saved queues into queues.
pub(super) fn merge_queues(queues: &mut [Bag], next: &mut [i64], slots: &[u32], saved: &ArrayRef) -> Result<()> {
    for (row, slot) in slots.iter().enumerate() {
        let slot = *slot as usize;
        let (values, _) = list_row(saved, row)?;
        for key in values.as_binary::<i32>().iter().flatten() {
            let value = &key[NUMBER_BYTES..];
            if is_owed(key) {
                pull(&mut queues[slot], &mut next[slot], value);
            } else {
                push(&mut queues[slot], &mut next[slot], value);
            }
        }
    }
    Ok(())
}

fn is_owed(key: &[u8]) -> bool {
    key[0] & 0x80 != 0
}

/// The values in their order, those included that are owed.
fn present(queue: &Bag) -> impl DoubleEndedIterator<Item = &[u8]> {
    let below_owed = (Bound::Unbounded, Bound::Excluded(&OWED.to_be_bytes()[..]));
    queue.range::<[u8], _>(below_owed).map(|(k, _)| &k[NUMBER_BYTES..])
}

/// The last value, without going through all of them where that can be avoided.
fn last(queue: &Bag) -> Option<&[u8]> {
    match queue.last_key_value() {
        Some((key, _)) if is_owed(key) => held(queue).last(),
        _ => present(queue).next_back(),
    }
}

/// The values in their order, without those that are owed.
pub(super) fn held(queue: &Bag) -> impl Iterator<Item = &[u8]> {
    let mut owed: Vec<&[u8]> = queue.keys().rev().take_while(|k| is_owed(k)).map(|k| &k[NUMBER_BYTES..]).collect();
    let values = present(queue);
    values.filter(move |value| match owed.iter().position(|o| o == value) {
        Some(i) => {
            owed.swap_remove(i);
            false
        }
        None => true,
    })
}

fn numbered(number: u64, value: &[u8]) -> Box<[u8]> {
    let mut key = Vec::with_capacity(NUMBER_BYTES + value.len());
    key.extend_from_slice(&number.to_be_bytes());
    key.extend_from_slice(value);
    key.into()
}

impl Aggregate for Queue {
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::Bag, ColumnKind::I64]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let encode = encoder(&input.args[0])?;
        let (queues, next) = super::sum::two(state)?;
        let (queues, next) = (queues.bags_mut(), next.i64s_mut());
        let mut text = vec![];
        for_rows(slots, input, input.args[0].nulls(), |row, slot, sign| {
            text.clear();
            encode(row, &mut text);
            if sign > 0 {
                push(&mut queues[slot], &mut next[slot], &text);
            } else {
                pull(&mut queues[slot], &mut next[slot], &text);
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
        false
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let queues = state[0].bags();
        let results: Vec<Option<Vec<u8>>> = slots
            .iter()
            .map(|s| {
                let queue = &queues[*s as usize];
                match &self.function {
                    AggFunction::FirstValue => held(queue).next().map(<[u8]>::to_vec),
                    AggFunction::ListAgg { delimiter } => {
                        let texts: Vec<&[u8]> = held(queue).collect();
                        (!texts.is_empty()).then(|| texts.join(delimiter.as_bytes()))
                    }
                    _ => last(queue).map(<[u8]>::to_vec),
                }
            })
            .collect();
        decode(&self.input, results.iter().map(|r| r.as_deref()))
    }
}
