//! Differences of times: `(a - b) DAY TO SECOND`, `(a - b) MONTH`.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit};
use datafusion_common::{Result, plan_err};
use datafusion_expr::ReturnFieldArgs;

use super::def::{Arg, Call, Def, Length, Ret};
use super::time_unit::{MS_PER_DAY, months_between_ms};
use super::types::type_name;

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
        let ms = end - start;
        Ok(Some(IntervalMonthDayNano::new(0, (ms / MS_PER_DAY) as i32, ms % MS_PER_DAY * 1_000_000)))
    })
}
