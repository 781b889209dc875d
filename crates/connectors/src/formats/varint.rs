//! Numbers of a few bytes, seven bits in each and the lowest first, which Avro and protobuf have in common.

/// Reads such a number of up to 8 bytes at once: its bits, and how many bytes it has. `None`: it has more bytes, or the input ends too
/// soon to tell in this way.
#[inline(always)]
pub fn short(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    const CONTINUES: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(*bytes.get(at..)?.first_chunk::<8>()?);
    let ends = !word & CONTINUES;
    if ends == 0 {
        return None;
    }
    // What stands behind the first byte that ends a number is cut off; then neighbours are pushed together, by twos.
    let bits = word & (ends ^ (ends - 1)) & !CONTINUES;
    let bits = bits & 0x007f_007f_007f_007f | (bits & 0x7f00_7f00_7f00_7f00) >> 1;
    let bits = bits & 0x0000_3fff_0000_3fff | (bits & 0x3fff_0000_3fff_0000) >> 2;
    let bits = bits & 0x0000_0000_0fff_ffff | (bits & 0x0fff_ffff_0000_0000) >> 4;
    Some((bits, ends.trailing_zeros() as usize / 8 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_byte_by_byte(value: u64, shift in 0u32..64, behind: u8) {
            let value = value >> shift;
            let mut bytes = vec![behind];
            let mut rest = value;
            while rest >= 0x80 {
                bytes.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
            let length = bytes.len() - 1;
            prop_assert_eq!(short(&bytes, 1), (length == 8).then_some((value, 8)));
            bytes.extend([behind; 8]);
            prop_assert_eq!(short(&bytes, 1), (length <= 8).then_some((value, length)));
        }
    }
}
