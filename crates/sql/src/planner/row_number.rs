//! ROW_NUMBER() for the planner. It is never computed as such: a filter on it makes it a Top-N.

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, plan_err};
use datafusion_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion_expr::{PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl};
use std::sync::{Arc, LazyLock};

/// Its lower-case name.
pub const ROW_NUMBER: &str = "row_number";

static FUNCTION: LazyLock<Arc<WindowUDF>> =
    LazyLock::new(|| Arc::new(WindowUDF::from(RowNumber { signature: Signature::nullary(Volatility::Immutable) })));

/// The function of that lower-case name, if it is this one.
pub fn window_function(name: &str) -> Option<Arc<WindowUDF>> {
    (name == ROW_NUMBER).then(|| FUNCTION.clone())
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RowNumber {
    signature: Signature,
}

impl WindowUDFImpl for RowNumber {
    fn name(&self) -> &str {
        ROW_NUMBER
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn partition_evaluator(&self, _: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        plan_err!("ROW_NUMBER is computed by the Top-N that a filter on it becomes")
    }
    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Int64, false)))
    }
}
