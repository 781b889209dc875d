//! The types and the scalar functions of Flink SQL, with Flink's result types and values, over Arrow arrays.
//!
//! A function is one [`Def`] in the table of its group's file: names, arguments, result type, text for the user and the
//! code, side by side. [`all`] hands them to the planner, [`catalog`] to people. Nothing here reads the system clock, a
//! file or the network: time, zone and randomness come from [`clock`].

mod arg;
mod arithmetic;
mod binary;
mod bitmap;
mod cast;
mod cast_text;
mod cast_value;
pub mod clock;
mod collection;
mod collection_sets;
mod conditional;
mod construct;
pub mod data_type;
mod date_format;
mod decimal;
mod def;
mod fdlibm;
mod hash;
mod ieee;
mod interval;
mod json;
mod json_path;
mod json_text;
mod like;
mod misc;
mod of_arrays;
mod output;
mod pad;
mod parse_time;
mod printf;
mod regexp;
mod rounding;
mod search;
mod string;
mod temporal;
mod temporal_text;
mod time_unit;
mod type_text;
pub mod types;
mod url;
mod utf16;
mod values;
mod variant;
mod vector;
mod zone;

use std::sync::Arc;

use datafusion_expr::ScalarUDF;

pub use binary::{flink_binary, time_arithmetic};
pub use cast::{can_cast, cast_target, cast_to};
pub use clock::{EvalContext, context, with_clock, with_context};
use def::{Def, Function};
pub use ieee::PREFIX as IEEE;
pub use misc::{type_of, type_text};
pub use zone::Zone;

/// What a user may want to know of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionInfo {
    /// The name as SQL writes it, in upper case; of an operator that is no call, the lower-case name it has here.
    pub name: &'static str,
    /// Its other names, in lower case.
    pub aliases: &'static [&'static str],
    /// Its group: `arithmetic`, `string`, `temporal`, …
    pub category: &'static str,
    /// The form of the call.
    pub signature: &'static str,
    /// What it returns, in a sentence or two.
    pub description: &'static str,
    /// A call with its result, or empty.
    pub example: &'static str,
}

/// Functions that Flink 2.3 lacks, by their names in upper case, and what helps there.
pub const NOT_IN_FLINK: &[(&str, &str)] = &[
    ("IS_VALID_UTF8", "a later Flink has it"),
    ("MAKE_VALID_UTF8", "a later Flink has it; there, DECODE(bytes, 'UTF-8') does the same"),
    ("CLASSIFIER", "there, a measure for each variable tells the same"),
    ("MATCH_NUMBER", "there, a measure for each variable tells the same"),
    ("NEXT", "there, put a variable for the row that follows behind it"),
    ("PREV", "there, compute LAG(…) OVER (…) in a sub-query before MATCH_RECOGNIZE, and use its column"),
];

const GROUPS: &[(&str, &[Def])] = &[
    ("arithmetic", arithmetic::FUNCTIONS),
    ("arithmetic", rounding::FUNCTIONS),
    ("string", string::FUNCTIONS),
    ("string", pad::FUNCTIONS),
    ("string", search::FUNCTIONS),
    ("string", regexp::FUNCTIONS),
    ("string", url::FUNCTIONS),
    ("comparison", like::FUNCTIONS),
    ("comparison", ieee::FUNCTIONS),
    ("temporal", temporal::FUNCTIONS),
    ("temporal", temporal_text::FUNCTIONS),
    ("temporal", interval::FUNCTIONS),
    ("conditional", conditional::FUNCTIONS),
    ("hash", hash::FUNCTIONS),
    ("collection", collection::FUNCTIONS),
    ("collection", collection_sets::FUNCTIONS),
    ("construction", construct::FUNCTIONS),
    ("json", json::FUNCTIONS),
    ("json", variant::FUNCTIONS),
    ("bitmap", bitmap::FUNCTIONS),
    ("aggregate", of_arrays::FUNCTIONS),
    ("other", misc::FUNCTIONS),
];

/// Every scalar function under its lower-case name, with its aliases.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    GROUPS.iter().flat_map(|(_, defs)| defs.iter()).map(|def| Arc::new(ScalarUDF::new_from_impl(Function::new(def)))).collect()
}

/// The function of this lower-case name or alias.
pub fn find(name: &str) -> Option<Arc<ScalarUDF>> {
    GROUPS
        .iter()
        .flat_map(|(_, defs)| defs.iter())
        .find(|def| def.name == name || def.aliases.contains(&name))
        .map(|def| Arc::new(ScalarUDF::new_from_impl(Function::new(def))))
}

/// What a user may call, group by group; functions that only the dialect itself calls are left out.
pub fn catalog() -> Vec<FunctionInfo> {
    let visible = |def: &&Def| !def.signature.is_empty();
    GROUPS.iter().flat_map(|(category, defs)| defs.iter().filter(visible).map(move |def| def.info(category))).collect()
}

#[cfg(test)]
mod tests;
