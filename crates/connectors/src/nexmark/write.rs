//! Nexmark events as text: JSON lines in the nested form, or CSV of one entity.

use std::io::{self, Write};
use std::ops::Range;

use chrono::DateTime;

use super::events::{Event, EventType, Generator};

/// Text is handed to the writer in pieces of about this size.
const PIECE_BYTES: usize = 256 * 1024;

impl Generator {
    /// Writes the events of these numbers, one JSON object a line, with the columns of the table: `event_type`, `person`,
    /// `auction` and `bid`, of which two are null. Fails when the writer does.
    pub fn write_json(&self, range: Range<u64>, out: &mut dyn Write) -> io::Result<()> {
        self.write_lines(range, out, |generator, event, clock, line| {
            let (opening, closing): (&[u8], &[u8]) = match event.kind {
                EventType::Person => (b"{\"event_type\":0,\"person\":{", b"},\"auction\":null,\"bid\":null}\n"),
                EventType::Auction => (b"{\"event_type\":1,\"person\":null,\"auction\":{", b"},\"bid\":null}\n"),
                EventType::Bid => (b"{\"event_type\":2,\"person\":null,\"auction\":null,\"bid\":{", b"}}\n"),
            };
            line.extend_from_slice(opening);
            generator.write_fields(event, &mut Json { line, clock, first: true });
            line.extend_from_slice(closing);
        })
    }

    /// Writes those events of these numbers that are of one type, one CSV line each, with the fields of that row in declared
    /// order and without a header. No value needs quoting. Fails when the writer does.
    pub fn write_csv(&self, range: Range<u64>, kind: EventType, out: &mut dyn Write) -> io::Result<()> {
        self.write_lines(range, out, |generator, event, clock, line| {
            if event.kind == kind {
                generator.write_fields(event, &mut Csv { line, clock, first: true });
                line.push(b'\n');
            }
        })
    }

    fn write_lines(
        &self,
        range: Range<u64>,
        out: &mut dyn Write,
        line: impl Fn(&Self, &Event, &mut Clock, &mut Vec<u8>),
    ) -> io::Result<()> {
        let mut piece = Vec::with_capacity(PIECE_BYTES + 4096);
        let mut clock = Clock::new();
        for number in range {
            line(self, &self.event(number), &mut clock, &mut piece);
            if piece.len() >= PIECE_BYTES {
                out.write_all(&piece)?;
                piece.clear();
            }
        }
        out.write_all(&piece)
    }

    #[inline]
    fn write_fields(&self, e: &Event, row: &mut impl RowWriter) {
        match e.kind {
            EventType::Person => {
                row.long("id", self.person_id(e));
                row.text("name", |out| self.person_name(e, out));
                row.text("emailAddress", |out| self.person_email(e, out));
                row.text("creditCard", |out| self.person_card(e, out));
                row.text("city", |out| out.extend_from_slice(self.person_city(e).as_bytes()));
                row.text("state", |out| out.extend_from_slice(self.person_state(e).as_bytes()));
                row.time("dateTime", e.time_ms);
                row.text("extra", |out| self.person_extra(e, out));
            }
            EventType::Auction => {
                row.long("id", self.auction_id(e));
                row.text("itemName", |out| self.auction_item(e, out));
                row.text("description", |out| self.auction_description(e, out));
                row.long("initialBid", self.auction_initial_bid(e));
                row.long("reserve", self.auction_reserve(e));
                row.time("dateTime", e.time_ms);
                row.time("expires", self.auction_expires_ms(e));
                row.long("seller", self.auction_seller(e));
                row.long("category", self.auction_category(e));
                row.text("extra", |out| self.auction_extra(e, out));
            }
            EventType::Bid => {
                row.long("auction", self.bid_auction(e));
                row.long("bidder", self.bid_bidder(e));
                row.long("price", self.bid_price(e));
                row.text("channel", |out| out.extend_from_slice(self.bid_channel(e)));
                row.text("url", |out| out.extend_from_slice(self.bid_url(e)));
                row.time("dateTime", e.time_ms);
                row.text("extra", |out| self.bid_extra(e, out));
            }
        }
    }
}

/// Takes the fields of a row, in order. Texts consist of letters, digits, blanks and `@.:/?=&-_` alone: nothing to escape.
trait RowWriter {
    fn long(&mut self, name: &str, value: i64);
    fn time(&mut self, name: &str, time_ms: i64);
    fn text(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>));
}

struct Json<'a> {
    line: &'a mut Vec<u8>,
    clock: &'a mut Clock,
    first: bool,
}

impl Json<'_> {
    #[inline]
    fn name(&mut self, name: &str) {
        if !std::mem::take(&mut self.first) {
            self.line.push(b',');
        }
        self.line.push(b'"');
        self.line.extend_from_slice(name.as_bytes());
        self.line.extend_from_slice(b"\":");
    }
}

impl RowWriter for Json<'_> {
    #[inline]
    fn long(&mut self, name: &str, value: i64) {
        self.name(name);
        self.line.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    #[inline]
    fn time(&mut self, name: &str, time_ms: i64) {
        self.name(name);
        self.line.push(b'"');
        self.line.extend_from_slice(self.clock.text(time_ms));
        self.line.push(b'"');
    }

    #[inline]
    fn text(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.name(name);
        self.line.push(b'"');
        write(self.line);
        self.line.push(b'"');
    }
}

struct Csv<'a> {
    line: &'a mut Vec<u8>,
    clock: &'a mut Clock,
    first: bool,
}

impl Csv<'_> {
    #[inline]
    fn separate(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.line.push(b',');
        }
    }
}

impl RowWriter for Csv<'_> {
    #[inline]
    fn long(&mut self, _: &str, value: i64) {
        self.separate();
        self.line.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    #[inline]
    fn time(&mut self, _: &str, time_ms: i64) {
        self.separate();
        self.line.extend_from_slice(self.clock.text(time_ms));
    }

    #[inline]
    fn text(&mut self, _: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.separate();
        write(self.line);
    }
}

/// Writes times as `2024-01-01 00:00:00.123`. Neighbouring events share a second, whose text is kept.
struct Clock {
    second: i64,
    text: Vec<u8>,
}

impl Clock {
    fn new() -> Self {
        Self { second: i64::MIN, text: vec![] }
    }

    #[inline]
    fn text(&mut self, time_ms: i64) -> &[u8] {
        let (second, ms) = (time_ms.div_euclid(1000), time_ms.rem_euclid(1000) as u16);
        if second != self.second {
            // Times beyond the calendar of chrono (year 262,000) are shown as the epoch's start.
            let time = DateTime::from_timestamp(second, 0).unwrap_or_default();
            self.text = time.format("%Y-%m-%d %H:%M:%S.000").to_string().into_bytes();
            self.second = second;
        }
        let digits = self.text.len() - 3;
        self.text[digits..].copy_from_slice(&[ms / 100, ms / 10 % 10, ms % 10].map(|digit| b'0' + digit as u8));
        &self.text
    }
}
