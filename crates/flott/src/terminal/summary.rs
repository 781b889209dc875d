//! What is said about a job when it has ended.

use std::time::Duration;

use flott::{JobReport, Outcome};
use flott_engine::ErrorKind;
use flott_engine::operator::DropReason;
use flott_engine::progress::{OperatorProgress, Progress, SourceProgress};

use super::figures::{bytes, count, counted, cut, duration, one_line, per_second, row, table_name, watermark};
use super::style::Style;

/// Bad rows shown for a source.
const SAMPLES_MAX: usize = 3;
/// A shorter run says nothing about speed.
const RATE_TIME_MIN: Duration = Duration::from_millis(100);
/// Longest piece of a bad row's text, in characters.
const TEXT_CHARS_MAX: usize = 80;

/// The whole account of a job.
pub fn summary(report: &JobReport, style: Style) -> String {
    let progress = &report.progress;
    let mut text = format!("{}: {}\n", style.strong(&report.name), ending(report));
    for source in &progress.sources {
        text.push_str(&format!("  source {}\n", source_line(source, report)));
    }
    for sink in &progress.sinks {
        text.push_str(&format!("  sink   {}: {}\n", table_name(&sink.name), counted(sink.rows, "row")));
    }
    if let Some(line) = state_line(progress) {
        text.push_str(&format!("  state  {line}\n"));
    }
    text + &losses(report, style)
}

/// Rows that were dropped, with examples: never to be overlooked, so it is said also when nothing else is.
pub fn losses(report: &JobReport, style: Style) -> String {
    let bad = report.progress.sources.iter().filter(|s| s.bad_rows > 0).map(|s| bad_rows(s, style));
    let late = report.progress.operators.iter().filter(|o| o.late.count > 0).map(|o| dropped_rows(o, style));
    bad.chain(late).collect()
}

fn ending(report: &JobReport) -> String {
    let time = duration(report.elapsed);
    match (report.outcome, &report.checkpoints) {
        (Some(Outcome::Finished), _) => format!("finished in {time}"),
        (Some(Outcome::Stopped), Some(_)) => format!("stopped after {time}; the same command goes on from here"),
        (Some(Outcome::Stopped), None) => format!("stopped after {time}; what was read so far is written"),
        (Some(Outcome::Abandoned), _) => format!("abandoned after {time}"),
        (None, Some(_)) if report.failure == Some(ErrorKind::State) => {
            "not run: its checkpoints cannot be used, and were not touched".to_owned()
        }
        (None, Some(_)) if report.progress.checkpoints == 0 && report.progress.resumed.is_none() => {
            format!("failed after {time}, before the first checkpoint; the same command begins anew")
        }
        (None, Some(_)) => format!("failed after {time}; the same command goes on from the last checkpoint"),
        (None, None) => format!("failed after {time}"),
    }
}

fn source_line(source: &SourceProgress, report: &JobReport) -> String {
    let mut line = format!("{}: {}", table_name(&source.name), counted(source.rows, "row"));
    if source.bytes > 0 {
        line.push_str(&format!(", {}", bytes(source.bytes)));
    }
    if report.elapsed >= RATE_TIME_MIN {
        line.push_str(&format!(", {} rows/s", count(per_second(source.rows, report.elapsed))));
    }
    if source.splits > 1 {
        line.push_str(&format!(", {} splits", source.splits));
    }
    if let Some(ms) = source.watermark {
        line.push_str(&format!(", watermark {}", watermark(ms)));
        let held = source.held_by.as_ref().filter(|_| report.outcome != Some(Outcome::Finished) && source.splits > 1);
        if let Some(split) = held {
            line.push_str(&format!(" held by {split}"));
        }
    }
    line
}

fn state_line(progress: &Progress) -> Option<String> {
    let mut parts = vec![];
    if progress.state_rows > 0 {
        parts.push(format!("{}, {}", counted(progress.state_rows as u64, "row"), bytes(progress.state_bytes as u64)));
    }
    if progress.checkpoints > 0 {
        let stop =
            if progress.longest_stop_ms < 0.1 { String::new() } else { format!(" (stops of up to {:.1} ms)", progress.longest_stop_ms) };
        parts.push(format!("{}{stop}", counted(progress.checkpoints, "checkpoint")));
    }
    if let Some(epoch) = progress.resumed.as_ref().map(|r| r.epoch) {
        parts.push(format!("resumed from checkpoint {epoch}"));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn bad_rows(source: &SourceProgress, style: Style) -> String {
    let what = format!("{} in {}", counted(source.bad_rows, "bad row"), table_name(&source.name));
    let mut text = format!("  {}\n", style.warning(&format!("warning: {what}")));
    for bad in source.bad_samples.iter().take(SAMPLES_MAX) {
        text.push_str(&format!("    {}: {}\n", one_line(&bad.place), one_line(&bad.reason)));
        if !bad.text.is_empty() {
            text.push_str(&format!("      {}\n", style.faint(&cut(&one_line(&bad.text), TEXT_CHARS_MAX))));
        }
    }
    text
}

fn dropped_rows(operator: &OperatorProgress, style: Style) -> String {
    let what = match operator.late.reason {
        DropReason::Late => format!("{} dropped by {}", counted(operator.late.count, "late row"), operator.name),
        DropReason::Null => format!("{} dropped: NULL for a column that is NOT NULL", counted(operator.late.count, "row")),
    };
    let mut text = format!("  {}\n", style.warning(&format!("warning: {what}")));
    if let Some(sample) = operator.late.samples.first() {
        text.push_str(&format!("    for example {}\n", row(&sample.row)));
        if operator.late.reason == DropReason::Late {
            text.push_str(&format!("      it came when the watermark stood at {}\n", watermark(sample.watermark)));
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, RecordBatch};
    use flott::Location;
    use flott_engine::checkpoint::Resumed;
    use flott_engine::operator::{LateRows, LateSample};
    use flott_engine::progress::SinkProgress;
    use flott_engine::source::BadRow;
    use std::path::PathBuf;
    use std::sync::Arc;

    fn report() -> JobReport {
        let late = RecordBatch::try_from_iter([("price", Arc::new(Int32Array::from(vec![7])) as _)]).unwrap();
        JobReport {
            name: "insert-into_out".into(),
            outcome: Some(Outcome::Stopped),
            failure: None,
            elapsed: Duration::from_secs(2),
            checkpoints: Some(Location::Local(PathBuf::from("/tmp/c"))),
            notes: vec![],
            progress: Progress {
                sources: vec![SourceProgress {
                    name: "bids".into(),
                    rows: 10_000,
                    bytes: 1_000_000,
                    bad_rows: 2,
                    bad_samples: vec![BadRow {
                        place: "b.json, line 3".into(),
                        reason: "'x' is no number".into(),
                        text: "{\"price\":\"x\"}".into(),
                    }],
                    splits: 1,
                    watermark: Some(0),
                    ..Default::default()
                }],
                operators: vec![OperatorProgress {
                    name: "WindowAggregate".into(),
                    late: LateRows { count: 1, reason: DropReason::Late, samples: vec![LateSample { row: late, watermark: 1000 }] },
                }],
                sinks: vec![SinkProgress { name: "out".into(), rows: 12 }],
                checkpoints: 1,
                resumed: Some(Resumed { epoch: 4, ..Resumed::default() }),
                state_rows: 5,
                state_bytes: 2048,
                ..Default::default()
            },
        }
    }

    #[test]
    fn nothing_disappears_silently() {
        assert_eq!(
            summary(&report(), Style::PLAIN),
            "\
insert-into_out: stopped after 2.00 s; the same command goes on from here
  source bids: 10,000 rows, 1.0 MB, 5,000 rows/s, watermark 1970-01-01 00:00:00.000
  sink   out: 12 rows
  state  5 rows, 2.0 kB, 1 checkpoint, resumed from checkpoint 4
  warning: 2 bad rows in bids
    b.json, line 3: 'x' is no number
      {\"price\":\"x\"}
  warning: 1 late row dropped by WindowAggregate
    for example {price=7}
      it came when the watermark stood at 1970-01-01 00:00:01.000
"
        );
    }

    #[test]
    fn endings() {
        let with = |outcome, checkpoints: bool| {
            let checkpoints = checkpoints.then(|| Location::Local(PathBuf::new()));
            ending(&JobReport { outcome, checkpoints, ..report() })
        };
        assert_eq!(with(Some(Outcome::Finished), true), "finished in 2.00 s");
        assert_eq!(with(Some(Outcome::Stopped), false), "stopped after 2.00 s; what was read so far is written");
        assert_eq!(with(None, true), "failed after 2.00 s; the same command goes on from the last checkpoint");
        let unusable = JobReport { outcome: None, failure: Some(ErrorKind::State), ..report() };
        assert_eq!(ending(&unusable), "not run: its checkpoints cannot be used, and were not touched");
        let early = JobReport { outcome: None, progress: Progress::default(), ..report() };
        assert_eq!(ending(&early), "failed after 2.00 s, before the first checkpoint; the same command begins anew");
    }
}
