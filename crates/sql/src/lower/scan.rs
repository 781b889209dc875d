//! A table being read: which columns the connector decodes, and what is computed from them at once.

use arrow::datatypes::{DataType, Field, Fields, Schema};
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, DFSchema, Result};
use datafusion_expr::{Expr, ExprSchemable};
use flott_engine::connector::{ColumnRef, Connector, Connectors, Environment, MetadataInfo, SourceMode, TableSpec};
use flott_engine::expr::Expr as EngineExpr;
use flott_engine::graph::{Emit, EventTime, SourceNode};
use flott_engine::lookup::by_key::PointLookup;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::expr::lower_expr;
use crate::catalog::{ColumnSource, Table};
use crate::error::{SqlError, SqlResult};
use crate::functions::Zone;
use crate::options::{SessionOptions, parse_duration_ms};
use crate::planner::context::FlinkTable;
use crate::planner::expressions::as_field_access;
use crate::planner::rewrite::cast_to_field;
use crate::stream::lookup::is_cache_option;

/// Options of any table that the planner, not the connector, reads.
pub const SCAN_OPTIONS: [&str; 4] =
    ["scan.watermark.emit.strategy", "scan.watermark.idle-timeout", "scan.parallelism", "scan.watermark.alignment.group"];

/// A source for `columns` (over all columns of the table), in that order.
pub fn source_node(
    source: &FlinkTable,
    columns: &[Expr],
    connectors: &Connectors,
    env: &Environment,
    options: &SessionOptions,
) -> SqlResult<SourceNode> {
    let table = &source.table;
    let zone = options.time_zone()?;
    let keep = columns.len();
    let mut exprs = columns.to_vec();
    let mut time_at = None;
    // In batch mode no step goes by how far time has come.
    let declared = table.watermark.as_ref().filter(|_| !options.batch());
    if let Some(watermark) = declared {
        let time = Expr::Column(Column::from_name(table.columns[watermark.column].field.name()));
        time_at = Some(exprs.iter().position(|e| *e == time).unwrap_or(exprs.len()));
        if time_at == Some(exprs.len()) {
            exprs.push(time);
        }
    }
    let connector = super::connector_of(connectors, table)?;
    let metadata = connector.info().metadata;
    let expanded: Vec<Expr> = exprs.iter().map(|e| expand(e, table, metadata)).collect::<Result<_>>()?;
    let watermark = declared.map(|w| expand(&w.expr, table, metadata)).transpose()?;
    let needed = Needed::of(expanded.iter().chain(&watermark))?;
    let spec = needed.spec(source, metadata)?;
    let decoded = DFSchema::try_from(spec.read_schema().as_ref().clone())?;
    let whole = DFSchema::try_from(table.schema().as_ref().clone())?;
    // A row that only tells that one is gone has NULL for all but its key.
    let upsert = table.source_mode == SourceMode::Upsert;
    let field = |(i, e): (usize, &Expr)| {
        // The engine tells of event times by the column's name.
        let name = match declared {
            Some(watermark) if time_at == Some(i) => table.columns[watermark.column].field.name().clone(),
            _ => format!("${i}"),
        };
        let field = e.to_field(&whole)?.1.as_ref().clone().with_name(name);
        Ok(if upsert { field.with_nullable(true) } else { field })
    };
    let mut fields: Vec<Field> = exprs.iter().enumerate().map(field).collect::<Result<_>>()?;
    let mut lowered = expanded.iter().map(|e| lower_expr(e, &decoded, zone)).collect::<SqlResult<Vec<_>>>()?;
    let mut event_time = None;
    if let (Some(watermark), Some(declared), Some(column)) = (watermark, declared, time_at) {
        // Computed from the decoded row like the columns, and put behind them.
        lowered.push(lower_expr(&watermark, &decoded, zone)?);
        fields.push(Field::new("$watermark", declared.expr.get_type(&whole)?, true));
        event_time = Some(EventTime {
            watermark: Arc::new(flott_engine::expr::Column(lowered.len() - 1)),
            column,
            emit: emit(&spec)?,
            idle_timeout_ms: idle_timeout(&spec, options)?,
        });
    }
    let reader = match &table.bad_of {
        Some(of) => bad_records(connector.as_ref(), of, &spec, env),
        None => connector.source(&connector_spec(&spec), env),
    };
    let reader = reader.map_err(|e| SqlError::from(e.at(format!("table '{}'", table.path.name))))?;
    Ok(SourceNode { source: reader, columns: lowered, schema: Arc::new(Schema::new(fields)), keep, event_time })
}

/// The records of a table that are no rows, of which the columns of `spec` are wanted.
fn bad_records(
    connector: &dyn Connector,
    of: &Table,
    spec: &TableSpec,
    env: &Environment,
) -> flott_engine::Result<Box<dyn flott_engine::source::Source>> {
    let physical = of.columns.iter().filter(|c| matches!(c.source, ColumnSource::Physical));
    let schema = Arc::new(Schema::new(physical.map(|c| c.field.as_ref().clone()).collect::<Vec<_>>()));
    let whole = TableSpec {
        name: spec.name.clone(),
        columns: (0..schema.fields().len()).map(ColumnRef::Physical).collect(),
        schema,
        options: spec.options.clone(),
        partition_keys: of.partition_keys.clone(),
        primary_key: of.primary_key.clone(),
    };
    let wanted: Vec<usize> = spec.columns.iter().filter_map(|c| if let ColumnRef::Physical(i) = c { Some(*i) } else { None }).collect();
    connector.bad_records(&connector_spec(&whole), &wanted, env)?.ok_or_else(|| {
        flott_engine::Error::config(format!("the connector '{}' cannot tell which of its records are bad", connector.info().name))
    })
}

/// A table whose connector finds rows by `keys`, which are places in `columns`; and how its columns are computed.
pub fn point_lookup(
    source: &FlinkTable,
    columns: &[Expr],
    keys: &[usize],
    connectors: &Connectors,
    env: &Environment,
    zone: Zone,
) -> SqlResult<(Box<dyn PointLookup>, Vec<Arc<dyn EngineExpr>>)> {
    let table = &source.table;
    let name = &table.path.name;
    let connector = super::connector_of(connectors, table)?;
    let metadata = connector.info().metadata;
    let expanded: Vec<Expr> = columns.iter().map(|e| expand(e, table, metadata)).collect::<Result<_>>()?;
    let spec = Needed::of(expanded.iter())?.spec(source, metadata)?;
    let decoded = DFSchema::try_from(spec.read_schema().as_ref().clone())?;
    let place = |key: &usize| match &expanded[*key] {
        Expr::Column(column) => decoded.maybe_index_of_column(column),
        _ => None,
    };
    let places: Option<Vec<usize>> = keys.iter().map(place).collect();
    let places = places.ok_or_else(|| computed_key(name))?;
    let lowered = expanded.iter().map(|e| lower_expr(e, &decoded, zone)).collect::<SqlResult<Vec<_>>>()?;
    let found = connector.lookup(&connector_spec(&spec), &places, env).map_err(|e| SqlError::from(e.at(format!("table '{name}'"))))?;
    let found = found.ok_or_else(|| SqlError::new(format!("the connector of '{name}' does not find rows by these columns")).about(name))?;
    Ok((found, lowered))
}

/// A connector knows its own columns only.
pub fn computed_key(table: &str) -> SqlError {
    SqlError::new(format!("'{table}' is looked up by something that is computed, and its connector finds rows by columns only"))
        .about(table)
        .help("compare a column of it with =, and put the other condition behind AND with another comparison, or into WHERE")
}

/// The spec without the options that are the planner's.
pub fn connector_spec(spec: &TableSpec) -> TableSpec {
    let mut spec = spec.clone();
    let own = |k: &str| SCAN_OPTIONS.contains(&k) || k.starts_with("scan.watermark.") || is_cache_option(k);
    spec.options.retain(|k, _| !own(k));
    spec
}

fn emit(spec: &TableSpec) -> SqlResult<Emit> {
    match spec.option("scan.watermark.emit.strategy") {
        None | Some("on-periodic") => Ok(Emit::Periodic),
        Some("on-event") => Ok(Emit::OnEvent),
        Some(other) => Err(SqlError::new(format!("'scan.watermark.emit.strategy' is '{other}'"))
            .about(other)
            .help("write 'on-periodic' or 'on-event'")),
    }
}

fn idle_timeout(spec: &TableSpec, options: &SessionOptions) -> SqlResult<Option<i64>> {
    match spec.option("scan.watermark.idle-timeout") {
        Some(text) => match parse_duration_ms(text) {
            Some(ms) => Ok((ms > 0).then_some(ms)),
            None => {
                Err(SqlError::new(format!("'scan.watermark.idle-timeout' is '{text}'")).about(text).help("write a duration such as '10 s'"))
            }
        },
        None => options.duration_ms("table.exec.source.idle-timeout"),
    }
}

/// Replaces computed columns by their expressions, and casts metadata to the types that the table declares.
fn expand(expr: &Expr, table: &Table, metadata: &[MetadataInfo]) -> Result<Expr> {
    let expanded = expr.clone().transform_up(|e| {
        let Expr::Column(column) = &e else { return Ok(Transformed::no(e)) };
        let Some(found) = table.columns.iter().find(|c| *c.field.name() == column.name) else { return Ok(Transformed::no(e)) };
        match &found.source {
            ColumnSource::Computed { expr, .. } => Ok(Transformed::yes(expand(expr, table, metadata)?)),
            ColumnSource::Metadata { key, .. } => {
                let from = metadata_type(metadata, key, found.field.data_type());
                Ok(Transformed::yes(cast_to_field(e, &from, &found.field)))
            }
            ColumnSource::Physical => Ok(Transformed::no(e)),
        }
    })?;
    Ok(expanded.data)
}

/// The type in which a connector is asked for metadata: its own, or for nested values the one that is declared.
fn metadata_type(metadata: &[MetadataInfo], key: &str, declared: &DataType) -> DataType {
    let own = metadata.iter().find(|m| m.key == key).map(|m| &m.data_type).filter(|t| !t.is_nested());
    own.unwrap_or(declared).clone()
}

/// What is read of each column.
#[derive(Default)]
struct Needed {
    columns: BTreeMap<String, Part>,
}

/// All of a value, or some of a ROW's fields.
#[derive(Debug, Clone, Default)]
struct Part {
    all: bool,
    fields: BTreeMap<String, Part>,
}

impl Needed {
    fn of<'a>(exprs: impl Iterator<Item = &'a Expr>) -> Result<Self> {
        let mut needed = Self::default();
        for expr in exprs {
            expr.apply(|e| match path_of(e) {
                Some(path) => {
                    needed.add(&path);
                    Ok(TreeNodeRecursion::Jump)
                }
                None => Ok(TreeNodeRecursion::Continue),
            })?;
        }
        Ok(needed)
    }

    fn add(&mut self, path: &[String]) {
        let Some((column, rest)) = path.split_first() else { return };
        let mut part = self.columns.entry(column.clone()).or_default();
        for name in rest {
            part = part.fields.entry(name.clone()).or_default();
        }
        part.all = true;
    }

    fn spec(&self, source: &FlinkTable, metadata: &[MetadataInfo]) -> SqlResult<TableSpec> {
        let table = &source.table;
        let (mut fields, mut columns) = (vec![], vec![]);
        for column in &table.columns {
            let name = column.field.name();
            let part = self.columns.get(name);
            match &column.source {
                ColumnSource::Physical => {
                    let pruned = part.map(|p| prune(&column.field, p));
                    if pruned.is_some() {
                        columns.push(ColumnRef::Physical(fields.len()));
                    }
                    fields.push(pruned.unwrap_or_else(|| column.field.as_ref().clone()));
                }
                ColumnSource::Metadata { key, .. } if part.is_some() => {
                    let data_type = metadata_type(metadata, key, column.field.data_type());
                    columns.push(ColumnRef::Metadata { key: key.clone(), name: name.clone(), data_type });
                }
                _ => {}
            }
        }
        if columns.is_empty() && !fields.is_empty() {
            columns.push(ColumnRef::Physical(0));
        }
        Ok(TableSpec {
            name: table.path.to_string(),
            schema: Arc::new(Schema::new(fields)),
            columns,
            options: source.options(),
            partition_keys: table.partition_keys.clone(),
            primary_key: table.primary_key.clone(),
        })
    }
}

/// `a.b.c` as its parts, if the expression is a column or a field of one.
fn path_of(expr: &Expr) -> Option<Vec<String>> {
    match as_field_access(expr) {
        Some((inner, name)) => {
            let mut path = path_of(inner)?;
            path.push(name.to_string());
            Some(path)
        }
        None => match expr {
            Expr::Column(column) => Some(vec![column.name.clone()]),
            _ => None,
        },
    }
}

fn prune(field: &Field, part: &Part) -> Field {
    match field.data_type() {
        DataType::Struct(children) if !part.all => {
            let kept: Fields = children.iter().filter_map(|c| part.fields.get(c.name()).map(|p| prune(c, p))).collect();
            field.clone().with_data_type(DataType::Struct(kept))
        }
        _ => field.clone(),
    }
}

/// The spec for writing a table.
pub fn sink_spec(table: &Table, options: &BTreeMap<String, String>) -> TableSpec {
    let mut merged = table.options.clone();
    merged.extend(options.clone());
    let (mut fields, mut columns) = (vec![], vec![]);
    for column in table.columns.iter().filter(|c| c.is_written()) {
        match &column.source {
            ColumnSource::Metadata { key, .. } => columns.push(ColumnRef::Metadata {
                key: key.clone(),
                name: column.field.name().clone(),
                data_type: column.field.data_type().clone(),
            }),
            _ => {
                columns.push(ColumnRef::Physical(fields.len()));
                fields.push(column.field.as_ref().clone());
            }
        }
    }
    let spec = TableSpec {
        name: table.path.to_string(),
        schema: Arc::new(Schema::new(fields)),
        columns,
        options: merged,
        partition_keys: table.partition_keys.clone(),
        primary_key: table.primary_key.clone(),
    };
    connector_spec(&spec)
}
