//! Lookup joins: which tables can be looked up, by which columns, and what the options and the LOOKUP hint say about it.

use datafusion_expr::Expr;
use datafusion_expr::utils::conjunction;
use flott_engine::lookup::Retry;
use flott_engine::lookup::cache::CachePolicy;
use flott_engine::operators::pairs::JoinKind;
use std::collections::BTreeMap;

use super::build::build;
use super::fields::flatten_scans;
use super::join::with_keys;
use super::temporal::{Equalities, as_promised, pair};
use super::{JoinColumns, LookupByKey, LookupForm, StreamNode, StreamOp};
use crate::error::{SqlError, SqlResult};
use crate::options::parse_duration_ms;
use crate::planner::temporal::TemporalJoin;

/// Options of any table that are about how look-ups are remembered; connectors do not see them.
const OPTIONS: [&str; 7] = [
    "lookup.cache",
    "lookup.full-cache.reload-strategy",
    "lookup.full-cache.periodic-reload.interval",
    MAX_ROWS,
    AFTER_ACCESS,
    AFTER_WRITE,
    MISSING_KEY,
];
const MAX_ROWS: &str = "lookup.partial-cache.max-rows";
const AFTER_ACCESS: &str = "lookup.partial-cache.expire-after-access";
const AFTER_WRITE: &str = "lookup.partial-cache.expire-after-write";
const MISSING_KEY: &str = "lookup.partial-cache.cache-missing-key";

/// Whether an option of a table is about how look-ups are remembered.
pub fn is_cache_option(key: &str) -> bool {
    key.starts_with("lookup.cache") || key.starts_with("lookup.full-cache.") || key.starts_with("lookup.partial-cache.")
}

/// The steps of a join by processing time: rows of a table outside, as they are now.
pub(super) fn build_lookup_join(join: &TemporalJoin, left: StreamNode) -> SqlResult<StreamNode> {
    let name = &join.name;
    let table = build(&join.right)?;
    let Some(leaf) = leaf(&table) else {
        return Err(SqlError::new(format!("'{name}' cannot be looked up: it is computed by a query that remembers rows"))
            .about(name)
            .help("look up a table, or a view of one that only filters and projects; for versions of computed rows, join by event time"));
    };
    if !leaf.changelog.is_insert_only() {
        return Err(SqlError::not_yet(format!("looking up '{name}', which is a table of changes,"))
            .about(name)
            .help("join by event time: FOR SYSTEM_TIME AS OF the WATERMARK column of the left table"));
    }
    let form = form(join, leaf)?;
    let equal = Equalities::of(&join.on, &left.schema, &table.schema);
    if equal.pairs.is_empty() {
        return Err(SqlError::new(format!("the condition compares no column of '{name}' with =, so there is nothing to look up by"))
            .about(name)
            .help(format!("write ON o.key = {name}.key, and further conditions behind AND")));
    }
    let (left_exprs, right_exprs): (Vec<Expr>, Vec<Expr>) = equal.pairs.into_iter().unzip();
    let width = [left.schema.fields().len(), table.schema.fields().len()];
    let (left, left_keys) = with_keys(left, &left_exprs, "$left")?;
    let (table, right_keys) = with_keys(table, &right_exprs, "$right")?;
    let table = flatten_scans(table)?;
    let kind = if join.keeps_left { JoinKind::Left } else { JoinKind::Inner };
    let nulls_equal = vec![false; left_keys.len()];
    let columns = JoinColumns { kind, keys: [left_keys, right_keys], nulls_equal, condition: conjunction(equal.rest) };
    let schema = pair(&left.schema, &table.schema)?;
    let (changelog, window, at) = (left.changelog, left.window.clone(), left.schema.fields().len());
    let op = StreamOp::LookupJoin { columns, table: Box::new(table), form };
    let node = StreamNode { op, inputs: vec![left], schema, changelog, window, key: None };
    as_promised(node, width, at, join)
}

/// What a step reads, if it does no more than filter and project that.
pub fn leaf(node: &StreamNode) -> Option<&StreamNode> {
    match &node.op {
        StreamOp::Scan { .. } | StreamOp::Values(_) => Some(node),
        StreamOp::Calc { .. } => leaf(&node.inputs[0]),
        _ => None,
    }
}

fn form(join: &TemporalJoin, leaf: &StreamNode) -> SqlResult<LookupForm> {
    let (options, finds_by_key) = match &leaf.op {
        StreamOp::Scan { source, .. } => (source.options(), source.table.finds_by_key),
        _ => (BTreeMap::new(), false),
    };
    if let Some(other) = options.keys().find(|k| is_cache_option(k) && !OPTIONS.contains(&k.as_str())) {
        return Err(SqlError::not_yet(format!("the option '{other}'")).about(other).help(format!("there are {}", OPTIONS.join(", "))));
    }
    let option = |key: &str| options.get(key).map(String::as_str);
    let cache = option("lookup.cache");
    let kind = cache.map(str::to_ascii_uppercase);
    let by_key = match (kind.as_deref(), finds_by_key) {
        (None | Some("FULL"), false) | (Some("FULL"), true) => None,
        (None | Some("NONE"), true) => Some(by_key(None, &join.hint)?),
        (Some("PARTIAL"), true) => Some(by_key(Some(policy(&options)?), &join.hint)?),
        (Some("NONE" | "PARTIAL"), false) => {
            return Err(SqlError::new(format!(
                "'{}' is read whole, so 'lookup.cache' cannot be '{}'",
                join.name,
                cache.unwrap_or_default()
            ))
            .about(cache.unwrap_or_default())
            .help("leave the option out, or write 'FULL'"));
        }
        (Some(_), _) => {
            let cache = cache.unwrap_or_default();
            let error = SqlError::new(format!("'lookup.cache' is '{cache}'")).about(cache);
            return Err(error.help("write 'NONE', 'PARTIAL' or 'FULL'"));
        }
    };
    let partial = options.keys().find(|k| k.starts_with("lookup.partial-cache."));
    if let Some(key) = partial.filter(|_| kind.as_deref() != Some("PARTIAL")) {
        return Err(SqlError::new(format!("'{key}' goes with 'lookup.cache' = 'PARTIAL' only")).about(key));
    }
    if let Some(strategy) = option("lookup.full-cache.reload-strategy").filter(|s| !s.eq_ignore_ascii_case("PERIODIC")) {
        return Err(SqlError::not_yet(format!("'lookup.full-cache.reload-strategy' = '{strategy}'"))
            .about(strategy)
            .help("write 'PERIODIC'"));
    }
    let interval = option("lookup.full-cache.periodic-reload.interval");
    let reload_ms = interval.map(|text| duration("lookup.full-cache.periodic-reload.interval", text)).transpose()?;
    Ok(LookupForm { name: join.name.clone(), reload_ms, retry: retry(&join.hint)?, by_key })
}

/// What is remembered of single look-ups.
fn policy(options: &BTreeMap<String, String>) -> SqlResult<CachePolicy> {
    let option = |key: &str| options.get(key).map(String::as_str);
    let time = |key: &str| option(key).map(|text| duration(key, text)).transpose();
    let wrong =
        |key: &str, text: &str, right: &str| SqlError::new(format!("'{key}' is '{text}'")).about(text).help(format!("write {right}"));
    let rows = option(MAX_ROWS).map(|text| match text.parse() {
        Ok(rows) if rows > 0 => Ok(rows),
        _ => Err(wrong(MAX_ROWS, text, "a number from 1 on")),
    });
    let missing_keys = match option(MISSING_KEY).map(str::to_ascii_lowercase).as_deref() {
        None | Some("true") => true,
        Some("false") => false,
        Some(other) => return Err(wrong(MISSING_KEY, other, "'true' or 'false'")),
    };
    Ok(CachePolicy {
        keys_max: rows.transpose()?,
        expire_after_access_ms: time(AFTER_ACCESS)?,
        expire_after_write_ms: time(AFTER_WRITE)?,
        missing_keys,
    })
}

/// What the LOOKUP hint says about requests. Rows come out in their order whatever the output mode is.
fn by_key(cache: Option<CachePolicy>, hint: &[(String, String)]) -> SqlResult<LookupByKey> {
    let option = |key: &str| hint.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    let capacity = option("capacity").map(|text| match text.parse() {
        Ok(capacity) if capacity > 0 => Ok(capacity),
        _ => Err(SqlError::new(format!("'capacity' of the LOOKUP hint is '{text}'")).about(text).help("write a number from 1 on")),
    });
    let one = option("async").is_some_and(|flag| flag.eq_ignore_ascii_case("false"));
    let timeout_ms = option("timeout").map(|text| duration("timeout", text)).transpose()?;
    let in_flight = if one { Some(1) } else { capacity.transpose()? };
    Ok(LookupByKey { cache, in_flight, timeout_ms: timeout_ms.map(|ms| ms as u64) })
}

fn duration(key: &str, text: &str) -> SqlResult<i64> {
    let error = || SqlError::new(format!("'{key}' is '{text}'")).about(text).help("write a duration such as '10 s'");
    parse_duration_ms(text).filter(|ms| *ms > 0).ok_or_else(error)
}

/// What the LOOKUP hint says about misses.
fn retry(hint: &[(String, String)]) -> SqlResult<Option<Retry>> {
    let option = |key: &str| hint.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    if let Some(flag) = option("async").filter(|v| !v.eq_ignore_ascii_case("true") && !v.eq_ignore_ascii_case("false")) {
        return Err(SqlError::new(format!("'async' of the LOOKUP hint is '{flag}'")).about(flag).help("write 'true' or 'false'"));
    }
    let ordered = ["ordered", "allow_unordered"];
    if let Some(mode) = option("output-mode").filter(|mode| !ordered.iter().any(|known| mode.eq_ignore_ascii_case(known))) {
        let error = SqlError::new(format!("'output-mode' of the LOOKUP hint is '{mode}'")).about(mode);
        return Err(error.help("write 'ordered' or 'allow_unordered'"));
    }
    let parts = ["retry-predicate", "retry-strategy", "fixed-delay", "max-attempts"];
    let given: Vec<&str> = parts.iter().filter_map(|key| option(key)).collect();
    if given.is_empty() {
        return Ok(None);
    }
    let [predicate, strategy, delay, attempts] = given[..] else {
        let missing: Vec<&str> = parts.into_iter().filter(|key| option(key).is_none()).collect();
        return Err(SqlError::new(format!("the LOOKUP hint lacks {}", missing.join(", "))).about("LOOKUP").help(
            "to retry, write 'retry-predicate'='lookup_miss', 'retry-strategy'='fixed_delay', 'fixed-delay'='10s', 'max-attempts'='3'",
        ));
    };
    for (value, only) in [(predicate, "lookup_miss"), (strategy, "fixed_delay")] {
        if !value.eq_ignore_ascii_case(only) {
            return Err(SqlError::new(format!("the LOOKUP hint does not know '{value}'")).about(value).help(format!("write '{only}'")));
        }
    }
    let wrong =
        || SqlError::new(format!("'max-attempts' of the LOOKUP hint is '{attempts}'")).about(attempts).help("write a number from 1 on");
    let attempts = attempts.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?;
    Ok(Some(Retry { attempts, delay_ms: duration("fixed-delay", delay)? as u64 }))
}
