//! Reads files that can only be cut one piece after the other: compressed ones, and formats whose records may hold line breaks.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use flott_engine::source::{ChunkBudget, Fetch, SplitReader};
use flott_engine::{Error, Result};

use super::chunk::{BytesChunk, MAX_RECORD_BYTES, Piece, too_long};
use super::source::OpenFile;
use crate::formats::Framing;

/// How much is read at once.
const BLOCK_BYTES: usize = 256 << 10;
/// So much of a record that is too long is kept, to be shown.
const KEPT_BYTES: usize = 1 << 10;

/// How a file is compressed, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Deflate,
    Zstd,
}

impl Compression {
    /// The compression of a file; fails for those that are known but cannot be read.
    pub fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        match extension.as_str() {
            "gz" | "gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            "zst" | "zstd" => Ok(Self::Zstd),
            "bz2" | "xz" | "lz4" | "snappy" | "lzo" => {
                Err(Error::config(format!("The file {} is compressed in a way that cannot be read", path.display()))
                    .help("Use gzip (.gz), deflate (.deflate), zstd (.zst) or no compression"))
            }
            _ => Ok(Self::None),
        }
    }
}

/// The content of a file. Decompression works on a small window, whatever the file claims about itself.
pub fn decompressed(file: File, compression: Compression) -> Result<Box<dyn Read + Send>> {
    Ok(match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
        Compression::Deflate => Box::new(flate2::read::ZlibDecoder::new(file)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(file)?;
            // 128 MiB is what the command line tool takes by default.
            decoder.window_log_max(27)?;
            Box::new(decoder)
        }
    })
}

/// Reads a file from front to end and cuts it between records.
pub struct StreamReader {
    file: Arc<OpenFile>,
    reader: Box<dyn Read + Send>,
    framing: Framing,
    /// Read but not handed out.
    carry: Vec<u8>,
    /// Where `carry` starts, after decompression.
    offset: u64,
    ended: bool,
}

impl StreamReader {
    /// Opens the content of a file at the offset of its place.
    pub fn open(file: Arc<OpenFile>, compression: Compression, framing: Framing) -> Result<Self> {
        let content = file.file.try_clone().map_err(|e| cannot(&file, &e))?;
        let mut reader = decompressed(content, compression)?;
        let offset = file.place.offset;
        let skipped = std::io::copy(&mut reader.by_ref().take(offset), &mut std::io::sink()).map_err(|e| cannot(&file, &e))?;
        if skipped < offset {
            return Err(Error::state(format!(
                "The file {} ends at byte {skipped}, before the checkpoint's position {offset}",
                file.path.display()
            )));
        }
        Ok(Self { file, reader, framing, carry: vec![], offset, ended: false })
    }

    /// Reads until `carry` has `length` bytes or the file ends.
    fn read_to(&mut self, length: usize) -> Result<()> {
        while !self.ended && self.carry.len() < length {
            let start = self.carry.len();
            let block = (length - start).min(BLOCK_BYTES);
            self.carry.resize(start + block, 0);
            let read = loop {
                match self.reader.read(&mut self.carry[start..]) {
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    result => break result,
                }
            };
            match read {
                Ok(read) => {
                    self.carry.truncate(start + read);
                    self.ended = read == 0;
                }
                Err(e) => {
                    self.carry.truncate(start);
                    return Err(cannot(&self.file, &e));
                }
            }
        }
        Ok(())
    }
}

impl StreamReader {
    /// Gives up on the record at the start of `carry`, which is too long: goes on behind its first line.
    fn skip_line(&mut self) -> Result<Fetch> {
        let start = self.offset;
        let mut bytes = self.carry.clone();
        bytes.truncate(KEPT_BYTES);
        loop {
            if let Some(line_break) = memchr::memchr(b'\n', &self.carry) {
                self.carry.drain(..=line_break);
                self.offset += line_break as u64 + 1;
                break;
            }
            self.offset += self.carry.len() as u64;
            self.carry.clear();
            if self.ended {
                break;
            }
            self.read_to(BLOCK_BYTES)?;
        }
        let piece = Piece { file: Arc::clone(&self.file), start };
        Ok(Fetch::Chunk(Box::new(BytesChunk { piece, bytes, length: self.offset - start, too_long: true })))
    }
}

fn cannot(file: &OpenFile, e: &std::io::Error) -> Error {
    Error::io(format!("Cannot read the file {}: {e}", file.path.display())).help("Is the file whole?")
}

impl SplitReader for StreamReader {
    fn fetch(&mut self, budget: ChunkBudget) -> Result<Fetch> {
        let mut wanted = budget.bytes.max(1);
        loop {
            self.read_to(wanted)?;
            if self.carry.is_empty() {
                return Ok(Fetch::End);
            }
            let cut = if self.ended { Some(self.carry.len()) } else { self.framing.last_end(&self.carry) };
            if let Some(cut) = cut {
                let rest = self.carry.split_off(cut);
                let bytes = std::mem::replace(&mut self.carry, rest);
                let start = self.offset;
                self.offset += cut as u64;
                let piece = Piece { file: Arc::clone(&self.file), start };
                return Ok(Fetch::Chunk(Box::new(BytesChunk { piece, length: bytes.len() as u64, bytes, too_long: false })));
            }
            if self.carry.len() > MAX_RECORD_BYTES {
                if !self.file.decode.skips_bad_records() && self.file.plan.bad.is_none() {
                    return Err(too_long(&self.file, self.offset));
                }
                return self.skip_line();
            }
            wanted = self.carry.len() * 2;
        }
    }
}
