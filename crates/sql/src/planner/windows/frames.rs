//! Frames of OVER in batch mode, where rows behind a row are known too.

use sqlparser::ast::{Expr, Value, WindowFrame, WindowFrameBound, WindowFrameUnits};

use super::whole_number;
use crate::dialect::{IntervalValue, interval_value};
use crate::error::{SqlError, SqlResult};
use crate::planner::window_functions::{AHEAD, RANKING};

/// ROWS or RANGE, as a frame has it. Refuses GROUPS, and frames for functions that have none.
pub fn word(frame: &WindowFrame, function: &str) -> SqlResult<&'static str> {
    let word = if frame.units == WindowFrameUnits::Rows { "ROWS" } else { "RANGE" };
    if frame.units == WindowFrameUnits::Groups {
        return Err(SqlError::new("Flink SQL has no frames in GROUPS").about("GROUPS").help("write ROWS or RANGE"));
    }
    if RANKING.contains(&function) || AHEAD.contains(&function) {
        return Err(SqlError::new(format!("{function} takes no frame: it goes by the order alone")).about(word));
    }
    Ok(word)
}

/// The frame, or the one that holds where none is written. A distance in RANGE stays RANGE where it is a number; `GROUPS` stands for
/// milliseconds, and for frames that end with equals. Without an order Flink takes all rows, whatever the frame says.
pub fn of_batch(frame: Option<&WindowFrame>, function: &str, ordered: bool) -> SqlResult<WindowFrame> {
    use WindowFrameUnits::{Groups, Range, Rows};
    let whole =
        WindowFrame { units: Range, start_bound: WindowFrameBound::Preceding(None), end_bound: Some(WindowFrameBound::Following(None)) };
    let word = frame.map_or(Ok("RANGE"), |frame| word(frame, function))?;
    if !ordered {
        return Ok(whole);
    }
    let Some(frame) = frame else { return Ok(WindowFrame { units: Groups, end_bound: Some(WindowFrameBound::CurrentRow), ..whole }) };
    let (start, start_units) = bound(&frame.start_bound, frame.units, word)?;
    let (end, end_units) = bound(frame.end_bound.as_ref().unwrap_or(&WindowFrameBound::CurrentRow), frame.units, word)?;
    use WindowFrameBound::{CurrentRow, Following, Preceding};
    let backwards = match (&start, &end) {
        (Following(None), _) | (_, Preceding(None)) | (CurrentRow, Preceding(_)) => true,
        (Following(_), end) => !matches!(end, Following(_)),
        _ => false,
    };
    if backwards {
        return Err(SqlError::new("a frame begins before it ends").about(word).help(format!("write {word} BETWEEN … PRECEDING AND …")));
    }
    let units = match (frame.units, start_units, end_units) {
        (Rows, ..) => Rows,
        (_, None, None) => Groups,
        (_, Some(one), None) | (_, None, Some(one)) => one,
        (_, one, other) if one == other => one.unwrap_or(Groups),
        _ => return Err(SqlError::new("both ends of a frame are numbers, or both are intervals").about(word)),
    };
    Ok(WindowFrame { units, start_bound: start, end_bound: Some(end) })
}

/// The bound with its distance as a plain number, and what the distance is one of: RANGE for numbers, GROUPS for milliseconds.
fn bound(bound: &WindowFrameBound, units: WindowFrameUnits, word: &str) -> SqlResult<(WindowFrameBound, Option<WindowFrameUnits>)> {
    use WindowFrameBound::{CurrentRow, Following, Preceding};
    let (distance, ahead) = match bound {
        CurrentRow | Preceding(None) | Following(None) => return Ok((bound.clone(), None)),
        Preceding(Some(distance)) => (distance, false),
        Following(Some(distance)) => (distance, true),
    };
    let (number, units) = match (units, interval_value(distance)) {
        (WindowFrameUnits::Rows, None) => match whole_number(distance) {
            Some(n) if n >= 0 => (n.to_string(), units),
            _ => return Err(SqlError::new("ROWS takes a whole number that is written out, 0 or more").about(word)),
        },
        (WindowFrameUnits::Rows, Some(_)) => {
            return Err(SqlError::new("ROWS takes a number of rows").about(word).help("RANGE takes an interval"));
        }
        (_, Some(IntervalValue::Milliseconds(ms))) if ms >= 0 => (ms.to_string(), WindowFrameUnits::Groups),
        (_, Some(IntervalValue::Months(_))) => {
            return Err(SqlError::new("months and years have no fixed length, so a frame cannot reach so far")
                .about(word)
                .help("write INTERVAL '30' DAY PRECEDING"));
        }
        _ => match distance.as_ref() {
            Expr::Value(value) if let Value::Number(digits, _) = &value.value => (digits.to_string(), WindowFrameUnits::Range),
            _ => {
                let error = SqlError::new("RANGE takes a number or an interval that is written out, 0 or more").about(word);
                return Err(error.help("write RANGE BETWEEN 10 PRECEDING AND CURRENT ROW, or ROWS for a number of rows"));
            }
        },
    };
    let number = Some(Box::new(Expr::Value(Value::Number(number, false).with_empty_span())));
    Ok((if ahead { Following(number) } else { Preceding(number) }, Some(units)))
}
