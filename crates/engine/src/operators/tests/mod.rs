//! Operators against from-scratch oracles: any cut into ticks, snapshots restored onto other workers, one phase or two.
#![allow(clippy::unwrap_used)]

mod batch;
mod changelog;
mod emitting;
mod group;
mod harness;
mod join;
mod look_ahead;
mod match_recognize;
mod over;
mod rank;
mod rowwise;
mod session;
mod set_operation;
mod temporal;
mod whole_over;
mod window;
