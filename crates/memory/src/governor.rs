//! Looks how much of the process is in RAM, and puts parts of the heap away when it is too much.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::Figures;
use crate::heap;
use crate::heap_file::HeapFile;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);
/// What is put away at once.
const PART_BYTES: usize = 4 << 20;
/// Looks between two that ask the file system how large the file is.
const LOOKS_PER_MEASUREMENT: u32 = 200;

/// Starts the thread; `on_broken` is called once, when the bound cannot be kept.
pub fn start(heap_file: &'static HeapFile, figures: Arc<Figures>, on_broken: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    let resident = Resident::open()?;
    std::thread::Builder::new().name("memory".to_owned()).spawn(move || {
        let mut governor = Governor { heap_file, figures, resident, hand: 0 };
        let mut on_broken = Some(on_broken);
        let mut looks = 0u32;
        loop {
            governor.keep();
            if looks.is_multiple_of(LOOKS_PER_MEASUREMENT) {
                governor.figures.file_bytes.store(heap_file.disk_bytes(), Ordering::Relaxed);
            }
            looks = looks.wrapping_add(1);
            if governor.figures.broken.load(Ordering::Relaxed)
                && let Some(on_broken) = on_broken.take()
            {
                on_broken();
            }
            std::thread::sleep(PAUSE);
        }
    })?;
    Ok(())
}

struct Governor {
    heap_file: &'static HeapFile,
    figures: Arc<Figures>,
    resident: Resident,
    /// Where the next part to be put away begins: once round, like the hand of a clock. What is in use comes back at once, and mostly from
    /// the kernel's cache.
    hand: usize,
}

impl Governor {
    /// Puts parts away until seven eighths of the bound are in use, if fifteen sixteenths are.
    fn keep(&mut self) {
        let limit = self.figures.limit_bytes;
        let mut now = self.resident.bytes();
        self.figures.most_bytes.fetch_max(now, Ordering::Relaxed);
        if now > limit - limit / 16 {
            let round = self.heap_file.end() / PART_BYTES + 1;
            for _ in 0..round {
                self.hand = self.heap_file.put_away(self.hand, PART_BYTES);
                now = self.resident.bytes();
                if now <= limit - limit / 8 {
                    break;
                }
            }
        }
        if heap::is_full() && now > limit {
            self.figures.broken.store(true, Ordering::Relaxed);
        }
    }
}

/// The process's pages in RAM, as the kernel counts them.
struct Resident {
    statm: File,
    page_bytes: u64,
}

impl Resident {
    fn open() -> io::Result<Self> {
        // SAFETY: asks for a constant.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        Ok(Self { statm: File::open("/proc/self/statm")?, page_bytes: u64::try_from(page).unwrap_or(4096) })
    }

    fn bytes(&self) -> u64 {
        let mut text = [0; 128];
        let read = self.statm.read_at(&mut text, 0).unwrap_or(0);
        let pages = std::str::from_utf8(&text[..read]).ok().and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
        pages.unwrap_or(0) * self.page_bytes
    }
}
