//! What people see: the live lines, tables, the summary of a job, and errors with their place in the script.

pub mod changelog_table;
pub mod diagnostics;
pub mod figures;
pub mod progress;
pub mod screen;
pub mod style;
pub mod summary;
pub mod text_table;
