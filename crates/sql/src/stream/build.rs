//! From DataFusion's logical plan to the stream plan.

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion_common::tree_node::TreeNode;
use datafusion_common::{Column, DFSchema, Result};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::{
    EmptyRelation, Expr, ExprSchemable, LogicalPlan, TableScan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore, Values,
};
use datafusion_physical_expr::create_physical_expr;
use flott_engine::connector::SourceMode;
use flott_engine::operators::set_operation::SetOperationKind;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::aggregate::build_aggregate;
use super::at_end::build_at_end;
use super::calc::{calc, column_at, identity};
use super::join::{build_join, is_timed, needs_inserts};
use super::match_recognize::{build_look_ahead, build_match};
use super::over::build_over;
use super::rank::build_rank;
use super::sort::{build_limit, build_sort};
use super::temporal::{as_join, build_filtered, build_temporal_join};
use super::{Changelog, ScanColumn, StreamNode, StreamOp, WindowColumns};
use crate::catalog::{ColumnSource, Table, time_attribute, without_time_attribute};
use crate::error::{SqlError, SqlResult};
use crate::planner::at_end::as_at_end;
use crate::planner::changelog::{ChangelogForm, ChangelogNode, as_changelog};
use crate::planner::context::FlinkTable;
use crate::planner::match_recognize::as_look_ahead;
use crate::planner::match_recognize::node::as_match;
use crate::planner::nodes::{WindowKind, WindowTvf, as_window_tvf};
use crate::planner::rewrite::cast_to_field;
use crate::planner::set_operations::{SetOperationNode, as_set_operation};
use crate::planner::unnest::{Unnest, as_unnest};
use crate::types::FlinkType;

/// The stream plan of a query.
pub fn build_query(plan: &LogicalPlan) -> SqlResult<StreamNode> {
    build(plan)
}

/// The steps of a plan.
pub(super) fn build(plan: &LogicalPlan) -> SqlResult<StreamNode> {
    match plan {
        LogicalPlan::TableScan(scan) => build_scan(scan),
        LogicalPlan::SubqueryAlias(alias) => Ok(StreamNode { schema: alias.schema.clone(), ..build(&alias.input)? }),
        LogicalPlan::Projection(p) => Ok(calc(build(&p.input)?, None, p.expr.clone(), p.schema.clone())?),
        LogicalPlan::Filter(f) => {
            if let Some(ranked) = build_rank(f)? {
                return Ok(ranked);
            }
            if f.predicate.exists(|e| Ok(matches!(e, Expr::WindowFunction(_))))? {
                return Err(SqlError::new("OVER cannot stand in WHERE, which is done with before any OVER")
                    .about("OVER")
                    .help("filter in a query around this one, or with QUALIFY"));
            }
            if let Some(join) = as_join(&f.input) {
                return build_filtered(join, &f.predicate);
            }
            let input = build(&f.input)?;
            let (columns, schema) = (identity(&input.schema), input.schema.clone());
            Ok(calc(input, Some(f.predicate.clone()), columns, schema)?)
        }
        LogicalPlan::Aggregate(aggregate) => build_aggregate(aggregate, build(&aggregate.input)?),
        LogicalPlan::Union(union) => {
            let inputs = union.inputs.iter().map(|i| build(i)).collect::<SqlResult<Vec<_>>>()?;
            let changelog = inputs.iter().map(|i| i.changelog).reduce(Changelog::union).unwrap_or(Changelog::InsertOnly);
            Ok(StreamNode { op: StreamOp::Union, inputs, schema: union.schema.clone(), changelog, window: None, key: None })
        }
        LogicalPlan::Join(join) => build_join(join),
        LogicalPlan::Window(window) => build_over(window),
        LogicalPlan::Values(values) => build_values(values),
        LogicalPlan::EmptyRelation(empty) => build_empty(empty),
        LogicalPlan::Limit(limit) => build_limit(limit),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => build_sort(sort),
        LogicalPlan::Extension(extension) => build_extension(plan, &extension.node),
        other => Err(refuse(other)),
    }
}

fn build_extension(plan: &LogicalPlan, node: &Arc<dyn UserDefinedLogicalNode>) -> SqlResult<StreamNode> {
    if let Some(tvf) = as_window_tvf(node) {
        build_window_tvf(tvf)
    } else if let Some(unnest) = as_unnest(node) {
        build_unnest(unnest)
    } else if let Some(ahead) = as_look_ahead(node) {
        build_look_ahead(ahead)
    } else if let Some(matched) = as_match(node) {
        build_match(matched)
    } else if let Some(operation) = as_set_operation(node) {
        build_set_operation(operation)
    } else if let Some(at_end) = as_at_end(node) {
        build_at_end(&at_end.input)
    } else if let Some(call) = as_changelog(node) {
        build_changelog(call)
    } else if let Some(join) = as_join(plan) {
        build_temporal_join(join)
    } else {
        Err(SqlError::not_yet(node.name()))
    }
}

fn build_set_operation(operation: &SetOperationNode) -> SqlResult<StreamNode> {
    let inputs = operation.inputs.iter().map(build).collect::<SqlResult<Vec<_>>>()?;
    let grows = operation.kind == SetOperationKind::IntersectAll && inputs.iter().all(|i| i.changelog.is_insert_only());
    let changelog = if grows { Changelog::InsertOnly } else { Changelog::Retract };
    let schema = UserDefinedLogicalNodeCore::schema(operation);
    let fields = schema.iter().map(|(q, f)| (q.cloned(), Arc::new(without_time_attribute(f)))).collect();
    let schema = Arc::new(DFSchema::new_with_metadata(fields, Default::default())?);
    Ok(StreamNode { op: StreamOp::SetOperation(operation.kind), inputs, schema, changelog, window: None, key: None })
}

/// A SELECT without FROM reads one row of one column that nobody names; `WHERE FALSE` reads none.
fn build_empty(empty: &EmptyRelation) -> SqlResult<StreamNode> {
    if !empty.schema.fields().is_empty() {
        let rows = RecordBatch::new_empty(Arc::new(empty.schema.as_arrow().clone()));
        return Ok(leaf(StreamOp::Values(rows), empty.schema.clone()));
    }
    let schema = Arc::new(Schema::new(vec![Field::new("$none", DataType::Boolean, false)]));
    let one: ArrayRef = Arc::new(BooleanArray::from(vec![true; usize::from(empty.produce_one_row)]));
    let rows = RecordBatch::try_new(schema.clone(), vec![one]).map_err(flott_engine::Error::from)?;
    Ok(leaf(StreamOp::Values(rows), Arc::new(DFSchema::try_from(schema.as_ref().clone())?)))
}

fn leaf(op: StreamOp, schema: datafusion_common::DFSchemaRef) -> StreamNode {
    StreamNode { op, inputs: vec![], schema, changelog: Changelog::InsertOnly, window: None, key: None }
}

/// What is not built yet, by the name a user knows.
fn refuse(plan: &LogicalPlan) -> SqlError {
    match plan {
        LogicalPlan::Sort(_) => SqlError::not_yet("ORDER BY in a stream").about("ORDER"),
        LogicalPlan::Distinct(_) => SqlError::not_yet("DISTINCT ON").about("DISTINCT"),
        LogicalPlan::Unnest(_) => SqlError::not_yet("UNNEST").about("UNNEST"),
        LogicalPlan::RecursiveQuery(_) => SqlError::not_yet("a recursive query").about("RECURSIVE"),
        other => SqlError::not_yet(other.display().to_string()),
    }
}

fn build_scan(scan: &TableScan) -> SqlResult<StreamNode> {
    let Some(source) = scan.source.downcast_ref::<FlinkTable>() else {
        return Err(SqlError::new(format!("table '{}' cannot be read", scan.table_name)));
    };
    let columns = scan.projected_schema.fields().iter().map(|f| ScanColumn { expr: Expr::Column(Column::from_name(f.name())) });
    let op = StreamOp::Scan { source: source.clone(), columns: columns.collect() };
    let changelog = match source.table.source_mode {
        SourceMode::AppendOnly => Changelog::InsertOnly,
        SourceMode::Retract | SourceMode::Upsert => Changelog::Retract,
    };
    Ok(StreamNode { changelog, ..leaf(op, scan.projected_schema.clone()) })
}

fn build_values(values: &Values) -> SqlResult<StreamNode> {
    let one = RecordBatch::try_new_with_options(
        Arc::new(arrow::datatypes::Schema::empty()),
        vec![],
        &arrow::array::RecordBatchOptions::new().with_row_count(Some(1)),
    )
    .map_err(flott_engine::Error::from)?;
    let schema = Arc::new(values.schema.as_arrow().clone());
    let empty = DFSchema::empty();
    let mut rows = vec![];
    for row in &values.values {
        let columns = row
            .iter()
            .zip(schema.fields())
            .map(|(expr, field)| {
                let physical = create_physical_expr(expr, &empty, &ExecutionProps::new(), &Default::default())?;
                let value = physical.evaluate(&one)?.into_array(1)?;
                Ok(arrow::compute::cast(&value, field.data_type())?)
            })
            .collect::<Result<Vec<_>>>()?;
        rows.push(RecordBatch::try_new(schema.clone(), columns).map_err(flott_engine::Error::from)?);
    }
    let rows = arrow::compute::concat_batches(&schema, &rows).map_err(flott_engine::Error::from)?;
    Ok(leaf(StreamOp::Values(rows), values.schema.clone()))
}

fn build_window_tvf(tvf: &WindowTvf) -> SqlResult<StreamNode> {
    let input = build(&tvf.input)?;
    let time = tvf.input.schema().index_of_column(&tvf.time)?;
    let streams = time_attribute(tvf.input.schema().field(time)).is_some();
    if !is_timed(&input) && (streams || !input.changelog.is_insert_only()) {
        return Err(SqlError::new("a window function goes by event time, which rows have no more behind a regular join or an aggregation")
            .about("DESCRIPTOR")
            .help("put the window function first; or bound the join in time, as in a.ts BETWEEN b.ts - INTERVAL '1' HOUR AND b.ts"));
    }
    let kind = tvf.kind.clone();
    let processing = tvf.is_processing_time()?;
    let n = input.schema.fields().len();
    let window = Some(WindowColumns { at: [Some(n), Some(n + 1), Some(n + 2)], kind: kind.clone(), processing });
    let schema = UserDefinedLogicalNodeCore::schema(tvf).clone();
    let changelog = input.changelog;
    let partition = match &kind {
        WindowKind::Session { partition, .. } => partition.iter().map(|c| tvf.input.schema().index_of_column(c)).collect::<Result<_>>()?,
        _ => vec![],
    };
    let op = StreamOp::WindowTvf { kind, time, processing, partition, emission: tvf.emission };
    Ok(StreamNode { op, inputs: vec![input], schema, changelog, window, key: None })
}

/// `FROM_CHANGELOG` and `TO_CHANGELOG`.
fn build_changelog(call: &ChangelogNode) -> SqlResult<StreamNode> {
    let input = build(&call.input)?;
    let schema = datafusion_expr::UserDefinedLogicalNodeCore::schema(call).clone();
    let (op, changelog) = match &call.form {
        ChangelogForm::From(..) if !input.changelog.is_insert_only() => return Err(needs_inserts("FROM_CHANGELOG", "FROM_CHANGELOG")),
        ChangelogForm::From(op, mapping) => {
            let op = call.input.schema().index_of_column(op)?;
            (StreamOp::FromChangelog { op, mapping: mapping.clone() }, Changelog::Retract)
        }
        ChangelogForm::To(_, mapping) => (StreamOp::ToChangelog { mapping: mapping.clone() }, Changelog::InsertOnly),
    };
    Ok(StreamNode { op, inputs: vec![input], schema, changelog, window: None, key: None })
}

/// The collection becomes a column first, if it is none yet.
fn build_unnest(unnest: &Unnest) -> SqlResult<StreamNode> {
    let input = build(&unnest.input)?;
    let passed = unnest.input.schema().fields().len();
    let (mut columns, mut fields) = (identity(&input.schema), vec![]);
    let collection = match column_at(&unnest.collection, &input.schema) {
        Some(column) => column,
        None => {
            let (_, field) = unnest.collection.to_field(&input.schema)?;
            columns.push(unnest.collection.clone());
            fields.push((None, Arc::new(field.as_ref().clone().with_name("$collection"))));
            columns.len() - 1
        }
    };
    let before = input.schema.iter().map(|(q, f)| (q.cloned(), f.clone()));
    let below = Arc::new(DFSchema::new_with_metadata(before.chain(fields).collect(), Default::default())?);
    let (window, changelog) = (input.window.clone(), input.changelog);
    let input = calc(input, None, columns, below)?;
    let schema = UserDefinedLogicalNodeCore::schema(unnest).clone();
    let op = StreamOp::Unnest { collection, passed, form: unnest.form };
    Ok(StreamNode { op, inputs: vec![input], schema, changelog, window, key: None })
}

/// What an INSERT says beside its query.
#[derive(Debug, Default)]
pub struct InsertForm {
    /// The columns written out, or none.
    pub named: Vec<String>,
    /// `PARTITION (k = 'v')`: columns that have one value.
    pub fixed: Vec<(String, Expr)>,
    /// Options of a hint.
    pub hints: BTreeMap<String, String>,
    /// Texts and bytes are cut or padded to their length even where their column already has it: values may not keep to it.
    pub trim_pad: bool,
}

/// The plan of `INSERT INTO table … query`.
pub fn build_sink(plan: &LogicalPlan, table: &Arc<Table>, form: InsertForm) -> SqlResult<StreamNode> {
    let input = build(plan)?;
    let fixed = |i: usize| form.fixed.iter().find(|(name, _)| name == table.columns[i].field.name());
    let targets: Vec<usize> = if form.named.is_empty() {
        (0..table.columns.len()).filter(|i| table.columns[*i].is_written() && fixed(*i).is_none()).collect()
    } else {
        form.named.iter().map(|name| target_column(table, name)).collect::<SqlResult<_>>()?
    };
    for (place, target) in targets.iter().enumerate() {
        let name = table.columns[*target].field.name();
        if targets[..place].contains(target) || fixed(*target).is_some() {
            return Err(SqlError::new(format!("column '{name}' is given twice")).about(name));
        }
    }
    let names = |fields: Vec<&str>| fields.join(", ");
    if targets.len() != input.schema.fields().len() {
        return Err(SqlError::new(format!(
            "the query has {} columns, table '{}' takes {}",
            input.schema.fields().len(),
            table.path.name,
            targets.len()
        ))
        .about(&table.path.name)
        .help(format!(
            "query: {}; table: {}",
            names(input.schema.fields().iter().map(|f| f.name().as_str()).collect()),
            names(targets.iter().map(|t| table.columns[*t].field.name().as_str()).collect()),
        )));
    }
    let (mut project, mut fields, mut not_null) = (vec![], vec![], vec![]);
    for (i, column) in table.columns.iter().enumerate().filter(|(_, c)| c.is_written()) {
        let to = &column.field;
        project.push(match targets.iter().position(|t| *t == i) {
            Some(from) => {
                if !to.is_nullable() && may_be_null(input.schema.field(from)) {
                    not_null.push(project.len());
                }
                convert(&input, from, to, &table.path.name, form.trim_pad)?
            }
            None if fixed(i).is_some() => {
                let (_, value) = fixed(i).ok_or_else(|| SqlError::new("a fixed column was just seen"))?;
                cast_to_field(value.clone(), &value.get_type(&DFSchema::empty())?, to)
            }
            None if !to.is_nullable() => {
                let name = to.name();
                return Err(SqlError::new(format!("column '{name}' is NOT NULL and gets no value"))
                    .about(name)
                    .help("name it in the INSERT's columns"));
            }
            None => Expr::Literal(datafusion_common::ScalarValue::try_from(to.data_type())?, None),
        });
        fields.push((None, Arc::new(Field::clone(to))));
    }
    let schema = Arc::new(DFSchema::new_with_metadata(fields, Default::default())?);
    let mut input = calc(input, None, project, schema.clone())?;
    let changelog = input.changelog;
    if !not_null.is_empty() {
        let op = StreamOp::EnforceNotNull { columns: not_null, table: table.path.name.clone() };
        let (window, key) = (input.window.clone(), input.key.clone());
        input = StreamNode { op, inputs: vec![input], schema: schema.clone(), changelog, window, key };
    }
    Ok(StreamNode { op: StreamOp::Sink(table.clone(), form.hints), inputs: vec![input], schema, changelog, window: None, key: None })
}

/// Decimals may overflow to NULL, whatever their type says.
fn may_be_null(field: &Field) -> bool {
    field.is_nullable() || field.data_type().is_decimal()
}

fn target_column(table: &Table, name: &str) -> SqlResult<usize> {
    let found = table.columns.iter().position(|c| c.field.name() == name);
    match found {
        Some(i) if table.columns[i].is_written() => Ok(i),
        Some(i) => {
            let what = if matches!(table.columns[i].source, ColumnSource::Computed { .. }) { "computed" } else { "VIRTUAL metadata" };
            Err(SqlError::new(format!("'{name}' is a {what} column: it cannot be written")).about(name))
        }
        None => {
            let error = SqlError::new(format!("table '{}' has no column '{name}'", table.path.name)).about(name);
            let near = crate::dialect::did_you_mean(name, table.columns.iter().map(|c| c.field.name().as_str()));
            Err(match near {
                Some(near) => error.help(format!("did you mean '{near}'?")),
                None => error,
            })
        }
    }
}

/// A query's column as a table's, by implicit cast where Flink has one.
fn convert(input: &StreamNode, from: usize, to: &Field, table: &str, trim_pad: bool) -> SqlResult<Expr> {
    let (qualifier, field) = input.schema.qualified_field(from);
    let column = Expr::Column((qualifier, &Arc::new(field.as_ref().clone())).into());
    let ((source, _), (target, _)) = (FlinkType::from_field(field), FlinkType::from_field(to));
    if !implicit(&source, &target) {
        return Err(SqlError::new(format!(
            "column '{}' of table '{table}' is {target}, but the query's column '{}' is {source}",
            to.name(),
            field.name()
        ))
        .about(field.name())
        .help(format!("write CAST({} AS {target})", field.name())));
    }
    let with_length = |t: &FlinkType| t.is_character() || matches!(t, FlinkType::Binary(_) | FlinkType::Varbinary(_));
    if source == target && with_length(&target) && !trim_pad {
        return Ok(column);
    }
    Ok(cast_to_field(column, field.data_type(), to))
}

/// Whether a value of one type may be stored as another without a CAST, as Flink's implicit casts have it.
fn implicit(from: &FlinkType, to: &FlinkType) -> bool {
    use FlinkType as T;
    match (from, to) {
        (a, b) if a == b => true,
        (T::Null, _) => true,
        (a, b) if a.is_character() && b.is_character() => true,
        (a, b) if a.is_numeric() && b.is_numeric() => true,
        (a, b) if a.is_timestamp() && b.is_timestamp() => true,
        (T::Date, b) if b.is_timestamp() => true,
        (a, b) => a.to_arrow() == b.to_arrow() || (nested(a) && nested(b)),
    }
}

fn nested(t: &FlinkType) -> bool {
    t.to_arrow().is_nested()
}
