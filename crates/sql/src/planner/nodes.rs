//! Logical nodes that DataFusion does not have.

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion_common::{Column, DFSchema, DFSchemaRef, ExprSchema, Result, TableReference, plan_err};
use datafusion_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use flott_engine::operators::emitting_aggregate::EmitStrategy;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::catalog::{PROCTIME, ROWTIME, time_attribute, with_time_attribute};

/// Names of the columns that a window function adds.
pub const WINDOW_COLUMNS: [&str; 3] = ["window_start", "window_end", "window_time"];

/// Which windows; lengths in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// TUMBLE.
    Tumble { size: i64, offset: i64 },
    /// HOP.
    Hop { size: i64, slide: i64, offset: i64 },
    /// CUMULATE.
    Cumulate { size: i64, step: i64, offset: i64 },
    /// SESSION, per value of the partition keys.
    Session { gap: i64, partition: Vec<Column> },
}

impl fmt::Display for WindowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tail = |f: &mut fmt::Formatter<'_>, offset: i64| if offset == 0 { Ok(()) } else { write!(f, ", offset=[{}]", span(offset)) };
        match self {
            WindowKind::Tumble { size, offset } => write!(f, "TUMBLE(size=[{}]", span(*size)).and_then(|()| tail(f, *offset)),
            WindowKind::Hop { size, slide, offset } => {
                write!(f, "HOP(size=[{}], slide=[{}]", span(*size), span(*slide)).and_then(|()| tail(f, *offset))
            }
            WindowKind::Cumulate { size, step, offset } => {
                write!(f, "CUMULATE(max_size=[{}], step=[{}]", span(*size), span(*step)).and_then(|()| tail(f, *offset))
            }
            WindowKind::Session { gap, partition } => {
                write!(f, "SESSION(gap=[{}]", span(*gap))?;
                if !partition.is_empty() {
                    let names: Vec<&str> = partition.iter().map(|c| c.name.as_str()).collect();
                    write!(f, ", partition keys=[{}]", names.join(", "))?;
                }
                Ok(())
            }
        }?;
        f.write_str(")")
    }
}

/// A length in the largest unit that divides it, as Flink's EXPLAIN prints it.
fn span(ms: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    match units.iter().find(|(n, _)| ms % n == 0 && ms != 0) {
        Some((n, unit)) => format!("{} {unit}", ms / n),
        None => format!("{ms} ms"),
    }
}

/// A window table-valued function: its input with `window_start`, `window_end` and `window_time`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WindowTvf {
    /// What the windows are laid over.
    pub input: LogicalPlan,
    /// The time attribute.
    pub time: Column,
    /// Which windows.
    pub kind: WindowKind,
    /// When an aggregation over them tells results besides their end.
    pub emission: Option<Emission>,
    schema: DFSchemaRef,
}

/// When an aggregation tells results besides the end of windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Emission {
    /// When.
    pub strategy: EmitStrategy,
    /// The windows stand in GROUP BY; others are not told early or late.
    pub group_window: bool,
}

impl WindowTvf {
    /// Adds the window columns to the input's.
    pub fn try_new(input: LogicalPlan, time: Column, kind: WindowKind) -> Result<Self> {
        let time_field = input.schema().field_from_column(&time)?;
        let mut fields: Vec<(Option<TableReference>, FieldRef)> = input.schema().iter().map(|(q, f)| (q.cloned(), f.clone())).collect();
        for name in &WINDOW_COLUMNS[..2] {
            fields.push((None, Arc::new(Field::new(*name, DataType::Timestamp(TimeUnit::Millisecond, None), false))));
        }
        let attribute = time_attribute(time_field).unwrap_or(ROWTIME);
        let window_time = with_time_attribute(&Field::new(WINDOW_COLUMNS[2], time_field.data_type().clone(), false), attribute);
        fields.push((None, Arc::new(window_time)));
        let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
        Ok(Self { input, time, kind, emission: None, schema })
    }

    /// The same, with results that are told besides the end of windows.
    pub fn told(self, emission: Option<Emission>) -> Self {
        Self { emission, ..self }
    }

    /// As a plan.
    pub fn into_plan(self) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: Arc::new(self) })
    }

    /// Whether the windows go by processing time.
    pub fn is_processing_time(&self) -> Result<bool> {
        Ok(time_attribute(self.input.schema().field_from_column(&self.time)?) == Some(PROCTIME))
    }
}

impl PartialOrd for WindowTvf {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl UserDefinedLogicalNodeCore for WindowTvf {
    fn name(&self) -> &str {
        "WindowTableFunction"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        let mut columns = vec![Expr::Column(self.time.clone())];
        if let WindowKind::Session { partition, .. } = &self.kind {
            columns.extend(partition.iter().cloned().map(Expr::Column));
        }
        columns
    }

    /// A filter on the bounds cannot go below, and with SESSION windows no filter can but one on the keys: it would change
    /// which rows are near each other.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        match &self.kind {
            WindowKind::Session { partition, .. } => {
                let keys: HashSet<&str> = partition.iter().map(|c| c.name.as_str()).collect();
                self.schema.fields().iter().map(|f| f.name().clone()).filter(|n| !keys.contains(n.as_str())).collect()
            }
            _ => WINDOW_COLUMNS.iter().map(|s| s.to_string()).collect(),
        }
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "WindowTableFunction: {}, time=[{}]", self.kind, self.time.name)
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let mut columns = exprs.into_iter().map(|e| match e {
            Expr::Column(c) => Ok(c),
            other => plan_err!("a window function goes by a column, not by {other}"),
        });
        let (Some(time), Some(input)) = (columns.next(), inputs.pop()) else { return plan_err!("a window function has an input") };
        let kind = match &self.kind {
            WindowKind::Session { gap, .. } => WindowKind::Session { gap: *gap, partition: columns.collect::<Result<_>>()? },
            other => other.clone(),
        };
        Ok(Self::try_new(input, time?, kind)?.told(self.emission))
    }

    fn necessary_children_exprs(&self, output: &[usize]) -> Option<Vec<Vec<usize>>> {
        let schema = self.input.schema();
        let mut needed: Vec<usize> = output.iter().copied().filter(|i| *i < schema.fields().len()).collect();
        for expr in UserDefinedLogicalNodeCore::expressions(self) {
            let Expr::Column(column) = expr else { return None };
            needed.push(schema.index_of_column(&column).ok()?);
        }
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}

/// The window function that a plan node is, if it is one.
pub fn as_window_tvf(node: &Arc<dyn UserDefinedLogicalNode>) -> Option<&WindowTvf> {
    node.as_any().downcast_ref()
}
