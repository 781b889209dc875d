//! What is wrong with a query that could not be planned, and where.
//!
//! DataFusion stops at the first thing that it dislikes and does not know its place. So when it has failed, the query is gone through
//! once more, innermost parts first: every expression is planned by itself over the columns of its FROM, and of one that fails
//! the smallest part that fails is the culprit. This costs nothing while queries are right.

mod words;

use arrow::datatypes::DataType;
use datafusion_common::{DFSchema, DFSchemaRef};
use datafusion_expr::{EmptyRelation, LogicalPlan, Projection};
use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    Cte, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Join, JoinConstraint, JoinOperator, OrderByKind, Query,
    Select, SelectItem, SetExpr, TableFactor, TableWithJoins, Values, WindowType, With,
};
use std::sync::Arc;

use super::context::PlanContext;
use super::{legacy, select, unnest};
use crate::dialect::names;
use crate::error::{SqlError, SqlResult};
use crate::place::Place;

/// The errors of a query that failed with `error`: the first one, which holds the others. `complete` takes a plan through the
/// later steps, which find errors too.
pub fn blame(query: &Query, context: &PlanContext<'_>, complete: &dyn Fn(LogicalPlan) -> SqlResult<()>, error: SqlError) -> SqlError {
    let recursive = query.with.as_ref().is_some_and(|w| w.recursive);
    if error.place.is_some() || error.span.is_some() || recursive || super::deep::is_deep(query) {
        return error;
    }
    let mut query = query.clone();
    if legacy::rewrite(&mut query).is_err() {
        return error;
    }
    let mut blame = Blame { context, complete, depth: 0, found: vec![] };
    blame.query(&query, &[], &[]);
    let mut found = blame.found.into_iter();
    match found.next() {
        Some(first) => SqlError { others: found.collect(), ..first },
        None => words::reworded(error),
    }
}

struct Blame<'a, 'b> {
    context: &'a PlanContext<'b>,
    complete: &'a dyn Fn(LogicalPlan) -> SqlResult<()>,
    /// How many queries are around the one that is looked at.
    depth: usize,
    found: Vec<SqlError>,
}

/// What names mean in an expression.
#[derive(Clone)]
pub(super) struct Scope {
    /// The columns of FROM.
    columns: DFSchemaRef,
    /// Those of the queries around, the outermost first.
    outer: Vec<DFSchemaRef>,
    /// USING makes one column of two, which only the whole plan knows.
    merged: bool,
}

impl Scope {
    fn inner(&self) -> Vec<DFSchemaRef> {
        self.outer.iter().chain([&self.columns]).cloned().collect()
    }
}

impl Blame<'_, '_> {
    fn query(&mut self, query: &Query, outer: &[DFSchemaRef], ctes: &[Cte]) {
        self.depth += 1;
        self.parts_of_query(query, outer, ctes);
        self.depth -= 1;
    }

    fn parts_of_query(&mut self, query: &Query, outer: &[DFSchemaRef], ctes: &[Cte]) {
        let before = self.found.len();
        let mut ctes = ctes.to_vec();
        for cte in query.with.iter().filter(|w| !w.recursive).flat_map(|w| &w.cte_tables) {
            self.query(&cte.query, outer, &ctes);
            ctes.retain(|c| c.alias.name.value != cte.alias.name.value);
            ctes.push(cte.clone());
        }
        if self.found.len() > before {
            return; // what is built upon it would only fail again
        }
        self.body(&query.body, outer, &ctes);
        if self.found.len() > before {
            return;
        }
        let whole = Query { with: with(&ctes), ..query.clone() };
        let planned = match (outer, self.depth) {
            ([], 1) => self.context.query(&whole).and_then(self.complete),
            // What is refused of a query alone may be fine within another one: a ROW_NUMBER that is filtered there.
            ([], _) => self.context.query(&whole).and_then(super::coerce_types).map(drop),
            _ => Ok(()),
        };
        if let Err(error) = planned {
            self.order(query, outer, &ctes);
            if self.found.len() == before {
                self.found.push(words::of_query(query, error));
            }
        }
    }

    fn body(&mut self, body: &SetExpr, outer: &[DFSchemaRef], ctes: &[Cte]) {
        match body {
            SetExpr::Select(select) => drop(self.select(select, outer, ctes)),
            SetExpr::Query(query) => self.query(query, outer, ctes),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left, outer, ctes);
                self.body(right, outer, ctes);
            }
            SetExpr::Values(values) => self.values(values, outer),
            _ => {}
        }
    }

    fn select(&mut self, select: &Select, outer: &[DFSchemaRef], ctes: &[Cte]) -> Option<Scope> {
        let before = self.found.len();
        let mut from = select.from.clone();
        for table in &from {
            self.relation(&table.relation, ctes);
            table.joins.iter().for_each(|j| self.relation(&j.relation, ctes));
        }
        if self.found.len() > before {
            return None;
        }
        unnest::fold(&mut from);
        let merged =
            from.iter().flat_map(|t| &t.joins).any(|j| matches!(constraint(j), Some(JoinConstraint::Using(_) | JoinConstraint::Natural)));
        let columns = self.columns(&from, ctes).or_else(|_| self.columns(&without_conditions(&from), ctes)).ok()?;
        let scope = Scope { columns, outer: outer.to_vec(), merged };
        for join in select.from.iter().flat_map(|t| &t.joins) {
            self.join(join, select, &scope, ctes);
        }
        if let Some(condition) = &select.selection {
            self.condition(condition, "WHERE", &scope, ctes);
        }
        for item in &select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                self.expr(expr, &scope, ctes);
            }
        }
        if let GroupByExpr::Expressions(keys, _) = &select.group_by {
            keys.iter().flat_map(group_keys).for_each(|key| drop(self.expr(key, &scope, ctes)));
        }
        if let Some(condition) = &select.having {
            self.condition(condition, "HAVING", &scope, ctes);
        }
        Some(scope)
    }

    /// Keys of ORDER BY, over the result and over what it was made of.
    fn order(&mut self, query: &Query, outer: &[DFSchemaRef], ctes: &[Cte]) {
        let (SetExpr::Select(select), Some(order)) = (query.body.as_ref(), &query.order_by) else { return };
        let OrderByKind::Expressions(keys) = &order.kind else { return };
        let result = Query { order_by: None, limit_clause: None, fetch: None, with: with(ctes), ..query.clone() };
        let (Ok(result), Some(from)) = (self.context.query(&result), self.select(select, outer, ctes)) else { return };
        for key in keys {
            let over_result = Scope { columns: result.schema().clone(), ..from.clone() };
            if self.test(&key.expr, &over_result).is_err() {
                self.expr(&key.expr, &from, ctes);
            }
        }
    }

    fn relation(&mut self, relation: &TableFactor, ctes: &[Cte]) {
        match relation {
            TableFactor::Derived { lateral: false, subquery, .. } => self.query(subquery, &[], ctes),
            TableFactor::NestedJoin { table_with_joins, .. } => {
                self.relation(&table_with_joins.relation, ctes);
                table_with_joins.joins.iter().for_each(|j| self.relation(&j.relation, ctes));
            }
            TableFactor::Table { version: None, .. } | TableFactor::TableFunction { .. } => {
                let alone = TableWithJoins { relation: relation.clone(), joins: vec![] };
                if let Err(error) = self.columns(&[alone], ctes) {
                    self.found.push(words::of_relation(relation, error));
                }
            }
            _ => {}
        }
    }

    fn join(&mut self, join: &Join, select: &Select, scope: &Scope, ctes: &[Cte]) {
        match constraint(join) {
            Some(JoinConstraint::On(condition)) => self.condition(condition, "ON", scope, ctes),
            Some(JoinConstraint::Using(names)) => {
                // Each side must have the column; of several joins the left side is all that stands before.
                let left = without_conditions(&left_of(join, select));
                let right = [TableWithJoins { relation: join.relation.clone(), joins: vec![] }];
                for name in names.iter().filter_map(|n| n.0.last()?.as_ident()) {
                    for side in [left.as_slice(), &right] {
                        if let Ok(columns) = self.columns(side, ctes)
                            && columns.fields().iter().all(|f| *f.name() != name.value)
                        {
                            self.found.push(words::not_on_both_sides(name, &columns));
                            break;
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn condition(&mut self, condition: &Expr, clause: &str, scope: &Scope, ctes: &[Cte]) {
        if let Some(data_type) = self.expr(condition, scope, ctes)
            && !matches!(data_type, DataType::Boolean | DataType::Null)
        {
            self.found.push(words::no_condition(condition, clause, &data_type));
        }
    }

    /// The type of an expression; if it has none, the smallest of its parts that has none is noted.
    fn expr(&mut self, expr: &Expr, scope: &Scope, ctes: &[Cte]) -> Option<DataType> {
        let error = match self.test(expr, scope) {
            Ok(data_type) => return Some(data_type),
            Err(error) => error,
        };
        let before = self.found.len();
        let (parts, queries) = parts(expr);
        let types: Vec<Option<DataType>> = parts.iter().map(|part| self.expr(part, scope, ctes)).collect();
        queries.iter().for_each(|query| self.query(query, &scope.inner(), ctes));
        let excused = (scope.merged && error.message.contains("ambiguous")) || needs_select(expr);
        if self.found.len() == before && !excused {
            self.found.push(words::of_expression(expr, &types, scope, error));
        }
        None
    }

    fn test(&self, expr: &Expr, scope: &Scope) -> SqlResult<DataType> {
        let expr = self.context.expression_within(expr, &scope.columns, &scope.outer)?;
        let input = LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: scope.columns.clone() });
        let plan = LogicalPlan::Projection(Projection::try_new(vec![expr.alias("value")], Arc::new(input))?);
        let plan = super::coerce_types(plan)?;
        Ok(plan.schema().field(0).data_type().clone())
    }

    fn values(&mut self, values: &Values, outer: &[DFSchemaRef]) {
        let scope = Scope { columns: Arc::new(DFSchema::empty()), outer: outer.to_vec(), merged: false };
        let mut common: Vec<DataType> = vec![];
        for (i, row) in values.rows.iter().enumerate() {
            let row: &[Expr] = row;
            if i > 0 && row.len() != common.len() {
                self.found.push(words::uneven_values(row, common.len()));
                continue;
            }
            for (place, cell) in row.iter().enumerate() {
                let Some(data_type) = self.expr(cell, &scope, &[]) else { continue };
                let Some(before) = common.get_mut(place) else {
                    common.push(data_type);
                    continue;
                };
                match crate::functions::types::common_type(&[before.clone(), data_type.clone()]) {
                    Some(wider) => *before = wider,
                    None => self.found.push(words::mixed_values(cell, place, before, &data_type)),
                }
            }
        }
    }

    /// The columns of FROM, each under its table; none without FROM.
    fn columns(&self, from: &[TableWithJoins], ctes: &[Cte]) -> SqlResult<DFSchemaRef> {
        if from.is_empty() {
            return Ok(Arc::new(DFSchema::empty()));
        }
        let mut query = names::select_all();
        if let SetExpr::Select(select) = query.body.as_mut() {
            select.from = from.to_vec();
        }
        query.with = with(ctes);
        select::settle(&mut query, self.context)?;
        Ok(match self.context.settled(query)? {
            LogicalPlan::Projection(star) => star.input.schema().clone(),
            plan => plan.schema().clone(),
        })
    }
}

fn with(ctes: &[Cte]) -> Option<With> {
    (!ctes.is_empty()).then(|| With { with_token: AttachedToken::empty(), recursive: false, cte_tables: ctes.to_vec() })
}

fn constraint(join: &Join) -> Option<&JoinConstraint> {
    use JoinOperator as J;
    match &join.join_operator {
        J::Join(c) | J::Inner(c) | J::Left(c) | J::LeftOuter(c) | J::Right(c) | J::RightOuter(c) | J::FullOuter(c) => Some(c),
        _ => None,
    }
}

/// The tables alone, so that their columns are known when a condition is wrong.
fn without_conditions(from: &[TableWithJoins]) -> Vec<TableWithJoins> {
    let bare = |join: &Join| Join { join_operator: JoinOperator::CrossJoin(JoinConstraint::None), ..join.clone() };
    from.iter().map(|t| TableWithJoins { relation: t.relation.clone(), joins: t.joins.iter().map(bare).collect() }).collect()
}

/// What stands before a join.
fn left_of(join: &Join, select: &Select) -> Vec<TableWithJoins> {
    let table = select.from.iter().find(|t| t.joins.iter().any(|j| std::ptr::eq(j, join)));
    let before = |t: &TableWithJoins| TableWithJoins {
        relation: t.relation.clone(),
        joins: t.joins.iter().take_while(|j| !std::ptr::eq(*j, join)).cloned().collect(),
    };
    table.map(before).into_iter().collect()
}

/// A key of GROUP BY, or those within ROLLUP and the like.
fn group_keys(key: &Expr) -> Vec<&Expr> {
    match key {
        Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => sets.iter().flatten().collect(),
        Expr::Tuple(keys) => keys.iter().collect(),
        key => vec![key],
    }
}

/// The expressions and the queries that an expression is made of.
fn parts(expr: &Expr) -> (Vec<&Expr>, Vec<&Query>) {
    let mut queries: Vec<&Query> = vec![];
    let parts: Vec<&Expr> = match expr {
        Expr::BinaryOp { left, right, .. } | Expr::AnyOp { left, right, .. } | Expr::AllOp { left, right, .. } => vec![left, right],
        Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => vec![left, right],
        Expr::UnaryOp { expr, .. } | Expr::Nested(expr) | Expr::Cast { expr, .. } | Expr::Ceil { expr, .. } | Expr::Floor { expr, .. } => {
            vec![expr]
        }
        Expr::IsNull(e) | Expr::IsNotNull(e) | Expr::IsTrue(e) | Expr::IsNotTrue(e) | Expr::IsFalse(e) | Expr::IsNotFalse(e) => vec![e],
        Expr::Like { expr, pattern, .. } | Expr::SimilarTo { expr, pattern, .. } => vec![expr, pattern],
        Expr::Between { expr, low, high, .. } => vec![expr, low, high],
        Expr::InList { expr, list, .. } => std::iter::once(expr.as_ref()).chain(list).collect(),
        Expr::InSubquery { expr, subquery, .. } => {
            queries.push(subquery);
            vec![expr]
        }
        Expr::Subquery(query) | Expr::Exists { subquery: query, .. } => {
            queries.push(query);
            vec![]
        }
        Expr::Case { operand, conditions, else_result, .. } => {
            let branches = conditions.iter().flat_map(|when| [&when.condition, &when.result]);
            operand.iter().map(AsRef::as_ref).chain(branches).chain(else_result.iter().map(AsRef::as_ref)).collect()
        }
        Expr::CompoundFieldAccess { root, .. } => vec![root],
        Expr::Tuple(parts) => parts.iter().collect(),
        Expr::Array(array) => array.elem.iter().collect(),
        Expr::Function(f) => {
            let mut parts = arguments(&f.args);
            parts.extend(f.filter.iter().map(AsRef::as_ref));
            if let Some(WindowType::WindowSpec(spec)) = &f.over {
                parts.extend(spec.partition_by.iter().chain(spec.order_by.iter().map(|key| &key.expr)));
            }
            parts
        }
        _ => vec![],
    };
    (parts, queries)
}

/// Whether an expression has a meaning only within its SELECT: a window of WINDOW, GROUP_ID().
fn needs_select(expr: &Expr) -> bool {
    let itself = match expr {
        Expr::Function(f) => matches!(f.over, Some(WindowType::NamedWindow(_))) || f.name.to_string().eq_ignore_ascii_case("GROUP_ID"),
        _ => false,
    };
    itself || parts(expr).0.into_iter().any(needs_select)
}

/// The arguments of a call that are expressions.
fn arguments(args: &FunctionArguments) -> Vec<&Expr> {
    let FunctionArguments::List(list) = args else { return vec![] };
    fn one(arg: &FunctionArg) -> Option<&Expr> {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) | FunctionArg::Named { arg: FunctionArgExpr::Expr(e), .. } => Some(e),
            _ => None,
        }
    }
    list.args.iter().filter_map(one).collect()
}

/// The place of the first sub-query that is a value, IN or EXISTS within a SELECT.
fn sub_query(query: &Query) -> Option<Place> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    fn within(expr: &Expr) -> Option<Place> {
        let (parts, queries) = parts(expr);
        let own = queries.first().and_then(|q| Place::exactly(sqlparser::ast::Spanned::span(*q)));
        own.or_else(|| parts.into_iter().find_map(within))
    }
    let items = select.projection.iter().filter_map(|item| match item {
        SelectItem::UnnamedExpr(e) | SelectItem::ExprWithAlias { expr: e, .. } => Some(e),
        _ => None,
    });
    items.chain(&select.having).chain(&select.selection).find_map(within)
}
