//! NOT NULL of tables that are written and of results that are shown.

use arrow::datatypes::{DataType, FieldRef};
use flott_engine::graph::{Exchange, NodeKind};
use flott_engine::operators::enforce::EnforceNotNull;
use flott_engine::sink::Sink;

use super::{Lowered, Lowering, edges, factory};
use crate::error::SqlResult;
use crate::stream::{StreamNode, StreamOp};

impl Lowering<'_> {
    pub(super) fn enforce_not_null(&mut self, node: &StreamNode, columns: &[usize], table: &str) -> SqlResult<Lowered> {
        let columns = columns.iter().map(|c| (*c, node.schema.field(*c).name().clone())).collect();
        let operator = EnforceNotNull { columns, table: Some(table.into()), drop: self.drops_null() };
        self.unary(node, "ConstraintEnforcer", Exchange::Forward, factory(operator))
    }

    /// The end of a query whose rows are shown. Of all that is NOT NULL only a DECIMAL can turn out NULL after all: by overflow.
    pub(super) fn result(&mut self, node: &StreamNode, sink: Box<dyn Sink>) -> SqlResult<()> {
        let exact = |field: &FieldRef| !field.is_nullable() && matches!(field.data_type(), DataType::Decimal128(..));
        let columns: Vec<(usize, String)> =
            node.schema.fields().iter().enumerate().filter(|(_, f)| exact(f)).map(|(i, f)| (i, f.name().clone())).collect();
        if columns.is_empty() || !matches!(node.op, StreamOp::Calc { .. }) {
            return self.finish(node, None, sink);
        }
        let input = self.node(node)?;
        let input = self.settle(input, node)?;
        let operator = EnforceNotNull { columns, table: None, drop: self.drops_null() };
        let inputs = edges(&input, Exchange::Forward);
        let checked = Lowered::plain(self.graph.add("ConstraintEnforcer", NodeKind::Operator(factory(operator)), inputs));
        self.end(checked, node, None, sink);
        Ok(())
    }

    /// Whether rows with a NULL where none may be are left out.
    fn drops_null(&self) -> bool {
        self.options.get("table.exec.sink.not-null-enforcer").is_some_and(|v| v.eq_ignore_ascii_case("DROP"))
    }
}
