//! `JOIN table FOR SYSTEM_TIME AS OF time`: the syntax as one relation, and the logical node. Whether versions are kept or rows are
//! looked up is told by the kind of the time, see [`crate::stream`].

use datafusion_common::{Column, DFSchema, DFSchemaRef, ExprSchema, Result, plan_err};
use datafusion_expr::planner::RelationPlannerContext;
use datafusion_expr::utils::conjunction;
use datafusion_expr::{Expr, Extension, LogicalPlan, LogicalPlanBuilder, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use sqlparser::ast::{self, Join, JoinConstraint, JoinOperator, TableFactor, TableVersion};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::catalog::{ROWTIME, time_attribute, without_time_attribute};
use crate::dialect::{Hint, select_hints, table_hints};
use crate::error::{SqlError, SqlResult};

/// What the user knows the join by: the word that errors point at.
const ABOUT: &str = "SYSTEM_TIME";

/// The rows of the left input, each with what the right one held at the row's time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TemporalJoin {
    /// What asks.
    pub left: LogicalPlan,
    /// What is asked.
    pub right: LogicalPlan,
    /// Left rows without a partner stay.
    pub keeps_left: bool,
    /// The time attribute of the left input.
    pub time: Expr,
    /// The condition, over the columns of both.
    pub on: Expr,
    /// The right table as the query calls it.
    pub name: String,
    /// What the LOOKUP hint says about it.
    pub hint: Vec<(String, String)>,
    schema: DFSchemaRef,
}

/// Whether a relation can only be planned together with what stands before it.
pub fn is_versioned(relation: &TableFactor) -> bool {
    matches!(relation, TableFactor::Table { version: Some(_), .. })
}

/// Moves LOOKUP hints, which stand behind SELECT, to the tables they name.
pub fn place_hints(select: &mut ast::Select) -> SqlResult<()> {
    for hint in select_hints(select).into_iter().filter(|h| h.name == "LOOKUP") {
        let named = hint.entries.iter().find(|e| e.key.as_deref() == Some("table")).map(|e| e.value.clone());
        let Some(table) = named else {
            return Err(SqlError::new("the LOOKUP hint names no table").about("LOOKUP").help("write LOOKUP('table' = 't', …)"));
        };
        let relations = select.from.iter_mut().flat_map(|from| &mut from.joins).map(|join| &mut join.relation);
        let mut found = false;
        for relation in relations.filter(|relation| is_versioned(relation)) {
            let TableFactor::Table { name, alias, with_hints, .. } = relation else { continue };
            let own = name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.as_str());
            if own == Some(&table) || alias.as_ref().is_some_and(|alias| alias.name.value == table) {
                with_hints.push(ast::Expr::Value(ast::Value::SingleQuotedString(hint.to_string()).with_empty_span()));
                found = true;
            }
        }
        if !found {
            let error =
                SqlError::new(format!("the LOOKUP hint is for '{table}', but no table of that name is joined FOR SYSTEM_TIME AS OF"));
            return Err(error.about(&table));
        }
    }
    Ok(())
}

/// Plans `left JOIN table FOR SYSTEM_TIME AS OF … ON …`.
pub fn plan_join(left: TableFactor, join: &Join, cx: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let (keeps_left, constraint) = constraint(&join.join_operator)?;
    let mut table = join.relation.clone();
    let TableFactor::Table { name, alias, with_hints, version, .. } = &mut table else { return plan_err!("not a table of a time") };
    let Some(TableVersion::ForSystemTimeAsOf(time)) = version.take() else {
        return Err(SqlError::new("a table can be read as of a time with FOR SYSTEM_TIME AS OF only").into());
    };
    let called = alias.as_ref().map_or_else(|| name.to_string().replace('`', ""), |alias| alias.name.value.clone());
    let hint = lookup_hint(&table_hints(with_hints))?;
    let left = cx.plan(left)?;
    let time = left_time(&time, &left, cx)?;
    let right = cx.plan(table)?;
    let both = left.schema().join(right.schema())?;
    let (on, merged) = match constraint {
        JoinConstraint::On(on) => (super::rewrite::flink_expression(cx.sql_to_expr(on.clone(), &both)?, &both)?, vec![]),
        JoinConstraint::Using(names) => using(names, left.schema(), right.schema())?,
        _ => {
            let error = SqlError::new("FOR SYSTEM_TIME AS OF needs a condition with the key of its table");
            return Err(error.about(ABOUT).help("write JOIN t FOR SYSTEM_TIME AS OF o.time ON o.key = t.key").into());
        }
    };
    let node = TemporalJoin::try_new(left, right, Parts { keeps_left, time, on, name: called, hint })?;
    let plan = LogicalPlan::Extension(Extension { node: Arc::new(node) });
    if merged.is_empty() {
        return Ok(plan);
    }
    let columns = plan.schema().columns().into_iter().filter(|c| !merged.contains(c)).map(Expr::Column).collect::<Vec<_>>();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// The condition of `USING (a, b)`, and the columns of the right input that are one with those of the left.
fn using(names: &[ast::ObjectName], left: &DFSchema, right: &DFSchema) -> Result<(Expr, Vec<Column>)> {
    let (mut on, mut merged) = (vec![], vec![]);
    for name in names {
        let name = name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.as_str()).unwrap_or_default();
        let of = |schema: &DFSchema| schema.qualified_field_with_unqualified_name(name).map(Column::from);
        let (l, r) = (of(left)?, of(right)?);
        on.push(Expr::Column(l).eq(Expr::Column(r.clone())));
        merged.push(r);
    }
    match conjunction(on) {
        Some(on) => Ok((on, merged)),
        None => plan_err!("USING names columns"),
    }
}

/// Whether the join is a LEFT one, and its condition.
fn constraint(join: &JoinOperator) -> Result<(bool, &JoinConstraint)> {
    match join {
        JoinOperator::Inner(on) | JoinOperator::Join(on) => Ok((false, on)),
        JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => Ok((true, on)),
        _ => {
            let error = SqlError::new("FOR SYSTEM_TIME AS OF goes with JOIN and LEFT JOIN only: it is asked row by row of the left input");
            Err(error.about(ABOUT).into())
        }
    }
}

/// The time attribute of the left input that the join goes by.
fn left_time(written: &ast::Expr, left: &LogicalPlan, cx: &mut dyn RelationPlannerContext) -> Result<Expr> {
    let help = "name the column of the left table that has the WATERMARK, or its PROCTIME() column";
    let refused = |why: String| Err(SqlError::new(why).about(ABOUT).help(help).into());
    if !matches!(written, ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_)) {
        return refused(format!("FOR SYSTEM_TIME AS OF takes a time attribute of the left table, not {written}"));
    }
    let time = cx.sql_to_expr(written.clone(), left.schema())?;
    let Expr::Column(column) = &time else {
        return refused(format!("FOR SYSTEM_TIME AS OF takes a column of the left table, not {written}"));
    };
    match time_attribute(left.schema().field_from_column(column)?) {
        Some(_) => Ok(time),
        None => refused(format!("'{}' is not a time attribute, so no version can be told by it", column.name)),
    }
}

/// Options of the LOOKUP hint.
const HINT_KEYS: [&str; 10] =
    ["table", "async", "output-mode", "capacity", "timeout", "retry-predicate", "retry-strategy", "fixed-delay", "max-attempts", "shuffle"];

fn lookup_hint(hints: &[Hint]) -> Result<Vec<(String, String)>> {
    let mut options = vec![];
    for entry in hints.iter().filter(|h| h.name == "LOOKUP").flat_map(|h| &h.entries) {
        match &entry.key {
            Some(key) if HINT_KEYS.contains(&key.as_str()) => options.push((key.clone(), entry.value.clone())),
            other => {
                let key = other.as_deref().unwrap_or(&entry.value);
                let error = SqlError::new(format!("the LOOKUP hint has no option '{key}'")).about("LOOKUP");
                return Err(error.help(format!("it has {}", HINT_KEYS.join(", "))).into());
            }
        }
    }
    Ok(options)
}

struct Parts {
    keeps_left: bool,
    time: Expr,
    on: Expr,
    name: String,
    hint: Vec<(String, String)>,
}

impl TemporalJoin {
    /// Times of the right input order nothing behind the join.
    fn try_new(left: LogicalPlan, right: LogicalPlan, parts: Parts) -> Result<Self> {
        let Parts { keeps_left, time, on, name, hint } = parts;
        let mut fields: Vec<_> = left.schema().iter().map(|(q, f)| (q.cloned(), f.clone())).collect();
        for (qualifier, field) in right.schema().iter() {
            let field = without_time_attribute(field);
            let nullable = field.is_nullable() || keeps_left;
            fields.push((qualifier.cloned(), Arc::new(field.with_nullable(nullable))));
        }
        let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
        Ok(Self { left, right, keeps_left, time, on, name, hint, schema })
    }

    /// Columns of the left input.
    pub fn left_width(&self) -> usize {
        self.left.schema().fields().len()
    }
}

impl PartialOrd for TemporalJoin {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl UserDefinedLogicalNodeCore for TemporalJoin {
    fn name(&self) -> &str {
        "TemporalJoin"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.left, &self.right]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![self.time.clone(), self.on.clone()]
    }

    /// What is asked of the right input must not change which version holds; conditions on left columns move below the join when
    /// the stream plan is made.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.schema.fields().iter().map(|f| f.name().clone()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let kind = if self.keeps_left { "LEFT" } else { "INNER" };
        write!(f, "TemporalJoin: {kind} {} FOR SYSTEM_TIME AS OF {}, on=[{}]", self.name, self.time, self.on)
    }

    fn with_exprs_and_inputs(&self, mut exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let (Some(on), Some(time)) = (exprs.pop(), exprs.pop()) else { return plan_err!("a temporal join has a time and a condition") };
        let (Some(right), Some(left)) = (inputs.pop(), inputs.pop()) else { return plan_err!("a temporal join has two inputs") };
        let parts = Parts { keeps_left: self.keeps_left, time, on, name: self.name.clone(), hint: self.hint.clone() };
        Self::try_new(left, right, parts)
    }

    /// Besides what the condition reads, the time from which a version holds.
    fn necessary_children_exprs(&self, output: &[usize]) -> Option<Vec<Vec<usize>>> {
        let (left, right) = (self.left.schema(), self.right.schema());
        let width = left.fields().len();
        let (of_left, of_right): (Vec<usize>, Vec<usize>) = output.iter().partition(|i| **i < width);
        let mut needed = [of_left, of_right.into_iter().map(|i| i - width).collect()];
        for column in self.time.column_refs().into_iter().chain(self.on.column_refs()) {
            match (left.maybe_index_of_column(column), right.maybe_index_of_column(column)) {
                (Some(at), _) => needed[0].push(at),
                (_, Some(at)) => needed[1].push(at),
                _ => return None,
            }
        }
        needed[1].extend((0..right.fields().len()).filter(|i| time_attribute(right.field(*i)) == Some(ROWTIME)));
        for columns in &mut needed {
            columns.sort_unstable();
            columns.dedup();
        }
        Some(needed.to_vec())
    }
}

/// The temporal join that a plan node is, if it is one.
pub fn as_temporal_join(node: &Arc<dyn UserDefinedLogicalNode>) -> Option<&TemporalJoin> {
    node.as_any().downcast_ref()
}
