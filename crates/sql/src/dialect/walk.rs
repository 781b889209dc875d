//! Walking over a syntax tree, compiled once for all passes.
//!
//! sqlparser's visitors are generic: each implementation of its trait makes the compiler build the whole walk, over every kind of
//! node, once more. Six passes of ours were nearly half of this crate's machine code. A [`Pass`] is called through a
//! pointer instead.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, ObjectName, Query, Select, TableFactor, ValueWithSpan, VisitMut, VisitorMut};

use super::error::SyntaxError;

/// Whether the walk goes on, or ends with an error.
pub(crate) type Flow = ControlFlow<SyntaxError>;

/// What is done to the nodes of a tree. `pre` is called before what stands within the node, `post` after it.
pub(crate) trait Pass {
    fn pre_visit_query(&mut self, _: &mut Query) -> Flow {
        Flow::Continue(())
    }
    fn pre_visit_select(&mut self, _: &mut Select) -> Flow {
        Flow::Continue(())
    }
    fn pre_visit_table_factor(&mut self, _: &mut TableFactor) -> Flow {
        Flow::Continue(())
    }
    /// The name of a table.
    fn pre_visit_relation(&mut self, _: &mut ObjectName) -> Flow {
        Flow::Continue(())
    }
    fn pre_visit_expr(&mut self, _: &mut Expr) -> Flow {
        Flow::Continue(())
    }
    fn post_visit_expr(&mut self, _: &mut Expr) -> Flow {
        Flow::Continue(())
    }
    fn pre_visit_value(&mut self, _: &mut ValueWithSpan) -> Flow {
        Flow::Continue(())
    }
}

/// Walks over a query and all queries inside it.
pub(crate) fn walk_query(query: &mut Query, pass: &mut dyn Pass) -> Flow {
    query.visit(&mut Walk(pass))
}

/// Walks over an expression and all queries inside it.
pub(crate) fn walk_expr(expr: &mut Expr, pass: &mut dyn Pass) -> Flow {
    expr.visit(&mut Walk(pass))
}

struct Walk<'a>(&'a mut dyn Pass);

impl VisitorMut for Walk<'_> {
    type Break = SyntaxError;

    fn pre_visit_query(&mut self, query: &mut Query) -> Flow {
        self.0.pre_visit_query(query)
    }
    fn pre_visit_select(&mut self, select: &mut Select) -> Flow {
        self.0.pre_visit_select(select)
    }
    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> Flow {
        self.0.pre_visit_table_factor(factor)
    }
    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> Flow {
        self.0.pre_visit_relation(name)
    }
    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        self.0.pre_visit_expr(expr)
    }
    fn post_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        self.0.post_visit_expr(expr)
    }
    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> Flow {
        self.0.pre_visit_value(value)
    }
}
