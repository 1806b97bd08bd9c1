//! The command line: global options and the tree of commands. Each family's own options are beside its code.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::commands::{
    archive, build, cache, check, completions, container, copy, difference, enter, eval, exec, image, info,
    inspect, lock, logs, parse, plan, ps, registry, repl, run, space, volume, why,
};

const GLOBAL: &str = "Options of every command";

const AFTER_HELP: &str = "\
Examples:
  buildc build -t hello .             build ./Dockerfile and name the image
  buildc plan .                       show what a build would do, and why
  buildc run --rm -p 8080:80 hello    run it with a published port
  buildc run ./examples/node-hello    build a directory and run it
  buildc ps                           list running containers

`buildc COMMAND --help` explains each command. No daemon is needed, nor root.";

/// Builds container images and runs them.
#[derive(Parser, Debug)]
#[command(name = "buildc", version, about = "Builds container images and runs them", after_help = AFTER_HELP, max_term_width = 100, propagate_version = false)]
#[command(subcommand_required = true, arg_required_else_help = true, infer_subcommands = false)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

// Options that every command has.
#[derive(clap::Args, Debug, Clone)]
pub struct Global {
    /// Directory of the store [default: /var/lib/buildc for root, else $XDG_DATA_HOME/buildc]
    #[arg(long, global = true, value_name = "DIR", env = "BUILDC_ROOT", hide_env_values = true)]
    #[arg(help_heading = GLOBAL)]
    pub root: Option<PathBuf>,
    /// When to use colours: auto, always or never (NO_COLOR is honoured)
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    #[arg(hide_possible_values = true, help_heading = GLOBAL)]
    pub color: ColorChoice,
}

/// When to use colours.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColorChoice {
    /// On terminals.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a document is printed.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum TextOrJson {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The commands.
#[derive(Subcommand, Debug)]
// Only the options of the command that is asked for are made: those of all take half a millisecond. They are added after
// the description, which a doc comment on a structure of options would replace: those have plain comments.
#[command(defer = true)]
pub enum Verb {
    /// Build an image from a Dockerfile
    Build(Box<build::BuildArgs>),
    /// Build the targets of a bake file
    Bake(crate::commands::bake::BakeArgs),
    /// Show what a build would do and why, without doing it
    Plan(Box<plan::PlanArgs>),
    /// Pin what names, URLs and git refs mean now
    Lock(Box<lock::LockArgs>),
    /// Say what a build did with its steps, and why
    Why(why::WhyArgs),
    /// Open a shell in the state before or after a step
    Shell(enter::ShellArgs),
    /// Say what is unwise in a Dockerfile
    Check(Box<check::CheckArgs>),
    /// Show how a Dockerfile is read
    Parse(parse::ParseArgs),
    /// Run a command in a new container
    Run(Box<run::RunArgs>),
    /// Make a container without starting it
    Create(Box<run::CreateArgs>),
    /// Start stopped containers
    Start(container::StartArgs),
    /// Stop running containers
    Stop(container::StopArgs),
    /// Stop and start containers
    Restart(container::StopArgs),
    /// Send a signal to running containers
    Kill(container::KillArgs),
    /// Remove containers
    Rm(container::RmArgs),
    /// Wait until containers stop and print their exit codes
    Wait(container::NamesArgs),
    /// List containers
    Ps(ps::PsArgs),
    /// Give a container another name
    Rename(container::RenameArgs),
    /// Show where a container's ports are published
    Port(container::PortArgs),
    /// Show a container's processes
    Top(container::TopArgs),
    /// Show what a container wrote
    Logs(logs::LogsArgs),
    /// Run a command in a running container
    Exec(exec::ExecArgs),
    /// Copy files between a container, or a step of a build, and the host
    Cp(copy::CpArgs),
    /// Show everything known about containers, images or volumes
    Inspect(inspect::InspectArgs),
    /// List images
    Images(image::ImagesArgs),
    /// Give an image another name
    Tag(image::TagArgs),
    /// Remove images
    Rmi(image::RmiArgs),
    /// Compare two images
    Diff(difference::DiffArgs),
    /// Show where an image's bytes are
    Size(difference::SizeArgs),
    /// List builds, or show the instructions an image was made by
    History(image::HistoryArgs),
    /// Fetch images from a registry
    Pull(registry::PullArgs),
    /// Send images to a registry
    Push(registry::PushArgs),
    /// Log in to a registry
    Login(registry::LoginArgs),
    /// Log out from a registry
    Logout(registry::LogoutArgs),
    /// Read images from an archive or OCI layout
    Load(archive::LoadArgs),
    /// Write images to an archive
    Save(archive::SaveArgs),
    /// Make an image from the tar archive of a root file system
    Import(archive::ImportArgs),
    /// Manage named volumes
    #[command(subcommand)]
    Volume(volume::VolumeVerb),
    /// Manage the cache mounts of RUN instructions
    #[command(subcommand)]
    Cache(cache::CacheVerb),
    /// Show how the store is doing
    #[command(subcommand)]
    System(space::SystemVerb),
    /// Remove what is not needed any more: unnamed images, old build results, unused layers
    Prune(space::PruneArgs),
    /// Check the store, and with --repair drop what is damaged
    Fsck(space::FsckArgs),
    /// Evaluate a program in the build language
    Eval(Box<eval::EvalArgs>),
    /// Evaluate expressions of the build language as they are typed
    Repl(Box<repl::ReplArgs>),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Show versions
    Version(info::VersionArgs),
    /// Show what this machine allows and where things are kept
    Info(info::InfoArgs),
}
