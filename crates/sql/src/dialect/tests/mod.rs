//! Tests of the front end as a whole.
#![allow(clippy::unwrap_used)]
