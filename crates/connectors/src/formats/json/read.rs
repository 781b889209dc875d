//! Reads JSON values into columns, guided by the schema.
//!
//! Records of one source mostly have the same keys in the same order. Each object therefore remembers, for every place, what
//! stood before the value there in the record before (`,"price":`), and compares that with one instruction or two. Where the
//! guess fails, the key is read the long way and becomes the next guess.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, Fields};
use flott_engine::{Error, text};

use super::scan::{Next, NumberToken, Scanner, StringToken, equal_under, leading_digits, unescape};
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
    text: [[u8; 16]; 2],
    mask: [[u8; 16]; 2],
    length: usize,
    field: u32,
}

impl Guess {
    fn new(text: &[u8], field: u32) -> Self {
        let mut guess = Guess { text: [[0; 16]; 2], mask: [[0; 16]; 2], length: text.len(), field };
        if text.len() > 32 {
            // Longer than can be compared: one that never matches.
            guess.text[0][0] = 1;
            return guess;
        }
        for (i, b) in text.iter().enumerate() {
            guess.text[i / 16][i % 16] = *b;
            guess.mask[i / 16][i % 16] = 0xff;
        }
        guess
    }

    #[inline(always)]
    fn matches(&self, bytes: &[u8], pos: usize) -> bool {
        let Some(chunk) = bytes.get(pos..).and_then(|rest| rest.first_chunk::<32>()) else { return false };
        let (Some(low), Some(high)) = (chunk.first_chunk::<16>(), chunk.last_chunk::<16>()) else { return false };
        equal_under(low, &self.text[0], &self.mask[0])
            && (self.length <= 16 || equal_under(high, &self.text[1], &self.mask[1]))
    }
}

impl Shape {
    /// The shape of a field's type. Fails for maps whose keys are no strings.
    pub fn new(field: &Field) -> flott_engine::Result<Self> {
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
    pub fn new(fields: &Fields) -> flott_engine::Result<Self> {
        Ok(RowShape {
            names: fields.iter().map(|f| f.name().clone()).collect(),
            by_name: fields.iter().enumerate().map(|(i, f)| (f.name().clone(), i as u32)).collect(),
            nullable: fields.iter().map(|f| f.is_nullable()).collect(),
            shapes: fields.iter().map(|f| Shape::new(f)).collect::<flott_engine::Result<_>>()?,
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

impl<'a> Reader<'a> {
    /// A reader of a text.
    pub fn new(text: &'a str, options: JsonOptions) -> Self {
        Self { scan: Scanner::new(text), options, scratch: String::new(), minute: [0; 16], minute_seconds: 0 }
    }

    /// Reads an object into columns that all have `rows` rows; afterwards they have one more. After a failure some of them may have
    /// one more, and the caller cuts them back. Returns where the text goes on, as all methods that read do.
    pub fn object(&mut self, pos: usize, shape: &mut RowShape, columns: &mut [Column], rows: usize) -> Next {
        if self.scan.peek(pos) != b'{' {
            return Err(self.mismatch(pos, "an object"));
        }
        let mut pos = self.scan.enter(pos)?;
        let depth = self.scan.depth;
        shape.seen.fill(0);
        let mut count = 0;
        let mut place = 0;
        loop {
            let field = match shape.guesses.get(place) {
                Some(guess) if guess.matches(self.scan.bytes, pos) => {
                    pos = self.scan.blanks(pos + guess.length);
                    guess.field
                }
                _ => {
                    let start = pos;
                    match self.scan.member(pos, place == 0, b'}')? {
                        (None, after) => {
                            pos = after;
                            break;
                        }
                        (Some(member), _) => pos = member,
                    }
                    let (key, value) = self.scan.key(pos)?;
                    let field = shape.field(self.plain(key));
                    shape.learn(place, &self.scan.bytes[start..value], field);
                    pos = value;
                    field
                }
            };
            place += 1;
            if field == SKIP {
                pos = self.skip_value(pos, shape, place - 1)?;
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
            pos = match self.value_or_null(pos, depth, &mut shape.shapes[i], &mut columns[i], shape.nullable[i], rows) {
                Ok(pos) => pos,
                Err(mut failure) => {
                    failure.path.push(shape.names[i].clone());
                    return Err(failure);
                }
            };
        }
        if count < columns.len() {
            self.fill_missing(pos, shape, columns)?;
        }
        Ok(pos)
    }

    /// Skips a value that no column needs, at a place of an object.
    #[inline]
    fn skip_value(&mut self, pos: usize, shape: &mut RowShape, place: usize) -> Next {
        if self.scan.peek(pos) == b'{'
            && let Some(inner) = shape.skipped_at(place)
        {
            return self.skip_object(pos, inner);
        }
        self.scan.skip(pos)
    }

    /// Skips an object, with the help of what it looked like the last time.
    fn skip_object(&mut self, pos: usize, shape: &mut RowShape) -> Next {
        let mut pos = self.scan.enter(pos)?;
        let mut place = 0;
        loop {
            match shape.guesses.get(place) {
                Some(guess) if guess.matches(self.scan.bytes, pos) => pos = self.scan.blanks(pos + guess.length),
                _ => {
                    let start = pos;
                    match self.scan.member(pos, place == 0, b'}')? {
                        (None, after) => return Ok(after),
                        (Some(member), _) => pos = self.scan.key(member)?.1,
                    }
                    shape.learn(place, &self.scan.bytes[start..pos], SKIP);
                }
            }
            pos = self.skip_value(pos, shape, place)?;
            place += 1;
        }
    }

    #[cold]
    fn missing(&self, pos: usize, shape: &RowShape, i: usize, reason: &str) -> Box<Failure> {
        let mut failure = Failure::value(pos, reason);
        failure.path.push(shape.names[i].clone());
        failure
    }

    fn fill_missing(&self, pos: usize, shape: &RowShape, columns: &mut [Column]) -> Result<(), Box<Failure>> {
        for (i, column) in columns.iter_mut().enumerate() {
            if shape.seen[i / 64] & 1 << (i % 64) != 0 {
                continue;
            }
            if self.options.fail_on_missing_field {
                return Err(self.missing(pos, shape, i, "the field is missing ('json.fail-on-missing-field' is set)"));
            }
            if !shape.nullable[i] {
                return Err(self.missing(pos, shape, i, "the field is missing, and the column is NOT NULL"));
            }
            column.push_null();
        }
        Ok(())
    }

    /// Reads a value; where bad values are to be ignored, one that does not convert becomes NULL. `depth`: how many objects and
    /// arrays are open around it.
    #[inline]
    fn value_or_null(
        &mut self,
        pos: usize,
        depth: usize,
        shape: &mut Shape,
        column: &mut Column,
        nullable: bool,
        rows: usize,
    ) -> Next {
        match self.value(pos, shape, column, nullable) {
            Err(failure) if self.options.ignore_parse_errors && nullable && failure.conversion => {
                column.truncate(rows);
                column.push_null();
                self.scan.depth = depth;
                self.scan.skip(pos)
            }
            result => result,
        }
    }

    /// Reads a value into a column.
    #[inline]
    fn value(&mut self, pos: usize, shape: &mut Shape, column: &mut Column, nullable: bool) -> Next {
        let first = self.scan.peek(pos);
        match (column, shape) {
            (column, _) if first == b'n' => {
                let after = self.scan.word(pos, "null")?;
                if !nullable {
                    return Err(Failure::value(pos, "null in a column that is NOT NULL"));
                }
                column.push_null();
                Ok(after)
            }
            (Column::String(c), _) if first == b'"' => {
                let token = self.scan.string(pos)?;
                if token.escaped {
                    unescape(self.scan.raw(token), &mut c.text);
                    c.end();
                } else {
                    c.push_part(self.scan.text, token.start, token.end);
                }
                Ok(token.end + 1)
            }
            (Column::Int64(c), _) => {
                let (value, after) = self.integer(pos, "BIGINT", true)?;
                c.push(value);
                Ok(after)
            }
            (Column::Timestamp(c, kind), _) if first == b'"' => {
                let token = self.scan.string(pos)?;
                let raw = &self.scan.bytes[token.start..token.end];
                let value = match self.recent_minute(raw, kind) {
                    Some(value) => value,
                    None => self.timestamp(pos, token, kind)?,
                };
                c.push(value);
                Ok(token.end + 1)
            }
            (Column::Row(c), Shape::Row(shape)) => {
                let rows = c.begin();
                let after = self.object(pos, shape, &mut c.columns, rows)?;
                c.end();
                Ok(after)
            }
            (Column::List(c), Shape::List(shape, nullable)) => self.list(pos, c, shape, *nullable),
            (Column::Map(c), Shape::Map(shape, nullable)) => self.map(pos, c, shape, *nullable),
            (Column::String(c), _) => self.text_of_value(pos, first, c),
            (column, _) => self.other_scalar(pos, column, first, nullable),
        }
    }

    #[inline(never)]
    fn timestamp(&mut self, pos: usize, token: StringToken, kind: &TimestampKind) -> Result<i64, Box<Failure>> {
        let standard = self.options.rules.standard;
        let value = scalar::timestamp(self.plain(token), kind, standard).map_err(|reason| Failure::value(pos, reason))?;
        self.remember_minute(&self.scan.bytes[token.start..token.end]);
        Ok(value)
    }

    /// The value of a timestamp whose minute is that of the timestamp before.
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
        if whole[11..13] != *b"24"
            && let Some((seconds, _)) = text::parse_timestamp_sql(&whole, false)
        {
            self.minute = *minute;
            self.minute_seconds = seconds;
        }
    }

    /// The text of a value that is no string, for a column of strings.
    fn text_of_value(&mut self, pos: usize, first: u8, column: &mut Strings) -> Next {
        if !matches!(first, b'{' | b'[') {
            let after = self.scan.skip(pos)?;
            column.push(&self.scan.text[pos..after]);
            return Ok(after);
        }
        match self.compact(pos, &mut column.text) {
            Ok(after) => {
                column.end();
                Ok(after)
            }
            Err(failure) => {
                column.abandon();
                Err(failure)
            }
        }
    }

    /// A whole number: a number, or a string that holds one. `float`: one with a fraction is cut, not refused.
    #[inline]
    fn integer(&mut self, pos: usize, type_name: &str, float: bool) -> Result<(i64, usize), Box<Failure>> {
        // The common case: up to 15 digits and then the end of the value.
        let negative = self.scan.peek(pos) == b'-';
        let digits = pos + usize::from(negative);
        let (length, value) = leading_digits(self.scan.bytes, digits);
        let after = digits + length;
        let ended = matches!(self.scan.peek(after), b',' | b'}' | b']');
        if (1..=15).contains(&length) && ended && (self.scan.bytes[digits] != b'0' || length == 1) {
            return Ok((if negative { -value } else { value }, after));
        }
        self.long_integer(pos, type_name, float)
    }

    #[inline(never)]
    fn long_integer(&mut self, pos: usize, type_name: &str, float: bool) -> Result<(i64, usize), Box<Failure>> {
        let number = match self.scan.peek(pos) {
            b'-' | b'0'..=b'9' => self.scan.number(pos)?,
            b'"' => {
                let token = self.scan.string(pos)?;
                let raw = self.plain(token).trim();
                let value = text::parse_i64(raw.as_bytes()).ok_or_else(|| {
                    Failure::value(pos, format!("{} is not a whole number ({type_name})", scalar::shown(raw)))
                })?;
                return Ok((value, token.end + 1));
            }
            _ => return Err(self.mismatch(pos, &format!("a whole number ({type_name})"))),
        };
        let value = match number {
            NumberToken { raw, float: false } => text::parse_i64(raw.as_bytes()),
            // Java cuts the fraction off and refuses what then does not fit.
            NumberToken { raw, .. } if float => {
                let value = text::parse_f64(raw.as_bytes()).unwrap_or(f64::NAN).trunc();
                (value >= -9_223_372_036_854_775_808.0 && value < 9_223_372_036_854_775_808.0).then_some(value as i64)
            }
            NumberToken { raw, .. } => {
                return Err(Failure::value(pos, format!("{} is not a whole number ({type_name})", scalar::shown(raw))));
            }
        };
        let value = value.ok_or_else(|| Failure::value(pos, scalar::out_of_range(number.raw, type_name)))?;
        Ok((value, pos + number.raw.len()))
    }

    fn ranged<T: TryFrom<i64>>(&mut self, pos: usize, type_name: &str, float: bool) -> Result<(T, usize), Box<Failure>> {
        let (value, after) = self.integer(pos, type_name, float)?;
        let value = T::try_from(value);
        let value = value.map_err(|_| Failure::value(pos, scalar::out_of_range(&self.scan.text[pos..after], type_name)))?;
        Ok((value, after))
    }

    fn other_scalar(&mut self, pos: usize, column: &mut Column, first: u8, nullable: bool) -> Next {
        let after = match column {
            Column::Int32(c) => {
                let (value, after) = self.ranged(pos, "INT", true)?;
                c.push(value);
                after
            }
            Column::Int16(c) => {
                let (value, after) = self.ranged(pos, "SMALLINT", false)?;
                c.push(value);
                after
            }
            Column::Int8(c) => {
                let (value, after) = self.ranged(pos, "TINYINT", false)?;
                c.push(value);
                after
            }
            Column::Interval(c, months) => {
                let (value, after) = self.integer(pos, "BIGINT", true)?;
                c.push(scalar::interval(value, *months).map_err(|reason| Failure::value(pos, reason))?);
                after
            }
            Column::Null(rows) => {
                *rows += 1;
                self.scan.skip(pos)?
            }
            column => return self.text_scalar(pos, column, first, nullable),
        };
        Ok(after)
    }

    /// A value that is read from its text.
    fn text_scalar(&mut self, pos: usize, column: &mut Column, first: u8, nullable: bool) -> Next {
        let rules = self.options.rules;
        let (text, after) = match first {
            b'"' => {
                let token = self.scan.string(pos)?;
                (self.plain(token), token.end + 1)
            }
            b'-' | b'0'..=b'9' => {
                let raw = self.scan.number(pos)?.raw;
                (raw, pos + raw.len())
            }
            b't' | b'f' if matches!(column, Column::Boolean(_)) => {
                let after = self.scan.skip(pos)?;
                (&self.scan.text[pos..after], after)
            }
            _ => return Err(self.mismatch(pos, &format!("a value of type {}", name_of(column)))),
        };
        if matches!(column, Column::Binary(_)) && first != b'"' {
            return Err(Failure::value(pos, format!("{} is not a string with base64", scalar::shown(text))));
        }
        let before = column.len();
        scalar::push_text(column, text, rules).map_err(|reason| Failure::value(pos, reason))?;
        if !nullable && matches!(column, Column::Decimal(..)) && column.is_null(before) {
            return Err(Failure::value(pos, format!("{} does not fit {}", scalar::shown(text), name_of(column))));
        }
        Ok(after)
    }

    fn list(&mut self, pos: usize, list: &mut List, shape: &mut Shape, nullable: bool) -> Next {
        if self.scan.peek(pos) != b'[' {
            return Err(self.mismatch(pos, "an array"));
        }
        let mut pos = self.scan.enter(pos)?;
        let depth = self.scan.depth;
        let mut first = true;
        loop {
            match self.scan.member(pos, first, b']')? {
                (None, after) => {
                    list.end();
                    return Ok(after);
                }
                (Some(member), _) => pos = member,
            }
            first = false;
            let rows = list.element.len();
            pos = self.value_or_null(pos, depth, shape, &mut list.element, nullable, rows)?;
        }
    }

    fn map(&mut self, pos: usize, map: &mut Map, shape: &mut Shape, nullable: bool) -> Next {
        if self.scan.peek(pos) != b'{' {
            return Err(self.mismatch(pos, "an object"));
        }
        let start = pos;
        let mut pos = self.scan.enter(pos)?;
        let depth = self.scan.depth;
        let mut first = true;
        loop {
            match self.scan.member(pos, first, b'}')? {
                (None, after) => {
                    pos = after;
                    break;
                }
                (Some(member), _) => pos = member,
            }
            first = false;
            let (key, value) = self.scan.key(pos)?;
            let Column::String(keys) = &mut map.keys else {
                return Err(Failure::structure(start, "the keys of a map are no strings"));
            };
            keys.push(self.plain(key));
            let rows = map.values.len();
            pos = match self.value_or_null(value, depth, shape, &mut map.values, nullable, rows) {
                Ok(pos) => pos,
                Err(mut failure) => {
                    failure.path.push(self.plain(key).to_owned());
                    return Err(failure);
                }
            };
        }
        if has_duplicates(map) {
            self.map_with_duplicates(start, map, shape, nullable)?;
        }
        map.end();
        Ok(pos)
    }

    /// Reads a map again whose keys repeat: of equal keys the last counts, at the place of the first.
    fn map_with_duplicates(
        &mut self,
        start: usize,
        map: &mut Map,
        shape: &mut Shape,
        nullable: bool,
    ) -> Result<(), Box<Failure>> {
        map.keys.truncate(map.ended());
        map.values.truncate(map.ended());
        let mut pos = self.scan.enter(start)?;
        let mut order: Vec<(String, usize)> = vec![];
        let mut by_key: HashMap<String, usize> = HashMap::new();
        while let (Some(member), _) = self.scan.member(pos, order.is_empty(), b'}')? {
            let (key, value) = self.scan.key(member)?;
            let key = self.plain(key).to_owned();
            let place = *by_key.entry(key.clone()).or_insert(order.len());
            if place == order.len() {
                order.push((key, value));
            } else {
                order[place].1 = value;
            }
            pos = self.scan.skip(value)?;
        }
        let depth = self.scan.depth;
        for (key, value) in order {
            let Column::String(keys) = &mut map.keys else { break };
            keys.push(&key);
            let rows = map.values.len();
            self.value_or_null(value, depth, shape, &mut map.values, nullable, rows)?;
        }
        Ok(())
    }

    /// Appends a value's JSON without blanks, as a tree of it would be written: numbers with a fraction as doubles.
    fn compact(&mut self, pos: usize, out: &mut String) -> Next {
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

    /// A string without its escapes.
    #[inline]
    fn plain(&mut self, token: StringToken) -> &str {
        let raw = self.scan.raw(token);
        if !token.escaped {
            return raw;
        }
        self.scratch.clear();
        unescape(raw, &mut self.scratch);
        &self.scratch
    }

    /// The value at hand is of another kind than the column. If it is no JSON value at all, says that instead.
    #[cold]
    fn mismatch(&mut self, pos: usize, wanted: &str) -> Box<Failure> {
        match self.scan.skip(pos) {
            Err(failure) => failure,
            Ok(after) => {
                Failure::value(pos, format!("{} is not {wanted}", scalar::shown(&self.scan.text[pos..after])))
            }
        }
    }
}

fn compact_string(text: &str, out: &mut String) {
    let mut bytes = Vec::with_capacity(text.len() + 2);
    super::encode::push_string(text, false, &mut bytes);
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
