//! PRINTF, as Java's `Formatter` does it. A format that does not fit its values gives NULL.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, FieldRef, Float32Type, Float64Type, Time32MillisecondType, TimeUnit};
use datafusion_common::Result;
use flott_engine::text::print_text;

use super::def::Call;
use super::string::{char_count, char_start};

/// Wider or more precise than this is no use, and would take memory.
const WIDTH_MAX: usize = 100_000;
const PRECISION_MAX: usize = 1_000;

pub(super) fn printf(call: &Call) -> Result<ArrayRef> {
    let format = call.text(0)?;
    let values: Vec<ArrayRef> = (1..call.args.len()).map(|i| call.array(i)).collect::<Result<_>>()?;
    let arguments: Vec<(&ArrayRef, &FieldRef)> = values.iter().zip(&call.fields[1..]).collect();
    call.texts(|row, out| match format.get(row) {
        Some(format) => Ok(push_row(format, &arguments, row, out).is_some()),
        None => Ok(false),
    })
}

/// Which argument a conversion takes.
#[derive(Clone, Copy, Default, PartialEq)]
enum Which {
    #[default]
    Next,
    /// `%<s`
    Same,
    /// `%2$s`, from 1.
    Nth(usize),
}

/// One conversion such as `%-8.3f`.
#[derive(Default)]
struct Conversion {
    which: Which,
    flags: Vec<char>,
    width: Option<usize>,
    precision: Option<usize>,
    kind: char,
}

impl Conversion {
    /// Reads what stands behind a `%`.
    fn read(chars: &mut std::iter::Peekable<std::str::Chars>) -> Option<Self> {
        let mut conversion = Self::default();
        if chars.next_if_eq(&'<').is_some() {
            conversion.which = Which::Same;
        }
        while let Some(flag) = chars.next_if(|c| "-#+ 0,(".contains(*c)) {
            if conversion.has(flag) {
                return None;
            }
            conversion.flags.push(flag);
        }
        conversion.width = number(chars, WIDTH_MAX);
        if chars.next_if_eq(&'$').is_some() {
            // It was no width but the number of an argument.
            let which = conversion.width.filter(|n| *n > 0 && conversion.flags.is_empty())?;
            return Some(Self { which: Which::Nth(which), ..Self::read(chars)? });
        }
        if chars.next_if_eq(&'.').is_some() {
            conversion.precision = Some(number(chars, PRECISION_MAX)?);
        }
        conversion.kind = chars.next()?;
        conversion.fits().then_some(conversion)
    }

    fn has(&self, flag: char) -> bool {
        self.flags.contains(&flag)
    }

    /// Whether flags, width and precision may stand together, and with this conversion.
    fn fits(&self) -> bool {
        let allowed = match self.kind {
            'd' => "-+ 0,(",
            'x' | 'X' | 'o' => "-#0",
            'f' => "-#+ 0,(",
            'e' | 'E' => "-#+ 0(",
            'g' | 'G' => "-+ 0,(",
            _ => "-",
        };
        let precise = !matches!(self.kind, 'd' | 'x' | 'X' | 'o' | 'c' | 'C' | '%' | 'n') || self.precision.is_none();
        let padded = self.width.is_some() || !(self.has('-') || self.has('0'));
        let clash = (self.has('-') && self.has('0')) || (self.has('+') && self.has(' '));
        precise && padded && !clash && self.flags.iter().all(|flag| allowed.contains(*flag))
    }
}

fn number(chars: &mut std::iter::Peekable<std::str::Chars>, most: usize) -> Option<usize> {
    let mut number = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        number = Some((number.unwrap_or(0) * 10 + digit as usize).min(most));
        chars.next();
    }
    number
}

fn push_row(format: &str, arguments: &[(&ArrayRef, &FieldRef)], row: usize, out: &mut Vec<u8>) -> Option<()> {
    let mut chars = format.chars().peekable();
    let (mut next, mut last) = (0, None);
    while let Some(c) = chars.next() {
        if c != '%' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let conversion = Conversion::read(&mut chars)?;
        let text = match conversion.kind {
            '%' => "%".to_string(),
            'n' => "\n".to_string(),
            _ => {
                let place = match conversion.which {
                    Which::Next => {
                        next += 1;
                        next - 1
                    }
                    Which::Same => last?,
                    Which::Nth(n) => n - 1,
                };
                last = Some(place);
                let (value, field) = arguments.get(place)?;
                convert(&conversion, value, field, row)?
            }
        };
        push_padded(out, &text, &conversion);
    }
    Some(())
}

fn convert(conversion: &Conversion, value: &ArrayRef, field: &FieldRef, row: usize) -> Option<String> {
    let null = value.is_null(row);
    let text = match conversion.kind.to_ascii_lowercase() {
        's' => cut(if null { "null".into() } else { java_text(value, field, row)? }, conversion),
        'b' => {
            let boolean = value.as_boolean_opt().is_none_or(|b| null || b.value(row));
            cut((!null && boolean).to_string(), conversion)
        }
        'd' | 'x' | 'o' | 'f' | 'e' | 'g' | 'c' if null => "null".into(),
        'd' => decorated(integer(value, row)?.to_string(), conversion),
        'x' | 'o' => in_base(value, integer(value, row)?, conversion),
        'c' => char::from_u32(u32::try_from(integer(value, row).filter(|_| *value.data_type() != DataType::Int64)?).ok()?)?.to_string(),
        kind @ ('f' | 'e' | 'g') => floating(value, row, kind, conversion)?,
        _ => return None,
    };
    let upper = conversion.kind.is_ascii_uppercase();
    (!upper || "SBXEGC".contains(conversion.kind)).then(|| if upper { text.to_uppercase() } else { text })
}

fn cut(mut text: String, conversion: &Conversion) -> String {
    if let Some(precision) = conversion.precision {
        text.truncate(char_start(&text, precision));
    }
    text
}

/// Java's `toString` of the object that Flink hands over: of a DATE its days, of a TIME its milliseconds.
fn java_text(value: &ArrayRef, field: &FieldRef, row: usize) -> Option<String> {
    Some(match value.data_type() {
        DataType::Date32 => value.as_primitive::<Date32Type>().value(row).to_string(),
        DataType::Time32(TimeUnit::Millisecond) => value.as_primitive::<Time32MillisecondType>().value(row).to_string(),
        _ => {
            let mut text = Vec::new();
            print_text(value.as_ref(), row, field, &mut text);
            let text = String::from_utf8(text).ok()?;
            if !matches!(value.data_type(), DataType::Timestamp(..)) {
                return Some(text);
            }
            // A whole minute is printed without its seconds.
            let text = text.trim_end_matches('Z');
            text.strip_suffix(":00")
                .filter(|minute| minute.ends_with(|c: char| c.is_ascii_digit()) && minute.matches(':').count() == 1)
                .unwrap_or(text)
                .to_string()
        }
    })
}

fn integer(value: &ArrayRef, row: usize) -> Option<i64> {
    use arrow::datatypes::{Int8Type, Int16Type, Int32Type, Int64Type};
    Some(match value.data_type() {
        DataType::Int8 => value.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => value.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => value.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => value.as_primitive::<Int64Type>().value(row),
        _ => return None,
    })
}

/// Without a sign: a negative number as its two's complement in the width of its type.
fn in_base(value: &ArrayRef, number: i64, conversion: &Conversion) -> String {
    let bits = 8 * value.data_type().primitive_width().unwrap_or(8) as u32;
    let size = number as u64 & (u64::MAX >> (64 - bits.clamp(1, 64)));
    let (prefix, digits) = if conversion.kind == 'o' { ("0", format!("{size:o}")) } else { ("0x", format!("{size:x}")) };
    format!("{}{digits}", if conversion.has('#') { prefix } else { "" })
}

fn floating(value: &ArrayRef, row: usize, kind: char, conversion: &Conversion) -> Option<String> {
    let (number, shortest) = match value.data_type() {
        DataType::Float32 => {
            let number = value.as_primitive::<Float32Type>().value(row);
            (f64::from(number), format!("{:e}", number.abs()))
        }
        DataType::Float64 => {
            let number = value.as_primitive::<Float64Type>().value(row);
            (number, format!("{:e}", number.abs()))
        }
        _ => return None,
    };
    if !number.is_finite() {
        let text = if number.is_nan() { "NaN" } else { "Infinity" };
        return Some(decorated(format!("{}{text}", if number < 0.0 { "-" } else { "" }), conversion));
    }
    let digits = Digits::read(&shortest)?;
    let precision = conversion.precision.unwrap_or(6);
    let text = match kind {
        'f' => digits.plain(precision),
        'e' => digits.scientific(precision),
        _ => {
            let precision = precision.max(1);
            let (_, point) = digits.rounded(precision as i64);
            let small = number == 0.0 || (-3..=precision as i64).contains(&point);
            if small { digits.plain((precision as i64 - point.max(-3)).max(0) as usize) } else { digits.scientific(precision - 1) }
        }
    };
    Some(decorated(format!("{}{text}", if number.is_sign_negative() { "-" } else { "" }), conversion))
}

/// The shortest digits of a number: `0.d1d2d3… · 10^point`. Java rounds these, half up.
struct Digits {
    digits: Vec<u8>,
    point: i64,
}

impl Digits {
    fn read(shortest: &str) -> Option<Self> {
        let (mantissa, exponent) = shortest.split_once('e')?;
        let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
        let zero = digits.iter().all(|d| *d == 0);
        Some(Self { digits, point: if zero { 1 } else { exponent.parse::<i64>().ok()? + 1 } })
    }

    /// The first `count` digits, the last one rounded, and where the point then is.
    fn rounded(&self, count: i64) -> (Vec<u8>, i64) {
        let Ok(count) = usize::try_from(count) else { return (vec![], self.point) };
        let mut kept: Vec<u8> = self.digits.iter().copied().chain(std::iter::repeat(0)).take(count).collect();
        if self.digits.get(count).is_none_or(|next| *next < 5) {
            return (kept, self.point);
        }
        for digit in kept.iter_mut().rev() {
            *digit = (*digit + 1) % 10;
            if *digit != 0 {
                return (kept, self.point);
            }
        }
        kept.insert(0, 1);
        (kept, self.point + 1)
    }

    fn plain(&self, places: usize) -> String {
        let (digits, point) = self.rounded(self.point + places as i64);
        let digit = |place: i64| usize::try_from(place).ok().and_then(|p| digits.get(p)).map_or('0', |d| char::from(b'0' + d));
        let whole: String = if point > 0 { (0..point).map(digit).collect() } else { "0".into() };
        let fraction: String = (point..point + places as i64).map(digit).collect();
        if places == 0 { whole } else { format!("{whole}.{fraction}") }
    }

    fn scientific(&self, places: usize) -> String {
        let (digits, point) = self.rounded(places as i64 + 1);
        let text: String = digits.iter().take(places + 1).map(|d| char::from(b'0' + d)).collect();
        let (first, rest) = text.split_at(1.min(text.len()));
        let exponent = point - 1;
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{first}{}{rest}e{sign}{:02}", if places == 0 { "" } else { "." }, exponent.abs())
    }
}

/// A number with its sign and its groups as the flags ask for them; zeros in front are put in here.
fn decorated(text: String, conversion: &Conversion) -> String {
    let (negative, size) = text.strip_prefix('-').map_or((false, text.as_str()), |size| (true, size));
    let mut size = size.to_string();
    if conversion.has(',') {
        let whole = size.find(['.', 'e']).unwrap_or(size.len());
        (1..whole).rev().filter(|at| (whole - at) % 3 == 0).for_each(|at| size.insert(at, ','));
    }
    let (before, after) = match (negative, conversion.has('(')) {
        (true, true) => ("(", ")"),
        (true, false) => ("-", ""),
        _ if conversion.has('+') => ("+", ""),
        _ if conversion.has(' ') => (" ", ""),
        _ => ("", ""),
    };
    let missing = conversion.width.unwrap_or(0).saturating_sub(before.len() + size.len() + after.len());
    let zeros = if conversion.has('0') && size.starts_with(|c: char| c.is_ascii_digit()) { missing } else { 0 };
    format!("{before}{}{size}{after}", "0".repeat(zeros))
}

fn push_padded(out: &mut Vec<u8>, text: &str, conversion: &Conversion) {
    let missing = conversion.width.unwrap_or(0).saturating_sub(text.encode_utf16().count().max(char_count(text)));
    let hexadecimal = matches!(conversion.kind, 'x' | 'X' | 'o') && conversion.has('0');
    if hexadecimal {
        let prefix = usize::from(text.starts_with("0x")) * 2;
        out.extend_from_slice(&text.as_bytes()[..prefix]);
        out.extend(std::iter::repeat_n(b'0', missing));
        return out.extend_from_slice(&text.as_bytes()[prefix..]);
    }
    if !conversion.has('-') {
        out.extend(std::iter::repeat_n(b' ', missing));
    }
    out.extend_from_slice(text.as_bytes());
    if conversion.has('-') {
        out.extend(std::iter::repeat_n(b' ', missing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_round_half_up_as_they_are_shown() {
        let shown = |number: f64, places| Digits::read(&format!("{number:e}")).map(|d| (d.plain(places), d.scientific(places)));
        for (number, places, plain, scientific) in [
            (0.15, 1, "0.2", "1.5e-01"),
            (0.125, 2, "0.13", "1.25e-01"),
            (9.995, 2, "10.00", "1.00e+01"),
            (0.0, 2, "0.00", "0.00e+00"),
            (1234.5, 0, "1235", "1e+03"),
            (0.0004, 2, "0.00", "4.00e-04"),
            (0.006, 2, "0.01", "6.00e-03"),
        ] {
            assert_eq!(shown(number, places), Some((plain.into(), scientific.into())), "{number}");
        }
    }
}
