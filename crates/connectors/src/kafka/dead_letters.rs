//! Messages that cannot be decoded, written to a topic of their own.
//!
//! Workers put them here while they decode; the thread that reads sends them on; a checkpoint waits until they are stored. After a
//! crash those since the last checkpoint come again: topic, partition and offset in the headers tell them.

use std::sync::{Mutex, PoisonError};

use flott_engine::{Error, Result};

use super::producer::Producer;
use super::record::Record;

/// A value that is longer is cut: the place tells where the whole of it is.
const VALUE_BYTES_MAX: usize = 512 << 10;
const CUT_BYTES: usize = 64 << 10;

/// A message that was refused.
#[derive(Debug)]
pub struct DeadLetter {
    /// Where it was.
    pub topic: String,
    /// Where it was.
    pub partition: i32,
    /// Where it was.
    pub offset: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// What is wrong with it.
    pub reason: String,
    /// The column that is to blame, if one is.
    pub column: Option<String>,
    /// When it was stored, milliseconds.
    pub timestamp: Option<i64>,
    /// Its headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// See the module.
pub struct DeadLetters {
    waiting: Mutex<Vec<DeadLetter>>,
    producer: Mutex<Producer>,
}

impl DeadLetters {
    /// Letters go where the producer sends to.
    pub fn new(producer: Producer) -> Self {
        Self { waiting: Mutex::default(), producer: Mutex::new(producer) }
    }

    /// Fails if the topic is not there.
    pub fn check(&self) -> Result<()> {
        self.producer.lock().unwrap_or_else(PoisonError::into_inner).check_topic().map_err(about)
    }

    /// Takes a letter. Does no I/O.
    pub fn push(&self, letter: DeadLetter) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
    }

    /// Hands letters that wait to the client.
    pub fn send(&self) -> Result<()> {
        self.send_with(&mut self.producer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns when all letters are stored.
    pub fn settle(&self) -> Result<()> {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        self.send_with(&mut producer)?;
        producer.flush().map_err(about)
    }

    fn send_with(&self, producer: &mut Producer) -> Result<()> {
        let letters = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for letter in letters {
            let (partition, offset) = (letter.partition.to_string(), letter.offset.to_string());
            let column = letter.column.as_ref().map(|column| ("flott.column", Some(column.as_bytes())));
            let own = [
                ("flott.topic", Some(letter.topic.as_bytes())),
                ("flott.partition", Some(partition.as_bytes())),
                ("flott.offset", Some(offset.as_bytes())),
                ("flott.error", Some(letter.reason.as_bytes())),
            ];
            let sent = letter.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
            let headers = own.into_iter().chain(column).chain(sent).collect();
            let whole = letter.value.as_deref();
            let value = whole.map(|value| if value.len() > VALUE_BYTES_MAX { &value[..CUT_BYTES] } else { value });
            let key = letter.key.as_deref();
            producer
                .send_one(&Record { key, value, partition: None, topic: None, timestamp: letter.timestamp.filter(|ms| *ms >= 0), headers })
                .map_err(about)?;
        }
        producer.serve().map_err(about)
    }
}

fn about(error: Error) -> Error {
    error.at("messages that cannot be decoded")
}
