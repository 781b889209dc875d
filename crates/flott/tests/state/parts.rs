//! What a plan says that checkpoints will hold is what they hold: without that, nobody could tell from plans whether state fits.

use std::path::Path;

use flott::{Effect, Location, Outcome, RunOptions, collect, plan_script};

/// The parts that plans of a script name, by kind and identity.
fn planned(sql: &str) -> Option<Vec<String>> {
    let steps = plan_script(sql, &RunOptions::default()).ok()?.into_steps().ok()?;
    let mut jobs = steps.iter().filter_map(|step| if let Effect::Job(job) = &step.effect { Some(job.parts()) } else { None });
    let job = jobs.next().filter(|_| jobs.next().is_none())?;
    Some(texts(&job))
}

fn texts(parts: &[flott_engine::change::Part]) -> Vec<String> {
    let text = |part: &flott_engine::change::Part| {
        let mut sources: Vec<&str> = part.sources.iter().map(|source| parts[*source].identity.as_str()).collect();
        sources.sort_unstable();
        let sources = if part.kind == flott_engine::change::PartKind::Source { vec![] } else { sources };
        format!("{:?} {} {} from {sources:?} {} {}", part.kind, part.identity, part.title, part.input, part.updating)
    };
    let mut texts: Vec<String> = parts.iter().map(text).collect();
    texts.sort();
    texts
}

#[test]
fn plans_and_checkpoints_name_the_same_parts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/parity").canonicalize().unwrap();
    let (mut compared, mut different) = (0, vec![]);
    for group in std::fs::read_dir(&folder).unwrap().flatten().filter(|e| e.path().is_dir()) {
        for path in std::fs::read_dir(group.path()).unwrap().flatten().map(|e| e.path()) {
            if path.extension().is_none_or(|e| e != "sql") {
                continue;
            }
            let sql = std::fs::read_to_string(&path).unwrap().replace("${DATA}", folder.join("data").to_str().unwrap());
            let Some(planned) = planned(&sql) else { continue };
            for workers in [1, 3] {
                let state = tempfile::tempdir().unwrap();
                let options = RunOptions {
                    state_dir: state.path().to_path_buf(),
                    parallelism: Some(workers),
                    tick_rows_max: Some(1),
                    checkpoint_every_ticks: Some(1),
                    abandon_after_ticks: Some(2),
                    ..RunOptions::default()
                };
                let Ok(got) = collect(&sql, &options) else { continue };
                let folders = Location::from(state.path()).join("checkpoints").folders().unwrap();
                if got.outcome != Outcome::Abandoned || folders.len() != 1 {
                    continue;
                }
                let Ok(saved) = flott_checkpoint::newest(&folders[0]) else { continue };
                compared += 1;
                let there = texts(&saved.parts);
                if there != planned {
                    different.push(format!("{}\nplanned {planned:#?}\nthere {there:#?}", path.display()));
                }
            }
        }
    }
    assert!(different.is_empty(), "{} of {compared}:\n{}", different.len(), different[..different.len().min(3)].join("\n"));
    assert!(compared > 500, "{compared}");
}
