//! What a variable demands of a row, and how a condition refers to rows that were matched before.

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use std::cmp::Ordering;
use std::sync::Arc;

use super::history::{Locator, Place};
use crate::Result;
use crate::aggregate::Aggregate;
use crate::expr::{EvalContext, Expr};
use crate::state::matches::MatchTable;
use crate::state::row_store::Value;

/// A value that a condition refers to.
#[derive(Clone)]
pub enum Reference {
    /// A column of a row that was matched, or of the row in question.
    Column(Locator, usize),
    /// An aggregate over the rows of a variable, or over all (`None`); its arguments are columns.
    Aggregate(Option<u16>, AggregateOf),
}

/// An aggregate call over rows of a match.
#[derive(Clone)]
pub struct AggregateOf {
    /// The bound function.
    pub function: Arc<dyn Aggregate>,
    /// Columns that are its arguments.
    pub args: Vec<usize>,
}

/// What a variable demands of a row.
#[derive(Clone)]
pub enum Condition {
    /// Nothing.
    Always,
    /// That this BOOLEAN column is true.
    Column(usize),
    /// What can be told by comparing values.
    Test(Test),
    /// Anything: an expression over references, one column each.
    Expr {
        /// The columns.
        references: Vec<Reference>,
        /// Their schema.
        schema: SchemaRef,
        /// BOOLEAN.
        expr: Arc<dyn Expr>,
    },
}

/// A side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A column of a row.
    Column(Locator, usize),
    /// An integer, date, time or boolean.
    Int(i64),
    /// A decimal without its point, of the scale of the other side.
    Decimal(i128),
    /// A floating-point number.
    Double(f64),
    /// A text.
    Bytes(Box<[u8]>),
}

/// A condition that needs no column to be made: comparisons, tied together by SQL's logic of three values.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// All of them.
    All(Vec<Test>),
    /// Any of them.
    Any(Vec<Test>),
    /// Not that.
    Not(Box<Test>),
    /// A BOOLEAN column.
    Flag(Locator, usize),
    /// Whether a column is NULL.
    IsNull(Locator, usize),
    /// A comparison that holds when the left side is less, equal, greater.
    Compare(Operand, [bool; 3], Operand),
}

impl Test {
    fn holds(&self, table: &MatchTable, place: &Place) -> Option<bool> {
        match self {
            Test::All(all) => all
                .iter()
                .try_fold(Some(true), |so_far, test| match test.holds(table, place) {
                    Some(false) => Err(()),
                    Some(true) => Ok(so_far),
                    None => Ok(None),
                })
                .unwrap_or(Some(false)),
            Test::Any(any) => any
                .iter()
                .try_fold(Some(false), |so_far, test| match test.holds(table, place) {
                    Some(true) => Err(()),
                    Some(false) => Ok(so_far),
                    None => Ok(None),
                })
                .unwrap_or(Some(true)),
            Test::Not(test) => test.holds(table, place).map(|holds| !holds),
            Test::Flag(locator, column) => match value(table, place, locator, *column) {
                Value::Int(flag) => Some(flag != 0),
                _ => None,
            },
            Test::IsNull(locator, column) => Some(value(table, place, locator, *column) == Value::Null),
            Test::Compare(left, orders, right) => {
                let order = left.value(table, place).compare(right.value(table, place))?;
                Some(match order {
                    Ordering::Less => orders[0],
                    Ordering::Equal => orders[1],
                    Ordering::Greater => orders[2],
                })
            }
        }
    }
}

impl Operand {
    fn value<'a>(&'a self, table: &'a MatchTable, place: &Place) -> Value<'a> {
        match self {
            Operand::Column(locator, column) => value(table, place, locator, *column),
            Operand::Int(v) => Value::Int(*v),
            Operand::Decimal(v) => Value::Decimal(*v),
            Operand::Double(v) => Value::Double(*v),
            Operand::Bytes(v) => Value::Bytes(v),
        }
    }
}

fn value<'a>(table: &'a MatchTable, place: &Place, locator: &Locator, column: usize) -> Value<'a> {
    place.locate(table, locator).map_or(Value::Null, |row| table.rows.value(column, row))
}

impl Reference {
    /// The value as a column of one row.
    fn evaluate(&self, table: &MatchTable, place: &Place) -> Result<ArrayRef> {
        match self {
            Reference::Column(locator, column) => table.rows.gather(*column, std::iter::once(place.locate(table, locator))),
            Reference::Aggregate(of, aggregate) => aggregate.evaluate(table, &[place.rows(table, *of)]),
        }
    }
}

impl AggregateOf {
    /// The results, one for each list of rows.
    pub fn evaluate(&self, table: &MatchTable, lists: &[Vec<u32>]) -> Result<ArrayRef> {
        use crate::aggregate::AggInput;
        use crate::state::column::Column;
        let mut state: Vec<Column> = self.function.columns().into_iter().map(Column::new).collect();
        state.iter_mut().for_each(|column| column.grow(lists.len()));
        let slots: Vec<u32> = lists.iter().enumerate().flat_map(|(i, rows)| std::iter::repeat_n(i as u32, rows.len())).collect();
        let rows = || lists.iter().flatten().map(|row| Some(*row));
        let args = self.args.iter().map(|column| table.rows.gather(*column, rows())).collect::<Result<Vec<_>>>()?;
        self.function.update(&mut state, &slots, AggInput { args: &args, keep: None, kinds: None })?;
        self.function.evaluate(&state, &(0..lists.len() as u32).collect::<Vec<_>>())
    }
}

impl Condition {
    /// Whether the variable takes the row. NULL is no.
    pub fn holds(&self, table: &MatchTable, place: &Place, context: &EvalContext) -> Result<bool> {
        match self {
            Condition::Always => Ok(true),
            Condition::Column(column) => Ok(table.rows.is_true(*column, place.row)),
            Condition::Test(test) => Ok(test.holds(table, place) == Some(true)),
            Condition::Expr { references, schema, expr } => {
                let columns = references.iter().map(|reference| reference.evaluate(table, place)).collect::<Result<Vec<_>>>()?;
                let holds = expr.evaluate(&RecordBatch::try_new(schema.clone(), columns)?, context)?;
                Ok(holds.as_boolean_opt().is_some_and(|b| b.true_count() == 1))
            }
        }
    }

    /// Whether it is known from the row alone, so that to ask twice costs nothing.
    pub fn is_cheap(&self) -> bool {
        matches!(self, Condition::Always | Condition::Column(_))
    }
}
