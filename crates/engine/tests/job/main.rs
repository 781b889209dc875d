//! Whole jobs: sources to sinks through the loop, with crashes, failures and a driven clock.
#![allow(clippy::unwrap_used)]

mod clock;
mod crash;
mod failure;
mod late;
mod outbox;
mod result;
mod support;
