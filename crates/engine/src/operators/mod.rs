//! The operators, one file each.

pub mod calc;
pub mod enforce;
pub mod expand;
pub mod group_aggregate;
pub mod limit;
pub mod session_aggregate;
pub mod session_tvf;
pub mod unnest;
pub mod window_aggregate;
pub mod window_tvf;
pub mod windows;

#[cfg(test)]
mod tests;
