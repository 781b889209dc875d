//! Numbers, sizes, times and rows as people read them.

use std::time::Duration;

use arrow::array::RecordBatch;
use flott_engine::text::{print_text, push_timestamp};
use flott_engine::time::{END_OF_TIME, NO_WATERMARK};

/// Longest sample of a row, in characters.
const SAMPLE_CHARS_MAX: usize = 200;

/// `1234567` as `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and what is counted: `1 row`, `2 rows`.
pub fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

/// Bytes in decimal units: `999 B`, `12.3 MB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Things per second over a time.
pub fn per_second(n: u64, time: Duration) -> u64 {
    (n as f64 / time.as_secs_f64().max(1e-3)) as u64
}

/// `12 ms`, `1.23 s`, `2 min 3 s`, `1 h 2 min`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{:.2} s", time.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A watermark as a timestamp in UTC.
pub fn watermark(ms: i64) -> String {
    match ms {
        NO_WATERMARK => "none yet".to_owned(),
        END_OF_TIME => "end of input".to_owned(),
        _ => {
            let mut text = vec![];
            push_timestamp(&mut text, ms.div_euclid(1000), ms.rem_euclid(1000) as u32 * 1_000_000, 3, b' ');
            String::from_utf8_lossy(&text).into_owned()
        }
    }
}

/// A node of the dataflow by the name of its table: `Source: bids` as `bids`.
pub fn table_name(node: &str) -> &str {
    node.strip_prefix("Source: ").or_else(|| node.strip_prefix("Sink: ")).unwrap_or(node)
}

/// The only row of a batch as `{a=1, b=null}`, cut where it gets long. Columns that the plan made have no name that means
/// anything to the user.
pub fn row(rows: &RecordBatch) -> String {
    let mut text = vec![b'{'];
    if rows.num_rows() > 0 {
        for (i, (column, field)) in rows.columns().iter().zip(rows.schema().fields()).enumerate() {
            if i > 0 {
                text.extend_from_slice(b", ");
            }
            if !field.name().starts_with('$') {
                text.extend_from_slice(field.name().as_bytes());
                text.push(b'=');
            }
            print_text(column.as_ref(), 0, field, &mut text);
        }
    }
    text.push(b'}');
    cut(&one_line(&String::from_utf8_lossy(&text)), SAMPLE_CHARS_MAX)
}

/// Text with its control characters written out, so that it stays on its line and cannot steer the terminal.
pub fn one_line(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    let mut line = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            c if c.is_control() => line.extend(c.escape_unicode()),
            c => line.push(c),
        }
    }
    line
}

/// At most so many characters; what is cut off leaves `…`.
pub fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(chars_max.saturating_sub(1)).collect();
            kept + "…"
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn numbers() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([1, 2].map(|n| counted(n, "row")), ["1 row", "2 rows"]);
        assert_eq!([999, 1000, 999_949, 999_950, 12_345_678].map(bytes), ["999 B", "1.0 kB", "999.9 kB", "1.0 MB", "12.3 MB"]);
        assert_eq!(bytes(u64::MAX), "18446744.1 TB");
        assert_eq!(
            [12, 1_234, 123_000, 3_720_000].map(|ms| duration(Duration::from_millis(ms))),
            ["12 ms", "1.23 s", "2 min 3 s", "1 h 2 min"]
        );
        assert_eq!(per_second(500, Duration::from_millis(250)), 2000);
    }

    #[test]
    fn watermarks() {
        assert_eq!(watermark(1_704_164_645_678), "2024-01-02 03:04:05.678");
        assert_eq!(watermark(-1), "1969-12-31 23:59:59.999");
        assert_eq!(watermark(i64::MIN), "none yet");
        assert_eq!(watermark(i64::MAX), "end of input");
    }

    #[test]
    fn rows_stay_on_their_line() {
        let batch = RecordBatch::try_from_iter([
            ("a", Arc::new(Int32Array::from(vec![None, Some(1)])) as _),
            ("$1", Arc::new(StringArray::from(vec!["x\ny\x1b[1m", "z"])) as _),
        ])
        .unwrap();
        assert_eq!(row(&batch), "{a=null, x\\ny\\u{1b}[1m}");
        assert_eq!(row(&batch.slice(1, 1)), "{a=1, z}");
        assert_eq!(cut("abcdef", 3), "ab…");
        assert_eq!(cut("abc", 3), "abc");
    }
}
