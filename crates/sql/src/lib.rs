//! Flink SQL: dialect, types, planner, functions.

pub mod dialect;
pub mod types;
