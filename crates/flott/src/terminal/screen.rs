//! Standard output and standard error, which often share one terminal: results scroll, live lines stay below them.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use flott::StopFlag;
use unicode_width::UnicodeWidthChar;

use super::style::Style;

/// Columns of a terminal that does not tell.
const DEFAULT_COLUMNS: usize = 80;
/// Lines of a terminal that does not tell.
const DEFAULT_LINES: usize = 24;

/// A live line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveLine {
    /// Its text; cut where the terminal ends.
    pub text: String,
    /// It must not be overlooked.
    pub warning: bool,
}

impl LiveLine {
    /// A line like any other.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), warning: false }
    }

    /// A line that must not be overlooked.
    pub fn warning(text: impl Into<String>) -> Self {
        Self { text: text.into(), warning: true }
    }
}

struct State {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    live_lines: usize,
    closed: bool,
}

/// The two streams. Clones share them.
#[derive(Clone)]
pub struct Screen {
    state: Arc<Mutex<State>>,
    stop: StopFlag,
    style: Style,
    out_is_terminal: bool,
    err_is_terminal: bool,
}

impl Screen {
    /// The streams of the process. `stop` is set when nobody reads standard output any more.
    pub fn new(stop: StopFlag) -> Self {
        Self {
            state: Arc::new(Mutex::new(State { out: Box::new(io::stdout()), err: Box::new(io::stderr()), live_lines: 0, closed: false })),
            stop,
            style: Style::of_stderr(),
            out_is_terminal: io::stdout().is_terminal(),
            err_is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Colours for messages.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Standard output is a terminal.
    pub fn out_is_terminal(&self) -> bool {
        self.out_is_terminal
    }

    /// Standard error is a terminal, so that live lines can be shown.
    pub fn err_is_terminal(&self) -> bool {
        self.err_is_terminal
    }

    /// Columns and lines of the terminal.
    pub fn size(&self) -> (usize, usize) {
        let size = terminal_size::terminal_size_of(io::stderr());
        size.map_or((DEFAULT_COLUMNS, DEFAULT_LINES), |(w, h)| (usize::from(w.0), usize::from(h.0)))
    }

    /// Writes to standard output. When the reader has gone away, as `head` does, the run is asked to stop and the rest is dropped.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        if state.closed || bytes.is_empty() {
            return Ok(());
        }
        if self.out_is_terminal {
            state.erase();
        }
        match state.out.write_all(bytes).and_then(|()| state.out.flush()) {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
                state.closed = true;
                self.stop.set();
                Ok(())
            }
            other => other,
        }
    }

    /// Writes a message to standard error, above the live lines. There is nobody to tell when that fails.
    pub fn tell(&self, text: &str) {
        let mut state = self.lock();
        state.erase();
        let _ = state.err.write_all(text.as_bytes()).and_then(|()| state.err.flush());
    }

    /// Puts these live lines in the place of those before. Does nothing unless standard error is a terminal.
    pub fn show(&self, lines: &[LiveLine]) {
        if !self.err_is_terminal {
            return;
        }
        let (columns, _) = self.size();
        let mut state = self.lock();
        state.erase();
        let text: String = lines.iter().map(|line| self.paint(line, columns) + "\n").collect();
        let _ = state.err.write_all(text.as_bytes()).and_then(|()| state.err.flush());
        state.live_lines = lines.len();
    }

    /// Takes the live lines away.
    pub fn clear(&self) {
        self.lock().erase();
    }

    fn paint(&self, line: &LiveLine, columns: usize) -> String {
        let text = cut_to_width(&line.text, columns.saturating_sub(1));
        if line.warning { self.style.warning(&text) } else { text }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A writer that panicked leaves at worst a torn line behind.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl State {
    fn erase(&mut self) {
        if self.live_lines > 0 {
            let _ = write!(self.err, "\x1b[{}A\r\x1b[J", self.live_lines).and_then(|()| self.err.flush());
            self.live_lines = 0;
        }
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Screen::write(self, bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn cut_to_width(text: &str, columns: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= columns
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn screen(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Screen {
        Screen {
            state: Arc::new(Mutex::new(State { out, err, live_lines: 0, closed: false })),
            stop: StopFlag::default(),
            style: Style::PLAIN,
            out_is_terminal: true,
            err_is_terminal: true,
        }
    }

    #[test]
    fn results_scroll_above_live_lines() {
        let both = Shared::default();
        let screen = screen(Box::new(both.clone()), Box::new(both.clone()));
        screen.show(&[LiveLine::plain("1 row"), LiveLine::warning("late")]);
        screen.write(b"+I[1]\n").unwrap();
        screen.show(&[LiveLine::plain("2 rows")]);
        screen.clear();
        let text = String::from_utf8(both.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "1 row\nlate\n\x1b[2A\r\x1b[J+I[1]\n2 rows\n\x1b[1A\r\x1b[J");
    }

    #[test]
    fn a_reader_that_goes_away_stops_the_run() {
        let screen = screen(Box::new(Gone), Box::new(io::sink()));
        screen.write(b"x").unwrap();
        assert!(screen.stop.is_set());
        screen.write(b"y").unwrap();
    }

    #[test]
    fn lines_are_cut_by_width() {
        assert_eq!(cut_to_width("東京abc", 5), "東京a");
        assert_eq!(cut_to_width("abc", 5), "abc");
    }
}
