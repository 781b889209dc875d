//! Servers and helpers that tests of several crates need. Part of tests only: what cannot be had is a panic that says what is missing.
#![allow(clippy::unwrap_used)]

pub mod expressions;
pub mod kafka;
pub mod s3;
