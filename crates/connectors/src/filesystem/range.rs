//! Byte ranges of files of lines, read piece by piece: a piece is decoded while it still lies in the processor's cache.

use std::cell::RefCell;
use std::os::unix::fs::FileExt;

use flott_engine::source::{Chunk, Decoded, Position};
use flott_engine::{Error, Result};

use super::chunk::{MAX_RECORD_BYTES, Piece, too_long};
use super::source::OpenFile;

/// How much is read at once: so little that it stays in a core's second-level cache beside the columns that are made of it.
const PIECE_BYTES: usize = 64 << 10;
/// How much is read at once behind the range to find the end of its last record.
const EXTENSION_BYTES: usize = 2 << 10;
/// A worker keeps its read buffer unless it has grown beyond this.
const KEPT_BUFFER_BYTES: usize = 1 << 20;
/// Size of a page of memory; the system copies out of its cache of the file page by page.
const PAGE_BYTES: usize = 4 << 10;

thread_local! {
    /// Read buffer of this worker, so that not every range asks the system for fresh memory.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A byte range of a file of lines. It holds the records that start in it, and the last of them may end behind it.
pub struct RangeChunk {
    /// File and start.
    pub piece: Piece,
    /// Where the range ends.
    pub end: u64,
}

impl Chunk for RangeChunk {
    fn start(&self) -> Position {
        self.piece.position()
    }

    fn decode(self: Box<Self>) -> Result<Decoded> {
        BUFFER.with_borrow_mut(|buffer| {
            // With the byte before, a record that starts exactly at the range's start is known for one.
            let mut window = Window { file: &self.piece.file, buffer, from: 0, to: 0, end: self.piece.start.saturating_sub(1) };
            let decoded = self.decode_through(&mut window);
            if buffer.capacity() > KEPT_BUFFER_BYTES {
                *buffer = Vec::new();
            }
            decoded
        })
    }
}

impl RangeChunk {
    fn decode_through(&self, window: &mut Window<'_>) -> Result<Decoded> {
        let bytes = self.end - self.piece.start;
        let mut records = self.piece.file.decode.open(bytes as usize)?;
        let mut whole = if self.piece.start == 0 { 0 } else { self.skip_line(window)? };
        let first = window.start();
        let mut feed = |lines: &[u8]| records.feed(lines).map_err(|stop| self.piece.stopped(stop, first));
        loop {
            if whole > 0 {
                feed(&window.bytes()[..whole])?;
                window.from += whole;
            }
            let begun = window.bytes().len();
            if window.read_piece(self.end)? == 0 {
                break;
            }
            whole = memchr::memrchr(b'\n', &window.bytes()[begun..]).map_or(0, |i| begun + i + 1);
        }
        let complete = self.complete_last(window)?;
        if complete {
            feed(window.bytes())?;
        }
        let mut decoded = self.piece.finish(records.finish()?, first, bytes)?;
        if !complete {
            // The ranges that follow find no record before this one's end.
            self.piece.add_too_long(&mut decoded, window.bytes(), window.start());
        }
        Ok(decoded)
    }

    /// Passes over the end of the record that started before the range. Returns how much of what was read then is whole lines.
    fn skip_line(&self, window: &mut Window<'_>) -> Result<usize> {
        while window.read_piece(self.end)? > 0 {
            if let Some(line_break) = memchr::memchr(b'\n', window.bytes()) {
                window.from += line_break + 1;
                return Ok(memchr::memrchr(b'\n', window.bytes()).map_or(0, |i| i + 1));
            }
            window.from = window.to;
        }
        Ok(0)
    }

    /// Reads on until the record that begins the window, if one does, has ended. `false` if it is too long and to be skipped.
    fn complete_last(&self, window: &mut Window<'_>) -> Result<bool> {
        if window.bytes().is_empty() {
            return Ok(true);
        }
        loop {
            let before = window.bytes().len();
            let more = window.read(EXTENSION_BYTES)?;
            if let Some(i) = memchr::memchr(b'\n', &window.bytes()[before..]) {
                window.to = window.from + before + i + 1;
                return Ok(true);
            }
            if more == 0 {
                return Ok(true);
            }
            if window.bytes().len() > MAX_RECORD_BYTES {
                if !self.piece.file.decode.skips_bad_records() {
                    return Err(too_long(&self.piece.file, window.start()));
                }
                return Ok(false);
            }
        }
    }
}

/// A part of a file in memory that moves towards its end: what was read and not yet let go of.
struct Window<'a> {
    file: &'a OpenFile,
    buffer: &'a mut Vec<u8>,
    /// Where it lies in the buffer.
    from: usize,
    to: usize,
    /// Where it ends in the file.
    end: u64,
}

impl Window<'_> {
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.from..self.to]
    }

    /// Where it starts in the file.
    fn start(&self) -> u64 {
        self.end - (self.to - self.from) as u64
    }

    /// Reads the next piece of a range; 0 at the range's end.
    fn read_piece(&mut self, range_end: u64) -> Result<usize> {
        let left = range_end.saturating_sub(self.end);
        // Pieces end where pages do.
        let whole = PIECE_BYTES as u64 + self.end.next_multiple_of(PAGE_BYTES as u64) - self.end;
        self.read(left.min(whole) as usize)
    }

    /// Reads up to `length` bytes more; fewer only at the file's end.
    fn read(&mut self, length: usize) -> Result<usize> {
        let length = length.min(self.file.place.size.saturating_sub(self.end) as usize);
        self.make_room(length);
        let to = self.to + length;
        self.file
            .file
            .read_exact_at(&mut self.buffer[self.to..to], self.end)
            .map_err(|e| Error::io(format!("Cannot read the file {} at byte {}: {e}", self.file.path.display(), self.end)))?;
        self.to = to;
        self.end += length as u64;
        Ok(length)
    }

    /// Moves what is there so that `length` bytes have room behind it, and so that they come to lie in a page of memory as they lie
    /// in a page of the file: the processor's copy instruction is three times slower if the target is a little ahead of the source.
    fn make_room(&mut self, length: usize) {
        let kept = self.to - self.from;
        if self.buffer.len() < kept + length + PAGE_BYTES {
            let size = (kept + length + PAGE_BYTES).max(self.buffer.len() * 2);
            let mut grown = vec![0; size];
            grown[..kept].copy_from_slice(self.bytes());
            *self.buffer = grown;
            (self.from, self.to) = (0, kept);
        }
        let page = self.buffer.as_ptr() as usize % PAGE_BYTES;
        let wanted = (self.end % PAGE_BYTES as u64) as usize;
        let to = kept + (wanted + 2 * PAGE_BYTES - page - kept % PAGE_BYTES) % PAGE_BYTES;
        self.buffer.copy_within(self.from..self.to, to - kept);
        (self.from, self.to) = (to - kept, to);
    }
}
