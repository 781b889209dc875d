//! The engine of Flott: one loop that steps a dataflow graph, tick by tick, over several workers.
//!
//! A row's way: a [`source`] split hands out chunks, a worker decodes them into Arrow batches, [`operators`] transform them
//! stage by stage (a stage ends where rows cross to another worker, [`exchange`]), and a [`sink`] takes the result.
//! [`run`] holds the loop.
//!
//! **Invariant:** nothing is in flight between ticks, so a checkpoint is just a copy of the state tables.
//! **Invariant:** operators never wait, read a clock, do I/O or see another worker. Time comes in with the [`operator::Tick`].
//! **Invariant:** state lives only in [`state`] tables; no operator contains save or restore code.
//! **Invariant:** this crate knows Arrow and nothing above it: no SQL, no client library, no async runtime.

pub mod aggregate;
mod archive;
pub mod batch;
pub mod beside;
pub mod bitmap;
pub mod change;
pub mod checkpoint;
pub mod connector;
mod ending;
pub mod error;
pub mod exchange;
pub mod expr;
mod feed;
pub mod graph;
pub mod hash;
mod intake;
pub mod lookup;
pub mod operator;
pub mod operators;
pub mod outbox;
mod outlet;
mod pool;
pub mod progress;
mod recovery;
pub mod run;
pub mod sink;
pub mod source;
pub mod state;
pub mod text;
pub mod time;
pub mod variant;
mod wait;
mod worker;

pub use batch::{Batch, RowKind};
pub use error::{Error, ErrorKind, Result};
