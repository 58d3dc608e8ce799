//! The project's own commands: `cargo xtask help`.
//!
//! Each verb prints the commands that it runs and stops at the first that fails. The jobs of the
//! continuous integration are these verbs and hold no logic of their own.

mod api;
mod bench;
mod cargo;
mod ci;
mod consumers;
mod deny;
mod doc;
mod features;
mod fmt;
mod fuzz;
mod graph;
#[cfg(test)]
mod guarantees;
mod install;
mod integration;
mod kills;
mod lint;
mod outcome;
mod program;
mod sdk;
mod service;
mod simulate;
mod verbs;
mod workspace;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (name, outcome) = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["help" | "--help" | "-h"] => {
            print!("{}", verbs::usage());
            return ExitCode::SUCCESS;
        }
        // The verbs with words of their own.
        ["bench", ref more @ ..] if !more.is_empty() => ("bench", Some(bench::run_with(more))),
        ["fuzz", ref more @ ..] if !more.is_empty() => ("fuzz", Some(fuzz::run_with(more))),
        ["integration", ref more @ ..] if !more.is_empty() => {
            ("integration", Some(integration::with(more)))
        }
        ["simulate", ref more @ ..] if !more.is_empty() => ("simulate", Some(simulate::with(more))),
        [name] => (name, verbs::find(name).map(|verb| (verb.run)())),
        _ => ("", None),
    };
    let Some(outcome) = outcome else {
        eprint!("`{}` is not a verb of xtask\n\n{}", words.join(" "), verbs::usage());
        return ExitCode::from(2);
    };

    match outcome {
        Ok(skips) => {
            for skip in skips {
                println!("{skip}");
            }
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("xtask {name}: {failure}");
            ExitCode::FAILURE
        }
    }
}
