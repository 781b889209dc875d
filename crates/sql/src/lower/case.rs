//! CASE without copies of its input.
//!
//! DataFusion's CASE takes the rows that are left out of the input after every branch, all columns of them. Here conditions that are
//! cheap and cannot fail see all rows, so that a branch is a mask; values that are columns are read where they lie, and only a value that
//! must be computed sees a copy of its rows, with the columns that it needs.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::buffer::BooleanBuffer;
use arrow::compute::FilterBuilder;
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{Result, ScalarValue, exec_err};
use datafusion_expr::{ColumnarValue, Operator};
use datafusion_physical_expr::expressions::{BinaryExpr, CaseExpr, Column, IsNotNullExpr, IsNullExpr, Literal, NotExpr};
use datafusion_physical_expr::utils::collect_columns;
use datafusion_physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use super::merge::{Part, Values, is_mergeable, merge};
use crate::functions::IEEE;
use crate::planner::expressions::FIELD_ACCESS_NAME;

/// More branches are left to DataFusion.
const BRANCHES_MAX: usize = 64;

/// The expression with every CASE of it that allows for it evaluated by masks.
pub(super) fn with_masks(expr: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    Ok(expr
        .transform_up(|e| match e.downcast_ref::<CaseExpr>().map(|case| Case::of(case, e.clone(), schema)) {
            Some(Ok(Some(case))) => Ok(Transformed::yes(Arc::new(case) as _)),
            Some(Err(error)) => Err(error),
            _ => Ok(Transformed::no(e)),
        })?
        .data)
}

/// What a branch gives.
#[derive(Debug)]
enum Value {
    Constant(ScalarValue),
    /// A column, or a field of one: costs nothing for all rows.
    Column(Arc<dyn PhysicalExpr>),
    /// To be computed, over these columns of the input, for the rows of the branch alone.
    Computed(Arc<dyn PhysicalExpr>, Vec<usize>),
}

/// A CASE by masks.
#[derive(Debug)]
pub(super) struct Case {
    /// The same as DataFusion has it; all that is no evaluation is left to it.
    original: Arc<dyn PhysicalExpr>,
    data_type: DataType,
    branches: Vec<(Arc<dyn PhysicalExpr>, Value)>,
    otherwise: Value,
}

impl Case {
    /// `None` for a CASE that is not for masks.
    fn of(case: &CaseExpr, original: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Option<Case>> {
        let data_type = original.data_type(schema)?;
        let whens = case.when_then_expr();
        // The first condition sees all rows in any case.
        let fits = case.expr().is_none()
            && whens.len() < BRANCHES_MAX
            && is_mergeable(&data_type)
            && whens.iter().skip(1).all(|(when, _)| is_cheap(when));
        if !fits {
            return Ok(None);
        }
        let mut branches = Vec::with_capacity(whens.len());
        for (when, then) in whens {
            let Some(value) = Value::of(then, &data_type, schema)? else { return Ok(None) };
            branches.push((when.clone(), value));
        }
        let otherwise = match case.else_expr() {
            Some(otherwise) => Value::of(otherwise, &data_type, schema)?,
            None => Some(Value::Constant(ScalarValue::try_from(&data_type)?)),
        };
        Ok(otherwise.map(|otherwise| Case { original, data_type, branches, otherwise }))
    }
}

impl Value {
    /// `None` for a value that is not of the type of the result yet.
    fn of(expr: &Arc<dyn PhysicalExpr>, data_type: &DataType, schema: &Schema) -> Result<Option<Value>> {
        if let Some(literal) = expr.downcast_ref::<Literal>() {
            return Ok(match literal.value() {
                value if value.data_type() == *data_type => Some(Value::Constant(value.clone())),
                value if value.is_null() => Some(Value::Constant(ScalarValue::try_from(data_type)?)),
                _ => None,
            });
        }
        if expr.data_type(schema)? != *data_type {
            return Ok(None);
        }
        if is_column(expr) {
            return Ok(Some(Value::Column(expr.clone())));
        }
        let mut columns: Vec<usize> = collect_columns(expr).iter().map(Column::index).collect();
        columns.sort_unstable();
        let narrowed = expr.clone().transform_up(|e| {
            let Some(column) = e.downcast_ref::<Column>() else { return Ok(Transformed::no(e)) };
            // Most often it stays where it is: what is around it, a CASE perhaps, need not be made anew then.
            match columns.binary_search(&column.index()) {
                Ok(at) if at != column.index() => Ok(Transformed::yes(Arc::new(Column::new(column.name(), at)) as _)),
                _ => Ok(Transformed::no(e)),
            }
        })?;
        Ok(Some(Value::Computed(narrowed.data, columns)))
    }

    fn evaluate(&self, batch: &RecordBatch, taken: &BooleanBuffer) -> Result<Values> {
        let rows_taken = taken.count_set_bits();
        let (result, rows) = match self {
            Value::Constant(value) => return Ok(Values::Constant(value.clone())),
            Value::Column(expr) => (expr.evaluate(batch)?, batch.num_rows()),
            Value::Computed(expr, columns) => {
                let narrow = batch.project(columns)?;
                let rows = if rows_taken == batch.num_rows() { narrow } else { filtered(&narrow, taken, rows_taken)? };
                (expr.evaluate(&rows)?, rows_taken)
            }
        };
        Ok(match result {
            ColumnarValue::Scalar(value) => Values::Constant(value),
            ColumnarValue::Array(array) if array.len() != rows => {
                return exec_err!("A branch of CASE returned {} rows for {rows}", array.len());
            }
            ColumnarValue::Array(array) if rows == batch.num_rows() => Values::Rows(array),
            ColumnarValue::Array(array) => Values::Taken(array),
        })
    }
}

pub(super) fn filtered(batch: &RecordBatch, taken: &BooleanBuffer, rows_taken: usize) -> Result<RecordBatch> {
    let mask = BooleanArray::new(taken.clone(), None);
    let filter = FilterBuilder::new(&mask).optimize().build();
    let columns: Vec<ArrayRef> = batch.columns().iter().map(|c| filter.filter(c.as_ref())).collect::<std::result::Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows_taken));
    Ok(RecordBatch::try_new_with_options(batch.schema(), columns, &options)?)
}

/// A column or a field of one.
fn is_column(expr: &Arc<dyn PhysicalExpr>) -> bool {
    match expr.downcast_ref::<ScalarFunctionExpr>() {
        Some(call) => call.fun().name() == FIELD_ACCESS_NAME && call.args().first().is_some_and(is_column),
        None => expr.downcast_ref::<Column>().is_some(),
    }
}

/// Comparisons of columns and constants: they cannot fail, and looking at all rows costs less than choosing some.
fn is_cheap(expr: &Arc<dyn PhysicalExpr>) -> bool {
    use Operator as O;
    if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        let known = matches!(binary.op(), O::Eq | O::NotEq | O::Lt | O::LtEq | O::Gt | O::GtEq | O::And | O::Or);
        return known && is_cheap(binary.left()) && is_cheap(binary.right());
    }
    if let Some(call) = expr.downcast_ref::<ScalarFunctionExpr>() {
        return call.name().starts_with(IEEE) && call.args().iter().all(is_cheap);
    }
    let unary = expr.downcast_ref::<NotExpr>().is_some()
        || expr.downcast_ref::<IsNullExpr>().is_some()
        || expr.downcast_ref::<IsNotNullExpr>().is_some();
    is_column(expr) || expr.downcast_ref::<Literal>().is_some() || (unary && expr.children().into_iter().all(is_cheap))
}

/// The rows for which a condition is true.
fn mask(value: ColumnarValue, rows: usize) -> Result<BooleanBuffer> {
    let array = match value {
        ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))) => return Ok(BooleanBuffer::new_set(rows)),
        ColumnarValue::Scalar(_) => return Ok(BooleanBuffer::new_unset(rows)),
        ColumnarValue::Array(array) => array,
    };
    let Some(array) = array.as_boolean_opt() else { return exec_err!("WHEN must be BOOLEAN, not {}", array.data_type()) };
    Ok(match array.nulls() {
        Some(nulls) => array.values() & nulls.inner(),
        None => array.values().clone(),
    })
}

impl PhysicalExpr for Case {
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
        let rows = batch.num_rows();
        let mut open = BooleanBuffer::new_set(rows);
        let mut parts: Vec<Part> = Vec::with_capacity(self.branches.len() + 1);
        for (when, then) in &self.branches {
            let mask = mask(when.evaluate(batch)?, rows)?;
            let taken = if parts.is_empty() { mask.clone() } else { &open & &mask };
            if none(&taken) {
                continue;
            }
            parts.push(Part { values: then.evaluate(batch, &taken)?, taken });
            open = &open & &!&mask;
            if none(&open) {
                break;
            }
        }
        if rows > 0 && !none(&open) {
            parts.push(Part { values: self.otherwise.evaluate(batch, &open)?, taken: open });
        }
        Ok(ColumnarValue::Array(merge(&self.data_type, rows, parts)?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.original.children()
    }

    /// With other children it is DataFusion's again.
    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        self.original.clone().with_new_children(children)
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.original.fmt_sql(f)
    }
}

/// Whether no bit is set; ends at the first that is.
fn none(mask: &BooleanBuffer) -> bool {
    mask.set_slices().next().is_none()
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.original.fmt(f)
    }
}

impl PartialEq for Case {
    fn eq(&self, other: &Self) -> bool {
        self.original.eq(&other.original)
    }
}

impl Eq for Case {}

impl Hash for Case {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.original.hash(state);
    }
}
