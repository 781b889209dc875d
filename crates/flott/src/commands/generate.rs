//! `flott generate`: writes test data.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum, ValueHint};
use flott_connectors::nexmark::{EventType, Generator, NexmarkConfig, parse_base_time};
use flott_engine::{Error, Result};

use crate::Exit;

/// Event time of the first event where the user names none: the same events each time.
const DEFAULT_BASE_TIME: &str = "2024-01-01 00:00:00";

/// Write test data
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Nexmark(NexmarkArgs),
}

const EXAMPLES: &str = "\
Examples:
  flott generate nexmark --events 1000000 --out events.json
  flott generate nexmark --events 1000 --format csv --only bid | head

The same options give the same events. A table with the connector 'nexmark' makes them inside a query.";

/// Write events of the Nexmark benchmark: persons, auctions and bids
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct NexmarkArgs {
    /// Number of events
    #[arg(long, value_name = "N")]
    events: u64,
    /// How they are written: json has all events, csv those of one kind
    #[arg(long, value_enum, default_value_t = FileFormat::Json)]
    format: FileFormat,
    /// The kind of events in CSV; they are counted over all kinds
    #[arg(long, value_enum, default_value_t = Kind::Bid)]
    only: Kind,
    /// Where to; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-", value_hint = ValueHint::FilePath)]
    out: PathBuf,
    /// Chooses one of many equally distributed streams
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Event time of the first event, as 'yyyy-MM-dd HH:mm:ss' in UTC or in milliseconds since 1970
    #[arg(long, value_name = "TIME", default_value = DEFAULT_BASE_TIME, value_parser = base_time)]
    base_time: i64,
    /// Events per second of event time
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FileFormat {
    /// One JSON object a line
    Json,
    /// Comma-separated values without a header
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Person,
    Auction,
    Bid,
}

fn base_time(text: &str) -> Result<i64, String> {
    parse_base_time(text).ok_or_else(|| "write 'yyyy-MM-dd HH:mm:ss', or milliseconds since 1970".to_owned())
}

/// Runs the command.
pub fn main(args: Args) -> Result<Exit> {
    match args.what {
        What::Nexmark(args) => nexmark(&args),
    }
}

fn nexmark(args: &NexmarkArgs) -> Result<Exit> {
    let mut config = NexmarkConfig { seed: args.seed, base_time_ms: args.base_time, ..NexmarkConfig::default() };
    config.rate.first = u64::from(args.rate);
    config.rate.next = u64::from(args.rate);
    let generator = Generator::new(config)?;
    let to_stdout = args.out.as_os_str() == "-";
    let name = if to_stdout { "standard output".to_owned() } else { args.out.display().to_string() };
    let cannot = |what: &str, e: io::Error| Error::io(format!("cannot {what} {name}: {e}"));
    let mut out: Box<dyn Write> =
        if to_stdout { Box::new(io::stdout().lock()) } else { Box::new(File::create(&args.out).map_err(|e| cannot("create", e))?) };
    let written = match (args.format, args.only) {
        (FileFormat::Json, _) => generator.write_json(0..args.events, &mut out),
        (FileFormat::Csv, Kind::Person) => generator.write_csv(0..args.events, EventType::Person, &mut out),
        (FileFormat::Csv, Kind::Auction) => generator.write_csv(0..args.events, EventType::Auction, &mut out),
        (FileFormat::Csv, Kind::Bid) => generator.write_csv(0..args.events, EventType::Bid, &mut out),
    };
    match written.and_then(|()| out.flush()) {
        Err(e) if to_stdout && e.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(e) => Err(cannot("write to", e)),
        Ok(()) => Ok(Exit::Done),
    }
}
