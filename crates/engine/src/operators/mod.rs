//! The operators, one file each.

pub mod calc;
mod changes;
pub mod expand;
pub mod group_aggregate;
pub mod join;
pub mod limit;
pub mod rank;
pub mod session_aggregate;
pub mod window_aggregate;
pub mod window_tvf;
pub mod windows;

#[cfg(test)]
mod tests;
