//! Reads option values of any type that has a text form, as [`Options`] does for the common ones.

use std::str::FromStr;

use flott_engine::{Error, Result};

use crate::options::Options;

/// An option's value; `None` if it is not given. `wanted` says what to write.
pub(crate) fn value<T: FromStr>(options: &Options<'_>, key: &str, wanted: &str) -> Result<Option<T>> {
    options.get(key).map(|text| text.trim().parse().map_err(|_| wrong(options, key, wanted))).transpose()
}

/// The error for a value that does not parse.
pub(crate) fn wrong(options: &Options<'_>, key: &str, wanted: &str) -> Error {
    let text = options.get(key).unwrap_or_default();
    options.error(&format!("'{key}' = '{text}' is not valid")).help(format!("Write {wanted}"))
}
