//! The PATTERN of a MATCH_RECOGNIZE: from the syntax tree to the engine's pattern, and what Flink allows of it.

use flott_engine::operators::match_recognize::program::{Pattern, Program};
use sqlparser::ast::{MatchRecognizePattern as Written, MatchRecognizeSymbol as Symbol, RepetitionQuantifier as Quantifier};

use crate::error::{SqlError, SqlResult};

/// A pattern with its variables.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The pattern; variables are places in `names`.
    pub pattern: Pattern,
    /// The variables.
    pub names: Vec<String>,
    /// As it was written.
    pub text: String,
    /// What of it Flink does not have.
    pub beyond_flink: Vec<&'static str>,
}

impl Planned {
    /// Notes what Flink does not have, once.
    pub fn note(&mut self, what: &'static str) {
        if !self.beyond_flink.contains(&what) {
            self.beyond_flink.push(what);
        }
    }
}

/// Reads a pattern and checks it.
///
/// # Errors
/// Where Flink refuses the pattern too, and for what is not built.
pub fn plan(written: &Written) -> SqlResult<Planned> {
    let mut reader = Reader { names: vec![], written: vec![], beyond_flink: vec![] };
    let pattern = flat(reader.pattern(written)?);
    check_optional_after_greedy(&pattern, &reader)?;
    check_end(&pattern, &reader)?;
    let program = Program::compile(&pattern).map_err(|e| SqlError::from(e).about("PATTERN"))?;
    if program.matches_nothing {
        let error = SqlError::new("the pattern can match without any row");
        return Err(error.about("PATTERN").help("at least one variable must take a row: write A+ instead of A*, or add a variable"));
    }
    Ok(Planned { pattern, names: reader.names, text: text(written), beyond_flink: reader.beyond_flink })
}

struct Reader {
    names: Vec<String>,
    /// By variable, how it stands in the pattern, with its quantifier.
    written: Vec<String>,
    beyond_flink: Vec<&'static str>,
}

impl Reader {
    fn pattern(&mut self, written: &Written) -> SqlResult<Pattern> {
        match written {
            Written::Symbol(Symbol::Named(name)) => self.variable(&name.value),
            Written::Symbol(_) => {
                Err(SqlError::new("^ and $ cannot stand in a pattern: Flink looks for matches anywhere among the rows of a key")
                    .about("PATTERN"))
            }
            Written::Exclude(_) => Err(SqlError::not_yet("an exclusion {- … -} in a pattern").about("PATTERN")),
            Written::Permute(_) => Err(SqlError::not_yet("PERMUTE").about("PERMUTE").help("write the sequences out: (A B | B A)")),
            Written::Concat(parts) => Ok(Pattern::Concat(parts.iter().map(|p| self.pattern(p)).collect::<SqlResult<_>>()?)),
            Written::Group(inner) => self.pattern(inner),
            Written::Alternation(ways) => {
                self.note("an alternation");
                Ok(Pattern::Alternation(ways.iter().map(|p| self.pattern(p)).collect::<SqlResult<_>>()?))
            }
            Written::Repetition(inner, quantifier) => self.repetition(inner, quantifier),
        }
    }

    fn variable(&mut self, name: &str) -> SqlResult<Pattern> {
        if self.names.iter().any(|n| n == name) {
            let error = SqlError::new(format!("the variable {name} stands twice in the pattern")).about("PATTERN");
            return Err(error.help("a variable can stand in it once: use two variables with the same condition"));
        }
        self.names.push(name.to_string());
        self.written.push(name.to_string());
        Ok(Pattern::Variable(self.names.len() as u16 - 1))
    }

    /// `A+?` is read as `A+` with a question mark behind it.
    fn repetition(&mut self, inner: &Written, quantifier: &Quantifier) -> SqlResult<Pattern> {
        let reluctant = matches!((inner, quantifier), (Written::Repetition(..), Quantifier::AtMostOne));
        let (inner, quantifier) = match inner {
            Written::Repetition(inner, own) if reluctant => (inner.as_ref(), own),
            Written::Repetition(..) => {
                return Err(SqlError::new(format!("{} has two quantifiers", text(inner)))
                    .about("PATTERN")
                    .help("put brackets around the first one"));
            }
            other => (other, quantifier),
        };
        let written = format!("{}{quantifier}{}", text(inner), if reluctant { "?" } else { "" });
        let (min, max) = match *quantifier {
            Quantifier::ZeroOrMore => (0, None),
            Quantifier::OneOrMore => (1, None),
            Quantifier::AtMostOne => (0, Some(1)),
            Quantifier::Exactly(n) => (n, Some(n)),
            Quantifier::AtLeast(n) => (n, None),
            Quantifier::AtMost(n) => (0, Some(n)),
            Quantifier::Range(n, m) => (n, Some(m)),
        };
        if max.is_some_and(|max| max == 0 || max < min) {
            let error = SqlError::new(format!("{written} takes no row")).about(&written);
            return Err(error.help("in {n,m}, m must be at least 1 and at least n"));
        }
        if reluctant && (min, max) == (0, Some(1)) {
            let error = SqlError::new(format!("{written} is reluctant and optional, which Flink does not support")).about(&written);
            return Err(error.help(format!("write {}? or {}*?", text(inner), text(inner))));
        }
        if let Quantifier::AtMost(_) = quantifier {
            self.note("a quantifier {,n}");
        }
        let inner = flat(self.pattern(inner)?);
        match inner {
            Pattern::Variable(v) => self.written[usize::from(v)] = written,
            _ => self.note("a group with a quantifier"),
        }
        Ok(repeated(inner, min, max, !reluctant))
    }

    fn note(&mut self, what: &'static str) {
        if !self.beyond_flink.contains(&what) {
            self.beyond_flink.push(what);
        }
    }
}

/// A pattern several times. A loop that holds nothing but a loop of the same kind is one loop, if it takes the same numbers of rows:
/// in two, each way to share the rows out would be a partial match of its own.
fn repeated(inner: Pattern, min: u32, max: Option<u32>, greedy: bool) -> Pattern {
    // What may be there once is not greedy, what may be there several times can be: the two do not mix.
    if (min, max) != (0, Some(1))
        && let Pattern::Repeat { inner: what, min: least, max: most, greedy: own } = &inner
        && (*own == greedy || *most == Some(*least) || max == Some(min))
        && is_unbroken((*least, *most), (min, max))
    {
        let max = most.zip(max).map(|(a, b)| a.saturating_mul(b));
        let greedy = if max == Some(min) { *own } else { greedy };
        return Pattern::Repeat { inner: what.clone(), min: least.saturating_mul(min), max, greedy };
    }
    Pattern::Repeat { inner: Box::new(inner), min, max, greedy }
}

/// Whether `{min,max}` times `{least,most}` rows can be any number from the smallest to the largest one.
fn is_unbroken((least, most): (u32, Option<u32>), (min, max): (u32, Option<u32>)) -> bool {
    // So many times take up to `n * most` rows, once more at least `(n + 1) * least`. Where that leaves no gap, no later step does.
    let no_gap_behind = |n: u32| match most {
        None => n > 0 || least <= 1,
        Some(most) => (u64::from(n) + 1) * u64::from(least) <= u64::from(n) * u64::from(most) + 1,
    };
    max == Some(min) || no_gap_behind(min)
}

/// Sequences within sequences as one.
fn flat(pattern: Pattern) -> Pattern {
    let Pattern::Concat(parts) = pattern else { return pattern };
    let mut all = vec![];
    for part in parts.into_iter().map(flat) {
        match part {
            Pattern::Concat(inner) => all.extend(inner),
            other => all.push(other),
        }
    }
    if all.len() == 1 { all.remove(0) } else { Pattern::Concat(all) }
}

/// As SQL has it.
fn text(written: &Written) -> String {
    match written {
        Written::Concat(parts) => parts.iter().map(text).collect::<Vec<_>>().join(" "),
        Written::Alternation(ways) => ways.iter().map(text).collect::<Vec<_>>().join(" | "),
        Written::Group(inner) => format!("({})", text(inner)),
        Written::Repetition(inner, quantifier) => format!("{}{quantifier}", text(inner)),
        other => other.to_string(),
    }
}

/// Whether a part takes as many rows as it can, in Flink's sense: `?` and `{n}` do not count.
fn is_greedy(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::Repeat { min, max, greedy: true, .. } if *max != Some(*min) && *max != Some(1))
}

/// The last variable of a part.
fn last_variable(pattern: &Pattern) -> usize {
    match pattern {
        Pattern::Variable(v) => usize::from(*v),
        Pattern::Concat(parts) | Pattern::Alternation(parts) => parts.last().map_or(0, last_variable),
        Pattern::Repeat { inner, .. } => last_variable(inner),
    }
}

/// Flink cannot tell which of two loops over the same rows a greedy one before an optional one means.
fn check_optional_after_greedy(pattern: &Pattern, reader: &Reader) -> SqlResult<()> {
    match pattern {
        Pattern::Variable(_) => Ok(()),
        Pattern::Concat(parts) => {
            for pair in parts.windows(2) {
                let optional = matches!(&pair[1], Pattern::Repeat { min: 0, max: None | Some(1), .. });
                if optional && is_greedy(&pair[0]) {
                    let (before, place) = (&reader.names[last_variable(&pair[0])], last_variable(&pair[1]));
                    let after = &reader.names[place];
                    let error =
                        SqlError::new(format!("{after} is optional and follows {before}, which is greedy: Flink does not support that"));
                    return Err(error
                        .about(&reader.written[place])
                        .help(format!("make {before} reluctant with a ? behind its quantifier")));
                }
            }
            parts.iter().try_for_each(|part| check_optional_after_greedy(part, reader))
        }
        Pattern::Alternation(ways) => ways.iter().try_for_each(|way| check_optional_after_greedy(way, reader)),
        Pattern::Repeat { inner, .. } => check_optional_after_greedy(inner, reader),
    }
}

/// A greedy end could always take one more row, so that the match would never be known.
fn check_end(pattern: &Pattern, reader: &Reader) -> SqlResult<()> {
    match pattern {
        Pattern::Concat(parts) => parts.last().map_or(Ok(()), |last| check_end(last, reader)),
        Pattern::Alternation(ways) => ways.iter().try_for_each(|way| check_end(way, reader)),
        greedy if is_greedy(greedy) => {
            let place = last_variable(greedy);
            let name = &reader.names[place];
            let error = SqlError::new(format!("{name} is greedy and stands at the end of the pattern: the match would have no end"));
            Err(error
                .about(&reader.written[place])
                .help(format!("end with a variable that ends the match, or write a ? behind the quantifier of {name}")))
        }
        Pattern::Repeat { inner, .. } => check_end(inner, reader),
        Pattern::Variable(_) => Ok(()),
    }
}
