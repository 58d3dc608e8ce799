//! `offhook`: the daemon, its command line, and the carrier emulator.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod client;
mod commands;
mod config;
mod demo;
mod failure;
mod logging;
mod output;
mod refusal;
mod report;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command, Webhook};
use failure::Failure;

/// A webhook's parts live for a millisecond and often die on another thread than the one that made
/// them: the system's allocator spends a tenth of the daemon's time on that, this one a third of
/// it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return not_understood(&error),
    };
    let json = arguments.json;
    // The store's threads report by the queue that all workers share: seldom looked at, it would
    // let a commit that is done wait behind sixty other tasks.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().global_queue_interval(2).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(format_args!("the runtime cannot be started: {error}"));
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}

/// Also the way of help and of the version, which are no failures.
fn not_understood(error: &clap::Error) -> ExitCode {
    // It knows where its words go, and whether in colour. Nobody is left to be told that it cannot.
    let _ = error.print();
    let is_asked_for =
        std::env::args_os().take_while(|word| word != "--").any(|word| word == "--json");
    if error.use_stderr() && is_asked_for {
        let text = error.render().to_string();
        // Behind the first paragraph stand tips and the usage.
        let what = text.split("\n\n").next().unwrap_or_default();
        let what = what.strip_prefix("error: ").unwrap_or(what);
        Failure::Usage(what.to_owned()).tell_machines();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { command, connection, json } = arguments;
    match command {
        Command::Serve(serve) => commands::serve::run(serve, &connection, json).await,
        Command::Check(_) => commands::check::run(&connection, json).await,
        Command::Carrier(carrier) => commands::carrier::run(carrier, json).await,
        Command::Demo(demo) => demo::run(demo, json).await,
        Command::Call(call) => commands::call::run(call, &connection, json).await,
        Command::Speak { id, text } => commands::steer::speak(&id, &text, &connection, json).await,
        Command::Ask(ask) => commands::steer::ask(&ask, &connection, json).await,
        Command::Dtmf { id, digits } => {
            commands::steer::dtmf(&id, &digits, &connection, json).await
        }
        Command::Tail(tail) => commands::tail::run(&tail, &connection, json).await,
        Command::Hangup { id } => commands::calls::hangup(&id, &connection, json).await,
        Command::Completions { shell } => commands::completions::run(shell),
        Command::Webhook(Webhook::Explain(explain)) => {
            commands::webhook::explain(&explain, &connection, json)
        }
        Command::Calls(list) => commands::calls::list(list, &connection, json).await,
        Command::Show { id } => commands::show::run(&id, &connection, json).await,
    }
}
