//! Walks over JSON text: strings, numbers, keys, and whole values that nobody needs, with the structure checked all the way.
//!
//! A record is one line. A line break therefore never counts as a blank here and never stands inside a string, so that a broken
//! record cannot swallow the next one.

use super::{Failure, MAX_DEPTH};

/// A position in a text of lines.
pub struct Scanner<'a> {
    /// The text.
    pub text: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The next byte to look at.
    pub pos: usize,
    /// How many objects and arrays are open.
    pub depth: usize,
}

/// The inside of a string, without its quotes.
#[derive(Clone, Copy)]
pub struct StringToken<'a> {
    /// As written, with its escapes.
    pub raw: &'a str,
    /// Whether there are any.
    pub escaped: bool,
}

/// A number as written.
#[derive(Clone, Copy)]
pub struct NumberToken<'a> {
    /// All of it.
    pub raw: &'a str,
    /// With point or exponent.
    pub float: bool,
}

/// Bit i is set if byte i ends the fast part of a string: a quote, a backslash or a line break.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn string_stops(chunk: &[u8; 16]) -> u32 {
    use std::arch::x86_64::{__m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8};
    // SAFETY: SSE2 is part of every x86-64, and the load reads exactly the 16 bytes of the array, of any alignment.
    unsafe {
        let v = _mm_loadu_si128(chunk.as_ptr().cast::<__m128i>());
        let quote = _mm_cmpeq_epi8(v, _mm_set1_epi8(b'"' as i8));
        let backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8(b'\\' as i8));
        let line = _mm_cmpeq_epi8(v, _mm_set1_epi8(b'\n' as i8));
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), line)) as u32
    }
}

/// Bit i is set if byte i ends the fast part of a string: a quote, a backslash or a line break.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn string_stops(chunk: &[u8; 16]) -> u32 {
    let mut mask = 0;
    for (i, b) in chunk.iter().enumerate() {
        mask |= u32::from(*b == b'"' || *b == b'\\' || *b == b'\n') << i;
    }
    mask
}

/// The powers of ten up to 10^8.
const POWERS: [i64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// How many digits stand at `pos`, up to 16, and their value.
#[inline(always)]
pub fn leading_digits(bytes: &[u8], pos: usize) -> (usize, i64) {
    let Some(chunk) = bytes.get(pos..).and_then(|rest| rest.first_chunk::<16>()) else {
        let rest = bytes.get(pos..).unwrap_or(&[]);
        let digits = rest.iter().take(16).take_while(|b| b.is_ascii_digit());
        return digits.fold((0, 0), |(length, value), b| (length + 1, value * 10 + i64::from(b - b'0')));
    };
    let [a, b, c, d, e, f, g, h, rest @ ..] = *chunk;
    let (length, value) = eight_digits(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    if length < 8 {
        return (length, value);
    }
    let (more, low) = eight_digits(u64::from_le_bytes(rest));
    (8 + more, value * POWERS[more] + low)
}

/// How many digits eight bytes begin with, the first being the lowest, and their value; without a branch, since lengths of numbers
/// are hard to predict.
#[inline(always)]
fn eight_digits(chunk: u64) -> (usize, i64) {
    let digits = chunk ^ 0x3030_3030_3030_3030;
    // The top bit of a byte that is no digit; what carries over reaches only bytes behind the first such one.
    let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
    let length = others.trailing_zeros() as usize / 8;
    if length == 0 {
        return (0, 0);
    }
    // Zeros in front, then pairs, then fours, then all eight.
    let digits = digits << (64 - 8 * length);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let mask = 0x0000_00ff_0000_00ff;
    let high = (pairs & mask).wrapping_mul(0x000f_4240_0000_0064);
    let low = (pairs >> 16 & mask).wrapping_mul(0x0000_2710_0000_0001);
    (length, (high.wrapping_add(low) >> 32) as i64)
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of a text.
    pub fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), pos: 0, depth: 0 }
    }

    /// The next byte; a line break at the end of the text, so that callers have one case less.
    #[inline(always)]
    pub fn peek(&self) -> u8 {
        self.bytes.get(self.pos).copied().unwrap_or(b'\n')
    }

    /// Skips blanks within the line.
    #[inline(always)]
    pub fn blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r') {
            self.pos += 1;
        }
    }

    /// What is wrong at the current position, when `wanted` should stand there.
    #[cold]
    pub fn unexpected(&self, wanted: &str) -> Box<Failure> {
        let found = match self.text.get(self.pos..).and_then(|rest| rest.chars().next()) {
            None | Some('\n') => "the line ends".to_owned(),
            Some(c) => format!("'{c}' stands"),
        };
        Failure::structure(self.pos, format!("{found} where {wanted} should be"))
    }

    /// Opens an object or an array.
    #[inline]
    pub fn enter(&mut self) -> Result<(), Box<Failure>> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Failure::structure(self.pos, format!("objects and arrays are nested deeper than {MAX_DEPTH}")));
        }
        self.pos += 1;
        Ok(())
    }

    /// Closes an object or an array.
    #[inline]
    pub fn leave(&mut self) {
        self.depth -= 1;
        self.pos += 1;
    }

    /// Moves to the next quote, backslash or line break, and returns it.
    #[inline(always)]
    fn string_stop(&mut self) -> u8 {
        // Most keys and many values end in the first 16 bytes; longer text goes by 32.
        if let Some(chunk) = self.bytes.get(self.pos..).and_then(|rest| rest.first_chunk::<16>()) {
            let mask = string_stops(chunk);
            if mask != 0 {
                self.pos += mask.trailing_zeros() as usize;
                return self.bytes[self.pos];
            }
            self.pos += 16;
        }
        while let Some(chunk) = self.bytes.get(self.pos..).and_then(|rest| rest.first_chunk::<32>()) {
            let (Some(low), Some(high)) = (chunk.first_chunk::<16>(), chunk.last_chunk::<16>()) else { break };
            let mask = string_stops(low) | string_stops(high) << 16;
            if mask != 0 {
                self.pos += mask.trailing_zeros() as usize;
                return self.bytes[self.pos];
            }
            self.pos += 32;
        }
        while !matches!(self.peek(), b'"' | b'\\' | b'\n') {
            self.pos += 1;
        }
        self.peek()
    }

    /// A string; its opening quote is the next byte.
    #[inline]
    pub fn string(&mut self) -> Result<StringToken<'a>, Box<Failure>> {
        self.pos += 1;
        let start = self.pos;
        if self.string_stop() == b'"' {
            let raw = &self.text[start..self.pos];
            self.pos += 1;
            return Ok(StringToken { raw, escaped: false });
        }
        self.string_with_escapes(start)
    }

    fn string_with_escapes(&mut self, start: usize) -> Result<StringToken<'a>, Box<Failure>> {
        loop {
            match self.string_stop() {
                b'"' => break,
                b'\\' => self.escape()?,
                _ => return Err(Failure::structure(start - 1, "a string has no closing quote")),
            }
        }
        let raw = &self.text[start..self.pos];
        self.pos += 1;
        Ok(StringToken { raw, escaped: true })
    }

    /// Checks an escape and moves past it.
    fn escape(&mut self) -> Result<(), Box<Failure>> {
        match self.bytes.get(self.pos + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.pos += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.pos + 2..self.pos + 6);
                if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(Failure::structure(self.pos, "\\u is not followed by four hexadecimal digits"));
                }
                self.pos += 6;
            }
            _ => return Err(Failure::structure(self.pos, "a backslash is followed by a character that JSON does not escape")),
        }
        Ok(())
    }

    /// A number; its sign or first digit is the next byte.
    #[inline]
    pub fn number(&mut self) -> Result<NumberToken<'a>, Box<Failure>> {
        let start = self.pos;
        let mut float = false;
        if self.peek() == b'-' {
            self.pos += 1;
        }
        let first = self.pos;
        self.digits()?;
        if self.bytes[first] == b'0' && self.pos > first + 1 {
            return Err(Failure::structure(first, "a number begins with a needless 0"));
        }
        if self.peek() == b'.' {
            self.pos += 1;
            self.digits()?;
            float = true;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.pos += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.pos += 1;
            }
            self.digits()?;
            float = true;
        }
        Ok(NumberToken { raw: &self.text[start..self.pos], float })
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Box<Failure>> {
        let (length, _) = leading_digits(self.bytes, self.pos);
        if length == 0 {
            return Err(self.unexpected("a digit"));
        }
        self.pos += length;
        while self.peek().is_ascii_digit() {
            self.pos += 1;
        }
        Ok(())
    }

    /// One of the words `true`, `false` and `null`.
    #[inline]
    pub fn word(&mut self, word: &'static str) -> Result<(), Box<Failure>> {
        if self.bytes[self.pos..].starts_with(word.as_bytes()) {
            self.pos += word.len();
            return Ok(());
        }
        Err(self.unexpected(&format!("'{word}'")))
    }

    /// Between two members: `true` if another one follows, at whose first byte the scanner then stands; `false` at `close`, which
    /// is taken. `first`: no comma is due.
    #[inline]
    pub fn member(&mut self, first: bool, close: u8) -> Result<bool, Box<Failure>> {
        self.blanks();
        let next = self.peek();
        if next == close {
            self.leave();
            return Ok(false);
        }
        if first {
            return Ok(true);
        }
        if next != b',' {
            return Err(self.unexpected(if close == b'}' { "',' or '}'" } else { "',' or ']'" }));
        }
        self.pos += 1;
        self.blanks();
        Ok(true)
    }

    /// A key and its colon; stops at the value.
    #[inline]
    pub fn key(&mut self) -> Result<StringToken<'a>, Box<Failure>> {
        if self.peek() != b'"' {
            return Err(self.unexpected("a key in quotes"));
        }
        let key = self.string()?;
        self.blanks();
        if self.peek() != b':' {
            return Err(self.unexpected("':'"));
        }
        self.pos += 1;
        self.blanks();
        Ok(key)
    }

    /// Skips a value, checking it.
    pub fn skip(&mut self) -> Result<(), Box<Failure>> {
        match self.peek() {
            b'"' => self.string().map(drop),
            b'{' => {
                self.enter()?;
                let mut first = true;
                while self.member(first, b'}')? {
                    first = false;
                    self.key()?;
                    self.skip()?;
                }
                Ok(())
            }
            b'[' => {
                self.enter()?;
                let mut first = true;
                while self.member(first, b']')? {
                    first = false;
                    self.skip()?;
                }
                Ok(())
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            _ => Err(self.unexpected("a value")),
        }
    }
}

/// Appends a string without its escapes; they have been checked. Half a surrogate pair becomes `?`, as in Java.
pub fn unescape(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let kind = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        rest = &rest[(at + 2).min(rest.len())..];
        match kind {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => {
                let unit = hex4(rest);
                rest = &rest[4.min(rest.len())..];
                let low = rest.strip_prefix("\\u").map(hex4).filter(|low| (0xdc00..0xe000).contains(low));
                match (unit, low) {
                    (0xd800..0xdc00, Some(low)) => {
                        let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        out.push(char::from_u32(code).unwrap_or('?'));
                        rest = &rest[6.min(rest.len())..];
                    }
                    _ => out.push(char::from_u32(unit).unwrap_or('?')),
                }
            }
            other => out.push(char::from(other)),
        }
    }
    out.push_str(rest);
}

fn hex4(text: &str) -> u32 {
    text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0xd800)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_at_the_front(text in "[0-9]{0,20}[ -~é]{0,20}") {
            let length = text.bytes().take(16).take_while(u8::is_ascii_digit).count();
            let value = text[..length].parse().unwrap_or(0);
            prop_assert_eq!(leading_digits(text.as_bytes(), 0), (length, value));
        }
    }
}
