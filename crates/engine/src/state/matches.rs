//! Rows, partial matches and their histories by key: the memory of pattern matching.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt8Array, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::changes::{Changes, Touches};
use super::key::{KeyIndex, NO_SLOT};
use super::keyed::key_group_field;
use super::row_store::RowStore;
use super::run_queue::RunQueue;
use super::{StateTable, roughly};
use crate::hash::key_group;
use crate::{Error, Result};

/// Stands for no node.
pub const NO_NODE: u32 = u32::MAX;
/// Rows that wait are entries of their own, numbered from here on; the others are keys.
const WAITING_ENTRIES: u64 = 1 << 32;
/// Where the run begins that every key has: the one that has taken no row yet.
pub const NOT_BEGUN: u64 = u64::MAX;

/// A partial or a complete match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// State of the automaton.
    pub state: u32,
    /// The row taken last.
    pub node: u32,
    /// Number of the first row, or [`NOT_BEGUN`].
    pub start: u64,
    /// Time of the first row in milliseconds.
    pub start_ms: i64,
}

impl Run {
    /// The run that has taken no row yet.
    pub fn fresh() -> Self {
        Self { state: 0, node: NO_NODE, start: NOT_BEGUN, start_ms: i64::MAX }
    }
}

/// A row that a run took for a variable, and the one before it. Histories share their beginnings.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// The row before, or [`NO_NODE`].
    pub before: u32,
    /// The first of the rows up to this one that were taken for the same variable without a break.
    pub head: u32,
    /// The row.
    pub row: u32,
    /// The variable.
    pub variable: u16,
    refs: u32,
}

/// The runs of a key.
#[derive(Debug, Default)]
pub struct KeyRuns {
    /// Those that go on.
    pub partial: RunQueue,
    /// Complete ones that wait for runs that began earlier.
    pub complete: RunQueue,
    /// Matches found so far.
    pub matches: i64,
    waiting: u32,
    due_ms: Option<i64>,
}

/// The table. Rows wait in it until it is their turn; then runs hold them.
pub struct MatchTable {
    schema: SchemaRef,
    key_columns: Vec<usize>,
    keys: KeyIndex,
    of: Vec<KeyRuns>,
    /// The rows.
    pub rows: RowStore,
    nodes: Vec<Node>,
    free_nodes: Vec<u32>,
    /// By time, slots of keys and rows in order of arrival.
    waiting: BTreeMap<i64, Vec<(u32, u32)>>,
    /// When the earliest run of a key runs out of time.
    due: BTreeSet<(i64, u32)>,
    numbered: u64,
    keeps_keys: bool,
    /// Keys whose runs changed.
    touches: Touches,
    /// Rows that began or ended to wait.
    touched_rows: Touches,
    /// Of each row that waits the key, and when it came, counted in rows.
    waits_for: Vec<(u32, i64)>,
    arrived: i64,
}

impl MatchTable {
    /// An empty table for rows of this schema, by the key in these columns. With `keeps_keys`, keys are remembered for ever, for
    /// the number of their matches.
    pub fn new(schema: SchemaRef, key_columns: &[usize], keeps_keys: bool) -> Self {
        let types: Vec<DataType> = schema.fields().iter().map(|f| f.data_type().clone()).collect();
        let key_types: Vec<DataType> = key_columns.iter().map(|c| types[*c].clone()).collect();
        Self {
            keys: KeyIndex::new(&key_types),
            key_columns: key_columns.to_vec(),
            of: vec![],
            rows: RowStore::new(types),
            nodes: vec![],
            free_nodes: vec![],
            waiting: BTreeMap::new(),
            due: BTreeSet::new(),
            numbered: 0,
            schema,
            keeps_keys,
            touches: Touches::default(),
            touched_rows: Touches::default(),
            waits_for: vec![],
            arrived: 0,
        }
    }

    /// Adds rows that wait for their time.
    pub fn add(&mut self, columns: &[ArrayRef], times_ms: &[i64]) -> Result<()> {
        let keys: Vec<ArrayRef> = self.key_columns.iter().map(|c| columns[*c].clone()).collect();
        let key_slots = self.key_slots(&keys, times_ms.len())?;
        let rows = self.rows.add(columns, times_ms)?;
        for (key, row) in key_slots.iter().zip(&rows) {
            self.arrived += 1;
            self.wait(*key, *row, self.arrived);
        }
        let mut run: Option<(i64, &mut Vec<(u32, u32)>)> = None;
        for ((key, row), time_ms) in key_slots.iter().zip(rows).zip(times_ms) {
            self.of[*key as usize].waiting += 1;
            match &mut run {
                Some((time, bucket)) if time == time_ms => bucket.push((*key, row)),
                _ => {
                    let bucket = self.waiting.entry(*time_ms).or_default();
                    bucket.push((*key, row));
                    run = Some((*time_ms, bucket));
                }
            }
        }
        Ok(())
    }

    /// Notes that a row waits.
    fn wait(&mut self, key: u32, row: u32, arrived: i64) {
        self.touched_rows.touch(row);
        if row as usize >= self.waits_for.len() {
            self.waits_for.resize(row as usize + 1, (NO_SLOT, 0));
        }
        self.waits_for[row as usize] = (key, arrived);
    }

    fn key_slots(&mut self, keys: &[ArrayRef], rows: usize) -> Result<Vec<u32>> {
        let mut slots = vec![];
        self.keys.upsert(keys, rows, &mut slots)?;
        self.of.resize_with(self.keys.slots(), KeyRuns::default);
        Ok(slots)
    }

    /// Takes out the rows with the earliest time, if that is not after `up_to`: the slots of their keys and theirs, in order of
    /// arrival. Each is to be given to [`MatchTable::number`] and, in the end, released.
    pub fn next(&mut self, up_to: i64) -> Option<Vec<(u32, u32)>> {
        let first = self.waiting.first_entry().filter(|first| *first.key() <= up_to)?;
        let rows = first.remove();
        for (_, row) in &rows {
            self.touched_rows.touch(*row);
            self.waits_for[*row as usize].0 = NO_SLOT;
        }
        Some(rows)
    }

    /// It is the row's turn: gives it its place in the order of its key.
    pub fn number(&mut self, key: u32, row: u32) -> u64 {
        self.of[key as usize].waiting -= 1;
        self.touches.touch(key);
        self.numbered += 1;
        self.rows.set_number(row, self.numbered);
        self.numbered
    }

    /// The runs of a key.
    pub fn runs(&self, key: u32) -> &KeyRuns {
        &self.of[key as usize]
    }

    /// The runs of a key, to change.
    pub fn runs_mut(&mut self, key: u32) -> &mut KeyRuns {
        self.touches.touch(key);
        &mut self.of[key as usize]
    }

    /// A node.
    pub fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize]
    }

    /// A node for a row behind another node; no one holds it yet.
    pub fn link(&mut self, before: u32, row: u32, variable: u16) -> u32 {
        let id = match self.free_nodes.pop() {
            Some(id) => id,
            None => {
                self.nodes.push(Node { before: NO_NODE, head: NO_NODE, row: 0, variable: 0, refs: 0 });
                self.nodes.len() as u32 - 1
            }
        };
        let mut head = id;
        if before != NO_NODE {
            let previous = &mut self.nodes[before as usize];
            previous.refs += 1;
            if previous.variable == variable {
                head = previous.head;
            }
        }
        self.rows.hold(row);
        self.nodes[id as usize] = Node { before, head, row, variable, refs: 0 };
        id
    }

    /// Holds a node once more.
    pub fn hold(&mut self, node: u32) {
        self.nodes[node as usize].refs += 1;
    }

    /// Lets a node go once; it leaves with its row and what only it held.
    pub fn release(&mut self, mut node: u32) {
        while node != NO_NODE {
            let held = &mut self.nodes[node as usize];
            held.refs -= 1;
            if held.refs > 0 {
                return;
            }
            let Node { before, row, .. } = *held;
            self.rows.release(row);
            self.free_nodes.push(node);
            node = before;
        }
    }

    /// Notes when the earliest run of a key runs out of time, and forgets a key of which nothing is left. A time that was noted before
    /// stays when it is earlier: nothing happens at it, and the right one is noted then.
    pub fn done(&mut self, key: u32, due_ms: Option<i64>) {
        self.touches.touch(key);
        let runs = &mut self.of[key as usize];
        if let Some(due) = due_ms.filter(|due| runs.due_ms.is_none_or(|noted| *due < noted)) {
            if let Some(noted) = runs.due_ms.replace(due) {
                self.due.remove(&(noted, key));
            }
            self.due.insert((due, key));
        }
        let idle = runs.waiting == 0 && runs.complete.first().is_none() && runs.partial.runs().len() <= 1;
        if idle && runs.partial.first().is_none_or(|run| run.start == NOT_BEGUN) && !self.keeps_keys {
            if let Some(noted) = runs.due_ms {
                self.due.remove(&(noted, key));
            }
            self.of[key as usize] = KeyRuns::default();
            self.keys.remove(key);
        }
    }

    /// A key with a run that may run out of time by then, and when. It is to be given to [`MatchTable::done`] again.
    pub fn overdue(&mut self, up_to: i64) -> Option<(i64, u32)> {
        let first = self.due.first().copied().filter(|(due, _)| *due <= up_to)?;
        self.due.pop_first();
        self.of[first.1 as usize].due_ms = None;
        Some(first)
    }

    /// When the next run runs out of time.
    pub fn next_due(&self) -> Option<i64> {
        self.due.first().map(|(due, _)| *due)
    }

    /// When the first run of a key runs out of time that may last so long.
    pub fn deadline(&self, key: u32, within_ms: Option<i64>) -> Option<i64> {
        let first = self.of[key as usize].partial.first().filter(|run| run.start != NOT_BEGUN)?;
        within_ms.map(|within| first.start_ms.saturating_add(within))
    }
}

/// What a saved record is.
mod kind {
    pub const ROW: i64 = 0;
    pub const WAITING: i64 = 1;
    pub const NODE: i64 = 2;
    pub const PARTIAL: i64 = 3;
    pub const COMPLETE: i64 = 4;
    pub const KEY: i64 = 5;
}

/// A saved record: its key's slot, what it is, four numbers, its row.
type Record = (u32, i64, [i64; 4], Option<u32>);

impl MatchTable {
    /// Of these keys, rows before nodes, nodes before runs, queues in their order; and of rows that wait.
    fn records(&self, keys: &[u32], waiting: &[u32]) -> Vec<Record> {
        let mut records: Vec<Record> = vec![];
        let (mut of_node, mut of_row) = (BTreeMap::new(), BTreeMap::new());
        for key in keys.iter().copied() {
            let runs = &self.of[key as usize];
            for mut node in runs.partial.runs().iter().chain(runs.complete.runs()).map(|run| run.node) {
                while node != NO_NODE && of_node.insert(node, key).is_none() {
                    of_row.insert(self.node(node).row, key);
                    node = self.node(node).before;
                }
            }
        }
        let row = |row: u32| [i64::from(row), self.rows.time_ms(row), self.rows.number(row) as i64, 0];
        records.extend(of_row.into_iter().map(|(id, key)| (key, kind::ROW, row(id), Some(id))));
        for id in waiting {
            let ((key, arrived), [slot, time, number, _]) = (self.waits_for[*id as usize], row(*id));
            records.push((key, kind::WAITING, [slot, time, number, arrived], Some(*id)));
        }
        let optional = |node: u32| if node == NO_NODE { -1 } else { i64::from(node) };
        for (id, key) in of_node {
            let node = self.node(id);
            records.push((key, kind::NODE, [i64::from(id), optional(node.before), i64::from(node.row), i64::from(node.variable)], None));
        }
        for key in keys.iter().copied() {
            let runs = &self.of[key as usize];
            let run = |run: &Run| [i64::from(run.state), optional(run.node), run.start as i64, run.start_ms];
            records.extend(runs.partial.runs().iter().map(|r| (key, kind::PARTIAL, run(r), None)));
            records.extend(runs.complete.runs().iter().map(|r| (key, kind::COMPLETE, run(r), None)));
            records.push((key, kind::KEY, [runs.matches, runs.due_ms.unwrap_or(i64::MAX), 0, 0], None));
        }
        records
    }

    /// Puts the rows of saved records into the store. Tells their new slots by the saved ones.
    fn restore_rows(&mut self, saved: &Saved<'_>, columns: &[ArrayRef]) -> Result<HashMap<i64, u32>> {
        let places: Vec<u32> = (0..saved.count() as u32).filter(|i| saved.kind(*i as usize) <= kind::WAITING).collect();
        let times: Vec<i64> = places.iter().map(|i| saved.number(*i as usize, 1)).collect();
        let at = UInt32Array::from(places.clone());
        let columns = columns.iter().map(|c| Ok(take(c, &at, None)?)).collect::<Result<Vec<_>>>()?;
        let slots = self.rows.add(&columns, &times)?;
        let mut new = HashMap::new();
        for (place, slot) in places.into_iter().zip(slots) {
            let number = saved.number(place as usize, 2) as u64;
            self.rows.set_number(slot, number);
            self.numbered = self.numbered.max(number);
            new.insert(saved.number(place as usize, 0), slot);
        }
        Ok(new)
    }

    /// Makes the saved nodes anew, those before others first. Tells their new places by the saved ones.
    fn restore_nodes(&mut self, saved: &Saved<'_>, rows: &HashMap<i64, u32>) -> Result<HashMap<i64, u32>> {
        let broken = || Error::state("a saved partial match refers to a row that is not there");
        let records: HashMap<i64, usize> =
            (0..saved.count()).filter(|i| saved.kind(*i) == kind::NODE).map(|i| (saved.number(i, 0), i)).collect();
        let mut new: HashMap<i64, u32> = HashMap::new();
        for id in records.keys() {
            let (mut path, mut at) = (vec![], *id);
            while at >= 0 && !new.contains_key(&at) {
                let record = *records.get(&at).ok_or_else(broken)?;
                path.push((at, record));
                at = saved.number(record, 1);
            }
            let mut before = new.get(&at).copied().unwrap_or(NO_NODE);
            for (id, record) in path.into_iter().rev() {
                let row = *rows.get(&saved.number(record, 2)).ok_or_else(broken)?;
                before = self.link(before, row, saved.number(record, 3) as u16);
                new.insert(id, before);
            }
        }
        Ok(new)
    }
}

/// The numbers of saved records.
struct Saved<'a>(Vec<&'a Int64Array>);

impl Saved<'_> {
    fn count(&self) -> usize {
        self.0[0].len()
    }
    fn kind(&self, record: usize) -> i64 {
        self.0[0].value(record)
    }
    fn number(&self, record: usize, which: usize) -> i64 {
        self.0[1 + which].value(record)
    }
}

impl StateTable for MatchTable {
    fn track(&mut self) {
        self.touches.begin();
        self.touched_rows.begin();
    }

    fn changed(&self) -> usize {
        self.touches.len() + self.touched_rows.len()
    }

    fn changes(&mut self, most: usize) -> Result<Changes> {
        let (keys, mut removed) = self.touches.take(most, |key| self.keys.is_live(key));
        let (waiting, ended) = self.touched_rows.take(most, |row| self.waits_for[row as usize].0 != NO_SLOT);
        removed.extend(ended.into_iter().map(|rows| WAITING_ENTRIES + rows.start..WAITING_ENTRIES + rows.end));
        let records = self.records(&keys, &waiting);
        let entry = |(key, kind, _, row): &Record| match row {
            Some(row) if *kind == kind::WAITING => WAITING_ENTRIES + u64::from(*row),
            _ => u64::from(*key),
        };
        let entries = records.iter().map(entry).collect();
        let of_key: Vec<u32> = records.iter().map(|(key, ..)| *key).collect();
        let groups = of_key.iter().map(|key| key_group(self.keys.hash_of(*key)));
        let mut fields = vec![key_group_field(), Field::new("kind", DataType::Int64, false)];
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from_iter_values(groups)),
            Arc::new(Int64Array::from_iter_values(records.iter().map(|(_, kind, ..)| *kind))),
        ];
        for i in 0..4 {
            fields.push(Field::new(format!("number{i}"), DataType::Int64, false));
            columns.push(Arc::new(Int64Array::from_iter_values(records.iter().map(|(_, _, numbers, _)| numbers[i]))));
        }
        for (i, key) in self.keys.keys(&of_key)?.into_iter().enumerate() {
            fields.push(Field::new(format!("key{i}"), key.data_type().clone(), true));
            columns.push(key);
        }
        for (i, field) in self.schema.fields().iter().enumerate() {
            fields.push(Field::new(format!("row{i}"), field.data_type().clone(), true));
            columns.push(self.rows.gather(i, records.iter().map(|(.., row)| *row))?);
        }
        Ok(Changes { rows: RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?, entries, removed })
    }

    fn restore(&mut self, saved: &RecordBatch) -> Result<()> {
        let (numbers, rest) = saved.columns()[1..].split_at(5);
        let numbers = numbers.iter().map(|c| c.as_primitive_opt::<Int64Type>()).collect::<Option<Vec<_>>>();
        let records = Saved(numbers.ok_or_else(|| Error::state("saved matches have an unknown form"))?);
        let (keys, columns) = rest.split_at(self.key_columns.len());
        let slots = self.key_slots(keys, saved.num_rows())?;
        let rows = self.restore_rows(&records, columns)?;
        let nodes = self.restore_nodes(&records, &rows)?;
        for (i, key) in slots.into_iter().enumerate() {
            let n = |which| records.number(i, which);
            match records.kind(i) {
                // The nodes hold it now.
                kind::ROW => self.rows.release(rows[&n(0)]),
                kind::WAITING => {
                    self.of[key as usize].waiting += 1;
                    let row = rows[&n(0)];
                    self.wait(key, row, n(3));
                    self.arrived = self.arrived.max(n(3));
                    let (same_time, waits_for) = (self.waiting.entry(n(1)).or_default(), &self.waits_for);
                    let at = same_time.partition_point(|(_, other)| waits_for[*other as usize].1 <= n(3));
                    same_time.insert(at, (key, row));
                }
                kind @ (kind::PARTIAL | kind::COMPLETE) => {
                    let node = nodes.get(&n(1)).copied().unwrap_or(NO_NODE);
                    if node != NO_NODE {
                        self.hold(node);
                    }
                    let run = Run { state: n(0) as u32, node, start: n(2) as u64, start_ms: n(3) };
                    let runs = &mut self.of[key as usize];
                    let queue = if kind == kind::PARTIAL { &mut runs.partial } else { &mut runs.complete };
                    queue.add(run);
                }
                kind::KEY => {
                    self.of[key as usize].matches = n(0);
                    let due = Some(n(1)).filter(|due| *due != i64::MAX);
                    self.done(key, due);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.rows.len() + if self.keeps_keys { self.keys.len() } else { 0 }
    }

    fn memory_bytes(&self) -> usize {
        let of = |i: usize| self.of[i].partial.runs().len() + self.of[i].complete.runs().len();
        let runs = roughly(self.of.len(), of) * size_of::<Run>();
        let waiting: usize = self.waiting.values().map(|rows| rows.capacity() * 8 + 48).sum();
        let nodes = self.nodes.capacity() * size_of::<Node>() + self.of.capacity() * size_of::<KeyRuns>();
        self.keys.memory_bytes() + self.rows.memory_bytes() + runs + waiting + nodes
    }
}
