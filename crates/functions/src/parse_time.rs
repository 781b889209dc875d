//! Reading times with a pattern, as Java's two formatters do.

use super::date_format::{Flavour, Format, Item};
use super::time_unit::{MS_PER_DAY, days_of, iso_day_of_week, month_length};
use super::zone::Zone;

/// What a pattern found: the fields of a time, each if the pattern has it.
#[derive(Default, Clone)]
struct Fields {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: Option<i64>,
    /// The hour of half a day.
    half_hour: Option<i64>,
    afternoon: Option<bool>,
    minute: Option<i64>,
    second: Option<i64>,
    nanos: Option<i64>,
    /// Seconds east of UTC.
    offset: Option<i64>,
}

/// A time read from a text, on the local clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Parsed {
    pub local_ms: i64,
    pub nanos_of_ms: i64,
    /// Seconds east of UTC, if the text named a zone.
    pub offset: Option<i64>,
}

impl Format {
    /// Reads a text; `None` if it is not of this form.
    pub fn read(&self, text: &str) -> Option<Parsed> {
        let mut fields = Fields::default();
        let rest = read_items(&self.items, self.flavour, text, &mut fields)?;
        match self.flavour {
            // The modern formatter wants the whole text; the simple one stops where its pattern ends.
            Flavour::Modern if !rest.is_empty() => None,
            Flavour::Modern => fields.resolve_strictly(),
            Flavour::Simple => fields.resolve_leniently(),
        }
    }
}

fn is_number(item: Option<&Item>) -> bool {
    match item {
        Some(Item::Field(letter, count)) => {
            let as_text = matches!(letter, 'M' | 'L') && *count > 2;
            !as_text && !matches!(letter, 'a' | 'E' | 'G' | 'z' | 'Z' | 'X')
        }
        _ => false,
    }
}

fn read_items<'a>(items: &[Item], flavour: Flavour, mut text: &'a str, fields: &mut Fields) -> Option<&'a str> {
    for (i, item) in items.iter().enumerate() {
        text = match item {
            Item::Literal(literal) => text.strip_prefix(literal.as_str())?,
            Item::Optional(items) => {
                let mut attempt = fields.clone();
                match read_items(items, flavour, text, &mut attempt) {
                    Some(rest) => {
                        *fields = attempt;
                        rest
                    }
                    None => text,
                }
            }
            Item::Field(letter, count) => {
                let adjacent = is_number(items.get(i + 1));
                read_field(*letter, *count, adjacent, flavour, text, fields)?
            }
        };
    }
    Some(text)
}

/// Reads digits: at least `least`, at most `most`.
fn read_digits(text: &str, least: usize, most: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take(most.min(18)).take_while(u8::is_ascii_digit).count();
    if count < least || count == 0 {
        return None;
    }
    Some((text[..count].parse().ok()?, &text[count..]))
}

/// Reads a number as the formatter would: the simple one takes what digits there are unless another number follows.
fn read_number(text: &str, count: usize, adjacent: bool, flavour: Flavour) -> Option<(i64, &str)> {
    match flavour {
        Flavour::Simple => {
            let text = text.trim_start_matches([' ', '\t']);
            let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
            let (value, rest) = read_digits(digits, 1, if adjacent { count } else { 18 })?;
            Some((if negative { -value } else { value }, rest))
        }
        Flavour::Modern if count == 1 => read_digits(text, 1, if adjacent { 1 } else { 18 }),
        Flavour::Modern => read_digits(text, count, count),
    }
}

fn read_year(count: usize, adjacent: bool, flavour: Flavour, text: &str) -> Option<(i64, &str)> {
    if count == 2 {
        let (value, rest) = read_number(text, 2, true, flavour)?;
        let two_digits = text.len() - rest.len() == 2;
        return Some((if two_digits { 2000 + value } else { value }, rest));
    }
    match flavour {
        Flavour::Simple => read_number(text, count, adjacent, flavour),
        Flavour::Modern => {
            let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
            let most = if adjacent { count } else { 10 };
            let (value, rest) = read_digits(digits, count, most)?;
            Some((if negative { -value } else { value }, rest))
        }
    }
}

fn read_field<'a>(letter: char, count: usize, adjacent: bool, flavour: Flavour, text: &'a str, fields: &mut Fields) -> Option<&'a str> {
    let mut rest = text;
    let mut number = |least: usize| -> Option<i64> {
        let (value, after) = read_number(text, least, adjacent, flavour)?;
        rest = after;
        Some(value)
    };
    match letter {
        'y' | 'u' | 'Y' if !(letter == 'u' && flavour == Flavour::Simple) => {
            let (value, after) = read_year(count, adjacent, flavour, text)?;
            fields.year = Some(value);
            rest = after;
        }
        'M' | 'L' if count <= 2 => fields.month = Some(number(count)?),
        'M' | 'L' => {
            let (index, after) = read_name(text, &MONTHS, flavour)?;
            fields.month = Some(index as i64 + 1);
            rest = after;
        }
        'd' => fields.day = Some(number(count)?),
        'D' => fields.day_of_year = Some(number(count)?),
        'H' => fields.hour = Some(number(count)?),
        'k' => fields.hour = Some(number(count)? % 24),
        'K' => fields.half_hour = Some(number(count)?),
        'h' => fields.half_hour = Some(number(count)? % 12),
        'm' => fields.minute = Some(number(count)?),
        's' => fields.second = Some(number(count)?),
        'S' if flavour == Flavour::Simple => fields.nanos = Some(number(count)? * 1_000_000),
        'S' => {
            let (value, after) = read_digits(text, count, count)?;
            fields.nanos = Some(value * 10i64.pow(9 - count.min(9) as u32));
            rest = after;
        }
        'n' => fields.nanos = Some(number(count)?),
        'A' => {
            let ms = number(count)?;
            (fields.hour, fields.minute) = (Some(ms / 3_600_000), Some(ms / 60_000 % 60));
            (fields.second, fields.nanos) = (Some(ms / 1000 % 60), Some(ms % 1000 * 1_000_000));
        }
        'a' => {
            let half = text.get(..2)?.to_ascii_uppercase();
            fields.afternoon = Some(match half.as_str() {
                "AM" => false,
                "PM" => true,
                _ => return None,
            });
            rest = &text[2..];
        }
        'E' => rest = read_name(text, &WEEKDAYS, flavour)?.1,
        'G' => rest = text.strip_prefix("AD").or_else(|| text.strip_prefix("BC"))?,
        'z' | 'Z' | 'X' => {
            let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"+-:/_".contains(c)).unwrap_or(text.len());
            let zone = Zone::parse(&text[..end])?;
            fields.offset = Some(zone.offset_at(0));
            rest = &text[end..];
        }
        // Weeks, quarters and the like are read over: a date does not follow from them alone.
        _ => {
            number(count)?;
        }
    }
    Some(rest)
}

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Reads a name, whole or its first three letters.
fn read_name<'a>(text: &'a str, names: &[&str], flavour: Flavour) -> Option<(usize, &'a str)> {
    let starts = |name: &str| match flavour {
        Flavour::Modern => text.starts_with(name),
        Flavour::Simple => text.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)),
    };
    for (i, name) in names.iter().enumerate() {
        if starts(name) {
            return Some((i, &text[name.len()..]));
        }
    }
    let i = names.iter().position(|name| starts(&name[..3]))?;
    Some((i, &text[3..]))
}

impl Fields {
    fn hour_of_day(&self) -> i64 {
        self.hour.unwrap_or_else(|| match (self.half_hour, self.afternoon) {
            (Some(half), Some(afternoon)) => half + if afternoon { 12 } else { 0 },
            _ => 0,
        })
    }

    /// Each field within its range; a day that the month lacks becomes its last.
    fn resolve_strictly(&self) -> Option<Parsed> {
        let (hour, minute, second) = (self.hour_of_day(), self.minute.unwrap_or(0), self.second.unwrap_or(0));
        let fits = (0..24).contains(&hour)
            && self.half_hour.is_none_or(|h| (0..12).contains(&h))
            && (0..60).contains(&minute)
            && (0..60).contains(&second);
        if !fits {
            return None;
        }
        let year = self.year.unwrap_or(1970);
        let days = match (self.day_of_year, self.month) {
            (Some(day), None) if (1..=366).contains(&day) => days_of(year, 1, day),
            (Some(_), None) => return None,
            _ => {
                let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
                if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
                    return None;
                }
                days_of(year, month, day.min(i64::from(month_length(year, month as u32))))
            }
        };
        Some(self.assemble(days, hour, minute, second))
    }

    /// What is out of range runs on into the next field.
    fn resolve_leniently(&self) -> Option<Parsed> {
        let year = self.year.unwrap_or(1970);
        let days = match (self.day_of_year, self.month) {
            (Some(day), None) => days_of(year, 1, day),
            _ => days_of(year, self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        debug_assert!((1..=7).contains(&iso_day_of_week(days)));
        let hour = self.hour.unwrap_or_else(|| self.half_hour.unwrap_or(0) + if self.afternoon == Some(true) { 12 } else { 0 });
        Some(self.assemble(days, hour, self.minute.unwrap_or(0), self.second.unwrap_or(0)))
    }

    fn assemble(&self, days: i64, hour: i64, minute: i64, second: i64) -> Parsed {
        let nanos = self.nanos.unwrap_or(0);
        let seconds = hour * 3600 + minute * 60 + second;
        Parsed {
            local_ms: days * MS_PER_DAY + seconds * 1000 + nanos.div_euclid(1_000_000),
            nanos_of_ms: nanos.rem_euclid(1_000_000),
            offset: self.offset,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(pattern: &str, flavour: Flavour, text: &str) -> Option<(i64, Option<i64>)> {
        Format::get(pattern, flavour).unwrap().read(text).map(|p| (p.local_ms, p.offset))
    }

    #[test]
    fn modern_patterns_are_exact() {
        let day = days_of(2024, 1, 2) * MS_PER_DAY;
        let modern = |pattern, text| read(pattern, Flavour::Modern, text).map(|(ms, _)| ms);
        assert_eq!(modern("yyyy-MM-dd", "2024-01-02"), Some(day));
        assert_eq!(modern("yyyyMMddHHmmss", "20240102030405"), Some(day + 11_045_000));
        assert_eq!(modern("dd/MM/yyyy'T'HH:mm:ss.SSS", "02/01/2024T03:04:05.678"), Some(day + 11_045_678));
        assert_eq!(modern("MMM d, yy hh:mm a", "Jan 2, 24 12:30 PM"), Some(day + 45_000_000));
        assert_eq!(modern("yyyy-MM-dd[ HH:mm]", "2024-01-02"), Some(day));
        assert_eq!(modern("yyyy-MM-dd", "2024-1-2"), None);
        assert_eq!(modern("yyyy-MM-dd", "2024-01-02x"), None);
        assert_eq!(modern("yyyy-MM-dd", "2023-02-30"), Some(days_of(2023, 2, 28) * MS_PER_DAY));
    }

    #[test]
    fn simple_patterns_are_lenient() {
        let simple = |pattern, text| read(pattern, Flavour::Simple, text);
        assert_eq!(simple("yyyy-MM-dd HH:mm:ss", "1970-1-1 0:0:10 and more"), Some((10_000, None)));
        assert_eq!(simple("yyyy-MM-dd", "1969-13-01"), Some((0, None)));
        assert_eq!(simple("yyyy-MM-dd HH:mm:ss.SSS X", "1970-01-01 08:00:01.001 +0800"), Some((28_801_001, Some(28_800))));
        assert_eq!(simple("yyyy-MM-dd HH:mm:ss", "nonsense"), None);
    }
}
