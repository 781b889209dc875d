//! The encoding of protobuf's messages, read from a slice that may hold anything, and written.
//!
//! Written after <https://protobuf.dev/programming-guides/encoding/>.

use crate::formats::varint;

/// What is wrong with a message, a clause such as `the message ends in the middle of a field`.
pub type Broken = &'static str;

const ENDS: Broken = "the message ends in the middle of a field";
/// How deep groups that nobody needs may be nested.
const MAX_GROUPS: usize = 64;

/// How a field's value is encoded.
pub const VARINT: u8 = 0;
pub const FIXED64: u8 = 1;
pub const BYTES: u8 = 2;
const GROUP: u8 = 3;
const END_GROUP: u8 = 4;
pub const FIXED32: u8 = 5;

/// A place in the input.
#[derive(Clone, Copy)]
pub struct Wire<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The value of a field, not looked at yet: a number as its bits, or bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw<'a> {
    pub bits: u64,
    pub bytes: &'a [u8],
}

impl<'a> Wire<'a> {
    /// The start of some input.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Whether nothing follows.
    #[inline]
    pub fn at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// How much was read.
    #[inline]
    pub fn at(&self) -> usize {
        self.at
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8], Broken> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..length)).ok_or(ENDS)?;
        self.at += length;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>()).ok_or(ENDS)?;
        self.at += N;
        Ok(*taken)
    }

    /// A number of 1 to 10 bytes.
    #[inline(always)]
    pub fn varint(&mut self) -> Result<u64, Broken> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(byte.into())
            }
            _ => match varint::short(self.bytes, self.at) {
                Some((value, length)) => {
                    self.at += length;
                    Ok(value)
                }
                None => self.long_varint(),
            },
        }
    }

    #[cold]
    fn long_varint(&mut self) -> Result<u64, Broken> {
        let (mut value, mut shift) = (0, 0);
        while shift < 70 {
            let byte = *self.bytes.get(self.at).ok_or(ENDS)?;
            self.at += 1;
            // Of the tenth byte only one bit has room; others are dropped, as other readers do.
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
        }
        Err("a number has more than 10 bytes")
    }

    /// Number and encoding of the next field.
    #[inline]
    pub fn tag(&mut self) -> Result<(u32, u8), Broken> {
        let tag = u32::try_from(self.varint()?).map_err(|_| "a field's number is too large")?;
        match tag >> 3 {
            0 => Err("a field has the number 0"),
            number => Ok((number, (tag & 7) as u8)),
        }
    }

    /// The value of a field of that encoding; of a group, nothing.
    #[inline(always)]
    pub fn value(&mut self, number: u32, encoding: u8) -> Result<Raw<'a>, Broken> {
        let none: &[u8] = &[];
        match encoding {
            VARINT => Ok(Raw { bits: self.varint()?, bytes: none }),
            BYTES => {
                let length = usize::try_from(self.varint()?).map_err(|_| ENDS)?;
                Ok(Raw { bits: 0, bytes: self.take(length)? })
            }
            FIXED64 => Ok(Raw { bits: u64::from_le_bytes(self.array()?), bytes: none }),
            FIXED32 => Ok(Raw { bits: u32::from_le_bytes(self.array()?).into(), bytes: none }),
            GROUP => self.skip_group(number).map(|()| Raw::default()),
            _ => Err("a field has an unknown encoding"),
        }
    }

    /// A number of a packed field of that encoding.
    #[inline]
    pub fn packed(&mut self, encoding: u8) -> Result<u64, Broken> {
        match encoding {
            FIXED64 => Ok(u64::from_le_bytes(self.array()?)),
            FIXED32 => Ok(u32::from_le_bytes(self.array()?).into()),
            _ => self.varint(),
        }
    }

    #[cold]
    fn skip_group(&mut self, number: u32) -> Result<(), Broken> {
        let mut open = vec![number];
        while let Some(&innermost) = open.last() {
            let (number, encoding) = self.tag()?;
            match encoding {
                GROUP if open.len() == MAX_GROUPS => return Err("groups are nested too deep"),
                GROUP => open.push(number),
                END_GROUP if number == innermost => drop(open.pop()),
                END_GROUP => return Err("a group ends that did not begin"),
                _ => drop(self.value(number, encoding)?),
            }
        }
        Ok(())
    }
}

/// Appends a number of 1 to 10 bytes.
#[inline]
pub fn push_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends number and encoding of a field.
#[inline]
pub fn push_tag(number: u32, encoding: u8, out: &mut Vec<u8>) {
    push_varint(u64::from(number) << 3 | u64::from(encoding), out);
}

/// Appends a length and then what a function writes, of that length.
pub fn push_nested<E>(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
    // Most are shorter than 128 bytes, whose length is one byte; longer ones are moved.
    let start = out.len();
    out.push(0);
    write(out)?;
    let length = out.len() - start - 1;
    match u8::try_from(length) {
        Ok(length @ ..0x80) => out[start] = length,
        _ => {
            let mut head = vec![];
            push_varint(length as u64, &mut head);
            out.splice(start..=start, head);
        }
    }
    Ok(())
}

/// A signed number as an unsigned one, small if it is near 0.
pub fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// The other way round.
#[inline]
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
