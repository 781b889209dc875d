//! Options of a Nexmark table.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::NaiveDateTime;
use flott_engine::Result;
use flott_engine::connector::{OptionInfo, TableSpec};

use super::config::{NexmarkConfig, Rate, RateShape};
use crate::datagen::parse;
use crate::options::Options;

const fn option(key: &'static str, default: Option<&'static str>, description: &'static str) -> OptionInfo {
    OptionInfo { key, required: false, default, description }
}

/// Events of this average size are long enough for any test, and a batch of them fits into memory.
const EVENT_BYTES_MAX: u64 = 1 << 20;

/// The options of the Nexmark project's connector, and a few for what it keeps fixed.
pub(crate) const OPTIONS: &[OptionInfo] = &[
    option("first-event.rate", Some("10000"), "Events per second of event time, and of wall-clock time where the source paces itself."),
    option("next-event.rate", Some("10000"), "The rate that 'rate.shape' goes to and back from; the same by default."),
    option("rate.shape", Some("SQUARE"), "SQUARE jumps between the two rates, SINE swings between them."),
    option("rate.period", Some("600 s"), "Time for going to the second rate and back."),
    option("rate.limited", None, "Whether events come at their rate. By default an unbounded table does so and a bounded one does not."),
    option("max-emit-speed", None, "The opposite of 'rate.limited', which wins if both are given."),
    option("events.num", Some("0"), "Number of events; 0: no end."),
    option("stop-at", Some("-1"), "Ends earlier, after this many events; -1: does not."),
    option("keep-alive", Some("false"), "Stays open, without rows, when all events are out."),
    option("person.proportion", Some("1"), "Persons in each round of events."),
    option("auction.proportion", Some("3"), "Auctions in each round of events."),
    option("bid.proportion", Some("46"), "Bids in each round of events."),
    option("person.avg-size", Some("200b"), "Average size of a person."),
    option("auction.avg-size", Some("500b"), "Average size of an auction."),
    option("bid.avg-size", Some("100b"), "Average size of a bid."),
    option("bid.hot-ratio.auctions", Some("2"), "One bid in so many goes to any auction in flight, the others to the hot one."),
    option("bid.hot-ratio.bidders", Some("4"), "One bid in so many comes from any active person, the others from the hot bidder."),
    option("auction.hot-ratio.sellers", Some("4"), "One auction in so many is of any active person, the others of the hot seller."),
    option("auction.in-flight", Some("100"), "Auctions open at any time, on average."),
    option("person.active", Some("1000"), "How many of the latest persons bid and sell."),
    option("out-of-order.group-size", Some("1"), "Events are shuffled within groups of this many."),
    option(
        "base-time",
        None,
        "Event time of the first event, as 'yyyy-MM-dd HH:mm:ss[.SSS]' or in milliseconds since 1970; when the job starts by default.",
    ),
    option("seed", Some("0"), "Chooses one of many equally distributed streams."),
    option("scan.parallelism", None, "Accepted; events are made by all workers."),
];

/// A table's options, read.
#[derive(Debug, Clone)]
pub(crate) struct NexmarkOptions {
    /// The generator; `base_time_ms` is now where the table does not say.
    pub(crate) config: NexmarkConfig,
    /// Number of events; `None`: no end.
    pub(crate) events: Option<u64>,
    /// Stays open after the last event.
    pub(crate) keep_alive: bool,
    /// Whether events come at their rate rather than as fast as possible.
    pub(crate) paced: bool,
}

impl NexmarkOptions {
    /// Reads a table's options; errors name the option and say what to write.
    pub(crate) fn parse(table: &TableSpec) -> Result<Self> {
        let options = Options::new(table);
        options.check_known(OPTIONS.iter().map(|o| o.key))?;
        let config = config(&options)?;
        config.validate().map_err(|e| e.at(format!("Table {}", table.name)))?;
        let stop_at = parse::value::<i64>(&options, "stop-at", "a whole number, or '-1' for none")?;
        let events = events(options.number("events.num")?, stop_at);
        let limited = given(&options, "rate.limited")?;
        let fast = given(&options, "max-emit-speed")?;
        Ok(Self {
            config,
            events,
            keep_alive: options.bool("keep-alive", false)?,
            paced: limited.or(fast.map(|fast| !fast)).unwrap_or(events.is_none()),
        })
    }
}

fn config(options: &Options<'_>) -> Result<NexmarkConfig> {
    let default = NexmarkConfig::default();
    // Within 32 bits, as elsewhere, no formula overflows.
    let number = |key: &str, default: u64| -> Result<u64> {
        Ok(parse::value::<u32>(options, key, "a whole number, for example '1000'")?.map_or(default, u64::from))
    };
    let size = |key: &str, default: usize| -> Result<usize> {
        match options.bytes(key)? {
            None => Ok(default),
            Some(bytes) if bytes <= EVENT_BYTES_MAX => Ok(bytes as usize),
            Some(_) => Err(parse::wrong(options, key, "a size of at most '1 mb'")),
        }
    };
    let first = number("first-event.rate", default.rate.first)?;
    Ok(NexmarkConfig {
        seed: options.number("seed")?.unwrap_or(default.seed),
        base_time_ms: base_time_ms(options)?.unwrap_or_else(now_ms),
        rate: Rate {
            first,
            // A table that names one rate means it throughout.
            next: number("next-event.rate", first)?,
            shape: match options.one_of("rate.shape", &["SQUARE", "SINE"], "SQUARE")? {
                "SINE" => RateShape::Sine,
                _ => RateShape::Square,
            },
            period_s: options.duration_ms("rate.period")?.map_or(default.rate.period_s, |ms| ms / 1000),
        },
        person_proportion: number("person.proportion", default.person_proportion)?,
        auction_proportion: number("auction.proportion", default.auction_proportion)?,
        bid_proportion: number("bid.proportion", default.bid_proportion)?,
        person_bytes: size("person.avg-size", default.person_bytes)?,
        auction_bytes: size("auction.avg-size", default.auction_bytes)?,
        bid_bytes: size("bid.avg-size", default.bid_bytes)?,
        hot_auction_ratio: number("bid.hot-ratio.auctions", default.hot_auction_ratio)?,
        hot_bidder_ratio: number("bid.hot-ratio.bidders", default.hot_bidder_ratio)?,
        hot_seller_ratio: number("auction.hot-ratio.sellers", default.hot_seller_ratio)?,
        auctions_in_flight: number("auction.in-flight", default.auctions_in_flight)?,
        active_persons: number("person.active", default.active_persons)?,
        out_of_order_group: number("out-of-order.group-size", default.out_of_order_group)?,
    })
}

/// A switch, where not saying differs from both.
fn given(options: &Options<'_>, key: &str) -> Result<Option<bool>> {
    options.get(key).map(|_| options.bool(key, false)).transpose()
}

/// Whether a table with these options ends.
pub(crate) fn bounded(options: &BTreeMap<String, String>) -> bool {
    let value = |key: &str| options.get(key).and_then(|text| text.trim().parse::<i64>().ok());
    let keep_alive = options.get("keep-alive").is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
    let number = value("events.num").and_then(|n| u64::try_from(n).ok());
    !keep_alive && events(number, value("stop-at")).is_some()
}

fn events(number: Option<u64>, stop_at: Option<i64>) -> Option<u64> {
    let number = number.filter(|n| *n > 0);
    let stop_at = stop_at.and_then(|n| u64::try_from(n).ok());
    number.into_iter().chain(stop_at).min()
}

fn base_time_ms(options: &Options<'_>) -> Result<Option<i64>> {
    let Some(text) = options.get("base-time") else { return Ok(None) };
    parse_base_time(text.trim())
        .map(Some)
        .ok_or_else(|| parse::wrong(options, "base-time", "'yyyy-MM-dd HH:mm:ss[.SSS]' in UTC, or milliseconds since 1970"))
}

/// Reads a base time: `yyyy-MM-dd HH:mm:ss[.SSS]` in UTC, with a blank or a `T` between, or milliseconds since 1970.
pub fn parse_base_time(text: &str) -> Option<i64> {
    if let Ok(ms) = text.parse::<i64>() {
        return Some(ms);
    }
    let text = text.replacen('T', " ", 1);
    let time = NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some(time.and_utc().timestamp_millis())
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
