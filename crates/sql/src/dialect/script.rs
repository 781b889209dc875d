//! From a script to the tokens of its statements: lexing, cutting at semicolons, and limits on size.

use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

use super::cursor::is_word;
use super::error::SyntaxError;
use super::hooks::FlinkDialect;

/// Longest script, in bytes. A token takes up to some hundred bytes of memory.
pub(super) const SCRIPT_BYTES_MAX: usize = 16 << 20;

/// How deep brackets may be nested in one statement.
pub(super) const NESTING_MAX: usize = 500;

/// How many operators one expression may chain. The tree gets one level deeper with each: see [`crate::stack`].
pub(super) const OPERATORS_MAX: usize = 2_500;

/// How many conditions AND and OR may chain; the planner makes trees of little depth of them.
const CONDITIONS_MAX: usize = 10_000;

/// How many queries one `UNION` may join, for the same reason.
pub(super) const SET_OPERATORS_MAX: usize = 500;

/// How many columns one `SELECT` may have, since some rules compare each with each.
pub(crate) const COLUMNS_MAX: usize = 10_000;

/// How many values one list may have, as in `IN (…)` or `VALUES`.
const VALUES_MAX: usize = 1_000_000;

/// How often one part of a statement may be parsed. `FROM ((SELECT` may start a query or a join; sqlparser
/// tries both, so the work doubles with every such nesting.
const RETRIES_MAX: usize = 256;

/// The tokens of one statement, spaces included, without the semicolon.
#[derive(Debug)]
pub(super) struct Piece {
    pub tokens: Vec<TokenWithSpan>,
    /// The semicolon, or the empty span at the end of the script.
    pub end: Span,
}

impl Piece {
    /// The tokens that are not spaces or comments.
    pub fn significant(&self) -> impl Iterator<Item = &TokenWithSpan> {
        self.tokens.iter().filter(|t| !matches!(t.token, Token::Whitespace(_)))
    }

    /// True for `... STATEMENT SET ...`, whose semicolons do not end the statement.
    pub fn is_statement_set(&self) -> bool {
        const HEADER_WORDS_MAX: usize = 12;
        let words: Vec<&Token> = self.significant().take(HEADER_WORDS_MAX).map(|t| &t.token).collect();
        let starts = ["BEGIN", "EXECUTE", "EXPLAIN", "COMPILE", "STATEMENT"];
        words.first().is_some_and(|first| starts.iter().any(|s| is_word(first, s)))
            && words.windows(2).any(|pair| is_word(pair[0], "STATEMENT") && is_word(pair[1], "SET"))
    }
}

/// Cuts a script into statements. Text that cannot be cut into tokens ends the script: the statement that
/// it stands in is dropped, since its error is reported already.
pub(super) fn cut(sql: &str) -> (Vec<Piece>, Option<SyntaxError>) {
    let mut tokens = vec![];
    let error = Tokenizer::new(&FlinkDialect, sql).tokenize_with_location_into_buf(&mut tokens).err();
    let end = tokens.last().map_or(Location { line: 1, column: 1 }, |t: &TokenWithSpan| t.span.end);
    let mut pieces = cut_at_semicolons(tokens, Span::new(end, end));
    let error = error.map(|e| {
        pieces.pop();
        let next = Location { line: e.location.line, column: e.location.column + 1 };
        let message = e.message.strip_prefix("Unterminated").map_or(e.message.clone(), |rest| format!("unterminated{rest}"));
        SyntaxError::at_span(Span::new(e.location, next), message.trim_end_matches(':'))
    });
    pieces.retain(|piece| piece.significant().next().is_some());
    (pieces, error)
}

/// Cuts at every semicolon. The last piece has no semicolon and may be empty.
fn cut_at_semicolons(tokens: Vec<TokenWithSpan>, end: Span) -> Vec<Piece> {
    let mut pieces = vec![];
    let mut current = vec![];
    for token in tokens {
        if token.token == Token::SemiColon {
            pieces.push(Piece { tokens: std::mem::take(&mut current), end: token.span });
        } else {
            current.push(token);
        }
    }
    pieces.push(Piece { tokens: current, end });
    pieces
}

/// A top-level statement: one piece, or the pieces of a statement set.
pub(super) struct Unit {
    pub header: Piece,
    /// The statements inside a statement set, without `END`.
    pub body: Vec<Piece>,
    /// `END`; None if a statement set is not closed.
    pub closing: Option<Piece>,
}

/// Groups pieces into top-level statements.
pub(super) fn group(pieces: Vec<Piece>) -> Vec<Unit> {
    let mut units: Vec<Unit> = vec![];
    let mut open = false;
    for piece in pieces {
        let first = piece.significant().next().map(|t| t.token.clone()).unwrap_or(Token::EOF);
        match units.last_mut() {
            Some(unit) if open && is_word(&first, "END") => {
                unit.closing = Some(piece);
                open = false;
            }
            Some(unit) if open && !starts_statement(&first) => unit.body.push(piece),
            _ => {
                open = piece.is_statement_set();
                units.push(Unit { header: piece, body: vec![], closing: None });
            }
        }
    }
    units
}

/// Words that cannot start a statement inside a statement set: a forgotten `END` stands before them.
fn starts_statement(token: &Token) -> bool {
    const STARTS: &[&str] =
        &["CREATE", "DROP", "ALTER", "SET", "RESET", "USE", "SHOW", "SELECT", "WITH", "EXECUTE", "EXPLAIN", "BEGIN", "DESCRIBE", "DESC"];
    STARTS.iter().any(|word| is_word(token, word))
}

/// What is counted inside one open bracket, or between `CASE` and `END`.
#[derive(Default, Clone, Copy)]
struct Level {
    is_case: bool,
    /// Operators in the current expression.
    operators: usize,
    set_operators: usize,
    /// Chained by AND and OR.
    conditions: usize,
    /// Commas since the last `SELECT`, or all of them.
    commas: usize,
    /// They stand between columns of a `SELECT`.
    in_select: bool,
    /// How often sqlparser may parse what stands here, see [`RETRIES_MAX`].
    retries: usize,
}

/// Refuses statements whose tree would be too deep to walk, or that would take too long to parse.
pub(super) fn check_shape(piece: &Piece) -> Result<(), SyntaxError> {
    let mut levels = vec![Level { retries: 1, ..Level::default() }];
    // opening parentheses directly before the token
    let mut run = 0;
    for TokenWithSpan { token, span } in piece.significant() {
        let Some(outer) = levels.last().copied() else { break };
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                levels.push(Level { retries: outer.retries, ..Level::default() });
            }
            Token::RParen | Token::RBracket | Token::RBrace if levels.len() > 1 => {
                levels.pop();
            }
            token if is_word(token, "CASE") => {
                levels.push(Level { is_case: true, retries: outer.retries, ..Level::default() });
            }
            token if outer.is_case && is_word(token, "END") => {
                levels.pop();
            }
            _ => {}
        }
        let depth = levels.len();
        let Some(level) = levels.last_mut() else { break };
        if *token == Token::Comma {
            level.commas += 1;
        } else if is_word(token, "SELECT") || level.in_select && is_word(token, "FROM") {
            (level.commas, level.in_select) = (0, is_word(token, "SELECT"));
        }
        match token {
            token if starts_expression(token) => (level.operators, level.conditions) = (0, 0),
            token if is_word(token, "AND") || is_word(token, "OR") => (level.operators, level.conditions) = (0, level.conditions + 1),
            token if is_set_operator(token) => level.set_operators += 1,
            token if is_operator(token) => level.operators += 1,
            token if run > 1 && starts_query(token) => level.retries *= run,
            _ => {}
        }
        run = if *token == Token::LParen { run + 1 } else { 0 };
        check_level(depth, level).map_err(|message| too_deep(*span, message))?;
    }
    Ok(())
}

fn check_level(depth: usize, level: &Level) -> Result<(), String> {
    if depth > NESTING_MAX {
        return Err(format!("brackets are nested more than {NESTING_MAX} levels deep"));
    }
    if level.operators > OPERATORS_MAX {
        return Err(format!("more than {OPERATORS_MAX} operators in one expression"));
    }
    if level.conditions > CONDITIONS_MAX {
        return Err(format!("more than {CONDITIONS_MAX} conditions in one expression"));
    }
    if level.set_operators > SET_OPERATORS_MAX {
        return Err(format!("more than {SET_OPERATORS_MAX} set operators in one query"));
    }
    let (list, commas_max) = if level.in_select { ("columns in one SELECT", COLUMNS_MAX) } else { ("values in one list", VALUES_MAX) };
    if level.commas >= commas_max {
        return Err(format!("more than {commas_max} {list}"));
    }
    if level.retries > RETRIES_MAX {
        return Err("too many sub-queries in doubled brackets stand inside each other".into());
    }
    Ok(())
}

/// Tokens that end an expression wherever they stand, brackets aside. `FROM` is none of them: it is part of
/// `IS DISTINCT FROM`.
fn starts_expression(token: &Token) -> bool {
    const WORDS: &[&str] = &["WHEN", "THEN", "ELSE", "WHERE", "ON", "HAVING", "JOIN"];
    *token == Token::Comma || WORDS.iter().any(|word| is_word(token, word))
}

fn starts_query(token: &Token) -> bool {
    ["SELECT", "WITH", "VALUES"].iter().any(|word| is_word(token, word))
}

fn too_deep(span: Span, message: String) -> SyntaxError {
    SyntaxError::at_span(span, message).with_help("split the statement with views, or use IN for a list")
}

fn is_set_operator(token: &Token) -> bool {
    ["UNION", "INTERSECT", "EXCEPT", "MINUS"].iter().any(|word| is_word(token, word))
}

fn is_operator(token: &Token) -> bool {
    const WORDS: &[&str] = &["NOT", "IS", "IN", "LIKE", "BETWEEN", "SIMILAR", "OVERLAPS", "COLLATE", "AT"];
    match token {
        Token::Word(_) => WORDS.iter().any(|word| is_word(token, word)),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::UnicodeStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::NationalStringLiteral(_)
        | Token::LParen
        | Token::LBracket
        | Token::LBrace
        | Token::RParen
        | Token::RBracket
        | Token::RBrace => false,
        _ => true,
    }
}
