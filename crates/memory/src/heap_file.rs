//! A heap that lies in a file mapped into the process: the kernel can put its pages away and bring them back.

use libmimalloc_sys as mi;
use std::ffi::{c_int, c_void};
use std::fs::{self, File, OpenOptions};
use std::io::Error;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::{LimitError, heap};

/// mimalloc wants its arenas aligned to their smallest size, which is this.
const ALIGN_BYTES: usize = 32 << 20;
/// mimalloc cannot manage 16 GiB or more as one arena. Each becomes a heap, see [`heap`].
const ARENA_BYTES: usize = 8 << 30;
/// Largest size of the file.
const SIZE_MAX_BYTES: usize = heap::HEAPS_MAX * ARENA_BYTES;
/// What is left free on the disk, for checkpoints.
const SPARED: u64 = 4;

unsafe extern "C" {
    /// `mi_manage_memory` of mimalloc 3, which the Rust bindings lack: memory that is ours, with a hook before it is used and after.
    fn mi_manage_memory(
        start: *mut c_void,
        size: usize,
        is_committed: bool,
        is_pinned: bool,
        is_zero: bool,
        numa_node: c_int,
        exclusive: bool,
        hook: extern "C" fn(bool, *mut c_void, usize, *mut bool, *mut c_void) -> bool,
        hook_argument: *mut c_void,
        arena: *mut mi::mi_arena_id_t,
    ) -> bool;
    fn mi_heap_new_in_arena(arena: mi::mi_arena_id_t) -> *mut mi::mi_heap_t;
}

/// The mapped file. Lives as long as the process.
#[derive(Debug)]
pub struct HeapFile {
    base: usize,
    size: usize,
    file: File,
    /// mimalloc is laying out its notes: sparse, and never many.
    beginning: AtomicBool,
    /// End of the part that was ever in use.
    end: AtomicUsize,
}

static BEGUN: AtomicBool = AtomicBool::new(false);

impl HeapFile {
    /// Makes the file and lets the process allocate in it from now on.
    pub fn begin(folder: &Path) -> Result<&'static Self, LimitError> {
        if BEGUN.swap(true, Ordering::SeqCst) {
            return Err(LimitError::Twice);
        }
        fs::create_dir_all(folder).map_err(LimitError::File)?;
        let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_TMPFILE).mode(0o600).open(folder);
        let file = file.map_err(LimitError::File)?;
        let free = free_bytes(file.as_raw_fd()).map_err(LimitError::File)?;
        let size = usize::try_from(free / SPARED * (SPARED - 1)).unwrap_or(usize::MAX).clamp(ARENA_BYTES, SIZE_MAX_BYTES) / ARENA_BYTES;
        let size = size * ARENA_BYTES;
        file.set_len(size as u64).map_err(LimitError::File)?;
        let base = map(&file, size).map_err(LimitError::File)?;
        let heap_file = Self { base, size, file, beginning: AtomicBool::new(true), end: AtomicUsize::new(0) };
        let heap_file: &'static Self = Box::leak(Box::new(heap_file));
        heap_file.hand_over()?;
        Ok(heap_file)
    }

    /// Gives the memory to mimalloc, as heaps that take from nowhere else.
    fn hand_over(&'static self) -> Result<(), LimitError> {
        let argument: *const Self = self;
        for at in (0..self.size).step_by(ARENA_BYTES) {
            let mut arena: mi::mi_arena_id_t = null_mut();
            let start = (self.base + at) as *mut c_void;
            // SAFETY: the range is mapped, aligned, ours, and never unmapped; the argument of the hook lives for ever.
            let heap = unsafe {
                let argument = argument.cast_mut().cast();
                let managed = mi_manage_memory(start, ARENA_BYTES, false, false, true, -1, true, hook, argument, &raw mut arena);
                if managed { mi_heap_new_in_arena(arena) } else { null_mut() }
            };
            if heap.is_null() {
                return Err(LimitError::File(Error::other("the allocator does not take it")));
            }
            heap::add(heap);
        }
        self.beginning.store(false, Ordering::SeqCst);
        heap::begin();
        Ok(())
    }

    /// Takes a part of the heap out of RAM; the kernel writes what changed. Tells where the next part begins.
    pub fn put_away(&self, from: usize, bytes: usize) -> usize {
        let end = self.end.load(Ordering::Relaxed);
        let from = if from >= end { 0 } else { from };
        let to = (from + bytes).min(self.size);
        // SAFETY: within the mapping; of a shared mapping of a file nothing is lost.
        unsafe { libc::madvise((self.base + from) as *mut c_void, to - from, libc::MADV_DONTNEED) };
        to
    }

    /// How much of the disk the file takes, in bytes.
    pub fn disk_bytes(&self) -> u64 {
        use std::os::unix::fs::MetadataExt;
        self.file.metadata().map_or(0, |file| file.blocks() * 512)
    }

    /// End of the part that was ever in use, in bytes from its beginning.
    pub fn end(&self) -> usize {
        self.end.load(Ordering::Relaxed)
    }

    /// Reserves room on the disk for a part that will be used. A page that finds none later would end the process.
    fn reserve(&self, at: usize, bytes: usize) -> bool {
        self.end.fetch_max(at + bytes, Ordering::Relaxed);
        // SAFETY: a system call on an open file.
        self.beginning.load(Ordering::Relaxed)
            || unsafe { libc::fallocate(self.file.as_raw_fd(), 0, at as libc::off_t, bytes as libc::off_t) } == 0
    }
}

/// Called by mimalloc before it uses a part of the file (the result says whether it may), and after it (whether it must ask again). Must not
/// allocate.
extern "C" fn hook(use_it: bool, start: *mut c_void, bytes: usize, is_zero: *mut bool, argument: *mut c_void) -> bool {
    // SAFETY: what was given in `hand_over`.
    let file = unsafe { &*argument.cast_const().cast::<HeapFile>() };
    if use_it {
        if !is_zero.is_null() {
            // SAFETY: mimalloc's own place for the answer. It may ask again for a part of what it has, so no more is promised.
            unsafe { *is_zero = false };
        }
        return file.reserve(start as usize - file.base, bytes);
    }
    // Makes a hole, so that nobody writes to disk what nobody needs.
    // SAFETY: a part of the mapping that mimalloc gave back.
    unsafe { libc::madvise(start, bytes, libc::MADV_REMOVE) == 0 }
}

/// Maps a file, aligned as mimalloc wants it.
fn map(file: &File, size: usize) -> Result<usize, Error> {
    // SAFETY: new mappings; the second replaces a part of the first, which nobody uses.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let reserved = libc::mmap(null_mut(), size + ALIGN_BYTES, libc::PROT_NONE, flags, -1, 0);
        if reserved == libc::MAP_FAILED {
            return Err(Error::last_os_error());
        }
        let base = (reserved as usize).next_multiple_of(ALIGN_BYTES);
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let mapped = libc::mmap(base as *mut c_void, size, access, libc::MAP_SHARED | libc::MAP_FIXED, file.as_raw_fd(), 0);
        if mapped == libc::MAP_FAILED {
            return Err(Error::last_os_error());
        }
        // What is read is seldom followed by its neighbour: no reading ahead. And a heap of gigabytes is of no use in a core dump.
        libc::madvise(mapped, size, libc::MADV_RANDOM);
        libc::madvise(mapped, size, libc::MADV_DONTDUMP);
        Ok(base)
    }
}

/// Free room of the file system that a file is on.
fn free_bytes(file: RawFd) -> Result<u64, Error> {
    // SAFETY: plain data, filled by the call.
    unsafe {
        let mut answer: libc::statvfs = std::mem::zeroed();
        match libc::fstatvfs(file, &raw mut answer) {
            0 => Ok(answer.f_bavail * answer.f_frsize),
            _ => Err(Error::last_os_error()),
        }
    }
}
