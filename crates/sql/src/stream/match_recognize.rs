//! MATCH_RECOGNIZE as a step.

use arrow::datatypes::DataType;
use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::{Expr, UserDefinedLogicalNodeCore};
use flott_engine::aggregate::AggSpec;
use flott_engine::operators::match_recognize::history::Locator;
use flott_engine::state::ranked::SortColumn;
use std::fmt::Write;

use super::build::build;
use super::calc::column_at;
use super::{Changelog, StreamNode, StreamOp};
use crate::error::{SqlError, SqlResult};
use crate::planner::aggregates::engine_function;
use crate::planner::match_recognize::LookAheadNode;
use crate::planner::match_recognize::node::{MatchClauses, MatchNode, RefValue, Reference};

/// What is matched, over the columns of the step before.
#[derive(Debug, Clone)]
pub struct MatchColumns {
    /// Positions of the key.
    pub partition: Vec<usize>,
    /// Position of the time.
    pub time: usize,
    /// The order of rows of the same time.
    pub order: Vec<SortColumn>,
    /// What each definition's references are, in their order.
    pub definitions: Vec<Vec<MatchValue>>,
    /// What the references of the measures are.
    pub output: Vec<MatchValue>,
    /// The clauses as they were planned.
    pub clauses: MatchClauses,
}

/// What rows behind a row are looked at for, over the columns of the step before.
#[derive(Debug, Clone)]
pub struct LookAheadColumns {
    /// Positions of the key.
    pub partition: Vec<usize>,
    /// Position of the time.
    pub time: usize,
    /// The order of rows of the same time.
    pub order: Vec<SortColumn>,
    /// Positions of values, and of how many rows behind they are wanted.
    pub values: Vec<(usize, usize)>,
}

/// A value that a reference means, by positions of columns.
#[derive(Debug, Clone)]
pub enum MatchValue {
    /// A column of a row.
    Row(Locator, usize),
    /// An aggregate over the rows of a variable, or over all.
    Aggregate(Option<u16>, AggSpec, Vec<usize>),
    /// Anything about the match itself.
    OfMatch(RefValue),
}

/// The steps of MATCH_RECOGNIZE.
pub(super) fn build_match(node: &MatchNode) -> SqlResult<StreamNode> {
    let input = build(&node.input)?;
    if input.changelog != Changelog::InsertOnly {
        let error = SqlError::new("MATCH_RECOGNIZE needs rows that do not change, but the query before it changes rows it has emitted");
        return Err(error.about("MATCH_RECOGNIZE").help("match the rows first and aggregate the matches"));
    }
    let clauses = &node.clauses;
    let below = node.input.schema();
    let mut order = vec![];
    for key in &clauses.order {
        order.push(SortColumn { column: position(&key.column, below)?, descending: key.descending, nulls_first: key.nulls_first });
    }
    let time = order.remove(0).column;
    let values = |references: &[Reference]| references.iter().map(|r| value(r, below)).collect::<SqlResult<Vec<_>>>();
    let columns = MatchColumns {
        partition: clauses.partition.iter().map(|key| position(key, below)).collect::<SqlResult<_>>()?,
        time,
        order,
        definitions: clauses.definitions.iter().map(|d| values(&d.references)).collect::<SqlResult<_>>()?,
        output: values(&clauses.output)?,
        clauses: clauses.clone(),
    };
    let schema = UserDefinedLogicalNodeCore::schema(node).clone();
    let op = StreamOp::Match(Box::new(columns));
    Ok(StreamNode { op, inputs: vec![input], schema, changelog: Changelog::InsertOnly, window: None, key: None })
}

/// The step that holds rows back for NEXT.
pub(super) fn build_look_ahead(node: &LookAheadNode) -> SqlResult<StreamNode> {
    let input = build(&node.input)?;
    let below = node.input.schema();
    let by_name = |name: &String| below.index_of_column_by_name(None, name).ok_or_else(|| SqlError::new(format!("no column {name}")));
    let mut order = vec![];
    for key in &node.order {
        order.push(SortColumn { column: position(&key.column, below)?, descending: key.descending, nulls_first: key.nulls_first });
    }
    let columns = LookAheadColumns {
        partition: node.partition.iter().map(|key| position(key, below)).collect::<SqlResult<_>>()?,
        time: order.remove(0).column,
        order,
        values: node.values.iter().map(|(name, rows)| Ok((by_name(name)?, *rows))).collect::<SqlResult<_>>()?,
    };
    let (changelog, schema) = (input.changelog, node.schema.clone());
    Ok(StreamNode { op: StreamOp::LookAhead(columns), inputs: vec![input], schema, changelog, window: None, key: None })
}

fn position(expr: &Expr, schema: &DFSchema) -> SqlResult<usize> {
    column_at(expr, schema).ok_or_else(|| SqlError::new(format!("{expr} is no column of the input of MATCH_RECOGNIZE")))
}

fn value(reference: &Reference, below: &DFSchema) -> SqlResult<MatchValue> {
    Ok(match &reference.value {
        RefValue::Row(locator, expr) => MatchValue::Row(*locator, position(expr, below)?),
        RefValue::Aggregate { of, function, args } => {
            let constant = |e: &Expr| matches!(e, Expr::Literal(v, _) if !v.is_null());
            let columns = match function.as_str() {
                "count" if args.iter().all(constant) => vec![],
                _ => args.iter().take(1).map(|arg| position(arg, below)).collect::<SqlResult<_>>()?,
            };
            let types: Vec<DataType> = columns.iter().map(|c| below.field(*c).data_type().clone()).collect();
            let output = reference.field.data_type().clone();
            let spec = AggSpec { function: engine_function(function, args)?, args: types, output, distinct: false, retract: false };
            flott_engine::aggregate::bind(&spec)?;
            MatchValue::Aggregate(*of, spec, columns)
        }
        other => MatchValue::OfMatch(other.clone()),
    })
}

/// What EXPLAIN says in brackets. `names` tells what columns of the input are called.
pub(super) fn match_text(columns: &MatchColumns, names: impl Fn(&[usize]) -> String) -> String {
    let clauses = &columns.clauses;
    let mut text = String::new();
    if !columns.partition.is_empty() {
        let _ = write!(text, "partitionBy=[{}], ", names(&columns.partition));
    }
    let keys = columns.order.iter().map(|key| format!(", {} {}", names(&[key.column]), if key.descending { "DESC" } else { "ASC" }));
    let _ = write!(text, "orderBy=[{} ASC{}], ", names(&[columns.time]), keys.collect::<String>());
    let measures: Vec<&str> = clauses.output.iter().map(|r| r.text.as_str()).collect();
    let rows = if clauses.all_rows { "ALL ROWS" } else { "ONE ROW" };
    let _ = write!(text, "measures=[{}], rowsPerMatch=[{rows} PER MATCH], ", measures.join(", "));
    let _ = write!(text, "after=[{}], pattern=[{}]", after_text(clauses), clauses.pattern_text);
    if let Some(within) = clauses.within_ms {
        let _ = write!(text, ", within=[{within} ms{}]", if clauses.timed_out { " WITH TIMED OUT MATCHES" } else { "" });
    }
    let definitions: Vec<String> =
        clauses.definitions.iter().map(|d| format!("{} AS {}", clauses.names[usize::from(d.variable)], d.text)).collect();
    let _ = write!(text, ", define=[{}]", definitions.join(", "));
    if !clauses.unused.is_empty() {
        let _ = write!(text, ", notInPattern=[{}]", clauses.unused.join(", "));
    }
    if !clauses.beyond_flink.is_empty() {
        let _ = write!(text, ", notInFlink=[{}]", clauses.beyond_flink.join(", "));
    }
    text
}

fn after_text(clauses: &MatchClauses) -> String {
    use flott_engine::operators::match_recognize::AfterMatch;
    let name = |v: u16| &clauses.names[usize::from(v)];
    match clauses.after {
        AfterMatch::PastLastRow => "SKIP PAST LAST ROW".into(),
        AfterMatch::ToNextRow => "SKIP TO NEXT ROW".into(),
        AfterMatch::ToFirst(v) => format!("SKIP TO FIRST {}", name(v)),
        AfterMatch::ToLast(v) => format!("SKIP TO LAST {}", name(v)),
    }
}

/// Whether a condition holds for every row, or for none.
pub fn constant(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Literal(ScalarValue::Boolean(value), _) => Some(*value == Some(true)),
        Expr::Literal(value, _) if value.is_null() => Some(false),
        _ => None,
    }
}
