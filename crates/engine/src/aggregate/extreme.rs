//! MIN and MAX. Without retraction one value a slot; with it an ordered multiset, so that the next best is known.

use arrow::array::*;
use arrow::datatypes::*;
use std::sync::Arc;

use super::scan::{Move, Scan};
use super::{AggInput, AggSpec, Aggregate, for_rows, only_arg};
use crate::Result;
use crate::state::column::{Bag, Column, ColumnKind, list_row};
use crate::state::value::{decode, encoder};

/// Binds MIN or MAX.
pub fn bind(spec: &AggSpec) -> Result<Arc<dyn Aggregate>> {
    let max = spec.function == super::AggFunction::Max;
    let input = only_arg(spec)?.clone();
    Ok(match &input {
        _ if spec.retract => Arc::new(BagExtreme { max, input }),
        DataType::Int64 => Arc::new(PrimitiveExtreme::<Int64Type>::new(max, input)),
        DataType::Int32 => Arc::new(PrimitiveExtreme::<Int32Type>::new(max, input)),
        DataType::Timestamp(TimeUnit::Millisecond, _) => Arc::new(PrimitiveExtreme::<TimestampMillisecondType>::new(max, input)),
        _ => Arc::new(BytesExtreme { max, input }),
    })
}

/// For the types that matter most: the value itself. Field 0: value, field 1: whether there is one.
struct PrimitiveExtreme<T> {
    max: bool,
    input: DataType,
    _t: std::marker::PhantomData<fn() -> T>,
}

impl<T> PrimitiveExtreme<T> {
    fn new(max: bool, input: DataType) -> Self {
        Self { max, input, _t: std::marker::PhantomData }
    }

    #[inline(always)]
    fn fold(&self, value: &mut i64, has: &mut i64, candidate: i64) {
        if *has == 0 || (self.max && candidate > *value) || (!self.max && candidate < *value) {
            (*value, *has) = (candidate, 1);
        }
    }
}

impl<T: ArrowPrimitiveType> Aggregate for PrimitiveExtreme<T>
where
    T::Native: Into<i64>,
{
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::I64, ColumnKind::I64]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let array = input.args[0].as_primitive::<T>();
        let candidates = array.values();
        let (values, has) = super::sum::two(state)?;
        let (values, has) = (values.i64s_mut(), has.i64s_mut());
        for_rows(slots, input, array.nulls(), |row, slot, _| {
            self.fold(&mut values[slot], &mut has[slot], candidates[row].into());
        });
        Ok(())
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        let candidates = partial[0].as_primitive::<Int64Type>().values();
        let present = partial[1].as_primitive::<Int64Type>().values();
        let (values, has) = super::sum::two(state)?;
        let (values, has) = (values.i64s_mut(), has.i64s_mut());
        for (row, slot) in slots.iter().enumerate().filter(|(row, _)| present[*row] != 0) {
            self.fold(&mut values[*slot as usize], &mut has[*slot as usize], candidates[row]);
        }
        Ok(())
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let (values, has) = (state[0].i64s(), state[1].i64s());
        crate::state::encoding::decode_fixed(&self.input, slots.iter().map(|s| (has[*s as usize] != 0).then(|| values[*s as usize] as u64)))
    }
}

/// Any other type: the value as bytes that compare like it.
struct BytesExtreme {
    max: bool,
    input: DataType,
}

impl BytesExtreme {
    fn fold(&self, best: &mut Option<Box<[u8]>>, candidate: &[u8]) {
        let better = best.as_deref().is_none_or(|b| if self.max { candidate > b } else { candidate < b });
        if better {
            *best = Some(candidate.into());
        }
    }
}

impl Aggregate for BytesExtreme {
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::Bytes]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let encode = encoder(&input.args[0])?;
        let best = state[0].bytes_mut();
        let mut text = vec![];
        for_rows(slots, input, input.args[0].nulls(), |row, slot, _| {
            text.clear();
            encode(row, &mut text);
            self.fold(&mut best[slot], &text);
        });
        Ok(())
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        let best = state[0].bytes_mut();
        for (slot, candidate) in slots.iter().zip(partial[0].as_binary::<i32>()) {
            if let Some(candidate) = candidate {
                self.fold(&mut best[*slot as usize], candidate);
            }
        }
        Ok(())
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let best = state[0].bytes();
        decode(&self.input, slots.iter().map(|s| best[*s as usize].as_deref()))
    }
}

/// With retraction: all values in their order, with counts.
struct BagExtreme {
    max: bool,
    input: DataType,
}

impl BagExtreme {
    fn best<'a>(&self, bag: &'a Bag) -> Option<&'a [u8]> {
        let mut present = bag.iter().filter(|(_, count)| **count > 0);
        let best = if self.max { present.next_back() } else { present.next() };
        best.map(|(value, _)| &**value)
    }
}

impl Aggregate for BagExtreme {
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
        decode(&self.input, slots.iter().map(|s| self.best(&bags[*s as usize])))
    }

    fn scan(&self, state: &mut [Column], scan: &Scan, args: &[ArrayRef]) -> Result<ArrayRef> {
        let encode = encoder(&args[0])?;
        let bags = state[0].bags_mut();
        let (mut value, mut results) = (vec![], vec![]);
        let mut ends: Vec<(bool, usize)> = Vec::with_capacity(scan.steps.len());
        scan.run(args[0].nulls(), |m| match m {
            Move::Row(slot, row, sign) => {
                value.clear();
                encode(row, &mut value);
                add_to_bag(&mut bags[slot], &value, sign);
            }
            Move::Result(slot) => {
                let best = self.best(&bags[slot]);
                results.extend_from_slice(best.unwrap_or_default());
                ends.push((best.is_some(), results.len()));
            }
        });
        let mut start = 0;
        let values = ends.iter().map(|(some, end)| {
            let value = &results[start..*end];
            start = *end;
            some.then_some(value)
        });
        decode(&self.input, values)
    }
}

/// Folds the values of rows into the multisets of their slots.
pub(super) fn update_bags(bags: &mut [Bag], slots: &[u32], input: AggInput<'_>) -> Result<()> {
    let encode = encoder(&input.args[0])?;
    let mut text = vec![];
    for_rows(slots, input, input.args[0].nulls(), |row, slot, sign| {
        text.clear();
        encode(row, &mut text);
        add_to_bag(&mut bags[slot], &text, sign);
    });
    Ok(())
}

/// Folds saved multisets into those of `slots`.
pub(super) fn merge_bags(bags: &mut [Bag], slots: &[u32], partial: &ArrayRef) -> Result<()> {
    for (row, slot) in slots.iter().enumerate() {
        let (values, counts) = list_row(partial, row)?;
        let values = values.as_binary::<i32>();
        for i in 0..values.len() {
            add_to_bag(&mut bags[*slot as usize], values.value(i), counts.value(i));
        }
    }
    Ok(())
}

/// Changes the count of a value; a count of zero is forgotten.
pub(super) fn add_to_bag(bag: &mut Bag, value: &[u8], by: i64) {
    match bag.get_mut(value) {
        Some(count) => {
            *count += by;
            if *count == 0 {
                bag.remove(value);
            }
        }
        None => {
            bag.insert(value.into(), by);
        }
    }
}
