//! LATERAL: a sub-query that is asked for each row before it. It is made independent of that row and joined; with ORDER BY and LIMIT it
//! is a Top-N per key. A table function of the user in LATERAL TABLE(…) is an UNNEST of the rows that it gives.

use datafusion_common::{DFSchema, Result, TableReference, plan_err};
use datafusion_expr::expr::Exists;
use datafusion_expr::planner::RelationPlannerContext;
use datafusion_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder};
use sqlparser::ast::{
    self, BinaryOperator, Ident, Join, LimitClause, OrderByKind, Query, Select, SelectItem, SetExpr, TableAlias, TableAliasColumnDef,
    TableFactor, WindowType,
};
use std::collections::HashSet;

use super::dependent;
use crate::dialect::{Flow, Pass, parse_expr, parse_query, walk_expr};
use crate::error::{SqlError, SqlResult};
use crate::own::Registry;

/// What errors point at.
const ABOUT: &str = "LATERAL";
/// Names of columns that serve the join only begin so.
const HIDDEN: &str = "$lateral";
/// The name of the place of a row in its Top-N.
const RANK: &str = "$lateral_rank";

/// Whether a relation is lateral, UNNEST aside.
pub fn is_lateral(relation: &TableFactor) -> bool {
    matches!(relation, TableFactor::Derived { lateral: true, .. } | TableFactor::Function { lateral: true, .. })
}

/// Plans `left JOIN LATERAL (SELECT …)`.
pub fn plan_join(left: TableFactor, join: &Join, cx: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let keeps_left = super::unnest::keeps_left(&join.join_operator, ABOUT)?;
    let TableFactor::Derived { subquery, alias, .. } = &join.relation else {
        let rows = rows_of_function(&join.relation, cx)?;
        let left = cx.plan(left)?;
        return super::unnest::plan(left, &rows, keeps_left, cx);
    };
    let kind = if keeps_left { JoinType::Left } else { JoinType::Inner };
    let left = cx.plan(left)?;
    let alias = alias.clone().unwrap_or_else(|| TableAlias { explicit: true, name: quoted(HIDDEN), columns: vec![], at: None });
    let joined = match subquery.limit_clause.is_some() || subquery.fetch.is_some() {
        true => join_top(left, subquery, alias, kind, cx)?,
        false => join_query(left, subquery, alias, kind, cx)?,
    };
    let hidden = |name: &str| name.starts_with(HIDDEN) || name.starts_with(dependent::HIDDEN);
    let shown: Vec<Expr> = joined.schema().columns().into_iter().filter(|c| !hidden(&c.name)).map(Expr::Column).collect();
    LogicalPlanBuilder::from(joined).project(shown)?.build()
}

/// A join with a query without LIMIT. Like Flink, it gives no row for a row without rows of its own, not even for COUNT.
fn join_query(
    left: LogicalPlan,
    query: &Query,
    alias: TableAlias,
    kind: JoinType,
    cx: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    // As a sub-query of an expression it may use the columns before it.
    let exists = ast::Expr::Exists { subquery: Box::new(query.clone()), negated: false };
    let Expr::Exists(Exists { subquery, .. }) = cx.sql_to_expr(exists, left.schema())? else {
        return plan_err!("EXISTS was just written");
    };
    let mut plan = subquery.subquery.as_ref().clone();
    if !alias.columns.is_empty() {
        let names: Vec<String> = alias.columns.iter().map(|c| c.name.value.clone()).collect();
        plan = super::rename_columns(plan, &names)?;
    }
    let mut query = dependent::Independent::of(&left, &plan, 0, ABOUT)?;
    for (outside, _) in &mut query.on {
        *outside = super::rewrite::flink_expression(outside.clone(), left.schema())?;
    }
    query.join(left, kind, &TableReference::bare(alias.name.value))
}

/// A join with the first rows of a query for each key.
fn join_top(
    left: LogicalPlan,
    query: &Query,
    alias: TableAlias,
    kind: JoinType,
    cx: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    let mut query = query.clone();
    let outer = Outer::of(left.schema(), &query);
    let pairs = outer.take_out(&mut query, cx)?;
    let (query, hidden) = ranked(query, &pairs)?;
    let table = TableReference::bare(alias.name.value.clone());
    let right =
        cx.plan(TableFactor::Derived { lateral: false, subquery: Box::new(query), alias: Some(extended(alias, &hidden)), sample: None })?;
    let mut on = vec![];
    for ((of_left, _), name) in pairs.iter().zip(&hidden) {
        let of_left = super::rewrite::flink_expression(cx.sql_to_expr(of_left.clone(), left.schema())?, left.schema())?;
        on.push(of_left.eq(Expr::Column(datafusion_common::Column::new(Some(table.clone()), name))));
    }
    LogicalPlanBuilder::from(left).join_on(right, kind, on)?.build()
}

/// The UNNEST that a table function of the user is.
pub fn rows_of_function(relation: &TableFactor, cx: &dyn RelationPlannerContext) -> SqlResult<TableFactor> {
    let TableFactor::Function { name, args, alias, .. } = relation else { return Err(SqlError::not_yet("LATERAL here").about(ABOUT)) };
    let parts: Vec<String> = name.0.iter().filter_map(|part| part.as_ident().map(|ident| ident.value.clone())).collect();
    let function = Registry::table_name(&parts.join("."));
    if cx.context_provider().get_function_meta(&function).is_none() {
        return Err(refuse_function(relation));
    }
    let value = |arg: &ast::FunctionArg| match arg {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(value)) => Ok(value.clone()),
        _ => Err(SqlError::new("arguments of a table function are values without names").about(parts.join("."))),
    };
    let call = super::casts::call(function, args.iter().map(value).collect::<SqlResult<_>>()?);
    let array_exprs = vec![call];
    Ok(TableFactor::UNNEST { alias: alias.clone(), array_exprs, with_offset: false, with_offset_alias: None, with_ordinality: false })
}

/// What to say of a table function that is not one of the user.
fn refuse_function(relation: &TableFactor) -> SqlError {
    let TableFactor::Function { name, .. } = relation else { return SqlError::not_yet("LATERAL here").about(ABOUT) };
    let called = name.to_string().replace('`', "");
    let built_in = ["ML_PREDICT", "VECTOR_SEARCH", "FROM_CHANGELOG", "TO_CHANGELOG", "SAVEPOINT_METADATA"];
    if built_in.contains(&called.to_ascii_uppercase().as_str()) {
        return SqlError::not_yet(called.to_ascii_uppercase()).about(&called);
    }
    SqlError::new(format!("there is no table function '{called}'"))
        .about(&called)
        .help("CREATE FUNCTION makes one, or the library's Functions; UNNEST takes arrays, maps and multisets apart")
}

/// The tables before the sub-query that it does not hide by tables of its own.
struct Outer {
    tables: HashSet<String>,
}

impl Outer {
    fn of(left: &DFSchema, query: &Query) -> Self {
        let mut tables: HashSet<String> = left.iter().filter_map(|(q, _)| q.map(|q| q.table().to_string())).collect();
        if let SetExpr::Select(select) = query.body.as_ref() {
            let relations =
                select.from.iter().flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|j| &j.relation)));
            for relation in relations {
                let own = match relation {
                    TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => Some(&alias.name),
                    TableFactor::Table { name, .. } => name.0.last().and_then(|part| part.as_ident()),
                    _ => None,
                };
                own.map(|name| tables.remove(&name.value));
            }
        }
        Self { tables }
    }

    /// Whether an expression has columns of the outer tables, and whether it has others.
    fn uses(&self, expr: &ast::Expr) -> (bool, bool) {
        let mut uses = Uses { tables: &self.tables, outer: false, inner: false };
        let _ = walk_expr(&mut expr.clone(), &mut uses);
        (uses.outer, uses.inner)
    }

    /// Takes the comparisons with outer columns out of WHERE: what is compared, outside and inside.
    fn take_out(&self, query: &mut Query, cx: &dyn RelationPlannerContext) -> SqlResult<Vec<(ast::Expr, ast::Expr)>> {
        let not_yet = |what: &str| SqlError::not_yet(format!("LATERAL with {what}")).about(ABOUT);
        let SetExpr::Select(select) = query.body.as_mut() else { return Err(not_yet("a query that is no plain SELECT")) };
        let (mut pairs, mut rest) = (vec![], None);
        for condition in select.selection.take().into_iter().flat_map(conjuncts) {
            match (self.uses(&condition).0, condition) {
                (false, condition) => {
                    rest = Some(match rest.take() {
                        Some(before) => and(before, condition),
                        None => condition,
                    });
                }
                (true, ast::Expr::BinaryOp { left, op: BinaryOperator::Eq, right }) => match (self.uses(&left), self.uses(&right)) {
                    ((true, false), (false, _)) => pairs.push((*left, *right)),
                    ((false, _), (true, false)) => pairs.push((*right, *left)),
                    _ => return Err(not_yet("a condition that mixes its columns and those before it")),
                },
                _ => {
                    return Err(not_yet("a condition other than inner = outer")
                        .help("compare with =, and put other conditions behind the join in WHERE"));
                }
            }
        }
        select.selection = rest;
        let aggregates = |e: &ast::Expr| matches!(e, ast::Expr::Function(f) if f.over.is_none() && cx.context_provider().get_aggregate_meta(&f.name.to_string()).is_some());
        for item in &select.projection {
            let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { continue };
            if self.uses(expr).0 {
                return Err(not_yet("columns from before it in its SELECT").help("compute with them in the outer SELECT"));
            }
            if contains(expr, &aggregates) {
                return Err(not_yet("an aggregate and LIMIT").help("join a query with GROUP BY instead"));
            }
        }
        if has_groups(select) || select.distinct.is_some() {
            return Err(not_yet("GROUP BY or DISTINCT, and LIMIT").help("join a query with GROUP BY instead"));
        }
        Ok(pairs)
    }
}

struct Uses<'a> {
    tables: &'a HashSet<String>,
    outer: bool,
    inner: bool,
}

impl Pass for Uses<'_> {
    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> Flow {
        match expr {
            ast::Expr::Identifier(_) => self.inner = true,
            ast::Expr::CompoundIdentifier(parts) if parts.first().is_some_and(|table| self.tables.contains(&table.value)) => {
                self.outer = true
            }
            ast::Expr::CompoundIdentifier(_) => self.inner = true,
            _ => {}
        }
        Flow::Continue(())
    }
}

struct Finds<'a> {
    what: &'a dyn Fn(&ast::Expr) -> bool,
    found: bool,
}

impl Pass for Finds<'_> {
    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> Flow {
        self.found |= (self.what)(expr);
        Flow::Continue(())
    }
}

fn contains(expr: &ast::Expr, what: &dyn Fn(&ast::Expr) -> bool) -> bool {
    let mut finds = Finds { what, found: false };
    let _ = walk_expr(&mut expr.clone(), &mut finds);
    finds.found
}

fn has_groups(select: &Select) -> bool {
    select.having.is_some() || !matches!(&select.group_by, ast::GroupByExpr::Expressions(keys, _) if keys.is_empty())
}

fn conjuncts(expr: ast::Expr) -> Vec<ast::Expr> {
    match expr {
        ast::Expr::BinaryOp { left, op: BinaryOperator::And, right } => conjuncts(*left).into_iter().chain(conjuncts(*right)).collect(),
        ast::Expr::Nested(inner) => conjuncts(*inner),
        other => vec![other],
    }
}

fn and(left: ast::Expr, right: ast::Expr) -> ast::Expr {
    ast::Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::And, right: Box::new(right) }
}

fn quoted(name: &str) -> Ident {
    Ident::with_quote('`', name)
}

/// The query with its keys as columns, and with LIMIT as a condition on the place of a row among those of its key. Also the names of
/// the columns that it has more.
fn ranked(mut query: Query, pairs: &[(ast::Expr, ast::Expr)]) -> Result<(Query, Vec<String>)> {
    let mut hidden: Vec<String> = (0..pairs.len()).map(|i| format!("{HIDDEN}{i}")).collect();
    let limit = match (query.limit_clause.take(), query.fetch.take()) {
        (None, None) => None,
        (Some(LimitClause::LimitOffset { limit: Some(limit), offset: None, .. }), None) => Some(limit),
        (None, Some(fetch)) => fetch.quantity,
        _ => return Err(SqlError::not_yet("OFFSET in LATERAL").about("OFFSET").into()),
    };
    let order = query.order_by.take();
    let SetExpr::Select(select) = query.body.as_mut() else { return plan_err!("a plain SELECT was just seen") };
    for ((_, key), name) in pairs.iter().zip(&hidden) {
        select.projection.push(SelectItem::ExprWithAlias { expr: key.clone(), alias: quoted(name) });
    }
    let Some(limit) = limit else { return Ok((query, hidden)) };
    let Some(OrderByKind::Expressions(order)) = order.map(|order| order.kind) else {
        return Err(SqlError::new("LIMIT in LATERAL needs ORDER BY: without, which rows come is chance").about("LIMIT").into());
    };
    let mut rank = parse_expr("ROW_NUMBER() OVER (PARTITION BY k ORDER BY o)").map_err(SqlError::from)?;
    if let ast::Expr::Function(ast::Function { over: Some(WindowType::WindowSpec(window)), .. }) = &mut rank {
        window.partition_by = pairs.iter().map(|(_, key)| key.clone()).collect();
        window.order_by = order;
    }
    select.projection.push(SelectItem::ExprWithAlias { expr: rank, alias: quoted(RANK) });
    hidden.push(RANK.to_string());
    let mut outer = parse_query(&format!("SELECT * FROM (SELECT 1) AS `{HIDDEN}` WHERE `{RANK}` <= 1")).map_err(SqlError::from)?;
    if let SetExpr::Select(select) = outer.body.as_mut()
        && let Some(TableFactor::Derived { subquery, .. }) = select.from.first_mut().map(|from| &mut from.relation)
        && let Some(ast::Expr::BinaryOp { right, .. }) = &mut select.selection
    {
        **subquery = query;
        **right = limit;
    }
    Ok((*outer, hidden))
}

/// The alias with names for the columns that came to those it names.
fn extended(mut alias: TableAlias, hidden: &[String]) -> TableAlias {
    if !alias.columns.is_empty() {
        alias.columns.extend(hidden.iter().map(|name| TableAliasColumnDef { name: quoted(name), data_type: None }));
    }
    alias
}
