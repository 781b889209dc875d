//! The names that Flink gives to output columns.
//!
//! A column keeps its own name, a path such as `t.r.f` has the name of its last part, an expression is called
//! `EXPR$i` after its place in the `SELECT` (where rows are grouped, after the number of different names before it), and a name
//! that is there already gets a number: `a`, `a0`, `a1`.
//! Columns of `VALUES` are called `EXPR$0`, `EXPR$1` and so on.
//!
//! A `*` beside other columns is written out before, by the planner.

use sqlparser::ast::{Expr, GroupByExpr, Ident, Query, Select, SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor};
use sqlparser::parser::Parser;

use std::ops::ControlFlow;
use std::sync::LazyLock;

use super::hooks::FlinkDialect;

/// Alias of a `VALUES` that has none.
const VALUES_ALIAS: &str = "$values";

/// Names the columns of a query's `SELECT`s, not of the queries inside them.
pub(super) fn name_query(query: &mut Query) {
    name_body(&mut query.body);
    for cte in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
        if let Some(columns) = values_columns(&cte.query)
            && cte.alias.columns.is_empty()
        {
            cte.alias.columns = columns;
        }
    }
}

fn name_body(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => name_select(select),
        SetExpr::SetOperation { left, right, .. } => {
            name_body(left);
            name_body(right);
        }
        _ => {}
    }
}

/// Names the columns of a SELECT.
pub(crate) fn name_select(select: &mut Select) {
    let mut used: Vec<String> = Vec::with_capacity(select.projection.len());
    let mut different: Vec<String> = Vec::with_capacity(select.projection.len());
    let groups = groups(select);
    for (i, item) in select.projection.iter_mut().enumerate() {
        let Some(own) = own_name(item, if groups { different.len() } else { i }) else { continue };
        let name = unused_name(&own, &used);
        give_name(item, &name);
        used.push(name);
        if !different.contains(&own) {
            different.push(own);
        }
    }
}

/// Whether a SELECT aggregates.
fn groups(select: &Select) -> bool {
    let keys = !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    let aggregates = |item: &SelectItem| {
        let found = sqlparser::ast::visit_expressions(item, |e| match e {
            Expr::Function(f) if f.over.is_none() && is_aggregate(&f.name.to_string()) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        found.is_break()
    };
    keys || select.having.is_some() || select.projection.iter().any(aggregates)
}

fn is_aggregate(name: &str) -> bool {
    crate::planner::aggregates::AGGREGATES.iter().any(|(aggregate, ..)| aggregate.eq_ignore_ascii_case(name))
}

/// The name of a column before it is made unique; `place` is the number that it has if it is called after its place.
pub(crate) fn own_name(item: &SelectItem, place: usize) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(expr) => Some(match without_parentheses(expr) {
            Expr::Identifier(name) => name.value.clone(),
            Expr::CompoundIdentifier(path) => path.last().map(|name| name.value.clone()).unwrap_or_default(),
            _ => format!("EXPR${place}"),
        }),
        _ => None,
    }
}

fn without_parentheses(mut expr: &Expr) -> &Expr {
    while let Expr::Nested(inner) = expr {
        expr = inner;
    }
    expr
}

/// The name, or one with a number that is not used.
pub(crate) fn unused_name(own: &str, used: &[String]) -> String {
    let is_used = |name: &str| used.iter().any(|u| u == name);
    let mut name = own.to_string();
    let mut attempt = 0;
    while is_used(&name) {
        name = format!("{own}{attempt}");
        attempt += 1;
    }
    name
}

fn give_name(item: &mut SelectItem, name: &str) {
    match item {
        SelectItem::ExprWithAlias { alias, .. } if alias.value != name => alias.value = name.to_string(),
        SelectItem::UnnamedExpr(Expr::Identifier(own)) if own.value == name => {}
        SelectItem::UnnamedExpr(expr) => {
            let alias = Ident::with_quote('`', name);
            let expr = std::mem::replace(expr, Expr::Identifier(Ident::new("")));
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
        _ => {}
    }
}

/// Names the columns of `(VALUES ...)` in a `FROM` clause.
pub(super) fn name_table_factor(factor: &mut TableFactor) {
    let TableFactor::Derived { subquery, alias, .. } = factor else { return };
    let Some(columns) = values_columns(subquery) else { return };
    match alias {
        Some(alias) if alias.columns.is_empty() => alias.columns = columns,
        Some(_) => {}
        None => *alias = Some(values_alias(columns)),
    }
}

/// Turns a query that is only `VALUES ...` into `SELECT * FROM (VALUES ...) AS $values(EXPR$0, ...)`.
pub(super) fn wrap_values(query: &mut Query) {
    let Some(columns) = values_columns(query) else { return };
    let mut frame = Box::new(select_all());
    if let SetExpr::Select(select) = frame.body.as_mut()
        && let Some(from) = select.from.first_mut()
        && let TableFactor::Derived { subquery, alias, .. } = &mut from.relation
    {
        std::mem::swap(query, subquery);
        *alias = Some(values_alias(columns));
        *query = *frame;
    }
}

/// `SELECT * FROM (SELECT 1) AS t`, to be given another FROM.
pub(crate) fn select_all() -> Query {
    static FRAME: LazyLock<Option<Query>> = LazyLock::new(|| {
        let parsed = Parser::new(&FlinkDialect).try_with_sql("SELECT * FROM (SELECT 1) AS t").ok()?.parse_query();
        parsed.ok().map(|query| *query)
    });
    FRAME.clone().unwrap_or_else(|| unreachable!("a text that is written here parses"))
}

fn values_columns(query: &Query) -> Option<Vec<TableAliasColumnDef>> {
    let mut body = query.body.as_ref();
    while let SetExpr::Query(inner) = body {
        body = &inner.body;
    }
    let SetExpr::Values(values) = body else { return None };
    let width = values.rows.first()?.len();
    let column = |i| TableAliasColumnDef { name: Ident::with_quote('`', format!("EXPR${i}")), data_type: None };
    Some((0..width).map(column).collect())
}

fn values_alias(columns: Vec<TableAliasColumnDef>) -> TableAlias {
    TableAlias { explicit: true, name: Ident::with_quote('`', VALUES_ALIAS), columns, at: None }
}
