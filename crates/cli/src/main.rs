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

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command, Webhook};
use failure::Failure;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(format_args!("the runtime cannot be started: {error}"));
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
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
