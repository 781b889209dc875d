//! Parameters of the Nexmark generator: how many of which events, how fast, how skewed.

use flott_engine::{Error, Result};

/// Events of a group are walked in steps of this many, a prime number.
pub(crate) const SHUFFLE_STEP: u64 = 953;

/// Parameters of the generator. Two equal configurations give equal events.
#[derive(Debug, Clone, PartialEq)]
pub struct NexmarkConfig {
    /// Chooses one of many equally distributed streams.
    pub seed: u64,
    /// Event time of the first event, in milliseconds since 1970.
    pub base_time_ms: i64,
    /// Events per second of event time.
    pub rate: Rate,
    /// Persons in every `person + auction + bid` events.
    pub person_proportion: u64,
    /// Auctions in every `person + auction + bid` events.
    pub auction_proportion: u64,
    /// Bids in every `person + auction + bid` events.
    pub bid_proportion: u64,
    /// Average size of a person, in bytes; `extra` fills it up.
    pub person_bytes: usize,
    /// Average size of an auction, in bytes; `extra` fills it up.
    pub auction_bytes: usize,
    /// Average size of a bid, in bytes; `extra` fills it up.
    pub bid_bytes: usize,
    /// One bid in this many goes to any auction in flight, the others to the hot one.
    pub hot_auction_ratio: u64,
    /// One bid in this many comes from any active person, the others from the hot bidder.
    pub hot_bidder_ratio: u64,
    /// One auction in this many is of any active person, the others are of the hot seller.
    pub hot_seller_ratio: u64,
    /// How many auctions are open at any time, on average.
    pub auctions_in_flight: u64,
    /// How many of the latest persons bid and sell.
    pub active_persons: u64,
    /// Events are shuffled within groups of this many; 1 keeps them in order of event time.
    pub out_of_order_group: u64,
}

impl Default for NexmarkConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            base_time_ms: 0,
            rate: Rate::default(),
            person_proportion: 1,
            auction_proportion: 3,
            bid_proportion: 46,
            person_bytes: 200,
            auction_bytes: 500,
            bid_bytes: 100,
            hot_auction_ratio: 2,
            hot_bidder_ratio: 4,
            hot_seller_ratio: 4,
            auctions_in_flight: 100,
            active_persons: 1000,
            out_of_order_group: 1,
        }
    }
}

impl NexmarkConfig {
    /// Events in one round of proportions.
    pub fn total_proportion(&self) -> u64 {
        self.person_proportion + self.auction_proportion + self.bid_proportion
    }

    /// Refuses values that the formulas cannot take.
    pub fn validate(&self) -> Result<()> {
        let positive = [
            ("first-event.rate", self.rate.first),
            ("next-event.rate", self.rate.next),
            ("rate.period", self.rate.period_s),
            ("bid.hot-ratio.auctions", self.hot_auction_ratio),
            ("bid.hot-ratio.bidders", self.hot_bidder_ratio),
            ("auction.hot-ratio.sellers", self.hot_seller_ratio),
            ("out-of-order.group-size", self.out_of_order_group),
        ];
        for (key, value) in positive {
            if value == 0 {
                return Err(Error::config(format!("the option '{key}' is 0")).help("Write at least 1"));
            }
        }
        if self.out_of_order_group.is_multiple_of(SHUFFLE_STEP) {
            // Steps of 953 would come back to the same event again and again.
            return Err(
                Error::config(format!("the option 'out-of-order.group-size' is a multiple of {SHUFFLE_STEP}")).help("Write another number")
            );
        }
        // Large proportions would overflow the id formulas long before they are of any use.
        const PROPORTION_MAX: u64 = 1_000_000;
        for (key, value) in [
            ("person.proportion", self.person_proportion),
            ("auction.proportion", self.auction_proportion),
            ("bid.proportion", self.bid_proportion),
        ] {
            if value > PROPORTION_MAX {
                return Err(Error::config(format!("the option '{key}' is {value}")).help(format!("Write at most {PROPORTION_MAX}")));
            }
        }
        if self.total_proportion() == 0 {
            return Err(Error::config("the proportions of persons, auctions and bids are all 0, so there are no events")
                .help("Set at least one of 'person.proportion', 'auction.proportion', 'bid.proportion' above 0"));
        }
        Ok(())
    }
}

/// How the event rate changes over event time, when first and next rate differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateShape {
    /// Jumps between the two rates.
    Square,
    /// Swings between the two rates, in ten steps.
    Sine,
}

/// Events per second of event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Events per second at first.
    pub first: u64,
    /// Events per second that the shape goes to.
    pub next: u64,
    /// How it goes there and back.
    pub shape: RateShape,
    /// Seconds in which it goes there and back.
    pub period_s: u64,
}

impl Default for Rate {
    fn default() -> Self {
        Self { first: 10_000, next: 10_000, shape: RateShape::Square, period_s: 600 }
    }
}

/// Maps event numbers to event time.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    /// The steps of one period; a single one if the rate is constant.
    steps: Vec<Step>,
    events_per_period: u64,
    period_us: f64,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    events: u64,
    delay_us: f64,
}

impl Timeline {
    pub(crate) fn new(rate: &Rate) -> Self {
        let delay_us = |per_second: f64| 1_000_000.0 / per_second;
        if rate.first == rate.next {
            let step = Step { events: u64::MAX, delay_us: delay_us(rate.first as f64) };
            return Self { steps: vec![step], events_per_period: u64::MAX, period_us: 0.0 };
        }
        let (first, next) = (rate.first as f64, rate.next as f64);
        let rates: Vec<f64> = match rate.shape {
            RateShape::Square => vec![first, next],
            RateShape::Sine => (0..10)
                .map(|i| {
                    let angle = 2.0 * std::f64::consts::PI * f64::from(i) / 10.0;
                    ((first + next) / 2.0 + (first - next) / 2.0 * angle.cos()).round().max(1.0)
                })
                .collect(),
        };
        let step_us = rate.period_s.div_ceil(rates.len() as u64) as f64 * 1_000_000.0;
        let steps: Vec<Step> =
            rates.iter().map(|r| Step { events: ((step_us / delay_us(*r)) as u64).max(1), delay_us: delay_us(*r) }).collect();
        Self {
            events_per_period: steps.iter().map(|s| s.events).sum(),
            period_us: steps.iter().map(|s| s.events as f64 * s.delay_us).sum(),
            steps,
        }
    }

    /// Milliseconds from the first event to the event of this number. Grows with the number.
    #[inline]
    pub(crate) fn offset_ms(&self, number: u64) -> i64 {
        match self.steps.as_slice() {
            [only] => (number as f64 * only.delay_us) as i64 / 1000,
            _ => self.shaped_offset_ms(number),
        }
    }

    fn shaped_offset_ms(&self, number: u64) -> i64 {
        let mut rest = number % self.events_per_period;
        let mut us = (number / self.events_per_period) as f64 * self.period_us;
        for step in &self.steps {
            if rest < step.events {
                us += rest as f64 * step.delay_us;
                break;
            }
            rest -= step.events;
            us += step.events as f64 * step.delay_us;
        }
        us as i64 / 1000
    }
}
