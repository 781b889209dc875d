//! The error of everything that happens before a job runs: what is wrong, where in the script, what to write instead.

use datafusion_common::{DataFusionError, SchemaError};
use sqlparser::tokenizer::Location;
use std::fmt;
use std::ops::Range;

use crate::dialect::{SyntaxError, did_you_mean};
use crate::place::Place;

/// What is wrong with a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The place, in bytes of the script.
    pub span: Option<Range<usize>>,
    /// What to write instead.
    pub help: Option<String>,
    /// A word of the statement that the error is about; used to find the place when it is not known yet.
    pub word: Option<String>,
    /// The place as the parser counts it, until the script is at hand.
    pub(crate) place: Option<Place>,
    /// What else is wrong with the same statement.
    pub others: Vec<SqlError>,
}

/// Result with [`SqlError`].
pub type SqlResult<T> = Result<T, SqlError>;

impl SqlError {
    /// An error without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None, help: None, word: None, place: None, others: vec![] }
    }

    /// A feature of Flink that is not built yet.
    pub fn not_yet(what: impl fmt::Display) -> Self {
        Self::new(format!("{what} is not supported yet"))
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the word that the error is about.
    pub fn about(mut self, word: impl Into<String>) -> Self {
        self.word = Some(word.into());
        self
    }

    /// Adds the place.
    pub fn at(mut self, span: Range<usize>) -> Self {
        self.span = Some(span);
        self
    }

    /// Adds the place that the parser gave.
    pub(crate) fn placed(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// Finds the places of this error and the others within a statement that begins at byte `offset` and at `start` of the script.
    pub(crate) fn locate_from(mut self, statement: &str, offset: usize, start: Location) -> Self {
        self.others = self.others.into_iter().map(|e| e.locate_from(statement, offset, start)).collect();
        if self.span.is_none()
            && let Some(range) = self.place.and_then(|place| place.within(statement, start))
        {
            // What the parser knows of a query may end before the part that is meant.
            let word = self.word.as_deref().and_then(|w| find_word(&statement[range.start..], w));
            let at = offset + range.start;
            self.span = Some(word.map_or(at..offset + range.end, |w| at + w.start..at + w.end));
        }
        self.locate(statement, offset)
    }

    /// This error and the others, each alone.
    pub fn each(mut self) -> Vec<SqlError> {
        let others = std::mem::take(&mut self.others);
        std::iter::once(self).chain(others.into_iter().flat_map(SqlError::each)).collect()
    }

    /// Finds the place within a statement that begins at `offset` of the script: the word if it is known, else all of it.
    pub fn locate(mut self, statement: &str, offset: usize) -> Self {
        if self.span.is_none() {
            let found = self.word.as_deref().and_then(|w| find_word(statement, w));
            let range = found.unwrap_or(0..statement.trim_end().len());
            self.span = Some(range.start + offset..range.end + offset);
        }
        self
    }
}

/// The first place where `word` stands alone.
fn find_word(text: &str, word: &str) -> Option<Range<usize>> {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    if word.is_empty() {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let exact = text.match_indices(word);
    let folded = lower.match_indices(&word.to_ascii_lowercase()).map(|(at, _)| (at, word)).collect::<Vec<_>>();
    exact.chain(folded).map(|(at, _)| at..at + word.len()).find(|r| {
        let before = text[..r.start].chars().next_back().is_none_or(|c| !part(c));
        before && text[r.end..].chars().next().is_none_or(|c| !part(c))
    })
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SqlError {}

impl From<SyntaxError> for SqlError {
    fn from(e: SyntaxError) -> Self {
        let span = (e.range != (0..0)).then_some(e.range);
        Self { span, help: e.help, place: Place::exactly(e.span), ..Self::new(e.message) }
    }
}

impl From<flott_engine::Error> for SqlError {
    fn from(e: flott_engine::Error) -> Self {
        let mut message = e.message.clone();
        // A connector names its table itself.
        if let Some(rest) = message.strip_prefix("Table ")
            && let Some((_, rest)) = rest.split_once(": ")
            && e.context.iter().any(|place| place.starts_with("table "))
        {
            message = rest.to_string();
        }
        for place in &e.context {
            message = format!("{place}: {message}");
        }
        Self { help: e.help, ..Self::new(message) }
    }
}

impl From<SqlError> for DataFusionError {
    fn from(e: SqlError) -> Self {
        DataFusionError::External(Box::new(e))
    }
}

impl From<DataFusionError> for SqlError {
    fn from(e: DataFusionError) -> Self {
        match e {
            DataFusionError::External(inner) => match inner.downcast::<SqlError>() {
                Ok(own) => *own,
                Err(other) => SqlError::new(other.to_string()),
            },
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => SqlError::from(*inner),
            DataFusionError::Collection(mut all) if !all.is_empty() => SqlError::from(all.swap_remove(0)),
            DataFusionError::SchemaError(schema, _) => schema_error(&schema),
            DataFusionError::Plan(message) => plan_error(&message),
            DataFusionError::NotImplemented(message) => match first_sentence(&message) {
                told if told.contains("not supported") || told.contains("not implemented") => SqlError::new(told),
                what => SqlError::not_yet(what),
            },
            DataFusionError::ArrowError(e, _) => SqlError::new(flott_engine::Error::from(*e).message),
            other => SqlError::new(first_sentence(&other.strip_backtrace())),
        }
    }
}

fn schema_error(e: &SchemaError) -> SqlError {
    match e {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let names: Vec<&str> = valid_fields.iter().map(|c| c.name.as_str()).collect();
            let error = SqlError::new(format!("column '{}' not found in any table", field.name)).about(&field.name);
            match did_you_mean(&field.name, names.iter().copied()) {
                Some(near) => error.help(format!("did you mean '{near}'?")),
                None if names.is_empty() => error,
                None => error.help(format!("there are: {}", names.join(", "))),
            }
        }
        SchemaError::AmbiguousReference { field } => SqlError::new(format!("column '{}' is ambiguous", field.name))
            .about(&field.name)
            .help("put the table's name or alias before it"),
        SchemaError::DuplicateUnqualifiedField { name } | SchemaError::DuplicateQualifiedField { name, .. } => {
            SqlError::new(format!("two columns are called '{name}'")).about(name).help("give one of them another name with AS")
        }
    }
}

/// DataFusion's messages name the thing in quotes; that is the word to underline.
fn plan_error(message: &str) -> SqlError {
    let text = first_sentence(message);
    let quoted = text.split(['\'', '"', '`']).nth(1).map(str::to_owned);
    if let Some(name) = text.strip_prefix("Invalid function '").and_then(|t| t.split('\'').next()) {
        return crate::planner::unknown_function(name);
    }
    let error = SqlError::new(text);
    match quoted {
        Some(word) => error.about(word),
        None => error,
    }
}

fn first_sentence(message: &str) -> String {
    let text = message.strip_prefix("Error during planning: ").unwrap_or(message);
    text.split("\n\nbacktrace:").next().unwrap_or(text).trim_end_matches('.').to_string()
}
