//! Functions of the user: scalar, aggregate and table functions, written in Rust or in another language, called from SQL.
//!
//! A function is declared by a [`Signature`] in SQL's types and computes over Arrow arrays, a batch at a time:
//!
//! ```
//! use arrow::array::{ArrayRef, AsArray, Int64Array};
//! use arrow::datatypes::Int64Type;
//! use flott_sql::own::{Functions, Signature};
//! use std::sync::Arc;
//!
//! let mut functions = Functions::default();
//! functions.scalar("double_it", Signature::of(&["BIGINT"], "BIGINT")?, |args: &[ArrayRef], _rows: usize| {
//!     let numbers = args[0].as_primitive::<Int64Type>();
//!     Ok(Arc::new(numbers.unary::<_, Int64Type>(|n| 2 * n)) as ArrayRef)
//! });
//! # Ok::<(), flott_sql::SqlError>(())
//! ```
//!
//! **Types.** Arguments come in the Arrow types of the signature's SQL types ([`FlinkType::to_arrow`](crate::types::FlinkType::to_arrow):
//! `BIGINT` is `Int64`, `STRING` is `Utf8`, `TIMESTAMP(3)` is a timestamp in milliseconds, `ROW` is a struct). SQL converts what a call
//! brings as Flink converts implicitly: a number to a wider one, any length of text, NULL to anything. The result must have the Arrow
//! type of the declared result, and as many values as there are rows.
//!
//! **NULLs.** A function sees NULLs and may return them, unless its result type says `NOT NULL`.
//!
//! **Errors.** An error ends the job, with the function's name in the message. So does a panic: it is caught, and nothing else suffers.
//!
//! **Determinism.** A function gives the same for the same arguments unless [`Signature::not_deterministic`] says otherwise. A call
//! with constants is then computed once, while the query is planned. Over rows that change, what a function gave
//! for a row is computed again to take it back, so functions there should be deterministic.
//!
//! **Threads.** One function object serves all workers at the same time.

mod aggregate;
mod registry;
mod scalar;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use flott_engine::Result;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub use flott_engine::aggregate::{AggInput, Aggregate, for_rows};
pub use flott_engine::state::column::{Column, ColumnKind};

pub use aggregate::engine_call;
pub use registry::{Definition, Functions, Language};
pub(crate) use registry::{Planned, Registry};

use crate::dialect::parse_type;
use crate::error::{SqlError, SqlResult};
use crate::functions::types::type_name;
use crate::types::{ColumnType, FlinkType};

/// Computes one value for each row.
pub trait ScalarFunction: Send + Sync {
    /// The results for `rows` rows. Each of `args` has as many values.
    fn call(&self, args: &[ArrayRef], rows: usize) -> Result<ArrayRef>;
}

impl<F: Fn(&[ArrayRef], usize) -> Result<ArrayRef> + Send + Sync> ScalarFunction for F {
    fn call(&self, args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        self(args, rows)
    }
}

/// Makes any number of rows of each row: `FROM t, LATERAL TABLE(f(x)) AS v(a, b)`.
pub trait TableFunction: Send + Sync {
    /// The rows made of `rows` rows. Each of `args` has as many values.
    fn call(&self, args: &[ArrayRef], rows: usize) -> Result<Rows>;
}

impl<F: Fn(&[ArrayRef], usize) -> Result<Rows> + Send + Sync> TableFunction for F {
    fn call(&self, args: &[ArrayRef], rows: usize) -> Result<Rows> {
        self(args, rows)
    }
}

/// What a table function made.
#[derive(Debug, Clone)]
pub struct Rows {
    /// For each row that was made, the row that it was made of; ascending.
    pub of: Vec<u32>,
    /// The columns of the rows that were made: one for each field of the declared ROW, or one for any other type.
    pub columns: Vec<ArrayRef>,
}

/// The code of a function.
#[derive(Clone)]
pub enum Code {
    /// Called in expressions.
    Scalar(Arc<dyn ScalarFunction>),
    /// Called over groups, windows and OVER. Its state lives in columns that the engine saves, moves and restores; it is merged and
    /// retracted as that of built-in functions.
    Aggregate(Arc<dyn Aggregate>),
    /// Called by LATERAL TABLE.
    Table(Arc<dyn TableFunction>),
}

/// What a function takes and gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    /// `None`: any number of arguments of any types.
    params: Option<Vec<FlinkType>>,
    returns: ColumnType,
    deterministic: bool,
    retracts: bool,
}

impl Signature {
    /// Arguments and result in SQL's types: `Signature::of(&["STRING", "INT"], "ARRAY<STRING>")`. Of a table function the result is
    /// the type of a row: `ROW<word STRING, length INT>`, or any other type for one column.
    ///
    /// # Errors
    /// When a text is no type.
    pub fn of<T: AsRef<str>>(params: &[T], returns: &str) -> SqlResult<Self> {
        let params = params.iter().map(|p| Ok(parse_type(p.as_ref())?.ty)).collect::<SqlResult<_>>()?;
        Ok(Self { params: Some(params), ..Self::any(returns)? })
    }

    /// Arguments of any types; the function looks at the arrays it gets.
    ///
    /// # Errors
    /// When the text is no type.
    pub fn any(returns: &str) -> SqlResult<Self> {
        Ok(Self { params: None, returns: parse_type(returns)?, deterministic: true, retracts: true })
    }

    /// The same arguments may give another result.
    pub fn not_deterministic(mut self) -> Self {
        self.deterministic = false;
        self
    }

    /// Of an aggregate function: rows cannot be taken back, so that it is refused over rows that change.
    pub fn without_retraction(mut self) -> Self {
        self.retracts = false;
        self
    }

    /// The declared result.
    pub fn returns(&self) -> &ColumnType {
        &self.returns
    }

    /// The types that arguments are converted to.
    fn coerce(&self, name: &str, given: &[DataType]) -> SqlResult<Vec<DataType>> {
        let Some(params) = &self.params else { return Ok(given.to_vec()) };
        let form = || format!("{name}({})", params.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        if params.len() != given.len() {
            let error = SqlError::new(format!("{} takes {} arguments, but the call has {}", form(), params.len(), given.len()));
            return Err(error.about(name));
        }
        let fits = |(index, (given, wanted)): (usize, (&DataType, &FlinkType))| {
            let target = wanted.to_arrow();
            if converts(given, &target) {
                return Ok(target);
            }
            Err(SqlError::new(format!("{}: argument {} is {}", form(), index + 1, type_name(given)))
                .about(name)
                .help(format!("write CAST(… AS {wanted})")))
        };
        given.iter().zip(params).enumerate().map(fits).collect()
    }
}

/// Whether SQL converts without being asked to.
fn converts(given: &DataType, target: &DataType) -> bool {
    let rank = |t: &DataType| match t {
        DataType::Int8 => Some(0),
        DataType::Int16 => Some(1),
        DataType::Int32 => Some(2),
        DataType::Int64 => Some(3),
        DataType::Decimal128(..) => Some(4),
        DataType::Float32 => Some(5),
        DataType::Float64 => Some(6),
        _ => None,
    };
    let wider = matches!((rank(given), rank(target)), (Some(from), Some(to)) if from <= to);
    let times = matches!((given, target), (DataType::Timestamp(_, a), DataType::Timestamp(_, b)) if a == b);
    wider || times || given == target || given.is_null() || given.equals_datatype(target)
}

/// Runs code of the user: a panic becomes an error, and errors name the function.
fn guarded<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let called = || format!("the function {}", name.to_uppercase());
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(flott_engine::Error { message: format!("{} failed: {}", called(), error.message), ..error }),
        Err(panic) => Err(flott_engine::Error::data(format!("{} panicked: {}", called(), panic_text(panic.as_ref())))),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".to_string())
}

/// Checks that what a function gave is what was declared.
fn checked(result: ArrayRef, declared: &ColumnType, rows: usize) -> Result<ArrayRef> {
    if result.len() != rows {
        return Err(flott_engine::Error::data(format!("it gave {} values for {rows} rows", result.len())));
    }
    if !result.data_type().equals_datatype(&declared.ty.to_arrow()) {
        let (given, declared) = (type_name(result.data_type()), declared.ty.to_string());
        return Err(flott_engine::Error::data(format!("it gave values of type {given} and is declared to give {declared}")));
    }
    if !declared.nullable && result.null_count() > 0 {
        return Err(flott_engine::Error::data(format!("it gave NULL and is declared to give {declared}")));
    }
    // The names of what is nested may still differ.
    let exact = declared.ty.to_arrow();
    if *result.data_type() == exact { Ok(result) } else { Ok(arrow::compute::cast(&result, &exact)?) }
}
