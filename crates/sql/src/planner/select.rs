//! What of a SELECT depends on the columns of its FROM, settled before the query is planned: `*` and `t.*` written out where
//! Flink's names of the other columns depend on them, `t.r.*` as the fields of a ROW, and the aliases that GROUP BY and HAVING
//! cannot see.

use arrow::datatypes::{DataType, FieldRef, Fields};
use datafusion_common::{DFSchema, TableReference};
use sqlparser::ast::{
    Cte, Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, ObjectName, Query, Select, SelectItem, SelectItemQualifiedWildcardKind,
    SetExpr, Spanned, TableAlias, TableFactor, TableWithJoins, With,
};
use sqlparser::tokenizer::Span;
use std::ops::ControlFlow;

use super::context::PlanContext;
use super::{temporal, unnest};
use crate::dialect::names;
use crate::error::{SqlError, SqlResult};
use crate::place::Place;

/// Names of queries in FROM that have none begin so.
pub const UNNAMED: &str = "$query";

/// Settles all SELECTs of a query, those of its CTEs and of FROM included.
pub fn settle(query: &mut Query, context: &PlanContext<'_>) -> SqlResult<()> {
    Settle { context }.query(query, &[])
}

struct Settle<'a, 'b> {
    context: &'a PlanContext<'b>,
}

impl Settle<'_, '_> {
    /// `ctes`: those that the query sees, settled.
    fn query(&self, query: &mut Query, ctes: &[Cte]) -> SqlResult<()> {
        let mut ctes = ctes.to_vec();
        if query.with.as_ref().is_some_and(|w| w.recursive) {
            return Err(SqlError::not_yet("WITH RECURSIVE").about("RECURSIVE"));
        }
        if let Some(with) = query.with.as_mut().filter(|w| !w.recursive) {
            for cte in &mut with.cte_tables {
                self.query(&mut cte.query, &ctes)?;
                if cte.alias.columns.is_empty() {
                    check_different(&cte.query, &cte.alias.name.value)?;
                }
                ctes.retain(|c| c.alias.name.value != cte.alias.name.value);
                ctes.push(cte.clone());
            }
        }
        self.body(&mut query.body, &ctes)
    }

    fn body(&self, body: &mut SetExpr, ctes: &[Cte]) -> SqlResult<()> {
        match body {
            SetExpr::Select(select) => self.select(select, ctes),
            SetExpr::Query(query) => self.query(query, ctes),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left, ctes)?;
                self.body(right, ctes)
            }
            _ => Ok(()),
        }
    }

    fn select(&self, select: &mut Select, ctes: &[Cte]) -> SqlResult<()> {
        temporal::place_hints(select)?;
        let names: Vec<String> = ctes.iter().map(|c| c.alias.name.value.clone()).collect();
        super::ttl::settle(select, &names)?;
        unnest::fold(&mut select.from);
        name_queries(&mut select.from);
        for table in &mut select.from {
            self.joined(table, ctes)?;
        }
        if needs_columns(select) {
            let columns = self.columns(&select.from, ctes)?;
            select.projection = written_out(std::mem::take(&mut select.projection), &columns)?;
        }
        let hidden = hidden_aliases(select);
        if !hidden.is_empty() {
            let columns = self.columns(&select.from, ctes)?;
            if let Some(name) = hidden.iter().find(|n| columns.fields().iter().all(|f| f.name() != &n.value)) {
                let place = Place::exactly(name.span);
                let error = SqlError::new(format!("column '{}' not found in any table", name.value)).about(&name.value).placed(place);
                return Err(error.help("it is an alias of SELECT, which GROUP BY and HAVING do not see: write its expression"));
            }
        }
        Ok(())
    }

    fn relation(&self, relation: &mut TableFactor, ctes: &[Cte]) -> SqlResult<()> {
        match relation {
            TableFactor::Derived { subquery, .. } => self.query(subquery, ctes),
            TableFactor::MatchRecognize { table, .. } => self.relation(table, ctes),
            TableFactor::NestedJoin { table_with_joins, .. } => self.joined(table_with_joins, ctes),
            _ => Ok(()),
        }
    }

    fn joined(&self, table: &mut TableWithJoins, ctes: &[Cte]) -> SqlResult<()> {
        self.relation(&mut table.relation, ctes)?;
        for join in &mut table.joins {
            if let Some(word) = without_condition(&join.join_operator) {
                let error = SqlError::new(format!("{word} needs a condition")).about("JOIN").placed(Place::exactly(join.relation.span()));
                return Err(error.help("write ON a = b or USING (column) behind it, or NATURAL before it; CROSS JOIN has none"));
            }
            self.relation(&mut join.relation, ctes)?;
        }
        Ok(())
    }

    /// What `SELECT * FROM from` gives.
    fn columns(&self, from: &[TableWithJoins], ctes: &[Cte]) -> SqlResult<DFSchema> {
        let mut query = names::select_all();
        if let SetExpr::Select(select) = query.body.as_mut() {
            select.from = from.to_vec();
        }
        if !ctes.is_empty() {
            query.with = Some(With {
                with_token: sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
                recursive: false,
                cte_tables: ctes.to_vec(),
            });
        }
        Ok(self.context.settled(query)?.schema().as_ref().clone())
    }
}

/// Gives the queries of FROM that have no alias one that nobody can write, so that their columns are told apart.
fn name_queries(from: &mut [TableWithJoins]) {
    let several = from.len() > 1 || from.iter().any(|table| !table.joins.is_empty());
    let relations =
        from.iter_mut().flat_map(|table| std::iter::once(&mut table.relation).chain(table.joins.iter_mut().map(|j| &mut j.relation)));
    for (number, relation) in relations.enumerate().filter(|_| several) {
        if let TableFactor::Derived { lateral: false, alias: alias @ None, .. } = relation {
            let name = quoted(&format!("{UNNAMED}{number}"));
            *alias = Some(TableAlias { explicit: true, name, columns: vec![], at: None });
        }
    }
}

/// A join that is written without a condition and needs one.
fn without_condition(join: &JoinOperator) -> Option<&'static str> {
    match join {
        JoinOperator::Join(JoinConstraint::None) | JoinOperator::Inner(JoinConstraint::None) => Some("JOIN"),
        JoinOperator::Left(JoinConstraint::None) | JoinOperator::LeftOuter(JoinConstraint::None) => Some("LEFT JOIN"),
        JoinOperator::Right(JoinConstraint::None) | JoinOperator::RightOuter(JoinConstraint::None) => Some("RIGHT JOIN"),
        JoinOperator::FullOuter(JoinConstraint::None) => Some("FULL JOIN"),
        _ => None,
    }
}

/// The columns of a CTE must have different names of their own.
fn check_different(query: &Query, name: &str) -> SqlResult<()> {
    let SetExpr::Select(select) = query.body.as_ref() else { return Ok(()) };
    let mut seen: Vec<String> = vec![];
    for (place, item) in select.projection.iter().enumerate() {
        let Some(own) = names::own_name(item, place) else { continue };
        if seen.contains(&own) {
            let error = SqlError::new(format!("two columns of '{name}' are called '{own}'")).about(name);
            return Err(error.help(format!("give one of them another name with AS, or write WITH {name} (a, b, …) AS")));
        }
        seen.push(own);
    }
    Ok(())
}

/// A lone `*` over one table means what it says.
fn needs_columns(select: &Select) -> bool {
    match select.projection.as_slice() {
        [SelectItem::Wildcard(_)] => match select.from.as_slice() {
            [one] => !one.joins.is_empty() || matches!(one.relation, TableFactor::NestedJoin { .. }),
            _ => true,
        },
        items => items.iter().any(|i| matches!(i, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))),
    }
}

/// The items with their stars written out, under the names that Flink gives to columns of a star.
fn written_out(items: Vec<SelectItem>, columns: &DFSchema) -> SqlResult<Vec<SelectItem>> {
    let (mut out, mut taken) = (vec![], vec![]);
    for item in items {
        let expanded: Vec<(String, Expr)> = match &item {
            SelectItem::Wildcard(_) => columns.iter().map(|(q, f)| named(columns, q, f)).collect(),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => star_of(name, columns)?,
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), _) => {
                return Err(SqlError::not_yet(format!("({expr}).*")).help("give the ROW a name in a sub-query, then write t.name.*"));
            }
            _ => {
                taken.extend(names::own_name(&item, out.len()).filter(|n| !taken.contains(n)));
                out.push(item);
                continue;
            }
        };
        for (own, expr) in expanded {
            let name = names::unused_name(&own, &taken);
            out.push(match name == own {
                true => SelectItem::UnnamedExpr(expr),
                false => SelectItem::ExprWithAlias { expr, alias: quoted(&name) },
            });
            taken.push(name);
        }
    }
    Ok(out)
}

/// The columns of `t.*`, or the fields of the ROW that the path leads to.
fn star_of(name: &ObjectName, columns: &DFSchema) -> SqlResult<Vec<(String, Expr)>> {
    let path: Vec<&str> = name.0.iter().filter_map(|p| p.as_ident().map(|i| i.value.as_str())).collect();
    let of_table: Vec<_> = columns.iter().filter(|(q, _)| q.is_some_and(|q| is_named(q, &path))).collect();
    if !of_table.is_empty() {
        return Ok(of_table.into_iter().map(|(q, f)| named(columns, q, f)).collect());
    }
    for (qualifier, field) in columns.iter() {
        for skipped in 0..path.len() {
            let (table, rest) = path.split_at(skipped);
            let here = if skipped == 0 { true } else { qualifier.is_some_and(|q| is_named(q, table)) };
            let Some((column, fields)) = rest.split_first().filter(|(c, _)| here && *c == field.name()) else { continue };
            if let Some(children) = row_at(field, fields) {
                let (_, whole) = named(columns, qualifier, field);
                let mut parts = match whole {
                    Expr::CompoundIdentifier(parts) => parts,
                    _ => vec![quoted(column)],
                };
                parts.extend(fields.iter().map(|f| quoted(f)));
                let child =
                    |f: &FieldRef| (f.name().clone(), Expr::CompoundIdentifier(parts.iter().cloned().chain([quoted(f.name())]).collect()));
                return Ok(children.iter().map(child).collect());
            }
            return Err(
                SqlError::new(format!("'{}' is no ROW, so it has no columns for a star", path.join("."))).about(path[path.len() - 1])
            );
        }
    }
    Err(SqlError::new(format!("table '{}' not found in FROM", path.join("."))).about(path[path.len() - 1]))
}

/// The fields of the ROW behind a path of fields.
fn row_at<'a>(field: &'a FieldRef, path: &[&str]) -> Option<&'a Fields> {
    let DataType::Struct(children) = field.data_type() else { return None };
    match path.split_first() {
        None => Some(children),
        Some((name, rest)) => row_at(children.iter().find(|c| c.name() == name)?, rest),
    }
}

/// Whether a table can be called by that path: its name, perhaps with its database before it.
fn is_named(table: &TableReference, path: &[&str]) -> bool {
    let full = table.to_vec();
    full.len() >= path.len() && full[full.len() - path.len()..].iter().zip(path).all(|(a, b)| a == b)
}

/// A column and its name; with its table before it where the name alone would not do.
fn named(columns: &DFSchema, qualifier: Option<&TableReference>, field: &FieldRef) -> (String, Expr) {
    let name = field.name().clone();
    let alone = columns.fields().iter().filter(|f| *f.name() == name).count() == 1;
    let expr = match qualifier.filter(|_| !alone) {
        Some(table) => Expr::CompoundIdentifier(table.to_vec().iter().map(|p| quoted(p)).chain([quoted(&name)]).collect()),
        None => Expr::Identifier(quoted(&name)),
    };
    (name, expr)
}

fn quoted(name: &str) -> Ident {
    Ident { value: name.to_string(), quote_style: Some('`'), span: Span::empty() }
}

/// Names in GROUP BY and HAVING that are aliases of other expressions.
fn hidden_aliases(select: &Select) -> Vec<Ident> {
    let alias = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { expr: Expr::Identifier(own), alias } if own.value == alias.value => None,
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        _ => None,
    };
    let aliases: Vec<String> = select.projection.iter().filter_map(alias).collect();
    let mut found = vec![];
    let mut look = |expr: &Expr| {
        let _ = sqlparser::ast::visit_expressions(expr, |e| {
            if let Expr::Identifier(name) = e
                && aliases.contains(&name.value)
            {
                found.push(name.clone());
            }
            ControlFlow::<()>::Continue(())
        });
    };
    if let GroupByExpr::Expressions(keys, _) = &select.group_by {
        keys.iter().for_each(&mut look);
    }
    select.having.iter().for_each(&mut look);
    found
}
