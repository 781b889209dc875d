//! DataFusion's physical expressions behind the engine's [`Expr`](flott_engine::expr::Expr).

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion_common::{DFSchema, DataFusionError};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::{EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_expr::{PhysicalExpr, create_physical_expr};
use flott_engine::expr::{Column as EngineColumn, EvalContext, Expr as EngineExpr};
use flott_engine::{Error, Result};
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::dialect::parse_expr;
use crate::error::{SqlError, SqlResult};
use crate::functions::{self, Zone, with_context};
use crate::planner::context::PlanContext;
use crate::planner::optimize;
use crate::stream::text::sql_text;

/// As much of an expression as an error shows.
const SHOWN_CHARS_MAX: usize = 200;

struct Adapter {
    expr: Arc<dyn PhysicalExpr>,
    /// The expression as the user wrote it, for errors.
    text: String,
    zone: Zone,
}

impl EngineExpr for Adapter {
    fn evaluate(&self, rows: &RecordBatch, context: &EvalContext) -> Result<ArrayRef> {
        let context = functions::EvalContext {
            now_ms: context.now_ms,
            time_zone: self.zone,
            watermark_ms: (context.watermark != i64::MIN).then_some(context.watermark),
        };
        with_context(context, || self.expr.evaluate(rows)?.into_array(rows.num_rows())).map_err(|e| runtime_error(e).at(self.text.clone()))
    }
}

/// An expression over a schema, for the engine. A plain column stays one.
pub fn lower_expr(expr: &Expr, schema: &DFSchema, zone: Zone) -> SqlResult<Arc<dyn EngineExpr>> {
    lower_shown(expr, schema, zone, sql_text(expr))
}

/// The same, with what errors call the expression.
pub fn lower_shown(expr: &Expr, schema: &DFSchema, zone: Zone, text: String) -> SqlResult<Arc<dyn EngineExpr>> {
    let text = match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    let physical = create_physical_expr(expr, schema, &ExecutionProps::new(), &Default::default())?;
    let physical = super::ieee::with_ieee(physical, schema.as_arrow())?;
    let physical = super::logic::with_guards(physical, schema.as_arrow())?;
    let physical = super::case::with_masks(physical, schema.as_arrow())?;
    if let Some(column) = physical.downcast_ref::<Column>() {
        return Ok(Arc::new(EngineColumn(column.index())));
    }
    Ok(Arc::new(Adapter { expr: physical, text, zone }))
}

/// An expression alone, over the columns of batches of this schema: planned and lowered as those of a query are.
///
/// # Errors
/// When the text is no expression over these columns, or parts of it would be computed in a step of their own.
pub fn lower_text(sql: &str, schema: &SchemaRef, zone: Zone) -> SqlResult<Arc<dyn EngineExpr>> {
    let catalog = Catalog::default();
    let columns = Arc::new(DFSchema::try_from(schema.as_ref().clone())?);
    let expr = PlanContext::new(&catalog).expression(&parse_expr(sql)?, &columns)?;
    let rows = LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: columns });
    let plan = optimize(LogicalPlanBuilder::from(rows).project([expr])?.build()?, zone)?;
    match (plan.expressions().as_slice(), plan.inputs().as_slice()) {
        ([expr], [LogicalPlan::EmptyRelation(rows)]) => lower_expr(expr, &rows.schema, zone),
        _ => Err(SqlError::new("the expression is computed in several steps")),
    }
}

/// What went wrong while rows were computed: it is about the data.
fn runtime_error(e: DataFusionError) -> Error {
    match e {
        DataFusionError::ArrowError(e, _) => Error::from(*e),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => runtime_error(*inner),
        DataFusionError::External(inner) => match inner.downcast::<Error>() {
            Ok(own) => *own,
            Err(other) => Error::data(other.to_string()),
        },
        DataFusionError::Execution(message) | DataFusionError::Plan(message) => Error::data(message),
        other => Error::data(other.strip_backtrace()),
    }
}
