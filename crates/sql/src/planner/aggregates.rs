//! Aggregate functions as the planner sees them: names and result types. The engine computes them.

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue, not_impl_err, plan_err};
use datafusion_expr::function::AccumulatorArgs;
use datafusion_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, Volatility};
use flott_engine::aggregate::{AggFunction, Make};
use std::sync::Arc;

use super::group_id::GROUP_ID;
use crate::types::{ColumnType, FlinkType};

/// An aggregate function of Flink.
#[derive(Debug, PartialEq, Eq, Hash)]
struct FlinkAggregate {
    name: &'static str,
    signature: Signature,
}

/// Name, form of the call, description; for `flott functions`.
pub const AGGREGATES: &[(&str, &str, &str)] = &[
    ("array_agg", "ARRAY_AGG([DISTINCT] value)", "The values as an array in order of arrival, NULLs too."),
    ("avg", "AVG([DISTINCT] numeric)", "The average; of integers truncated to their type."),
    ("bitmap_and_agg", "BITMAP_AND_AGG(bitmap)", "What is in all of the sets."),
    ("bitmap_and_cardinality_agg", "BITMAP_AND_CARDINALITY_AGG(bitmap)", "How many integers are in all of the sets."),
    ("bitmap_build_agg", "BITMAP_BUILD_AGG(integer)", "The set of the integers that are not NULL."),
    ("bitmap_build_cardinality_agg", "BITMAP_BUILD_CARDINALITY_AGG(integer)", "The number of different integers; NULL if there are none."),
    ("bitmap_or_agg", "BITMAP_OR_AGG(bitmap)", "What is in any of the sets."),
    ("bitmap_or_cardinality_agg", "BITMAP_OR_CARDINALITY_AGG(bitmap)", "How many integers are in any of the sets."),
    ("bitmap_xor_agg", "BITMAP_XOR_AGG(bitmap)", "What is in an odd number of the sets."),
    ("bitmap_xor_cardinality_agg", "BITMAP_XOR_CARDINALITY_AGG(bitmap)", "How many integers are in an odd number of the sets."),
    ("collect", "COLLECT([DISTINCT] value)", "The values that are not NULL as a multiset."),
    ("count", "COUNT(*) | COUNT([DISTINCT] value)", "The number of rows, or of rows where the value is not NULL."),
    ("first_value", "FIRST_VALUE(value)", "The first value that is not NULL, in order of arrival."),
    ("group_id", "GROUP_ID()", "0 for the first of several equal grouping sets, 1 for the second, and so on."),
    ("grouping", "GROUPING(key [, ...])", "A bit per key: 1 where the grouping set leaves it out."),
    ("grouping_id", "GROUPING_ID(key [, ...])", "Same as GROUPING."),
    ("last_value", "LAST_VALUE(value)", "The last value that is not NULL, in order of arrival."),
    ("listagg", "LISTAGG([DISTINCT] string [, delimiter])", "The texts joined; the delimiter is ',' by default."),
    ("max", "MAX(value)", "The largest value."),
    ("min", "MIN(value)", "The smallest value."),
    ("stddev_pop", "STDDEV_POP(numeric)", "The population standard deviation."),
    ("stddev_samp", "STDDEV_SAMP(numeric)", "The sample standard deviation."),
    ("stddev", "STDDEV(numeric)", "Same as STDDEV_SAMP."),
    ("sum", "SUM([DISTINCT] numeric)", "The sum, in the type of the values; integers wrap around."),
    ("var_pop", "VAR_POP(numeric)", "The population variance."),
    ("var_samp", "VAR_SAMP(numeric)", "The sample variance."),
    ("variance", "VARIANCE(numeric)", "Same as VAR_SAMP."),
];

/// All aggregate functions by the names under which SQL calls them.
pub fn all() -> Vec<(&'static str, Arc<AggregateUDF>)> {
    let one = |(name, _, _): &(&'static str, &str, &str)| {
        let listed = *name;
        let signature = Signature::one_of(
            vec![datafusion_expr::TypeSignature::VariadicAny, datafusion_expr::TypeSignature::Nullary],
            Volatility::Immutable,
        );
        // The rule that resolves GROUPING knows it by that name only.
        let name = if *name == "grouping_id" { "grouping" } else { name };
        (listed, Arc::new(AggregateUDF::from(FlinkAggregate { name, signature })))
    };
    AGGREGATES.iter().map(one).collect()
}

/// What an aggregate over bitmaps makes of its values, and whether its size is asked for.
fn of_bitmaps(name: &str) -> Option<(Make, bool)> {
    let name = name.strip_prefix("bitmap_")?.strip_suffix("_agg")?;
    let (name, cardinality) = name.strip_suffix("_cardinality").map_or((name, false), |name| (name, true));
    let make = match name {
        "build" => Make::Set,
        "or" => Make::Union,
        "and" => Make::Intersection,
        "xor" => Make::Odd,
        _ => return None,
    };
    Some((make, cardinality))
}

/// The engine's function for a call.
pub fn engine_function(name: &str, args: &[Expr]) -> Result<AggFunction> {
    let variance = |sample, root| Ok(AggFunction::Variance { sample, root });
    if let Some((make, cardinality)) = of_bitmaps(name) {
        return Ok(AggFunction::Bitmap { make, cardinality });
    }
    match name {
        "count" => Ok(AggFunction::Count),
        "sum" => Ok(AggFunction::Sum),
        "avg" => Ok(AggFunction::Avg),
        "min" => Ok(AggFunction::Min),
        "max" => Ok(AggFunction::Max),
        "first_value" => Ok(AggFunction::FirstValue),
        "last_value" => Ok(AggFunction::LastValue),
        "array_agg" => Ok(AggFunction::ArrayAgg),
        "collect" => Ok(AggFunction::Collect),
        "listagg" => Ok(AggFunction::ListAgg { delimiter: delimiter(args)? }),
        "var_pop" => variance(false, false),
        "var_samp" | "variance" => variance(true, false),
        "stddev_pop" => variance(false, true),
        "stddev_samp" | "stddev" => variance(true, true),
        other => not_impl_err!("the aggregate function {}", other.to_uppercase()),
    }
}

fn delimiter(args: &[Expr]) -> Result<String> {
    match args {
        [_] => Ok(",".into()),
        [_, Expr::Literal(value, _)] if value.try_as_str().is_some() => Ok(value.try_as_str().flatten().unwrap_or(",").to_string()),
        _ => plan_err!("the delimiter of 'LISTAGG' must be a text that is written out"),
    }
}

fn multiset(element: &DataType) -> FlinkType {
    FlinkType::Multiset(Box::new(ColumnType::nullable(FlinkType::from_arrow(element))))
}

impl FlinkAggregate {
    fn numeric(&self, t: &DataType) -> Result<()> {
        let name = self.name.to_uppercase();
        if t.is_numeric() || *t == DataType::Null {
            Ok(())
        } else {
            plan_err!("{name} takes a number, not {}", crate::types::FlinkType::from_arrow(t))
        }
    }
}

impl FlinkAggregate {
    fn bitmap_type(&self, make: Make, cardinality: bool, arg: &DataType) -> Result<DataType> {
        let (fits, wanted) = match make {
            Make::Set => (matches!(arg, DataType::Int8 | DataType::Int16 | DataType::Int32), "an INT"),
            _ => (*arg == DataType::BinaryView, "a BITMAP"),
        };
        if !fits {
            return plan_err!("{} takes {wanted}, not {}", self.name.to_uppercase(), FlinkType::from_arrow(arg));
        }
        Ok(if cardinality { DataType::Int64 } else { DataType::BinaryView })
    }
}

impl AggregateUDFImpl for FlinkAggregate {
    fn name(&self) -> &str {
        self.name
    }

    /// COUNT of no row is zero: asked for where a sub-query becomes an outer join.
    fn default_value(&self, t: &DataType) -> Result<ScalarValue> {
        if self.name == "count" { Ok(ScalarValue::Int64(Some(0))) } else { ScalarValue::try_from(t) }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        let Some(arg) = args.first() else {
            return if let "count" | GROUP_ID = self.name {
                Ok(DataType::Int64)
            } else {
                plan_err!("{} needs an argument", self.name.to_uppercase())
            };
        };
        let most = match self.name {
            "listagg" => 2,
            "grouping" => usize::MAX,
            GROUP_ID => 0,
            _ => 1,
        };
        if args.len() > most {
            return plan_err!("{} takes {most} argument{}, not {}", self.name.to_uppercase(), if most == 1 { "" } else { "s" }, args.len());
        }
        if let Some((make, cardinality)) = of_bitmaps(self.name) {
            return self.bitmap_type(make, cardinality, arg);
        }
        match (self.name, arg) {
            ("min" | "max", DataType::LargeBinary | DataType::BinaryView) => {
                plan_err!("{} takes values that have an order, not {}", self.name.to_uppercase(), FlinkType::from_arrow(arg))
            }
            ("count", _) => Ok(DataType::Int64),
            ("array_agg", _) => Ok(FlinkType::Array(Box::new(ColumnType::nullable(FlinkType::from_arrow(arg)))).to_arrow()),
            ("collect", _) => Ok(multiset(arg).to_arrow()),
            ("grouping", _) => Ok(DataType::Int32),
            ("listagg", DataType::Utf8) => Ok(DataType::Utf8),
            ("listagg", other) => plan_err!("LISTAGG takes a STRING, not {}", crate::types::FlinkType::from_arrow(other)),
            ("sum", DataType::Decimal128(_, s)) => Ok(DataType::Decimal128(38, *s)),
            ("avg", DataType::Decimal128(_, s)) => Ok(DataType::Decimal128(38, (*s).max(6))),
            ("sum" | "avg" | "var_pop" | "var_samp" | "variance" | "stddev_pop" | "stddev_samp" | "stddev", t) => {
                self.numeric(t)?;
                Ok(match (self.name, t) {
                    ("var_pop" | "var_samp" | "variance" | "stddev_pop" | "stddev_samp" | "stddev", DataType::Decimal128(_, s)) => {
                        DataType::Decimal128(38, (*s).max(6))
                    }
                    _ => t.clone(),
                })
            }
            _ => Ok(arg.clone()),
        }
    }

    fn return_field(&self, args: &[FieldRef]) -> Result<FieldRef> {
        let types: Vec<DataType> = args.iter().map(|f| f.data_type().clone()).collect();
        if let ("collect", [arg]) = (self.name, types.as_slice()) {
            return Ok(Arc::new(multiset(arg).to_field(self.name, false)));
        }
        Ok(Arc::new(Field::new(self.name, self.return_type(&types)?, self.is_nullable())))
    }

    fn is_nullable(&self) -> bool {
        !matches!(self.name, "count" | "grouping" | GROUP_ID | "collect")
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        not_impl_err!("{} outside the engine", self.name)
    }
}
