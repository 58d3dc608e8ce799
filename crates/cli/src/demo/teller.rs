//! Tells the story, for people or for machines, and remembers what went wrong in it.

use std::time::Instant;

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output;

#[derive(Debug)]
pub(super) struct Teller {
    provider: &'static str,
    json: bool,
    colour: bool,
    start: Instant,
    checks: usize,
    failures: usize,
}

impl Teller {
    pub(super) fn new(provider: &'static str, json: bool, start: Instant) -> Self {
        Self { provider, json, colour: output::colour(), start, checks: 0, failures: 0 }
    }

    /// A new chapter.
    pub(super) fn chapter(&self, title: &str) {
        if self.json {
            self.emit("chapter", title, &Value::Null);
        } else {
            output::announce(format_args!("\n{}", self.paint("1", title)));
        }
    }

    /// Something that happened.
    pub(super) fn tell(&self, text: &str) {
        if self.json {
            self.emit("told", text, &Value::Null);
        } else {
            let seconds = self.start.elapsed().as_secs_f64();
            output::announce(format_args!("  {seconds:>5.1} s   {text}"));
        }
    }

    /// Something that must be so.
    pub(super) fn check(&mut self, holds: bool, text: &str) {
        self.checks += 1;
        self.failures += usize::from(!holds);
        if self.json {
            self.emit("checked", text, &json!(holds));
        } else {
            let mark = if holds { self.paint("32", "✓") } else { self.paint("31", "✗") };
            let seconds = self.start.elapsed().as_secs_f64();
            output::announce(format_args!("  {seconds:>5.1} s {mark} {text}"));
        }
    }

    /// The end: everything held, or the demo has failed.
    pub(super) fn done(&self) -> Result<(), Failure> {
        let seconds = self.start.elapsed().as_secs_f64();
        let summary = match self.failures {
            0 => format!("All {} checks hold, in {seconds:.1} s.", self.checks),
            failures => format!("{failures} of {} checks do not hold.", self.checks),
        };
        if self.json {
            self.emit("done", &summary, &json!(self.failures == 0));
        } else {
            output::announce(format_args!("\n{summary}"));
        }
        if self.failures == 0 { Ok(()) } else { Err(Failure::Told) }
    }

    fn emit(&self, event: &str, text: &str, holds: &Value) {
        let at = self.start.elapsed().as_secs_f64();
        output::announce(json!({
            "provider": self.provider, "event": event, "at": at, "text": text, "holds": holds
        }));
    }

    fn paint(&self, code: &str, text: &str) -> String {
        output::paint(self.colour, code, text)
    }
}
