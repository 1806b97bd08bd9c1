//! `pull`, `push`, `login`, `logout`: images and registries.

use clap::ValueEnum;

use super::Shell;
use crate::failure::{Failure, Outcome};

/// When an image is fetched.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum PullWhen {
    /// When it is not in the store.
    Missing,
    /// Whenever the registry has a newer one.
    Always,
    /// Never.
    Never,
}

/// Options of `buildc pull`.
#[derive(clap::Args, Debug)]
pub struct PullArgs {
    /// Print only the name
    #[arg(short, long)]
    quiet: bool,
    /// Platform to fetch, for example linux/arm64 [default: this machine's]
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<String>,
    /// Names
    #[arg(required = true, value_name = "NAME[:TAG|@DIGEST]")]
    images: Vec<String>,
}

/// Options of `buildc push`.
#[derive(clap::Args, Debug)]
pub struct PushArgs {
    /// Print only the digest
    #[arg(short, long)]
    quiet: bool,
    /// Names; an image is pushed under its name, so `buildc tag` it first
    #[arg(required = true, value_name = "NAME[:TAG]")]
    images: Vec<String>,
}

/// Options of `buildc login`.
#[derive(clap::Args, Debug)]
pub struct LoginArgs {
    /// User name
    #[arg(short, long, value_name = "NAME")]
    username: Option<String>,
    /// Password; --password-stdin keeps it out of the shell's history
    #[arg(short, long, value_name = "PASSWORD")]
    password: Option<String>,
    /// Read the password from standard input
    #[arg(long, conflicts_with = "password")]
    password_stdin: bool,
    /// Registry, for example registry.example.com:5000
    #[arg(default_value = "docker.io", value_name = "REGISTRY")]
    registry: String,
}

/// Options of `buildc logout`.
#[derive(clap::Args, Debug)]
pub struct LogoutArgs {
    /// Registry
    #[arg(default_value = "docker.io", value_name = "REGISTRY")]
    registry: String,
}

/// Fetches images.
pub fn pull(args: PullArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
/// Sends images.
pub fn push(args: PushArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
/// Checks credentials and keeps them.
pub fn login(args: LoginArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
/// Forgets credentials.
pub fn logout(args: LogoutArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
