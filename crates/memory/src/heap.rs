//! The allocator of the process.

use libmimalloc_sys as mi;
use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

/// mimalloc: decoding allocates and frees large buffers all the time, which the system's allocator would give back to the kernel each time.
/// Once there is a heap in a file, all that is new lies there.
#[derive(Debug, Clone, Copy)]
pub struct Heap;

/// So many heaps there can be in a file.
pub(crate) const HEAPS_MAX: usize = 128;
/// The heaps in a file.
static HEAPS: [AtomicPtr<mi::mi_heap_t>; HEAPS_MAX] = [const { AtomicPtr::new(null_mut()) }; HEAPS_MAX];
/// How many there are.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// That of them which had room last; null until all are there.
static IN_FILE: AtomicPtr<mi::mi_heap_t> = AtomicPtr::new(null_mut());
/// None of them had room.
static FULL: AtomicBool = AtomicBool::new(false);

/// Adds a heap in the file; at most [`HEAPS_MAX`].
pub(crate) fn add(heap: *mut mi::mi_heap_t) {
    HEAPS[COUNT.fetch_add(1, Ordering::SeqCst)].store(heap, Ordering::SeqCst);
}

/// From now on memory comes from the heaps in the file.
pub(crate) fn begin() {
    IN_FILE.store(HEAPS[0].load(Ordering::SeqCst), Ordering::Release);
}

/// Whether memory had to come from elsewhere since there was no room in the file.
pub(crate) fn is_full() -> bool {
    FULL.load(Ordering::Relaxed)
}

/// Memory of a heap in the file, or, without one, of the ordinary heap.
#[inline(always)]
fn first(in_file: impl Fn(*mut mi::mi_heap_t) -> *mut c_void, ordinary: impl FnOnce() -> *mut c_void) -> *mut u8 {
    let heap = IN_FILE.load(Ordering::Acquire);
    if heap.is_null() {
        return ordinary().cast();
    }
    let found = in_file(heap);
    if found.is_null() { elsewhere(in_file, ordinary) } else { found.cast() }
}

/// Memory of any heap in the file. Where none has room, of the ordinary one: it is better to break the bound for a while than to end in the
/// middle of a tick.
#[cold]
fn elsewhere(in_file: impl Fn(*mut mi::mi_heap_t) -> *mut c_void, ordinary: impl FnOnce() -> *mut c_void) -> *mut u8 {
    for heap in &HEAPS[..COUNT.load(Ordering::SeqCst)] {
        let heap = heap.load(Ordering::SeqCst);
        let found = in_file(heap);
        if !found.is_null() {
            IN_FILE.store(heap, Ordering::Release);
            return found.cast();
        }
    }
    FULL.store(true, Ordering::Relaxed);
    ordinary().cast()
}

// SAFETY: mimalloc gives memory of the size and alignment asked for, takes back what any of its heaps gave, and neither unwinds nor calls back
// into the program; the hook of the heap in the file does not allocate.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        first(|heap| unsafe { mi::mi_heap_malloc_aligned(heap, size, align) }, || unsafe { mi::mi_malloc_aligned(size, align) })
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        first(|heap| unsafe { mi::mi_heap_zalloc_aligned(heap, size, align) }, || unsafe { mi::mi_zalloc_aligned(size, align) })
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, _layout: Layout) {
        unsafe { mi::mi_free(memory.cast()) };
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let (old, align) = (memory.cast(), layout.align());
        first(|heap| unsafe { mi::mi_heap_realloc_aligned(heap, old, size, align) }, || unsafe { mi::mi_realloc_aligned(old, size, align) })
    }
}
