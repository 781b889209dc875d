//! Joins with a table as of a time: by event time the versions of the right input are kept, by processing time its rows are looked up.

use arrow::datatypes::{DataType, Field};
use datafusion_common::{DFSchema, DFSchemaRef, ScalarValue};
use datafusion_expr::utils::{conjunction, split_conjunction};
use datafusion_expr::{BinaryExpr, Expr, LogicalPlan, Operator, lit};
use flott_engine::operators::pairs::JoinKind;
use flott_engine::state::ranked::SortColumn;
use std::collections::HashMap;
use std::sync::Arc;

use super::build::build;
use super::calc::{calc, column_at, identity, substitute};
use super::join::with_keys;
use super::{Changelog, DeduplicateColumns, JoinColumns, RankColumns, StreamNode, StreamOp};
use crate::catalog::{PROCTIME, ROWTIME, time_attribute, with_time_attribute};
use crate::error::{SqlError, SqlResult};
use crate::planner::temporal::TemporalJoin;

/// What errors point at.
const ABOUT: &str = "SYSTEM_TIME";

/// The steps of a temporal join.
pub(super) fn build_temporal_join(join: &TemporalJoin) -> SqlResult<StreamNode> {
    let left = build(&join.left)?;
    joined(join, left)
}

/// The steps of a condition on a temporal join: what of it is about the left input alone goes below.
pub(super) fn build_filtered(join: &TemporalJoin, predicate: &Expr) -> SqlResult<StreamNode> {
    let left = build(&join.left)?;
    let of_left = |e: &Expr| !e.is_volatile() && e.column_refs().iter().all(|c| left.schema.maybe_index_of_column(c).is_some());
    let (below, above): (Vec<Expr>, Vec<Expr>) = split_conjunction(predicate).into_iter().cloned().partition(of_left);
    let node = joined(join, filtered(left, below)?)?;
    filtered(node, above)
}

fn filtered(node: StreamNode, conditions: Vec<Expr>) -> SqlResult<StreamNode> {
    let Some(condition) = conjunction(conditions) else { return Ok(node) };
    let (columns, schema) = (identity(&node.schema), node.schema.clone());
    Ok(calc(node, Some(condition), columns, schema)?)
}

fn joined(join: &TemporalJoin, left: StreamNode) -> SqlResult<StreamNode> {
    let time = column_at(&join.time, &left.schema).ok_or_else(|| SqlError::new("a temporal join goes by a column"))?;
    match time_attribute(left.schema.field(time)) {
        Some(ROWTIME) => event_time(join, left, time),
        Some(PROCTIME) => super::lookup::build_lookup_join(join, left),
        _ => Err(SqlError::new(format!("'{}' is no time attribute any more where '{}' is joined", join.time, join.name))
            .about(ABOUT)
            .help("a step before the join changes rows that it has emitted, or waits for ever: join before it")),
    }
}

fn event_time(join: &TemporalJoin, left: StreamNode, left_time: usize) -> SqlResult<StreamNode> {
    let name = &join.name;
    if left.changelog != Changelog::InsertOnly {
        return Err(SqlError::not_yet("a temporal join of rows that change").about(ABOUT));
    }
    let right = versions(build(&join.right)?)?;
    let key = primary_key(&right);
    let time = right.schema.fields().iter().position(|f| time_attribute(f) == Some(ROWTIME));
    let missing =
        |what: &str, help: String| Err(SqlError::new(format!("'{name}' {what}, so its versions cannot be told")).about(name).help(help));
    let Some(right_time) = time else {
        return missing(
            "has no event time",
            format!(
                "declare WATERMARK FOR … in its table; to look rows up as they are now, write FOR SYSTEM_TIME AS OF a PROCTIME() column instead of {}",
                join.time
            ),
        );
    };
    let Some(key) = key else {
        return missing(
            "has no key",
            "declare PRIMARY KEY (…) NOT ENFORCED in its table, or make a view of it that keeps the last row of each key: ROW_NUMBER() OVER (PARTITION BY key ORDER BY time DESC) with WHERE rn = 1".into(),
        );
    };
    let zoned = |node: &StreamNode, column: usize| matches!(node.schema.field(column).data_type(), DataType::Timestamp(_, Some(_)));
    if zoned(&left, left_time) != zoned(&right, right_time) {
        let error =
            SqlError::new(format!("the event times of the two sides of '{name}' are of different types, TIMESTAMP and TIMESTAMP_LTZ"));
        return Err(error.about(ABOUT).help("declare both columns with the same type"));
    }
    let equal = Equalities::of(&join.on, &left.schema, &right.schema).without_constants();
    if let Some(column) = key.iter().find(|k| !equal.has_right(**k, &right.schema)) {
        let column = column.map_or_else(|| "…".to_string(), |c| right.schema.field(c).name().clone());
        let error = SqlError::new(format!("the condition must compare the whole key of '{name}' with =, but '{column}' is missing"));
        return Err(error.about(name).help(format!("add AND … = {name}.{column}")));
    }
    let (left_exprs, right_exprs): (Vec<Expr>, Vec<Expr>) = equal.pairs.into_iter().unzip();
    let width = [left.schema.fields().len(), right.schema.fields().len()];
    let (left, left_keys) = with_keys(left, &left_exprs, "$left")?;
    let (right, right_keys) = with_keys(right, &right_exprs, "$right")?;
    let kind = if join.keeps_left { JoinKind::Left } else { JoinKind::Inner };
    // A primary key has no NULLs; where a key has some all the same, Flink lets NULL meet NULL here, unlike in other joins.
    let nulls_equal = vec![true; left_keys.len()];
    let columns = JoinColumns { kind, keys: [left_keys, right_keys], nulls_equal, condition: conjunction(equal.rest) };
    let schema = pair(&left.schema, &right.schema)?;
    let window = left.window.clone();
    let op = StreamOp::TemporalJoin { columns, times: [left_time, right_time] };
    let at = left.schema.fields().len();
    let node = StreamNode { op, inputs: vec![left, right], schema, changelog: Changelog::InsertOnly, window, key: None };
    as_promised(node, width, at, join)
}

/// Keys that had to be computed are no columns of the result; of the others, the logical plan knows what can be NULL.
pub(super) fn as_promised(node: StreamNode, [left, right]: [usize; 2], right_at: usize, join: &TemporalJoin) -> SqlResult<StreamNode> {
    let columns = identity(&node.schema);
    let wanted = (0..left).chain(right_at..right_at + right).map(|i| columns[i].clone()).collect();
    let schema = datafusion_expr::UserDefinedLogicalNodeCore::schema(join).clone();
    Ok(calc(node, None, wanted, schema)?)
}

/// The columns of both inputs; those of the right one may be NULL, and its times order nothing.
pub(super) fn pair(left: &DFSchema, right: &DFSchema) -> SqlResult<DFSchemaRef> {
    let mut fields: Vec<_> = left.iter().map(|(q, f)| (q.cloned(), f.clone())).collect();
    for (qualifier, field) in right.iter() {
        let field: Field = crate::catalog::without_time_attribute(field).with_nullable(true);
        fields.push((qualifier.cloned(), Arc::new(field)));
    }
    Ok(Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?))
}

/// A condition taken apart.
pub(super) struct Equalities {
    /// What is compared with `=`: something of the left input, or a constant, with something of the right one.
    pub pairs: Vec<(Expr, Expr)>,
    /// All else.
    pub rest: Vec<Expr>,
}

impl Equalities {
    pub(super) fn of(condition: &Expr, left: &DFSchema, right: &DFSchema) -> Self {
        let within = |e: &Expr, schema: &DFSchema| e.column_refs().iter().all(|c| schema.maybe_index_of_column(c).is_some());
        let (mut pairs, mut rest) = (vec![], vec![]);
        for condition in split_conjunction(condition) {
            if let Expr::BinaryExpr(BinaryExpr { left: a, op: Operator::Eq, right: b }) = condition {
                let sides = [(a, b), (b, a)].into_iter().find(|(l, r)| {
                    within(l, left) && within(r, right) && !r.column_refs().is_empty() && !l.is_volatile() && !r.is_volatile()
                });
                if let Some((l, r)) = sides {
                    pairs.push((l.as_ref().clone(), r.as_ref().clone()));
                    continue;
                }
            }
            if !matches!(condition, Expr::Literal(ScalarValue::Boolean(Some(true)), _)) {
                rest.push(condition.clone());
            }
        }
        Self { pairs, rest }
    }

    /// Only a value of the left row tells a version: what is compared with a constant becomes a further condition.
    fn without_constants(self) -> Self {
        let (pairs, constant): (Vec<_>, Vec<_>) = self.pairs.into_iter().partition(|(l, _)| !l.column_refs().is_empty());
        let rest = self.rest.into_iter().chain(constant.into_iter().map(|(l, r)| r.eq(l))).collect();
        Self { pairs, rest }
    }

    /// Whether a column of the right input is compared with something, be it in a wider type.
    fn has_right(&self, column: Option<usize>, right: &DFSchema) -> bool {
        column.is_some() && self.pairs.iter().any(|(_, r)| column_at(widened(r), right) == column)
    }
}

/// What is cast to a wider type, or the expression itself.
fn widened(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast(cast) => &cast.expr,
        other => other,
    }
}

/// Where the columns of the primary key are that the rows of a step have; `None` in it: the step does not pass that column on.
pub(super) fn primary_key(node: &StreamNode) -> Option<Vec<Option<usize>>> {
    match &node.op {
        StreamOp::Scan { source, columns } => {
            let key = &source.table.primary_key;
            let place = |name: &String| columns.iter().position(|c| matches!(&c.expr, Expr::Column(column) if column.name == *name));
            (!key.is_empty()).then(|| key.iter().map(place).collect())
        }
        StreamOp::Deduplicate(columns) => Some(columns.keys.iter().map(|k| Some(*k)).collect()),
        StreamOp::Calc { project, .. } => {
            let below = &node.inputs[0];
            let place = |column: Option<usize>| column.and_then(|c| project.iter().position(|e| column_at(e, &below.schema) == Some(c)));
            Some(primary_key(below)?.into_iter().map(place).collect())
        }
        _ => None,
    }
}

/// A step that keeps the newest row of each key, made to tell each of its versions; other steps as they are.
fn versions(node: StreamNode) -> SqlResult<StreamNode> {
    if node.changelog.is_insert_only() || tells_versions(&node) {
        if filters(&node) {
            return Err(SqlError::new(
                "a filter below FOR SYSTEM_TIME AS OF would hide which version holds: an older one would go on holding",
            )
            .about("SYSTEM_TIME")
            .help("put the condition in ON or WHERE of the join, where it is asked of the version that holds"));
        }
        return Ok(node);
    }
    let refused = || {
        SqlError::new("the versions of rows that change can be told only where a query keeps the newest row of each key")
            .about("SYSTEM_TIME")
            .help(
                "write ROW_NUMBER() OVER (PARTITION BY key ORDER BY time DESC) with WHERE rn = 1, time being the table's WATERMARK column",
            )
    };
    let (project, schema) = (identity(&node.schema), node.schema.clone());
    versions_of(node, None, project, schema)?.ok_or_else(refused)
}

/// Whether each change of a step is a version: those of a table of changes are.
fn tells_versions(node: &StreamNode) -> bool {
    match &node.op {
        StreamOp::Scan { .. } => true,
        StreamOp::Calc { .. } => tells_versions(&node.inputs[0]),
        _ => false,
    }
}

/// Whether versions are left out between a table and the join.
fn filters(node: &StreamNode) -> bool {
    match &node.op {
        StreamOp::Calc { condition, .. } => condition.is_some() || filters(&node.inputs[0]),
        _ => false,
    }
}

/// The same under a projection and a condition that stand above it.
fn versions_of(node: StreamNode, condition: Option<Expr>, project: Vec<Expr>, schema: DFSchemaRef) -> SqlResult<Option<StreamNode>> {
    match node.op {
        StreamOp::Calc { condition: own, project: below } => {
            let Some(input) = node.inputs.into_iter().next() else { return Ok(None) };
            let project = project.iter().map(|e| substitute(e, &node.schema, &below)).collect::<datafusion_common::Result<_>>()?;
            let condition = condition.map(|c| substitute(&c, &node.schema, &below)).transpose()?;
            versions_of(input, conjunction(own.into_iter().chain(condition)), project, schema)
        }
        StreamOp::Rank(ref columns) => match (newest(columns, &node), first(columns, &node)) {
            (Some(time), _) => deduplicated(node, time, vec![], condition, &project, &schema).map(Some),
            (None, Some(time)) if condition.is_none() => {
                let order = columns.order.clone();
                deduplicated(node, time, order, condition, &project, &schema).map(Some)
            }
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

/// The event time by which a ranking keeps the newest row of each key, if this is what it does.
fn newest(columns: &RankColumns, node: &StreamNode) -> Option<usize> {
    let [order] = &columns.order[..] else { return None };
    let input = &node.inputs[0];
    let by_time = time_attribute(input.schema.field(order.column)) == Some(ROWTIME);
    let first = columns.skip == 0 && columns.take == 1 && columns.latest_first && columns.append_only && columns.window.is_none();
    (by_time && first && !columns.partition.is_empty()).then_some(order.column)
}

/// The event time of the rows of which a ranking keeps the first one of each key, in an order by something else.
fn first(columns: &RankColumns, node: &StreamNode) -> Option<usize> {
    let input = &node.inputs[0];
    let attribute = |column: usize| time_attribute(input.schema.field(column));
    let by_time = columns.order.iter().any(|order| attribute(order.column).is_some());
    let first = columns.skip == 0 && columns.take == 1 && columns.append_only && columns.window.is_none() && columns.first_by.is_none();
    let time = (0..input.schema.fields().len()).find(|column| attribute(*column) == Some(ROWTIME))?;
    (!by_time && first && !columns.order.is_empty() && !columns.partition.is_empty()).then_some(time)
}

/// The number of a row that is the newest, or the first, is 1.
fn deduplicated(
    rank: StreamNode,
    time: usize,
    order: Vec<SortColumn>,
    condition: Option<Expr>,
    project: &[Expr],
    schema: &DFSchema,
) -> SqlResult<StreamNode> {
    let StreamNode { op: StreamOp::Rank(columns), schema: ranked, mut inputs, .. } = rank else {
        return Err(SqlError::new("a ranking was just seen"));
    };
    let input = inputs.remove(0);
    let one = |e: &Expr| {
        let mut below = identity(&input.schema);
        below.push(lit(1_i64));
        substitute(e, &ranked, &below)
    };
    let condition = condition.as_ref().map(one).transpose()?;
    let project = project.iter().map(one).collect::<datafusion_common::Result<Vec<_>>>()?;
    let changelog = if condition.is_some() { Changelog::Retract } else { Changelog::InsertOnly };
    let op = StreamOp::Deduplicate(DeduplicateColumns { keys: columns.partition, time, order, condition });
    let below = input.schema.clone();
    let node = StreamNode { op, schema: below.clone(), changelog, window: None, key: None, inputs: vec![input] };
    // The time is an attribute again: versions come in its order as far as the watermark says.
    let fields = schema.iter().zip(&project).map(|((q, f), e)| {
        let is_time = column_at(e, &below) == Some(time);
        (q.cloned(), if is_time { Arc::new(with_time_attribute(f, ROWTIME)) } else { f.clone() })
    });
    let schema = Arc::new(DFSchema::new_with_metadata(fields.collect(), HashMap::new())?);
    Ok(calc(node, None, project, schema)?)
}

/// The temporal join that a plan is, if it is one.
pub(super) fn as_join(plan: &LogicalPlan) -> Option<&TemporalJoin> {
    match plan {
        LogicalPlan::Extension(extension) => crate::planner::temporal::as_temporal_join(&extension.node),
        _ => None,
    }
}
