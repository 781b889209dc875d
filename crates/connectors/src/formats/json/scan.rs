//! Walks over JSON text: strings, numbers, keys, and whole values that nobody needs, with the structure checked all the way.
//!
//! A record is one line. A line break therefore never counts as a blank here and never stands inside a string, so that a broken
//! record cannot swallow the next one.

use super::marks::Marks;
use super::{Failure, MAX_DEPTH};

/// A text of lines. Positions in it are passed along rather than kept, which lets them stay in registers.
pub struct Scanner<'a> {
    /// The text.
    pub text: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    marks: &'a Marks,
    /// How many objects and arrays are open.
    pub depth: usize,
}

/// A position, or what is wrong.
pub type Next = Result<usize, Box<Failure>>;

/// Where the inside of a string lies, without its quotes.
#[derive(Clone, Copy)]
pub struct StringToken {
    pub start: usize,
    /// Its closing quote stands here.
    pub end: usize,
    /// Whether there are escapes in it.
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

/// Whether two blocks are equal in the bytes where `mask` is not zero; the others of `wanted` are zero.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn equal_under(found: &[u8; 16], wanted: &[u8; 16], mask: &[u8; 16]) -> bool {
    use std::arch::x86_64::{__m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8};
    // SAFETY: SSE2 is part of every x86-64, and the loads read exactly the 16 bytes of each array, of any alignment.
    unsafe {
        let load = |bytes: &[u8; 16]| _mm_loadu_si128(bytes.as_ptr().cast::<__m128i>());
        let same = _mm_cmpeq_epi8(_mm_and_si128(load(found), load(mask)), load(wanted));
        _mm_movemask_epi8(same) == 0xffff
    }
}

/// Whether two blocks are equal in the bytes where `mask` is not zero; the others of `wanted` are zero.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub fn equal_under(found: &[u8; 16], wanted: &[u8; 16], mask: &[u8; 16]) -> bool {
    u128::from_ne_bytes(*found) & u128::from_ne_bytes(*mask) == u128::from_ne_bytes(*wanted)
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

/// The digits of `:59.999` and one more, if all of them are such.
#[inline(always)]
pub fn clock_digits(text: [u8; 8]) -> Option<[u8; 8]> {
    let digits = u64::from_le_bytes(text) ^ u64::from_le_bytes(*b":00.0000");
    // Added to a byte, what carries it into the top bit if it is more than is allowed there: nothing, 5 or 9.
    let spare = u64::from_le_bytes([0x7f, 0x7a, 0x76, 0x7f, 0x76, 0x76, 0x76, 0x76]);
    let wrong = (digits.wrapping_add(spare) | digits) & 0x8080_8080_8080_8080;
    (wrong == 0).then_some(digits.to_le_bytes())
}

impl<'a> Scanner<'a> {
    /// A scanner of a text and its marks.
    pub fn new(text: &'a str, marks: &'a Marks) -> Self {
        Self { text, bytes: text.as_bytes(), marks, depth: 0 }
    }

    /// The byte at a position; a line break at the end of the text, so that callers have one case less.
    #[inline(always)]
    pub fn peek(&self, pos: usize) -> u8 {
        self.bytes.get(pos).copied().unwrap_or(b'\n')
    }

    /// Skips blanks within the line.
    #[inline(always)]
    pub fn blanks(&self, mut pos: usize) -> usize {
        // Anything else is above a blank, except for a line break, which a value, a key or a comma rarely is.
        while self.peek(pos) <= b' ' && matches!(self.peek(pos), b' ' | b'\t' | b'\r') {
            pos += 1;
        }
        pos
    }

    /// The text of a string as written.
    #[inline(always)]
    pub fn raw(&self, token: StringToken) -> &'a str {
        &self.text[token.start..token.end]
    }

    /// What is wrong at a position, when `wanted` should stand there.
    #[cold]
    pub fn unexpected(&self, pos: usize, wanted: &str) -> Box<Failure> {
        let found = match self.text.get(pos..).and_then(|rest| rest.chars().next()) {
            None | Some('\n') => "the line ends".to_owned(),
            Some(c) => format!("'{c}' stands"),
        };
        Failure::structure(pos, format!("{found} where {wanted} should be"))
    }

    /// Opens an object or an array.
    #[inline]
    pub fn enter(&mut self, pos: usize) -> Next {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Failure::structure(pos, format!("objects and arrays are nested deeper than {MAX_DEPTH}")));
        }
        Ok(pos + 1)
    }

    /// A string whose opening quote stands at `pos`; the text goes on behind its end.
    #[inline(always)]
    pub fn string(&self, pos: usize) -> Result<StringToken, Box<Failure>> {
        let start = pos + 1;
        let end = self.marks.next(start);
        if self.peek(end) == b'"' {
            return Ok(StringToken { start, end, escaped: false });
        }
        self.string_with_escapes(start, end)
    }

    #[inline(never)]
    fn string_with_escapes(&self, start: usize, mut pos: usize) -> Result<StringToken, Box<Failure>> {
        loop {
            match self.peek(pos) {
                b'"' => return Ok(StringToken { start, end: pos, escaped: true }),
                b'\\' => pos = self.marks.next(self.escape(pos)?),
                _ => return Err(Failure::structure(start - 1, "a string has no closing quote")),
            }
        }
    }

    /// Checks an escape and moves past it.
    fn escape(&self, pos: usize) -> Next {
        match self.bytes.get(pos + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(pos + 2),
            Some(b'u') => {
                let digits = self.bytes.get(pos + 2..pos + 6);
                if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(Failure::structure(pos, "\\u is not followed by four hexadecimal digits"));
                }
                Ok(pos + 6)
            }
            _ => Err(Failure::structure(pos, "a backslash is followed by a character that JSON does not escape")),
        }
    }

    /// The common case of a whole number: up to 15 digits and then the end of the value. Its value and where the text goes on.
    #[inline(always)]
    pub fn short_integer(&self, pos: usize) -> Option<(i64, usize)> {
        let negative = self.peek(pos) == b'-';
        let digits = pos + usize::from(negative);
        let (length, value) = leading_digits(self.bytes, digits);
        let after = digits + length;
        let ended = matches!(self.peek(after), b',' | b'}' | b']');
        if !ended || !(1..=15).contains(&length) || (length > 1 && self.bytes[digits] == b'0') {
            return None;
        }
        Some((if negative { -value } else { value }, after))
    }

    /// The end of a number whose sign or first digit stands at `pos`, and whether it has a point or an exponent.
    #[inline]
    fn number_end(&self, pos: usize) -> Result<(usize, bool), Box<Failure>> {
        let first = pos + usize::from(self.peek(pos) == b'-');
        let mut pos = self.digits(first)?;
        if self.bytes[first] == b'0' && pos > first + 1 {
            return Err(Failure::structure(first, "a number begins with a needless 0"));
        }
        let mut float = false;
        if self.peek(pos) == b'.' {
            pos = self.digits(pos + 1)?;
            float = true;
        }
        if matches!(self.peek(pos), b'e' | b'E') {
            pos += 1;
            if matches!(self.peek(pos), b'+' | b'-') {
                pos += 1;
            }
            pos = self.digits(pos)?;
            float = true;
        }
        Ok((pos, float))
    }

    /// A number; the text goes on behind it.
    pub fn number(&self, pos: usize) -> Result<NumberToken<'a>, Box<Failure>> {
        let (end, float) = self.number_end(pos)?;
        Ok(NumberToken { raw: &self.text[pos..end], float })
    }

    #[inline]
    fn digits(&self, pos: usize) -> Next {
        let (length, _) = leading_digits(self.bytes, pos);
        if length == 0 {
            return Err(self.unexpected(pos, "a digit"));
        }
        let mut pos = pos + length;
        while self.peek(pos).is_ascii_digit() {
            pos += 1;
        }
        Ok(pos)
    }

    /// One of the words `true`, `false` and `null`.
    #[inline]
    pub fn word(&self, pos: usize, word: &'static str) -> Next {
        if self.bytes[pos..].starts_with(word.as_bytes()) {
            return Ok(pos + word.len());
        }
        Err(self.unexpected(pos, &format!("'{word}'")))
    }

    /// Between two members: the first byte of another one, or `None` and what follows `close`. `first`: no comma is due.
    #[inline]
    pub fn member(&mut self, pos: usize, first: bool, close: u8) -> Result<(Option<usize>, usize), Box<Failure>> {
        let pos = self.blanks(pos);
        let next = self.peek(pos);
        if next == close {
            self.depth -= 1;
            return Ok((None, pos + 1));
        }
        if first {
            return Ok((Some(pos), pos));
        }
        if next != b',' {
            return Err(self.unexpected(pos, if close == b'}' { "',' or '}'" } else { "',' or ']'" }));
        }
        let pos = self.blanks(pos + 1);
        Ok((Some(pos), pos))
    }

    /// A key and its colon, and where its value stands.
    #[inline]
    pub fn key(&self, pos: usize) -> Result<(StringToken, usize), Box<Failure>> {
        if self.peek(pos) != b'"' {
            return Err(self.unexpected(pos, "a key in quotes"));
        }
        let key = self.string(pos)?;
        let pos = self.blanks(key.end + 1);
        if self.peek(pos) != b':' {
            return Err(self.unexpected(pos, "':'"));
        }
        Ok((key, self.blanks(pos + 1)))
    }

    /// Skips a value, checking it.
    pub fn skip(&mut self, pos: usize) -> Next {
        match self.peek(pos) {
            b'"' => Ok(self.string(pos)?.end + 1),
            open @ (b'{' | b'[') => {
                let close = if open == b'{' { b'}' } else { b']' };
                let mut pos = self.enter(pos)?;
                let mut first = true;
                loop {
                    match self.member(pos, first, close)? {
                        (None, after) => return Ok(after),
                        (Some(member), _) => pos = member,
                    }
                    first = false;
                    if open == b'{' {
                        pos = self.key(pos)?.1;
                    }
                    pos = self.skip(pos)?;
                }
            }
            b't' => self.word(pos, "true"),
            b'f' => self.word(pos, "false"),
            b'n' => self.word(pos, "null"),
            b'-' | b'0'..=b'9' => match self.short_integer(pos) {
                Some((_, after)) => Ok(after),
                None => Ok(self.number_end(pos)?.0),
            },
            _ => Err(self.unexpected(pos, "a value")),
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
