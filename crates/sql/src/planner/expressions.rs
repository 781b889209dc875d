//! Operators and accesses in expressions, with Flink's types.

use arrow::array::{Array, ArrayRef, AsArray, StructArray, make_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{DFSchema, DataFusionError, Result, ScalarValue, TableReference, plan_err};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::planner::{ExprPlanner, PlannerResult, RawAggregateExpr, RawBinaryExpr, RawFieldAccessExpr, RawWindowExpr};
use datafusion_expr::{
    ColumnarValue, Expr, ExprSchemable, GetFieldAccess, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, lit,
};
use sqlparser::ast::BinaryOperator;
use std::sync::{Arc, LazyLock};

use super::context::scalar_function;
use super::declared;
use crate::catalog::{PROCTIME, with_time_attribute};
use crate::error::SqlError;
use crate::functions::{cast_to, flink_binary, time_arithmetic};
use crate::types::FlinkType;

/// See the module.
#[derive(Debug)]
pub struct FlinkExpressions;

impl ExprPlanner for FlinkExpressions {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let op = match raw.op {
            BinaryOperator::Plus => Operator::Plus,
            BinaryOperator::Minus => Operator::Minus,
            BinaryOperator::Multiply => Operator::Multiply,
            BinaryOperator::Divide => Operator::Divide,
            BinaryOperator::Modulo => Operator::Modulo,
            BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq => {
                if let Some(rows) = row_comparison(&raw, schema)? {
                    return Ok(PlannerResult::Planned(rows));
                }
                return comparison(raw, schema).map(PlannerResult::Original);
            }
            BinaryOperator::StringConcat => return concatenation(raw, schema),
            BinaryOperator::And if is_bare_null(&raw.left) || is_bare_null(&raw.right) => return Err(illegal_null("AND")),
            BinaryOperator::Or if is_bare_null(&raw.left) || is_bare_null(&raw.right) => return Err(illegal_null("OR")),
            _ => return Ok(PlannerResult::Original(raw)),
        };
        if is_bare_null(&raw.left) || is_bare_null(&raw.right) {
            return Err(illegal_null(&raw.op.to_string()));
        }
        let (left, right) = (raw.left.get_type(schema)?, raw.right.get_type(schema)?);
        if op == Operator::Modulo && (left.is_floating() || right.is_floating()) {
            return Err(inexact_remainder().into());
        }
        if both_intervals(&left, &right) && interval_months(&raw.left, schema)? != interval_months(&raw.right, schema)? {
            return Err(
                SqlError::new(format!("'{}' takes two intervals of months or two of days and times, not one of each", raw.op)).into()
            );
        }
        if let Some(error) = no_such_sum(op, &left, &right) {
            return Err(error.into());
        }
        match flink_binary(op, &left, &right).or_else(|| time_arithmetic(op, &left, &right)) {
            Some(function) => Ok(PlannerResult::Planned(call(function, vec![raw.left, raw.right]))),
            None => Ok(PlannerResult::Original(raw)),
        }
    }

    fn plan_field_access(&self, raw: RawFieldAccessExpr, schema: &DFSchema) -> Result<PlannerResult<RawFieldAccessExpr>> {
        match raw.field_access {
            GetFieldAccess::NamedStructField { name: ScalarValue::Utf8(Some(name)) }
                if matches!(raw.expr.get_type(schema)?, DataType::Struct(_)) =>
            {
                Ok(PlannerResult::Planned(field_access(raw.expr, &name)))
            }
            GetFieldAccess::NamedStructField { name } => element(raw.expr, Expr::Literal(name, None)),
            GetFieldAccess::ListIndex { key } => element(raw.expr, *key),
            _ => Ok(PlannerResult::Original(raw)),
        }
    }

    fn plan_array_literal(&self, exprs: Vec<Expr>, _: &DFSchema) -> Result<PlannerResult<Vec<Expr>>> {
        match scalar_function("array") {
            Some(function) => Ok(PlannerResult::Planned(call(function, exprs))),
            None => Ok(PlannerResult::Original(exprs)),
        }
    }

    fn plan_compound_identifier(
        &self,
        field: &Field,
        qualifier: Option<&TableReference>,
        nested: &[String],
    ) -> Result<PlannerResult<Vec<Expr>>> {
        let column = Expr::Column((qualifier, &Arc::new(field.clone())).into());
        let mut data_type = field.data_type();
        for name in nested {
            let DataType::Struct(fields) = data_type else { return plan_err!("'{name}' is not a field: the value is no ROW") };
            match fields.find(name) {
                Some((_, field)) => data_type = field.data_type(),
                None => return plan_err!("ROW '{}' has no field '{name}'", field.name()),
            }
        }
        Ok(PlannerResult::Planned(nested.iter().fold(column, |expr, name| field_access(expr, name))))
    }

    fn plan_aggregate(&self, mut raw: RawAggregateExpr) -> Result<PlannerResult<RawAggregateExpr>> {
        if raw.func.name() == "count" && !raw.distinct && raw.args.iter().all(counts_rows) {
            raw.args = vec![lit(1_i64)];
        }
        Ok(PlannerResult::Original(raw))
    }

    fn plan_window(&self, mut raw: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        if raw.func_def.name() == "count" && !raw.distinct && raw.args.iter().all(counts_rows) {
            raw.args = vec![lit(1_i64)];
        }
        Ok(PlannerResult::Original(raw))
    }
}

/// Whether COUNT of it counts rows: `*`, or a constant.
#[allow(deprecated)]
fn counts_rows(argument: &Expr) -> bool {
    match argument {
        Expr::Wildcard { .. } => true,
        Expr::Literal(v, _) => !v.is_null(),
        Expr::Cast(cast) => matches!(cast.expr.as_ref(), Expr::Literal(v, _) if !v.is_null()),
        _ => false,
    }
}

/// `=` of two ROWs: they are equal when all their fields are, so that a NULL among them leaves it open. Of `<>` Flink makes no such thing:
/// two NULLs are the same there.
fn row_comparison(raw: &RawBinaryExpr, schema: &DFSchema) -> Result<Option<Expr>> {
    if raw.op == BinaryOperator::Eq { equal_rows(&raw.left, &raw.right, schema) } else { Ok(None) }
}

/// Whether two ROWs of as many fields are equal; none for other values.
pub(super) fn equal_rows(left: &Expr, right: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
    let (DataType::Struct(of_left), DataType::Struct(of_right)) = (left.get_type(schema)?, right.get_type(schema)?) else {
        return Ok(None);
    };
    if of_left.len() != of_right.len() {
        return plan_err!("a ROW of {} fields cannot be compared with one of {}", of_left.len(), of_right.len());
    }
    let mut all: Option<Expr> = None;
    for i in 0..of_left.len() {
        let (left, right) = (field_of(left, i, of_left[i].name()), field_of(right, i, of_right[i].name()));
        let equal = match equal_rows(&left, &right, schema)? {
            Some(equal) => equal,
            None => {
                let raw = comparison(RawBinaryExpr { op: BinaryOperator::Eq, left, right }, schema)?;
                raw.left.eq(raw.right)
            }
        };
        all = Some(match all {
            Some(all) => all.and(equal),
            None => equal,
        });
    }
    Ok(all)
}

/// A field of a ROW: what was written there, if the ROW is written out.
fn field_of(row: &Expr, place: usize, name: &str) -> Expr {
    match row {
        Expr::ScalarFunction(call) if call.func.name() == "row" && place < call.args.len() => call.args[place].clone(),
        row => field_access(row.clone(), name),
    }
}

/// `||` of texts.
fn concatenation(raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
    let (left, right) = (raw.left.get_type(schema)?, raw.right.get_type(schema)?);
    if let Some(other) = [&left, &right].into_iter().find(|t| **t != DataType::Utf8 && !t.is_null()) {
        let error = SqlError::new(format!("'||' takes texts, not {}", FlinkType::from_arrow(other))).about("||");
        return Err(error.help("CAST(x AS STRING) makes a text of it").into());
    }
    match scalar_function("$concat") {
        Some(function) => Ok(PlannerResult::Planned(call(function, vec![raw.left, raw.right]))),
        None => Ok(PlannerResult::Original(raw)),
    }
}

/// A comparison with operands that mean the same in DataFusion.
fn comparison(raw: RawBinaryExpr, schema: &DFSchema) -> Result<RawBinaryExpr> {
    let (left, right) = (raw.left.get_type(schema)?, raw.right.get_type(schema)?);
    let equality = matches!(raw.op, BinaryOperator::Eq | BinaryOperator::NotEq);
    // A truth value is compared with a text as the text that it prints.
    let as_text = |a: &DataType, b: &DataType| equality && *a == DataType::Boolean && *b == DataType::Utf8;
    let to_text = |expr| call(cast_to(DataType::Utf8, None, false), vec![expr]);
    if as_text(&left, &right) {
        return Ok(RawBinaryExpr { left: to_text(raw.left), ..raw });
    }
    if equality && (&left, &right) == (&DataType::Float32, &DataType::Float64) {
        return Ok(RawBinaryExpr { right: call(cast_to(DataType::Float32, None, false), vec![raw.right]), ..raw });
    }
    if as_text(&right, &left) {
        return Ok(RawBinaryExpr { right: to_text(raw.right), ..raw });
    }
    if let Some(safe) = text_beside(&raw.left, &left, &right, equality) {
        return Ok(RawBinaryExpr { left: call(cast_to(right, None, safe), vec![raw.left]), ..raw });
    }
    if let Some(safe) = text_beside(&raw.right, &right, &left, equality) {
        return Ok(RawBinaryExpr { right: call(cast_to(left, None, safe), vec![raw.right]), ..raw });
    }
    let instant = |t: &DataType| matches!(t, DataType::Timestamp(_, Some(_)));
    let timestamp = |t: &DataType| matches!(t, DataType::Timestamp(..));
    let to_kind = |expr, t: &DataType| call(cast_to(t.clone(), None, false), vec![expr]);
    let to_local = |expr, t: &DataType| match t {
        DataType::Timestamp(unit, _) => call(cast_to(DataType::Timestamp(*unit, None), None, false), vec![expr]),
        _ => expr,
    };
    // Of a TIMESTAMP and a TIMESTAMP_LTZ the first counts, if they have as many digits; else what a clock shows.
    if instant(&left) != instant(&right) && timestamp(&left) && timestamp(&right) {
        let same = precision_of(&raw.left, schema)? == precision_of(&raw.right, schema)?;
        return Ok(match (instant(&left), same) {
            (true, true) => RawBinaryExpr { right: to_kind(raw.right, &left), ..raw },
            (true, false) => RawBinaryExpr { left: to_local(raw.left, &left), ..raw },
            (false, _) => RawBinaryExpr { right: to_local(raw.right, &right), ..raw },
        });
    }
    if both_intervals(&left, &right) && interval_months(&raw.left, schema)? != interval_months(&raw.right, schema)? {
        return Err(SqlError::new("an interval of months has no fixed length and cannot be compared with one of days and times").into());
    }
    if !equality && matches!((&left, &right), (DataType::List(_), DataType::List(_)) | (DataType::Map(..), DataType::Map(..))) {
        return Err(SqlError::new(format!("{} has no order", FlinkType::from_arrow(&left))).help("compare with = or <>").into());
    }
    check_comparable(&left, &right, !equality)?;
    let mut raw = raw;
    same_numbers(&mut [&mut raw.left, &mut raw.right], schema);
    Ok(raw)
}

/// Whether a text is cast to the type of what it is compared with, and whether what is none becomes NULL: beside a number where the order
/// counts, and beside a time in an equality, where Flink takes a constant text as it is written.
fn text_beside(text: &Expr, text_type: &DataType, other: &DataType, equality: bool) -> Option<bool> {
    match (equality, text) {
        _ if *text_type != DataType::Utf8 => None,
        (false, _) => other.is_numeric().then_some(false),
        (true, Expr::Literal(..)) => None,
        (true, _) => is_time(other).then_some(true),
    }
}

/// Values that are compared: a DECIMAL beside a FLOAT or a DOUBLE becomes one, not the other way around, which could overflow.
pub fn same_numbers(values: &mut [&mut Expr], schema: &DFSchema) {
    let types: Vec<Option<DataType>> = values.iter().map(|v| v.get_type(schema).ok()).collect();
    let any = |is: fn(&DataType) -> bool| types.iter().flatten().any(is);
    let decimal = |t: &DataType| matches!(t, DataType::Decimal128(..));
    if !any(DataType::is_floating) || !any(decimal) {
        return;
    }
    for (value, _) in values.iter_mut().zip(&types).filter(|(_, t)| t.as_ref().is_some_and(decimal)) {
        **value = call(cast_to(DataType::Float64, None, false), vec![std::mem::take(*value)]);
    }
}

/// The refusal of a number added to a time, which counts days elsewhere, and of a difference of times without its unit.
fn no_such_sum(op: Operator, left: &DataType, right: &DataType) -> Option<SqlError> {
    let (a, b) = (FlinkType::from_arrow(left), FlinkType::from_arrow(right));
    if (is_time(left) && right.is_numeric()) || (left.is_numeric() && is_time(right)) {
        return Some(
            SqlError::new(format!("there is no {a} {op} {b}"))
                .help("add an interval: time + INTERVAL '1' DAY, or time + n * INTERVAL '1' DAY"),
        );
    }
    if op == Operator::Minus && matches!(left, DataType::Time32(_)) && is_time(right) {
        return Some(SqlError::new(format!("there is no {a} - {b}")).help("say in what: (a - b) SECOND, or TIMESTAMPDIFF(SECOND, b, a)"));
    }
    None
}

/// DATE, TIME, TIMESTAMP or TIMESTAMP_LTZ.
pub(super) fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Time32(_) | DataType::Timestamp(..))
}

fn both_intervals(left: &DataType, right: &DataType) -> bool {
    matches!((left, right), (DataType::Interval(_), DataType::Interval(_)))
}

/// The digits of a second that an expression's type has.
fn precision_of(expr: &Expr, schema: &DFSchema) -> Result<Option<u8>> {
    Ok(match FlinkType::from_field(declared::field(expr, schema)?.as_ref()).0 {
        FlinkType::Timestamp(digits) | FlinkType::TimestampLtz(digits) => Some(digits),
        _ => None,
    })
}

/// Whether an expression is an interval of months.
fn interval_months(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    Ok(FlinkType::from_field(declared::field(expr, schema)?.as_ref()).0 == FlinkType::IntervalMonth)
}

/// NULL as it is written, without a type.
pub fn is_bare_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::Null, _))
}

/// The error for a NULL without a type as an operand.
pub fn illegal_null(operator: &str) -> DataFusionError {
    SqlError::new(format!("{operator} cannot take NULL as it is: it has no type")).about("NULL").help("write CAST(NULL AS type)").into()
}

fn inexact_remainder() -> SqlError {
    SqlError::new("'%' and MOD take whole numbers and DECIMAL, not FLOAT or DOUBLE").help("CAST the operand to DECIMAL(p, s)")
}

/// Flink finds no number equal to a text, and compares no dates with timestamps; DataFusion would cast. A VARIANT or a BITMAP is equal to another
/// or not, but has no place in an order.
fn check_comparable(left: &DataType, right: &DataType, ordered: bool) -> Result<()> {
    let opaque = |t: &DataType| matches!(t, DataType::LargeBinary | DataType::BinaryView);
    if (opaque(left) || opaque(right)) && (ordered || left != right) && !left.is_null() && !right.is_null() {
        let what = if left == right { "have no order" } else { "cannot be compared" };
        let error = SqlError::new(format!("{} and {} {what}", FlinkType::from_arrow(left), FlinkType::from_arrow(right)));
        return Err(error.help("compare texts of them: JSON_STRING(variant), BITMAP_TO_STRING(bitmap)").into());
    }
    let text = |t: &DataType| *t == DataType::Utf8;
    let date = |t: &DataType| *t == DataType::Date32;
    let timestamp = |t: &DataType| matches!(t, DataType::Timestamp(..));
    let clash = |a: &DataType, b: &DataType| {
        (text(a) && (b.is_numeric() || matches!(b, DataType::Boolean | DataType::Binary))) || (date(a) && timestamp(b))
    };
    if clash(left, right) || clash(right, left) {
        let (left, right) = (FlinkType::from_arrow(left), FlinkType::from_arrow(right));
        let error = SqlError::new(format!("{left} and {right} cannot be compared"));
        return Err(error.help(format!("CAST one of them, for example CAST(x AS {right})")).into());
    }
    Ok(())
}

fn element(container: Expr, key: Expr) -> Result<PlannerResult<RawFieldAccessExpr>> {
    match scalar_function("element_at") {
        Some(function) => Ok(PlannerResult::Planned(call(function, vec![container, key]))),
        None => plan_err!("'[]' is not supported yet"),
    }
}

/// A call of a scalar function.
pub fn call(function: Arc<ScalarUDF>, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(function, args))
}

static FIELD_ACCESS: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| Arc::new(ScalarUDF::from(FieldAccess { signature: Signature::any(2, Volatility::Immutable) })));

/// `row.name`.
pub fn field_access(row: Expr, name: &str) -> Expr {
    call(FIELD_ACCESS.clone(), vec![row, lit(name)])
}

/// The row and the name, if the expression is `row.name`.
pub fn as_field_access(expr: &Expr) -> Option<(&Expr, &str)> {
    match expr {
        Expr::ScalarFunction(f) if f.func.name() == FIELD_ACCESS_NAME => match f.args.as_slice() {
            [row, Expr::Literal(ScalarValue::Utf8(Some(name)), _)] => Some((row, name)),
            _ => None,
        },
        _ => None,
    }
}

/// The name of the function that takes a field out of a ROW.
pub const FIELD_ACCESS_NAME: &str = "$field";

/// The function that gives processing time, marked as a time attribute.
pub fn proctime() -> Option<Arc<ScalarUDF>> {
    let inner = crate::functions::find("proctime")?;
    Some(Arc::new(ScalarUDF::from(ProcTime { inner })))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ProcTime {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for ProcTime {
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn signature(&self) -> &Signature {
        self.inner.signature()
    }
    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(args)
    }
    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        self.inner.return_type(args)
    }
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(with_time_attribute(self.inner.return_field_from_args(args)?.as_ref(), PROCTIME)))
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.invoke_with_args(args)
    }
}

/// A field of a ROW, by name; NULL where the row is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct FieldAccess {
    signature: Signature,
}

impl ScalarUDFImpl for FieldAccess {
    fn name(&self) -> &str {
        FIELD_ACCESS_NAME
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("the type of a field is that of the ROW's type")
    }
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let (row, name) = (&args.arg_fields[0], args.scalar_arguments.get(1).copied().flatten().and_then(|s| s.try_as_str().flatten()));
        let (DataType::Struct(fields), Some(name)) = (row.data_type(), name) else {
            return plan_err!("a field can be taken of a ROW only, not of {}", row.data_type());
        };
        match fields.find(name) {
            Some((_, field)) => Ok(Arc::new(field.as_ref().clone().with_nullable(field.is_nullable() || row.is_nullable()))),
            None => {
                let names: Vec<&str> = fields.iter().map(|f| f.name().as_str()).collect();
                plan_err!("the ROW has no field '{name}'; it has {}", names.join(", "))
            }
        }
    }
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(match args {
            [row, Expr::Literal(name, _)] => format!("{}.{name}", row.schema_name()),
            _ => FIELD_ACCESS_NAME.into(),
        })
    }
    fn display_name(&self, args: &[Expr]) -> Result<String> {
        self.schema_name(args)
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.args[0].to_array(args.number_rows)?;
        let name = match &args.args[1] {
            ColumnarValue::Scalar(s) => s.try_as_str().flatten().unwrap_or_default().to_string(),
            ColumnarValue::Array(_) => return plan_err!("a field's name is written out"),
        };
        let rows: &StructArray = rows.as_struct();
        match rows.column_by_name(&name) {
            Some(field) => Ok(ColumnarValue::Array(with_nulls_of(field, rows.nulls())?)),
            None => plan_err!("the ROW has no field '{name}'"),
        }
    }
}

/// The array, null too where `outer` is.
fn with_nulls_of(array: &ArrayRef, outer: Option<&NullBuffer>) -> Result<ArrayRef> {
    if outer.is_none_or(|n| n.null_count() == 0) {
        return Ok(array.clone());
    }
    let nulls = NullBuffer::union(array.nulls(), outer);
    let data = array.to_data().into_builder().nulls(nulls);
    Ok(make_array(data.build()?))
}
