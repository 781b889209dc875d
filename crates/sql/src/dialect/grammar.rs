//! The grammar's frame: which word starts which statement, and how a statement's errors find their place.

use sqlparser::ast::Query;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use super::cursor::{Step, at, at_end, behind, eat, expected, here};
use super::error::{SyntaxError, fail, found_text, unpack};
use super::fixup::fixup;
use super::hooks::FlinkDialect;
use super::position::LineIndex;
use super::rewrite::rewrite;
use super::script::{Piece, check_shape};
use super::statement::{ClientCommand, Statement, WrittenExpr, WrittenQuery};

/// sqlparser's own measure of depth: a bracket costs one in an expression, a sub-query about four.
const RECURSION_MAX: usize = 5_000;

/// Words that start a statement.
const STARTS: &[&str] = &[
    "SELECT", "INSERT", "CREATE", "WITH", "VALUES", "DROP", "ALTER", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "SET", "RESET", "USE",
    "EXECUTE", "BEGIN", "REPLACE", "COMPILE", "ADD", "REMOVE", "CALL", "ANALYZE", "UPDATE", "DELETE", "TRUNCATE", "LOAD", "UNLOAD", "STOP",
    "QUIT", "EXIT", "CLEAR", "HELP", "SOURCE",
];

/// Statements that Flink or its SQL client knows and that are refused by name.
const NOT_SUPPORTED: &[(&[&str], &str)] = &[
    (&["COMPILE", "AND", "EXECUTE", "PLAN"], "COMPILE AND EXECUTE PLAN"),
    (&["COMPILE", "PLAN"], "COMPILE PLAN"),
    (&["EXECUTE", "PLAN"], "EXECUTE PLAN"),
    (&["ADD", "JAR"], "ADD JAR"),
    (&["REMOVE", "JAR"], "REMOVE JAR"),
    (&["CALL"], "CALL"),
    (&["ANALYZE"], "ANALYZE TABLE"),
    (&["UPDATE"], "UPDATE"),
    (&["DELETE"], "DELETE"),
    (&["TRUNCATE"], "TRUNCATE TABLE"),
    (&["LOAD", "MODULE"], "LOAD MODULE"),
    (&["UNLOAD", "MODULE"], "UNLOAD MODULE"),
    (&["STOP", "JOB"], "STOP JOB"),
    (&["SOURCE"], "SOURCE"),
];

/// A parser over one statement.
pub(super) struct Grammar<'a> {
    pub p: Parser<'a>,
    pub index: &'a LineIndex<'a>,
    /// Places of the tokens, to find the end of the one that an error names.
    spans: Vec<Span>,
    end: Span,
}

impl<'a> Grammar<'a> {
    /// A parser over the tokens of `piece`.
    pub fn new(piece: Piece, index: &'a LineIndex<'a>) -> Result<Self, SyntaxError> {
        check_shape(&piece).map_err(|e| e.locate(index))?;
        let end = piece.end;
        let tokens = rewrite(piece.tokens).map_err(|e| e.locate(index))?;
        let spans = tokens.iter().map(|t| t.span).collect();
        Ok(Self { p: parser(tokens), index, spans, end })
    }

    /// Runs one rule over the whole statement.
    pub fn run<T>(mut self, rule: impl FnOnce(&mut Self) -> Step<T>) -> Result<T, SyntaxError> {
        let result = rule(&mut self).and_then(|value| if at_end(&self.p) { Ok(value) } else { Err(self.unexpected()) });
        result.map_err(|e| {
            let e = super::refine::refine(&self.p, e);
            self.syntax_error(e)
        })
    }

    /// A whole statement other than a statement set.
    pub fn statement(&mut self) -> Step<Statement> {
        let p = &mut self.p;
        if let Some((words, what)) = NOT_SUPPORTED.iter().find(|(words, _)| super::cursor::at_all(p, words)) {
            return Ok(self.not_supported(what, words.len()));
        }
        match self.first_word().as_str() {
            "SELECT" | "WITH" | "VALUES" | "(" => Ok(Statement::Query(self.query()?)),
            "INSERT" => Ok(Statement::Insert(Box::new(self.insert()?))),
            "CREATE" | "REPLACE" => self.create(),
            "DROP" => self.drop_object(),
            "ALTER" => self.alter(),
            "SHOW" => self.show(),
            "DESCRIBE" | "DESC" => self.describe(),
            "EXPLAIN" => self.explain(),
            "SET" => self.set(),
            "RESET" => self.reset(),
            "USE" => self.use_statement(),
            "EXECUTE" => {
                self.p.advance_token();
                match self.first_word().as_str() {
                    "INSERT" => Ok(Statement::Insert(Box::new(self.insert()?))),
                    "SELECT" | "WITH" | "VALUES" | "(" => Ok(Statement::Query(self.query()?)),
                    _ => Err(expected(&self.p, "`INSERT` or `STATEMENT SET`", &["INSERT", "STATEMENT"])),
                }
            }
            "BEGIN" => {
                self.p.advance_token();
                Err(expected(&self.p, "`STATEMENT SET`", &["STATEMENT"]))
            }
            word @ ("QUIT" | "EXIT" | "CLEAR" | "HELP") => {
                let command = if matches!(word, "QUIT" | "EXIT") { ClientCommand::Quit } else { ClientCommand::Nothing };
                self.p.advance_token();
                Ok(Statement::Client(command))
            }
            _ => Err(expected(&self.p, "a statement", STARTS)),
        }
    }

    /// The next word in upper case, `(`, or nothing.
    pub fn first_word(&self) -> String {
        match &self.p.peek_token_ref().token {
            Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
            Token::LParen => "(".into(),
            _ => String::new(),
        }
    }

    /// Gives up on the statement, whose name ends after the next `words` words.
    pub fn not_supported(&mut self, what: &str, words: usize) -> Statement {
        (0..words).for_each(|_| self.p.advance_token());
        let span = self.p.token_at(0).span.union(&behind(&self.p));
        self.skip_rest();
        Statement::NotSupported { what: what.to_string(), span }
    }

    /// Steps to the end of the statement.
    pub fn skip_rest(&mut self) {
        while !at_end(&self.p) {
            self.p.advance_token();
        }
    }

    /// A query, brought into shape.
    pub fn query(&mut self) -> Step<Box<Query>> {
        let starts = ["SELECT", "WITH", "VALUES", "("];
        if !starts.contains(&self.first_word().as_str()) {
            return Err(expected(&self.p, "a query", &["SELECT", "VALUES", "WITH"]));
        }
        let mut query = self.p.parse_query()?;
        super::foreign::check(&mut query).and_then(|()| fixup(&mut query)).map_err(|e| match e.help {
            Some(help) => super::error::fail_with_help(e.span, e.message, help),
            None => fail(e.span, e.message),
        })?;
        Ok(query)
    }

    /// A query and its text.
    pub fn written_query(&mut self) -> Step<WrittenQuery> {
        let start = here(&self.p);
        let query = self.query()?;
        let span = start.union(&behind(&self.p));
        Ok(WrittenQuery { query, text: self.text(span), span })
    }

    /// An expression and its text.
    pub fn written_expr(&mut self) -> Step<WrittenExpr> {
        let start = here(&self.p);
        let expr = self.p.parse_expr()?;
        let span = start.union(&behind(&self.p));
        Ok(WrittenExpr { expr, text: self.text(span), span })
    }

    /// The script's text under a span.
    pub fn text(&self, span: Span) -> String {
        self.index.slice(self.index.range(span)).trim().to_string()
    }

    /// `IF NOT EXISTS`, if it is written.
    pub fn if_not_exists(&mut self) -> Step<bool> {
        if !eat(&mut self.p, "IF") {
            return Ok(false);
        }
        super::cursor::expect_all(&mut self.p, &["NOT", "EXISTS"])?;
        Ok(true)
    }

    /// `IF EXISTS`, if it is written.
    pub fn if_exists(&mut self) -> Step<bool> {
        if !eat(&mut self.p, "IF") {
            return Ok(false);
        }
        super::cursor::expect(&mut self.p, "EXISTS")?;
        Ok(true)
    }

    /// The error for a token that nothing can follow.
    fn unexpected(&self) -> ParserError {
        let token = self.p.peek_token_ref();
        if at(&self.p, "ON") || matches!(token.token, Token::Word(_)) {
            return super::guess::misplaced_word(&self.p);
        }
        fail(token.span, format!("unexpected {}", found_text(&token.token.to_string())))
    }

    /// Gives an error its place in the script.
    fn syntax_error(&self, error: ParserError) -> SyntaxError {
        let is_limit = matches!(error, ParserError::RecursionLimitExceeded);
        let unpacked = unpack(error);
        let span = match (unpacked.start, unpacked.end) {
            (Some(start), Some(end)) => Span::new(start, end),
            (Some(start), None) => self.token_span(start),
            (None, _) if is_limit => here(&self.p),
            (None, _) => Span::empty(),
        };
        // what is missing is missing before the semicolon, or at the end of the text
        let span = if span == Span::empty() { self.end } else { span };
        let help = unpacked.help.or_else(|| super::guess::help_near(&self.p, span));
        SyntaxError { range: 0..0, span, message: unpacked.message, help }.locate(self.index)
    }

    fn token_span(&self, start: Location) -> Span {
        let next = Location { line: start.line, column: start.column + 1 };
        self.spans.iter().rev().find(|s| s.start == start).copied().unwrap_or(Span::new(start, next))
    }
}

/// A parser with our dialect and limits.
pub(super) fn parser<'a>(tokens: Vec<TokenWithSpan>) -> Parser<'a> {
    Parser::new(&FlinkDialect).with_recursion_limit(RECURSION_MAX).with_tokens_with_locations(tokens)
}
