//! The stream plan: what runs, step by step, with Flink's names. Each step knows its changelog mode and its window.

mod aggregate;
mod at_end;
mod build;
pub mod calc;
mod changelog;
pub mod explain;
mod fields;
mod finish;
mod infer;
mod join;
mod keys;
pub mod lookup;
mod match_recognize;
mod over;
pub mod parts;
mod rank;
mod sort;
mod temporal;
pub mod text;
pub mod ttl;
mod whole_over;

use arrow::array::RecordBatch;
use datafusion_common::DFSchemaRef;
use datafusion_expr::Expr;
use flott_engine::RowKind;
use flott_engine::aggregate::AggSpec;
use flott_engine::lookup::Retry;
use flott_engine::lookup::cache::CachePolicy;
use flott_engine::operators::emitting_aggregate::EmitStrategy;
use flott_engine::operators::expand::GroupingSet;
use flott_engine::operators::over_aggregate::Frame;
use flott_engine::operators::pairs::JoinKind;
use flott_engine::operators::set_operation::SetOperationKind;
use flott_engine::operators::whole_over::WholeCall;
use flott_engine::state::ranked::SortColumn;
use std::sync::Arc;

use crate::catalog::Table;
use crate::dialect::OnConflict;
use crate::planner::context::FlinkTable;
use crate::planner::nodes::{Emission, WindowKind};
use crate::planner::unnest::UnnestForm;

pub use build::{InsertForm, build_query, build_sink};
pub use changelog::Changelog;
pub use finish::finish;
pub use join::pair_schema;
pub use match_recognize::{LookAheadColumns, MatchColumns, MatchValue, constant};
pub use over::check_windows;
pub use rank::integer;

/// The window columns among a step's columns.
#[derive(Debug, Clone)]
pub struct WindowColumns {
    /// Positions of `window_start`, `window_end` and `window_time`, as far as they are still there.
    pub at: [Option<usize>; 3],
    /// Which windows.
    pub kind: WindowKind,
    /// By processing time.
    pub processing: bool,
}

/// A step with the steps before it.
#[derive(Debug, Clone)]
pub struct StreamNode {
    /// What it does.
    pub op: StreamOp,
    /// Steps before it.
    pub inputs: Vec<StreamNode>,
    /// Its columns.
    pub schema: DFSchemaRef,
    /// Which changes it emits.
    pub changelog: Changelog,
    /// Window columns among its columns.
    pub window: Option<WindowColumns>,
    /// Columns by which its rows can be told apart, if known.
    pub key: Option<Vec<usize>>,
}

/// A column that a scan computes from a decoded row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScanColumn {
    /// Over all columns of the table, by unqualified name.
    pub expr: Expr,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum StreamOp {
    /// Reads a table.
    Scan {
        /// The table and its hints.
        source: FlinkTable,
        /// What is read.
        columns: Vec<ScanColumn>,
    },
    /// Rows written out in the query.
    Values(RecordBatch),
    /// Filter and project.
    Calc {
        /// Over the input.
        condition: Option<Expr>,
        /// Over the input.
        project: Vec<Expr>,
    },
    /// A window function by itself.
    WindowTvf {
        /// Which windows.
        kind: WindowKind,
        /// Position of the time attribute.
        time: usize,
        /// By processing time.
        processing: bool,
        /// Positions of the columns that sessions are found by.
        partition: Vec<usize>,
        /// When an aggregation tells results besides the end of windows.
        emission: Option<Emission>,
    },
    /// Rows once per element of a collection.
    Unnest {
        /// Position of the collection.
        collection: usize,
        /// So many columns of the input, its first ones, are passed on.
        passed: usize,
        /// How.
        form: UnnestForm,
    },
    /// Aggregation per window.
    WindowAggregate {
        /// Which windows.
        kind: WindowKind,
        /// Whether rows carry the end of their window in the column `time` already.
        attached: bool,
        /// Position of the time attribute; `None`: processing time.
        time: Option<usize>,
        /// When results are told besides the end of windows.
        emit: Option<EmitStrategy>,
        /// What is computed.
        aggregate: AggregateCalls,
    },
    /// Aggregation for ever.
    GroupAggregate(AggregateCalls),
    /// Rows once per grouping set.
    Expand(Vec<GroupingSet>),
    /// Rows of all inputs.
    Union,
    /// Rows by how often they are in each of two inputs.
    SetOperation(SetOperationKind),
    /// The first rows of each key.
    Rank(RankColumns),
    /// Rows of the step before when its input has ended: in batch mode.
    AtEnd,
    /// Rows in order, when the input has ended: in batch mode.
    Sort(SortColumns),
    /// Each row with aggregates over itself and rows before it.
    Over(OverColumns),
    /// Each row with what calls give over parts of its key's rows: in batch mode.
    WholeOver(WholeOverColumns),
    /// Rows in the order of event time.
    TimeSort {
        /// Position of the time.
        time: usize,
        /// The order of rows of the same time.
        order: Vec<SortColumn>,
    },
    /// Rows with values of rows behind them, for which they are held back.
    LookAhead(LookAheadColumns),
    /// Sequences of rows that match a pattern.
    Match(Box<MatchColumns>),
    /// A join that keeps both inputs.
    Join(JoinColumns),
    /// A join of rows whose times are near each other.
    IntervalJoin {
        /// What is joined.
        columns: JoinColumns,
        /// Positions of the inputs' times.
        times: [usize; 2],
        /// By processing time.
        processing: bool,
        /// The left time is at least the right one plus this; milliseconds.
        lower: i64,
        /// And at most plus this.
        upper: i64,
    },
    /// A join of rows of the same window.
    WindowJoin {
        /// What is joined.
        columns: JoinColumns,
        /// Positions of the inputs' `window_end`.
        ends: [usize; 2],
        /// By processing time.
        processing: bool,
    },
    /// A join with the versions of rows that hold at the left rows' event time.
    TemporalJoin {
        /// What is joined.
        columns: JoinColumns,
        /// Positions of the inputs' event times.
        times: [usize; 2],
    },
    /// The newest row of each key, version by version.
    Deduplicate(DeduplicateColumns),
    /// A join with rows of a table outside, as they are now.
    LookupJoin {
        /// What is joined.
        columns: JoinColumns,
        /// The table with what is computed of its rows: a scan, perhaps under a Calc.
        table: Box<StreamNode>,
        /// How it is looked up.
        form: LookupForm,
    },
    /// First rows.
    Limit {
        /// Rows passed over.
        skip: i64,
        /// Rows taken.
        fetch: i64,
    },
    /// Rows without NULL in columns that must not be NULL.
    EnforceNotNull {
        /// Positions of the columns.
        columns: Vec<usize>,
        /// The table that is written.
        table: String,
    },
    /// Changes without `-U`.
    DropUpdateBefore,
    /// The newest row of each key, with what it replaces.
    ChangelogNormalize {
        /// Positions of the key.
        key: Vec<usize>,
    },
    /// One row for each primary key of the sink behind it.
    Materialize {
        /// Positions of the primary key.
        key: Vec<usize>,
        /// Which one.
        conflict: OnConflict,
    },
    /// Changes out of rows that tell their kind in a column.
    FromChangelog {
        /// Position of that column.
        op: usize,
        /// What its values mean.
        mapping: Vec<(String, RowKind)>,
    },
    /// Rows that tell in a column, their first one, what kind of change they were.
    ToChangelog {
        /// The column's value by kind; changes of other kinds are left out.
        mapping: Vec<(RowKind, String)>,
    },
    /// Writes to a table.
    Sink(Arc<Table>, std::collections::BTreeMap<String, String>),
}

/// What all rows are sorted by.
#[derive(Debug, Clone)]
pub struct SortColumns {
    /// The order.
    pub order: Vec<SortColumn>,
    /// Rows passed over.
    pub skip: usize,
    /// Rows taken; all without.
    pub fetch: Option<usize>,
}

/// What rows are ranked by.
#[derive(Debug, Clone)]
pub struct RankColumns {
    /// Positions of the key.
    pub partition: Vec<usize>,
    /// The order; none: as the rows come.
    pub order: Vec<SortColumn>,
    /// Of rows equal in the order, the last one that came is the first.
    pub latest_first: bool,
    /// Rows of each key passed over.
    pub skip: usize,
    /// Rows of each key taken.
    pub take: usize,
    /// The rank is the last column.
    pub with_rank: bool,
    /// Rows of the input are never taken back.
    pub append_only: bool,
    /// Per window: position of `window_end`, and whether windows go by processing time.
    pub window: Option<(usize, bool)>,
    /// The first row by the event time in this column alone, which is emitted once time has passed it.
    pub first_by: Option<usize>,
}

/// What OVER computes.
#[derive(Debug, Clone)]
pub struct OverColumns {
    /// Positions of the key.
    pub partition: Vec<usize>,
    /// In which order a row has others before it.
    pub order: OverOrder,
    /// Which of those count.
    pub frame: Frame,
    /// The calls.
    pub calls: Vec<AggregateCall>,
}

/// What OVER computes in batch mode.
#[derive(Debug, Clone)]
pub struct WholeOverColumns {
    /// Positions of the key.
    pub partition: Vec<usize>,
    /// The order; none: all rows are equal.
    pub order: Vec<SortColumn>,
    /// The calls, and what they are as SQL has it, for EXPLAIN.
    pub calls: Vec<(WholeCall, String)>,
}

/// The order of rows for OVER.
#[derive(Debug, Clone, Copy)]
pub enum OverOrder {
    /// By event time, at a position.
    Event(usize),
    /// As they come; the position is that of processing time.
    Processing(usize),
    /// By a value, which rows to come may precede.
    Value(SortColumn),
}

impl OverOrder {
    /// Position of what is ordered by.
    pub fn column(&self) -> usize {
        match self {
            OverOrder::Event(column) | OverOrder::Processing(column) => *column,
            OverOrder::Value(sort) => sort.column,
        }
    }
}

/// Of which rows the newest is told.
#[derive(Debug, Clone)]
pub struct DeduplicateColumns {
    /// Positions of the key.
    pub keys: Vec<usize>,
    /// Position of event time.
    pub time: usize,
    /// The order of which the first row is told; none: the newest one is.
    pub order: Vec<SortColumn>,
    /// What a row must fulfil; with one that does not, its key is deleted from then on.
    pub condition: Option<Expr>,
}

/// How a table is looked up.
#[derive(Debug, Clone)]
pub struct LookupForm {
    /// As the query calls it.
    pub name: String,
    /// The table is read again when it is older; milliseconds.
    pub reload_ms: Option<i64>,
    /// What to do when nothing is found.
    pub retry: Option<Retry>,
    /// Its connector is asked for keys. `None`: the table is read whole.
    pub by_key: Option<LookupByKey>,
}

/// How a connector is asked for keys.
#[derive(Debug, Clone)]
pub struct LookupByKey {
    /// What was found is remembered so long.
    pub cache: Option<CachePolicy>,
    /// So many requests at a time; `None`: as the session says.
    pub in_flight: Option<usize>,
    /// How long one may take, in milliseconds; `None`: as the session says.
    pub timeout_ms: Option<u64>,
}

/// What two inputs are joined by.
#[derive(Debug, Clone)]
pub struct JoinColumns {
    /// Which rows the result has.
    pub kind: JoinKind,
    /// Positions of the columns that must be equal, in each input.
    pub keys: [Vec<usize>; 2],
    /// Of each pair of them, whether NULL equals NULL.
    pub nulls_equal: Vec<bool>,
    /// What else a pair must fulfil, over the columns of both.
    pub condition: Option<Expr>,
}

/// Keys and calls over the columns of the step before.
#[derive(Debug, Clone)]
pub struct AggregateCalls {
    /// Positions of keys.
    pub keys: Vec<usize>,
    /// The calls.
    pub calls: Vec<AggregateCall>,
}

/// One aggregate call.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    /// Function and types.
    pub spec: AggSpec,
    /// Positions of arguments.
    pub args: Vec<usize>,
    /// Position of the filter.
    pub filter: Option<usize>,
    /// As SQL has it, for EXPLAIN.
    pub text: String,
}
