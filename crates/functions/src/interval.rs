//! Intervals: differences of times, `(a - b) DAY TO SECOND`, `(a - b) MONTH`; their parts; and numbers as intervals.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{DataType, Field, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit};
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::ReturnFieldArgs;

use super::def::{Arg, Call, Def, Length, Ret};
use super::time_unit::{MS_PER_DAY, MS_PER_SECOND, Unit, months_between_ms};
use super::types::{flink_type, type_name};
use crate::data_type::FlinkType;

const TWO_TIMES: &[Arg] = &[Arg::Time, Arg::Time];

pub(super) const FUNCTIONS: &[Def] = &[
    // The forms of `(a - b) unit`, by the kind of interval that the unit makes.
    Def::new("$minus_months", TWO_TIMES, Ret::By(difference_type), months).length(Length::Months),
    Def::new("$minus_time", TWO_TIMES, Ret::By(difference_type), time),
];

fn difference_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let [left, right] = args.arg_fields else { return plan_err!("a difference has two operands") };
    let kind = |t: &DataType| match t {
        DataType::Timestamp(_, zone) => (1, zone.is_some()),
        DataType::Date32 => (2, false),
        _ => (3, false),
    };
    if kind(left.data_type()) != kind(right.data_type()) {
        let (left, right) = (type_name(left.data_type()), type_name(right.data_type()));
        return plan_err!("(a - b) of an interval takes two times of the same type, not {left} and {right}: CAST one of them");
    }
    Ok(DataType::Interval(IntervalUnit::MonthDayNano))
}

/// Whole months; the days that are left over do not count.
fn months(call: &Call) -> Result<ArrayRef> {
    let (end, start) = (call.time(0)?, call.time(1)?);
    call.primitives::<IntervalMonthDayNanoType>(|row| {
        let (Some(end), Some(start)) = (end.get_ms(row), start.get_ms(row)) else { return Ok(None) };
        Ok(Some(IntervalMonthDayNano::new(months_between_ms(end, start) as i32, 0, 0)))
    })
}

fn time(call: &Call) -> Result<ArrayRef> {
    let (end, start) = (call.time(0)?, call.time(1)?);
    call.primitives::<IntervalMonthDayNanoType>(|row| {
        let (Some(end), Some(start)) = (end.get_ms(row), start.get_ms(row)) else { return Ok(None) };
        Ok(Some(of_ms(end - start)))
    })
}

fn of_ms(ms: i64) -> IntervalMonthDayNano {
    IntervalMonthDayNano::new(0, (ms / MS_PER_DAY) as i32, ms % MS_PER_DAY * 1_000_000)
}

/// Refuses EXTRACT of a unit that this kind of interval does not have.
pub(super) fn check_part(unit: Unit, field: &Field, literal: Option<&ScalarValue>) -> Result<()> {
    let of_months = flink_type(field, literal) == FlinkType::IntervalMonth;
    let has = match unit {
        Unit::Year | Unit::Quarter | Unit::Month | Unit::Decade | Unit::Century | Unit::Millennium => of_months,
        Unit::Day | Unit::Hour | Unit::Minute | Unit::Second | Unit::Millisecond | Unit::Epoch => !of_months,
        _ => false,
    };
    if has {
        return Ok(());
    }
    let parts = if of_months { "YEAR, QUARTER and MONTH" } else { "DAY, HOUR, MINUTE, SECOND and MILLISECOND" };
    plan_err!("EXTRACT: an interval of {} has no {unit:?}; it has {parts}", if of_months { "months" } else { "days and times" })
}

/// A part of an interval: what is left of it below the next larger unit.
pub(super) fn part(call: &Call, index: usize, unit: Unit) -> Result<ArrayRef> {
    let array = call.array(index)?;
    let Some(intervals) = array.as_primitive_opt::<IntervalMonthDayNanoType>() else {
        return plan_err!("EXTRACT: unknown kind of interval");
    };
    let part = |interval: IntervalMonthDayNano| -> i64 {
        let months = i64::from(interval.months);
        let ms = i64::from(interval.days) * MS_PER_DAY + interval.nanoseconds / 1_000_000;
        match unit {
            Unit::Year => months / 12,
            Unit::Decade => months / 120,
            Unit::Century => months / 1200,
            Unit::Millennium => months / 12_000,
            Unit::Quarter => months % 12 / 3 + 1,
            Unit::Month => months % 12,
            Unit::Day => ms / MS_PER_DAY,
            Unit::Hour => ms % MS_PER_DAY / (3600 * MS_PER_SECOND),
            Unit::Minute => ms % (3600 * MS_PER_SECOND) / (60 * MS_PER_SECOND),
            Unit::Second => ms % (60 * MS_PER_SECOND) / MS_PER_SECOND,
            Unit::Epoch => ms / MS_PER_SECOND,
            _ => ms % MS_PER_SECOND,
        }
    };
    Ok(Arc::new(intervals.unary::<_, Int64Type>(part)))
}

/// CAST of whole numbers to intervals: so many months, or, whatever the unit is, so many milliseconds.
pub(super) fn of_numbers(numbers: &PrimitiveArray<Int64Type>, of_months: bool) -> ArrayRef {
    let interval = |n: i64| if of_months { IntervalMonthDayNano::new(n as i32, 0, 0) } else { of_ms(n) };
    Arc::new(numbers.unary::<_, IntervalMonthDayNanoType>(interval))
}
