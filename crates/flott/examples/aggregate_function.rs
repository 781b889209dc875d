//! An aggregate function in Rust: a mean weighted by a second column. Its two sums live in columns of the engine, which saves, moves and
//! restores them, and it takes rows back, so that it goes with windows, with OVER and over rows that change.

use std::sync::Arc;

use flott::Result;
use flott::arrow::array::{ArrayRef, AsArray, Float64Array};
use flott::arrow::datatypes::Float64Type;
use flott::own::{AggInput, Aggregate, Column, ColumnKind, Signature, for_rows};

struct WeightedMean;

impl Aggregate for WeightedMean {
    /// The sum of value times weight, and the sum of weights.
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::F64, ColumnKind::F64]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let (values, weights) = (input.args[0].as_primitive::<Float64Type>(), input.args[1].as_primitive::<Float64Type>());
        // Rows where one of them is NULL do not count.
        let nulls = flott::arrow::buffer::NullBuffer::union(input.args[0].nulls(), input.args[1].nulls());
        for_rows(slots, input, nulls.as_ref(), |row, slot, sign| {
            let weight = weights.value(row) * sign as f64;
            state[0].f64s_mut()[slot] += values.value(row) * weight;
            state[1].f64s_mut()[slot] += weight;
        });
        Ok(())
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        for (column, sums) in state.iter_mut().zip(partial) {
            for (slot, sum) in slots.iter().zip(sums.as_primitive::<Float64Type>().values()) {
                column.f64s_mut()[*slot as usize] += sum;
            }
        }
        Ok(())
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let (sums, weights) = (state[0].f64s(), state[1].f64s());
        let mean = |slot: &u32| {
            let weight = weights[*slot as usize];
            (weight != 0.0).then(|| sums[*slot as usize] / weight)
        };
        Ok(Arc::new(slots.iter().map(mean).collect::<Float64Array>()))
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut options = flott::RunOptions::default();
    options.functions.aggregate("weighted_mean", Signature::of(&["DOUBLE", "DOUBLE"], "DOUBLE")?, WeightedMean);
    let sql = "SET 'execution.runtime-mode' = 'batch';
               SELECT item, weighted_mean(price, pieces) AS price
               FROM (VALUES ('tea', 2.0, 3), ('tea', 4.0, 1), ('milk', 1.5, 2)) AS sold(item, price, pieces) GROUP BY item";
    for (_, row) in flott::collect(sql, &options)?.rows {
        println!("{}: {}", row[0].as_deref().unwrap_or("?"), row[1].as_deref().unwrap_or("?"));
    }
    Ok(())
}
