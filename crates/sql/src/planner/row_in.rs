//! `(a, b) IN (SELECT …)` in a condition, written as EXISTS: there, not to be known is as good as to be false.

use sqlparser::ast::{BinaryOperator, Expr, Ident, Query, Select, SetExpr, TableAlias, TableAliasColumnDef, TableFactor};

use crate::dialect::{Flow, Pass, parse_query, walk_query};
use crate::error::{SqlError, SqlResult};

/// The name of the sub-query, with which names of its columns begin too.
const ROW: &str = "$row";

/// Rewrites the conditions of a query and those inside it.
pub fn rewrite(query: &mut Query) -> SqlResult<()> {
    let mut pass = Rewrite { error: None };
    let _ = walk_query(query, &mut pass);
    pass.error.map_or(Ok(()), Err)
}

struct Rewrite {
    error: Option<SqlError>,
}

impl Pass for Rewrite {
    fn pre_visit_select(&mut self, select: &mut Select) -> Flow {
        for condition in select.selection.iter_mut().chain(&mut select.having) {
            if let Err(error) = rewrite_condition(condition) {
                self.error.get_or_insert(error);
            }
        }
        Flow::Continue(())
    }
}

fn rewrite_condition(condition: &mut Expr) -> SqlResult<()> {
    match condition {
        Expr::Nested(inner) => rewrite_condition(inner),
        Expr::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or, right } => {
            rewrite_condition(left)?;
            rewrite_condition(right)
        }
        Expr::InSubquery { expr, subquery, negated } => {
            let Expr::Tuple(values) = expr.as_ref() else { return Ok(()) };
            if *negated {
                return Err(SqlError::not_yet("NOT IN of several columns").about("NOT").help("write NOT EXISTS (SELECT … WHERE …)"));
            }
            *condition = exists(values, subquery)?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// `EXISTS (SELECT 1 FROM (query) AS row (row0, row1) WHERE row0 = a AND row1 = b)`.
fn exists(values: &[Expr], query: &Query) -> SqlResult<Expr> {
    let column = |at: usize| Ident::with_quote('`', format!("{ROW}{at}"));
    let equal = |(at, value): (usize, &Expr)| Expr::BinaryOp {
        left: Box::new(Expr::CompoundIdentifier(vec![Ident::with_quote('`', ROW), column(at)])),
        op: BinaryOperator::Eq,
        right: Box::new(value.clone()),
    };
    let all = values.iter().enumerate().map(equal);
    let all = all.reduce(|a, b| Expr::BinaryOp { left: Box::new(a), op: BinaryOperator::And, right: Box::new(b) });
    let mut outer = parse_query("SELECT 1 FROM (SELECT 1)").map_err(SqlError::from)?;
    if let SetExpr::Select(select) = outer.body.as_mut() {
        select.selection = all;
        if let Some(TableFactor::Derived { subquery, alias, .. }) = select.from.first_mut().map(|from| &mut from.relation) {
            **subquery = query.clone();
            let columns = (0..values.len()).map(|at| TableAliasColumnDef { name: column(at), data_type: None }).collect();
            *alias = Some(TableAlias { explicit: true, name: Ident::with_quote('`', ROW), columns, at: None });
        }
    }
    Ok(Expr::Exists { subquery: outer, negated: false })
}
