//! Objects and arrays as text, for columns of strings.

use flott_engine::text;

use super::encode::push_string;
use super::read::Reader;
use super::scan::Next;

impl Reader<'_> {
    /// Appends a value's JSON without blanks, as a tree of it would be written: numbers with a fraction as doubles.
    pub(super) fn compact(&mut self, pos: usize, out: &mut String) -> Next {
        match self.scan.peek(pos) {
            open @ (b'{' | b'[') => {
                let close = if open == b'{' { b'}' } else { b']' };
                let mut pos = self.scan.enter(pos)?;
                out.push(char::from(open));
                let mut first = true;
                loop {
                    match self.scan.member(pos, first, close)? {
                        (None, after) => {
                            out.push(char::from(close));
                            return Ok(after);
                        }
                        (Some(member), _) => pos = member,
                    }
                    if !first {
                        out.push(',');
                    }
                    first = false;
                    if open == b'{' {
                        let (key, value) = self.scan.key(pos)?;
                        compact_string(self.plain(key), out);
                        out.push(':');
                        pos = value;
                    }
                    pos = self.compact(pos, out)?;
                }
            }
            b'"' => {
                let token = self.scan.string(pos)?;
                compact_string(self.plain(token), out);
                Ok(token.end + 1)
            }
            b'-' | b'0'..=b'9' => {
                let number = self.scan.number(pos)?;
                match text::parse_f64(number.raw.as_bytes()) {
                    Some(value) if number.float && value.is_finite() => {
                        let mut bytes = Vec::with_capacity(24);
                        text::push_f64(&mut bytes, value);
                        out.extend(bytes.iter().map(|b| char::from(*b)));
                    }
                    _ => out.push_str(number.raw),
                }
                Ok(pos + number.raw.len())
            }
            _ => {
                let after = self.scan.skip(pos)?;
                out.push_str(&self.scan.text[pos..after]);
                Ok(after)
            }
        }
    }
}

fn compact_string(text: &str, out: &mut String) {
    let mut bytes = Vec::with_capacity(text.len() + 2);
    push_string(text, false, &mut bytes);
    out.push_str(&String::from_utf8_lossy(&bytes));
}
