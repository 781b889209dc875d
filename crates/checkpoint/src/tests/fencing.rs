//! Two instances of a job, and a server that does not answer.

use super::*;

#[test]
fn a_second_instance_is_told_who_has_the_directory() {
    let dir = tempfile::TempDir::new().unwrap();
    let first = open(dir.path());
    let refused = Store::open(&dir.path().into(), JOB).err().unwrap();
    let text = refused.to_string();
    assert!(text.contains(&dir.path().display().to_string()) && text.contains(&std::process::id().to_string()), "{text}");
    assert_eq!(refused.kind, ErrorKind::State);
    drop(first);
    open(dir.path());
}

#[test]
fn an_instance_that_was_replaced_writes_nothing() {
    for place in places() {
        let mut zombie = place.open();
        write(&mut zombie, &checkpoint(1)).unwrap();
        if place.is_local() {
            // As on a file system that does not honour locks.
            place.remove("lock");
        }
        let mut heir = place.open();
        assert_same(&latest(&mut heir).unwrap().0.unwrap(), 1);
        let before = place.folder().list().unwrap();
        let refused = write(&mut zombie, &checkpoint(2)).unwrap_err().to_string();
        assert!(refused.contains("is fenced"), "{refused}");
        assert!(zombie.discard().is_err());
        if !place.is_local() {
            assert_eq!(place.folder().list().unwrap(), before);
        }
        write(&mut heir, &checkpoint(2)).unwrap();
        assert_same(&latest(&mut heir).unwrap().0.unwrap(), 2);
    }
}

/// A folder whose owner does not notice in time that he was replaced: between his look at the head and his next step, `f` happens.
struct Slow {
    inner: Box<dyn Folder>,
    at: usize,
    f: Option<Box<dyn FnOnce() + Send>>,
}

impl Slow {
    fn step(&mut self) {
        self.at = self.at.saturating_sub(1);
        if self.at == 0
            && let Some(f) = self.f.take()
        {
            f();
        }
    }
}

impl Folder for Slow {
    fn place(&self, name: &str) -> String {
        self.inner.place(name)
    }
    fn occupy(&mut self) -> io::Result<std::result::Result<(), String>> {
        self.inner.occupy()
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }
    fn size(&self, name: &str) -> io::Result<u64> {
        self.inner.size(name)
    }
    fn read(&self, name: &str, part: Option<std::ops::Range<u64>>) -> io::Result<Vec<u8>> {
        self.inner.read(name, part)
    }
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.step();
        self.inner.write_at(name, offset, bytes)
    }
    fn finish(&mut self, names: &[String]) -> io::Result<()> {
        self.step();
        self.inner.finish(names)
    }
    fn put(&mut self, name: &str, bytes: &[u8], over: Over) -> io::Result<()> {
        self.step();
        self.inner.put(name, bytes, over)
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.step();
        self.inner.remove(name)
    }
    fn settle(&mut self) -> io::Result<()> {
        self.inner.settle()
    }
    fn another(&self) -> (Box<dyn Folder>, bool) {
        self.inner.another()
    }
}

/// Whatever an instance is about to do when another one takes over: either the new one finds what it published, or it was told that it failed.
#[test]
fn there_is_one_history_wherever_an_instance_is_replaced() {
    for heir_publishes in [false, true] {
        for at in 1..40 {
            let place = Arc::new(place::memory());
            let taken: Arc<Mutex<Option<(Store, u64)>>> = Arc::default();
            let (there, heir) = (place.clone(), taken.clone());
            let take_over = move || {
                let mut store = there.open();
                let found = latest(&mut store).unwrap().0.map_or(0, |c| c.epoch);
                if heir_publishes {
                    let mut next = checkpoint(found + 1);
                    next.fingerprint = "the heir's".into();
                    write(&mut store, &next).unwrap();
                }
                *heir.lock().unwrap() = Some((store, found));
            };
            let slow = Slow { inner: place.folder(), at, f: Some(Box::new(take_over)) };
            let mut told = 0;
            if let Ok(mut zombie) = Store::open_in(Box::new(slow), JOB) {
                while told < 6 && write(&mut zombie, &checkpoint(told + 1)).is_ok() {
                    told += 1;
                }
            }
            let Some((mut heir, found)) = taken.lock().unwrap().take() else { continue };
            assert!(found >= told && found <= told + 1, "step {at}: {told} were told, {found} found");
            if !heir_publishes {
                let mut next = checkpoint(found + 1);
                next.fingerprint = "the heir's".into();
                write(&mut heir, &next).unwrap();
            }
            drop(heir);
            let last = latest(&mut place.open()).unwrap().0.unwrap();
            assert_eq!((last.epoch, last.fingerprint.as_str()), (found + 1, "the heir's"), "step {at}");
        }
    }
}

#[test]
fn of_two_that_open_at_once_one_is_refused() {
    for place in places().into_iter().filter(|p| !p.is_local()) {
        write(&mut place.open(), &checkpoint(1)).unwrap();
        let rival: Arc<Mutex<Option<Store>>> = Arc::default();
        let (there, taken) = (Arc::new(place), rival.clone());
        let inner = there.folder();
        let take_over = move || *taken.lock().unwrap() = Some(there.open());
        let refused = Store::open_in(Box::new(Slow { inner, at: 1, f: Some(Box::new(take_over)) }), JOB).err().unwrap();
        assert!(refused.to_string().contains("at the same time"), "{refused}");
        write(&mut rival.lock().unwrap().take().unwrap(), &checkpoint(2)).unwrap();
    }
}

#[test]
fn long_files_go_up_in_parts() {
    for place in places() {
        let mut folder = place.folder();
        let bytes: Vec<u8> = (0..20_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let mut offset = 0;
        for (number, piece) in bytes.chunks(3_000_001).enumerate() {
            folder.write_at("state-1.seg", offset as u64, piece).unwrap();
            if number == 4 {
                // As after a failure.
                folder.write_at("state-1.seg", offset as u64, piece).unwrap();
            }
            offset += piece.len();
        }
        assert!(place.is_local() || folder.list().unwrap().is_empty(), "nobody sees it before it is whole");
        let name = ["state-1.seg".to_string()];
        folder.finish(&name).unwrap();
        folder.finish(&name).unwrap();
        assert_eq!(folder.size(&name[0]).unwrap(), bytes.len() as u64);
        assert!(folder.read(&name[0], None).unwrap() == bytes);
        assert_eq!(folder.read(&name[0], Some(9_999_999..10_000_009)).unwrap(), bytes[9_999_999..10_000_009]);
        assert!(folder.read(&name[0], Some(19_999_999..20_000_009)).is_err());
        folder.write_at("state-2.seg", 0, &bytes).unwrap();
        folder.remove("state-2.seg").unwrap();
        assert_eq!(folder.list().unwrap(), name);
    }
}

#[test]
fn a_server_that_is_away_is_waited_for() {
    let Some(server) = flott_testkit::s3::shared() else { return };
    let gate = server.gate();
    let folder = crate::objects::ObjectFolder::on(place::client(&gate.endpoint()), "away", "s3://bucket/away".into()).unwrap();
    let mut job = Store::open_in(Box::new(folder), JOB).unwrap();
    write(&mut job, &checkpoint(1)).unwrap();
    gate.close(true);
    let changes =
        [TableChanges { node: 1, table: "t".into(), part: 0, changes: Changes { rows: rows(&[1]), entries: vec![0], removed: vec![] } }];
    job.append(&changes).unwrap();
    for _ in 0..2 {
        let why = job.publish(&checkpoint(2)).unwrap_err();
        assert_eq!(why.kind, ErrorKind::Unreachable, "{why}");
        assert!(!why.to_string().contains("secret"), "{why}");
    }
    gate.close(false);
    job.publish(&checkpoint(2)).unwrap();
    assert_eq!(latest(&mut job).unwrap().0.unwrap().epoch, 2);
}
