//! Room on the stack for deep trees.
//!
//! Syntax trees, plans and expressions are walked, cloned and dropped by recursion. An expression of 2,500 operators is a tree as deep,
//! and one level takes up to some 30 KiB of stack in the planner. The limits of the dialect keep trees within what
//! is reserved here. What is reserved costs memory only where it was used.

/// What is reserved, in bytes.
const STACK_BYTES: usize = 512 << 20;

/// Runs `work` where deep trees can be handled: at once if there is room, else on a stack of its own.
pub fn deep<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK_BYTES / 2, STACK_BYTES, work)
}
