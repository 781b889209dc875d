//! Durable checkpoints: state files and an atomic manifest in a local directory.
//!
//!
//! What changed in the state since the checkpoint before lies in a segment of its own ([`segments`]); a manifest names all segments that
//! still count. A segment is written while the epoch goes on, and merged with others when there are many.
//!
//! **Invariant:** a checkpoint exists from the moment its manifest is renamed into place; everything it names is durable before.
//! **Invariant:** a file is deleted only when no manifest that is kept names it, and only after a newer manifest is durable.
//! **Invariant:** damage is found before anything is restored; without a whole checkpoint a job never starts afresh by itself.

pub mod any;
mod codec;
mod disk;
mod files;
mod head;
mod manifest;
mod merge;
mod outputs;
mod segments;
mod store;

pub use manifest::FORMAT_VERSION;
pub use store::LocalStore;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
