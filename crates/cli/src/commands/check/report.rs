//! What was found, for people and for machines.

use serde_json::{Value, json};
use url::Url;

use crate::config::{ConfiguredProvider, Problem};
use crate::failure::Failure;
use crate::output;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Fine,
    Note,
    Warning,
    Fault,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }

    const fn colour(self) -> &'static str {
        match self {
            Self::Fine => "32",
            Self::Note => "2",
            Self::Warning => "33",
            Self::Fault => "31",
        }
    }
}

#[derive(Debug)]
struct Finding {
    level: Level,
    about: String,
    what: String,
}

/// What is to be set in one carrier's console.
#[derive(Debug)]
struct Console {
    provider: String,
    place: &'static str,
    /// Name, URL and method.
    settings: Vec<(&'static str, String, &'static str)>,
}

#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
    consoles: Vec<Console>,
}

impl Report {
    fn add(&mut self, level: Level, about: &str, what: impl Into<String>) {
        self.findings.push(Finding { level, about: about.to_owned(), what: what.into() });
    }

    pub(super) fn fine(&mut self, about: &str, what: impl Into<String>) {
        self.add(Level::Fine, about, what);
    }

    pub(super) fn note(&mut self, about: &str, what: impl Into<String>) {
        self.add(Level::Note, about, what);
    }

    pub(super) fn warning(&mut self, about: &str, what: impl Into<String>) {
        self.add(Level::Warning, about, what);
    }

    pub(super) fn fault(&mut self, about: &str, what: impl Into<String>) {
        self.add(Level::Fault, about, what);
    }

    pub(super) fn fault_of(&mut self, problem: &Problem) {
        self.add(Level::Fault, problem.key(), problem.sentence());
    }

    pub(super) fn warning_of(&mut self, problem: &Problem) {
        self.add(Level::Warning, problem.key(), problem.sentence());
    }

    pub(super) fn console(&mut self, provider: &ConfiguredProvider, endpoint: &Url) {
        let Some(console) = provider.console else { return };
        let settings = console.settings.iter();
        let settings = settings.map(|setting| {
            (setting.name, format!("{endpoint}{}", setting.fragment), setting.method)
        });
        self.consoles.push(Console {
            provider: provider.name().to_string(),
            place: console.place,
            settings: settings.collect(),
        });
    }

    fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    pub(super) fn has_faults(&self) -> bool {
        self.count(Level::Fault) > 0
    }

    pub(super) fn print(&self, json: bool) -> Result<(), Failure> {
        if json { output::line(self.machine()) } else { output::line(self.human()) }
    }

    fn machine(&self) -> Value {
        let findings = self.findings.iter().map(|Finding { level, about, what }| {
            json!({ "level": level.word(), "about": about, "what": what })
        });
        let consoles = self.consoles.iter().map(|console| {
            let settings = console
                .settings
                .iter()
                .map(|(name, url, method)| json!({ "name": name, "url": url, "method": method }));
            json!({
                "provider": console.provider,
                "place": console.place,
                "settings": settings.collect::<Vec<_>>(),
            })
        });
        json!({
            "ok": !self.has_faults(),
            "findings": findings.collect::<Vec<_>>(),
            "consoles": consoles.collect::<Vec<_>>(),
        })
    }

    fn human(&self) -> String {
        let colour = output::colour();
        let mut lines = Vec::new();
        for Finding { level, about, what } in &self.findings {
            let word = output::paint(colour, level.colour(), &format!("{:<8}", level.word()));
            lines.push(format!("{word} {about}: {what}"));
        }
        for console in &self.consoles {
            lines.push(format!("\nTo set at {}, {}:", console.provider, console.place));
            let names = console.settings.iter().map(|(name, _, _)| name.len());
            let width = names.max().unwrap_or(0);
            for (name, url, method) in &console.settings {
                lines.push(format!("  {name:<width$}  {url}  ({method})"));
            }
        }
        let count = |level, word| match self.count(level) {
            1 => format!("1 {word}"),
            count => format!("{count} {word}s"),
        };
        lines.push(format!(
            "\n{}, {}",
            count(Level::Fault, "fault"),
            count(Level::Warning, "warning")
        ));
        lines.join("\n")
    }
}
