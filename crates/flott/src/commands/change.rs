//! `flott explain --change`: what becomes of a job's state when its query is changed, before anything runs.

use flott::{Effect, Location, RunOptions, Step, checkpoint_folder, plan_script};
use flott_engine::Result;
use flott_engine::change::{Change, Fate, Part, PartKind};
use std::path::Path;

use super::run::exit_of;
use super::{print, read_script};
use crate::Exit;
use crate::terminal::diagnostics::{self, Script};
use crate::terminal::style::Style;

/// A job, by what its checkpoints hold something of.
struct Known {
    name: String,
    parts: Vec<Part>,
}

/// Compares the jobs of a script with those of an older one, or with checkpoints or a savepoint of them.
pub fn main(old: &str, new: &Script, options: &RunOptions) -> Result<Exit> {
    let Some(steps) = planned(new, options) else { return Ok(Exit::Wrong) };
    let before = if is_script(old) {
        let script = read_script(Path::new(old))?;
        match planned(&script, options) {
            Some(steps) => jobs(&steps).map(|(known, _)| known).collect(),
            None => return Ok(Exit::Wrong),
        }
    } else {
        saved(&Location::parse(old)?, &steps)?
    };
    let mut exit = Exit::Done;
    let several = jobs(&steps).count() > 1;
    for (job, _) in jobs(&steps) {
        // One job alone is meant whatever it is called.
        let by_name = before.iter().find(|known| known.name == job.name);
        match by_name.or(before.first().filter(|_| !several && before.len() == 1)) {
            Some(known) => {
                let change = Change::between(&known.parts, &job.parts);
                if change.is_refused() {
                    exit = Exit::State;
                }
                print(&told(&job.name, &known.parts, &job.parts, &change))?;
            }
            None => print(&format!("{}\n  is new: it begins at the beginning\n", job.name))?,
        }
    }
    Ok(exit)
}

fn is_script(old: &str) -> bool {
    let path = Path::new(old);
    old == "-" || path.is_file() || path.extension().is_some_and(|e| e.eq_ignore_ascii_case("sql"))
}

fn planned(script: &Script, options: &RunOptions) -> Option<Vec<Step>> {
    match plan_script(&script.text, options).and_then(|plan| plan.into_steps()) {
        Ok(steps) => Some(steps),
        Err(failure) => {
            eprint!("{}", diagnostics::failure(script, &failure, Style::of_stderr()));
            let _ = exit_of(&failure);
            None
        }
    }
}

/// The jobs of a script, and where each has its checkpoints.
fn jobs(steps: &[Step]) -> impl Iterator<Item = (Known, Location)> {
    let mut names: Vec<String> = vec![];
    steps.iter().filter_map(move |step| {
        let Effect::Job(job) = &step.effect else { return None };
        let repeat = names.iter().filter(|name| **name == job.name).count();
        names.push(job.name.clone());
        let folder = checkpoint_folder(&step.settings.checkpoint_root, &job.name, repeat);
        Some((Known { name: job.name.clone(), parts: job.parts() }, folder))
    })
}

/// What lies in a folder: one job's checkpoints or a savepoint, or the state folder of all jobs.
fn saved(old: &Location, steps: &[Step]) -> Result<Vec<Known>> {
    let known = |saved: flott_checkpoint::Saved| Known { name: saved.job, parts: saved.parts };
    if !flott_checkpoint::all(old)?.0.is_empty() {
        return Ok(vec![known(flott_checkpoint::newest(old)?)]);
    }
    let mut found = vec![];
    for (_, folder) in jobs(steps) {
        for root in [old.join("checkpoints"), old.clone()] {
            let folder = root.join(folder.name());
            if !flott_checkpoint::all(&folder)?.0.is_empty() {
                found.push(known(flott_checkpoint::newest(&folder)?));
                break;
            }
        }
    }
    if found.is_empty() { flott_checkpoint::newest(old).map(|saved| vec![known(saved)]) } else { Ok(found) }
}

fn told(name: &str, old: &[Part], new: &[Part], change: &Change) -> String {
    let mut text = format!("{name}\n");
    let mut tell = |word: &str, title: &str, what: &str| text.push_str(&format!("  {word:<8} {title}: {what}\n"));
    for (at, (part, fate)) in new.iter().zip(&change.fates).enumerate() {
        let altered = change.altered.contains(&at);
        let (word, what) = match (fate, part.kind) {
            (Fate::Kept(_), PartKind::Source) => ("keep", "goes on where it was"),
            (Fate::Kept(_), PartKind::Operator) => ("keep", "keeps its state"),
            (Fate::Kept(_), PartKind::Sink) if altered && part.updating => {
                ("keep", "is given what the new query says from now on; rows that it has stay until they change, and may stay for ever")
            }
            (Fate::Kept(_), PartKind::Sink) if altered => ("keep", "is given what the new query says from now on; rows that it has stay"),
            (Fate::Kept(_), PartKind::Sink) => ("keep", "goes on"),
            (Fate::New, _) => ("build", "is new, and begins at the beginning of its input"),
            (Fate::FromNow, _) => ("begin", "is new, and is given the rows that come from now on"),
            (Fate::Lacking, _) => ("refuse", change.lack(old, part)),
        };
        let name = if matches!(fate, Fate::Kept(_)) { part.title.clone() } else { part.shown() };
        tell(word, &name, what);
    }
    for part in change.dropped.iter().map(|at| &old[*at]) {
        tell("refuse", &part.shown(), part.loss());
    }
    text.push_str(match change.is_refused() {
        false => "The job goes on with its state.\n",
        true => {
            "The job is refused as it is. With --fresh it starts over, and builds all state anew from what its sources still have; with \
             --allow-dropped-state it goes on with what fits, and the rest begins empty.\n"
        }
    });
    text
}
