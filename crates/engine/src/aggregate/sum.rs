//! SUM and AVG over integers, decimals and floating point.

use arrow::array::*;
use arrow::datatypes::*;
use std::marker::PhantomData;
use std::sync::Arc;

use super::scan::{Move, Scan};
use super::{AggInput, AggSpec, Aggregate, for_rows, only_arg, unsupported};
use crate::state::column::{Column, ColumnKind};
use crate::{Error, Result};

/// Binds SUM.
pub fn sum(spec: &AggSpec) -> Result<Arc<dyn Aggregate>> {
    bind(spec, false)
}

/// Binds AVG.
pub fn avg(spec: &AggSpec) -> Result<Arc<dyn Aggregate>> {
    bind(spec, true)
}

fn bind(spec: &AggSpec, average: bool) -> Result<Arc<dyn Aggregate>> {
    let output = spec.output.clone();
    Ok(match only_arg(spec)? {
        DataType::Int8 => Arc::new(IntSum::<Int8Type> { average, output, _t: PhantomData }),
        DataType::Int16 => Arc::new(IntSum::<Int16Type> { average, output, _t: PhantomData }),
        DataType::Int32 => Arc::new(IntSum::<Int32Type> { average, output, _t: PhantomData }),
        DataType::Int64 => Arc::new(IntSum::<Int64Type> { average, output, _t: PhantomData }),
        DataType::Float32 => Arc::new(FloatSum { average, single: true }),
        DataType::Float64 => Arc::new(FloatSum { average, single: false }),
        DataType::Decimal128(_, scale) => Arc::new(DecimalSum { average, scale: *scale, output }),
        _ => return Err(unsupported(spec)),
    })
}

/// Field 0: sum, field 1: number of values.
const SUM: usize = 0;
const COUNT: usize = 1;

struct IntSum<T> {
    average: bool,
    output: DataType,
    _t: PhantomData<fn() -> T>,
}

impl<T> IntSum<T> {
    #[inline(always)]
    fn value(&self, sum: i64, count: i64) -> Option<i64> {
        (count != 0).then(|| if self.average { sum.wrapping_div(count) } else { sum })
    }
}

impl<T: ArrowPrimitiveType> Aggregate for IntSum<T>
where
    T::Native: Into<i64>,
{
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::I64, ColumnKind::I64]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let array = input.args[0].as_primitive::<T>();
        let values = array.values();
        let (sums, counts) = two(state)?;
        let (sums, counts) = (sums.i64s_mut(), counts.i64s_mut());
        for_rows(slots, input, array.nulls(), |row, slot, sign| {
            sums[slot] = sums[slot].wrapping_add(values[row].into().wrapping_mul(sign));
            counts[slot] += sign;
        });
        Ok(())
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        let sums = partial[SUM].as_primitive::<Int64Type>().values();
        let counts = partial[COUNT].as_primitive::<Int64Type>().values();
        let (to_sums, to_counts) = two(state)?;
        let (to_sums, to_counts) = (to_sums.i64s_mut(), to_counts.i64s_mut());
        for (row, slot) in slots.iter().enumerate() {
            let slot = *slot as usize;
            to_sums[slot] = to_sums[slot].wrapping_add(sums[row]);
            to_counts[slot] += counts[row];
        }
        Ok(())
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let (sums, counts) = (state[SUM].i64s(), state[COUNT].i64s());
        wrap_to(slots.iter().map(|s| self.value(sums[*s as usize], counts[*s as usize])), &self.output)
    }

    fn scan(&self, state: &mut [Column], scan: &Scan, args: &[ArrayRef]) -> Result<ArrayRef> {
        let array = args[0].as_primitive::<T>();
        let values = array.values();
        let (sums, counts) = two(state)?;
        let (sums, counts) = (sums.i64s_mut(), counts.i64s_mut());
        let mut results = Vec::with_capacity(scan.steps.len());
        scan.run(array.nulls(), |m| match m {
            Move::Row(slot, row, sign) => {
                sums[slot] = sums[slot].wrapping_add(values[row].into().wrapping_mul(sign));
                counts[slot] += sign;
            }
            Move::Result(slot) => results.push(self.value(sums[slot], counts[slot])),
        });
        wrap_to(results.into_iter(), &self.output)
    }
}

/// Integers cut to the width of the output type, as Flink's arithmetic wraps.
pub(super) fn wrap_to(values: impl Iterator<Item = Option<i64>>, output: &DataType) -> Result<ArrayRef> {
    Ok(match output {
        DataType::Int8 => Arc::new(values.map(|v| v.map(|v| v as i8)).collect::<Int8Array>()),
        DataType::Int16 => Arc::new(values.map(|v| v.map(|v| v as i16)).collect::<Int16Array>()),
        DataType::Int32 => Arc::new(values.map(|v| v.map(|v| v as i32)).collect::<Int32Array>()),
        DataType::Int64 => Arc::new(values.collect::<Int64Array>()),
        other => return Err(Error::internal(format!("an integer aggregate cannot give {other}"))),
    })
}

pub(super) fn two(state: &mut [Column]) -> Result<(&mut Column, &mut Column)> {
    match state {
        [a, b, ..] => Ok((a, b)),
        _ => Err(Error::internal("an accumulator has fewer fields than declared")),
    }
}

struct FloatSum {
    average: bool,
    /// FLOAT: a sum is rounded to single precision after each addition, as Flink's accumulator is.
    single: bool,
}

impl FloatSum {
    #[inline(always)]
    fn round(&self, sum: f64) -> f64 {
        if self.single && !self.average { f64::from(sum as f32) } else { sum }
    }

    #[inline(always)]
    fn value(&self, sum: f64, count: i64) -> Option<f64> {
        (count != 0).then(|| if self.average { sum / count as f64 } else { sum })
    }

    fn array(&self, values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
        if self.single {
            Arc::new(values.map(|v| v.map(|v| v as f32)).collect::<Float32Array>())
        } else {
            Arc::new(values.collect::<Float64Array>())
        }
    }
}

impl Aggregate for FloatSum {
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::F64, ColumnKind::I64]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let wide = as_f64(&input.args[0])?;
        let values = wide.values();
        let (sums, counts) = two(state)?;
        let (sums, counts) = (sums.f64s_mut(), counts.i64s_mut());
        for_rows(slots, input, wide.nulls(), |row, slot, sign| {
            sums[slot] = self.round(sums[slot] + values[row] * sign as f64);
            counts[slot] += sign;
        });
        Ok(())
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        let sums = partial[SUM].as_primitive::<Float64Type>().values();
        let counts = partial[COUNT].as_primitive::<Int64Type>().values();
        let (to_sums, to_counts) = two(state)?;
        let (to_sums, to_counts) = (to_sums.f64s_mut(), to_counts.i64s_mut());
        for (row, slot) in slots.iter().enumerate() {
            let slot = *slot as usize;
            to_sums[slot] = self.round(to_sums[slot] + sums[row]);
            to_counts[slot] += counts[row];
        }
        Ok(())
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let (sums, counts) = (state[SUM].f64s(), state[COUNT].i64s());
        Ok(self.array(slots.iter().map(|s| self.value(sums[*s as usize], counts[*s as usize]))))
    }

    fn scan(&self, state: &mut [Column], scan: &Scan, args: &[ArrayRef]) -> Result<ArrayRef> {
        let wide = as_f64(&args[0])?;
        let values = wide.values();
        let (sums, counts) = two(state)?;
        let (sums, counts) = (sums.f64s_mut(), counts.i64s_mut());
        let mut results = Vec::with_capacity(scan.steps.len());
        scan.run(wide.nulls(), |m| match m {
            Move::Row(slot, row, sign) => {
                sums[slot] = self.round(sums[slot] + values[row] * sign as f64);
                counts[slot] += sign;
            }
            Move::Result(slot) => results.push(self.value(sums[slot], counts[slot])),
        });
        Ok(self.array(results.into_iter()))
    }
}

/// A floating point column in double precision.
pub(super) fn as_f64(array: &ArrayRef) -> Result<Float64Array> {
    Ok(match array.data_type() {
        DataType::Float64 => array.as_primitive::<Float64Type>().clone(),
        DataType::Float32 => array.as_primitive::<Float32Type>().unary(f64::from),
        other => return Err(Error::internal(format!("{other} is not floating point"))),
    })
}

struct DecimalSum {
    average: bool,
    scale: i8,
    output: DataType,
}

/// One more than the largest unscaled value of DECIMAL(38, s).
const DECIMAL_LIMIT: i128 = 10_i128.pow(38);

impl DecimalSum {
    /// The quotient at the output's scale, rounded half up; `None` when it does not fit.
    fn quotient(&self, sum: i128, count: i64, to_scale: i8) -> Option<i128> {
        let shift = u32::try_from(to_scale - self.scale).ok()?;
        let scaled = sum.checked_mul(10_i128.checked_pow(shift)?)?;
        let count = i128::from(count);
        let (quotient, rest) = (scaled / count, scaled % count);
        let up = if rest.abs() * 2 >= count.abs() { scaled.signum() * count.signum() } else { 0 };
        Some(quotient + up)
    }

    fn value(&self, sum: i128, count: i64, to_scale: i8) -> Option<i128> {
        if count == 0 {
            return None;
        }
        let value = if self.average { self.quotient(sum, count, to_scale)? } else { sum };
        (value.abs() < DECIMAL_LIMIT).then_some(value)
    }

    fn output_scale(&self) -> Result<i8> {
        match self.output {
            DataType::Decimal128(_, scale) => Ok(scale),
            _ => Err(Error::internal(format!("a decimal aggregate cannot give {}", self.output))),
        }
    }
}

impl Aggregate for DecimalSum {
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::I128, ColumnKind::I64]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let array = input.args[0].as_primitive::<Decimal128Type>();
        let values = array.values();
        let (sums, counts) = two(state)?;
        let (sums, counts) = (sums.i128s_mut(), counts.i64s_mut());
        for_rows(slots, input, array.nulls(), |row, slot, sign| {
            sums[slot] = sums[slot].wrapping_add(values[row].wrapping_mul(i128::from(sign)));
            counts[slot] += sign;
        });
        Ok(())
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        let sums = partial[SUM].as_primitive::<Decimal128Type>().values();
        let counts = partial[COUNT].as_primitive::<Int64Type>().values();
        let (to_sums, to_counts) = two(state)?;
        let (to_sums, to_counts) = (to_sums.i128s_mut(), to_counts.i64s_mut());
        for (row, slot) in slots.iter().enumerate() {
            let slot = *slot as usize;
            to_sums[slot] = to_sums[slot].wrapping_add(sums[row]);
            to_counts[slot] += counts[row];
        }
        Ok(())
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let to_scale = self.output_scale()?;
        let (sums, counts) = (state[SUM].i128s(), state[COUNT].i64s());
        let values = slots.iter().map(|s| self.value(sums[*s as usize], counts[*s as usize], to_scale));
        Ok(Arc::new(values.collect::<Decimal128Array>().with_data_type(self.output.clone())))
    }

    fn scan(&self, state: &mut [Column], scan: &Scan, args: &[ArrayRef]) -> Result<ArrayRef> {
        let to_scale = self.output_scale()?;
        let array = args[0].as_primitive::<Decimal128Type>();
        let values = array.values();
        let (sums, counts) = two(state)?;
        let (sums, counts) = (sums.i128s_mut(), counts.i64s_mut());
        let mut results = Vec::with_capacity(scan.steps.len());
        scan.run(array.nulls(), |m| match m {
            Move::Row(slot, row, sign) => {
                sums[slot] = sums[slot].wrapping_add(values[row].wrapping_mul(i128::from(sign)));
                counts[slot] += sign;
            }
            Move::Result(slot) => results.push(self.value(sums[slot], counts[slot], to_scale)),
        });
        Ok(Arc::new(results.into_iter().collect::<Decimal128Array>().with_data_type(self.output.clone())))
    }
}
