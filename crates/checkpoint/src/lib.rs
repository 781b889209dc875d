//! Durable checkpoints: state files and an atomic manifest in a local directory.
//!
//! **Invariant:** a checkpoint exists from the moment its manifest is renamed into place; everything it names is durable before.
//! **Invariant:** a file is deleted only when no manifest that is kept names it, and only after a newer manifest is durable.
//! **Invariant:** damage is found before anything is restored; without a whole checkpoint a job never starts afresh by itself.

mod codec;
mod disk;
mod head;
mod manifest;
mod store;

pub use manifest::FORMAT_VERSION;
pub use store::LocalStore;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
