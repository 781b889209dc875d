//! What DataFusion's SQL planner asks for: tables, functions, types. `SqlToRel` is used here and nowhere else.

use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion_common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion_common::{DFSchema, DFSchemaRef, Result, TableReference};
use datafusion_expr::planner::{ContextProvider, ExprPlanner, RelationPlanner, TypePlanner};
use datafusion_expr::{AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF};
use datafusion_sql::planner::{NullOrdering, ParserOptions, PlannerContext, SqlToRel};
use flott_engine::connector::SourceMode;
use flott_engine::operators::emitting_aggregate::EmitStrategy;
use sqlparser::ast;
use std::any::Any;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use super::at_end::TO_STREAMING;
use super::expressions::FlinkExpressions;
use super::relations::FlinkRelations;
use crate::catalog::{Catalog, Object, ObjectPath, ROWTIME, Table, View, time_attribute, without_time_attribute};
use crate::dialect::{flink_type_of, normalize, normalize_expr, walk_expr, walk_query};
use crate::error::{SqlError, SqlResult};
use crate::options::SessionOptions;
use crate::own::{Planned, Registry};

/// A table as a leaf of a plan.
#[derive(Debug, Clone)]
pub struct FlinkTable {
    /// The catalog's table.
    pub table: Arc<Table>,
    /// From `/*+ OPTIONS(…) */`, over those of the table.
    pub hints: BTreeMap<String, String>,
    /// From `/*+ STATE_TTL(…) */`: how long steps behind it remember its rows, in milliseconds; 0: for ever.
    pub state_ttl_ms: Option<i64>,
    schema: SchemaRef,
}

impl FlinkTable {
    /// A table with hints.
    pub fn new(table: Arc<Table>, hints: BTreeMap<String, String>) -> Self {
        let schema = table.schema();
        Self { table, hints, state_ttl_ms: None, schema }
    }

    /// The same with other hints.
    pub fn with_hints(&self, hints: BTreeMap<String, String>) -> Self {
        Self { hints, ..self.clone() }
    }

    /// The same with plain timestamps where event time was: in batch mode nothing goes by it.
    fn without_event_time(mut self) -> Self {
        let plain = |f: &FieldRef| if time_attribute(f) == Some(ROWTIME) { Arc::new(without_time_attribute(f)) } else { f.clone() };
        self.schema = Arc::new(Schema::new(self.schema.fields().iter().map(plain).collect::<Vec<_>>()));
        self
    }

    /// The table's options with the hints over them.
    pub fn options(&self) -> BTreeMap<String, String> {
        let mut options = self.table.options.clone();
        options.extend(self.hints.clone());
        options
    }
}

impl TableSource for FlinkTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// A view: its plan takes its place.
#[derive(Debug)]
struct FlinkView {
    plan: LogicalPlan,
}

impl TableSource for FlinkView {
    fn schema(&self) -> SchemaRef {
        Arc::new(self.plan.schema().as_arrow().clone())
    }
    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        Some(Cow::Borrowed(&self.plan))
    }
}

struct Functions {
    scalar: HashMap<String, Arc<ScalarUDF>>,
    aggregate: HashMap<String, Arc<AggregateUDF>>,
}

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
    let mut scalar = HashMap::new();
    for function in crate::functions::all() {
        for alias in function.aliases() {
            scalar.insert(alias.clone(), function.clone());
        }
        scalar.insert(function.name().to_string(), function);
    }
    let case = super::case_call::function();
    scalar.insert(case.name().to_string(), case);
    scalar.extend(super::expressions::proctime().map(|f| (f.name().to_string(), f)));
    let aggregate = super::aggregates::all().into_iter().map(|(name, f)| (name.to_string(), f)).collect();
    Functions { scalar, aggregate }
});

/// Names of all functions, in lower case.
pub fn function_names() -> Vec<&'static str> {
    let over = super::window_functions::WINDOW_FUNCTIONS.iter().map(|(name, ..)| *name);
    let lists = super::list_calls::LIST_AGGREGATES.iter().map(|(name, ..)| *name);
    let lists = lists.chain([super::casts::CURRENT_DATABASE, super::casts::NULLIF]);
    let all = FUNCTIONS.scalar.keys().chain(FUNCTIONS.aggregate.keys()).map(String::as_str).chain(over).chain(lists);
    // The others are what the planner itself writes.
    all.filter(|name| !name.starts_with('$')).collect()
}

/// The scalar function of that lower-case name.
pub fn scalar_function(name: &str) -> Option<Arc<ScalarUDF>> {
    FUNCTIONS.scalar.get(name).cloned()
}

/// The runtime mode, for those who see a context's options only.
#[derive(Debug, Clone)]
struct Mode {
    batch: bool,
    emit: SqlResult<Option<EmitStrategy>>,
}

impl Default for Mode {
    fn default() -> Self {
        Self { batch: false, emit: Ok(None) }
    }
}

impl ConfigExtension for Mode {
    const PREFIX: &'static str = "flott";
}

impl ExtensionOptions for Mode {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }
    fn set(&mut self, key: &str, _: &str) -> Result<()> {
        datafusion_common::plan_err!("'{key}' is no option here")
    }
    fn entries(&self) -> Vec<ConfigEntry> {
        vec![]
    }
}

/// Whether a query is planned for a batch job.
pub(super) fn in_batch(options: &ConfigOptions) -> bool {
    options.extensions.get::<Mode>().is_some_and(|mode| mode.batch)
}

/// When windows tell results besides their end.
pub(super) fn emit_strategy(options: &ConfigOptions) -> SqlResult<Option<EmitStrategy>> {
    options.extensions.get::<Mode>().map_or(Ok(None), |mode| mode.emit.clone())
}

/// Whether OVER can follow the function of that name.
pub fn is_over_function(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    FUNCTIONS.aggregate.contains_key(&name) || super::window_functions::window_function(&name).is_some()
}

/// How deep views may read each other.
const VIEWS_NESTED_MAX: usize = 64;

/// Plans against a catalog.
pub struct PlanContext<'a> {
    catalog: &'a Catalog,
    config: ConfigOptions,
    expressions: Vec<Arc<dyn ExprPlanner>>,
    relations: Vec<Arc<dyn RelationPlanner>>,
    /// Views that were planned already: a view may be read in many places.
    views: RefCell<HashMap<ObjectPath, LogicalPlan>>,
    /// Views within which a view is being planned.
    depth: Cell<usize>,
}

impl<'a> PlanContext<'a> {
    /// Over a catalog.
    pub fn new(catalog: &'a Catalog) -> Self {
        Self {
            catalog,
            config: ConfigOptions::default(),
            expressions: vec![Arc::new(FlinkExpressions)],
            relations: vec![Arc::new(FlinkRelations)],
            views: RefCell::default(),
            depth: Cell::default(),
        }
    }

    /// Plans in the runtime mode of a session, and with its strategy of telling results.
    pub fn in_mode(mut self, options: &SessionOptions) -> Self {
        let batch = options.batch();
        self.config.extensions.insert(Mode { batch, emit: if batch { Ok(None) } else { options.emit() } });
        self
    }

    fn batch(&self) -> bool {
        in_batch(&self.config)
    }

    /// Plans a query as it is written; no rule has seen it yet.
    pub fn query(&self, query: &ast::Query) -> SqlResult<LogicalPlan> {
        let mut query = query.clone();
        super::deep::flatten(&mut query)?;
        super::select::settle(&mut query, self)?;
        self.settled(query)
    }

    /// Plans a query whose stars are settled.
    pub(super) fn settled(&self, mut query: ast::Query) -> SqlResult<LogicalPlan> {
        super::set_operations::rewrite(&mut query);
        let _ = walk_query(&mut query, &mut super::list_calls::ListCalls);
        let _ = walk_query(&mut query, &mut super::casts::CurrentDatabase(&self.catalog.current_database));
        super::legacy::rewrite(&mut query)?;
        super::row_in::rewrite(&mut query)?;
        super::windows::settle(&mut query, self.batch())?;
        normalize(&mut query);
        let _ = walk_query(&mut query, &mut super::casts::CastCalls);
        super::values::rewrite(&mut query, self);
        let planner = SqlToRel::new_with_options(self, parser_options());
        let plan = planner.sql_statement_to_plan(ast::Statement::Query(Box::new(query)))?;
        super::size::check(&plan)?;
        super::conditions::check(&plan)?;
        if !self.batch() {
            crate::stream::check_windows(&plan)?;
        }
        let plan = super::sub_queries::single_values(super::unions::coerce(plan)?)?;
        Ok(super::rewrite::flink_expressions(plan)?)
    }

    /// Plans an expression over columns.
    pub fn expression(&self, expr: &ast::Expr, schema: &DFSchema) -> SqlResult<Expr> {
        self.expression_within(expr, schema, &[])
    }

    /// Plans an expression over columns, within queries over `outer` columns, the outermost first.
    pub(super) fn expression_within(&self, expr: &ast::Expr, schema: &DFSchema, outer: &[DFSchemaRef]) -> SqlResult<Expr> {
        let mut expr = expr.clone();
        super::deep::flatten_expr(&mut expr)?;
        let _ = walk_expr(&mut expr, &mut super::list_calls::ListCalls);
        let _ = walk_expr(&mut expr, &mut super::casts::CurrentDatabase(&self.catalog.current_database));
        normalize_expr(&mut expr);
        let _ = walk_expr(&mut expr, &mut super::casts::CastCalls);
        let planner = SqlToRel::new_with_options(self, parser_options());
        let mut context = PlannerContext::new();
        outer.iter().for_each(|columns| context.append_outer_query_schema(columns.clone()));
        let planned = planner.sql_to_expr(expr, schema, &mut context)?;
        super::conditions::check_expression(&planned, schema)?;
        Ok(super::rewrite::flink_expression(planned, schema)?)
    }
}

impl PlanContext<'_> {
    /// The function of a catalog that a name means.
    fn named(&self, name: &str) -> Option<&Planned> {
        let parts: Vec<&str> = name.split('.').map(|part| part.trim_matches('`')).collect();
        self.catalog.functions.named(&self.catalog.path(&parts).ok()?)
    }

    /// The plan of a view.
    fn view(&self, view: &View) -> Result<LogicalPlan> {
        if let Some(known) = self.views.borrow().get(&view.path) {
            return Ok(known.clone());
        }
        let depth = self.depth.get() + 1;
        if depth > VIEWS_NESTED_MAX {
            let error = SqlError::new(format!("views read each other more than {VIEWS_NESTED_MAX} levels deep"));
            return Err(error.about(&view.path.name).into());
        }
        self.depth.set(depth);
        let planned = self.query(&view.query.query);
        self.depth.set(depth - 1);
        let plan = planned.map_err(|e| {
            let mut e = SqlError { span: None, place: None, others: vec![], word: Some(view.path.name.clone()), ..e };
            // The innermost view is to blame.
            if !e.message.starts_with("view") {
                e.message = format!("view '{}': {}", view.path.name, e.message);
            }
            e
        })?;
        let plan = super::rename_columns(plan, &view.columns)?;
        self.views.borrow_mut().insert(view.path.clone(), plan.clone());
        Ok(plan)
    }
}

fn brings_changes(table: &Table) -> SqlError {
    let name = &table.path.name;
    SqlError::new(format!("table '{name}' brings changes of rows, and batch mode reads tables of new rows only"))
        .about(name)
        .help(TO_STREAMING)
}

fn parser_options() -> ParserOptions {
    ParserOptions {
        parse_float_as_decimal: true,
        enable_ident_normalization: false,
        map_string_types_to_utf8view: false,
        default_null_ordering: NullOrdering::NullsMin,
        ..ParserOptions::new()
    }
}

impl ContextProvider for PlanContext<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        let parts: Vec<&str> = match &name {
            TableReference::Bare { table } => vec![table],
            TableReference::Partial { schema, table } => vec![schema, table],
            TableReference::Full { catalog, schema, table } => vec![catalog, schema, table],
        };
        let path = self.catalog.path(&parts)?;
        match self.catalog.find(&path)? {
            Object::Table(table) => {
                if self.batch() && table.source_mode != SourceMode::AppendOnly {
                    return Err(brings_changes(&table).into());
                }
                let table = FlinkTable::new(table, BTreeMap::new());
                Ok(Arc::new(if self.batch() { table.without_event_time() } else { table }))
            }
            Object::View(view) => Ok(Arc::new(FlinkView { plan: self.view(&view)? })),
        }
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.expressions
    }
    fn get_relation_planners(&self) -> &[Arc<dyn RelationPlanner>] {
        &self.relations
    }
    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::new(FlinkTypes))
    }
    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        let (asked, of_table) = Registry::asked(name);
        let own = |found: Option<&Planned>| found.and_then(|f| f.scalar(of_table));
        let built_in = || scalar_function(&name.to_ascii_lowercase());
        let made_up =
            super::casts::cast_function(name).or_else(|| super::deep::part_function(name)).or_else(|| super::chain::chain_function(name));
        let system = made_up.or_else(|| own(self.catalog.functions.system(asked)));
        system.or_else(built_in).or_else(|| own(self.named(asked)))
    }
    fn get_higher_order_meta(&self, _: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }
    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        let own = |found: Option<&Planned>| found.and_then(Planned::aggregate);
        let built_in = || FUNCTIONS.aggregate.get(&name.to_ascii_lowercase()).cloned();
        own(self.catalog.functions.system(name)).or_else(built_in).or_else(|| own(self.named(name)))
    }
    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        super::window_functions::window_function(&name.to_ascii_lowercase())
    }
    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }
    fn options(&self) -> &ConfigOptions {
        &self.config
    }
    fn udf_names(&self) -> Vec<String> {
        FUNCTIONS.scalar.keys().cloned().collect()
    }
    fn higher_order_function_names(&self) -> Vec<String> {
        vec![]
    }
    fn udaf_names(&self) -> Vec<String> {
        FUNCTIONS.aggregate.keys().cloned().collect()
    }
    fn udwf_names(&self) -> Vec<String> {
        vec![]
    }
}

/// Types in expressions: Flink's.
#[derive(Debug)]
struct FlinkTypes;

impl TypePlanner for FlinkTypes {
    fn plan_type_field(&self, sql_type: &ast::DataType) -> Result<Option<FieldRef>> {
        let Some((ty, nullable)) = flink_type_of(sql_type) else { return Ok(None) };
        Ok(Some(Arc::new(ty.to_field("", nullable))))
    }
}
