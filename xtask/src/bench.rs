//! `cargo xtask bench`: measures Flott beside a real Flink, query by query on the same input, and writes the results.
//!
//! `bench/README.md` says what is measured and how.

mod baseline;
mod data;
mod engines;
mod functions;
mod kafka;
mod process;
mod report;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::flink::distribution::{Distribution, VERSION};
use crate::goldens::repository_root;
use baseline::{Baseline, Part};
use engines::{Cost, Flink, Flott, Outcome, Query, median};
use flott_testkit::kafka::Broker;
use report::Row;

const NEXMARK: [&str; 27] = [
    "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "q10", "q11", "q12", "q14", "q15", "q16", "q17", "q18", "q19", "q20",
    "q21", "q22", "over", "cep1", "cep2", "cep3", "cep4",
];
const DATAGEN: [&str; 4] = ["pass", "filter", "keyed", "tumble"];
const KAFKA: [&str; 2] = ["filter", "tumble"];

/// A part of the benchmark: a folder of queries, and where their rows come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Files.
    Nexmark,
    /// Made inside of the engines.
    Datagen,
    /// A broker, where the results go, too.
    Kafka,
}

struct Options {
    events: u64,
    only: Option<Vec<String>>,
    flott_runs: usize,
    flink_runs: usize,
    kind: Kind,
    skip_flink: bool,
    binary: Option<PathBuf>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options =
            Self { events: 0, only: None, flott_runs: 3, flink_runs: 1, kind: Kind::Nexmark, skip_flink: false, binary: None };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--events" => options.events = number(arg, value()?)?,
                "--runs" => {
                    options.flott_runs = number(arg, value()?)? as usize;
                    options.flink_runs = options.flott_runs;
                }
                "--only" => options.only = Some(value()?.split(',').map(str::to_string).collect()),
                "--flott" => options.binary = Some(PathBuf::from(value()?)),
                "--datagen" => options.kind = Kind::Datagen,
                "--kafka" => options.kind = Kind::Kafka,
                "--skip-flink" => options.skip_flink = true,
                other => return Err(format!("bench does not know `{other}`")),
            }
        }
        if options.events == 0 {
            options.events = if options.kind == Kind::Datagen { 20_000_000 } else { 2_000_000 };
        }
        Ok(options)
    }

    fn part(&self) -> &'static str {
        match self.kind {
            Kind::Nexmark => "Nexmark",
            Kind::Datagen => "Datagen",
            Kind::Kafka => "Kafka",
        }
    }
}

fn number(option: &str, value: &str) -> Result<u64> {
    match value.replace(['_', ','], "").parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(format!("{option} takes a positive number, not `{value}`")),
    }
}

/// Runs the benchmark.
///
/// # Errors
/// When it cannot begin (no binary, no Flink, no room for the input). A query that fails is a line of the report.
pub fn run(args: &[String]) -> Result<()> {
    if args.first().is_some_and(|arg| arg == "functions") {
        return functions::run(&args[1..]);
    }
    let options = Options::parse(args)?;
    let root = repository_root()?;
    let bench = root.join("bench");
    let flott = Flott { binary: binary(&root, &options)?, folder: bench.join("out") };
    fs::create_dir_all(&flott.folder).map_err(|e| format!("{}: {e}", flott.folder.display()))?;
    let mut baseline = Baseline::read(&bench.join("flink-baseline.json"))?;
    let stored = if options.skip_flink { Some(baseline.part(options.part())?.clone()) } else { None };
    let broker = if options.kind == Kind::Kafka { Some(kafka::start(&bench, &flott, options.events)?) } else { None };
    let servers = broker.as_ref().map(Broker::servers).unwrap_or_default();
    let queries = queries(&bench, &flott, &options, &servers)?;
    let load = report::load();
    if load > 1.0 {
        eprintln!("the machine is busy (load {load}): trust CPU seconds, not rows/s");
    }
    let rows = match &stored {
        Some(part) => measure(&queries, &flott, None, &part.queries, broker.as_ref(), &options),
        None => {
            let distribution = Distribution::obtain(&root.join("target/flink"))?;
            eprintln!("starting Flink {VERSION}");
            let connector = if broker.is_some() { Some(kafka::connector(&root.join("target/flink"))?) } else { None };
            let flink = Flink::start(&distribution, &flott.folder, connector)?;
            warm_up(&flink, &queries);
            let rows = measure(&queries, &flott, Some(&flink), &BTreeMap::new(), broker.as_ref(), &options);
            flink.stop();
            rows
        }
    };
    let body = introduction(&flott, &options, stored.as_ref(), load) + &report::table(&rows);
    println!("\n## {}\n\n{body}", options.part());
    if options.only.is_some() {
        eprintln!("a run with --only is not written to bench/RESULTS.md");
        return Ok(());
    }
    if stored.is_none() {
        baseline.store(options.part(), part_of(&rows))?;
    }
    report::write(&bench.join("RESULTS.md"), options.part(), &body)
}

fn binary(root: &Path, options: &Options) -> Result<PathBuf> {
    let binary = options.binary.clone().unwrap_or_else(|| root.join("target/release/flott"));
    binary.canonicalize().map_err(|e| format!("{}: {e}; build it with `cargo build --release`", binary.display()))
}

/// The chosen queries with their input in place, in the order of the benchmark.
fn queries(bench: &Path, flott: &Flott, options: &Options, servers: &str) -> Result<Vec<Query>> {
    let (folder, names, rows): (_, &[&str], _) = match options.kind {
        Kind::Nexmark => (bench.join("queries"), &NEXMARK, options.events),
        Kind::Datagen => (bench.join("datagen"), &DATAGEN, options.events),
        Kind::Kafka => (bench.join("kafka"), &KAFKA, kafka::bids(options.events)),
    };
    let only = options.only.as_deref().unwrap_or_default();
    if let Some(unknown) = only.iter().find(|n| !names.contains(&n.as_str())) {
        return Err(format!("there is no query `{unknown}`, but {}", names.join(", ")));
    }
    let data = match options.kind {
        Kind::Nexmark => data::nexmark(&flott.binary, &bench.join("data"), options.events)?,
        Kind::Datagen | Kind::Kafka => PathBuf::new(),
    };
    let read = |name: &str| {
        let path = folder.join(format!("{name}.sql"));
        fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
    };
    let placed = |text: String| {
        let text = text.replace("${DATA}", &data.display().to_string());
        text.replace("${ROWS}", &options.events.to_string()).replace("${SERVERS}", servers)
    };
    let tables = read("ddl")?;
    names
        .iter()
        .filter(|name| options.only.is_none() || only.iter().any(|o| o == *name))
        .map(|name| Ok(Query { name: (*name).to_string(), script: placed(format!("{tables}\n{}", read(name)?)), rows }))
        .collect()
}

/// Lets Flink load and compile what all queries share. The figures are thrown away.
fn warm_up(flink: &Flink, queries: &[Query]) {
    if let Some(query) = queries.first() {
        eprintln!("warming up Flink with {}", query.name);
        if let Err(message) = flink.run(query) {
            eprintln!("  failed: {message}");
        }
    }
}

/// Runs query after query, each on Flott and then on Flink, so that a change of the machine's mood hits both.
fn measure(
    queries: &[Query],
    flott: &Flott,
    flink: Option<&Flink>,
    stored: &BTreeMap<String, Cost>,
    broker: Option<&Broker>,
    options: &Options,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for query in queries {
        if let Some(flink) = flink {
            flink.settle();
        }
        let mut results = broker.map(|broker| kafka::Results::from_now(broker, &query.name));
        // Memory that the machine has not had in use for a while is dear the first time. Flink's processes have theirs already.
        let _ = flott.run(query, 2);
        let (mut one, mut two, mut remark) = (Vec::new(), Vec::new(), None);
        for _ in 0..options.flott_runs {
            for (workers, outcomes) in [(1, &mut one), (2, &mut two)] {
                let (outcome, said) = flott.run(query, workers);
                outcomes.push(outcome);
                remark = said.or(remark);
            }
        }
        let ours = results.as_mut().map(|results| results.since(1 + 2 * options.flott_runs));
        let flink = match flink {
            Some(flink) => Some(median((0..options.flink_runs).map(|_| flink.run(query)).collect())),
            None => stored.get(&query.name).cloned().map(Ok),
        };
        if let (Some(results), Some(ours), Some(Ok(_))) = (&mut results, ours, &flink) {
            let compared = ours.and_then(|ours| Ok(kafka::compared(&ours, &results.since(options.flink_runs)?)));
            remark = Some(compared.unwrap_or_else(|message| format!("the rows cannot be compared: {message}"))).or(remark);
        }
        let row = Row { query: query.name.clone(), flott_1: median(one), flott_2: median(two), flink, remark };
        eprintln!("{}", progress(&row));
        rows.push(row);
    }
    rows
}

fn progress(row: &Row) -> String {
    let shown = |outcome: &Outcome| match outcome {
        Ok(cost) => format!("{:.2} s, {:.2} CPU s", cost.wall_s, cost.cpu_s),
        Err(message) => format!("failed ({message})"),
    };
    let flink = row.flink.as_ref().map_or("not run".to_string(), shown);
    format!("{:<6} Flott {} | 2 workers {} | Flink {flink}", row.query, shown(&row.flott_1), shown(&row.flott_2),)
}

/// What the figures are figures of.
fn introduction(flott: &Flott, options: &Options, stored: Option<&Part>, load: f64) -> String {
    let what = match options.kind {
        Kind::Nexmark => format!("{} events in two files of JSON lines.", options.events),
        Kind::Datagen => format!("{} rows made by `datagen`.", options.events),
        Kind::Kafka => {
            let bids = kafka::bids(options.events);
            format!("{bids} rows of JSON from a topic with four partitions, results into a topic exactly once, a checkpoint every second.")
        }
    };
    let flott_version = report::said_by(&flott.binary.display().to_string(), &["--version"]);
    let commit = report::said_by("git", &["rev-parse", "--short", "HEAD"]);
    let java = report::said_by("java", &["-version"]);
    let flink = match stored {
        None => format!("Flink {VERSION} ({java}) in the same run"),
        Some(part) => {
            format!("**figures of Flink not measured in this run** but taken from {} ({}, on {})", part.date, part.flink, part.machine)
        }
    };
    let sizes = stored.map(|p| p.queries.values().map(|c| c.rows).collect::<Vec<_>>());
    let other_size = match sizes.and_then(|s| s.first().copied()) {
        Some(rows) if options.kind != Kind::Kafka && rows != options.events => format!(" Flink had {rows} rows."),
        _ => String::new(),
    };
    format!(
        "{what}{other_size} {}, load {load} before the run; {}; {flott_version} ({commit}), median of {}; {flink}{}.\n\n",
        report::machine(),
        today(),
        options.flott_runs,
        if stored.is_none() && options.flink_runs > 1 { format!(", median of {}", options.flink_runs) } else { String::new() },
    )
}

fn part_of(rows: &[Row]) -> Part {
    let measured = |row: &Row| match &row.flink {
        Some(Ok(cost)) => Some((row.query.clone(), cost.clone())),
        _ => None,
    };
    Part {
        date: today(),
        machine: report::machine(),
        flink: format!("Flink {VERSION}"),
        queries: rows.iter().filter_map(measured).collect(),
    }
}

fn today() -> String {
    report::said_by("date", &["-u", "+%F"])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_for_both_parts() {
        let parse = |line: &str| Options::parse(&line.split_whitespace().map(String::from).collect::<Vec<_>>());
        let nexmark = parse("").unwrap();
        assert_eq!((nexmark.events, nexmark.flott_runs, nexmark.flink_runs), (2_000_000, 3, 1));
        assert_eq!(parse("--datagen").unwrap().events, 20_000_000);
        let some = parse("--events 100_000 --only q0,q5 --runs 2").unwrap();
        assert_eq!((some.events, some.flink_runs), (100_000, 2));
        assert_eq!(some.only.unwrap(), ["q0", "q5"]);
        assert!(parse("--events 0").is_err() && parse("--fast").is_err());
    }
}
