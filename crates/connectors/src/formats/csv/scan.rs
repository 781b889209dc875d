//! Cuts text into records and fields, with quotes and escapes as RFC 4180 and Jackson, which Flink uses, have them: a quote counts
//! only at the start of a field, two of them inside stand for one, and blanks after the closing one are skipped.

/// The characters that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Between fields.
    pub delimiter: u8,
    /// Around fields that hold special characters.
    pub quote: Option<u8>,
    /// Takes the meaning from the character after it.
    pub escape: Option<u8>,
    /// Lines that begin with `#` and empty lines are no records.
    pub comments: bool,
}

/// A field of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    start: usize,
    end: usize,
    /// The text lies in the scratch space, not in the input.
    rewritten: bool,
}

impl Field {
    /// Its text.
    pub fn text<'a>(&self, input: &'a [u8], scratch: &'a [u8]) -> &'a [u8] {
        &(if self.rewritten { scratch } else { input })[self.start..self.end]
    }
}

/// A record that cannot be cut.
#[derive(Debug)]
pub struct Broken {
    /// Where the trouble lies.
    pub at: usize,
    /// What is wrong.
    pub reason: String,
    /// The input ended before the record did.
    pub unfinished: bool,
}

/// Reads records one after the other.
pub struct Scanner<'a> {
    input: &'a [u8],
    dialect: Dialect,
    /// The next byte to look at.
    pub pos: usize,
    /// The fields of the last record.
    pub fields: Vec<Field>,
    /// Text of fields that differs from the input.
    pub scratch: Vec<u8>,
    /// Whether the last record ended with a line break rather than with the input.
    pub line_ended: bool,
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of a record.
    pub fn new(input: &'a [u8], dialect: Dialect) -> Self {
        Self { input, dialect, pos: 0, fields: vec![], scratch: vec![], line_ended: true }
    }

    /// Skips what is no record. `false` at the end of the input.
    pub fn next_record(&mut self) -> bool {
        if !self.dialect.comments {
            return self.pos < self.input.len();
        }
        while let Some(b) = self.input.get(self.pos) {
            match b {
                b'\n' | b'\r' | b' ' => self.pos += 1,
                b'#' => self.skip_line(),
                _ => return true,
            }
        }
        false
    }

    /// Moves behind the next line break.
    pub fn skip_line(&mut self) {
        let rest = &self.input[self.pos.min(self.input.len())..];
        self.pos = memchr::memchr(b'\n', rest).map_or(self.input.len(), |i| self.pos + i + 1);
    }

    /// Reads a record and moves behind its line break.
    pub fn record(&mut self) -> Result<(), Broken> {
        self.fields.clear();
        self.scratch.clear();
        self.line_ended = false;
        loop {
            let start = self.pos;
            let more = match self.input.get(start) {
                None => {
                    self.fields.push(Field { start, end: start, rewritten: false });
                    false
                }
                Some(b) if Some(*b) == self.dialect.quote => self.quoted()?,
                Some(_) => self.plain()?,
            };
            if !more {
                return Ok(());
            }
        }
    }

    /// Ends a field at `end`, where a delimiter, a line break or the end of the input stands. `true` if another field follows.
    fn end_field(&mut self, end: usize) -> bool {
        match self.input.get(end) {
            None => self.pos = end,
            Some(b'\n') => {
                self.pos = end + 1;
                self.line_ended = true;
            }
            Some(b'\r') if *self.input.get(end).unwrap_or(&0) != self.dialect.delimiter => {
                self.pos = end + 1 + usize::from(self.input.get(end + 1) == Some(&b'\n'));
                self.line_ended = true;
            }
            Some(_) => {
                self.pos = end + 1;
                return true;
            }
        }
        false
    }

    fn plain(&mut self) -> Result<bool, Broken> {
        let start = self.pos;
        let rest = &self.input[start..];
        let end = start + memchr::memchr3(self.dialect.delimiter, b'\n', b'\r', rest).unwrap_or(rest.len());
        if let Some(escape) = self.dialect.escape
            && memchr::memchr(escape, &self.input[start..end]).is_some()
        {
            return self.plain_with_escapes(escape);
        }
        self.fields.push(Field { start, end, rewritten: false });
        Ok(self.end_field(end))
    }

    fn plain_with_escapes(&mut self, escape: u8) -> Result<bool, Broken> {
        let start = self.scratch.len();
        let mut at = self.pos;
        loop {
            match self.input.get(at) {
                Some(b) if *b == escape => {
                    self.unescape(at)?;
                    at += 2;
                }
                Some(b) if *b != self.dialect.delimiter && *b != b'\n' && *b != b'\r' => {
                    self.scratch.push(*b);
                    at += 1;
                }
                _ => break,
            }
        }
        self.fields.push(Field { start, end: self.scratch.len(), rewritten: true });
        Ok(self.end_field(at))
    }

    /// Appends the character that the escape at `at` stands for.
    fn unescape(&mut self, at: usize) -> Result<(), Broken> {
        let plain = match self.input.get(at + 1) {
            None => {
                let reason = "the text ends after an escape character".to_owned();
                return Err(Broken { at, reason, unfinished: true });
            }
            Some(b'0') => 0,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b) => *b,
        };
        self.scratch.push(plain);
        Ok(())
    }

    fn quoted(&mut self) -> Result<bool, Broken> {
        let quote = self.dialect.quote.unwrap_or(b'"');
        let escape = self.dialect.escape.unwrap_or(quote);
        let open = self.pos;
        let start = self.scratch.len();
        let mut copied = open + 1;
        let mut at = copied;
        let mut rewritten = false;
        let end = loop {
            let Some(i) = memchr::memchr2(quote, escape, &self.input[at..]) else {
                return Err(Broken { at: open, reason: "a quoted field has no closing quote".into(), unfinished: true });
            };
            at += i;
            if self.input[at] == quote {
                if self.input.get(at + 1) != Some(&quote) {
                    break at;
                }
                self.scratch.extend_from_slice(&self.input[copied..=at]);
            } else {
                self.scratch.extend_from_slice(&self.input[copied..at]);
                self.unescape(at)?;
            }
            rewritten = true;
            at += 2;
            copied = at;
        };
        if rewritten {
            self.scratch.extend_from_slice(&self.input[copied..end]);
            self.fields.push(Field { start, end: self.scratch.len(), rewritten });
        } else {
            self.fields.push(Field { start: open + 1, end, rewritten });
        }
        let mut at = end + 1;
        while let Some(b) = self.input.get(at) {
            if *b == self.dialect.delimiter || matches!(b, b'\n' | b'\r') {
                break;
            }
            if *b > b' ' {
                let reason = "text follows the closing quote of a field".to_owned();
                return Err(Broken { at, reason, unfinished: false });
            }
            at += 1;
        }
        Ok(self.end_field(at))
    }
}

impl Dialect {
    /// Where the last record ends that is whole, if `input` begins with a record.
    pub fn last_end(&self, input: &[u8]) -> Option<usize> {
        let last_line = memchr::memrchr(b'\n', input)? + 1;
        let special = |b: Option<u8>| b.is_some_and(|b| memchr::memchr(b, input).is_some());
        if !special(self.quote) && !special(self.escape) {
            return Some(last_line);
        }
        let mut scanner = Scanner::new(input, *self);
        let mut end = 0;
        while scanner.next_record() {
            match scanner.record() {
                Err(broken) if broken.unfinished => break,
                // Trouble inside a line ends with the line.
                Err(broken) => {
                    scanner.pos = broken.at;
                    scanner.skip_line();
                    scanner.line_ended = scanner.pos < input.len() || input.ends_with(b"\n");
                }
                Ok(()) => {}
            }
            // A carriage return at the very end may be half a line break.
            if !scanner.line_ended || (scanner.pos == input.len() && !input.ends_with(b"\n")) {
                break;
            }
            end = scanner.pos;
        }
        // What is left, comments say, is no record if nothing else followed.
        (end > 0).then_some(end)
    }
}
