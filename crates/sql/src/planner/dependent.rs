//! Sub-queries that use columns of the query around them, made independent of it, so that a join can bring both together.
//!
//! A sub-query that only compares its columns with outer ones by `=` gives those columns besides its own, and the join compares them.
//! Any other one is computed for each combination of outer values that there is: those are its domain, and the join finds a row's
//! own by its values (Neumann and Kemper: Unnesting Arbitrary Queries, 2015).

use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, NullEquality, Result, TableReference};
use datafusion_expr::expr_rewriter::NamePreserver;
use datafusion_expr::utils::{conjunction, split_conjunction};
use datafusion_expr::{BinaryExpr, Distinct, Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, Window};

use crate::error::SqlError;

/// Names of the columns that a sub-query gives besides its own begin so.
pub const HIDDEN: &str = "$outer";

/// A sub-query without outer columns.
pub struct Independent {
    /// The sub-query's own columns, and those that the join compares.
    pub plan: LogicalPlan,
    /// What is compared: an expression over the outer query, and the name of a column of the plan.
    pub on: Vec<(Expr, String)>,
    /// Whether NULLs are compared as equal.
    pub nulls_equal: bool,
}

impl Independent {
    /// Of a sub-query of `outer`; `number` tells several of one query apart. Errors point at the word `about`.
    pub fn of(outer: &LogicalPlan, query: &LogicalPlan, number: usize, about: &str) -> Result<Self> {
        if !has_outer(query)? {
            return Ok(Self { plan: query.clone(), on: vec![], nulls_equal: false });
        }
        let prefix = format!("{HIDDEN}{number}_");
        let mut by_keys = Pull { prefix: &prefix, about, domain: None, on: vec![] };
        if let Some(plan) = by_keys.pull(query)? {
            return Ok(Self { plan, on: by_keys.on, nulls_equal: false });
        }
        let columns = outer_columns(query)?;
        let named = columns.iter().enumerate().map(|(i, c)| Expr::Column(c.clone()).alias(format!("{prefix}{i}")));
        let domain = LogicalPlanBuilder::from(outer.clone()).project(named)?.distinct()?.build()?;
        let on = columns.into_iter().enumerate().map(|(i, c)| (Expr::Column(c), format!("{prefix}{i}"))).collect();
        let mut by_domain = Pull { prefix: &prefix, about, domain: Some(domain), on };
        match by_domain.pull(query)? {
            Some(plan) => Ok(Self { plan, on: by_domain.on, nulls_equal: true }),
            None => Err(SqlError::not_yet("a sub-query that uses columns from around it in this way").about(about).into()),
        }
    }

    /// The outer rows with the sub-query's beside them, under the name `alias`.
    pub fn join(self, outer: LogicalPlan, kind: JoinType, alias: &TableReference) -> Result<LogicalPlan> {
        let right = LogicalPlanBuilder::from(self.plan).alias(alias.clone())?.build()?;
        let inner = |name: &String| Column::new(Some(alias.clone()), name.clone());
        let outer = LogicalPlanBuilder::from(outer);
        if !self.nulls_equal {
            let on = self.on.iter().map(|(expr, name)| expr.clone().eq(Expr::Column(inner(name)))).reduce(Expr::and);
            return outer.join_on(right, kind, [on.unwrap_or_else(|| datafusion_expr::lit(true))])?.build();
        }
        let columns: (Vec<Column>, Vec<Column>) =
            self.on.iter().filter_map(|(expr, name)| Some((expr.try_as_col()?.clone(), inner(name)))).unzip();
        outer.join_detailed(right, kind, columns, None, NullEquality::NullEqualsNull)?.build()
    }
}

/// Whether a plan or an input of it uses columns from around it.
fn has_outer(plan: &LogicalPlan) -> Result<bool> {
    plan.exists(|node| Ok(node.contains_outer_reference()))
}

/// The columns from around it that a plan uses, each once.
fn outer_columns(plan: &LogicalPlan) -> Result<Vec<Column>> {
    let mut found: Vec<Column> = vec![];
    plan.apply(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|e| {
                if let Expr::OuterReferenceColumn(_, column) = e
                    && !found.contains(column)
                {
                    found.push(column.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

/// An expression over outer columns alone, as one over plain columns.
fn as_seen_outside(expr: &Expr) -> Result<Expr> {
    let seen = expr.clone().transform_up(|e| match e {
        Expr::OuterReferenceColumn(_, column) => Ok(Transformed::yes(Expr::Column(column))),
        other => Ok(Transformed::no(other)),
    })?;
    Ok(seen.data)
}

/// Brings what the join compares up through a sub-query.
struct Pull<'a> {
    prefix: &'a str,
    about: &'a str,
    /// The outer values, if the sub-query is computed for each of them.
    domain: Option<LogicalPlan>,
    on: Vec<(Expr, String)>,
}

impl Pull<'_> {
    /// The plan with the hidden columns; nothing if that is not the way.
    fn pull(&mut self, plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
        if let LogicalPlan::Join(_) = plan {
            return self.pull_join(plan);
        }
        let [input] = plan.inputs()[..] else { return Ok(None) };
        let below = match (has_outer(input)?, &self.domain) {
            (true, _) => match self.pull(input)? {
                Some(below) => below,
                None => return Ok(None),
            },
            (false, None) => input.clone(),
            (false, Some(domain)) => LogicalPlanBuilder::from(domain.clone()).cross_join(input.clone())?.build()?,
        };
        if self.domain.is_none() && plan.contains_outer_reference() {
            return match plan {
                LogicalPlan::Filter(filter) => self.take_keys(&filter.predicate, below),
                _ => Ok(None),
            };
        }
        self.above(plan, below)
    }

    /// The step of `plan` over an input that has the hidden columns.
    fn above(&self, plan: &LogicalPlan, below: LogicalPlan) -> Result<Option<LogicalPlan>> {
        let hidden = self.hidden(&below);
        let names = NamePreserver::new(plan);
        let inside = |exprs: &[Expr]| exprs.iter().map(|e| self.inside(e, &names, &below)).collect::<Result<Vec<_>>>();
        let builder = LogicalPlanBuilder::from(below.clone());
        Ok(Some(match plan {
            LogicalPlan::Filter(filter) => builder.filter(self.inside(&filter.predicate, &names, &below)?)?.build()?,
            LogicalPlan::Projection(p) => builder.project(inside(&p.expr)?.into_iter().chain(hidden))?.build()?,
            LogicalPlan::SubqueryAlias(alias) => builder.alias(alias.alias.clone())?.build()?,
            LogicalPlan::Distinct(Distinct::All(_)) => builder.distinct()?.build()?,
            LogicalPlan::Aggregate(a) => {
                builder.aggregate(inside(&a.group_expr)?.into_iter().chain(hidden), inside(&a.aggr_expr)?)?.build()?
            }
            LogicalPlan::Window(window) => {
                let mut calls = inside(&window.window_expr)?;
                for (call, of_plan) in calls.iter_mut().zip(&window.window_expr) {
                    let name = names.save(of_plan);
                    per_key(call, &hidden);
                    *call = name.restore(call.clone());
                }
                LogicalPlan::Window(Window::try_new(calls, below.into())?)
            }
            LogicalPlan::Sort(_) => below,
            LogicalPlan::Limit(_) => {
                return Err(SqlError::not_yet("LIMIT in a sub-query that uses columns from around it").about(self.about).into());
            }
            _ => return Ok(None),
        }))
    }

    /// A join of which one input uses outer columns, or none does and its condition may.
    fn pull_join(&mut self, plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
        let LogicalPlan::Join(join) = plan else { return Ok(None) };
        let uses = (has_outer(&join.left)?, has_outer(&join.right)?);
        let mut changed = join.clone();
        match (uses, join.join_type, &self.domain) {
            ((true, true), ..) | ((false, false), _, None) => return Ok(None),
            ((true, false), JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti, _) => {
                match self.pull(&join.left)? {
                    Some(left) => changed.left = left.into(),
                    None => return Ok(None),
                }
            }
            ((false, true), JoinType::Inner, _) => match self.pull(&join.right)? {
                Some(right) => changed.right = right.into(),
                None => return Ok(None),
            },
            ((false, false), JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti, Some(domain)) => {
                changed.left = LogicalPlanBuilder::from(domain.clone()).cross_join(join.left.as_ref().clone())?.build()?.into();
            }
            _ => return Ok(None),
        }
        let joined = LogicalPlan::Join(changed).recompute_schema()?;
        if self.domain.is_none() && joined.contains_outer_reference() {
            return Ok(None);
        }
        let names = NamePreserver::new(plan);
        joined.clone().map_expressions(|e| Ok(Transformed::yes(self.inside(&e, &names, &joined)?)))?.data.recompute_schema().map(Some)
    }

    /// Makes hidden columns of what a condition compares with outer columns.
    fn take_keys(&mut self, predicate: &Expr, below: LogicalPlan) -> Result<Option<LogicalPlan>> {
        let (mut rest, mut keys) = (vec![], vec![]);
        for condition in split_conjunction(predicate) {
            if !condition.contains_outer() {
                rest.push(condition.clone());
                continue;
            }
            let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = condition else { return Ok(None) };
            let is_outside = |e: &Expr| e.contains_outer() && !e.any_column_refs();
            let (outside, inside) = match (is_outside(left), is_outside(right)) {
                (true, false) if !right.contains_outer() => (left, right),
                (false, true) if !left.contains_outer() => (right, left),
                _ => return Ok(None),
            };
            let name = format!("{}{}", self.prefix, self.on.len());
            keys.push(inside.as_ref().clone().alias(name.clone()));
            self.on.push((as_seen_outside(outside)?, name));
        }
        let mut builder = LogicalPlanBuilder::from(below.clone());
        if let Some(rest) = conjunction(rest) {
            builder = builder.filter(rest)?;
        }
        builder.project(below.schema().columns().into_iter().map(Expr::Column).chain(keys))?.build().map(Some)
    }

    fn hidden(&self, plan: &LogicalPlan) -> Vec<Expr> {
        plan.schema().columns().into_iter().filter(|c| c.name.starts_with(self.prefix)).map(Expr::Column).collect()
    }

    /// An expression of the sub-query, with columns of the domain in the place of outer ones.
    fn inside(&self, expr: &Expr, names: &NamePreserver, below: &LogicalPlan) -> Result<Expr> {
        let hidden = self.hidden(below);
        let of = |outer: &Column| {
            let (_, name) = self.on.iter().find(|(e, _)| e.try_as_col() == Some(outer))?;
            hidden.iter().find(|h| h.try_as_col().is_some_and(|c| c.name == *name)).cloned()
        };
        let changed = expr.clone().transform_up(|e| match &e {
            Expr::OuterReferenceColumn(_, column) => Ok(of(column).map_or_else(|| Transformed::no(e), Transformed::yes)),
            _ => Ok(Transformed::no(e)),
        })?;
        Ok(match changed.transformed {
            true => names.save(expr).restore(changed.data),
            false => changed.data,
        })
    }
}

/// Computes a call of OVER for each combination of those columns.
fn per_key(call: &mut Expr, keys: &[Expr]) {
    match call {
        Expr::Alias(alias) => per_key(&mut alias.expr, keys),
        Expr::WindowFunction(function) => function.params.partition_by.extend(keys.iter().cloned()),
        _ => {}
    }
}
