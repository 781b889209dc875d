//! Avro's files: a header with the schema, then blocks of records, each behind their number and length, each compressed for itself.

use std::io::{Read, Write};

use super::schema::Schema;
use super::wire::{ENDS, Wire, push_bytes, push_long};

/// What a file begins with.
const MAGIC: &[u8; 4] = b"Obj\x01";
/// A header longer than this is none.
const MAX_HEADER_BYTES: usize = 16 << 20;
/// A block longer than this, as it lies in the file, is refused.
pub const MAX_BLOCK_BYTES: usize = 64 << 20;
/// A block longer than this after decompression is refused.
const MAX_PLAIN_BYTES: usize = 256 << 20;
/// Bytes of snappy never stand for more than so many bytes each.
const SNAPPY_RATIO: usize = 64;
/// Length of the mark behind each block.
pub const SYNC_BYTES: usize = 16;

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstandard,
}

const CODECS: [(&str, Codec); 4] =
    [("null", Codec::Null), ("deflate", Codec::Deflate), ("snappy", Codec::Snappy), ("zstandard", Codec::Zstandard)];

/// Names of all codecs.
pub const CODEC_NAMES: [&str; 4] = ["snappy", "deflate", "null", "zstandard"];

impl Codec {
    /// The codec of a name.
    pub fn of(name: &str) -> Option<Self> {
        CODECS.iter().find(|(n, _)| *n == name).map(|(_, codec)| *codec)
    }

    fn name(self) -> &'static str {
        CODECS.iter().find(|(_, codec)| *codec == self).map_or("null", |(name, _)| name)
    }

    /// The content of a block.
    pub fn decompress<'a>(self, data: &'a [u8], room: &'a mut Vec<u8>) -> Result<&'a [u8], String> {
        const LONG: &str = "the block is too long after decompression";
        room.clear();
        let stream = |mut reader: Box<dyn Read + '_>, room: &mut Vec<u8>| {
            let read = reader.by_ref().take(MAX_PLAIN_BYTES as u64 + 1).read_to_end(room);
            read.map_err(|e| format!("the block cannot be decompressed: {e}"))
        };
        match self {
            Codec::Null => return Ok(data),
            Codec::Deflate => drop(stream(Box::new(flate2::bufread::DeflateDecoder::new(data)), room)?),
            Codec::Zstandard => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(data).map_err(|e| e.to_string())?;
                decoder.window_log_max(27).map_err(|e| e.to_string())?;
                stream(Box::new(decoder), room)?;
            }
            Codec::Snappy => {
                let Some((data, check)) = data.split_last_chunk::<4>() else { return Err(ENDS.into()) };
                let length = snap::raw::decompress_len(data).map_err(|e| e.to_string())?;
                if length > MAX_PLAIN_BYTES.min(data.len().saturating_mul(SNAPPY_RATIO)) {
                    return Err(LONG.into());
                }
                room.resize(length, 0);
                snap::raw::Decoder::new().decompress(data, room).map_err(|e| format!("the block cannot be decompressed: {e}"))?;
                let mut sum = flate2::Crc::new();
                sum.update(room);
                if sum.sum() != u32::from_be_bytes(*check) {
                    return Err("the checksum of the block is wrong".into());
                }
            }
        }
        if room.len() > MAX_PLAIN_BYTES {
            return Err(LONG.into());
        }
        Ok(room)
    }

    /// The block of a content.
    fn compress(self, content: &[u8]) -> std::io::Result<Vec<u8>> {
        Ok(match self {
            Codec::Null => content.to_vec(),
            Codec::Deflate => {
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(content)?;
                encoder.finish()?
            }
            Codec::Zstandard => zstd::stream::encode_all(content, 3)?,
            Codec::Snappy => {
                let mut block = snap::raw::Encoder::new().compress_vec(content).map_err(std::io::Error::other)?;
                let mut sum = flate2::Crc::new();
                sum.update(content);
                block.extend_from_slice(&sum.sum().to_be_bytes());
                block
            }
        })
    }
}

/// What a file says of itself.
#[derive(Debug, Clone)]
pub struct Header {
    /// Schema of its records.
    pub schema: Schema,
    /// How its blocks are compressed.
    pub codec: Codec,
    /// The mark behind each block.
    pub sync: [u8; SYNC_BYTES],
}

impl Header {
    /// Reads a header and its length from the start of a file; `None` if more of the file is needed.
    pub fn read(start: &[u8]) -> Result<Option<(Self, usize)>, String> {
        if !start.starts_with(&MAGIC[..start.len().min(MAGIC.len())]) {
            return Err("it does not begin as a file of Avro does".into());
        }
        match Self::entries(start) {
            Err(reason) if reason == ENDS && start.len() < MAX_HEADER_BYTES => Ok(None),
            Err(reason) => Err(format!("its header is broken: {reason}")),
            Ok((schema, codec, sync, length)) => {
                let schema = schema.ok_or("its header has no schema")?;
                let schema = Schema::parse(&String::from_utf8_lossy(schema)).map_err(|e| format!("its schema: {e}"))?;
                let name = codec.map_or("null".into(), String::from_utf8_lossy);
                let codec = Codec::of(&name).ok_or_else(|| format!("its blocks are compressed with '{name}', which cannot be read"))?;
                Ok(Some((Self { schema, codec, sync }, length)))
            }
        }
    }

    /// Schema, codec, mark and length.
    fn entries(start: &[u8]) -> Result<(Option<&[u8]>, Option<&[u8]>, [u8; SYNC_BYTES], usize), &'static str> {
        let mut wire = Wire::new(start);
        wire.take(MAGIC.len())?;
        let (mut schema, mut codec) = (None, None);
        loop {
            // A block that is not all there is no error here.
            let count = wire.long()?;
            if count < 0 {
                wire.long()?;
            }
            for _ in 0..count.unsigned_abs() {
                let (key, value) = (wire.bytes()?, wire.bytes()?);
                match key {
                    b"avro.schema" => schema = Some(value),
                    b"avro.codec" => codec = Some(value),
                    _ => {}
                }
            }
            if count == 0 {
                break;
            }
        }
        Ok((schema, codec, wire.array()?, wire.at))
    }

    /// The header as it stands at the start of a file.
    pub fn write(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        push_long(2, &mut out);
        for (key, value) in [("avro.schema", self.schema.to_json()), ("avro.codec", self.codec.name().to_owned())] {
            push_bytes(key.as_bytes(), &mut out);
            push_bytes(value.as_bytes(), &mut out);
        }
        push_long(0, &mut out);
        out.extend_from_slice(&self.sync);
        out
    }

    /// A block of so many records.
    pub fn write_block(&self, records: u64, content: &[u8]) -> std::io::Result<Vec<u8>> {
        let data = self.codec.compress(content)?;
        let mut out = Vec::with_capacity(data.len() + 32);
        push_long(records as i64, &mut out);
        push_bytes(&data, &mut out);
        out.extend_from_slice(&self.sync);
        Ok(out)
    }
}

/// The head of the next block: number of records, and length of their data in the file.
pub fn block_head(wire: &mut Wire<'_>) -> Result<(u64, usize), String> {
    let (count, length) = (wire.long()?, wire.long()?);
    let count = u64::try_from(count).map_err(|_| "a block has a negative number of records")?;
    let length = usize::try_from(length).map_err(|_| "a block has a negative length")?;
    if length > MAX_BLOCK_BYTES {
        return Err(format!("a block of {length} bytes is longer than {} MiB", MAX_BLOCK_BYTES >> 20));
    }
    Ok((count, length))
}
