//! UNNEST: the syntax as DataFusion's planner shall see it, the logical node, and what its columns are.

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{DFSchema, DFSchemaRef, Result, TableReference, plan_err};
use datafusion_expr::planner::RelationPlannerContext;
use datafusion_expr::{EmptyRelation, Expr, ExprSchemable, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use sqlparser::ast::{self, Ident, Join, JoinConstraint, JoinOperator, TableAlias, TableFactor, TableWithJoins};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::lateral::{self, is_lateral};
use super::temporal::is_versioned;
use crate::error::SqlError;
use crate::types::FlinkType;

/// How a collection is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnnestForm {
    /// Rows without elements stay, with NULLs.
    pub left: bool,
    /// The place of the element is a column too.
    pub ordinality: bool,
    /// The collection is a multiset.
    pub multiset: bool,
}

/// The rows of its input, each once per element of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unnest {
    /// What has the collection.
    pub input: LogicalPlan,
    /// Over the input.
    pub collection: Expr,
    /// How.
    pub form: UnnestForm,
    /// Of the columns that it adds: the table's name and theirs.
    alias: TableReference,
    names: Vec<String>,
    schema: DFSchemaRef,
}

/// Relations that can only be planned together with what stands before them.
fn leans(relation: &TableFactor) -> bool {
    matches!(relation, TableFactor::UNNEST { .. }) || is_versioned(relation) || is_lateral(relation)
}

/// Puts what stands before an UNNEST, a table of a time or a lateral relation in brackets with it, so that it is one relation that [`plan_join`] plans.
pub fn fold(from: &mut Vec<TableWithJoins>) {
    let mut folded: Vec<TableWithJoins> = vec![];
    for table in std::mem::take(from) {
        let lateral = matches!(table.relation, TableFactor::UNNEST { .. }) || is_lateral(&table.relation);
        let behind_comma = lateral && !folded.is_empty();
        let mut open = if behind_comma {
            let mut before = folded.remove(0);
            before.joins.extend(folded.drain(..).map(|other| cross(nested(other))));
            TableWithJoins { relation: nested_join(before, cross(table.relation)), joins: vec![] }
        } else {
            TableWithJoins { relation: table.relation, joins: vec![] }
        };
        for join in table.joins {
            if leans(&join.relation) {
                open = TableWithJoins { relation: nested_join(open, join), joins: vec![] };
            } else {
                open.joins.push(join);
            }
        }
        folded.push(open);
    }
    *from = folded;
}

fn cross(relation: TableFactor) -> Join {
    Join { relation, global: false, join_operator: JoinOperator::CrossJoin(JoinConstraint::None) }
}

/// The relation alone, or with its joins in brackets.
fn nested(table: TableWithJoins) -> TableFactor {
    if table.joins.is_empty() {
        return table.relation;
    }
    TableFactor::NestedJoin { table_with_joins: Box::new(table), alias: None }
}

fn nested_join(before: TableWithJoins, join: Join) -> TableFactor {
    let both = TableWithJoins { relation: nested(before), joins: vec![join] };
    TableFactor::NestedJoin { table_with_joins: Box::new(both), alias: None }
}

/// Plans `(relation JOIN UNNEST(…))`, `(relation JOIN table FOR SYSTEM_TIME AS OF …)`, or UNNEST alone; nothing for other relations.
pub fn plan_join(relation: &TableFactor, cx: &mut dyn RelationPlannerContext) -> Result<Option<LogicalPlan>> {
    match relation {
        TableFactor::NestedJoin { table_with_joins, alias: None } => {
            if let [join] = table_with_joins.joins.as_slice()
                && is_versioned(&join.relation)
            {
                return super::temporal::plan_join(table_with_joins.relation.clone(), join, cx).map(Some);
            }
            if let [join] = table_with_joins.joins.as_slice()
                && is_lateral(&join.relation)
            {
                return lateral::plan_join(table_with_joins.relation.clone(), join, cx).map(Some);
            }
            let [Join { relation: right @ TableFactor::UNNEST { .. }, join_operator, .. }] = table_with_joins.joins.as_slice() else {
                return Ok(None);
            };
            let left = keeps_left(join_operator, "UNNEST")?;
            let input = cx.plan(table_with_joins.relation.clone())?;
            plan(input, right, left, cx).map(Some)
        }
        TableFactor::UNNEST { .. } => {
            let one_row = EmptyRelation { produce_one_row: true, schema: Arc::new(DFSchema::empty()) };
            plan(LogicalPlan::EmptyRelation(one_row), relation, false, cx).map(Some)
        }
        TableFactor::Function { lateral: true, .. } => plan_join(&lateral::rows_of_function(relation, cx)?, cx),
        _ => Ok(None),
    }
}

/// Whether the join is a LEFT one; joins that UNNEST and LATERAL cannot take part in are refused.
pub(super) fn keeps_left(join: &JoinOperator, what: &str) -> Result<bool> {
    let always = |constraint: &JoinConstraint| match constraint {
        JoinConstraint::None => true,
        JoinConstraint::On(ast::Expr::Value(v)) => matches!(v.value, ast::Value::Boolean(true)),
        _ => false,
    };
    match join {
        JoinOperator::CrossJoin(_) => Ok(false),
        JoinOperator::Inner(on) | JoinOperator::Join(on) if always(on) => Ok(false),
        JoinOperator::Left(on) | JoinOperator::LeftOuter(on) if always(on) => Ok(true),
        JoinOperator::Inner(_) | JoinOperator::Join(_) | JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => {
            Err(SqlError::not_yet(format!("a condition other than TRUE for {what}"))
                .about(what)
                .help("write ON TRUE, and the condition in WHERE")
                .into())
        }
        _ => Err(SqlError::new(format!("{what} goes with CROSS JOIN, INNER JOIN and LEFT JOIN only")).about(what).into()),
    }
}

/// Plans an UNNEST over `input`.
pub(super) fn plan(input: LogicalPlan, unnest: &TableFactor, left: bool, cx: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let TableFactor::UNNEST { alias, array_exprs, with_offset, with_ordinality, .. } = unnest else {
        return plan_err!("not an UNNEST");
    };
    let [collection] = array_exprs.as_slice() else {
        return Err(SqlError::new(format!("UNNEST takes one collection, not {}", array_exprs.len())).about("UNNEST").into());
    };
    if *with_offset {
        return Err(SqlError::new("WITH OFFSET is not Flink's").about("OFFSET").help("write WITH ORDINALITY").into());
    }
    let collection = super::rewrite::flink_expression(cx.sql_to_expr(collection.clone(), input.schema())?, input.schema())?;
    let (_, field) = collection.to_field(input.schema())?;
    let multiset = matches!(FlinkType::from_field(&field).0, FlinkType::Multiset(_));
    let form = UnnestForm { left, ordinality: *with_ordinality, multiset };
    let elements = element_fields(&field, form)?;
    let (table, names) = named(alias.as_ref(), &elements)?;
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(Unnest::try_new(input, collection, form, table, names)?) }))
}

/// The columns of an element under their own names.
fn element_fields(collection: &Field, form: UnnestForm) -> Result<Vec<FieldRef>> {
    let named = |name: &str, f: &Field| Arc::new(f.clone().with_name(name));
    let mut fields: Vec<FieldRef> = match collection.data_type() {
        DataType::List(element) | DataType::LargeList(element) => match element.data_type() {
            DataType::Struct(fields) => fields.iter().cloned().collect(),
            _ => vec![named("EXPR$0", element)],
        },
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if form.multiset => vec![named("EXPR$0", &pair[0])],
            DataType::Struct(pair) => vec![named("KEY", &pair[0]), named("VALUE", &pair[1])],
            _ => vec![],
        },
        other => {
            let error = SqlError::new(format!("UNNEST takes an ARRAY, a MAP or a MULTISET, not {}", FlinkType::from_arrow(other)));
            return Err(error.about("UNNEST").into());
        }
    };
    if form.ordinality {
        fields.push(Arc::new(Field::new("ORDINALITY", DataType::Int32, false)));
    }
    Ok(fields)
}

fn named(alias: Option<&TableAlias>, elements: &[FieldRef]) -> Result<(TableReference, Vec<String>)> {
    let own: Vec<String> = elements.iter().map(|f| f.name().clone()).collect();
    let Some(alias) = alias else { return Ok((TableReference::bare("$unnest"), own)) };
    let written: Vec<&Ident> = alias.columns.iter().map(|c| &c.name).collect();
    if !written.is_empty() && written.len() != own.len() {
        let error = SqlError::new(format!("UNNEST gives {} columns here, but {} names stand behind it", own.len(), written.len()));
        return Err(error.about(&alias.name.value).help(format!("its own names are {}", own.join(", "))).into());
    }
    let names = if written.is_empty() { own } else { written.iter().map(|c| c.value.clone()).collect() };
    Ok((TableReference::bare(alias.name.value.clone()), names))
}

impl Unnest {
    fn try_new(input: LogicalPlan, collection: Expr, form: UnnestForm, alias: TableReference, names: Vec<String>) -> Result<Self> {
        let (_, field) = collection.to_field(input.schema())?;
        let mut fields: Vec<(Option<TableReference>, FieldRef)> = input.schema().iter().map(|(q, f)| (q.cloned(), f.clone())).collect();
        for (element, name) in element_fields(&field, form)?.into_iter().zip(&names) {
            let nullable = element.is_nullable() || form.left;
            fields.push((Some(alias.clone()), Arc::new(element.as_ref().clone().with_name(name).with_nullable(nullable))));
        }
        let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
        Ok(Self { input, collection, form, alias, names, schema })
    }
}

impl PartialOrd for Unnest {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl UserDefinedLogicalNodeCore for Unnest {
    fn name(&self) -> &str {
        "Correlate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![self.collection.clone()]
    }

    /// A filter on elements cannot go below.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.names.iter().cloned().collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Correlate: {} UNNEST({})", if self.form.left { "LEFT" } else { "INNER" }, self.collection)
    }

    fn with_exprs_and_inputs(&self, mut exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let (Some(collection), Some(input)) = (exprs.pop(), inputs.pop()) else { return plan_err!("UNNEST has an input") };
        Self::try_new(input, collection, self.form, self.alias.clone(), self.names.clone())
    }

    fn necessary_children_exprs(&self, output: &[usize]) -> Option<Vec<Vec<usize>>> {
        let schema = self.input.schema();
        let mut needed: Vec<usize> = output.iter().copied().filter(|i| *i < schema.fields().len()).collect();
        for column in self.collection.column_refs() {
            needed.push(schema.index_of_column(column).ok()?);
        }
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}

/// The UNNEST that a plan node is, if it is one.
pub fn as_unnest(node: &Arc<dyn UserDefinedLogicalNode>) -> Option<&Unnest> {
    node.as_any().downcast_ref()
}
