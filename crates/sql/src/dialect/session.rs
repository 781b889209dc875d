//! `SHOW`, `DESCRIBE`, `EXPLAIN`, `SET`, `RESET` and `USE`.

use sqlparser::ast::ObjectName;
use sqlparser::tokenizer::{Span, Token};

use super::cursor::{Step, at, at_all, at_end, behind, eat, eat_all, eat_one_of, expect, expected, here, ident, object_name, string};
use super::error::fail;
use super::grammar::Grammar;
use super::statement::{Describe, DescribeKind, Explain, ExplainDetail, OptionEntry, Pattern, Show, ShowKind, Statement, Text, Use};

/// What `SHOW` shows, by its words; longer ones first.
const SHOWS: &[(&[&str], ShowKind)] = &[
    (&["CURRENT", "CATALOG"], ShowKind::CurrentCatalog),
    (&["CURRENT", "DATABASE"], ShowKind::CurrentDatabase),
    (&["MATERIALIZED", "TABLES"], ShowKind::MaterializedTables),
    (&["USER", "FUNCTIONS"], ShowKind::UserFunctions),
    (&["FULL", "MODULES"], ShowKind::FullModules),
    (&["CATALOGS"], ShowKind::Catalogs),
    (&["DATABASES"], ShowKind::Databases),
    (&["TABLES"], ShowKind::Tables),
    (&["COLUMNS"], ShowKind::Columns),
    (&["PROCEDURES"], ShowKind::Procedures),
    (&["VIEWS"], ShowKind::Views),
    (&["FUNCTIONS"], ShowKind::Functions),
    (&["MODULES"], ShowKind::Modules),
    (&["JARS"], ShowKind::Jars),
    (&["JOBS"], ShowKind::Jobs),
    (&["MODELS"], ShowKind::Models),
    (&["CONNECTIONS"], ShowKind::Connections),
];

const DETAILS: &[(&str, ExplainDetail)] = &[
    ("ESTIMATED_COST", ExplainDetail::EstimatedCost),
    ("CHANGELOG_MODE", ExplainDetail::ChangelogMode),
    ("PLAN_ADVICE", ExplainDetail::PlanAdvice),
    ("JSON_EXECUTION_PLAN", ExplainDetail::JsonExecutionPlan),
];

impl Grammar<'_> {
    /// `SHOW ...`.
    pub(super) fn show(&mut self) -> Step<Statement> {
        for (words, what) in [
            (&["SHOW", "CREATE", "MATERIALIZED"][..], "SHOW CREATE MATERIALIZED TABLE"),
            (&["SHOW", "CREATE", "MODEL"], "SHOW CREATE MODEL"),
            (&["SHOW", "CREATE", "CONNECTION"], "SHOW CREATE CONNECTION"),
        ] {
            if at_all(&self.p, words) {
                return Ok(self.not_supported(what, words.len()));
            }
        }
        self.p.advance_token();
        let what = self.show_kind()?;
        let p = &mut self.p;
        let from = match eat_one_of(p, &["FROM", "IN"]) {
            Some(_) => Some(object_name(p, "a name")?),
            None if matches!(what, ShowKind::Columns) => {
                return Err(expected(p, "`FROM` and a table", &["FROM", "IN"]));
            }
            None => None,
        };
        let pattern = self.pattern()?;
        Ok(Statement::Show(Show { what, from, pattern }))
    }

    fn show_kind(&mut self) -> Step<ShowKind> {
        let p = &mut self.p;
        if eat(p, "CREATE") {
            return match eat_one_of(p, &["TABLE", "VIEW", "CATALOG"]) {
                Some("TABLE") => Ok(ShowKind::CreateTable(object_name(p, "a table")?)),
                Some("VIEW") => Ok(ShowKind::CreateView(object_name(p, "a view")?)),
                Some(_) => Ok(ShowKind::CreateCatalog(object_name(p, "a catalog")?)),
                None => Err(expected(p, "`TABLE`, `VIEW` or `CATALOG`", &["TABLE", "VIEW", "CATALOG"])),
            };
        }
        if eat(p, "PARTITIONS") {
            return Ok(ShowKind::Partitions(object_name(p, "a table")?));
        }
        match SHOWS.iter().find(|(words, _)| eat_all(p, words)) {
            Some((_, kind)) => Ok(kind.clone()),
            None => {
                let words: Vec<&str> = SHOWS.iter().flat_map(|(words, _)| words.iter().copied()).collect();
                Err(expected(p, "what to show, such as TABLES", &words))
            }
        }
    }

    fn pattern(&mut self) -> Step<Option<Pattern>> {
        let p = &mut self.p;
        let negated = eat(p, "NOT");
        let Some(word) = eat_one_of(p, &["LIKE", "ILIKE"]) else {
            return if negated { Err(expected(p, "`LIKE` or `ILIKE`", &["LIKE", "ILIKE"])) } else { Ok(None) };
        };
        let text = string(p, "the pattern")?;
        Ok(Some(Pattern { negated, ignore_case: word == "ILIKE", text }))
    }

    /// `DESCRIBE ...` or `DESC ...`.
    pub(super) fn describe(&mut self) -> Step<Statement> {
        self.p.advance_token();
        for what in ["MODEL", "CONNECTION"] {
            if at(&self.p, what) && matches!(self.p.peek_nth_token_ref(1).token, Token::Word(_)) {
                return Ok(self.not_supported(&format!("DESCRIBE {what}"), 1));
            }
        }
        let p = &mut self.p;
        let is_kind = matches!(p.peek_nth_token_ref(1).token, Token::Word(_) | Token::SingleQuotedString(_));
        let word = match is_kind {
            true => eat_one_of(p, &["CATALOG", "DATABASE", "FUNCTION", "JOB"]),
            false => None,
        };
        let extended = matches!(p.peek_nth_token_ref(1).token, Token::Word(_)) && eat(p, "EXTENDED");
        let kind = match word {
            Some("CATALOG") => DescribeKind::Catalog(object_name(p, "a catalog")?),
            Some("DATABASE") => DescribeKind::Database(object_name(p, "a database")?),
            Some("FUNCTION") => DescribeKind::Function(object_name(p, "a function")?),
            Some(_) => DescribeKind::Job(string(p, "the job's id")?),
            None => DescribeKind::Table(object_name(p, "a table or a view")?),
        };
        Ok(Statement::Describe(Describe { kind, extended }))
    }

    /// `EXPLAIN ...` of one statement.
    pub(super) fn explain(&mut self) -> Step<Statement> {
        let details = self.explain_details()?;
        let statement = match self.first_word().as_str() {
            "SELECT" | "WITH" | "VALUES" | "(" => Statement::Query(self.query()?),
            "INSERT" | "EXECUTE" | "CREATE" | "REPLACE" => self.statement()?,
            _ => {
                let words = ["SELECT", "INSERT", "PLAN", "CHANGELOG_MODE", "ESTIMATED_COST", "PLAN_ADVICE", "STATEMENT"];
                return Err(expected(&self.p, "a query, an INSERT or a STATEMENT SET", &words));
            }
        };
        Ok(Statement::Explain(Explain { details, statement: Box::new(statement) }))
    }

    /// `EXPLAIN [PLAN FOR | detail, detail]`.
    pub(super) fn explain_details(&mut self) -> Step<Vec<ExplainDetail>> {
        let p = &mut self.p;
        expect(p, "EXPLAIN")?;
        if eat_all(p, &["PLAN", "FOR"]) {
            return Ok(vec![]);
        }
        let mut details = vec![];
        while let Some((word, detail)) = DETAILS.iter().find(|(word, _)| at(p, word)) {
            if details.contains(detail) {
                return Err(fail(here(p), format!("{word} is written twice")));
            }
            details.push(*detail);
            p.advance_token();
            if !p.consume_token(&Token::Comma) {
                break;
            }
        }
        Ok(details)
    }

    /// `SET`, `SET 'key' = 'value'`, or the SQL client's `SET key = value`.
    pub(super) fn set(&mut self) -> Step<Statement> {
        let p = &mut self.p;
        p.advance_token();
        if at_end(p) {
            return Ok(Statement::Set(None));
        }
        let key = self.set_key()?;
        let p = &mut self.p;
        super::cursor::expect_token(p, Token::Eq)?;
        let value = match (&p.peek_token_ref().token, &p.peek_nth_token_ref(1).token) {
            (Token::SingleQuotedString(_), Token::EOF) => string(p, "the value")?,
            _ => self.rest_as_text("a value")?,
        };
        Ok(Statement::Set(Some(OptionEntry { key, value })))
    }

    /// `RESET` or `RESET 'key'`, quotes may be left out.
    pub(super) fn reset(&mut self) -> Step<Statement> {
        self.p.advance_token();
        if at_end(&self.p) {
            return Ok(Statement::Reset(None));
        }
        let key = self.set_key()?;
        Ok(Statement::Reset(Some(key)))
    }

    /// A key in quotes, or everything up to `=`.
    fn set_key(&mut self) -> Step<Text> {
        let p = &mut self.p;
        if matches!(p.peek_token_ref().token, Token::SingleQuotedString(_)) {
            return string(p, "an option");
        }
        let start = here(p);
        if !matches!(p.peek_token_ref().token, Token::Word(_)) {
            return Err(expected(p, "an option as a string", &[]));
        }
        while !at_end(p) && p.peek_token_ref().token != Token::Eq {
            p.advance_token();
        }
        let span = start.union(&behind(p));
        Ok(Text { value: self.text(span), span })
    }

    /// Everything up to the end of the statement, as it is written.
    fn rest_as_text(&mut self, what: &str) -> Step<Text> {
        if at_end(&self.p) {
            return Err(expected(&self.p, what, &[]));
        }
        let start: Span = here(&self.p);
        self.skip_rest();
        let span = start.union(&behind(&self.p));
        Ok(Text { value: self.text(span), span })
    }

    /// `USE [CATALOG | MODULES]`.
    pub(super) fn use_statement(&mut self) -> Step<Statement> {
        let p = &mut self.p;
        p.advance_token();
        let names_follow = matches!(p.peek_nth_token_ref(1).token, Token::Word(_));
        let target = if names_follow && eat(p, "CATALOG") {
            Use::Catalog(ident(p, "a catalog")?)
        } else if names_follow && eat(p, "MODULES") {
            let mut modules = vec![ident(p, "a module")?];
            while p.consume_token(&Token::Comma) {
                modules.push(ident(p, "a module")?);
            }
            Use::Modules(modules)
        } else {
            let name: ObjectName = object_name(p, "a database")?;
            Use::Database(name)
        };
        Ok(Statement::Use(target))
    }
}
