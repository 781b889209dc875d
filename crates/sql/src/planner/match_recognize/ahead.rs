//! The step below a MATCH_RECOGNIZE that looks ahead for NEXT: rows with values of the rows behind them.

use arrow::datatypes::Field;
use datafusion_common::{Column, DFSchema, DFSchemaRef, Result, plan_err};
use datafusion_expr::{
    Expr, ExprSchemable, Extension, LogicalPlan, LogicalPlanBuilder, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::node::OrderKey;
use super::previous::Sequence;
use crate::catalog::without_time_attribute;
use crate::stream::integer;

/// The columns that values are computed in begin so.
const VALUE: &str = "$value";

/// Rows of keys, in their order, with values of later rows of the key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LookAheadNode {
    /// The rows.
    pub input: LogicalPlan,
    /// Columns of the key.
    pub partition: Vec<Expr>,
    /// The first one is the time.
    pub order: Vec<OrderKey>,
    /// Names of the columns of the input that are wanted, and of how many rows behind.
    pub values: Vec<(String, usize)>,
    /// The columns of the input, then the values.
    pub schema: DFSchemaRef,
}

/// The input with a column of that name for each call of LEAD.
pub fn with_values_ahead(input: LogicalPlan, rows: &Sequence, calls: &[(&Expr, String)]) -> Result<LogicalPlan> {
    let mut columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
    let (mut computed, mut values, mut fields): (Vec<Expr>, Vec<(String, usize)>, Vec<Field>) = (vec![], vec![], vec![]);
    for (call, name) in calls {
        let Expr::WindowFunction(call) = call else { return plan_err!("NEXT is a call of LEAD") };
        let [value, offset] = call.params.args.as_slice() else { return plan_err!("NEXT takes a value and an offset") };
        let (_, field) = value.to_field(input.schema())?;
        fields.push(without_time_attribute(&field).with_name(name).with_nullable(true));
        let at = computed.iter().position(|known| known == value).unwrap_or_else(|| {
            computed.push(value.clone());
            computed.len() - 1
        });
        let ahead = integer(offset).and_then(|rows| usize::try_from(rows).ok()).unwrap_or_default();
        values.push((format!("{VALUE}{at}"), ahead));
    }
    columns.extend(computed.into_iter().enumerate().map(|(at, value)| value.alias(format!("{VALUE}{at}"))));
    let input = LogicalPlanBuilder::from(input).project(columns)?.build()?;
    // Rows come out long after the watermark has passed them: nothing can go by their times.
    let below = input.schema().iter().map(|(q, f)| (q.cloned(), Arc::new(without_time_attribute(f))));
    let fields = below.chain(fields.into_iter().map(|f| (None, Arc::new(f)))).collect();
    let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
    let node = LookAheadNode { input, partition: rows.partition.clone(), order: rows.order.clone(), values, schema };
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}

impl PartialOrd for LookAheadNode {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl UserDefinedLogicalNodeCore for LookAheadNode {
    fn name(&self) -> &str {
        "LookAhead"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    /// Only a filter on the keys can go below: it takes away whole sequences.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        let is_key = |column: &Column| self.partition.iter().any(|key| matches!(key, Expr::Column(c) if c.name == column.name));
        self.schema.columns().into_iter().filter(|column| !is_key(column)).map(|column| column.name).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let values: Vec<String> = self.values.iter().map(|(name, rows)| format!("NEXT({name}, {rows})")).collect();
        write!(f, "LookAhead: values=[{}]", values.join(", "))
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let Some(input) = inputs.pop() else { return plan_err!("a look ahead has an input") };
        Ok(Self { input, ..self.clone() })
    }

    /// All of them: there is none that it does not need.
    fn necessary_children_exprs(&self, _: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![(0..self.input.schema().fields().len()).collect()])
    }
}

/// The look ahead that a plan node is, if it is one.
pub fn as_look_ahead(node: &Arc<dyn UserDefinedLogicalNode>) -> Option<&LookAheadNode> {
    node.as_any().downcast_ref()
}
