//! The engine's error: few kinds, each of which tells the caller what to do.

use std::fmt;

/// What went wrong, seen by what the caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input data is bad (a row that does not parse, a value that does not cast). Mend the data or the query.
    Data,
    /// The configuration is wrong (an option, a path, a missing column). Mend the script.
    Config,
    /// Reading or writing outside failed. Try again, or look at the disk or the server.
    Io,
    /// There is no room left where something is to be written. Make room; nothing is lost by waiting.
    Full,
    /// A server does not answer. Wait; nothing is lost by it.
    Unreachable,
    /// A checkpoint does not fit this job or is damaged. The state was not touched.
    State,
    /// A bug in Flott. Please report it.
    Internal,
}

/// An error with its kind, what happened, and where.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    /// What the caller can do about it.
    pub kind: ErrorKind,
    /// One sentence: what is wrong.
    pub message: String,
    /// Where: outermost last, for example `file a.json, line 3`.
    pub context: Vec<String>,
    /// What to do, where that is known.
    pub help: Option<String>,
}

/// Result with the engine's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), context: vec![], help: None }
    }
    /// Bad input data.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }
    /// Wrong configuration.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }
    /// Failed input or output.
    pub fn io(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Io, message)
    }
    /// A server that does not answer.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unreachable, message)
    }
    /// A checkpoint that cannot be used.
    pub fn state(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::State, message)
    }
    /// A broken invariant inside Flott.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }
    /// The same failure where it keeps a job from its checkpoints, before anything has run.
    pub fn into_state(mut self) -> Self {
        if matches!(self.kind, ErrorKind::Io | ErrorKind::Full | ErrorKind::Unreachable) {
            self.kind = ErrorKind::State;
        }
        self
    }
    /// Adds where it happened.
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.context.push(place.into());
        self
    }
    /// Adds what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in self.context.iter().rev() {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind)
    }
}

impl std::error::Error for Error {}

impl From<arrow::error::ArrowError> for Error {
    /// Arrow kernels fail on data (a division by zero, an overflow); anything else they report is a bug of ours.
    fn from(e: arrow::error::ArrowError) -> Self {
        use arrow::error::ArrowError as A;
        match e {
            A::DivideByZero => Error::data("Division by zero"),
            A::ArithmeticOverflow(m) | A::ComputeError(m) | A::CastError(m) | A::ParseError(m) => Error::data(m),
            A::ExternalError(e) => match e.downcast::<Error>() {
                Ok(own) => *own,
                Err(e) => Error::data(e.to_string()),
            },
            other => Error::internal(other.to_string()),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        match e.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::new(ErrorKind::Full, e.to_string()),
            _ => Error::io(e.to_string()),
        }
    }
}
