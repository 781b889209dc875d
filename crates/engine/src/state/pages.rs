//! Rows by number, kept as columns in pages: many of them become columns again at once, without being decoded one by one.

use arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Int64Type};

use super::encoding::encode_rows;
use crate::Result;

/// Stands for a row that is not kept.
const GONE: u32 = u32::MAX;
/// With more pages that are not full, the smaller half of them is put together, so that a row is moved a few times only.
const SMALL_PAGES_MAX: usize = 16;
/// A page of so many rows is full: larger ones would make a tick long that moves them.
const PAGE_ROWS: usize = 32 << 10;
/// And so is one of so many bytes.
const PAGE_BYTES: usize = 32 << 20;

/// Rows that came together, or were put together later.
struct Page {
    columns: Vec<ArrayRef>,
    /// The number of each row, or [`GONE`].
    ids: Vec<u32>,
    live: usize,
    bytes: usize,
}

impl Page {
    fn new(columns: Vec<ArrayRef>, ids: Vec<u32>) -> Self {
        let bytes = columns.iter().map(|c| c.to_data().get_slice_memory_size().unwrap_or(0)).sum();
        Self { columns, live: ids.iter().filter(|id| **id != GONE).count(), ids, bytes }
    }

    fn is_full(&self) -> bool {
        self.ids.len() >= PAGE_ROWS || self.bytes >= PAGE_BYTES
    }

    fn wastes(&self) -> bool {
        self.live * 2 < self.ids.len()
    }
}

/// See the module.
pub struct Pages {
    types: Vec<DataType>,
    /// By number of the page; `None` may be given to another one.
    pages: Vec<Option<Page>>,
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
        let page = self.open(columns, rows);
        (0..rows as u32).map(|row| self.keep(page, row)).collect()
    }

    /// Adds a page of rows of which none is kept yet.
    pub fn open(&mut self, columns: &[ArrayRef], rows: usize) -> u32 {
        self.place(Page::new(columns.to_vec(), vec![GONE; rows]))
    }

    fn place(&mut self, page: Page) -> u32 {
        let at = self.pages.iter().position(Option::is_none).unwrap_or(self.pages.len());
        if at == self.pages.len() {
            self.pages.push(None);
        }
        self.pages[at] = Some(page);
        at as u32
    }

    /// Keeps a row of a page that was opened; tells its number.
    pub fn keep(&mut self, page: u32, row: u32) -> u32 {
        let id = match self.free.pop() {
            Some(id) => {
                self.places[id as usize] = (page, row);
                id
            }
            None => {
                self.places.push((page, row));
                (self.places.len() - 1) as u32
            }
        };
        if let Some(page) = &mut self.pages[page as usize] {
            page.ids[row as usize] = id;
            page.live += 1;
        }
        id
    }

    /// Takes a row away; its number may be given to another one.
    pub fn remove(&mut self, id: u32) {
        let (page, row) = self.places[id as usize];
        if let Some(page) = &mut self.pages[page as usize] {
            page.ids[row as usize] = GONE;
            page.live -= 1;
        }
        self.free.push(id);
    }

    /// Whether a row is there.
    pub fn is_kept(&self, id: u32) -> bool {
        let (page, row) = self.places[id as usize];
        self.pages.get(page as usize).and_then(Option::as_ref).is_some_and(|page| page.ids.get(row as usize) == Some(&id))
    }

    /// Whether a row equals a row of a page; NULL equals NULL.
    pub fn equal(&self, id: u32, page: u32, row: u32) -> Result<bool> {
        let (own_page, own_row) = self.places[id as usize];
        let (Some(a), Some(b)) = (&self.pages[own_page as usize], &self.pages[page as usize]) else { return Ok(false) };
        for (a, b) in a.columns.iter().zip(&b.columns) {
            if !equal(a, own_row as usize, b, row as usize)? {
                return Ok(false);
            }
        }
        Ok(true)
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
            let of_page = |page: &Option<Page>| page.as_ref().map_or(null.clone(), |page| page.columns[c].clone());
            let arrays: Vec<ArrayRef> = self.pages.iter().map(of_page).chain([null.clone()]).collect();
            Ok(interleave(&arrays.iter().map(|a| a.as_ref()).collect::<Vec<_>>(), places)?)
        };
        self.types.iter().enumerate().map(column).collect()
    }

    /// Gives the room of rows that have gone back, where they are many, and puts small pages together.
    pub fn tidy(&mut self) -> Result<()> {
        self.pages.iter_mut().filter(|page| page.as_ref().is_some_and(|p| p.live == 0)).for_each(|page| *page = None);
        let pages = || self.pages.iter().enumerate().filter_map(|(at, page)| page.as_ref().map(|page| (at, page)));
        let mut small: Vec<(usize, &Page)> = pages().filter(|(_, page)| !page.is_full()).collect();
        small.sort_by_key(|(_, page)| page.live);
        small.truncate(if small.len() > SMALL_PAGES_MAX { small.len() / 2 } else { 0 });
        let mut moved: Vec<usize> = small.into_iter().map(|(at, _)| at).collect();
        moved.extend(pages().filter(|(_, page)| page.wastes()).map(|(at, _)| at));
        moved.sort_unstable();
        moved.dedup();
        while !moved.is_empty() {
            let (mut rows, mut bytes, mut n) = (0, 0, 0);
            for page in moved.iter().filter_map(|at| self.pages[*at].as_ref()) {
                (rows, bytes, n) = (rows + page.live, bytes + page.bytes, n + 1);
                if rows >= PAGE_ROWS || bytes >= PAGE_BYTES {
                    break;
                }
            }
            let rest = moved.split_off(n.max(1));
            self.put_together(&moved)?;
            moved = rest;
        }
        Ok(())
    }

    /// Makes one page of several.
    fn put_together(&mut self, moved: &[usize]) -> Result<()> {
        let rows = |at: &usize| {
            let at = *at;
            let ids = self.pages[at].iter().flat_map(|page| page.ids.iter().enumerate());
            ids.filter(|(_, id)| **id != GONE).map(move |(row, id)| ((at, row), *id))
        };
        let (places, ids): (Vec<(usize, usize)>, Vec<u32>) = moved.iter().flat_map(rows).unzip();
        let page = Page::new(self.gather(&places, false)?, ids.clone());
        moved.iter().for_each(|at| self.pages[*at] = None);
        let at = self.place(page);
        for (row, id) in ids.into_iter().enumerate() {
            self.places[id as usize] = (at, row as u32);
        }
        Ok(())
    }

    /// Rows held.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Rough memory use in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.pages.iter().flatten().map(|page| page.bytes + page.ids.len() * 4).sum::<usize>() + self.places.capacity() * 8
    }
}

/// Whether two values of one type are equal; the commonest types without a detour.
fn equal(a: &ArrayRef, i: usize, b: &ArrayRef, j: usize) -> Result<bool> {
    if a.is_null(i) || b.is_null(j) {
        return Ok(a.is_null(i) == b.is_null(j));
    }
    Ok(match a.data_type() {
        DataType::Int64 => a.as_primitive::<Int64Type>().value(i) == b.as_primitive::<Int64Type>().value(j),
        DataType::Utf8 => a.as_string::<i32>().value(i) == b.as_string::<i32>().value(j),
        _ => encode_rows(&[a.slice(i, 1)], 1)?.row(0) == encode_rows(&[b.slice(j, 1)], 1)?.row(0),
    })
}
