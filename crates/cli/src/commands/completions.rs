//! `offhook completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(shell: Shell) -> Result<(), Failure> {
    // Not straight to the standard output: it would panic where nobody reads on.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "offhook", &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end())
}
