//! `FROM_CHANGELOG` and `TO_CHANGELOG`: changes out of rows that tell their kind in a column, and the other way round.

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Column, DFSchema, DFSchemaRef, Result, TableReference, plan_err};
use datafusion_expr::planner::RelationPlannerContext;
use datafusion_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use flott_engine::RowKind;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::catalog::without_time_attribute;
use crate::dialect::{ChangelogCall, ChangelogFunction};
use crate::error::{SqlError, SqlResult};
use crate::types::FlinkType;

/// Kinds of change by the names that `op_mapping` has for them.
const KINDS: [(&str, RowKind); 4] = [
    ("INSERT", RowKind::Insert),
    ("UPDATE_BEFORE", RowKind::UpdateBefore),
    ("UPDATE_AFTER", RowKind::UpdateAfter),
    ("DELETE", RowKind::Delete),
];

/// Which way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ChangelogForm {
    /// The column that tells the kind of change, and what its values mean.
    From(Column, Vec<(String, RowKind)>),
    /// The name of the column to come, and its values; kinds without one are left out.
    To(String, Vec<(RowKind, String)>),
}

/// A call of one of the functions over its input.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChangelogNode {
    /// The table.
    pub input: LogicalPlan,
    /// Which way.
    pub form: ChangelogForm,
    schema: DFSchemaRef,
}

/// Plans a call over its planned input.
pub fn plan_call(call: ChangelogCall, input: LogicalPlan, _: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let name = call.op.as_ref().map_or("op", |op| op.value.as_str()).to_string();
    let taken = input.schema().fields().iter().any(|f| *f.name() == name);
    let form = match call.function {
        ChangelogFunction::To if taken => {
            return Err(SqlError::new(format!("the table has a column '{name}' already"))
                .about(&name)
                .help("name another one for the kind of change: op => DESCRIPTOR(kind)")
                .into());
        }
        ChangelogFunction::To => ChangelogForm::To(name, kinds_to_codes(call.mapping)?),
        ChangelogFunction::From => {
            let Some((qualifier, field)) = input.schema().iter().find(|(_, f)| *f.name() == name) else {
                return Err(SqlError::new(format!("the table has no column '{name}' that tells the kind of change"))
                    .about(call.function.name())
                    .help("name it: op => DESCRIPTOR(column)")
                    .into());
            };
            if *field.data_type() != DataType::Utf8 {
                let (ty, _) = FlinkType::from_field(field);
                return Err(SqlError::new(format!("the column '{name}' tells the kind of change, so it must be STRING, not {ty}"))
                    .about(&name)
                    .into());
            }
            ChangelogForm::From(Column::new(qualifier.cloned(), name), codes_to_kinds(call.mapping)?)
        }
    };
    let node = ChangelogNode::try_new(input, form)?;
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}

fn kind_of(name: &str) -> SqlResult<RowKind> {
    KINDS.iter().find(|(n, _)| *n == name).map(|(_, kind)| *kind).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|(n, _)| *n).collect();
        SqlError::new(format!("'{name}' is no kind of change")).about(name).help(format!("there are {}", names.join(", ")))
    })
}

/// `MAP['c, r', 'INSERT', …]`: each kind once, and no update without the row before it.
fn codes_to_kinds(mapping: Option<Vec<(String, String)>>) -> SqlResult<Vec<(String, RowKind)>> {
    let Some(mapping) = mapping else { return Ok(KINDS.iter().map(|(n, kind)| (n.to_string(), *kind)).collect()) };
    let (mut codes, mut kinds) = (vec![], vec![]);
    for (keys, kind) in mapping {
        let name = kind.trim();
        let kind = kind_of(name)?;
        if kinds.contains(&kind) {
            return Err(SqlError::new(format!("{name} is given twice"))
                .about(name)
                .help(format!("write all codes of a kind in one key: MAP['c, r', '{name}']")));
        }
        kinds.push(kind);
        for code in keys.split(',').map(str::trim) {
            if codes.iter().any(|(c, _)| c == code) {
                return Err(SqlError::new(format!("the code '{code}' stands for two kinds of change")).about(code));
            }
            codes.push((code.to_string(), kind));
        }
    }
    if kinds.contains(&RowKind::UpdateAfter) && !kinds.contains(&RowKind::UpdateBefore) {
        return Err(SqlError::new(
            "op_mapping has a code for UPDATE_AFTER and none for UPDATE_BEFORE: the row that an update replaces must be told",
        )
        .about("UPDATE_AFTER")
        .help("map both, or map updates to INSERT and DELETE"));
    }
    Ok(codes)
}

/// `MAP['INSERT, UPDATE_AFTER', 'upsert', …]`: each kind once.
fn kinds_to_codes(mapping: Option<Vec<(String, String)>>) -> SqlResult<Vec<(RowKind, String)>> {
    let Some(mapping) = mapping else { return Ok(KINDS.iter().map(|(n, kind)| (*kind, n.to_string())).collect()) };
    let mut codes: Vec<(RowKind, String)> = vec![];
    for (names, code) in mapping {
        for name in names.split(',').map(str::trim) {
            let kind = kind_of(name)?;
            if codes.iter().any(|(k, _)| *k == kind) {
                return Err(SqlError::new(format!("{name} is given twice")).about(name));
            }
            codes.push((kind, code.clone()));
        }
    }
    Ok(codes)
}

impl ChangelogNode {
    fn try_new(input: LogicalPlan, form: ChangelogForm) -> Result<Self> {
        let of_input = input.schema().iter().map(|(q, f)| (q.cloned(), Arc::new(without_time_attribute(f))));
        let fields: Vec<(Option<TableReference>, FieldRef)> = match &form {
            ChangelogForm::From(op, _) => of_input.filter(|(q, f)| !(*q == op.relation && *f.name() == op.name)).collect(),
            ChangelogForm::To(name, _) => {
                std::iter::once((None, Arc::new(Field::new(name, DataType::Utf8, true)))).chain(of_input).collect()
            }
        };
        let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
        Ok(Self { input, form, schema })
    }
}

impl PartialOrd for ChangelogNode {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl UserDefinedLogicalNodeCore for ChangelogNode {
    fn name(&self) -> &str {
        "ProcessTableFunction"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        match &self.form {
            ChangelogForm::From(op, _) => vec![Expr::Column(op.clone())],
            ChangelogForm::To(..) => vec![],
        }
    }

    /// A filter on the column to come cannot go below.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        match &self.form {
            ChangelogForm::From(..) => HashSet::new(),
            ChangelogForm::To(name, _) => HashSet::from([name.clone()]),
        }
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.form {
            ChangelogForm::From(op, _) => write!(f, "FROM_CHANGELOG: op={}", op.name),
            ChangelogForm::To(name, _) => write!(f, "TO_CHANGELOG: op={name}"),
        }
    }

    fn with_exprs_and_inputs(&self, mut exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let Some(input) = inputs.pop() else { return plan_err!("a table function has an input") };
        let form = match (&self.form, exprs.pop()) {
            (ChangelogForm::From(_, mapping), Some(Expr::Column(op))) => ChangelogForm::From(op, mapping.clone()),
            (other, _) => other.clone(),
        };
        Self::try_new(input, form)
    }
}

/// The call that a plan node is, if it is one.
pub fn as_changelog(node: &Arc<dyn UserDefinedLogicalNode>) -> Option<&ChangelogNode> {
    node.as_any().downcast_ref()
}
