//! The operators, one file each.

pub mod calc;
pub mod changelog;
mod changes;
pub mod deduplicate;
pub mod emitting_aggregate;
pub mod enforce;
pub mod expand;
pub mod first_row;
pub mod full_sort;
pub mod group_aggregate;
pub mod held;
pub mod interval_join;
pub mod join;
pub mod limit;
pub mod look_ahead;
pub mod lookup_join;
pub mod match_recognize;
pub mod materialize;
pub mod normalize;
pub mod over_aggregate;
pub mod over_updating;
pub mod pairs;
pub mod rank;
pub mod session_aggregate;
pub mod session_tvf;
pub mod set_operation;
pub mod sort;
pub mod temporal_join;
mod touched;
pub mod unnest;
pub mod whole_over;
pub mod window_aggregate;
pub mod window_join;
pub mod window_rank;
pub mod window_tvf;
pub mod windows;

#[cfg(test)]
mod tests;
