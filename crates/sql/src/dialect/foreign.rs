//! Refuses what sqlparser takes from other dialects and Flink does not: a script must run on Flink unchanged.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, LimitClause, ObjectName, Query, Select, SelectItem, SetExpr, Spanned, TableFactor,
};
use sqlparser::tokenizer::Span;

use super::error::SyntaxError;
use super::reserved::{reserved_alias, reserved_word};
use super::walk::{Flow, Pass, walk_query};

/// Checks a query and all queries inside it.
///
/// # Errors
/// At the first foreign construct; only the error's span is filled in.
pub(super) fn check(query: &mut Query) -> Result<(), SyntaxError> {
    match walk_query(query, &mut Foreign) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Foreign;

fn refuse(span: Span, what: &str, help: &str) -> Flow {
    let error = SyntaxError::at_span(span, format!("{what} is not part of Flink SQL"));
    ControlFlow::Break(if help.is_empty() { error } else { error.with_help(help) })
}

impl Pass for Foreign {
    fn pre_visit_query(&mut self, query: &mut Query) -> Flow {
        let span = query.span();
        if let SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) = query.body.as_ref() {
            return refuse(span, "a change of a table inside a query", "write WITH after INSERT INTO t");
        }
        if let Some(LimitClause::OffsetCommaLimit { .. }) = query.limit_clause {
            return refuse(span, "LIMIT a, b", "write LIMIT b OFFSET a");
        }
        if !query.locks.is_empty() {
            return refuse(span, "FOR UPDATE", "");
        }
        if query.for_clause.is_some() || query.settings.is_some() || query.format_clause.is_some() {
            return refuse(span, "this clause at the end of the query", "");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> Flow {
        let span = select.select_token.0.span;
        if let Some(Distinct::On(_)) = select.distinct {
            return refuse(
                span,
                "DISTINCT ON",
                "filter on ROW_NUMBER() OVER (PARTITION BY ... ORDER BY ...) = 1 in a query around this one",
            );
        }
        if let Some(join) = select.from.iter().flat_map(|from| &from.joins).find(|join| join.global) {
            return refuse(join.relation.span(), "GLOBAL JOIN", "write JOIN");
        }
        if select.top.is_some() {
            return refuse(span, "SELECT TOP", "write LIMIT at the end");
        }
        if select.into.is_some() {
            return refuse(span, "SELECT INTO", "write INSERT INTO t SELECT ...");
        }
        if !select.lateral_views.is_empty() {
            return refuse(span, "LATERAL VIEW", "write CROSS JOIN UNNEST(...) or LATERAL TABLE(...)");
        }
        let hive = [&select.cluster_by, &select.distribute_by].iter().any(|keys| !keys.is_empty());
        if hive || !select.sort_by.is_empty() {
            return refuse(span, "CLUSTER BY, DISTRIBUTE BY or SORT BY", "write ORDER BY");
        }
        if select.prewhere.is_some() || !select.connect_by.is_empty() || select.exclude.is_some() {
            return refuse(span, "this clause of SELECT", "");
        }
        if let GroupByExpr::All(_) = select.group_by {
            return refuse(span, "GROUP BY ALL", "name the columns");
        }
        select.projection.iter().try_for_each(check_item)
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> Flow {
        match factor {
            TableFactor::Pivot { .. } | TableFactor::Unpivot { .. } => {
                refuse(factor.span(), "PIVOT", "use CASE inside an aggregate, or UNION ALL")
            }
            TableFactor::Table { sample: Some(_), name, .. } => {
                let error = SyntaxError::at_span(name.span(), "TABLESAMPLE cannot be planned, as in Flink: a table is read whole");
                ControlFlow::Break(error.with_help("write WHERE RAND() < 0.1 for about a tenth of the rows"))
            }
            TableFactor::Table { with_hints, name, .. } if !with_hints.is_empty() => {
                refuse(name.span(), "WITH (...) after a table", "write /*+ OPTIONS('key' = 'value') */")
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> Flow {
        match name.0.first().and_then(|part| part.as_ident()) {
            Some(ident) => check_name(ident),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        match expr {
            Expr::Identifier(name) => check_name(name),
            Expr::ILike { expr, .. } => refuse(expr.span(), "ILIKE", "write UPPER(x) LIKE ..."),
            Expr::RLike { expr, .. } => refuse(expr.span(), "RLIKE", "write REGEXP(x, pattern)"),
            Expr::Convert { expr, .. } => refuse(expr.span(), "CONVERT", "write CAST(x AS type)"),
            Expr::AtTimeZone { timestamp, .. } => refuse(timestamp.span(), "AT TIME ZONE", "use CONVERT_TZ or a cast to TIMESTAMP_LTZ"),
            Expr::JsonAccess { value, .. } => refuse(value.span(), "the operator `:`", "use JSON_VALUE"),
            Expr::Dictionary(_) => refuse(expr.span(), "a literal in braces", "write MAP['key', value]"),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// sqlparser takes keywords for names where no other reading is left, as in `SELECT a, FROM t`.
fn check_name(name: &Ident) -> Flow {
    match reserved_word(name) {
        Some(error) => ControlFlow::Break(error),
        None => ControlFlow::Continue(()),
    }
}

fn check_item(item: &SelectItem) -> Flow {
    if let SelectItem::ExprWithAlias { alias, .. } = item
        && let Some(error) = reserved_alias(alias)
    {
        return ControlFlow::Break(error);
    }
    let (SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options)) = item else {
        return ControlFlow::Continue(());
    };
    let plain = options.opt_ilike.is_none()
        && options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none();
    if plain { ControlFlow::Continue(()) } else { refuse(item.span(), "this change of `*`", "name the columns") }
}
