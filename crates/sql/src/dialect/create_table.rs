//! `CREATE TABLE`: columns, watermarks, keys, and the clauses after them.

use sqlparser::ast::Ident;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::cursor::{
    Step, at, at_end, behind, eat, eat_all, eat_one_of, expect, expect_all, expected, here, ident, list, list_or_empty, number,
    object_name, string,
};
use super::error::{did_you_mean, fail, fail_with_help};
use super::grammar::Grammar;
use super::statement::{
    Column, ColumnKind, CreateTable, Distribution, DistributionKind, Like, LikeFeature, LikeOption, MergeStrategy, OptionEntry, PrimaryKey,
    ReplaceMode, Statement, Text, Watermark,
};
use super::types::column_type;
use crate::types::ColumnType;

/// Words that start a clause after the columns.
const CLAUSES: &[&str] = &["COMMENT", "DISTRIBUTED", "PARTITIONED", "WITH", "LIKE", "AS"];

/// Words that start an element of the column list that is not a column.
const ELEMENTS: &[&str] = &["WATERMARK", "PRIMARY", "CONSTRAINT"];

const FEATURES: &[(&str, LikeFeature)] = &[
    ("ALL", LikeFeature::All),
    ("CONSTRAINTS", LikeFeature::Constraints),
    ("DISTRIBUTION", LikeFeature::Distribution),
    ("GENERATED", LikeFeature::Generated),
    ("METADATA", LikeFeature::Metadata),
    ("OPTIONS", LikeFeature::Options),
    ("PARTITIONS", LikeFeature::Partitions),
    ("WATERMARKS", LikeFeature::Watermarks),
];

impl Grammar<'_> {
    /// `CREATE TABLE` after the word `TABLE`.
    pub(super) fn create_table(&mut self, temporary: bool, replace: ReplaceMode) -> Step<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = object_name(&mut self.p, "the table's name")?;
        let mut table = CreateTable { name, temporary, replace, if_not_exists, ..CreateTable::empty() };
        if self.p.peek_token_ref().token == Token::LParen {
            self.elements(&mut table)?;
        }
        while !at_end(&self.p) {
            self.clause(&mut table)?;
        }
        Ok(Statement::CreateTable(Box::new(table)))
    }

    fn elements(&mut self, table: &mut CreateTable) -> Step<()> {
        self.p.advance_token();
        if self.p.consume_token(&Token::RParen) {
            return Ok(());
        }
        loop {
            self.element(table)?;
            if self.p.consume_token(&Token::RParen) {
                return Ok(());
            }
            if !self.p.consume_token(&Token::Comma) {
                return Err(expected(&self.p, "`,` or `)` after the column", &["COMMENT", "METADATA", "PRIMARY", "NOT"]));
            }
            if self.p.peek_token_ref().token == Token::RParen {
                return Err(fail_with_help(behind(&self.p), "a column is missing after the comma", "remove the comma"));
            }
        }
    }

    pub(super) fn element(&mut self, table: &mut CreateTable) -> Step<()> {
        let p = &mut self.p;
        let start = here(p);
        let constraint = if eat(p, "CONSTRAINT") { Some(ident(p, "the constraint's name")?) } else { None };
        if eat_all(p, &["PRIMARY", "KEY"]) {
            let columns = list(p, |p| ident(p, "a column"))?;
            not_enforced(p)?;
            let span = start.union(&behind(p));
            return set_primary_key(table, PrimaryKey { name: constraint, columns, span });
        }
        if eat(p, "UNIQUE") {
            return Err(fail_with_help(start, "UNIQUE is not supported by Flink SQL", "use PRIMARY KEY (...) NOT ENFORCED"));
        }
        if constraint.is_some() {
            return Err(expected(p, "`PRIMARY KEY`", &["PRIMARY"]));
        }
        if eat_all(p, &["WATERMARK", "FOR"]) {
            let column = path(p, "the time column")?;
            expect(p, "AS")?;
            let expr = self.written_expr()?;
            let span = start.union(&expr.span);
            table.watermarks.push(Watermark { column, expr, span });
            return Ok(());
        }
        self.column(table)
    }

    fn column(&mut self, table: &mut CreateTable) -> Step<()> {
        let start = here(&self.p);
        let name = ident(&mut self.p, "a column")?;
        if eat(&mut self.p, "AS") {
            let expr = self.written_expr()?;
            let comment = comment(&mut self.p)?;
            table.columns.push(Column { name, kind: ColumnKind::Computed(expr), comment });
            return Ok(());
        }
        if matches!(self.p.peek_token_ref().token, Token::Comma | Token::RParen) {
            table.columns.push(Column { name, kind: ColumnKind::NameOnly, comment: None });
            return Ok(());
        }
        let column = column_type(&mut self.p).map_err(|e| mistyped_element(&name, start).unwrap_or(e))?;
        if eat(&mut self.p, "METADATA") {
            let p = &mut self.p;
            let key = if eat(p, "FROM") { Some(string(p, "the metadata key")?) } else { None };
            let is_virtual = eat(p, "VIRTUAL");
            let comment = comment(p)?;
            table.columns.push(Column { name, kind: ColumnKind::Metadata { column, key, is_virtual }, comment });
            return Ok(());
        }
        self.physical_column(table, name, column)
    }

    fn physical_column(&mut self, table: &mut CreateTable, name: Ident, mut column: ColumnType) -> Step<()> {
        let mut note = None;
        loop {
            let p = &mut self.p;
            let start = here(p);
            let constraint = if eat(p, "CONSTRAINT") { Some(ident(p, "the constraint's name")?) } else { None };
            if eat_all(p, &["PRIMARY", "KEY"]) {
                not_enforced(p)?;
                let span = start.union(&behind(p));
                let columns = vec![name.clone()];
                set_primary_key(table, PrimaryKey { name: constraint, columns, span })?;
            } else if constraint.is_some() {
                return Err(expected(p, "`PRIMARY KEY`", &["PRIMARY"]));
            } else if eat_all(p, &["NOT", "NULL"]) {
                column.nullable = false;
            } else if at(p, "COMMENT") {
                note = comment(p)?;
            } else if at(p, "DEFAULT") {
                return Err(fail(start, "DEFAULT values are not supported by Flink SQL"));
            } else {
                break;
            }
        }
        table.columns.push(Column { name, kind: ColumnKind::Physical(column), comment: note });
        Ok(())
    }

    fn clause(&mut self, table: &mut CreateTable) -> Step<()> {
        let p = &mut self.p;
        let start = here(p);
        if at(p, "COMMENT") {
            return once(&mut table.comment, comment(p)?, start, "COMMENT");
        }
        if eat(p, "DISTRIBUTED") {
            return once(&mut table.distribution, Some(distribution(p)?), start, "DISTRIBUTED");
        }
        if eat(p, "PARTITIONED") {
            expect(p, "BY")?;
            table.partitioned_by = list(p, |p| ident(p, "a column"))?;
            return Ok(());
        }
        if eat(p, "WITH") {
            table.options = options(p)?;
            return once(&mut table.options_span, Some(start.union(&behind(p))), start, "WITH");
        }
        if eat(p, "LIKE") {
            return once(&mut table.like, Some(like(p)?), start, "LIKE");
        }
        if eat(p, "AS") {
            table.as_query = Some(self.written_query()?);
            return Ok(());
        }
        Err(expected(p, "`WITH` or another clause of CREATE TABLE", CLAUSES))
    }
}

/// Stores a clause that may be written once.
fn once<T>(slot: &mut Option<T>, value: Option<T>, span: sqlparser::tokenizer::Span, name: &str) -> Step<()> {
    if slot.is_some() {
        return Err(fail(span, format!("{name} is written twice")));
    }
    *slot = value;
    Ok(())
}

fn set_primary_key(table: &mut CreateTable, key: PrimaryKey) -> Step<()> {
    let span = key.span;
    if table.primary_key.replace(key).is_some() {
        let help = "write one PRIMARY KEY (a, b) NOT ENFORCED";
        return Err(fail_with_help(span, "a table has one primary key", help));
    }
    Ok(())
}

/// Flink demands `NOT ENFORCED` after every key.
fn not_enforced(p: &mut Parser) -> Step<()> {
    let span = here(p);
    if eat(p, "ENFORCED") {
        let message = "a primary key cannot be enforced, since Flink does not own the data";
        return Err(fail_with_help(span, message, "write NOT ENFORCED"));
    }
    if !eat_all(p, &["NOT", "ENFORCED"]) {
        return Err(expected(p, "`NOT ENFORCED` after the primary key", &["ENFORCED"]));
    }
    Ok(())
}

/// A word such as `WATERMAK` reads as a column name, and only the type after it is wrong.
fn mistyped_element(name: &Ident, span: sqlparser::tokenizer::Span) -> Option<sqlparser::parser::ParserError> {
    let near = did_you_mean(&name.value, ELEMENTS.iter().copied())?;
    let message = format!("`{}` is not followed by a type", name.value);
    Some(fail_with_help(span, message, format!("did you mean `{near}`?")))
}

/// Names with dots between them.
pub(super) fn path(p: &mut Parser, what: &str) -> Step<Vec<Ident>> {
    let mut parts = vec![ident(p, what)?];
    while p.consume_token(&Token::Period) {
        parts.push(ident(p, what)?);
    }
    Ok(parts)
}

/// `COMMENT 'text'`, if it is written.
pub(super) fn comment(p: &mut Parser) -> Step<Option<Text>> {
    if eat(p, "COMMENT") { string(p, "the comment").map(Some) } else { Ok(None) }
}

/// `('key' = 'value', ...)`.
pub(super) fn options(p: &mut Parser) -> Step<Vec<OptionEntry>> {
    let entries = list_or_empty(p, |p| {
        let key = string(p, "an option")?;
        super::cursor::expect_token(p, Token::Eq)?;
        Ok(OptionEntry { key, value: string(p, "the option's value")? })
    })?;
    for (i, entry) in entries.iter().enumerate() {
        if entries[..i].iter().any(|other| other.key.value == entry.key.value) {
            return Err(fail(entry.key.span, format!("the option '{}' is set twice", entry.key.value)));
        }
    }
    Ok(entries)
}

fn distribution(p: &mut Parser) -> Step<Distribution> {
    let mut kind = DistributionKind::Unknown;
    let mut columns = vec![];
    if eat(p, "BY") {
        match eat_one_of(p, &["HASH", "RANGE"]) {
            Some("HASH") => kind = DistributionKind::Hash,
            Some(_) => kind = DistributionKind::Range,
            None => {}
        }
        columns = list(p, |p| ident(p, "a column"))?;
    } else if !at(p, "INTO") {
        return Err(expected(p, "`BY` or `INTO`", &["BY", "INTO"]));
    }
    let mut buckets = None;
    if eat(p, "INTO") {
        buckets = Some(number(p, "the number of buckets")?);
        expect_all(p, &["BUCKETS"])?;
    }
    Ok(Distribution { kind, columns, buckets })
}

fn like(p: &mut Parser) -> Step<Like> {
    let table = object_name(p, "a table")?;
    let mut options = vec![];
    if p.consume_token(&Token::LParen) {
        while !p.consume_token(&Token::RParen) {
            options.push(like_option(p)?);
        }
    }
    Ok(Like { table, options })
}

fn like_option(p: &mut Parser) -> Step<LikeOption> {
    const STRATEGIES: &[&str] = &["INCLUDING", "EXCLUDING", "OVERWRITING"];
    let strategy = match eat_one_of(p, STRATEGIES) {
        Some("INCLUDING") => MergeStrategy::Including,
        Some("EXCLUDING") => MergeStrategy::Excluding,
        Some(_) => MergeStrategy::Overwriting,
        None => return Err(expected(p, "`INCLUDING`, `EXCLUDING`, `OVERWRITING` or `)`", STRATEGIES)),
    };
    let words: Vec<&str> = FEATURES.iter().map(|(word, _)| *word).collect();
    let found = eat_one_of(p, &words).and_then(|word| FEATURES.iter().find(|(w, _)| *w == word));
    match found {
        Some((_, feature)) => Ok(LikeOption { strategy, feature: *feature }),
        None => Err(expected(p, "what to take over, such as OPTIONS or ALL", &words)),
    }
}
