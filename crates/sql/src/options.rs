//! Options of a session (`SET 'key' = 'value'`): the ones that count here, with Flink's names and defaults.

use flott_engine::operators::emitting_aggregate::EmitStrategy;
use std::collections::BTreeMap;

use crate::dialect::did_you_mean;
use crate::error::{SqlError, SqlResult};
use crate::functions::Zone;

/// A known option.
#[derive(Debug, Clone, Copy)]
pub struct KnownOption {
    /// Key.
    pub key: &'static str,
    /// Default; empty: none.
    pub default: &'static str,
    /// One sentence.
    pub description: &'static str,
}

macro_rules! known {
    ($($key:literal = $default:literal : $description:literal;)*) => {
        /// Options that change what a job does here. Others that Flink knows are accepted and have no effect.
        pub const KNOWN: &[KnownOption] = &[$(KnownOption { key: $key, default: $default, description: $description }),*];
    };
}

known! {
    "parallelism.default" = "1" : "Number of workers.";
    "pipeline.name" = "" : "Name of the job; also names its checkpoints.";
    "execution.runtime-mode" = "streaming" : "'streaming', or 'batch': bounded input, of which only the final result is told.";
    "execution.checkpointing.interval" = "" : "Time between checkpoints; without it none are taken.";
    "execution.checkpointing.dir" = "" : "Folder of checkpoints, instead of the state folder.";
    "table.local-time-zone" = "UTC" : "Time zone of TIMESTAMP_LTZ values as text, and of CURRENT_DATE and the like.";
    "table.exec.source.idle-timeout" = "0 ms" : "A source split without rows for so long does not hold the watermark back.";
    "table.exec.sink.not-null-enforcer" = "ERROR" : "What a NULL for a NOT NULL column does: ERROR or DROP.";
    "table.exec.state.ttl" = "0 ms" : "State of a key that nothing was written to for so long is forgotten; 0: never.";
    "table.exec.source.cdc-events-duplicate" = "false" : "Sources of changes may tell a change twice: tables with a PRIMARY KEY are cleaned of it.";
    "table.exec.sink.upsert-materialize" = "AUTO" : "Whether a sink with a PRIMARY KEY gets one row of each key from a query of another key: AUTO, FORCE or NONE.";
    "table.exec.sink.require-on-conflict" = "true" : "A query whose key is not the PRIMARY KEY of its sink must say ON CONFLICT.";
    "table.exec.sink.type-length-enforcer" = "IGNORE" : "Whether CHAR, VARCHAR, BINARY and VARBINARY values are cut or padded to their length: IGNORE or TRIM_PAD.";
    "table.exec.emit.early-fire.enabled" = "false" : "Whether group windows (GROUP BY TUMBLE(…)) tell results before they end.";
    "table.exec.emit.early-fire.delay" = "" : "How long after a row that happens; '0 s': at once.";
    "table.exec.emit.late-fire.enabled" = "false" : "Whether group windows tell results again when late rows come.";
    "table.exec.emit.late-fire.delay" = "" : "How long after a late row that happens; '0 s': at once.";
    "table.exec.emit.allow-lateness" = "" : "How long after its end, in event time, late rows count in a group window.";
    "table.exec.async-lookup.buffer-capacity" = "100" : "How many look-ups of a table that finds rows by key are in flight at a time.";
    "table.exec.async-lookup.timeout" = "3 min" : "How long such a look-up may take.";
    "flott.outbox.size-max" = "4 gb" : "Output that may wait on disk for its delivery; when there is more, the job takes no input until some was delivered.";
    "flott.latency-target" = "50 ms" : "Longest that a tick should take; shorter means smaller ticks and less throughput.";
}

/// Flink's own options of tables, execution and pipelines, a key a line, as of 2.3.
const FLINK: &str = include_str!("flink_options.txt");

const OUTBOX_MAX: &str = "flott.outbox.size-max";
const LOOKUP_CAPACITY: &str = "table.exec.async-lookup.buffer-capacity";
const LOOKUP_TIMEOUT: &str = "table.exec.async-lookup.timeout";
const LATENESS: &str = "table.exec.emit.allow-lateness";

/// Beginnings of the keys of which [`FLINK`] has all.
const LISTED: [&str; 3] = ["table.", "execution.", "pipeline."];

/// Beginnings of the keys that a Flink script may set and that have no effect here.
const FOREIGN: &[&str] = &[
    "table.",
    "execution.",
    "pipeline.",
    "parallelism.",
    "state.",
    "restart-strategy.",
    "sql-client.",
    "taskmanager.",
    "jobmanager.",
    "rest.",
    "sql-gateway.",
    "cluster.",
    "high-availability",
    "metrics.",
    "env.",
    "security.",
    "fs.",
    "s3.",
    "materialized-table.",
    "partition.",
    "job.",
    "heartbeat.",
    "akka.",
    "blob.",
    "classloader.",
    "web.",
    "yarn.",
    "kubernetes.",
    "python.",
];

/// The options set in a session.
#[derive(Debug, Clone, Default)]
pub struct SessionOptions {
    values: BTreeMap<String, String>,
}

impl SessionOptions {
    /// Sets an option; a key that is probably a slip or a wrong value is an error.
    pub fn set(&mut self, key: &str, value: &str) -> SqlResult<()> {
        let known = KNOWN.iter().any(|o| o.key == key) || FLINK.lines().any(|k| k == key);
        if !known {
            let near = did_you_mean(key, KNOWN.iter().map(|o| o.key).chain(FLINK.lines()));
            if let Some(near) = near {
                return Err(SqlError::new(format!("unknown option '{key}'")).about(key).help(format!("did you mean '{near}'?")));
            }
            if !FOREIGN.iter().any(|p| key.starts_with(p)) {
                return Err(SqlError::new(format!("unknown option '{key}'")).about(key).help("SET alone lists the options"));
            }
        }
        let before = self.values.insert(key.to_string(), value.to_string());
        if let Err(e) = self.check(key) {
            match before {
                Some(before) => self.values.insert(key.to_string(), before),
                None => self.values.remove(key),
            };
            return Err(e);
        }
        Ok(())
    }

    /// What there is to say of a key that was set: that nobody knows it.
    pub fn doubt(key: &str) -> Option<String> {
        let listed = LISTED.iter().any(|beginning| key.starts_with(beginning));
        let known = FLINK.lines().chain(KNOWN.iter().map(|o| o.key)).any(|k| k == key);
        (listed && !known).then(|| format!("'{key}' is no option of Flink 2.3 that is known here; it has no effect"))
    }

    fn check(&self, key: &str) -> SqlResult<()> {
        match key {
            "table.local-time-zone" => self.time_zone().map(drop),
            "parallelism.default" => self.parallelism().map(drop),
            "execution.runtime-mode" => match self.get(key).unwrap_or_default().to_ascii_lowercase().as_str() {
                "streaming" | "automatic" | "batch" => Ok(()),
                other => Err(SqlError::new(format!("'{other}' is no runtime mode")).about(other).help("write 'streaming' or 'batch'")),
            },
            "table.exec.sink.not-null-enforcer" => match self.get(key).unwrap_or_default().to_ascii_uppercase().as_str() {
                "ERROR" | "DROP" => Ok(()),
                other => Err(SqlError::new(format!("'{key}' is '{other}'")).about(key).help("write 'ERROR' or 'DROP'")),
            },
            "table.exec.sink.type-length-enforcer" => match self.get(key).unwrap_or_default().to_ascii_uppercase().as_str() {
                "IGNORE" | "TRIM_PAD" => Ok(()),
                "ERROR" => {
                    Err(SqlError::not_yet(format!("the value ERROR of '{key}'")).about("ERROR").help("write 'TRIM_PAD' or 'IGNORE'"))
                }
                other => Err(SqlError::new(format!("'{key}' is '{other}'")).about(key).help("write 'IGNORE' or 'TRIM_PAD'")),
            },
            LOOKUP_CAPACITY => self.lookup_capacity().map(drop),
            LOOKUP_TIMEOUT => self.lookup_timeout_ms().map(drop),
            "table.exec.emit.early-fire.delay" | "table.exec.emit.late-fire.delay" | LATENESS => self.duration_ms(key).map(drop),
            "table.exec.sink.upsert-materialize" => match self.get(key).unwrap_or_default().to_ascii_uppercase().as_str() {
                "AUTO" | "FORCE" | "NONE" => Ok(()),
                other => Err(SqlError::new(format!("'{key}' is '{other}'")).about(key).help("write 'AUTO', 'FORCE' or 'NONE'")),
            },
            "table.exec.source.cdc-events-duplicate"
            | "table.exec.sink.require-on-conflict"
            | "table.exec.emit.early-fire.enabled"
            | "table.exec.emit.late-fire.enabled" => match self.get(key).unwrap_or_default().to_ascii_lowercase().as_str() {
                "true" | "false" => Ok(()),
                other => Err(SqlError::new(format!("'{key}' is '{other}'")).about(key).help("write 'true' or 'false'")),
            },
            OUTBOX_MAX => self.outbox_bytes_max().map(drop),
            "execution.checkpointing.interval" | "table.exec.state.ttl" | "table.exec.source.idle-timeout" | "flott.latency-target" => {
                self.duration_ms(key).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Takes an option back, or all of them.
    pub fn reset(&mut self, key: Option<&str>) {
        match key {
            Some(key) => drop(self.values.remove(key)),
            None => self.values.clear(),
        }
    }

    /// The value in force: what was set, else the default.
    pub fn get(&self, key: &str) -> Option<String> {
        let default = || KNOWN.iter().find(|o| o.key == key && !o.default.is_empty()).map(|o| o.default.to_string());
        self.values.get(key).cloned().or_else(default)
    }

    /// What was set, by key.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// `flott.outbox.size-max` in bytes.
    pub fn outbox_bytes_max(&self) -> SqlResult<u64> {
        let text = self.get(OUTBOX_MAX).unwrap_or_default();
        let trimmed = text.trim().to_ascii_lowercase();
        let (number, unit) = trimmed.split_at(trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len()));
        let factor: Option<u64> = match unit.trim() {
            "" | "b" | "bytes" => Some(1),
            "k" | "kb" | "kibibytes" => Some(1 << 10),
            "m" | "mb" | "mebibytes" => Some(1 << 20),
            "g" | "gb" | "gibibytes" => Some(1 << 30),
            "t" | "tb" | "tebibytes" => Some(1 << 40),
            _ => None,
        };
        let bytes = number.parse::<u64>().ok().zip(factor).and_then(|(n, factor)| n.checked_mul(factor)).filter(|bytes| *bytes > 0);
        bytes.ok_or_else(|| SqlError::new(format!("'{OUTBOX_MAX}' is '{text}'")).about(OUTBOX_MAX).help("write a size such as '4 gb'"))
    }

    /// Whether `execution.runtime-mode` is batch.
    pub fn batch(&self) -> bool {
        self.get("execution.runtime-mode").is_some_and(|mode| mode.eq_ignore_ascii_case("batch"))
    }

    /// Whether an option is `true`.
    pub fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// `parallelism.default`.
    pub fn parallelism(&self) -> SqlResult<usize> {
        let text = self.get("parallelism.default").unwrap_or_default();
        match text.parse() {
            Ok(n) if (1..=256).contains(&n) => Ok(n),
            _ => Err(SqlError::new(format!("parallelism.default is '{text}'")).about(text).help("write a number from 1 to 256")),
        }
    }

    /// `table.local-time-zone`.
    pub fn time_zone(&self) -> SqlResult<Zone> {
        let text = self.get("table.local-time-zone").unwrap_or_default();
        if text == "default" {
            return Ok(Zone::UTC);
        }
        Zone::parse(&text).ok_or_else(|| {
            SqlError::new(format!("'{text}' is no time zone"))
                .about(&text)
                .help("write a name such as 'Europe/Berlin', 'UTC' or an offset such as '+02:00'")
        })
    }

    /// When group windows tell results besides their end, `table.exec.emit.…`; `None`: at their end only.
    pub fn emit(&self) -> SqlResult<Option<EmitStrategy>> {
        let on = |which: &str| self.get(&format!("table.exec.emit.{which}-fire.enabled")).is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let set = |key: &str| self.get(key).filter(|text| !text.is_empty()).and_then(|text| parse_duration_ms(&text));
        let delay = |which: &str| {
            let key = format!("table.exec.emit.{which}-fire.delay");
            match (on(which), set(&key)) {
                (false, _) => Ok(None),
                (true, Some(ms)) => Ok(Some(ms)),
                (true, None) => Err(missing(&format!("table.exec.emit.{which}-fire.enabled"), &key)),
            }
        };
        let (early_delay_ms, late_delay_ms) = (delay("early")?, delay("late")?);
        let lateness = || set(LATENESS).or_else(|| set("table.exec.state.ttl").filter(|ttl| *ttl > 0));
        let lateness_ms = match late_delay_ms {
            Some(_) => lateness().ok_or_else(|| missing("table.exec.emit.late-fire.enabled", LATENESS))?,
            None => 0,
        };
        let updates = early_delay_ms.is_some() || lateness_ms > 0;
        Ok(updates.then_some(EmitStrategy { early_delay_ms, late_delay_ms, lateness_ms }))
    }

    /// How many look-ups are in flight at a time.
    pub fn lookup_capacity(&self) -> SqlResult<usize> {
        let text = self.get(LOOKUP_CAPACITY).unwrap_or_default();
        let wrong = || SqlError::new(format!("'{LOOKUP_CAPACITY}' is '{text}'")).about(&text).help("write a number from 1 on");
        text.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)
    }

    /// How long a look-up may take, in milliseconds.
    pub fn lookup_timeout_ms(&self) -> SqlResult<u64> {
        Ok(self.duration_ms(LOOKUP_TIMEOUT)?.map_or(u64::MAX, |ms| ms as u64))
    }

    /// A duration in milliseconds; `None` when the option is not set or zero.
    pub fn duration_ms(&self, key: &str) -> SqlResult<Option<i64>> {
        let Some(text) = self.get(key) else { return Ok(None) };
        match parse_duration_ms(&text) {
            Some(0) => Ok(None),
            Some(ms) => Ok(Some(ms)),
            None => Err(SqlError::new(format!("'{text}' is no duration"))
                .about(&text)
                .help("write a number and a unit, such as '10 s' or '500 ms'")),
        }
    }
}

/// An option that another one needs.
fn missing(key: &str, needed: &str) -> SqlError {
    SqlError::new(format!("'{key}' is on, but '{needed}' is not set")).about(key).help(format!("SET '{needed}' = '1 min'"))
}

/// Flink's durations: a number and `ms`, `s`, `min`, `h`, `d` or one of their long forms; without a unit milliseconds.
pub fn parse_duration_ms(text: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let number: i64 = text[..digits].parse().ok()?;
    let factor = match text[digits..].trim() {
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000,
        "m" | "min" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(factor)
}
