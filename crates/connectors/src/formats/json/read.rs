//! Reads JSON values into columns, guided by the schema.
//!
//! Records of one source mostly have the same keys in the same order. Each object therefore remembers, for every place, what
//! stood before the value there in the record before (`,"price":`), and compares that with one instruction or two. Where the
//! guess fails, the key is read the long way and becomes the next guess.

use std::collections::HashMap;

use arrow::datatypes::TimeUnit;
use flott_engine::text;

use super::marks::Marks;
use super::scan::{Next, NumberToken, Scanner, StringToken, clock_digits, unescape};
use super::shape::{RowShape, SKIP, Seen, Shape, has_duplicates, name_of};
use super::{Failure, JsonOptions};
use crate::formats::builders::{List, Map, Strings};
use crate::formats::columns::{Column, TimestampKind};
use crate::formats::scalar;

/// Reads values of one text.
pub struct Reader<'a> {
    pub scan: Scanner<'a>,
    pub options: &'a JsonOptions,
    /// The first value of the record that became NULL since it does not convert.
    pub ignored: Option<Box<Failure>>,
    /// Where text without escapes is put that is no column's.
    scratch: String,
    /// The minute of the timestamp before, as written, and its seconds since 1970.
    minute: [u8; 16],
    minute_seconds: i64,
}

impl<'a> Reader<'a> {
    /// A reader of a text.
    pub fn new(text: &'a str, marks: &'a Marks, options: &'a JsonOptions) -> Self {
        Self { scan: Scanner::new(text, marks), options, ignored: None, scratch: String::new(), minute: [0; 16], minute_seconds: 0 }
    }

    /// Reads an object into columns that all have `rows` rows; afterwards they have one more. After a failure some of them may have
    /// one more, and the caller cuts them back. Returns where the text goes on, as all methods that read do.
    pub fn object(&mut self, pos: usize, shape: &mut RowShape, columns: &mut [Column], rows: usize) -> Next {
        if self.scan.peek(pos) != b'{' {
            return Err(self.mismatch(pos, "an object"));
        }
        let mut pos = self.scan.enter(pos)?;
        let depth = self.scan.depth;
        let mut seen = Seen::of(shape);
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
            // As in Flink, an object has been read when as many keys were found as there are columns, equal ones counted.
            if field == SKIP || seen.found == columns.len() {
                pos = self.skip_value(pos, shape, place - 1)?;
                continue;
            }
            let i = field as usize;
            if seen.again(i, shape) {
                // Of several equal keys the last counts.
                columns[i].truncate(rows);
            }
            pos = match self.value(pos, &mut shape.shapes[i], &mut columns[i], shape.nullable[i]) {
                Ok(pos) => pos,
                Err(mut failure) => {
                    failure.path.push(shape.names[i].clone());
                    self.null_instead(pos, failure, depth, &mut columns[i], shape.nullable[i], rows)?
                }
            };
        }
        if seen.fields < columns.len() {
            self.fill_missing(pos, shape, &seen, columns)?;
        }
        Ok(pos)
    }

    /// Skips a value that no column needs, at a place of an object.
    #[inline]
    fn skip_value(&mut self, pos: usize, shape: &mut RowShape, place: usize) -> Next {
        match self.scan.peek(pos) {
            b'"' => Ok(self.scan.string(pos)?.end + 1),
            b'{' if let Some(inner) = shape.skipped_at(place) => self.skip_object(pos, inner),
            _ => self.scan.skip(pos),
        }
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

    fn fill_missing(&self, pos: usize, shape: &RowShape, seen: &Seen, columns: &mut [Column]) -> Result<(), Box<Failure>> {
        for (i, column) in columns.iter_mut().enumerate() {
            if seen.has(i, shape) {
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

    /// Reads a part of a list or a map; see [`Reader::null_instead`].
    fn value_or_null(&mut self, pos: usize, depth: usize, shape: &mut Shape, column: &mut Column, nullable: bool, rows: usize) -> Next {
        match self.value(pos, shape, column, nullable) {
            Err(failure) => self.null_instead(pos, failure, depth, column, nullable, rows),
            result => result,
        }
    }

    /// Where bad values are to be ignored, one that does not convert becomes NULL, and that is remembered. `depth`: how many objects
    /// and arrays are open around it.
    #[cold]
    fn null_instead(&mut self, pos: usize, failure: Box<Failure>, depth: usize, column: &mut Column, nullable: bool, rows: usize) -> Next {
        if !self.options.ignore_parse_errors || !nullable || !failure.conversion {
            return Err(failure);
        }
        self.ignored.get_or_insert(failure);
        column.truncate(rows);
        column.push_null();
        self.scan.depth = depth;
        self.scan.skip(pos)
    }

    /// Reads a value into a column.
    #[inline(always)]
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
                    c.push(self.plain(token));
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
            (Column::Int32(c), _) => {
                let (value, after) = self.ranged(pos, "INT", true)?;
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

    /// The value of a timestamp whose minute is that of the timestamp before, written with three digits of a second or none.
    #[inline(always)]
    fn recent_minute(&self, raw: &[u8], kind: &TimestampKind) -> Option<i64> {
        if kind.utc || raw.first_chunk::<16>() != Some(&self.minute) {
            return None;
        }
        let rest: [u8; 8] = match *raw {
            [.., a, b, c, d, e, f, g] if raw.len() == 23 => [a, b, c, d, e, f, g, b'0'],
            [.., a, b, c] if raw.len() == 19 => [a, b, c, b'.', b'0', b'0', b'0', b'0'],
            _ => return None,
        };
        let [_, s10, s1, _, m100, m10, m1, _] = clock_digits(rest)?.map(i64::from);
        let (seconds, millis) = (self.minute_seconds + s10 * 10 + s1, m100 * 100 + m10 * 10 + m1);
        match kind.unit {
            TimeUnit::Second => Some(seconds),
            TimeUnit::Millisecond => Some(seconds * 1_000 + millis),
            TimeUnit::Microsecond => Some(seconds * 1_000_000 + millis * 1_000),
            TimeUnit::Nanosecond => (seconds * 1_000 + millis).checked_mul(1_000_000),
        }
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
        let mut compact = String::new();
        let after = self.compact(pos, &mut compact)?;
        column.push(&compact);
        Ok(after)
    }

    /// A whole number: a number, or a string that holds one. `float`: one with a fraction is cut, not refused.
    #[inline(always)]
    fn integer(&mut self, pos: usize, type_name: &str, float: bool) -> Result<(i64, usize), Box<Failure>> {
        match self.scan.short_integer(pos) {
            Some(found) => Ok(found),
            None => self.long_integer(pos, type_name, float),
        }
    }

    #[inline(never)]
    fn long_integer(&mut self, pos: usize, type_name: &str, float: bool) -> Result<(i64, usize), Box<Failure>> {
        let number = match self.scan.peek(pos) {
            b'-' | b'0'..=b'9' => self.scan.number(pos)?,
            b'"' => {
                let token = self.scan.string(pos)?;
                let raw = self.plain(token).trim();
                let value = text::parse_i64(raw.as_bytes())
                    .ok_or_else(|| Failure::value(pos, format!("{} is not a whole number ({type_name})", scalar::shown(raw))))?;
                return Ok((value, token.end + 1));
            }
            _ => return Err(self.mismatch(pos, &format!("a whole number ({type_name})"))),
        };
        let value = match number {
            NumberToken { raw, float: false } => text::parse_i64(raw.as_bytes()),
            // Java cuts the fraction off and refuses what then does not fit.
            NumberToken { raw, .. } if float => {
                let value = text::parse_f64(raw.as_bytes()).unwrap_or(f64::NAN).trunc();
                (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value).then_some(value as i64)
            }
            NumberToken { raw, .. } => {
                return Err(Failure::value(pos, format!("{} is not a whole number ({type_name})", scalar::shown(raw))));
            }
        };
        let value = value.ok_or_else(|| Failure::value(pos, scalar::out_of_range(number.raw, type_name)))?;
        Ok((value, pos + number.raw.len()))
    }

    #[inline(always)]
    fn ranged<T: TryFrom<i64>>(&mut self, pos: usize, type_name: &str, float: bool) -> Result<(T, usize), Box<Failure>> {
        let (value, after) = self.integer(pos, type_name, float)?;
        let value = T::try_from(value);
        let value = value.map_err(|_| Failure::value(pos, scalar::out_of_range(&self.scan.text[pos..after], type_name)))?;
        Ok((value, after))
    }

    fn other_scalar(&mut self, pos: usize, column: &mut Column, first: u8, nullable: bool) -> Next {
        let after = match column {
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
    fn map_with_duplicates(&mut self, start: usize, map: &mut Map, shape: &mut Shape, nullable: bool) -> Result<(), Box<Failure>> {
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

    /// A string without its escapes.
    #[inline]
    pub(super) fn plain(&mut self, token: StringToken) -> &str {
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
            Ok(after) => Failure::value(pos, format!("{} is not {wanted}", scalar::shown(&self.scan.text[pos..after]))),
        }
    }
}
