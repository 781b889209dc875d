//! DISTINCT: a multiset of the values seen, in front of another aggregate that sees each value once.

use arrow::array::*;
use arrow::datatypes::*;
use std::sync::Arc;

use super::extreme::{add_to_bag, merge_bags, update_bags};
use super::{AggFunction, AggInput, AggSpec, Aggregate, bind as bind_plain, for_rows, only_arg};
use crate::state::column::{Column, ColumnKind, list_entries, list_row};
use crate::state::encoding::{encode_fixed, fixed_width};
use crate::state::value::{decode, encoder};
use crate::{Error, Result};

/// Binds `f(DISTINCT x)`.
pub fn bind(spec: &AggSpec) -> Result<Arc<dyn Aggregate>> {
    let input = only_arg(spec)?.clone();
    let fixed = fixed_width(&input);
    if spec.function == AggFunction::Count {
        return Ok(if fixed { Arc::new(CountFixed { retract: spec.retract }) } else { Arc::new(CountBytes) });
    }
    let inner = bind_plain(&AggSpec { distinct: false, ..spec.clone() })?;
    let ordered = matches!(spec.function, AggFunction::FirstValue | AggFunction::LastValue | AggFunction::ListAgg { .. });
    Ok(Arc::new(Distinct { inner, input, ordered }))
}

/// COUNT(DISTINCT x) over fixed-width values: the size of the set.
struct CountFixed {
    retract: bool,
}

impl Aggregate for CountFixed {
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::Set]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let values = encode_fixed(&input.args[0])?;
        let sets = state[0].sets_mut();
        for_rows(slots, input, input.args[0].nulls(), |row, slot, sign| sets.add(slot as u32, values[row], sign));
        Ok(())
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        let sets = state[0].sets_mut();
        let lists = partial[0].as_list::<i32>();
        let (values, counts) = list_entries(lists)?;
        let values = values.as_primitive::<UInt64Type>().values();
        for (slot, range) in slots.iter().zip(lists.value_offsets().windows(2)) {
            for i in range[0] as usize..range[1] as usize {
                sets.add(*slot, values[i], counts[i]);
            }
        }
        Ok(())
    }

    fn shares_values(&self) -> bool {
        !self.retract
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let sets = state[0].sets();
        Ok(Arc::new(Int64Array::from_iter_values(slots.iter().map(|s| sets.size(*s) as i64))))
    }
}

/// Several COUNT(DISTINCT x) FILTER (WHERE …) over one column of fixed width from which nothing is taken back. They share one set,
/// which holds for each value the filters that it passed; beside it lies a count for each filter.
#[derive(Clone)]
pub struct SharedCount {
    filters: usize,
}

impl SharedCount {
    /// How many calls can share a set.
    pub const MOST: usize = 63;

    /// For so many calls.
    pub fn new(filters: usize) -> Self {
        Self { filters }
    }

    /// The accumulator fields.
    pub fn columns(&self) -> Vec<ColumnKind> {
        std::iter::once(ColumnKind::Set).chain(std::iter::repeat_n(ColumnKind::I64, self.filters)).collect()
    }

    /// Folds rows in. `keep`: for each call its filter, if it has one.
    pub fn update(&self, state: &mut [Column], slots: &[u32], arg: &ArrayRef, keep: &[Option<&BooleanArray>]) -> Result<()> {
        let values = encode_fixed(arg)?;
        let always = keep.iter().enumerate().filter(|(_, k)| k.is_none()).fold(0, |bits, (i, _)| bits | 1 << i);
        let mut bits = vec![always; values.len()];
        for (i, keep) in keep.iter().enumerate() {
            let Some(keep) = keep else { continue };
            let passed = match keep.nulls() {
                Some(nulls) => keep.values() & nulls.inner(),
                None => keep.values().clone(),
            };
            passed.set_indices().for_each(|row| bits[row] |= 1 << i);
        }
        let nulls = arg.nulls().filter(|n| n.null_count() > 0);
        let rows = (0..values.len()).filter(|row| bits[*row] != 0 && nulls.is_none_or(|n| n.is_valid(*row)));
        self.mark(state, rows.map(|row| (slots[row], values[row], bits[row])))
    }

    /// Folds partial results in.
    pub fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        let lists = partial[0].as_list::<i32>();
        let (values, bits) = list_entries(lists)?;
        let values = values.as_primitive::<UInt64Type>().values();
        let entries = slots.iter().zip(lists.value_offsets().windows(2)).flat_map(|(slot, range)| {
            let range = range[0] as usize..range[1] as usize;
            range.map(|i| (*slot, values[i], bits[i]))
        });
        self.mark(state, entries)
    }

    fn mark(&self, state: &mut [Column], entries: impl Iterator<Item = (u32, u64, i64)>) -> Result<()> {
        let Some((sets, counts)) = state.split_first_mut() else {
            return Err(Error::internal("shared distinct values without a set"));
        };
        let sets = sets.sets_mut();
        let mut counts: Vec<&mut [i64]> = counts.iter_mut().map(Column::i64s_mut).collect();
        for (slot, value, bits) in entries {
            let mut new = sets.mark(slot, value, bits);
            while new != 0 {
                counts[new.trailing_zeros() as usize][slot as usize] += 1;
                new &= new - 1;
            }
        }
        Ok(())
    }

    /// The results of all calls.
    pub fn evaluate<'a>(&self, state: &'a [Column], slots: &'a [u32]) -> impl Iterator<Item = ArrayRef> + 'a {
        state[1..].iter().map(move |count| {
            let count = count.i64s();
            Arc::new(Int64Array::from_iter_values(slots.iter().map(|s| count[*s as usize]))) as ArrayRef
        })
    }
}

/// COUNT(DISTINCT x) over anything else.
struct CountBytes;

impl Aggregate for CountBytes {
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
        Ok(Arc::new(Int64Array::from_iter_values(slots.iter().map(|s| bags[*s as usize].len() as i64))))
    }
}

/// Any other aggregate. Field 0 is the multiset, the rest belongs to the inner aggregate.
struct Distinct {
    inner: Arc<dyn Aggregate>,
    input: DataType,
    /// The inner aggregate depends on the order of arrival, which a merged multiset has lost.
    ordered: bool,
}

impl Distinct {
    /// Changes a value's count; tells the inner aggregate's sign if the value appeared or disappeared.
    fn transition(bag: &mut crate::state::column::Bag, value: &[u8], by: i64) -> Option<crate::RowKind> {
        let before = bag.get(value).copied().unwrap_or(0);
        add_to_bag(bag, value, by);
        match (before > 0, before + by > 0) {
            (false, true) => Some(crate::RowKind::Insert),
            (true, false) => Some(crate::RowKind::Delete),
            _ => None,
        }
    }

    /// Lets the inner aggregate see the values that appeared or disappeared, in order.
    fn forward(&self, state: &mut [Column], changes: &[(u32, Box<[u8]>, crate::RowKind)]) -> Result<()> {
        let slots: Vec<u32> = changes.iter().map(|c| c.0).collect();
        let kinds: Vec<crate::RowKind> = changes.iter().map(|c| c.2).collect();
        let args = [decode(&self.input, changes.iter().map(|c| Some(&*c.1)))?];
        self.inner.update(&mut state[1..], &slots, AggInput { args: &args, keep: None, kinds: Some(&kinds) })
    }
}

impl Aggregate for Distinct {
    fn columns(&self) -> Vec<ColumnKind> {
        let mut columns = vec![ColumnKind::Bag];
        columns.extend(self.inner.columns());
        columns
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let encode = encoder(&input.args[0])?;
        let bags = state[0].bags_mut();
        let mut changes = vec![];
        let mut text = vec![];
        for_rows(slots, input, input.args[0].nulls(), |row, slot, sign| {
            text.clear();
            encode(row, &mut text);
            if let Some(kind) = Self::transition(&mut bags[slot], &text, sign) {
                changes.push((slot as u32, text.as_slice().into(), kind));
            }
        });
        self.forward(state, &changes)
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        let bags = state[0].bags_mut();
        let mut changes = vec![];
        for (row, slot) in slots.iter().enumerate() {
            let (values, counts) = list_row(&partial[0], row)?;
            let values = values.as_binary::<i32>();
            for i in 0..values.len() {
                if let Some(kind) = Self::transition(&mut bags[*slot as usize], values.value(i), counts.value(i)) {
                    changes.push((*slot, values.value(i).into(), kind));
                }
            }
        }
        self.forward(state, &changes)
    }

    fn mergeable(&self) -> bool {
        !self.ordered && self.inner.mergeable()
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        self.inner.evaluate(&state[1..], slots)
    }
}
