//! Colours of messages on standard error, or none.

use std::io::IsTerminal;

/// Whether messages are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Colours are on.
    pub color: bool,
}

impl Style {
    /// No colours.
    #[cfg(test)]
    pub const PLAIN: Style = Style { color: false };

    /// Colours for a terminal, unless the variable `NO_COLOR` is set to anything or `TERM` says that it cannot.
    pub fn of_stderr() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        Self { color: std::io::stderr().is_terminal() && !unwanted && !dumb }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// For what went wrong.
    pub fn error(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// For what must not be overlooked.
    pub fn warning(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    /// For names.
    pub fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// For advice.
    pub fn help(self, text: &str) -> String {
        self.paint("36", text)
    }

    /// For what matters less.
    pub fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }
}
