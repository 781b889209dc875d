//! Queries and INSERTs: planned here, run by the caller.

use arrow::datatypes::SchemaRef;
use datafusion_common::DFSchema;
use datafusion_expr::Expr;
use flott_engine::connector::{Connectors, Environment};
use flott_engine::graph::Graph;
use flott_engine::sink::Sink;
use flott_engine::time::LocalTime;
use sqlparser::ast;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Session;
use crate::catalog::{Object, Table};
use crate::dialect::{Column, ColumnKind, CreateTable, Insert, WrittenQuery};
use crate::error::{SqlError, SqlResult};
use crate::lower::scan::{connector_spec, sink_spec};
use crate::lower::{ZoneClock, check_sink, connector_of, lower};
use crate::options::SessionOptions;
use crate::planner::context::PlanContext;
use crate::planner::optimize;
use crate::stream::{InsertForm, StreamNode, StreamOp, build_query, build_sink, explain, finish, lookup};
use crate::types::{ColumnType, FlinkType};

/// What a SELECT gives.
#[derive(Debug, Clone)]
pub struct ResultSchema {
    /// Its columns; see [`crate::types::FlinkType::from_field`] for their SQL types.
    pub fields: SchemaRef,
    /// Whether rows that were given can change.
    pub updating: bool,
    /// What the clock of the session's time zone shows, for TIMESTAMP_LTZ.
    pub zone: Arc<dyn LocalTime>,
}

/// A job that is planned and checked and has touched nothing yet.
pub struct PlannedJob {
    /// For people.
    pub name: String,
    /// Changes when the query changes in a way that its state would not fit.
    pub fingerprint: String,
    /// Set for a SELECT.
    pub result: Option<ResultSchema>,
    /// Whether all of its sources end by themselves.
    pub bounded: bool,
    roots: Vec<StreamNode>,
    logical: Vec<String>,
    options: SessionOptions,
    connectors: Connectors,
}

impl PlannedJob {
    /// The plans, for people.
    pub fn explain(&self) -> String {
        self.explain_with(false)
    }

    pub(super) fn explain_with(&self, changelog: bool) -> String {
        explain::explain(&self.logical, &self.roots, changelog)
    }

    /// Builds the dataflow: opens sources and sinks. `result` takes the rows of a SELECT.
    pub fn build(self, env: &Environment, result: Option<Box<dyn Sink>>) -> SqlResult<Graph> {
        lower(&self.roots, result, &self.connectors, env, &self.options)
    }
}

impl Session {
    pub(super) fn plan_query(&self, query: &ast::Query) -> SqlResult<PlannedJob> {
        let plan = optimize(PlanContext::new(&self.catalog).query(query)?, self.options.time_zone()?)?;
        let root = finish(build_query(&plan)?, &self.options, None)?;
        let zone = Arc::new(ZoneClock(self.options.time_zone()?));
        let fields = Arc::new(root.schema.as_arrow().clone());
        let result = ResultSchema { fields, updating: !root.changelog.is_insert_only(), zone };
        let logical = vec![plan.display_indent().to_string()];
        self.job(vec![root], logical, Some(result), "collect")
    }

    pub(super) fn plan_inserts<I: std::borrow::Borrow<Insert>>(&self, inserts: &[I]) -> SqlResult<PlannedJob> {
        let (mut roots, mut logical, mut names) = (vec![], vec![], vec![]);
        for insert in inserts {
            let insert = insert.borrow();
            let (plan, root, name) = self.plan_insert(insert)?;
            logical.push(plan);
            roots.push(root);
            names.push(name);
        }
        if roots.is_empty() {
            return Err(SqlError::new("the statement set is empty").help("put INSERT INTO statements between BEGIN and END"));
        }
        self.job(roots, logical, None, &format!("insert-into_{}", names.join(",")))
    }

    fn plan_insert(&self, insert: &Insert) -> SqlResult<(String, StreamNode, String)> {
        if insert.overwrite {
            let error = SqlError::new("INSERT OVERWRITE is for batch jobs: a stream has no end at which it could replace what is there");
            return Err(error.about("OVERWRITE").help("write INSERT INTO"));
        }
        let path = self.path(&insert.table)?;
        let Object::Table(table) = self.catalog.get(&path)? else {
            return Err(SqlError::new(format!("'{}' is a view: it cannot be written", path.name)).about(&path.name));
        };
        let mut hints = BTreeMap::new();
        for hint in insert.hints.iter().filter(|h| h.name == "OPTIONS") {
            hints.extend(hint.entries.iter().filter_map(|e| e.key.clone().map(|k| (k, e.value.clone()))));
        }
        let mut named = vec![];
        for column in &insert.columns {
            match column.as_slice() {
                [name] => named.push(name.value.clone()),
                _ => return Err(SqlError::not_yet("INSERT into a nested field")),
            }
        }
        let form = InsertForm { named, fixed: self.fixed_partitions(insert, table)?, hints };
        let plan = optimize(PlanContext::new(&self.catalog).query(&insert.source.query)?, self.options.time_zone()?)?;
        let root = finish(build_sink(&plan, table, form)?, &self.options, insert.on_conflict)?;
        Ok((plan.display_indent().to_string(), root, path.to_string().replace('`', "")))
    }

    /// `PARTITION (k = 'v')`.
    fn fixed_partitions(&self, insert: &Insert, table: &Table) -> SqlResult<Vec<(String, Expr)>> {
        let mut fixed = vec![];
        for (column, value) in &insert.partition {
            let name = &column.value;
            if !table.partition_keys.contains(name) {
                let error = SqlError::new(format!("table '{}' is not partitioned by '{name}'", table.path.name)).about(name);
                return Err(match table.partition_keys.as_slice() {
                    [] => error.help("it has no PARTITIONED BY"),
                    keys => error.help(format!("it is partitioned by {}", keys.join(", "))),
                });
            }
            if let Some(value) = value {
                fixed.push((name.clone(), PlanContext::new(&self.catalog).expression(value, &DFSchema::empty())?));
            }
        }
        Ok(fixed)
    }

    /// Makes the table that `CREATE TABLE … AS` describes, of the columns that its query gives, and the job that fills it.
    pub(super) fn create_table_as(&mut self, create: &CreateTable, query: &WrittenQuery) -> SqlResult<PlannedJob> {
        if !create.columns.is_empty() || !create.watermarks.is_empty() || create.like.is_some() {
            return Err(SqlError::not_yet("columns, a watermark or LIKE in CREATE TABLE … AS")
                .about("AS")
                .help("create the table, then INSERT INTO it"));
        }
        let plan = optimize(PlanContext::new(&self.catalog).query(&query.query)?, self.options.time_zone()?)?;
        let mut described = CreateTable { as_query: None, ..create.clone() };
        for field in plan.schema().fields() {
            let (ty, nullable) = FlinkType::from_field(field);
            if ty == FlinkType::Null {
                let name = field.name();
                return Err(SqlError::new(format!("column '{name}' has no type: it is NULL")).about(name).help("write CAST(NULL AS type)"));
            }
            let name = ast::Ident::with_quote('`', field.name());
            described.columns.push(Column { name, kind: ColumnKind::Physical(ColumnType { ty, nullable }), comment: None });
        }
        let path = self.path(&create.name)?;
        let table = Arc::new(self.build_table(&described, path.clone())?);
        let root = finish(build_sink(&plan, &table, InsertForm::default())?, &self.options, None)?;
        let logical = vec![plan.display_indent().to_string()];
        let job = self.job(vec![root], logical, None, &format!("insert-into_{}", path.to_string().replace('`', "")))?;
        self.catalog.add(&path, Object::Table(table), false)?;
        Ok(job)
    }

    fn job(&self, roots: Vec<StreamNode>, logical: Vec<String>, result: Option<ResultSchema>, name: &str) -> SqlResult<PlannedJob> {
        let mut bounded = true;
        for root in &roots {
            self.check(root, &mut bounded)?;
        }
        let text = explain::fingerprint_text(&roots);
        Ok(PlannedJob {
            name: self.options.get("pipeline.name").unwrap_or_else(|| name.to_string()),
            fingerprint: format!("{:016x}", flott_engine::hash::stable_hash(text.as_bytes())),
            result,
            bounded,
            roots,
            logical,
            options: self.options.clone(),
            connectors: self.connectors.clone(),
        })
    }

    /// Everything about tables that can be told without opening them.
    fn check(&self, node: &StreamNode, bounded: &mut bool) -> SqlResult<()> {
        match &node.op {
            StreamOp::Scan { source, .. } => {
                let table = &source.table;
                let connector = connector_of(&self.connectors, table)?;
                if !connector.info().source {
                    return Err(SqlError::new(format!(
                        "table '{}' cannot be read: '{}' is a sink only",
                        table.path.name,
                        connector.info().name
                    ))
                    .about(&table.path.name));
                }
                let options = source.options();
                if connector.source_mode(&options) != table.source_mode {
                    return Err(SqlError::new(format!("a hint cannot change which changes table '{}' brings", table.path.name))
                        .about(&table.path.name)
                        .help("declare another table with that format"));
                }
                *bounded &= (connector.info().bounded)(&options);
                self.check_table(table, &options)?;
            }
            StreamOp::LookupJoin { table, .. } => self.check_lookup(table)?,
            StreamOp::Sink(table, hints) => {
                let connector = connector_of(&self.connectors, table)?;
                check_sink(connector.as_ref(), table, node.changelog)?;
                let mut options = table.options.clone();
                options.extend(hints.clone());
                self.check_table(table, &options)?;
            }
            _ => {}
        }
        node.inputs.iter().try_for_each(|i| self.check(i, bounded))
    }

    /// A table that is looked up is read whole, so it must end. It does not make the job end.
    fn check_lookup(&self, table: &StreamNode) -> SqlResult<()> {
        let mut bounded = true;
        self.check(table, &mut bounded)?;
        match lookup::leaf(table).map(|leaf| &leaf.op) {
            Some(StreamOp::Scan { source, .. }) if !bounded => {
                let name = &source.table.path.name;
                Err(SqlError::new(format!("'{name}' cannot be looked up by processing time: it does not end, and its connector finds no rows by key"))
                    .about(name)
                    .help("look up a table that ends, such as files; or join by event time: FOR SYSTEM_TIME AS OF the left table's WATERMARK column"))
            }
            _ => Ok(()),
        }
    }

    /// What is wrong with the options of tables that were created, at their place in the script.
    pub fn check_tables(&self) -> Vec<SqlError> {
        let mut errors = vec![];
        for (start, text, path) in &self.created {
            let Ok(Object::Table(table)) = self.catalog.get(path) else { continue };
            // A table without a connector may be there for LIKE.
            if table.connector().is_some()
                && let Err(error) = self.check_table(table, &table.options)
            {
                errors.push(error.locate(text, *start));
            }
        }
        errors
    }

    fn check_table(&self, table: &Arc<Table>, options: &BTreeMap<String, String>) -> SqlResult<()> {
        let connector = connector_of(&self.connectors, table)?;
        let mut spec = sink_spec(table, options);
        spec.options = options.clone();
        let spec = connector_spec(&spec);
        connector.check(&spec).map_err(|e| {
            let mut error = SqlError::from(e);
            error.message = format!("table '{}': {}", table.path.name, error.message);
            error.about(&table.path.name)
        })
    }
}
