//! Patterns such as `yyyy-MM-dd HH:mm:ss.SSS`, compiled once, and writing times with them.
//!
//! Flink uses two of Java's formatters, which differ in details: `DateTimeFormatter` for timestamps and `SimpleDateFormat`
//! for texts and Unix times. [`Flavour`] says which.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use datafusion_common::{Result, exec_err};

use super::time_unit::{MS_PER_DAY, civil, day_of_year, days_of, iso_day_of_week};
use super::zone::Zone;

/// Which of Java's formatters a pattern is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Flavour {
    /// `java.time.format.DateTimeFormatter`.
    Modern,
    /// `java.text.SimpleDateFormat`.
    Simple,
}

/// One element of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Literal(String),
    /// A letter and how often it stands there.
    Field(char, usize),
    /// `[…]`: optional when reading.
    Optional(Vec<Item>),
}

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Format {
    pub items: Vec<Item>,
    pub flavour: Flavour,
    /// The fast way for patterns of fixed width, which nearly all are.
    template: Option<RefCell<Template>>,
}

const MODERN_FIELDS: &str = "GyuYMLdDEecaHhKkmsSAnNQqwWF";
const SIMPLE_FIELDS: &str = "GyYMLdDEuaHhKkmsSwWFzZX";

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

type Cache = HashMap<(String, Flavour), Rc<Format>>;

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::new(HashMap::new());
}

impl Format {
    /// The compiled form of a pattern, kept for the next call on this thread.
    pub fn get(pattern: &str, flavour: Flavour) -> Result<Rc<Format>> {
        let key = (pattern.to_string(), flavour);
        if let Some(found) = CACHE.with_borrow(|cache| cache.get(&key).cloned()) {
            return Ok(found);
        }
        let format = Rc::new(Format::compile(pattern, flavour)?);
        CACHE.with_borrow_mut(|cache| {
            if cache.len() >= 256 {
                cache.clear();
            }
            cache.insert(key, Rc::clone(&format));
        });
        Ok(format)
    }

    fn compile(pattern: &str, flavour: Flavour) -> Result<Format> {
        let fields = if flavour == Flavour::Modern { MODERN_FIELDS } else { SIMPLE_FIELDS };
        let mut open: Vec<Vec<Item>> = vec![Vec::new()];
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            let item = match c {
                '\'' => Item::Literal(read_quoted(pattern, &mut chars)?),
                '[' if flavour == Flavour::Modern => {
                    open.push(Vec::new());
                    continue;
                }
                ']' if flavour == Flavour::Modern && open.len() > 1 => Item::Optional(open.pop().unwrap_or_default()),
                c if c.is_ascii_alphabetic() => {
                    if !fields.contains(c) {
                        return exec_err!(
                            "The date format '{pattern}' has the letter '{c}', which stands for nothing here; put text in \
                             single quotes, as in yyyy-MM-dd'T'HH:mm:ss"
                        );
                    }
                    let mut count = 1;
                    while chars.next_if_eq(&c).is_some() {
                        count += 1;
                    }
                    Item::Field(c, count)
                }
                c => Item::Literal(c.to_string()),
            };
            if let Some(items) = open.last_mut() {
                push_item(items, item);
            }
        }
        // A bracket that stays open reaches to the end.
        while open.len() > 1 {
            let optional = Item::Optional(open.pop().unwrap_or_default());
            if let Some(items) = open.last_mut() {
                items.push(optional);
            }
        }
        let items = open.pop().unwrap_or_default();
        let template = Template::of(&items, flavour).map(RefCell::new);
        Ok(Format { items, flavour, template })
    }

    /// Appends the time, given as milliseconds on the local clock and the nanoseconds within the millisecond. `zone` and
    /// the offset in seconds are for the letters that show a zone.
    pub fn write(&self, local_ms: i64, nanos_of_ms: i64, zone: (Zone, i64), out: &mut Vec<u8>) {
        if let Some(template) = &self.template
            && template.borrow_mut().write(local_ms, out)
        {
            return;
        }
        let days = local_ms.div_euclid(MS_PER_DAY);
        let date = civil(days);
        let time = Moment { days, date, ms_of_day: local_ms.rem_euclid(MS_PER_DAY), nanos_of_ms, zone };
        write_items(&self.items, self.flavour, &time, out);
    }
}

/// Adds an item; literals that follow each other become one.
fn push_item(items: &mut Vec<Item>, item: Item) {
    if let (Some(Item::Literal(before)), Item::Literal(text)) = (items.last_mut(), &item) {
        before.push_str(text);
    } else {
        items.push(item);
    }
}

fn read_quoted(pattern: &str, chars: &mut std::iter::Peekable<std::str::Chars>) -> Result<String> {
    if chars.next_if_eq(&'\'').is_some() {
        return Ok("'".into());
    }
    let mut text = String::new();
    loop {
        match chars.next() {
            Some('\'') if chars.next_if_eq(&'\'').is_some() => text.push('\''),
            Some('\'') => return Ok(text),
            Some(c) => text.push(c),
            None => return exec_err!("The date format '{pattern}' has a quote that does not end"),
        }
    }
}

struct Moment {
    days: i64,
    date: (i64, u32, u32),
    ms_of_day: i64,
    nanos_of_ms: i64,
    zone: (Zone, i64),
}

fn write_items(items: &[Item], flavour: Flavour, time: &Moment, out: &mut Vec<u8>) {
    for item in items {
        match item {
            Item::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Item::Optional(items) => write_items(items, flavour, time, out),
            Item::Field(letter, count) => write_field(*letter, *count, flavour, time, out),
        }
    }
}

/// A pattern whose texts all have the same length: the text written last, in which only what differs from row to row changes.
#[derive(Debug)]
struct Template {
    text: Vec<u8>,
    /// The times that have this text: `unit_ms` milliseconds from here on.
    from_ms: i64,
    /// What the finest field counts.
    unit_ms: i64,
    /// The day that is in the text.
    day: i64,
    /// Letters and places of the fields of the date, and of those of the time of day.
    date_fields: Vec<(char, usize)>,
    time_fields: Vec<(char, usize)>,
}

impl Template {
    fn of(items: &[Item], flavour: Flavour) -> Option<Template> {
        let mut template = Template {
            text: Vec::new(),
            from_ms: i64::MIN,
            unit_ms: MS_PER_DAY,
            day: i64::MIN,
            date_fields: Vec::new(),
            time_fields: Vec::new(),
        };
        for item in items {
            let at = template.text.len();
            match item {
                Item::Literal(text) => {
                    template.text.extend_from_slice(text.as_bytes());
                    continue;
                }
                Item::Field(letter @ 'y', 4) | Item::Field(letter @ ('M' | 'd'), 2) => template.date_fields.push((*letter, at)),
                Item::Field(letter @ ('H' | 'm' | 's'), 2) => template.time_fields.push((*letter, at)),
                Item::Field('S', 3) if flavour == Flavour::Modern => template.time_fields.push(('S', at)),
                _ => return None,
            }
            if let Item::Field(letter, count) = item {
                template.text.extend(std::iter::repeat_n(b'0', *count));
                template.unit_ms = template.unit_ms.min(match letter {
                    'H' => 3_600_000,
                    'm' => 60_000,
                    's' => 1000,
                    'S' => 1,
                    _ => MS_PER_DAY,
                });
            }
        }
        template.fill(0).then_some(template)
    }

    /// Appends the time; false, with nothing appended, if its year has not four digits.
    #[inline]
    fn write(&mut self, local_ms: i64, out: &mut Vec<u8>) -> bool {
        let same = (local_ms.wrapping_sub(self.from_ms) as u64) < self.unit_ms as u64;
        if !same && !self.fill(local_ms) {
            return false;
        }
        out.extend_from_slice(&self.text);
        true
    }

    /// Puts the time into the text; false if its year has not four digits.
    fn fill(&mut self, local_ms: i64) -> bool {
        let day = local_ms.div_euclid(MS_PER_DAY);
        if day != self.day {
            let (year, month, day_of_month) = civil(day);
            if !(0..10_000).contains(&year) {
                return false;
            }
            self.day = day;
            for (letter, at) in &self.date_fields {
                let field = &mut self.text[*at..];
                match letter {
                    'y' => {
                        put2(field, year as u32 / 100);
                        put2(&mut field[2..], year as u32 % 100);
                    }
                    'M' => put2(field, month),
                    _ => put2(field, day_of_month),
                }
            }
        }
        // A day is a whole number of units.
        self.from_ms = local_ms - local_ms.rem_euclid(self.unit_ms);
        let ms = local_ms.rem_euclid(MS_PER_DAY) as u32;
        for (letter, at) in &self.time_fields {
            let field = &mut self.text[*at..];
            match letter {
                'H' => put2(field, ms / 3_600_000),
                'm' => put2(field, ms / 60_000 % 60),
                's' => put2(field, ms / 1000 % 60),
                _ => {
                    field[0] = b'0' + (ms % 1000 / 100) as u8;
                    put2(&mut field[1..], ms % 100);
                }
            }
        }
        true
    }
}

/// Puts two digits at the start of `field`.
#[inline]
fn put2(field: &mut [u8], value: u32) {
    field[0] = b'0' + (value / 10) as u8;
    field[1] = b'0' + (value % 10) as u8;
}

#[inline]
fn push2(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&[b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]);
}

/// Appends a number with at least `width` digits.
fn push_number(out: &mut Vec<u8>, value: i64, width: usize) {
    if width == 2 && (0..100).contains(&value) {
        return push2(out, value as u32);
    }
    if value < 0 {
        out.push(b'-');
    }
    let text = value.unsigned_abs().to_string();
    out.extend(std::iter::repeat_n(b'0', width.saturating_sub(text.len())));
    out.extend_from_slice(text.as_bytes());
}

fn write_field(letter: char, count: usize, flavour: Flavour, time: &Moment, out: &mut Vec<u8>) {
    let (year, month, day) = time.date;
    let hour = time.ms_of_day / 3_600_000;
    match letter {
        'y' => write_year(year, count, flavour, out),
        'u' if flavour == Flavour::Modern => write_year(year, count, flavour, out),
        'u' => push_number(out, iso_day_of_week(time.days), count),
        'Y' => write_year(us_week(time.days).0, count, flavour, out),
        'M' | 'L' if count <= 2 => push_number(out, i64::from(month), count),
        'M' | 'L' => push_name(out, MONTHS[month as usize - 1], count, flavour),
        'd' => push_number(out, i64::from(day), count),
        'H' => push_number(out, hour, count),
        'm' => push_number(out, time.ms_of_day / 60_000 % 60, count),
        's' => push_number(out, time.ms_of_day / 1000 % 60, count),
        'S' if flavour == Flavour::Simple => push_number(out, time.ms_of_day % 1000, count),
        'S' => push_fraction(out, time.ms_of_day % 1000, time.nanos_of_ms, count),
        'k' => push_number(out, if hour == 0 { 24 } else { hour }, count),
        'K' => push_number(out, hour % 12, count),
        'h' => push_number(out, if hour % 12 == 0 { 12 } else { hour % 12 }, count),
        'a' => out.extend_from_slice(if hour < 12 { b"AM" } else { b"PM" }),
        'D' => push_number(out, day_of_year(time.days), count),
        'E' => push_name(out, WEEKDAYS[iso_day_of_week(time.days) as usize - 1], count.max(3), flavour),
        'e' | 'c' if count <= 2 => push_number(out, iso_day_of_week(time.days) % 7 + 1, count),
        'e' | 'c' => push_name(out, WEEKDAYS[iso_day_of_week(time.days) as usize - 1], count, flavour),
        'Q' | 'q' => write_quarter(month.div_ceil(3), count, out),
        'w' => push_number(out, us_week(time.days).1, count),
        'W' => push_number(out, us_week_of_month(time.days, i64::from(day)), count),
        'F' => push_number(out, (i64::from(day) - 1) % 7 + 1, count),
        'A' => push_number(out, time.ms_of_day, count),
        'n' => push_number(out, time.ms_of_day % 1000 * 1_000_000 + time.nanos_of_ms, count),
        'N' => push_number(out, time.ms_of_day * 1_000_000 + time.nanos_of_ms, count),
        'G' => out.extend_from_slice(if year > 0 { b"AD" } else { b"BC" }),
        'Z' => write_offset(time.zone.1, false, out),
        'X' if time.zone.1 == 0 => out.push(b'Z'),
        'X' if count == 1 => {
            out.push(if time.zone.1 < 0 { b'-' } else { b'+' });
            push2(out, (time.zone.1.abs() / 3600) as u32);
        }
        'X' => write_offset(time.zone.1, count == 3, out),
        'z' => out.extend_from_slice(time.zone.0.to_string().as_bytes()),
        _ => {}
    }
}

fn write_year(year: i64, count: usize, flavour: Flavour, out: &mut Vec<u8>) {
    if count == 2 {
        return push2(out, year.rem_euclid(100) as u32);
    }
    // The modern formatter shows a sign where the year is longer than its place.
    if flavour == Flavour::Modern && count >= 4 && year >= 10i64.pow(count.min(18) as u32) {
        out.push(b'+');
    }
    push_number(out, year, count);
}

/// A name: three letters, the whole with four, or the first letter with five.
fn push_name(out: &mut Vec<u8>, name: &str, count: usize, flavour: Flavour) {
    let text = match count {
        3 => &name[..3],
        5 if flavour == Flavour::Modern => &name[..1],
        _ => name,
    };
    out.extend_from_slice(text.as_bytes());
}

/// The first `count` digits of the fraction of the second.
fn push_fraction(out: &mut Vec<u8>, ms: i64, nanos_of_ms: i64, count: usize) {
    if count == 3 {
        out.push(b'0' + (ms / 100) as u8);
        return push2(out, (ms % 100) as u32);
    }
    let mut digits = [b'0'; 9];
    let mut rest = ms * 1_000_000 + nanos_of_ms;
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[..count.min(9)]);
}

fn write_quarter(quarter: u32, count: usize, out: &mut Vec<u8>) {
    match count {
        1 | 2 => push_number(out, i64::from(quarter), count),
        3 => {
            out.push(b'Q');
            push_number(out, i64::from(quarter), 1);
        }
        _ => {
            let name = ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"][quarter as usize - 1];
            out.extend_from_slice(name.as_bytes());
        }
    }
}

fn write_offset(seconds: i64, colon: bool, out: &mut Vec<u8>) {
    out.push(if seconds < 0 { b'-' } else { b'+' });
    push2(out, (seconds.abs() / 3600) as u32);
    if colon {
        out.push(b':');
    }
    push2(out, (seconds.abs() / 60 % 60) as u32);
}

/// The week-based year and week where weeks begin on Sunday and the week of January 1st is the first.
fn us_week(days: i64) -> (i64, i64) {
    let sunday = days - iso_day_of_week(days) % 7;
    let (year, _, _) = civil(sunday + 6);
    let new_year = days_of(year, 1, 1);
    let first_sunday = new_year - iso_day_of_week(new_year) % 7;
    (year, (sunday - first_sunday) / 7 + 1)
}

fn us_week_of_month(days: i64, day: i64) -> i64 {
    let first = days - day + 1;
    let first_sunday = first - iso_day_of_week(first) % 7;
    (days - first_sunday) / 7 + 1
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn format(pattern: &str, flavour: Flavour, local_ms: i64, nanos: i64) -> String {
        let mut out = Vec::new();
        Format::get(pattern, flavour).unwrap().write(local_ms, nanos, (Zone::UTC, 0), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn patterns() {
        // 2024-01-02 03:04:05.678, a Tuesday.
        let ms = days_of(2024, 1, 2) * MS_PER_DAY + 3 * 3_600_000 + 4 * 60_000 + 5678;
        let modern = |pattern| format(pattern, Flavour::Modern, ms, 912_345);
        assert_eq!(modern("yyyy-MM-dd HH:mm:ss.SSS"), "2024-01-02 03:04:05.678");
        assert_eq!(modern("yy/M/d'T'H:m:s.SSSSSS"), "24/1/2T3:4:5.678912");
        assert_eq!(modern("EEE, dd MMM yyyy hh a 'o''clock'"), "Tue, 02 Jan 2024 03 AM o'clock");
        assert_eq!(modern("EEEE MMMM QQQ D"), "Tuesday January Q1 2");
        assert_eq!(modern("uuuu[-MM]"), "2024-01");
        assert_eq!(format("SSSS u Z X", Flavour::Simple, ms, 0), "0678 2 +0000 Z");
        assert!(Format::get("yyyy-MM-dd T", Flavour::Modern).is_err());
        // The day before, the same day, and a year of five digits.
        assert_eq!(format("yyyyMMdd'T'HHmmss", Flavour::Modern, ms - MS_PER_DAY, 0), "20240101T030405");
        assert_eq!(format("yyyyMMdd'T'HHmmss", Flavour::Modern, ms - MS_PER_DAY + 60_000, 0), "20240101T030505");
        assert_eq!(format("yyyyMMdd'T'HHmmss", Flavour::Modern, days_of(12024, 1, 2) * MS_PER_DAY, 0), "+120240102T000000");
        assert_eq!(format("yyyy-MM-dd HH", Flavour::Simple, -1, 0), "1969-12-31 23");
    }
}
