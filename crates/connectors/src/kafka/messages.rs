//! Messages on their way from the client to a worker: many of them in a few buffers.

use std::mem::size_of;

use super::queue::Message;

/// What is kept of messages besides value and offset.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// The key.
    pub key: bool,
    /// Time and its kind.
    pub timestamp: bool,
    /// The leader's epoch.
    pub leader_epoch: bool,
    /// Headers.
    pub headers: bool,
    /// Values are lines: a line break in one is replaced by another blank.
    pub value_lines: bool,
    /// As for values.
    pub key_lines: bool,
}

/// Keys or values that lie end to end, each with a line break behind it. One that is NULL has no bytes at all.
#[derive(Debug, Default, Clone)]
pub struct Pieces {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Where each one ends, behind its line break.
    pub ends: Vec<u32>,
}

impl Pieces {
    /// Adds one.
    pub fn push(&mut self, piece: Option<&[u8]>, lines: bool) {
        if let Some(piece) = piece {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(piece);
            if lines && memchr::memchr(b'\n', piece).is_some() {
                // A carriage return is a blank between values, too, and as little allowed inside of one.
                self.bytes[start..].iter_mut().filter(|b| **b == b'\n').for_each(|b| *b = b'\r');
            }
            self.bytes.push(b'\n');
        }
        self.ends.push(self.bytes.len() as u32);
    }

    /// Where a piece starts.
    pub fn start(&self, i: usize) -> usize {
        if i == 0 { 0 } else { self.ends[i - 1] as usize }
    }

    /// A piece without its line break; `None`: NULL.
    pub fn get(&self, i: usize) -> Option<&[u8]> {
        self.bytes[self.start(i)..self.ends[i] as usize].split_last().map(|(_, piece)| piece)
    }

    /// Whether a piece is NULL.
    pub fn is_null(&self, i: usize) -> bool {
        self.start(i) == self.ends[i] as usize
    }

    /// The piece in which a byte lies.
    pub fn piece_at(&self, byte: usize) -> usize {
        self.ends.partition_point(|end| *end as usize <= byte)
    }

    /// The same with another blank for each line break in a piece.
    pub fn as_lines(&self) -> Self {
        let mut lines = Self::default();
        (0..self.ends.len()).for_each(|i| lines.push(self.get(i), true));
        lines
    }

    fn append(&mut self, other: &mut Self) {
        let offset = self.bytes.len() as u32;
        self.bytes.append(&mut other.bytes);
        self.ends.extend(other.ends.drain(..).map(|end| end + offset));
    }
}

/// Headers of messages, end to end.
#[derive(Debug, Default, Clone)]
pub struct Headers {
    /// Name and value.
    pub entries: Vec<(String, Option<Vec<u8>>)>,
    /// How many entries there are up to and with those of each message.
    pub ends: Vec<u32>,
}

impl Headers {
    /// Those of a message; none if they were not wanted.
    pub fn of(&self, message: usize) -> &[(String, Option<Vec<u8>>)] {
        let end = |i: usize| self.ends.get(i).map_or(0, |end| *end as usize);
        let start = message.checked_sub(1).map_or(0, end);
        self.entries.get(start..end(message)).unwrap_or_default()
    }
}

/// Messages of one partition, in order.
#[derive(Debug, Default, Clone)]
pub struct MessageSet {
    /// Their offsets.
    pub offsets: Vec<i64>,
    /// Their values.
    pub values: Pieces,
    /// Their keys, if wanted.
    pub keys: Pieces,
    /// Their times in milliseconds and what those are, if wanted.
    pub times: Vec<(i64, &'static str)>,
    /// Epochs of the leaders that stored them, if wanted.
    pub leader_epochs: Vec<Option<i32>>,
    /// Their headers, if wanted.
    pub headers: Headers,
}

impl MessageSet {
    /// Adds a message.
    pub fn push(&mut self, message: &Message<'_>, wanted: &Wanted) {
        self.offsets.push(message.offset());
        self.values.push(message.value(), wanted.value_lines);
        if wanted.key {
            self.keys.push(message.key(), wanted.key_lines);
        }
        if wanted.timestamp {
            self.times.push(message.timestamp());
        }
        if wanted.leader_epoch {
            self.leader_epochs.push(message.leader_epoch());
        }
        if wanted.headers {
            message.headers(|name, value| self.headers.entries.push((name.to_owned(), value.map(<[u8]>::to_vec))));
            self.headers.ends.push(self.headers.entries.len() as u32);
        }
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        self.values.bytes.len() + self.keys.bytes.len() + self.len() * size_of::<(i64, u32)>() + self.headers.entries.len() * 32
    }

    /// The offset of the first message.
    pub fn first(&self) -> i64 {
        self.offsets.first().copied().unwrap_or_default()
    }

    /// The offset behind the last message.
    pub fn next(&self) -> i64 {
        self.offsets.last().map_or(0, |last| last + 1)
    }

    /// Puts the messages of another set, which follow these, behind them.
    pub fn append(&mut self, mut other: Self) {
        self.offsets.append(&mut other.offsets);
        self.values.append(&mut other.values);
        self.keys.append(&mut other.keys);
        self.times.append(&mut other.times);
        self.leader_epochs.append(&mut other.leader_epochs);
        let offset = self.headers.entries.len() as u32;
        self.headers.entries.append(&mut other.headers.entries);
        self.headers.ends.extend(other.headers.ends.iter().map(|end| end + offset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_keep_apart() {
        let mut pieces = Pieces::default();
        for piece in [Some(&b"a\nb"[..]), None, Some(b""), Some(b"c")] {
            pieces.push(piece, true);
        }
        let all: Vec<_> = (0..4).map(|i| pieces.get(i)).collect();
        assert_eq!(all, [Some(&b"a\rb"[..]), None, Some(b""), Some(b"c")]);
        assert_eq!((pieces.piece_at(0), pieces.piece_at(4), pieces.piece_at(5)), (0, 2, 3));
        let mut more = pieces.clone();
        more.append(&mut pieces);
        assert_eq!((more.get(7), more.is_null(5), more.ends.len()), (Some(&b"c"[..]), true, 8));
    }
}
