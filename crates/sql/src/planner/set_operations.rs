//! INTERSECT ALL and EXCEPT ALL. DataFusion would make joins of them, which count equal rows in another way, so they are planned as
//! a table function over both queries, of which a node of its own comes.

use arrow::datatypes::FieldRef;
use datafusion_common::{DFSchema, DFSchemaRef, Result, TableReference, plan_err};
use datafusion_expr::planner::RelationPlannerContext;
use datafusion_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use flott_engine::operators::set_operation::SetOperationKind;
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, SetExpr, SetOperator, SetQuantifier, TableFactor};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::casts::call;
use crate::dialect::names::select_all;
use crate::dialect::{Flow, Pass, walk_query};
use crate::error::SqlError;

const INTERSECT_ALL: &str = "$intersect_all";
const EXCEPT_ALL: &str = "$except_all";

/// Turns `a INTERSECT ALL b` into `SELECT * FROM TABLE($intersect_all((a), (b)))`, and EXCEPT ALL likewise.
pub fn rewrite(query: &mut ast::Query) {
    let _ = walk_query(query, &mut Rewrite);
}

struct Rewrite;

impl Pass for Rewrite {
    fn pre_visit_query(&mut self, query: &mut ast::Query) -> Flow {
        rewrite_body(&mut query.body);
        ControlFlow::Continue(())
    }
}

fn rewrite_body(body: &mut SetExpr) {
    let SetExpr::SetOperation { op, set_quantifier, left, right } = body else { return };
    rewrite_body(left);
    rewrite_body(right);
    let function = match (op, *set_quantifier) {
        (SetOperator::Intersect, SetQuantifier::All) => INTERSECT_ALL,
        (SetOperator::Except | SetOperator::Minus, SetQuantifier::All) => EXCEPT_ALL,
        _ => return,
    };
    let sides = [left, right].map(|side| ast::Expr::Subquery(Box::new(query_of(std::mem::replace(side, nothing())))));
    let relation = TableFactor::TableFunction { expr: call(function.to_string(), sides.to_vec()), alias: None };
    let mut frame = select_all();
    if let SetExpr::Select(select) = frame.body.as_mut()
        && let Some(from) = select.from.first_mut()
    {
        from.relation = relation;
    }
    *body = SetExpr::Query(Box::new(frame));
}

fn nothing() -> Box<SetExpr> {
    Box::new(SetExpr::Values(ast::Values { explicit_row: false, value_keyword: false, rows: vec![] }))
}

fn query_of(body: Box<SetExpr>) -> ast::Query {
    match *body {
        SetExpr::Query(query) => *query,
        body => ast::Query {
            with: None,
            body: Box::new(body),
            order_by: None,
            limit_clause: None,
            fetch: None,
            locks: vec![],
            for_clause: None,
            settings: None,
            format_clause: None,
            pipe_operators: vec![],
        },
    }
}

/// Plans the functions that [`rewrite`] wrote; nothing for others.
pub fn plan(name: &ast::ObjectName, args: &[FunctionArg], cx: &mut dyn RelationPlannerContext) -> Result<Option<LogicalPlan>> {
    let kind = match name.to_string().trim_matches('`') {
        INTERSECT_ALL => SetOperationKind::IntersectAll,
        EXCEPT_ALL => SetOperationKind::ExceptAll,
        _ => return Ok(None),
    };
    let mut inputs = vec![];
    for arg in args {
        let FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Subquery(query))) = arg else {
            return plan_err!("a set operation is over queries");
        };
        inputs.push(Arc::new(cx.plan(TableFactor::Derived { lateral: false, subquery: query.clone(), alias: None, sample: None })?));
    }
    let (left, right) = (inputs[0].schema().fields().len(), inputs[1].schema().fields().len());
    if left != right {
        let error = SqlError::new(format!("the queries of {} have {left} and {right} columns", word(kind)));
        return Err(error.about(word(kind).split(' ').next().unwrap_or_default()).into());
    }
    let inputs = super::unions::same_types(&inputs, word(kind))?;
    Ok(Some(LogicalPlan::Extension(Extension { node: Arc::new(SetOperationNode::try_new(kind, inputs)?) })))
}

/// As SQL writes it.
pub fn word(kind: SetOperationKind) -> &'static str {
    match kind {
        SetOperationKind::IntersectAll => "INTERSECT ALL",
        SetOperationKind::ExceptAll => "EXCEPT ALL",
    }
}

/// One of the operations over two inputs of equal types.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SetOperationNode {
    /// Which.
    pub kind: SetOperationKind,
    /// Left and right.
    pub inputs: Vec<LogicalPlan>,
    schema: DFSchemaRef,
}

impl SetOperationNode {
    fn try_new(kind: SetOperationKind, inputs: Vec<Arc<LogicalPlan>>) -> Result<Self> {
        let [left, right] = &inputs[..] else { return plan_err!("a set operation has two inputs") };
        let nullable = right.schema().fields().iter().map(|f| f.is_nullable());
        let fields: Vec<(Option<TableReference>, FieldRef)> = left
            .schema()
            .fields()
            .iter()
            .zip(nullable)
            .map(|(f, nullable)| (None, Arc::new(f.as_ref().clone().with_nullable(f.is_nullable() || nullable))))
            .collect();
        let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
        Ok(Self { kind, inputs: inputs.into_iter().map(Arc::unwrap_or_clone).collect(), schema })
    }
}

impl PartialOrd for SetOperationNode {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl UserDefinedLogicalNodeCore for SetOperationNode {
    fn name(&self) -> &str {
        "SetOperation"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        self.inputs.iter().collect()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "SetOperation: {}", word(self.kind))
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        Self::try_new(self.kind, inputs.into_iter().map(Arc::new).collect())
    }

    /// Rows are equal or not by all their columns.
    fn necessary_children_exprs(&self, _: &[usize]) -> Option<Vec<Vec<usize>>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        Some(vec![all.clone(), all])
    }
}

/// The set operation that a plan node is, if it is one.
pub fn as_set_operation(node: &Arc<dyn UserDefinedLogicalNode>) -> Option<&SetOperationNode> {
    node.as_any().downcast_ref()
}
