//! VAR_POP, VAR_SAMP, STDDEV_POP and STDDEV_SAMP by the formula Flink plans: (Σx² − (Σx)²/n) / n in the argument's type.

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::*;
use std::sync::Arc;

use super::sum::{as_f64, wrap_to};
use super::{AggInput, AggSpec, Aggregate, for_rows, only_arg, unsupported};
use crate::Result;
use crate::state::column::{Column, ColumnKind};

/// How the arithmetic is done.
enum Domain {
    /// In the integer type itself, wrapping: a variance of INT is an INT.
    Integer,
    /// In double precision.
    Float,
}

/// See the module.
pub struct Variance {
    domain: Domain,
    output: DataType,
    sample: bool,
    root: bool,
}

impl Variance {
    /// Binds to the argument's type.
    pub fn new(spec: &AggSpec, sample: bool, root: bool) -> Result<Self> {
        let domain = match only_arg(spec)? {
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Domain::Integer,
            DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) => Domain::Float,
            _ => return Err(unsupported(spec)),
        };
        Ok(Self { domain, output: spec.output.clone(), sample, root })
    }

    fn divisor(&self, count: i64) -> i64 {
        if self.sample { count - 1 } else { count }
    }

    fn float(&self, squares: f64, sum: f64, count: i64) -> Option<f64> {
        let divisor = self.divisor(count);
        if count == 0 || divisor == 0 {
            return None;
        }
        let variance = (squares - sum * sum / count as f64) / divisor as f64;
        Some(if self.root { variance.sqrt() } else { variance })
    }

    fn integer(&self, squares: i64, sum: i64, count: i64) -> Option<i64> {
        let divisor = self.divisor(count);
        if count == 0 || divisor == 0 {
            return None;
        }
        let variance = squares.wrapping_sub(sum.wrapping_mul(sum) / count) / divisor;
        Some(if self.root { (variance as f64).sqrt() as i64 } else { variance })
    }
}

impl Aggregate for Variance {
    fn columns(&self) -> Vec<ColumnKind> {
        match self.domain {
            Domain::Integer => vec![ColumnKind::I64, ColumnKind::I64, ColumnKind::I64],
            Domain::Float => vec![ColumnKind::F64, ColumnKind::F64, ColumnKind::I64],
        }
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let [squares, sums, counts] = state else { return Err(crate::Error::internal("variance has three fields")) };
        let counts = counts.i64s_mut();
        match self.domain {
            Domain::Integer => {
                let wide = cast(&input.args[0], &DataType::Int64)?;
                let wide = wide.as_primitive::<Int64Type>();
                let (squares, sums) = (squares.i64s_mut(), sums.i64s_mut());
                for_rows(slots, input, wide.nulls(), |row, slot, sign| {
                    let v = wide.value(row);
                    squares[slot] = squares[slot].wrapping_add(v.wrapping_mul(v).wrapping_mul(sign));
                    sums[slot] = sums[slot].wrapping_add(v.wrapping_mul(sign));
                    counts[slot] += sign;
                });
            }
            Domain::Float => {
                let wide = match input.args[0].data_type() {
                    DataType::Decimal128(..) => cast(&input.args[0], &DataType::Float64)?,
                    _ => Arc::new(as_f64(&input.args[0])?),
                };
                let wide = wide.as_primitive::<Float64Type>();
                let (squares, sums) = (squares.f64s_mut(), sums.f64s_mut());
                for_rows(slots, input, wide.nulls(), |row, slot, sign| {
                    let v = wide.value(row);
                    squares[slot] += v * v * sign as f64;
                    sums[slot] += v * sign as f64;
                    counts[slot] += sign;
                });
            }
        }
        Ok(())
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        for (column, part) in state.iter_mut().zip(partial) {
            match column {
                Column::F64(values) => {
                    for (slot, v) in slots.iter().zip(part.as_primitive::<Float64Type>().values()) {
                        values[*slot as usize] += v;
                    }
                }
                other => {
                    let values = other.i64s_mut();
                    for (slot, v) in slots.iter().zip(part.as_primitive::<Int64Type>().values()) {
                        values[*slot as usize] = values[*slot as usize].wrapping_add(*v);
                    }
                }
            }
        }
        Ok(())
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let counts = state[2].i64s();
        match self.domain {
            Domain::Integer => {
                let (squares, sums) = (state[0].i64s(), state[1].i64s());
                wrap_to(slots.iter().map(|s| *s as usize).map(|s| self.integer(squares[s], sums[s], counts[s])), &self.output)
            }
            Domain::Float => {
                let (squares, sums) = (state[0].f64s(), state[1].f64s());
                let values = slots.iter().map(|s| *s as usize).map(|s| self.float(squares[s], sums[s], counts[s]));
                let array: ArrayRef = Arc::new(values.collect::<Float64Array>());
                Ok(cast(&array, &self.output)?)
            }
        }
    }
}
