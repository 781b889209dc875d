//! AND and OR that look at their right side only where the left one does not decide, if the right side can fail: in
//! `n <> 0 AND 10 / n > 1` no row divides by zero. DataFusion computes both sides of most batches.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::{BooleanBuffer, MutableBuffer, NullBuffer};
use arrow::compute::{and_kleene, or_kleene};
use arrow::datatypes::{DataType, FieldRef, Schema};
use arrow::util::bit_util;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{Result, exec_err};
use datafusion_expr::{ColumnarValue, Operator};
use datafusion_physical_expr::expressions::{BinaryExpr, Literal};
use datafusion_physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use super::case::filtered;
use crate::planner::chain;

/// The expression with every AND and OR of it whose right side can fail looking before it leaps.
pub(super) fn with_guards(expr: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    Ok(expr
        .transform_up(|e| {
            let Some(binary) = e.downcast_ref::<BinaryExpr>() else { return Ok(Transformed::no(e)) };
            if !matches!(binary.op(), Operator::And | Operator::Or) || !can_fail(binary.right(), schema)? {
                return Ok(Transformed::no(e));
            }
            Ok(Transformed::yes(Arc::new(Guarded { and: *binary.op() == Operator::And, original: e }) as _))
        })?
        .data)
}

/// Whether computing the expression can end in an error that depends on the row: a division, a CAST of a text, an element of an array.
fn can_fail(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<bool> {
    let mut found = false;
    expr.apply(|e| {
        if let Some(call) = e.downcast_ref::<ScalarFunctionExpr>() {
            found |= match (call.name(), call.args()) {
                ("/" | "%" | "mod", [_, divisor]) => !is_nonzero(divisor),
                (name, operands) if chain::operators(name).is_some_and(|operators| divides(&operators, &operands[1..])) => true,
                ("CAST", [value]) => matches!(value.data_type(schema)?, DataType::Utf8 | DataType::List(_) | DataType::Struct(_)),
                ("item", _) => true,
                _ => false,
            };
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Whether one of the operators in a chain may divide by zero.
fn divides(operators: &[Operator], operands: &[Arc<dyn PhysicalExpr>]) -> bool {
    operators.iter().zip(operands).any(|(op, right)| matches!(op, Operator::Divide | Operator::Modulo) && !is_nonzero(right))
}

fn is_nonzero(divisor: &Arc<dyn PhysicalExpr>) -> bool {
    let zero = |value: &datafusion_common::ScalarValue| datafusion_common::ScalarValue::new_zero(&value.data_type()).ok();
    divisor.downcast_ref::<Literal>().is_some_and(|literal| zero(literal.value()).is_some_and(|zero| *literal.value() != zero))
}

/// `left AND right` or `left OR right`.
#[derive(Debug)]
struct Guarded {
    and: bool,
    /// The same as DataFusion has it; all that is no evaluation is left to it.
    original: Arc<dyn PhysicalExpr>,
}

impl Guarded {
    fn sides(&self) -> Result<[Arc<dyn PhysicalExpr>; 2]> {
        match self.original.downcast_ref::<BinaryExpr>() {
            Some(binary) => Ok([binary.left().clone(), binary.right().clone()]),
            None => exec_err!("AND and OR have two sides"),
        }
    }
}

/// The rows that the left side leaves open: for AND those where it is not false, for OR those where it is not true.
fn open_rows(left: &BooleanArray, and: bool) -> BooleanBuffer {
    let known = |nulls: &NullBuffer| if and { left.values() | &!nulls.inner() } else { &!left.values() | &!nulls.inner() };
    match left.nulls() {
        Some(nulls) => known(nulls),
        None if and => left.values().clone(),
        None => !left.values(),
    }
}

/// Values for the rows that are set in `open`, put where these rows are; false elsewhere.
fn spread(values: &BooleanArray, open: &BooleanBuffer) -> BooleanArray {
    let bytes = open.len().div_ceil(8);
    let (mut bits, mut valid) = (MutableBuffer::from_len_zeroed(bytes), MutableBuffer::from_len_zeroed(bytes));
    for (i, row) in open.set_indices().enumerate() {
        if values.is_valid(i) {
            bit_util::set_bit(valid.as_slice_mut(), row);
            if values.value(i) {
                bit_util::set_bit(bits.as_slice_mut(), row);
            }
        }
    }
    let valid = &BooleanBuffer::new(valid.into(), 0, open.len()) | &!open;
    BooleanArray::new(BooleanBuffer::new(bits.into(), 0, open.len()), Some(NullBuffer::new(valid)))
}

fn booleans(value: ColumnarValue, rows: usize) -> Result<BooleanArray> {
    let array = value.into_array(rows)?;
    match array.as_boolean_opt() {
        Some(array) => Ok(array.clone()),
        None => exec_err!("AND and OR take BOOLEAN, not {}", array.data_type()),
    }
}

impl PhysicalExpr for Guarded {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.original.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.original.nullable(schema)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.original.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let [left, right] = self.sides()?;
        let rows = batch.num_rows();
        let left = booleans(left.evaluate(batch)?, rows)?;
        let open = open_rows(&left, self.and);
        let count = open.count_set_bits();
        if count == 0 {
            return Ok(ColumnarValue::Array(Arc::new(left)));
        }
        let right = if count == rows {
            booleans(right.evaluate(batch)?, rows)?
        } else {
            let right = right.evaluate(&filtered(batch, &open, count)?)?;
            spread(&booleans(right, count)?, &open)
        };
        let result = if self.and { and_kleene(&left, &right)? } else { or_kleene(&left, &right)? };
        Ok(ColumnarValue::Array(Arc::new(result)))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.original.children()
    }

    /// With other children it looks again whether it is needed when it is made.
    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Guarded { and: self.and, original: self.original.clone().with_new_children(children)? }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.original.fmt_sql(f)
    }
}

impl fmt::Display for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.original.fmt(f)
    }
}

impl PartialEq for Guarded {
    fn eq(&self, other: &Self) -> bool {
        self.original.eq(&other.original)
    }
}

impl Eq for Guarded {}

impl Hash for Guarded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.original.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_side_is_put_back_at_its_rows() {
        let left = BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]);
        let open = open_rows(&left, true);
        assert_eq!(open.set_indices().collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(open_rows(&left, false).set_indices().collect::<Vec<_>>(), [1, 2]);
        let right = spread(&BooleanArray::from(vec![None, Some(false), Some(true)]), &open);
        assert_eq!(right, BooleanArray::from(vec![None, Some(false), Some(false), Some(true)]));
    }
}
