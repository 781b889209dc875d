//! Functions of times: their parts, rounding, differences, and the current time.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Int32Type, Int64Type, IntervalMonthDayNanoType, Time32MillisecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use datafusion_common::{Result, ScalarValue, exec_err, plan_err};
use datafusion_expr::ReturnFieldArgs;

use super::clock::context;
use super::def::{Arg, Call, Def, Nulls, Ret};
use super::interval;
use super::time_unit::{
    MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, MS_PER_SECOND, Unit, add_months_ms, civil, day_of_year, days_of, iso_day_of_week, iso_week,
    months_between_ms,
};
use super::types::{self, ltz};
use super::values::{Ints, TimeKind, Times, ms_to_unit};
use super::vector::{Column, combine};
use super::zone::Zone;

const TIME: &[Arg] = &[Arg::Time];

const fn part(name: &'static str, eval: super::def::Eval) -> Def {
    Def::new(name, TIME, Ret::BigInt, eval)
}

const fn now(name: &'static str, ret: Ret, eval: super::def::Eval) -> Def {
    Def::new(name, &[], ret, eval).nulls(Nulls::Never).volatile()
}

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("extract", &[Arg::Text, Arg::TimeOrInterval], Ret::By(extract_type), extract).doc(
        "EXTRACT(unit FROM time)",
        "A part of the time: YEAR, QUARTER, MONTH, WEEK, DAY, DOW (Sunday is 1), DOY, HOUR, MINUTE, SECOND, EPOCH and others; or of an interval.",
        "EXTRACT(DOW FROM DATE '2024-01-01') = 2",
    ),
    part("year", |c| extract_unit(c, Unit::Year)).doc("YEAR(time)", "The year.", "YEAR(DATE '2024-03-01') = 2024"),
    part("quarter", |c| extract_unit(c, Unit::Quarter)).doc("QUARTER(time)", "The quarter, from 1 to 4.", ""),
    part("month", |c| extract_unit(c, Unit::Month)).doc("MONTH(time)", "The month, from 1 to 12.", ""),
    part("week", |c| extract_unit(c, Unit::Week)).doc("WEEK(time)", "The ISO week, from 1 to 53.", ""),
    part("dayofyear", |c| extract_unit(c, Unit::DayOfYear)).doc("DAYOFYEAR(time)", "The day of the year, from 1.", ""),
    part("dayofmonth", |c| extract_unit(c, Unit::Day)).doc("DAYOFMONTH(time)", "The day of the month, from 1.", ""),
    part("dayofweek", |c| extract_unit(c, Unit::DayOfWeek)).doc(
        "DAYOFWEEK(time)",
        "The day of the week; Sunday is 1.",
        "DAYOFWEEK(DATE '2024-01-01') = 2",
    ),
    part("hour", |c| extract_unit(c, Unit::Hour)).doc("HOUR(time)", "The hour, from 0 to 23.", ""),
    part("minute", |c| extract_unit(c, Unit::Minute)).doc("MINUTE(time)", "The minute, from 0 to 59.", ""),
    part("second", |c| extract_unit(c, Unit::Second)).doc("SECOND(time)", "The second, from 0 to 59.", ""),
    Def::new("floor_to", &[Arg::Time, Arg::Text], Ret::By(rounded_type), |c| round_to(c, false)).doc(
        "FLOOR(time TO unit)",
        "The time rounded down to a whole unit. Weeks begin on Sunday.",
        "FLOOR(TIMESTAMP '2024-01-02 03:04:05' TO MINUTE) = TIMESTAMP '2024-01-02 03:04:00'",
    ),
    Def::new("ceil_to", &[Arg::Time, Arg::Text], Ret::By(rounded_type), |c| round_to(c, true)).doc(
        "CEIL(time TO unit)",
        "The time rounded up to a whole unit.",
        "CEIL(TIMESTAMP '2024-01-02 03:04:05' TO HOUR) = TIMESTAMP '2024-01-02 04:00:00'",
    ),
    Def::new("timestampadd", &[Arg::Text, Arg::Int, Arg::Time], Ret::By(added_type), timestampadd).doc(
        "TIMESTAMPADD(unit, count, time)",
        "The time so many units later.",
        "TIMESTAMPADD(DAY, 1, DATE '2024-01-31') = DATE '2024-02-01'",
    ),
    Def::new("timestampdiff", &[Arg::Text, Arg::Time, Arg::Time], Ret::By(difference_type), timestampdiff).doc(
        "TIMESTAMPDIFF(unit, start, end)",
        "The whole units from start to end; negative if end is earlier.",
        "TIMESTAMPDIFF(DAY, DATE '2024-01-31', DATE '2024-02-29') = 29",
    ),
    Def::new("overlaps", &[Arg::Time, Arg::Any, Arg::Time, Arg::Any], Ret::Bool, overlaps).doc(
        "(start1, end1) OVERLAPS (start2, end2)",
        "Whether the two spans have a time in common; an end may also be an INTERVAL.",
        "(TIME '2:55:00', INTERVAL '1' HOUR) OVERLAPS (TIME '3:30:00', INTERVAL '2' HOUR) = TRUE",
    ),
    now("now", Ret::Ltz, current_ms).doc("NOW()", "The processing time, as TIMESTAMP_LTZ(3).", ""),
    now("current_timestamp", Ret::Ltz, current_ms).doc("CURRENT_TIMESTAMP", "The processing time, as TIMESTAMP_LTZ(3).", ""),
    now("current_row_timestamp", Ret::Ltz, current_ms).doc("CURRENT_ROW_TIMESTAMP()", "The processing time, as TIMESTAMP_LTZ(3).", ""),
    now("proctime", Ret::Ltz, current_ms).doc(
        "PROCTIME()",
        "The processing time, as a time attribute that windows and temporal joins can use.",
        "",
    ),
    now("localtimestamp", Ret::Timestamp, |call| {
        let local = context().time_zone.to_local_ms(context().now_ms);
        call.primitives::<TimestampMillisecondType>(|_| Ok(Some(local)))
    })
    .doc("LOCALTIMESTAMP", "The processing time in the session time zone, as TIMESTAMP(3).", ""),
    now("current_date", Ret::Date, |call| {
        let local = context().time_zone.to_local_ms(context().now_ms);
        call.primitives::<Date32Type>(|_| Ok(Some(local.div_euclid(MS_PER_DAY) as i32)))
    })
    .doc("CURRENT_DATE", "The date in the session time zone.", ""),
    now("current_time", Ret::Time, time_of_day).doc("CURRENT_TIME", "The time of day in the session time zone.", ""),
    now("localtime", Ret::Time, time_of_day).doc("LOCALTIME", "The time of day in the session time zone.", ""),
    Def::new("current_watermark", TIME, Ret::By(watermark_type), current_watermark).nullable().volatile().doc(
        "CURRENT_WATERMARK(rowtime)",
        "The watermark here, or NULL before the first.",
        "",
    ),
];

fn current_ms(call: &Call) -> Result<ArrayRef> {
    let now_ms = context().now_ms;
    call.primitives::<TimestampMillisecondType>(|_| Ok(Some(now_ms)))
}

fn time_of_day(call: &Call) -> Result<ArrayRef> {
    let local = context().time_zone.to_local_ms(context().now_ms).rem_euclid(MS_PER_DAY);
    call.primitives::<Time32MillisecondType>(|_| Ok(Some((local - local % MS_PER_SECOND) as i32)))
}

fn watermark_type(args: &ReturnFieldArgs) -> Result<DataType> {
    Ok(match args.arg_fields[0].data_type() {
        DataType::Timestamp(_, Some(_)) => ltz(TimeUnit::Millisecond),
        _ => DataType::Timestamp(TimeUnit::Millisecond, None),
    })
}

fn current_watermark(call: &Call) -> Result<ArrayRef> {
    let watermark_ms = context().watermark_ms;
    call.primitives::<TimestampMillisecondType>(|_| Ok(watermark_ms))
}

/// The unit argument, which must be a constant.
fn unit_argument(call: &Call, index: usize) -> Result<Unit> {
    match call.constant_text(index) {
        Some(text) => Unit::parse(text),
        None => exec_err!("{}: the unit of time must be a keyword", call.returns.name()),
    }
}

fn constant_unit(args: &ReturnFieldArgs, index: usize) -> Result<Unit> {
    match args.scalar_arguments.get(index).copied().flatten() {
        Some(ScalarValue::Utf8(Some(text))) => Unit::parse(text),
        _ => plan_err!("The unit of time must be a keyword"),
    }
}

fn extract_type(args: &ReturnFieldArgs) -> Result<DataType> {
    if let Some(field) = args.arg_fields.get(1).filter(|field| matches!(field.data_type(), DataType::Interval(_))) {
        interval::check_part(constant_unit(args, 0)?, field, args.scalar_arguments[1])?;
    }
    Ok(DataType::Int64)
}

fn extract(call: &Call) -> Result<ArrayRef> {
    let unit = unit_argument(call, 0)?;
    if let DataType::Interval(_) = call.arg_type(1) {
        return interval::part(call, 1, unit);
    }
    extract_of(call, &call.time(1)?, unit)
}

fn extract_unit(call: &Call, unit: Unit) -> Result<ArrayRef> {
    extract_of(call, &call.time(0)?, unit)
}

fn extract_of(call: &Call, times: &Times, unit: Unit) -> Result<ArrayRef> {
    let calendar = unit.milliseconds().is_none_or(|ms| ms >= MS_PER_DAY);
    if times.kind == TimeKind::Time && calendar && !matches!(unit, Unit::Microsecond | Unit::Nanosecond) {
        return exec_err!("{unit:?} cannot be taken from a TIME");
    }
    let zone = context().time_zone;
    let local = |row: usize| -> Option<i64> {
        let ms = times.get_ms(row)?;
        Some(if matches!(times.kind, TimeKind::Instant(_)) { zone.to_local_ms(ms) } else { ms })
    };
    // Parts of the day need no calendar: one division and one remainder. As in Flink both go toward the epoch, so that
    // times before 1970 that are no whole day have negative parts.
    let within = |ms: i64, factor: i64, unit: i64| ms % factor / unit;
    match unit {
        Unit::Hour => call.primitives::<Int64Type>(|row| Ok(local(row).map(|ms| within(ms, MS_PER_DAY, 3_600_000)))),
        Unit::Minute => call.primitives::<Int64Type>(|row| Ok(local(row).map(|ms| within(ms, 3_600_000, 60_000)))),
        Unit::Second => call.primitives::<Int64Type>(|row| Ok(local(row).map(|ms| within(ms, 60_000, 1000)))),
        Unit::Millisecond => call.primitives::<Int64Type>(|row| Ok(local(row).map(|ms| ms % 1000))),
        Unit::Microsecond => {
            call.primitives::<Int64Type>(|row| Ok(local(row).map(|ms| ms % 1000 * 1000 + times.get_nanos_of_ms(row) / 1000)))
        }
        Unit::Nanosecond => call.primitives::<Int64Type>(|row| Ok(local(row).map(|ms| ms % 1000 * 1_000_000 + times.get_nanos_of_ms(row)))),
        // Seconds since 1970 on the clock of the session's zone, as in Flink.
        Unit::Epoch => call.primitives::<Int64Type>(|row| Ok(local(row).map(|ms| ms / 1000))),
        _ => call.primitives::<Int64Type>(|row| Ok(local(row).map(|ms| calendar_part(ms / MS_PER_DAY, unit)))),
    }
}

fn calendar_part(days: i64, unit: Unit) -> i64 {
    let (year, month, day) = civil(days);
    match unit {
        Unit::Year => year,
        Unit::Month => i64::from(month),
        Unit::Day => i64::from(day),
        Unit::Quarter => (i64::from(month) + 2) / 3,
        Unit::Decade => year.div_euclid(10),
        Unit::Century if year > 0 => (year + 99) / 100,
        Unit::Century => (year - 99) / 100,
        Unit::Millennium if year > 0 => (year + 999) / 1000,
        Unit::Millennium => (year - 999) / 1000,
        Unit::IsoYear => iso_week(days).0,
        Unit::Week => iso_week(days).1,
        Unit::DayOfYear => day_of_year(days),
        Unit::IsoDayOfWeek => iso_day_of_week(days),
        _ => iso_day_of_week(days) % 7 + 1,
    }
}

/// A time per row, in milliseconds and nanoseconds of the millisecond, in the type of the result.
fn times_out(call: &Call, mut row: impl FnMut(usize) -> Result<Option<(i64, i64)>>) -> Result<ArrayRef> {
    match call.returns.data_type() {
        DataType::Date32 => call.primitives::<Date32Type>(|i| Ok(row(i)?.map(|(ms, _)| ms.div_euclid(MS_PER_DAY) as i32))),
        // A TIME rounded up may be the end of the day, 24:00:00.
        DataType::Time32(_) => call.primitives::<Time32MillisecondType>(|i| {
            Ok(row(i)?.map(|(ms, _)| if ms == MS_PER_DAY { ms as i32 } else { ms.rem_euclid(MS_PER_DAY) as i32 }))
        }),
        DataType::Timestamp(unit, _) => {
            let mut value = |i: usize| Ok(row(i)?.map(|(ms, nanos)| ms_to_unit(ms, nanos, *unit)));
            match unit {
                TimeUnit::Second => call.primitives::<TimestampSecondType>(value),
                TimeUnit::Millisecond => call.primitives::<TimestampMillisecondType>(value),
                TimeUnit::Microsecond => call.primitives::<TimestampMicrosecondType>(value),
                TimeUnit::Nanosecond => call.primitives::<TimestampNanosecondType>(&mut value),
            }
        }
        other => exec_err!("{} is not a time", types::type_name(other)),
    }
}

/// The type of the time, if it can be rounded to the unit. Of units from a day on Flink makes nonsense for a TIME.
fn rounded_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let Some(time) = args.arg_fields.first() else { return plan_err!("FLOOR and CEIL take a time and a unit") };
    let unit = constant_unit(args, 1)?;
    if matches!(
        unit,
        Unit::DayOfWeek | Unit::IsoDayOfWeek | Unit::DayOfYear | Unit::Epoch | Unit::IsoYear | Unit::Microsecond | Unit::Nanosecond
    ) {
        return plan_err!("A time cannot be rounded to {unit:?}; use YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE or SECOND");
    }
    let below_day = unit.milliseconds().is_some_and(|ms| ms < MS_PER_DAY);
    if matches!(time.data_type(), DataType::Time32(_)) && !below_day {
        return plan_err!("A TIME has no {unit:?} to be rounded to; use HOUR, MINUTE or SECOND");
    }
    Ok(time.data_type().clone())
}

fn round_to(call: &Call, up: bool) -> Result<ArrayRef> {
    let (times, unit) = (call.time(0)?, unit_argument(call, 1)?);
    let date = times.kind == TimeKind::Date;
    let zone = context().time_zone;
    let instant = matches!(times.kind, TimeKind::Instant(_));
    if let Some(times) = times.column_ms(zone).filter(|_| !up)
        && let Some(whole) = whole_units(&times, unit)
    {
        return Ok(whole.finish::<TimestampMillisecondType>(call));
    }
    times_out(call, |row| {
        let Some(ms) = times.get_ms(row) else { return Ok(None) };
        if date {
            // Units below a day leave a date as it is; CEIL to DAY moves to the next, as in Flink.
            let days = ms / MS_PER_DAY;
            let rounded = match unit {
                Unit::Hour | Unit::Minute | Unit::Second | Unit::Millisecond => days,
                Unit::Day => days + i64::from(up),
                _ => round_days(days, unit, up),
            };
            return Ok(Some((rounded * MS_PER_DAY, 0)));
        }
        let offset = if instant { zone.offset_at(ms.div_euclid(1000)) * 1000 } else { 0 };
        let local = ms + offset;
        let rounded = match unit {
            Unit::Millisecond => local + i64::from(up && times.get_nanos_of_ms(row) > 0),
            Unit::Day | Unit::Hour | Unit::Minute | Unit::Second => {
                let size = unit.milliseconds().unwrap_or(1);
                let floor = local.div_euclid(size) * size;
                if up && floor < local { floor + size } else { floor }
            }
            // The day is found toward the epoch, as in Flink.
            _ => round_days(local / MS_PER_DAY, unit, up) * MS_PER_DAY,
        };
        Ok(Some((rounded - offset, 0)))
    })
}

/// Times rounded down to one of the units that are asked for most, each by a constant, which costs no division.
fn whole_units(times: &Column<i64>, unit: Unit) -> Option<Column<i64>> {
    Some(match unit {
        Unit::Day => times.map(|ms| ms.div_euclid(MS_PER_DAY) * MS_PER_DAY),
        Unit::Hour => times.map(|ms| ms.div_euclid(MS_PER_HOUR) * MS_PER_HOUR),
        Unit::Minute => times.map(|ms| ms.div_euclid(MS_PER_MINUTE) * MS_PER_MINUTE),
        Unit::Second => times.map(|ms| ms.div_euclid(MS_PER_SECOND) * MS_PER_SECOND),
        _ => return None,
    })
}

/// The units from one time to the other, in the same way.
fn units_between(start: &Column<i64>, end: &Column<i64>, unit: Unit) -> Option<Column<i32>> {
    Some(match unit {
        Unit::Day => combine(start, end, |start, end| (end.wrapping_sub(start) / MS_PER_DAY) as i32),
        Unit::Hour => combine(start, end, |start, end| (end.wrapping_sub(start) / MS_PER_HOUR) as i32),
        Unit::Minute => combine(start, end, |start, end| (end.wrapping_sub(start) / MS_PER_MINUTE) as i32),
        Unit::Second => combine(start, end, |start, end| (end.wrapping_sub(start) / MS_PER_SECOND) as i32),
        _ => return None,
    })
}

/// A day rounded to a unit of the calendar. Rounding up looks at the date alone, not at the time of day; and it takes
/// any day of a quarter but that of the first month's first of the year as begun. Both as in Flink.
fn round_days(days: i64, unit: Unit, up: bool) -> i64 {
    let (year, month, day) = civil(days);
    let (month, day) = (i64::from(month), i64::from(day));
    let not_first = month > 1 || day > 1;
    match unit {
        Unit::Year => days_of(year + i64::from(up && not_first), 1, 1),
        Unit::Quarter => {
            let quarter = (month + 2) / 3 + i64::from(up && not_first);
            days_of(year, quarter * 3 - 2, 1)
        }
        Unit::Month => days_of(year, month + i64::from(up && day > 1), 1),
        Unit::Week => {
            let since_sunday = iso_day_of_week(days) % 7;
            days - since_sunday + if up && since_sunday > 0 { 7 } else { 0 }
        }
        Unit::Decade => days_of(10 * (year / 10 + i64::from(up)), 1, 1),
        Unit::Century => days_of(100 * ((year + 99) / 100) + if up { 1 } else { -99 }, 1, 1),
        Unit::Millennium => days_of(1000 * ((year + 999) / 1000) + if up { 1 } else { -999 }, 1, 1),
        _ => days,
    }
}

/// The time's own type; a DATE with a unit below a day becomes a TIMESTAMP.
fn added_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let Some(time) = args.arg_fields.get(2) else { return plan_err!("TIMESTAMPADD takes 3 arguments") };
    let unit = constant_unit(args, 0)?;
    let below_day = unit.months().is_none() && unit.milliseconds().is_none_or(|ms| ms < MS_PER_DAY);
    Ok(match time.data_type() {
        DataType::Date32 if below_day && unit.milliseconds().is_some_and(|ms| ms >= MS_PER_SECOND) => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        DataType::Date32 if below_day => DataType::Timestamp(TimeUnit::Millisecond, None),
        DataType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond, zone) if unit == Unit::Microsecond => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
        }
        DataType::Timestamp(_, zone) if unit == Unit::Nanosecond => DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()),
        DataType::Timestamp(TimeUnit::Second, zone) if unit == Unit::Millisecond => {
            DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
        }
        other => other.clone(),
    })
}

/// Further a time is not moved without a look at it.
const SHIFT_MS_MAX: i64 = 1 << 60;

fn timestampadd(call: &Call) -> Result<ArrayRef> {
    let (unit, count, times) = (unit_argument(call, 0)?, call.int(1)?, call.time(2)?);
    let of_day = times.kind == TimeKind::Time;
    // The same count for all rows, unless it reaches beyond all times, which is told row by row.
    if let (Ints::Const(Some(count)), Some(size), Some(times)) = (&count, unit.milliseconds(), times.column_ms(Zone::UTC))
        && *call.returns.data_type() == *call.arg_type(2)
        && let Some(shift) = count.checked_mul(size).filter(|shift| shift.abs() < SHIFT_MS_MAX)
        && times.all(|ms| ms.abs() < SHIFT_MS_MAX)
    {
        return Ok(times.map(|ms| ms + shift).finish::<TimestampMillisecondType>(call));
    }
    times_out(call, |row| {
        let (Some(count), Some(ms)) = (count.get(row), times.get_ms(row)) else { return Ok(None) };
        let nanos = times.get_nanos_of_ms(row);
        let out = || exec_err!("TIMESTAMPADD: {count} × {unit:?} is beyond the range of times");
        if let Some(months) = unit.months() {
            return match count.checked_mul(months).filter(|m| m.abs() < 12 * 300_000_000) {
                Some(months) => Ok(Some((add_months_ms(ms, months), nanos))),
                None => out(),
            };
        }
        if let Some(size) = unit.milliseconds() {
            return match count.checked_mul(size).and_then(|shift| ms.checked_add(shift)) {
                // A TIME goes around the clock.
                Some(ms) if of_day => Ok(Some((ms.rem_euclid(MS_PER_DAY), nanos))),
                Some(ms) => Ok(Some((ms, nanos))),
                None => out(),
            };
        }
        let total = match unit {
            Unit::Microsecond => i128::from(count) * 1000,
            Unit::Nanosecond => i128::from(count),
            _ => return exec_err!("TIMESTAMPADD cannot add {unit:?}"),
        } + i128::from(nanos);
        Ok(Some((ms + total.div_euclid(1_000_000) as i64, total.rem_euclid(1_000_000) as i64)))
    })
}

fn difference_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let [_, start, end] = args.arg_fields else { return plan_err!("TIMESTAMPDIFF takes 3 arguments") };
    let unit = constant_unit(args, 0)?;
    if !matches!(unit, Unit::Year | Unit::Quarter | Unit::Month | Unit::Week | Unit::Microsecond)
        && unit.milliseconds().is_none_or(|ms| ms > MS_PER_DAY)
    {
        return plan_err!("TIMESTAMPDIFF cannot count {unit:?}; use YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE or SECOND");
    }
    let (start, end) = (start.data_type(), end.data_type());
    let is_time = |t: &DataType| matches!(t, DataType::Time32(_));
    let has_zone = |t: &DataType| matches!(t, DataType::Timestamp(_, Some(_)));
    if (is_time(start) || has_zone(start) || is_time(end) || has_zone(end)) && !start.is_null() && !end.is_null() {
        let same = (is_time(start) && is_time(end)) || (has_zone(start) && has_zone(end));
        if !same {
            return plan_err!(
                "TIMESTAMPDIFF from {} to {}: CAST one of them to the other's type",
                types::type_name(start),
                types::type_name(end)
            );
        }
    }
    Ok(DataType::Int32)
}

/// The result is an INT: more milliseconds or microseconds than fit into one wrap around, as in Flink.
fn timestampdiff(call: &Call) -> Result<ArrayRef> {
    let (unit, start, end) = (unit_argument(call, 0)?, call.time(1)?, call.time(2)?);
    // Of units below a second Flink counts those of whole seconds.
    let (size, factor) = match unit {
        Unit::Millisecond => (MS_PER_SECOND, 1000),
        Unit::Microsecond => (MS_PER_SECOND, 1_000_000),
        _ => (unit.milliseconds().unwrap_or(1), 1),
    };
    if let (Some(start), Some(end)) = (start.column_ms(Zone::UTC), end.column_ms(Zone::UTC))
        && let Some(units) = units_between(&start, &end, unit)
    {
        return Ok(units.finish::<Int32Type>(call));
    }
    call.primitives::<Int32Type>(|row| {
        let (Some(start), Some(end)) = (start.get_ms(row), end.get_ms(row)) else { return Ok(None) };
        Ok(Some(match unit.months() {
            Some(months) => (months_between_ms(end, start) / months) as i32,
            None => ((end - start) / size).wrapping_mul(factor) as i32,
        }))
    })
}

/// The end of a span: a time, or its start plus an interval.
fn end_of<'a>(call: &'a Call, index: usize) -> Result<Box<dyn Fn(usize, i64) -> Option<i64> + 'a>> {
    if let DataType::Interval(_) = call.arg_type(index) {
        let intervals = call.array(index)?;
        let Some(intervals) = intervals.as_primitive_opt::<IntervalMonthDayNanoType>().cloned() else {
            return exec_err!("OVERLAPS: unknown kind of interval");
        };
        return Ok(Box::new(move |row, start| {
            let interval = intervals.is_valid(row).then(|| intervals.value(row))?;
            let days_ms = i64::from(interval.days) * MS_PER_DAY + interval.nanoseconds / 1_000_000;
            Some(add_months_ms(start, i64::from(interval.months)) + days_ms)
        }));
    }
    let times = call.time(index)?;
    Ok(Box::new(move |row, _| times.get_ms(row)))
}

fn overlaps(call: &Call) -> Result<ArrayRef> {
    let (start1, start2) = (call.time(0)?, call.time(2)?);
    let (end1, end2) = (end_of(call, 1)?, end_of(call, 3)?);
    call.bools(|row| {
        let (Some(start1), Some(start2)) = (start1.get_ms(row), start2.get_ms(row)) else { return Ok(None) };
        let (Some(end1), Some(end2)) = (end1(row, start1), end2(row, start2)) else { return Ok(None) };
        Ok(Some(start1.max(end1) >= start2.min(end2) && start2.max(end2) >= start1.min(end1)))
    })
}
