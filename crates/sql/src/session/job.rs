//! Queries and INSERTs: planned here, run by the caller.

use arrow::datatypes::SchemaRef;
use datafusion_common::DFSchema;
use datafusion_expr::{Expr, LogicalPlan};
use flott_engine::change::Part;
use flott_engine::connector::{Connector, Connectors, Environment, OVERWRITE};
use flott_engine::graph::Graph;
use flott_engine::sink::Sink;
use flott_engine::time::LocalTime;
use sqlparser::ast;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Session;
use crate::catalog::{Object, Table};
use crate::dialect::{Column, ColumnKind, CreateTable, Insert, ReplaceMode, WrittenQuery};
use crate::error::{SqlError, SqlResult};
use crate::lower::scan::{connector_spec, sink_spec};
use crate::lower::{ZoneClock, check_sink, connector_of, lower};
use crate::options::SessionOptions;
use crate::place::Place;
use crate::planner::at_end::at_end;
use crate::planner::context::PlanContext;
use crate::planner::{blamed, optimize, plan_query};
use crate::secrets::without_users;
use crate::stack::deep;
use crate::stream::parts::Parts;
use crate::stream::text::plan_text;
use crate::stream::{InsertForm, LookupForm, StreamNode, StreamOp, build_query, build_sink, explain, finish, lookup};
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
        self.explain_with(false, false)
    }

    pub(super) fn explain_with(&self, changelog: bool, advice: bool) -> String {
        let text = explain::explain(&self.logical, &self.roots, &self.options, changelog);
        let text = if advice { text + &explain::advice(&self.roots, &self.options) } else { text };
        without_users(&text)
    }

    /// What its checkpoints will hold something of.
    pub fn parts(&self) -> Vec<Part> {
        Parts::new(&self.options, &self.connectors).of(&self.roots)
    }

    /// The steps as Flink's JSON_EXECUTION_PLAN has them.
    pub(super) fn execution_plan(&self) -> String {
        without_users(&explain::execution_plan(&self.roots))
    }

    /// Builds the dataflow: opens sources and sinks. `result` takes the rows of a SELECT.
    pub fn build(self, env: &Environment, result: Option<Box<dyn Sink>>) -> SqlResult<Graph> {
        deep(|| lower(&self.roots, result, &self.connectors, env, &self.options))
    }
}

impl Session {
    fn plan(&self, query: &ast::Query) -> SqlResult<LogicalPlan> {
        let planned = plan_query(query, &self.context(), self.options.time_zone()?);
        planned.map_err(|error| self.blamed(query, error))
    }

    /// What queries are planned against.
    pub(super) fn context(&self) -> PlanContext<'_> {
        PlanContext::new(&self.catalog).in_mode(&self.options)
    }

    /// The plan as the session's runtime mode has it.
    fn in_mode(&self, plan: LogicalPlan) -> SqlResult<LogicalPlan> {
        if self.options.batch() { at_end(plan) } else { Ok(plan) }
    }

    /// The error of a query at its place.
    fn blamed(&self, query: &ast::Query, error: SqlError) -> SqlError {
        let Ok(zone) = self.options.time_zone() else { return error };
        let complete = |plan| finish(build_query(&self.in_mode(optimize(plan, zone)?)?)?, &self.options, None).map(drop);
        blamed(query, &self.context(), &complete, error)
    }

    pub(super) fn plan_query(&self, query: &ast::Query) -> SqlResult<PlannedJob> {
        let plan = self.plan(query)?;
        let built = self.in_mode(plan.clone()).and_then(|plan| finish(build_query(&plan)?, &self.options, None));
        let root = built.map_err(|error| self.blamed(query, error))?;
        let zone = Arc::new(ZoneClock(self.options.time_zone()?));
        let fields = Arc::new(root.schema.as_arrow().clone());
        let result = ResultSchema { fields, updating: !root.changelog.is_insert_only(), zone };
        let logical = vec![plan_text(&plan)];
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
        if insert.overwrite && !self.options.batch() {
            let error = SqlError::new("INSERT OVERWRITE is for batch jobs: a stream has no end at which it could replace what is there");
            return Err(error.about("OVERWRITE").help("write INSERT INTO"));
        }
        let path = self.path(&insert.table)?;
        let Object::Table(table) = self.catalog.get(&path)? else {
            return Err(SqlError::new(format!("'{}' is a view: it cannot be written", path.name)).about(&path.name));
        };
        let mut hints = BTreeMap::new();
        if insert.overwrite {
            let connector = self.connector(table)?;
            if !connector.overwrites() {
                let error = SqlError::new(format!("'{}' cannot replace what is in table '{}'", connector.info().name, path.name));
                return Err(error.about("OVERWRITE").help("write INSERT INTO"));
            }
            hints.insert(OVERWRITE.to_string(), String::new());
        }
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
        let form = InsertForm { named, fixed: self.fixed_partitions(insert, table)?, hints, trim_pad: self.trim_pad() };
        let plan = self.plan(&insert.source.query)?;
        let root = finish(build_sink(&self.in_mode(plan.clone())?, table, form)?, &self.options, insert.on_conflict)?;
        Ok((plan_text(&plan), root, path.to_string().replace('`', "")))
    }

    fn trim_pad(&self) -> bool {
        self.options.get("table.exec.sink.type-length-enforcer").is_some_and(|mode| mode.eq_ignore_ascii_case("TRIM_PAD"))
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
        if create.like.is_some() {
            return Err(SqlError::new("CREATE TABLE takes LIKE or AS, not both")
                .about("LIKE")
                .help("create the table, then INSERT INTO it"));
        }
        let plan = self.plan(&query.query)?;
        let mut described = CreateTable { as_query: None, columns: vec![], ..create.clone() };
        for field in plan.schema().fields() {
            let (ty, nullable) = FlinkType::from_field(field);
            if ty == FlinkType::Null {
                let name = field.name();
                return Err(SqlError::new(format!("column '{name}' has no type: it is NULL")).about(name).help("write CAST(NULL AS type)"));
            }
            let name = ast::Ident::with_quote('`', field.name());
            described.columns.push(Column { name, kind: ColumnKind::Physical(ColumnType { ty, nullable }), comment: None });
        }
        let named = described.columns.iter().map(|c| c.name.value.clone()).collect();
        described.columns = with_declared(&create.columns, described.columns)?;
        let path = self.path(&create.name)?;
        let table = Arc::new(self.build_table(&described, path.clone())?);
        let form = InsertForm { named, trim_pad: self.trim_pad(), ..InsertForm::default() };
        let root = finish(build_sink(&self.in_mode(plan.clone())?, &table, form)?, &self.options, None)?;
        let logical = vec![plan_text(&plan)];
        let job = self.job(vec![root], logical, None, &format!("insert-into_{}", path.to_string().replace('`', "")))?;
        self.catalog.add(&path, Object::Table(table), create.replace != ReplaceMode::Create)?;
        Ok(job)
    }

    fn job(&self, roots: Vec<StreamNode>, logical: Vec<String>, result: Option<ResultSchema>, name: &str) -> SqlResult<PlannedJob> {
        let mut bounded = true;
        for root in &roots {
            self.check(root, &mut bounded)?;
        }
        let mut text = explain::fingerprint_text(&roots);
        if self.options.batch() {
            text.push_str("batch");
        }
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

    /// The error of a table at the option that is wrong, where the table was created; at `word` of the statement if it was not
    /// created in this script.
    fn at_definition(&self, table: &Table, error: SqlError) -> SqlError {
        let Some(created) = self.created.iter().rev().find(|c| c.path == table.path) else { return error };
        let named = |text: &str| error.message.contains(&format!("'{text}'"));
        let mut places = table.definition.options.iter().filter(|o| named(&o.key.value)).map(|o| {
            let by_value = named(&o.value.value) && !o.value.value.is_empty();
            if by_value { (&o.value.value, o.value.span) } else { (&o.key.value, o.key.span) }
        });
        let by_connector = table.definition.options.iter().find(|o| o.key.value == "connector" && named(&o.value.value));
        let place = places.next().or(by_connector.map(|o| (&o.value.value, o.value.span)));
        let located = |(text, span): (&String, _)| {
            let range = Place::exactly(span)?.within(&created.text, created.start)?;
            // An option that came with LIKE stands in another statement.
            created.text[range.clone()].contains(text.as_str()).then_some(created.offset + range.start..created.offset + range.end)
        };
        match place.and_then(located) {
            Some(span) => error.at(span),
            None => error.about(&table.path.name).locate(&created.text, created.offset),
        }
    }

    /// Everything about tables that can be told without opening them.
    fn check(&self, node: &StreamNode, bounded: &mut bool) -> SqlResult<()> {
        match &node.op {
            StreamOp::Scan { source, .. } => {
                let table = &source.table;
                let connector = self.connector(table)?;
                if !connector.info().source {
                    return Err(SqlError::new(format!(
                        "table '{}' cannot be read: '{}' is a sink only",
                        table.path.name,
                        connector.info().name
                    ))
                    .about(&table.path.name));
                }
                let options = source.options();
                // Bad records are new rows, whatever the records of the table are.
                let of = table.bad_of.as_ref().unwrap_or(table);
                if connector.source_mode(&options) != of.source_mode {
                    return Err(SqlError::new(format!("a hint cannot change which changes table '{}' brings", table.path.name))
                        .about(&table.path.name)
                        .help("declare another table with that format"));
                }
                let ends = (connector.info().bounded)(&options);
                if !ends && self.options.batch() {
                    return Err(unbounded(&table.path.name, connector.info().name));
                }
                *bounded &= ends;
                self.check_table(of, &options)?;
            }
            StreamOp::LookupJoin { table, form, .. } => self.check_lookup(table, form)?,
            StreamOp::Sink(table, hints) => {
                let connector = self.connector(table)?;
                check_sink(connector.as_ref(), table, node.changelog)?;
                let mut options = table.options.clone();
                options.extend(hints.clone());
                self.check_table(table, &options)?;
            }
            _ => {}
        }
        node.inputs.iter().try_for_each(|i| self.check(i, bounded))
    }

    /// A table that is looked up is read whole unless its connector finds rows by key, so it must end. It does not make the job end.
    fn check_lookup(&self, table: &StreamNode, form: &LookupForm) -> SqlResult<()> {
        let mut bounded = true;
        self.check(table, &mut bounded)?;
        if form.by_key.is_some() {
            return Ok(());
        }
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
        for created in &self.created {
            let Ok(Object::Table(table)) = self.catalog.get(&created.path) else { continue };
            // A table without a connector may be there for LIKE.
            if table.connector().is_some()
                && let Err(error) = self.check_table(table, &table.options)
            {
                errors.push(error.locate(&created.text, created.offset));
            }
        }
        errors
    }

    fn check_table(&self, table: &Arc<Table>, options: &BTreeMap<String, String>) -> SqlResult<()> {
        let connector = self.connector(table)?;
        let mut spec = sink_spec(table, options);
        spec.options = options.clone();
        let spec = connector_spec(&spec);
        connector.check(&spec).map_err(|e| {
            let hinted = options.iter().find(|(k, v)| table.options.get(*k) != Some(v) && e.message.contains(&format!("'{k}'")));
            let error = SqlError::from(e.at(format!("table '{}'", table.path.name)));
            match hinted {
                Some(_) => error.about(&table.path.name),
                None => self.at_definition(table, error.about(&table.path.name)),
            }
        })
    }

    fn connector(&self, table: &Table) -> SqlResult<&Arc<dyn Connector>> {
        connector_of(&self.connectors, table).map_err(|error| self.at_definition(table, error))
    }
}

/// In batch mode all tables must end.
fn unbounded(table: &str, connector: &str) -> SqlError {
    let bound = match connector {
        "datagen" => "give it 'number-of-rows'",
        "filesystem" => "take 'source.monitor-interval' away",
        _ => "bound it by its options",
    };
    SqlError::new(format!("table '{table}' does not end, so batch mode would never give a result"))
        .about(table)
        .help(format!("{bound}, or SET 'execution.runtime-mode' = 'streaming'"))
}

/// The columns of `CREATE TABLE (…) AS`: names alone give those of the query another order; otherwise the declared ones come
/// first, but for those of the query that are declared with another type.
fn with_declared(declared: &[Column], mut of_query: Vec<Column>) -> SqlResult<Vec<Column>> {
    let named = |columns: &[Column], name: &str| columns.iter().position(|c| c.name.value == name);
    if !declared.is_empty() && declared.iter().all(|c| matches!(c.kind, ColumnKind::NameOnly)) {
        if declared.len() != of_query.len() {
            let error = SqlError::new(format!("{} columns are named, the query has {}", declared.len(), of_query.len()));
            return Err(error.about(&declared[0].name.value));
        }
        let chosen = declared.iter().map(|c| {
            let name = &c.name.value;
            let at = named(&of_query, name).ok_or_else(|| SqlError::new(format!("the query has no column '{name}'")).about(name))?;
            Ok(of_query[at].clone())
        });
        return chosen.collect();
    }
    let mut first = vec![];
    for column in declared {
        match named(&of_query, &column.name.value) {
            Some(at) if matches!(column.kind, ColumnKind::Physical(_) | ColumnKind::Metadata { .. }) => of_query[at] = column.clone(),
            Some(_) => {
                let name = &column.name.value;
                return Err(SqlError::new(format!("column '{name}' comes from the query, so it cannot be computed")).about(name));
            }
            None => first.push(column.clone()),
        }
    }
    first.append(&mut of_query);
    Ok(first)
}
