//! How fast the product is, beside what it could be: `cargo xtask bench`.
//!
//! A figure alone says more about the machine than about us. So each benchmark measures two sides
//! in turns in the same run, and its result is their ratio. Nothing here passes or fails by time.
//! A benchmark gives its figures as values; what is made of them is [`report`]'s.

mod attack;
mod carrier;
mod figures;
mod report;
mod retention;
mod scale;
mod verify;
mod wanted;
mod webhooks;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use offhook_manager::{Clock, SystemClock};
use report::Run;
use wanted::{Part, Wanted};

/// As in the daemon; both sides of each comparison have it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let result = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // What `attack` attacks.
        ["daemon", folder] => attack::serve(Path::new(folder)),
        // What the benchmarks of many calls measure.
        ["daemon-of-many", folder, start] => scale::serve(Path::new(folder), start),
        ["webhooks", "ours"] => webhooks::ours("twilio"),
        ["webhooks", "ours", carrier] => webhooks::ours(carrier),
        ref words => match Wanted::parse(words) {
            Some(wanted) => run(&wanted),
            None => {
                eprintln!("{}", wanted::USAGE);
                return ExitCode::from(2);
            }
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("offhook-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(wanted: &Wanted) -> Result<(), Box<dyn Error>> {
    // First, since a file that cannot be read is better known before the minutes than after them.
    let before = wanted.compare.as_deref().map(report::load).transpose()?;
    let mut figures = Vec::new();
    for part in &wanted.parts {
        figures.extend(match part {
            Part::Verify => verify::run()?,
            Part::Webhooks => webhooks::run()?,
            Part::Attack => attack::run()?,
            Part::Retention => retention::run()?,
            Part::Flat => scale::flat::run()?,
            Part::Restart => scale::restart::run()?,
            Part::Memory => scale::memory::run()?,
        });
    }
    let now = SystemClock.now();
    let run = Run::of(now.to_string(), report::present_commit(), report::machine()?, figures);
    print!("\nall figures\n{}", report::table(&run.figures));
    if let Some(before) = before {
        print!("\n{}", report::comparison(&before, &run));
    }
    let path = wanted.save.clone().map_or_else(|| report::default_path(now), Ok)?;
    report::save(&run, &path)?;
    println!("\nsaved as {}", path.display());
    Ok(())
}
