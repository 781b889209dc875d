//! Flink SQL for Flott: from the text of a script to a dataflow of the engine.
//!
//! [`dialect`] reads the text, [`session`] carries statements out, [`planner`] makes a logical plan of a query (the only place
//! where DataFusion plans), [`stream`] turns it into the steps of a stream with Flink's names, [`lower`] into the engine's
//! graph. [`functions`], a crate of its own, are Flink's scalar functions and [`types`].
//!
//! **Invariant:** nothing above this crate names DataFusion. **Invariant:** what is not built is refused by name.

pub mod any;
pub mod catalog;
pub mod dialect;
pub mod error;
pub mod lower;
pub mod options;
pub mod own;
mod place;
pub mod planner;
mod portability;
pub mod secrets;
pub mod session;
pub mod side_tables;
pub mod stack;
pub mod stream;

pub use error::SqlError;
pub use flott_functions as functions;
pub use flott_functions::data_type as types;
pub use session::{Effect, PlannedJob, ResultSchema, Session, Statement};
