//! The one place that prints.

use std::io::{ErrorKind, IsTerminal, Write};

use crate::failure::Failure;

/// Prints a line, or several, for whoever reads our standard output.
///
/// # Errors
/// Nobody reads on (`offhook calls | head -1`), or it cannot be written: the disk may be full.
pub(crate) fn line(text: impl std::fmt::Display) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::NobodyReads,
        _ => Failure::Operation(format!("standard output cannot be written: {error}")),
    })
}

/// Prints a line where going on matters more than who reads it: a daemon does not end because
/// the terminal that it was started from has closed.
pub(crate) fn announce(text: impl std::fmt::Display) {
    let _ = line(text);
}

/// Says what went wrong.
pub(crate) fn complain(text: impl std::fmt::Display) {
    // Nobody is left to be told that this cannot be told.
    let _ = writeln!(std::io::stderr().lock(), "offhook: {text}");
}

/// Whether standard output is for eyes that see colour. Source: <https://no-color.org>.
pub(crate) fn colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && std::io::stdout().is_terminal()
}

/// Wraps a text into this colour, if there is colour.
pub(crate) fn paint(colour: bool, code: &str, text: &str) -> String {
    if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}
