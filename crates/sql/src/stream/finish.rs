//! The end of planning: upsert sources are completed, sinks get what they can take, and each step learns which changes it emits.

use datafusion_common::{Column, DFSchema};
use datafusion_expr::Expr;
use flott_engine::connector::{SinkMode, SourceMode};
use std::collections::HashMap;
use std::sync::Arc;

use super::calc::identity;
use super::changelog::{Changelog, Want};
use super::infer::infer;
use super::join::compute_as;
use super::keys::{Key, upsert_keys};
use super::{ScanColumn, StreamNode, StreamOp, fields, rank};
use crate::catalog::Table;
use crate::dialect::OnConflict;
use crate::error::{SqlError, SqlResult};
use crate::options::SessionOptions;

/// A finished plan: reads and computes nothing that nobody uses. `conflict` is the ON CONFLICT clause of an INSERT.
pub fn finish(root: StreamNode, options: &SessionOptions, conflict: Option<OnConflict>) -> SqlResult<StreamNode> {
    let root = normalize_sources(root, options)?;
    let root = fields::flatten_scans(rank::prune_ranks(root))?;
    match &root.op {
        StreamOp::Sink(table, _) => finish_sink(&root, table, options, conflict),
        _ => infer(&root, Want::Both).ok_or_else(no_mode),
    }
}

fn no_mode() -> SqlError {
    SqlError::new("the changes of this query cannot be told in full")
}

/// Puts a ChangelogNormalize behind each source that tells only the newest row of a key, or that may tell the same change twice.
fn normalize_sources(mut node: StreamNode, options: &SessionOptions) -> SqlResult<StreamNode> {
    node.inputs = node.inputs.into_iter().map(|input| normalize_sources(input, options)).collect::<SqlResult<_>>()?;
    let StreamOp::Scan { source, columns } = &node.op else { return Ok(node) };
    let (table, duplicates) = (&source.table, "table.exec.source.cdc-events-duplicate");
    let name = &table.path.name;
    match table.source_mode {
        SourceMode::AppendOnly => return Ok(node),
        SourceMode::Retract if !options.flag(duplicates) => return Ok(node),
        SourceMode::Retract if table.primary_key.is_empty() => {
            return Err(SqlError::new(format!("'{duplicates}' is set, and table '{name}' has no PRIMARY KEY to tell duplicates by"))
                .about(name)
                .help("declare PRIMARY KEY (…) NOT ENFORCED"));
        }
        SourceMode::Upsert if table.primary_key.is_empty() => {
            return Err(SqlError::new(format!("table '{name}' brings the newest row of each key, but has no PRIMARY KEY"))
                .about(name)
                .help("declare PRIMARY KEY (…) NOT ENFORCED"));
        }
        _ => {}
    }
    let width = columns.len();
    let (mut columns, mut fields) = (columns.clone(), node.schema.iter().map(|(q, f)| (q.cloned(), f.clone())).collect::<Vec<_>>());
    let mut key = vec![];
    for name in &table.primary_key {
        let expr = Expr::Column(Column::from_name(name));
        key.push(match columns.iter().position(|c| c.expr == expr) {
            Some(place) => place,
            None => {
                let Some(column) = table.columns.iter().find(|c| c.field.name() == name) else { return Err(no_mode()) };
                fields.push((None, Arc::new(column.field.as_ref().clone().with_name(format!("$key{}", columns.len())))));
                columns.push(ScanColumn { expr });
                columns.len() - 1
            }
        });
    }
    let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
    let changelog = if table.source_mode == SourceMode::Upsert { Changelog::Upsert } else { Changelog::Retract };
    let scan = StreamNode { op: StreamOp::Scan { source: source.clone(), columns }, schema: schema.clone(), changelog, ..node.clone() };
    let op = StreamOp::ChangelogNormalize { key: key.clone() };
    let normalized =
        StreamNode { op, inputs: vec![scan], schema: schema.clone(), changelog: Changelog::Retract, window: None, key: Some(key) };
    if schema.fields().len() == width {
        return Ok(normalized);
    }
    let wanted = identity(&schema).into_iter().take(width).collect();
    compute_as(normalized, wanted)
}

/// Gives a sink the changes that it can take, by its primary key.
fn finish_sink(root: &StreamNode, table: &Table, options: &SessionOptions, conflict: Option<OnConflict>) -> SqlResult<StreamNode> {
    let input = &root.inputs[0];
    let mode = table.sink_mode.unwrap_or(SinkMode::All);
    let key = primary_key(table, input);
    let updates = !input.changelog.is_insert_only();
    let name = &table.path.name;
    if conflict.is_some() && (!updates || matches!(mode, SinkMode::AppendOnly | SinkMode::Retract)) {
        return Err(SqlError::new(format!(
            "ON CONFLICT is for sinks whose rows are updated by a key, which those of table '{name}' are not"
        ))
        .about("CONFLICT")
        .help("leave the clause out"));
    }
    let upsert = upsert_keys(input);
    let fits = upsert.iter().any(|u| u.is_subset(&key));
    let settles = matches!(mode, SinkMode::Upsert | SinkMode::All) && updates && !key.is_empty() && !fits;
    if settles && conflict.is_none() && options.flag("table.exec.sink.require-on-conflict") {
        return Err(conflict_undecided(table, input, &upsert));
    }
    if conflict.is_some_and(|c| c != OnConflict::Deduplicate)
        && let Some(source) = source_without_watermark(input)
    {
        return Err(SqlError::new(format!("this ON CONFLICT needs a watermark of every source, and table '{source}' has none"))
            .about("CONFLICT")
            .help("declare WATERMARK FOR …, or write ON CONFLICT DO DEDUPLICATE"));
    }
    let strategy = options.get("table.exec.sink.upsert-materialize").unwrap_or_default().to_ascii_uppercase();
    let materialize = !key.is_empty()
        && match strategy.as_str() {
            "NONE" => false,
            "FORCE" => true,
            _ => settles,
        };
    let want = if mode == SinkMode::Upsert { Want::After } else { Want::Both };
    let input = match materialize {
        true => materialized(infer(input, Want::Both).ok_or_else(no_mode)?, &key, want, conflict.unwrap_or(OnConflict::Deduplicate)),
        false if want == Want::After && (key.is_empty() || fits) => {
            infer(input, Want::After).or_else(|| infer(input, Want::Both)).ok_or_else(no_mode)?
        }
        false => infer(input, Want::Both).ok_or_else(no_mode)?,
    };
    Ok(StreamNode { changelog: input.changelog, inputs: vec![input], ..root.clone() })
}

/// One row for each key of a sink, whatever rows with that key the query has.
fn materialized(input: StreamNode, key: &Key, want: Want, conflict: OnConflict) -> StreamNode {
    let changelog = if input.changelog.is_insert_only() { Changelog::Update } else { Changelog::Retract };
    let (schema, key): (_, Vec<usize>) = (Arc::clone(&input.schema), key.iter().copied().collect());
    let op = StreamOp::Materialize { key: key.clone(), conflict };
    StreamNode { op, inputs: vec![input], schema, changelog: changelog.as_wanted(want), window: None, key: Some(key) }
}

fn primary_key(table: &Table, input: &StreamNode) -> Key {
    table.primary_key.iter().filter_map(|name| input.schema.fields().iter().position(|f| f.name() == name)).collect()
}

fn conflict_undecided(table: &Table, input: &StreamNode, keys: &[Key]) -> SqlError {
    let names = |key: &Key| key.iter().map(|c| input.schema.field(*c).name().as_str()).collect::<Vec<_>>().join(", ");
    let of_query = match keys.first() {
        Some(key) => format!("the rows of the query are told apart by ({})", names(key)),
        None => "nothing tells the rows of the query apart".into(),
    };
    SqlError::new(format!(
        "table '{}' has the primary key ({}), but {of_query}: rows with the same primary key could replace each other in any order",
        table.path.name,
        table.primary_key.join(", "),
    ))
    .about(&table.path.name)
    .help("group the query by the primary key, or write behind it ON CONFLICT DO DEDUPLICATE (the newest row), DO NOTHING (the first) or DO ERROR")
}

fn source_without_watermark(node: &StreamNode) -> Option<&str> {
    match &node.op {
        StreamOp::Scan { source, .. } if source.table.watermark.is_none() => Some(&source.table.path.name),
        _ => node.inputs.iter().find_map(source_without_watermark),
    }
}
