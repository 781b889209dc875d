//! Aggregate functions of the user as the planner and the engine see them.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef};
use datafusion_common::{Result, not_impl_err};
use datafusion_expr::function::AccumulatorArgs;
use datafusion_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature as PlanSignature, Volatility};
use flott_engine::aggregate::{AggFunction, AggInput, Aggregate, OwnFunction};
use flott_engine::state::column::{Column, ColumnKind};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::{Signature, checked, guarded};
use crate::error::SqlResult;
use crate::planner::aggregates::engine_function;

/// An aggregate function of the user.
#[derive(Debug)]
struct OwnAggregate {
    declared: Signature,
    signature: PlanSignature,
    function: OwnFunction,
}

/// An aggregate function for the planner.
pub(super) fn aggregate(name: &str, declared: Signature, code: Arc<dyn Aggregate>) -> Arc<AggregateUDF> {
    let retracts = declared.retracts;
    let code = Arc::new(Guarded { name: name.to_string(), declared: declared.clone(), code });
    let function = OwnFunction { name: name.to_string(), retracts, code };
    let signature = PlanSignature::user_defined(Volatility::Immutable);
    Arc::new(AggregateUDF::from(OwnAggregate { declared, signature, function }))
}

/// The engine's function for a call, and those of its arguments that are columns to it.
pub fn engine_call<'a>(name: &str, function: Option<&AggregateUDF>, args: &'a [Expr]) -> SqlResult<(AggFunction, &'a [Expr])> {
    if let Some(own) = function.and_then(|f| f.inner().downcast_ref::<OwnAggregate>()) {
        return Ok((AggFunction::Own(own.function.clone()), args));
    }
    let constant = |e: &Expr| matches!(e, Expr::Literal(v, _) if !v.is_null());
    let all_rows = name == "count" && args.iter().all(constant);
    let columns = if all_rows { 0 } else { args.len().min(1) };
    Ok((engine_function(name, args)?, &args[..columns]))
}

/// Code of the user, whose panics are caught and whose errors name it.
struct Guarded {
    name: String,
    declared: Signature,
    code: Arc<dyn Aggregate>,
}

impl Aggregate for Guarded {
    fn columns(&self) -> Vec<ColumnKind> {
        self.code.columns()
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> flott_engine::Result<()> {
        guarded(&self.name, || self.code.update(state, slots, input))
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> flott_engine::Result<()> {
        guarded(&self.name, || self.code.merge(state, slots, partial))
    }

    fn mergeable(&self) -> bool {
        self.code.mergeable()
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> flott_engine::Result<ArrayRef> {
        guarded(&self.name, || checked(self.code.evaluate(state, slots)?, &self.declared.returns, slots.len()))
    }
}

impl AggregateUDFImpl for OwnAggregate {
    fn name(&self) -> &str {
        &self.function.name
    }

    fn signature(&self) -> &PlanSignature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.declared.coerce(&self.function.name, given)?)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.declared.returns.ty.to_arrow())
    }

    fn return_field(&self, _: &[FieldRef]) -> Result<FieldRef> {
        Ok(Arc::new(self.declared.returns.ty.to_field(&self.function.name, self.declared.returns.nullable)))
    }

    fn is_nullable(&self) -> bool {
        self.declared.returns.nullable
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        not_impl_err!("{} outside the engine", self.function.name)
    }
}

impl PartialEq for OwnAggregate {
    fn eq(&self, other: &Self) -> bool {
        self.function == other.function
    }
}

impl Eq for OwnAggregate {}

impl Hash for OwnAggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.hash(state);
    }
}
