//! The binary encoding of Avro's values, read from a slice that may hold anything, and written.

use crate::formats::varint;

/// What is wrong with a value, a clause such as `the record ends in the middle of a value`.
pub type Broken = &'static str;

/// The input ends too early.
pub const ENDS: Broken = "the record ends in the middle of a value";

/// A place in the input.
#[derive(Clone, Copy)]
pub struct Wire<'a> {
    /// All of the input.
    pub bytes: &'a [u8],
    /// What of it was read.
    pub at: usize,
}

impl<'a> Wire<'a> {
    /// The start of some input.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes follow.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next bytes.
    #[inline]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Broken> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..length)).ok_or(ENDS)?;
        self.at += length;
        Ok(taken)
    }

    /// The next bytes, as many as the type says.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let rest = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>()).ok_or(ENDS)?;
        self.at += N;
        Ok(*rest)
    }

    /// An `int` or `long`.
    #[inline(always)]
    pub fn long(&mut self) -> Result<i64, Broken> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(unzigzag(u64::from(byte)))
            }
            _ => match varint::short(self.bytes, self.at) {
                Some((value, length)) => {
                    self.at += length;
                    Ok(unzigzag(value))
                }
                None => self.long_of_many(),
            },
        }
    }

    #[cold]
    fn long_of_many(&mut self) -> Result<i64, Broken> {
        let (mut value, mut shift) = (0u64, 0);
        loop {
            let byte = *self.bytes.get(self.at).ok_or(ENDS)?;
            self.at += 1;
            if shift == 63 && byte > 1 {
                return Err("a number has more than 64 bits");
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(unzigzag(value));
            }
            shift += 7;
        }
    }

    /// The bytes behind their length: a `string` or `bytes`.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], Broken> {
        let length = self.long()?;
        self.take(usize::try_from(length).map_err(|_| "a length is negative")?)
    }

    /// The head of a block of an array or a map: how many items follow, 0 at the end. A length in bytes, which may stand behind the
    /// count, is returned with it. Refuses a count that the rest of the input cannot hold; `empty`: items may take no bytes.
    #[inline]
    pub fn block(&mut self, empty: bool) -> Result<(usize, Option<usize>), Broken> {
        const NEGATIVE: Broken = "the length of a block is negative";
        let count = self.long()?;
        let (count, length) = match count {
            0.. => (count as u64, None),
            _ => (count.unsigned_abs(), Some(usize::try_from(self.long()?).map_err(|_| NEGATIVE)?)),
        };
        let most = if empty { MAX_EMPTY_ITEMS } else { self.left() };
        if count > most as u64 || length.is_some_and(|length| length > self.left()) {
            return Err("a block claims more items than the record has room for");
        }
        Ok((count as usize, length))
    }
}

/// How many items without any bytes a block may have.
const MAX_EMPTY_ITEMS: usize = 1 << 16;

#[inline(always)]
fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Appends an `int` or `long`.
#[inline]
pub fn push_long(value: i64, out: &mut Vec<u8>) {
    let mut rest = (value << 1 ^ value >> 63) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Appends a `string` or `bytes`.
#[inline]
pub fn push_bytes(value: &[u8], out: &mut Vec<u8>) {
    push_long(value.len() as i64, out);
    out.extend_from_slice(value);
}

/// A whole number from its bytes, the highest first; `None` if it has more than 128 bits.
pub fn big_endian(mut bytes: &[u8]) -> Option<i128> {
    let fill = if bytes.first().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
    while bytes.len() > 16 {
        if bytes[0] != fill || (bytes[1] ^ fill) & 0x80 != 0 {
            return None;
        }
        bytes = &bytes[1..];
    }
    let mut whole = [fill; 16];
    whole[16 - bytes.len()..].copy_from_slice(bytes);
    Some(i128::from_be_bytes(whole))
}

/// The fewest bytes of a whole number that still tell its sign, the highest first.
pub fn shortest(value: &[u8; 16]) -> &[u8] {
    let fill = if value[0] & 0x80 != 0 { 0xff } else { 0 };
    let mut start = 0;
    while start < 15 && value[start] == fill && (value[start + 1] ^ fill) & 0x80 == 0 {
        start += 1;
    }
    &value[start..]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_encodings() {
        for (value, bytes) in [(0, &[0u8][..]), (-1, &[1]), (1, &[2]), (-64, &[0x7f]), (64, &[0x80, 1])] {
            let mut out = vec![];
            push_long(value, &mut out);
            assert_eq!(out, bytes);
        }
        assert!(Wire::new(&[0xff; 20]).long().is_err());
        assert!(Wire::new(&[0xff; 3]).long().is_err());
        assert_eq!(big_endian(&[]), Some(0));
        assert_eq!(big_endian(&[1; 17]), None);
        assert_eq!(big_endian(&[0xff; 40]), Some(-1));
        assert_eq!(shortest(&128i128.to_be_bytes()), [0, 128]);
        // A count that only a far longer input could hold.
        let mut out = vec![];
        push_long(1 << 40, &mut out);
        assert!(Wire::new(&out).block(false).is_err());
        assert!(Wire::new(&out).block(true).is_err());
    }

    proptest! {
        #[test]
        fn numbers_come_back(value in any::<i64>(), wide in any::<i128>(), shift in 0u32..128) {
            let mut out = vec![];
            push_long(value, &mut out);
            prop_assert_eq!(Wire::new(&out).long().unwrap(), value);
            let wide = wide >> shift;
            let bytes = wide.to_be_bytes();
            let short = shortest(&bytes);
            prop_assert_eq!(big_endian(short), Some(wide));
            prop_assert!(short.len() == 1 || big_endian(&short[1..]) != Some(wide));
        }

        #[test]
        fn any_bytes_end_somewhere(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut wire = Wire::new(&bytes);
            while wire.left() > 0 && wire.long().is_ok() {}
            let mut wire = Wire::new(&bytes);
            while wire.left() > 0 && wire.bytes().is_ok() {}
        }
    }
}
