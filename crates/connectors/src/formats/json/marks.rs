//! A bit for each byte of a text, set where the plain part of a string ends. Made in one sweep, so that the end of a string is found
//! without a look at its bytes, and short and long strings take the same way.

/// The marks of a text: quotes, backslashes and line breaks, and everything behind its end.
#[derive(Default)]
pub struct Marks {
    words: Vec<u64>,
}

impl Marks {
    /// Marks a text, in place of the one before. Tells whether it is all ASCII.
    pub fn sweep(&mut self, text: &[u8]) -> bool {
        self.words.clear();
        self.words.reserve(text.len() / 64 + 2);
        let (blocks, rest) = text.as_chunks::<64>();
        let mut last = [b'\n'; 64];
        last[..rest.len()].copy_from_slice(rest);
        let high = sweep(blocks, &mut self.words) | sweep(&[last], &mut self.words);
        self.words.push(u64::MAX);
        high == 0
    }

    /// The first marked place from `pos` on.
    #[inline(always)]
    pub fn next(&self, mut pos: usize) -> usize {
        loop {
            let found = self.window(pos);
            if found != 0 {
                return pos + found.trailing_zeros() as usize;
            }
            pos += 64;
        }
    }

    /// The marks of 64 bytes, that at `pos` in the lowest bit.
    #[inline(always)]
    fn window(&self, pos: usize) -> u64 {
        let word = pos / 64;
        match self.words.get(word..word + 2) {
            Some(&[low, high]) => low >> (pos % 64) | high << 1 << (63 - pos % 64),
            _ => u64::MAX,
        }
    }
}

/// Appends the marks of blocks. Returns a value that is not 0 if a byte is not ASCII.
fn sweep(blocks: &[[u8; 64]], words: &mut Vec<u64>) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512bw") {
            // SAFETY: the processor has AVX-512BW.
            return unsafe { x86::sweep_widest(blocks, words) };
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { x86::sweep_wide(blocks, words) };
        }
        x86::sweep(blocks, words)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let mark = |block: &[u8; 64]| {
            let marked = |(i, b): (usize, &u8)| u64::from(matches!(b, b'"' | b'\\' | b'\n')) << i;
            block.iter().enumerate().map(marked).fold(0, |all, bit| all | bit)
        };
        words.extend(blocks.iter().map(mark));
        u64::from(!blocks.as_flattened().is_ascii())
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    /// Marks blocks by 64 bytes.
    #[target_feature(enable = "avx512bw")]
    pub fn sweep_widest(blocks: &[[u8; 64]], words: &mut Vec<u64>) -> u64 {
        let (quote, backslash, line) = (_mm512_set1_epi8(b'"' as i8), _mm512_set1_epi8(b'\\' as i8), _mm512_set1_epi8(b'\n' as i8));
        let mut high = _mm512_setzero_si512();
        words.extend(blocks.iter().map(|block| {
            // SAFETY: a block has 64 bytes.
            let bytes = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
            high = _mm512_or_si512(high, bytes);
            _mm512_cmpeq_epi8_mask(bytes, quote) | _mm512_cmpeq_epi8_mask(bytes, backslash) | _mm512_cmpeq_epi8_mask(bytes, line)
        }));
        _mm512_movepi8_mask(high)
    }

    /// Marks blocks by 32 bytes.
    #[target_feature(enable = "avx2")]
    pub fn sweep_wide(blocks: &[[u8; 64]], words: &mut Vec<u64>) -> u64 {
        let (quote, backslash, line) = (_mm256_set1_epi8(b'"' as i8), _mm256_set1_epi8(b'\\' as i8), _mm256_set1_epi8(b'\n' as i8));
        let mut high = _mm256_setzero_si256();
        words.extend(blocks.iter().map(|block| {
            let mut half = |i: usize| {
                // SAFETY: 32 bytes from the start or the middle of a block of 64 lie in it.
                let bytes = unsafe { _mm256_loadu_si256(block.as_ptr().add(i).cast()) };
                high = _mm256_or_si256(high, bytes);
                let marked = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, quote), _mm256_cmpeq_epi8(bytes, backslash));
                _mm256_movemask_epi8(_mm256_or_si256(marked, _mm256_cmpeq_epi8(bytes, line))) as u32
            };
            u64::from(half(0)) | u64::from(half(32)) << 32
        }));
        _mm256_movemask_epi8(high) as u32 as u64
    }

    /// Marks blocks by 16 bytes.
    pub fn sweep(blocks: &[[u8; 64]], words: &mut Vec<u64>) -> u64 {
        // SAFETY: SSE2 is part of every x86-64, and all 16 bytes that are loaded lie in a block of 64.
        unsafe {
            let (quote, backslash, line) = (_mm_set1_epi8(b'"' as i8), _mm_set1_epi8(b'\\' as i8), _mm_set1_epi8(b'\n' as i8));
            let mut high = _mm_setzero_si128();
            words.extend(blocks.iter().map(|block| {
                let mut quarter = |i: usize| {
                    let bytes = _mm_loadu_si128(block.as_ptr().add(i).cast());
                    high = _mm_or_si128(high, bytes);
                    let marked = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
                    u64::from(_mm_movemask_epi8(_mm_or_si128(marked, _mm_cmpeq_epi8(bytes, line))) as u32) << i
                };
                quarter(0) | quarter(16) | quarter(32) | quarter(48)
            }));
            _mm_movemask_epi8(high) as u32 as u64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn marks_are_those_of_a_plain_search(text in "[a-c\"\\\\\né]{0,10}([a-zé]{0,90}[\"\n]){0,4}") {
            let bytes = text.as_bytes();
            let mut marks = Marks::default();
            marks.sweep(b"\"\"\"\"");
            prop_assert_eq!(marks.sweep(bytes), text.is_ascii());
            for pos in 0..bytes.len() {
                let plain = bytes[pos..].iter().position(|b| matches!(b, b'"' | b'\\' | b'\n'));
                prop_assert_eq!(marks.next(pos), plain.map_or(bytes.len(), |i| pos + i), "from {}", pos);
            }
            prop_assert_eq!(marks.next(bytes.len()), bytes.len());
            #[cfg(target_arch = "x86_64")]
            {
                let (blocks, _) = bytes.as_chunks::<64>();
                let mut words = vec![];
                let ascii = x86::sweep(blocks, &mut words) == 0;
                prop_assert_eq!(ascii, blocks.as_flattened().is_ascii());
                if std::arch::is_x86_feature_detected!("avx2") {
                    let mut wide = vec![];
                    // SAFETY: the processor has AVX2.
                    let ascii_too = unsafe { x86::sweep_wide(blocks, &mut wide) } == 0;
                    prop_assert_eq!((ascii_too, wide), (ascii, words));
                }
            }
        }
    }
}
