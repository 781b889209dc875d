//! Durable checkpoints: state files and an atomic manifest, in a folder of this machine or of an object store.
//!
//! Both are a [`Folder`], the seam below the one store; whatever differs between them (locks, syncing, renaming here; conditions and parts
//! there) is behind it.
//!
//! What changed in the state since the checkpoint before lies in a segment of its own ([`segments`]); a manifest names all segments that
//! still count. A segment is written while the epoch goes on, and merged with others when there are many.
//!
//! **Invariant:** a checkpoint exists from the moment its manifest is in its place; everything it names is durable before.
//! **Invariant:** a file is deleted only when no manifest that is kept names it, and only after a newer manifest is durable.
//! **Invariant:** damage is found before anything is restored; without a whole checkpoint a job never starts afresh by itself.

pub mod any;
mod codec;
mod disk;
mod files;
mod folder;
mod garbage;
mod head;
mod http;
mod inspect;
mod live;
mod location;
mod manifest;
mod merge;
mod objects;
mod outputs;
mod refusals;
mod savepoint;
mod segments;
mod store;

pub use files::at;
pub use folder::{Folder, Over};
pub use inspect::{Saved, all, newest, tables, verify};
pub use location::Location;
pub use manifest::FORMAT_VERSION;
pub use savepoint::{BEGINS_FROM as BEGINS_FROM_SAVEPOINT, check_root as check_savepoints, nothing_in, nowhere};
pub use store::Store;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
