//! MATCH_RECOGNIZE as a logical node: first as it was written, then over the columns that it needs.

use arrow::datatypes::FieldRef;
use datafusion_common::{DFSchemaRef, Result, plan_err};
use datafusion_expr::{Expr, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use flott_engine::operators::match_recognize::AfterMatch;
use flott_engine::operators::match_recognize::history::Locator;
use flott_engine::operators::match_recognize::program::Pattern;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// A value that a condition or a measure refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// What it is.
    pub value: RefValue,
    /// Over the whole match, also in a row that is not its last.
    pub whole: bool,
    /// Its type; the name is that of the column that stands for it.
    pub field: FieldRef,
    /// As SQL has it.
    pub text: String,
}

/// What a reference means. Expressions are over the input.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RefValue {
    /// An expression over one row of the match.
    Row(Locator, Expr),
    /// An aggregate over the rows of a variable, or over all.
    Aggregate {
        /// The variable.
        of: Option<u16>,
        /// Name of the function.
        function: String,
        /// Its arguments.
        args: Vec<Expr>,
    },
    /// MATCH_ROWTIME.
    MatchTime,
    /// CLASSIFIER.
    Classifier(Locator),
    /// MATCH_NUMBER.
    MatchNumber,
    /// MATCH_TIMED_OUT.
    TimedOut,
}

impl RefValue {
    /// The expressions over the input that it needs.
    pub fn inputs(&self) -> Vec<&Expr> {
        match self {
            RefValue::Row(_, expr) => vec![expr],
            RefValue::Aggregate { args, .. } => args.iter().collect(),
            _ => vec![],
        }
    }
}

/// What a variable demands of a row: an expression over the columns of references.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Definition {
    /// The variable.
    pub variable: u16,
    /// BOOLEAN.
    pub expr: Expr,
    /// What it refers to.
    pub references: Vec<Reference>,
    /// As EXPLAIN shows it.
    pub text: String,
}

/// A key of the order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrderKey {
    /// A column of the input.
    pub column: Expr,
    /// Largest first.
    pub descending: bool,
    /// NULL before all values.
    pub nulls_first: bool,
}

/// What MATCH_RECOGNIZE says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MatchClauses {
    /// Columns of the input.
    pub partition: Vec<Expr>,
    /// The first one is the time.
    pub order: Vec<OrderKey>,
    /// The time is processing time.
    pub processing: bool,
    /// The pattern.
    pub pattern: Pattern,
    /// As it was written.
    pub pattern_text: String,
    /// The variables.
    pub names: Vec<String>,
    /// DEFINE.
    pub definitions: Vec<Definition>,
    /// The columns of the result behind the keys.
    pub output: Vec<Reference>,
    /// Where to go on.
    pub after: AfterMatch,
    /// WITHIN, in milliseconds.
    pub within_ms: Option<i64>,
    /// WITH TIMED OUT MATCHES.
    pub timed_out: bool,
    /// ALL ROWS PER MATCH.
    pub all_rows: bool,
    /// NEXT is in it: rows are held back until those behind them are there.
    pub looks_ahead: bool,
    /// Variables of DEFINE that the pattern does not have.
    pub unused: Vec<String>,
    /// What of it Flink does not have.
    pub beyond_flink: Vec<String>,
}

/// The node. Settled, its input has a column for every expression over the input, so that all of them are plain columns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MatchNode {
    /// The input.
    pub input: LogicalPlan,
    /// The clauses.
    pub clauses: MatchClauses,
    /// Keys, then one column per reference in `output`.
    pub schema: DFSchemaRef,
    /// Whether it is settled.
    pub settled: bool,
}

impl PartialOrd for MatchNode {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl UserDefinedLogicalNodeCore for MatchNode {
    fn name(&self) -> &str {
        "Match"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    /// Only a filter on the keys can go below: it takes away whole sequences.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.schema.fields().iter().skip(self.clauses.partition.len()).map(|f| f.name().clone()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let keys: Vec<&str> = self.schema.fields()[..self.clauses.partition.len()].iter().map(|f| f.name().as_str()).collect();
        write!(f, "Match: partition=[{}], pattern=[{}]", keys.join(", "), self.clauses.pattern_text)
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let Some(input) = inputs.pop() else { return plan_err!("MATCH_RECOGNIZE has an input") };
        Ok(Self { input, ..self.clone() })
    }

    /// All of them: there is none that it does not need.
    fn necessary_children_exprs(&self, _: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![(0..self.input.schema().fields().len()).collect()])
    }
}

/// The MATCH_RECOGNIZE that a plan node is, if it is one.
pub fn as_match(node: &Arc<dyn UserDefinedLogicalNode>) -> Option<&MatchNode> {
    node.as_any().downcast_ref()
}
