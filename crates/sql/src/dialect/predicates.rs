//! `IS JSON` and `BETWEEN SYMMETRIC`, the predicates that sqlparser lacks, and `IS DISTINCT FROM`, of which it takes too much.
//!
//! `x IS JSON OBJECT` becomes `is_json(x, 'OBJECT')`; the kind is `VALUE` when none is written.
//! `x BETWEEN SYMMETRIC a AND b` becomes `x BETWEEN a AND b OR x BETWEEN b AND a`.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};
use sqlparser::dialect::{Dialect, Precedence};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Span;

use super::calls::{call, text};
use super::cursor::{Step, eat_all, eat_one_of, expect, is_word};
use super::hooks::FlinkDialect;

/// `IS [NOT] JSON [VALUE | SCALAR | ARRAY | OBJECT]` after `expr`; None when another `IS` follows.
pub(super) fn is_json(p: &mut Parser, expr: &Expr) -> Option<Expr> {
    let negated = if eat_all(p, &["IS", "JSON"]) {
        false
    } else if eat_all(p, &["IS", "NOT", "JSON"]) {
        true
    } else {
        return None;
    };
    let kind = eat_one_of(p, &["VALUE", "SCALAR", "ARRAY", "OBJECT"]).unwrap_or("VALUE");
    let test = call("is_json", vec![expr.clone(), text(kind, Span::empty())]);
    Some(negate_if(negated, test))
}

/// `IS [NOT] DISTINCT FROM x` after `expr`. sqlparser would take all that follows for the operand, with AND and OR.
pub(super) fn is_distinct_from(dialect: &FlinkDialect, p: &mut Parser, expr: &Expr) -> Option<Step<Expr>> {
    let negated = if eat_all(p, &["IS", "DISTINCT", "FROM"]) {
        false
    } else if eat_all(p, &["IS", "NOT", "DISTINCT", "FROM"]) {
        true
    } else {
        return None;
    };
    let operand = p.parse_subexpr(dialect.prec_value(Precedence::Is));
    Some(operand.map(|operand| {
        let (left, right) = (Box::new(expr.clone()), Box::new(operand));
        if negated { Expr::IsNotDistinctFrom(left, right) } else { Expr::IsDistinctFrom(left, right) }
    }))
}

/// `[NOT] BETWEEN {SYMMETRIC | ASYMMETRIC} a AND b` after `expr`; None for the plain form.
pub(super) fn between_symmetric(dialect: &FlinkDialect, p: &mut Parser, expr: &Expr) -> Option<Step<Expr>> {
    let negated = is_word(&p.peek_token_ref().token, "NOT");
    let words: &[&str] = if negated { &["NOT", "BETWEEN"] } else { &["BETWEEN"] };
    let symmetric = [words, &["SYMMETRIC"]].concat();
    let asymmetric = [words, &["ASYMMETRIC"]].concat();
    let is_symmetric = eat_all(p, &symmetric);
    if !is_symmetric && !eat_all(p, &asymmetric) {
        return None;
    }
    Some(bounds(dialect, p).map(|(low, high)| {
        let between = |low: &Expr, high: &Expr| Expr::Between {
            expr: Box::new(expr.clone()),
            negated: false,
            low: Box::new(low.clone()),
            high: Box::new(high.clone()),
        };
        let one_way = between(&low, &high);
        if !is_symmetric {
            return negate_if(negated, one_way);
        }
        let either_way = Expr::BinaryOp { left: Box::new(one_way), op: BinaryOperator::Or, right: Box::new(between(&high, &low)) };
        negate_if(negated, Expr::Nested(Box::new(either_way)))
    }))
}

fn bounds(dialect: &FlinkDialect, p: &mut Parser) -> Step<(Expr, Expr)> {
    let precedence = dialect.prec_value(Precedence::Between);
    let low = p.parse_subexpr(precedence)?;
    expect(p, "AND")?;
    Ok((low, p.parse_subexpr(precedence)?))
}

fn negate_if(negated: bool, expr: Expr) -> Expr {
    if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expr) } } else { expr }
}
