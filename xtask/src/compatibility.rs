//! `cargo xtask compatibility`: writes `docs/flink-compatibility.md` from the parity cases and the list of known differences.
//!
//! What a case uses is read from its text: a feature is a few words of SQL that stand in it. `cargo xtask tidy` fails when the page
//! is not what this command would write.

mod cases;
mod expressions;
mod features;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::Result;
use crate::flink::distribution::VERSION;
use crate::goldens::repository_root;
use cases::Case;
use features::{Feature, GROUPS, SECTIONS};

/// Where the page lies in the repository.
pub const PAGE: &str = "docs/flink-compatibility.md";

/// Runs the command.
///
/// # Errors
/// When cases cannot be read, or one of them has no comment, no golden or no group that the page knows.
pub fn run(args: &[String]) -> Result<()> {
    if let Some(other) = args.first() {
        return Err(format!("compatibility takes no arguments, not `{other}`"));
    }
    let root = repository_root()?;
    let text = page(&root)?;
    let path = root.join(PAGE);
    fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    println!("wrote {PAGE}");
    Ok(())
}

/// The text of the page.
///
/// # Errors
/// As [`run`].
pub fn page(root: &Path) -> Result<String> {
    let all = cases::read(root)?;
    let topics = expressions::read(root)?;
    let mut text = head(&all, &topics);
    differences(&mut text, &all);
    expressions::differences(&mut text, &topics);
    beyond(&mut text);
    only_here(&mut text, root)?;
    for (title, features) in SECTIONS {
        section(&mut text, title, features, &all);
    }
    functions(&mut text, &all);
    expressions::section(&mut text, &topics);
    listing(&mut text, &all);
    Ok(text)
}

fn head(all: &[Case], topics: &[expressions::Topic]) -> String {
    let counts = expressions::Counts::of(topics);
    let (refused, differ) = (all.iter().filter(|c| c.refused).count(), all.iter().filter(|c| c.gap.is_some()).count());
    let (total, answered, equal) = (all.len(), all.len() - refused, all.len() - differ);
    format!(
        "<!-- Written by `cargo xtask compatibility` from tests/parity; not by hand. -->\n\n\
         # What is the same as in Apache Flink\n\n\
         {total} scripts were given to an Apache Flink {VERSION}, and its answers are in [tests/parity](../tests/parity/README.md): rows for\n\
         {answered} of them, a refusal for {refused}. In every test run Flott must give the same rows, or refuse as well: on one worker, two\n\
         and four, in ticks of one row, a few rows and all rows, and killed and restored on another number of workers. An insert-only\n\
         result is compared row by row in any order, one that changes by the table that it leaves. It holds for {equal} scripts.\n\
         The other {differ} are the differences below; there is no other list.\n\n\
         It was also given {} expressions (operators, casts, functions over all kinds of values; [tests/parity/expressions](../tests/parity/README.md)):\n\
         {} have a type and values, {} are refused or fail. Flott gives the same type and the same values, to the digit, or refuses\n\
         as well, in all but {}.\n\n\
         Not compared this way: INSERT, statement sets and ALTER give no rows to compare and have tests of their own.\n\
         What Flott does not have yet it refuses by name, before anything runs: `flott check FILE` tells for a script of yours.\n\
         Of the built-in functions these are OBJECT_OF and OBJECT_UPDATE, which make values of Java classes. VARIANT and BITMAP can be\n\
         computed with and printed; no format carries them, in Flink neither.\n\n",
        counts.asked,
        counts.asked - counts.refused,
        counts.refused,
        counts.differ
    )
}

/// The case as a link, seen from the page.
fn link(case: &Case) -> String {
    format!("[{0}](../tests/parity/{0}.sql)", case.name)
}

/// Text that shows as it is.
fn plain(text: &str) -> String {
    text.replace('*', "\\*").replace('<', "\\<")
}

fn differences(text: &mut String, all: &[Case]) {
    text.push_str("## Differences\n\n");
    let mut kinds: Vec<&str> = vec![];
    for gap in all.iter().filter_map(|c| c.gap.as_ref()) {
        if !kinds.contains(&gap.kind.as_str()) {
            kinds.push(&gap.kind);
        }
    }
    kinds.sort_unstable();
    for kind in kinds {
        let _ = writeln!(text, "{kind}\n");
        for case in all {
            if let Some(gap) = case.gap.as_ref().filter(|g| g.kind == kind) {
                let _ = writeln!(text, "- {} ({})", plain(&gap.why), link(case));
            }
        }
        text.push('\n');
    }
}

/// What is no difference of single cases.
fn beyond(text: &mut String) {
    text.push_str(
        "Beyond single cases: Flott puts out the changes of a tick together, so that a result that changes is changed once for rows that\n\
         arrive together, and every output is the answer for all rows read until then. Flink changes it for every row, and a join of two\n\
         results of the same table shows states between. Both end with the same table. What depends on the order of changes of an\n\
         updating input (FIRST_VALUE, LAST_VALUE, LISTAGG, ARRAY_AGG over several rows that are replaced) can end otherwise.\n\n",
    );
}

fn only_here(text: &mut String, root: &Path) -> Result<()> {
    let path = root.join("crates/sql/src/options.rs");
    let source = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    text.push_str("## What only Flott has\n\nA script that uses these, or what Flink refuses above, does not run on Flink as it is.\n\n");
    for line in source.lines().map(str::trim).filter(|l| l.starts_with("\"flott.")) {
        let mut parts = line.split('"').skip(1).step_by(2);
        if let (Some(key), Some(default), Some(about)) = (parts.next(), parts.next(), parts.next()) {
            let _ = writeln!(text, "- `SET '{key}'` (default {default}): {about}");
        }
    }
    text.push_str("- The connector `nexmark` is built in; on a Flink cluster the source of that name is a JAR to be added.\n\n");
    Ok(())
}

fn section(text: &mut String, title: &str, features: &[Feature], all: &[Case]) {
    let _ =
        writeln!(text, "## {title}\n\n| in the script | cases | refused by Flink | differ in something |\n| --- | ---: | ---: | ---: |");
    for feature in features {
        let using: Vec<&Case> = all.iter().filter(|c| feature.is_in(c)).collect();
        let refused = using.iter().filter(|c| c.refused).count();
        let differ = using.iter().filter(|c| c.gap.is_some()).count();
        let [refused, differ] = [refused, differ].map(|n| if n == 0 { String::new() } else { n.to_string() });
        let _ = writeln!(text, "| {} | {} | {refused} | {differ} |", feature.title, using.len());
    }
    text.push('\n');
}

/// Functions by name, with the number of cases that call them.
fn functions(text: &mut String, all: &[Case]) {
    text.push_str("## Functions\n\nCalled in at least one case, and how often:\n\n");
    let counts = features::calls(all);
    let line: Vec<String> = counts.iter().map(|(name, n)| format!("{name} {n}")).collect();
    let _ = writeln!(text, "{}.\n", line.join(", "));
}

fn listing(text: &mut String, all: &[Case]) {
    text.push_str("## All cases\n\n");
    for (group, title) in GROUPS {
        let of: Vec<&Case> = all.iter().filter(|c| c.group() == *group).collect();
        let _ = writeln!(text, "<details><summary>{title}: {} cases</summary>\n", of.len());
        for case in of {
            let outcome = match (case.refused, case.gap.is_some()) {
                (false, false) => "",
                (true, false) => " Refused.",
                (_, true) => " **Differs.**",
            };
            let _ = writeln!(text, "- {}: {}{outcome}", link(case), plain(&case.about));
        }
        text.push_str("\n</details>\n\n");
    }
    while text.ends_with("\n\n") {
        text.pop();
    }
}
