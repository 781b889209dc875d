//! Reads files in which records lie in blocks behind a header, and hands out whole blocks, which workers decompress and decode.

use std::os::unix::fs::FileExt;
use std::sync::Arc;

use flott_engine::source::{ChunkBudget, Fetch, SplitReader};
use flott_engine::{Error, Result};

use super::chunk::{BytesChunk, Piece};
use super::source::OpenFile;
use crate::formats::BLOCK_HEAD_BYTES;

/// How much of a file is read at first to find the end of its header.
const HEADER_BYTES: usize = 16 << 10;

/// Reads a file from front to end.
pub struct BlockReader {
    file: Arc<OpenFile>,
    /// Where the next block begins.
    next: u64,
}

impl BlockReader {
    /// Opens a file at its place, which is where a block begins, or the file itself.
    pub fn open(mut file: OpenFile) -> Result<Self> {
        let mut length = HEADER_BYTES;
        let header = loop {
            let start = read(&file, 0, length)?;
            match file.decode.read_header(&start).map_err(|reason| broken(&file, &reason))? {
                Some(header) => break header,
                None if start.len() < length => return Err(broken(&file, "it ends within its header")),
                None => length *= 4,
            }
        };
        file.decode = header.decode;
        let next = file.place.offset.max(header.length as u64);
        Ok(Self { file: Arc::new(file), next })
    }

    /// How much of `bytes`, which begin with a block, is whole blocks, and how long the block is that is not.
    fn whole(&self, bytes: &[u8]) -> Result<(usize, usize)> {
        let left = (self.file.place.size - self.next) as usize;
        let mut whole = 0;
        while whole < bytes.len() {
            let head = &bytes[whole..bytes.len().min(whole + BLOCK_HEAD_BYTES)];
            let at_end = bytes.len() == left;
            if head.len() < BLOCK_HEAD_BYTES && !at_end {
                return Ok((whole, BLOCK_HEAD_BYTES));
            }
            let place = |reason: &str| Error::data(reason).at(format!("{}, byte {}", self.file.path.display(), self.next + whole as u64));
            let length = self.file.decode.block_length(head).map_err(|reason| place(&reason))?;
            if length > left - whole {
                return Err(place("the file ends in the middle of a block").help("Is the file whole?"));
            }
            if length > bytes.len() - whole {
                return Ok((whole, length));
            }
            whole += length;
        }
        Ok((whole, 0))
    }
}

fn broken(file: &OpenFile, reason: &str) -> Error {
    Error::data(format!("The file {} cannot be read: {reason}", file.path.display()))
}

/// So many bytes of a file, fewer only at its end.
fn read(file: &OpenFile, at: u64, length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length.min(file.place.size.saturating_sub(at) as usize)];
    file.file
        .read_exact_at(&mut bytes, at)
        .map_err(|e| Error::io(format!("Cannot read the file {} at byte {at}: {e}", file.path.display())))?;
    Ok(bytes)
}

impl SplitReader for BlockReader {
    fn fetch(&mut self, budget: ChunkBudget) -> Result<Fetch> {
        if self.next >= self.file.place.size {
            return Ok(Fetch::End);
        }
        let mut bytes = read(&self.file, self.next, budget.bytes.max(BLOCK_HEAD_BYTES))?;
        let (mut whole, more) = self.whole(&bytes)?;
        if whole == 0 {
            // A single block, longer than the budget.
            bytes = read(&self.file, self.next, more)?;
            (whole, _) = self.whole(&bytes)?;
        }
        bytes.truncate(whole);
        let piece = Piece { file: Arc::clone(&self.file), start: self.next };
        self.next += whole as u64;
        Ok(Fetch::Chunk(Box::new(BytesChunk { piece, length: whole as u64, bytes, too_long: false })))
    }
}
