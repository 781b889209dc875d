//! Long chains of `+ - * / %` as one call of all operands.
//!
//! An expression is asked for its type again and again while a query is planned, and each time DataFusion goes down to its leaves: a chain
//! of 2,000 operators, which is a tree as deep, took 13 s. As one call it is a tree of one level, whose type is found step by
//! step in one go, and steps between the same types once.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{DFSchema, Result, ScalarValue, exec_err, plan_err};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion_expr::{
    ColumnarValue, Expr as PlanExpr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    binary_expr, col,
};
use datafusion_physical_expr::{PhysicalExpr, create_physical_expr};
use sqlparser::ast::{BinaryOperator, Expr, Value};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::casts::call;
use super::expressions::FlinkExpressions;
use super::{declared, settled_expression};

/// The name of the function begins so; the operators follow, a character each.
const CHAIN: &str = "$chain_";
/// Longest chain that is left as it is.
const CHAIN_MAX: usize = 32;
/// The operands of one step.
const LEFT: &str = "$left";
const RIGHT: &str = "$right";

/// The operators of chains: in the name of the function, in SQL, and in a plan.
const OPERATORS: [(char, BinaryOperator, Operator); 5] = [
    ('+', BinaryOperator::Plus, Operator::Plus),
    ('-', BinaryOperator::Minus, Operator::Minus),
    ('*', BinaryOperator::Multiply, Operator::Multiply),
    ('/', BinaryOperator::Divide, Operator::Divide),
    ('%', BinaryOperator::Modulo, Operator::Modulo),
];

fn character(op: &BinaryOperator) -> Option<char> {
    OPERATORS.iter().find(|(_, sql, _)| sql == op).map(|(character, ..)| *character)
}

fn operator(character: char) -> Option<(BinaryOperator, Operator)> {
    OPERATORS.into_iter().find(|(c, ..)| *c == character).map(|(_, sql, plan)| (sql, plan))
}

/// Makes a long chain of arithmetic operators, computed from the left, one call.
pub(super) fn flatten(expr: &mut Expr) {
    let mut operators = vec![];
    let mut first: &Expr = expr;
    // A bare NULL is refused where operators are planned.
    let is_null = |e: &Expr| matches!(e, Expr::Value(v) if v.value == Value::Null);
    while let Expr::BinaryOp { left, op, right } = first
        && let Some(character) = character(op)
        && !is_null(left)
        && !is_null(right)
    {
        operators.push(character);
        first = left;
    }
    if operators.len() <= CHAIN_MAX {
        return;
    }
    let mut rest = std::mem::replace(expr, Expr::Value(Value::Null.into()));
    let mut operands = Vec::with_capacity(operators.len() + 1);
    for _ in &operators {
        if let Expr::BinaryOp { left, right, .. } = rest {
            operands.push(*right);
            rest = *left;
        } else {
            break;
        }
    }
    operands.push(rest);
    operands.reverse();
    operators.reverse();
    *expr = call(CHAIN.chars().chain(operators).collect(), operands);
}

/// The operators of a chain, by the name of its function.
pub fn operators(name: &str) -> Option<Vec<Operator>> {
    name.strip_prefix(CHAIN)?.chars().map(|c| Some(operator(c)?.1)).collect()
}

/// The function behind a name that begins with [`CHAIN`].
pub(super) fn chain_function(name: &str) -> Option<Arc<ScalarUDF>> {
    let operators = name.strip_prefix(CHAIN)?.chars().map(operator).collect::<Option<_>>()?;
    let signature = Signature::user_defined(Volatility::Immutable);
    let chain = Chain { name: name.to_string(), operators, signature, known: Mutex::default(), compiled: Mutex::default() };
    Some(Arc::new(ScalarUDF::new_from_impl(chain)))
}

/// One step, over columns named [`LEFT`] and [`RIGHT`].
#[derive(Debug, Clone)]
struct Step {
    expr: PlanExpr,
    schema: Arc<DFSchema>,
    field: FieldRef,
}

/// A step that can be computed: over both columns, or over the left one if the right operand is a constant.
#[derive(Debug)]
struct Compiled {
    expr: Arc<dyn PhysicalExpr>,
    columns: SchemaRef,
}

/// What steps are compiled for: the fields of the arguments, and the constants among them.
type Operands = (Vec<FieldRef>, Vec<Option<ScalarValue>>);
type Steps = Arc<Vec<Compiled>>;

#[derive(Debug)]
struct Chain {
    name: String,
    operators: Vec<(BinaryOperator, Operator)>,
    signature: Signature,
    /// Steps that were planned, by operator and operands without names.
    known: Mutex<HashMap<(Operator, FieldRef, FieldRef), Step>>,
    /// What was compiled last.
    compiled: Mutex<Option<(Operands, Steps)>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The field of an operand, without its name, with the exact type of a constant.
fn operand(field: &Field, constant: Option<&ScalarValue>) -> Result<FieldRef> {
    let exact = match constant {
        Some(value) if field.metadata().is_empty() => declared::field(&PlanExpr::Literal(value.clone(), None), &DFSchema::empty())?,
        _ => return Ok(Arc::new(field.clone().with_name(""))),
    };
    Ok(Arc::new(exact.as_ref().clone().with_name("")))
}

impl Chain {
    fn step(&self, at: usize, left: &FieldRef, right: &FieldRef) -> Result<Step> {
        let Some((op, plan_op)) = self.operators.get(at).cloned() else {
            return plan_err!("a chain of {} operators has no more than {} operands", self.operators.len(), self.operators.len() + 1);
        };
        let key = (plan_op, left.clone(), right.clone());
        if let Some(step) = locked(&self.known).get(&key) {
            return Ok(step.clone());
        }
        let columns = [(LEFT, left), (RIGHT, right)].map(|(name, field)| field.as_ref().clone().with_name(name));
        let schema = Arc::new(DFSchema::from_unqualified_fields(columns.into_iter().collect(), HashMap::new())?);
        let raw = RawBinaryExpr { op, left: col(LEFT), right: col(RIGHT) };
        let planned = match FlinkExpressions.plan_binary_op(raw, &schema)? {
            PlannerResult::Planned(expr) => expr,
            PlannerResult::Original(raw) => binary_expr(raw.left, plan_op, raw.right),
        };
        let expr = settled_expression(planned, schema.clone())?;
        let field = declared::field(&expr, &schema)?.as_ref().clone().with_name("");
        let step = Step { expr, schema, field: Arc::new(field) };
        locked(&self.known).insert(key, step.clone());
        Ok(step)
    }

    /// All steps over operands of these fields.
    fn steps(&self, fields: &[FieldRef], constants: &[Option<&ScalarValue>]) -> Result<Vec<Step>> {
        let constant = |i: usize| constants.get(i).copied().flatten();
        let [first, rest @ ..] = fields else { return plan_err!("a chain of operators has operands") };
        if rest.len() != self.operators.len() {
            return plan_err!("{} operators for {} operands", self.operators.len(), fields.len());
        }
        let mut left = operand(first, constant(0))?;
        let mut steps = Vec::with_capacity(rest.len());
        for (at, right) in rest.iter().enumerate() {
            let step = self.step(at, &left, &operand(right, constant(at + 1))?)?;
            left = step.field.clone();
            steps.push(step);
        }
        Ok(steps)
    }

    /// The steps for a call; they are made once, since the operands of a call do not change from batch to batch.
    fn compiled(&self, args: &ScalarFunctionArgs) -> Result<Steps> {
        let constants = |arg: &ColumnarValue| if let ColumnarValue::Scalar(value) = arg { Some(value.clone()) } else { None };
        let operands: Operands = (args.arg_fields.clone(), args.args.iter().map(constants).collect());
        if let Some((known, steps)) = &*locked(&self.compiled)
            && *known == operands
        {
            return Ok(steps.clone());
        }
        let borrowed: Vec<Option<&ScalarValue>> = operands.1.iter().map(Option::as_ref).collect();
        let steps = self.steps(&operands.0, &borrowed)?;
        let compiled = steps.into_iter().zip(&operands.1[1..]).map(|(step, right)| compile(step, right.as_ref()));
        let compiled: Steps = Arc::new(compiled.collect::<Result<_>>()?);
        *locked(&self.compiled) = Some((operands, compiled.clone()));
        Ok(compiled)
    }
}

fn compile(step: Step, right: Option<&ScalarValue>) -> Result<Compiled> {
    let constant = |expr: PlanExpr| match (&expr, right) {
        (PlanExpr::Column(column), Some(value)) if column.name == RIGHT => Ok(Transformed::yes(PlanExpr::Literal(value.clone(), None))),
        _ => Ok(Transformed::no(expr)),
    };
    let expr = step.expr.transform_up(constant)?.data;
    let expr = create_physical_expr(&expr, &step.schema, &ExecutionProps::new(), &Default::default())?;
    let columns = step.schema.fields().iter().take(if right.is_some() { 1 } else { 2 });
    let columns: Vec<Field> = columns.map(|f| f.as_ref().clone().with_nullable(true)).collect();
    Ok(Compiled { expr, columns: Arc::new(Schema::new(columns)) })
}

impl Compiled {
    fn evaluate(&self, left: ArrayRef, right: ColumnarValue) -> Result<ArrayRef> {
        let rows = left.len();
        let columns = match right {
            ColumnarValue::Array(right) => vec![left, right],
            ColumnarValue::Scalar(_) => vec![left],
        };
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.columns.clone(), columns, &options)?;
        self.expr.evaluate(&batch)?.into_array(rows)
    }
}

impl ScalarUDFImpl for Chain {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema_name(&self, args: &[PlanExpr]) -> Result<String> {
        let Some(first) = args.first() else { return Ok(self.name.clone()) };
        let rest = self.operators.iter().zip(&args[1..]);
        Ok(rest.fold(first.schema_name().to_string(), |text, ((_, op), operand)| text + &format!(" {op} {}", operand.schema_name())))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        Ok(given.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("the type of a chain of operators is that of its operands")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        match self.steps(args.arg_fields, args.scalar_arguments)?.pop() {
            Some(step) => Ok(step.field),
            None => plan_err!("a chain of operators has operators"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let steps = self.compiled(&args)?;
        let mut operands = args.args.into_iter();
        let Some(first) = operands.next() else { return exec_err!("a chain of operators has operands") };
        let mut value = first.into_array(args.number_rows)?;
        for (step, right) in steps.iter().zip(operands) {
            value = step.evaluate(value, right)?;
        }
        Ok(ColumnarValue::Array(value))
    }
}

impl PartialEq for Chain {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Chain {}

impl Hash for Chain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch, TimestampMillisecondArray};
    use flott_engine::expr::EvalContext;
    use proptest::prelude::*;
    use std::sync::Arc;

    use crate::functions::Zone;
    use crate::lower::expr::lower_text;

    fn rows() -> RecordBatch {
        let decimals = Decimal128Array::from(vec![Some(725), None, Some(-9_999_999_999), Some(1)]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("i", Arc::new(Int32Array::from(vec![Some(7), None, Some(i32::MAX), Some(-3)]))),
            ("n", Arc::new(Int64Array::from(vec![Some(9), Some(4), Some(i64::MIN), None]))),
            ("d", Arc::new(decimals.with_precision_and_scale(10, 2).unwrap())),
            ("x", Arc::new(Float64Array::from(vec![Some(0.5), Some(-1e300), None, Some(3.25)]))),
            ("t", Arc::new(TimestampMillisecondArray::from(vec![Some(0), None, Some(1_704_067_200_123), Some(-1)]))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
    }

    fn evaluate(sql: &str) -> Result<ArrayRef, String> {
        let rows = rows();
        let expr = lower_text(sql, &rows.schema(), Zone::UTC).map_err(|e| e.to_string())?;
        expr.evaluate(&rows, &EvalContext { now_ms: 0, watermark: i64::MIN }).map_err(|e| e.to_string())
    }

    /// As it is written, and with brackets, which make the same of it but no chain.
    fn both(first: &str, rest: &[(&str, &str)]) -> [Result<ArrayRef, String>; 2] {
        let chain = rest.iter().fold(first.to_string(), |text, (op, operand)| format!("{text} {op} {operand}"));
        let brackets = rest.iter().fold(first.to_string(), |text, (op, operand)| format!("({text}) {op} {operand}"));
        [evaluate(&chain), evaluate(&brackets)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_chain_is_computed_from_the_left(
            tight in prop::bool::ANY,
            first in prop::sample::select(vec!["i", "n", "d", "x", "3"]),
            rest in prop::collection::vec((0..3_usize, prop::sample::select(vec!["i", "n", "d", "x", "2", "1.5", "CAST(7 AS BIGINT)"])), 33..50),
        ) {
            // Operators of one precedence: others bind as the grammar has it.
            let operators = if tight { ["*", "/", "%"] } else { ["+", "-", "+"] };
            let rest: Vec<(&str, &str)> = rest.into_iter().map(|(op, operand)| (operators[op], operand)).collect();
            match both(first, &rest) {
                [Ok(chain), Ok(brackets)] => prop_assert_eq!(&chain, &brackets),
                [chain, brackets] => prop_assert!(chain.is_err() && brackets.is_err(), "{chain:?} {brackets:?}"),
            }
        }
    }

    #[test]
    fn intervals_are_added_one_after_the_other() {
        let hours = [("+", "INTERVAL '1' HOUR"), ("-", "INTERVAL '1' MONTH")].repeat(20);
        let [chain, brackets] = both("t", &hours);
        assert_eq!(chain.unwrap().as_ref(), brackets.unwrap().as_ref());
    }
}
