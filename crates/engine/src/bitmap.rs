//! BITMAP values: sets of 32-bit integers, as bytes in the [portable form](https://github.com/RoaringBitmap/RoaringFormatSpec) of
//! Roaring bitmaps.
//!
//! In Arrow a BITMAP is a `BinaryView`, which nothing else is. **Invariant:** every such value was written by [`write`], which has one
//! form for each set, so that equal sets are equal bytes: keys, DISTINCT and joins go by the bytes.

use crate::text::push_i64;
use crate::{Error, Result};

/// A set of 32-bit integers; SQL's INT stands for the number with the same bits.
pub type Bitmap = roaring::RoaringBitmap;

/// The set that the bytes stand for.
///
/// # Errors
/// When the bytes are no Roaring bitmap.
pub fn read(bytes: &[u8]) -> Result<Bitmap> {
    Bitmap::deserialize_from(bytes).map_err(|e| Error::data(format!("the bytes are no serialised bitmap: {e}")))
}

/// The set as bytes: each container in the form that takes the least space.
pub fn write(bitmap: &mut Bitmap) -> Vec<u8> {
    // Where runs and single numbers take the same space, it leaves a container as it finds it: so no runs come in.
    bitmap.remove_run_compression();
    bitmap.optimize();
    let mut bytes = Vec::with_capacity(bitmap.serialized_size());
    // Writing to a vector cannot fail.
    let _ = bitmap.serialize_into(&mut bytes);
    bytes
}

/// Appends the text of a value: `{1,3,4294967295}`.
pub fn push_bitmap(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'{');
    match read(bytes) {
        Ok(bitmap) => {
            for (i, value) in bitmap.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                push_i64(out, value.into());
            }
        }
        Err(_) => out.push(b'?'),
    }
    out.push(b'}');
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn the_bytes_are_those_of_the_standard() {
        let bytes = |values: &[u32]| hex(&write(&mut values.iter().copied().collect()));
        assert_eq!(bytes(&[1, 5, 3]), "3a300000010000000000020010000000010003000500");
        assert_eq!(bytes(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), "3b3000000100000900010001000900");
        assert_eq!(bytes(&[u32::MAX]), "3a30000001000000ffff000010000000ffff");
        assert_eq!(bytes(&[]), "3a30000000000000");
    }

    #[test]
    fn what_is_no_bitmap_is_an_error() {
        for bytes in [&b""[..], b"\0", b"abc", b"\x3a\x30\0\0\xff\xff\xff\xff"] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn what_takes_the_same_space_has_one_form() {
        let mut kept: Bitmap = [3, 4, 5].into_iter().collect();
        let mut runs: Bitmap = (0..10).collect();
        runs.optimize();
        runs &= Bitmap::from_iter(3..6);
        assert_eq!(write(&mut runs), write(&mut kept));
    }

    proptest! {
        /// However a set came about, its bytes are the same, and they read back.
        #[test]
        fn equal_sets_are_equal_bytes(starts in prop::collection::vec((0..200_000u32, 1..5_000u32), 1..8), drop in 0..200_000u32) {
            let mut ranges = Bitmap::new();
            let mut singles = Bitmap::new();
            for (start, length) in &starts {
                ranges.insert_range(*start..start + length);
                (*start..start + length).for_each(|v| { singles.insert(v); });
            }
            ranges.optimize();
            ranges.remove_range(drop..drop + 3_000);
            singles.remove_range(drop..drop + 3_000);
            let bytes = write(&mut ranges);
            prop_assert_eq!(&bytes, &write(&mut singles));
            prop_assert_eq!(read(&bytes).unwrap(), singles);
        }
    }
}
