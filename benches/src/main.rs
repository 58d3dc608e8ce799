//! How fast the product is, beside what it could be: `cargo xtask bench`.
//!
//! A figure alone says more about the machine than about us. So each benchmark measures two sides
//! in turns in the same run, and its result is their ratio. Nothing here passes or fails by time.

mod attack;
mod carrier;
mod figures;
mod verify;
mod webhooks;

use std::path::Path;
use std::process::ExitCode;

/// As in the daemon; both sides of each comparison have it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let result = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => verify::run().and_then(|()| webhooks::run()).and_then(|()| attack::run()),
        ["attack"] => attack::run(),
        // What `attack` attacks.
        ["daemon", folder] => attack::serve(Path::new(folder)),
        ["verify"] => verify::run(),
        ["webhooks"] => webhooks::run(),
        ["webhooks", "ours"] => webhooks::ours(),
        _ => {
            eprintln!("usage: offhook-bench [verify | webhooks [ours] | attack]");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("offhook-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
