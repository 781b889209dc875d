//! The events of Nexmark: which event a number stands for, and the value of each of its fields.
//!
//! Every value is a pure function of (configuration, event number) and draws from a stream of its own, so fields that nobody
//! reads cost nothing and change nothing. Ids, ratios and sizes follow the Nexmark benchmark as Apache Beam and the Nexmark
//! project define it; event 0 is the first person and has the base time.

use super::config::{NexmarkConfig, SHUFFLE_STEP, Timeline};
use super::words::{self, Words};
use crate::datagen::random::{Key, below, unit};
use flott_engine::Result;

/// Id of the first auction.
pub const FIRST_AUCTION_ID: i64 = 1000;
/// Id of the first person.
pub const FIRST_PERSON_ID: i64 = 1000;
/// Id of the first of the five categories.
pub const FIRST_CATEGORY_ID: i64 = 10;
const CATEGORIES: u64 = 5;
/// Bids and auctions may name persons and auctions that come so many ids later.
const ID_LEAD: u64 = 10;
/// One in so many persons and auctions is a hot one.
const HOT_EVERY: i64 = 100;

/// What happens in an event; the number is that of column `event_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// A person signs up.
    Person = 0,
    /// An item is put up for auction.
    Auction = 1,
    /// A bid is made.
    Bid = 2,
}

/// An event before its fields are worked out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) kind: EventType,
    /// Event time, in milliseconds since 1970.
    pub(crate) time_ms: i64,
    /// Number in order of event time.
    number: u64,
    /// Which round of proportions.
    round: i64,
    /// Place in its round.
    place: u64,
    key: Key,
}

/// Streams of an event; each random value has its own.
mod draw {
    pub const HOT_AUCTION: u64 = 0;
    pub const AUCTION: u64 = 1;
    pub const HOT_PERSON: u64 = 2;
    pub const PERSON: u64 = 3;
    pub const PRICE: u64 = 4;
    pub const RESERVE: u64 = 5;
    pub const CHANNEL: u64 = 6;
    pub const EXTRA: u64 = 7;
    pub const CATEGORY: u64 = 8;
    pub const LENGTH: u64 = 9;
    pub const NAME: u64 = 10;
    pub const DESCRIPTION: u64 = 11;
    pub const EMAIL: u64 = 12;
    pub const EMAIL_HOST: u64 = 13;
    pub const CARD: u64 = 14;
    pub const CITY: u64 = 15;
    pub const STATE: u64 = 16;
    pub const LAST_NAME: u64 = 17;
}

/// Makes Nexmark events, any range of them at any time.
pub struct Generator {
    pub(crate) config: NexmarkConfig,
    timeline: Timeline,
    total: u64,
    key: Key,
    words: &'static Words,
}

impl Generator {
    /// A generator; fails on a configuration that the formulas cannot take.
    pub fn new(config: NexmarkConfig) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            timeline: Timeline::new(&config.rate),
            total: config.total_proportion(),
            key: Key::new(config.seed),
            words: Words::get(),
            config,
        })
    }

    /// What happens in the event of this number.
    #[inline]
    pub fn event_type(&self, number: u64) -> EventType {
        self.type_at(self.in_group(number) % self.total)
    }

    /// Event time of the event of this number before shuffling, in milliseconds since 1970. Never falls as numbers grow.
    #[inline]
    pub fn time_ms(&self, number: u64) -> i64 {
        self.config.base_time_ms + self.timeline.offset_ms(number)
    }

    #[inline]
    fn type_at(&self, place: u64) -> EventType {
        if place < self.config.person_proportion {
            EventType::Person
        } else if place < self.config.person_proportion + self.config.auction_proportion {
            EventType::Auction
        } else {
            EventType::Bid
        }
    }

    /// The number in order of event time of the event that is handed out as `number`-th: groups are walked in steps of
    /// [`SHUFFLE_STEP`].
    #[inline]
    fn in_group(&self, number: u64) -> u64 {
        match self.config.out_of_order_group {
            1 => number,
            size => number / size * size + number.wrapping_mul(SHUFFLE_STEP) % size,
        }
    }

    #[inline]
    pub(crate) fn event(&self, number: u64) -> Event {
        let number = self.in_group(number);
        let (round, place) = (number / self.total, number % self.total);
        Event { kind: self.type_at(place), time_ms: self.time_ms(number), number, round: round as i64, place, key: self.key.child(number) }
    }

    /// The latest person at an event, counted from 0.
    #[inline]
    fn last_person(&self, e: &Event) -> i64 {
        let persons = self.config.person_proportion as i64;
        e.round * persons + (e.place as i64).min(persons - 1)
    }

    /// The latest auction at an event, counted from 0; -1 before the first.
    #[inline]
    fn last_auction(&self, e: &Event) -> i64 {
        let auctions = self.config.auction_proportion as i64;
        match e.kind {
            EventType::Person => e.round * auctions - 1,
            EventType::Auction => e.round * auctions + (e.place - self.config.person_proportion) as i64,
            EventType::Bid => e.round * auctions + auctions - 1,
        }
    }

    /// One of the active persons, or one who is yet to come.
    #[inline]
    fn any_person(&self, e: &Event) -> i64 {
        let persons = self.last_person(e) + 1;
        let active = persons.min(self.config.active_persons as i64);
        persons - active + below(e.key.at(draw::PERSON), active as u64 + ID_LEAD) as i64
    }

    /// One of the auctions in flight, or one that is yet to come.
    #[inline]
    fn any_auction(&self, e: &Event) -> i64 {
        let last = self.last_auction(e);
        let first = (last - self.config.auctions_in_flight as i64).max(0);
        first + below(e.key.at(draw::AUCTION), (last - first + 1) as u64 + ID_LEAD) as i64
    }

    // Persons.

    #[inline]
    pub(crate) fn person_id(&self, e: &Event) -> i64 {
        FIRST_PERSON_ID + self.last_person(e)
    }

    pub(crate) fn person_name(&self, e: &Event, out: &mut Vec<u8>) {
        out.extend_from_slice(pick(&words::FIRST_NAMES, e.key.at(draw::NAME)).as_bytes());
        out.push(b' ');
        out.extend_from_slice(pick(&words::LAST_NAMES, e.key.at(draw::LAST_NAME)).as_bytes());
    }

    pub(crate) fn person_email(&self, e: &Event, out: &mut Vec<u8>) {
        words::word(e.key.child(draw::EMAIL), 7, b' ', out);
        out.push(b'@');
        words::word(e.key.child(draw::EMAIL_HOST), 5, b' ', out);
        out.extend_from_slice(b".com");
    }

    pub(crate) fn person_card(&self, e: &Event, out: &mut Vec<u8>) {
        let key = e.key.child(draw::CARD);
        for part in 0..4 {
            if part > 0 {
                out.push(b' ');
            }
            let n = below(key.at(part), 10_000) as u16;
            out.extend_from_slice(&[n / 1000, n / 100 % 10, n / 10 % 10, n % 10].map(|digit| b'0' + digit as u8));
        }
    }

    pub(crate) fn person_city(&self, e: &Event) -> &'static str {
        pick(&words::CITIES, e.key.at(draw::CITY))
    }

    pub(crate) fn person_state(&self, e: &Event) -> &'static str {
        pick(&words::STATES, e.key.at(draw::STATE))
    }

    pub(crate) fn person_extra(&self, e: &Event, out: &mut Vec<u8>) {
        // The texts before it decide on its length, so they are written and taken back.
        let start = out.len();
        self.person_name(e, out);
        self.person_email(e, out);
        self.person_card(e, out);
        let own = 8 + out.len() - start + self.person_city(e).len() + self.person_state(e).len();
        out.truncate(start);
        self.words.fill(e.key.child(draw::EXTRA), own, self.config.person_bytes, out);
    }

    // Auctions.

    #[inline]
    pub(crate) fn auction_id(&self, e: &Event) -> i64 {
        FIRST_AUCTION_ID + self.last_auction(e)
    }

    pub(crate) fn auction_item(&self, e: &Event, out: &mut Vec<u8>) {
        words::word(e.key.child(draw::NAME), 20, b' ', out);
    }

    pub(crate) fn auction_description(&self, e: &Event, out: &mut Vec<u8>) {
        words::word(e.key.child(draw::DESCRIPTION), 100, b' ', out);
    }

    pub(crate) fn auction_initial_bid(&self, e: &Event) -> i64 {
        price(e.key.at(draw::PRICE))
    }

    pub(crate) fn auction_reserve(&self, e: &Event) -> i64 {
        self.auction_initial_bid(e) + price(e.key.at(draw::RESERVE))
    }

    /// Auctions last so long that the wanted number of them is open on average.
    pub(crate) fn auction_expires_ms(&self, e: &Event) -> i64 {
        let events_ahead = self.config.auctions_in_flight * self.total / self.config.auction_proportion.max(1);
        let horizon_ms = self.time_ms(e.number + events_ahead) - e.time_ms;
        e.time_ms + 1 + below(e.key.at(draw::LENGTH), (2 * horizon_ms).max(1) as u64) as i64
    }

    pub(crate) fn auction_seller(&self, e: &Event) -> i64 {
        let hot = below(e.key.at(draw::HOT_PERSON), self.config.hot_seller_ratio) > 0;
        FIRST_PERSON_ID + if hot { self.last_person(e) / HOT_EVERY * HOT_EVERY } else { self.any_person(e) }
    }

    pub(crate) fn auction_category(&self, e: &Event) -> i64 {
        FIRST_CATEGORY_ID + below(e.key.at(draw::CATEGORY), CATEGORIES) as i64
    }

    pub(crate) fn auction_extra(&self, e: &Event, out: &mut Vec<u8>) {
        let start = out.len();
        self.auction_item(e, out);
        self.auction_description(e, out);
        let own = 6 * 8 + out.len() - start;
        out.truncate(start);
        self.words.fill(e.key.child(draw::EXTRA), own, self.config.auction_bytes, out);
    }

    // Bids.

    #[inline]
    pub(crate) fn bid_auction(&self, e: &Event) -> i64 {
        let hot = below(e.key.at(draw::HOT_AUCTION), self.config.hot_auction_ratio) > 0;
        FIRST_AUCTION_ID + if hot { self.last_auction(e) / HOT_EVERY * HOT_EVERY } else { self.any_auction(e) }
    }

    /// The hot bidder is the neighbour of the hot seller, so that the two do not coincide.
    #[inline]
    pub(crate) fn bid_bidder(&self, e: &Event) -> i64 {
        let hot = below(e.key.at(draw::HOT_PERSON), self.config.hot_bidder_ratio) > 0;
        FIRST_PERSON_ID + if hot { self.last_person(e) / HOT_EVERY * HOT_EVERY + 1 } else { self.any_person(e) }
    }

    #[inline]
    pub(crate) fn bid_price(&self, e: &Event) -> i64 {
        price(e.key.at(draw::PRICE))
    }

    pub(crate) fn bid_channel(&self, e: &Event) -> &'static [u8] {
        self.words.channel(self.words.choose_channel(e.key.at(draw::CHANNEL)))
    }

    pub(crate) fn bid_url(&self, e: &Event) -> &'static [u8] {
        self.words.url(self.words.choose_channel(e.key.at(draw::CHANNEL)))
    }

    #[inline]
    pub(crate) fn bid_extra(&self, e: &Event, out: &mut Vec<u8>) {
        self.words.fill(e.key.child(draw::EXTRA), 4 * 8, self.config.bid_bytes, out);
    }
}

#[inline]
fn pick(list: &[&'static str], random: u64) -> &'static str {
    list[below(random, list.len() as u64) as usize]
}

/// A price in cents: 10 to a power that is uniform in 0..6, so every order of magnitude is equally likely.
///
/// The power is worked out here and not by the system's library, whose last digits differ between systems.
#[inline]
fn price(random: u64) -> i64 {
    let exponent = unit(random) * 6.0 * std::f64::consts::LOG2_10;
    let whole = exponent.floor();
    // 2^exponent = 2^whole * sqrt(2) * e^x with |x| < 0.35, where a short series is exact to 11 digits.
    let x = (exponent - whole - 0.5) * std::f64::consts::LN_2;
    let mut series = 1.0;
    for n in (1..=9).rev() {
        series = 1.0 + series * x / f64::from(n);
    }
    (series * std::f64::consts::SQRT_2 * (1u64 << whole as u32) as f64 * 100.0).round() as i64
}
