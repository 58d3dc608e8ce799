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
mod graph;
mod install;
mod integration;
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
    let run = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["help" | "--help" | "-h"] => {
            print!("{}", verbs::usage());
            return ExitCode::SUCCESS;
        }
        // The one verb that is asked for more than its name.
        ["simulate", ref more @ ..] if !more.is_empty() => Some(simulate::with(more)),
        [name] => verbs::find(name).map(|verb| (verb.run)()),
        _ => None,
    };
    let Some(outcome) = run else {
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
            eprintln!("xtask {}: {failure}", words.join(" "));
            ExitCode::FAILURE
        }
    }
}
