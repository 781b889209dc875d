//! A job that waits for room or for a server says so, once it has waited for a while.

/// Shorter waits are nobody's business; in milliseconds.
const BEFORE_NOTE_MS: i64 = 2000;

/// See the module.
#[derive(Default)]
pub struct Wait {
    /// Since when, in milliseconds, and whether that was said.
    since: Option<(i64, bool)>,
}

impl Wait {
    /// What is to be said now, where the job waits for this reason, or does not.
    pub fn note(&mut self, why: Option<String>, now_ms: i64) -> Option<String> {
        let Some(why) = why else {
            let (since_ms, told) = self.since.take()?;
            return told.then(|| format!("the job goes on, after {} s", (now_ms - since_ms) / 1000));
        };
        let (since_ms, told) = *self.since.get_or_insert((now_ms, false));
        if told || now_ms - since_ms < BEFORE_NOTE_MS {
            return None;
        }
        self.since = Some((since_ms, true));
        Some(format!("the job waits, and goes on by itself: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_and_its_end_are_told_once() {
        let mut wait = Wait::default();
        let mut note = |why: Option<&str>, now_ms| wait.note(why.map(str::to_owned), now_ms);
        assert_eq!(note(Some("no room"), 1000), None);
        assert_eq!(note(None, 1500), None);
        assert_eq!(note(Some("no room"), 2000), None);
        assert_eq!(note(Some("no room"), 4000).unwrap(), "the job waits, and goes on by itself: no room");
        assert_eq!(note(Some("no room"), 9000), None);
        assert_eq!(note(None, 9500).unwrap(), "the job goes on, after 7 s");
        assert_eq!(note(None, 9600), None);
    }
}
