//! The names that Flink gives to output columns.
//!
//! A column keeps its own name, a path such as `t.r.f` has the name of its last part, an expression is called
//! `EXPR$i` after its place in the `SELECT`, and a name that is there already gets a number: `a`, `a0`, `a1`.
//! Columns of `VALUES` are called `EXPR$0`, `EXPR$1` and so on.
//!
//! Columns behind `*` are not known here, so the place of an expression counts `*` as one column.

use sqlparser::ast::{Expr, Ident, Query, Select, SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor};
use sqlparser::parser::Parser;

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

fn name_select(select: &mut Select) {
    let mut used: Vec<String> = Vec::with_capacity(select.projection.len());
    for (i, item) in select.projection.iter_mut().enumerate() {
        let Some(own) = own_name(item, i) else { continue };
        let name = unused_name(&own, &used);
        give_name(item, &name);
        used.push(name);
    }
}

fn own_name(item: &SelectItem, place: usize) -> Option<String> {
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

fn unused_name(own: &str, used: &[String]) -> String {
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
    let Some(mut frame) = select_all_frame() else { return };
    if let SetExpr::Select(select) = frame.body.as_mut()
        && let Some(from) = select.from.first_mut()
        && let TableFactor::Derived { subquery, alias, .. } = &mut from.relation
    {
        std::mem::swap(query, subquery);
        *alias = Some(values_alias(columns));
        *query = *frame;
    }
}

fn select_all_frame() -> Option<Box<Query>> {
    Parser::new(&FlinkDialect).try_with_sql("SELECT * FROM (SELECT 1) AS t").ok()?.parse_query().ok()
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
