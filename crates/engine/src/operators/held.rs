//! A step that gets all of its input at once, when that has ended: what it would tell and take back in a stream, it tells once.

use arrow::datatypes::SchemaRef;

use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::pile::PileTable;
use crate::state::{State, TableId};
use crate::{Batch, Error, Result};

/// Names of the tables, by input.
const TABLES: [&str; 2] = ["held_left", "held_right"];

/// An input that is held back.
#[derive(Debug, Clone)]
pub struct HeldInput {
    /// Schema of its rows.
    pub schema: SchemaRef,
    /// The columns by which they are dealt to workers.
    pub keys: Vec<usize>,
}

/// Runs another operator in the last tick only. Within a tick changes that cancel out are not emitted, so an input that is all `+I`
/// gives a result that is. Price: the rows of the input are kept till then.
pub struct Held {
    inner: Box<dyn Operator>,
    inputs: Vec<HeldInput>,
    tables: Vec<TableId<PileTable>>,
}

impl Held {
    /// Holds the inputs of `inner`, of which there are one or two, back.
    pub fn new(inner: Box<dyn Operator>, inputs: Vec<HeldInput>) -> Self {
        Self { inner, inputs, tables: vec![] }
    }
}

impl Operator for Held {
    fn open(&mut self, state: &mut State) -> Result<()> {
        self.inner.open(state)?;
        let declared = self.inputs.iter().zip(TABLES).map(|(input, name)| {
            let HeldInput { schema, keys } = input;
            state.declare(name, PileTable::new(schema.clone(), keys))
        });
        self.tables = declared.collect();
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        for (port, batches) in inputs.iter_mut().enumerate() {
            let table = state.get(*self.tables.get(port).ok_or_else(|| Error::internal("step before open"))?);
            for batch in batches.drain(..) {
                table.add(batch.rows.columns(), batch.len())?;
            }
            if tick.last {
                batches.extend(table.take().into_iter().map(Batch::inserts));
            }
        }
        if tick.last { self.inner.step(tick, inputs, state, out) } else { Ok(()) }
    }
}
