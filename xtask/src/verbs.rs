//! The verbs there are: one row each, and `help` is printed from it.

use crate::outcome::Outcome;
use crate::{
    api, bench, ci, consumers, deny, doc, features, fmt, fuzz, graph, integration, lint, sdk,
    simulate,
};

/// One verb of the command line.
pub(crate) struct Verb {
    /// What one types.
    pub(crate) name: &'static str,
    /// What it makes sure of.
    pub(crate) about: &'static str,
    /// Carries it out.
    pub(crate) run: fn() -> Outcome,
}

const CI: Verb =
    Verb { name: "ci", about: "every check below, in this order, and a summary", run: ci::run };

/// Not among the checks: a time on a machine that others use proves nothing.
const BENCH: Verb = Verb {
    name: "bench",
    about: "how fast we are, beside what could be [PART] [--save PATH] [--compare PATH]",
    run: bench::run,
};

/// What `ci` runs, the quick and the local first.
pub(crate) const CHECKS: &[Verb] = &[
    Verb { name: "fmt", about: "the code is formatted", run: fmt::run },
    Verb { name: "lint", about: "clippy has nothing to say", run: lint::run },
    Verb { name: "doc", about: "the documentation builds without a warning", run: doc::run },
    Verb { name: "features", about: "each named feature set compiles alone", run: features::run },
    Verb { name: "graph", about: "the arrows between our crates hold", run: graph::run },
    Verb { name: "deny", about: "bans, licences and sources of dependencies", run: deny::run },
    Verb {
        name: "consumers",
        about: "who uses one crate gets no more than it",
        run: consumers::run,
    },
    Verb {
        name: "fuzz",
        about: "no bytes break a verifier, a parser or a renderer [--seconds N] [TARGET]",
        run: fuzz::run,
    },
    Verb {
        name: "simulate",
        about: "no phantom, no orphan, no second dial, by many stories",
        run: simulate::run,
    },
    Verb {
        name: "integration",
        about: "the demo, the stories on each store, and kills of the daemon",
        run: integration::run,
    },
    Verb { name: "sdk", about: "the carriers' own SDKs, on the emulator", run: sdk::run },
    Verb { name: "api", about: "the admin API is as it describes itself", run: api::run },
];

fn all() -> impl Iterator<Item = &'static Verb> {
    std::iter::once(&CI).chain(CHECKS).chain([&BENCH])
}

/// The verb of this name.
pub(crate) fn find(name: &str) -> Option<&'static Verb> {
    all().find(|verb| verb.name == name)
}

/// How to call this program.
pub(crate) fn usage() -> String {
    let mut text = String::from("Usage: cargo xtask VERB\n\n");
    for verb in all() {
        text.push_str(&format!("  {:<12} {}\n", verb.name, verb.about));
    }
    text.push_str("  help         this text\n\n");
    text.push_str("integration takes --kill N and --seed S: only kills, and so many\n");
    text.push_str("simulate takes --seeds N, --from K, --provider P, --seconds S, --replay SEED\n");
    text
}
