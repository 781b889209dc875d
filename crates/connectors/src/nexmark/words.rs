//! The texts of Nexmark events: fixed lists, channels with their addresses, random words and filling.

use std::sync::OnceLock;

use crate::datagen::random::{Key, below};

pub(crate) const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];
pub(crate) const CITIES: [&str; 10] =
    ["Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"];
pub(crate) const FIRST_NAMES: [&str; 11] = ["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"];
pub(crate) const LAST_NAMES: [&str; 9] = ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];

/// The channels that half of the bids come through. Their addresses carry no channel id.
const HOT_CHANNELS: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];
/// How many other channels there are.
const OTHER_CHANNELS: u64 = 10_000;
/// Random words have at least this many characters, before blanks at their ends are cut off.
const WORD_LENGTH_MIN: u64 = 3;
/// Bytes in the pool that `extra` texts are cut from.
const FILLING_BYTES: usize = 1 << 16;

/// Texts that are the same for every configuration, made once in a process.
pub(crate) struct Words {
    channels: Arena,
    urls: Arena,
    filling: Vec<u8>,
}

impl Words {
    pub(crate) fn get() -> &'static Words {
        static WORDS: OnceLock<Words> = OnceLock::new();
        WORDS.get_or_init(Words::new)
    }

    fn new() -> Self {
        let key = Key::new(0x6E65_786D_6172_6B00);
        let (mut channels, mut urls) = (Arena::default(), Arena::default());
        for (i, name) in HOT_CHANNELS.iter().enumerate() {
            channels.push(name.as_bytes());
            urls.push(&base_url(key.named("hot").child(i as u64)));
        }
        for i in 0..OTHER_CHANNELS {
            channels.push(format!("channel-{i}").as_bytes());
            let own = key.named("other").child(i);
            let mut url = base_url(own);
            if below(own.at(9), 10) > 0 {
                let id = (i as i32).reverse_bits().wrapping_abs();
                url.extend_from_slice(format!("&channel_id={id}").as_bytes());
            }
            urls.push(&url);
        }
        let letters = key.named("filling");
        let filling = (0..FILLING_BYTES as u64).map(|i| b'a' + below(letters.at(i), 26) as u8).collect();
        Self { channels, urls, filling }
    }

    /// Which channel a bid with this random number came through: the hot ones in half of the cases.
    #[inline]
    pub(crate) fn choose_channel(&self, random: u64) -> usize {
        // The top bit decides on hot or not, the others choose.
        let hot = HOT_CHANNELS.len() as u64;
        let rest = random << 1;
        if random >> 63 == 1 { below(rest, hot) as usize } else { (hot + below(rest, OTHER_CHANNELS)) as usize }
    }

    pub(crate) fn channel(&self, index: usize) -> &[u8] {
        self.channels.get(index)
    }

    pub(crate) fn url(&self, index: usize) -> &[u8] {
        self.urls.get(index)
    }

    /// Appends a text that brings an event of `own_bytes` to `average_bytes` on average, give or take a fifth of what is missing.
    #[inline]
    pub(crate) fn fill(&self, key: Key, own_bytes: usize, average_bytes: usize, out: &mut Vec<u8>) {
        let Some(missing) = average_bytes.checked_sub(own_bytes).filter(|m| *m > 0) else { return };
        let fifth = (missing as f64 * 0.2).round() as u64;
        let mut length = missing - fifth as usize + below(key.at(0), 2 * fifth) as usize;
        let mut start = below(key.at(1), (FILLING_BYTES / 2) as u64) as usize;
        while length > 0 {
            let part = length.min(FILLING_BYTES - start);
            out.extend_from_slice(&self.filling[start..start + part]);
            length -= part;
            start = 0;
        }
    }
}

/// Many short texts in one piece of memory.
#[derive(Default)]
struct Arena {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Arena {
    fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u32);
    }

    #[inline]
    fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start as usize..self.ends[index] as usize]
    }
}

fn base_url(key: Key) -> Vec<u8> {
    let mut url = b"https://www.nexmark.com/".to_vec();
    for part in 0..3 {
        word(key.child(part), 5, b'_', &mut url);
        url.push(b'/');
    }
    url.extend_from_slice(b"item.htm?query=1");
    url
}

/// 26 letters twelve times and 26 places for the special character, which so is one in 13.
const LETTERS: [u8; 338] = {
    let mut letters = [0; 338];
    let mut i = 0;
    while i < 312 {
        letters[i] = b'a' + (i % 26) as u8;
        i += 1;
    }
    letters
};

/// Appends a word of 3 to `length_max - 1` characters: letters and, one in 13, `special`. Blanks at both ends are cut off.
#[inline]
pub(crate) fn word(key: Key, length_max: u64, special: u8, out: &mut Vec<u8>) {
    let mut left = (WORD_LENGTH_MIN + below(key.at(0), length_max - WORD_LENGTH_MIN)) as usize;
    let start = out.len();
    let mut draw = 1;
    while left > 0 {
        // 16 bits choose a character, so four come out of one number.
        let random = key.at(draw);
        draw += 1;
        let mut four = [0u8; 4];
        for (i, c) in four.iter_mut().enumerate() {
            let letter = LETTERS[(((random >> (16 * i)) & 0xFFFF) as usize * LETTERS.len()) >> 16];
            *c = if letter == 0 { special } else { letter };
        }
        let taken = left.min(4);
        out.extend_from_slice(&four[..taken]);
        left -= taken;
    }
    if special == b' ' {
        trim(out, start);
    }
}

/// Cuts blanks off both ends of `out[start..]`.
#[inline]
fn trim(out: &mut Vec<u8>, start: usize) {
    while out.len() > start && out[out.len() - 1] == b' ' {
        out.pop();
    }
    let blanks = out[start..].iter().take_while(|c| **c == b' ').count();
    if blanks > 0 {
        out.drain(start..start + blanks);
    }
}
