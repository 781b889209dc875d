//! `cargo xtask random`: builds typed expressions from a seed, runs them on a real Flink and on Flott, and shrinks what differs.

mod engines;
mod generator;
mod grammar;
mod minimise;
mod tree;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

use flott_testkit::expressions::known_difference;

use crate::Result;
use crate::goldens::repository_root;
use engines::Engines;
use generator::Generator;
use grammar::Grammar;
use minimise::{Find, minimised};
use tree::{Tree, shape};

const USAGE: &str = "usage: cargo xtask random [--seed N] [--expressions N] [--depth D] [--rounds R]";

/// Runs the command.
///
/// # Errors
/// When an argument is not understood, or one of the engines cannot be asked. Differences are no errors.
pub fn run(args: &[String]) -> Result<()> {
    let (mut seed, mut expressions, mut depth, mut rounds) = (1, 1000, 3, 6);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let number = args.next().and_then(|n| n.parse::<usize>().ok()).ok_or_else(|| format!("{arg} needs a number\n{USAGE}"))?;
        match arg.as_str() {
            "--seed" => seed = number,
            "--expressions" => expressions = number,
            "--depth" => depth = number,
            "--rounds" => rounds = number,
            other => return Err(format!("`{other}` is not known\n{USAGE}")),
        }
    }
    let started = Instant::now();
    let root = repository_root()?;
    let folder = root.join("target/random");
    let grammar = Grammar::read()?;
    let trees: Vec<Tree> = Generator::new(&grammar, seed as u64, depth).take(expressions).collect();
    let mut engines = Engines::start(&root, &folder, grammar.rows())?;
    let finds = minimised(&mut engines, &grammar, &trees, rounds)?;
    let report = report(&engines, &finds, &known_forms(&root)?);
    let lines: String = finds.iter().map(|find| format!("{}\n", find.tree.sql())).collect();
    write(&folder.join("finds.exprs"), &format!("@rows {}\n{lines}", grammar.rows()))?;
    write(&folder.join("finds.txt"), &report)?;
    engines.stop();
    println!("{report}");
    let place = folder.join("finds.{txt,exprs}");
    println!("{} differences after {:.0} s, in {}", finds.len(), started.elapsed().as_secs_f64(), place.display());
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

/// The forms of the expressions that are known to differ.
fn known_forms(root: &Path) -> Result<BTreeSet<String>> {
    let path = root.join("tests/parity/gaps.txt");
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(text.lines().filter_map(known_difference).map(|(_, expression, _)| shape(expression)).collect())
}

/// The finds, `expression | Flink | Flott`, by the kind of difference. Those of a known form come last.
fn report(engines: &Engines, finds: &[Find], known_forms: &BTreeSet<String>) -> String {
    let (mut new, mut known) = (String::new(), String::new());
    let mut kind = None;
    for find in finds {
        let sql = find.tree.sql();
        let Some((_, flink, flott)) = engines.difference(&sql) else { continue };
        if known_forms.contains(&shape(&sql)) {
            let _ = writeln!(known, "{sql} | {flink} | {flott}");
            continue;
        }
        if kind.replace(find.kind) != Some(find.kind) {
            let _ = writeln!(new, "\n# {:?}", find.kind);
        }
        let _ = writeln!(new, "{sql} | {flink} | {flott}");
    }
    format!("{new}\n# Of a form that gaps.txt knows\n{known}")
}
