//! How a function is defined in one table row, and the one implementation of DataFusion's trait for all of them.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion_common::{Result, ScalarValue, exec_err, plan_err};
use datafusion_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion_expr::{ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::FunctionInfo;
pub(crate) use super::arg::Arg;
use super::arg::element_target;
use super::json::IS_JSON;
use super::types::{self, common_type, flink_type, ltz};
use crate::data_type::{ColumnType, FlinkType};

/// A call as the code of a function sees it: its arguments, and how many rows to produce.
pub(crate) struct Call<'a> {
    pub args: &'a [ColumnarValue],
    pub fields: &'a [FieldRef],
    pub rows: usize,
    pub returns: &'a Field,
}

/// The code of a function: one array of `call.rows` values of the promised type.
pub(crate) type Eval = fn(&Call) -> Result<ArrayRef>;

/// The type of the result.
#[derive(Clone, Copy)]
pub(crate) enum Ret {
    Text,
    Binary,
    Int,
    BigInt,
    Double,
    Bool,
    Date,
    Time,
    /// TIMESTAMP(3).
    Timestamp,
    /// TIMESTAMP_LTZ(3).
    Ltz,
    TextArray,
    Variant,
    Bitmap,
    /// The type of that argument.
    Like(usize),
    /// The common type of the arguments that are [`Arg::Same`].
    Common,
    By(fn(&ReturnFieldArgs) -> Result<DataType>),
}

/// When the result can be NULL.
#[derive(Clone, Copy)]
pub(crate) enum Nulls {
    /// When an argument can be.
    Strict,
    Always,
    Never,
    By(fn(&[FieldRef]) -> bool),
}

/// The exact character type of the result, where Flink knows one.
#[derive(Clone, Copy)]
pub(crate) enum Length {
    Unknown,
    /// The same CHAR(n) or VARCHAR(n) as that argument.
    Like(usize),
    /// VARCHAR(n) of that argument's n.
    Varying(usize),
    /// The sum of the lengths of two arguments.
    Sum(usize, usize),
    /// CHAR(n) if both arguments are one, else VARCHAR(n), of the sum of their lengths.
    Concat,
    Chars(u32),
    AtMost(u32),
    /// The exact types of what an ARRAY, a MAP or a ROW is made of.
    Nested,
    /// The exact type of an element of the first argument.
    Element,
    /// An array, or a map, of the exact elements that the arguments of such a type have in common.
    Collection,
    /// An interval of months.
    Months,
    /// A text that is JSON, and is marked so.
    Json,
}

type Rewrite = fn(Vec<Expr>) -> ExprSimplifyResult;

/// One function: everything about it, in one value.
pub(crate) struct Def {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub args: &'static [Arg],
    /// How many of the last arguments may be left out.
    pub optional: usize,
    /// The last argument may be repeated.
    pub variadic: bool,
    pub ret: Ret,
    pub nulls: Nulls,
    pub length: Length,
    pub volatility: Volatility,
    /// The result differs from row to row even for constant arguments.
    pub per_row: bool,
    pub rewrite: Option<Rewrite>,
    pub eval: Eval,
    pub signature: &'static str,
    pub description: &'static str,
    pub example: &'static str,
}

impl Def {
    /// A function of these arguments; its result is NULL when an argument is.
    pub const fn new(name: &'static str, args: &'static [Arg], ret: Ret, eval: Eval) -> Def {
        Def {
            name,
            aliases: &[],
            args,
            optional: 0,
            variadic: false,
            ret,
            nulls: Nulls::Strict,
            length: Length::Unknown,
            volatility: Volatility::Immutable,
            per_row: false,
            rewrite: None,
            eval,
            signature: "",
            description: "",
            example: "",
        }
    }

    pub const fn alias(mut self, aliases: &'static [&'static str]) -> Def {
        self.aliases = aliases;
        self
    }

    pub const fn optional(mut self, count: usize) -> Def {
        self.optional = count;
        self
    }

    pub const fn variadic(mut self) -> Def {
        self.variadic = true;
        self
    }

    pub const fn nulls(mut self, nulls: Nulls) -> Def {
        self.nulls = nulls;
        self
    }

    pub const fn nullable(self) -> Def {
        self.nulls(Nulls::Always)
    }

    pub const fn length(mut self, length: Length) -> Def {
        self.length = length;
        self
    }

    /// The result depends on the clock or the context: never folded at planning time.
    pub const fn volatile(mut self) -> Def {
        self.volatility = Volatility::Volatile;
        self
    }

    pub const fn per_row(mut self) -> Def {
        self.per_row = true;
        self.volatile()
    }

    /// How the optimizer may write the call otherwise.
    pub const fn rewrite(mut self, rewrite: Rewrite) -> Def {
        self.rewrite = Some(rewrite);
        self
    }

    /// The form of the call, what it returns, and an example. A function without is not shown to people.
    pub const fn doc(mut self, signature: &'static str, description: &'static str, example: &'static str) -> Def {
        self.signature = signature;
        self.description = description;
        self.example = example;
        self
    }

    pub fn info(&self, category: &'static str) -> FunctionInfo {
        let head = &self.signature[..self.signature.find(['(', ' ', '[']).unwrap_or(self.signature.len())];
        // Operators such as LIKE are written between their operands: they go by the name of the call.
        let named = !head.is_empty() && !head.contains(|c: char| c.is_ascii_lowercase());
        FunctionInfo {
            name: if named { head } else { self.name },
            aliases: self.aliases,
            category,
            signature: self.signature,
            description: self.description,
            example: self.example,
        }
    }

    fn form(&self) -> String {
        if self.signature.is_empty() { self.name.to_uppercase() } else { self.signature.to_string() }
    }

    /// What argument `index` of `count` must be.
    fn arg(&self, index: usize) -> Arg {
        self.args.get(index).or(self.args.last()).copied().unwrap_or(Arg::Any)
    }

    fn check_count(&self, count: usize) -> Result<()> {
        let most = if self.variadic { usize::MAX } else { self.args.len() };
        if count < self.args.len() - self.optional || count > most {
            return plan_err!("{} takes {} but the call has {count}", self.form(), self.count_text());
        }
        Ok(())
    }

    fn count_text(&self) -> String {
        let (least, most) = (self.args.len() - self.optional, self.args.len());
        match (self.variadic, least == most) {
            (true, _) => format!("{least} or more arguments"),
            (false, true) if most == 1 => "1 argument".into(),
            (false, true) => format!("{most} arguments"),
            (false, false) => format!("{least} to {most} arguments"),
        }
    }

    /// The types that the arguments are converted to; an error if one does not fit.
    fn coerce(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.check_count(types.len())?;
        let same: Vec<DataType> = types.iter().enumerate().filter(|(i, _)| self.arg(*i).is_same()).map(|(_, t)| t.clone()).collect();
        let common = common_type(&same);
        if common.is_none() && !same.is_empty() {
            let names: Vec<String> = same.iter().map(types::type_name).collect();
            return plan_err!("{}: there is no common type of {}", self.form(), names.join(", "));
        }
        types
            .iter()
            .enumerate()
            .map(|(index, actual)| {
                let arg = self.arg(index);
                let target = match arg {
                    Arg::Element => element_target(types.first(), actual),
                    _ if arg.is_same() => arg.coerce(actual).and(common.clone()),
                    _ => arg.coerce(actual),
                };
                match target {
                    Some(target) => Ok(target),
                    None => {
                        plan_err!("{}: argument {} must be {}, not {}", self.form(), index + 1, arg.expectation(), types::type_name(actual))
                    }
                }
            })
            .collect()
    }

    fn return_type(&self, args: &ReturnFieldArgs) -> Result<DataType> {
        Ok(match self.ret {
            Ret::Text => DataType::Utf8,
            Ret::Binary => DataType::Binary,
            Ret::Int => DataType::Int32,
            Ret::BigInt => DataType::Int64,
            Ret::Double => DataType::Float64,
            Ret::Bool => DataType::Boolean,
            Ret::Date => DataType::Date32,
            Ret::Time => DataType::Time32(TimeUnit::Millisecond),
            Ret::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, None),
            Ret::Ltz => ltz(TimeUnit::Millisecond),
            Ret::Variant => DataType::LargeBinary,
            Ret::Bitmap => DataType::BinaryView,
            Ret::TextArray => DataType::new_list(DataType::Utf8, true),
            Ret::Like(index) => match args.arg_fields.get(index) {
                Some(field) => field.data_type().clone(),
                None => return plan_err!("{} needs argument {}", self.form(), index + 1),
            },
            Ret::Common => {
                let same = args.arg_fields.iter().enumerate().filter(|(i, _)| self.arg(*i).is_same());
                let types: Vec<DataType> = same.map(|(_, f)| f.data_type().clone()).collect();
                match common_type(&types) {
                    Some(common) => common,
                    None => return plan_err!("{}: the arguments have no common type", self.form()),
                }
            }
            Ret::By(by) => by(args)?,
        })
    }

    /// The result's exact type, if Flink knows more than Arrow's `data_type` says.
    fn exact_type(&self, args: &ReturnFieldArgs, data_type: &DataType) -> Option<FlinkType> {
        let arg = |index: usize| -> Option<FlinkType> {
            let field = args.arg_fields.get(index)?;
            Some(flink_type(field, args.scalar_arguments.get(index).copied().flatten()))
        };
        let chars = |index: usize| types::text_length(&arg(index)?);
        match self.length {
            Length::Unknown => {
                let like_args = matches!(data_type, DataType::Timestamp(..) | DataType::Time32(_) | DataType::Interval(_));
                let same_type = |i: &usize| args.arg_fields[*i].data_type() == data_type;
                if like_args || matches!(self.ret, Ret::Common) {
                    return types::common_exact((0..args.arg_fields.len()).filter(same_type).filter_map(arg));
                }
                None
            }
            Length::Json => None,
            Length::Nested => {
                let columns: Option<Vec<ColumnType>> =
                    args.arg_fields.iter().enumerate().map(|(i, f)| Some(ColumnType { ty: arg(i)?, nullable: f.is_nullable() })).collect();
                types::nested_type(data_type, &columns?)
            }
            Length::Element => match arg(0)? {
                FlinkType::Array(element) => Some(element.ty),
                FlinkType::Map(_, value) => Some(value.ty),
                _ => None,
            },
            Length::Collection => {
                let like = |i: &usize| std::mem::discriminant(args.arg_fields[*i].data_type()) == std::mem::discriminant(data_type);
                types::common_collection((0..args.arg_fields.len()).filter(like).filter_map(arg), data_type)
            }
            Length::Months => Some(FlinkType::IntervalMonth),
            Length::Like(index) => arg(index).filter(|ty| types::text_length(ty).is_some()),
            Length::Varying(index) => Some(FlinkType::Varchar(chars(index)?)),
            Length::Sum(a, b) => Some(FlinkType::Varchar(chars(a)?.checked_add(chars(b)?)?)),
            Length::Concat => {
                let n = chars(0)?.checked_add(chars(1)?)?;
                let fixed = matches!((arg(0)?, arg(1)?), (FlinkType::Char(_), FlinkType::Char(_)));
                Some(if fixed { FlinkType::Char(n) } else { FlinkType::Varchar(n) })
            }
            Length::Chars(n) => Some(FlinkType::Char(n)),
            Length::AtMost(n) => Some(FlinkType::Varchar(n)),
        }
    }
}

/// A [`Def`] as DataFusion sees it.
#[derive(Clone)]
pub(crate) struct Function {
    def: &'static Def,
    signature: Signature,
    aliases: Vec<String>,
}

impl Function {
    pub fn new(def: &'static Def) -> Self {
        let aliases = def.aliases.iter().map(ToString::to_string).collect();
        Function { def, signature: Signature::user_defined(def.volatility), aliases }
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Function({})", self.def.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.def.name == other.def.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.def.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.def.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.def.coerce(arg_types)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let arg_fields: Vec<FieldRef> = arg_types.iter().map(|t| Arc::new(Field::new("", t.clone(), true))).collect();
        let scalar_arguments = vec![None; arg_fields.len()];
        self.def.return_type(&ReturnFieldArgs { arg_fields: &arg_fields, scalar_arguments: &scalar_arguments })
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.def.check_count(args.arg_fields.len())?;
        let data_type = self.def.return_type(&args)?;
        let nullable = match self.def.nulls {
            Nulls::Strict => args.arg_fields.iter().any(|f| f.is_nullable()),
            Nulls::Always => true,
            Nulls::Never => false,
            Nulls::By(by) => by(args.arg_fields),
        };
        let field = match self.def.exact_type(&args, &data_type) {
            Some(exact) if exact.to_arrow() == data_type => exact.to_field(self.def.name, nullable),
            _ => Field::new(self.def.name, data_type, nullable),
        };
        if matches!(self.def.length, Length::Json) {
            return Ok(Arc::new(field.with_metadata([(IS_JSON.to_string(), "true".to_string())].into())));
        }
        Ok(Arc::new(field))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        invoke(self.def.eval, self.def.per_row, &args)
    }

    fn simplify(&self, args: Vec<Expr>, _info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(match self.def.rewrite {
            Some(rewrite) => rewrite(args),
            None => ExprSimplifyResult::Original(args),
        })
    }
}

/// Runs `eval`: over one row if every argument is constant, and then hands back a constant.
pub(crate) fn invoke(eval: Eval, per_row: bool, args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let constant = !per_row && args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    let rows = if constant { 1 } else { args.number_rows };
    let call = Call { args: &args.args, fields: &args.arg_fields, rows, returns: &args.return_field };
    let result = eval(&call)?;
    if result.len() != rows {
        return exec_err!("{} returned {} rows for {rows}", args.return_field.name(), result.len());
    }
    if constant {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
    }
    Ok(ColumnarValue::Array(result))
}
