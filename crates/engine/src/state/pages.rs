//! Rows by number, kept as columns in pages: many of them become columns again at once, without being decoded one by one.

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::DataType;

use crate::Result;

/// Stands for a row that has gone.
const GONE: u32 = u32::MAX;
/// With more pages, the smaller half of them is made one, so that a row is moved a few times only, however small pages come.
const PAGES_MAX: usize = 16;

/// Rows that came together, or were put together later.
struct Page {
    columns: Vec<ArrayRef>,
    /// The number of each row, or [`GONE`].
    ids: Vec<u32>,
    live: usize,
}

/// See the module.
pub struct Pages {
    types: Vec<DataType>,
    pages: Vec<Page>,
    /// Page and row of each number.
    places: Vec<(u32, u32)>,
    free: Vec<u32>,
}

impl Pages {
    /// No rows yet; they will have columns of these types.
    pub fn new(types: Vec<DataType>) -> Self {
        Self { types, pages: vec![], places: vec![], free: vec![] }
    }

    /// Adds rows and tells their numbers.
    pub fn add(&mut self, columns: &[ArrayRef], rows: usize) -> Vec<u32> {
        let page = self.pages.len() as u32;
        let ids: Vec<u32> = (0..rows as u32)
            .map(|row| match self.free.pop() {
                Some(id) => {
                    self.places[id as usize] = (page, row);
                    id
                }
                None => {
                    self.places.push((page, row));
                    (self.places.len() - 1) as u32
                }
            })
            .collect();
        self.pages.push(Page { columns: columns.to_vec(), ids: ids.clone(), live: rows });
        ids
    }

    /// Takes a row away; its number may be given to another one.
    pub fn remove(&mut self, id: u32) {
        let (page, row) = self.places[id as usize];
        let page = &mut self.pages[page as usize];
        page.ids[row as usize] = GONE;
        page.live -= 1;
        self.free.push(id);
    }

    /// The columns of rows; `None` is a row of NULLs.
    pub fn rows(&self, ids: &[Option<u32>]) -> Result<Vec<ArrayRef>> {
        let nulls = self.pages.len();
        let place = |id: &Option<u32>| match id.map(|id| self.places[id as usize]) {
            Some((page, row)) => (page as usize, row as usize),
            None => (nulls, 0),
        };
        let places: Vec<(usize, usize)> = ids.iter().map(place).collect();
        self.gather(&places, true)
    }

    fn gather(&self, places: &[(usize, usize)], with_nulls: bool) -> Result<Vec<ArrayRef>> {
        let column = |(c, data_type): (usize, &DataType)| {
            let null = new_null_array(data_type, usize::from(with_nulls));
            let arrays: Vec<&dyn Array> = self.pages.iter().map(|page| page.columns[c].as_ref()).chain([null.as_ref()]).collect();
            Ok(interleave(&arrays, places)?)
        };
        self.types.iter().enumerate().map(column).collect()
    }

    /// Gives the room of rows that have gone back, where they are many, and puts small pages together.
    pub fn tidy(&mut self) -> Result<()> {
        let mut order: Vec<usize> = (0..self.pages.len()).collect();
        order.sort_by_key(|page| self.pages[*page].live);
        let small = if order.len() > PAGES_MAX { order.len() / 2 } else { 0 };
        let mut moved: Vec<usize> = order[..small].to_vec();
        moved.extend(order[small..].iter().filter(|page| self.pages[**page].live * 2 < self.pages[**page].ids.len()));
        if moved.is_empty() {
            return Ok(());
        }
        moved.sort_unstable();
        let rows = |page: &usize| {
            let page = *page;
            self.pages[page].ids.iter().enumerate().filter(|(_, id)| **id != GONE).map(move |(row, id)| ((page, row), *id))
        };
        let (places, ids): (Vec<(usize, usize)>, Vec<u32>) = moved.iter().flat_map(rows).unzip();
        let columns = self.gather(&places, false)?;
        let mut at = 0;
        self.pages.retain(|_| {
            at += 1;
            moved.binary_search(&(at - 1)).is_err()
        });
        if !ids.is_empty() {
            self.pages.push(Page { columns, live: ids.len(), ids });
        }
        for (page, content) in self.pages.iter().enumerate() {
            for (row, id) in content.ids.iter().enumerate().filter(|(_, id)| **id != GONE) {
                self.places[*id as usize] = (page as u32, row as u32);
            }
        }
        Ok(())
    }

    /// Rows held.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Rough memory use in bytes.
    pub fn memory_bytes(&self) -> usize {
        let columns = self.pages.iter().flat_map(|page| &page.columns).map(|c| c.get_array_memory_size()).sum::<usize>();
        columns + self.places.capacity() * 16
    }
}
