//! Why a script did not run to its end.

use std::fmt;
use std::ops::Range;

use flott_engine::{Error, ErrorKind};
use flott_sql::error::SqlError;

/// Why a script did not run to its end.
#[derive(Debug)]
pub enum Failure {
    /// The script is wrong: all that is wrong with it, by place.
    Script {
        /// The errors.
        errors: Vec<SqlError>,
        /// Statements that could not be checked because they use what a wrong statement should have made.
        unchecked: usize,
    },
    /// The options of the run are wrong, or the checkpoint folder cannot be used; the script is not to blame.
    Setup(Error),
    /// A job failed while it ran.
    Job {
        /// Its name.
        name: String,
        /// Its statement, in bytes of the script.
        range: Range<usize>,
        /// What happened.
        error: Error,
    },
}

impl Failure {
    /// One error of the script.
    pub(crate) fn script(error: SqlError) -> Self {
        Failure::Script { errors: vec![error], unchecked: 0 }
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Failure::Script { .. } => ErrorKind::Config,
            Failure::Setup(error) | Failure::Job { error, .. } => error.kind,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Script { errors, .. } => {
                for (i, error) in errors.iter().enumerate() {
                    write!(f, "{}{error}", if i > 0 { "; " } else { "" })?;
                }
                Ok(())
            }
            Failure::Setup(error) => write!(f, "{error}"),
            Failure::Job { name, error, .. } => write!(f, "job {name}: {error}"),
        }
    }
}

impl std::error::Error for Failure {}
