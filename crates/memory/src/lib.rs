//! The heap of the process, and a bound on how much of it is in RAM. The only crate that names the allocator and maps memory.
//!
//! Without a bound this is mimalloc and nothing else. After [`limit`], whatever is allocated lies in a file that is mapped into the process
//! ([`heap_file`]), and a thread puts parts of it away when more than the bound is in RAM ([`governor`]). Nothing else in the program knows:
//! a state table that reads what was put away waits for the disk, that is all. See docs/decisions/020-state-larger-than-memory.md.

#[cfg(target_os = "linux")]
mod governor;
mod heap;
#[cfg(target_os = "linux")]
mod heap_file;

pub use heap::Heap;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The smallest bound, in bytes: the program and its buffers need as much without any state.
pub const LIMIT_MIN_BYTES: u64 = 128 << 20;

/// A bound on the memory of the process, as it is kept.
#[derive(Debug, Clone)]
pub struct Limit {
    figures: Arc<Figures>,
}

#[derive(Debug, Default)]
struct Figures {
    limit_bytes: u64,
    most_bytes: AtomicU64,
    file_bytes: AtomicU64,
    broken: AtomicBool,
}

impl Limit {
    /// The most that was in RAM when somebody looked, every few milliseconds; bytes.
    pub fn most_bytes(&self) -> u64 {
        self.figures.most_bytes.load(Ordering::Relaxed)
    }

    /// How much of the disk the heap takes, in bytes.
    pub fn file_bytes(&self) -> u64 {
        self.figures.file_bytes.load(Ordering::Relaxed)
    }

    /// The bound cannot be kept: the disk is full, and what was allocated since had to be left in RAM.
    pub fn is_broken(&self) -> bool {
        self.figures.broken.load(Ordering::Relaxed)
    }
}

/// Why there is no bound.
#[derive(Debug)]
pub enum LimitError {
    /// Less than [`LIMIT_MIN_BYTES`].
    TooSmall,
    /// Not on this operating system.
    Unsupported,
    /// There is a bound already.
    Twice,
    /// The file cannot be made or mapped.
    File(std::io::Error),
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSmall => write!(f, "the least is {} MiB", LIMIT_MIN_BYTES >> 20),
            Self::Unsupported => write!(f, "it needs Linux"),
            Self::Twice => write!(f, "it can be set once only"),
            Self::File(error) => write!(f, "the file for what does not fit cannot be made: {error}"),
        }
    }
}

impl std::error::Error for LimitError {}

/// Keeps the process from now on within so many bytes of RAM; what is more lies in a hidden file in `folder`. The file has no name and is gone
/// with the process. `on_broken` is called once, from another thread, if the bound cannot be kept any more.
#[cfg(target_os = "linux")]
pub fn limit(limit_bytes: u64, folder: &Path, on_broken: impl FnOnce() + Send + 'static) -> Result<Limit, LimitError> {
    if limit_bytes < LIMIT_MIN_BYTES {
        return Err(LimitError::TooSmall);
    }
    let file = heap_file::HeapFile::begin(folder)?;
    let figures = Arc::new(Figures { limit_bytes, ..Figures::default() });
    governor::start(file, figures.clone(), Box::new(on_broken)).map_err(LimitError::File)?;
    Ok(Limit { figures })
}

/// Not on this operating system.
#[cfg(not(target_os = "linux"))]
pub fn limit(_limit_bytes: u64, _folder: &Path, _on_broken: impl FnOnce() + Send + 'static) -> Result<Limit, LimitError> {
    Err(LimitError::Unsupported)
}
