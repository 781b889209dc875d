//! Numbers: integers, floating point in Java's form, decimals.

/// The powers of ten that fit an `i128`.
const POWERS: [i128; 39] = {
    let mut powers = [1i128; 39];
    let mut i = 1;
    while i < 39 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// Appends an integer.
#[inline]
pub fn push_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a `DOUBLE` as Java's `Double.toString`: `1.0`, `1.0E10`, `1.0E-5`, `NaN`, `Infinity`.
pub fn push_f64(out: &mut Vec<u8>, value: f64) {
    if !value.is_finite() {
        return push_not_finite(out, value.is_nan(), value < 0.0);
    }
    if value.abs() >= (1u64 << (f64::MANTISSA_DIGITS - 1)) as f64 && value.abs() < LONG_TEXT_END {
        return push_java_form(out, &whole_text(value, f64::MANTISSA_DIGITS));
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    if value != 0.0 && value.abs() < 1e-322 {
        // Java writes at least two digits, and so close to zero the second one is not 0.
        return push_java_form(out, &format!("{value:.1e}"));
    }
    push_java_form(out, text);
}

/// Appends a `FLOAT` as Java's `Float.toString`.
pub fn push_f32(out: &mut Vec<u8>, value: f32) {
    if !value.is_finite() {
        return push_not_finite(out, value.is_nan(), value < 0.0);
    }
    if value.abs() >= (1u32 << (f32::MANTISSA_DIGITS - 1)) as f32 && f64::from(value.abs()) < LONG_TEXT_END {
        return push_java_form(out, &whole_text(f64::from(value), f32::MANTISSA_DIGITS));
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    if value != 0.0 && value.abs() < 1e-43 {
        return push_java_form(out, &format!("{value:.1e}"));
    }
    push_java_form(out, text);
}

/// Up to here Java (17, which Flink runs on) writes whole numbers from their digits as an integer.
const LONG_TEXT_END: f64 = (1u64 << 63) as f64;

/// A whole number of a type with `bits` of precision. Java does not look for the shortest text that reads back here: it rounds away
/// the digits that a quarter of the distance between neighbours covers.
fn whole_text(value: f64, bits: u32) -> String {
    let whole = value.abs() as u64;
    let quarter = 1u64 << whole.ilog2().saturating_sub(bits + 1);
    let dropped = quarter.ilog10();
    let unit = 10u64.pow(dropped);
    let rounded = whole / unit + u64::from(dropped > 0 && whole % unit >= unit / 2);
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{rounded}e{dropped}")
}

fn push_not_finite(out: &mut Vec<u8>, nan: bool, negative: bool) {
    out.extend_from_slice(match (nan, negative) {
        (true, _) => b"NaN",
        (false, false) => b"Infinity",
        (false, true) => b"-Infinity",
    });
}

/// Rewrites digits with or without exponent (`1e16`, `0.0001`, `12.5`) in Java's form: plain from 0.001 up to 10,000,000, else one
/// digit, a fraction and `E`.
fn push_java_form(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let (negative, bytes) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if negative {
        out.push(b'-');
    }
    let (mantissa, exponent) = match bytes.iter().position(|b| *b == b'e') {
        Some(e) => (&bytes[..e], parse_i64(&bytes[e + 1..]).unwrap_or(0) as i32),
        None => (bytes, 0),
    };
    // Digits without the point, and where the point stands relative to the first digit that is not zero.
    let mut digits = [0u8; 40];
    let mut length = 0;
    let mut point = exponent;
    let mut seen_point = false;
    for &b in mantissa {
        if b == b'.' {
            seen_point = true;
        } else if length > 0 || b != b'0' {
            digits[length] = b;
            length += 1;
            point += i32::from(!seen_point);
        } else {
            point -= i32::from(seen_point);
        }
    }
    while length > 0 && digits[length - 1] == b'0' {
        length -= 1;
    }
    let digits = &digits[..length];
    if digits.is_empty() {
        return out.extend_from_slice(b"0.0");
    }
    push_digits(out, digits, point);
}

/// Writes 0.`digits` × 10^`point`.
fn push_digits(out: &mut Vec<u8>, digits: &[u8], point: i32) {
    if (-2..=0).contains(&point) {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', (-point) as usize));
        out.extend_from_slice(digits);
    } else if (1..=7).contains(&point) {
        let whole = point as usize;
        out.extend_from_slice(&digits[..whole.min(digits.len())]);
        out.extend(std::iter::repeat_n(b'0', whole.saturating_sub(digits.len())));
        out.push(b'.');
        out.extend_from_slice(digits.get(whole..).filter(|d| !d.is_empty()).unwrap_or(b"0"));
    } else {
        out.push(digits[0]);
        out.push(b'.');
        out.extend_from_slice(digits.get(1..).filter(|d| !d.is_empty()).unwrap_or(b"0"));
        out.push(b'E');
        push_i64(out, i64::from(point) - 1);
    }
}

/// Appends a `DECIMAL` without exponent: `12.50` for 1250 with scale 2.
pub fn push_decimal(out: &mut Vec<u8>, unscaled: i128, scale: i8) {
    if scale <= 0 {
        push_i128(out, unscaled);
        if unscaled != 0 {
            out.extend(std::iter::repeat_n(b'0', usize::from(scale.unsigned_abs())));
        }
        return;
    }
    let scale = usize::from(scale.unsigned_abs());
    if unscaled < 0 {
        out.push(b'-');
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(unscaled.unsigned_abs()).as_bytes();
    if digits.len() > scale {
        out.extend_from_slice(&digits[..digits.len() - scale]);
        out.push(b'.');
        out.extend_from_slice(&digits[digits.len() - scale..]);
    } else {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', scale - digits.len()));
        out.extend_from_slice(digits);
    }
}

/// Appends a `DECIMAL` as Java's `BigDecimal.toString`: as [`push_decimal`], but `1E-8` for numbers under a millionth.
pub fn push_decimal_java(out: &mut Vec<u8>, unscaled: i128, scale: i8) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(unscaled.unsigned_abs()).as_bytes();
    let exponent = digits.len() as i32 - 1 - i32::from(scale);
    if scale >= 0 && exponent >= -6 {
        return push_decimal(out, unscaled, scale);
    }
    if unscaled < 0 {
        out.push(b'-');
    }
    out.push(digits[0]);
    if digits.len() > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits[1..]);
    }
    out.push(b'E');
    if exponent > 0 {
        out.push(b'+');
    }
    push_i64(out, i64::from(exponent));
}

/// Appends a `DECIMAL` as Java's `BigDecimal.stripTrailingZeros().toString()`, the form of Flink's text formats: `12.5`, `1E+2`, `1E-8`.
pub fn push_decimal_stripped(out: &mut Vec<u8>, unscaled: i128, scale: i8) {
    let (mut unscaled, mut scale) = (unscaled, scale);
    if unscaled == 0 {
        scale = 0;
    }
    while unscaled != 0 && unscaled % 10 == 0 && scale > i8::MIN {
        unscaled /= 10;
        scale -= 1;
    }
    push_decimal_java(out, unscaled, scale);
}

fn push_i128(out: &mut Vec<u8>, value: i128) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Reads a whole number: an optional sign and digits, nothing else. `None` also when it does not fit.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() {
        return None;
    }
    if digits.len() <= 18 {
        let mut value = 0i64;
        for &b in digits {
            let digit = b.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value * 10 + i64::from(digit);
        }
        return Some(if negative { -value } else { value });
    }
    let mut value = 0i64;
    for &b in digits {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Counted downwards, since the smallest number has no positive twin.
        value = value.checked_mul(10)?.checked_sub(i64::from(digit))?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// Reads a `DOUBLE` as Java's `Double.parseDouble`: blanks around it, `NaN`, `Infinity` and a trailing `d` or `f` are fine.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    match java_float(text)? {
        JavaFloat::Text(text) => text.parse().ok(),
        JavaFloat::Special(value) => Some(value),
    }
}

/// Reads a `FLOAT` as Java's `Float.parseFloat`; see [`parse_f64`].
pub fn parse_f32(text: &[u8]) -> Option<f32> {
    match java_float(text)? {
        JavaFloat::Text(text) => text.parse().ok(),
        JavaFloat::Special(value) => Some(value as f32),
    }
}

enum JavaFloat<'a> {
    Text(&'a str),
    Special(f64),
}

fn java_float(text: &[u8]) -> Option<JavaFloat<'_>> {
    let text = text.trim_ascii();
    let plain = |b: &u8| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    if let Some((last, body)) = text.split_last() {
        let body = if matches!(last, b'f' | b'F' | b'd' | b'D') { body } else { text };
        if !body.is_empty() && body.iter().all(plain) {
            return std::str::from_utf8(body).ok().map(JavaFloat::Text);
        }
    }
    Some(JavaFloat::Special(match text {
        b"NaN" | b"+NaN" | b"-NaN" => f64::NAN,
        b"Infinity" | b"+Infinity" => f64::INFINITY,
        b"-Infinity" => f64::NEG_INFINITY,
        _ => return None,
    }))
}

/// The unscaled value of up to 18 digits without an exponent, of which no more than the scale stand behind the point; `None` for others.
#[inline]
fn short_decimal(text: &[u8], scale: i8) -> Option<i128> {
    if text.len() > 18 {
        return None;
    }
    let (mut value, mut point) = (0i64, None);
    for (at, byte) in text.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + i64::from(digit);
        } else if *byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            return None;
        }
    }
    if text.len() == usize::from(point.is_some()) {
        return None;
    }
    let fraction = point.map_or(0, |at| text.len() - 1 - at);
    let missing = usize::try_from(scale).ok()?.checked_sub(fraction)?;
    i128::from(value).checked_mul(*POWERS.get(missing)?)
}

/// Reads a `DECIMAL(precision, scale)`: digits with point and exponent, rounded half up to the scale. `None` when it is not a
/// number or has more digits than the precision allows.
pub fn parse_decimal(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if let Some(value) = short_decimal(text, scale) {
        return (value < *POWERS.get(usize::from(precision))?).then_some(if negative { -value } else { value });
    }
    let (mantissa, exponent) = match text.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(e) => (&text[..e], parse_i64(&text[e + 1..])?),
        None => (text, 0),
    };
    let point = mantissa.iter().position(|b| *b == b'.').unwrap_or(mantissa.len());
    let fraction = mantissa.get(point + 1..).unwrap_or(&[]);
    if point + fraction.len() == 0 || !mantissa[..point].iter().chain(fraction).all(u8::is_ascii_digit) {
        return None;
    }
    let mut digits = mantissa[..point].iter().chain(fraction);
    // How many digits, counted from the first, lie before the end of the scale.
    let mut keep = (point as i64).saturating_add(exponent).saturating_add(i64::from(scale));
    let mut value = 0i128;
    while keep > 0 {
        match digits.next() {
            Some(digit) => {
                if value > POWERS[37] {
                    return None;
                }
                value = value * 10 + i128::from(digit - b'0');
                keep -= 1;
            }
            None if value == 0 => break,
            None => {
                let power = POWERS.get(usize::try_from(keep).ok()?)?;
                value = value.checked_mul(*power)?;
                break;
            }
        }
    }
    if keep == 0 && digits.next().is_some_and(|d| *d >= b'5') {
        value += 1;
    }
    if value >= *POWERS.get(usize::from(precision))? {
        return None;
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn f64_text(v: f64) -> String {
        let mut out = vec![];
        push_f64(&mut out, v);
        String::from_utf8(out).unwrap()
    }

    fn f32_text(v: f32) -> String {
        let mut out = vec![];
        push_f32(&mut out, v);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn doubles_as_java_writes_them() {
        for (v, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (1e10, "1.0E10"),
            (1e-5, "1.0E-5"),
            (0.001, "0.001"),
            (0.00099, "9.9E-4"),
            (1e7, "1.0E7"),
            (9999999.0, "9999999.0"),
            (9999999.5, "9999999.5"),
            (123456.789, "123456.789"),
            (0.30000000000000004, "0.30000000000000004"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::from_bits(1), "4.9E-324"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (-120.5, "-120.5"),
            (100.0, "100.0"),
        ] {
            assert_eq!(f64_text(v), text);
        }
        assert_eq!(f32_text(1.1), "1.1");
        assert_eq!(f32_text(f32::from_bits(1)), "1.4E-45");
        assert_eq!(f32_text(3.4028235e38), "3.4028235E38");
    }

    #[test]
    fn great_whole_numbers_are_not_always_shortest() {
        for (v, text) in [
            (4_611_686_018_427_387_904.0, "4.6116860184273879E18"),
            (-72_057_594_037_927_936.0, "-7.2057594037927936E16"),
            (9_007_199_254_740_993.0, "9.007199254740992E15"),
            (9_223_372_036_854_775_808.0, "9.223372036854776E18"),
            (1e18, "1.0E18"),
        ] {
            assert_eq!(f64_text(v), text);
        }
        assert_eq!(f32_text(10_000_000_000.0), "1.0E10");
        assert_eq!(f32_text(10_000_033_000.0), "1.00000328E10");
        assert_eq!(f32_text(16_777_218.0), "1.6777218E7");
    }

    #[test]
    fn decimals() {
        let text = |u, s| {
            let mut out = vec![];
            push_decimal(&mut out, u, s);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(1250, 2), "12.50");
        assert_eq!(text(-5, 3), "-0.005");
        assert_eq!(text(7, 0), "7");
        let mut out = vec![];
        push_decimal_java(&mut out, 1, 8);
        out.push(b' ');
        push_decimal_java(&mut out, 0, 8);
        out.push(b' ');
        push_decimal_java(&mut out, -123, 10);
        assert_eq!(out, b"1E-8 0E-8 -1.23E-8");
        let mut out = vec![];
        for (unscaled, scale) in [(1250, 2), (10000, 2), (0, 2), (1, 8), (1, 0), (-1200, 0)] {
            push_decimal_stripped(&mut out, unscaled, scale);
            out.push(b' ');
        }
        assert_eq!(out, b"12.5 1E+2 0 1E-8 1 -1.2E+3 ");
        assert_eq!(parse_decimal(b"1.005", 4, 2), Some(101));
        assert_eq!(parse_decimal(b"-1.005", 4, 2), Some(-101));
        assert_eq!(parse_decimal(b"123.45", 4, 2), None);
        assert_eq!(parse_decimal(b"1e2", 5, 2), Some(10000));
        assert_eq!(parse_decimal(b"12345e-3", 5, 2), Some(1235));
        assert_eq!(parse_decimal(b"0.005", 3, 2), Some(1));
        assert_eq!(parse_decimal(b"0.0049", 3, 2), Some(0));
        assert_eq!(parse_decimal(b"6e-3", 3, 2), Some(1));
        assert_eq!(parse_decimal(b"0e999999999999", 3, 2), Some(0));
        assert_eq!(parse_decimal(b"1e999999999999", 3, 2), None);
        assert_eq!(parse_decimal(b"1e-999999999999", 3, 2), Some(0));
        assert_eq!(parse_decimal(b"00000000000000000000000000000000000000000000001", 38, 0), Some(1));
        assert_eq!(parse_decimal(b".5", 3, 1), Some(5));
        assert_eq!(parse_decimal(b"5.", 3, 1), Some(50));
        for bad in [&b""[..], b".", b"-", b"1.2.3", b"abc", b"1e", b" 1", b"e5"] {
            assert_eq!(parse_decimal(bad, 10, 2), None);
        }
        assert_eq!(parse_decimal("9".repeat(38).as_bytes(), 38, 0), Some(POWERS[38] - 1));
        assert_eq!(parse_decimal("9".repeat(39).as_bytes(), 38, 0), None);
    }

    #[test]
    fn floats_as_java_reads_them() {
        assert_eq!(parse_f64(b" 1e2 "), Some(100.0));
        assert_eq!(parse_f64(b"1.5d"), Some(1.5));
        assert_eq!(parse_f64(b"Infinity"), Some(f64::INFINITY));
        assert!(parse_f64(b"NaN").unwrap().is_nan());
        for bad in [&b""[..], b"inf", b"nan", b"1 2", b"abc", b"e", b"1e", b"f"] {
            assert_eq!(parse_f64(bad), None);
        }
    }

    proptest! {
        #[test]
        fn integers_round_trip(v: i64) {
            let mut out = vec![];
            push_i64(&mut out, v);
            prop_assert_eq!(parse_i64(&out), Some(v));
        }

        #[test]
        fn doubles_round_trip(bits: u64) {
            let v = f64::from_bits(bits);
            prop_assume!(v.is_finite());
            prop_assert_eq!(parse_f64(f64_text(v).as_bytes()).unwrap().to_bits(), bits);
        }

        #[test]
        fn floats_round_trip(bits: u32) {
            let v = f32::from_bits(bits);
            prop_assume!(v.is_finite());
            prop_assert_eq!(parse_f32(f32_text(v).as_bytes()).unwrap().to_bits(), bits);
        }

        #[test]
        fn decimals_round_trip(v in -POWERS[38] + 1..POWERS[38], scale in 0i8..38) {
            let mut out = vec![];
            push_decimal(&mut out, v, scale);
            prop_assert_eq!(parse_decimal(&out, 38, scale), Some(v));
        }

        #[test]
        fn no_input_panics(text in proptest::collection::vec(any::<u8>(), 0..50)) {
            let _ = (parse_i64(&text), parse_f64(&text), parse_f32(&text), parse_decimal(&text, 38, 10));
        }

        #[test]
        fn no_number_panics(text in "[+-]?[0-9]{0,45}\\.?[0-9]{0,45}(e[+-]?[0-9]{1,20})?", scale in 0i8..38) {
            let _ = (parse_i64(text.as_bytes()), parse_f64(text.as_bytes()), parse_decimal(text.as_bytes(), 38, scale));
        }
    }
}
