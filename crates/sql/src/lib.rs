//! Flink SQL for Flott: from the text of a script to a dataflow of the engine.
//!
//! [`dialect`] reads the text, [`session`] carries statements out, [`planner`] makes a logical plan of a query (the only place
//! where DataFusion plans), [`stream`] turns it into the steps of a stream with Flink's names, [`lower`] into the engine's
//! graph. [`functions`] are Flink's scalar functions.
//!
//! **Invariant:** nothing above this crate names DataFusion. **Invariant:** what is not built is refused by name.

pub mod catalog;
pub mod dialect;
pub mod error;
pub mod functions;
pub mod lower;
pub mod options;
pub mod planner;
pub mod session;
pub mod stream;
pub mod types;

pub use error::SqlError;
pub use session::{Effect, PlannedJob, ResultSchema, Session, Statement};
