//! Comparisons of FLOAT and DOUBLE, put where DataFusion's stand: theirs are Arrow's, with another order of -0.0 and NaN.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion_common::Result;
use datafusion_common::config::ConfigOptions;
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_expr::Operator;
use datafusion_physical_expr::expressions::BinaryExpr;
use datafusion_physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use crate::functions::{self, IEEE};

/// The expression with every comparison of floating-point numbers as Java makes it.
pub(super) fn with_ieee(expr: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let options = Arc::new(ConfigOptions::default());
    Ok(expr
        .transform_up(|e| {
            let Some(binary) = e.downcast_ref::<BinaryExpr>() else { return Ok(Transformed::no(e)) };
            use Operator as O;
            if !matches!(binary.op(), O::Eq | O::NotEq | O::Lt | O::LtEq | O::Gt | O::GtEq) {
                return Ok(Transformed::no(e));
            }
            let (left, right) = (binary.left(), binary.right());
            let (of_left, of_right) = (left.data_type(schema)?, right.data_type(schema)?);
            if of_left != of_right || !of_left.is_floating() {
                return Ok(Transformed::no(e));
            }
            let Some(function) = functions::find(&format!("{IEEE}{}", binary.op())) else { return Ok(Transformed::no(e)) };
            let args = vec![left.clone(), right.clone()];
            Ok(Transformed::yes(Arc::new(ScalarFunctionExpr::try_new(function, args, schema, options.clone())?) as _))
        })?
        .data)
}
