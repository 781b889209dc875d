//! Deep expressions and queries, which generated SQL has.
//!
//! DataFusion makes a name of a whole expression each time it looks at its type, so that an expression of 2,000 operators would take
//! minutes. Chains of AND, OR and `||`, which may be put in brackets in any way, become trees that are not deep, and chains of
//! arithmetic one call ([`chain`](super::chain)). In what remains deep a function of one argument stands every so many levels,
//! which does nothing and has a short name.

use arrow::datatypes::{DataType, FieldRef};
use datafusion_common::Result;
use datafusion_expr::{
    ColumnarValue, Expr as PlanExpr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use sqlparser::ast::{self, BinaryOperator, Expr, Query};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::casts::call;
use crate::dialect::{Flow, Pass, walk_expr, walk_query};
use crate::error::{SqlError, SqlResult};

/// The name of a function that does nothing begins so; the rest tells what it stands around.
pub const PART: &str = "$part_";
/// Expressions no deeper than this are left as they are.
const DEPTH_MAX: usize = 64;
/// Levels between two functions that do nothing.
const PART_LEVELS: usize = 4;
/// Longest chain of AND, OR or `||` that is left as it is.
const CHAIN_MAX: usize = 32;
/// How deep sub-queries may be nested as values: each is a join with all the others within.
const VALUES_NESTED_MAX: usize = 16;
/// How many queries of WITH may stand in a query, each counted wherever it is read.
const READ_MAX: u64 = 5_000;

/// Makes a query one that can be planned in reasonable time, or refuses it.
pub(super) fn flatten(query: &mut Query) -> SqlResult<()> {
    check_with(query)?;
    broken(walk_query(query, &mut Balance))?;
    let mut depth = Depth::default();
    broken(walk_query(query, &mut depth))?;
    if depth.deepest > DEPTH_MAX {
        broken(walk_query(query, &mut Depth { parts: true, ..Depth::default() }))?;
    }
    Ok(())
}

/// Whether a query has expressions in which it would take too long to look for an error.
pub(super) fn is_deep(query: &Query) -> bool {
    let mut depth = Depth::default();
    let walked = walk_query(&mut query.clone(), &mut depth);
    walked.is_break() || depth.deepest > DEPTH_MAX || check_with(query).is_err()
}

/// The same for an expression alone.
pub(super) fn flatten_expr(expr: &mut Expr) -> SqlResult<()> {
    broken(walk_expr(expr, &mut Balance))?;
    let mut depth = Depth::default();
    broken(walk_expr(expr, &mut depth))?;
    if depth.deepest > DEPTH_MAX {
        broken(walk_expr(expr, &mut Depth { parts: true, ..Depth::default() }))?;
    }
    Ok(())
}

fn broken(flow: Flow) -> SqlResult<()> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error.into()),
    }
}

/// Queries of WITH are written out wherever they are read.
fn check_with(query: &Query) -> SqlResult<()> {
    let Some(with) = &query.with else { return Ok(()) };
    let mut reads: HashMap<String, u64> = HashMap::new();
    for table in &with.cte_tables {
        let mut names = Names { reads: &reads, found: 1 };
        let _ = walk_query(&mut table.query.as_ref().clone(), &mut names);
        let found = names.found;
        if found > READ_MAX {
            let name = &table.alias.name.value;
            let error =
                SqlError::new(format!("'{name}' stands for more than {READ_MAX} queries, those of WITH written out where they are read"));
            return Err(error.about(name).help("let INSERT INTO write what is read in many places into a table"));
        }
        reads.insert(table.alias.name.value.clone(), found);
    }
    Ok(())
}

struct Names<'a> {
    reads: &'a HashMap<String, u64>,
    found: u64,
}

impl Pass for Names<'_> {
    fn pre_visit_relation(&mut self, name: &mut ast::ObjectName) -> Flow {
        if let [part] = name.0.as_slice()
            && let Some(ident) = part.as_ident()
        {
            self.found += self.reads.get(&ident.value).copied().unwrap_or(0);
        }
        ControlFlow::Continue(())
    }
}

/// Turns long chains of operators into trees of little depth.
struct Balance;

impl Pass for Balance {
    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        let Expr::BinaryOp { op, .. } = expr else { return ControlFlow::Continue(()) };
        let op = op.clone();
        if !matches!(op, BinaryOperator::And | BinaryOperator::Or | BinaryOperator::StringConcat) {
            super::chain::flatten(expr);
            return ControlFlow::Continue(());
        }
        if length(expr, &op) > CHAIN_MAX {
            let placeholder = Expr::Value(ast::Value::Null.into());
            let mut operands = vec![];
            take_apart(std::mem::replace(expr, placeholder), &op, &mut operands);
            *expr = balanced(operands, &op);
        }
        ControlFlow::Continue(())
    }
}

/// How often the operator stands along the left side.
fn length(mut expr: &Expr, chain: &BinaryOperator) -> usize {
    let mut length = 0;
    while let Expr::BinaryOp { left, op, .. } = expr
        && op == chain
    {
        length += 1;
        expr = left;
    }
    length
}

/// The operands along the left side, in order.
fn take_apart(mut expr: Expr, chain: &BinaryOperator, operands: &mut Vec<Expr>) {
    loop {
        match expr {
            Expr::BinaryOp { left, op, right } if op == *chain => {
                operands.push(*right);
                expr = *left;
            }
            first => {
                operands.push(first);
                operands.reverse();
                return;
            }
        }
    }
}

fn balanced(mut operands: Vec<Expr>, op: &BinaryOperator) -> Expr {
    while operands.len() > 1 {
        let mut pairs = Vec::with_capacity(operands.len().div_ceil(2));
        let mut rest = operands.into_iter();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                Some(right) => Expr::BinaryOp { left: Box::new(left), op: op.clone(), right: Box::new(right) },
                None => left,
            });
        }
        operands = pairs;
    }
    operands.pop().unwrap_or_else(|| Expr::Value(ast::Value::Null.into()))
}

/// Measures expressions, and puts functions that do nothing into them.
#[derive(Default)]
struct Depth {
    parts: bool,
    /// For each expression that is being walked, the levels below it so far.
    below: Vec<usize>,
    deepest: usize,
    /// Sub-queries as values around what is being walked.
    values: usize,
}

fn is_value_query(expr: &Expr) -> bool {
    matches!(expr, Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. })
}

/// Expressions that a function may stand around without changing what they mean where they are.
fn is_plain(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::BinaryOp { .. }
            | Expr::UnaryOp { .. }
            | Expr::Case { .. }
            | Expr::Function(_)
            | Expr::Cast { .. }
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
    )
}

impl Pass for Depth {
    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        self.values += usize::from(is_value_query(expr));
        if self.values > VALUES_NESTED_MAX {
            let message = format!("sub-queries as values are nested more than {VALUES_NESTED_MAX} levels deep");
            let error = crate::dialect::SyntaxError::at_span(ast::Spanned::span(expr), message);
            return ControlFlow::Break(error.with_help("join them, or split the statement with views"));
        }
        self.below.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        self.values -= usize::from(is_value_query(expr));
        let mut levels = self.below.pop().unwrap_or(0) + 1;
        self.deepest = self.deepest.max(levels);
        if self.parts && levels >= PART_LEVELS && is_plain(expr) && !self.below.is_empty() {
            let mut hasher = DefaultHasher::new();
            expr.to_string().hash(&mut hasher);
            let inner = std::mem::replace(expr, Expr::Value(ast::Value::Null.into()));
            *expr = call(format!("{PART}{:016x}", hasher.finish()), vec![inner]);
            levels = 0;
        }
        if let Some(outer) = self.below.last_mut() {
            *outer = levels.max(*outer);
        }
        ControlFlow::Continue(())
    }
}

/// The function behind a name that begins with [`PART`].
pub fn part_function(name: &str) -> Option<Arc<ScalarUDF>> {
    let part = || Part { name: name.to_string(), signature: Signature::user_defined(Volatility::Immutable) };
    name.starts_with(PART).then(|| Arc::new(ScalarUDF::new_from_impl(part())))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Part {
    name: String,
    signature: Signature,
}

impl ScalarUDFImpl for Part {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema_name(&self, _: &[PlanExpr]) -> Result<String> {
        Ok(self.name.clone())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        Ok(given.to_vec())
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok(given.first().cloned().unwrap_or(DataType::Null))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(args.arg_fields[0].clone())
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(args.args.swap_remove(0))
    }
}
