//! BITMAP_BUILD_AGG, BITMAP_OR_AGG, BITMAP_AND_AGG, BITMAP_XOR_AGG, and the sizes of what they make.
//!
//! As long as nothing is taken back a slot holds the bitmap. Else it counts in how many of the values each number is. What is in an odd
//! number of sets needs no counts: to take a set back is to put it in once more.

use arrow::array::*;
use arrow::datatypes::*;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::{AggInput, AggSpec, Aggregate, Make, for_rows, only_arg, sum::two, unsupported};
use crate::bitmap::{Bitmap, read, write};
use crate::state::column::{Column, ColumnKind, list_entries};
use crate::{Error, Result};

/// Binds one of them.
pub fn bind(spec: &AggSpec, make: Make, cardinality: bool) -> Result<Arc<dyn Aggregate>> {
    let fits = matches!(
        (only_arg(spec)?, make),
        (DataType::Int8 | DataType::Int16 | DataType::Int32, Make::Set)
            | (DataType::BinaryView, Make::Union | Make::Intersection | Make::Odd)
    );
    match fits {
        false => Err(unsupported(spec)),
        true if spec.retract && make != Make::Odd => Ok(Arc::new(Counted { make, cardinality })),
        true => Ok(Arc::new(Held { make, cardinality })),
    }
}

/// The values of the argument as sets, or as numbers.
enum Values<'a> {
    Numbers(Vec<u32>),
    Bitmaps(&'a BinaryViewArray),
}

impl<'a> Values<'a> {
    fn of(array: &'a ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Int8 => Self::Numbers(array.as_primitive::<Int8Type>().values().iter().map(|v| i32::from(*v) as u32).collect()),
            DataType::Int16 => Self::Numbers(array.as_primitive::<Int16Type>().values().iter().map(|v| i32::from(*v) as u32).collect()),
            DataType::Int32 => Self::Numbers(array.as_primitive::<Int32Type>().values().iter().map(|v| *v as u32).collect()),
            DataType::BinaryView => Self::Bitmaps(array.as_binary_view()),
            other => return Err(Error::internal(format!("{other} is no bitmap"))),
        })
    }
}

/// Results: the sizes, or the sets themselves.
enum Results {
    Sizes(Int64Builder),
    Sets(BinaryViewBuilder),
}

impl Results {
    fn new(cardinality: bool) -> Self {
        if cardinality { Self::Sizes(Int64Builder::new()) } else { Self::Sets(BinaryViewBuilder::new()) }
    }

    fn push(&mut self, bitmap: Option<Bitmap>) {
        match self {
            Self::Sizes(sizes) => sizes.append_option(bitmap.map(|b| b.len() as i64)),
            Self::Sets(sets) => sets.append_option(bitmap.map(|mut b| write(&mut b))),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Sizes(mut sizes) => Arc::new(sizes.finish()),
            Self::Sets(mut sets) => Arc::new(sets.finish()),
        }
    }
}

/// Field 0: the bitmap; field 1: how many values are in it.
struct Held {
    make: Make,
    cardinality: bool,
}

/// The bitmaps of a batch's slots, each read once and written once.
struct Touched<'a> {
    kept: &'a mut [Option<Box<[u8]>>],
    open: BTreeMap<usize, Bitmap>,
    make: Make,
}

impl Touched<'_> {
    /// Puts a set, or one number, into a slot's.
    fn put(&mut self, slot: usize, value: Value) -> Result<()> {
        let held = match self.open.entry(slot) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(place) => match &self.kept[slot] {
                Some(bytes) => place.insert(read(bytes)?),
                None => {
                    place.insert(match value {
                        Value::Number(number) => Bitmap::from_iter([number]),
                        Value::Set(set) => set,
                    });
                    return Ok(());
                }
            },
        };
        match (value, self.make) {
            (Value::Number(number), _) => {
                held.insert(number);
            }
            (Value::Set(set), Make::Set | Make::Union) => *held |= set,
            (Value::Set(set), Make::Intersection) => *held &= set,
            (Value::Set(set), Make::Odd) => *held ^= set,
        }
        Ok(())
    }

    fn close(self) {
        for (slot, mut bitmap) in self.open {
            self.kept[slot] = Some(write(&mut bitmap).into());
        }
    }
}

enum Value {
    Number(u32),
    Set(Bitmap),
}

impl Aggregate for Held {
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::Bytes, ColumnKind::I64]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let values = Values::of(&input.args[0])?;
        let (kept, counts) = two(state)?;
        let counts = counts.i64s_mut();
        let mut touched = Touched { kept: kept.bytes_mut(), open: BTreeMap::new(), make: self.make };
        let mut outcome = Ok(());
        for_rows(slots, input, input.args[0].nulls(), |row, slot, sign| {
            counts[slot] += sign;
            let value = match &values {
                Values::Numbers(numbers) => Ok(Value::Number(numbers[row])),
                Values::Bitmaps(bitmaps) => read(bitmaps.value(row)).map(Value::Set),
            };
            if let Err(error) = value.and_then(|value| touched.put(slot, value)) {
                outcome = Err(error);
            }
        });
        touched.close();
        outcome
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        let (kept, counts) = two(state)?;
        let counts = counts.i64s_mut();
        let mut touched = Touched { kept: kept.bytes_mut(), open: BTreeMap::new(), make: self.make };
        let (sets, more) = (partial[0].as_binary::<i32>(), partial[1].as_primitive::<Int64Type>());
        for (row, slot) in slots.iter().enumerate().filter(|(row, _)| sets.is_valid(*row)) {
            counts[*slot as usize] += more.value(row);
            touched.put(*slot as usize, Value::Set(read(sets.value(row))?))?;
        }
        touched.close();
        Ok(())
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let (kept, counts) = (state[0].bytes(), state[1].i64s());
        let of = |slot: &u32| kept[*slot as usize].as_deref().filter(|_| counts[*slot as usize] > 0);
        if !self.cardinality {
            return Ok(Arc::new(slots.iter().map(of).collect::<BinaryViewArray>()));
        }
        let mut results = Results::new(true);
        for slot in slots {
            results.push(of(slot).map(read).transpose()?);
        }
        Ok(results.finish())
    }
}

/// Field 0: numbers, each with how many values it is in; field 1: how many values there are.
struct Counted {
    make: Make,
    cardinality: bool,
}

impl Aggregate for Counted {
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::Set, ColumnKind::I64]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let values = Values::of(&input.args[0])?;
        let (sets, counts) = two(state)?;
        let (sets, counts) = (sets.sets_mut(), counts.i64s_mut());
        let mut outcome = Ok(());
        for_rows(slots, input, input.args[0].nulls(), |row, slot, sign| {
            counts[slot] += sign;
            match &values {
                Values::Numbers(numbers) => sets.add(slot as u32, numbers[row].into(), sign),
                Values::Bitmaps(bitmaps) => match read(bitmaps.value(row)) {
                    Ok(bitmap) => bitmap.iter().for_each(|number| sets.add(slot as u32, number.into(), sign)),
                    Err(error) => outcome = Err(error),
                },
            }
        });
        outcome
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        let (sets, counts) = two(state)?;
        let (sets, counts) = (sets.sets_mut(), counts.i64s_mut());
        let (lists, more) = (partial[0].as_list::<i32>(), partial[1].as_primitive::<Int64Type>().values());
        let (numbers, times) = list_entries(lists)?;
        let numbers = numbers.as_primitive::<UInt64Type>().values();
        for (row, (slot, range)) in slots.iter().zip(lists.value_offsets().windows(2)).enumerate() {
            counts[*slot as usize] += more[row];
            for i in range[0] as usize..range[1] as usize {
                sets.add(*slot, numbers[i], times[i]);
            }
        }
        Ok(())
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let (sets, counts) = (state[0].sets(), state[1].i64s());
        let mut results = Results::new(self.cardinality);
        for slot in slots {
            let values = counts[*slot as usize];
            let least = if self.make == Make::Intersection { values } else { 1 };
            let numbers = || sets.iter(*slot).filter(|(_, times)| **times >= least).map(|(number, _)| *number as u32);
            results.push((values > 0).then(|| numbers().collect()));
        }
        Ok(results.finish())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{AggFunction, AggSpec, bind};
    use super::*;
    use crate::RowKind;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn spec(make: Make, cardinality: bool, retract: bool) -> AggSpec {
        let input = if make == Make::Set { DataType::Int32 } else { DataType::BinaryView };
        let output = if cardinality { DataType::Int64 } else { DataType::BinaryView };
        AggSpec { function: AggFunction::Bitmap { make, cardinality }, args: vec![input], output, distinct: false, retract }
    }

    /// From scratch: the sets that are there, folded.
    fn oracle(make: Make, sets: &[BTreeSet<u32>]) -> Option<BTreeSet<u32>> {
        let (first, rest) = sets.split_first()?;
        Some(rest.iter().fold(first.clone(), |so_far, next| match make {
            Make::Set | Make::Union => &so_far | next,
            Make::Intersection => &so_far & next,
            Make::Odd => &so_far ^ next,
        }))
    }

    fn column(make: Make, sets: &[Option<BTreeSet<u32>>]) -> ArrayRef {
        match make {
            Make::Set => Arc::new(sets.iter().map(|s| s.as_ref().and_then(|s| s.first()).map(|v| *v as i32)).collect::<Int32Array>()),
            _ => Arc::new(sets.iter().map(|s| s.as_ref().map(|s| write(&mut s.iter().collect()))).collect::<BinaryViewArray>()),
        }
    }

    fn small(make: Make) -> impl Strategy<Value = Option<BTreeSet<u32>>> {
        let number = prop_oneof![0..6u32, Just(u32::MAX)];
        let size = if make == Make::Set { 1..2 } else { 0..4 };
        prop::option::weighted(0.9, prop::collection::btree_set(number, size))
    }

    fn make() -> impl Strategy<Value = Make> {
        prop_oneof![Just(Make::Set), Just(Make::Union), Just(Make::Intersection), Just(Make::Odd)]
    }

    type Steps = (Make, bool, bool, Vec<(Option<BTreeSet<u32>>, u8)>, usize);

    fn steps() -> impl Strategy<Value = Steps> {
        make().prop_flat_map(|make| {
            (Just(make), any::<bool>(), any::<bool>(), prop::collection::vec((small(make), 0..4u8), 0..30), 1..7usize)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        /// In batches of any size, folded directly or by way of partial results, with rows that are taken back.
        #[test]
        fn bitmaps_agree_with_sets((make, retract, by_parts, steps, batch) in steps()) {
            let mut there: Vec<Option<BTreeSet<u32>>> = vec![];
            let mut rows = vec![];
            for (value, dice) in steps {
                if retract && dice == 0 && !there.is_empty() {
                    rows.push((there.swap_remove(0), RowKind::Delete));
                } else {
                    there.push(value.clone());
                    rows.push((value, RowKind::Insert));
                }
            }
            for cardinality in [false, true] {
                let aggregate = bind(&spec(make, cardinality, retract)).unwrap();
                let empty = || aggregate.columns().into_iter().map(|kind| { let mut c = Column::new(kind); c.grow(1); c }).collect::<Vec<_>>();
                let mut state = empty();
                for rows in rows.chunks(batch) {
                    let args = [column(make, &rows.iter().map(|r| r.0.clone()).collect::<Vec<_>>())];
                    let kinds: Vec<RowKind> = rows.iter().map(|r| r.1).collect();
                    let input = AggInput { args: &args, keep: None, kinds: retract.then_some(kinds.as_slice()) };
                    let slots = vec![0; rows.len()];
                    if by_parts {
                        let mut part = empty();
                        aggregate.update(&mut part, &slots, input).unwrap();
                        let saved: Vec<ArrayRef> = part.iter().map(|c| c.save(&[0]).unwrap()).collect();
                        aggregate.merge(&mut state, &[0], &saved).unwrap();
                    } else {
                        aggregate.update(&mut state, &slots, input).unwrap();
                    }
                }
                let expected = oracle(make, &there.iter().flatten().cloned().collect::<Vec<_>>());
                let result = aggregate.evaluate(&state, &[0]).unwrap();
                if cardinality {
                    let size = result.as_primitive::<Int64Type>().iter().next().flatten();
                    prop_assert_eq!(size, expected.map(|e| e.len() as i64));
                } else {
                    let bytes = result.as_binary_view().iter().next().flatten().map(<[u8]>::to_vec);
                    prop_assert_eq!(bytes, expected.map(|e| write(&mut e.iter().collect())));
                }
            }
        }
    }
}
