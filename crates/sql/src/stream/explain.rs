//! Plans as text: the logical plan, and the stream plan with changelog mode, keys, event time and state.

use arrow::datatypes::FieldRef;
use datafusion_common::Column;
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_expr::Expr;
use flott_engine::operators::emitting_aggregate::EmitStrategy;
use flott_engine::operators::over_aggregate::Frame;
use flott_engine::state::ranked::SortColumn;
use std::fmt::Write;

use super::match_recognize::match_text;
use super::text::sql_text;
use super::ttl;
use super::{
    AggregateCalls, DeduplicateColumns, JoinColumns, LookAheadColumns, LookupForm, OverColumns, OverOrder, RankColumns, ScanColumn,
    SortColumns, StreamNode, StreamOp, WholeOverColumns,
};
use crate::catalog::{ROWTIME, TableWatermark, time_attribute};
use crate::options::SessionOptions;
use crate::planner::context::FlinkTable;
use crate::planner::nodes::{WINDOW_COLUMNS, WindowKind};
use crate::planner::set_operations::word;
use crate::types::FlinkType;

/// The plans of a job.
pub fn explain(logical: &[String], roots: &[StreamNode], options: &SessionOptions, changelog: bool) -> String {
    let mut text = String::from("== Logical plan ==\n");
    for plan in logical {
        let _ = writeln!(text, "{plan}");
    }
    text.push_str("\n== Stream plan ==\n");
    for root in roots {
        print(root, 0, changelog, Some(options), &mut text);
    }
    text
}

/// The steps as JSON, each with those before it: what a program makes a picture of.
pub fn execution_plan(roots: &[StreamNode]) -> String {
    fn add(node: &StreamNode, nodes: &mut Vec<String>) -> usize {
        let before: Vec<String> = node.inputs.iter().map(|input| format!("{{ \"id\" : {} }}", add(input, nodes))).collect();
        let contents = describe(node);
        let pact = match &node.op {
            StreamOp::Scan { .. } | StreamOp::Values(_) => "Data Source",
            StreamOp::Sink(..) => "Data Sink",
            _ => "Operator",
        };
        let id = nodes.len() + 1;
        let step = quoted(contents.split('(').next().unwrap_or_default());
        let mut text = format!(
            "  {{\n    \"id\" : {id},\n    \"type\" : {step},\n    \"pact\" : \"{pact}\",\n    \"contents\" : {}",
            quoted(&contents)
        );
        if !before.is_empty() {
            let _ = write!(text, ",\n    \"predecessors\" : [ {} ]", before.join(", "));
        }
        nodes.push(text + "\n  }");
        id
    }
    let mut nodes = vec![];
    for root in roots {
        add(root, &mut nodes);
    }
    format!("\n== Physical Execution Plan ==\n{{\n  \"nodes\" : [\n{}\n  ]\n}}", nodes.join(",\n"))
}

/// A text in JSON.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out + "\""
}

/// What identifies a query's state: the steps and their expressions, without options that may change between runs.
pub fn fingerprint_text(roots: &[StreamNode]) -> String {
    let mut text = String::new();
    for root in roots {
        print(root, 0, true, None, &mut text);
        types(root, &mut text);
    }
    text
}

/// What could be better: which steps remember something for ever.
pub fn advice(roots: &[StreamNode], options: &SessionOptions) -> String {
    fn collect(node: &StreamNode, options: &SessionOptions, found: &mut Vec<String>) {
        if let Some(state) = state(node).filter(|state| state.contains("for ever") && ttl::text(node, options).is_none()) {
            let step = describe(node);
            let step = step.split('(').next().unwrap_or_default().to_string();
            found.push(format!("{step} remembers {state}: use windows, or SET 'table.exec.state.ttl' to what the result can do without"));
        }
        if let StreamOp::Match(columns) = &node.op {
            let unused = columns.clauses.unused.iter();
            found.extend(unused.map(|name| format!("DEFINE says what {name} is, which the pattern does not have: it means nothing")));
        }
        node.inputs.iter().for_each(|input| collect(input, options, found));
    }
    let mut found = vec![];
    roots.iter().for_each(|root| collect(root, options, &mut found));
    let mut text = String::from("\n== Advice ==\n");
    if found.is_empty() {
        text.push_str("No available advice...\n");
    }
    for (number, advice) in found.iter().enumerate() {
        let _ = writeln!(text, "advice[{}]: {advice}", number + 1);
    }
    text
}

/// The types of all steps: expressions alone do not tell a BIGINT from an INT.
fn types(node: &StreamNode, out: &mut String) {
    let own: Vec<String> = node.schema.fields().iter().map(|f| FlinkType::from_field(f).0.to_string()).collect();
    let _ = writeln!(out, "{}", own.join(", "));
    node.inputs.iter().for_each(|i| types(i, out));
}

/// Without options, nothing is said of how long state lives.
fn print(node: &StreamNode, depth: usize, changelog: bool, options: Option<&SessionOptions>, out: &mut String) {
    let indent = if depth == 0 { String::new() } else { format!("{}+- ", "   ".repeat(depth - 1)) };
    let _ = write!(out, "{indent}{}", describe(node));
    let mut notes = vec![];
    if changelog {
        notes.push(format!("changelogMode=[{}]", node.changelog.kinds()));
    }
    if let Some(key) = node.key.as_ref().filter(|k| !k.is_empty()) {
        notes.push(format!("key=[{}]", names(node, key)));
    }
    if let Some(time) = node.schema.fields().iter().position(|f| time_attribute(f) == Some(ROWTIME)) {
        notes.push(format!("rowtime=[{}]", names(node, &[time])));
    }
    if let Some(state) = state(node) {
        let ttl = options.and_then(|options| ttl::text(node, options));
        notes.push(format!("state=[{}]", ttl.map_or(state.to_string(), |ttl| state.replace("for ever", &ttl))));
    }
    if !notes.is_empty() {
        let _ = write!(out, "   -- {}", notes.join(", "));
    }
    out.push('\n');
    node.inputs.iter().for_each(|i| print(i, depth + 1, changelog, options, out));
}

fn names(node: &StreamNode, columns: &[usize]) -> String {
    let labels = labels(node);
    let names: Vec<&str> = columns.iter().map(|c| labels[*c].as_str()).collect();
    names.join(", ")
}

/// What a user would call the columns of a step: those with a made-up name are called after what they are.
pub(super) fn labels(node: &StreamNode) -> Vec<String> {
    let fields = node.schema.fields();
    if !fields.iter().any(|field| field.name().starts_with('$')) {
        return fields.iter().map(|field| field.name().clone()).collect();
    }
    let below = || node.inputs.first().map(labels).unwrap_or_default();
    let own: Vec<String> = match &node.op {
        StreamOp::Scan { columns, .. } => columns.iter().map(|c| sql_text(&c.expr)).collect(),
        StreamOp::Calc { project, .. } => {
            let below = below();
            project.iter().map(|e| shown_over(e, node, &below)).collect()
        }
        StreamOp::GroupAggregate(aggregate) | StreamOp::WindowAggregate { aggregate, .. } => {
            let below = below();
            let keys = aggregate.keys.iter().map(|k| below[*k].clone());
            let window = WINDOW_COLUMNS.iter().map(|name| name.to_string());
            keys.chain(aggregate.calls.iter().map(|c| c.text.clone())).chain(window).collect()
        }
        StreamOp::Match(columns) => {
            let below = below();
            let keys = columns.partition.iter().map(|k| below[*k].clone());
            keys.chain(columns.clauses.output.iter().map(|r| r.text.clone())).collect()
        }
        StreamOp::Join(_) | StreamOp::IntervalJoin { .. } | StreamOp::WindowJoin { .. } | StreamOp::TemporalJoin { .. } => {
            node.inputs.iter().flat_map(labels).collect()
        }
        StreamOp::LookAhead(columns) => {
            let below = below();
            let values = columns.values.iter().map(|(value, rows)| format!("NEXT({}, {rows})", below[*value]));
            below.iter().cloned().chain(values.collect::<Vec<_>>()).collect()
        }
        StreamOp::LookupJoin { table, .. } => below().into_iter().chain(labels(table)).collect(),
        StreamOp::Over(columns) => below().into_iter().chain(columns.calls.iter().map(|c| c.text.clone())).collect(),
        StreamOp::WholeOver(columns) => below().into_iter().chain(columns.calls.iter().map(|(_, text)| text.clone())).collect(),
        _ => below(),
    };
    let named = |(i, field): (usize, &FieldRef)| match field.name().strip_prefix('$') {
        Some(_) => own.get(i).cloned().unwrap_or_else(|| field.name().clone()),
        None => field.name().clone(),
    };
    fields.iter().enumerate().map(named).collect()
}

/// An expression over the input of a step, its columns as a user would call them.
pub fn shown(expr: &Expr, node: &StreamNode) -> String {
    shown_over(expr, node, &node.inputs.first().map(labels).unwrap_or_default())
}

/// The same, where the labels of the input are known.
fn shown_over(expr: &Expr, node: &StreamNode, labels: &[String]) -> String {
    let Some(input) = node.inputs.first() else { return sql_text(expr) };
    let named = expr.clone().transform_up(|e| {
        let column = match &e {
            Expr::Alias(alias) => return Ok(Transformed::yes(alias.expr.as_ref().clone())),
            Expr::Column(column) => column,
            _ => return Ok(Transformed::no(e)),
        };
        match input.schema.maybe_index_of_column(column).filter(|_| column.name.starts_with('$')) {
            Some(i) => Ok(Transformed::yes(Expr::Column(Column::new_unqualified(&labels[i])))),
            None => Ok(Transformed::no(e)),
        }
    });
    named.map_or_else(|_| sql_text(expr), |named| sql_text(&named.data))
}

pub(super) fn describe(node: &StreamNode) -> String {
    match &node.op {
        StreamOp::Scan { source, columns } => scan_text(source, columns),
        StreamOp::Values(rows) => format!("Values(rows=[{}])", rows.num_rows()),
        StreamOp::Calc { condition, project } => {
            let below = node.inputs.first().map(labels).unwrap_or_default();
            let shown = |e| shown_over(e, node, &below);
            let columns: Vec<String> = project.iter().zip(labels(node)).map(|(e, name)| column_text(&shown(e), &name)).collect();
            let filter = condition.as_ref().map_or(String::new(), |c| format!(", where=[{}]", shown(c)));
            format!("Calc(select=[{}]{filter})", columns.join(", "))
        }
        StreamOp::WindowTvf { kind, processing, .. } => format!("WindowTableFunction(window=[{kind}]{})", time_note(*processing)),
        StreamOp::Unnest { collection, form, .. } => {
            let join = if form.left { "LEFT" } else { "INNER" };
            format!("Correlate(unnest=[{}], joinType=[{join}])", names(&node.inputs[0], &[*collection]))
        }
        StreamOp::WindowAggregate { kind, attached, time, emit, aggregate } => {
            let attached = if *attached { ", attached to the rows" } else { "" };
            format!(
                "WindowAggregate({}window=[{kind}{attached}]{}{}, select=[{}])",
                keys(node, aggregate),
                time_note(time.is_none()),
                emit.map_or(String::new(), emit_text),
                calls(aggregate)
            )
        }
        StreamOp::GroupAggregate(aggregate) => format!("GroupAggregate({}select=[{}])", keys(node, aggregate), calls(aggregate)),
        StreamOp::Expand(sets) => format!("Expand(grouping sets=[{}])", sets.len()),
        StreamOp::EnforceNotNull { columns, .. } => format!("ConstraintEnforcer(notNull=[{}])", names(node, columns)),
        StreamOp::Rank(columns) => rank_text(node, columns),
        StreamOp::Over(columns) => over_text(node, columns),
        StreamOp::WholeOver(columns) => whole_over_text(node, columns),
        StreamOp::TimeSort { time, order } => {
            let by: Vec<usize> = std::iter::once(*time).chain(order.iter().map(|c| c.column)).collect();
            format!("TemporalSort(orderBy=[{}])", names(&node.inputs[0], &by))
        }
        StreamOp::AtEnd => "AtEnd(final rows only)".into(),
        StreamOp::Sort(columns) => sort_text(node, columns),
        StreamOp::LookAhead(columns) => look_ahead_text(node, columns),
        StreamOp::Match(columns) => format!("Match({})", match_text(columns, |at| names(&node.inputs[0], at))),
        StreamOp::Join(columns) => format!("Join({})", join_text(node, columns)),
        StreamOp::IntervalJoin { columns, processing, lower, upper, .. } => {
            let bounds = format!("windowBounds=[isRowTime={}, leftLowerBound={lower}, leftUpperBound={upper}]", !processing);
            format!("IntervalJoin({}, {bounds})", join_text(node, columns))
        }
        StreamOp::WindowJoin { columns, .. } => {
            let window = node.window.as_ref().map(|w| format!("window=[{}], ", w.kind)).unwrap_or_default();
            format!("WindowJoin({window}{})", join_text(node, columns))
        }
        StreamOp::TemporalJoin { columns, times: [left, right] } => {
            let times = [(0, *left), (1, *right)].map(|(side, time)| names(&node.inputs[side], &[time]));
            format!("TemporalJoin({}, leftTime=[{}], rightTime=[{}])", join_text(node, columns), times[0], times[1])
        }
        StreamOp::Deduplicate(columns) => deduplicate_text(node, columns),
        StreamOp::LookupJoin { columns, table, form } => lookup_text(node, columns, table, form),
        StreamOp::Union => "Union(all=[true])".into(),
        StreamOp::SetOperation(kind) => format!("SetOperation({})", word(*kind)),
        StreamOp::Limit { skip, fetch } => format!("Limit(offset=[{skip}], fetch=[{fetch}])"),
        StreamOp::DropUpdateBefore
        | StreamOp::ChangelogNormalize { .. }
        | StreamOp::Materialize { .. }
        | StreamOp::FromChangelog { .. }
        | StreamOp::ToChangelog { .. } => changes_text(node),
        StreamOp::Sink(table, _) => {
            let columns: Vec<&str> = node.schema.fields().iter().map(|f| f.name().as_str()).collect();
            format!("Sink(table=[{}], fields=[{}])", table.path.name, columns.join(", "))
        }
    }
}

fn emit_text(emit: EmitStrategy) -> String {
    let after = |delay: i64| if delay == 0 { "no delay".to_string() } else { format!("delay {delay} millisecond") };
    let early = emit.early_delay_ms.map(|delay| format!("early {}", after(delay)));
    let late = emit.late_delay_ms.map(|delay| format!("late {}, lateness {} millisecond", after(delay), emit.lateness_ms));
    format!(", emit=[{}]", early.into_iter().chain(late).collect::<Vec<_>>().join(", "))
}

fn sort_text(node: &StreamNode, columns: &SortColumns) -> String {
    let limit = match columns.fetch {
        Some(fetch) => format!(", offset=[{}], fetch=[{fetch}]", columns.skip),
        None => String::new(),
    };
    format!("Sort(orderBy=[{}]{limit})", order_text(&node.inputs[0], &columns.order))
}

fn order_text(input: &StreamNode, order: &[SortColumn]) -> String {
    let column = |c: &SortColumn| {
        let direction = if c.descending { "DESC" } else { "ASC" };
        // NULL is the least value unless the query says otherwise.
        let nulls = match (c.nulls_first, c.nulls_first == c.descending) {
            (_, false) => "",
            (true, _) => " NULLS FIRST",
            (false, _) => " NULLS LAST",
        };
        format!("{} {direction}{nulls}", names(input, &[c.column]))
    };
    order.iter().map(column).collect::<Vec<_>>().join(", ")
}

fn scan_text(source: &FlinkTable, columns: &[ScanColumn]) -> String {
    let read: Vec<String> = columns.iter().map(|c| sql_text(&c.expr)).collect();
    let text = |w: &TableWatermark| format!(", watermark=[{} AS {}]", source.table.columns[w.column].field.name(), w.text);
    let watermark = source.table.watermark.as_ref().map_or(String::new(), text);
    let hints: Vec<String> = source.hints.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let hints = if hints.is_empty() { String::new() } else { format!(", hints=[{}]", hints.join(", ")) };
    format!("TableSourceScan(table=[{}], fields=[{}]{watermark}{hints})", source.table.path.name, read.join(", "))
}

/// Steps that turn one form of a changelog into another.
fn changes_text(node: &StreamNode) -> String {
    match &node.op {
        StreamOp::ChangelogNormalize { key } => format!("ChangelogNormalize(key=[{}])", names(node, key)),
        StreamOp::Materialize { key, conflict } => {
            format!("SinkUpsertMaterializer(key=[{}], conflictStrategy=[{}])", names(node, key), format!("{conflict:?}").to_uppercase())
        }
        StreamOp::FromChangelog { op, mapping } => {
            let codes: Vec<String> = mapping.iter().map(|(code, kind)| format!("{code} is {}", kind.symbol())).collect();
            format!("ProcessTableFunction(FROM_CHANGELOG, op=[{}], mapping=[{}])", names(&node.inputs[0], &[*op]), codes.join(", "))
        }
        StreamOp::ToChangelog { mapping } => {
            let codes: Vec<String> = mapping.iter().map(|(kind, code)| format!("{} is {code}", kind.symbol())).collect();
            format!("ProcessTableFunction(TO_CHANGELOG, op=[{}], mapping=[{}])", names(node, &[0]), codes.join(", "))
        }
        _ => "DropUpdateBefore".into(),
    }
}

fn rank_text(node: &StreamNode, columns: &RankColumns) -> String {
    let input = &node.inputs[0];
    let order: Vec<String> =
        columns.order.iter().map(|c| format!("{} {}", names(input, &[c.column]), if c.descending { "DESC" } else { "ASC" })).collect();
    let name = match (columns.window, columns.first_by) {
        (Some(_), _) => "WindowRank",
        (_, Some(_)) => "Deduplicate",
        _ => "Rank",
    };
    let range = format!("rankStart={}, rankEnd={}", columns.skip + 1, columns.skip + columns.take);
    format!("{name}(rankRange=[{range}], partitionBy=[{}], orderBy=[{}])", names(input, &columns.partition), order.join(", "))
}

fn over_text(node: &StreamNode, columns: &OverColumns) -> String {
    let input = &node.inputs[0];
    let frame = match columns.frame {
        Frame::Unbounded { peers } => format!("{} BETWEEN UNBOUNDED", if peers { "RANGE" } else { "ROWS" }),
        Frame::Rows(rows) => format!("ROWS BETWEEN {rows}"),
        Frame::Range(ms) => format!("RANGE BETWEEN {ms}"),
    };
    let calls: Vec<&str> = columns.calls.iter().map(|call| call.text.as_str()).collect();
    let partition =
        if columns.partition.is_empty() { String::new() } else { format!("partitionBy=[{}], ", names(input, &columns.partition)) };
    let order = names(input, &[columns.order.column()]);
    format!("OverAggregate({partition}orderBy=[{order} ASC], window=[{frame} PRECEDING AND CURRENT ROW], select=[{}])", calls.join(", "))
}

fn look_ahead_text(node: &StreamNode, columns: &LookAheadColumns) -> String {
    let input = &node.inputs[0];
    let partition = match columns.partition.as_slice() {
        [] => String::new(),
        partition => format!("partitionBy=[{}], ", names(input, partition)),
    };
    let time = SortColumn { column: columns.time, descending: false, nulls_first: true };
    let order: Vec<SortColumn> = std::iter::once(time).chain(columns.order.iter().copied()).collect();
    let values: Vec<String> = columns.values.iter().map(|(value, rows)| format!("NEXT({}, {rows})", names(input, &[*value]))).collect();
    format!("LookAhead({partition}orderBy=[{}], select=[{}])", order_text(input, &order), values.join(", "))
}

fn whole_over_text(node: &StreamNode, columns: &WholeOverColumns) -> String {
    let input = &node.inputs[0];
    let partition = match columns.partition.as_slice() {
        [] => String::new(),
        partition => format!("partitionBy=[{}], ", names(input, partition)),
    };
    let order = match columns.order.as_slice() {
        [] => String::new(),
        order => format!("orderBy=[{}], ", order_text(input, order)),
    };
    let calls: Vec<&str> = columns.calls.iter().map(|(_, text)| text.as_str()).collect();
    format!("OverAggregate({partition}{order}select=[{}])", calls.join(", "))
}

fn deduplicate_text(node: &StreamNode, columns: &DeduplicateColumns) -> String {
    let deleted = columns.condition.as_ref().map_or(String::new(), |c| format!(", deleted unless=[{}]", shown(c, node)));
    if !columns.order.is_empty() {
        let order = order_text(&node.inputs[0], &columns.order);
        return format!("Deduplicate(keep=[FirstRow, every version], key=[{}], orderBy=[{order}])", names(node, &columns.keys));
    }
    format!("Deduplicate(keep=[LastRow, every version], key=[{}], order=[ROWTIME]{deleted})", names(node, &columns.keys))
}

fn lookup_text(node: &StreamNode, columns: &JoinColumns, table: &StreamNode, form: &LookupForm) -> String {
    let reload = form.reload_ms.map_or(String::new(), |ms| format!(", reload=[{ms} ms]"));
    let retry = form.retry.map_or(String::new(), |r| format!(", retry=[lookup_miss, FIXED_DELAY, {}ms, {}]", r.delay_ms, r.attempts));
    let mut read = String::new();
    print(table, 0, false, None, &mut read);
    let read =
        read.lines().map(|l| l.trim_start_matches([' ', '+', '-']).split("   -- ").next().unwrap_or(l)).collect::<Vec<_>>().join(" <- ");
    let on = pairs_text(&labels(&node.inputs[0]), &labels(table), columns);
    let cache = match form.by_key.as_ref().map(|by_key| by_key.cache) {
        None => "FULL",
        Some(None) => "NONE",
        Some(Some(_)) => "PARTIAL",
    };
    format!("LookupJoin(table=[{}], {on}, cache=[{cache}]{reload}{retry}, lookup=[{read}])", form.name)
}

fn join_text(node: &StreamNode, columns: &JoinColumns) -> String {
    pairs_text(&labels(&node.inputs[0]), &labels(&node.inputs[1]), columns)
}

fn pairs_text(left: &[String], right: &[String], columns: &JoinColumns) -> String {
    let pairs = columns.keys[0].iter().zip(&columns.keys[1]).map(|(l, r)| format!("{} = {}", left[*l], right[*r]));
    let conditions: Vec<String> = pairs.chain(columns.condition.iter().map(sql_text)).collect();
    format!("joinType=[{:?}], where=[{}]", columns.kind, conditions.join(" AND "))
}

fn column_text(expr: &str, name: &str) -> String {
    if expr == name || expr.ends_with(&format!(".{name}")) { expr.to_string() } else { format!("{expr} AS {name}") }
}

fn time_note(processing: bool) -> &'static str {
    if processing { ", time=[processing]" } else { "" }
}

fn keys(node: &StreamNode, aggregate: &AggregateCalls) -> String {
    if aggregate.keys.is_empty() {
        return String::new();
    }
    format!("groupBy=[{}], ", names(&node.inputs[0], &aggregate.keys))
}

fn calls(aggregate: &AggregateCalls) -> String {
    aggregate.calls.iter().map(|c| c.text.clone()).collect::<Vec<_>>().join(", ")
}

/// What a step remembers.
fn state(node: &StreamNode) -> Option<&'static str> {
    match &node.op {
        StreamOp::GroupAggregate(_) => Some("one entry per key, for ever"),
        StreamOp::WindowAggregate { kind: WindowKind::Session { .. }, .. } => Some("open sessions"),
        StreamOp::WindowTvf { kind: WindowKind::Session { .. }, .. } => Some("rows of open sessions"),
        StreamOp::WindowAggregate { emit: Some(_), .. } => Some("two entries per key and window, until it is over"),
        StreamOp::WindowAggregate { .. } => Some("one entry per key and open slice"),
        StreamOp::Join(_) => Some("the rows of both inputs, for ever"),
        StreamOp::Sort(SortColumns { fetch: Some(_), .. }) => Some("the first rows, until the input ends"),
        StreamOp::Sort(_) => Some("all rows, until the input ends"),
        StreamOp::Match(columns) if columns.clauses.within_ms.is_some() => Some("rows that may still be part of a match"),
        StreamOp::Match(_) => Some("rows that may still be part of a match, without WITHIN for ever"),
        StreamOp::LookAhead(_) => Some("rows that the watermark has not passed; the last rows of each key, until others follow them"),
        StreamOp::WholeOver(_) => Some("all rows, until the input ends"),
        StreamOp::TimeSort { .. } => Some("rows that the watermark has not passed"),
        StreamOp::Over(columns) => Some(match (columns.order, columns.frame) {
            (OverOrder::Value(_), _) => "the rows of each key, for ever",
            (OverOrder::Event(_), Frame::Unbounded { .. }) => "rows that the watermark has not passed; one entry per key, for ever",
            (OverOrder::Event(_), Frame::Rows(_)) => "rows that the watermark has not passed; the last rows of each key, for ever",
            (OverOrder::Event(_), Frame::Range(_)) => "rows that the watermark has not passed, or that are in a frame",
            (_, Frame::Unbounded { .. }) => "one entry per key, for ever",
            (_, Frame::Rows(_)) => "the last rows of each key, for ever",
            (_, Frame::Range(_)) => "rows in a frame",
        }),
        StreamOp::Rank(columns) if columns.window.is_some() => Some("rows of open windows"),
        StreamOp::Rank(columns) if columns.first_by.is_some() => {
            Some("the first row of each key until time has passed it, and the key for ever")
        }
        StreamOp::Rank(columns) if columns.append_only => Some("the first rows of each key, for ever"),
        StreamOp::Rank(_) => Some("the rows of each key, for ever"),
        StreamOp::TemporalJoin { .. } => {
            Some("left rows until the watermark passes them, of each key the versions that can still be asked for, the newest one for ever")
        }
        StreamOp::Deduplicate(_) => Some("one time per key, for ever"),
        StreamOp::LookupJoin { .. } => None,
        StreamOp::IntervalJoin { .. } => Some("rows until their partners are out of reach"),
        StreamOp::WindowJoin { .. } => Some("rows of open windows"),
        StreamOp::Limit { .. } => Some("one number"),
        StreamOp::ChangelogNormalize { .. } => Some("the newest row of each key, for ever"),
        StreamOp::Materialize { .. } => Some("the rows of each key, for ever"),
        _ => None,
    }
}
