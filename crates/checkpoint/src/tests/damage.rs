//! Files that are missing, cut off, or have flipped bits.

use super::*;

#[test]
fn without_manifests_a_job_that_had_checkpoints_does_not_start_afresh() {
    for place in places() {
        write(&mut place.open(), &checkpoint(1)).unwrap();
        place.remove(&file_name(1));
        for head_too in [false, true] {
            if head_too {
                place.remove(HEAD);
            }
            let refused = latest(&mut place.open()).unwrap_err();
            assert_eq!(refused.kind, ErrorKind::State);
            assert!(refused.to_string().contains("--fresh"), "{refused}");
        }
        // What --fresh does.
        let mut store = place.open();
        store.discard().unwrap();
        assert!(latest(&mut store).unwrap().0.is_none());
        write(&mut store, &checkpoint(1)).unwrap();
        assert_same(&latest(&mut store).unwrap().0.unwrap(), 1);
    }
}

#[test]
fn a_lost_head_is_made_anew_above_every_earlier_generation() {
    for place in places() {
        for epoch in 1..=4 {
            write(&mut place.open(), &checkpoint(epoch)).unwrap();
        }
        place.remove(HEAD);
        let mut store = place.open();
        assert_eq!(store.generation(), 5);
        assert_same(&latest(&mut store).unwrap().0.unwrap(), 4);
    }
}

/// Two checkpoints with output to deliver, and rows enough for long files. Damage to a file of the newer one that the older does not need: the
/// older one is to be found, and the damaged file named.
struct Damaged {
    place: Place,
    large: Checkpoint,
}

impl Damaged {
    fn new(place: Place) -> Self {
        let mut large = checkpoint(2);
        large.tables.push(TableState { node: 5, table: "long".into(), rows: rows(&(0..3000).collect::<Vec<_>>()) });
        let mut store = place.open();
        write(&mut store, &checkpoint(1)).unwrap();
        drop(store);
        let mut store = place.open();
        latest(&mut store).unwrap();
        store.keep_output(2, &[rows(&(0..2000).collect::<Vec<_>>())]).unwrap();
        write(&mut store, &large).unwrap();
        Self { place, large }
    }

    /// Names of the manifest, the segment and the output of the newer checkpoint.
    fn files(&self) -> Vec<String> {
        let of_newer = |n: &String| *n == file_name(2) || n.contains("-0000000002-");
        let files: Vec<String> = self.place.folder().list().unwrap().into_iter().filter(of_newer).collect();
        assert_eq!(files.len(), 3, "{files:?}");
        files
    }

    fn check(&self, name: &str, damaged: Option<&[u8]>) {
        let whole = self.place.read(name);
        match damaged {
            Some(damaged) => self.place.write(name, damaged),
            None => self.place.remove(name),
        }
        let mut store = self.place.open();
        let (found, notes) = latest(&mut store).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_same(&found.unwrap(), 1);
        if damaged.is_some() || epoch_in(name).is_none() {
            assert_eq!(notes.len(), 1, "{notes:?}");
            assert!(notes[0].contains(&self.place.folder().place(name)), "{notes:?}");
        }
        self.place.write(name, &whole);
    }
}

#[test]
fn files_that_are_cut_off_are_passed_over_and_named() {
    for place in places() {
        let damaged = Damaged::new(place);
        for name in damaged.files() {
            let whole = damaged.place.read(&name);
            let lengths = [0, 1, 7, 8, 16, 511, 512, 4095, 4096, whole.len() / 2, whole.len() - 1];
            lengths.iter().filter(|l| **l < whole.len()).for_each(|length| damaged.check(&name, Some(&whole[..*length])));
            damaged.check(&name, Some(&[&whole[..], b"x"].concat()));
            damaged.check(&name, None);
        }
        let mut store = damaged.place.open();
        assert_eq!(latest(&mut store).unwrap().0.unwrap().epoch, damaged.large.epoch, "whole again");
    }
}

/// A number that looks random.
fn mixed(x: u64) -> u64 {
    let x = (x ^ 0x5DEE_CE66).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (x ^ (x >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 20
}

#[test]
fn flipped_bits_are_detected_in_all_files() {
    for place in places() {
        // On a server each look costs a tenth of a second.
        let flips = if place.is_server() { 20 } else { 700 };
        let damaged = Damaged::new(place);
        for (number, name) in damaged.files().into_iter().enumerate() {
            let whole = damaged.place.read(&name);
            for flip in 0..flips {
                let bit = mixed(flip * 3 + number as u64) as usize % (whole.len() * 8);
                let mut bytes = whole.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                damaged.check(&name, Some(&bytes));
            }
        }
    }
}

#[test]
fn no_flipped_bit_passes_a_checksum() {
    let damaged = Damaged::new(place::memory());
    for name in damaged.files() {
        let whole = damaged.place.read(&name);
        let sum = crate::codec::checksum(&whole);
        for bit in (0..whole.len() * 8).step_by(if epoch_in(&name).is_some() { 1 } else { 31 }) {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            match epoch_in(&name) {
                Some(_) => assert!(crate::codec::unseal(&bytes).is_err(), "bit {bit}"),
                None => assert_ne!(crate::codec::checksum(&bytes), sum, "bit {bit}"),
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_the_head_is_mended_and_said() {
    for place in places().into_iter().filter(|p| !p.is_server()) {
        write(&mut place.open(), &checkpoint(1)).unwrap();
        let whole = place.read(HEAD);
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            place.write(HEAD, &damaged);
            let mut store = place.open();
            let (found, notes) = latest(&mut store).unwrap();
            assert_same(&found.unwrap(), 1);
            assert_eq!((notes.len(), store.generation()), (1, 2), "{notes:?}");
        }
    }
}

#[test]
fn with_nothing_whole_a_job_does_not_start_afresh() {
    for place in places() {
        let mut store = place.open();
        write(&mut store, &checkpoint(1)).unwrap();
        write(&mut store, &checkpoint(2)).unwrap();
        drop(store);
        place.write(&file_name(2), b"");
        let shared = referenced(&*place.folder(), &file_name(1))[0].clone();
        place.remove(&shared);
        let text = latest(&mut place.open()).unwrap_err().to_string();
        assert!(text.contains(&shared) && text.contains(&file_name(2)) && text.contains("--fresh"), "{text}");
    }
}

#[test]
fn a_checkpoint_after_a_damaged_one_replaces_it() {
    for place in places() {
        let mut store = place.open();
        (1..=3).for_each(|e| write(&mut store, &checkpoint(e)).unwrap());
        drop(store);
        let spoilt = referenced(&*place.folder(), &file_name(3)).pop().unwrap();
        let whole = place.read(&spoilt);
        place.write(&spoilt, b"");
        let mut store = place.open();
        let (found, _) = latest(&mut store).unwrap();
        assert_same(&found.unwrap(), 2);
        // The other way of history would be readable again; what was written after the fall-back counts.
        place.write(&spoilt, &whole);
        let mut again = checkpoint(2);
        again.fingerprint = "after the fall-back".into();
        write(&mut store, &again).unwrap();
        assert_eq!(latest(&mut store).unwrap().0.unwrap().fingerprint, "after the fall-back");
    }
}
