//! Nexmark events as Arrow columns: only the columns asked for, and of a ROW only the fields asked for.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray, StructArray, TimestampMillisecondArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute;
use arrow::datatypes::{DataType, Field, Fields, SchemaRef, TimeUnit};
use flott_engine::{Error, Result};

use super::events::{Event, EventType, Generator};

impl Generator {
    /// The events of these numbers as rows. `schema` says which columns are wanted, by name, in any order: `event_type`,
    /// `person`, `auction`, `bid`; each of the last three is a struct of any of its fields. Fails on other names and on types
    /// that the values do not cast to.
    pub fn generate(&self, range: Range<u64>, schema: &SchemaRef) -> Result<RecordBatch> {
        let rows = (range.end - range.start) as usize;
        let columns = schema.fields().iter().map(|f| self.column(&range, f)).collect::<Result<Vec<ArrayRef>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
    }

    /// About how many bytes a row of this schema takes, averaged over the types of events.
    pub(crate) fn row_bytes(&self, schema: &SchemaRef) -> usize {
        let config = &self.config;
        let each = |field: &Field| {
            let (proportion, extra_bytes) = match field.name().as_str() {
                "person" => (config.person_proportion, config.person_bytes),
                "auction" => (config.auction_proportion, config.auction_bytes),
                _ => (config.bid_proportion, config.bid_bytes),
            };
            let DataType::Struct(children) = field.data_type() else { return 4 };
            let texts: usize = children
                .iter()
                .map(|c| match c.name().as_str() {
                    "extra" => extra_bytes,
                    "url" | "description" => 64,
                    _ => 8,
                })
                .sum();
            // Every row has a place for every field, but texts only where the event is of that type.
            children.len() * 8 + texts * proportion as usize / config.total_proportion() as usize
        };
        schema.fields().iter().map(|f| each(f)).sum::<usize>().max(1)
    }

    fn column(&self, range: &Range<u64>, field: &Field) -> Result<ArrayRef> {
        let kind = match field.name().as_str() {
            "event_type" => {
                let types = Int32Array::from_iter_values(range.clone().map(|n| self.event_type(n) as i32));
                return cast(Arc::new(types), field);
            }
            "person" => EventType::Person,
            "auction" => EventType::Auction,
            "bid" => EventType::Bid,
            other => return Err(unknown_column(other)),
        };
        let DataType::Struct(children) = field.data_type() else {
            return Err(Error::config(format!("the column '{}' must be a ROW", field.name())).help(DDL_HELP));
        };
        let events = Events::collect(self, range, kind);
        let columns = children.iter().map(|c| cast(self.child(&events, field.name(), c)?, c)).collect::<Result<Vec<_>>>()?;
        struct_of(children, columns, &events)
    }

    /// One field of one of the three rows.
    fn child(&self, events: &Events, row: &str, field: &Field) -> Result<ArrayRef> {
        let name = field.name().as_str();
        match events.kind {
            EventType::Person => match name {
                "id" => events.longs(|e| self.person_id(e)),
                "name" => events.texts(12, |e, out| self.person_name(e, out)),
                "emailAddress" => events.texts(16, |e, out| self.person_email(e, out)),
                "creditCard" => events.texts(19, |e, out| self.person_card(e, out)),
                "city" => events.texts(9, |e, out| out.extend_from_slice(self.person_city(e).as_bytes())),
                "state" => events.texts(2, |e, out| out.extend_from_slice(self.person_state(e).as_bytes())),
                "dateTime" => events.times(|e| e.time_ms),
                "extra" => events.texts(self.config.person_bytes, |e, out| self.person_extra(e, out)),
                _ => Err(unknown_field(row, name)),
            },
            EventType::Auction => match name {
                "id" => events.longs(|e| self.auction_id(e)),
                "itemName" => events.texts(20, |e, out| self.auction_item(e, out)),
                "description" => events.texts(52, |e, out| self.auction_description(e, out)),
                "initialBid" => events.longs(|e| self.auction_initial_bid(e)),
                "reserve" => events.longs(|e| self.auction_reserve(e)),
                "dateTime" => events.times(|e| e.time_ms),
                "expires" => events.times(|e| self.auction_expires_ms(e)),
                "seller" => events.longs(|e| self.auction_seller(e)),
                "category" => events.longs(|e| self.auction_category(e)),
                "extra" => events.texts(self.config.auction_bytes, |e, out| self.auction_extra(e, out)),
                _ => Err(unknown_field(row, name)),
            },
            EventType::Bid => match name {
                "auction" => events.longs(|e| self.bid_auction(e)),
                "bidder" => events.longs(|e| self.bid_bidder(e)),
                "price" => events.longs(|e| self.bid_price(e)),
                "channel" => events.texts(10, |e, out| out.extend_from_slice(self.bid_channel(e))),
                "url" => events.texts(70, |e, out| out.extend_from_slice(self.bid_url(e))),
                "dateTime" => events.times(|e| e.time_ms),
                "extra" => events.texts(self.config.bid_bytes, |e, out| self.bid_extra(e, out)),
                _ => Err(unknown_field(row, name)),
            },
        }
    }
}

const DDL_HELP: &str = "Declare event_type INT, person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, \
    state STRING, dateTime TIMESTAMP(3), extra STRING>, auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, \
    reserve BIGINT, dateTime TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>, bid ROW<auction BIGINT, \
    bidder BIGINT, price BIGINT, channel STRING, url STRING, dateTime TIMESTAMP(3), extra STRING>, or any part of it";

fn unknown_column(name: &str) -> Error {
    Error::config(format!("Nexmark events have no column '{name}'")).help(DDL_HELP)
}

fn unknown_field(row: &str, name: &str) -> Error {
    Error::config(format!("Nexmark events have no field '{name}' in '{row}'")).help(DDL_HELP)
}

/// Brings a column to its declared type, which is the type it has in nearly all tables.
fn cast(column: ArrayRef, field: &Field) -> Result<ArrayRef> {
    if column.data_type() == field.data_type() {
        return Ok(column);
    }
    compute::cast(&column, field.data_type())
        .map_err(|e| Error::config(format!("the field '{}' cannot have the type {}: {e}", field.name(), field.data_type())).help(DDL_HELP))
}

fn struct_of(fields: &Fields, columns: Vec<ArrayRef>, events: &Events) -> Result<ArrayRef> {
    let nulls = events.nulls.clone();
    let array = StructArray::try_new_with_length(fields.clone(), columns, nulls, events.rows)?;
    Ok(Arc::new(array))
}

/// The events of one type among the rows of a range.
struct Events {
    kind: EventType,
    rows: usize,
    /// The row of each event, ascending.
    at: Vec<u32>,
    events: Vec<Event>,
    /// Null where the row is an event of another type.
    nulls: Option<NullBuffer>,
}

impl Events {
    fn collect(generator: &Generator, range: &Range<u64>, kind: EventType) -> Self {
        let rows = (range.end - range.start) as usize;
        let expected = if kind == EventType::Bid { rows } else { rows / 8 };
        let (mut at, mut events) = (Vec::with_capacity(expected), Vec::with_capacity(expected));
        let valid = BooleanBuffer::collect_bool(rows, |row| {
            let number = range.start + row as u64;
            let hit = generator.event_type(number) == kind;
            if hit {
                at.push(row as u32);
                events.push(generator.event(number));
            }
            hit
        });
        let nulls = (events.len() < rows).then(|| NullBuffer::new(valid));
        Self { kind, rows, at, events, nulls }
    }

    fn values(&self, value: impl Fn(&Event) -> i64) -> ScalarBuffer<i64> {
        let mut values = vec![0; self.rows];
        for (row, event) in self.at.iter().zip(&self.events) {
            values[*row as usize] = value(event);
        }
        values.into()
    }

    fn longs(&self, value: impl Fn(&Event) -> i64) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::try_new(self.values(value), self.nulls.clone())?))
    }

    fn times(&self, value: impl Fn(&Event) -> i64) -> Result<ArrayRef> {
        Ok(Arc::new(TimestampMillisecondArray::try_new(self.values(value), self.nulls.clone())?))
    }

    /// `bytes_each` is about the length of a text.
    fn texts(&self, bytes_each: usize, write: impl Fn(&Event, &mut Vec<u8>)) -> Result<ArrayRef> {
        let mut bytes = Vec::with_capacity(self.events.len() * bytes_each + 64);
        let mut offsets = Vec::with_capacity(self.rows + 1);
        for (row, event) in self.at.iter().zip(&self.events) {
            offsets.resize(*row as usize + 1, bytes.len() as i32);
            write(event, &mut bytes);
        }
        let Ok(end) = i32::try_from(bytes.len()) else {
            return Err(Error::config("The texts of one batch exceed 2 GiB").help("Lower the 'avg-size' options"));
        };
        offsets.resize(self.rows + 1, end);
        Ok(Arc::new(StringArray::try_new(OffsetBuffer::new(offsets.into()), bytes.into(), self.nulls.clone())?))
    }
}

/// Refuses tables with columns that Nexmark events do not have, by making no row of them.
pub(crate) fn check_schema(generator: &Generator, schema: &SchemaRef) -> Result<()> {
    generator.generate(0..0, schema).map(|_| ())
}

/// The schema of all columns.
pub fn nexmark_schema() -> SchemaRef {
    let long = |name: &str| Field::new(name, DataType::Int64, true);
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let time = |name: &str| Field::new(name, DataType::Timestamp(TimeUnit::Millisecond, None), true);
    let row = |name: &str, fields: Vec<Field>| Field::new(name, DataType::Struct(fields.into()), true);
    let person = vec![
        long("id"),
        text("name"),
        text("emailAddress"),
        text("creditCard"),
        text("city"),
        text("state"),
        time("dateTime"),
        text("extra"),
    ];
    let auction = vec![
        long("id"),
        text("itemName"),
        text("description"),
        long("initialBid"),
        long("reserve"),
        time("dateTime"),
        time("expires"),
        long("seller"),
        long("category"),
        text("extra"),
    ];
    let bid = vec![long("auction"), long("bidder"), long("price"), text("channel"), text("url"), time("dateTime"), text("extra")];
    Arc::new(arrow::datatypes::Schema::new(vec![
        Field::new("event_type", DataType::Int32, true),
        row("person", person),
        row("auction", auction),
        row("bid", bid),
    ]))
}
