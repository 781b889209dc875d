//! Operators against from-scratch oracles.
