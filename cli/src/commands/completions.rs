//! `buildc completions`: scripts for shells, made by clap_complete from the command tree.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::Outcome;
use crate::output;

const AFTER_HELP: &str = "\
Examples:
  buildc completions bash > ~/.local/share/bash-completion/completions/buildc
  buildc completions zsh  > ~/.zfunc/_buildc
  buildc completions fish > ~/.config/fish/completions/buildc.fish";

// Options of `buildc completions`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub fn run(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "buildc", &mut script);
    output::data(&String::from_utf8_lossy(&script))?;
    Ok(0)
}
