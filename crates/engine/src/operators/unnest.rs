//! UNNEST: each row once per element of a collection that it holds.

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, OffsetSizeTrait, RecordBatch, UInt32Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int32Type, SchemaRef};
use std::sync::Arc;

use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::State;
use crate::{Batch, Error, Result};

/// Appends the elements of a collection to the rows that hold it.
#[derive(Clone)]
pub struct Unnest {
    /// The column with the collection: an array, or a map.
    pub collection: usize,
    /// The map is a multiset: an element stands as often as its count says.
    pub multiset: bool,
    /// Rows without elements stay, with NULLs.
    pub left: bool,
    /// The place of the element, counted from 1, is the last column.
    pub ordinality: bool,
    /// Columns of the input that are passed on; the others are not copied.
    pub keep: Vec<usize>,
    /// Those columns, the columns of an element, the place.
    pub schema: SchemaRef,
}

/// Elements of all rows of a batch.
struct Elements {
    /// Columns of an element, over the collection's own elements.
    columns: Vec<ArrayRef>,
    /// For each row that comes out, the row it comes from.
    rows: Vec<u32>,
    /// For each row that comes out, its element; none: NULLs.
    elements: Vec<Option<u32>>,
    /// For each row that comes out, the element's place.
    places: Vec<Option<i32>>,
}

impl Unnest {
    fn elements(&self, collection: &ArrayRef) -> Result<Elements> {
        match collection.data_type() {
            DataType::List(_) => {
                self.of_lists(collection, |i| range(collection.as_list::<i32>().value_offsets(), i), collection.as_list::<i32>().values())
            }
            DataType::LargeList(_) => {
                self.of_lists(collection, |i| range(collection.as_list::<i64>().value_offsets(), i), collection.as_list::<i64>().values())
            }
            DataType::Map(..) => {
                let map = collection.as_map();
                let entries = |i: usize| range(map.value_offsets(), i);
                let columns = vec![map.keys().clone(), map.values().clone()];
                if self.multiset {
                    let counts = map.values().as_primitive_opt::<Int32Type>().ok_or_else(|| Error::internal("a multiset counts"))?;
                    let times = |element: usize| counts.value(element).max(0) as usize;
                    return Ok(self.spread(collection, entries, &|_| true, &times, flat(map.keys())));
                }
                Ok(self.spread(collection, entries, &|_| true, &|_| 1, columns))
            }
            other => Err(Error::internal(format!("{other} has no elements"))),
        }
    }

    fn of_lists(&self, lists: &ArrayRef, range: impl Fn(usize) -> (usize, usize), values: &ArrayRef) -> Result<Elements> {
        // A ROW that is NULL gives no row; any other NULL is an element.
        let is_row = matches!(values.data_type(), DataType::Struct(_));
        Ok(self.spread(lists, range, &|element| !is_row || values.is_valid(element), &|_| 1, flat(values)))
    }

    fn spread(
        &self,
        collection: &ArrayRef,
        range: impl Fn(usize) -> (usize, usize),
        counts: &dyn Fn(usize) -> bool,
        times: &dyn Fn(usize) -> usize,
        columns: Vec<ArrayRef>,
    ) -> Elements {
        let mut spread = Elements { columns, rows: vec![], elements: vec![], places: vec![] };
        for row in 0..collection.len() {
            let (from, to) = if collection.is_null(row) { (0, 0) } else { range(row) };
            let before = spread.rows.len();
            for (place, element) in (from..to).enumerate().filter(|(_, e)| counts(*e)) {
                for _ in 0..times(element) {
                    spread.rows.push(row as u32);
                    spread.elements.push(Some(element as u32));
                    spread.places.push(Some(place as i32 + 1));
                }
            }
            if self.left && spread.rows.len() == before {
                spread.rows.push(row as u32);
                spread.elements.push(None);
                spread.places.push(None);
            }
        }
        spread
    }

    fn unnest(&self, batch: &Batch) -> Result<Batch> {
        let spread = self.elements(batch.column(self.collection))?;
        let rows = UInt32Array::from(spread.rows);
        let mut columns = self.keep.iter().map(|c| Ok(take(batch.column(*c), &rows, None)?)).collect::<Result<Vec<_>>>()?;
        let elements = UInt32Array::from(spread.elements);
        for column in &spread.columns {
            // Nothing can be taken out of an empty array, not even NULL.
            let empty = column.is_empty();
            columns.push(if empty { new_null_array(column.data_type(), elements.len()) } else { take(column, &elements, None)? });
        }
        if self.ordinality {
            columns.push(Arc::new(Int32Array::from(spread.places)));
        }
        let kinds = batch.kinds.as_ref().map(|kinds| rows.values().iter().map(|row| kinds[*row as usize]).collect());
        Ok(Batch { rows: RecordBatch::try_new(self.schema.clone(), columns)?, kinds })
    }
}

fn range<O: OffsetSizeTrait>(offsets: &[O], row: usize) -> (usize, usize) {
    (offsets[row].as_usize(), offsets[row + 1].as_usize())
}

/// The columns of an element: the fields of a ROW, NULL where it is, else the element itself.
fn flat(values: &ArrayRef) -> Vec<ArrayRef> {
    match values.as_struct_opt() {
        Some(rows) => {
            let (_, columns, nulls) = rows.clone().into_parts();
            let masked = |column: ArrayRef| match &nulls {
                Some(nulls) if nulls.null_count() > 0 => {
                    let both = arrow::buffer::NullBuffer::union(column.nulls(), Some(nulls));
                    let data = column.to_data().into_builder().nulls(both).build();
                    data.map_or(column, arrow::array::make_array)
                }
                _ => column,
            };
            columns.into_iter().map(masked).collect()
        }
        None => vec![values.clone()],
    }
}

impl Operator for Unnest {
    fn step(&mut self, _: &Tick, inputs: &mut Inputs, _: &mut State, out: &mut Output) -> Result<()> {
        for batch in inputs.iter().flatten() {
            out.emit(self.unnest(batch)?);
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::RowKind;
    use arrow::array::{Int32Builder, ListArray, MapBuilder, StringArray, StringBuilder};
    use arrow::datatypes::{Field, Schema};

    fn run(collection: ArrayRef, element: &[(&str, DataType)], left: bool, ordinality: bool, multiset: bool) -> Vec<String> {
        let names: ArrayRef = Arc::new(StringArray::from_iter_values((0..collection.len()).map(|i| format!("r{i}"))));
        let kinds = (0..collection.len()).map(|i| if i % 2 == 0 { RowKind::Insert } else { RowKind::Delete }).collect();
        let rows = RecordBatch::try_from_iter([("name", names), ("c", collection)]).unwrap();
        let mut fields = vec![Field::new("name", DataType::Utf8, true)];
        fields.extend(element.iter().map(|(n, t)| Field::new(*n, t.clone(), true)));
        if ordinality {
            fields.push(Field::new("place", DataType::Int32, true));
        }
        let operator = Unnest { collection: 1, multiset, left, ordinality, keep: vec![0], schema: Arc::new(Schema::new(fields)) };
        let out = operator.unnest(&Batch::changes(rows, kinds)).unwrap();
        let cell = |c: &ArrayRef, row| arrow::util::display::array_value_to_string(c, row).unwrap();
        (0..out.len())
            .map(|row| out.kind(row).symbol().to_string() + &out.rows.columns().iter().map(|c| cell(c, row)).collect::<Vec<_>>().join("|"))
            .collect()
    }

    #[test]
    fn elements_of_arrays() {
        let lists = || -> ArrayRef {
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
                Some(vec![Some(7), None]),
                Some(vec![]),
                None,
                Some(vec![Some(9)]),
            ]))
        };
        let element = [("e", DataType::Int32)];
        assert_eq!(run(lists(), &element, false, true, false), ["+Ir0|7|1", "+Ir0||2", "-Dr3|9|1"]);
        assert_eq!(run(lists(), &element, true, false, false), ["+Ir0|7", "+Ir0|", "-Dr1|", "+Ir2|", "-Dr3|9"]);
        assert_eq!(run(lists().slice(3, 1), &element, false, false, false), ["+Ir0|9"]);
        assert_eq!(run(lists().slice(1, 1), &element, true, false, false), ["+Ir0|"]);
    }

    #[test]
    fn entries_of_maps_and_multisets() {
        let mut builder = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
        builder.keys().append_value("a");
        builder.values().append_value(2);
        builder.keys().append_value("b");
        builder.values().append_value(1);
        builder.append(true).unwrap();
        let map: ArrayRef = Arc::new(builder.finish());
        assert_eq!(run(map.clone(), &[("k", DataType::Utf8), ("v", DataType::Int32)], false, false, false), ["+Ir0|a|2", "+Ir0|b|1"]);
        assert_eq!(run(map, &[("e", DataType::Utf8)], false, false, true), ["+Ir0|a", "+Ir0|a", "+Ir0|b"]);
    }
}
