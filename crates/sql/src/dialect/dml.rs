//! `INSERT` and statement sets.

use sqlparser::tokenizer::{Span, Token};

use super::create_table::path;
use super::cursor::{Step, behind, eat, eat_all, eat_one_of, expect, expected, here, ident, is_word, list, object_name_with_hint};
use super::error::SyntaxError;
use super::grammar::Grammar;
use super::hints::parse_hints;
use super::position::LineIndex;
use super::script::{Piece, Unit};
use super::statement::{Explain, ExplainDetail, Insert, OnConflict, Statement, StatementSet};

impl Grammar<'_> {
    /// `INSERT {INTO | OVERWRITE} ...`.
    pub(super) fn insert(&mut self) -> Step<Insert> {
        let p = &mut self.p;
        expect(p, "INSERT")?;
        let span = behind(p);
        let overwrite = match eat_one_of(p, &["INTO", "OVERWRITE"]) {
            Some(word) => word == "OVERWRITE",
            None => return Err(expected(p, "`INTO` or `OVERWRITE`", &["INTO", "OVERWRITE"])),
        };
        let (table, hint) = object_name_with_hint(p, "a table")?;
        // the rewrite has read the hint already
        let hints = hint.and_then(|h| parse_hints(&h.value).ok()).unwrap_or_default();
        let partition = if eat(p, "PARTITION") {
            list(p, |p| {
                let column = ident(p, "a partition column")?;
                let value = if p.consume_token(&Token::Eq) { Some(p.parse_expr()?) } else { None };
                Ok((column, value))
            })?
        } else {
            vec![]
        };
        let columns = if self.at_column_list() { list(&mut self.p, |p| path(p, "a column"))? } else { vec![] };
        if !["SELECT", "WITH", "VALUES", "("].contains(&self.first_word().as_str()) {
            let words = ["SELECT", "VALUES", "WITH", "PARTITION"];
            return Err(expected(&self.p, "a query or `VALUES`", &words));
        }
        let source = self.written_query()?;
        let on_conflict = self.on_conflict()?;
        Ok(Insert { table, hints, overwrite, partition, columns, source, on_conflict, span })
    }

    /// A parenthesis opens the columns unless it opens the query.
    fn at_column_list(&self) -> bool {
        let starts_query = |token: &Token| *token == Token::LParen || ["SELECT", "WITH", "VALUES"].iter().any(|word| is_word(token, word));
        self.p.peek_token_ref().token == Token::LParen && !starts_query(&self.p.peek_nth_token_ref(1).token)
    }

    fn on_conflict(&mut self) -> Step<Option<OnConflict>> {
        let p = &mut self.p;
        if !eat_all(p, &["ON", "CONFLICT"]) {
            return Ok(None);
        }
        expect(p, "DO")?;
        const ACTIONS: &[&str] = &["NOTHING", "ERROR", "DEDUPLICATE"];
        match eat_one_of(p, ACTIONS) {
            Some("NOTHING") => Ok(Some(OnConflict::Nothing)),
            Some("ERROR") => Ok(Some(OnConflict::Error)),
            Some(_) => Ok(Some(OnConflict::Deduplicate)),
            None => Err(expected(p, "`NOTHING`, `ERROR` or `DEDUPLICATE`", ACTIONS)),
        }
    }
}

/// What stands before the inserts of a statement set.
enum Opening {
    Execute,
    Explain(Vec<ExplainDetail>),
    NotSupported(Span),
}

/// A statement set and every error in it; the statement is there if there is no error.
pub(super) fn statement_set(unit: Unit, index: &LineIndex<'_>) -> (Option<Statement>, Vec<SyntaxError>) {
    let mut errors = vec![];
    let start = unit.header.significant().next().map_or(unit.header.end, |t| t.span);
    let header_insert = Grammar::new(unit.header, index).and_then(|g| g.run(opening_and_insert));
    let mut inserts = vec![];
    let mut opening = None;
    match header_insert {
        Ok((kind, first)) => {
            opening = Some(kind);
            inserts.extend(first);
        }
        Err(error) => errors.push(error),
    }
    if let Some(Opening::NotSupported(span)) = opening {
        return (Some(Statement::NotSupported { what: "COMPILE PLAN".into(), span }), vec![]);
    }
    for piece in unit.body {
        match Grammar::new(piece, index).and_then(|g| g.run(Grammar::set_member)) {
            Ok(insert) => inserts.push(insert),
            Err(error) => errors.push(error),
        }
    }
    errors.extend(closing_error(unit.closing, start).map(|e| e.locate(index)));
    let set = Statement::StatementSet(StatementSet { inserts });
    let statement = match opening {
        Some(Opening::Explain(details)) => Statement::Explain(Explain { details, statement: Box::new(set) }),
        _ => set,
    };
    (errors.is_empty().then_some(statement), errors)
}

/// What is wrong with `END`.
fn closing_error(closing: Option<Piece>, start: Span) -> Option<SyntaxError> {
    let Some(piece) = closing else {
        let error = SyntaxError::at_span(start, "the STATEMENT SET is not closed");
        return Some(error.with_help("write END; after its last INSERT"));
    };
    let extra = piece.significant().nth(1)?;
    Some(SyntaxError::at_span(extra.span, format!("unexpected `{}` after END", extra.token)))
}

/// The words up to `BEGIN`, and the first `INSERT` if no semicolon stands before it.
fn opening_and_insert(g: &mut Grammar<'_>) -> Step<(Opening, Option<Insert>)> {
    let start = here(&g.p);
    let opening = match g.first_word().as_str() {
        "EXPLAIN" => Opening::Explain(g.explain_details()?),
        "COMPILE" => {
            g.p.advance_token();
            let span = start.union(&here(&g.p));
            g.skip_rest();
            return Ok((Opening::NotSupported(span), None));
        }
        "STATEMENT" => Opening::Execute,
        _ => {
            g.p.advance_token();
            Opening::Execute
        }
    };
    let begun = is_word(&g.p.get_current_token().token, "BEGIN");
    super::cursor::expect_all(&mut g.p, &["STATEMENT", "SET"])?;
    if !begun {
        expect(&mut g.p, "BEGIN")?;
    } else if !super::cursor::at_end(&g.p) {
        return Err(expected(&g.p, "`;` after BEGIN STATEMENT SET", &[]));
    }
    if super::cursor::at_end(&g.p) {
        return Ok((opening, None));
    }
    Ok((opening, Some(g.set_member()?)))
}

impl Grammar<'_> {
    /// An `INSERT` inside a statement set.
    fn set_member(&mut self) -> Step<Insert> {
        if self.first_word() != "INSERT" {
            let what = "`INSERT` or `END` in the STATEMENT SET";
            return Err(expected(&self.p, what, &["INSERT", "END"]));
        }
        self.insert()
    }
}
