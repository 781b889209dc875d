//! IN and EXISTS whose truth is a value: below OR, in CASE, in SELECT. A join marks each row with it. As conditions of their own they
//! are semi and anti joins, which is another rule's work. Values of sub-queries that use columns from around them in other ways than by
//! `inner = outer` come with the same join; others are another rule's work, too.

use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{Column, JoinType, Result, ScalarValue, TableReference};
use datafusion_expr::expr::{Exists, InSubquery};
use datafusion_expr::expr_rewriter::NamePreserver;
use datafusion_expr::utils::split_conjunction;
use datafusion_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, lit, when};

use super::aggregates;
use super::dependent::Independent;

/// Name of the column that marks.
const MARK: &str = "$mark";
/// Name of the column of a value.
const VALUE: &str = "$value";
/// Names of what is counted of a sub-query: its rows, and those whose value is not NULL.
const COUNTS: [&str; 2] = ["$rows", "$values"];

/// Makes joins of the IN and EXISTS of a plan that are values.
pub fn rewrite(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut number = 0;
    let rewritten = plan.transform_up_with_subqueries(|node| {
        let wanted = match &node {
            LogicalPlan::Filter(filter) => split_conjunction(&filter.predicate).into_iter().any(is_embedded),
            LogicalPlan::Projection(p) => p.expr.iter().any(has_predicate),
            LogicalPlan::Aggregate(a) => a.group_expr.iter().chain(&a.aggr_expr).any(has_predicate),
            _ => false,
        };
        if !wanted {
            return Ok(Transformed::no(node));
        }
        marked(node, &mut number).map(Transformed::yes)
    })?;
    Ok(rewritten.data)
}

fn is_predicate(expr: &Expr) -> bool {
    matches!(expr, Expr::Exists(_) | Expr::InSubquery(_))
}

/// Whether an expression has in it what becomes a mark or comes with one.
fn has_predicate(expr: &Expr) -> bool {
    let marked = |e: &Expr| match e {
        Expr::ScalarSubquery(query) => !only_keys(&query.subquery),
        other => is_predicate(other),
    };
    expr.exists(|e| Ok(marked(e))).unwrap_or(false)
}

/// Whether a sub-query uses columns from around it in comparisons `inner = outer` of WHERE only, if at all.
fn only_keys(query: &LogicalPlan) -> bool {
    let is_key = |condition: &Expr| match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let pair = |inner: &Expr, outer: &Expr| matches!((inner, outer), (Expr::Column(_), Expr::OuterReferenceColumn(..)));
            pair(left, right) || pair(right, left)
        }
        other => !other.contains_outer(),
    };
    let fits = |node: &LogicalPlan| match node {
        LogicalPlan::Filter(filter) => split_conjunction(&filter.predicate).into_iter().all(is_key),
        other => !other.contains_outer_reference(),
    };
    !query.exists(|node| Ok(!fits(node))).unwrap_or(false)
}

/// What a query without GROUP BY gives where its input has no rows; nothing if that cannot be told, or it gives no row.
fn over_nothing(query: &LogicalPlan) -> Result<Option<Expr>> {
    Ok(match query {
        LogicalPlan::SubqueryAlias(alias) => over_nothing(&alias.input)?,
        LogicalPlan::Projection(p) => {
            let LogicalPlan::Aggregate(aggregate) = p.input.as_ref() else { return Ok(None) };
            if !aggregate.group_expr.is_empty() {
                return Ok(None);
            }
            let Some(value) = p.expr.first() else { return Ok(None) };
            let values = |column: &Column| -> Result<Option<Expr>> {
                let at = aggregate.schema.index_of_column(column)?;
                let Expr::AggregateFunction(call) = aggregate.aggr_expr[at].clone().unalias() else { return Ok(None) };
                let empty = call.func.default_value(aggregate.schema.field(at).data_type())?;
                Ok(Some(Expr::Literal(empty, None)))
            };
            let replaced = value.clone().unalias().transform_up(|e| match &e {
                Expr::Column(column) => Ok(values(column)?.map_or_else(|| Transformed::no(e.clone()), Transformed::yes)),
                _ => Ok(Transformed::no(e)),
            })?;
            Some(replaced.data).filter(|e| !e.any_column_refs() && !e.contains_outer())
        }
        _ => None,
    })
}

/// Whether a condition has IN or EXISTS in it and is neither itself, negated or not.
fn is_embedded(condition: &Expr) -> bool {
    let itself = match condition {
        Expr::Not(inner) => is_predicate(inner),
        other => is_predicate(other),
    };
    !itself && has_predicate(condition)
}

/// The node over an input that has the marks.
fn marked(node: LogicalPlan, number: &mut usize) -> Result<LogicalPlan> {
    let Some(input) = node.inputs().first().map(|input| (*input).clone()) else { return Ok(node) };
    let mut marks = Marks { input: input.clone(), number };
    if let LogicalPlan::Filter(filter) = node {
        let conditions = split_conjunction(&filter.predicate).into_iter();
        let conditions = conditions.map(|c| if is_embedded(c) { marks.condition(c.clone()) } else { Ok(c.clone()) });
        let conditions = conditions.collect::<Result<Vec<_>>>()?;
        let mut plan = LogicalPlanBuilder::from(marks.input);
        for condition in conditions {
            plan = plan.filter(condition)?;
        }
        return plan.project(input.schema().columns().into_iter().map(Expr::Column))?.build();
    }
    let names = NamePreserver::new(&node);
    let changed = node.map_expressions(|expr| {
        let name = names.save(&expr);
        marks.value(expr).map(|e| e.update_data(|e| name.restore(e)))
    })?;
    let expressions = changed.data.expressions();
    changed.data.with_new_exprs(expressions, vec![marks.input])
}

struct Marks<'a> {
    /// The rows, with the marks that there are so far.
    input: LogicalPlan,
    number: &'a mut usize,
}

impl Marks<'_> {
    /// A condition of WHERE: for what it is made of by AND and OR, not to be known is as good as to be false.
    fn condition(&mut self, expr: Expr) -> Result<Expr> {
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
                let (left, right) = (self.condition(*left)?, self.condition(*right)?);
                Ok(Expr::BinaryExpr(BinaryExpr::new(left.into(), op, right.into())))
            }
            Expr::InSubquery(InSubquery { expr, subquery, negated: false }) => {
                Ok(self.mark(&with_equal(&subquery.subquery, *expr, &self.input)?, "IN")?.is_not_null())
            }
            other => Ok(self.value(other)?.data),
        }
    }

    /// An expression with marks in the place of its predicates.
    fn value(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        expr.transform_up(|e| match e {
            Expr::Exists(Exists { subquery, negated }) => {
                let mark = self.mark(&subquery.subquery, "EXISTS")?;
                Ok(Transformed::yes(if negated { mark.is_null() } else { mark.is_not_null() }))
            }
            Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                let is_in = self.is_in(*expr, &subquery.subquery)?;
                Ok(Transformed::yes(if negated { Expr::Not(Box::new(is_in)) } else { is_in }))
            }
            Expr::ScalarSubquery(query) if !only_keys(&query.subquery) => self.scalar(&query.subquery).map(Transformed::yes),
            other => Ok(Transformed::no(other)),
        })
    }

    /// A column that is not NULL for the rows for which the sub-query has rows.
    fn mark(&mut self, query: &LogicalPlan, about: &str) -> Result<Expr> {
        let query = Independent::of(&self.input, query, *self.number, about)?;
        let keys = query.on.iter().map(|(_, name)| Expr::Column(column_of(&query.plan, name)));
        let shown: Vec<Expr> = keys.chain([lit(true).alias(MARK)]).collect();
        let plan = LogicalPlanBuilder::from(query.plan).project(shown)?.distinct()?.build()?;
        let alias = self.join(Independent { plan, ..query })?;
        Ok(Expr::Column(Column::new(Some(alias), MARK)))
    }

    /// The value of a sub-query that gives one row for each combination of outer values, or none.
    fn scalar(&mut self, query: &LogicalPlan) -> Result<Expr> {
        let Some(value) = query.schema().columns().into_iter().next() else {
            return datafusion_common::plan_err!("a sub-query that is a value has a column");
        };
        let empty = over_nothing(query)?.filter(|e| !matches!(e, Expr::Literal(value, _) if value.is_null()));
        let query = Independent::of(&self.input, query, *self.number, "SELECT")?;
        let keys = query.on.iter().map(|(_, name)| Expr::Column(column_of(&query.plan, name)));
        let shown: Vec<Expr> = keys.chain([Expr::Column(value).alias(VALUE), lit(true).alias(MARK)]).collect();
        let plan = LogicalPlanBuilder::from(query.plan).project(shown)?.build()?;
        let alias = self.join(Independent { plan, ..query })?;
        let [value, mark] = [VALUE, MARK].map(|name| Expr::Column(Column::new(Some(alias.clone()), name)));
        match empty {
            Some(empty) => when(mark.is_null(), empty).otherwise(value),
            None => Ok(value),
        }
    }

    /// `value IN (query)` with all three of its values: NULL if no equal value is there, but one that may be.
    fn is_in(&mut self, value: Expr, query: &LogicalPlan) -> Result<Expr> {
        let Some(of_query) = query.schema().columns().into_iter().next() else {
            return datafusion_common::plan_err!("IN takes a sub-query of one column");
        };
        let known = !value.nullable(self.input.schema())? && !query.schema().field(0).is_nullable();
        let mark = self.mark(&with_equal(query, value.clone(), &self.input)?, "IN")?.is_not_null();
        if known {
            return Ok(mark);
        }
        let query = Independent::of(&self.input, query, *self.number, "IN")?;
        let Some((_, count)) = aggregates::all().into_iter().find(|(name, _)| *name == "count") else {
            return datafusion_common::internal_err!("there is COUNT");
        };
        let counts = [count.call(vec![lit(1_i64)]).alias(COUNTS[0]), count.call(vec![Expr::Column(of_query)]).alias(COUNTS[1])];
        let keys: Vec<Expr> = query.on.iter().map(|(_, name)| Expr::Column(column_of(&query.plan, name))).collect();
        let plan = LogicalPlanBuilder::from(query.plan).aggregate(keys, counts)?.build()?;
        let alias = self.join(Independent { plan, ..query })?;
        let [rows, values] = COUNTS.map(|name| Expr::Column(Column::new(Some(alias.clone()), name)));
        let unknown = rows.clone().gt(lit(0_i64)).and(value.is_null().or(values.lt(rows)));
        when(mark, lit(true)).when(unknown, Expr::Literal(ScalarValue::Boolean(None), None)).otherwise(lit(false))
    }

    fn join(&mut self, query: Independent) -> Result<TableReference> {
        let alias = TableReference::bare(format!("$marks{}", self.number));
        *self.number += 1;
        self.input = query.join(self.input.clone(), JoinType::Left, &alias)?;
        Ok(alias)
    }
}

/// The column of that name, which is hidden in a plan.
fn column_of(plan: &LogicalPlan, name: &str) -> Column {
    plan.schema().columns().into_iter().find(|c| c.name == name).unwrap_or_else(|| Column::from_name(name))
}

/// The rows of a query of one column that equal a value of the query around it.
fn with_equal(query: &LogicalPlan, value: Expr, outer: &LogicalPlan) -> Result<LogicalPlan> {
    let Some(column) = query.schema().columns().into_iter().next() else {
        return datafusion_common::plan_err!("IN takes a sub-query of one column");
    };
    let outside = value.transform_up(|e| match e {
        Expr::Column(column) => {
            let (_, field) = outer.schema().qualified_field_from_column(&column)?;
            Ok(Transformed::yes(Expr::OuterReferenceColumn(field.clone(), column)))
        }
        other => Ok(Transformed::no(other)),
    })?;
    LogicalPlanBuilder::from(query.clone()).filter(Expr::Column(column).eq(outside.data))?.build()
}
