//! The command line.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Places, receives and steers phone calls, and keeps the state of every call true.
#[derive(Debug, Parser)]
#[command(name = "offhook", version, propagate_version = true, after_help = FIRST_CALL)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Print JSON; a failure, too, as one object with code, detail and exit_code
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,
}

const EVERYWHERE: &str = "For every command";

const FIRST_CALL: &str = "\
A first call, with no account and no network:
  offhook serve
  offhook call +15550100001 --message \"Your parcel is at the door.\" --wait

Exit codes:
  0  it is done
  1  it failed
  2  the command line or the configuration is wrong
  3  the daemon is not reachable";

/// Where the configuration and the daemon are.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// The configuration file [default: offhook.toml]
    #[arg(
        long,
        global = true,
        env = "OFFHOOK_CONFIG",
        hide_env_values = true,
        value_name = "FILE",
        help_heading = EVERYWHERE
    )]
    pub(crate) config: Option<PathBuf>,
    /// The daemon's admin API [default: api.listen]
    #[arg(
        long,
        global = true,
        env = "OFFHOOK_API_URL",
        hide_env_values = true,
        value_name = "URL",
        help_heading = EVERYWHERE
    )]
    pub(crate) api: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the daemon
    #[command(after_help = DAEMON)]
    Serve(Serve),
    /// Find what is wrong with the set-up, and say what to set in the carrier's console
    #[command(after_help = CHECKED)]
    Check(Check),
    /// Run the carrier emulator
    #[command(after_help = EMULATED)]
    Carrier(Carrier),
    /// Show what Offhook is for: a crash in mid-call, and what is left of it
    Demo(Demo),
    /// Place a call
    #[command(after_help = PLACED)]
    Call(Call),
    /// Say something in a call
    Speak {
        /// The call: our id, or the carrier's
        id: String,
        /// What to say
        text: String,
    },
    /// Say something in a call, and print what is answered
    #[command(after_help = ASKED)]
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
    /// List calls, newest first
    Calls(Calls),
    /// Show a call and its timeline
    Show {
        /// The call: our id, or the carrier's
        id: String,
    },
    /// Follow what happens in all calls, until it is interrupted
    #[command(after_help = FOLLOWED)]
    Tail(Tail),
    /// Look into webhooks
    #[command(subcommand)]
    Webhook(Webhook),
    /// Print the completions of a shell
    #[command(after_help = COMPLETED)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

const DAEMON: &str = "\
Without a provider in the configuration the carrier is the built-in emulator, and no real call is
placed. An interrupt (or SIGTERM) ends the daemon; live calls go on at the carrier, and are taken
up at the next start.";

#[derive(Debug, Args)]
pub(crate) struct Serve {}

const CHECKED: &str = "\
Looks at the configuration, the shape of credentials, the store and the ports, all in one run.
Changes nothing, and may run beside the daemon.

Exit codes: 0 no fault (there may be warnings), 2 faults";

#[derive(Debug, Args)]
pub(crate) struct Check {}

const EMULATED: &str = "\
Who answers: +15550100001 says yes to every question, ...02 is busy, ...03 does not answer, ...04
fails, ...05 is an answering machine, ...06 hangs up in mid-sentence; all others listen.

Somebody calls us:
  curl -d '{\"from\": \"+15550100077\", \"to\": \"+15550100100\"}' http://127.0.0.1:4010/emulator/calls";

#[derive(Debug, Args)]
pub(crate) struct Carrier {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010")]
    pub(crate) listen: SocketAddr,
    /// Where webhooks of inbound calls go
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3334")]
    pub(crate) webhook_base: String,
    /// How much faster than life people speak and phones ring
    #[arg(long, value_name = "TIMES", default_value_t = 1.0, value_parser = speed)]
    pub(crate) speed: f64,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The provider to show [default: every one there is]
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// How much faster than life people speak and phones ring
    #[arg(long, value_name = "TIMES", default_value_t = 2.0, value_parser = speed)]
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
    Notify,
    Conversation,
}

const PLACED: &str = "\
Returns when the carrier has the call, and prints its id. With --wait it returns when the call is
over, whatever becomes of the daemon meanwhile, and exits 1 if nobody was reached (busy, no answer,
failed). When the message was heard, mode notify hangs up, and mode conversation listens.

  offhook call +15550001234 --message \"Your parcel is at the door.\" --wait
  offhook call +15550001234 --mode conversation --message \"Hello, who is there?\"";

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// Who is called: a number in E.164, or a SIP URI
    pub(crate) to: String,
    /// The provider [default: provider of the configuration]
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// Who calls [default: from_number of the configuration]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) from: Option<String>,
    /// What is said first
    #[arg(long, value_name = "TEXT")]
    pub(crate) message: Option<String>,
    /// notify or conversation [default: outbound.mode]
    #[arg(long, hide_possible_values = true)]
    pub(crate) mode: Option<Mode>,
    /// Wait until the call is over
    #[arg(long)]
    pub(crate) wait: bool,
}

const ASKED: &str = "\
Exits 1 if nothing is said in time, if the call ends, or if something else is said or asked before.

  offhook ask ID \"Is tomorrow at nine all right?\" --timeout 20s
  offhook ask ID \"Please enter your PIN.\" --input digits --max-digits 4";

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Input {
    Speech,
    Digits,
    SpeechOrDigits,
}

impl Input {
    /// The word for it in the API.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Speech => "speech",
            Self::Digits => "digits",
            Self::SpeechOrDigits => "speech_or_digits",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The call: our id, or the carrier's
    pub(crate) id: String,
    /// What to ask
    pub(crate) text: String,
    /// How long to wait, such as 30s [default: limits.transcript_timeout]
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
    /// speech, digits or speech-or-digits [default: speech]
    #[arg(long, hide_possible_values = true)]
    pub(crate) input: Option<Input>,
    /// With this many digits an entry is complete, 1 to 32 [default: 32]
    #[arg(long, value_name = "N", requires = "input")]
    pub(crate) max_digits: Option<u8>,
    // No doc comment: rustdoc would take what stands in the brackets for a link.
    #[arg(
        long,
        value_name = "KEY",
        requires = "input",
        help = "The key that completes an entry [default: #]"
    )]
    pub(crate) finish_on_key: Option<char>,
}

const FOLLOWED: &str = "\
One line per event: its id, the time of day (UTC), the time since the first line of its call, the
call, and what happened. It goes on over restarts of the daemon, and misses nothing.

  offhook tail --after 0            # from the beginning of what is kept
  offhook tail --json | jq .kind";

#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Begin behind this event; 0 for all that is kept [default: from now on]
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Webhook {
    /// Say which check of a captured webhook's signature fails, and what was signed instead
    #[command(after_help = CAPTURED)]
    Explain(Explain),
}

const CAPTURED: &str = "\
The capture is the request as it came over the wire: the request line, the headers, a blank line,
and the body, with the line ends of either system. Content-Length tells where the body ends; without
it, one line end behind the body is left out. No key and no signature is printed.

  offhook webhook explain refused.http
  offhook webhook explain refused.http --url https://voice.example.com

Exit codes: 0 the signature is right, 1 it is not, 2 it cannot be checked";

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The captured request [default: standard input]
    pub(crate) file: Option<PathBuf>,
    /// The public URL by which the carrier reaches us [default: public_url]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
}

const COMPLETED: &str = "\
To be put where the shell looks for them:
  offhook completions bash > ~/.local/share/bash-completion/completions/offhook
  offhook completions zsh > \"${fpath[1]}/_offhook\"
  offhook completions fish > ~/.config/fish/completions/offhook.fish";

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum State {
    /// Those that are not over
    #[default]
    Live,
    /// Of these, those that wait for their turn to be dialled
    Queued,
    /// Those that are over
    Ended,
    All,
}

#[derive(Debug, Args)]
pub(crate) struct Calls {
    /// Which calls
    #[arg(long, default_value = "live")]
    pub(crate) state: State,
    /// How many at most
    #[arg(long, value_name = "COUNT", default_value = "50")]
    pub(crate) limit: NonZeroUsize,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// A terminal's width, which the help is not wrapped to: it must fit by itself.
    const WIDTH: usize = 100;

    fn too_wide(command: &mut clap::Command) -> Vec<String> {
        let help = command.render_help().to_string();
        let lines = help.lines().filter(|line| line.chars().count() > WIDTH);
        let mut found: Vec<String> = lines.map(str::to_owned).collect();
        found.extend(command.get_subcommands_mut().flat_map(too_wide));
        found
    }

    #[test]
    fn every_help_fits_into_a_terminal() {
        let mut command = Arguments::command();
        command.build();
        assert_eq!(too_wide(&mut command), [""; 0]);
    }
}
