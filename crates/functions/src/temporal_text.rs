//! Times from texts and numbers, and back: DATE_FORMAT, TO_TIMESTAMP, FROM_UNIXTIME and their kin.

use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use datafusion_common::{Result, ScalarValue, exec_datafusion_err, exec_err, plan_err};
use datafusion_expr::ReturnFieldArgs;
use flott_engine::text::{parse_date, parse_timestamp};

use super::clock::context;
use super::date_format::{Flavour, Format};
use super::def::{Arg, Call, Def, Nulls, Ret};
use super::time_unit::{MS_PER_DAY, days_of};
use super::types::{is_number, ltz, precision_unit};
use super::values::{Ints, POW10, Text, TimeKind, ms_to_unit};
use super::zone::Zone;

const DEFAULT_FORMAT: &str = "yyyy-MM-dd HH:mm:ss";
/// 0000-01-01 00:00:00 and 9999-12-31 23:59:59.999, in milliseconds since the epoch: what a timestamp may be.
const MIN_MS: i64 = -62_167_219_200_000;
const MAX_MS: i64 = 253_402_300_799_999;

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("date_format", &[Arg::TimeOrText, Arg::Text], Ret::Text, date_format).nullable().doc(
        "DATE_FORMAT(time, format)",
        "The time as text in a format of letters: yyyy MM dd HH mm ss SSS and others. A text must be of the form yyyy-MM-dd HH:mm:ss.",
        "DATE_FORMAT(TIMESTAMP '2024-01-02 03:04:05', 'HH:mm') = '03:04'",
    ),
    Def::new("to_timestamp", &[Arg::Text, Arg::Text], Ret::Timestamp, to_timestamp).optional(1).nullable().doc(
        "TO_TIMESTAMP(string [, format])",
        "The TIMESTAMP(3) that the text holds, by default of the form yyyy-MM-dd HH:mm:ss; NULL if it holds none.",
        "TO_TIMESTAMP('02.01.2024', 'dd.MM.yyyy') = TIMESTAMP '2024-01-02 00:00:00'",
    ),
    Def::new("to_timestamp_ltz", &[Arg::Any, Arg::Any, Arg::Text], Ret::By(ltz_type), to_timestamp_ltz).optional(2).nullable().doc(
        "TO_TIMESTAMP_LTZ(number [, precision]) or TO_TIMESTAMP_LTZ(string [, format [, zone]])",
        "The point in time that is so many seconds (precision 0), milliseconds (3, the default), microseconds (6) or \
             nanoseconds (9) after the epoch, or that a text holds in a zone, by default UTC.",
        "TO_TIMESTAMP_LTZ(1000, 3) = TO_TIMESTAMP_LTZ(1, 0)",
    ),
    Def::new("to_date", &[Arg::Text, Arg::Text], Ret::Date, to_date).optional(1).nullable().doc(
        "TO_DATE(string [, format])",
        "The DATE that the text holds, by default of the form yyyy-MM-dd; NULL if it holds none.",
        "TO_DATE('2024-01-02') = DATE '2024-01-02'",
    ),
    Def::new("from_unixtime", &[Arg::Int, Arg::Text], Ret::Text, from_unixtime).optional(1).nullable().doc(
        "FROM_UNIXTIME(seconds [, format])",
        "The seconds since 1970-01-01 00:00:00 UTC as text in the session time zone.",
        "FROM_UNIXTIME(0) = '1970-01-01 00:00:00'",
    ),
    Def::new("unix_timestamp", &[Arg::Text, Arg::Text], Ret::BigInt, unix_timestamp).optional(2).nulls(Nulls::Strict).volatile().doc(
        "UNIX_TIMESTAMP([string [, format]])",
        "The seconds since the epoch: now, or of the time that the text holds in the session time zone; the least BIGINT if \
             it holds none.",
        "UNIX_TIMESTAMP('1970-01-01 00:00:10') = 10",
    ),
    Def::new("convert_tz", &[Arg::Text, Arg::Text, Arg::Text], Ret::Text, convert_tz).nullable().doc(
        "CONVERT_TZ(string, from_zone, to_zone)",
        "The time in the text, of the form yyyy-MM-dd HH:mm:ss, moved from one time zone to another.",
        "CONVERT_TZ('1970-01-01 00:00:00', 'UTC', 'America/Los_Angeles') = '1969-12-31 16:00:00'",
    ),
];

/// The formats of a call: one compiled for all rows, or one per row.
struct Formats<'a> {
    constant: Option<Rc<Format>>,
    patterns: Text<'a>,
    flavour: Flavour,
}

impl<'a> Formats<'a> {
    fn of(call: &'a Call, index: usize, default: &'static str, flavour: Flavour) -> Result<Self> {
        let patterns = call.text_or(index, default)?;
        let constant = match &patterns {
            Text::Const(Some(pattern)) => Some(Format::get(pattern, flavour)?),
            _ => None,
        };
        Ok(Self { constant, patterns, flavour })
    }

    #[inline]
    fn get(&self, row: usize) -> Result<Option<Rc<Format>>> {
        match (&self.constant, self.patterns.get(row)) {
            (Some(constant), _) => Ok(Some(Rc::clone(constant))),
            (None, Some(pattern)) => Format::get(pattern, self.flavour).map(Some),
            (None, None) => Ok(None),
        }
    }
}

fn date_format(call: &Call) -> Result<ArrayRef> {
    if *call.arg_type(0) == DataType::Utf8 {
        return date_format_text(call);
    }
    let (times, formats) = (call.time(0)?, Formats::of(call, 1, DEFAULT_FORMAT, Flavour::Modern)?);
    let zone = if matches!(times.kind, TimeKind::Instant(_)) { context().time_zone } else { Zone::UTC };
    let coarse = !matches!(
        times.kind,
        TimeKind::Local(TimeUnit::Microsecond | TimeUnit::Nanosecond) | TimeKind::Instant(TimeUnit::Microsecond | TimeUnit::Nanosecond)
    );
    let write = |row: usize, format: &Format, out: &mut Vec<u8>| {
        let Some(ms) = times.get_ms(row) else { return false };
        let nanos = if coarse { 0 } else { times.get_nanos_of_ms(row) };
        format.write(zone.to_local_ms(ms), nanos, (zone, 0), out);
        true
    };
    if let Some(format) = &formats.constant {
        return call.texts(|row, out| Ok(write(row, format, out)));
    }
    call.texts(|row, out| Ok(formats.get(row)?.is_some_and(|format| write(row, &format, out))))
}

/// DATE_FORMAT of a text: read as `yyyy-MM-dd HH:mm:ss` and written again.
fn date_format_text(call: &Call) -> Result<ArrayRef> {
    let (text, formats) = (call.text(0)?, Formats::of(call, 1, DEFAULT_FORMAT, Flavour::Simple)?);
    let input = Format::get(DEFAULT_FORMAT, Flavour::Simple)?;
    call.texts(|row, out| {
        let (Some(text), Some(format)) = (text.get(row), formats.get(row)?) else { return Ok(false) };
        match input.read(text) {
            Some(parsed) => {
                format.write(parsed.local_ms, 0, (Zone::UTC, 0), out);
                Ok(true)
            }
            None => Ok(false),
        }
    })
}

/// The time that a text holds in a format, in milliseconds on the local clock. As in Flink, a text that is not of the
/// format may still be `yyyy-MM-dd [HH:mm:ss[.fraction]]`.
fn read_local(text: &str, format: &Format) -> Option<i64> {
    match format.read(text) {
        Some(parsed) => Some(parsed.local_ms),
        None => read_default(text.trim()),
    }
}

/// `yyyy-[M]M-[d]d[ h:m:s[.fraction]]`; days and hours that do not exist run on into the next month or day.
fn read_default(text: &str) -> Option<i64> {
    let number = |text: &str, longest: usize| {
        let digits = !text.is_empty() && text.len() <= longest && text.bytes().all(|b| b.is_ascii_digit());
        if digits { text.parse::<i64>().ok() } else { None }
    };
    let (date, time) = text.split_once(' ').map_or((text, None), |(date, time)| (date, Some(time.trim())));
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let year = number(year, 4).filter(|_| year.len() == 4 && parts.next().is_none())?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let midnight = days_of(year, month, day) * MS_PER_DAY;
    let Some(time) = time else { return Some(midnight) };
    let (clock, fraction) = time.split_once('.').map_or((time, None), |(clock, fraction)| (clock, Some(fraction)));
    let mut parts = clock.split(':').map(|part| number(part, 9));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let ms = match fraction {
        Some(fraction) => number(fraction, 9)? * 1000 / 10i64.pow(fraction.len() as u32),
        None => 0,
    };
    parts.next().is_none().then_some(midnight + (hour * 3600 + minute * 60 + second) * 1000 + ms)
}

fn to_timestamp(call: &Call) -> Result<ArrayRef> {
    let text = call.text(0)?;
    if !call.has(1) {
        return call.primitives::<TimestampMillisecondType>(|row| {
            let parsed = text.get(row).and_then(|text| parse_timestamp(text.as_bytes()));
            Ok(parsed.map(|(seconds, nanos)| seconds * 1000 + i64::from(nanos / 1_000_000)))
        });
    }
    let formats = Formats::of(call, 1, DEFAULT_FORMAT, Flavour::Modern)?;
    call.primitives::<TimestampMillisecondType>(|row| {
        let (Some(text), Some(format)) = (text.get(row), formats.get(row)?) else { return Ok(None) };
        Ok(read_local(text, &format))
    })
}

/// TIMESTAMP_LTZ(3), or finer if a constant precision asks for it.
fn ltz_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let first = args.arg_fields[0].data_type();
    if !is_number(first) {
        return match first {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Ok(ltz(TimeUnit::Millisecond)),
            _ => plan_err!("TO_TIMESTAMP_LTZ takes a number or a STRING first"),
        };
    }
    let precision = match args.scalar_arguments.get(1).copied().flatten() {
        Some(ScalarValue::Int32(Some(p))) => i64::from(*p),
        Some(ScalarValue::Int64(Some(p))) => *p,
        _ => 3,
    };
    if !(0..=9).contains(&precision) {
        return plan_err!("TO_TIMESTAMP_LTZ: the precision must be from 0 (seconds) to 9 (nanoseconds), not {precision}");
    }
    Ok(ltz(precision_unit(precision as u8)))
}

fn to_timestamp_ltz(call: &Call) -> Result<ArrayRef> {
    let DataType::Timestamp(unit, _) = call.returns.data_type() else {
        return exec_err!("TO_TIMESTAMP_LTZ returns a TIMESTAMP_LTZ");
    };
    let unit = *unit;
    if let Some(times) = instants_of_whole_numbers(call, unit)? {
        return Ok(times);
    }
    let row: Box<dyn Fn(usize) -> Result<Option<i64>> + '_> =
        if is_number(call.arg_type(0)) { instant_of_number(call, unit)? } else { instant_of_text(call)? };
    match unit {
        TimeUnit::Microsecond => call.primitives::<TimestampMicrosecondType>(row),
        TimeUnit::Nanosecond => call.primitives::<TimestampNanosecondType>(row),
        _ => call.primitives::<TimestampMillisecondType>(row),
    }
}

/// BIGINT numbers of seconds or milliseconds as times in milliseconds, all at once; `None` for others.
fn instants_of_whole_numbers(call: &Call, unit: TimeUnit) -> Result<Option<ArrayRef>> {
    if *call.arg_type(0) != DataType::Int64 || unit != TimeUnit::Millisecond {
        return Ok(None);
    }
    let (Ints::I64(numbers), Ints::Const(Some(precision @ 0..=3))) = (call.int(0)?, call.int_or(1, 3)?) else { return Ok(None) };
    let step = POW10[3 - precision as usize] as i64;
    let (least, most) = (MIN_MS.div_euclid(step), MAX_MS.div_euclid(step));
    let in_range = |number: &i64| (least..=most).contains(number);
    if numbers.values().iter().all(in_range) {
        let times = numbers.unary::<_, TimestampMillisecondType>(|number| number * step);
        return Ok(Some(Arc::new(times.with_data_type(call.returns.data_type().clone()))));
    }
    let times = numbers.unary_opt::<_, TimestampMillisecondType>(|number| Some(number).filter(in_range).map(|number| number * step));
    Ok(Some(Arc::new(times.with_data_type(call.returns.data_type().clone()))))
}

type Instants<'a> = Box<dyn Fn(usize) -> Result<Option<i64>> + 'a>;

/// Numbers at the given precision as a time in `unit`; NULL outside the years 0 to 9999.
fn instant_of_number<'a>(call: &'a Call, unit: TimeUnit) -> Result<Instants<'a>> {
    let precision = call.int_or(1, 3)?;
    let number = call.array(0)?;
    let value: Box<dyn Fn(usize) -> (i128, f64)> = match number.data_type() {
        DataType::Decimal128(_, scale) => {
            let (decimals, power) = (number.as_primitive::<Decimal128Type>().clone(), POW10[(*scale).max(0) as usize]);
            Box::new(move |row| (decimals.value(row) / power, 0.0))
        }
        DataType::Float32 | DataType::Float64 => {
            let doubles = super::values::to_doubles(&number)?;
            Box::new(move |row| (doubles.value(row).trunc() as i128, doubles.value(row).fract()))
        }
        _ => {
            let whole = super::values::to_decimals(&number)?;
            Box::new(move |row| (whole.value(row), 0.0))
        }
    };
    Ok(Box::new(move |row| {
        let Some(precision) = precision.get(row).filter(|_| number.is_valid(row)) else { return Ok(None) };
        if !(0..=9).contains(&precision) {
            return exec_err!("TO_TIMESTAMP_LTZ: the precision must be from 0 to 9, not {precision}");
        }
        let (whole, fraction) = value(row);
        let nanos_per_step = POW10[9 - precision as usize];
        let nanos = whole.saturating_mul(nanos_per_step).saturating_add((fraction * nanos_per_step as f64) as i128);
        let ms = nanos.div_euclid(1_000_000);
        if !(i128::from(MIN_MS)..=i128::from(MAX_MS)).contains(&ms) {
            return Ok(None);
        }
        Ok(Some(ms_to_unit(ms as i64, nanos.rem_euclid(1_000_000) as i64, unit)))
    }))
}

fn instant_of_text<'a>(call: &'a Call) -> Result<Instants<'a>> {
    let (text, zone) = (call.text(0)?, call.text_or(2, "UTC")?);
    let formats = if call.has(1) { Some(Formats::of(call, 1, DEFAULT_FORMAT, Flavour::Modern)?) } else { None };
    Ok(Box::new(move |row| {
        let (Some(text), Some(zone)) = (text.get(row), zone.get(row)) else { return Ok(None) };
        let zone = named_zone(zone)?;
        let local_ms = match &formats {
            Some(formats) => match formats.get(row)? {
                Some(format) => read_local(text, &format),
                None => None,
            },
            // Unlike TO_TIMESTAMP, a text that is no time fails here.
            None => match parse_timestamp(text.as_bytes()) {
                Some((seconds, nanos)) => Some(seconds * 1000 + i64::from(nanos / 1_000_000)),
                None => {
                    return exec_err!(
                        "TO_TIMESTAMP_LTZ: '{text}' is not a timestamp such as 2024-01-31 10:11:12.345. Use \
                         CAST(TO_TIMESTAMP(string) AS TIMESTAMP_LTZ(3)) to get NULL instead"
                    );
                }
            },
        };
        Ok(local_ms.map(|ms| zone.to_epoch_ms(ms)))
    }))
}

fn named_zone(name: &str) -> Result<Zone> {
    Zone::parse(name).ok_or_else(|| {
        exec_datafusion_err!("There is no time zone '{name}'; use a region such as Europe/Berlin or an offset such as GMT+02:00")
    })
}

fn to_date(call: &Call) -> Result<ArrayRef> {
    let text = call.text(0)?;
    if !call.has(1) {
        return call.primitives::<Date32Type>(|row| Ok(text.get(row).and_then(|text| parse_date(text.as_bytes()))));
    }
    let formats = Formats::of(call, 1, "yyyy-MM-dd", Flavour::Simple)?;
    call.primitives::<Date32Type>(|row| {
        let (Some(text), Some(format)) = (text.get(row), formats.get(row)?) else { return Ok(None) };
        let utc_ms = format.read(text).map(|parsed| parsed.local_ms - parsed.offset.unwrap_or(0) * 1000);
        Ok(utc_ms.map(|ms| ms.div_euclid(MS_PER_DAY) as i32))
    })
}

fn from_unixtime(call: &Call) -> Result<ArrayRef> {
    let (seconds, formats) = (call.int(0)?, Formats::of(call, 1, DEFAULT_FORMAT, Flavour::Simple)?);
    let zone = context().time_zone;
    call.texts(|row, out| {
        let (Some(seconds), Some(format)) = (seconds.get(row), formats.get(row)?) else { return Ok(false) };
        let Some(ms) = seconds.checked_mul(1000).filter(|ms| ms.abs() < 1 << 56) else { return Ok(false) };
        let offset = zone.offset_at(seconds);
        format.write(ms + offset * 1000, 0, (zone, offset), out);
        Ok(true)
    })
}

fn unix_timestamp(call: &Call) -> Result<ArrayRef> {
    if !call.has(0) {
        let now = context().now_ms.div_euclid(1000);
        return call.primitives::<Int64Type>(|_| Ok(Some(now)));
    }
    let (text, formats) = (call.text(0)?, Formats::of(call, 1, DEFAULT_FORMAT, Flavour::Simple)?);
    let zone = context().time_zone;
    call.primitives::<Int64Type>(|row| {
        let (Some(text), Some(format)) = (text.get(row), formats.get(row)?) else { return Ok(None) };
        Ok(Some(match format.read(text) {
            Some(parsed) => {
                let local = parsed.local_ms.div_euclid(1000);
                parsed.offset.map_or_else(|| zone.to_epoch_seconds_later(local), |offset| local - offset)
            }
            None => i64::MIN,
        }))
    })
}

fn convert_tz(call: &Call) -> Result<ArrayRef> {
    let (text, from, to) = (call.text(0)?, call.text(1)?, call.text(2)?);
    let format = Format::get(DEFAULT_FORMAT, Flavour::Simple)?;
    let constant = |index: usize| call.constant_text(index).map(named_zone).transpose();
    let (constant_from, constant_to) = (constant(1)?, constant(2)?);
    call.texts(|row, out| {
        let (Some(text), Some(from), Some(to)) = (text.get(row), from.get(row), to.get(row)) else { return Ok(false) };
        let from = constant_from.map_or_else(|| named_zone(from), Ok)?;
        let to = constant_to.map_or_else(|| named_zone(to), Ok)?;
        let Some(parsed) = format.read(text) else { return Ok(false) };
        let epoch_ms = from.to_epoch_seconds_later(parsed.local_ms.div_euclid(1000)) * 1000;
        format.write(to.to_local_ms(epoch_ms), 0, (to, 0), out);
        Ok(true)
    })
}
