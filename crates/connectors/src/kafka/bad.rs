//! Messages that cannot be decoded, as rows: what `t$bad` reads.

use std::collections::BTreeMap;

use flott_engine::Result;
use flott_engine::source::Decoded;

use super::decode::{KEYLESS, MESSAGE_BYTES_MAX, MessageChunk, huge, run};
use super::messages::Pieces;
use crate::bad_records::{self, BadEntry};
use crate::formats::{Decode, Stop};

/// The column that is to blame, if one is, and what is wrong.
type Wrong = (Option<String>, String);

impl MessageChunk {
    /// The messages that cannot be decoded: each once, with the first thing that is wrong.
    pub(super) fn bad_messages(&self, wanted: &[usize]) -> Result<Decoded> {
        let plan = &self.plan;
        let mut found: BTreeMap<usize, Wrong> = BTreeMap::new();
        for message in (0..self.set.len()).filter(|m| self.set.values.get(*m).is_some_and(|v| v.len() > MESSAGE_BYTES_MAX)) {
            found.insert(message, (None, huge()));
        }
        if let Some(decode) = &plan.key {
            let keys = plan.lined(&self.set.keys, decode.as_ref(), false);
            for message in (0..self.set.len()).filter(|m| plan.upsert() && self.set.keys.is_null(*m)) {
                found.entry(message).or_insert_with(|| (None, KEYLESS.to_owned()));
            }
            for (message, (column, reason)) in self.undecodable(decode.as_ref(), &keys)? {
                found.entry(message).or_insert((column, format!("the key: {reason}")));
            }
        }
        let values = plan.lined(&self.set.values, plan.value.as_ref(), false);
        for (message, what) in self.undecodable(plan.value.as_ref(), &values)? {
            found.entry(message).or_insert(what);
        }
        let entry = |(message, (column, reason)): (usize, Wrong)| BadEntry {
            source: self.topic.to_string(),
            partition: Some(self.partition),
            offset: self.set.offsets[message],
            line: None,
            key: self.set.keys.get(message).map(<[u8]>::to_vec),
            value: self.set.values.get(message).map(<[u8]>::to_vec),
            column,
            reason,
            time: self.set.times.get(message).map(|(ms, _)| *ms),
        };
        let entries: Vec<BadEntry> = found.into_iter().map(entry).collect();
        let bytes = (self.set.values.bytes.len() + self.set.keys.bytes.len()) as u64;
        Ok(Decoded::clean(bad_records::rows(&entries, wanted)?, bytes))
    }

    /// What is wrong with keys or values, by message.
    fn undecodable(&self, decode: &dyn Decode, pieces: &Pieces) -> Result<Vec<(usize, Wrong)>> {
        let (mut found, mut from, all) = (vec![], 0, pieces.ends.len());
        let mut to = all;
        while from < all {
            match run(decode, pieces, from..to, false) {
                // More were taken in part than are kept: fewer at once.
                Ok((rows, _)) if rows.bad_rows as usize > rows.bad.len() && to > from + 1 => to = from + (to - from) / 2,
                Ok((rows, _)) => {
                    let start = pieces.start(from);
                    found.extend(rows.bad.into_iter().map(|bad| (pieces.piece_at(start + bad.offset), (bad.column, bad.reason))));
                    (from, to) = (to, all);
                }
                Err(Stop::Other(error)) => return Err(error.at(format!("topic {}, partition {}", self.topic, self.partition))),
                Err(Stop::Record(bad)) => {
                    let message = pieces.piece_at(pieces.start(from) + bad.offset);
                    found.push((message, (bad.column, bad.reason)));
                    (from, to) = (message + 1, all);
                }
            }
        }
        Ok(found)
    }
}
