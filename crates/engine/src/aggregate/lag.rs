//! LAG: the value so many rows before the last one.

use arrow::array::{Array, ArrayRef, AsArray, Int32Array};
use arrow::datatypes::{DataType, Int32Type};
use std::sync::Arc;

use super::ordered::push;
use super::{AggInput, AggSpec, Aggregate, for_rows, only_arg};
use crate::state::column::{Column, ColumnKind};
use crate::state::value::{Encoder, decode, encoder};
use crate::{Error, Result};

/// Binds LAG: a value, the offset if it comes with the rows, and perhaps the value that stands for a row that is not there.
pub fn bind(spec: &AggSpec, offset: Option<usize>) -> Result<Arc<dyn Aggregate>> {
    let input = only_arg(spec)?.clone();
    if spec.retract || spec.distinct {
        return Err(Error::config("LAG looks back over all rows: none of them can leave"));
    }
    Ok(Arc::new(Lag { offset, input }))
}

/// First byte of a value that is not null.
const SOME: u8 = 1;
/// The byte that stands for NULL.
const NULL: u8 = 0;
/// Bytes of the running number in front of a value.
const NUMBER_BYTES: usize = 8;

/// The last values under running numbers, and the default that came with the last row. An offset that comes with the rows holds from
/// its row on: a smaller one forgets values that a larger one behind it would have asked for, as in Flink.
struct Lag {
    offset: Option<usize>,
    input: DataType,
}

/// The offset that came with a row.
fn offset_of(offsets: &Int32Array, row: usize) -> Result<i64> {
    match offsets.is_valid(row).then(|| offsets.value(row)) {
        Some(offset) if offset >= 0 => Ok(i64::from(offset)),
        Some(offset) => Err(Error::data(format!("the offset of LAG is {offset}; it must be 0 or more"))),
        None => Err(Error::data("the offset of LAG is NULL; it must be 0 or more")),
    }
}

fn encode_value(encode: &Encoder<'_>, values: &ArrayRef, row: usize, bytes: &mut Vec<u8>) {
    bytes.clear();
    if values.is_null(row) {
        bytes.push(NULL);
    } else {
        bytes.push(SOME);
        encode(row, bytes);
    }
}

impl Aggregate for Lag {
    fn columns(&self) -> Vec<ColumnKind> {
        let mut columns = vec![ColumnKind::Bag, ColumnKind::I64, ColumnKind::Bytes];
        columns.extend(self.offset.is_none().then_some(ColumnKind::I64));
        columns
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let [queues, next, defaults, offsets @ ..] = state else { return Err(Error::internal("LAG has three fields")) };
        let (queues, next, defaults) = (queues.bags_mut(), next.i64s_mut(), defaults.bytes_mut());
        let values = &input.args[0];
        let encode = encoder(values)?;
        let mut computed = match (self.offset, offsets.first_mut()) {
            (None, Some(offsets)) => Some((offsets.i64s_mut(), input.args[1].as_primitive::<Int32Type>())),
            _ => None,
        };
        let mut wrong = Ok(());
        let default = input.args.get(1 + usize::from(self.offset.is_none())).map(|d| Ok::<_, Error>((d, encoder(d)?))).transpose()?;
        let mut bytes = vec![];
        for_rows(slots, input, None, |row, slot, _| {
            encode_value(&encode, values, row, &mut bytes);
            push(&mut queues[slot], &mut next[slot], &bytes);
            let offset = match (&mut computed, self.offset) {
                (Some((offsets, given)), _) => match offset_of(given, row) {
                    Ok(offset) => {
                        offsets[slot] = offset;
                        offset as usize
                    }
                    Err(error) => {
                        wrong = Err(error);
                        return;
                    }
                },
                (None, offset) => offset.unwrap_or(1),
            };
            while queues[slot].len() > offset + 1 {
                queues[slot].pop_first();
            }
            if let Some((array, encode)) = &default {
                encode_value(encode, array, row, &mut bytes);
                defaults[slot] = Some(bytes.as_slice().into());
            }
        });
        wrong
    }

    fn merge(&self, _: &mut [Column], _: &[u32], _: &[ArrayRef]) -> Result<()> {
        Err(Error::internal("LAG has no partial results"))
    }

    fn mergeable(&self) -> bool {
        false
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let (queues, defaults) = (state[0].bags(), state[2].bytes());
        let values = slots.iter().map(|slot| {
            let queue = &queues[*slot as usize];
            let offset = self.offset.unwrap_or_else(|| state[3].i64s()[*slot as usize] as usize);
            let value = match queue.first_key_value() {
                Some((key, _)) if queue.len() > offset => Some(&key[NUMBER_BYTES..]),
                _ => defaults[*slot as usize].as_deref(),
            };
            value.filter(|v| v[0] == SOME).map(|v| &v[1..])
        });
        decode(&self.input, values)
    }
}
