//! Whole columns at once. Values are computed under NULLs too, where they mean nothing; which rows are NULL is put together apart.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, StringArray, new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{ArrowNativeType, DataType};
use datafusion_common::Result;

use super::def::Call;

/// An argument of fixed width that is not NULL throughout.
pub(crate) enum Column<T: ArrowNativeType> {
    /// The same for all rows.
    Constant(T),
    Rows(ScalarBuffer<T>, Option<NullBuffer>),
}

impl<T: ArrowNativeType> Column<T> {
    /// Of an array that stands for all rows with its only value, if `constant`; `None` if that is NULL.
    pub fn of<P: ArrowPrimitiveType<Native = T>>(array: &PrimitiveArray<P>, constant: bool) -> Option<Self> {
        match constant {
            true => array.is_valid(0).then(|| Column::Constant(array.value(0))),
            false => Some(Column::Rows(array.values().clone(), array.nulls().cloned())),
        }
    }

    /// `f` of every value.
    #[inline]
    pub fn map<O: ArrowNativeType>(&self, f: impl Fn(T) -> O) -> Column<O> {
        match self {
            Column::Constant(value) => Column::Constant(f(*value)),
            Column::Rows(values, nulls) => Column::Rows(values.iter().map(|value| f(*value)).collect(), nulls.clone()),
        }
    }

    /// Whether it holds for every value.
    pub fn all(&self, holds: impl Fn(T) -> bool) -> bool {
        match self {
            Column::Constant(value) => holds(*value),
            Column::Rows(values, _) => values.iter().all(|value| holds(*value)),
        }
    }

    fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Column::Constant(_) => None,
            Column::Rows(_, nulls) => nulls.as_ref(),
        }
    }

    /// An array of the call's result.
    pub fn finish<P: ArrowPrimitiveType<Native = T>>(self, call: &Call) -> ArrayRef {
        let (values, nulls) = match self {
            Column::Constant(value) => (vec![value; call.rows].into(), None),
            Column::Rows(values, nulls) => (values, nulls),
        };
        Arc::new(PrimitiveArray::<P>::new(values, nulls).with_data_type(call.returns.data_type().clone()))
    }
}

/// `f` of both values of each row.
#[inline]
pub(crate) fn combine<A, B, O>(a: &Column<A>, b: &Column<B>, f: impl Fn(A, B) -> O) -> Column<O>
where
    A: ArrowNativeType,
    B: ArrowNativeType,
    O: ArrowNativeType,
{
    let values: Vec<O> = match (a, b) {
        (Column::Constant(a), Column::Constant(b)) => return Column::Constant(f(*a, *b)),
        (Column::Constant(a), Column::Rows(b, _)) => b.iter().map(|b| f(*a, *b)).collect(),
        (Column::Rows(a, _), Column::Constant(b)) => a.iter().map(|a| f(*a, *b)).collect(),
        (Column::Rows(a, _), Column::Rows(b, _)) => a.iter().zip(b.iter()).map(|(a, b)| f(*a, *b)).collect(),
    };
    Column::Rows(values.into(), NullBuffer::union(a.nulls(), b.nulls()))
}

/// NULL in every row, of the call's result type.
pub(crate) fn all_null(call: &Call) -> ArrayRef {
    new_null_array(call.returns.data_type(), call.rows)
}

/// A test of every text of a column; NULL where the text is.
#[inline]
pub(crate) fn test_texts(texts: &StringArray, test: impl Fn(&str) -> bool) -> ArrayRef {
    let passed = BooleanBuffer::collect_bool(texts.len(), |row| test(texts.value(row)));
    Arc::new(BooleanArray::new(passed, texts.nulls().cloned()))
}

/// The greatest or the least of the arguments, in the order of DOUBLE with NaN above all; `None` for types that are not of fixed width.
pub(crate) fn extreme(call: &Call, greatest: bool) -> Result<Option<ArrayRef>> {
    use arrow::datatypes as t;
    Ok(Some(match call.returns.data_type() {
        DataType::Int8 => extreme_of::<t::Int8Type>(call, greatest)?,
        DataType::Int16 => extreme_of::<t::Int16Type>(call, greatest)?,
        DataType::Int32 => extreme_of::<t::Int32Type>(call, greatest)?,
        DataType::Int64 => extreme_of::<t::Int64Type>(call, greatest)?,
        DataType::Float32 => extreme_of::<t::Float32Type>(call, greatest)?,
        DataType::Float64 => extreme_of::<t::Float64Type>(call, greatest)?,
        DataType::Decimal128(..) => extreme_of::<t::Decimal128Type>(call, greatest)?,
        DataType::Date32 => extreme_of::<t::Date32Type>(call, greatest)?,
        DataType::Timestamp(t::TimeUnit::Millisecond, _) => extreme_of::<t::TimestampMillisecondType>(call, greatest)?,
        _ => return Ok(None),
    }))
}

fn extreme_of<T: ArrowPrimitiveType>(call: &Call, greatest: bool) -> Result<ArrayRef> {
    let mut best: Option<Column<T::Native>> = None;
    for index in 0..call.args.len() {
        let (array, constant) = call.array_or_constant(index)?;
        let array = cast(&array, call.returns.data_type())?;
        let Some(next) = Column::of(array.as_primitive::<T>(), constant) else { return Ok(all_null(call)) };
        best = Some(match best {
            None => next,
            Some(best) if greatest => combine(&best, &next, |a, b| if b.is_gt(a) { b } else { a }),
            Some(best) => combine(&best, &next, |a, b| if b.is_lt(a) { b } else { a }),
        });
    }
    Ok(best.map_or_else(|| all_null(call), |best| best.finish::<T>(call)))
}
