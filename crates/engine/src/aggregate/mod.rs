//! Aggregate functions over dense group slots: accumulate, retract, merge, evaluate.
//!
//! An aggregate keeps nothing itself. It declares columns by slot, which the engine owns, and works on whole batches: for each
//! row there is the slot of its group. Partial results are those columns, saved as arrays: the local phase of a two-phase
//! aggregation and the slices of a window both hand them to [`Aggregate::merge`].

mod bitmap;
mod collect;
mod count;
pub(crate) mod distinct;
mod extreme;
mod lag;
mod ordered;
pub mod scan;
mod sum;
mod variance;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use std::sync::Arc;

use crate::batch::RowKind;
use crate::state::column::{Column, ColumnKind};
use crate::{Error, Result};
use scan::Scan;

/// The rows to fold in.
#[derive(Clone, Copy)]
pub struct AggInput<'a> {
    /// The argument columns, equally long as the slots.
    pub args: &'a [ArrayRef],
    /// `FILTER (WHERE …)`: rows that are false or null do not count.
    pub keep: Option<&'a BooleanArray>,
    /// Row kinds; rows that take back are retracted. `None`: all rows add.
    pub kinds: Option<&'a [RowKind]>,
}

/// An aggregate function, bound to its argument types.
pub trait Aggregate: Send + Sync {
    /// The accumulator fields.
    fn columns(&self) -> Vec<ColumnKind>;

    /// Folds rows in; row `i` belongs to `slots[i]`. `state` holds this aggregate's columns, already grown.
    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()>;

    /// Folds partial results in: for each of `slots` one value of each accumulator field, as [`Column::save`] makes it.
    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()>;

    /// Whether partial results of rows of one tick, merged in the order of those rows, give what the rows themselves would.
    fn mergeable(&self) -> bool {
        true
    }

    /// Whether this is a COUNT(DISTINCT) whose values can lie in a set shared with others, see [`distinct::SharedCount`].
    fn shares_values(&self) -> bool {
        false
    }

    /// The result for each of `slots`.
    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef>;

    /// Folds rows in and out step by step, and gives the result of each step.
    fn scan(&self, state: &mut [Column], scan: &Scan, args: &[ArrayRef]) -> Result<ArrayRef> {
        scan::in_rounds(self, state, scan, args)
    }
}

/// The aggregate functions there are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AggFunction {
    /// Rows, or rows where the argument is not null.
    Count,
    /// Sum in the argument's type; integers wrap, decimals become null on overflow, as in Flink.
    Sum,
    /// Average; of integers truncated to the argument's type, as in Flink.
    Avg,
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
    /// First value in order of arrival that is not null.
    FirstValue,
    /// Last value in order of arrival that is not null.
    LastValue,
    /// Texts joined by a delimiter.
    ListAgg {
        /// Between two texts.
        delimiter: String,
    },
    /// The values in order of arrival as an array, NULLs too.
    ArrayAgg,
    /// The values that are not null as a multiset.
    Collect,
    /// The value so many rows before the last one that came; for OVER.
    Lag {
        /// How many. `None`: as many as the second argument says in the last row.
        offset: Option<usize>,
    },
    /// A set of 32-bit integers.
    Bitmap {
        /// What is made of the values.
        make: Make,
        /// The size of the set instead of the set.
        cardinality: bool,
    },
    /// Variance or standard deviation.
    Variance {
        /// Divide by n - 1 instead of n.
        sample: bool,
        /// Take the square root.
        root: bool,
    },
    /// A function of the user.
    Own(OwnFunction),
}

/// An aggregate function that is not the engine's.
#[derive(Clone)]
pub struct OwnFunction {
    /// What SQL calls it.
    pub name: String,
    /// Whether it can take rows back.
    pub retracts: bool,
    /// Its code.
    pub code: Arc<dyn Aggregate>,
}

impl std::fmt::Debug for OwnFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.name)
    }
}

impl PartialEq for OwnFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.code, &other.code)
    }
}

impl Eq for OwnFunction {}

impl std::hash::Hash for OwnFunction {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

fn bind_own(spec: &AggSpec, own: &OwnFunction) -> Result<Arc<dyn Aggregate>> {
    let name = own.name.to_uppercase();
    if spec.retract && !own.retracts {
        return Err(Error::config(format!("{name} cannot take rows back, and the rows it would get here change")));
    }
    Ok(own.code.clone())
}

/// What an aggregate over bitmaps makes of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Make {
    /// The set of the values, which are integers.
    Set,
    /// What is in any of the sets.
    Union,
    /// What is in all of the sets.
    Intersection,
    /// What is in an odd number of the sets.
    Odd,
}

/// What is needed to bind an aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AggSpec {
    /// Which function.
    pub function: AggFunction,
    /// Types of the arguments; empty for `COUNT(*)`.
    pub args: Vec<DataType>,
    /// Type of the result.
    pub output: DataType,
    /// `DISTINCT`.
    pub distinct: bool,
    /// Whether rows can be taken back.
    pub retract: bool,
}

/// Binds an aggregate function to its types.
pub fn bind(spec: &AggSpec) -> Result<Arc<dyn Aggregate>> {
    if let (AggFunction::Own(own), true) = (&spec.function, spec.distinct && spec.args.len() > 1) {
        return Err(Error::config(format!("DISTINCT goes with one argument, and {} has {}", own.name.to_uppercase(), spec.args.len())));
    }
    let own_distinct = matches!(spec.function, AggFunction::Min | AggFunction::Max | AggFunction::ArrayAgg | AggFunction::Collect);
    if spec.distinct && !own_distinct && !spec.args.is_empty() {
        return distinct::bind(spec);
    }
    Ok(match &spec.function {
        AggFunction::Count => Arc::new(count::Count),
        AggFunction::Sum => sum::sum(spec)?,
        AggFunction::Avg => sum::avg(spec)?,
        AggFunction::Min | AggFunction::Max => extreme::bind(spec)?,
        AggFunction::FirstValue | AggFunction::LastValue | AggFunction::ListAgg { .. } => ordered::bind(spec)?,
        AggFunction::ArrayAgg | AggFunction::Collect => collect::bind(spec)?,
        AggFunction::Bitmap { make, cardinality } => bitmap::bind(spec, *make, *cardinality)?,
        AggFunction::Lag { offset } => lag::bind(spec, *offset)?,
        AggFunction::Variance { sample, root } => Arc::new(variance::Variance::new(spec, *sample, *root)?),
        AggFunction::Own(own) => bind_own(spec, own)?,
    })
}

/// The one argument of an aggregate that has exactly one.
fn only_arg(spec: &AggSpec) -> Result<&DataType> {
    spec.args.first().ok_or_else(|| Error::internal(format!("{:?} without an argument", spec.function)))
}

fn unsupported(spec: &AggSpec) -> Error {
    Error::config(format!("{:?} does not take {:?}", spec.function, spec.args))
}

/// Calls `f(row, slot, +1 or -1)` for each row that counts: kept by the filter and not null.
#[inline(always)]
pub fn for_rows(slots: &[u32], input: AggInput<'_>, nulls: Option<&NullBuffer>, mut f: impl FnMut(usize, usize, i64)) {
    let nulls = nulls.filter(|n| n.null_count() > 0);
    if input.keep.is_none() && input.kinds.is_none() && nulls.is_none() {
        for (row, slot) in slots.iter().enumerate() {
            f(row, *slot as usize, 1);
        }
        return;
    }
    for (row, slot) in slots.iter().enumerate() {
        let kept = input.keep.is_none_or(|k| k.is_valid(row) && k.value(row)) && nulls.is_none_or(|n| n.is_valid(row));
        if kept {
            let sign = if input.kinds.is_none_or(|k| k[row].adds()) { 1 } else { -1 };
            f(row, *slot as usize, sign);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
