//! What of a script Flink would not take as it is, so that who wants to move to a cluster knows it beforehand. These are no errors:
//! the script runs here.

use sqlparser::ast::{Expr, MatchRecognizePattern as Pattern, NullTreatment, Query, RepetitionQuantifier, RowsPerMatch, TableFactor};

use crate::dialect::{CreateTable, Flow, OptionEntry, Pass, Statement, TIMED_OUT_SYMBOL, walk_query};
use crate::error::SqlError;
use crate::functions::NOT_IN_FLINK;
use crate::place::Place;

/// Connectors that are no part of Flink or of its own projects.
const OWN_CONNECTORS: [&str; 1] = ["nexmark"];
/// Options that begin so are Flott's own.
const OWN_OPTIONS: &str = "flott.";
/// Functions that Flink's MATCH_RECOGNIZE lacks, and what helps there.
const IN_PATTERNS: [(&str, &str); 4] = [
    ("CLASSIFIER", "there, a measure for each variable tells the same"),
    ("MATCH_NUMBER", "there, a measure for each variable tells the same"),
    ("NEXT", "there, put a variable for the row that follows behind it: PATTERN (A B) DEFINE B AS B.price > A.price"),
    ("PREV", "there, compute LAG(…) OVER (PARTITION BY … ORDER BY …) in a sub-query before MATCH_RECOGNIZE, and use its column"),
];

/// What is not portable, each at its place.
pub(crate) fn notes(statement: &Statement) -> Vec<SqlError> {
    match statement {
        Statement::Set(Some(entry)) if entry.key.value.starts_with(OWN_OPTIONS) => vec![own_option(entry)],
        Statement::CreateTable(create) => of_table(create),
        Statement::CreateView(create) => of_query(&create.query.query),
        Statement::Query(query) => of_query(query),
        Statement::Insert(insert) => of_query(&insert.source.query),
        Statement::StatementSet(set) => set.inserts.iter().flat_map(|insert| of_query(&insert.source.query)).collect(),
        _ => vec![],
    }
}

fn own_option(entry: &OptionEntry) -> SqlError {
    let key = &entry.key.value;
    SqlError::new(format!("'{key}' is an option of Flott's own")).about(key).help("Flink passes it over")
}

fn of_table(create: &CreateTable) -> Vec<SqlError> {
    let of_option = |entry: &OptionEntry| match entry.key.value.as_str() {
        key if key.starts_with(OWN_OPTIONS) => Some(
            SqlError::new(format!("'{key}' is an option of Flott's own")).about(key).help("Flink refuses options that it does not know"),
        ),
        "connector" if OWN_CONNECTORS.contains(&entry.value.value.as_str()) => {
            let name = &entry.value.value;
            Some(
                SqlError::new(format!("Flink has no connector '{name}' of its own"))
                    .about(name)
                    .help("there it comes with a jar to be added"),
            )
        }
        _ => None,
    };
    let own = create.options.iter().filter_map(of_option);
    own.chain(create.as_query.iter().flat_map(|q| of_query(&q.query))).collect()
}

fn of_query(query: &Query) -> Vec<SqlError> {
    let mut found = Found { notes: vec![], place: Place::exactly(sqlparser::ast::Spanned::span(query)) };
    let _ = walk_query(&mut query.clone(), &mut found);
    found.notes
}

struct Found {
    notes: Vec<SqlError>,
    /// Of the query; words are looked for from its beginning on.
    place: Option<Place>,
}

impl Found {
    fn note(&mut self, word: &str, what: &str, help: &str) {
        let note = SqlError::new(format!("Flink has no {what}")).about(word).help(help).placed(self.place);
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
        match pattern {
            Pattern::Symbol(_) | Pattern::Exclude(_) | Pattern::Permute(_) => {}
            Pattern::Concat(parts) => parts.iter().for_each(|part| self.pattern(part)),
            Pattern::Group(inner) => self.pattern(inner),
            Pattern::Alternation(ways) => {
                let help = "there, write a MATCH_RECOGNIZE for each way, or one variable whose condition has OR";
                self.note("PATTERN", "alternations in a pattern", help);
                ways.iter().for_each(|way| self.pattern(way));
            }
            Pattern::Repetition(inner, quantifier) => {
                let grouped = match inner.as_ref() {
                    Pattern::Group(group) => !matches!(group.as_ref(), Pattern::Symbol(_)),
                    _ => false,
                };
                if grouped {
                    self.note("PATTERN", "groups with a quantifier in a pattern", "there, only a variable can be repeated");
                }
                if let RepetitionQuantifier::AtMost(n) = quantifier {
                    self.note("PATTERN", &format!("quantifier {{,{n}}}"), &format!("write {{0,{n}}}, which it has"));
                }
                self.pattern(inner);
            }
        }
    }
}

impl Pass for Found {
    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> Flow {
        let own = match factor {
            TableFactor::Table { name, .. } => name.0.last().and_then(|part| part.as_ident()).map(|name| name.value.clone()),
            _ => None,
        };
        match own {
            Some(name) if name.ends_with("$late") => {
                self.note(&name, "tables of late rows", "there, write t WHERE ts <= CURRENT_WATERMARK(ts)");
            }
            Some(name) if name.ends_with("$bad") => {
                self.note(
                    &name,
                    "tables of bad records",
                    "there, read the records with the format 'raw', and look what is wrong by functions",
                );
            }
            _ => {}
        }
        if let TableFactor::MatchRecognize { rows_per_match, pattern, symbols, .. } = factor {
            if let Some(RowsPerMatch::AllRows(_)) = rows_per_match {
                self.note("ALL ROWS PER MATCH", "ALL ROWS PER MATCH", "there, ONE ROW PER MATCH is all there is");
            }
            if symbols.iter().any(|s| s.symbol.value == TIMED_OUT_SYMBOL) {
                self.note("TIMED OUT", "WITH TIMED OUT MATCHES", "there, a match that runs out of time is only forgotten");
            }
            self.pattern(pattern);
        }
        Flow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        let place = Place::of(expr);
        if let Expr::Function(function) = expr {
            let name = function.name.to_string().to_ascii_uppercase();
            if let Some((_, help)) = IN_PATTERNS.iter().find(|(own, _)| *own == name) {
                self.notes.push(SqlError::new(format!("Flink has no {name} in MATCH_RECOGNIZE")).placed(place).help(*help));
            }
            let newer = |of: &&(&str, &str)| of.0 == name && !IN_PATTERNS.iter().any(|(own, _)| *own == name);
            if let Some((_, help)) = NOT_IN_FLINK.iter().find(newer) {
                self.notes.push(SqlError::new(format!("Flink 2.3 has no function {name}")).placed(place).help(*help));
            }
            if name == "LAG" && function.null_treatment == Some(NullTreatment::IgnoreNulls) {
                let note = SqlError::new("IGNORE NULLS behind LAG changes nothing, on Flink and here").about("NULLS").placed(place);
                self.notes.push(note.help("filter the NULLs out in a sub-query"));
            }
        }
        Flow::Continue(())
    }
}
