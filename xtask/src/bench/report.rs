//! The results as a table, for the terminal and for `bench/RESULTS.md` alike.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::engines::Outcome;
use crate::Result;

/// One query on both engines.
pub struct Row {
    pub query: String,
    pub flott_1: Outcome,
    pub flott_2: Outcome,
    /// `None` when Flink has not run it and there is no stored figure.
    pub flink: Option<Outcome>,
    /// What Flott said besides.
    pub remark: Option<String>,
}

const HEADER: [&str; 10] = [
    "query",
    "Flott rows/s",
    "CPU s",
    "peak MB",
    "2 workers: faster",
    "2 workers: CPU",
    "Flink rows/s",
    "CPU s",
    "peak MB",
    "rows per CPU s, Flott : Flink",
];

/// Draws the table with the means under it, then failures and remarks.
pub fn table(rows: &[Row]) -> String {
    let mut cells: Vec<Vec<String>> = vec![HEADER.map(str::to_string).to_vec()];
    let mut ratios: [Vec<f64>; 3] = Default::default();
    for row in rows {
        let found = [
            ratio(&row.flott_1, &row.flott_2, |one, two| one.wall_s / two.wall_s),
            ratio(&row.flott_1, &row.flott_2, |one, two| two.cpu_s.max(0.01) / one.cpu_s.max(0.01)),
            row.flink.as_ref().and_then(|flink| ratio(&row.flott_1, flink, |flott, flink| flott.rows_per_cpu_s() / flink.rows_per_cpu_s())),
        ];
        for (all, one) in ratios.iter_mut().zip(found) {
            all.extend(one);
        }
        let mut line = vec![row.query.clone()];
        line.extend(figures(Some(&row.flott_1)));
        line.extend([times(found[0], 2), times(found[1], 2)]);
        line.extend(figures(row.flink.as_ref()));
        line.push(times(found[2], 1));
        cells.push(line);
    }
    for (name, of) in [("geometric mean", geometric_mean as fn(&[f64]) -> _), ("least", least)] {
        let mut line = vec![String::new(); HEADER.len()];
        line[0] = format!("**{name}**");
        line[4] = times(of(&ratios[0]), 2);
        line[5] = times(of(&ratios[1]), 2);
        line[9] = of(&ratios[2]).map_or_else(String::new, |r| format!("**{r:.1}×**"));
        cells.push(line);
    }
    aligned(&cells) + &remarks(rows)
}

fn ratio(a: &Outcome, b: &Outcome, of: impl Fn(&super::engines::Cost, &super::engines::Cost) -> f64) -> Option<f64> {
    Some(of(a.as_ref().ok()?, b.as_ref().ok()?))
}

fn figures(outcome: Option<&Outcome>) -> [String; 3] {
    match outcome {
        Some(Ok(cost)) => [thousands(cost.rows_per_s()), format!("{:.2}", cost.cpu_s), format!("{:.0}", cost.peak_mb)],
        Some(Err(_)) => ["failed", "", ""].map(str::to_string),
        None => ["not run", "", ""].map(str::to_string),
    }
}

fn times(ratio: Option<f64>, digits: usize) -> String {
    ratio.map_or_else(String::new, |r| format!("{r:.digits$}×"))
}

fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    let sum: f64 = ratios.iter().map(|r| r.ln()).sum();
    (!ratios.is_empty()).then(|| (sum / ratios.len() as f64).exp())
}

fn least(ratios: &[f64]) -> Option<f64> {
    ratios.iter().copied().min_by(f64::total_cmp)
}

/// `1,234,000`, with three digits that count.
fn thousands(value: f64) -> String {
    let unit = 10f64.powi((value.max(1.0).log10().floor() as i32 - 2).max(0));
    let digits = format!("{:.0}", (value / unit).round() * unit);
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A Markdown table whose columns stand below each other, figures to the right.
fn aligned(cells: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let lengths = cells.iter().map(|line| line[column].chars().count());
        lengths.max().unwrap_or_default().max(3)
    };
    let widths: Vec<usize> = (0..HEADER.len()).map(width).collect();
    let mut text = String::new();
    for (i, line) in cells.iter().enumerate() {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(text, "| {cell:<width$} "),
                _ => write!(text, "| {cell:>width$} "),
            };
        }
        text.push_str("|\n");
        if i == 0 {
            for (column, width) in widths.iter().enumerate() {
                let end = if column == 0 { "-" } else { ":" };
                let _ = write!(text, "|{}{end}", "-".repeat(width + 1));
            }
            text.push_str("|\n");
        }
    }
    text
}

fn remarks(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        for (engine, outcome) in
            [("Flott, 1 worker", Some(&row.flott_1)), ("Flott, 2 workers", Some(&row.flott_2)), ("Flink", row.flink.as_ref())]
        {
            if let Some(Err(message)) = outcome {
                let _ = writeln!(text, "- {}, {engine}, failed: {message}", row.query);
            }
        }
        if let Some(remark) = &row.remark {
            let _ = writeln!(text, "- {}: {remark}", row.query);
        }
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// Replaces one part of the results file, or adds it, and leaves the other parts alone.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, part: &str, body: &str) -> Result<()> {
    // Without the file, the first part makes it.
    let old = fs::read_to_string(path).unwrap_or_default();
    let new = replaced(&old, part, body);
    fs::write(path, new).map_err(|e| format!("{}: {e}", path.display()))
}

fn replaced(old: &str, part: &str, body: &str) -> String {
    let mut text = String::from("# Results\n\nWritten by `cargo xtask bench`; [README.md](README.md) says how it measures.\n");
    let heading = format!("## {part}\n");
    let mut sections: Vec<String> = old.split("\n## ").skip(1).map(|section| format!("## {}\n", section.trim_end())).collect();
    let new = format!("{heading}\n{}\n", body.trim_end());
    match sections.iter_mut().find(|s| s.starts_with(&heading)) {
        Some(section) => *section = new,
        None => sections.push(new),
    }
    for section in &sections {
        text.push('\n');
        text.push_str(section);
    }
    text
}

/// Processor, cores and memory of this machine in a few words.
pub fn machine() -> String {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|l| l.starts_with(name));
        line.and_then(|l| l.split_once(':')).map_or_else(|| "unknown".to_string(), |(_, v)| v.trim().to_string())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = field("/proc/meminfo", "MemTotal");
    let kib: f64 = memory.split_whitespace().next().and_then(|v| v.parse().ok()).unwrap_or_default();
    format!("{}, {cores} cores, {:.0} GiB", field("/proc/cpuinfo", "model name"), kib / (1024.0 * 1024.0))
}

/// Load of the machine over the last minute.
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|v| v.parse().ok()).unwrap_or_default()
}

/// First line of what a command prints, or a question mark.
pub fn said_by(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().ok();
    let text = output.map(|o| [o.stdout, o.stderr].concat());
    let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
    text.lines().next().unwrap_or("?").trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_and_grouped() {
        assert_eq!(thousands(1_234_567.0), "1,230,000");
        assert_eq!(thousands(999.6), "1,000");
        assert_eq!(thousands(12.0), "12");
        assert_eq!(geometric_mean(&[2.0, 8.0]), Some(4.0));
        assert_eq!(geometric_mean(&[]), None);
    }

    #[test]
    fn one_part_is_replaced_and_the_others_stay() {
        let first = replaced("", "A", "one\n");
        let both = replaced(&first, "B", "two");
        let again = replaced(&both, "A", "three");
        assert!(again.ends_with("\n## A\n\nthree\n\n## B\n\ntwo\n"), "{again}");
    }
}
