//! The functions that only OVER has, as the planner sees them. The engine computes them as aggregates.

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, plan_err};
use datafusion_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion_expr::{PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl};
use std::sync::{Arc, LazyLock};

use crate::error::SqlError;
use crate::types::FlinkType;

/// The lower-case name of the function that makes a Top-N when it is filtered.
pub const ROW_NUMBER: &str = "row_number";
/// Functions that have to know rows to come: in batch mode only.
pub const AHEAD: [&str; 4] = ["LEAD", "NTILE", "PERCENT_RANK", "CUME_DIST"];
/// Functions that have no frame of their own.
pub const RANKING: [&str; 4] = ["ROW_NUMBER", "RANK", "DENSE_RANK", "LAG"];

/// Name, form of the call, description; for `flott functions`.
pub const WINDOW_FUNCTIONS: &[(&str, &str, &str)] = &[
    ("cume_dist", "CUME_DIST() OVER (...)", "The part of the rows that do not come behind this one. In batch mode only."),
    ("dense_rank", "DENSE_RANK() OVER (...)", "The rank without gaps behind equals. In a stream the same as RANK, as in Flink."),
    ("lag", "LAG(value [, offset [, default]]) OVER (...)", "The value so many rows before; one row by default."),
    ("lead", "LEAD(value [, offset [, default]]) OVER (...)", "The value so many rows behind; one row by default. In batch mode only."),
    ("ntile", "NTILE(n) OVER (...)", "The number of the row's part when rows are dealt to n parts in their order. In batch mode only."),
    ("percent_rank", "PERCENT_RANK() OVER (...)", "The part of the other rows that come before this one. In batch mode only."),
    ("rank", "RANK() OVER (...)", "1 and the number of rows before; in a stream, as in Flink, of rows up to this one and its equals."),
    ("row_number", "ROW_NUMBER() OVER (...)", "1, 2, 3 in the order of the window. Filtered by WHERE rn <= n, a Top-N."),
];

static FUNCTIONS: LazyLock<Vec<Arc<WindowUDF>>> = LazyLock::new(|| {
    let signature = || {
        let forms = vec![datafusion_expr::TypeSignature::VariadicAny, datafusion_expr::TypeSignature::Nullary];
        Signature::one_of(forms, Volatility::Immutable)
    };
    let function = |name: &&'static str| Arc::new(WindowUDF::from(WindowFunction { name, signature: signature() }));
    // The planner looks for two of the aggregates here.
    WINDOW_FUNCTIONS.iter().map(|(name, ..)| function(name)).chain(["first_value", "last_value"].iter().map(function)).collect()
});

/// The function of that lower-case name, if it is one of these.
pub fn window_function(name: &str) -> Option<Arc<WindowUDF>> {
    FUNCTIONS.iter().find(|f| f.name() == name).cloned()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct WindowFunction {
    name: &'static str,
    signature: Signature,
}

impl WindowFunction {
    /// The result of LAG and LEAD.
    fn of_other_row(&self, name: &str, fields: &[FieldRef]) -> Result<Field> {
        let function = self.name.to_uppercase();
        let (Some(value), 1..=3) = (fields.first(), fields.len()) else {
            return plan_err!("'{function}' takes a value, and perhaps an offset and a default");
        };
        if let Some(offset) = fields.get(1)
            && *offset.data_type() != DataType::Int32
        {
            let error = SqlError::new(format!("the offset of {function} is {}, it must be INT", FlinkType::from_field(offset).0));
            return Err(error.about(&function).help("write CAST(… AS INT)").into());
        }
        if fields.get(2).is_some_and(|default| *default.data_type() == DataType::Null) {
            let error = SqlError::new(format!("the default of {function} is a NULL without a type")).about(&function);
            return Err(error.help(format!("leave it out, or write CAST(NULL AS {})", FlinkType::from_field(value).0)).into());
        }
        let nullable = fields.get(2).is_none_or(|default| default.is_nullable());
        if let Some(default) = fields.get(2)
            && default.data_type() != value.data_type()
        {
            let ((wanted, _), (given, _)) = (FlinkType::from_field(value), FlinkType::from_field(default));
            let error = SqlError::new(format!("the default of {function} is {given}, its value is {wanted}"));
            return Err(error.about(&function).help(format!("write CAST(… AS {wanted})")).into());
        }
        Ok(value.as_ref().clone().with_name(name).with_nullable(nullable))
    }
}

impl WindowUDFImpl for WindowFunction {
    fn name(&self) -> &str {
        self.name
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn partition_evaluator(&self, _: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        plan_err!("{} is computed by the engine", self.name.to_uppercase())
    }
    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        if let "lag" | "lead" = self.name {
            let field = self.of_other_row(args.name(), args.input_fields())?;
            return Ok(Arc::new(crate::catalog::without_time_attribute(&field)));
        }
        let takes_value = matches!(self.name, "first_value" | "last_value");
        match args.input_fields() {
            [value] if takes_value => {
                let field = value.as_ref().clone().with_name(args.name()).with_nullable(true);
                Ok(Arc::new(crate::catalog::without_time_attribute(&field)))
            }
            _ if takes_value => plan_err!("'{}' takes one argument", self.name.to_uppercase()),
            [tiles] if self.name == "ntile" && tiles.data_type().is_integer() => {
                Ok(Arc::new(Field::new(args.name(), DataType::Int64, false)))
            }
            _ if self.name == "ntile" => plan_err!("'NTILE' takes a whole number"),
            [] if let "percent_rank" | "cume_dist" = self.name => Ok(Arc::new(Field::new(args.name(), DataType::Float64, false))),
            [] => Ok(Arc::new(Field::new(args.name(), DataType::Int64, false))),
            _ => plan_err!("'{}' takes no argument", self.name.to_uppercase()),
        }
    }
}
