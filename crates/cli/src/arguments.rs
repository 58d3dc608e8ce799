//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXIT_CODES: &str = "\
Exit codes: 0 it is done, 1 it failed, 2 the command line or the configuration is wrong,
            3 the daemon is not reachable";

/// Places, receives and steers phone calls, and keeps the state of every call true.
#[derive(Debug, Parser)]
#[command(
    name = "offhook",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = EXIT_CODES,
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Print JSON for machines; a failure, too, as one object with code, detail and exit_code
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Where the configuration and the daemon are.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// The configuration file [default: offhook.toml, if there is one]
    #[arg(long, global = true, env = "OFFHOOK_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The daemon's admin API [default: http:// and api.listen of the configuration]
    #[arg(long, global = true, env = "OFFHOOK_API_URL", value_name = "URL")]
    pub(crate) api: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the daemon
    Serve(Serve),
    /// Find everything that is wrong with the configuration, credentials, store and ports, and say
    /// what is to be set in the carrier's console; exit 2 if there are faults
    Check(Check),
    /// Run the carrier emulator
    Carrier(Carrier),
    /// Show what Offhook is for: a crash in mid-call, and what is left of it
    Demo(Demo),
    /// Place a call
    Call(Call),
    /// Look into webhooks
    #[command(subcommand)]
    Webhook(Webhook),
    /// Print the completions of a shell, to be put where it looks for them
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Say something in a call
    Speak {
        /// The call: our id, or the carrier's
        id: String,
        /// What to say
        text: String,
    },
    /// Say something in a call, and print what is answered; exit 1 if nothing is
    Ask(Ask),
    /// Press digits in a call
    Dtmf {
        /// The call: our id, or the carrier's
        id: String,
        /// 0-9, A-D, * and #; w waits half a second, W a whole one
        digits: String,
    },
    /// Hang up a call
    Hangup {
        /// The call: our id, or the carrier's
        id: String,
    },
    /// List calls
    Calls(Calls),
    /// Follow what happens, call by call, until it is interrupted
    Tail(Tail),
    /// Show a call and its timeline
    Show {
        /// The call: our id, or the carrier's
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Serve {}

#[derive(Debug, Args)]
pub(crate) struct Check {}

#[derive(Debug, Args)]
pub(crate) struct Carrier {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010")]
    pub(crate) listen: SocketAddr,
    /// Where webhooks of inbound calls go
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3334")]
    pub(crate) webhook_base: String,
    /// How much faster than life people speak and phones ring
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    pub(crate) speed: f64,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The provider to show [default: every one there is]
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// How much faster than life people speak and phones ring
    #[arg(long, default_value_t = 2.0, value_parser = speed)]
    pub(crate) speed: f64,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (0.1..=100.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.1 to 100".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Mode {
    /// Say the message and hang up when it was heard
    Notify,
    /// Say the message, and listen
    Conversation,
}

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// Who is called: a number in E.164, or a SIP URI
    pub(crate) to: String,
    /// The provider
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// Who calls
    #[arg(long, value_name = "NUMBER")]
    pub(crate) from: Option<String>,
    /// What is said first
    #[arg(long, value_name = "TEXT")]
    pub(crate) message: Option<String>,
    /// What the call is for
    #[arg(long)]
    pub(crate) mode: Option<Mode>,
    /// Wait until the call is over; exit 1 if nobody was reached
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The call: our id, or the carrier's
    pub(crate) id: String,
    /// What to ask
    pub(crate) text: String,
    /// How long to wait for the answer, such as 30s [default: limits.transcript_timeout]
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Begin behind the event with this id; 0 for all that is kept [default: from now on]
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Webhook {
    /// Say which check of a captured webhook's signature fails, and what was signed instead
    ///
    /// The capture is the request as it came over the wire: the request line, the headers, a
    /// blank line, and the body, with the line ends of either system. Content-Length tells where
    /// the body ends; without it, one line end behind the body is left out. Exit 0 if the
    /// signature is right, 1 if it is not.
    Explain(Explain),
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The captured request [default: standard input]
    pub(crate) file: Option<PathBuf>,
    /// The public URL by which the carrier reaches us [default: public_url of the configuration]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum State {
    /// Calls that are not over
    #[default]
    Live,
    /// Calls that are
    Ended,
    /// All
    All,
}

#[derive(Debug, Args)]
pub(crate) struct Calls {
    /// Which calls
    #[arg(long, default_value = "live")]
    pub(crate) state: State,
    /// How many at most
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
}
