//! Reads JSON values into columns, guided by the schema.
//!
//! Records of one source mostly have the same keys in the same order. Each object therefore remembers, for every place, what
//! stood before the value there in the record before (`,"price":`), and compares that with one instruction or two. Where the
//! guess fails, the key is read the long way and becomes the next guess.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, Fields};
use flott_engine::{Error, Result, text};

use super::scan::{NumberToken, Scanner, StringToken, leading_digits, unescape};
use super::{Failure, JsonOptions};
use crate::formats::columns::{Column, List, Map, Strings, TimestampKind};
use crate::formats::scalar;

/// Places remembered per object; objects with more keys are read the long way from there on.
const MAX_GUESSES: usize = 512;
/// Field index of a key that no column needs.
const SKIP: u32 = u32::MAX;
/// Objects with more fields than this look names up in a table.
const SCAN_FIELDS: usize = 8;

/// What a column needs besides its builder: names of fields, guesses.
#[derive(Clone)]
pub enum Shape {
    Scalar,
    /// The element and whether it may be NULL.
    List(Box<Shape>, bool),
    /// The value and whether it may be NULL.
    Map(Box<Shape>, bool),
    Row(Box<RowShape>),
}

/// The fields of an object.
#[derive(Clone)]
pub struct RowShape {
    names: Vec<String>,
    by_name: HashMap<String, u32>,
    nullable: Vec<bool>,
    shapes: Vec<Shape>,
    guesses: Vec<Guess>,
    seen: Vec<u64>,
    /// By place, the keys of objects that are skipped there.
    skipped: Vec<Option<Box<RowShape>>>,
}

/// What stood before a value: separator, key and colon, up to 32 bytes.
#[derive(Clone, Copy)]
struct Guess {
    low: u128,
    high: u128,
    low_mask: u128,
    high_mask: u128,
    length: usize,
    field: u32,
}

impl Guess {
    const NEVER: Guess = Guess { low: 1, high: 0, low_mask: 0, high_mask: 0, length: 0, field: SKIP };

    fn new(text: &[u8], field: u32) -> Self {
        if text.len() > 32 {
            return Self::NEVER;
        }
        let mut bytes = [0u8; 32];
        let mut mask = [0u8; 32];
        bytes[..text.len()].copy_from_slice(text);
        mask[..text.len()].fill(0xff);
        let half = |bytes: &[u8; 32], at: usize| {
            let mut half = [0u8; 16];
            half.copy_from_slice(&bytes[at..at + 16]);
            u128::from_le_bytes(half)
        };
        Guess {
            low: half(&bytes, 0),
            high: half(&bytes, 16),
            low_mask: half(&mask, 0),
            high_mask: half(&mask, 16),
            length: text.len(),
            field,
        }
    }

    #[inline(always)]
    fn matches(&self, bytes: &[u8], pos: usize) -> bool {
        let Some(chunk) = bytes.get(pos..).and_then(|rest| rest.first_chunk::<32>()) else { return false };
        let Some(low) = chunk.first_chunk::<16>() else { return false };
        let Some(high) = chunk.last_chunk::<16>() else { return false };
        let low = u128::from_le_bytes(*low) & self.low_mask;
        let high = u128::from_le_bytes(*high) & self.high_mask;
        low == self.low && high == self.high
    }
}

impl Shape {
    /// The shape of a field's type. Fails for maps whose keys are no strings.
    pub fn new(field: &Field) -> Result<Self> {
        Ok(match field.data_type() {
            DataType::List(element) => Shape::List(Box::new(Shape::new(element)?), element.is_nullable()),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) if fields.len() == 2 => {
                    if fields[0].data_type() != &DataType::Utf8 {
                        return Err(Error::config(format!(
                            "Column {}: JSON has only strings as keys of a MAP, not {}",
                            field.name(),
                            scalar::type_name(fields[0].data_type())
                        )));
                    }
                    Shape::Map(Box::new(Shape::new(&fields[1])?), fields[1].is_nullable())
                }
                other => return Err(Error::internal(format!("Map entries of type {other}"))),
            },
            DataType::Struct(fields) => Shape::Row(Box::new(RowShape::new(fields)?)),
            _ => Shape::Scalar,
        })
    }
}

impl RowShape {
    /// The shape of an object with these fields.
    pub fn new(fields: &Fields) -> Result<Self> {
        Ok(RowShape {
            names: fields.iter().map(|f| f.name().clone()).collect(),
            by_name: fields.iter().enumerate().map(|(i, f)| (f.name().clone(), i as u32)).collect(),
            nullable: fields.iter().map(|f| f.is_nullable()).collect(),
            shapes: fields.iter().map(|f| Shape::new(f)).collect::<Result<_>>()?,
            guesses: vec![],
            seen: vec![0; fields.len().div_ceil(64)],
            skipped: vec![],
        })
    }

    /// The shape of an object of which nothing is needed.
    fn unknown() -> Self {
        RowShape {
            names: vec![],
            by_name: HashMap::new(),
            nullable: vec![],
            shapes: vec![],
            guesses: vec![],
            seen: vec![],
            skipped: vec![],
        }
    }

    /// The shape of the object that is skipped at a place.
    fn skipped_at(&mut self, place: usize) -> Option<&mut RowShape> {
        if place >= MAX_GUESSES {
            return None;
        }
        if place >= self.skipped.len() {
            self.skipped.resize(place + 1, None);
        }
        Some(self.skipped[place].get_or_insert_with(|| Box::new(RowShape::unknown())))
    }

    fn field(&self, name: &str) -> u32 {
        if self.names.len() <= SCAN_FIELDS {
            return self.names.iter().position(|n| n == name).map_or(SKIP, |i| i as u32);
        }
        self.by_name.get(name).copied().unwrap_or(SKIP)
    }

    fn learn(&mut self, place: usize, text: &[u8], field: u32) {
        if place < self.guesses.len() {
            self.guesses[place] = Guess::new(text, field);
        } else if place == self.guesses.len() && place < MAX_GUESSES {
            self.guesses.push(Guess::new(text, field));
        }
    }
}

/// Reads values of one text.
pub struct Reader<'a> {
    pub scan: Scanner<'a>,
    pub options: JsonOptions,
    /// Where text without escapes is put that is no column's.
    scratch: String,
    /// The minute of the timestamp before, as written, and its seconds since 1970.
    minute: [u8; 16],
    minute_seconds: i64,
}

type Read = std::result::Result<(), Box<Failure>>;

impl<'a> Reader<'a> {
    /// A reader at the start of a text.
    pub fn new(text: &'a str, options: JsonOptions) -> Self {
        Self { scan: Scanner::new(text), options, scratch: String::new(), minute: [0; 16], minute_seconds: 0 }
    }

    /// Reads an object into columns that all have `rows` rows; afterwards they have one more. After a failure some of them may have
    /// one more, and the caller cuts them back.
    pub fn object(&mut self, shape: &mut RowShape, columns: &mut [Column], rows: usize) -> Read {
        if self.scan.peek() != b'{' {
            return Err(self.mismatch("an object"));
        }
        self.scan.enter()?;
        shape.seen.fill(0);
        let mut count = 0;
        let mut place = 0;
        loop {
            let start = self.scan.pos;
            let field = match shape.guesses.get(place) {
                Some(guess) if guess.matches(self.scan.bytes, start) => {
                    self.scan.pos += guess.length;
                    self.scan.blanks();
                    guess.field
                }
                _ => {
                    if !self.scan.member(place == 0, b'}')? {
                        break;
                    }
                    let key = self.scan.key()?;
                    let field = shape.field(plain(key, &mut self.scratch));
                    shape.learn(place, &self.scan.bytes[start..self.scan.pos], field);
                    field
                }
            };
            place += 1;
            if field == SKIP {
                self.skip_value(shape, place - 1)?;
                continue;
            }
            let i = field as usize;
            let bit = 1 << (i % 64);
            if shape.seen[i / 64] & bit == 0 {
                shape.seen[i / 64] |= bit;
                count += 1;
            } else {
                // The last of several equal keys counts.
                columns[i].truncate(rows);
            }
            if let Err(mut failure) = self.value_or_null(&mut shape.shapes[i], &mut columns[i], shape.nullable[i], rows) {
                failure.path.push(shape.names[i].clone());
                return Err(failure);
            }
        }
        if count < columns.len() { self.fill_missing(shape, columns) } else { Ok(()) }
    }

    /// Skips a value that no column needs, at a place of an object.
    #[inline]
    fn skip_value(&mut self, shape: &mut RowShape, place: usize) -> Read {
        if self.scan.peek() == b'{'
            && let Some(inner) = shape.skipped_at(place)
        {
            return self.skip_object(inner);
        }
        self.scan.skip()
    }

    /// Skips an object, with the help of what it looked like the last time.
    fn skip_object(&mut self, shape: &mut RowShape) -> Read {
        self.scan.enter()?;
        let mut place = 0;
        loop {
            let start = self.scan.pos;
            match shape.guesses.get(place) {
                Some(guess) if guess.matches(self.scan.bytes, start) => {
                    self.scan.pos += guess.length;
                    self.scan.blanks();
                }
                _ => {
                    if !self.scan.member(place == 0, b'}')? {
                        return Ok(());
                    }
                    self.scan.key()?;
                    shape.learn(place, &self.scan.bytes[start..self.scan.pos], SKIP);
                }
            }
            self.skip_value(shape, place)?;
            place += 1;
        }
    }

    #[cold]
    fn missing(&self, shape: &RowShape, i: usize, reason: &str) -> Box<Failure> {
        let mut failure = Failure::value(self.scan.pos, reason);
        failure.path.push(shape.names[i].clone());
        failure
    }

    fn fill_missing(&self, shape: &RowShape, columns: &mut [Column]) -> Read {
        for (i, column) in columns.iter_mut().enumerate() {
            if shape.seen[i / 64] & 1 << (i % 64) != 0 {
                continue;
            }
            if self.options.fail_on_missing_field {
                return Err(self.missing(shape, i, "the field is missing ('json.fail-on-missing-field' is set)"));
            }
            if !shape.nullable[i] {
                return Err(self.missing(shape, i, "the field is missing, and the column is NOT NULL"));
            }
            column.push_null();
        }
        Ok(())
    }

    /// Reads a value; where bad values are to be ignored, one that does not convert becomes NULL.
    #[inline]
    fn value_or_null(&mut self, shape: &mut Shape, column: &mut Column, nullable: bool, rows: usize) -> Read {
        let (start, depth) = (self.scan.pos, self.scan.depth);
        match self.value(shape, column, nullable) {
            Err(failure) if self.options.ignore_parse_errors && nullable && failure.conversion => {
                column.truncate(rows);
                column.push_null();
                self.scan.pos = start;
                self.scan.depth = depth;
                self.scan.skip()
            }
            result => result,
        }
    }

    /// Reads a value into a column.
    #[inline]
    fn value(&mut self, shape: &mut Shape, column: &mut Column, nullable: bool) -> Read {
        let first = self.scan.peek();
        if first == b'n' {
            self.scan.word("null")?;
            if !nullable {
                return Err(Failure::value(self.scan.pos, "null in a column that is NOT NULL"));
            }
            column.push_null();
            return Ok(());
        }
        match (column, shape) {
            (Column::String(c), _) => self.text_value(c, first),
            (Column::Int64(c), _) => {
                c.push(self.integer(first, "BIGINT", true)?);
                Ok(())
            }
            (Column::Timestamp(c, kind), _) if first == b'"' => {
                let start = self.scan.pos;
                let token = self.scan.string()?;
                let value = match self.recent_minute(token.raw.as_bytes(), kind) {
                    Some(value) => value,
                    None => {
                        let text = plain(token, &mut self.scratch);
                        let value = scalar::timestamp(text, kind, self.options.rules.standard);
                        let value = value.map_err(|reason| Failure::value(start, reason))?;
                        self.remember_minute(token.raw.as_bytes());
                        value
                    }
                };
                c.push(value);
                Ok(())
            }
            (Column::Row(c), Shape::Row(shape)) => {
                let rows = c.begin();
                self.object(shape, &mut c.columns, rows)?;
                c.end();
                Ok(())
            }
            (Column::List(c), Shape::List(shape, nullable)) => self.list(c, shape, *nullable),
            (Column::Map(c), Shape::Map(shape, nullable)) => self.map(c, shape, *nullable),
            (column, _) => self.other_scalar(column, first, nullable),
        }
    }

    /// The value of a timestamp in SQL form whose minute is that of the timestamp before.
    #[inline]
    fn recent_minute(&self, raw: &[u8], kind: &TimestampKind) -> Option<i64> {
        if kind.utc || raw.len() < 19 || raw.first_chunk::<16>() != Some(&self.minute) || raw[16] != b':' {
            return None;
        }
        let digit = |i: usize| raw.get(i).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10).map(u32::from);
        let second = digit(17)? * 10 + digit(18)?;
        let nanos = match raw.len() {
            19 => 0,
            23 if raw[19] == b'.' => (digit(20)? * 100 + digit(21)? * 10 + digit(22)?) * 1_000_000,
            _ => return None,
        };
        if second > 59 {
            return None;
        }
        scalar::in_unit(self.minute_seconds + i64::from(second), nanos, kind.unit)
    }

    fn remember_minute(&mut self, raw: &[u8]) {
        if self.options.rules.standard == scalar::TimestampStandard::Iso8601WithOffset {
            return;
        }
        let Some(minute) = raw.first_chunk::<16>() else { return };
        let mut whole = *b"0000-00-00 00:00:00";
        whole[..16].copy_from_slice(minute);
        whole[10] = b' ';
        if let Some((seconds, _)) = text::parse_timestamp_sql(&whole, false) {
            self.minute = *minute;
            self.minute_seconds = seconds;
        }
    }

    fn text_value(&mut self, column: &mut Strings, first: u8) -> Read {
        match first {
            b'"' => {
                let token = self.scan.string()?;
                if token.escaped {
                    unescape(token.raw, &mut column.text);
                    column.end();
                } else {
                    let end = self.scan.pos - 1;
                    column.push_part(self.scan.text, end - token.raw.len(), end);
                }
            }
            b'{' | b'[' => {
                let result = self.compact(&mut column.text);
                if result.is_err() {
                    column.abandon();
                    return result;
                }
                column.end();
            }
            _ => {
                let start = self.scan.pos;
                self.scan.skip()?;
                column.push(&self.scan.text[start..self.scan.pos]);
            }
        }
        Ok(())
    }

    /// A whole number: a number, or a string that holds one. `float`: one with a fraction is cut, not refused.
    #[inline]
    fn integer(&mut self, first: u8, type_name: &str, float: bool) -> Result<i64, Box<Failure>> {
        let start = self.scan.pos;
        // The common case: up to 15 digits and then the end of the value.
        let digits = start + usize::from(first == b'-');
        let (length, value) = leading_digits(self.scan.bytes, digits);
        let pos = digits + length;
        let ended = !matches!(self.scan.bytes.get(pos), Some(b'.' | b'e' | b'E'));
        if (1..=15).contains(&length) && ended && (self.scan.bytes[digits] != b'0' || length == 1) {
            self.scan.pos = pos;
            return Ok(if first == b'-' { -value } else { value });
        }
        self.long_integer(first, type_name, float)
    }

    fn long_integer(&mut self, first: u8, type_name: &str, float: bool) -> Result<i64, Box<Failure>> {
        let start = self.scan.pos;
        let number = match first {
            b'-' | b'0'..=b'9' => self.scan.number()?,
            b'"' => {
                let token = self.scan.string()?;
                let raw = plain(token, &mut self.scratch).trim();
                return text::parse_i64(raw.as_bytes()).ok_or_else(|| {
                    Failure::value(start, format!("{} is not a whole number ({type_name})", scalar::shown(raw)))
                });
            }
            _ => return Err(self.mismatch(&format!("a whole number ({type_name})"))),
        };
        let value = match number {
            NumberToken { raw, float: false } => text::parse_i64(raw.as_bytes()),
            // Java cuts the fraction off and refuses what then does not fit.
            NumberToken { raw, .. } if float => {
                let value = text::parse_f64(raw.as_bytes()).unwrap_or(f64::NAN).trunc();
                (value >= -9_223_372_036_854_775_808.0 && value < 9_223_372_036_854_775_808.0).then_some(value as i64)
            }
            NumberToken { raw, .. } => {
                return Err(Failure::value(start, format!("{} is not a whole number ({type_name})", scalar::shown(raw))));
            }
        };
        value.ok_or_else(|| Failure::value(start, scalar::out_of_range(number.raw, type_name)))
    }

    fn ranged<T: TryFrom<i64>>(&mut self, first: u8, type_name: &str, float: bool) -> Result<T, Box<Failure>> {
        let start = self.scan.pos;
        let value = self.integer(first, type_name, float)?;
        T::try_from(value).map_err(|_| Failure::value(start, scalar::out_of_range(&value.to_string(), type_name)))
    }

    fn other_scalar(&mut self, column: &mut Column, first: u8, nullable: bool) -> Read {
        let start = self.scan.pos;
        match column {
            Column::Int32(c) => c.push(self.ranged(first, "INT", true)?),
            Column::Int16(c) => c.push(self.ranged(first, "SMALLINT", false)?),
            Column::Int8(c) => c.push(self.ranged(first, "TINYINT", false)?),
            Column::Interval(c, months) => {
                let value = self.integer(first, "BIGINT", true)?;
                c.push(scalar::interval(value, *months).map_err(|reason| Failure::value(start, reason))?);
            }
            Column::Null(rows) => {
                self.scan.skip()?;
                *rows += 1;
            }
            column => {
                let text = match first {
                    b'"' => plain(self.scan.string()?, &mut self.scratch),
                    b'-' | b'0'..=b'9' => self.scan.number()?.raw,
                    b't' | b'f' if matches!(column, Column::Boolean(_)) => {
                        self.scan.skip()?;
                        &self.scan.text[start..self.scan.pos]
                    }
                    _ => return Err(self.mismatch(&format!("a value of type {}", name_of(column)))),
                };
                if matches!(column, Column::Binary(_)) && first != b'"' {
                    return Err(Failure::value(start, format!("{} is not a string with base64", scalar::shown(text))));
                }
                let before = column.len();
                scalar::push_text(column, text, self.options.rules).map_err(|reason| Failure::value(start, reason))?;
                if !nullable && matches!(column, Column::Decimal(..)) && column.is_null(before) {
                    return Err(Failure::value(start, format!("{} does not fit {}", scalar::shown(text), name_of(column))));
                }
            }
        }
        Ok(())
    }

    fn list(&mut self, list: &mut List, shape: &mut Shape, nullable: bool) -> Read {
        if self.scan.peek() != b'[' {
            return Err(self.mismatch("an array"));
        }
        self.scan.enter()?;
        let mut first = true;
        while self.scan.member(first, b']')? {
            first = false;
            let rows = list.element.len();
            self.value_or_null(shape, &mut list.element, nullable, rows)?;
        }
        list.end();
        Ok(())
    }

    fn map(&mut self, map: &mut Map, shape: &mut Shape, nullable: bool) -> Read {
        if self.scan.peek() != b'{' {
            return Err(self.mismatch("an object"));
        }
        let start = self.scan.pos;
        self.scan.enter()?;
        let mut first = true;
        while self.scan.member(first, b'}')? {
            first = false;
            let key = self.scan.key()?;
            let Column::String(keys) = &mut map.keys else {
                return Err(Failure::structure(start, "the keys of a map are no strings"));
            };
            keys.push(plain(key, &mut self.scratch));
            let rows = map.values.len();
            if let Err(mut failure) = self.value_or_null(shape, &mut map.values, nullable, rows) {
                failure.path.push(plain(key, &mut self.scratch).to_owned());
                return Err(failure);
            }
        }
        if has_duplicates(map) {
            return self.map_with_duplicates(map, shape, nullable, start);
        }
        map.end();
        Ok(())
    }

    /// Reads a map again whose keys repeat: of equal keys the last counts, at the place of the first.
    fn map_with_duplicates(&mut self, map: &mut Map, shape: &mut Shape, nullable: bool, start: usize) -> Read {
        let (end, depth) = (self.scan.pos, self.scan.depth);
        map.keys.truncate(map.ended());
        map.values.truncate(map.ended());
        self.scan.pos = start;
        self.scan.enter()?;
        let mut order: Vec<(String, usize)> = vec![];
        let mut by_key: HashMap<String, usize> = HashMap::new();
        let mut first = true;
        while self.scan.member(first, b'}')? {
            first = false;
            let key = self.scan.key()?;
            let key = plain(key, &mut self.scratch).to_owned();
            let place = *by_key.entry(key.clone()).or_insert(order.len());
            if place == order.len() {
                order.push((key, self.scan.pos));
            } else {
                order[place].1 = self.scan.pos;
            }
            self.scan.skip()?;
        }
        for (key, at) in order {
            self.scan.pos = at;
            let Column::String(keys) = &mut map.keys else { break };
            keys.push(&key);
            let rows = map.values.len();
            self.value_or_null(shape, &mut map.values, nullable, rows)?;
        }
        (self.scan.pos, self.scan.depth) = (end, depth);
        map.end();
        Ok(())
    }

    /// Appends a value's JSON without blanks, as a tree of it would be written: numbers with a fraction as doubles.
    fn compact(&mut self, out: &mut String) -> Read {
        match self.scan.peek() {
            open @ (b'{' | b'[') => {
                let close = if open == b'{' { b'}' } else { b']' };
                self.scan.enter()?;
                out.push(char::from(open));
                let mut first = true;
                while self.scan.member(first, close)? {
                    if !first {
                        out.push(',');
                    }
                    first = false;
                    if open == b'{' {
                        let key = self.scan.key()?;
                        compact_string(key, out);
                        out.push(':');
                    }
                    self.compact(out)?;
                }
                out.push(char::from(close));
                Ok(())
            }
            b'"' => {
                compact_string(self.scan.string()?, out);
                Ok(())
            }
            b'-' | b'0'..=b'9' => {
                let number = self.scan.number()?;
                match text::parse_f64(number.raw.as_bytes()) {
                    Some(value) if number.float && value.is_finite() => {
                        let mut bytes = Vec::with_capacity(24);
                        text::push_f64(&mut bytes, value);
                        out.extend(bytes.iter().map(|b| char::from(*b)));
                    }
                    _ => out.push_str(number.raw),
                }
                Ok(())
            }
            _ => {
                let start = self.scan.pos;
                self.scan.skip()?;
                out.push_str(&self.scan.text[start..self.scan.pos]);
                Ok(())
            }
        }
    }

    /// The value at hand is of another kind than the column. If it is no JSON value at all, says that instead.
    #[cold]
    fn mismatch(&mut self, wanted: &str) -> Box<Failure> {
        let (start, depth) = (self.scan.pos, self.scan.depth);
        match self.scan.skip() {
            Err(failure) => failure,
            Ok(()) => {
                let found = scalar::shown(&self.scan.text[start..self.scan.pos]);
                self.scan.depth = depth;
                Failure::value(start, format!("{found} is not {wanted}"))
            }
        }
    }
}

/// A string without its escapes.
#[inline]
fn plain<'t>(token: StringToken<'t>, scratch: &'t mut String) -> &'t str {
    if !token.escaped {
        return token.raw;
    }
    scratch.clear();
    unescape(token.raw, scratch);
    scratch
}

fn compact_string(token: StringToken<'_>, out: &mut String) {
    let mut scratch = String::new();
    let mut bytes = Vec::with_capacity(token.raw.len() + 2);
    super::encode::push_string(plain(token, &mut scratch), false, &mut bytes);
    out.push_str(&String::from_utf8_lossy(&bytes));
}

fn has_duplicates(map: &Map) -> bool {
    let Column::String(keys) = &map.keys else { return false };
    let range = map.ended()..map.keys.len();
    if range.len() > 16 {
        let mut seen = std::collections::HashSet::with_capacity(range.len());
        return range.into_iter().any(|i| !seen.insert(keys.get(i)));
    }
    range.clone().any(|i| (range.start..i).any(|j| keys.get(i) == keys.get(j)))
}

fn name_of(column: &Column) -> &'static str {
    match column {
        Column::Boolean(_) => "BOOLEAN",
        Column::Float32(_) => "FLOAT",
        Column::Float64(_) => "DOUBLE",
        Column::Decimal(..) => "DECIMAL",
        Column::Binary(_) => "BYTES",
        Column::Date(_) => "DATE",
        Column::Time(..) => "TIME",
        Column::Timestamp(_, kind) if kind.utc => "TIMESTAMP_LTZ",
        Column::Timestamp(..) => "TIMESTAMP",
        _ => "its column",
    }
}
