//! Savepoints, and looking at what lies in folders.

use super::*;
use crate::savepoint;

/// A job with three checkpoints and output to deliver, and a place for savepoints.
fn job(dir: &Path) -> (Store, Location) {
    let (job, savepoints) = (Location::from(dir).join("job"), Location::from(dir).join("savepoints"));
    let mut store = Store::open(&job, JOB).unwrap().with_savepoints(Some(savepoints.clone()));
    for epoch in 1..=3 {
        store.keep_output(4, &[rows(&[epoch as i64])]).unwrap();
        write(&mut store, &checkpoint(epoch)).unwrap();
    }
    store.delivered(4, 1);
    (store, savepoints)
}

#[test]
fn a_savepoint_needs_nothing_else() {
    let dir = tempfile::TempDir::new().unwrap();
    let (mut store, savepoints) = job(dir.path());
    let place = store.savepoint().unwrap();
    assert_eq!(store.savepoint().unwrap(), place, "of the same checkpoint");
    let identity = store.identity();
    store.discard().unwrap();
    drop(store);
    let savepoint = Location::parse(&place).unwrap();
    assert_eq!(savepoints.folders().unwrap(), std::slice::from_ref(&savepoint));
    let (_, _, tables) = savepoint::read(&savepoint).unwrap();
    assert!(!tables.is_empty());
    // Another job goes on from it.
    let other = Location::from(dir.path()).join("other");
    let mut heir = Store::open(&other, JOB).unwrap().with_origin(Some(savepoint.clone()));
    let (found, notes) = latest(&mut heir).unwrap();
    assert_same(found.as_ref().unwrap(), 3);
    assert!(notes[0].contains(&place), "{notes:?}");
    assert_eq!(found.unwrap().outbox, [(4, 2), (4, 3)]);
    assert_eq!(heir.identity(), (identity.0, identity.1 + 1), "the run goes on");
    let output: Vec<RecordBatch> = heir.output(4, 3).unwrap()().unwrap().collect::<Result<_>>().unwrap();
    assert_eq!(output, [rows(&[3])]);
    write(&mut heir, &checkpoint(4)).unwrap();
    drop(heir);
    // Then its own checkpoints count.
    let mut again = Store::open(&other, JOB).unwrap().with_origin(Some(savepoint));
    let (found, notes) = latest(&mut again).unwrap();
    assert_same(&found.unwrap(), 4);
    assert!(notes[0].contains("is not used"), "{notes:?}");
}

#[test]
fn a_damaged_savepoint_is_not_begun_from() {
    let dir = tempfile::TempDir::new().unwrap();
    let (mut store, _) = job(dir.path());
    let savepoint = Location::parse(&store.savepoint().unwrap()).unwrap();
    let mut folder = savepoint.folder().unwrap();
    for name in folder.list().unwrap() {
        let whole = folder.read(&name, None).unwrap();
        for at in [0, whole.len() / 2, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            folder.put(&name, &bytes, Over::Anything).unwrap();
            let fresh = tempfile::TempDir::new().unwrap();
            let mut heir = Store::open(&fresh.path().into(), JOB).unwrap().with_origin(Some(savepoint.clone()));
            let why = latest(&mut heir).unwrap_err();
            assert_eq!(why.kind, ErrorKind::State);
            assert!(why.to_string().contains(&name), "{why}");
            let verified = crate::verify(&savepoint).unwrap();
            assert!(verified.iter().all(|(_, outcome)| outcome.is_err()), "{name}");
        }
        folder.put(&name, &whole, Over::Anything).unwrap();
    }
    assert!(crate::verify(&savepoint).unwrap().iter().all(|(_, outcome)| outcome.is_ok()));
    let nothing = Location::from(dir.path());
    assert!(savepoint::read(&nothing).err().unwrap().to_string().contains("is itself no savepoint"));
    let empty = tempfile::TempDir::new().unwrap();
    assert!(savepoint::read(&Location::from(empty.path())).err().unwrap().to_string().contains("is no savepoint"));
}

#[test]
fn savepoints_lie_on_servers_too() {
    let place = place::memory();
    let mut store = place.open();
    write(&mut store, &checkpoint(1)).unwrap();
    let dir = tempfile::TempDir::new().unwrap();
    let mut store = store.with_savepoints(Some(dir.path().into()));
    let savepoint = Location::parse(&store.savepoint().unwrap()).unwrap();
    let (saved, tables) = crate::tables(&savepoint, None).unwrap();
    assert_eq!((saved.epoch, saved.savepoint, saved.job.as_str()), (1, true, JOB));
    assert_eq!(tables.len(), 3);
}

#[test]
fn what_lies_in_a_folder_is_told() {
    let dir = tempfile::TempDir::new().unwrap();
    let (store, _) = job(dir.path());
    let place = Location::from(dir.path()).join("job");
    let (all, damaged) = crate::all(&place).unwrap();
    assert_eq!((all.iter().map(|s| s.epoch).collect::<Vec<_>>(), damaged), (vec![1, 2, 3], vec![]));
    let newest = crate::newest(&place).unwrap();
    assert_eq!((newest.epoch, newest.savepoint, newest.parts), (3, false, parts()));
    assert_eq!(newest.splits, checkpoint(3).splits);
    assert!(crate::tables(&place, Some(7)).unwrap_err().to_string().contains("1, 2, 3"));
    assert_eq!(crate::tables(&place, Some(2)).unwrap().0.epoch, 2);
    drop(store);
    assert_eq!(crate::all(&Location::from(dir.path()).join("nowhere")).unwrap().0.len(), 0);
}
