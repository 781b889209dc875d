//! Scalar and table functions of the user as the planner sees them. A table function is a function that gives an array of rows for each
//! row, which UNNEST takes apart.

use arrow::array::{ArrayRef, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{DataFusionError, Result, ScalarValue};
use datafusion_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature as PlanSignature, Volatility,
};
use flott_engine::Error;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::{Rows, ScalarFunction, Signature, TableFunction, checked, guarded};
use crate::types::{ColumnType, FlinkType};

/// A function of the user.
struct OwnScalar {
    name: String,
    declared: Signature,
    signature: PlanSignature,
    code: Arc<dyn ScalarFunction>,
}

/// A scalar function for the planner.
pub(super) fn scalar(name: &str, declared: Signature, code: Arc<dyn ScalarFunction>) -> Arc<ScalarUDF> {
    let volatility = if declared.deterministic { Volatility::Immutable } else { Volatility::Volatile };
    let signature = PlanSignature::user_defined(volatility);
    Arc::new(ScalarUDF::new_from_impl(OwnScalar { name: name.to_string(), declared, signature, code }))
}

/// A table function for the planner.
pub(super) fn table(name: &str, declared: Signature, code: Arc<dyn TableFunction>) -> Arc<ScalarUDF> {
    let row = ColumnType { nullable: !matches!(declared.returns.ty, FlinkType::Row(_)), ..declared.returns.clone() };
    let lists = Lists { code, row: row.clone() };
    let returns = ColumnType::not_null(FlinkType::Array(Box::new(row)));
    scalar(name, Signature { returns, ..declared }, Arc::new(lists))
}

/// The rows that a table function makes of a row, as an array.
struct Lists {
    code: Arc<dyn TableFunction>,
    row: ColumnType,
}

impl ScalarFunction for Lists {
    fn call(&self, args: &[ArrayRef], rows: usize) -> flott_engine::Result<ArrayRef> {
        let Rows { of, columns } = self.code.call(args, rows)?;
        let element = Field::new("item", self.row.ty.to_arrow(), self.row.nullable);
        let mut lengths = vec![0; rows];
        let mut last = 0;
        for row in &of {
            if *row < last || *row as usize >= rows {
                return Err(Error::data("it gave rows that are not in the order of the rows they were made of"));
            }
            last = *row;
            lengths[*row as usize] += 1;
        }
        let values: ArrayRef = match (element.data_type(), columns.len()) {
            (DataType::Struct(fields), given) => {
                if given != fields.len() {
                    return Err(Error::data(format!("it gave {given} columns and is declared to give {}", fields.len())));
                }
                Arc::new(StructArray::try_new(fields.clone(), columns, None)?)
            }
            (_, 1) => columns[0].clone(),
            (_, given) => return Err(Error::data(format!("it gave {given} columns and is declared to give 1"))),
        };
        let values = checked(values, &self.row, of.len())?;
        let DataType::List(element) = FlinkType::Array(Box::new(self.row.clone())).to_arrow() else {
            return Err(Error::internal("an array is a list"));
        };
        Ok(Arc::new(ListArray::try_new(element, OffsetBuffer::from_lengths(lengths), values, None)?))
    }
}

impl OwnScalar {
    fn result_field(&self, nullable: bool) -> FieldRef {
        Arc::new(self.declared.returns.ty.to_field(&self.name, nullable))
    }
}

impl ScalarUDFImpl for OwnScalar {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &PlanSignature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.declared.coerce(&self.name, given)?)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.declared.returns.ty.to_arrow())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(self.result_field(self.declared.returns.nullable))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = self.declared.deterministic && args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let arrays = args.args.into_iter().map(|arg| arg.into_array(rows)).collect::<Result<Vec<ArrayRef>>>()?;
        // Nothing is asked for no rows: code that looks at a first row need not expect it.
        let result = match rows {
            0 => arrow::array::new_empty_array(&self.declared.returns.ty.to_arrow()),
            _ => guarded(&self.name, || checked(self.code.call(&arrays, rows)?, &self.declared.returns, rows))
                .map_err(|e| DataFusionError::External(Box::new(e)))?,
        };
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

impl std::fmt::Debug for OwnScalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.name)
    }
}

impl PartialEq for OwnScalar {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.code, &other.code)
    }
}

impl Eq for OwnScalar {}

impl Hash for OwnScalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
