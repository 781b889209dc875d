//! A real Apache Flink on this machine: its files and its SQL Gateway.

pub mod cluster;
pub mod distribution;
pub mod gateway;
pub mod types;
