//! Lowering of MATCH_RECOGNIZE.

use arrow::datatypes::{DataType, Field, Schema};
use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::{BinaryExpr, Expr, Operator};
use flott_engine::operators::look_ahead::{LookAhead, LookAheadSpec};
use flott_engine::operators::match_recognize::condition::{AggregateOf, Condition, Operand, Reference, Test};
use flott_engine::operators::match_recognize::history::Locator;
use flott_engine::operators::match_recognize::output::{OutputColumn, OutputValue};
use flott_engine::operators::match_recognize::program::Program;
use flott_engine::operators::match_recognize::{MatchRecognize, MatchSpec};
use flott_engine::operators::windows::TimeColumn;
use std::collections::HashMap;
use std::sync::Arc;

use super::expr::lower_expr;
use super::{Lowered, Lowering, arrow_schema};
use crate::error::{SqlError, SqlResult};
use crate::functions::Zone;
use crate::planner::match_recognize::node::{Definition, RefValue};
use crate::planner::match_recognize::settle::CURRENT;
use crate::stream::{LookAheadColumns, MatchColumns, MatchValue, StreamNode, constant};

impl Lowering<'_> {
    pub(super) fn match_recognize(&mut self, node: &StreamNode, columns: &MatchColumns) -> SqlResult<Lowered> {
        let clauses = &columns.clauses;
        let mut conditions = vec![Condition::Always; clauses.names.len()];
        for (definition, values) in clauses.definitions.iter().zip(&columns.definitions) {
            conditions[usize::from(definition.variable)] = condition(definition, values, self.zone)?;
        }
        let keys = columns.partition.iter().map(|c| OutputColumn { value: OutputValue::Column(CURRENT, *c), whole: false });
        let output =
            columns.output.iter().zip(&clauses.output).map(|(value, r)| Ok(OutputColumn { value: output(value)?, whole: r.whole }));
        let spec = MatchSpec {
            input: arrow_schema(&node.inputs[0].schema),
            partition: columns.partition.clone(),
            time: if clauses.processing { TimeColumn::Processing } else { TimeColumn::Event(columns.time) },
            order: columns.order.clone(),
            sorted: clauses.looks_ahead,
            program: Program::compile(&clauses.pattern)?,
            pattern_text: clauses.pattern_text.clone(),
            conditions,
            names: clauses.names.clone(),
            within_ms: clauses.within_ms,
            timed_out: clauses.timed_out,
            after_match: clauses.after,
            all_rows: clauses.all_rows,
            numbered: clauses.output.iter().any(|r| r.value == RefValue::MatchNumber),
            output: keys.map(Ok).chain(output).collect::<SqlResult<_>>()?,
            schema: arrow_schema(&node.schema),
        };
        let exchange = self.by_key(columns.partition.clone());
        self.unary(node, "Match", exchange, Box::new(move || Ok(Box::new(MatchRecognize::new(spec.clone())) as _)))
    }
}

impl Lowering<'_> {
    pub(super) fn look_ahead(&mut self, node: &StreamNode, columns: &LookAheadColumns) -> SqlResult<Lowered> {
        let spec = LookAheadSpec {
            input: arrow_schema(&node.inputs[0].schema),
            partition: columns.partition.clone(),
            time: TimeColumn::Event(columns.time),
            order: columns.order.clone(),
            values: columns.values.clone(),
            schema: arrow_schema(&node.schema),
        };
        let exchange = self.by_key(columns.partition.clone());
        self.unary(node, "LookAhead", exchange, Box::new(move || Ok(Box::new(LookAhead::new(spec.clone())) as _)))
    }
}

fn aggregate(value: &MatchValue) -> SqlResult<(Option<u16>, AggregateOf)> {
    match value {
        MatchValue::Aggregate(of, spec, args) => {
            Ok((*of, AggregateOf { function: flott_engine::aggregate::bind(spec)?, args: args.clone() }))
        }
        _ => Err(SqlError::new("an aggregate was just seen")),
    }
}

fn output(value: &MatchValue) -> SqlResult<OutputValue> {
    Ok(match value {
        MatchValue::Row(locator, column) => OutputValue::Column(*locator, *column),
        MatchValue::Aggregate(..) => {
            let (of, aggregate) = aggregate(value)?;
            OutputValue::Aggregate(of, aggregate)
        }
        MatchValue::OfMatch(RefValue::MatchTime) => OutputValue::MatchTime,
        MatchValue::OfMatch(RefValue::Classifier(locator)) => OutputValue::Classifier(*locator),
        MatchValue::OfMatch(RefValue::MatchNumber) => OutputValue::MatchNumber,
        MatchValue::OfMatch(RefValue::TimedOut) => OutputValue::TimedOut,
        MatchValue::OfMatch(_) => return Err(SqlError::new("a column of a row was just seen")),
    })
}

/// The cheapest form of a condition.
fn condition(definition: &Definition, values: &[MatchValue], zone: Zone) -> SqlResult<Condition> {
    match constant(&definition.expr) {
        Some(true) => return Ok(Condition::Always),
        Some(false) => return Ok(Condition::Test(Test::Any(vec![]))),
        None => {}
    }
    let places: HashMap<&str, &MatchValue> = definition.references.iter().map(|r| r.field.name().as_str()).zip(values).collect();
    if let Expr::Column(column) = &definition.expr
        && let Some(MatchValue::Row(CURRENT, column)) = places.get(column.name.as_str())
    {
        return Ok(Condition::Column(*column));
    }
    let fields: Vec<Arc<Field>> = definition.references.iter().map(|r| Arc::new(r.field.as_ref().clone().with_nullable(true))).collect();
    let types: HashMap<&str, &DataType> = fields.iter().map(|f| (f.name().as_str(), f.data_type())).collect();
    if let Some(test) = (Tests { places, types }).test(&definition.expr) {
        return Ok(Condition::Test(test));
    }
    let references = values.iter().map(|value| match value {
        MatchValue::Row(locator, column) => Ok(Reference::Column(*locator, *column)),
        _ => aggregate(value).map(|(of, aggregate)| Reference::Aggregate(of, aggregate)),
    });
    let schema = Schema::new(fields);
    let expr = lower_expr(&definition.expr, &DFSchema::try_from(schema.clone())?, zone)?;
    Ok(Condition::Expr { references: references.collect::<SqlResult<_>>()?, schema: Arc::new(schema), expr })
}

/// Expressions that are comparisons of columns and constants.
struct Tests<'a> {
    places: HashMap<&'a str, &'a MatchValue>,
    types: HashMap<&'a str, &'a DataType>,
}

impl Tests<'_> {
    fn test(&self, expr: &Expr) -> Option<Test> {
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                let orders = match op {
                    Operator::And => return Some(Test::All(vec![self.test(left)?, self.test(right)?])),
                    Operator::Or => return Some(Test::Any(vec![self.test(left)?, self.test(right)?])),
                    Operator::Eq => [false, true, false],
                    Operator::NotEq => [true, false, true],
                    Operator::Lt => [true, false, false],
                    Operator::LtEq => [true, true, false],
                    Operator::Gt => [false, false, true],
                    Operator::GtEq => [false, true, true],
                    _ => return None,
                };
                let same = self.type_of(left)? == self.type_of(right)?;
                same.then(|| Some(Test::Compare(self.operand(left)?, orders, self.operand(right)?)))?
            }
            Expr::Not(inner) => Some(Test::Not(Box::new(self.test(inner)?))),
            Expr::IsNull(inner) => self.row(inner).map(|(locator, column)| Test::IsNull(locator, column)),
            Expr::IsNotNull(inner) => self.row(inner).map(|(locator, column)| Test::Not(Box::new(Test::IsNull(locator, column)))),
            Expr::Literal(..) => {
                constant(expr).filter(|_| !expr_is_null(expr)).map(|holds| if holds { Test::All(vec![]) } else { Test::Any(vec![]) })
            }
            Expr::Column(_) if self.type_of(expr)? == DataType::Boolean => {
                self.row(expr).map(|(locator, column)| Test::Flag(locator, column))
            }
            _ => None,
        }
    }

    fn row(&self, expr: &Expr) -> Option<(Locator, usize)> {
        match expr {
            Expr::Column(column) => match self.places.get(column.name.as_str())? {
                MatchValue::Row(locator, place) => Some((*locator, *place)),
                _ => None,
            },
            _ => None,
        }
    }

    fn type_of(&self, expr: &Expr) -> Option<DataType> {
        match expr {
            Expr::Column(column) => self.types.get(column.name.as_str()).map(|t| (*t).clone()),
            Expr::Literal(value, _) => Some(value.data_type()),
            _ => None,
        }
        .filter(comparable)
    }

    fn operand(&self, expr: &Expr) -> Option<Operand> {
        if let Some((locator, column)) = self.row(expr) {
            return Some(Operand::Column(locator, column));
        }
        let Expr::Literal(value, _) = expr else { return None };
        use ScalarValue as S;
        Some(match value {
            S::Boolean(Some(v)) => Operand::Int(i64::from(*v)),
            S::Int8(Some(v)) => Operand::Int(i64::from(*v)),
            S::Int16(Some(v)) => Operand::Int(i64::from(*v)),
            S::Int32(Some(v)) | S::Date32(Some(v)) | S::Time32Millisecond(Some(v)) => Operand::Int(i64::from(*v)),
            S::Int64(Some(v)) | S::TimestampMillisecond(Some(v), _) | S::TimestampMicrosecond(Some(v), _) => Operand::Int(*v),
            S::TimestampNanosecond(Some(v), _) => Operand::Int(*v),
            S::Float32(Some(v)) => Operand::Double(f64::from(*v)),
            S::Float64(Some(v)) => Operand::Double(*v),
            S::Decimal128(Some(v), ..) => Operand::Decimal(*v),
            S::Utf8(Some(v)) => Operand::Bytes(v.as_bytes().into()),
            _ => return None,
        })
    }
}

fn expr_is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(value, _) if value.is_null())
}

/// Types of which values compare like what the engine keeps of them.
fn comparable(t: &DataType) -> bool {
    flott_engine::state::key::fixed_width(t) || matches!(t, DataType::Decimal128(..) | DataType::Utf8)
}
